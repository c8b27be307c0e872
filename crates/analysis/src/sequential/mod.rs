//! Experiments that may be decided at several looks.
//!
//! Looks are a function of the plan and the data: each run goes over all of them up to its watermark, as a run at that time
//! would have seen them. The first look at which the rule ships a treatment or rolls it back decides; what comes later
//! changes nothing.

mod course;
mod test;

use std::cell::RefCell;

use super::analyse::Judged;
use super::estimate::{Analysed, Bench};
use super::outcome::Role;
use super::quality;
use super::work::Work;
use course::Course;
use jiff::Timestamp;
use trialbook_decision::{self as decision, Case, Ground, Need, QualityCheck, Stage, Verdict, VerdictKind};
use trialbook_model::{Metric, VariantKey};
use trialbook_stats::decision_rule::DecisionLevels;
use trialbook_stats::sequential::Designs;

/// A treatment over the looks.
struct Treatment<'a> {
    key: &'a VariantKey,
    /// Its metrics, in the order of the plan.
    courses: Vec<Course<'a>>,
}

impl Treatment<'_> {
    fn findings(&self, deciding: usize, place: usize) -> Vec<decision::MetricFinding> {
        self.courses.iter().take(deciding).map(|course| course.finding(place)).collect()
    }
}

/// Where a treatment stands at the watermark.
struct Standing {
    verdict: Verdict,
    /// The look that decided, where one has.
    decided: Option<usize>,
}

/// What is judged, with what it is judged by.
struct Looking<'w, 'a> {
    work: &'w Work<'a>,
    levels: Result<&'w DecisionLevels, decision::NoLevels>,
    /// The checks of the data at each look.
    quality: Vec<Vec<QualityCheck>>,
    /// Those at the watermark.
    now: &'w [QualityCheck],
    /// How many of the metrics decide; they come first.
    deciding: usize,
    need: Need,
}

/// Judges every treatment at its looks; `now` are the checks of the data at the watermark.
pub(super) fn judged<'a>(work: &Work<'a>, now: &[QualityCheck]) -> Judged<'a> {
    let levels = work.levels();
    let levels = levels.as_ref().map_err(|error| error.code());
    let metrics = metrics(work);
    let decided_on = work.book.matured_at(work.experiment);
    let looking = Looking {
        work,
        levels,
        quality: work.looks().iter().map(|look| quality::checks(&work.at_look(look), levels.ok())).collect(),
        now,
        deciding: metrics.iter().filter(|(_, role)| !matches!(role, Role::Exploratory)).count(),
        need: super::horizon::need(work, work.exposures.overall.analysed(), decided_on),
    };
    let designs = RefCell::new(Designs::default());
    let treatments = work.experiment.treatments().map(|key| {
        let course = |(metric, role): &(&'a Metric, Role)| {
            Course::new(work, Bench::of(work, metric, *role, levels.ok()), key, &designs)
        };
        Treatment { key, courses: metrics.iter().map(course).collect() }
    });
    let treatments: Vec<Treatment<'_>> = treatments.collect();
    let standings: Vec<Standing> = treatments.iter().map(|treatment| looking.standing(treatment)).collect();
    let latest = work.looks().len().checked_sub(1);
    let shown: Vec<Option<usize>> = standings.iter().map(|standing| standing.decided.or(latest)).collect();
    let look = standings.iter().map(|standing| standing.decided).collect::<Option<Vec<_>>>();
    let look = look.and_then(|looks| looks.into_iter().max());
    let at = look.and_then(|place| work.looks().get(place)).map_or(*work, |look| work.at_look(look));
    let mut analysed = Analysed::default();
    for (place, (metric, role)) in metrics.iter().enumerate() {
        let comparisons =
            treatments.iter().zip(&shown).zip(&standings).filter_map(|((treatment, shown), standing)| {
                let course = treatment.courses.get(place)?;
                let last = standing.decided.is_some() || !work.is_open();
                Some(course.comparison(shown.unwrap_or(0), last))
            });
        let comparisons = comparisons.collect();
        let measured = look.or(latest).and_then(|place| work.looks().get(place));
        let measured =
            measured.and_then(|look| work.measured_at(look, metric)).or_else(|| work.measured(&metric.key));
        analysed.push(&at, metric, *role, comparisons, measured, true);
    }
    analysed.explore(work);
    Judged { analysed, verdicts: standings.into_iter().map(|standing| standing.verdict).collect(), look }
}

/// Returns the metrics of the plan with their roles: those that decide first.
fn metrics<'a>(work: &Work<'a>) -> Vec<(&'a Metric, Role)> {
    let roles = super::estimate::roles(&work.experiment.metrics);
    roles.filter_map(|(key, role)| Some((work.book.metrics.get(key)?, role))).collect()
}

impl Looking<'_, '_> {
    fn standing(&self, treatment: &Treatment<'_>) -> Standing {
        let horizon = self.work.book.matured_at(self.work.experiment);
        let looks = self.work.looks();
        for (place, (look, checks)) in looks.iter().zip(&self.quality).enumerate() {
            let last = look.at >= horizon;
            let stage = if last {
                Stage::Final
            } else {
                Stage::Look { need: self.need, may_ship: self.lasted(look.at) }
            };
            let mut verdict = self.verdict(treatment, place, checks, stage);
            if last {
                return Standing { verdict, decided: Some(place) };
            }
            if matches!(verdict.kind, VerdictKind::Ship | VerdictKind::RollBack) {
                verdict.reasons.push(Ground::StoppedAtLook { at: look.at, last: horizon });
                return Standing { verdict, decided: Some(place) };
            }
        }
        let start = self.work.experiment.schedule.start();
        let stage = if self.work.as_of <= start {
            Stage::NotStarted { start }
        } else if let Some(decided) = self.work.decided_early() {
            Stage::DecidedEarly { decided, horizon }
        } else {
            Stage::Look { need: self.need, may_ship: false }
        };
        let place = looks.len().saturating_sub(1);
        Standing { verdict: self.verdict(treatment, place, self.now, stage), decided: None }
    }

    /// Tells whether enrolment had lasted as long as the plan asks for, in the data of a look.
    fn lasted(&self, look: Timestamp) -> bool {
        let experiment = self.work.experiment;
        let enrolled =
            experiment.analysis.min_duration.after_in(experiment.schedule.start(), self.work.timezone);
        look >= self.work.book.longest_deciding_window(experiment).after(enrolled)
    }

    fn verdict(
        &self,
        treatment: &Treatment<'_>,
        place: usize,
        quality: &[QualityCheck],
        stage: Stage,
    ) -> Verdict {
        decision::verdict(&Case {
            treatment: treatment.key,
            metrics: treatment.findings(self.deciding, place),
            quality,
            levels: self.levels,
            stage,
            plan_is_untrusted: self.work.preregistration().status.is_untrusted(),
        })
    }
}
