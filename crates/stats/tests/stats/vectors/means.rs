//! Differences of means and proportions, and their lifts.

use serde_json::Value;
use trialbook_stats::{
    Comparison, DefinedLift, Reference, Unmeasurable, mean_difference, proportion_difference,
};

use super::arms::arms;
use super::case::{Case, Check, describe};

/// The comparison of a case; a reason where there is none.
pub fn compared(case: &Case<'_>) -> Result<Result<Comparison, Unmeasurable>, String> {
    let (control, treatment) = arms(case)?;
    let unpooled = case.convention() == "unpooled_z" || !case.input["control"]["successes"].is_null();
    let mean = case.convention().contains("welch") || case.convention().contains("lift");
    Ok(if unpooled && !mean {
        proportion_difference(&control, &treatment)
    } else {
        mean_difference(&control, &treatment)
    })
}

/// As [`compared`], against the distribution that the convention ends with.
fn measured(case: &Case<'_>) -> Result<Comparison, String> {
    let compared = compared(case)?.map_err(describe)?;
    let normal = case.convention().ends_with("_z");
    Ok(if normal { compared.with_normal_reference() } else { compared })
}

pub fn difference(case: &Case<'_>) -> Check {
    let compared = measured(case)?;
    let mut got = test_results(case, &compared, 0.0)?;
    got.push(("mean_control", compared.control_mean()));
    got.push(("mean_treatment", compared.treatment_mean()));
    case.compare(&got)
}

/// The test and interval of a case, two-sided or as its `alternative` says.
pub fn test_results(
    case: &Case<'_>,
    compared: &Comparison,
    null: f64,
) -> Result<Vec<(&'static str, f64)>, String> {
    let tails = compared.test(null);
    let interval = compared.interval(case.two_sided_level()?).map_err(describe)?;
    let (lower, upper) = case.bounds(interval);
    let p = match case.input["alternative"].as_str() {
        Some("greater") => tails.p_greater,
        Some("less") => tails.p_less,
        _ => tails.p_two_sided,
    };
    let df = match compared.reference() {
        Reference::Normal => f64::INFINITY,
        Reference::StudentT { degrees_of_freedom } => degrees_of_freedom,
    };
    Ok(vec![
        ("diff", compared.difference()),
        ("se", compared.standard_error()),
        ("df", df),
        ("statistic", tails.statistic),
        ("p_value", p),
        ("ci_lower", lower),
        ("ci_upper", upper),
    ])
}

pub fn lift(case: &Case<'_>) -> Check {
    lift_against(case, case.outputs())
}

pub fn lift_against(case: &Case<'_>, outputs: &Value) -> Check {
    lift_of(case, &measured(case)?, outputs)
}

/// Compares the lift of a comparison by the linear delta method.
pub fn lift_of(case: &Case<'_>, compared: &Comparison, outputs: &Value) -> Check {
    let lift = compared.linear_lift(case.two_sided_level()?).map_err(describe)?;
    let error = compared.lift_standard_error().map_err(describe)?;
    let (lower, upper) = case.bounds(lift.interval);
    case.compare_with(
        outputs,
        &[("lift", lift.lift), ("se", error), ("ci_lower", lower), ("ci_upper", upper)],
    )
}

pub fn fieller_lift(case: &Case<'_>) -> Result<DefinedLift, String> {
    measured(case)?.fieller_lift(case.probability("alpha")?).map_err(describe)
}

pub fn fieller(case: &Case<'_>) -> Check {
    let lift = fieller_lift(case);
    if case.outputs()["bounded"] == false {
        return match lift {
            Err(_) => Ok(()),
            Ok(lift) => Err(format!("unbounded, but got {lift:?}")),
        };
    }
    let lift = lift?;
    let (lower, upper) = (lift.interval.lower, lift.interval.upper);
    case.compare(&[("lift", lift.lift), ("ci_lower", lower), ("ci_upper", upper)])
}
