//! How the tests of one experiment share its error rates, and what they decide together.
//!
//! The rules of Schultzberg, Ankargren and Frånberg (2024). Rule 1: ship when a success metric is
//! better and every guardrail is non-inferior. Rule 2: in addition, no metric of any role is worse and
//! no quality test rejects. Guardrails divide no level, because all of them must pass; they divide
//! the type II error instead.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::multiplicity::holm;
use super::probability::Probability;

/// How many tests an experiment makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCounts {
    /// Success metrics (S).
    pub success: u64,
    /// Guardrails with a margin (G).
    pub guardrails: u64,
    /// Metrics that are only watched for deterioration (D).
    pub deterioration_only: u64,
    /// Quality tests, such as the sample ratio (Q); each is made once for all treatments.
    pub quality_tests: u64,
    /// Treatments compared with the control (T).
    pub treatments: u64,
}

/// The error rates of the whole decision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "ErrorRateParts")]
pub struct ErrorRates {
    alpha: Probability,
    beta: Probability,
    alpha_minus: Probability,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorRateParts {
    alpha: Probability,
    beta: Probability,
    alpha_minus: Probability,
}

impl TryFrom<ErrorRateParts> for ErrorRates {
    type Error = DecisionRuleError;

    fn try_from(parts: ErrorRateParts) -> Result<Self, DecisionRuleError> {
        Self::new(parts.alpha, parts.beta, parts.alpha_minus)
    }
}

/// Why levels cannot be shared.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum DecisionRuleError {
    /// The deterioration tests alone would use up the type II error.
    #[error("alpha_minus ({alpha_minus}) must be below beta ({beta})")]
    AlphaMinusNotBelowBeta {
        /// The level of the deterioration and quality tests.
        alpha_minus: f64,
        /// The type II error.
        beta: f64,
    },
    /// There is neither a success metric nor a guardrail, so nothing can decide.
    #[error("there is neither a success metric nor a guardrail to decide by")]
    NothingDecides,
    /// There is no treatment.
    #[error("there is no treatment to decide on")]
    NoTreatment,
}

impl ErrorRates {
    /// Returns the error rates of a decision.
    ///
    /// `alpha` is one-sided: half of the two-sided level that people declare. `beta` is one minus
    /// the power. `alpha_minus`, for deterioration and quality tests, must be below `beta`.
    pub fn new(
        alpha: Probability,
        beta: Probability,
        alpha_minus: Probability,
    ) -> Result<Self, DecisionRuleError> {
        if alpha_minus < beta {
            Ok(Self { alpha, beta, alpha_minus })
        } else {
            Err(DecisionRuleError::AlphaMinusNotBelowBeta {
                alpha_minus: alpha_minus.get(),
                beta: beta.get(),
            })
        }
    }

    /// The one-sided level of ship decisions.
    pub fn alpha(&self) -> Probability {
        self.alpha
    }

    /// The type II error of ship decisions.
    pub fn beta(&self) -> Probability {
        self.beta
    }

    /// The level that all deterioration and quality tests share.
    pub fn alpha_minus(&self) -> Probability {
        self.alpha_minus
    }
}

/// The level and the type II error of each single test; all levels one-sided.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DecisionLevels {
    /// Of each success metric: α / (S·T).
    pub success: Probability,
    /// Of all success metrics of a treatment together, for [`SuccessCorrection::Holm`]: α / T.
    pub success_family: Probability,
    /// Of each guardrail: α / T, whatever their number.
    pub guardrail: Probability,
    /// Of each deterioration test and each quality test: α₋ / ((S+G+D)·T + Q).
    pub deterioration: Probability,
    /// The type II error of each success metric and guardrail under rule 1: β / (G + 1 where S > 0).
    pub beta_rule_1: Probability,
    /// The same under rule 2: (β − α₋) / (G + 1 where S > 0). The power of each test is one minus it.
    pub beta_rule_2: Probability,
}

