//! The evaluation context: typed attributes and the entities that are randomised.

use serde::{Deserialize, Serialize};

use super::{AttributeKey, ColumnName, EntityKey, Scalar, Share, Traffic, Version};

/// The type of an attribute. A value of another type counts as missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttributeType {
    /// Unicode text.
    String,
    /// A finite 64-bit floating-point number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// Text that reads as a [`super::Version`].
    Version,
    /// Text that [`super::Version::parse_lenient`] reads: a leading `v` and a fourth number are allowed.
    LenientVersion,
}

impl AttributeType {
    /// Returns the word for a value of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Version | Self::LenientVersion => "version",
        }
    }

    /// Returns the version that a text is to an attribute of this type; `None` where it is none, or the type is no kind of
    /// version.
    pub fn version(self, text: &str) -> Option<Version> {
        match self {
            Self::Version => Version::parse(text).ok(),
            Self::LenientVersion => Version::parse_lenient(text).ok(),
            Self::String | Self::Number | Self::Boolean => None,
        }
    }
}

/// An attribute of the evaluation context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its name in the context.
    pub key: AttributeKey,
    /// The type that makes a value count.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// Whether a unit keeps its value for as long as a test may run.
    pub stable: bool,
    /// The values that occur, each with its share of traffic where that is declared. Empty: any value.
    pub values: Vec<(Scalar, Option<Share>)>,
    /// The least number that occurs.
    pub min: Option<f64>,
    /// The greatest number that occurs.
    pub max: Option<f64>,
}

impl Attribute {
    /// Tells whether a value is among those that are declared to occur.
    pub fn declares(&self, value: &Scalar) -> bool {
        let within = match value {
            Scalar::Number(number) => {
                self.min.is_none_or(|min| min <= number.get())
                    && self.max.is_none_or(|max| number.get() <= max)
            }
            _ => true,
        };
        within && (self.values.is_empty() || self.values.iter().any(|(known, _)| known == value))
    }
}

/// A unit of randomisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Its name in the book.
    pub key: EntityKey,
    /// The warehouse column that holds its id, where a source declares no other.
    pub column: ColumnName,
    /// The context attribute that holds its id; `None` for the context's targeting key.
    pub context: Option<AttributeKey>,
    /// How many of it are seen in the whole product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
}
