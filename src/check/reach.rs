//! Who can reach a flag's experiments: whom no earlier rule serves.

use crate::model::{Book, Experiment, Flag, Predicate};

/// What the rules of a flag leave to its experiments.
pub(super) struct Reach<'a> {
    book: &'a Book,
    left: Vec<Predicate>,
}

impl<'a> Reach<'a> {
    /// Works out what a flag's rules leave.
    pub(super) fn new(book: &'a Book, flag: &Flag) -> Self {
        let left = flag.rules.iter().map(|rule| Predicate::Not(Box::new(book.inlined(&rule.when)))).collect();
        Self { book, left }
    }

    /// Returns who can be enrolled: the experiment's audience without whom the rules serve, segments inlined.
    pub(super) fn audience(&self, experiment: &Experiment) -> Predicate {
        let mut parts = vec![self.book.inlined(&experiment.audience)];
        parts.extend(self.left.iter().cloned());
        Predicate::All(parts)
    }
}
