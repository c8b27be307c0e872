//! Suppressions: comments with the reason why a finding is not to be shown.
//!
//! `# trialbook: ignore[RULE, …] REASON` hides findings of those rules whose first place begins on its line or, where
//! the comment has the line to itself, on the next line that is not such a comment. With `until=2027-01-31` it holds
//! until that day begins in the book's time zone.
//!
//! What leaves no valid book, and what assigns users wrongly, cannot be suppressed. A suppression that suppresses
//! nothing, has run out or cannot be understood is itself a finding.

mod comment;
mod findings;

use std::collections::HashMap;

use jiff::Zoned;
use jiff::civil::Date;

use super::registry::rule;
use trialbook_language::load::{Document, Documents, RULES as RULES_OF_LOAD};
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::span::{Span, Spanned};

/// What is left of findings, and what is not.
#[derive(Debug, Clone, Default)]
pub struct Review {
    /// What is to be shown, with what is wrong with the suppressions, in reading order.
    pub findings: Vec<Diagnostic>,
    /// What is suppressed, in the order in which it was found.
    pub suppressed: Vec<Diagnostic>,
}

/// Tells whether a comment or a baseline can hide a finding.
pub fn is_suppressible(finding: &Diagnostic) -> bool {
    let by_rule = rule(finding.rule).is_some_and(super::Rule::is_suppressible);
    by_rule && !leaves_no_book(finding)
}

/// Tells whether a finding is one that leaves no valid book, so that nothing is known about the rest.
pub fn leaves_no_book(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Error && RULES_OF_LOAD.contains(&finding.rule)
}

/// Returns a comment that suppresses findings of these rules. The reason may hold `until=DATE`.
///
/// # Errors
///
/// Where the reason would not make a suppression: it is empty, holds a line break or another character that cannot
/// be in a comment, or a date that is none. The text names which.
pub fn written(rules: &[&str], reason: &str) -> Result<String, String> {
    if reason.contains(char::is_control) {
        return Err("the reason has to fit on one line, without control characters".into());
    }
    let comment = format!("# trialbook: ignore[{}] {}", rules.join(", "), reason.trim());
    match comment::read(&comment) {
        Some(Ok(_)) => Ok(comment),
        Some(Err(slip)) => Err(slip.message),
        None => Err("the reason cannot be written into a comment".into()),
    }
}

/// A suppression at its place.
struct Suppression<'a> {
    document: &'a Document,
    /// The comment.
    span: Span,
    /// The line whose findings it hides.
    line: usize,
    rules: Vec<Named>,
    until: Option<Date>,
    expired: bool,
}

/// A rule that a suppression names.
struct Named {
    name: Spanned<String>,
    /// Whether it is one, and one that can be suppressed.
    sound: bool,
    /// Whether it hid a finding; of a suppression that has run out, whether it would have.
    used: bool,
}

/// Takes out of findings what comments suppress, and adds what is wrong with those comments.
///
/// A pure function, so that an editor shows what a terminal does.
pub fn apply(findings: Vec<Diagnostic>, documents: &Documents, now: &Zoned) -> Review {
    // Without a valid book the rules have not run, so nothing is known about what is not used.
    let judged = !findings.iter().any(leaves_no_book);
    apply_among(findings, documents.iter(), judged, now)
}

