//! Somebody else's hands on a server, in tests.

use std::path::Path;

use serde_json::{Value, json};

use super::Unleash;
use super::client::Request;
use super::form::Form;
use crate::backend::BackendError;
use trialbook_model::Connection;

impl Unleash {
    /// Opens the environment of the server that a test was given, with its journal in a folder.
    pub(in crate::backend) fn of_test(folder: &Path, environment: &str) -> Self {
        let url =
            std::env::var("TRIALBOOK_TEST_UNLEASH").expect("TRIALBOOK_TEST_UNLEASH holds a server's address");
        let connection = Connection::Unleash {
            url,
            project: "default".into(),
            environment: environment.into(),
            token_env: "UNLEASH_ADMIN_TOKEN".into(),
            journal: "file://unleash".into(),
            evaluators: Vec::new(),
        };
        Self::open("shop", &connection, folder).expect("a target")
    }

    /// Returns how many requests were sent.
    pub(in crate::backend) fn requests(&self) -> u64 {
        self.client.requests()
    }

    /// Deletes every flag of the project, archived ones included.
    pub(in crate::backend) fn clear(&self) -> Result<(), BackendError> {
        let search = "/api/admin/search/features?project=IS:default&limit=100";
        loop {
            let live = self.client.send(Request::get(search))?.unwrap_or_default();
            let names = names(&live);
            if names.is_empty() {
                break;
            }
            let body = json!({"features": names});
            self.client.send(Request::change("/api/admin/projects/default/archive", &body))?;
        }
        loop {
            let gone =
                self.client.send(Request::get(format!("{search}&archived=IS:true")))?.unwrap_or_default();
            let names = names(&gone);
            if names.is_empty() {
                return Ok(());
            }
            let body = json!({"features": names});
            self.client.send(Request::change("/api/admin/projects/default/delete", &body))?;
        }
    }

    /// Makes a flag that no book has.
    pub(in crate::backend) fn plant(&self, key: &str) {
        let made = json!({"name": key, "description": "somebody else's", "type": "kill-switch"});
        self.client.send(Request::change(self.features(), &made)).expect("a flag");
    }

    /// Archives a flag by hand.
    pub(in crate::backend) fn archive(&self, key: &str) {
        let body = json!({"features": [key]});
        self.client
            .send(Request::change("/api/admin/projects/default/archive", &body))
            .expect("an archived flag");
    }

    /// Serves everybody `bold` whom nothing else takes, as somebody would in the pages of the server.
    pub(in crate::backend) fn tamper(&self, key: &str) {
        let strategies = self.strategies(key);
        let bold = strategies
            .iter()
            .flat_map(variants)
            .find(|variant| variant["name"] == "bold")
            .expect("a variant");
        let last = strategies.iter().rev().find(|one| one["disabled"] == json!(false)).expect("a strategy");
        self.replace(key, last, &json!([bold]));
    }

    /// Moves a strategy to the end of its flag.
    pub(in crate::backend) fn reorder(&self, key: &str) {
        let strategies = self.strategies(key);
        let order: Vec<Value> = strategies
            .iter()
            .rev()
            .enumerate()
            .map(|(at, one)| json!({"id": one["id"], "sortOrder": at}))
            .collect();
        let path =
            format!("{}/{key}/environments/{}/strategies/set-sort-order", self.features(), self.environment);
        self.client.send(Request::change(path, &json!(order))).expect("an order");
    }

    fn strategies(&self, key: &str) -> Vec<Value> {
        let path = format!("{}/{key}/environments/{}/strategies", self.features(), self.environment);
        let answer = self.client.send(Request::get(path)).expect("an answer").expect("a flag");
        answer.as_array().cloned().expect("strategies")
    }

    fn replace(&self, key: &str, strategy: &Value, variants: &Value) {
        let id = strategy["id"].as_str().expect("an id");
        let path = format!("{}/{key}/environments/{}/strategies/{id}", self.features(), self.environment);
        let mut changed = Form::of(true, std::slice::from_ref(strategy), Vec::new()).strategies.remove(0);
        changed["variants"] = variants.clone();
        self.client.send(Request::put(path, &changed)).expect("a strategy");
    }
}

fn names(found: &Value) -> Vec<Value> {
    let features = found["features"].as_array().into_iter().flatten();
    features.map(|feature| feature["name"].clone()).collect()
}

fn variants(strategy: &Value) -> Vec<Value> {
    strategy["variants"].as_array().cloned().unwrap_or_default()
}
