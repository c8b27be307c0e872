//! Who can reach a flag's experiments and rollouts: whom no earlier rule serves.

use crate::model::{Book, Flag, Predicate};

/// What the rules of a flag leave to its experiments and rollouts.
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

    /// Returns who of an audience can be served by what comes after the rules, segments inlined.
    pub(super) fn left_of(&self, audience: &Predicate) -> Predicate {
        let mut parts = vec![self.book.inlined(audience)];
        parts.extend(self.left.iter().cloned());
        Predicate::All(parts)
    }
}
