//! Quantiles of a column of a table.

use trialbook_stats::{Arm, Comparison, Quantile, Unmeasurable, quantile_difference};

use super::case::{Case, Check, describe};
use super::means::test_results;

/// The values of a column among the units of an arm.
fn column(case: &Case<'_>, arm: &str) -> Result<Vec<f64>, String> {
    let file = case.folder.join("data").join(case.text("csv")?);
    let table = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let place =
        |name: &str| header.iter().position(|one| *one == name).ok_or_else(|| format!("no column {name}"));
    let (variant, value) = (place("variant")?, place(case.text("column")?)?);
    let rows =
        lines.map(|line| line.split(',').collect::<Vec<_>>()).filter(|row| row.get(variant) == Some(&arm));
    rows.map(|row| {
        row.get(value).and_then(|cell| cell.parse().ok()).ok_or_else(|| format!("no number in {row:?}"))
    })
    .collect()
}

type Arms = Result<(Quantile, Quantile), Unmeasurable>;

fn arms(case: &Case<'_>) -> Result<Arms, String> {
    let quantile = case.probability("quantile")?;
    let (control, treatment) = (column(case, "control")?, column(case, "treatment")?);
    let control = Quantile::of_values(&control, quantile, Arm::Control);
    let treatment = Quantile::of_values(&treatment, quantile, Arm::Treatment);
    Ok(control.and_then(|control| Ok((control, treatment?))))
}

pub fn compared(case: &Case<'_>) -> Result<Result<Comparison, Unmeasurable>, String> {
    Ok(arms(case)?.and_then(|(control, treatment)| quantile_difference(&control, &treatment)))
}

pub fn check(case: &Case<'_>) -> Check {
    let (control, treatment) = arms(case)?.map_err(describe)?;
    let compared = compared(case)?.map_err(describe)?;
    let mut got = test_results(case, &compared, 0.0)?;
    got.extend([
        ("quantile_control", control.value),
        ("quantile_treatment", treatment.value),
        ("se_control", control.standard_error),
        ("se_treatment", treatment.standard_error),
    ]);
    case.compare(&got)
}
