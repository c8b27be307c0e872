//! Every Markdown template, with something to write in it.

use serde_json::{Value, json};

use super::poison::Places;
use crate::report::{fixture, plans};
use trialbook::artifact::lint::LintResult;
use trialbook::report::blocks::{Block, Inline, Line, Page};
use trialbook::report::findings::{Findings, Format, RulePage};
use trialbook::report::review::{self, Review};
use trialbook::report::{markdown, outcome, plan};
use trialbook_analysis::Outcome;
use trialbook_delivery::plan::Plan;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::span::{SourceFile, Span};

/// Where the files of the pull request are.
const FILES: &str = "https://github.com/acme/shop/blob/9f2e1c7d3b0a4c5e6f708192a3b4c5d6e7f80912/";

/// A rule's name that is in the registry, so that findings lead to its page.
const RULE: &str = "overlapping-experiments";

/// A template with a document to write.
pub struct Source {
    /// Which.
    pub name: String,
    places: usize,
    write: Write,
}

/// Writes a document with texts in all its places.
type Write = Box<dyn Fn(&[String]) -> String>;

impl Source {
    /// How many places for texts the document has.
    pub fn places(&self) -> usize {
        self.places
    }

    /// Writes the document with texts in all places.
    pub fn render(&self, texts: &[String]) -> String {
        (self.write)(texts)
    }

    /// Tells whether the template leads there by itself: to a page about a rule, or to a file of the pull request.
    pub fn may_link(&self, url: &str) -> bool {
        let parsed = url::Url::parse(url).expect("a link is an address");
        let whole = parsed.as_str();
        whole == page().url()
            || (whole.starts_with(FILES) && parsed.query().is_none() && parsed.fragment().is_some())
    }
}

fn page() -> RulePage {
    RulePage {
        name: RULE,
        severity: Severity::Error,
        summary: String::new(),
        page: "",
        path: "crates/lint/src/check/rules/overlapping-experiments.md",
    }
}

/// Returns every template with every document that there is.
pub fn all() -> Vec<Source> {
    let mut all: Vec<Source> = fixture::all().into_iter().map(of_outcome).collect();
    all.push(of_plan());
    all.push(of_review());
    all.push(Source { name: "lint report".into(), places: 10, write: Box::new(lint_report) });
    all.push(Source { name: "a decision's reason".into(), places: 4, write: Box::new(reason) });
    all.push(Source { name: "pieces of a line".into(), places: 4, write: Box::new(pieces) });
    all
}

