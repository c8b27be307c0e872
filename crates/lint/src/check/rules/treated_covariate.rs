//! A covariate that is measured while an earlier experiment treated the same units.

use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::{Experiment, Flag, Kind};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "treated-covariate",
    Severity::Warning,
    "crates/lint/src/check/rules/treated_covariate.md",
    include_str!("treated_covariate.md"),
    &[Each::Flag(check)],
);

fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let experiments: Vec<&Experiment> = context.book.experiments_of(&flag.key).collect();
    for later in experiments.iter().filter(|experiment| context.undecided(experiment)) {
        if !later.analysis.adjust {
            continue;
        }
        let start = later.schedule.start();
        // The latest that ended: the others ended further away.
        let earlier = experiments
            .iter()
            .filter(|other| other.key != later.key && other.schedule.start() < start)
            .filter_map(|other| Some((*other, context.book.serving_window(other)?.end())))
            .filter(|(_, until)| *until <= start)
            .max_by_key(|(_, until)| *until);
        let Some((earlier, until)) = earlier else { continue };
        let reaches = |key: &&trialbook_model::MetricKey| {
            let before = context.book.metrics.get(*key).and_then(|metric| metric.covariate);
            before.is_some_and(|before| before.after(until) > start)
        };
        let Some(metric) = later.metrics.all().find(reaches) else { continue };
        let message = format!(
            "the covariate of `{metric}` reaches into experiment `{}`, which was served until {}",
            earlier.key,
            context.date(until)
        );
        let finding =
            RULE.finding(context, message, (Kind::Experiment, &later.key, "/schedule/start")).label(format!(
                "units that enter on {} were treated by the other one before",
                context.date(start)
            ));
        let finding =
            context.relate(finding, (Kind::Metric, metric, "/covariate"), "measured this long before");
        found.push(finding.help(format!(
            "start `{}` later, or write `analysis: {{adjust: false}}`; the estimate stays right, but the covariate carries the \
             other one's effect and reduces less variance",
            later.key
        )));
    }
}
