//! The pages of the rules: every example on them does what it says.

mod claims;
mod collisions;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use trialbook_history::FileChange;
use trialbook_language::load::{self, RawFile};
use trialbook_lint::check::{self, Example, ExampleFile, RULES, Rule, Shows};
use trialbook_lint::review::{Review, review};
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// Rules whose findings are about bytes, about another file, or about what only a person can get wrong: a page cannot
/// show them.
const WITHOUT_EXAMPLES: &[&str] = &[
    "missing-book",
    "unreadable-file",
    "too-large",
    "invalid-book",
    "stale-baseline",
    // It takes megabytes: the rule's own test shows it.
    "oversized-target",
    // It is about a sample of contexts: tests/program/lint.rs shows it.
    "contradicted-attribute",
    // They are about git's history: tests/program/against.rs shows them.
    "key-used-again",
    "merge-conflict",
];

/// When now is for every example.
fn now() -> Timestamp {
    "2026-11-20T00:00:00Z".parse().expect("an instant")
}

/// A small book in which nothing is wrong, with the files of an example laid over it by name, whatever the folder.
fn book_with(example: &Example) -> Vec<RawFile> {
    laid_over(example, false)
}

/// Returns the book before or after the change that an example shows.
fn laid_over(example: &Example, before: bool) -> Vec<RawFile> {
    let base = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/rules/base");
    let mut files = load::read_folder(&base).expect("the base book can be read");
    for ExampleFile { path, text, excerpt, .. } in example.files.iter().filter(|file| file.before == before) {
        let old = files.iter().position(|file| file.path == *path).map(|at| files.swap_remove(at));
        let text = match old {
            Some(old) if *excerpt => merged(&String::from_utf8(old.bytes).expect("UTF-8"), text),
            None if *excerpt => panic!("the small book has no `{path}`"),
            Some(_) | None => text.clone(),
        };
        files.push(RawFile { path: path.clone(), bytes: text.into_bytes() });
    }
    files
}

/// Replaces the top-level keys of a file by those of an excerpt, and adds what is new.
pub(crate) fn merged(file: &str, excerpt: &str) -> String {
    let mut all = keys(file);
    for (key, text) in keys(excerpt) {
        match all.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = text,
            None => all.push((key, text)),
        }
    }
    all.into_iter().map(|(_, text)| text).collect()
}

/// Returns the top-level keys of a file, each with its lines.
fn keys(file: &str) -> Vec<(&str, String)> {
    let mut keys: Vec<(&str, String)> = Vec::new();
    for line in file.lines() {
        match keys.last_mut() {
            Some((_, text)) if line.starts_with([' ', '-']) => *text += &format!("{line}\n"),
            _ => keys.push((line.split(':').next().unwrap_or_default(), format!("{line}\n"))),
        }
    }
    keys
}

fn findings(example: &Example) -> Vec<Diagnostic> {
    check::run(&load::load(book_with(example)), now())
}

/// What is found in an example on a rule's page; for a rule about changes also what the change may not do.
fn findings_on_page(rule: &Rule, example: &Example) -> Vec<Diagnostic> {
    let after = load::load(book_with(example));
    let mut found = check::run(&after, now());
    if trialbook_lint::review::RULES.contains(&rule.name()) {
        found.extend(found_in_change(example, &after));
    }
    found
}

/// What a change from the book before to the one after may not do.
fn found_in_change(example: &Example, after: &load::Loaded) -> Vec<Diagnostic> {
    let old = laid_over(example, true);
    let new = book_with(example);
    let before = load::load(old.clone());
    let (Some(before), Some(book)) = (&before.book, &after.book) else { return Vec::new() };
    let bytes = |path: &str| new.iter().find(|file| file.path == path).map(|file| &file.bytes);
    let mut changes: Vec<FileChange> = Vec::new();
    for file in &old {
        if bytes(&file.path) != Some(&file.bytes) {
            let after = bytes(&file.path).map(|_| file.path.clone());
            changes.push(FileChange { before: Some(file.clone()), after });
        }
    }
    for file in new.iter().filter(|file| !old.iter().any(|other| other.path == file.path)) {
        changes.push(FileChange { before: None, after: Some(file.path.clone()) });
    }
    review(&Review {
        before,
        after: book,
        documents: &after.documents,
        changes: &changes,
        launched: &BTreeSet::new(),
        recorded: &BTreeMap::new(),
        used: &BTreeMap::new(),
        now: now(),
    })
}

fn listed(findings: &[Diagnostic]) -> String {
    let lines = findings.iter().map(|f| {
        let at = f.primary.file.position(f.primary.span.start);
        format!("  {}:{}: {}: {}", f.primary.file.path(), at.line, f.rule, f.message)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn nothing_is_wrong_with_the_base_book() {
    let found = findings(&Example { shows: Shows::Silent, files: Vec::new() });
    assert!(found.is_empty(), "\n{}", listed(&found));
}

#[test]
fn every_example_does_what_it_states() {
    let mut wrong = Vec::new();
    for rule in RULES {
        for (i, example) in rule.examples().iter().enumerate() {
            let found = findings_on_page(rule, example);
            let fires = found.iter().any(|finding| finding.rule == rule.name());
            let errors = || found.iter().filter(|finding| finding.severity == Severity::Error);
            let problem = match example.shows {
                Shows::Fires if !fires => "does not fire",
                // The example shows one thing: nothing else in it is an error.
                Shows::Fires if errors().any(|finding| finding.rule != rule.name()) => {
                    "breaks other rules too"
                }
                Shows::Silent if fires => "is not silent",
                Shows::Silent if errors().next().is_some() => "breaks other rules",
                Shows::Fires | Shows::Silent => continue,
            };
            wrong.push(format!("{}, example {}: {problem}\n{}", rule.path(), i + 1, listed(&found)));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_page_shows_when_its_rule_fires_and_when_it_is_silent() {
    for rule in RULES {
        let shows = |what| rule.examples().iter().any(|e| e.shows == what && !e.files.is_empty());
        let exempt = WITHOUT_EXAMPLES.contains(&rule.name());
        assert_eq!(shows(Shows::Fires), !exempt, "{}: an example that fires", rule.path());
        assert_eq!(shows(Shows::Silent), !exempt, "{}: an example that is silent", rule.path());
    }
}

#[test]
fn findings_of_an_example_have_the_severity_that_the_registry_declares() {
    let of_book = |rule: &&Rule| !load::RULES.contains(&rule.name());
    for rule in RULES.iter().filter(of_book) {
        for finding in rule
            .examples()
            .iter()
            .flat_map(|example| findings_on_page(rule, example))
            .filter(|f| f.rule == rule.name())
        {
            assert_eq!(finding.severity, rule.severity(), "{}", rule.name());
            assert!(finding.help.is_some(), "{} says what to do", rule.name());
            assert!(!finding.message.ends_with('.'), "{}: {}", rule.name(), finding.message);
        }
    }
}

/// `UPDATE_DOCS=1 cargo test -p trialbook-lint rules` writes it anew.
#[test]
fn the_index_of_the_rules_is_up_to_date() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("docs/rules/README.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("docs can be made");
        std::fs::write(&path, check::index()).expect("docs can be written");
    }
    let index = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(index, check::index(), "stale: run `UPDATE_DOCS=1 cargo test -p trialbook-lint rules`");
}

/// A name is a code: it stands in suppressions, baselines and links. A new rule is added here; none is renamed.
#[test]
fn the_names_of_the_rules_stay() {
    let names: Vec<_> = RULES.iter().map(Rule::name).collect();
    insta::assert_snapshot!("names", names.join("\n"));
}
