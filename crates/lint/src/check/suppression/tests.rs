//! Suppressions, laid over a small book with two unused segments.

use jiff::Timestamp;

use super::*;
use crate::check::review;
use trialbook_language::load::{Loaded, RawFile, load};

const SEGMENT: &str = "description: People who work here.\naudience: {country: SE}\n";

fn loaded(segment: &str) -> Loaded {
    let file = |path: &str, text: &str| RawFile { path: path.into(), bytes: text.into() };
    let base = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/rules/base");
    let mut files = trialbook_language::load::read_folder(&base).expect("the small book can be read");
    files.push(file("staff.segment.yaml", &format!("{segment}owner: team-people\n")));
    load(files)
}

fn now(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// Returns what is shown, as `RULE:LINE`, and how many findings are suppressed.
fn reviewed(segment: &str) -> (Vec<String>, usize) {
    let review = review(&loaded(segment), now("2026-11-20T00:00:00Z"));
    let line = |finding: &Diagnostic| {
        format!("{}:{}", finding.rule, finding.primary.file.position(finding.primary.span.start).line)
    };
    (review.findings.iter().map(line).collect(), review.suppressed.len())
}

/// Returns the segment after the fixes of its findings.
fn fixed(segment: &str) -> String {
    let review = review(&loaded(segment), now("2026-11-20T00:00:00Z"));
    let mut text = segment.to_owned();
    let edits = review.findings.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.edits);
    let mut edits: Vec<_> = edits.collect();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    for edit in edits {
        text.replace_range(edit.span.start..edit.span.end, &edit.text);
    }
    text
}

#[test]
fn a_comment_hides_the_finding_of_its_line_or_the_next() {
    assert_eq!(reviewed(SEGMENT), (vec!["unused-segment:1".into()], 0));
    let before = format!("# trialbook: ignore[unused-segment] soon\n{SEGMENT}");
    assert_eq!(reviewed(&before), (vec![], 1));
    let beside = SEGMENT.replace("here.\n", "here. # trialbook: ignore[unused-segment] soon\n");
    assert_eq!(reviewed(&beside), (vec![], 1));
    let crlf = before.replace('\n', "\r\n");
    assert_eq!(reviewed(&crlf), (vec![], 1));
    let bom = format!("\u{feff}{before}");
    assert_eq!(reviewed(&bom), (vec![], 1));
}

#[test]
fn comments_may_be_stacked_but_not_parted_from_the_line() {
    let stacked = format!("# trialbook: ignore[unused-segment] soon\n# and more\n{SEGMENT}");
    assert_eq!(reviewed(&stacked), (vec![], 1));
    let parted = format!("# trialbook: ignore[unused-segment] soon\n\n{SEGMENT}");
    assert_eq!(reviewed(&parted).0, ["unused-suppression:1", "unused-segment:3"]);
}

#[test]
fn a_comment_beside_a_line_does_not_reach_the_next() {
    let late = "audience: {country: SE} # trialbook: ignore[unused-segment] soon\ndescription: People.\n";
    assert_eq!(reviewed(late), (vec![], 1));
    let early = SEGMENT.replace("SE}\n", "SE} # trialbook: ignore[unused-segment] soon\n");
    assert_eq!(reviewed(&early).0, ["unused-segment:1", "unused-suppression:2"]);
}

#[test]
fn each_name_that_hides_nothing_is_a_finding_and_its_fix_leaves_the_others() {
    let text = format!("# trialbook: ignore[no-owner-x, unused-segment] soon\n{SEGMENT}");
    assert_eq!(reviewed(&text), (vec!["bad-suppression:1".into()], 1));
    for (before, after) in [
        ("expired-flag, unused-segment", "unused-segment"),
        ("unused-segment, expired-flag", "unused-segment"),
        ("unused-segment, unused-segment", "unused-segment"),
        ("too-long, unused-segment, expired-flag", "unused-segment"),
    ] {
        let text = format!("# trialbook: ignore[{before}] soon\n{SEGMENT}");
        assert_eq!(reviewed(&text).1, 1, "{before}");
        assert_eq!(fixed(&text), format!("# trialbook: ignore[{after}] soon\n{SEGMENT}"), "{before}");
        assert_eq!(reviewed(&fixed(&text)), (vec![], 1), "{before}");
    }
}

#[test]
fn an_unused_suppression_is_removed_with_its_line_or_with_the_space_before_it() {
    let used = "# trialbook: ignore[unused-segment] soon\n";
    let alone = format!("{used}{SEGMENT}  # trialbook: ignore[too-long] why\n");
    assert_eq!(fixed(&alone), format!("{used}{SEGMENT}"));
    let beside = format!("{used}{}", SEGMENT.replace("SE}\n", "SE}  # trialbook: ignore[too-long] why\r\n"));
    assert_eq!(fixed(&beside), format!("{used}{}", SEGMENT.replace("SE}\n", "SE}\r\n")));
}

