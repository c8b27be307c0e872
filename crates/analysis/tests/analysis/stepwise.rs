//! Holm's correction over the success metrics of all treatments.

use std::fmt::Write as _;

use trialbook_analysis::{Judgement, MetricComparison, Outcome, VerdictKind};

use crate::shop::{EXPERIMENT, HORIZON, Numbers, Shop, metric};

const METRICS: [&str; 3] = ["first", "second", "third"];

/// 1,200 units in three arms, with three success metrics; `effects` is what each treatment adds to each of them, whose values
/// spread over 0 to 4.
fn analysed(multiplicity: &str, effects: [[f64; 3]; 2]) -> Outcome {
    let shop = Shop::new();
    let success = METRICS.map(|metric| format!("{{metric: {metric}, mde: 5%}}")).join(", ");
    let plan = EXPERIMENT
        .replace("[{metric: spend, mde: 5%}]", &format!("[{success}]"))
        .replace("guardrails: [{metric: buyers, margin: {absolute: 0.5}}]", "guardrails: []")
        .replace("{off: 50%, on: 50%}", "{off: 34%, on: 33%, bold: 33%}");
    shop.write("button-test.experiment.yaml", &format!("{plan}analysis: {{multiplicity: {multiplicity}}}\n"));
    shop.write(
        "button.flag.yaml",
        "description: A button.\nowner: team\nsurfaces: [checkout]\nentity: user\ntype: string\n\
         variants: {off: a, on: b, bold: c}\ndefault: off\n",
    );
    for (key, kind) in METRICS.iter().zip(["a", "b", "c"]) {
        shop.metric(key, &format!("type: mean\nmeasure: {{sum: amount}}\nwhere: status = '{kind}'"));
    }
    let mut numbers = Numbers(11);
    let (mut exposures, mut purchases) =
        ("user_id,served,at,platform\n".to_owned(), "user_id,at,eur,status\n".to_owned());
    for n in 0..1200 {
        let arm = n % 3;
        let served = ["off", "on", "bold"][arm];
        let _ =
            writeln!(exposures, "u{n},button-test.{served},2026-03-0{}T10:{:02}:00Z,ios", 1 + n % 9, n % 60);
        for (place, kind) in ["a", "b", "c"].iter().enumerate() {
            let added = if arm > 0 { effects[arm - 1][place] } else { 0.0 };
            let amount = 4.0 + numbers.next(400) as f64 / 100.0 + added;
            let _ = writeln!(purchases, "u{n},2026-03-{:02}T12:00:00Z,{amount},{kind}", 2 + n % 9);
        }
    }
    purchases.push_str("other,2026-03-12T23:00:00Z,5,paid\n");
    shop.write("exposures.csv", &exposures);
    shop.write("purchases.csv", &purchases);
    shop.analyse(HORIZON)
}

fn comparisons(outcome: &Outcome) -> Vec<&MetricComparison> {
    METRICS.iter().flat_map(|key| &metric(outcome, key).comparisons).collect()
}

/// The levels of the steps, by hand: of the p-values in order, α over how many are left, until one is above it.
fn by_hand(p_values: &[f64], alpha: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut levels = vec![0.0; p_values.len()];
    let mut left = p_values.len();
    for place in order {
        levels[place] = alpha / left as f64;
        if p_values[place] <= levels[place] {
            left -= 1;
        }
    }
    levels
}

#[test]
fn steps_find_what_equal_shares_miss_and_their_intervals_agree() {
    let mut found = [0, 0];
    for size in [0.1, 0.15, 0.2, 0.25, 0.3] {
        let effects = [[2.0, 1.0, size], [size, 0.0, 1.5]];
        for (place, multiplicity) in ["shared", "holm"].into_iter().enumerate() {
            let outcome = analysed(multiplicity, effects);
            let comparisons = comparisons(&outcome);
            let p: Vec<f64> =
                comparisons.iter().map(|c| c.estimate.effect().expect("an effect").p_greater).collect();
            let expected = match multiplicity {
                "holm" => by_hand(&p, 0.025),
                _ => vec![0.025 / 6.0; 6],
            };
            for ((comparison, level), p) in comparisons.iter().zip(expected).zip(p) {
                let effect = comparison.estimate.effect().expect("an effect");
                assert!(
                    (comparison.level - level).abs() < 1e-15,
                    "{multiplicity}: {} {level}",
                    comparison.level
                );
                assert!((effect.alpha - 2.0 * level).abs() < 1e-15);
                let is_better = comparison.judgement == Judgement::Better;
                assert_eq!(is_better, p <= level, "{multiplicity}: {p} at {level}");
                assert_eq!(is_better, effect.interval.lower > 0.0, "{multiplicity}: {:?}", effect.interval);
                found[place] += usize::from(is_better);
            }
        }
    }
    assert!(found[1] > found[0], "{found:?}");
}

#[test]
fn a_treatment_ships_by_the_levels_of_its_steps() {
    // The second treatment's metric is found only because those of the first need no level any more.
    let ships = |outcome: &Outcome| {
        let is_shipped = |verdict: &trialbook_analysis::Verdict| verdict.kind == VerdictKind::Ship;
        outcome.verdicts.iter().map(is_shipped).collect::<Vec<_>>()
    };
    let mut differed = 0;
    for hundredths in (10..40).step_by(2) {
        let size = f64::from(hundredths) / 100.0;
        let effects = [[2.0, 2.0, 2.0], [0.0, size, 0.0]];
        let (shared, holm) = (ships(&analysed("shared", effects)), ships(&analysed("holm", effects)));
        assert!(shared.iter().zip(&holm).all(|(shared, holm)| holm >= shared), "{size}");
        differed += usize::from(shared != holm);
        if differed > 0 {
            return;
        }
    }
    panic!("no effect was found by steps alone");
}
