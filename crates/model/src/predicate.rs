//! Audiences: predicates over typed attributes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AttributeKey, SegmentKey, Version, canonical_json};

/// A literal that an attribute is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scalar {
    /// Text, compared code point by code point.
    String(String),
    /// A finite number.
    Number(Number),
    /// A boolean.
    Boolean(bool),
    /// A version.
    Version(Version),
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{}", number.get()),
            Self::Boolean(boolean) => write!(f, "{boolean}"),
            Self::Version(version) => write!(f, "{version}"),
        }
    }
}

/// A finite 64-bit floating-point number; `-0` is `0`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Number(f64);

impl Number {
    /// Makes a number; `None` for NaN and the infinities.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(if value == 0.0 { 0.0 } else { value }))
    }

    /// Returns the value.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl TryFrom<f64> for Number {
    type Error = &'static str;
    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value).ok_or("a number must be finite")
    }
}

impl From<Number> for f64 {
    fn from(number: Number) -> f64 {
        number.0
    }
}

/// The other side of an ordered comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// For a number attribute.
    Number(Number),
    /// For a version attribute.
    Version(Version),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{}", number.get()),
            Self::Version(version) => write!(f, "{version}"),
        }
    }
}

/// A regular expression that is known to compile. It matches anywhere in the text unless it is anchored.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(regex::Regex);

/// Why a text is not a pattern.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{text}` is not a regular expression that trialbook can use")]
pub struct PatternError {
    /// What was given.
    pub text: String,
    /// The message of the expression's parser.
    #[source]
    pub cause: regex::Error,
}

impl Pattern {
    /// The largest compiled size of a pattern, in bytes: what a hostile expression may cost.
    pub const SIZE_LIMIT: usize = 1 << 20;

    /// Compiles a regular expression without look-around or back-references.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let built = regex::RegexBuilder::new(text).size_limit(Self::SIZE_LIMIT).build();
        built.map(Self).map_err(|cause| PatternError { text: text.into(), cause })
    }

    /// Returns the source text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Tells whether the pattern matches somewhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl TryFrom<String> for Pattern {
    type Error = PatternError;
    fn try_from(text: String) -> Result<Self, PatternError> {
        Self::new(&text)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.as_str().to_owned()
    }
}

/// What is asked of one attribute. An attribute that is missing, null or of another type than declared
/// satisfies none of these but `Present(false)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// Equal to one of these; never empty.
    In(BTreeSet<Scalar>),
    /// At or above the bound.
    AtLeast(Bound),
    /// Strictly above the bound.
    Above(Bound),
    /// At or below the bound.
    AtMost(Bound),
    /// Strictly below the bound.
    Below(Bound),
    /// Text with this prefix.
    StartsWith(String),
    /// Text with this suffix.
    EndsWith(String),
    /// Text with this in it.
    Contains(String),
    /// Text that the pattern matches somewhere.
    Matches(Pattern),
    /// Whether there is a value of the declared type.
    Present(bool),
}

/// An audience. `All` of nothing is everybody, `Any` of nothing is nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Predicate {
    /// Every one holds.
    All(Vec<Predicate>),
    /// At least one holds.
    Any(Vec<Predicate>),
    /// It does not hold.
    Not(Box<Predicate>),
    /// The unit is in the segment.
    Segment(SegmentKey),
    /// A test of one attribute.
    Attribute(AttributeKey, Test),
}

impl Predicate {
    /// The audience of everybody.
    pub const fn everyone() -> Self {
        Self::All(Vec::new())
    }

    /// Tells whether this is written as the audience of everybody.
    pub fn is_everyone(&self) -> bool {
        matches!(self, Self::All(parts) if parts.iter().all(Self::is_everyone))
    }

    /// Calls `visit` with every test of an attribute and `segment` with every segment, in order.
    pub fn walk<'a>(
        &'a self,
        visit: &mut dyn FnMut(&'a AttributeKey, &'a Test),
        segment: &mut dyn FnMut(&'a SegmentKey),
    ) {
        // The stack is kept by hand, so that no depth overflows the program's.
        let mut todo = vec![self];
        while let Some(predicate) = todo.pop() {
            match predicate {
                Self::All(parts) | Self::Any(parts) => todo.extend(parts.iter().rev()),
                Self::Not(part) => todo.push(part),
                Self::Segment(key) => segment(key),
                Self::Attribute(key, test) => visit(key, test),
            }
        }
    }

    /// Returns the segments that are named here, not those that these name in turn.
    pub fn segments(&self) -> Vec<&SegmentKey> {
        let mut keys = Vec::new();
        self.walk(&mut |_, _| (), &mut |key| keys.push(key));
        keys
    }

    /// Returns the predicate with the parts of every `All` in an order of their own: the same for two audiences that differ
    /// only in the order of their keys. `Any` is made of lists alone, whose order is the author's.
    #[must_use]
    pub fn canonical(&self) -> Self {
        match self {
            Self::All(parts) => {
                let mut parts: Vec<Self> = parts.iter().map(Self::canonical).collect();
                // Plain data is always JSON; were it not, the order would be the written one.
                parts.sort_by_cached_key(|part| canonical_json(part).unwrap_or_default());
                Self::All(parts)
            }
            Self::Any(parts) => Self::Any(parts.iter().map(Self::canonical).collect()),
            Self::Not(part) => Self::Not(Box::new(part.canonical())),
            Self::Segment(_) | Self::Attribute(..) => self.clone(),
        }
    }

    /// Returns the predicate with every segment replaced by its audience, `None` where a segment is unknown.
    ///
    /// The segments must not form a cycle: a [`super::Book`] has none.
    pub fn inlined(&self, segments: &BTreeMap<SegmentKey, Segment>) -> Option<Predicate> {
        let all =
            |parts: &[Predicate]| parts.iter().map(|part| part.inlined(segments)).collect::<Option<Vec<_>>>();
        Some(match self {
            Self::All(parts) => Self::All(all(parts)?),
            Self::Any(parts) => Self::Any(all(parts)?),
            Self::Not(part) => Self::Not(Box::new(part.inlined(segments)?)),
            Self::Segment(key) => segments.get(key)?.audience.inlined(segments)?,
            Self::Attribute(..) => self.clone(),
        })
    }
}

/// A named audience.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its key.
    pub key: SegmentKey,
    /// What it stands for, in prose.
    pub description: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Who is in it.
    pub audience: Predicate,
}
