//! What is known of an experiment: its plan, its looks, its history.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;

use super::{Files, Sources};
use crate::app::status::{ExperimentStatus, LaunchRecord, TreatmentVerdict};
use trialbook_analysis::{Judgement, Lift, MetricResult, Outcome, Role};
use trialbook_history::Described;
use trialbook_model::targeting::{remainder, share};
use trialbook_model::{
    Book, Direction, Experiment, ForcedVariant, Kind, MetricKey, PlanChange, Predicate, VariantKey,
};

/// What is known of an experiment.
#[derive(Debug, Serialize)]
pub struct ExperimentPage<'a> {
    /// What it is doing.
    pub status: ExperimentStatus,
    /// Its plan, with every default written out.
    pub plan: &'a Experiment,
    /// The part of its audience that overrides for segments, the flag's rules and holdouts leave to it, between 0 and 1; `None` where
    /// nothing comes first, or attributes do not declare their shares.
    pub left: Option<f64>,
    /// Its file, from the book's folder.
    pub file: Option<&'a str>,
    /// The commits that touched the file, the newest first.
    pub history: Vec<Described>,
    /// What was seen of it, the oldest first.
    pub looks: Vec<Look>,
    /// How its plan differs from the one that was launched, as of the last look.
    pub changes: Vec<PlanChange>,
    /// The last outcome.
    #[serde(skip)]
    pub outcome: Option<&'a Outcome>,
}

/// One look at the data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Look {
    /// The watermark.
    pub as_of: Timestamp,
    /// The analysed units of all arms.
    pub units: u64,
    /// The verdict on each treatment.
    pub verdicts: Vec<TreatmentVerdict>,
    /// The metrics that have a number, those that decide first.
    pub metrics: Vec<MetricLook>,
}

/// A metric at one look, for one treatment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricLook {
    /// Which.
    pub metric: MetricKey,
    /// Whether it decides.
    pub decides: bool,
    /// The treatment that is compared with the control.
    pub treatment: VariantKey,
    /// How it moved, relative to the control.
    pub movement: Movement,
    /// What the tests show.
    pub judgement: Judgement,
}

/// A relative change with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Movement {
    /// 0.02 is two per cent more than the control.
    pub lift: f64,
    /// The lower end of the interval.
    pub lower: f64,
    /// The upper end of the interval.
    pub upper: f64,
    /// The two-sided level of the interval.
    pub alpha: f64,
    /// Whether an increase is an improvement.
    pub increase_is_good: bool,
}

impl<'a> ExperimentPage<'a> {
    pub(super) fn new(sources: &Sources<'a>, experiment: &'a Experiment, files: &Files<'a>) -> Self {
        let key = &experiment.key;
        let launch = sources.launches.get(key).cloned().unwrap_or(LaunchRecord::None);
        let outcomes = sources.outcomes.get(key).map(Vec::as_slice).unwrap_or_default();
        let outcome = outcomes.last();
        let file = files.path_of(Kind::Experiment, key.as_str());
        Self {
            status: ExperimentStatus::new(sources.book, experiment, launch, outcome, sources.at),
            plan: experiment,
            left: left(sources.book, experiment),
            file,
            history: file.map(|path| files.history_of(path)).unwrap_or_default(),
            looks: outcomes.iter().map(Look::of).collect(),
            changes: outcome
                .map(|outcome| outcome.preregistration.status.changes().to_vec())
                .unwrap_or_default(),
            outcome,
        }
    }
}

/// Returns the part of an experiment's audience that what is asked before it leaves, in the primary target.
fn left(book: &Book, experiment: &Experiment) -> Option<f64> {
    // After its decision it needs nobody: the rule that ships it takes its audience.
    if experiment.decision.is_some() {
        return None;
    }
    let flag = book.flag_of(experiment)?;
    let target = book.primary_target();
    let served = target.map_or(Cow::Borrowed(flag), |target| flag.in_target(&target.key));
    let forced = book.experiments_of(&flag.key).filter(|other| other.decision.is_none());
    let segments = forced.flat_map(|other| &other.overrides).filter_map(ForcedVariant::segment);
    let segments = segments.map(|segment| Predicate::Segment(segment.clone()));
    let earlier = segments.chain(served.rules.iter().map(|rule| rule.when.clone()));
    let earlier: Vec<Predicate> = earlier.map(|when| book.inlined(&when)).collect();
    let kept: f64 = book.holdouts_over(experiment).map(|holdout| 1.0 - holdout.share.fraction()).product();
    if earlier.is_empty() && kept >= 1.0 {
        return None;
    }
    let audience = book.inlined(&experiment.audience);
    let all = share(&audience, &book.attributes).filter(|all| *all > 0.0)?;
    let left = share(&remainder(&audience, &earlier.iter().collect::<Vec<_>>()), &book.attributes)?;
    Some(left / all * kept)
}

impl Look {
    fn of(outcome: &Outcome) -> Self {
        let verdicts = outcome
            .verdicts
            .iter()
            .map(|verdict| TreatmentVerdict { treatment: verdict.treatment.clone(), verdict: verdict.kind });
        Self {
            as_of: outcome.as_of,
            units: outcome.units.total(),
            verdicts: verdicts.collect(),
            metrics: outcome.metrics.iter().flat_map(MetricLook::all).collect(),
        }
    }
}

impl MetricLook {
    fn all(metric: &MetricResult) -> impl Iterator<Item = Self> + '_ {
        metric.comparisons.iter().filter_map(|comparison| {
            let effect = comparison.estimate.effect()?;
            let Lift::Defined { lift, interval, .. } = &effect.lift else { return None };
            Some(Self {
                metric: metric.metric.clone(),
                decides: metric.role != Role::Exploratory,
                treatment: comparison.treatment.clone(),
                movement: Movement {
                    lift: *lift,
                    lower: interval.lower,
                    upper: interval.upper,
                    alpha: effect.alpha,
                    increase_is_good: metric.direction == Direction::IncreaseIsGood,
                },
                judgement: comparison.judgement,
            })
        })
    }
}
