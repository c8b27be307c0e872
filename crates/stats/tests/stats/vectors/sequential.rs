//! Group sequential bounds and confidence sequences against the vectors.

use serde_json::Value;
use trialbook_stats::sequential::{GroupSequential, Looks, Sides, Spending, always_valid};

use super::{Check, arms, compare, describe, list, number, probability, text};

fn spending(family: &str, parameter: &Value) -> Spending {
    match family {
        "obf" => Spending::OBrienFlemingLike,
        "pocock" => Spending::PocockLike,
        "power" => Spending::Power(number(parameter)),
        "hsd" => Spending::HwangShihDeCani(number(parameter)),
        other => panic!("the family `{other}` is not known"),
    }
}

fn looks(input: &Value) -> Looks {
    Looks::new(list(&input["information_fractions"]).iter().map(number).collect()).unwrap()
}

pub(super) fn group_sequential(convention: &str, input: &Value, expected: &Value) -> Check {
    let level = probability(&input["alpha_one_sided"]);
    let design = |spending| GroupSequential::new(looks(input), spending, level, Sides::One).map_err(describe);
    if convention == "gst_inflation" {
        let power = probability(&input["power"]);
        let inflation = |spending| design(spending)?.inflation(level, power).map_err(describe);
        let expected = serde_json::json!({
            "outputs": expected["outputs"]["inflation"], "rel_tol": expected["rel_tol"],
            "abs_tol": expected["abs_tol"],
        });
        return compare(
            &expected,
            &[
                ("obf", inflation(Spending::OBrienFlemingLike)?),
                ("pocock", inflation(Spending::PocockLike)?),
                ("power", inflation(Spending::Power(2.0))?),
            ],
        );
    }
    let family = &input["spending"];
    let design = design(spending(text(&family["family"]), &family["parameter"]))?;
    if convention == "design_power" {
        let power = trialbook_stats::Probability::new(0.8).unwrap();
        let drift = design.drift_for(power).map_err(describe)?;
        let inflation = design.inflation(level, power).map_err(describe)?;
        let expected_share = design.expected_information(drift);
        return compare(
            expected,
            &[("drift", drift), ("inflation_factor", inflation), ("asn_h1_fraction", expected_share)],
        );
    }
    let cumulative = design.cumulative_level();
    for (name, got) in [("critical_values", &design.bounds().upper), ("cumulative_alpha", &cumulative)] {
        for (at, want) in list(&expected["outputs"][name]).iter().enumerate() {
            let one = serde_json::json!({
                "outputs": {name: want}, "rel_tol": expected["rel_tol"], "abs_tol": expected["abs_tol"],
            });
            compare(&one, &[(name, got[at])]).map_err(|problem| format!("look {}: {problem}", at + 1))?;
        }
    }
    Ok(())
}

pub(super) fn always_valid(convention: &str, input: &Value, expected: &Value) -> Check {
    let (control, treatment) = arms(input);
    let alpha = probability(&input["alpha"]);
    let n = (control.n() + treatment.n()) as f64;
    let planned = &input["tuning_sample_size"];
    let planned = if planned.is_null() { n } else { number(planned) };
    let variance = |arm: &trialbook_stats::Moments| arm.variance().unwrap() / arm.n() as f64;
    let se = (variance(&control) + variance(&treatment)).sqrt();
    let estimate = treatment.mean() - control.mean();
    let one_sided = convention == "asymp_cs_one_sided";
    let rho2 = if one_sided {
        always_valid::one_sided_rho_squared(alpha, planned)
    } else {
        always_valid::rho_squared(alpha, planned)
    };
    let width = if one_sided { always_valid::one_sided_width } else { always_valid::two_sided_width };
    let half = se * width(alpha, n, rho2);
    compare(
        expected,
        &[
            ("estimate", estimate),
            ("se", se),
            ("rho2", rho2),
            ("half_width", half),
            ("ci_lower", estimate - half),
            ("ci_upper", estimate + half),
            ("lower_bound", estimate - half),
            ("upper_bound", estimate + half),
        ],
    )
}