impl DecisionLevels {
    /// Returns how the tests share the error rates.
    ///
    /// ```
    /// use trialbook_stats::Probability;
    /// use trialbook_stats::decision_rule::{DecisionLevels, ErrorRates, TestCounts};
    ///
    /// let [alpha, beta, alpha_minus] = [0.025, 0.2, 0.01].map(Probability::new);
    /// let rates = ErrorRates::new(alpha?, beta?, alpha_minus?)?;
    /// let counts = TestCounts {
    ///     success: 2, guardrails: 3, deterioration_only: 0, quality_tests: 1, treatments: 1,
    /// };
    /// let levels = DecisionLevels::new(counts, rates)?;
    /// assert_eq!(levels.success.get(), 0.0125);
    /// assert_eq!(levels.guardrail.get(), 0.025);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(counts: TestCounts, rates: ErrorRates) -> Result<Self, DecisionRuleError> {
        let TestCounts { success, guardrails, deterioration_only, quality_tests, treatments } = counts;
        if treatments == 0 {
            return Err(DecisionRuleError::NoTreatment);
        }
        let deciding = guardrails.saturating_add(u64::from(success > 0));
        if deciding == 0 {
            return Err(DecisionRuleError::NothingDecides);
        }
        let metrics = success.saturating_add(guardrails).saturating_add(deterioration_only);
        let harm_tests = metrics.saturating_mul(treatments).saturating_add(quality_tests);
        let left = Probability::new(rates.beta.get() - rates.alpha_minus.get()).map_err(|_| {
            DecisionRuleError::AlphaMinusNotBelowBeta {
                alpha_minus: rates.alpha_minus.get(),
                beta: rates.beta.get(),
            }
        })?;
        Ok(Self {
            success: rates.alpha.shared_by(success.max(1).saturating_mul(treatments)),
            success_family: rates.alpha.shared_by(treatments),
            guardrail: rates.alpha.shared_by(treatments),
            deterioration: rates.alpha_minus.shared_by(harm_tests),
            beta_rule_1: rates.beta.shared_by(deciding),
            beta_rule_2: left.shared_by(deciding),
        })
    }

    /// The power that rule 2 asks of each success metric and guardrail.
    pub fn power(&self) -> f64 {
        1.0 - self.beta_rule_2.get()
    }
}

/// How the success metrics of a treatment share their level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SuccessCorrection {
    /// Equal shares.
    #[default]
    Bonferroni,
    /// Step by step from the smallest p-value: it finds at least as much.
    Holm,
}

/// The one-sided p-values of one treatment; `None` where a test could not be made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence<'a> {
    /// Of "better", per success metric.
    pub success: &'a [Option<f64>],
    /// Of "not worse by the margin", per guardrail.
    pub guardrails: &'a [Option<f64>],
    /// Of "worse", for every metric of every role.
    pub deterioration: &'a [Option<f64>],
    /// Of each quality test.
    pub quality: &'a [Option<f64>],
}

/// What the tests of one treatment decide, with the positions in [`Evidence`] that decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleOutcome {
    /// The success metrics that are significantly better.
    pub better: Vec<usize>,
    /// The guardrails that are significantly non-inferior.
    pub non_inferior: Vec<usize>,
    /// The metrics that are significantly worse.
    pub worse: Vec<usize>,
    /// The quality tests that reject.
    pub quality_rejected: Vec<usize>,
    /// Whether rule 1 ships.
    pub rule_1_ships: bool,
    /// Whether rule 2 ships. A deterioration or quality test that could not be made is no evidence
    /// of no harm, and prevents it.
    pub rule_2_ships: bool,
}

/// Applies both rules to the p-values of one treatment.
pub fn decide(evidence: Evidence<'_>, levels: &DecisionLevels, correction: SuccessCorrection) -> RuleOutcome {
    let better = match correction {
        SuccessCorrection::Bonferroni => rejected(evidence.success, levels.success),
        SuccessCorrection::Holm => {
            let p_values: Vec<f64> = evidence.success.iter().map(|p| p.unwrap_or(f64::NAN)).collect();
            let adjusted: Vec<Option<f64>> = holm(&p_values).into_iter().map(Some).collect();
            rejected(&adjusted, levels.success_family)
        }
    };
    decide_given(better, evidence, levels)
}

/// Applies both rules to the p-values of one treatment, given the positions of the success metrics that are better: where the
/// correction is one over several treatments, a single one's p-values do not tell.
pub fn decide_given(better: Vec<usize>, evidence: Evidence<'_>, levels: &DecisionLevels) -> RuleOutcome {
    let non_inferior = rejected(evidence.guardrails, levels.guardrail);
    let worse = rejected(evidence.deterioration, levels.deterioration);
    let quality_rejected = rejected(evidence.quality, levels.deterioration);
    let decides = !evidence.success.is_empty() || !evidence.guardrails.is_empty();
    let rule_1_ships = decides
        && (evidence.success.is_empty() || !better.is_empty())
        && non_inferior.len() == evidence.guardrails.len();
    let harm_tests_made = [evidence.deterioration, evidence.quality]
        .iter()
        .all(|tests| tests.iter().all(|p| p.is_some_and(|p| !p.is_nan())));
    let rule_2_ships = rule_1_ships && harm_tests_made && worse.is_empty() && quality_rejected.is_empty();
    RuleOutcome { better, non_inferior, worse, quality_rejected, rule_1_ships, rule_2_ships }
}

