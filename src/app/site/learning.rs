//! What was learned: how many experiments came to a decision that their data carry, and how large effects are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::ExperimentPage;
use trialbook_analysis::VerdictKind;
use trialbook_history::Log;
use trialbook_model::{Book, DecisionOutcome, ExperimentKey, ExperimentState, MetricKey, VariantKey};
use trialbook_stats::distribution::normal;

/// What was learned.
#[derive(Debug, Serialize)]
pub struct Learning {
    /// All experiments together.
    pub all: Row,
    /// By team and the quarter of the decision, or of the start where there is none yet; the newest first.
    pub rows: Vec<Row>,
    /// The effects on success metrics; `None` where too few were measured.
    pub effects: Option<Shrinkage>,
}

/// Counts of a group of experiments.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Row {
    /// The owner; empty: everybody.
    pub team: String,
    /// `2026 Q4`; empty: at any time.
    pub quarter: String,
    /// Those that have begun.
    pub started: u64,
    /// Those that are concluded.
    pub concluded: u64,
    /// Those that are concluded and of which an outcome is stored.
    pub judged: u64,
    /// Of these, those whose verdicts are valid and ready to decide on: ship, roll back, or no effect of the declared size.
    pub learned: u64,
    /// Those that ended with a release.
    pub shipped: u64,
    /// The median of the days from the first commit of an experiment's file to its decision.
    pub median_days: Option<f64>,
    #[serde(skip)]
    days: Vec<f64>,
}

/// Effects shrunk towards their mean, because the largest of many noisy estimates are too large.
///
/// The effects of concluded experiments on their success metrics are taken as draws from a normal distribution, whose variance is
/// estimated by moments (DerSimonian and Laird 1986); each is replaced by its conditional mean.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shrinkage {
    /// The mean of the effects.
    pub mean: f64,
    /// The standard deviation between effects, without the noise of their estimates.
    pub deviation: f64,
    /// Each effect, the largest first. All are signed so that more is better.
    pub effects: Vec<ShrunkEffect>,
    /// The mean estimate of what was shipped; `None` where nothing was.
    pub shipped: Option<f64>,
    /// The same after shrinkage.
    pub shipped_shrunk: Option<f64>,
}

/// An effect and what it probably is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShrunkEffect {
    /// The experiment.
    pub experiment: ExperimentKey,
    /// The treatment.
    pub treatment: VariantKey,
    /// The success metric.
    pub metric: MetricKey,
    /// The estimate, relative to the control; above zero is better.
    pub lift: f64,
    /// Its standard error, from the width of its interval.
    pub error: f64,
    /// What it probably is.
    pub shrunk: f64,
    /// Whether the treatment was shipped.
    pub shipped: bool,
}

/// Fewer effects say nothing about how effects are distributed.
const FEWEST_EFFECTS: usize = 5;

