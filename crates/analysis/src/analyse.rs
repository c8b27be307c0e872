//! The whole way: ask the warehouse, estimate, check, decide.

use jiff::tz::TimeZone;

use super::estimate::Analysed;
use super::outcome::{
    ArmUnits, BookReference, ExperimentReference, Outcome, Preregistration, PreregistrationStatus, Query,
    Tool, Units,
};
use super::work::{Request, Work};
use super::{horizon, quality};
use crate::query::{self, Answer, Exposures, QueryError, Question};
use crate::warehouse::{Engine, Warehouse};
use trialbook_decision::{self as decision, Case, Stage, VerdictKind};
use trialbook_model::{Book, Experiment, ExperimentKey, Method, VariantKey};

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// No such experiment.
    #[error("the book has no experiment `{0}`")]
    Unknown(ExperimentKey),
    /// The experiment is to be judged by a method that is not computed: another one would give other error rates.
    #[error("experiment `{experiment}` is to be judged by `{}`, which this version does not compute", method.as_str())]
    Method {
        /// Which.
        experiment: ExperimentKey,
        /// The method of its plan.
        method: Method,
    },
    /// Exposures cannot be read.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl AnalysisError {
    /// Returns what to do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Unknown(_) => Some("`trialbook status` lists the experiments"),
            Self::Method { .. } => Some(
                "analyse it with a version that does; or, before it is launched, write `analysis: {method: fixed-horizon}`",
            ),
            Self::Query(QueryError::NoExposures { .. }) => {
                Some("add a `*.source.yaml` with `served`, or with `experiment` and `variant`")
            }
            Self::Query(QueryError::Exposures { cause, .. }) => cause.hint(),
        }
    }
}

/// Analyses experiments of a book at a watermark. Touches nothing but the warehouse.
///
/// # Errors
///
/// An experiment that is not in the book or whose method is not computed, and exposures that cannot be read. A metric that cannot be measured
/// is no error: the outcome says why.
pub fn analyse(
    book: &Book,
    warehouse: &dyn Warehouse,
    request: &Request,
    progress: &mut dyn FnMut(&str),
) -> Result<Vec<Outcome>, AnalysisError> {
    let find =
        |key: &ExperimentKey| book.experiments.get(key).ok_or_else(|| AnalysisError::Unknown(key.clone()));
    let experiments: Vec<&Experiment> = request.experiments.iter().map(find).collect::<Result<_, _>>()?;
    if let Some(experiment) = experiments.iter().find(|experiment| !experiment.analysis.method.is_computed())
    {
        let (experiment, method) = (experiment.key.clone(), experiment.analysis.method);
        return Err(AnalysisError::Method { experiment, method });
    }
    let begun: Vec<&Experiment> =
        experiments.iter().copied().filter(|e| e.schedule.start() < request.as_of).collect();
    let answer = if begun.is_empty() {
        Answer::default()
    } else {
        let question = Question { book, experiments: &begun, watermark: request.as_of };
        query::ask(question, warehouse, progress)?
    };
    let timezone = trialbook_model::timezone(&book.timezone).unwrap_or(TimeZone::UTC);
    let outcome = |experiment: &&Experiment| {
        Work { book, experiment, answer: &answer, request, timezone: &timezone }.outcome(warehouse.engine())
    };
    Ok(experiments.iter().map(outcome).collect())
}

impl Work<'_> {
    fn outcome(&self, engine: Engine) -> Outcome {
        let Self { book, experiment, request, .. } = *self;
        let exposures = self.exposures();
        let treatments = experiment.treatments().count() as u64;
        let levels = decision::levels(&experiment.metrics, &experiment.analysis, treatments);
        let quality = quality::checks(self, levels.as_ref().ok());
        let analysed = Analysed::new(self, levels.as_ref().ok());
        let stage = self.stage(&exposures);
        let verdicts: Vec<_> = experiment
            .treatments()
            .map(|treatment| {
                decision::verdict(&Case {
                    treatment,
                    metrics: analysed.findings(treatment),
                    quality: &quality,
                    levels: levels.as_ref().map_err(ToString::to_string),
                    stage,
                    timezone: self.timezone,
                })
            })
            .collect();
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
            preregistration: request.preregistrations.get(&experiment.key).cloned().unwrap_or_else(|| {
                let reason = "it was not compared with its launch".to_owned();
                Preregistration { digest: None, status: PreregistrationStatus::Unverified { reason } }
            }),
            units: self.units(&exposures),
            quality,
            metrics: analysed.results,
            verdicts,
            best,
            queries: self.queries(&exposures),
        }
    }

    fn stage(&self, exposures: &Exposures) -> Stage {
        let (book, experiment, as_of) = (self.book, self.experiment, self.request.as_of);
        let decided_on = book.matured_at(experiment);
        if as_of <= experiment.schedule.start() {
            Stage::NotStarted { start: experiment.schedule.start() }
        } else if experiment.decision.as_ref().is_some_and(|d| d.date <= as_of && d.date < decided_on) {
            // Serving ended with the decision, so the look that the plan waits for never comes: what was measured
            // until then was stopped by somebody who had looked.
            Stage::Abandoned { horizon: decided_on }
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
            analysis: e.analysis,
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
            unknown_variant: exposures.overall.unknown_variant,
            first_exposure: exposures.first,
            last_exposure: exposures.last,
        }
    }

    /// The queries that this experiment's numbers come from.
    fn queries(&self, exposures: &Exposures) -> Vec<Query> {
        let metrics = self.experiment.metrics.all().filter_map(|key| self.book.metrics.get(key));
        let mut sources: Vec<_> = metrics.map(|metric| &metric.kind.measurement().source).collect();
        sources.extend(&exposures.source);
        let used = self.answer.queries.iter().filter(|asked| sources.contains(&&asked.source));
        used.map(|asked| Query { name: asked.name.clone(), sql: asked.sql.clone() }).collect()
    }
}
