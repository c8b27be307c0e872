//! Segments, and the cycles that they must not form.

use std::collections::{BTreeMap, HashMap};

use super::audience;
use super::declarations::{Declarations, Index};
use super::sink::Sink;
use crate::load::documents::Documents;
use crate::load::rules;
use crate::load::syntax::audience::{Audience, ClauseTest};
use crate::load::syntax::segment::SegmentFile;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::Span;
use trialbook_model::{Kind, Segment, SegmentKey};

/// Lowers a segment.
pub(super) fn lower(
    key: &str,
    file: &SegmentFile,
    context: &Declarations<'_>,
    index: &Index<'_>,
    sink: &mut Sink<'_>,
) -> Option<Segment> {
    let audience =
        file.audience.as_ref().and_then(|audience| audience::lower(&audience.value, context, index, sink));
    Some(Segment {
        key: SegmentKey::new(key).ok()?,
        description: file.description.as_ref()?.value.0.clone(),
        owner: file.owner.as_ref().map(|owner| owner.value.0.clone()),
        audience: audience?,
    })
}

/// Returns one finding for each way back to a segment that is being walked, with the path.
///
/// Depth-first over the segments without recursion: each is entered once, so the cost is linear.
pub(super) fn cycles(documents: &Documents, index: &Index<'_>) -> Vec<Diagnostic> {
    let graph: BTreeMap<&str, Vec<(&str, Span)>> = index
        .segments
        .iter()
        .map(|(key, file)| {
            let mut named = Vec::new();
            if let Some(audience) = file.and_then(|file| file.audience.as_ref()) {
                uses(&audience.value, &mut named);
            }
            named.reverse();
            (key, named)
        })
        .collect();
    let mut findings = Vec::new();
    let mut done: HashMap<&str, bool> = HashMap::new();
    for start in graph.keys() {
        let mut path: Vec<(&str, Vec<(&str, Span)>)> = Vec::new();
        let mut next = (!done.contains_key(start)).then_some(*start);
        loop {
            if let Some(key) = next.take() {
                done.insert(key, false);
                path.push((key, graph.get(key).cloned().unwrap_or_default()));
            }
            let Some((key, rest)) = path.last_mut() else { break };
            let from = *key;
            match rest.pop() {
                None => {
                    done.insert(from, true);
                    path.pop();
                }
                Some((named, span)) => match done.get(named) {
                    Some(true) => {}
                    Some(false) => findings.extend(cycle(documents, &path, from, named, span)),
                    None => next = graph.contains_key(named).then_some(named),
                },
            }
        }
    }
    findings
}

fn cycle(
    documents: &Documents,
    path: &[(&str, Vec<(&str, Span)>)],
    from: &str,
    named: &str,
    span: Span,
) -> Option<Diagnostic> {
    /// A longer path is shown by its ends.
    const SHOWN: usize = 12;
    let file = documents.get(Kind::Segment, from)?.file();
    let start = path.iter().position(|(key, _)| *key == named)?;
    let mut names: Vec<_> = path.iter().skip(start).map(|(key, _)| *key).collect();
    if names.len() > SHOWN {
        let tail = names.split_off(names.len() - SHOWN / 2);
        names.truncate(SHOWN / 2);
        names.push("…");
        names.extend(tail);
    }
    names.push(named);
    let message = if from == named {
        format!("segment `{named}` contains itself")
    } else {
        format!("segment `{named}` contains itself: {}", names.join(" → "))
    };
    Some(
        Diagnostic::error(rules::SEGMENT_CYCLE, message, file, span)
            .help("write one of them without the other"),
    )
}

fn uses<'a>(audience: &'a Audience, named: &mut Vec<(&'a str, Span)>) {
    for clause in &audience.0 {
        match &clause.test {
            ClauseTest::All(parts) | ClauseTest::Any(parts) => {
                parts.iter().for_each(|part| uses(&part.value, named));
            }
            ClauseTest::Not(part) => uses(part, named),
            ClauseTest::Segment(key) => named.push((key.value.as_str(), key.span)),
            ClauseTest::Attribute(..) => {}
        }
    }
}
