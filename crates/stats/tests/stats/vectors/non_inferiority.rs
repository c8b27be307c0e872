//! Non-inferiority with a relative margin: as an exact contrast, and as a fixed absolute one.

use trialbook_stats::{Better, Comparison, Margin, Tails, mean_difference};

use super::arms::arms;
use super::case::{Case, Check, better, describe};
use super::means::test_results;

pub fn compared(case: &Case<'_>) -> Result<Comparison, String> {
    let (control, treatment) = arms(case)?;
    let compared = mean_difference(&control, &treatment).map_err(describe)?;
    let normal = case.convention().ends_with("_z");
    Ok(if normal { compared.with_normal_reference() } else { compared })
}

pub fn check(case: &Case<'_>) -> Check {
    let compared = compared(case)?;
    let better = better(&case.input["preferred_direction"])?;
    let share = case.number("nim_relative")?;
    if case.convention() != "nim_linear_contrast_z" {
        return fixed_margin(case, &compared, better, share);
    }
    let results = |contrast, error, tails: Tails| {
        let p = if better == Better::Higher { tails.p_greater } else { tails.p_less };
        let statistic = tails.statistic;
        [("contrast", contrast), ("se", error), ("statistic", statistic), ("p_value", p)]
    };
    let factor = if better == Better::Higher { 1.0 - share } else { 1.0 + share };
    let contrast = compared.linear_contrast(factor);
    case.compare(&results(contrast.estimate, contrast.standard_error, contrast.tails))?;
    match compared.non_inferiority(Margin::Relative(share), better) {
        Ok(tested) => case.compare(&[
            ("contrast", tested.contrast),
            ("se", tested.standard_error),
            ("statistic", tested.statistic),
            ("p_value", tested.p_value),
        ]),
        // The vector warns of it and gives the bare contrast.
        Err(_) if compared.control_mean() < 0.0 && case.has("warning") => Ok(()),
        Err(reason) => Err(describe(reason)),
    }
}

/// The margin times the observed control mean, as the constant that it is not.
fn fixed_margin(case: &Case<'_>, compared: &Comparison, better: Better, share: f64) -> Check {
    let size = share * compared.control_mean();
    let (null, alternative) = match better {
        Better::Higher => (-size, "greater"),
        Better::Lower => (size, "less"),
    };
    let mut input = case.input.clone();
    input["alternative"] = alternative.into();
    let one_sided = case.with(input);
    let mut got = test_results(&one_sided, compared, null)?;
    got.push(("null", null));
    one_sided.compare(&got)?;
    if size > 0.0 {
        let tested = compared.non_inferiority(Margin::Absolute(size), better).map_err(describe)?;
        one_sided.compare(&[("statistic", tested.statistic), ("p_value", tested.p_value)])?;
    }
    Ok(())
}
