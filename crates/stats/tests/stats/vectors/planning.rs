//! Units, effects and power for a fixed horizon.

use serde_json::Value;
use trialbook_stats::power::{Goal, RequiredUnits, UnitVariances, planned_standard_error, two_sided_power};

use super::case::{Case, Check, describe, number};

fn goal(case: &Case<'_>) -> Result<Goal, String> {
    Ok(Goal { level: case.probability("alpha")?.halved(), power: case.probability("power")? })
}

pub fn proportion(case: &Case<'_>) -> Check {
    let (p0, p1) = (case.number("p0")?, case.number("p1")?);
    let variances = UnitVariances::of_proportions(p0, p1);
    let units = goal(case)?.required_units(p1 - p0, variances, 1.0).map_err(describe)?;
    case.compare(&[("n_per_arm", units.control), ("n_per_arm", units.treatment)])
}

pub fn mean(case: &Case<'_>) -> Check {
    let goal = goal(case)?;
    let variance = case.number("sd")?.powi(2);
    let variances = UnitVariances { control: variance, treatment: variance };
    let ratio = case.number("ratio")?;
    if case.convention() == "mean_normal_one_tail" {
        let units = goal.required_units(case.number("effect")?, variances, ratio).map_err(describe)?;
        return case.compare(&[
            ("n_control", units.control),
            ("n_treatment", units.treatment),
            ("n_control_ceil", units.control.ceil()),
            ("n_treatment_ceil", units.treatment.ceil()),
        ]);
    }
    let outputs = case.outputs();
    let control = number(&outputs["n_control"])?;
    let treatment = match &outputs["n_treatment"] {
        Value::Null => control * ratio,
        treatment => number(treatment)?,
    };
    let planned = RequiredUnits { control, treatment };
    let error = planned_standard_error(variances, planned).map_err(describe)?;
    if case.convention() == "mde_normal_one_tail" {
        return case.compare(&[("mde", goal.detectable_effect(error).map_err(describe)?)]);
    }
    let power = two_sided_power(case.number("effect")?, error, case.probability("alpha")?);
    case.compare(&[("power", power.map_err(describe)?)])
}