fn of_outcome((name, outcome): (&'static str, Outcome)) -> Source {
    let document = serde_json::to_value(outcome).expect("an outcome is JSON");
    let places = Places::of(&document, |value| serde_json::from_value::<Outcome>(value).is_ok());
    let count = places.len();
    let write = move |texts: &[String]| {
        let outcome: Outcome = serde_json::from_value(places.fill(&document, texts)).expect("an outcome");
        markdown::for_pull_request(&outcome::document(&outcome), &pointer())
    };
    Source { name: format!("result {name}"), places: count, write: Box::new(write) }
}

fn pointer() -> Line {
    vec!["The rest is elsewhere.".into()]
}

fn a_plan() -> (Value, Places) {
    let document = serde_json::to_value(plans::wordy()).expect("a plan is JSON");
    let places = Places::of(&document, |value| serde_json::from_value::<Plan>(value).is_ok());
    (document, places)
}

fn of_plan() -> Source {
    let (document, places) = a_plan();
    let count = places.len();
    let write = move |texts: &[String]| {
        let plan: Plan = serde_json::from_value(places.fill(&document, texts)).expect("a plan");
        let document = plan::document(&plan, &plan.obstacles(), "Europe/Stockholm");
        markdown::for_pull_request(&document, &pointer())
    };
    Source { name: "plan".into(), places: count, write: Box::new(write) }
}

fn of_review() -> Source {
    let (plan, plan_places) = a_plan();
    let lint = lint_result();
    let lint_places = Places::of(&lint, |value| serde_json::from_value::<LintResult>(value).is_ok());
    let count = plan_places.len() + lint_places.len();
    let write = move |texts: &[String]| {
        let plan: Plan = serde_json::from_value(plan_places.fill(&plan, texts)).expect("a plan");
        let mut lint: LintResult =
            serde_json::from_value(lint_places.fill(&lint, texts)).expect("a lint result");
        for (finding, text) in lint.findings.iter_mut().zip(texts.iter().cycle()) {
            if let Some(witness) = &mut finding.witness {
                witness.insert(text.clone(), Value::from(text.as_str()));
            }
        }
        // A rule that is there leads to its page, whatever else is said about it.
        let rules = [page()];
        let review = Review {
            lint: Some(&lint),
            plan: Some(&plan),
            rules: &rules,
            files: Some(FILES),
            timezone: "Europe/Stockholm",
        };
        markdown::for_pull_request(&review::document(&review), &pointer())
    };
    Source { name: "review".into(), places: count, write: Box::new(write) }
}

/// A lint result with a collision, an error, a warning and a change of everything that a change can have.
fn lint_result() -> Value {
    let span = json!({"start": {"line": 3, "column": 1}, "end": {"line": 4, "column": 2}});
    let finding = |severity: &str, witness: Value| {
        json!({"rule": "a-rule", "severity": severity, "message": "m", "file": "f.yaml", "span": span, "label": "l",
            "related": [{"message": "m", "file": "g.yaml", "span": span}], "notes": ["n", "o"], "help": "h",
            "witness": witness, "overlap": null})
    };
    let power = json!({"suffices": false, "complete": true, "power": 0.8, "needed": 1000, "enrolled": 500, "days": null,
        "decided_on": null, "limited_by": "orders"});
    let booking = json!({"key": "bold", "share": 0.2, "start": "2026-12-01T00:00:00Z", "until": "2026-12-29T00:00:00Z",
        "touched": true});
    json!({
        "findings": [
            finding("error", json!({"country": "SE"})), finding("error", Value::Null), finding("warning", Value::Null),
        ],
        "summary": {"files": 9, "suppressed": 1, "known": 2},
        "change": {
            "book": "acme-shop", "timezone": "Europe/Stockholm", "at": "2026-11-24T00:00:00Z",
            "experiments": [{"key": "bold", "title": "t", "new": true, "start": "2026-12-01T00:00:00Z",
                "end": "2026-12-29T00:00:00Z", "power": power}],
            "layers": [{"layer": "checkout", "bookings": [booking], "more": 0}],
        },
    })
}

/// The text at a place, the first after the last.
fn nth(texts: &[String], place: usize) -> &str {
    texts.get(place % texts.len()).map_or("", String::as_str)
}

fn findings(texts: &[String]) -> Vec<Diagnostic> {
    let text = |place: usize| nth(texts, place).to_owned();
    let one = SourceFile::new(text(0), format!("title: {}\nowner: x\n", text(1)));
    let two = SourceFile::new(text(2), "title: y\n".to_owned());
    let witness = [(text(3), Value::from(nth(texts, 4)))].into();
    let error = Diagnostic::error(RULE, text(5), &one, Span::new(0, 5))
        .label(text(6))
        .related(&two, Span::new(0, 3), text(7))
        .note(text(8))
        .help(text(9))
        .witness(witness);
    let warning = Diagnostic::warning("too-long", text(4), &two, Span::new(0, 3)).help(text(0));
    vec![error, warning]
}

fn run<'a>(findings: &'a [Diagnostic], rules: &'a [RulePage]) -> Findings<'a> {
    Findings {
        findings,
        files: 2,
        prefix: "",
        suppressed: 0,
        known: 0,
        fails: Severity::Error,
        rules,
        fingerprints: &[],
        change: None,
        width: None,
    }
}

fn lint_report(texts: &[String]) -> String {
    run(&findings(texts), &[page()]).render(Format::Markdown)
}

/// Writes the findings as workflow commands.
pub fn workflow_commands(texts: &[String]) -> String {
    run(&findings(texts), &[page()]).render(Format::Github)
}

/// Pieces of lines that follow each other as they do in some template, or may in the next one.
fn pieces(texts: &[String]) -> String {
    let line: Line = vec![
        Inline::text(nth(texts, 1)),
        Inline::text(nth(texts, 2)),
        Inline::strong(nth(texts, 3)),
        Inline::strong(nth(texts, 0)),
        Inline::text(nth(texts, 1)),
        Inline::code(nth(texts, 2)),
        Inline::code(nth(texts, 0)),
        Inline::text(nth(texts, 2)),
        Inline::strong(nth(texts, 3)),
    ];
    let blocks = vec![
        Block::Paragraph(line.clone()),
        Block::List(vec![line.clone()]),
        Block::Details { summary: nth(texts, 0).to_owned(), blocks: Vec::new() },
        Block::Heading(line),
    ];
    markdown::render(&Page { blocks })
}

/// What describes a pull request that concludes an experiment without a result.
fn reason(texts: &[String]) -> String {
    markdown::paragraph(&texts.concat())
}
