//! A comment for a pull request: what the run comes to, errors first, the rest folded, never longer than GitHub takes.

use crate::report::blocks::{Block, Inline, Line, Page};
use crate::report::markdown::for_pull_request;
use trialbook_model::diagnostic::{Diagnostic, Severity};

use super::{Findings, RulePage, counted};

/// How many findings of a severity are shown, before the rest is only counted.
const SHOWN: usize = 50;

/// Returns the comment.
pub(super) fn render(run: &Findings<'_>) -> String {
    let pointer: Line =
        vec!["This is not all: ".into(), Inline::code("trialbook lint"), " shows every finding.".into()];
    let of = |severity| run.findings.iter().filter(move |finding| finding.severity == severity);
    let mut document = Page::default();
    document.push(Block::Heading(vec![heading(run).into()]));
    for error in of(Severity::Error).take(SHOWN) {
        document.push(Block::Paragraph(first_line(run, error)));
        document.push(Block::Details { summary: "Why, and what to do".into(), blocks: details(run, error) });
    }
    let warnings: Vec<Block> = of(Severity::Warning)
        .take(SHOWN)
        .flat_map(|warning| {
            let line = Block::Paragraph(first_line(run, warning));
            std::iter::once(line).chain(help(warning).map(Block::Paragraph))
        })
        .collect();
    if !warnings.is_empty() {
        document.push(Block::Details {
            summary: counted(run.count(Severity::Warning), "warning"),
            blocks: warnings,
        });
    }
    document.push(Block::Small(vec![run.summary().into()]));
    let left = [Severity::Error, Severity::Warning].map(|severity| run.count(severity) > SHOWN);
    if left.contains(&true) {
        document.push(Block::Paragraph(pointer.clone()));
    }
    for_pull_request(&document, &pointer)
}

fn heading(run: &Findings<'_>) -> String {
    match (run.count(Severity::Error), run.count(Severity::Warning)) {
        (0, 0) => "Nothing is wrong with the book".into(),
        (0, warnings) => format!("The book is sound, with {}", counted(warnings, "warning")),
        (errors, 0) => format!("The book has {}", counted(errors, "error")),
        (errors, warnings) => {
            format!("The book has {} and {}", counted(errors, "error"), counted(warnings, "warning"))
        }
    }
}

/// The rule, what is wrong, and where.
fn first_line(run: &Findings<'_>, finding: &Diagnostic) -> Line {
    let at = finding.primary.file.position(finding.primary.span.start);
    let rule = match run.rules.iter().find(|page| page.name == finding.rule) {
        Some(page) => Inline::Link { text: finding.rule.into(), url: RulePage::url(page) },
        None => Inline::strong(finding.rule),
    };
    let place = Inline::code(format!("{}:{}", run.path(finding.primary.file.path()), at.line));
    vec![rule, ": ".into(), bounded(&finding.message).into(), " — ".into(), place]
}

fn details(run: &Findings<'_>, finding: &Diagnostic) -> Vec<Block> {
    let mut items: Vec<Line> = Vec::new();
    let places = std::iter::once(&finding.primary).chain(&finding.related).take(SHOWN);
    for label in places.filter(|label| !label.text.is_empty()) {
        let at = label.file.position(label.span.start);
        let place = Inline::code(format!("{}:{}", run.path(label.file.path()), at.line));
        items.push(vec![place, ": ".into(), bounded(&label.text).into()]);
    }
    items.extend(finding.notes.iter().take(SHOWN).map(|note| vec![bounded(note).into()]));
    if let Some(witness) = &finding.witness {
        let context = serde_json::to_string(witness).unwrap_or_default();
        items.push(vec!["a context that proves it: ".into(), Inline::code(bounded(&context))]);
    }
    let list = (!items.is_empty()).then_some(Block::List(items));
    let advice = help(finding).unwrap_or_else(|| {
        vec![Inline::code(format!("trialbook explain {}", finding.rule)), " explains it.".into()]
    });
    list.into_iter().chain([Block::Paragraph(advice)]).collect()
}

fn help(finding: &Diagnostic) -> Option<Line> {
    finding.help.as_ref().map(|help| vec![Inline::strong("What to do:"), " ".into(), bounded(help).into()])
}

/// Cuts text that nobody reads to its end.
fn bounded(text: &str) -> String {
    const LONGEST: usize = 600;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
