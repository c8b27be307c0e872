//! Declaring a mapping or a word once, for the reader and the schema.

use serde_json::{Value, json};

/// Declares a mapping: a struct with one optional field for each key, how it is read, and its schema.
///
/// A field is `None` where the key is missing or its value does not fit; either has been reported where
/// that is wrong, so that whoever lowers it checks what is there and stays silent about what is not.
///
/// Where kinds of one thing differ in their keys, `by "type" { "a" => "a thing of type `a`" needs ["x"] takes ["y"], }`
/// says which key belongs to which kind; a key that no kind names belongs to all.
macro_rules! mapping {
    (
        $(#[doc = $doc:literal])+
        struct $name:ident: $what:literal {
            $( $(#[doc = $field_doc:literal])+ $key:literal $need:ident $field:ident: $type:ty, )*
        }
        $(exactly one of $($one:literal)|+;)?
        $(by $tag:literal { $($($kind:literal)|+ => $kind_what:literal needs [$($needs:literal),*] takes [$($takes:literal),*],)+ })?
        $(reserved { $($word:literal => $advice:literal,)+ })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Default)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: Option<$crate::span::Spanned<$type>>, )*
        }

        impl $name {
            /// The kinds that differ in their keys, and the key that says which it is.
            const BRANCHES: Option<$crate::load::syntax::reader::Branches> = $crate::load::syntax::mapping::branches!(
                $($tag { $($($kind)|+ => $kind_what needs [$($needs),*] takes [$($takes),*],)+ })?
            );
        }

        impl $crate::load::syntax::reader::Syntax for $name {
            fn read(
                node: &$crate::load::yaml::Node,
                reader: &mut $crate::load::syntax::reader::Reader<'_>,
            ) -> Option<Self> {
                use $crate::load::syntax::reader::Field;
                const FIELDS: &[Field] = &[
                    $(Field { name: $key, required: $crate::load::syntax::mapping::need!($need) },)*
                ];
                const RESERVED: &[(&str, &str)] = &[$($(($word, $advice),)+)?];
                let entries = reader.mapping(node, $what, FIELDS)?;
                let mut read = Self::default();
                for entry in entries {
                    match &*entry.key {
                        $($key => read.$field = reader.field(entry),)*
                        _ => reader.unknown(entry, FIELDS, RESERVED),
                    }
                }
                reader.missing(node, FIELDS, $what);
                $(reader.exactly_one(node, &[$($one),+], $what);)?
                reader.of_kind(node, Self::BRANCHES);
                Some(read)
            }

            fn schema(definitions: &mut $crate::load::syntax::reader::Definitions) -> serde_json::Value {
                let one: &[&str] = &[$($($one),+)?];
                let fields = vec![
                    $((
                        $key,
                        $crate::load::syntax::mapping::need!($need),
                        concat!($($field_doc, "\n"),+),
                        <$type as $crate::load::syntax::reader::Syntax>::schema(definitions),
                    ),)*
                ];
                $crate::load::syntax::mapping::object(concat!($($doc, "\n"),+), fields, one, Self::BRANCHES)
            }
        }
    };
}

macro_rules! need {
    (required) => {
        true
    };
    (optional) => {
        false
    };
}

macro_rules! branches {
    () => {
        None
    };
    ($tag:literal { $($($kind:literal)|+ => $what:literal needs [$($needs:literal),*] takes [$($takes:literal),*],)+ }) => {
        Some($crate::load::syntax::reader::Branches {
            tag: $tag,
            branches: &[$($crate::load::syntax::reader::Branch {
                kinds: &[$($kind),+],
                what: $what,
                needs: &[$($needs),*],
                takes: &[$($takes),*],
            },)+],
        })
    };
}

/// Declares words: how they are read as values of a model type, and their schema.
macro_rules! words {
    (
        $type:ty: $what:literal { $($word:literal => $value:expr,)+ }
        $(reserved { $($reserved:literal => $advice:literal,)+ })?
    ) => {
        impl $crate::load::syntax::reader::Syntax for $type {
            fn read(
                node: &$crate::load::yaml::Node,
                reader: &mut $crate::load::syntax::reader::Reader<'_>,
            ) -> Option<Self> {
                const WORDS: &[&str] = &[$($word),+];
                const RESERVED: &[(&str, &str)] = &[$($(($reserved, $advice),)+)?];
                match reader.string(node, $what)? {
                    $($word => Some($value),)+
                    other => {
                        $crate::load::syntax::mapping::unknown_word(node, other, $what, WORDS, RESERVED, reader);
                        None
                    }
                }
            }

            fn schema(_: &mut $crate::load::syntax::reader::Definitions) -> serde_json::Value {
                serde_json::json!({ "enum": [$($word),+] })
            }
        }
    };
}

pub(super) use {branches, mapping, need, words};

use super::reader::{Branch, Branches, Reader};
use crate::load::nearest::nearest;
use crate::load::rules;
use crate::load::yaml::Node;

/// Reports a word that is not one of those that a place has.
pub(super) fn unknown_word(
    node: &Node,
    word: &str,
    what: &str,
    words: &[&str],
    reserved: &[(&str, &str)],
    reader: &mut Reader<'_>,
) {
    if let Some((_, advice)) = reserved.iter().find(|(reserved, _)| *reserved == word) {
        let message = format!("`{word}` is reserved: it is not supported yet");
        return reader.error(rules::RESERVED_WORD, node.span, message, *advice);
    }
    let help = nearest(word, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
    reader.expected(rules::UNKNOWN_WORD, node, what, help.unwrap_or_default());
}

/// Returns the schema of a mapping.
pub(super) fn object(
    doc: &str,
    fields: Vec<(&str, bool, &str, Value)>,
    one: &[&str],
    branches: Option<Branches>,
) -> Value {
    let required: Vec<_> =
        fields.iter().filter(|(_, required, ..)| *required).map(|(name, ..)| *name).collect();
    let properties: serde_json::Map<_, _> = fields
        .iter()
        .map(|(name, _, doc, schema)| {
            let mut schema = schema.clone();
            if let Value::Object(schema) = &mut schema {
                schema.insert("description".into(), prose(doc).into());
            }
            ((*name).to_owned(), schema)
        })
        .collect();
    let mut schema = json!({
        "description": prose(doc),
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if let Value::Object(schema) = &mut schema {
        if !required.is_empty() {
            schema.insert("required".into(), required.into());
        }
        if !one.is_empty() {
            let branches: Vec<_> = one.iter().map(|name| json!({ "required": [name] })).collect();
            schema.insert("oneOf".into(), branches.into());
        }
        if let Some(branches) = branches {
            schema.insert(
                "allOf".into(),
                branches.branches.iter().map(|branch| condition(&branches, branch)).collect(),
            );
        }
    }
    schema
}

/// Returns what the schema demands of one kind: an editor then names the branch that was meant.
fn condition(branches: &Branches, branch: &Branch) -> Value {
    let refused = branches.others(branch).map(|name| (name.to_owned(), Value::Bool(false)));
    json!({
        "if": { "required": [branches.tag], "properties": { branches.tag: { "enum": branch.kinds } } },
        "then": { "required": branch.needs, "properties": refused.collect::<serde_json::Map<_, _>>() },
    })
}

/// Returns a doc comment as one paragraph.
pub(super) fn prose(doc: &str) -> String {
    doc.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
