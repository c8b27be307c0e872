//! Ways to end collisions, for people and as `fit-v1`.

mod json;
mod words;

use std::fmt::Write as _;

use super::findings::visible;
use trialbook_language::edit::{creation, difference};
use trialbook_lint::fit::{Collision, Cost, FileEdit, Fit, Way};

pub use json::json;
use words::{title, why_stuck};

/// Returns what was found, for people.
pub fn text(fit: &Fit, named: Option<&str>) -> String {
    if fit.collisions.is_empty() {
        return match named {
            Some(key) => format!("`{}` collides with nothing\n", visible(key)),
            None => "nothing collides, and no layer is too full\n".to_owned(),
        };
    }
    let mut text = String::new();
    for (n, collision) in fit.collisions.iter().enumerate() {
        if n > 0 {
            text.push('\n');
        }
        write_collision(&mut text, collision);
    }
    text
}

fn write_collision(text: &mut String, collision: &Collision) {
    let Collision { rule, message, path, line, .. } = collision;
    let _ = writeln!(text, "{rule}: {}\n  {}:{line}", visible(message), visible(path));
    if let Some(stuck) = &collision.stuck {
        let _ = writeln!(text, "  nothing fits: {}", visible(&why_stuck(stuck)));
    }
    for (n, way) in collision.ways.iter().enumerate() {
        let _ = writeln!(text, "\n  {}. {}{}", n + 1, visible(&title(&way.steps)), beside(way));
        for cost in way.costs.iter().take(8) {
            let (key, owner) = (visible(&cost.party.key), visible(&cost.owner));
            let _ = writeln!(text, "     `{key}` ({owner}): {}", days(cost));
        }
        for edit in &way.edits {
            let _ = writeln!(text, "     {}", visible(&edit.path));
            let patch = self::patch(edit, &edit.path);
            let changed = patch.lines().skip(2).filter(|line| line.starts_with(['+', '-']));
            for line in changed {
                let _ = writeln!(text, "       {}", visible(line));
            }
        }
    }
}

/// Returns an edit as a patch of a file that its reader finds at a path.
pub fn patch(edit: &FileEdit, path: &str) -> String {
    match &edit.before {
        Some(before) => difference(path, before, &edit.after),
        None => creation(path, &edit.after),
    }
}

/// Returns what else a way does.
fn beside(way: &Way) -> String {
    let mut more = Vec::new();
    if way.ends > 1 {
        more.push(format!("ends {} errors", way.ends));
    }
    match way.warnings {
        0 => {}
        1 => more.push("brings a warning".to_owned()),
        n => more.push(format!("brings {n} warnings")),
    }
    if more.is_empty() { String::new() } else { format!(" ({})", more.join(", ")) }
}

/// Returns what a way costs one team.
fn days(cost: &Cost) -> String {
    let counted = |days: f64| format!("{days} day{}", if (days - 1.0).abs() < 1e-9 { "" } else { "s" });
    let mut parts = Vec::new();
    if cost.later_days > 0.0 {
        parts.push(format!("{} later", counted(cost.later_days)));
    }
    match cost.longer_days {
        None => parts.push("longer by an unknown time: the share of its audience is not declared".to_owned()),
        Some(days) if days > 0.0 => parts.push(format!("about {} longer for as many units", counted(days))),
        Some(days) if days < 0.0 => parts.push(format!("about {} shorter for as many units", counted(-days))),
        Some(_) => {}
    }
    if parts.is_empty() { "costs nothing".to_owned() } else { parts.join(", ") }
}

/// Returns that nothing ends a collision, and why, as a line.
pub fn stuck(collision: &Collision) -> String {
    let why = collision.stuck.as_ref().map(why_stuck).unwrap_or_default();
    format!("nothing fits: {}: {}", visible(&collision.message), visible(&why))
}
