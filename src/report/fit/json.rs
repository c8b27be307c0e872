//! Ways to end collisions as `fit-v1` publishes them.

use serde::Serialize;

use super::words::{title, why_stuck};
use trialbook_lint::fit::{Collision, Cost, FileEdit, Fit, Party, Way};

#[derive(Serialize)]
struct Published<'a> {
    version: u32,
    collisions: Vec<PublishedCollision<'a>>,
}

#[derive(Serialize)]
struct PublishedCollision<'a> {
    rule: &'a str,
    message: &'a str,
    path: &'a str,
    line: usize,
    parties: &'a [Party],
    ways: Vec<PublishedWay<'a>>,
    stuck: Option<String>,
}

#[derive(Serialize)]
struct PublishedWay<'a> {
    title: String,
    ends: usize,
    warnings: usize,
    costs: &'a [Cost],
    edits: &'a [FileEdit],
}

/// Returns what was found as `fit-v1`.
///
/// # Errors
///
/// Never; only because a serializer can fail.
pub fn json(fit: &Fit) -> serde_json::Result<String> {
    let collisions = fit.collisions.iter().map(collision).collect();
    serde_json::to_string_pretty(&Published { version: 1, collisions })
}

fn collision(collision: &Collision) -> PublishedCollision<'_> {
    let Collision { rule, message, path, line, parties, ways, stuck } = collision;
    PublishedCollision {
        rule,
        message,
        path,
        line: *line,
        parties,
        ways: ways.iter().map(way).collect(),
        stuck: stuck.as_ref().map(why_stuck),
    }
}

fn way(way: &Way) -> PublishedWay<'_> {
    let Way { steps, ends, warnings, costs, edits, .. } = way;
    PublishedWay { title: title(steps), ends: *ends, warnings: *warnings, costs, edits }
}
