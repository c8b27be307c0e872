//! What is counted beside a result is what the result rests on.

use trialbook::report::{markdown, outcome};
use trialbook_analysis::{Judgement, Outcome, SplitDiagnosis, VerdictKind};

use super::fixture;
use super::looks;

fn comment(found: &Outcome) -> String {
    markdown::render(&outcome::document(found)).replace(['\u{a0}', '\u{202f}'], " ")
}

#[test]
fn a_row_of_an_earlier_look_names_it_and_counts_its_units() {
    let text = comment(&looks::stopped());
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
    let of = |name: &str, rows: &[&str]| -> Vec<String> {
        rows.iter().filter(|row| row.contains(name)).map(|row| (*row).to_owned()).collect()
    };
    let (refunds, purchases) = (of("refund rate", &rows), of("purchases per user", &rows));
    assert_eq!((refunds.len(), purchases.len()), (2, 2), "{text}");
    assert!(refunds.iter().all(|row| row.contains("at the look of 2026-12-12")), "{refunds:?}");
    assert!(purchases.iter().all(|row| !row.contains("at the look of")), "{purchases:?}");
    assert!(refunds[1].contains("| 90 000 |") && purchases[1].contains("| 108 000 |"), "{text}");
}

#[test]
fn a_test_of_two_arms_counts_the_units_of_two() {
    let mut three = fixture::three_armed();
    let metric = &mut three.metrics[0];
    let mut huge = metric.arms[0].clone();
    huge.variant = fixture::key("huge");
    metric.arms.push(huge);
    for (arm, units) in metric.arms.iter_mut().zip([100, 200, 400]) {
        arm.units = units;
    }
    let text = comment(&three);
    let tests = &text[text.find("<details><summary>Tests").expect("the tests")..];
    let of = |treatment: &str| {
        let row = format!("| purchases per user | {treatment} |");
        tests.lines().find(|line| line.starts_with(&row)).expect("a row").to_owned()
    };
    assert!(of("bold").contains("| 300 |") && of("huge").contains("| 600 |"), "{tests}");
}

#[test]
fn units_without_a_closed_window_do_not_make_the_declared_power() {
    let mut waiting = fixture::keep_running();
    let need = waiting.verdicts[0].need.as_mut().expect("a need");
    (need.have, need.units) = (5_333, Some(4_120));
    for arm in waiting.metrics.iter_mut().flat_map(|metric| &mut metric.arms) {
        arm.units = 1_333;
    }
    let text = comment(&waiting);
    assert!(text.contains("once their windows have closed: those of 2 666 have."), "{text}");
    for arm in waiting.metrics.iter_mut().flat_map(|metric| &mut metric.arms) {
        arm.units = 2_100;
    }
    assert!(!comment(&waiting).contains("once their windows"), "{text}");
}

#[test]
fn a_search_that_compared_nothing_explains_nothing_away() {
    let mut broken = fixture::invalid();
    broken.split = Some(SplitDiagnosis { cause: None, compared: 0, ..fixture::web_loses() });
    let text = comment(&broken);
    assert!(text.contains("No set of units could be compared"), "{text}");
    assert!(!text.contains("look for a fault that concerns all units alike"), "{text}");
}

#[test]
fn an_arm_that_counts_nobody_has_no_level() {
    let mut found = fixture::unmeasured();
    let metric = found
        .metrics
        .iter_mut()
        .find(|metric| metric.comparisons[0].judgement == Judgement::NotMeasured)
        .expect("a metric without a number");
    for arm in &mut metric.arms {
        arm.units = 0;
    }
    let text = comment(&found);
    let row = text.lines().find(|line| line.contains("not measured")).expect("a row");
    assert_eq!(row.matches("| — ").count(), 3, "{row}");
}

#[test]
fn only_comparisons_that_were_tested_are_counted() {
    let mut found = fixture::ship();
    found.over_time = fixture::fading();
    let all = found.over_time.len();
    let tested = |many: usize| format!("{many} tested comparison{}", if many == 1 { "" } else { "s" });
    assert!(comment(&found).contains(&tested(all)), "{}", comment(&found));
    found.over_time[0].change = None;
    assert!(comment(&found).contains(&tested(all - 1)), "{}", comment(&found));
}

#[test]
fn effects_in_parts_say_that_they_have_more_units_than_the_look_that_decided() {
    let mut found = fixture::ship();
    found.dimensions = vec![fixture::by_platform()];
    assert!(!comment(&found).contains("more than the look of"));
    found.units.look = Some(fixture::at("2026-12-13T23:00:00Z"));
    let text = comment(&found);
    assert!(text.contains("more than the look of 2026-12-14 that decided"), "{text}");
}

#[test]
fn a_decision_about_two_treatments_gives_the_reason_of_each() {
    let mut found = fixture::three_armed();
    for (place, metric) in [(0, "refund-rate"), (1, "page-load")] {
        found.verdicts[place].kind = VerdictKind::RollBack;
        found.verdicts[place].reasons = vec![fixture::worse(metric)];
    }
    found.best = None;
    let text = comment(&found);
    let written = text.lines().find(|line| line.trim_start().starts_with("reason:")).expect("a reason");
    let proposed = outcome::proposal(&found).expect("a decision").reason;
    for reason in [written, &proposed] {
        assert!(reason.contains("bold: refund rate") && reason.contains("huge: page load"), "{reason}");
    }
}
