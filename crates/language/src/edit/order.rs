//! The order in which each kind of file declares its keys.

use crate::load::syntax;
use crate::load::syntax::shape::{Mapping, Shape};
use trialbook_model::Kind;

/// A place in a kind of file, with the keys that are declared there.
///
/// Where keys are the author's own (variants, attributes, audiences), none are declared and their order is kept.
#[derive(Debug, Clone, Copy)]
pub struct Order(Option<Shape>);

impl Order {
    /// Returns the top of a kind of file.
    pub fn of(kind: Kind) -> Self {
        Self(Some(syntax::shape_of(kind)))
    }

    /// Returns the place of a key's value.
    pub fn at(self, key: &str) -> Self {
        Self(self.mapping().and_then(|mapping| match mapping.key(key) {
            Some(key) => Some((key.shape)()),
            None => mapping.others.map(|others| (others.shape)()),
        }))
    }

    /// Returns the place of a list's items.
    pub fn item(self) -> Self {
        Self(self.find(|shape| match shape {
            Shape::List(list) => Some((list.items)()),
            _ => None,
        }))
    }

    /// Returns what sorts a key among its neighbours: the same for all where the order is the author's.
    pub fn rank(self, key: &str) -> usize {
        match self.mapping() {
            Some(mapping) if !mapping.keys.is_empty() => {
                mapping.keys.iter().position(|declared| declared.name == key).unwrap_or(usize::MAX)
            }
            _ => 0,
        }
    }

    /// Returns the mapping that may stand here. An audience, which holds itself, reads best as it was written.
    fn mapping(self) -> Option<Mapping> {
        self.find(|shape| match shape {
            Shape::Mapping(mapping) => Some(mapping).filter(|mapping| mapping.definition.is_none()),
            _ => None,
        })
    }

    fn find<T>(self, wanted: impl Fn(Shape) -> Option<T>) -> Option<T> {
        match self.0? {
            Shape::Either(parts) => parts.iter().find_map(|part| wanted(part())),
            shape => wanted(shape),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_keys_are_ranked_and_the_authors_own_are_not() {
        let experiment = Order::of(Kind::Experiment);
        assert!(experiment.rank("title") < experiment.rank("flag"));
        let guardrail = experiment.at("metrics").at("guardrails").item();
        assert!(guardrail.rank("metric") < guardrail.rank("margin"));
        assert_eq!(experiment.at("variants").rank("plain"), experiment.at("variants").rank("bold"));
        assert_eq!(experiment.at("audience").rank("any"), experiment.at("audience").rank("all"));
        let attribute = Order::of(Kind::Book).at("attributes").at("country");
        assert!(attribute.rank("type") < attribute.rank("values"));
    }
}
