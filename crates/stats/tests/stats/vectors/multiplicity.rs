//! Corrections of several p-values.

use trialbook_stats::Probability;
use trialbook_stats::multiplicity::{benjamini_hochberg, bonferroni, holm, holm_levels};

use super::case::{Case, Check, list, numbers};

pub fn check(case: &Case<'_>) -> Check {
    let p_values = numbers(&case.input["p_values"])?;
    let got = match case.convention() {
        "bh" => benjamini_hochberg(&p_values),
        "holm" => holm(&p_values),
        _ => bonferroni(&p_values),
    };
    if got.is_empty() {
        return Err("no p-values".into());
    }
    case.compare_list("adjusted", &got)?;
    let level = case.number("alpha")?;
    let alpha = Probability::new(level).map_err(|error| error.to_string())?;
    for (position, (got, rejects)) in got.iter().zip(list(&case.outputs()["reject"])).enumerate() {
        // On the level itself the last bit decides.
        let close = (got - level).abs() < 1e-12;
        let passed =
            |levels: Vec<Probability>| levels.get(position).is_some_and(|l| l.rejects(p_values[position]));
        if !close && case.convention() == "holm" && *rejects != passed(holm_levels(&p_values, alpha)) {
            return Err(format!("{position}: tested at another level than its step's"));
        }
        if !close && *rejects != (*got <= level) {
            return Err(format!("{position}: rejected differently at {level}"));
        }
    }
    Ok(())
}
