//! Scalars, lists and maps of a book's files.

use super::mapping::words;
use super::reader::{Reader, Syntax};
use super::shape::{Grammar, List as ListShape, Mapping, Name, Number, Others, Shape};
use crate::load::rules;
use crate::load::yaml::{Content, Node, Typed};
use trialbook_model::span::Spanned;
use trialbook_model::{
    AttributeKey, AttributeType, BucketRange, ColumnName, DecisionOutcome, DimensionKey, Direction, Duration,
    EntityKey, Evaluator, ExperimentKey, FlagKey, HoldoutKey, Kind, LayerKey, MeasureKey, Method, MetricKey,
    Salt, SegmentKey, Share, SourceKey, SurfaceKey, TargetKey, TargetType, ValueType, VariantKey,
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

/// Returns what to write instead of a text that is no key, where a little change makes it one.
pub(in crate::load) fn key_like(text: &str, is_key: impl Fn(&str) -> bool) -> String {
    const ADVICE: &str = "take a name of these characters";
    if !text.is_ascii() {
        // Without its other letters it is another word.
        return ADVICE.into();
    }
    let joined = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let kept: String = text.chars().map(joined).collect();
    let kept = kept.trim_matches('-');
    let lower = kept.to_lowercase().replace('_', "-");
    match [kept, lower.trim_matches('-')].into_iter().find(|key| is_key(key)) {
        Some(key) => format!("write `{key}`"),
        None => ADVICE.into(),
    }
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
                            _ => key_like(text, |key| $type::new(key).is_ok()),
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
                        format!("write `{text}%`, or `{}%` if a fraction of one was meant", Decimal(number * 100.0))
                    }
                    Ok(_) => format!("write `{text}%`"),
                    Err(_) if spaced(text).is_some() => {
                        format!("write `{}`", spaced(text).unwrap_or(Share::NONE))
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

/// Reads a duration as people write it elsewhere: `60 days`, `2w`, `P7D`.
fn in_words(text: &str) -> Option<Duration> {
    let text = text.trim().to_ascii_lowercase();
    let iso = text.strip_prefix("pt").or_else(|| text.strip_prefix('p').filter(|rest| !rest.ends_with('m')));
    let text = iso.unwrap_or(&text);
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u32 = number.parse().ok()?;
    let (number, unit) = match unit.trim() {
        "d" | "day" | "days" => (number, 'd'),
        "h" | "hour" | "hours" | "hr" | "hrs" => (number, 'h'),
        "m" | "min" | "mins" | "minute" | "minutes" => (number, 'm'),
        "w" | "week" | "weeks" => (number.checked_mul(7)?, 'd'),
        _ => return None,
    };
    Duration::parse(&format!("{number}{unit}")).ok()
}

impl Syntax for Duration {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(node, rules::BAD_DURATION, "a duration such as `7d`, `12h` or `30m`")?;
        match Duration::parse(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                let help = match in_words(text) {
                    Some(duration) => format!("write `{duration}`"),
                    None if digits => {
                        format!("write `{text}d` for days, `{text}h` for hours or `{text}m` for minutes")
                    }
                    None => "write a whole number with `d`, `h` or `m` behind it".into(),
                };
                reader.error(rules::BAD_DURATION, node.span, error.to_string(), help);
                None
            }
        }
    }

    fn shape() -> Shape {
        Shape::Text(Grammar {
            expected: "a duration such as `7d`, `12h` or `30m`",
            pattern: "^[0-9]+[dhm]$",
            examples: &["7d", "12h"],
        })
    }
}

/// A date of the book's time zone, or an instant with its offset.
#[derive(Debug, Clone, Copy)]
pub enum When {
    /// The day, which begins at midnight.
    Day(jiff::civil::Date),
    /// An instant.
    Instant(jiff::Timestamp),
}

/// Reads a day as it is written where the day comes first: `25.11.2026`. With slashes it has two readings.
fn dotted(text: &str) -> Option<jiff::civil::Date> {
    let mut parts = text.split('.');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let rest = parts.next().is_none();
    let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    (rest && year.len() == 4).then_some(date)
}

