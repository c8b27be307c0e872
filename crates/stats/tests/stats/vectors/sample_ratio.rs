//! Sample ratio: at once, and at every look.

use serde_json::Value;
use trialbook_stats::sample_ratio::{SampleRatioMethod, chi_square_test, exact_binomial};
use trialbook_stats::sequential::split::{SequentialSampleRatio, log_bayes_factor};

use super::case::{Case, Check, count, describe, list, number, numbers};

pub fn arms(case: &Case<'_>, observed: &Value) -> Result<Vec<(u64, f64)>, String> {
    let shares = numbers(&case.input["expected_proportions"])?;
    let counts = list(observed).iter().map(count).collect::<Result<Vec<_>, _>>()?;
    if counts.len() == shares.len() {
        Ok(counts.into_iter().zip(shares).collect())
    } else {
        Err("counts and shares are not as many".into())
    }
}

pub fn binomial(case: &Case<'_>) -> Check {
    let [first, second] = arms(case, &case.input["observed"])?[..] else {
        return Err("two arms expected".into());
    };
    case.compare(&[("p_value", exact_binomial(first, second).map_err(describe)?.p_value)])
}

pub fn chi_square(case: &Case<'_>) -> Check {
    let result = chi_square_test(&arms(case, &case.input["observed"])?).map_err(describe)?;
    let SampleRatioMethod::ChiSquare { statistic, degrees_of_freedom } = result.method else {
        return Err(format!("another method: {:?}", result.method));
    };
    let df = f64::from(degrees_of_freedom);
    case.compare(&[("statistic", statistic), ("p_value", result.p_value), ("df", df)])
}

pub fn bayes_factors(case: &Case<'_>) -> Check {
    bayes_factors_within(case, 0.0)
}

pub fn units(case: &Case<'_>) -> Result<f64, String> {
    Ok(arms(case, &case.input["observed"])?.iter().map(|(units, _)| *units as f64).sum())
}

/// The outputs name the concentration, as `log_bf_conc_100`. Logarithms may be off by `error`.
pub fn bayes_factors_within(case: &Case<'_>, error: f64) -> Check {
    let arms = arms(case, &case.input["observed"])?;
    let names = case.outputs().as_object().into_iter().flat_map(|outputs| outputs.iter());
    let mut compared = 0;
    for (name, want) in names {
        let Some((what, concentration)) = name.rsplit_once("_conc_") else { continue };
        let concentration: f64 = concentration.parse().map_err(describe)?;
        let (got, off) = match what {
            "log_bf" => {
                let got = log_bayes_factor(&arms, concentration).map_err(describe)?;
                (got, (got - number(want)?).abs())
            }
            "p_value" => {
                let got = SequentialSampleRatio::new(concentration).look(&arms).map_err(describe)?;
                (got, (got / number(want)?).ln().abs())
            }
            _ => continue,
        };
        if off > error {
            case.compare(&[(name, got)])?;
        }
        compared += 1;
    }
    if compared == 0 { Err("no output with a concentration".into()) } else { Ok(()) }
}

pub fn path(case: &Case<'_>) -> Check {
    let mut split = SequentialSampleRatio::new(case.number("concentration")?);
    let mut so_far: Option<Vec<(u64, f64)>> = None;
    let mut p_values = Vec::new();
    for increment in list(&case.input["increments"]) {
        let mut arms = arms(case, increment)?;
        for (arm, before) in arms.iter_mut().zip(so_far.iter().flatten()) {
            arm.0 += before.0;
        }
        p_values.push(split.look(&arms).map_err(describe)?);
        so_far = Some(arms);
    }
    case.compare_list("p_values", &p_values)
}
