//! The smallest edits that end a collision.
//!
//! Edits are proposed as texts of the book's files, made one after the other in a [`Workspace`](crate::workspace), and
//! kept only where lint itself then finds the collision gone and no error in its place, and where the review of a pull request
//! with them would accept them. What is launched is never edited. Nothing here touches a disk.

mod cost;
mod desk;
mod moves;
mod propose;
mod step;
mod text;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use trialbook_language::load::RawFile;
use trialbook_model::{Book, ExperimentKey, Kind};

use desk::{Desk, Identity};

pub use cost::Cost;
pub use step::{Step, Stuck};

/// The maximum number of edits shown for each collision.
const WAYS: usize = 5;

/// The maximum number of experiments of a full layer that are looked at.
const MEMBERS: usize = 16;

/// The rules whose findings can be ended here.
pub const RULES: &[&str] = &[
    "overlapping-experiments",
    "overlapping-rollouts",
    "overlapping-slots",
    "overbooked-layer",
    "slots-mismatch",
    "meets-over-time",
];

/// Collisions, and what ends each of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// In reading order.
    pub collisions: Vec<Collision>,
}

/// A collision, or a layer that is full.
#[derive(Debug, Clone, PartialEq)]
pub struct Collision {
    /// The rule that finds it.
    pub rule: &'static str,
    /// The finding's message.
    pub message: String,
    /// The file where it is, from the book's root.
    pub path: String,
    /// The line in it.
    pub line: usize,
    /// Who collides.
    pub parties: Vec<Party>,
    /// What ends it, the best first; none where nothing fits.
    pub ways: Vec<Way>,
    /// Why nothing fits, where nothing does.
    pub stuck: Option<Stuck>,
}

/// An experiment or a rollout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Party {
    /// Which of the two.
    pub kind: Kind,
    /// Its key.
    pub key: String,
}

/// Edits that together end a collision. Lint has found it gone afterwards, and no error that was not there before; nothing that
/// is launched changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// What to do, in this order.
    pub steps: Vec<Step>,
    /// How many errors it ends, this one included where it is one.
    pub ends: usize,
    /// How many warnings it brings.
    pub warnings: usize,
    /// What it costs whom.
    pub costs: Vec<Cost>,
    /// The files that change.
    pub edits: Vec<FileEdit>,
    /// What comes first where the costs are the same.
    order: usize,
}

/// A file before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileEdit {
    /// Its path from the book's root.
    pub path: String,
    /// Its content; `None` where it is new.
    pub before: Option<String>,
    /// Its content then.
    pub after: String,
}

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The experiment or rollout whose collisions are to end; every collision of the book where none is named.
    pub named: Option<&'a str>,
    /// The experiments whose launch is recorded and whose start has come. One whose start has passed counts as launched
    /// without a record.
    pub launched: &'a BTreeSet<ExperimentKey>,
    /// When now is.
    pub now: Timestamp,
}

/// Why nothing can be looked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// The files make no book.
    #[error("the book has errors that come first")]
    NoBook,
    /// There is no such experiment or rollout.
    #[error("there is no experiment or rollout `{name}`")]
    Unknown {
        /// What was named.
        name: String,
        /// The experiments that there are.
        known: Vec<ExperimentKey>,
    },
}

/// Looks for the smallest edits that end each collision of a book, or each one of an experiment or a rollout.
///
/// # Errors
///
/// Where the files make no book, or what is named is not in it.
pub fn fit(files: Vec<RawFile>, question: Question<'_>) -> Result<Fit, FitError> {
    let mut desk = Desk::open(files, question).ok_or(FitError::NoBook)?;
    known(desk.book(), question.named)?;
    let collisions = collisions(&desk, question.named);
    let collisions = collisions.into_iter().map(|collision| solved(&mut desk, collision)).collect();
    Ok(Fit { collisions })
}

/// Returns the edits that are made when the best way is taken for one collision after the other, until none is left that
/// can be ended; and those that are left.
///
/// # Errors
///
/// As for [`fit`].
pub fn fit_all(
    files: Vec<RawFile>,
    question: Question<'_>,
) -> Result<(Vec<FileEdit>, Vec<Collision>), FitError> {
    let mut desk = Desk::open(files, question).ok_or(FitError::NoBook)?;
    known(desk.book(), question.named)?;
    let mut stuck = Vec::<Collision>::new();
    // Every round ends a collision for good, or leaves it for the report.
    loop {
        let seen = |open: &Open| {
            let same = |left: &Collision| left.rule == open.rule && left.parties == open.parties;
            stuck.iter().any(same)
        };
        let Some(next) = collisions(&desk, question.named).into_iter().find(|open| !seen(open)) else {
            break;
        };
        let mut solved = solved(&mut desk, next);
        // What brings a warning for a warning could go on for ever.
        let way = solved.ways.iter().position(|way| way.ends > 0 || way.warnings == 0);
        let Some(way) = way else {
            solved.stuck.get_or_insert(Stuck::OnlyWithWarnings);
            stuck.push(solved);
            continue;
        };
        for edit in solved.ways.swap_remove(way).edits {
            desk.write(&edit.path, &edit.after);
        }
    }
    Ok((desk.changes(), stuck))
}