impl Syntax for When {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        const EXPECTED: &str = "a date such as `2026-11-25`, or `2026-11-25T09:00:00Z`";
        let text = reader.string(node, EXPECTED)?;
        let day = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        let problem = if day {
            match text.parse() {
                Ok(day) => return Some(Self::Day(day)),
                Err(_) => format!("there is no day `{text}`"),
            }
        } else if text.starts_with(|c: char| c.is_ascii_digit()) && text.contains(['T', 't']) {
            match text.parse() {
                Ok(instant) => return Some(Self::Instant(instant)),
                Err(_) => format!("`{text}` is not an instant with its offset from UTC"),
            }
        } else {
            let help = dotted(text).map(|day| format!("write `{day}`"));
            reader.expected(rules::BAD_DATE, node, EXPECTED, help.unwrap_or_default());
            return None;
        };
        let help = match format!("{text}Z").parse::<jiff::Timestamp>() {
            Ok(_) => format!("write `{text}Z` for UTC, or another offset such as `+01:00`"),
            Err(_) => format!("write {EXPECTED}"),
        };
        reader.error(rules::BAD_DATE, node.span, problem, help);
        None
    }

    fn shape() -> Shape {
        Shape::Text(Grammar {
            expected: "a date such as `2026-11-25`, or `2026-11-25T09:00:00Z`",
            pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt].+)?$",
            examples: &["2026-11-25"],
        })
    }
}

impl Syntax for bool {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let help = match &node.content {
            Content::Scalar(scalar) => match (scalar.typed(), &*scalar.text) {
                (Typed::Boolean(boolean), _) => return Some(boolean),
                (_, "yes" | "Yes" | "on" | "On" | "y") => "write `true`",
                (_, "no" | "No" | "off" | "Off" | "n") => "write `false`",
                (Typed::Text(_), "true" | "false") => "leave out the quotes",
                _ => "",
            },
            Content::Sequence(_) | Content::Mapping(_) => "",
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
                    Ok(_) => format!("write `{joined}`"),
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

words! { ValueType: "one of `boolean`, `string`, `number`, `object`" {
    /// On or off.
    "boolean" => ValueType::Boolean,
    /// Text.
    "string" => ValueType::String,
    /// A number; a whole one is exact up to 2^53.
    "number" => ValueType::Number,
    /// A mapping of any keys, for values that belong together.
    "object" => ValueType::Object,
} }

words! { AttributeType: "one of `string`, `number`, `boolean`, `version`" {
    /// Text.
    "string" => AttributeType::String,
    /// A finite number.
    "number" => AttributeType::Number,
    /// `true` or `false`.
    "boolean" => AttributeType::Boolean,
    /// Text that is a version such as `8.10`, ordered as SemVer orders.
    "version" => AttributeType::Version,
} }

words! { Method: "one of `fixed-horizon`, `group-sequential`, `always-valid`" {
    /// The data is judged once, when the last window has closed.
    "fixed-horizon" => Method::FixedHorizon,
    /// The data is judged daily, with the level spent over the schedule.
    "group-sequential" => Method::GroupSequential,
    /// The data may be judged at any time, by a confidence sequence.
    "always-valid" => Method::AlwaysValid,
} }

words! { Direction: "`good` or `bad`" {
    /// More is better.
    "good" => Direction::IncreaseIsGood,
    /// Less is better.
    "bad" => Direction::IncreaseIsBad,
} }

words! { DecisionOutcome: "one of `ship`, `roll-back`, `inconclusive`, `aborted`" {
    /// A treatment ships: name it in `variant`, and change the flag in the same pull request.
    "ship" => DecisionOutcome::Ship,
    /// Everybody gets what they had before.
    "roll-back" => DecisionOutcome::RollBack,
    /// The test could not tell; nothing changes.
    "inconclusive" => DecisionOutcome::Inconclusive,
    /// The test was stopped before it could tell.
    "aborted" => DecisionOutcome::Aborted,
} }

words! { TargetType: "`flagd` or `unleash`" {
    /// flagd's flag file.
    "flagd" => TargetType::Flagd,
    /// An Unleash server.
    "unleash" => TargetType::Unleash,
} }

words! { Evaluator: "`javascript-4` or `python-2`" {
    /// flagd's JavaScript core, version 4: hashes the text.
    "javascript-4" => Evaluator::Javascript4,
    /// flagd's Python core, version 2: hashes the text's CBOR encoding.
    "python-2" => Evaluator::Python2,
} }
