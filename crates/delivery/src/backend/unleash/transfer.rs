//! Writing: imports of a few flags at a time, then the archive.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::client::Request;
use super::form::Form;
use super::{Export, Unleash};
use crate::backend::BackendError;
use crate::plan::{Changes, LiveVersion};
use trialbook_model::FlagKey;

/// How many flags, and how many bytes of them, go into one request: the server takes 500 kB.
const FLAGS: usize = 25;
const BYTES: usize = 300_000;

/// The type of the tag that says which book a flag belongs to.
const TAG: &str = "trialbook";

/// Returns the tag of a book's flags. The server takes 50 characters.
pub(super) fn tag(book: &str) -> String {
    format!("book:{book}").chars().take(50).collect()
}

impl Unleash {
    /// Writes flags and archives others, and returns the version afterwards.
    ///
    /// # Errors
    ///
    /// [`BackendError::Partial`] where something was written before it failed.
    pub(super) fn transfer(
        &self,
        export: &Export,
        mut put: BTreeMap<String, Form>,
        changes: &Changes,
    ) -> Result<LiveVersion, BackendError> {
        let known: BTreeSet<&str> = export.names().collect();
        let new: Vec<&str> = put.keys().map(String::as_str).filter(|key| !known.contains(key)).collect();
        let archived = self.archived(&new)?;
        let there = known.len() + new.len();
        if let Some(flag) = new.first().and_then(|key| FlagKey::new(key).ok())
            && there > self.limits().flags
        {
            let problem =
                format!("there would be {there} flags, and this server takes {}", self.limits().flags);
            return Err(BackendError::Inexpressible { flag, problem });
        }
        let kept = self.bookkeeping();
        let revived_kept = if known.contains(kept.as_str()) { Vec::new() } else { self.archived(&[&kept])? };
        let (gone, emptied) = self.removed(export, changes)?;
        // Nothing is written before here.
        let mut written = false;
        let revive: Vec<&str> = archived.iter().chain(&revived_kept).map(String::as_str).collect();
        if !revive.is_empty() {
            self.change("revive", &revive, &mut written)?;
        }
        if let Some(applied) = &changes.applied {
            put.insert(kept, Form::of_applied(&self.book, applied));
        }
        let put: Vec<(&String, &Form)> = put.iter().collect();
        for part in parts(&put) {
            let request = self.import(export, part);
            self.sent(request, &mut written)?;
        }
        if !emptied.is_empty() {
            let empty = Form::of(false, &[], Vec::new());
            let emptied: Vec<(&String, &Form)> = emptied.iter().map(|key| (key, &empty)).collect();
            for part in parts(&emptied) {
                self.sent(self.import(export, part), &mut written)?;
            }
        }
        if !gone.is_empty() {
            let gone: Vec<&str> = gone.iter().map(String::as_str).collect();
            self.change("archive", &gone, &mut written)?;
        }
        let after = self.export().map_err(|error| partly(error, written))?;
        let as_meant = |(key, form): &(&String, &Form)| same(&after.form(key), form);
        if let Some((key, _)) = put.iter().find(|one| !as_meant(one)) {
            let problem = format!("it does not hold `{key}` as it was written");
            return Err(partly(self.malformed(&problem), true));
        }
        Ok(after.version(&self.book))
    }

    /// Of flags that the project does not have, returns those that this book has archived.
    fn archived(&self, keys: &[&str]) -> Result<Vec<String>, BackendError> {
        let requests = keys.iter().map(|key| Request::get(format!("/api/admin/features/{key}/tags")));
        let answers = self.client.all(requests.collect())?;
        let tag = tag(&self.book);
        let mut archived = Vec::new();
        for (key, answer) in keys.iter().zip(answers) {
            let Some(answer) = answer else { continue };
            let tags = answer.get("tags").and_then(Value::as_array).into_iter().flatten();
            if !tags.into_iter().any(|one| one.get("value").and_then(Value::as_str) == Some(&tag)) {
                return Err(BackendError::Taken { place: self.identity.clone(), name: (*key).to_owned() });
            }
            archived.push((*key).to_owned());
        }
        Ok(archived)
    }

    /// Divides what is removed: what no other environment serves is archived, the rest is emptied in this environment.
    fn removed(
        &self,
        export: &Export,
        changes: &Changes,
    ) -> Result<(Vec<String>, Vec<String>), BackendError> {
        let there = |key: &&str| export.names().any(|name| name == *key);
        let keys: Vec<&str> = changes.remove.iter().map(|key| key.as_str()).filter(there).collect();
        let requests = keys.iter().map(|key| Request::get(format!("{}/{key}", self.features())));
        let answers = self.client.all(requests.collect())?;
        let (mut gone, mut emptied) = (Vec::new(), Vec::new());
        for (key, answer) in keys.iter().zip(answers) {
            let Some(answer) = answer else { continue };
            let environments = answer.get("environments").and_then(Value::as_array).into_iter().flatten();
            let elsewhere = environments.into_iter().any(|one| {
                let here = one.get("name").and_then(Value::as_str) == Some(&self.environment);
                let strategies =
                    one.get("strategies").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
                !here && (strategies || one.get("enabled") == Some(&json!(true)))
            });
            if elsewhere { emptied.push((*key).to_owned()) } else { gone.push((*key).to_owned()) }
        }
        Ok((gone, emptied))
    }

