//! What people read of an outcome, in every format.

pub mod fixture;
mod hostile;
mod plans;

use trialbook::report::terminal::Settings;
use trialbook::report::{markdown, outcome, terminal};

#[test]
fn the_comment_reads_as_expected() {
    for (name, told) in fixture::all() {
        insta::assert_snapshot!(format!("{name}.md"), markdown::render(&outcome::document(&told)));
    }
}

#[test]
fn a_plan_that_nobody_can_compare_with_its_launch_is_not_simply_trusted() {
    let (_, told) =
        fixture::all().into_iter().find(|(name, _)| *name == "ship").expect("a result that ships");
    let mut told = told;
    let read = |told: &_| markdown::render(&outcome::document(told));
    assert!(read(&told).contains("**Can it be trusted?** Yes"));
    let reason = "no launch of it is recorded in this clone".to_owned();
    told.preregistration.status = trialbook_analysis::PreregistrationStatus::Unverified { reason };
    assert!(read(&told).contains("**Can it be trusted?** With care: plan not verified"), "{}", read(&told));
}

#[test]
fn the_terminal_reads_as_expected() {
    for (name, told) in fixture::all() {
        let settings = Settings { width: 120, colour: false, details: false };
        insta::assert_snapshot!(
            format!("{name}.terminal"),
            terminal::render(&outcome::document(&told), settings)
        );
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for (name, told) in fixture::all() {
        for width in [40, 64, 80, 100, 140] {
            for details in [false, true] {
                let settings = Settings { width, colour: false, details };
                for line in terminal::render(&outcome::document(&told), settings).lines() {
                    let wide = unicode_width::UnicodeWidthStr::width(line);
                    assert!(wide <= width || line.starts_with("    "), "{name} at {width}: {wide} {line}");
                }
            }
        }
    }
}

#[test]
fn nothing_but_colour_is_lost_without_colour() {
    for (name, told) in fixture::all() {
        let render = |colour| {
            let settings = Settings { width: 100, colour, details: true };
            terminal::render(&outcome::document(&told), settings)
        };
        assert_eq!(anstream::adapter::strip_str(&render(true)).to_string(), render(false), "{name}");
        assert!(render(true).contains('\u{1b}'), "{name} has no colour");
    }
}

#[test]
fn an_invalid_result_claims_no_effect() {
    for told in [fixture::invalid(), fixture::invalid_and_harmful()] {
        let text = markdown::render(&outcome::document(&told));
        assert!(text.starts_with("### ⛔ No result: the split is broken"), "{text}");
        for claim in ["purchases per user", "+5", "better", "├", "interval"] {
            assert!(!text.contains(claim), "claims {claim}: {text}");
        }
    }
}

#[test]
fn before_the_horizon_no_effect_is_shown() {
    let text = markdown::render(&outcome::document(&fixture::keep_running()));
    for claim in ["├", "interval", "better", "p two-sided"] {
        assert!(!text.contains(claim), "shows {claim}: {text}");
    }
}
