//! What a change collides with, each with the unit that proves it.

use super::super::blocks::{Block, Inline, Line, Page};
use super::super::number::{exact_percent, percent};
use super::{Review, SHOWN, more, prose, title};
use crate::artifact::lint::{Finding, LintResult};

/// The most characters of a context that proves something.
const LONGEST_CONTEXT: usize = 500;

/// Tells whether a finding is proved by a unit that two things claim.
pub(super) fn is_collision(finding: &Finding) -> bool {
    finding.witness.is_some()
}

/// Writes the collisions, errors first.
pub(super) fn section(page: &mut Page, review: &Review<'_>, lint: &LintResult) {
    let mut all: Vec<_> = lint.findings.iter().filter(|finding| is_collision(finding)).collect();
    if all.is_empty() {
        return;
    }
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    page.push(Block::Subheading(vec!["Collisions".into()]));
    for finding in all.iter().take(SHOWN) {
        page.push(Block::Paragraph(title(review, finding)));
        page.push(Block::List(facts(review, finding)));
    }
    more(page, all.len(), "collision is", "collisions are");
}

fn facts(review: &Review<'_>, finding: &Finding) -> Vec<Line> {
    let mut facts = Vec::new();
    let place = |file: &str, line: u64, text: &str| -> Line {
        let mut place = vec![review.place(file, line)];
        if !text.is_empty() {
            place.push(": ".into());
            place.extend(prose(text));
        }
        place
    };
    facts.push(place(&finding.file, finding.span.start.line, &finding.label));
    facts.extend(
        finding.related.iter().take(SHOWN).map(|at| place(&at.file, at.span.start.line, &at.message)),
    );
    if let Some(witness) = &finding.witness {
        let context = serde_json::to_string(witness).unwrap_or_default();
        let context = super::super::number::shortened(&context, LONGEST_CONTEXT);
        let mut line: Line = vec!["a unit that proves it: ".into(), Inline::code(context)];
        if let Some(overlap) = finding.overlap {
            let share = if overlap.share >= 0.01 {
                percent(overlap.share, 1)
            } else {
                exact_percent((overlap.share * 1e6).round() / 1e6)
            };
            line.push(format!(", one of {share} of traffic").into());
        }
        facts.push(line);
    }
    facts.extend(finding.notes.iter().take(SHOWN).map(|note| prose(note)));
    facts.extend(finding.help.iter().map(|help| {
        let mut line = vec![Inline::strong("To do:"), " ".into()];
        line.extend(prose(help));
        line
    }));
    facts
}
