//! Scalars of a book's files: prose, keys, shares, numbers and ranges.

use super::reader::{Reader, Syntax};
use super::shape::{Grammar, Name, Number, Shape};
use crate::load::advice::Advice;
use crate::load::rules;
use crate::load::yaml::{Content, Node, Typed};
use trialbook_model::{
    AttributeKey, BucketRange, ColumnName, DimensionKey, EntityKey, ExperimentKey, FlagKey, HoldoutKey, Kind,
    LayerKey, MeasureKey, MetricKey, Salt, SegmentKey, Share, SourceKey, SurfaceKey, TargetKey, VariantKey,
};

/// Prose: text that is not blank.
#[derive(Debug)]
pub struct Text(pub String);

impl Syntax for Text {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.string(node, "text")?;
        if text.trim().is_empty() {
            reader.expected(rules::WRONG_TYPE, node, "text that is not blank", "");
            return None;
        }
        Some(Self(text.trim().to_owned()))
    }

    fn shape() -> Shape {
        Shape::Text(Grammar { expected: "text that is not blank", pattern: r"\S", examples: &[] })
    }
}

/// Returns the advice for a text that is no key.
pub(super) fn key_advice(text: &str, is_key: impl Fn(&str) -> bool) -> Advice {
    key_like(text, is_key).map_or_else(|| "take a name of these characters".into(), Advice::write)
}

/// Returns the key to write instead of a text that is none, where a little change makes it one.
pub(in crate::load) fn key_like(text: &str, is_key: impl Fn(&str) -> bool) -> Option<String> {
    if !text.is_ascii() {
        // Without its other letters it is another word.
        return None;
    }
    let joined = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let kept: String = text.chars().map(joined).collect();
    let kept = kept.trim_matches('-');
    let lower = kept.to_lowercase().replace('_', "-");
    [kept, lower.trim_matches('-')].into_iter().find(|key| is_key(key)).map(str::to_owned)
}

macro_rules! keys {
    ($($type:ident: $name:expr, $expected:literal, $pattern:literal;)+) => {$(
        impl Syntax for $type {
            fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
                let text = reader.string(node, $expected)?;
                match $type::new(text) {
                    Ok(key) => Some(key),
                    Err(error) => {
                        // Clients ask for a flag by its key: another one would be another flag.
                        let help = match $name {
                            Name::File(Kind::Flag) => "write the key as clients ask for it".into(),
                            _ => key_advice(text, |key| $type::new(key).is_ok()),
                        };
                        reader.error(rules::BAD_KEY, node.span, error.to_string(), help);
                        None
                    }
                }
            }

            fn shape() -> Shape {
                Shape::Name($name, Grammar { expected: $expected, pattern: $pattern, examples: &[] })
            }
        }
    )+};
}

keys! {
    FlagKey: Name::File(Kind::Flag), "a flag's key", "^(?!__proto__$)[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]([^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]{0,98}[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029])?$";
    ExperimentKey: Name::File(Kind::Experiment), "an experiment's key", "^[a-z0-9][a-z0-9-]{0,62}$";
    LayerKey: Name::File(Kind::Layer), "a layer's key", "^[a-z0-9][a-z0-9-]{0,62}$";
    SegmentKey: Name::File(Kind::Segment), "a segment's key", "^[a-z0-9][a-z0-9-]{0,62}$";
    MetricKey: Name::File(Kind::Metric), "a metric's key", "^[a-z0-9][a-z0-9-]{0,62}$";
    SourceKey: Name::File(Kind::Source), "a source's key", "^[a-z0-9][a-z0-9-]{0,62}$";
    SurfaceKey: Name::Surface, "a surface's key", "^[a-z0-9][a-z0-9-]{0,62}$";
    HoldoutKey: Name::File(Kind::Holdout), "a holdout's key", "^[a-z0-9][a-z0-9-]{0,62}$";
    TargetKey: Name::Target, "a target's key", "^[a-z0-9][a-z0-9-]{0,62}$";
    Salt: Name::Salt, "a salt", "^[a-z0-9][a-z0-9-]{0,62}$";
    VariantKey: Name::Variant, "a variant's key", "^(?!__proto__$)[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]([^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]{0,62}[^\\s\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029])?$";
    AttributeKey: Name::Attribute, "an attribute's name", "^[A-Za-z_][A-Za-z0-9_-]{0,62}$";
    EntityKey: Name::Entity, "an entity's name", "^[A-Za-z_][A-Za-z0-9_-]{0,62}$";
    MeasureKey: Name::Measure, "a measure's name", "^[A-Za-z_][A-Za-z0-9_-]{0,62}$";
    DimensionKey: Name::Dimension, "a dimension's name", "^[A-Za-z_][A-Za-z0-9_-]{0,62}$";
    ColumnName: Name::Column, "a column's name", "^[^\\u0000-\\u001f\\u007f-\\u009f]{1,255}$";
}

