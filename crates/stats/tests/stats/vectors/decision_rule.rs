//! Both decision rules, with margins fixed at the observed control mean, as the vectors have them.

use serde_json::Value;
use trialbook_stats::decision_rule::{
    DecisionLevels, ErrorRates, Evidence, SuccessCorrection, TestCounts, decide,
};
use trialbook_stats::sample_ratio::chi_square_test;
use trialbook_stats::{Better, Margin, Probability, mean_difference};

use super::arms::moments;
use super::case::{Case, Check, better, count, describe, list, number, text};

pub fn check(case: &Case<'_>) -> Check {
    let metrics = list(&case.input["metrics"]);
    let role = |name: &str| metrics.iter().filter(|metric| metric["role"] == name).count();
    let (success, guardrails) = (role("success"), role("guardrail"));
    let arms = metrics.first().and_then(|metric| metric["arms"].as_object()).ok_or("no arms")?;
    let counts = TestCounts {
        success: success as u64,
        guardrails: guardrails as u64,
        deterioration_only: (metrics.len() - success - guardrails) as u64,
        quality_tests: list(&case.input["quality_tests"]).len() as u64,
        treatments: (arms.len() as u64).saturating_sub(1),
    };
    let beta = Probability::new(1.0 - case.number("power")?).map_err(describe)?;
    let rates = ErrorRates::new(case.probability("alpha")?, beta, case.probability("alpha_minus")?)
        .map_err(describe)?;
    let levels = DecisionLevels::new(counts, rates).map_err(describe)?;
    case.compare(&[
        ("alpha_success", levels.success.get()),
        ("alpha_guardrail", levels.guardrail.get()),
        ("beta_per_metric", levels.beta_rule_1.get()),
        ("beta_per_metric_rule_2", levels.beta_rule_2.get()),
    ])?;
    let observed: Vec<(u64, f64)> =
        arms.values().map(|arm| Ok((count(&arm["n"])?, 1.0))).collect::<Result<_, String>>()?;
    let quality = chi_square_test(&observed).map_err(describe)?.p_value;
    let treatments = list(&case.outputs()["treatments"]);
    if treatments.len() + 1 != arms.len() {
        return Err(format!("{} treatments expected", treatments.len()));
    }
    treatments.iter().try_for_each(|treatment| {
        one_treatment(case, metrics, &levels, quality, treatment)
            .map_err(|error| format!("{}: {error}", treatment["treatment"]))
    })
}

fn one_treatment(
    case: &Case<'_>,
    metrics: &[Value],
    levels: &DecisionLevels,
    quality: f64,
    want: &Value,
) -> Check {
    let name = text(&want["treatment"])?;
    let (mut success, mut guardrails, mut deterioration) = (Vec::new(), Vec::new(), Vec::new());
    for (metric, want) in metrics.iter().zip(list(&want["metrics"])) {
        let (control, arm) = (moments(&metric["arms"]["c"])?, moments(&metric["arms"][name])?);
        let compared = mean_difference(&control, &arm).map_err(describe)?.with_normal_reference();
        let better = better(&metric["preferred_direction"])?;
        let tails = compared.test(0.0);
        let (p_better, p_worse) = match better {
            Better::Higher => (tails.p_greater, tails.p_less),
            Better::Lower => (tails.p_less, tails.p_greater),
        };
        let mut got = vec![("p_deterioration", p_worse), ("alpha_deterioration", levels.deterioration.get())];
        match text(&metric["role"])? {
            "success" => {
                success.push(Some(p_better));
                got.extend([("p_main", p_better), ("alpha_main", levels.success.get())]);
            }
            "guardrail" => {
                let size = number(&metric["nim_relative"])? * compared.control_mean();
                let margin = Margin::Absolute(size);
                let p = compared.non_inferiority(margin, better).map_err(describe)?.p_value;
                guardrails.push(Some(p));
                got.extend([("p_main", p), ("alpha_main", levels.guardrail.get())]);
            }
            _ => {}
        }
        deterioration.push(Some(p_worse));
        case.compare_with(want, &got).map_err(|error| format!("{}: {error}", metric["id"]))?;
        let worse = levels.deterioration.rejects(p_worse);
        if want["deteriorated"] != worse {
            return Err(format!("{}: deteriorated is {worse}", metric["id"]));
        }
    }
    let srm = [("srm_p_value", quality), ("srm_alpha", levels.deterioration.get())];
    case.compare_with(want, &srm)?;
    let evidence = Evidence {
        success: &success,
        guardrails: &guardrails,
        deterioration: &deterioration,
        quality: &[Some(quality)],
    };
    let outcome = decide(evidence, levels, SuccessCorrection::Bonferroni);
    let got = (outcome.rule_1_ships, outcome.rule_2_ships);
    if want["rule_1_ship"] == got.0 && want["rule_2_ship"] == got.1 {
        Ok(())
    } else {
        Err(format!("ships by rule 1 and 2: {got:?}"))
    }
}
