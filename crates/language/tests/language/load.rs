//! Reading books: what is accepted, and what is said of the rest.

mod folder;
mod mistakes;

use std::path::{Path, PathBuf};

use trialbook_language::load::{Loaded, RawFile, load, read_folder};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::{Experiment, Kind, Margin, Predicate, Test};

fn shop() -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/books/shop")
}

fn files() -> Vec<RawFile> {
    read_folder(&shop()).expect("the shop's folder can be read")
}

/// One line for each finding: place, rule, message, help.
fn lines(findings: &[Diagnostic]) -> String {
    let line = |finding: &Diagnostic| {
        let at = finding.primary.file.position(finding.primary.span.start);
        let help = finding.help.as_deref().map(|help| format!(" [{help}]")).unwrap_or_default();
        let path = finding.primary.file.path();
        let related = finding.related.iter().map(|label| {
            let at = label.file.position(label.span.start);
            format!(" <{} {}:{}:{}>", label.text, label.file.path(), at.line, at.column)
        });
        let related: String = related.collect();
        format!("{path}:{}:{} {}: {}{help}{related}\n", at.line, at.column, finding.rule, finding.message)
    };
    findings.iter().map(line).collect()
}

fn clean() -> Loaded {
    let loaded = load(files());
    assert_eq!(lines(&loaded.findings), "");
    loaded
}

fn experiment<'a>(loaded: &'a Loaded, key: &str) -> &'a Experiment {
    loaded.book.as_ref().and_then(|book| book.experiments.get(key)).expect("an experiment of the shop")
}

#[test]
fn a_good_book_has_no_findings_and_is_read_whole() {
    let loaded = clean();
    let book = loaded.book.as_ref().expect("a book");
    assert_eq!((book.flags.len(), book.experiments.len(), book.layers.len()), (2, 2, 1));
    assert_eq!((book.segments.len(), book.metrics.len(), book.sources.len()), (2, 5, 2));
    let bold = experiment(&loaded, "bold-checkout-button");
    let Predicate::All(parts) = &bold.audience else { panic!("several keys are all of them") };
    let version = parts.iter().find_map(|part| match part {
        Predicate::Attribute(_, Test::AtLeast(bound)) => Some(bound.to_string()),
        _ => None,
    });
    assert_eq!(version.as_deref(), Some("8.10"), "a version is read from its source text");
}

#[test]
fn a_date_begins_at_midnight_of_the_books_time_zone() {
    let loaded = clean();
    let schedule = experiment(&loaded, "bold-checkout-button").schedule;
    assert_eq!(schedule.start().to_string(), "2026-11-24T23:00:00Z");
    assert_eq!(schedule.end().to_string(), "2026-12-15T23:00:00Z");
    assert_eq!(experiment(&loaded, "ranking-test").schedule.start().to_string(), "2026-11-25T09:00:00Z");
}

#[test]
fn defaults_are_added_where_the_experiment_does_not_use_the_metric_itself() {
    let loaded = clean();
    let plan = &experiment(&loaded, "bold-checkout-button").metrics;
    let guardrails: Vec<_> = plan.guardrails.iter().map(|guardrail| guardrail.metric.as_str()).collect();
    assert_eq!(guardrails, ["crash-rate", "refund-rate"]);
    assert_eq!(plan.guardrails.first().map(|guardrail| guardrail.margin), Some(Margin::Absolute(0.01)));
    let exploratory: Vec<_> = plan.exploratory.iter().map(|metric| metric.as_str()).collect();
    assert_eq!(exploratory, ["sessions-per-user", "revenue-per-user"]);
}

#[test]
fn a_pointer_leads_to_its_value_or_to_the_nearest_there_is() {
    let loaded = clean();
    let key = "bold-checkout-button";
    let text = |pointer: &str| {
        let place = loaded.documents.place(Kind::Experiment, key, pointer);
        place.file.slice(place.span).to_owned()
    };
    assert_eq!(text("/allocation"), "20%");
    assert_eq!(text("/audience/country/in"), "[SE, FI, DK]");
    assert_eq!(text("/metrics/guardrails/0/margin"), "{absolute: 0.01}");
    assert_eq!(text("/metrics/guardrails/7/margin"), "[{metric: crash-rate, margin: {absolute: 0.01}}]");
    assert_eq!(text("/nothing"), "title");
    let place = loaded.documents.key_place(Kind::Experiment, key, "/allocation");
    assert_eq!(place.file.slice(place.span), "allocation");
    let places = loaded.documents.places_named(Kind::Experiment, key, "/audience", "segment");
    let uses: Vec<_> = places.iter().map(|place| place.file.slice(place.span)).collect();
    assert_eq!(uses, ["segment: employees"]);
    let lost = loaded.documents.place(Kind::Flag, "none", "/x");
    assert_eq!((lost.file.path(), lost.span.start), ("trialbook.yaml", 0));
}

