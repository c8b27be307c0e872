//! Confidence sequences, alone and over several looks.

use serde_json::Value;
use trialbook_stats::sequential::{ConfidenceSequence, always_valid};
use trialbook_stats::{Comparison, Moments, mean_difference};

use super::arms::{arms, moments};
use super::case::{Case, Check, describe, list, number};

/// What a look at two arms is: the comparison against the normal distribution, and the units of both.
struct Look {
    compared: Comparison,
    n: f64,
}

impl Look {
    fn at(control: &Moments, treatment: &Moments) -> Result<Self, String> {
        let compared = mean_difference(control, treatment).map_err(describe)?.with_normal_reference();
        Ok(Self { compared, n: (control.n() + treatment.n()) as f64 })
    }

    fn of(case: &Case<'_>) -> Result<Self, String> {
        let (control, treatment) = arms(case)?;
        Self::at(&control, &treatment)
    }

    /// The interval with this half width in standard errors, the e-value and the p-value of a k.
    fn results(&self, width: f64, k: f64) -> Vec<(&'static str, f64)> {
        let (estimate, se) = (self.compared.difference(), self.compared.standard_error());
        let half = se * width;
        vec![
            ("estimate", estimate),
            ("se", se),
            ("n_total", self.n),
            ("half_width", half),
            ("ci_lower", estimate - half),
            ("ci_upper", estimate + half),
            ("log_e_value", always_valid::log_e_value(estimate / se, k)),
            ("p_value", always_valid::two_sided_p(estimate / se, k)),
        ]
    }
}

fn planned(case: &Case<'_>, n: f64) -> Result<f64, String> {
    match &case.input["tuning_sample_size"] {
        Value::Null => Ok(n),
        planned => number(planned),
    }
}

pub fn two_sided(case: &Case<'_>) -> Check {
    let look = Look::of(case)?;
    let alpha = case.probability("alpha")?;
    let rho2 = always_valid::rho_squared(alpha, planned(case, look.n)?);
    let mut got = look.results(always_valid::two_sided_width(alpha, look.n, rho2), look.n * rho2);
    got.extend([("rho2", rho2), ("rho", rho2.sqrt())]);
    case.compare(&got)
}

pub fn one_sided(case: &Case<'_>) -> Check {
    let look = Look::of(case)?;
    let alpha = case.probability("alpha")?;
    let rho2 = always_valid::one_sided_rho_squared(alpha, planned(case, look.n)?);
    let (estimate, se) = (look.compared.difference(), look.compared.standard_error());
    let half = se * always_valid::one_sided_width(alpha, look.n, rho2);
    case.compare(&[
        ("rho2", rho2),
        ("half_width", half),
        ("lower_bound", estimate - half),
        ("upper_bound", estimate + half),
    ])
}

/// The mixture's variance is among the outputs; with the tuning of the sequence it is that of the sequence.
pub fn mixture(case: &Case<'_>) -> Check {
    let look = Look::of(case)?;
    let alpha = case.probability("alpha")?;
    let se = look.compared.standard_error();
    let tau2 = if case.convention() == "msprt" {
        look.n * se * se * always_valid::rho_squared(alpha, planned(case, look.n)?)
    } else {
        let deviation = moments(&case.input["control"])?.variance().ok_or("a variance")?.sqrt();
        (0.2 * deviation).powi(2)
    };
    let k = always_valid::k_of_mixture(tau2, se);
    let mut got = look.results(always_valid::two_sided_width(alpha, k, 1.0), k);
    got.push(("tau2", tau2));
    case.compare(&got)
}

pub fn lift(case: &Case<'_>) -> Check {
    let look = Look::of(case)?;
    let alpha = case.probability("alpha")?;
    let rho2 = always_valid::rho_squared(alpha, planned(case, look.n)?);
    let lift = look.compared.linear_lift(alpha).map_err(describe)?.lift;
    let se = look.compared.lift_standard_error().map_err(describe)?;
    let half = se * always_valid::two_sided_width(alpha, look.n, rho2);
    case.compare(&[
        ("lift", lift),
        ("se", se),
        ("rho", rho2.sqrt()),
        ("ci_lower", lift - half),
        ("ci_upper", lift + half),
    ])
}

pub fn path(case: &Case<'_>) -> Check {
    let looks = list(&case.input["looks"]);
    let want = list(&case.outputs()["looks"]);
    if looks.len() != want.len() || looks.is_empty() {
        return Err(format!("{} looks, expected {}", looks.len(), want.len()));
    }
    let mut sequence =
        ConfidenceSequence::new(case.probability("alpha")?, case.number("tuning_sample_size")?);
    for (look, want) in looks.iter().zip(want) {
        let seen = Look::at(&moments(&look["control"])?, &moments(&look["treatment"])?)?;
        let found = sequence.look(seen.compared.difference(), seen.compared.standard_error(), seen.n);
        let interval = found.interval.ok_or("no interval")?;
        let running = found.running;
        case.compare_with(
            want,
            &[
                ("ci_lower", interval.lower),
                ("ci_upper", interval.upper),
                ("p_value", found.p_value),
                ("running_p_value", running.p_value),
                ("running_ci_lower", running.interval.0),
                ("running_ci_upper", running.interval.1),
            ],
        )?;
        if want["running_ci_empty"] != running.is_empty() {
            return Err(format!("the intersection is empty: {}", running.is_empty()));
        }
    }
    Ok(())
}
