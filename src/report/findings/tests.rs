//! What each format looks like, on findings that are as awkward as input can be.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use trialbook_model::diagnostic::{Applicability, Basis, Diagnostic, Edit, Severity, SharedTraffic};
use trialbook_model::span::{SourceFile, Span};

use super::{Findings, Format, RulePage};

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

/// A run in which nothing is hidden, without pages and fingerprints.
fn run<'a>(findings: &'a [Diagnostic], files: usize, prefix: &'a str) -> Findings<'a> {
    let fails = Severity::Error;
    Findings {
        findings,
        files,
        prefix,
        suppressed: 0,
        known: 0,
        fails,
        rules: &[],
        fingerprints: &[],
        change: None,
        width: None,
    }
}

fn pages() -> Vec<RulePage> {
    let page = |name, severity, path| RulePage {
        name,
        severity,
        summary: format!("Finds `{name}`."),
        page: "# A page\n\nFinds it.\n",
        path,
    };
    vec![
        page("unknown-key", Severity::Error, "src/check/rules/load/unknown-key.md"),
        page("overlapping-experiments", Severity::Error, "src/check/rules/overlapping_experiments.md"),
    ]
}

fn render(format: Format, findings: &[Diagnostic]) -> String {
    let prints: Vec<String> = (0..findings.len()).map(|n| format!("{n:032x}")).collect();
    let run = Findings { rules: &pages(), fingerprints: &prints, ..run(findings, 61, "experiments/") };
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
fn full_shows_the_first_lines_of_a_long_place() {
    insta::assert_snapshot!("full_long", render(Format::Full, &[long()]));
}

#[test]
fn full_fits_a_narrow_terminal() {
    let text =
        format!("# a comment\ntitle: {} and what is meant, and more of it\n", "a long title ".repeat(9));
    let file = SourceFile::new("long.flag.yaml", text);
    let span = find(&file, "what is meant");
    let narrow = Diagnostic::error(
        "too-long",
        "the title does not fit into a line of sixty columns, which is common",
        &file,
        span,
    )
    .label("here")
    .note("a note of several words that is wrapped where the terminal ends, between its words");
    let findings = [narrow, collision()];
    let shown = Findings { width: Some(60), ..run(&findings, 2, "") }.render(Format::Full);
    let shown = anstream::adapter::strip_str(&shown).to_string();
    let widest = shown.lines().map(unicode_width::UnicodeWidthStr::width).max();
    assert!(widest <= Some(60), "{shown}");
    assert!(shown.contains("what is meant"), "{shown}");
    insta::assert_snapshot!("full_narrow", shown);
}

#[test]
fn full_is_coloured_by_severity() {
    let findings = [collision()];
    let coloured = run(&findings, 2, "").render(Format::Full).replace('\u{1b}', "ESC");
    insta::assert_snapshot!("full_coloured", coloured);
}

#[test]
fn full_brings_only_its_own_colours() {
    let hostile = [hostile()];
    let text = run(&hostile, 1, "").render(Format::Full);
    assert!(text.contains("\u{1b}[33;1mwarning[unknown-key]"), "{text:?}");
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
    assert_eq!(
        read["summary"],
        json!({"errors": 0, "warnings": 1, "files": 61, "suppressed": 0, "known": 0})
    );
}

#[test]
fn github_annotations_stay_one_command_each() {
    let text = render(Format::Github, &[hostile(), collision()]);
    assert_eq!(text.lines().count(), 2);
    let raw = run(&[hostile()], 1, "").render(Format::Github);
    assert!(
        !raw.contains(|c: char| c != '\n' && c.is_control()),
        "a file's name steers no terminal: {raw:?}"
    );
    insta::assert_snapshot!("github", text);
}

#[test]
fn a_run_is_summed_up_in_a_line() {
    let summary = |findings: &[Diagnostic], files| run(findings, files, "").summary();
    assert_eq!(summary(&[], 61), "no findings in 61 files");
    assert_eq!(summary(&[hostile()], 1), "1 warning in 1 file");
    assert_eq!(summary(&[collision(), hostile(), long()], 2), "2 errors, 1 warning in 2 files");
    assert_eq!(render(Format::Full, &[]), "no findings in 61 files\n");
    assert_eq!(render(Format::Concise, &[]), "");
    assert_eq!(render(Format::Github, &[]), "");
    let hidden = Findings { suppressed: 2, known: 40, ..run(&[], 3, "") };
    assert_eq!(hidden.summary(), "no findings in 3 files (2 suppressed, 40 in the baseline)");
}

#[test]
fn a_path_out_of_the_book_takes_back_what_leads_into_it() {
    let path = |prefix: &str, path: &str| run(&[], 1, prefix).located(path);
    assert_eq!(path("a/b/", "x.yaml"), "a/b/x.yaml");
    assert_eq!(path("a/b/", "../x.json"), "a/x.json");
    assert_eq!(path("a/", "../x.json"), "x.json");
    assert_eq!(path("../a/", "../../x.json"), "../../x.json");
    assert_eq!(path("", "../x.json"), "../x.json");
    assert_eq!(path("../", "../x.json"), "../../x.json");
}

/// A warning with a fix in two files.
fn with_a_fix() -> Diagnostic {
    let (one, two) =
        (SourceFile::new("ä b.flag.yaml", "a: on\n"), SourceFile::new("c.flag.yaml", "b: off\n"));
    let edit = |file: &Arc<SourceFile>, text: &str| Edit {
        file: Arc::clone(file),
        span: find(file, if text.contains("on") { "on" } else { "off" }),
        text: text.into(),
    };
    let edits = vec![edit(&one, "\"on\""), edit(&two, "\"off\"")];
    Diagnostic::warning("ambiguous-scalar", "`on` [is](https://evil.test) text", &one, find(&one, "on"))
        .help("put it in quotes")
        .fix("put it in quotes", Applicability::Safe, edits)
}

#[test]
fn sarif_carries_rules_places_fixes_and_fingerprints() {
    insta::assert_snapshot!("sarif", render(Format::Sarif, &[collision(), with_a_fix()]));
}

#[test]
fn sarif_is_sarif() {
    let text = include_str!("../../../tests/sarif/sarif-2.1.0.schema.json");
    // Two patterns have a stray bracket, which no engine of ECMA 262 in Unicode mode takes; errata 01 took it out.
    let stray = "-[a-zA-Z]{2}]?$";
    assert_eq!(text.matches(stray).count(), 2);
    let schema: serde_json::Value =
        serde_json::from_str(&text.replace(stray, "-[a-zA-Z]{2}$")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let read = |findings: &[Diagnostic]| -> serde_json::Value {
        serde_json::from_str(&render(Format::Sarif, findings)).expect("JSON")
    };
    for findings in [vec![], vec![hostile()], vec![collision(), hostile(), long(), with_a_fix()]] {
        let log = read(&findings);
        let errors: Vec<_> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        for result in log["runs"][0]["results"].as_array().expect("results") {
            if let Some(index) = result["ruleIndex"].as_u64() {
                let rule =
                    &log["runs"][0]["tool"]["driver"]["rules"][usize::try_from(index).expect("an index")];
                assert_eq!(rule["id"], result["ruleId"]);
            }
        }
    }
    for (pointer, wrong) in [
        ("/runs/0/results/0/level", json!("fatal")),
        ("/runs/0/results/0/locations/0/physicalLocation/region/startLine", json!(0)),
        ("/runs/0/results/0/message", json!("text")),
        ("/version", json!("2.0.0")),
    ] {
        let mut log = read(&[collision()]);
        *log.pointer_mut(pointer).expect("it is there") = wrong;
        assert!(!validator.is_valid(&log), "{pointer}");
    }
}

#[test]
fn gitlab_reads_a_list_of_issues() {
    let text = render(Format::Gitlab, &[hostile(), collision()]);
    insta::assert_snapshot!("gitlab", text);
    assert_eq!(render(Format::Gitlab, &[]), "[]\n");
}

#[test]
fn junit_fails_where_the_run_does() {
    insta::assert_snapshot!("junit", render(Format::Junit, &[collision(), hostile()]));
    let warnings = [hostile()];
    let strict = Findings { fails: Severity::Warning, ..run(&warnings, 1, "") }.render(Format::Junit);
    assert!(strict.contains("failures=\"1\"") && !strict.contains("<skipped"), "{strict}");
    let clean = render(Format::Junit, &[]);
    assert!(clean.contains("tests=\"1\" skipped=\"0\" failures=\"0\" errors=\"0\""), "{clean}");
}

#[test]
fn markdown_is_a_comment_with_errors_first() {
    insta::assert_snapshot!("markdown", render(Format::Markdown, &[hostile(), collision()]));
    insta::assert_snapshot!("markdown_clean", render(Format::Markdown, &[]));
}

#[test]
fn markdown_is_never_longer_than_a_comment_may_be() {
    let endless = |n: usize| {
        let mut finding = if n.is_multiple_of(2) { collision() } else { hostile() };
        finding.message = "@all |<b>*_".repeat(1_000);
        finding.notes = vec!["$`[x](y)".repeat(1_000); 100];
        finding.help = Some("日本".repeat(5_000));
        finding
    };
    let findings: Vec<_> = (0..2_000).map(endless).collect();
    let text = render(Format::Markdown, &findings);
    assert!(text.encode_utf16().count() < 65_536 - 1_000, "{}", text.len());
    assert!(text.ends_with("`trialbook lint` shows every finding.\n"), "{text}");
    assert!(text.contains("The book has 1000 errors and 1000 warnings"));
    assert!(!text.contains("<b>") && !text.contains("@all"), "it is escaped");
}

#[test]
fn no_format_lets_text_of_the_book_out_of_its_place() {
    for format in Format::ALL {
        let text = render(format, &[hostile(), collision()]);
        assert!(
            !text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')),
            "{format}: {text:?}"
        );
    }
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
