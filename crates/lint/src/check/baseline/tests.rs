//! Baselines of findings in one file.

use std::sync::Arc;

use super::*;
use trialbook_language::load::{Loaded, RawFile, load};

const TEXT: &str = "description: People\naudience: {any: [{country: SE}, {country: SE}]}\n";

fn loaded(text: &str) -> Loaded {
    load(vec![RawFile { path: "a.segment.yaml".into(), bytes: text.into() }])
}

/// Returns a warning of a rule at each place where the text stands.
fn found(loaded: &Loaded, rule: &'static str, text: &str) -> Vec<Diagnostic> {
    let file = loaded.documents.files().next().expect("a file");
    let at = |(start, _)| Diagnostic::warning(rule, "x", file, Span::new(start, start + text.len()));
    file.text().match_indices(text).map(at).collect()
}

fn source(baseline: &Baseline) -> Arc<SourceFile> {
    SourceFile::new("lint.baseline.json", baseline.to_json().expect("JSON"))
}

#[test]
fn a_baseline_is_read_as_it_was_written_and_is_sorted() {
    let loaded = loaded(TEXT);
    let mut findings = found(&loaded, "unused-segment", "description");
    findings.extend(found(&loaded, "too-long", "{country: SE}"));
    let (baseline, left) = Baseline::of(&findings, &loaded.documents);
    let text = baseline.to_json().expect("JSON");
    assert_eq!((baseline.count(), left.len()), (3, 0));
    assert_eq!(Baseline::read(&text).expect("it is one"), baseline);
    insta::assert_snapshot!(text);
    let empty = Baseline::default();
    assert_eq!(Baseline::read(&empty.to_json().expect("JSON")).expect("it is one"), empty);
}

#[test]
fn what_is_known_is_counted_and_one_more_is_new() {
    let before = loaded(TEXT);
    let (baseline, _) = Baseline::of(&found(&before, "too-long", "{country: SE}"), &before.documents);
    let compared = baseline.compare(found(&before, "too-long", "{country: SE}"), &before.documents);
    assert_eq!((compared.new.len(), compared.known), (0, 2));

    let after = loaded(&format!("# moved\n\n{}", TEXT.replace("[{", "[{platform: web}, {country: SE}, {")));
    let findings = found(&after, "too-long", "{country: SE}");
    let last = findings.last().expect("three").primary.span;
    let compared = baseline.compare(findings, &after.documents);
    assert_eq!(compared.known, 2);
    assert_eq!(compared.new.iter().map(|finding| finding.primary.span).collect::<Vec<_>>(), [last]);
}

#[test]
fn what_is_gone_is_stale_at_its_line() {
    let before = loaded(TEXT);
    let mut findings = found(&before, "unused-segment", "description");
    findings.extend(found(&before, "too-long", "{country: SE}"));
    let (baseline, _) = Baseline::of(&findings, &before.documents);
    let file = source(&baseline);
    let stale = |found: &[Diagnostic]| {
        let stale = baseline.stale(found, &before.documents, &file, |_| true);
        stale
            .iter()
            .map(|f| (file.position(f.primary.span.start).line, f.message.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(stale(&findings), []);
    let one_less = &findings[..2];
    let key = "audience/any/[]";
    assert_eq!(
        stale(one_less),
        [(4, format!("`too-long` finds 1 in `a.segment.yaml` at `{key}`, the baseline has 2"))]
    );
    assert_eq!(stale(&[]).len(), 2);
    assert_eq!(baseline.stale(&[], &before.documents, &file, |f| f.rule == "too-long").len(), 1);
}

#[test]
fn what_cannot_be_suppressed_is_never_known() {
    let loaded = loaded(TEXT);
    let mut findings = found(&loaded, "overlapping-experiments", "description");
    findings[0].severity = trialbook_model::diagnostic::Severity::Error;
    let (baseline, left) = Baseline::of(&findings, &loaded.documents);
    assert_eq!((baseline.count(), left.len()), (0, 1));
    let entry = |rule: &str, count: usize| {
        format!(r#"{{"file": "a", "rule": "{rule}", "key": "", "content": "", "count": {count}}}"#)
    };
    let read = |entries: &[String]| {
        Baseline::read(&format!(r#"{{"version": 1, "findings": [{}]}}"#, entries.join(",")))
    };
    assert!(read(&[entry("too-long", 1)]).is_ok());
    let wrong = |entries: &[String]| read(entries).expect_err("it is refused").to_string();
    assert_eq!(
        wrong(&[entry("overlapping-experiments", 1)]),
        "it names `overlapping-experiments`, which cannot be in a baseline"
    );
    assert_eq!(wrong(&[entry("bad-split", 1)]), "it names `bad-split`, which cannot be in a baseline");
    assert_eq!(
        wrong(&[entry("to-long", 1)]),
        "it names a rule that there is not: `to-long` (now `too-long`?)"
    );
    assert_eq!(wrong(&[entry("too-long", 0)]), "`too-long` in `a` is there twice, or zero times");
    assert_eq!(
        wrong(&[entry("too-long", 1), entry("too-long", 2)]),
        "`too-long` in `a` is there twice, or zero times"
    );
    assert!(matches!(Baseline::read(r#"{"version": 2}"#), Err(BaselineError::Version(2))));
    assert!(matches!(
        Baseline::read(r#"{"version": 1, "findings": [], "x": 1}"#),
        Err(BaselineError::Shape(_))
    ));
    assert!(matches!(Baseline::read("[]"), Err(BaselineError::Shape(_))));
}
