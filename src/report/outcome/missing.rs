//! Why there is no number, in words.

use super::quality;
use crate::report::calendar::Calendar;
use crate::report::number::{counted, significant};
use trialbook_analysis::{NotMeasured, WhyNot};

/// Returns why there is no number, as a fragment.
pub(super) fn reason(why: &NotMeasured, calendar: &Calendar) -> String {
    match &why.detail {
        WhyNot::BeforeHorizon => "the plan allows no look at effects yet".to_owned(),
        WhyNot::DecidedEarly => "it was decided before the plan allowed a look at effects".to_owned(),
        WhyNot::OpenWindow => {
            "its window stays open, so that what a unit counts for would change from look to look".to_owned()
        }
        WhyNot::BeforeFirstLook => "the first look is still to come".to_owned(),
        WhyNot::FewClosedWindows => "too few units have a window that has closed".to_owned(),
        WhyNot::NothingSpent => "so early that no effect, however large, would be significant".to_owned(),
        WhyNot::NothingRead => "nothing was read".to_owned(),
        WhyNot::NoDenominator { variant } => format!("the denominator of {variant} was not read"),
        WhyNot::NoLevel => "the plan's error rates do not give the test a level".to_owned(),
        WhyNot::EmptyArm { variant } => format!("{variant} has no units"),
        WhyNot::UnusableRows { rows } => {
            let have = if *rows == 1 { "has" } else { "have" };
            format!("{} before exposure {have} no finite number as measure", counted(*rows, "row", "rows"))
        }
        WhyNot::FewEvents { needed } => {
            format!(
                "an arm has fewer than {} with an event, or without one",
                counted(*needed, "unit", "units")
            )
        }
        WhyNot::FewValues { units } => {
            let have = if *units == 1 { "has" } else { "have" };
            format!(
                "only {} {have} a value other than 0, which is too few to know how values differ; measure how many units \
                 have one, with `type: proportion`",
                counted(*units, "unit", "units")
            )
        }
        WhyNot::NoShare { setting, mean, standard_error } => {
            let mean = significant(*mean, 3);
            let mean = match standard_error {
                None => format!("the control mean is below zero ({mean})"),
                Some(error) => format!(
                    "the control mean may be above or below zero ({mean}, standard error {})",
                    significant(*error, 3)
                ),
            };
            format!("{mean}, so that a share of it is no {setting}; declare `{setting}: {{absolute: …}}`")
        }
        WhyNot::Check { kind, source, detail } => {
            quality::detail(detail, *kind, &format!("source {source}"), calendar)
        }
        WhyNot::Refused { cause } => cause.clone(),
    }
}
