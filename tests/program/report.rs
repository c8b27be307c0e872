//! What people read of an outcome, in every format.

mod counts;
pub mod fixture;
mod hostile;
mod looks;
pub mod plans;

use trialbook::report::terminal::Settings;
use trialbook::report::{markdown, outcome, terminal};
use trialbook_analysis::{Adjustment, Estimate, QualityDetail, QualityKind, QualityStatus};

#[test]
fn the_comment_reads_as_expected() {
    for (name, found) in fixture::all() {
        insta::assert_snapshot!(format!("{name}.md"), markdown::render(&outcome::document(&found)));
    }
}

#[test]
fn a_plan_that_nobody_can_compare_with_its_launch_is_not_simply_trusted() {
    let (_, found) =
        fixture::all().into_iter().find(|(name, _)| *name == "ship").expect("a result that ships");
    let mut found = found;
    let read = |found: &_| markdown::render(&outcome::document(found));
    assert!(read(&found).contains("**Can it be trusted?** Yes"));
    let doubts = vec![trialbook_model::LaunchDoubt::NotRecorded];
    found.preregistration.status = trialbook_analysis::PreregistrationStatus::Unverified { doubts };
    assert!(
        read(&found).contains("**Can it be trusted?** With care: plan not compared with its launch"),
        "{}",
        read(&found)
    );
}

#[test]
fn a_split_that_is_broken_in_one_part_of_the_units_is_not_simply_trusted() {
    let mut found = fixture::ship();
    let whole = found.quality.iter().find(|check| check.kind == trialbook_analysis::QualityKind::SampleRatio);
    let mut part = whole.expect("a check of the split").clone();
    part.status = trialbook_analysis::QualityStatus::Fail;
    part.within = Some((trialbook_model::DimensionKey::new("platform").expect("a key"), "ios".to_owned()));
    found.quality.push(part);
    let text = markdown::render(&outcome::document(&found));
    assert!(text.contains("**Can it be trusted?** With care") && text.contains("platform ios"), "{text}");
}

#[test]
fn a_long_reason_is_stated_once_and_no_decision_is_proposed_on_data_that_are_to_be_fixed() {
    let found = fixture::not_decidable();
    for width in [60, 100, 140] {
        let settings = Settings { width, colour: false, details: false };
        let text = terminal::render(&outcome::document(&found), settings);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words.matches("under another spelling").count(), 1, "{text}");
        assert!(
            words.contains("Can it be trusted? No: the ids of facts and exposures do not meet (see above)"),
            "{text}"
        );
        assert!(words.contains("Add no decision before that") && !words.contains("outcome:"), "{text}");
    }
}

#[test]
fn metrics_with_the_same_fault_are_named_together() {
    let mut found = fixture::not_decidable();
    let mut second = found.metrics[1].clone();
    second.metric = fixture::key("return-rate");
    found.metrics.push(second);
    let also = trialbook_analysis::Ground::NotMeasured { metric: fixture::key("return-rate") };
    found.verdicts[0].reasons.insert(1, also);
    let text = markdown::render(&outcome::document(&found));
    let shown = text.split("<details>").next().expect("what is not folded");
    assert_eq!(shown.matches("under another spelling").count(), 1, "{text}");
    assert!(shown.contains("Refund rate and return rate could not be measured: "), "{text}");
}

#[test]
fn harm_stands_although_the_data_of_another_metric_are_broken() {
    let mut found = fixture::roll_back();
    found.quality.push(fixture::not_decidable().quality.pop().expect("a check of ids"));
    let text = markdown::render(&outcome::document(&found));
    assert!(
        text.contains("**Can it be trusted?** With care: ") && text.contains("another spelling"),
        "{text}"
    );
}

#[test]
fn rows_that_a_key_leaves_out_are_counted_however_evenly_the_arms_have_them() {
    let arm = |variant: &str| trialbook_analysis::CopiesOfArm {
        variant: fixture::key(variant),
        copies: 50,
        rows: 1000,
    };
    let read = |copies, by_key| {
        let mut found = fixture::ship();
        let arms = vec![arm("plain"), arm("bold")];
        let detail = QualityDetail::Copies { copies, rows: 2000, by_key, arms, problem: None };
        let mut check = fixture::check(QualityKind::Copies, QualityStatus::Pass, 0.05, detail);
        check.source = Some(fixture::key("orders"));
        found.quality.push(check);
        let text = markdown::render(&outcome::document(&found)).replace('\u{202f}', " ");
        text.split("<details>").next().expect("what is not folded").replace('\u{a0}', " ")
    };
    let text = read(100, true);
    assert!(text.contains("**Can it be trusted?** Yes"), "{text}");
    assert!(text.contains("100 of 2 000 rows of source orders have a key that came before"), "{text}");
    assert!(!read(0, true).contains("a key that came before"));
    assert!(!read(1, false).contains("identical to another"));
}