#[test]
fn the_example_book_is_read_without_a_finding() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("experiments");
    let loaded = load(read_folder(&root).expect("the example book can be read"));
    assert_eq!(lines(&loaded.findings), "");
    assert!(loaded.book.is_some_and(|book| book.flags.len() >= 15 && book.experiments.len() >= 12));
}

/// Files that are wrong, each with what is said of it when it joins the shop.
///
/// `x.book.yaml` takes the place of `trialbook.yaml`; a file of the folder `one` has exactly one mistake.
fn broken() -> Vec<(String, Loaded)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/broken");
    let broken = read_folder(&folder).expect("the broken files can be read");
    let file = |path: &str, text: &str| RawFile { path: path.into(), bytes: text.into() };
    let helper = file(
        "account-flag.flag.yaml",
        "description: Per account.\nowner: t\nentity: account\ntype: boolean\nvariants: {a: true, b: false}\ndefault: a\n",
    );
    let open = file(
        "lifetime-value.metric.yaml",
        "description: Everything so far.\nentity: user\ntype: mean\nsource: purchases\nmeasure: {sum: amount}\nwindow: open\nincrease_is: good\n",
    );
    let joined = |file: &RawFile| {
        let mut book = files();
        book.extend([helper.clone(), open.clone()]);
        let mut file = file.clone();
        let name = file.path.clone();
        if name.ends_with(".book.yaml") {
            file.path = "trialbook.yaml".into();
            book.retain(|file| file.path != "trialbook.yaml");
        }
        // Two segments name each other: they come together.
        if name == "segment-ring-b.segment.yaml" {
            book.extend(broken.iter().filter(|file| file.path == "segment-ring-a.segment.yaml").cloned());
        }
        book.push(file);
        (name, load(book))
    };
    broken.iter().map(joined).collect()
}

#[test]
fn every_broken_file_states_what_is_wrong_where_and_what_to_do() {
    let broken = broken();
    assert!(broken.len() > 200);
    let mut report = String::new();
    for (name, loaded) in &broken {
        assert!(!loaded.findings.is_empty(), "{name} has a finding");
        report.push_str(&format!("── {name}\n{}", lines(&loaded.findings)));
    }
    insta::assert_snapshot!(report);
}

#[test]
fn one_mistake_is_one_finding() {
    let mut wrong = String::new();
    for (name, loaded) in broken().iter().filter(|(name, _)| name.starts_with("one/")) {
        let there = loaded.findings.iter().all(|finding| finding.primary.file.path() == name);
        if loaded.findings.len() != 1 || !there {
            wrong.push_str(&format!("── {name}\n{}", lines(&loaded.findings)));
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn every_rule_of_reading_fires_and_every_finding_has_an_exact_place_and_a_help() {
    /// What is said of a file, not of something in it.
    const OF_FILES: &[&str] =
        &["unknown-file-kind", "stray-file", "bad-key", "missing-key", "unreadable-file", "duplicate-file"];
    let mut fired = std::collections::BTreeSet::new();
    let mut wrong = String::new();
    for (name, loaded) in broken() {
        for finding in &loaded.findings {
            fired.insert(finding.rule);
            let (file, span) = (&finding.primary.file, finding.primary.span);
            let shown = file.slice(span);
            let mut say = |what: &str| {
                wrong.push_str(&format!("{name}: {what}: {}", lines(std::slice::from_ref(finding))));
            };
            if finding.help.as_deref().is_none_or(|help| help.trim().is_empty()) {
                say("no help");
            }
            let of_file = span.end == 0 && OF_FILES.contains(&finding.rule);
            if !of_file && shown.trim().is_empty() && !shown.contains(|c: char| !c.is_ascii()) {
                say("nothing to see");
            }
            // That none of the targets is primary is said of all of them.
            if shown.contains('\n') && finding.rule != "bad-target" {
                say("several lines");
            }
            if file.position(span.start).column
                > 1 + file.slice(file.line_span(file.position(span.start).line)).chars().count()
            {
                say("behind its line");
            }
            if finding.message.ends_with('.') || finding.message.contains('\n') {
                say("not a fragment");
            }
            if finding.message.starts_with(char::is_uppercase) && !finding.message.starts_with("U+") {
                say("upper case");
            }
        }
    }
    assert_eq!(wrong, "");
    // Without its root there is no book; what breaks an invariant of the book is found before.
    let elsewhere = ["missing-book", "invalid-book"];
    let silent: Vec<_> = trialbook_language::load::RULES
        .iter()
        .filter(|rule| !fired.contains(*rule) && !elsewhere.contains(rule))
        .collect();
    assert!(silent.is_empty(), "no broken file fires {silent:?}");
}
