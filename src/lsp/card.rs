//! What people want to know of something that has a name: its description, its owner, what it is doing now.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::books::Shelved;
use super::names;
use super::syntax::uses::Symbol;
use super::syntax::values::{source_at, text_at};
use trialbook_language::load::Document;
use trialbook_language::load::language::Name;
use trialbook_model::{Book, ExperimentKey, Kind, RolloutKey};

/// What is known of something, as plain text.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// What it is and its name.
    pub what: String,
    /// The name that people use, where it has one besides its key.
    pub title: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Facts: what, and how.
    pub facts: Vec<(&'static str, String)>,
    /// Whether it is a flag that is not served any more.
    pub archived: bool,
}

impl Card {
    /// Returns a line about it, for lists.
    pub fn line(&self) -> String {
        self.title.as_ref().or(self.description.as_ref()).cloned().unwrap_or_default()
    }

    fn fact(&mut self, what: &'static str, text: Option<impl Into<String>>) {
        self.facts.extend(text.map(|text| (what, text.into())));
    }
}

/// Returns what is known of something; `None` where it is not declared.
///
/// A file's content counts as it stands in the editor. What it is doing now is as in the last book without errors.
pub fn card(book: &Shelved, symbol: &Symbol, now: Timestamp) -> Option<Card> {
    let (document, _) = names::declaration(book, symbol)?;
    let name = &symbol.text;
    let mut card = Card { what: format!("{} {name}", symbol.name.as_str()), ..Card::default() };
    match symbol.name {
        Name::File(kind) => of_file(&mut card, kind, document, book.workspace.book(), now),
        Name::Variant => {
            card.what.push_str(&format!(" of flag {}", symbol.owner));
            card.fact("value", source_at(document, &format!("/variants/{name}")));
        }
        Name::Attribute => {
            for (what, key) in [("type", "type"), ("values", "values"), ("from", "min"), ("to", "max")] {
                card.fact(what, source_at(document, &format!("/attributes/{name}/{key}")));
            }
            let stable = text_at(document, &format!("/attributes/{name}/stable")) == Some("true");
            card.fact("stable", stable.then_some("a unit keeps its value while a test runs"));
        }
        Name::Entity => {
            card.fact("column", source_at(document, &format!("/entities/{name}/column")));
            let context = source_at(document, &format!("/entities/{name}/context"));
            card.fact("context", Some(context.unwrap_or("the targeting key")));
        }
        Name::Surface => card.fact("owner", source_at(document, &format!("/surfaces/{name}/owner"))),
        Name::Target => {
            for (what, key) in [("type", "type"), ("store", "store"), ("url", "url"), ("primary", "primary")]
            {
                card.fact(what, source_at(document, &format!("/targets/{name}/{key}")));
            }
        }
        Name::Measure => {
            card.what.push_str(&format!(" of source {}", symbol.owner));
            card.fact("column", source_at(document, &format!("/measures/{name}")));
        }
        Name::Dimension => {
            card.what.push_str(&format!(" of source {}", symbol.owner));
            card.fact("column", source_at(document, &format!("/dimensions/{name}")));
        }
        Name::Column | Name::Salt => return None,
    }
    Some(card)
}

fn of_file(card: &mut Card, kind: Kind, document: &Document, book: Option<&Book>, now: Timestamp) {
    let declared =
        |pointer: &str| text_at(document, pointer).filter(|text| !text.is_empty()).map(str::to_owned);
    card.title = declared("/title");
    card.description = declared("/description").or_else(|| declared("/hypothesis"));
    card.fact("owner", declared("/owner"));
    match kind {
        Kind::Experiment => {
            card.fact("state", state(document, book, now));
            card.fact("flag", declared("/flag"));
        }
        Kind::Rollout => {
            card.fact("state", share(document, book, now));
            card.fact("flag", declared("/flag"));
        }
        Kind::Flag => {
            let off = declared("/enabled").is_some_and(|text| text == "false");
            card.archived = declared("/archived").is_some_and(|text| text == "true");
            let state = if card.archived {
                "archived: not served"
            } else if off {
                "switched off: everybody gets the default"
            } else {
                "enabled"
            };
            card.fact("state", Some(state));
            card.fact("type", declared("/type"));
            card.fact("default", declared("/default"));
            card.fact("expires", declared("/expires"));
        }
        Kind::Metric => {
            card.fact("type", declared("/type"));
            card.fact("window", declared("/window"));
            let good = declared("/increase_is").map(|word| format!("an increase is {word}"));
            card.fact("direction", good);
            card.fact("source", declared("/source"));
        }
        Kind::Layer => {
            card.fact("entity", declared("/entity"));
            card.fact("held", held(document, book));
        }
        Kind::Source => {
            card.fact("table", declared("/table"));
            card.fact("file", declared("/file"));
        }
        Kind::Holdout => {
            card.fact("share", declared("/share"));
            let (start, end) = (declared("/schedule/start"), declared("/schedule/end"));
            card.fact("schedule", start.zip(end).map(|(start, end)| format!("{start} to {end}")));
        }
        Kind::Segment | Kind::Book => {}
    }
}

/// Describes what an experiment is doing, and until when.
fn state(document: &Document, book: Option<&Book>, now: Timestamp) -> Option<String> {
    let book = book?;
    let experiment = book.experiments.get(&ExperimentKey::new(document.key()).ok()?)?;
    let state = book.state_at(experiment, now).as_str();
    let day = |instant: Timestamp| {
        let timezone = trialbook_model::timezone(&book.timezone).unwrap_or(TimeZone::UTC);
        instant.to_zoned(timezone).date()
    };
    let (start, end) = (day(experiment.schedule.start()), day(experiment.schedule.end()));
    Some(format!("{state} (enrols from {start} to {end})"))
}

/// Describes how far a rollout has gone.
fn share(document: &Document, book: Option<&Book>, now: Timestamp) -> Option<String> {
    let rollout = book?.rollouts.get(&RolloutKey::new(document.key()).ok()?)?;
    let share = rollout.steps.share_at(now);
    Some(if rollout.is_guarded() {
        format!("planned share {share}, once approved")
    } else {
        format!("share {share}")
    })
}

/// Describes how much of a layer is held.
fn held(document: &Document, book: Option<&Book>) -> Option<String> {
    let layer = book?.layers.get(document.key())?;
    Some(match layer.slots.len() {
        0 => "no slots yet".to_owned(),
        1 => "1 slot".to_owned(),
        n => format!("{n} slots"),
    })
}
