//! Whether the rows of sources are what the metrics take them for: times, ids, copies, and conditions.
//!
//! What a check finds here is about a source, so it takes the metrics of that source away and leaves the others. The
//! thresholds are explained in `docs/data.md`.

use std::collections::BTreeMap;

use super::effect::{NotMeasured, WhyNot};
use super::quality::check;
use super::work::Work;
use crate::query::{ArmRows, Copies, Joined, SourceState, Stamps};
use trialbook_decision::{
    CopiesOfArm, CopiesProblem, IdProblem, IdsMeet, QualityCheck, QualityDetail, QualityKind, QualityStatus,
    Spelling,
};
use trialbook_model::{Experiment, Granularity, MetricKey, Source, SourceKey, VariantKey};
use trialbook_stats::sample_ratio::sample_ratio;
use trialbook_stats::{CoMoments, CoMomentsParts, Probability, ratio_difference};

/// What the checks of an experiment's sources found.
#[derive(Debug, Default)]
pub(super) struct Trusted {
    /// The checks, in the order of the sources.
    pub(super) checks: Vec<QualityCheck>,
    /// The metrics that cannot be used, and why.
    pub(super) faults: BTreeMap<MetricKey, NotMeasured>,
}

/// What a check found: whether it takes the metrics of the source away.
struct Found {
    check: QualityCheck,
    blocks: bool,
}

/// Ids under another spelling are a fault from this share of the ids that meet on, in per cent, and this number on.
const RESPELLED_PERCENT: u64 = 1;
const RESPELLED: u64 = 5;
/// A source with fewer units than this may well have none of an experiment's.
const UNITS: u64 = 20;
/// And with fewer than this, times the share that the experiment enrols, so few may meet by chance.
const MANY_UNITS: f64 = 500.0;
/// Hardly any ids meet where fewer than one in so many of the source's do, and fewer than one in a hundred units.
const HARDLY: f64 = 1000.0;
/// Identical rows are worth a remark from this share of all rows on, and a fault from that on.
const COPIES_REMARKED: f64 = 0.001;
const COPIES_WRONG: f64 = 0.1;
/// With fewer units that have copies their number is compared exactly.
const FEW_COPIES: u64 = 20;

impl Trusted {
    /// Checks the sources that an experiment reads.
    ///
    /// `moved` tells whether the verdicts differ where one of each identical rows counts, by source.
    pub(super) fn of(work: &Work<'_>, moved: &dyn Fn(&SourceKey) -> bool) -> Self {
        let mut trusted = Self::default();
        let exposures = work.exposures;
        if let Some(source) = exposures.source.as_ref().and_then(|key| work.book.sources.get(key)) {
            let found = state_of(work, &source.key).and_then(|state| stamps(source, state));
            trusted.add(work, source, found, true);
        }
        let mut sources: Vec<&Source> = Vec::new();
        for metric in work.experiment.metrics.all().filter_map(|key| work.book.metrics.get(key)) {
            for measurement in metric.kind.measurements() {
                let source = work.book.sources.get(&measurement.source);
                sources.extend(source.filter(|source| !sources.iter().any(|known| known.key == source.key)));
            }
        }
        for source in sources {
            let Some(state) = state_of(work, &source.key) else { continue };
            let key = (work.experiment.key.clone(), source.key.clone());
            trusted.add(work, source, stamps(source, state), false);
            let joined = work.answer.joins.get(&key).and_then(|joined| ids(work, joined));
            trusted.add(work, source, joined, false);
            let copies = work.answer.copies.get(&key);
            trusted.add(
                work,
                source,
                copies.and_then(|copies| self::copies(work, source, copies, moved)),
                false,
            );
            trusted.filters(work, source, state);
        }
        trusted
    }

    fn add(&mut self, work: &Work<'_>, source: &Source, found: Option<Found>, exposures: bool) {
        let Some(Found { mut check, blocks }) = found else { return };
        let users = |key: &&MetricKey| exposures || reads(work, key, &source.key);
        let decides = work.experiment.metrics.deciding().any(|key| users(&key));
        if blocks {
            check.status = if decides { QualityStatus::Fail } else { QualityStatus::Warn };
            for key in work.experiment.metrics.all().filter(users) {
                self.faults.entry(key.clone()).or_insert_with(|| fault(&check, &source.key));
            }
        }
        self.checks.push(QualityCheck { source: Some(source.key.clone()), ..check });
    }