fn known(book: &Book, named: Option<&str>) -> Result<(), FitError> {
    match named {
        Some(key) if !book.experiments.contains_key(key) && !book.rollouts.contains_key(key) => {
            Err(FitError::Unknown { name: key.to_owned(), known: book.experiments.keys().cloned().collect() })
        }
        Some(_) | None => Ok(()),
    }
}

/// A collision that nothing has been looked for yet.
struct Open {
    target: Identity,
    line: usize,
    parties: Vec<Party>,
    layer: Option<String>,
    rule: &'static str,
}

fn collisions(desk: &Desk, named: Option<&str>) -> Vec<Open> {
    let mut found = Vec::new();
    for finding in desk.findings().filter(|finding| RULES.contains(&finding.rule)) {
        let (mut parties, mut layer) = (Vec::new(), None);
        for subject in &finding.subjects {
            match subject.kind {
                Kind::Experiment | Kind::Rollout if parties.len() < MEMBERS => {
                    parties.push(Party { kind: subject.kind, key: subject.key.to_string() });
                }
                Kind::Layer => layer = Some(subject.key.to_string()),
                _ => {}
            }
        }
        if named.is_none_or(|key| parties.iter().any(|party| party.key == key)) {
            parties.sort();
            let line = finding.primary.file.position(finding.primary.span.start).line;
            found.push(Open { target: desk::identity(finding), line, parties, layer, rule: finding.rule });
        }
    }
    found
}

/// Looks for ways to end a collision; the desk is afterwards as it was.
fn solved(desk: &mut Desk, open: Open) -> Collision {
    let mut ways = Vec::new();
    for (order, alternatives) in propose::alternatives(desk, &open).into_iter().enumerate() {
        // Of edits of one sort, the first that does is the smallest.
        if let Some(way) = alternatives.iter().find_map(|steps| attempt(desk, &open, steps, order)) {
            ways.push(way);
        }
    }
    ways.sort_by(|a, b| {
        let rank = |way: &Way| (std::cmp::Reverse(way.ends), way.warnings);
        let days = cost::total(&a.costs).total_cmp(&cost::total(&b.costs));
        rank(a).cmp(&rank(b)).then(days).then((a.edits.len(), a.order).cmp(&(b.edits.len(), b.order)))
    });
    ways.dedup_by(|a, b| a.edits == b.edits);
    ways.truncate(WAYS);
    let stuck = ways.is_empty().then(|| propose::why_stuck(desk, &open));
    let Identity(rule, path, message) = open.target;
    Collision { rule, message, path, line: open.line, parties: open.parties, ways, stuck }
}

/// Makes the edits, and takes them back. Returns the way where lint finds the collision gone and no new error, and where the
/// review accepts what it does to what is launched.
fn attempt(desk: &mut Desk, open: &Open, steps: &[moves::Move], order: usize) -> Option<Way> {
    let (errors, warnings) = (desk.errors(), desk.warnings());
    let before = cost::Measures::of(desk.book(), &open.parties);
    desk.begin();
    let made: Option<Vec<Vec<Step>>> = steps.iter().map(|step| step.make(desk)).collect();
    let way = made.filter(|_| !desk.is_broken()).and_then(|made| {
        let (errors_after, warnings_after) = (desk.errors(), desk.warnings());
        let count = |tally: &desk::Tally, identity: &Identity| tally.get(identity).copied().unwrap_or(0);
        let fewer = |before: &desk::Tally, after: &desk::Tally| {
            count(after, &open.target) < count(before, &open.target)
        };
        let gone = fewer(&errors, &errors_after) || fewer(&warnings, &warnings_after);
        let new_error = errors_after.iter().any(|(identity, n)| *n > count(&errors, identity));
        if !gone || new_error || !desk.is_accepted() {
            return None;
        }
        let new_warnings =
            warnings_after.iter().map(|(identity, n)| n.saturating_sub(count(&warnings, identity))).sum();
        let edits = desk.made();
        let after = cost::Measures::of(desk.book(), &open.parties);
        Some(Way {
            steps: made.into_iter().flatten().collect(),
            ends: errors.values().sum::<usize>() - errors_after.values().sum::<usize>(),
            warnings: new_warnings,
            costs: cost::between(desk.book(), &before, &after),
            edits,
            order,
        })
    });
    desk.undo();
    way.filter(|way| !way.edits.is_empty())
}

#[cfg(test)]
mod tests;
