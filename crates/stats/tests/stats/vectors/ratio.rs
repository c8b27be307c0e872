//! Ratios of totals; clusters are units whose rows are the denominator.

use trialbook_stats::{Comparison, Unmeasurable, ratio_difference};

use super::arms::co_moments;
use super::case::{Case, Check, describe};
use super::means::{lift_of, test_results};

pub fn compared(
    case: &Case<'_>,
    numerator: &str,
    denominator: &str,
) -> Result<Result<Comparison, Unmeasurable>, String> {
    let arm = |name| co_moments(&case.input["sufficient"][name], numerator, denominator);
    Ok(ratio_difference(&arm("control")?, &arm("treatment")?))
}

fn measured(case: &Case<'_>) -> Result<Comparison, String> {
    let compared = compared(case, case.text("numerator")?, case.text("denominator")?)?.map_err(describe)?;
    let normal = case.convention().ends_with("_z");
    Ok(if normal { compared.with_normal_reference() } else { compared })
}

pub fn difference(case: &Case<'_>) -> Check {
    let compared = measured(case)?;
    let mut got = test_results(case, &compared, 0.0)?;
    got.push(("ratio_control", compared.control_mean()));
    got.push(("ratio_treatment", compared.treatment_mean()));
    case.compare(&got)
}

pub fn lift(case: &Case<'_>) -> Check {
    lift_of(case, &measured(case)?, case.outputs())
}

pub fn clusters(case: &Case<'_>) -> Check {
    let compared = compared(case, "num", "den")?.map_err(describe)?;
    let mut got = test_results(case, &compared, 0.0)?;
    got.push(("mean_control", compared.control_mean()));
    got.push(("mean_treatment", compared.treatment_mean()));
    case.compare(&got)
}
