//! What can no longer be renamed: everything that a launched experiment depends on.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;

use super::books::Shelved;
use super::names;
use super::syntax::uses::Symbol;
use trialbook_history::Repository;
use trialbook_language::load::language::Name;
use trialbook_model::{Book, ExperimentKey, HoldoutKey, Kind, RolloutKey};

/// Returns why something must keep its name; `None` where nothing that was launched has to do with it.
///
/// What depends on a name is followed from file to file: a metric's experiments, a segment's segments and their flags.
/// Launched is what git has recorded as launched, and whatever has a start that has passed.
pub fn reason(book: &Shelved, symbol: &Symbol, now: Timestamp) -> Option<String> {
    let broken = book.workspace.documents().iter().find(|document| document.root().is_none());
    if let Some(document) = broken {
        return Some(format!(
            "`{}` cannot be read, so whether it uses {} is unknown: fix it first",
            document.file().path(),
            symbol.text
        ));
    }
    let Some(model) = book.workspace.book() else {
        return Some("the book has errors: fix them first, so that what is launched is known".to_owned());
    };
    let repository = match Repository::of_book(&book.root) {
        Ok(repository) => repository,
        Err(error) => return Some(format!("cannot read which experiments are launched: {error}")),
    };
    let launches = Launches { model, repository, now };
    let mut seen = BTreeSet::from([symbol.clone()]);
    let mut queue = VecDeque::from([symbol.clone()]);
    while let Some(symbol) = queue.pop_front() {
        if let Name::File(kind) = symbol.name
            && let Some(reason) = launches.reason(kind, &symbol.text)
        {
            return Some(reason);
        }
        let mut users: BTreeSet<Symbol> = names::uses_of(book, &symbol)
            .into_iter()
            .map(|(document, _)| (document.kind(), document.key()))
            .filter(|(kind, _)| *kind != Kind::Book)
            .map(|(kind, key)| Symbol::of_file(kind, key))
            .collect();
        // The book's defaults bring a metric into experiments that do not name it.
        if symbol.name == Name::File(Kind::Metric) {
            let with = model
                .experiments
                .values()
                .filter(|experiment| experiment.metrics.all().any(|metric| metric.as_str() == &*symbol.text));
            users.extend(with.map(|experiment| Symbol::of_file(Kind::Experiment, experiment.key.as_str())));
        }
        // A variant is a part of its flag, and a measure of its source, but what else they have does not matter to it.
        for user in users {
            let own = matches!(
                (&symbol.name, &user.name),
                (Name::Variant, Name::File(Kind::Flag))
                    | (Name::Measure | Name::Dimension, Name::File(Kind::Source))
            ) && *user.text == *symbol.owner;
            // What a repetition names is done.
            if !own && seen.insert(user.clone()) {
                queue.push_back(user);
            }
        }
    }
    None
}

struct Launches<'a> {
    model: &'a Book,
    repository: Option<Repository>,
    now: Timestamp,
}

impl Launches<'_> {
    /// Returns why a file of a kind counts as launched.
    fn reason(&self, kind: Kind, key: &str) -> Option<String> {
        let unknown = || Some(format!("{kind} `{key}` has errors, so whether it is launched is unknown"));
        let start = match kind {
            Kind::Experiment => {
                let key = ExperimentKey::new(key).ok()?;
                match self.repository.as_ref().map(|repository| repository.launch(&key)) {
                    Some(Ok(Some(launch))) => {
                        let commit = launch.commit.short().to_owned();
                        return Some(format!(
                            "experiment `{key}` is launched (commit {commit}): its data and its analysis plan have these names; another round is a new key with `previous: {key}`"
                        ));
                    }
                    Some(Err(error)) => {
                        return Some(format!("cannot read whether `{key}` is launched: {error}"));
                    }
                    Some(Ok(None)) | None => {}
                }
                self.model.experiments.get(&key).map(|experiment| experiment.schedule.start())
            }
            Kind::Rollout => {
                self.model.rollouts.get(&RolloutKey::new(key).ok()?).map(|rollout| rollout.steps.first_at())
            }
            Kind::Holdout => {
                self.model.holdouts.get(&HoldoutKey::new(key).ok()?).map(|holdout| holdout.schedule.start())
            }
            _ => return None,
        };
        let Some(start) = start else { return unknown() };
        (start <= self.now).then(|| {
            format!("{kind} `{key}` is launched (it started on {start}): who is served what and its data have these names")
        })
    }
}