impl Syntax for Share {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        const EXPECTED: &str = "a share such as `20%`";
        let text = reader.text(node, rules::BAD_SHARE, EXPECTED)?;
        match Share::parse(text) {
            Ok(share) => Some(share),
            Err(error) => {
                let help = match text.parse::<f64>() {
                    Ok(number) if number > 0.0 && number < 1.0 => {
                        format!("write `{text}%`, or `{}%` if a fraction of one was meant", Decimal(number * 100.0)).into()
                    }
                    Ok(_) => Advice::write(format!("{text}%")),
                    Err(_) if spaced(text).is_some() => {
                        Advice::write(spaced(text).unwrap_or(Share::NONE))
                    }
                    Err(_) => "a share is a number from 0 to 100 with up to four decimals and a percent sign, such as `20%` or `0.5%`".into(),
                };
                reader.error(rules::BAD_SHARE, node.span, error.to_string(), help);
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::Text(Grammar {
            expected: "a share such as `20%`",
            pattern: r"^0*(100(\.0+)?|[0-9]{1,2}(\.[0-9]{1,4}0*)?)%$",
            examples: &["20%", "0.5%"],
        })
    }
}

/// Reads a share as other languages write it: `20 %`, `12,5%`.
fn spaced(text: &str) -> Option<Share> {
    let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    Share::parse(&joined.replace(',', ".")).ok()
}

/// A number with at most four decimals and no trailing zeros.
struct Decimal(f64);

impl std::fmt::Display for Decimal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:.4}", self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Syntax for bool {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let help = match &node.content {
            Content::Scalar(scalar) => match (scalar.typed(), &*scalar.text) {
                (Typed::Boolean(boolean), _) => return Some(boolean),
                (_, "yes" | "Yes" | "on" | "On" | "y") => Advice::write(true),
                (_, "no" | "No" | "off" | "Off" | "n") => Advice::write(false),
                (Typed::Text(_), "true" | "false") => "leave out the quotes".into(),
                _ => Advice::default(),
            },
            Content::Sequence(_) | Content::Mapping(_) => Advice::default(),
        };
        reader.expected(rules::WRONG_TYPE, node, "`true` or `false`", help);
        None
    }

    fn shape() -> Shape {
        Shape::Boolean
    }
}

/// A finite number.
impl Syntax for f64 {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let help = match &node.content {
            Content::Scalar(scalar) => match scalar.typed() {
                Typed::Number(number) if number.is_finite() => {
                    return reader.exact(scalar, node.span).then_some(number);
                }
                Typed::Text(text) if text.parse::<f64>().is_ok_and(f64::is_finite) => "leave out the quotes",
                _ => "",
            },
            Content::Sequence(_) | Content::Mapping(_) => "",
        };
        reader.expected(rules::WRONG_TYPE, node, "a finite number", help);
        None
    }

    fn shape() -> Shape {
        Shape::Number(Number::Finite)
    }
}

/// A number above zero.
#[derive(Debug, Clone, Copy)]
pub struct Positive(pub f64);

impl Syntax for Positive {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let number = f64::read(node, reader)?;
        if number > 0.0 {
            return Some(Self(number));
        }
        reader.expected(rules::BAD_NUMBER, node, "a number above zero", "");
        None
    }

    fn shape() -> Shape {
        Shape::Number(Number::Positive)
    }
}

/// A whole number that is not negative.
impl Syntax for u32 {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let whole = match &node.content {
            Content::Scalar(scalar) => match scalar.typed() {
                Typed::Number(_) if !reader.exact(scalar, node.span) => return None,
                Typed::Number(number) if number.fract() == 0.0 => {
                    ((0.0..=f64::from(u32::MAX)).contains(&number)).then_some(number as u32)
                }
                _ => None,
            },
            Content::Sequence(_) | Content::Mapping(_) => None,
        };
        if whole.is_none() {
            reader.expected(rules::WRONG_TYPE, node, "a whole number that is not negative", "");
        }
        whole
    }

    fn shape() -> Shape {
        Shape::Number(Number::Whole)
    }
}

impl Syntax for BucketRange {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node, rules::BAD_RANGE, "a range of buckets such as `0-1999`")?;
        match BucketRange::parse(text) {
            Ok(range) => Some(range),
            Err(error) => {
                let joined = text.replace("..", "-").replace(" to ", "-").replace(' ', "");
                let help = match BucketRange::parse(&joined) {
                    Ok(_) => Advice::write(joined),
                    Err(_) => "the first bucket, `-`, and the last one, which is included".into(),
                };
                reader.error(rules::BAD_RANGE, node.span, error.to_string(), help);
                None
            }
        }
    }

    fn shape() -> Shape {
        // A single bucket is a number to YAML.
        Shape::Either(&[
            || {
                Shape::Text(Grammar {
                    expected: "a range of buckets such as `0-1999`",
                    pattern: "^[0-9]{1,4}(-[0-9]{1,4})?$",
                    examples: &["0-1999"],
                })
            },
            || Shape::Number(Number::Whole),
        ])
    }
}
