//! The order in which each kind of file declares its keys, from its JSON Schema.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use crate::load::syntax;
use crate::model::Kind;

/// A place in a kind of file, with the keys that are declared there.
///
/// Where keys are the author's own (variants, attributes, audiences), none are declared and their order is kept.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a>(Option<&'a Value>);

static SCHEMAS: LazyLock<BTreeMap<Kind, Value>> =
    LazyLock::new(|| Kind::ALL.into_iter().map(|kind| (kind, syntax::schema(kind).0)).collect());

impl Order<'static> {
    /// Returns the top of a kind of file.
    pub fn of(kind: Kind) -> Self {
        Self(SCHEMAS.get(&kind))
    }
}

impl<'a> Order<'a> {
    /// Returns the place of a key's value.
    pub fn at(self, key: &str) -> Self {
        Self(self.branches().into_iter().find_map(|schema| {
            let declared = schema.get("properties").and_then(|keys| keys.get(key));
            declared.or_else(|| schema.get("additionalProperties").filter(|schema| schema.is_object()))
        }))
    }

    /// Returns the place of a list's items.
    pub fn item(self) -> Self {
        Self(self.branches().into_iter().find_map(|schema| schema.get("items")))
    }

    /// Returns what sorts a key among its neighbours: the same for all where the order is the author's.
    pub fn rank(self, key: &str) -> usize {
        let declared = self.branches().into_iter().find_map(|schema| schema.get("properties")?.as_object());
        match declared {
            Some(keys) => keys.keys().position(|declared| declared == key).unwrap_or(usize::MAX),
            None => 0,
        }
    }

    fn branches(self) -> Vec<&'a Value> {
        let Some(schema) = self.0 else { return Vec::new() };
        match schema.get("anyOf").and_then(Value::as_array) {
            Some(branches) => branches.iter().collect(),
            None => vec![schema],
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