/// Does what [`apply`] does, for the findings of some files: those of one file depend on no other.
///
/// The caller knows whether the rules have judged the book.
pub fn apply_among<'a>(
    findings: Vec<Diagnostic>,
    documents: impl Iterator<Item = &'a Document>,
    judged: bool,
    now: &Zoned,
) -> Review {
    let mut review = Review::default();
    let mut suppressions = Vec::new();
    for document in documents {
        read(document, now.date(), &mut suppressions, &mut review.findings);
    }
    let mut by_line: HashMap<(&str, usize), Vec<usize>> = HashMap::new();
    for (index, suppression) in suppressions.iter().enumerate() {
        by_line.entry((suppression.document.file().path(), suppression.line)).or_default().push(index);
    }
    let has_any: std::collections::HashSet<&str> = by_line.keys().map(|(path, _)| *path).collect();
    for finding in findings {
        let file = &finding.primary.file;
        let hidden = has_any.contains(file.path())
            && is_suppressible(&finding)
            && by_line
                .get(&(file.path(), file.position(finding.primary.span.start).line))
                .is_some_and(|indices| hide(&mut suppressions, indices, finding.rule));
        if hidden { review.suppressed.push(finding) } else { review.findings.push(finding) }
    }
    findings::all(&suppressions, judged, &mut review.findings);
    review.findings.sort_by(|a, b| a.order().cmp(&b.order()));
    review
}

/// Marks what hides a finding of a rule; tells whether something does.
///
/// What has run out is marked only where nothing else hides the finding: it can go otherwise.
fn hide(suppressions: &mut [Suppression<'_>], indices: &[usize], rule: &str) -> bool {
    let mut mark = |expired: bool, all: bool| {
        let mut marked = false;
        for index in indices {
            let Some(suppression) = suppressions.get_mut(*index).filter(|it| it.expired == expired) else {
                continue;
            };
            let named = suppression.rules.iter_mut().find(|named| named.name.value == rule);
            if let Some(named) = named.filter(|_| all || !marked) {
                (named.used, marked) = (true, true);
            }
        }
        marked
    };
    let hidden = mark(false, false);
    if !hidden {
        mark(true, true);
    }
    hidden
}

/// Tells whether a file may have a suppression, or something that should be one.
pub fn may_be_in(document: &Document) -> bool {
    let text = document.file().text();
    document.comments().next().is_some() && (text.contains("ignore") || text.contains("trialbook:"))
}

/// Reads the suppressions of a file; what is no suppression but should be one becomes a finding.
fn read<'a>(
    document: &'a Document,
    today: Date,
    suppressions: &mut Vec<Suppression<'a>>,
    findings: &mut Vec<Diagnostic>,
) {
    let file = document.file();
    if !may_be_in(document) {
        return;
    }
    let spans: Vec<Span> = document.comments().map(|(span, _)| span).collect();
    // From the end: a comment that has its line to itself stands for the line below, or for what that stands for.
    let mut below: Option<(usize, usize)> = None;
    let mut read = Vec::new();
    let (mut slips, mut first_hidden) = (0usize, None);
    for span in spans.into_iter().rev() {
        let line = file.position(span.start).line;
        let before = file.slice(Span::new(file.line_span(line).start, span.start));
        let alone = before.chars().all(|c| c.is_whitespace() || c == '\u{feff}');
        let target = match below {
            _ if !alone => line,
            Some((next, target)) if next == line + 1 => target,
            _ => line + 1,
        };
        if alone {
            below = Some((line, target));
        }
        match comment::read(file.slice(span)) {
            None => {}
            Some(Err(slip)) => {
                slips += 1;
                if slips <= findings::MOST {
                    findings.push(findings::slip(document, span, &slip));
                } else {
                    first_hidden = Some(span);
                }
            }
            Some(Ok(comment)) => {
                let named = |name: Spanned<String>| {
                    let sound = rule(&name.value).is_some_and(super::Rule::is_suppressible);
                    let at = Span::new(span.start + name.span.start, span.start + name.span.end);
                    Named { name: Spanned { value: name.value, span: at }, sound, used: false }
                };
                read.push(Suppression {
                    document,
                    span,
                    line: target,
                    rules: comment.rules.into_iter().map(named).collect(),
                    expired: comment.until.is_some_and(|until| until <= today),
                    until: comment.until,
                });
            }
        }
    }
    if let Some(span) = first_hidden {
        findings.push(findings::more(document, span, slips - findings::MOST));
    }
    read.reverse();
    suppressions.append(&mut read);
}

#[cfg(test)]
mod tests;
