//! The whole way: ask the warehouse, estimate, check, decide.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::effect::NotMeasured;
use super::estimate::Analysed;
use super::outcome::{
    ArmUnits, BookReference, ExperimentReference, Outcome, Preregistration, PreregistrationStatus, Query,
    SourceArm, SourceReport, Tool, Units,
};
use super::split_cause::SplitDiagnosis;
use super::trusted::Trusted;
use super::work::{Request, Work};
use super::{horizon, over_time, parts, quality, sequential, split_cause};
use crate::query::{self, Answer, ArmRows, Exposures, IdExample, NotComputed, QueryError, Question};
use crate::warehouse::{Engine, Warehouse};
use trialbook_decision::{
    self as decision, Case, LevelsError, QualityCheck, QualityKind, Stage, Verdict, VerdictKind,
};
use trialbook_model::{
    Analysis, Book, Experiment, ExperimentKey, LaunchDoubt, MetricKey, SourceKey, VariantKey,
};
use trialbook_stats::decision_rule::DecisionLevels;

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// No such experiment.
    #[error("the book has no experiment `{0}`")]
    Unknown(ExperimentKey),
    /// Exposures cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl miette::Diagnostic for AnalysisError {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        let help = match self {
            Self::Unknown(_) => "`trialbook status` lists the experiments",
            Self::Query(QueryError::NoExposures { .. }) => {
                "add a `*.source.yaml` with `served`, or with `experiment` and `variant`"
            }
            Self::Query(QueryError::Exposures { cause, .. }) => return cause.help(),
        };
        Some(Box::new(help))
    }
}

/// Analyses experiments of a book at a watermark. Touches nothing but the warehouse.
///
/// # Errors
///
/// An experiment that is not in the book, and exposures that cannot be read. A metric that cannot be measured is no error: the outcome
/// has the reason.
pub fn analyse(
    book: &Book,
    warehouse: &dyn Warehouse,
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Outcome>, AnalysisError> {
    let find =
        |key: &ExperimentKey| book.experiments.get(key).ok_or_else(|| AnalysisError::Unknown(key.clone()));
    let experiments: Vec<&Experiment> = request.experiments.iter().map(find).collect::<Result<_, _>>()?;
    let (begun, pending): (Vec<&Experiment>, Vec<&Experiment>) =
        experiments.iter().copied().partition(|e| e.schedule.start() < request.as_of);
    let mut ask = |experiments: &[&Experiment]| {
        let question = Question { book, experiments, watermark: request.as_of, changes: &request.changes };
        if experiments.is_empty() { Ok(Answer::default()) } else { query::ask(question, warehouse, progress) }
    };
    let answer = ask(&begun)?;
    // Before the start nobody is exposed, and exposures may not be written yet: what matters is whether the metrics can be
    // measured, while they can still be changed.
    let before = ask(&pending).unwrap_or_default();
    let timezone = trialbook_model::timezone(&book.timezone).unwrap_or(TimeZone::UTC);
    let (none, nobody) = (BTreeMap::new(), Exposures::default());
    let outcome = |experiment: &&Experiment| {
        let answer = if experiment.schedule.start() < request.as_of { &answer } else { &before };
        let metrics = &answer.metrics;
        let exposures = answer.exposures.get(&experiment.key).unwrap_or(&nobody);
        let (as_of, deduplicated) = (request.as_of, None);
        let timezone = &timezone;
        Work {
            book,
            experiment,
            answer,
            metrics,
            faults: &none,
            request,
            as_of,
            exposures,
            deduplicated,
            timezone,
        }
        .outcome(warehouse.engine())
    };
    Ok(experiments.iter().map(outcome).collect())
}

/// What follows from the moments: the metrics with their estimates, and the verdicts.
pub(super) struct Judged<'a> {
    pub(super) analysed: Analysed<'a>,
    pub(super) verdicts: Vec<Verdict>,
    /// Of several looks, the one at which the last treatment was decided, where all are.
    pub(super) look: Option<usize>,
}