    fn change(&self, what: &str, keys: &[&str], written: &mut bool) -> Result<(), BackendError> {
        let path = format!("/api/admin/projects/{}/{what}", self.project);
        self.sent(Request::change(path, &json!({"features": keys})), written)
    }

    fn sent(&self, request: Request, written: &mut bool) -> Result<(), BackendError> {
        self.client.send(request).map_err(|error| partly(error, *written))?;
        *written = true;
        Ok(())
    }

    /// Returns the import of some flags. What of them is not this program's stays: descriptions, types and tags.
    fn import(&self, export: &Export, flags: &[(&String, &Form)]) -> Request {
        let (mut features, mut strategies, mut environments) = (Vec::new(), Vec::new(), Vec::new());
        let mut tags = Vec::new();
        let mut fields = BTreeMap::new();
        let tag = tag(&self.book);
        for (key, form) in flags {
            let known = export.of("features", "name", key).next().cloned();
            features.push(
                known.unwrap_or_else(|| json!({"name": key, "description": form.owner(), "type": "release"})),
            );
            environments.push(json!({
                "name": key, "featureName": key, "environment": self.environment, "enabled": form.enabled,
            }));
            tags.push(json!({"featureName": key, "tagType": TAG, "tagValue": tag}));
            let others = export.of("featureTags", "featureName", key);
            tags.extend(
                others.filter(|one| one.get("tagValue").and_then(Value::as_str) != Some(&tag)).cloned(),
            );
            for (at, strategy) in form.strategies.iter().enumerate() {
                let mut strategy = strategy.clone();
                for (field, sticky) in form_fields(&strategy) {
                    *fields.entry(field).or_insert(false) |= sticky;
                }
                if let Value::Object(members) = &mut strategy {
                    members.insert("featureName".into(), json!(key));
                    members.insert("sortOrder".into(), json!(at));
                }
                strategies.push(strategy);
            }
        }
        let types: Vec<Value> = export.list("tagTypes").cloned().collect();
        let ours = json!({"name": TAG, "description": "The book that a flag belongs to", "icon": ""});
        let mut tag_types = vec![ours];
        tag_types.extend(types.into_iter().filter(|one| one.get("name") != Some(&json!(TAG))));
        let fields: Vec<Value> =
            fields.iter().map(|(name, sticky)| json!({"name": name, "stickiness": sticky})).collect();
        Request::change(
            "/api/admin/features-batch/import",
            &json!({
                "project": self.project, "environment": self.environment,
                "data": {
                    "features": features, "featureStrategies": strategies, "featureEnvironments": environments,
                    "contextFields": fields, "featureTags": tags, "segments": [], "tagTypes": tag_types,
                    "dependencies": [], "links": [],
                },
            }),
        )
    }
}

/// Returns the context fields of a strategy that are not the server's own, and whether units are drawn by them.
fn form_fields(strategy: &Value) -> Vec<(String, bool)> {
    let own = |name: &&str| !matches!(*name, "userId" | "currentTime" | "random");
    let constraints = strategy.get("constraints").and_then(Value::as_array).into_iter().flatten();
    let asked = constraints.filter_map(|one| one.get("contextName")?.as_str());
    let drawn = strategy.get("parameters").and_then(|all| all.get("stickiness")?.as_str());
    let asked = asked.filter(own).map(|name| (name.to_owned(), false));
    asked.chain(drawn.filter(own).map(|name| (name.to_owned(), true))).collect()
}

/// Divides flags into parts of a few, and of not too many bytes.
fn parts<'a, 'b>(flags: &'a [(&'b String, &'b Form)]) -> Vec<&'a [(&'b String, &'b Form)]> {
    let mut parts = Vec::new();
    let (mut begin, mut bytes) = (0, 0);
    for (at, (_, form)) in flags.iter().enumerate() {
        let size = form.value().to_string().len();
        if at > begin && (at - begin == FLAGS || bytes + size > BYTES) {
            parts.extend(flags.get(begin..at));
            (begin, bytes) = (at, 0);
        }
        bytes += size;
    }
    parts.extend(flags.get(begin..).filter(|last| !last.is_empty()));
    parts
}

/// Tells whether two forms hold the same strategies, in whatever order, and depend on the same flags.
fn same(one: &Form, other: &Form) -> bool {
    let sorted = |form: &Form| {
        let mut texts: Vec<String> = form
            .strategies
            .iter()
            .map(|one| trialbook_model::canonical_json(one).unwrap_or_default())
            .collect();
        texts.sort();
        texts
    };
    one.enabled == other.enabled && one.dependencies == other.dependencies && sorted(one) == sorted(other)
}

fn partly(error: BackendError, written: bool) -> BackendError {
    if written { BackendError::Partial { cause: Box::new(error) } } else { error }
}
