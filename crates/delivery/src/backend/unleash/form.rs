//! A flag as the server has it in one environment, and what applies write down about it.
//!
//! The state that was applied stands beside what serves it, in a strategy that is switched off: clients never see that one.
//! A flag is read by encoding that state again. Only where this gives the very strategies that are there is it as an apply
//! left it.

use serde_json::{Map, Value, json};

use super::limits::Limits;
use super::strategy::strategies;
use crate::plan::{Applied, DriftReason, FlagState, LiveContent, LiveFlag, Records, Serving};
use trialbook_model::{Digest, ServedName};

/// The title of the strategy that holds what applies write down.
const RECORDS: &str = "trialbook: do not edit";
/// Its parameters.
const BOOK: &str = "trialbook.book";
const STATE: &str = "trialbook.state";
const APPLIED: &str = "trialbook.applied";

/// The members of a strategy that decide what is served; the server adds others.
const MEMBERS: [&str; 7] = ["name", "title", "disabled", "parameters", "constraints", "variants", "segments"];

/// A flag in one environment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Form {
    /// Whether the environment has it switched on.
    pub(super) enabled: bool,
    /// In the order in which clients try them.
    pub(super) strategies: Vec<Value>,
    /// Other flags that it depends on, as the server gives them.
    pub(super) dependencies: Vec<Value>,
}

impl Form {
    /// Returns the form of a flag that serves a state.
    ///
    /// # Errors
    ///
    /// Where Unleash cannot serve it, as a fragment.
    pub(super) fn encode(state: &FlagState, limits: Limits) -> Result<Self, String> {
        let mut strategies = strategies(state, limits)?;
        let text = serde_json::to_string(state).map_err(|error| error.to_string())?;
        strategies.push(json!({
            "name": "default", "title": RECORDS, "disabled": true, "parameters": {BOOK: state.book, STATE: text},
            "constraints": [], "variants": [], "segments": [],
        }));
        Ok(Self { enabled: true, strategies, dependencies: Vec::new() })
    }

    /// Returns the form of the flag that holds what a book's last apply wrote down: it serves nobody.
    pub(super) fn of_applied(book: &str, applied: &Applied) -> Self {
        let text = serde_json::to_string(applied).unwrap_or_default();
        let strategies = vec![json!({
            "name": "default", "title": RECORDS, "disabled": true, "parameters": {BOOK: book, APPLIED: text},
            "constraints": [], "variants": [], "segments": [],
        })];
        Self { enabled: false, strategies, dependencies: Vec::new() }
    }

    /// Reads what [`Form::of_applied`] wrote.
    pub(super) fn applied(&self) -> Option<Applied> {
        serde_json::from_str(self.parameter(APPLIED)?).ok()
    }

    /// Returns who answers for the flag, for people who find it in the server.
    pub(super) fn owner(&self) -> String {
        let state = self.parameter(STATE).and_then(|text| serde_json::from_str::<FlagState>(text).ok());
        state.map(|state| state.owner).unwrap_or_default()
    }

    /// Takes what the server gives, strategies in their order.
    pub(super) fn of(enabled: bool, strategies: &[Value], dependencies: Vec<Value>) -> Self {
        let bare = |strategy: &Value| {
            let member = |name: &str| {
                let value = strategy.get(name).cloned().unwrap_or_default();
                let value = if name == "title" && value.is_null() { json!("") } else { value };
                (name.to_owned(), value)
            };
            Value::Object(MEMBERS.map(member).into_iter().collect())
        };
        Self { enabled, strategies: strategies.iter().map(bare).collect(), dependencies }
    }

    /// Tells whether nothing is there: no strategy, and switched off.
    pub(super) fn is_empty(&self) -> bool {
        !self.enabled && self.strategies.is_empty()
    }

    /// Returns the book whose apply wrote it.
    pub(super) fn book(&self) -> Option<&str> {
        self.parameter(BOOK)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let records =
            |strategy: &&Value| strategy.get("parameters").is_some_and(|all| all.get(BOOK).is_some());
        self.strategies.iter().find(records)?.get("parameters")?.get(name)?.as_str()
    }

    /// Returns it as one value, in the form that people see.
    pub(super) fn value(&self) -> Value {
        let mut value = Map::new();
        value.insert("enabled".into(), json!(self.enabled));
        value.insert("strategies".into(), json!(self.strategies));
        if !self.dependencies.is_empty() {
            value.insert("dependencies".into(), json!(self.dependencies));
        }
        Value::Object(value)
    }

    /// Returns it for people and for plans: without what applies write down.
    pub(super) fn text(&self) -> String {
        let mut shown = self.clone();
        shown.strategies.retain(|strategy| {
            strategy.get("parameters").is_none_or(|parameters| parameters.get(BOOK).is_none())
        });
        crate::backend::flagd::pretty(&shown.value())
    }

    /// Returns the flag as one book sees it.
    pub(super) fn live(&self, book: &str, limits: Limits) -> LiveFlag {
        let value = self.value();
        let digest = Digest::of(&value).unwrap_or_else(|_| Digest::of_bytes(value.to_string().as_bytes()));
        let content = match self.book() {
            Some(named) if named == book => self.content(limits),
            other => LiveContent::Foreign { book: other.map(str::to_owned), raw: self.text() },
        };
        LiveFlag { digest, content }
    }

    fn content(&self, limits: Limits) -> LiveContent {
        let drifted =
            |reason, state, records| LiveContent::Drifted { reason, state, records, raw: self.text() };
        let Some(state) = self.parameter(STATE).and_then(|text| serde_json::from_str::<FlagState>(text).ok())
        else {
            return drifted(DriftReason::OtherVersion, None, Records::default());
        };
        if self.serves(&state, limits) {
            return LiveContent::Ours(state);
        }
        let records = Records { launches: state.launches.clone(), approvals: state.approvals.clone() };
        drifted(DriftReason::ChangedByHand, self.guess(&state, limits), records)
    }

    /// Tells whether this is what an apply of the state writes. The order of members means nothing.
    fn serves(&self, state: &FlagState, limits: Limits) -> bool {
        let same = |form: Form| Digest::of(&form.value()).ok() == Digest::of(&self.value()).ok();
        Self::encode(state, limits).is_ok_and(same)
    }

    /// Guesses what was changed by hand, where that is what everybody is served in the end: another default, or nothing else.
    fn guess(&self, applied: &FlagState, limits: Limits) -> Option<FlagState> {
        let plain = applied.entries.keys().filter_map(|name| match name {
            ServedName::Plain(variant) => Some(variant.clone()),
            ServedName::Arm(..) => None,
        });
        let others = plain.map(|default| FlagState { default, ..applied.clone() });
        let off = std::iter::once(FlagState { serving: Serving::Disabled, ..applied.clone() });
        let strategies = |form: &Form| -> Vec<Value> {
            let served = |strategy: &&Value| strategy.get("disabled") == Some(&json!(false));
            form.strategies.iter().filter(served).cloned().collect()
        };
        if !self.enabled || !self.dependencies.is_empty() {
            return None;
        }
        others
            .chain(off)
            .find(|guess| Self::encode(guess, limits).is_ok_and(|form| strategies(&form) == strategies(self)))
    }
}