impl<'a> Work<'a> {
    fn outcome(&self, engine: Engine) -> Outcome {
        let Self { book, request, .. } = *self;
        let preregistration = self.preregistration();
        let levels = self.levels();
        let checks = quality::checks(self, levels.as_ref().ok());
        let plain = Trusted::of(self, &|_| false);
        let kinds = OnceCell::new();
        let kinds = || kinds.get_or_init(|| Work { faults: &plain.faults, ..*self }.kinds(&checks));
        let moved = |source: &SourceKey| {
            (self.final_look() || !self.looks().is_empty())
                && self.kinds_without_copies(source, &plain, &checks) != *kinds()
        };
        let trusted = Trusted::of(self, &moved);
        let quality: Vec<QualityCheck> = quality::in_order(checks, trusted.checks);
        let judged = Work { faults: &trusted.faults, ..*self }.judged(&quality);
        let Judged { analysed, verdicts, look } = judged;
        // What decided is shown, and not what has come since.
        let shown = look.and_then(|place| self.looks().get(place)).map_or(*self, |look| self.at_look(look));
        let quality =
            if look.is_some() { shown.quality_at_look(quality, levels.as_ref().ok()) } else { quality };
        let ships: Vec<&VariantKey> =
            verdicts.iter().filter(|v| v.kind == VerdictKind::Ship).map(|v| &v.treatment).collect();
        let best = analysed.best(&ships).cloned();
        Outcome {
            version: Outcome::VERSION,
            tool: Tool::this(),
            engine: Some(engine),
            book: BookReference {
                name: book.name.clone(),
                commit: request.commit.clone(),
                timezone: book.timezone.clone(),
            },
            experiment: self.reference(),
            as_of: request.as_of,
            data_until: quality::data_until(self),
            preregistration,
            units: Units { look: look.map(|_| shown.as_of), ..shown.units(shown.exposures) },
            split: self.split_diagnosis(&quality),
            quality,
            metrics: analysed.results,
            dimensions: Work { faults: &trusted.faults, ..*self }.in_parts(&verdicts, parts::effects),
            over_time: Work { faults: &trusted.faults, ..*self }.in_parts(&verdicts, over_time::effects),
            verdicts,
            best,
            sources: self.sources(),
            past_looks: None,
            releases: Vec::new(),
            queries: self.queries(self.exposures),
            examples: self.examples(),
            undefined: self.undefined(&trusted.faults),
        }
    }

    /// Returns effects in parts of the units or of time; none where the data can carry no verdict.
    fn in_parts<T>(&self, verdicts: &[Verdict], effects: fn(&Self) -> Vec<T>) -> Vec<T> {
        if verdicts.iter().any(|verdict| verdict.kind == VerdictKind::Invalid) {
            return Vec::new();
        }
        effects(self)
    }

    /// Returns what explains a split that invalidates the result.
    fn split_diagnosis(&self, quality: &[QualityCheck]) -> Option<SplitDiagnosis> {
        let is_broken = |check: &QualityCheck| check.kind == QualityKind::SampleRatio && check.invalidates();
        let cells = self.answer.split.get(&self.experiment.key).filter(|_| quality.iter().any(is_broken))?;
        let level = self.book.policy.quality.sample_ratio_p.fraction();
        split_cause::diagnosis(&self.experiment.split, cells, level)
    }

    /// Returns the metrics that have no number because of what they measure, whatever the data are.
    fn undefined(&self, faults: &BTreeMap<MetricKey, NotMeasured>) -> Vec<MetricKey> {
        let is_undefined = |key: &&MetricKey| {
            matches!(self.measured(key), Some(Err(NotComputed::Definition { .. })))
                || faults.get(*key).is_some_and(|why| why.reason == NotMeasured::NO_MATCHING_ROWS)
        };
        self.experiment.metrics.all().filter(is_undefined).cloned().collect()
    }

