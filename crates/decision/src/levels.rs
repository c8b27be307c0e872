//! How the tests of an experiment share its error rates.

use trialbook_model::{Analysis, Plan};
use trialbook_stats::decision_rule::{DecisionLevels, DecisionRuleError, ErrorRates, TestCounts};
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

/// Returns the level of each test of an experiment with so many treatments.
///
/// The declared alpha is two-sided: each directional test has half of it. One quality test has a share of
/// α₋: the sample ratio, which is made once for all treatments.
pub fn levels(plan: &Plan, analysis: &Analysis, treatments: u64) -> Result<DecisionLevels, LevelsError> {
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
