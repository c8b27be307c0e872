//! Declaring a mapping or a word once, for the reader, the schema and editors.

/// Declares a mapping: a struct with one optional field for each key, how it is read, and its shape.
///
/// `= VALUE` sets which value a key has where it is left out; `declares` names the keys in whose values names are
/// declared, such as a flag's variants.
///
/// A field is `None` where the key is missing or its value does not fit; either has been reported where
/// that is wrong, so that whoever lowers it checks what is there and stays silent about what is not.
///
/// Where kinds of one thing differ in their keys, `by "type" { "a" => "a thing of type `a`" needs ["x"] takes ["y"], }`
/// declares which key belongs to which kind; a key that no kind names belongs to all.
macro_rules! mapping {
    (
        $(#[doc = $doc:literal])+
        struct $name:ident: $what:literal {
            $( $(#[doc = $field_doc:literal])+ $key:literal $need:ident $field:ident: $type:ty $(= $default:literal)?, )*
        }
        $(declares $($declared:literal)|+;)?
        $(exactly one of $($one:literal)|+;)?
        $(by $tag:literal { $($($kind:literal)|+ => $kind_what:literal needs [$($needs:literal),*] takes [$($takes:literal),*],)+ })?
        $(reserved { $($word:literal => $advice:literal,)+ })?
    ) => {
        $(#[doc = $doc])+
        #[derive(Debug, Default)]
        pub struct $name {
            $( $(#[doc = $field_doc])+ pub $field: Option<trialbook_model::span::Spanned<$type>>, )*
        }

        impl $name {
            /// The kinds that differ in their keys, and the key that selects which it is.
            const BRANCHES: Option<$crate::load::syntax::shape::Branches> = $crate::load::syntax::mapping::branches!(
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
                        _ => reader.unknown((node, entry), Self::shape(), FIELDS, RESERVED),
                    }
                }
                reader.missing(node, FIELDS, $what);
                $(reader.exactly_one(node, &[$($one),+], $what);)?
                reader.of_kind(node, Self::BRANCHES);
                Some(read)
            }

            fn shape() -> $crate::load::syntax::shape::Shape {
                use $crate::load::syntax::shape::{Key, Mapping, Shape};
                const KEYS: &[Key] = &[
                    $(Key {
                        name: $key,
                        required: $crate::load::syntax::mapping::need!($need),
                        doc: concat!($($field_doc, "\n"),+),
                        shape: <$type as $crate::load::syntax::reader::Syntax>::shape,
                        default: $crate::load::syntax::mapping::default!($($default)?),
                        only_for: &[],
                    },)*
                ];
                Shape::Mapping(Mapping {
                    what: $what,
                    doc: concat!($($doc, "\n"),+),
                    keys: KEYS,
                    one_of: &[$($($one),+)?],
                    declares: &[$($($declared),+)?],
                    branches: Self::BRANCHES,
                    ..Mapping::NONE
                })
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
        Some($crate::load::syntax::shape::Branches {
            tag: $tag,
            branches: &[$($crate::load::syntax::shape::Branch {
                kinds: &[$($kind),+],
                what: $what,
                needs: &[$($needs),*],
                takes: &[$($takes),*],
            },)+],
        })
    };
}

macro_rules! default {
    () => {
        None
    };
    ($value:literal) => {
        Some(stringify!($value))
    };
}

/// Declares words: how they are read as values of a model type, and their shape.
macro_rules! words {
    (
        $type:ty: $what:literal { $($(#[doc = $doc:literal])* $word:literal => $value:expr,)+ }
        $(reserved { $($reserved:literal => $advice:literal,)+ })?
    ) => {
        impl $crate::load::syntax::reader::Syntax for $type {
            fn read(
                node: &$crate::load::yaml::Node,
                reader: &mut $crate::load::syntax::reader::Reader<'_>,
            ) -> Option<Self> {
                const WORDS: &[&str] = &[$($word),+];
                const RESERVED: &[(&str, &str)] = &[$($(($reserved, $advice),)+)?];
                match reader.word(node, $what)? {
                    $($word => Some($value),)+
                    other => {
                        $crate::load::syntax::mapping::unknown_word(node, other, $what, WORDS, RESERVED, reader);
                        None
                    }
                }
            }

            fn shape() -> $crate::load::syntax::shape::Shape {
                use $crate::load::syntax::shape::{Shape, Word};
                Shape::Words(&[$(Word { word: $word, doc: concat!($($doc, "\n"),*) },)+])
            }
        }
    };
}

pub(super) use {branches, default, mapping, need, words};

use super::reader::Reader;
use crate::load::advice::Advice;
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
    let meant = nearest(word, words.iter().copied()).or_else(|| meaning(word, words));
    let help = meant.map(Advice::meant);
    reader.expected(rules::UNKNOWN_WORD, node, what, help.unwrap_or_default());
}

/// Returns the word of a place that another product, or another format, writes in another way.
fn meaning<'w>(word: &str, words: &[&'w str]) -> Option<&'w str> {
    const OTHERS: &[(&str, &[&str])] = &[
        ("mean", &["average", "avg", "revenue", "continuous", "count", "sum"]),
        ("proportion", &["conversion", "binary", "rate", "binomial", "share"]),
        ("quantile", &["percentile", "p95", "p99", "median"]),
        ("ratio", &["quotient"]),
        ("object", &["json", "map", "dict", "struct", "mapping"]),
        ("boolean", &["bool", "flag", "toggle"]),
        ("number", &["int", "integer", "float", "double", "decimal"]),
        ("string", &["text", "str", "enum", "varchar"]),
        ("version", &["semver"]),
        ("good", &["up", "increase", "positive", "better", "higher"]),
        ("bad", &["down", "decrease", "negative", "worse", "lower"]),
        ("ship", &["win", "winner", "rollout", "release", "launch", "accept"]),
        ("roll-back", &["revert", "lose", "loser", "reject", "stop"]),
        ("aborted", &["cancelled", "canceled", "stopped"]),
        ("inconclusive", &["neutral", "flat", "draw"]),
        ("fixed-horizon", &["frequentist", "t-test", "fixed"]),
        ("group-sequential", &["sequential", "gst", "interim"]),
        ("always-valid", &["msprt", "anytime", "anytime-valid"]),
    ];
    let word = word.to_lowercase();
    let (meant, _) =
        OTHERS.iter().find(|(meant, others)| words.contains(meant) && others.contains(&&*word))?;
    words.iter().copied().find(|known| known == meant)
}