    /// Puts the checks of a look in the place of those at the watermark, but for those of sources and of parts of the units.
    fn quality_at_look(&self, now: Vec<QualityCheck>, levels: Option<&DecisionLevels>) -> Vec<QualityCheck> {
        let checks = quality::checks(self, levels);
        let kept = now.into_iter().filter(|check| check.within.is_some() || check.kind.is_of_metrics());
        let (parts, sources) = kept.partition(|check: &QualityCheck| check.within.is_some());
        quality::in_order([checks, parts].concat(), sources)
    }

    pub(super) fn levels(&self) -> Result<DecisionLevels, LevelsError> {
        let Experiment { metrics, analysis, .. } = self.experiment;
        let treatments = self.experiment.treatments().count() as u64;
        decision::levels(metrics, analysis, treatments)
    }

    pub(super) fn preregistration(&self) -> Preregistration {
        self.request.preregistrations.get(&self.experiment.key).cloned().unwrap_or_else(|| {
            let doubts = vec![LaunchDoubt::NotCompared];
            Preregistration { digest: None, status: PreregistrationStatus::Unverified { doubts } }
        })
    }

    fn judged(&self, quality: &[QualityCheck]) -> Judged<'a> {
        if self.experiment.analysis.method.is_sequential() {
            return sequential::judged(self, quality);
        }
        let levels = self.levels();
        let analysed = Analysed::new(self, levels.as_ref().ok());
        let stage = self.stage(self.exposures);
        let plan_is_untrusted = self.preregistration().status.is_untrusted();
        let verdict = |treatment| {
            decision::verdict(&Case {
                treatment,
                metrics: analysed.findings(treatment),
                quality,
                levels: levels.as_ref().map_err(|error| error.code()),
                stage,
                plan_is_untrusted,
            })
        };
        let verdicts = self.experiment.treatments().map(verdict).collect();
        Judged { analysed, verdicts, look: None }
    }

    fn kinds(&self, quality: &[QualityCheck]) -> Vec<VerdictKind> {
        self.judged(quality).verdicts.iter().map(|verdict| verdict.kind).collect()
    }

    /// Returns the verdicts as they would be with one of each identical rows of a source.
    fn kinds_without_copies(
        &self,
        source: &SourceKey,
        plain: &Trusted,
        quality: &[QualityCheck],
    ) -> Vec<VerdictKind> {
        let mut metrics = self.metrics.clone();
        for ((experiment, key), measured) in &self.answer.without_copies {
            let concerned =
                self.book.metrics.get(key).is_some_and(|metric| metric.kind.sources().contains(&source));
            if *experiment == self.experiment.key && concerned {
                metrics.insert((experiment.clone(), key.clone()), measured.clone());
            }
        }
        Work { metrics: &metrics, faults: &plain.faults, deduplicated: Some(source), ..*self }.kinds(quality)
    }

    /// Returns what is known of the sources of facts, in byte order.
    fn sources(&self) -> Vec<SourceReport> {
        let sources: BTreeSet<&SourceKey> = self
            .experiment
            .metrics
            .all()
            .filter_map(|key| self.book.metrics.get(key))
            .flat_map(|metric| metric.kind.measurements().map(|measurement| &measurement.source))
            .collect();
        let report = |source: &SourceKey| {
            let state = self.answer.sources.get(source)?.as_ref().ok()?;
            let declared = self.book.sources.get(source)?;
            let key = (self.experiment.key.clone(), source.clone());
            let joined = self.answer.joins.get(&key);
            let copies = self.answer.copies.get(&key);
            let arm = |arm: &ArmRows| SourceArm {
                variant: arm.variant.clone(),
                units: arm.units,
                rows: arm.rows,
                copies: arm.copies,
            };
            Some(SourceReport {
                source: source.clone(),
                granularity: declared.granularity,
                rows: state.rows,
                without_unit: state.without_unit,
                without_time: state.without_time,
                until: state.until,
                units: joined.map(|joined| joined.in_source),
                exposed_units: joined.map(|joined| joined.exposed),
                respelled_units: joined.map(|joined| joined.respelled + joined.mixed),
                spelling: joined.and_then(|joined| joined.spelling.clone()),
                arms: copies.map(|copies| copies.arms.iter().map(arm).collect()),
            })
        };
        sources.into_iter().filter_map(report).collect()
    }

    /// Returns the ids that both sides write differently.
    fn examples(&self) -> Vec<(SourceKey, IdExample)> {
        let joins =
            self.answer.joins.iter().filter(|((experiment, _), _)| *experiment == self.experiment.key);
        joins
            .filter(|(_, joined)| joined.spelling.is_some())
            .flat_map(|((_, source), joined)| {
                joined.examples.iter().map(|example| (source.clone(), example.clone()))
            })
            .collect()
    }

    fn stage(&self, exposures: &Exposures) -> Stage {
        let (book, experiment, as_of) = (self.book, self.experiment, self.as_of);
        let decided_on = book.matured_at(experiment);
        if as_of <= experiment.schedule.start() {
            Stage::NotStarted { start: experiment.schedule.start() }
        } else if let Some(decided) = self.decided_early() {
            Stage::DecidedEarly { decided, horizon: decided_on }
        } else if self.final_look() {
            Stage::Final
        } else {
            Stage::Running { need: horizon::need(self, exposures.overall.analysed(), decided_on) }
        }
    }

    fn reference(&self) -> ExperimentReference {
        let e = self.experiment;
        ExperimentReference {
            key: e.key.clone(),
            title: e.title.clone(),
            hypothesis: e.hypothesis.clone(),
            owner: e.owner.clone(),
            surfaces: e.surfaces.clone(),
            flag: e.flag.clone(),
            file: self.request.files.get(&e.key).cloned(),
            control: e.control.clone(),
            treatments: e.treatments().cloned().collect(),
            split: e.split.clone(),
            schedule: e.schedule,
            horizon: self.book.matured_at(e),
            state: self.book.state_at(e, self.request.as_of),
            layer: e.layer.clone(),
            allocation: e.allocation.clone(),
            analysis: Analysis { earlier_default: None, ..e.analysis },
            decision: e.decision.clone(),
        }
    }

    fn units(&self, exposures: &Exposures) -> Units {
        let counted = |variant: &VariantKey| {
            exposures.overall.arms.iter().find(|arm| arm.variant == *variant).map_or(0, |arm| arm.units)
        };
        let shares = self.experiment.split.shares().iter();
        let arms = shares.map(|(variant, share)| ArmUnits {
            variant: variant.clone(),
            share: *share,
            units: counted(variant),
        });
        Units {
            arms: arms.collect(),
            in_two_variants: exposures.overall.in_two_variants,
            outside_schedule: exposures.overall.outside_schedule,
            overridden: exposures.overall.overridden,
            unknown_variant: exposures.overall.unknown_variant,
            first_exposure: exposures.first,
            last_exposure: exposures.last,
            look: None,
        }
    }

    /// The queries that this experiment's numbers come from.
    fn queries(&self, exposures: &Exposures) -> Vec<Query> {
        let metrics = self.experiment.metrics.all().filter_map(|key| self.book.metrics.get(key));
        let mut sources: Vec<_> = metrics.flat_map(|metric| metric.kind.sources()).collect();
        sources.extend(&exposures.source);
        let used = self.answer.queries.iter().filter(|asked| sources.contains(&&asked.source));
        used.map(|asked| Query {
            name: asked.name.clone(),
            sql: asked.sql.clone(),
            rows: None,
            milliseconds: None,
        })
        .collect()
    }
}
