//! Effects of parts of the units, and interactions.

use trialbook_stats::heterogeneity::{Part, cochran_q, interaction, trend};
use trialbook_stats::{Reference, mean_difference};

use super::arms::moments;
use super::case::{Case, Check, describe, numbers};

pub fn parts(case: &Case<'_>) -> Result<Vec<Part>, String> {
    let (effects, errors) = (numbers(&case.input["effects"])?, numbers(&case.input["standard_errors"])?);
    if effects.len() != errors.len() {
        return Err("effects and standard errors are not as many".into());
    }
    let parts = effects.into_iter().zip(errors);
    Ok(parts.map(|(effect, standard_error)| Part { effect, standard_error }).collect())
}

pub fn cochran(case: &Case<'_>) -> Check {
    let found = cochran_q(&parts(case)?).map_err(describe)?;
    case.compare(&[
        ("effect", found.effect),
        ("se", found.standard_error),
        ("q", found.q),
        ("df", f64::from(found.degrees_of_freedom)),
        ("p_value", found.p_value),
        ("i2", found.i_squared),
    ])
}

pub fn trend_of_effects(case: &Case<'_>) -> Check {
    let found = trend(&parts(case)?).map_err(describe)?;
    case.compare(&[
        ("slope", found.slope),
        ("se", found.standard_error),
        ("z", found.statistic),
        ("p_value", found.p_value),
    ])
}

/// A cell's name is 1 for the treatment of the one experiment, then of the other.
pub fn interaction_of_cells(case: &Case<'_>) -> Check {
    let cell = |name: &str| moments(&case.input["cells"][name]);
    let effect = |control: &str, treatment: &str| {
        mean_difference(&cell(control)?, &cell(treatment)?).map_err(describe)
    };
    let found = interaction(&effect("00", "01")?, &effect("10", "11")?).map_err(describe)?;
    let df = match found.reference {
        Reference::Normal => f64::INFINITY,
        Reference::StudentT { degrees_of_freedom } => degrees_of_freedom,
    };
    case.compare(&[
        ("interaction", found.estimate),
        ("se", found.standard_error),
        ("df", df),
        ("p_value", found.tails.p_two_sided),
    ])
}
