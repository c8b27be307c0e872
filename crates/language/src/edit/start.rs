//! New files: what the book already declares is filled in, and what only a person knows is left blank.
//!
//! A blank is a key without a value beside a comment with what goes there: `lint` refuses it until it is filled.

use std::fmt::Write as _;

use super::format::format;
use super::patch::{Replacement, patch};
use super::value::{Place, scalar};
use crate::load::{BLANK, yaml};
use trialbook_model::span::{SourceFile, Span};
use trialbook_model::{Book, Flag, Kind};

/// What a new file is about, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// The book.
    pub book: &'a Book,
    /// The flag of an experiment or a rollout.
    pub flag: Option<&'a Flag>,
    /// Who answers for it.
    pub owner: Option<&'a str>,
    /// The surface that the folder is named after.
    pub surface: Option<&'a str>,
}

/// Returns the text of a new file of a kind; `None` for the book's own file.
pub fn text(kind: Kind, key: &str, about: &About<'_>) -> Option<String> {
    let text = match kind {
        Kind::Book => return None,
        Kind::Flag => flag(about),
        Kind::Experiment => experiment(key, about),
        Kind::Rollout => rollout(about),
        Kind::Holdout => holdout(about),
        Kind::Layer => {
            format!("{}{}{}", blank("description", "what it is for"), about.owner(), about.entity())
        }
        Kind::Segment => format!(
            "{}{}{}",
            blank("description", "who these people are"),
            about.owner(),
            blank("audience", "who is in it, such as {country: SE}")
        ),
        Kind::Metric => metric(about),
        Kind::Source => source(about),
    };
    format(kind, &SourceFile::new("", text)).ok()
}

/// Returns a file for a new round of what another file declares: without what belongs to the old round (its decision, salt and slots),
/// with its dates blank; an experiment names what it repeats. `None` where the old file cannot be read.
pub fn again(kind: Kind, old_key: &str, old: &str) -> Option<String> {
    let tidy = format(kind, &SourceFile::new("", old)).ok()?;
    let file = SourceFile::new("", tidy);
    let root = yaml::parse(&file).root?;
    let schedule = format!(
        "schedule:\n  {}  {}",
        blank("start", "the first day"),
        blank("end", "the first day after it")
    );
    let steps = blank("steps", "when how many, such as [{at: 2027-01-11, share: 5%}]");
    let replaced = |key: &str| match (kind, key) {
        (Kind::Experiment | Kind::Holdout, "schedule") => Some(schedule.as_str()),
        (Kind::Rollout, "steps") => Some(steps.as_str()),
        (Kind::Experiment, "decision" | "previous" | "salt") => Some(""),
        (Kind::Rollout | Kind::Holdout | Kind::Layer, "salt") | (Kind::Layer, "slots") => Some(""),
        (Kind::Flag, "archived" | "enabled" | "expires") => Some(""),
        _ => None,
    };
    let mut replacements = Vec::new();
    for entry in root.entries() {
        let Some(new) = replaced(&entry.key) else { continue };
        let start = file.line_span(file.position(entry.key_span.start).line).start;
        let end = entry.value.span.end.max(entry.key_span.end);
        let last = file.text().get(..end)?.trim_end().len();
        let line = file.line_span(file.position(last).line).end;
        replacements.push(Replacement::new(Span::new(start, (line + 1).min(file.text().len())), new));
    }
    let mut text = patch(file.text(), replacements)?;
    if kind == Kind::Experiment {
        let _ = writeln!(text, "previous: {old_key}");
    }
    format(kind, &SourceFile::new("", text)).ok()
}

fn blank(key: &str, what: &str) -> String {
    format!("{key}: {BLANK}{what}\n")
}

impl About<'_> {
    fn owner(&self) -> String {
        let owner = self.flag.map(|flag| flag.owner.as_str()).or(self.owner);
        owner.map_or_else(
            || blank("owner", "who answers for it"),
            |owner| format!("owner: {}\n", written(owner)),
        )
    }

    /// The unit, where there is only one.
    fn entity(&self) -> String {
        let names: Vec<_> = self.book.entities.keys().map(|name| name.to_string()).collect();
        match names.as_slice() {
            [only] => format!("entity: {only}\n"),
            _ => blank("entity", &one_of(&names)),
        }
    }

    fn surfaces(&self) -> String {
        let of_flag = self.flag.map(|flag| flag.surfaces.iter().map(ToString::to_string).collect::<Vec<_>>());
        let surfaces =
            of_flag.unwrap_or_else(|| self.surface.iter().map(|&surface| surface.to_owned()).collect());
        if surfaces.is_empty() { String::new() } else { format!("surfaces: [{}]\n", surfaces.join(", ")) }
    }

    fn flag(&self) -> String {
        self.flag.map_or_else(|| blank("flag", "the flag's key"), |flag| format!("flag: {}\n", flag.key))
    }
}

