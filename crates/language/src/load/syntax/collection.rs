//! Lists, and maps whose keys are chosen by the author.

use super::reader::{Reader, Syntax};
use super::shape::{List as ListShape, Mapping, Others, Shape};
use crate::load::yaml::{Content, Node};
use trialbook_model::span::Spanned;

/// A list: the items that fit, and whether the file has any at all.
#[derive(Debug)]
pub struct List<T>(pub Vec<Spanned<T>>, pub Emptiness);

/// Whether a list has items in the file, fit or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Emptiness {
    /// None.
    Empty,
    /// At least one.
    Filled,
}

impl<T: Syntax> Syntax for List<T> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let items = reader.sequence(node)?;
        let emptiness = if items.is_empty() { Emptiness::Empty } else { Emptiness::Filled };
        Some(Self(items.iter().filter_map(|item| reader.item(item)).collect(), emptiness))
    }

    fn shape() -> Shape {
        Shape::List(ListShape { items: T::shape, filled: false })
    }
}

/// A mapping whose keys are chosen by the author. A value that does not fit is `None`: its key is known all the same.
#[derive(Debug)]
pub struct Map<K, V>(pub Vec<(Spanned<K>, Option<Spanned<V>>)>);

impl<K: Syntax, V: Syntax> Syntax for Map<K, V> {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let entries = reader.mapping(node, "names with values", &[])?;
        let mut map = Vec::with_capacity(entries.len());
        for entry in entries {
            // A key is read as text whatever it looks like: `1:` is the key `1`.
            let key = Node {
                span: entry.key_span,
                content: Content::Scalar(crate::load::yaml::ScalarNode {
                    text: entry.key.clone(),
                    plain: false,
                }),
            };
            let key = reader.item(&key);
            let value = reader.field(entry);
            if let Some(key) = key {
                map.push((key, value));
            }
        }
        Some(Self(map))
    }

    fn shape() -> Shape {
        Shape::Mapping(Mapping {
            what: "names with values",
            others: Some(Others { names: K::shape, shape: V::shape, doc: "" }),
            ..Mapping::NONE
        })
    }
}
