//! Keys: identities that cannot be mixed.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct KeyError {
    /// What was given.
    pub text: String,
    /// What the grammar of this kind of key is, as a phrase that follows "is not".
    pub expected: &'static str,
}

/// `[a-z0-9][a-z0-9-]{0,62}`: the stem of a file.
fn is_key(text: &str) -> bool {
    let rest = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    text.len() <= 63 && text.bytes().all(rest) && text.bytes().next().is_some_and(|c| c != b'-')
}

/// `[A-Za-z0-9][A-Za-z0-9_-]{0,62}`: no dot, so that `EXPERIMENT.VARIANT` splits in one way only.
fn is_variant(text: &str) -> bool {
    let rest = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    text.len() <= 63
        && text.bytes().all(rest)
        && text.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric())
}

/// `[A-Za-z_][A-Za-z0-9_-]{0,62}`: no dot, which many evaluators read as a path.
fn is_name(text: &str) -> bool {
    let rest = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    text.len() <= 63
        && text.bytes().all(rest)
        && text.bytes().next().is_some_and(|c| c.is_ascii_alphabetic() || c == b'_')
}

/// A column's name: anything printable that a quoted SQL identifier can carry.
fn is_column(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && !text.chars().any(char::is_control)
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident: $check:ident, $expected:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            #[doc = concat!("Reads the text as ", $expected, ".")]
            pub fn new(text: impl AsRef<str>) -> Result<Self, KeyError> {
                let text = text.as_ref();
                if $check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(KeyError { text: text.into(), expected: $expected })
                }
            }

            /// Returns the text of the key.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the text of the key, shared.
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = KeyError;
            fn try_from(text: String) -> Result<Self, KeyError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(key: $name) -> String {
                key.0.as_ref().to_owned()
            }
        }

        impl std::str::FromStr for $name {
            type Err = KeyError;
            fn from_str(text: &str) -> Result<Self, KeyError> {
                Self::new(text)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

keys! {
    /// A flag: the stem of `KEY.flag.yaml`.
    FlagKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// An experiment: the stem of `KEY.experiment.yaml`.
    ExperimentKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// A rollout: the stem of `KEY.rollout.yaml`.
    RolloutKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// A holdout: the stem of `KEY.holdout.yaml`.
    HoldoutKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// A layer: the stem of `KEY.layer.yaml`.
    LayerKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// A segment: the stem of `KEY.segment.yaml`.
    SegmentKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// A metric: the stem of `KEY.metric.yaml`.
    MetricKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// A source: the stem of `KEY.source.yaml`.
    SourceKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// A surface of the product, declared in `trialbook.yaml`.
    SurfaceKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// A target, declared in `trialbook.yaml`.
    TargetKey: is_key, "a key (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// The salt of a draw. It has the grammar of a key, so that no salt runs into a unit's id.
    Salt: is_key, "a salt (lower-case letters, digits and `-`, at most 63, not starting with `-`)";
    /// A variant of a flag.
    VariantKey: is_variant, "a variant key (letters, digits, `-` and `_`, at most 63, starting with a letter or a digit)";
    /// An attribute of the evaluation context, or the context attribute that holds an entity's id.
    AttributeKey: is_name, "an attribute name (letters, digits, `-` and `_`, at most 63, starting with a letter or `_`)";
    /// An entity: a unit of randomisation.
    EntityKey: is_name, "an entity name (letters, digits, `-` and `_`, at most 63, starting with a letter or `_`)";
    /// A measure of a source.
    MeasureKey: is_name, "a measure name (letters, digits, `-` and `_`, at most 63, starting with a letter or `_`)";
    /// A dimension of an exposure source.
    DimensionKey: is_name, "a dimension name (letters, digits, `-` and `_`, at most 63, starting with a letter or `_`)";
    /// A column of a warehouse table. Always quoted in SQL.
    ColumnName: is_column, "a column name (1 to 255 characters, none of them a control character)";
}

/// The name of an entry that a target serves: a plain variant, or an experiment's arm.
///
/// Neither part may hold a dot, so the text form `EXPERIMENT.VARIANT` is unambiguous.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ServedName {
    /// Served by a rule or by the default.
    Plain(VariantKey),
    /// Served by an experiment.
    Arm(ExperimentKey, VariantKey),
}

impl ServedName {
    /// Returns the variant whose value is served.
    pub fn variant(&self) -> &VariantKey {
        match self {
            Self::Plain(variant) | Self::Arm(_, variant) => variant,
        }
    }

    /// Returns the experiment that served it, where one did.
    pub fn experiment(&self) -> Option<&ExperimentKey> {
        match self {
            Self::Plain(_) => None,
            Self::Arm(experiment, _) => Some(experiment),
        }
    }
}

impl fmt::Display for ServedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(variant) => write!(f, "{variant}"),
            Self::Arm(experiment, variant) => write!(f, "{experiment}.{variant}"),
        }
    }
}

impl TryFrom<String> for ServedName {
    type Error = KeyError;
    fn try_from(text: String) -> Result<Self, KeyError> {
        match text.split_once('.') {
            None => Ok(Self::Plain(VariantKey::new(text)?)),
            Some((experiment, variant)) => {
                Ok(Self::Arm(ExperimentKey::new(experiment)?, VariantKey::new(variant)?))
            }
        }
    }
}

impl From<ServedName> for String {
    fn from(name: ServedName) -> String {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_lower_case_and_short() {
        assert!(FlagKey::new("checkout-button").is_ok());
        assert!(FlagKey::new("0").is_ok());
        for wrong in ["", "-a", "A", "a_b", "a.b", "ä", &"a".repeat(64)] {
            assert!(FlagKey::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_served_name_reads_back_as_it_was_written() {
        for text in ["plain", "bold-checkout-button.bold", "e.on"] {
            assert_eq!(ServedName::try_from(text.to_owned()).map(String::from).as_deref(), Ok(text));
        }
        assert!(ServedName::try_from("a.b.c".to_owned()).is_err());
    }
}
