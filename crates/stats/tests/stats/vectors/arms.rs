//! The arms of a case as moments: as given, exactly from its sums, or from a table.

use serde_json::Value;
use trialbook_stats::{CoMoments, CoMomentsParts, Moments};

use super::case::{Case, count, describe, number, text};
use super::exact::{Decimal, co_moment};

pub fn exact(value: &Value) -> Result<Decimal, String> {
    Decimal::parse(text(value)?).ok_or_else(|| format!("a decimal expected, not {value}"))
}

/// The moments of an arm: as given, or exactly from its sums, or from a count of successes.
pub fn moments(arm: &Value) -> Result<Moments, String> {
    let n = count(&arm["n"])?;
    if n == 0 {
        return Ok(Moments::EMPTY);
    }
    if !arm["successes"].is_null() {
        return Moments::of_proportion(count(&arm["successes"])?, n).map_err(describe);
    }
    if !arm["m2"].is_null() {
        return Moments::from_parts(n, number(&arm["mean"])?, number(&arm["m2"])?).map_err(describe);
    }
    let sum = exact(&arm["sum"])?;
    let m2 = co_moment(n, &exact(&arm["sum_squares"])?, &sum, &sum);
    Moments::from_parts(n, sum.value() / n as f64, m2).map_err(describe)
}

/// The moments of two columns of an aggregated table.
pub fn co_moments(arm: &Value, y: &str, x: &str) -> Result<CoMoments, String> {
    co_moments_from(arm, y, x, [0.0, 0.0])
}

/// The moments of two columns of an aggregated table, each counted from an origin.
fn co_moments_from(arm: &Value, y: &str, x: &str, origins: [f64; 2]) -> Result<CoMoments, String> {
    let n = count(&arm["n"])?;
    if n == 0 {
        return Ok(CoMoments::EMPTY);
    }
    let mean = |sum: Decimal, origin: f64| {
        let origin = Decimal::parse(&format!("{origin:.0}")).ok_or("an origin is a number")?;
        Ok::<_, String>(sum.minus(&origin.times(&Decimal::from_count(n))).value() / n as f64)
    };
    let sum = |column: &str| exact(&arm["sums"][column]);
    let cross = |a: &str, b: &str| {
        let product = [format!("{a}*{b}"), format!("{b}*{a}")]
            .iter()
            .find_map(|name| arm["cross"][name.as_str()].as_str().and_then(Decimal::parse))
            .ok_or_else(|| format!("no product of {a} and {b}"))?;
        Ok::<_, String>(co_moment(n, &product, &sum(a)?, &sum(b)?))
    };
    CoMoments::from_parts(CoMomentsParts {
        n,
        mean_y: mean(sum(y)?, origins[0])?,
        mean_x: mean(sum(x)?, origins[1])?,
        m2_y: cross(y, y)?,
        m2_x: cross(x, x)?,
        c_xy: cross(y, x)?,
    })
    .map_err(describe)
}

/// Both arms of a case as moments of its outcome.
pub fn arms(case: &Case<'_>) -> Result<(Moments, Moments), String> {
    let input = &case.input;
    if input["sufficient"].is_null() {
        return Ok((moments(&input["control"])?, moments(&input["treatment"])?));
    }
    let outcome = case.text("outcome")?;
    let arm = |name: &str| co_moments(&input["sufficient"][name], outcome, outcome);
    Ok((arm("control")?.outcome(), arm("treatment")?.outcome()))
}

/// Both arms with the first covariate of a case, and the origin that their outcome is counted from.
///
/// At a mean of 1e7 the digits that the vectors ask of a difference are not in a double; counted from near the mean
/// they are. No difference, slope or error depends on the origin.
pub fn centred_arms(case: &Case<'_>) -> Result<(CoMoments, CoMoments, f64), String> {
    let (control, _) = adjusted_arms(case)?;
    let origins = [control.mean_y().round(), control.mean_x().round()];
    let (control, treatment) = adjusted_arms_from(case, origins)?;
    Ok((control, treatment, origins[0]))
}

pub fn adjusted_arms(case: &Case<'_>) -> Result<(CoMoments, CoMoments), String> {
    adjusted_arms_from(case, [0.0, 0.0])
}

fn adjusted_arms_from(case: &Case<'_>, origins: [f64; 2]) -> Result<(CoMoments, CoMoments), String> {
    let covariate = match &case.input["covariates"] {
        Value::Null => case.text("covariate")?,
        covariates => text(&covariates[0])?,
    };
    let outcome = case.text("outcome")?;
    let arm = |name: &str| co_moments_from(&case.input["sufficient"][name], outcome, covariate, origins);
    Ok((arm("control")?, arm("treatment")?))
}