/// Returns a text as it stands after its key.
fn written(text: &str) -> String {
    scalar(text, Place::Block)
}

/// Returns a few names to choose from.
fn one_of(names: &[String]) -> String {
    const SHOWN: usize = 6;
    let shown: Vec<_> = names.iter().take(SHOWN).map(String::as_str).collect();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    if shown.is_empty() {
        "none is declared yet".to_owned()
    } else {
        format!("one of {}{more}", shown.join(", "))
    }
}

fn flag(about: &About<'_>) -> String {
    format!(
        "{}{}{}{}type: boolean\nvariants:\n  control: false\n  treatment: true\ndefault: control\n",
        blank("description", "what it decides"),
        about.owner(),
        about.surfaces(),
        about.entity(),
    )
}

fn experiment(key: &str, about: &About<'_>) -> String {
    let entity = about.flag.map(|flag| &flag.entity);
    let metrics: Vec<_> = about
        .book
        .metrics
        .values()
        .filter(|metric| entity.is_none_or(|entity| metric.entity == *entity))
        .map(|metric| metric.key.to_string())
        .collect();
    let control = about.flag.map_or_else(
        || blank("control", "the variant that the others are compared with"),
        |flag| format!("control: {}\n", written(flag.default.as_str())),
    );
    format!(
        "title: {}\n{}{}{}{}{}{control}variants: equal\nschedule:\n  {}  {}metrics:\n  success:\n    - {}      {}",
        written(&title(key)),
        blank("hypothesis", "what you expect, and why"),
        about.owner(),
        about.surfaces(),
        about.flag(),
        blank("allocation", "the share of the audience that is enrolled, such as 20%"),
        blank("start", "the first day"),
        blank("end", "the first day after it"),
        blank("metric", &one_of(&metrics)),
        blank("mde", "the smallest effect worth finding, such as 2%"),
    )
}

/// Returns a key as a title: `bold-button` is "Bold button".
fn title(key: &str) -> String {
    let words = key.replace('-', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn rollout(about: &About<'_>) -> String {
    let others: Vec<_> = about
        .flag
        .iter()
        .flat_map(|flag| flag.variants.keys().filter(|variant| **variant != flag.default))
        .map(ToString::to_string)
        .collect();
    let serve = match others.as_slice() {
        [] => blank("serve", "the variant that is released"),
        [only] => format!("serve: {}\n", written(only)),
        _ => blank("serve", &format!("the variant that is released, {}", one_of(&others))),
    };
    format!(
        "{}{}{}{serve}{}",
        blank("description", "what it releases, and why"),
        about.owner(),
        about.flag(),
        blank("steps", "when how many, such as [{at: 2027-01-11, share: 5%}]"),
    )
}

fn holdout(about: &About<'_>) -> String {
    let surfaces: Vec<_> = about.book.surfaces.keys().map(ToString::to_string).collect();
    let surfaces = match about.surfaces() {
        none if none.is_empty() => blank("surfaces", &format!("a list, {}", one_of(&surfaces))),
        given => given,
    };
    format!(
        "{}{}{}{}{surfaces}schedule:\n  {}  {}",
        blank("description", "what it is to show"),
        about.owner(),
        about.entity(),
        blank("share", "the share of units that is held out, such as 2%"),
        blank("start", "the first day"),
        blank("end", "the first day after it"),
    )
}

fn metric(about: &About<'_>) -> String {
    let facts: Vec<_> = about.book.sources.keys().map(ToString::to_string).collect();
    format!(
        "{}{}{}type: mean\n{}measure: {{count: rows}}\nwindow: 7d\n{}",
        blank("description", "what it means, for product managers"),
        about.owner(),
        about.entity(),
        blank("source", &one_of(&facts)),
        blank("increase_is", "good or bad"),
    )
}

fn source(about: &About<'_>) -> String {
    let columns: Vec<_> = about
        .book
        .entities
        .iter()
        .map(|(name, entity)| format!("  {name}: {}\n", written(entity.column.as_str())))
        .collect();
    format!(
        "{}{}{}{}entities:\n{}",
        blank("description", "what its rows are"),
        about.owner(),
        blank("table", "the table's name; or write `file:` or `sql:` in its place"),
        blank("timestamp", "the column with the time"),
        columns.concat(),
    )
}
