//! What the checks of the data found, in words.

use super::naming;
use crate::report::calendar::Calendar;
use crate::report::number::{count, counted};
use trialbook_analysis::{
    CopiesOfArm, CopiesProblem, IdProblem, IdsMeet, QualityCheck, QualityDetail, QualityKind, Spelling,
    SplitArm,
};

/// Returns what a check found, as a fragment with its numbers.
pub(super) fn found(check: &QualityCheck, calendar: &Calendar) -> String {
    let source = check.source.as_ref().map_or("the source".to_owned(), |key| format!("source {key}"));
    detail(&check.detail, check.kind, &source, calendar)
}

/// Returns what a check of a source found.
pub(super) fn detail(detail: &QualityDetail, kind: QualityKind, source: &str, calendar: &Calendar) -> String {
    match detail {
        QualityDetail::Split { arms } => split(arms),
        QualityDetail::NotTested { cause } => cause.clone(),
        QualityDetail::NoUnits => "there are no units yet".to_owned(),
        QualityDetail::NoArms => "there are no arms".to_owned(),
        QualityDetail::LeftOut { units, of } => {
            let were = if *units == 1 { "was" } else { "were" };
            let what = match kind {
                QualityKind::InTwoVariants => "seen in two variants",
                _ => "first exposed outside the schedule",
            };
            format!("{} of {} {were} {what} and left out", counted(*units, "unit", "units"), count(*of))
        }
        QualityDetail::Fewest { variant, units, needed, others } => {
            let asked = format!("the policy asks for {} per variant", count(*needed));
            if *units > 0 {
                return format!("{variant} has {}; {asked}", counted(*units, "unit", "units"));
            }
            let others: Vec<_> =
                others.iter().map(|(variant, units)| format!("{variant} {}", count(*units))).collect();
            let seen =
                if others.is_empty() { String::new() } else { format!(" (units: {})", others.join(", ")) };
            format!("no unit was exposed to {variant}{seen}; {asked}")
        }
        QualityDetail::UnknownVariant { units } => {
            let were = if *units == 1 { "was" } else { "were" };
            format!(
                "{} {were} exposed to a variant that the experiment does not have",
                counted(*units, "unit", "units")
            )
        }
        QualityDetail::UnreadVersions { dimension, units, of } => format!(
            "{} of {} have a value of {dimension} that is no version, and count as without one wherever the book compares \
             versions",
            count(*units),
            counted(*of, "unit", "units")
        ),
        QualityDetail::Unmeasurable { metric, cause } => {
            format!("{} cannot be measured: {cause}", naming::words(metric))
        }
        QualityDetail::Unreadable { cause } => format!("{source} cannot be read: {cause}"),
        QualityDetail::NoRows { complete: true } => {
            format!("{source} is declared complete and has no row at all")
        }
        QualityDetail::NoRows { complete: false } => format!("{source} has no rows before the watermark"),
        QualityDetail::EndsEarly { until, needed } => format!(
            "{source} ends on {}, but is needed to {}: its data are late, or nothing happened since then; where that is \
             so, declare `complete: true` in the source",
            calendar.instant(*until),
            calendar.instant(*needed)
        ),
        QualityDetail::QuietSince { until } => {
            format!("{source} is declared complete, so nothing happened since {}", calendar.instant(*until))
        }
        QualityDetail::Reaches { until } => format!("{source} reaches {}", calendar.instant(*until)),
        QualityDetail::UnusableRows { rows, of, without_unit } => {
            let without = if *without_unit { "unit or a time" } else { "time" };
            format!(
                "{source} has {} of {} without a {without}; they are left out",
                count(*rows),
                counted(*of, "row", "rows")
            )
        }
        QualityDetail::DeclaredDays
        | QualityDetail::Midnights { .. }
        | QualityDetail::OneTimeOfDay { .. }
        | QualityDetail::SomeMidnights { .. } => days(detail, source),
        QualityDetail::Ids(ids) => meet(ids, source),
        QualityDetail::Copies { copies, rows, by_key, arms, problem } => {
            let arms = list_of(arms);
            let (copies, rows) = (count(*copies), counted(*rows, "row", "rows"));
            if *by_key {
                return format!(
                    "{copies} of {rows} of {source} have a key that came before and do not count ({arms})"
                );
            }
            let plain =
                format!("{copies} of {rows} of {source} near the units are identical to another ({arms})");
            with_problem(&plain, *problem)
        }
        QualityDetail::NoMatch { metric, rows, filter } => format!(
            "none of the {} of {source} fulfils the `where` of {}, `{filter}`: compare its columns and values with the data",
            counted(*rows, "row", "rows"),
            naming::words(metric)
        ),
    }
}

/// Writes the split in numbers: `control 91 020, bold 88 104: 50.8 : 49.2 instead of 50.0 : 50.0`.
pub(super) fn split(arms: &[SplitArm]) -> String {
    let total: u64 = arms.iter().map(|arm| arm.units).sum();
    let percent = |share: f64| format!("{:.1}", 100.0 * share);
    let join = |parts: Vec<String>| parts.join(" : ");
    let names: Vec<_> = arms.iter().map(|arm| format!("{} {}", arm.variant, count(arm.units))).collect();
    let found = arms.iter().map(|arm| percent(arm.units as f64 / total.max(1) as f64)).collect();
    let planned = arms.iter().map(|arm| percent(arm.share.fraction())).collect();
    format!("{}: {} instead of {}", names.join(", "), join(found), join(planned))
}

