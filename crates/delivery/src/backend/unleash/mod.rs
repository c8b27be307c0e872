//! An Unleash server, one environment of one project.
//!
//! The server has no conditional write, and takes several flags in one step by its import: each request is a transaction, so
//! that no client sees half a flag. A write checks the version, then imports a few flags at a time; what was cut off in between is
//! finished by another apply, which finds the flags that are as they were and those that are as they were meant to be. That
//! nobody else of this program writes meanwhile is the journal's doing, which is in a store with conditional writes.

mod client;
mod constraint;
mod draw;
mod form;
#[cfg(test)]
mod hand;
mod limits;
mod strategy;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use self::client::{Client, Request};
use self::form::Form;
use self::limits::Limits;
use super::flagd::store::{self, StoreJournal};
use super::{Attached, Backend, BackendError, Writes};
use crate::journal::{Journal, Record};
use crate::plan::{Changes, FlagState, Live, LiveVersion};
use trialbook_model::{Connection, Digest, FlagKey, TargetType};

/// An environment of an Unleash server, as one book uses it.
#[derive(Debug)]
pub struct Unleash {
    book: String,
    identity: String,
    client: Client,
    project: String,
    environment: String,
    journal: StoreJournal,
    /// As the server last reported them.
    limits: Mutex<Limits>,
}

/// Everything of a project that matters in one environment, but for the order of strategies.
struct Export(Value);

impl Unleash {
    /// Names an environment; nothing is asked yet. A relative path of a journal at `file://` begins at `root`.
    ///
    /// # Errors
    ///
    /// Where the connection is to something else, the token's variable is not set, or the journal's place is none.
    pub fn open(book: &str, connection: &Connection, root: &Path) -> Result<Self, BackendError> {
        let Connection::Unleash { url, project, environment, token_env, journal, .. } = connection else {
            return Err(BackendError::Store { store: book.to_owned() });
        };
        let kept = store::open(journal, root)?.journal();
        let kept = kept.ok_or_else(|| BackendError::Store { store: journal.clone() })?;
        Ok(Self {
            book: book.to_owned(),
            identity: format!("{}/projects/{project}/environments/{environment}", url.trim_end_matches('/')),
            client: Client::new(url, token_env)?,
            project: project.clone(),
            environment: environment.clone(),
            journal: kept,
            limits: Mutex::default(),
        })
    }

    /// Returns the name of the flag that holds what applies of this book write down; it is switched off for everybody.
    fn bookkeeping(&self) -> String {
        format!("trialbook.{}", self.book)
    }

    fn limits(&self) -> Limits {
        // One assignment cannot be half done.
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn export(&self) -> Result<Export, BackendError> {
        let wanted = json!({"project": self.project, "environment": self.environment, "downloadFile": false});
        let answer = self.client.send(Request::ask("/api/admin/features-batch/export", &wanted))?;
        answer.map(Export).ok_or_else(|| self.malformed("it exports nothing"))
    }

    fn malformed(&self, problem: &str) -> BackendError {
        BackendError::Malformed { place: self.identity.clone(), problem: problem.to_owned() }
    }

    fn form(&self, key: &FlagKey, state: &FlagState) -> Result<Form, BackendError> {
        let inexpressible = |problem| BackendError::Inexpressible { flag: key.clone(), problem };
        strategy::named(key.as_str()).map_err(inexpressible)?;
        Form::encode(state, self.limits()).map_err(inexpressible)
    }

    /// Returns flags with their strategies in order, by key; those that are not there are left out.
    fn in_order(&self, keys: &[&str], export: &Export) -> Result<BTreeMap<String, Form>, BackendError> {
        let requests = keys.iter().map(|key| Request::get(format!("{}/{key}", self.features())));
        let answers = self.client.all(requests.collect())?;
        let mut forms = BTreeMap::new();
        for (key, answer) in keys.iter().zip(answers) {
            let Some(answer) = answer else { continue };
            let environments = answer.get("environments").and_then(Value::as_array).into_iter().flatten();
            let here = |one: &&Value| one.get("name").and_then(Value::as_str) == Some(&self.environment);
            let Some(here) = environments.into_iter().find(here) else { continue };
            let mut strategies =
                here.get("strategies").and_then(Value::as_array).cloned().unwrap_or_default();
            strategies.sort_by_key(|one| one.get("sortOrder").and_then(Value::as_i64));
            let enabled = here.get("enabled").and_then(Value::as_bool).unwrap_or_default();
            let form = Form::of(enabled, &strategies, export.dependencies(key));
            forms.insert((*key).to_owned(), form);
        }
        Ok(forms)
    }

    fn features(&self) -> String {
        format!("/api/admin/projects/{}/features", self.project)
    }
}

impl Export {
    fn list(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.list("features").filter_map(|feature| feature.get("name")?.as_str())
    }