    /// Names the metrics whose `where` no row fulfils: a misspelt value makes every unit zero.
    fn filters(&mut self, work: &Work<'_>, source: &Source, state: &SourceState) {
        for key in work.experiment.metrics.all() {
            let Some(metric) = work.book.metrics.get(key) else { continue };
            let measurement = metric.kind.measurement();
            let (Some(text), true) = (&measurement.filter, measurement.source == source.key) else {
                continue;
            };
            if state.stamped == 0 || state.matching.get(key) != Some(&0) {
                continue;
            }
            let decides = work.experiment.metrics.deciding().any(|deciding| deciding == key);
            let status = if decides { QualityStatus::Fail } else { QualityStatus::Warn };
            let detail =
                QualityDetail::NoMatch { metric: key.clone(), rows: state.stamped, filter: shortened(text) };
            let check = QualityCheck {
                observed: Some(0.0),
                source: Some(source.key.clone()),
                ..check(QualityKind::Filter, status, detail)
            };
            self.faults.entry(key.clone()).or_insert_with(|| fault(&check, &source.key));
            self.checks.push(check);
        }
    }
}

/// Returns why a metric has no number that a check of a source takes away.
fn fault(check: &QualityCheck, source: &SourceKey) -> NotMeasured {
    let (kind, source, detail) = (check.kind, source.clone(), Box::new(check.detail.clone()));
    NotMeasured::new(reason(kind), WhyNot::Check { kind, source, detail })
}

fn state_of<'a>(work: &Work<'a>, source: &SourceKey) -> Option<&'a SourceState> {
    work.answer.sources.get(source)?.as_ref().ok()
}

fn reads(work: &Work<'_>, metric: &MetricKey, source: &SourceKey) -> bool {
    let metric = work.book.metrics.get(metric);
    metric.is_some_and(|metric| metric.kind.measurements().any(|measured| measured.source == *source))
}

/// Returns the stable word of a metric that a check takes away.
fn reason(kind: QualityKind) -> &'static str {
    match kind {
        QualityKind::DayStamps => "day-stamps",
        QualityKind::UnitIds => "ids-do-not-meet",
        QualityKind::Copies => "copies",
        _ => NotMeasured::NO_MATCHING_ROWS,
    }
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).chain(['…']).collect() }
}

/// Times that are days and are not declared so: what happens on the day of an exposure falls before it.
fn stamps(source: &Source, state: &SourceState) -> Option<Found> {
    let rows = state.stamped;
    let found = |status, blocks, observed, detail| {
        Some(Found {
            check: QualityCheck { observed, ..check(QualityKind::DayStamps, status, detail) },
            blocks,
        })
    };
    let warning = |blocks, observed, detail| found(QualityStatus::Warn, blocks, Some(observed), detail);
    if source.granularity == Granularity::Day {
        return found(QualityStatus::Pass, false, None, QualityDetail::DeclaredDays);
    }
    match &state.stamps {
        Stamps::Instants => None,
        Stamps::Midnights { zone } => {
            warning(true, 1.0, QualityDetail::Midnights { rows, zone: zone.clone() })
        }
        Stamps::OneTimeOfDay { at, a_week } => {
            let minutes = u32::try_from(at / 60_000_000).unwrap_or_default();
            let instants = source.declares_instants;
            warning(*a_week && !instants, 1.0, QualityDetail::OneTimeOfDay { rows, minutes, instants })
        }
        Stamps::SomeMidnights { rows: midnights } => warning(
            false,
            *midnights as f64 / rows.max(1) as f64,
            QualityDetail::SomeMidnights { midnights: *midnights, rows },
        ),
    }
}

/// How the units of facts and exposures meet.
fn ids(work: &Work<'_>, joined: &Joined) -> Option<Found> {
    let units = work.exposures.overall.analysed();
    if joined.in_source == 0 || units == 0 {
        return None;
    }
    let (all, met) = (joined.in_source, joined.exposed);
    let found = |status, blocks, problem| {
        let detail = QualityDetail::Ids(IdsMeet { in_source: all, met, exposed: units, problem });
        let share = met as f64 / all as f64;
        let check = QualityCheck { observed: Some(share), ..check(QualityKind::UnitIds, status, detail) };
        Some(Found { check, blocks })
    };
    let spelling = || joined.spelling.clone();
    let enough = |n: u64| n >= RESPELLED && n * 100 > (met + joined.respelled) * RESPELLED_PERCENT;
    if enough(joined.respelled) {
        let problem = IdProblem::Respelled { units: joined.respelled, spelling: spelling() };
        return found(QualityStatus::Fail, true, Some(problem));
    }
    let enrolled = work.experiment.allocation.largest().fraction();
    let few = (met as f64) * HARDLY < all as f64 * enrolled && met * 100 < units;
    let affixed = spelling().filter(|by| matches!(by, Spelling::Prefix { .. } | Spelling::Suffix { .. }));
    let many = all as f64 * enrolled >= MANY_UNITS && all <= units.saturating_mul(100);
    if few && (affixed.is_some() || many) {
        let problem = affixed.map_or(IdProblem::OtherKind, |spelling| IdProblem::Affixed { spelling });
        return found(QualityStatus::Fail, true, Some(problem));
    }
    if enough(joined.mixed) {
        let problem = IdProblem::Mixed { units: joined.mixed, spelling: spelling() };
        return found(QualityStatus::Warn, false, Some(problem));
    }
    if met == 0 && all >= UNITS {
        return found(QualityStatus::Warn, false, Some(IdProblem::NoneMet));
    }
    found(QualityStatus::Pass, false, None)
}