/// Writes what is known of times that are days.
fn days(detail: &QualityDetail, source: &str) -> String {
    let advice = "declare `granularity: day` in the source";
    match detail {
        QualityDetail::Midnights { rows, zone } => {
            let zone_advice = if zone == "UTC" { String::new() } else { format!(" and `timezone: {zone}`") };
            format!(
                "each of the {} in {source} is a midnight ({zone}): they are days, and what happens on the day of an \
                 exposure would count as before it; {advice}{zone_advice}",
                counted(*rows, "time", "times")
            )
        }
        QualityDetail::OneTimeOfDay { rows, minutes, instants } => {
            let times = counted(*rows, "time", "times");
            let sentence = format!(
                "each of the {times} in {source} has the same time of day, {:02}:{:02} UTC",
                minutes / 60,
                minutes % 60
            );
            if *instants {
                format!("{sentence}; the source declares that they are instants")
            } else {
                format!(
                    "{sentence}: they look like days of another time zone; {advice}, and its `timezone`, or `granularity: instant` \
                     where everything really happens at that time"
                )
            }
        }
        QualityDetail::SomeMidnights { midnights, rows } => format!(
            "{} of the {} in {source} are midnights: some of its rows seem to have days for times, which count as before \
             an exposure on that day",
            count(*midnights),
            counted(*rows, "time", "times")
        ),
        _ => format!(
            "the times of {source} are days, so the day of a unit's exposure counts as after it: what happened earlier on \
             that day is in the outcome, which makes effects look smaller, and never in the covariate"
        ),
    }
}

/// Writes how the units of facts and exposures meet.
fn meet(ids: &IdsMeet, source: &str) -> String {
    let shares = format!(
        "{} of the {} with a row in {source} were exposed, which is {} of the {} exposed units",
        count(ids.met),
        counted(ids.in_source, "unit", "units"),
        share(ids.met as f64 / ids.exposed.max(1) as f64),
        count(ids.exposed)
    );
    let Some(problem) = &ids.problem else { return shares };
    let how = |spelling: &Option<Spelling>| {
        spelling.as_ref().map_or("they are written differently".to_owned(), spelled)
    };
    match problem {
        IdProblem::Respelled { units, spelling } => format!(
            "{shares}; {} more exposed units have rows under another spelling of their id: {}. Write ids alike on both \
             sides, with `sql:` in the source if need be",
            count(*units),
            how(spelling)
        ),
        IdProblem::Affixed { spelling } => format!("{shares}; the ids differ: {}", spelled(spelling)),
        IdProblem::OtherKind => format!(
            "{shares}; the ids seem to be of another kind: check the column of the entity in the source"
        ),
        IdProblem::Mixed { units, spelling } => format!(
            "{shares}; {} of them also have rows under another spelling of their id, which do not count: {}",
            count(*units),
            how(spelling)
        ),
        IdProblem::NoneMet => format!("{shares}: check that both sides write the same ids"),
    }
}

/// Writes how ids differ.
fn spelled(spelling: &Spelling) -> String {
    match spelling {
        Spelling::LetterCase => "capital and small letters differ".to_owned(),
        Spelling::Around => "one side has spaces, quotes or braces around them".to_owned(),
        Spelling::LeadingZeros => "one side has zeros before them".to_owned(),
        Spelling::Fraction => "one side has them as fractions, such as `7.0`".to_owned(),
        Spelling::Hyphens => "one side has hyphens in them".to_owned(),
        Spelling::Prefix { text } => format!("one side has a prefix, `{text}`"),
        Spelling::Suffix { text } => format!("one side has a suffix, `{text}`"),
        Spelling::Several => "they differ in several ways".to_owned(),
    }
}

/// Writes a share of units with two digits that count.
fn share(share: f64) -> String {
    let percent = 100.0 * share;
    if percent >= 10.0 || percent == 0.0 { format!("{percent:.0}%") } else { format!("{percent:.2}%") }
}

fn list_of(arms: &[CopiesOfArm]) -> String {
    let each = |arm: &CopiesOfArm| format!("{} {} of {}", arm.variant, count(arm.copies), count(arm.rows));
    arms.iter().map(each).collect::<Vec<_>>().join(", ")
}

fn with_problem(plain: &str, problem: Option<CopiesProblem>) -> String {
    let advice = "declare the columns that identify a row with `key:` in the source, or remove the copies";
    match problem {
        None => plain.to_owned(),
        Some(CopiesProblem::Uneven) => {
            format!("{plain}, and the arms differ in that by more than chance; {advice}")
        }
        Some(CopiesProblem::MovesVerdict) => {
            format!("{plain}, and without them the verdict would be another; {advice}")
        }
        Some(CopiesProblem::Many) => {
            format!("{plain}, which is too many for a number to mean anything; {advice}")
        }
        Some(CopiesProblem::Some) => format!("{plain}; {advice}"),
    }
}
