//! Who uses what in a book, and whom a change concerns.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::{Contents, Kind, PartName, PartRef};

/// For every part of a book, the parts that name it.
#[derive(Debug, Clone, Default)]
pub struct Uses {
    /// By kind and key of what is named; the users in no order.
    by_kind: [HashMap<Arc<str>, Vec<PartName>>; Kind::ALL.len()],
}

impl Uses {
    /// Collects who uses what.
    pub fn of(contents: &Contents) -> Self {
        let mut uses = Self::default();
        contents.parts().for_each(|part| uses.add(part));
        uses
    }

    /// Returns the parts that name a part, in no order.
    pub fn of_part(&self, kind: Kind, key: &str) -> &[PartName] {
        self.by_kind[kind as usize].get(key).map_or(&[], Vec::as_slice)
    }

    /// Adds what a part names. A part is added once.
    pub(super) fn add(&mut self, part: PartRef<'_>) {
        let user = part.name();
        for PartName { kind, key } in part.names() {
            self.by_kind[kind as usize].entry(key).or_default().push(user.clone());
        }
    }

    /// Takes out what a part named.
    pub(super) fn remove(&mut self, part: PartRef<'_>) {
        let user = part.name();
        for PartName { kind, key } in part.names() {
            if let Some(users) = self.by_kind[kind as usize].get_mut(&key) {
                users.retain(|other| *other != user);
                if users.is_empty() {
                    self.by_kind[kind as usize].remove(&key);
                }
            }
        }
    }

    /// Returns the parts whose meaning changes with that of these: they, those that name them, and so on.
    ///
    /// A layer only keeps a place for the experiments in its slots: it does not change with them.
    pub fn dependents(&self, changed: impl IntoIterator<Item = PartName>) -> HashSet<PartName> {
        let mut waiting: Vec<PartName> = changed.into_iter().collect();
        let mut reached = HashSet::new();
        while let Some(part) = waiting.pop() {
            let users = self.of_part(part.kind, &part.key).iter();
            let users = users.filter(|user| (part.kind, user.kind) != (Kind::Experiment, Kind::Layer));
            waiting.extend(users.filter(|user| !reached.contains(*user)).cloned());
            reached.insert(part);
        }
        reached
    }

    /// Returns the parts whose judgement may change when these change.
    ///
    /// A part is judged by what it leads to (what it names, what that names, and so on), by the parts that name it, and by
    /// what those lead to. So a change concerns its [dependents](Self::dependents) and what they name. It must be asked of
    /// the book as it was before the change, and again as it is after.
    pub fn concerned(
        &self,
        contents: &Contents,
        changed: impl IntoIterator<Item = PartName>,
    ) -> BTreeSet<PartName> {
        let dependents = self.dependents(changed);
        let mut concerned = BTreeSet::new();
        for name in dependents {
            let part = contents.part(name.kind, &name.key);
            concerned.extend(part.iter().flat_map(PartRef::names));
            if name.kind == Kind::Experiment {
                let users = self.of_part(name.kind, &name.key).iter();
                concerned.extend(users.filter(|user| user.kind == Kind::Layer).cloned());
            }
            concerned.insert(name);
        }
        concerned
    }
}
