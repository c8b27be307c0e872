//! What each format looks like, on findings that are as awkward as input can be.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::diagnostic::{Basis, Diagnostic, SharedTraffic};
use crate::span::{SourceFile, Span};

use super::{Findings, Format};

/// Returns the span of the first occurrence of a text.
fn find(file: &Arc<SourceFile>, text: &str) -> Span {
    let start = file.text().find(text).expect("the text is in the file");
    Span::new(start, start + text.len())
}

fn collision() -> Diagnostic {
    let one = SourceFile::new(
        "checkout/one-page-checkout.experiment.yaml",
        "title: One page\nflag: checkout-button\nowner: a\naudience:\n  all:\n    - country: {in: [SE, US]}\n\
         schedule: {start: 2026-12-01, end: 2026-12-16}\n",
    );
    let bold = SourceFile::new(
        "growth/bold-checkout-button.experiment.yaml",
        "audience:\n  country: {in: [SE, FI, DK]}\nschedule: {start: 2026-12-02, end: 2027-01-10}\n",
    );
    let audience = find(&one, "audience:\n  all:\n    - country: {in: [SE, US]}\n");
    Diagnostic::error(
        "overlapping-experiments",
        "two experiments on `checkout-button` can enrol the same unit",
        &one,
        audience,
    )
    .label("units in SE or US")
    .related(&bold, find(&bold, "country: {in: [SE, FI, DK]}"), "and units in SE, FI or DK")
    .related(&bold, find(&bold, "2026-12-02"), "from then on")
    .related(&one, find(&one, "2026-12-16"), "until then")
    .note("both run from 2026-12-02 to 2026-12-16, and neither is in a layer")
    .note("proof: {country: SE} is in both: 20 % and 50 % of such units, 10 % in both")
    .help("put both in one layer, or start this one after 2026-12-16")
    .witness(BTreeMap::from([("country".to_owned(), json!("SE"))]))
    .overlap(Some(SharedTraffic { share: 0.018, basis: Basis::Declared }))
}

fn hostile() -> Diagnostic {
    let file = SourceFile::new(
        "a\u{1b}[2J,b\n::error ::c.flag.yaml",
        format!("description: \"\u{202e}日本\t\u{1b}]0;x\u{7} {} here\"\n", "x".repeat(300)),
    );
    let span = find(&file, "here");
    let wide = find(&file, "日本");
    Diagnostic::warning("unknown-key", "unknown key `\u{1b}[31m,%0A\n::error::`", &file, span)
        .label("\u{202e}label")
        .related(&file, wide, "two wide characters")
        .related(&file, Span::new(9_000, 10_000), "past the end")
        .note("note\r\nwith breaks")
        .help("100% `\u{9b}`")
}

fn long() -> Diagnostic {
    let text: String = (1..=12).map(|n| format!("- {{buckets: {n}00-{n}49, experiment: e{n}}}\n")).collect();
    let file = SourceFile::new("checkout.layer.yaml", format!("slots:\n{text}\n\n"));
    let span = find(&file, &text);
    Diagnostic::error("slots-mismatch", "slots", &file, span).label("all of these")
}

fn render(format: Format, findings: &[Diagnostic]) -> String {
    let run = Findings { findings, files: 61, prefix: "experiments/" };
    anstream::adapter::strip_str(&run.render(format)).to_string()
}

#[test]
fn full_shows_every_place_and_what_to_do() {
    insta::assert_snapshot!("full", render(Format::Full, &[collision()]));
}

#[test]
fn full_shows_hidden_characters_wide_characters_and_long_lines() {
    insta::assert_snapshot!("full_hostile", render(Format::Full, &[hostile()]));
}

#[test]
fn full_leaves_out_the_middle_of_a_long_place() {
    insta::assert_snapshot!("full_long", render(Format::Full, &[long()]));
}

#[test]
fn full_brings_only_its_own_colours() {
    let run = Findings { findings: &[hostile()], files: 1, prefix: "" };
    let text = run.render(Format::Full);
    assert!(text.contains("\u{1b}[1m\u{1b}[33mwarning[unknown-key]"), "{text:?}");
    assert!(
        !text.contains("\u{1b}[31m") && !text.contains("\u{1b}]") && !text.contains("\u{9b}"),
        "{text:?}"
    );
}

#[test]
fn concise_is_one_line_each() {
    insta::assert_snapshot!("concise", render(Format::Concise, &[collision(), hostile(), long()]));
}

#[test]
fn json_has_the_frozen_shape() {
    insta::assert_snapshot!("json", render(Format::Json, &[collision()]));
}

#[test]
fn json_reads_back_and_writes_no_control_character() {
    let text = render(Format::Json, &[hostile()]);
    assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
    let read: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    let finding = &read["findings"][0];
    assert_eq!(finding["message"], "unknown key `\u{1b}[31m,%0A\n::error::`");
    assert_eq!(finding["label"], "\u{202e}label");
    assert_eq!(finding["witness"], serde_json::Value::Null);
    assert_eq!(read["summary"], json!({"errors": 0, "warnings": 1, "files": 61, "suppressed": 0}));
}

#[test]
fn github_annotations_stay_one_command_each() {
    let text = render(Format::Github, &[hostile(), collision()]);
    assert_eq!(text.lines().count(), 2);
    insta::assert_snapshot!("github", text);
}

#[test]
fn a_run_is_summed_up_in_a_line() {
    let summary = |findings: &[Diagnostic], files| Findings { findings, files, prefix: "" }.summary();
    assert_eq!(summary(&[], 61), "no findings in 61 files");
    assert_eq!(summary(&[hostile()], 1), "1 warning in 1 file");
    assert_eq!(summary(&[collision(), hostile(), long()], 2), "2 errors, 1 warning in 2 files");
    assert_eq!(render(Format::Full, &[]), "no findings in 61 files\n");
    assert_eq!(render(Format::Concise, &[]), "");
    assert_eq!(render(Format::Github, &[]), "");
}

#[test]
fn a_thousand_findings_in_a_large_line_take_no_time() {
    let file = SourceFile::new("a.flag.yaml", "x: y ".repeat(250_000));
    let findings: Vec<Diagnostic> = (0..1_000)
        .map(|n| Diagnostic::error("unknown-key", "unknown key", &file, Span::new(n * 1_000, n * 1_000 + 1)))
        .collect();
    let start = std::time::Instant::now();
    let text = render(Format::Full, &findings);
    assert!(text.len() < 1_000 * 400, "{} bytes", text.len());
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
