//! Whether two texts of a file mean the same.

use super::order::Order;
use crate::load::yaml::{Content, Entry, Node, ScalarNode, Typed, to_json};
use trialbook_model::Kind;

/// Tells whether two trees of a kind of file mean the same, whatever they look like.
///
/// The order of declared keys and of a layer's slots does not matter, nor do quotes around what is text without them.
/// Everything else counts, down to the digits of a number.
pub fn same(kind: Kind, a: &Node, b: &Node) -> bool {
    equal(a, b, Order::of(kind), kind == Kind::Layer)
}

/// `layer`: these are whole files of layers.
fn equal(a: &Node, b: &Node, order: Order, layer: bool) -> bool {
    match (&a.content, &b.content) {
        (Content::Scalar(a), Content::Scalar(b)) => equal_scalars(a, b),
        (Content::Sequence(a), Content::Sequence(b)) => {
            let order = order.item();
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b, order, false))
        }
        (Content::Mapping(a), Content::Mapping(b)) => {
            let (a, b) = (sorted(a, order), sorted(b, order));
            a.len() == b.len()
                && a.iter().zip(&b).all(|(a, b)| {
                    let values = if layer && &*a.key == "slots" { equal_slots } else { equal_values };
                    a.key == b.key && values(&a.value, &b.value, order.at(&a.key))
                })
        }
        _ => false,
    }
}

fn equal_values(a: &Node, b: &Node, order: Order) -> bool {
    equal(a, b, order, false)
}

fn equal_scalars(a: &ScalarNode, b: &ScalarNode) -> bool {
    match (a.typed(), b.typed()) {
        (Typed::Null, Typed::Null) => true,
        (Typed::Boolean(_), Typed::Boolean(_))
        | (Typed::Number(_), Typed::Number(_))
        | (Typed::Text(_), Typed::Text(_)) => a.text == b.text,
        _ => false,
    }
}

/// Slots hold buckets wherever they stand in the list.
fn equal_slots(a: &Node, b: &Node, order: Order) -> bool {
    match (&a.content, &b.content) {
        (Content::Sequence(a), Content::Sequence(b)) => {
            let sorted = |items: &[Node]| {
                let mut items = items.to_vec();
                items.sort_by_cached_key(|item| to_json(item).map(|json| json.to_string()));
                items
            };
            let (a, b) = (sorted(a), sorted(b));
            a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| equal_values(a, b, order.item()))
        }
        _ => equal_values(a, b, order),
    }
}

fn sorted(entries: &[Entry], order: Order) -> Vec<&Entry> {
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_cached_key(|entry| order.rank(&entry.key));
    // Keys that are not declared come last, in the order of the file.
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::yaml::parse;
    use trialbook_model::span::SourceFile;

    fn holds(kind: Kind, a: &str, b: &str) -> bool {
        let tree = |text: &str| parse(&SourceFile::new("a.yaml", text)).root.expect("YAML");
        same(kind, &tree(a), &tree(b))
    }

    #[test]
    fn quotes_and_the_order_of_declared_keys_say_nothing() {
        assert!(holds(Kind::Segment, "owner: a\ndescription: no", "description: 'no'\nowner: \"a\""));
        assert!(holds(
            Kind::Layer,
            "slots: [{buckets: 7}, {buckets: 1-2}]",
            "slots: [{buckets: 1-2}, {buckets: 7}]"
        ));
    }

    #[test]
    fn types_digits_and_the_authors_own_order_count() {
        assert!(!holds(Kind::Segment, "description: 1", "description: '1'"));
        assert!(!holds(Kind::Segment, "description: 8.1", "description: 8.10"));
        assert!(!holds(Kind::Flag, "rules: [{serve: a}, {serve: b}]", "rules: [{serve: b}, {serve: a}]"));
        assert!(!holds(Kind::Flag, "variants: {a: 1, b: 2}", "variants: {b: 2, a: 1}"));
        assert!(!holds(Kind::Flag, "owner: a", "owner: a\nentity: user"));
        assert!(!holds(Kind::Layer, "slots: [{buckets: 7}]", "slots: [{buckets: 8}]"));
    }
}