/// Rows that are there more than once.
fn copies(
    work: &Work<'_>,
    source: &Source,
    copies: &Copies,
    moved: &dyn Fn(&SourceKey) -> bool,
) -> Option<Found> {
    let (total, rows, key) = (copies.total(), copies.rows(), &source.key);
    if rows == 0 {
        return None;
    }
    let share = total as f64 / rows as f64;
    let p_value = if total == 0 { None } else { uneven(work.experiment, work, copies) };
    let threshold = work.book.policy.quality.sample_ratio_p.fraction();
    let differ = p_value.is_some_and(|p| p < threshold);
    let arm =
        |arm: &ArmRows| CopiesOfArm { variant: arm.variant.clone(), copies: arm.copies, rows: arm.rows };
    let found = |status, blocks, problem| {
        let (by_key, arms) = (copies.by_key, copies.arms.iter().map(arm).collect());
        let check = QualityCheck {
            observed: Some(share),
            threshold: Some(COPIES_REMARKED),
            p_value,
            ..check(
                QualityKind::Copies,
                status,
                QualityDetail::Copies { copies: total, rows, by_key, arms, problem },
            )
        };
        Some(Found { check, blocks })
    };
    if copies.by_key {
        let status = if differ { QualityStatus::Warn } else { QualityStatus::Pass };
        return found(status, false, None);
    }
    if differ {
        return found(QualityStatus::Fail, true, Some(CopiesProblem::Uneven));
    }
    if total > 0 && moved(key) {
        return found(QualityStatus::Fail, true, Some(CopiesProblem::MovesVerdict));
    }
    if share > COPIES_WRONG {
        return found(QualityStatus::Fail, true, Some(CopiesProblem::Many));
    }
    if share > COPIES_REMARKED {
        return found(QualityStatus::Warn, false, Some(CopiesProblem::Some));
    }
    found(QualityStatus::Pass, false, None)
}

/// Returns the p-value of "the arms have the same share of copies", the least over the treatments, corrected for their
/// number (Bonferroni).
fn uneven(experiment: &Experiment, work: &Work<'_>, copies: &Copies) -> Option<f64> {
    let arm = |variant: &VariantKey| copies.arms.iter().find(|arm| arm.variant == *variant);
    let control = arm(&experiment.control)?;
    let counts = &work.exposures.overall;
    let units =
        |variant: &VariantKey| counts.arms.iter().find(|a| a.variant == *variant).map_or(0, |a| a.units);
    let treatments: Vec<&VariantKey> = experiment.treatments().collect();
    let p_values = treatments.iter().filter_map(|variant| {
        let treatment = arm(variant)?;
        let exact = || {
            let arms = [control, treatment].map(|arm| (arm.with_copies, arm.units as f64));
            if arms.iter().any(|(_, units)| *units <= 0.0) {
                return None;
            }
            sample_ratio(&arms).ok().map(|test| test.p_value)
        };
        if control.with_copies + treatment.with_copies < FEW_COPIES {
            return exact();
        }
        let of = |arm: &ArmRows| share_of_copies(arm, units(&arm.variant));
        let compared = ratio_difference(&of(control)?, &of(treatment)?).ok();
        let tested = compared.and_then(|compared| compared.effect(Probability::new(0.05).ok()?).ok());
        tested.map(|effect| effect.p_two_sided).or_else(exact)
    });
    let least = p_values.min_by(f64::total_cmp)?;
    Some((least * treatments.len() as f64).min(1.0))
}

/// Returns the moments over an arm's units of copies per row: a ratio of two totals.
fn share_of_copies(arm: &ArmRows, units: u64) -> Option<CoMoments> {
    let n = units as f64;
    let [rows_squared, copies_squared, products] = arm.squares;
    let (rows, copies) = (arm.rows as f64, arm.copies as f64);
    CoMoments::from_parts(CoMomentsParts {
        n: units,
        mean_y: copies / n,
        mean_x: rows / n,
        m2_y: (copies_squared - copies * copies / n).max(0.0),
        m2_x: (rows_squared - rows * rows / n).max(0.0),
        c_xy: products - copies * rows / n,
    })
    .ok()
}
