//! YAML to a tree with byte spans. Nothing outside this folder knows the parser crate.
//! What a book does not use is refused at its place: anchors and aliases, tags, merge keys,
//! directives, several documents, keys that are not scalars, the same key twice.

mod hint;
mod indent;
mod layout;
mod parse;
mod removal;
mod scalar;
mod tree;

pub use layout::{Laid, Layout, Shape, Style, layout};
pub use parse::{MAX_DEPTH, MAX_NODES, Parsed, parse};
pub use scalar::{Typed, to_json};
pub use tree::{Comment, Content, Entry, Node, ScalarNode};
