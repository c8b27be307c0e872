//! What is wrong with a suppression.

use super::comment::Slip;
use super::{Named, Suppression};
use crate::check::registry::{nearest, rule};
use trialbook_language::load::Document;
use trialbook_model::diagnostic::{Applicability, Diagnostic, Edit};
use trialbook_model::span::{SourceFile, Span};

const BAD: &str = "bad-suppression";
const EXPIRED: &str = "expired-suppression";
const UNUSED: &str = "unused-suppression";

/// Returns the finding for a comment that should be a suppression and is none.
pub(super) fn slip(document: &Document, comment: Span, slip: &Slip) -> Diagnostic {
    let span = Span::new(comment.start + slip.span.start, comment.start + slip.span.end);
    // An empty place is not seen: the comment is.
    let span = if span.start == span.end { comment } else { span };
    let message = format!("this suppression cannot be understood: {}", slip.message);
    Diagnostic::error(BAD, message, document.file(), span)
        .help("write `# trialbook: ignore[RULE] REASON`, where `until=2027-01-31` may precede the reason")
}

/// So many findings about the suppressions of one file are made; the rest is counted.
pub(super) const MOST: usize = 200;

/// Adds what is wrong with suppressions, which are in the order of their files.
pub(super) fn all(suppressions: &[Suppression<'_>], judged: bool, found: &mut Vec<Diagnostic>) {
    for of_file in suppressions.chunk_by(|a, b| std::ptr::eq(a.document, b.document)) {
        let (before, mut hidden, mut place) = (found.len(), 0, None);
        for suppression in of_file {
            if found.len() - before < MOST {
                findings(suppression, judged, found);
            } else {
                let mut more = Vec::new();
                findings(suppression, judged, &mut more);
                hidden += more.len();
                place = place.or((!more.is_empty()).then_some(suppression));
            }
        }
        found.extend(place.map(|place| more(place.document, place.span, hidden)));
    }
}

/// Returns the finding that counts those about a file's suppressions that are not shown. It is an error: some of them may be.
pub(super) fn more(document: &Document, span: Span, hidden: usize) -> Diagnostic {
    let message = format!("{hidden} more findings about the suppressions of this file are not shown");
    Diagnostic::error(BAD, message, document.file(), span).help("fix the ones above, then lint again")
}

/// Adds what is wrong with a suppression. What is not used is reported only where the rules have been judged.
pub(super) fn findings(suppression: &Suppression<'_>, judged: bool, found: &mut Vec<Diagnostic>) {
    let mut before = std::collections::HashSet::new();
    let first = found.len();
    for (at, named) in suppression.rules.iter().enumerate() {
        if found.len() - first >= MOST {
            found.push(more(suppression.document, suppression.span, suppression.rules.len() - at));
            break;
        }
        let repeated = !before.insert(named.name.value.as_str());
        if !named.sound {
            found.push(unsound(suppression, named));
        } else if repeated {
            found.push(idle(suppression, (at, named), format!("`{}` is named twice here", named.name.value)));
        } else if judged && !named.used && !suppression.expired {
            found.push(idle(suppression, (at, named), format!("`{}` finds nothing here", named.name.value)));
        }
    }
    if suppression.expired {
        found.push(expired(suppression, judged));
    }
}

fn unsound(suppression: &Suppression<'_>, named: &Named) -> Diagnostic {
    let (file, name) = (suppression.document.file(), &named.name);
    if rule(&name.value).is_some() {
        let message = format!("`{}` cannot be suppressed", name.value);
        return Diagnostic::error(BAD, message, file, name.span)
            .help(format!("`trialbook explain {}` explains what to do instead", name.value));
    }
    let finding = Diagnostic::error(BAD, format!("there is no rule `{}`", name.value), file, name.span);
    match nearest(&name.value) {
        None => finding.help("`trialbook explain` lists every rule"),
        Some(near) => {
            let edit = Edit { file: file.clone(), span: name.span, text: near.name().to_owned() };
            finding.help(format!("did you mean `{}`?", near.name())).fix(
                format!("write `{}`", near.name()),
                Applicability::Unsafe,
                vec![edit],
            )
        }
    }
}

/// A name in a suppression that does nothing, with its place in the list.
fn idle(suppression: &Suppression<'_>, (at, named): (usize, &Named), message: String) -> Diagnostic {
    let file = suppression.document.file();
    let span = if suppression.rules.len() == 1 { suppression.span } else { named.name.span };
    let (title, edit) = if suppression.rules.len() == 1 {
        ("remove the suppression", removal(file, suppression.span))
    } else {
        // With the comma that parts it from its neighbour.
        let neighbour = match at.checked_sub(1).and_then(|before| suppression.rules.get(before)) {
            Some(before) => Span::new(before.name.span.end, named.name.span.end),
            None => {
                let next =
                    suppression.rules.get(at + 1).map_or(named.name.span.end, |next| next.name.span.start);
                Span::new(named.name.span.start, next)
            }
        };
        ("remove the rule's name", neighbour)
    };
    Diagnostic::warning(UNUSED, message, file, span).help("remove it, or a later finding stays hidden").fix(
        title,
        Applicability::Safe,
        vec![Edit { file: file.clone(), span: edit, text: String::new() }],
    )
}

fn expired(suppression: &Suppression<'_>, judged: bool) -> Diagnostic {
    let file = suppression.document.file();
    let until = suppression.until.map_or(String::new(), |until| format!(" on {until}"));
    let finding =
        Diagnostic::warning(EXPIRED, format!("this suppression ran out{until}"), file, suppression.span);
    let used = suppression.rules.iter().filter(|named| named.used);
    let hid: Vec<_> = used.map(|named| format!("`{}`", named.name.value)).collect();
    if !hid.is_empty() {
        return finding
            .note(format!("what it hid is found again: {}", hid.join(", ")))
            .help("fix that and remove the comment, or give it a later date");
    }
    if !judged {
        return finding.help("fix what it hid, or give it a later date");
    }
    let edit = Edit { file: file.clone(), span: removal(file, suppression.span), text: String::new() };
    finding.help("remove it: there is nothing left to suppress").fix(
        "remove the suppression",
        Applicability::Safe,
        vec![edit],
    )
}

/// Returns what goes with a comment: its line where it has that to itself, the space before it otherwise.
fn removal(file: &SourceFile, comment: Span) -> Span {
    let line = file.position(comment.start).line;
    let whole = file.line_span(line);
    let before = file.slice(Span::new(whole.start, comment.start));
    let kept = before.trim_end();
    if kept.is_empty() {
        let next = file.line_span(line + 1).start;
        Span::new(whole.start, next.max(comment.end))
    } else {
        Span::new(whole.start + kept.len(), whole.end.max(comment.end))
    }
}
