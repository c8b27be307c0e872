//! The documentation's examples: every file of a book that a page shows is read as one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use trialbook_delivery::backend::{Backend, Flagd};
use trialbook_delivery::plan::{Launch, desired};
use trialbook_history::Preregistration;
use trialbook_language::load::{RawFile, load};
use trialbook_lint::check;
use trialbook_model::FlagKey;
use trialbook_model::allocation::Approvals;
use trialbook_model::diagnostic::{Diagnostic, Severity};

/// The page whose examples make a whole book; those of other pages are laid over it.
const BOOK: &str = "book.md";

/// A file that a page shows.
struct Example {
    /// The page and the line, for messages.
    place: String,
    /// As its first line says, relative to the book's root.
    path: String,
    text: String,
}

/// Returns the pages of the reference and of the explanations, by name. Those that a reader follows make a book of
/// their own.
fn pages() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let entries = fs::read_dir(folder).expect("the documentation is a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let pages = paths.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let pages = pages.filter(|path| path.file_name().is_some_and(|name| name != "tutorial.md"));
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        (name, fs::read_to_string(path).expect("a page is text"))
    };
    pages.map(read).collect()
}

/// Returns the `yaml` blocks of a page with the line that each begins on.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, Vec<&str>)> = None;
    for (number, line) in text.lines().enumerate() {
        match &mut open {
            Some((start, lines)) if line == "```" => {
                blocks.push((*start, lines.join("\n") + "\n"));
                open = None;
            }
            Some((_, lines)) => lines.push(line),
            None if line == "```yaml" => open = Some((number + 2, Vec::new())),
            None => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// Returns the book's files that a page shows. A block without a file's name is a fragment.
fn examples(page: &str, text: &str) -> Vec<Example> {
    let example = |(line, text): (usize, String)| {
        let path = text.lines().next()?.strip_prefix("# file: ")?.to_owned();
        let place = format!("docs/{page}:{line}");
        (!path.starts_with(".github/")).then_some(Example { place, path, text })
    };
    blocks(text).into_iter().filter_map(example).collect()
}

/// Returns the errors that lint finds in a book on 1 December, a line each.
fn errors(files: &BTreeMap<String, String>) -> Vec<String> {
    let raw = |(path, text): (&String, &String)| RawFile { path: path.clone(), bytes: text.clone().into() };
    let line = |finding: &Diagnostic| {
        let at = finding.primary.file.position(finding.primary.span.start);
        format!("{}:{}: {}", finding.primary.file.path(), at.line, finding.message)
    };
    let now: jiff::Timestamp = "2026-12-01T00:00:00Z".parse().expect("an instant");
    let findings = check::run(&load(files.iter().map(raw).collect()), now);
    findings.iter().filter(|finding| finding.severity == Severity::Error).map(line).collect()
}

fn whole_book(pages: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let text = pages.get(BOOK).expect("the page on the book");
    examples(BOOK, text).into_iter().map(|example| (example.path, example.text)).collect()
}

#[test]
fn every_block_of_the_page_on_the_book_is_a_file_of_one_book() {
    let pages = pages();
    let text = pages.get(BOOK).expect("the page on the book");
    let book = whole_book(&pages);
    assert_eq!(blocks(text).len(), book.len(), "a block names no file, or two name the same");
    assert_eq!(errors(&book), Vec::<String>::new());
}

#[test]
fn the_files_that_another_page_shows_fit_into_that_book() {
    let pages = pages();
    for (page, text) in pages.iter().filter(|(page, _)| page.as_str() != BOOK) {
        let mut book = whole_book(&pages);
        let mut shown = BTreeMap::new();
        for example in examples(page, text) {
            // An example of a source of exposures takes the place of the book's.
            if example.text.contains("\nserved: ") {
                book.remove("exposures.source.yaml");
            }
            let earlier = shown.insert(example.path, example.text);
            assert!(earlier.is_none(), "{}: a file with the name of another", example.place);
        }
        book.extend(shown);
        assert_eq!(errors(&book), Vec::<String>::new(), "docs/{page}");
    }
}

/// As an apply of 24 November writes it.
#[test]
fn the_flag_that_the_page_on_targets_shows_is_what_is_written() {
    let pages = pages();
    let text = pages.get("targets.md").expect("the page on targets");
    let mut files = whole_book(&pages);
    files.extend(examples("targets.md", text).into_iter().map(|example| (example.path, example.text)));
    let raw = |(path, text): (&String, &String)| RawFile { path: path.clone(), bytes: text.clone().into() };
    let book = load(files.iter().map(raw).collect()).book.expect("the pages' book has no errors");
    let now: jiff::Timestamp = "2026-11-24T08:30:00Z".parse().expect("an instant");
    let mut state =
        desired(&book, now, &Approvals::default()).flags.remove("free-shipping").expect("the page's flag");
    let experiment = book.experiments.get("free-shipping").expect("the page's experiment");
    let launch = Launch {
        start: experiment.schedule.start(),
        commit: Some("9f2e1c7c0b44f0b7fd4f9f9a4a3d4ac0b5f3a7de".to_owned()),
        digest: Preregistration::of(&book, experiment).ok().map(|plan| plan.digest().clone()),
        drawn: state.draws(&experiment.key),
    };
    state.launches.insert(experiment.key.clone(), launch);
    let target = Flagd::open(&book.name, "file://flags.json", Path::new(".")).expect("a target");
    let flag = FlagKey::new("free-shipping").expect("a key");
    let written = target.render(&flag, &state).expect("flagd can serve it");
    // Digests change with everything that they cover, and say nothing to a reader.
    let digest = regex::Regex::new("sha256:[0-9a-f]{64}").expect("an expression");
    let written = digest.replace_all(&written, "sha256:…");
    let shown = text.split("```json\n").nth(1).and_then(|rest| rest.split("\n```").next());
    assert_eq!(shown, Some(&*written), "the block in docs/targets.md");
}