#[test]
fn a_suppression_ends_when_its_day_begins_where_the_book_is() {
    let text = format!("# trialbook: ignore[unused-segment] until=2026-11-25 soon\n{SEGMENT}");
    let loaded = loaded(&text);
    let rules = |at: &str| {
        let found = review(&loaded, now(at)).findings;
        found
            .iter()
            .filter(|f| f.primary.file.path() == "staff.segment.yaml")
            .map(|f| f.rule)
            .collect::<Vec<_>>()
    };
    let zone = loaded.book.as_ref().expect("a book").timezone.clone();
    let midnight = jiff::civil::date(2026, 11, 25)
        .to_zoned(trialbook_model::timezone(&zone).expect("a time zone"))
        .expect("the time zone of the small book")
        .timestamp();
    assert_eq!(rules(&(midnight - jiff::SignedDuration::from_secs(1)).to_string()), Vec::<&str>::new());
    assert_eq!(rules(&midnight.to_string()), ["expired-suppression", "unused-segment"]);
}

#[test]
fn what_has_run_out_and_hides_nothing_can_go() {
    let used = "# trialbook: ignore[unused-segment] soon\n";
    let text = format!("{used}{SEGMENT}# trialbook: ignore[too-long] until=2026-01-01 why\n");
    assert_eq!(reviewed(&text).0, ["expired-suppression:4"]);
    assert_eq!(fixed(&text), format!("{used}{SEGMENT}"));
    let renewed = format!("# trialbook: ignore[unused-segment] until=2026-01-01 why\n{used}{SEGMENT}");
    assert_eq!(reviewed(&renewed), (vec!["expired-suppression:1".into()], 1));
    assert_eq!(fixed(&renewed), format!("{used}{SEGMENT}"));
    let needed = format!("# trialbook: ignore[unused-segment] until=2026-01-01 why\n{SEGMENT}");
    assert_eq!(fixed(&needed), needed, "what it hid is there: a person decides");
}

#[test]
fn what_cannot_be_suppressed_is_shown_and_the_comment_is_told() {
    let text = format!("# trialbook: ignore[overlapping-experiments] we are sure\n{SEGMENT}");
    assert_eq!(reviewed(&text).0, ["bad-suppression:1", "unused-segment:2"]);
    // Without a valid book nothing is known about what is used, and the error stays.
    let broken = "# trialbook: ignore[unknown-key, unused-segment] why\nx: 1\n";
    assert_eq!(reviewed(broken).0, ["bad-suppression:1", "missing-key:2", "unknown-key:2"]);
}

#[test]
fn a_misspelt_rule_is_named_and_what_cannot_be_read_is_an_error() {
    let text = format!("# trialbook: ignore[unused-segments] soon\n{SEGMENT}");
    assert_eq!(reviewed(&text).0, ["bad-suppression:1", "unused-segment:2"]);
    assert_eq!(reviewed(&fixed(&text)), (vec![], 1));
    let text = format!("# trialbook: ignore[unused-segment]\n{SEGMENT}");
    assert_eq!(reviewed(&text).0, ["bad-suppression:1", "unused-segment:2"]);
}

#[test]
fn a_number_sign_in_text_is_no_comment() {
    let text = "description: |\n  # trialbook: ignore[unused-segment] soon\naudience: {country: SE}\n";
    assert_eq!(reviewed(text).1, 0);
    let text = "description: \"x # trialbook: ignore[unused-segment] soon\"\naudience: {country: SE}\n";
    assert_eq!(reviewed(text).1, 0);
}

#[test]
fn many_comments_cost_no_more_than_their_number() {
    let comments = "# trialbook: ignore[unused-segment] soon\n".repeat(20_000);
    let start = std::time::Instant::now();
    let (found, suppressed) = reviewed(&format!("{comments}{SEGMENT}"));
    assert_eq!((found.len(), suppressed), (201, 1));
    assert!(
        found.iter().any(|finding| finding.starts_with("bad-suppression")),
        "the other 19,799 are counted in one"
    );
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn what_is_written_can_be_read_and_a_bad_reason_is_refused() {
    let rules = ["no-guardrail", "too-long"];
    assert_eq!(
        written(&rules, " legal wants it ").as_deref(),
        Ok("# trialbook: ignore[no-guardrail, too-long] legal wants it")
    );
    assert!(written(&rules, "until=2027-01-31 legal wants it").is_ok());
    for reason in ["", "  ", "a\nb", "a\rb", "until=soon x", "until=2027-01-31", "..."] {
        assert!(written(&rules, reason).is_err(), "{reason:?}");
    }
}