    fn of<'a>(&'a self, list: &str, member: &str, key: &str) -> impl Iterator<Item = &'a Value> {
        let (member, key) = (member.to_owned(), key.to_owned());
        self.list(list).filter(move |one| one.get(&member).and_then(Value::as_str) == Some(&key))
    }

    fn dependencies(&self, key: &str) -> Vec<Value> {
        let listed = self.of("dependencies", "feature", key);
        listed.filter_map(|one| one.get("dependencies")?.as_array()).flatten().cloned().collect()
    }

    /// Returns the flag, its strategies in no order that means anything.
    fn form(&self, key: &str) -> Form {
        let enabled = self.of("featureEnvironments", "featureName", key);
        let enabled = enabled.filter_map(|one| one.get("enabled")?.as_bool()).any(|enabled| enabled);
        let strategies: Vec<Value> = self.of("featureStrategies", "featureName", key).cloned().collect();
        Form::of(enabled, &strategies, self.dependencies(key))
    }

    /// Returns what of the project is there in the environment. A flag without a strategy that is switched off and that this
    /// book has served before is not.
    fn forms(&self, book: &str) -> BTreeMap<String, Form> {
        let tag = transfer::tag(book);
        let ours = |key: &str| {
            self.of("featureTags", "featureName", key)
                .any(|one| one.get("tagValue").and_then(Value::as_str) == Some(&tag))
        };
        let forms = self.names().map(|key| (key.to_owned(), self.form(key)));
        forms.filter(|(key, form)| !form.is_empty() || !ours(key)).collect()
    }

    /// Returns a version of it all: it changes when any flag does, but for the order of its strategies.
    fn version(&self, book: &str) -> LiveVersion {
        let mut forms = self.forms(book);
        for form in forms.values_mut() {
            form.strategies.sort_by_cached_key(Value::to_string);
        }
        if forms.is_empty() {
            return LiveVersion::Absent;
        }
        let values: BTreeMap<&str, Value> =
            forms.iter().map(|(key, form)| (key.as_str(), form.value())).collect();
        let text = serde_json::to_string(&values).unwrap_or_default();
        LiveVersion::Tag(
            Digest::of(&values).unwrap_or_else(|_| Digest::of_bytes(text.as_bytes())).to_string(),
        )
    }
}

impl Backend for Unleash {
    fn identity(&self) -> &str {
        &self.identity
    }

    fn kind(&self) -> TargetType {
        TargetType::Unleash
    }

    fn writes(&self) -> Writes {
        Writes::FlagByFlag
    }

    fn read(&self) -> Result<Live, BackendError> {
        let config = self.client.send(Request::get("/api/admin/ui-config"))?.unwrap_or_default();
        *self.limits.lock().unwrap_or_else(PoisonError::into_inner) = Limits::of(&config);
        let export = self.export()?;
        let mut forms = export.forms(&self.book);
        let ours: Vec<&str> = forms
            .iter()
            .filter(|(_, form)| form.book() == Some(&self.book))
            .map(|(key, _)| key.as_str())
            .collect();
        let in_order = self.in_order(&ours, &export)?;
        forms.extend(in_order);
        let kept = forms.remove(&self.bookkeeping());
        let flags = forms.iter().map(|(key, form)| (key.clone(), form.live(&self.book, self.limits())));
        Ok(Live {
            version: export.version(&self.book),
            flags: flags.collect(),
            applied: kept.and_then(|form| form.applied()),
        })
    }

    fn write(
        &self,
        changes: &Changes,
        expected: &LiveVersion,
        _: &Attached<'_>,
    ) -> Result<LiveVersion, BackendError> {
        let mut put = BTreeMap::new();
        for (key, state) in &changes.put {
            put.insert(key.to_string(), self.form(key, state)?);
        }
        let export = self.export()?;
        let found = export.version(&self.book);
        if found != *expected {
            return Err(BackendError::Conflict { expected: expected.clone(), found });
        }
        if changes.is_empty() {
            return Ok(found);
        }
        self.transfer(&export, put, changes)
    }

    fn journal(&self) -> Option<&dyn Journal> {
        Some(&self.journal)
    }

    fn records(&self) -> Result<Vec<Record>, BackendError> {
        self.journal.log.records()
    }

    fn render(&self, flag: &FlagKey, state: &FlagState) -> Result<String, BackendError> {
        Ok(self.form(flag, state)?.text())
    }
}