/// The positions of the p-values that are significant.
fn rejected(p_values: &[Option<f64>], level: Probability) -> Vec<usize> {
    let significant = p_values.iter().enumerate();
    significant.filter(|(_, p)| p.is_some_and(|p| level.rejects(p))).map(|(position, _)| position).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates() -> ErrorRates {
        let [alpha, beta, alpha_minus] = [0.025, 0.2, 0.01].map(|value| Probability::new(value).unwrap());
        ErrorRates::new(alpha, beta, alpha_minus).unwrap()
    }

    fn counts() -> TestCounts {
        TestCounts { success: 2, guardrails: 3, deterioration_only: 1, quality_tests: 1, treatments: 2 }
    }

    fn levels() -> DecisionLevels {
        DecisionLevels::new(counts(), rates()).unwrap()
    }

    #[test]
    fn success_metrics_and_treatments_share_alpha_and_guardrails_do_not() {
        let levels = levels();
        assert_eq!(levels.success.get(), 0.025 / 4.0);
        assert_eq!(levels.guardrail.get(), 0.025 / 2.0);
        assert_eq!(levels.deterioration.get(), 0.01 / 13.0);
        assert_eq!(levels.beta_rule_1.get(), 0.05);
        assert!((levels.power() - (1.0 - 0.19 / 4.0)).abs() < 1e-15);
    }

    #[test]
    fn a_decision_needs_something_to_decide_by() {
        let none = TestCounts { success: 0, guardrails: 0, ..counts() };
        assert_eq!(DecisionLevels::new(none, rates()), Err(DecisionRuleError::NothingDecides));
        let none = TestCounts { treatments: 0, ..counts() };
        assert_eq!(DecisionLevels::new(none, rates()), Err(DecisionRuleError::NoTreatment));
        let alpha = rates().alpha();
        assert!(ErrorRates::new(alpha, alpha, alpha).is_err());
    }

    #[test]
    fn rates_that_do_not_fit_together_cannot_be_read() {
        let json = r#"{"alpha": 0.025, "beta": 0.01, "alpha_minus": 0.2}"#;
        assert!(serde_json::from_str::<ErrorRates>(json).is_err());
    }

    const GOOD: Evidence<'static> = Evidence {
        success: &[Some(0.3), Some(0.006)],
        guardrails: &[Some(0.001), Some(0.01), Some(0.0125)],
        deterioration: &[Some(0.7), Some(0.9), Some(0.5), Some(0.5), Some(0.4), Some(0.2)],
        quality: &[Some(0.4)],
    };

    #[test]
    fn one_better_metric_and_all_guardrails_ship() {
        let outcome = decide(GOOD, &levels(), SuccessCorrection::Bonferroni);
        assert!(outcome.rule_1_ships && outcome.rule_2_ships);
        assert_eq!(outcome.better, [1]);
    }

    #[test]
    fn one_guardrail_that_fails_blocks_both_rules() {
        let evidence = Evidence { guardrails: &[Some(0.001), Some(0.02), Some(0.0)], ..GOOD };
        let outcome = decide(evidence, &levels(), SuccessCorrection::Bonferroni);
        assert!(!outcome.rule_1_ships && !outcome.rule_2_ships);
        assert_eq!(outcome.non_inferior, [0, 2]);
    }

    #[test]
    fn harm_or_a_quality_test_blocks_rule_2_alone() {
        for evidence in [
            Evidence { deterioration: &[Some(0.0007)], ..GOOD },
            Evidence { quality: &[Some(0.0007)], ..GOOD },
            Evidence { deterioration: &[None], ..GOOD },
            Evidence { quality: &[Some(f64::NAN)], ..GOOD },
        ] {
            let outcome = decide(evidence, &levels(), SuccessCorrection::Bonferroni);
            assert!(outcome.rule_1_ships && !outcome.rule_2_ships, "{evidence:?}");
        }
    }

    #[test]
    fn holm_finds_the_second_success_that_equal_shares_miss() {
        let evidence = Evidence { success: &[Some(0.012), Some(0.006)], ..GOOD };
        let shared = decide(evidence, &levels(), SuccessCorrection::Bonferroni);
        let stepwise = decide(evidence, &levels(), SuccessCorrection::Holm);
        assert_eq!((shared.better, stepwise.better), (vec![1], vec![0, 1]));
    }

    #[test]
    fn no_evidence_at_all_ships_nothing() {
        let nothing = Evidence { success: &[], guardrails: &[], deterioration: &[], quality: &[] };
        let outcome = decide(nothing, &levels(), SuccessCorrection::Bonferroni);
        assert!(!outcome.rule_1_ships && !outcome.rule_2_ships);
        let unmeasured = Evidence { success: &[None, None], ..GOOD };
        assert!(!decide(unmeasured, &levels(), SuccessCorrection::Holm).rule_1_ships);
    }
}
