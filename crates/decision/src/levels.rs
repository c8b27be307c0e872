//! How the tests of an experiment share its error rates.

use serde::{Deserialize, Serialize};

use trialbook_model::{self as model, Analysis, AnalysisPlan};
use trialbook_stats::decision_rule::{DecisionLevels, DecisionRuleError, ErrorRates, TestCounts};
use trialbook_stats::sequential::Spending;
use trialbook_stats::{NotAProbability, Probability};

/// Why there are no levels to decide at.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum LevelsError {
    /// A declared share is 0 % or 100 %.
    #[error(transparent)]
    Probability(#[from] NotAProbability),
    /// The rates do not fit together, or nothing decides.
    #[error(transparent)]
    Rule(#[from] DecisionRuleError),
}

impl LevelsError {
    /// Returns the reason as data.
    pub const fn code(&self) -> NoLevels {
        match self {
            Self::Rule(DecisionRuleError::NothingDecides) => NoLevels::NothingDecides,
            Self::Rule(DecisionRuleError::NoTreatment) => NoLevels::NoTreatment,
            Self::Rule(DecisionRuleError::AlphaMinusNotBelowBeta { .. }) => {
                NoLevels::DeteriorationAlphaNotBelowBeta
            }
            Self::Probability(_) => NoLevels::NotAProbability,
        }
    }
}

/// Why no level can be shared among the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoLevels {
    /// There is neither a success metric nor a guardrail.
    NothingDecides,
    /// There is no treatment.
    NoTreatment,
    /// `deterioration_alpha` is not below one minus the power.
    DeteriorationAlphaNotBelowBeta,
    /// A declared rate is 0 % or 100 %.
    NotAProbability,
}

/// Returns the level of each test of an experiment with so many treatments.
///
/// The declared alpha is two-sided: each directional test has half of it. One quality test has a share of
/// α₋: the sample ratio, which is made once for all treatments.
pub fn levels(
    plan: &AnalysisPlan,
    analysis: &Analysis,
    treatments: u64,
) -> Result<DecisionLevels, LevelsError> {
    let counts = TestCounts {
        success: plan.success.len() as u64,
        guardrails: plan.guardrails.len() as u64,
        deterioration_only: 0,
        quality_tests: 1,
        treatments,
    };
    let alpha = Probability::new(analysis.alpha.fraction())?.halved();
    let beta = Probability::new(1.0 - analysis.power.fraction())?;
    let alpha_minus = Probability::new(analysis.deterioration_alpha.fraction())?;
    Ok(DecisionLevels::new(counts, ErrorRates::new(alpha, beta, alpha_minus)?)?)
}

/// Returns a declared spending function as the library has it.
pub const fn spending(declared: model::Spending) -> Spending {
    match declared {
        model::Spending::ObrienFleming => Spending::OBrienFlemingLike,
        model::Spending::Pocock => Spending::PocockLike,
        model::Spending::Power(power) => Spending::Power(power),
        model::Spending::HwangShihDecani(gamma) => Spending::HwangShihDeCani(gamma),
    }
}
