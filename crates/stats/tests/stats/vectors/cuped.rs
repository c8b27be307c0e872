//! Means and ratios adjusted for a covariate.

use trialbook_stats::adjustment::{
    full_regression_adjustment, pooled_theta_adjustment, pooled_theta_adjustment_on_observed_base,
};
use trialbook_stats::ratio_moments::PAIRS;
use trialbook_stats::{
    Adjustment, Comparison, RatioMoments, RatioMomentsParts, Unmeasurable, adjusted_ratio_difference,
};

use super::arms::{adjusted_arms, centred_arms, co_moments};
use super::case::{Case, Check, count, describe};
use super::means::{lift_of, test_results};

pub fn difference(case: &Case<'_>) -> Check {
    let (control, treatment, origin) = centred_arms(case)?;
    let compared = pooled_theta_adjustment(&control, &treatment).map_err(describe)?;
    let normal = case.convention().ends_with("_z");
    let compared = if normal { compared.with_normal_reference() } else { compared };
    let mut got = test_results(case, &compared, 0.0)?;
    got.push(("mean_control", origin + compared.control_mean()));
    got.push(("mean_treatment", origin + compared.treatment_mean()));
    got.extend(slope(&compared));
    case.compare(&got)
}

fn slope(compared: &Comparison) -> Vec<(&'static str, f64)> {
    match compared.adjustment() {
        Adjustment::PooledTheta { theta, variance_reduction, .. } => {
            vec![("theta", *theta), ("variance_reduction", *variance_reduction)]
        }
        _ => Vec::new(),
    }
}

pub fn lift(case: &Case<'_>) -> Check {
    let (control, treatment) = adjusted_arms(case)?;
    let compared = pooled_theta_adjustment_on_observed_base(&control, &treatment).map_err(describe)?;
    lift_of(case, &compared, case.outputs())
}

pub fn interacted(case: &Case<'_>) -> Check {
    let (control, treatment) = adjusted_arms(case)?;
    let compared = full_regression_adjustment(&control, &treatment).map_err(describe)?;
    case.compare(&[("diff", compared.difference())])
}

pub fn ratio(case: &Case<'_>) -> Check {
    let compared = adjusted_ratio(case)?.map_err(describe)?;
    let mut got = test_results(case, &compared, 0.0)?;
    got.push(("ratio_control", compared.control_mean()));
    got.push(("ratio_treatment", compared.treatment_mean()));
    got.extend(slope(&compared));
    case.compare(&got)
}

/// A ratio with a ratio as its covariate.
pub fn adjusted_ratio(case: &Case<'_>) -> Result<Result<Comparison, Unmeasurable>, String> {
    let mut names = [""; 4];
    for (name, key) in
        names.iter_mut().zip(["numerator", "denominator", "covariate_numerator", "covariate_denominator"])
    {
        *name = case.text(key)?;
    }
    let arm = |arm: &str| {
        let table = &case.input["sufficient"][arm];
        let pair = |(a, b): (usize, usize)| co_moments(table, names[a], names[b]);
        let (mut means, mut m2) = ([0.0; 4], [0.0; PAIRS.len()]);
        for (at, mean) in means.iter_mut().enumerate() {
            *mean = pair((at, at))?.mean_y();
        }
        for (product, at) in m2.iter_mut().zip(PAIRS) {
            *product = pair(at)?.c_xy();
        }
        RatioMoments::from_parts(RatioMomentsParts { n: count(&table["n"])?, means, m2 }).map_err(describe)
    };
    Ok(adjusted_ratio_difference(&arm("control")?, &arm("treatment")?))
}
