//! Cases without a number: a reason is expected, and the one that is meant.

use trialbook_stats::adjustment::adjusted_mean_difference;
use trialbook_stats::heterogeneity::cochran_q;
use trialbook_stats::sample_ratio::sample_ratio;
use trialbook_stats::{Adjustment, Comparison, Margin, Probability, Unmeasurable};

use super::case::{Case, Check, better, number, text};
use super::{arms, cuped, heterogeneity, means, quantile, ratio};

/// The reasons of the vectors, each with those of the crate that it may be.
const REASONS: &[(&str, &[&str])] = &[
    ("zero_variance", &["zero-variance", "zero-spread", "covariate-determines-outcome"]),
    ("zero_spread", &["zero-spread", "zero-variance"]),
    ("empty_arm", &["empty-arm", "no-units", "too-few-for-quantile"]),
    ("no_units", &["empty-arm", "no-units"]),
    ("single_unit", &["single-unit", "too-few-for-quantile"]),
    ("too_few_units", &["single-unit", "empty-arm", "too-few-for-quantile", "too-few-units"]),
    ("zero_denominator", &["zero-denominator"]),
    ("zero_control_mean", &["zero-control-mean", "control-mean-not-separated-from-zero"]),
    ("zero_covariate_variance", &["constant-covariate"]),
    ("constant_covariate", &["constant-covariate", "zero-covariate-denominator"]),
    ("negative_control_mean", &["control-mean-not-positive"]),
    ("control_mean_not_positive", &["control-mean-not-positive"]),
];

pub fn check(case: &Case<'_>) -> Check {
    let expected = text(&case.outputs()["reason"])?;
    let got = reasons(case)?;
    let known = REASONS.iter().find(|(name, _)| *name == expected);
    let fits = match known {
        Some((_, codes)) => got.iter().any(|code| codes.contains(&code.as_str())),
        // A word of another author: that there is a reason must do.
        None => !got.is_empty(),
    };
    if fits { Ok(()) } else { Err(format!("{expected} expected, got {got:?}")) }
}

/// Everything that the crate gives as a reason about a case: why there is no comparison, or no adjustment, no lift, no
/// test of a margin in it.
fn reasons(case: &Case<'_>) -> Result<Vec<String>, String> {
    if case.has("observed") {
        let arms = super::sample_ratio::arms(case, &case.input["observed"])?;
        return Ok(sample_ratio(&arms).err().map(|reason| reason.code().to_owned()).into_iter().collect());
    }
    if case.has("effects") {
        let found = cochran_q(&heterogeneity::parts(case)?);
        return Ok(found.err().map(|reason| reason.to_string()).into_iter().collect());
    }
    match compared(case)? {
        Err(reason) => Ok(vec![reason.code().to_owned()]),
        Ok(compared) => within(case, &compared),
    }
}

fn compared(case: &Case<'_>) -> Result<Result<Comparison, Unmeasurable>, String> {
    if case.has("quantile") {
        quantile::compared(case)
    } else if case.has("covariate_numerator") {
        cuped::adjusted_ratio(case)
    } else if case.has("numerator") {
        ratio::compared(case, case.text("numerator")?, case.text("denominator")?)
    } else if case.has("cluster") {
        ratio::compared(case, "num", "den")
    } else if case.has("covariate") || case.has("covariates") {
        let (control, treatment) = arms::adjusted_arms(case)?;
        Ok(adjusted_mean_difference(&control, &treatment))
    } else {
        means::compared(case)
    }
}

fn within(case: &Case<'_>, compared: &Comparison) -> Result<Vec<String>, String> {
    let mut reasons = Vec::new();
    if let Adjustment::Unadjusted { because } = compared.adjustment() {
        reasons.push(because.code().to_owned());
    }
    let alpha = case.number("alpha").ok().and_then(|alpha| Probability::new(alpha).ok());
    if let Some(Err(reason)) = alpha.map(|alpha| compared.fieller_lift(alpha)) {
        reasons.push(reason.code().to_owned());
    }
    if case.has("nim_relative") {
        let margin = Margin::Relative(number(&case.input["nim_relative"])?);
        if let Err(reason) = compared.non_inferiority(margin, better(&case.input["preferred_direction"])?) {
            reasons.push(reason.code().to_owned());
        }
    }
    Ok(reasons)
}