impl Learning {
    pub(super) fn new(
        book: &Book,
        experiments: &[ExperimentPage<'_>],
        log: Option<&Log>,
        at: Timestamp,
    ) -> Self {
        let zone = trialbook_model::timezone(&book.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
        let quarter = |instant: Timestamp| {
            let date = instant.to_zoned(zone.clone()).date();
            format!("{} Q{}", date.year(), (date.month() - 1) / 3 + 1)
        };
        let whole = log.is_some_and(|log| log.complete);
        let mut rows: BTreeMap<(String, String), Row> = BTreeMap::new();
        let mut all = Row::default();
        for page in experiments.iter().filter(|page| page.status.since <= at) {
            let decided =
                page.plan.decision.as_ref().filter(|_| page.status.state == ExperimentState::Concluded);
            let when = decided.map_or(page.status.since, |decision| decision.date);
            let (team, quarter) = (page.status.owner.clone(), quarter(when));
            let row = rows.entry((quarter.clone(), team.clone())).or_insert_with(|| Row {
                team,
                quarter,
                ..Row::default()
            });
            let idea = page.history.last().filter(|_| whole).map(|commit| commit.at);
            let days = decided
                .zip(idea)
                .map(|(decision, idea)| decision.date.duration_since(idea).as_secs_f64() / 86_400.0);
            row.count(page, days);
            all.count(page, days);
        }
        let mut rows: Vec<Row> = rows.into_values().rev().collect();
        rows.iter_mut().chain([&mut all]).for_each(Row::finish);
        Self { all, rows, effects: shrunk(experiments) }
    }
}

impl Row {
    fn count(&mut self, page: &ExperimentPage<'_>, days: Option<f64>) {
        self.started += 1;
        let Some(decision) = page.status.decision else { return };
        self.concluded += 1;
        self.shipped += u64::from(decision == DecisionOutcome::Ship);
        self.days.extend(days.filter(|days| *days >= 0.0));
        if let Some(look) = page.looks.last() {
            self.judged += 1;
            let ready = |kind: VerdictKind| {
                matches!(kind, VerdictKind::Ship | VerdictKind::RollBack | VerdictKind::NoEffect)
            };
            let learned = !look.verdicts.is_empty() && look.verdicts.iter().all(|one| ready(one.verdict));
            self.learned += u64::from(learned);
        }
    }

    fn finish(&mut self) {
        self.days.sort_by(f64::total_cmp);
        let middle = self.days.len() / 2;
        self.median_days = match self.days.len() {
            0 => None,
            n if n.is_multiple_of(2) => {
                self.days.get(middle - 1).zip(self.days.get(middle)).map(|(a, b)| f64::midpoint(*a, *b))
            }
            _ => self.days.get(middle).copied(),
        };
    }
}

/// Returns the effects of concluded experiments on their success metrics, shrunk.
fn shrunk(experiments: &[ExperimentPage<'_>]) -> Option<Shrinkage> {
    let concluded = experiments.iter().filter(|page| page.status.decision.is_some());
    let effects = concluded.flat_map(|page| {
        let shipped = page.plan.decision.as_ref().and_then(|decision| decision.variant.as_ref());
        let success = |metric: &MetricKey| page.plan.metrics.success.iter().any(|one| one.metric == *metric);
        let looks = page.looks.last().into_iter().flat_map(|look| &look.metrics);
        looks.filter(move |look| success(&look.metric)).filter_map(move |look| {
            let movement = look.movement;
            let width = 2.0 * normal::upper_quantile(movement.alpha / 2.0);
            let error = (movement.upper - movement.lower) / width;
            let sign = if movement.increase_is_good { 1.0 } else { -1.0 };
            (error.is_finite() && error > 0.0).then(|| ShrunkEffect {
                experiment: page.status.key.clone(),
                treatment: look.treatment.clone(),
                metric: look.metric.clone(),
                lift: sign * movement.lift,
                error,
                shrunk: 0.0,
                shipped: shipped == Some(&look.treatment),
            })
        })
    });
    Shrinkage::new(effects.collect())
}

impl Shrinkage {
    fn new(mut effects: Vec<ShrunkEffect>) -> Option<Self> {
        if effects.len() < FEWEST_EFFECTS {
            return None;
        }
        let weight = |effect: &ShrunkEffect| effect.error.powi(-2);
        let sum: f64 = effects.iter().map(weight).sum();
        let squares: f64 = effects.iter().map(|effect| weight(effect).powi(2)).sum();
        let fixed: f64 = effects.iter().map(|effect| weight(effect) * effect.lift).sum::<f64>() / sum;
        let spread: f64 = effects.iter().map(|effect| weight(effect) * (effect.lift - fixed).powi(2)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a number of effects is far below 2^53")]
        let freedom = effects.len() as f64 - 1.0;
        let variance = ((spread - freedom) / (sum - squares / sum)).max(0.0);
        let random = |effect: &ShrunkEffect| 1.0 / (effect.error.powi(2) + variance);
        let total: f64 = effects.iter().map(random).sum();
        let mean: f64 = effects.iter().map(|effect| random(effect) * effect.lift).sum::<f64>() / total;
        for effect in &mut effects {
            let kept = variance / (variance + effect.error.powi(2));
            effect.shrunk = mean + kept * (effect.lift - mean);
        }
        effects.sort_by(|a, b| b.lift.total_cmp(&a.lift).then(a.experiment.cmp(&b.experiment)));
        let mean_of = |value: fn(&ShrunkEffect) -> f64| {
            let shipped: Vec<f64> = effects.iter().filter(|effect| effect.shipped).map(value).collect();
            #[expect(clippy::cast_precision_loss, reason = "a number of effects is far below 2^53")]
            (!shipped.is_empty()).then(|| shipped.iter().sum::<f64>() / shipped.len() as f64)
        };
        let (shipped, shipped_shrunk) = (mean_of(|effect| effect.lift), mean_of(|effect| effect.shrunk));
        Some(Self { mean, deviation: variance.sqrt(), shipped, shipped_shrunk, effects })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(lift: f64, error: f64, shipped: bool) -> ShrunkEffect {
        ShrunkEffect {
            experiment: ExperimentKey::new("a").expect("a key"),
            treatment: VariantKey::new("bold").expect("a key"),
            metric: MetricKey::new("m").expect("a key"),
            lift,
            error,
            shrunk: 0.0,
            shipped,
        }
    }

    /// Computed by hand: with equal errors, the variance between is the sample variance less the squared error.
    #[test]
    fn effects_with_equal_errors_shrink_by_the_share_of_variance_that_is_noise() {
        let lifts = [0.05, 0.03, 0.01, -0.01, -0.03];
        let effects = lifts.iter().map(|lift| effect(*lift, 0.02, *lift > 0.02)).collect();
        let found = Shrinkage::new(effects).expect("enough effects");
        // The mean is 0.01, the sample variance 0.001; less 0.0004 of noise, 0.0006 lie between.
        assert!(
            (found.mean - 0.01).abs() < 1e-12 && (found.deviation.powi(2) - 0.0006).abs() < 1e-12,
            "{found:?}"
        );
        let first = found.effects.first().expect("an effect");
        assert!((first.shrunk - (0.01 + 0.6 * 0.04)).abs() < 1e-12, "{first:?}");
        assert!((found.shipped.expect("shipped") - 0.04).abs() < 1e-12);
        assert!((found.shipped_shrunk.expect("shipped") - 0.028).abs() < 1e-12);
    }

    #[test]
    fn effects_that_differ_by_no_more_than_noise_all_become_the_mean_and_few_show_nothing() {
        let effects = [0.01, 0.012, 0.008, 0.011, 0.009].iter().map(|lift| effect(*lift, 0.05, false));
        let found = Shrinkage::new(effects.collect()).expect("enough effects");
        assert!(found.deviation.abs() < 1e-12);
        assert!(found.effects.iter().all(|effect| (effect.shrunk - found.mean).abs() < 1e-12));
        assert_eq!(found.shipped, None);
        assert_eq!(Shrinkage::new(vec![effect(0.1, 0.01, true)]), None);
    }
}