#[test]
fn a_covariate_that_reduced_nothing_is_reported_so() {
    let report = |reduction: f64| {
        let mut found = fixture::ship();
        for comparison in found.metrics.iter_mut().flat_map(|metric| &mut metric.comparisons) {
            if let Estimate::Measured(effect) = &mut comparison.estimate
                && let Adjustment::Adjusted { variance_reduction, .. } = &mut effect.adjustment
            {
                *variance_reduction = reduction;
            }
        }
        markdown::render(&outcome::document(&found)).replace('\u{a0}', " ")
    };
    let text = report(0.31);
    assert!(text.contains("variance reduced by 31 % with the 14 days before exposure"), "{text}");
    for nothing in [0.0, 0.004, -0.02] {
        let text = report(nothing);
        assert!(
            text.contains("the 14 days before exposure did not reduce the variance"),
            "{nothing}: {text}"
        );
        assert!(!text.contains("reduced by"), "{nothing}: {text}");
    }
}

#[test]
fn once_enrolment_has_ended_no_power_is_announced() {
    let mut found = fixture::keep_running();
    found.as_of = found.experiment.schedule.end();
    let need = found.verdicts[0].need.as_mut().expect("what is needed");
    need.reached_on = None;
    let text = markdown::render(&outcome::document(&found));
    assert!(
        text.contains("Enrolment ended on ") && text.contains("the declared power is not reached"),
        "{text}"
    );
    assert!(!text.contains("At today's traffic"), "{text}");
}

#[test]
fn the_terminal_reads_as_expected() {
    for (name, found) in fixture::all() {
        let settings = Settings { width: 120, colour: false, details: false };
        insta::assert_snapshot!(
            format!("{name}.terminal"),
            terminal::render(&outcome::document(&found), settings)
        );
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, found) in fixture::all() {
        for width in [40, 64, 80, 100, 140] {
            for details in [false, true] {
                let settings = Settings { width, colour: false, details };
                for line in terminal::render(&outcome::document(&found), settings).lines() {
                    let wide = unicode_width::UnicodeWidthStr::width(line);
                    assert!(wide <= width || line.starts_with("    "), "{name} at {width}: {wide} {line}");
                }
            }
        }
    }
}

#[test]
fn nothing_but_colour_is_lost_without_colour() {
    for (name, found) in fixture::all() {
        let render = |colour| {
            let settings = Settings { width: 100, colour, details: true };
            terminal::render(&outcome::document(&found), settings)
        };
        assert_eq!(anstream::adapter::strip_str(&render(true)).to_string(), render(false), "{name}");
        assert!(render(true).contains('\u{1b}'), "{name} has no colour");
    }
}

#[test]
fn an_invalid_result_claims_no_effect() {
    for found in [fixture::invalid(), fixture::invalid_and_harmful()] {
        let text = markdown::render(&outcome::document(&found));
        assert!(text.starts_with("### ⛔ No result: the split is broken"), "{text}");
        for claim in ["purchases per user", "+5", "better", "├", "interval"] {
            assert!(!text.contains(claim), "claims {claim}: {text}");
        }
    }
}

#[test]
fn before_the_horizon_no_effect_is_shown() {
    let text = markdown::render(&outcome::document(&fixture::keep_running()));
    for claim in ["├", "interval", "better", "two-sided"] {
        assert!(!text.contains(claim), "shows {claim}: {text}");
    }
}

#[test]
fn allowed_edits_after_launch_leave_the_result_trusted() {
    let text = markdown::render(&outcome::document(&fixture::shipped()));
    assert!(text.contains("**Can it be trusted?** Yes"), "{text}");
    assert!(text.contains("apart from allowed edits (the flag and enrolment ends on 2026-12-16"), "{text}");
    assert!(!text.contains("differs from the result"), "{text}");
}

#[test]
fn a_plan_that_was_changed_in_what_units_get_gives_no_result() {
    let text = markdown::render(&outcome::document(&fixture::untrusted_plan()));
    assert!(text.starts_with("### ⛔ No result: the plan is not the one that was launched"), "{text}");
    assert!(text.contains("**Can it be trusted?** No"), "{text}");
    for claim in ["├", "better", "+3"] {
        assert!(!text.contains(claim), "claims {claim}: {text}");
    }
}

#[test]
fn before_the_horizon_harm_is_shown_and_nothing_else() {
    let text = markdown::render(&outcome::document(&fixture::roll_back_now()));
    assert!(text.starts_with("### 🛑 Roll back **bold** now — refund rate up 12.2"), "{text}");
    assert!(text.contains("stop it today") && text.contains("outcome: roll-back"), "{text}");
    assert!(!text.contains("| purchases per user"), "{text}");
}

#[test]
fn a_decision_against_the_verdict_is_pointed_out_and_an_early_one_shows_no_effect() {
    let text = markdown::render(&outcome::document(&fixture::shipped_against_the_verdict()));
    assert!(text.contains("The decision differs from the result.") && text.contains("“roll back”"), "{text}");
    let text = markdown::render(&outcome::document(&fixture::decided_early()));
    assert!(text.contains("it was decided before its plan allowed a result"), "{text}");
    for claim in ["├", "better", "+3", "keep running"] {
        assert!(!text.contains(claim), "claims {claim}: {text}");
    }
}

#[test]
fn no_words_of_the_list_are_in_a_result() {
    for (name, found) in fixture::all() {
        let text = markdown::render(&outcome::document(&found)).to_lowercase();
        for word in ["beyond doubt", " told", "mend", " says", " said", " begin", "come in", "fall out"] {
            assert!(!text.replace("recommend", "").contains(word), "{name} has `{word}`: {text}");
        }
    }
}
