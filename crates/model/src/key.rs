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

/// Printable text of at most so many characters, without blanks around it.
fn is_printable(text: &str, most: usize) -> bool {
    let printable = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    // JavaScript takes a member of this name for an object's prototype, whatever the object.
    !text.is_empty()
        && text != "__proto__"
        && text.trim() == text
        && text.chars().all(printable)
        && text.chars().count() <= most
}

/// What clients ask for: a file's stem has fewer characters (see [`FlagKey::is_stem`]), a key in the file may be any text.
fn is_flag(text: &str) -> bool {
    is_printable(text, 100)
}

/// What a flag file that exists calls its variants: `10%`, `1x`, `on/off`.
fn is_variant(text: &str) -> bool {
    is_printable(text, 64)
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
    /// A flag, by the key that clients ask for: the stem of `KEY.flag.yaml`, or what that file gives as `key`.
    FlagKey: is_flag, "a flag's key (1 to 100 printable characters, without blanks around them)";
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
    VariantKey: is_variant, "a variant key (1 to 64 printable characters, without blanks around them)";
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

impl FlagKey {
    /// Tells whether a text can be the stem of a flag's file and so its key: `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`.
    pub fn is_stem(text: &str) -> bool {
        let rest = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        text.len() <= 100
            && text.bytes().all(rest)
            && text.bytes().next().is_some_and(|c| c.is_ascii_alphanumeric())
    }
}

/// The name of an entry that a target serves: a plain variant, or an experiment's arm.
///
/// An arm is `EXPERIMENT.VARIANT` and is split at the first dot, which an experiment's key does not have. A plain variant with
/// a dot may read like an arm of an experiment that there is not: a book refuses the variant where there is one. So two names are
/// equal where their texts are, and who knows the experiments [settles](Self::among) which it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
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

impl ServedName {
    /// Returns the name as it is where only these experiments are served: what reads like an arm of another one is plain.
    #[must_use]
    pub fn among(self, is_served: impl Fn(&ExperimentKey) -> bool) -> Self {
        match &self {
            Self::Arm(experiment, _) if !is_served(experiment) => {
                VariantKey::new(self.to_string()).map_or(self, Self::Plain)
            }
            _ => self,
        }
    }

    /// Returns the text before the first dot and the text after it: what names are compared by, those without a dot first.
    fn parts(&self) -> (bool, &str, &str) {
        match self {
            Self::Plain(variant) => match variant.as_str().split_once('.') {
                Some((before, after)) => (true, before, after),
                None => (false, variant.as_str(), ""),
            },
            Self::Arm(experiment, variant) => (true, experiment.as_str(), variant.as_str()),
        }
    }
}

impl PartialEq for ServedName {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for ServedName {}

impl PartialOrd for ServedName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ServedName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl std::hash::Hash for ServedName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
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
        if let Some((experiment, variant)) = text.split_once('.')
            && let (Ok(experiment), Ok(variant)) = (ExperimentKey::new(experiment), VariantKey::new(variant))
        {
            return Ok(Self::Arm(experiment, variant));
        }
        Ok(Self::Plain(VariantKey::new(text)?))
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
        assert!(ExperimentKey::new("checkout-button").is_ok());
        assert!(ExperimentKey::new("0").is_ok());
        for wrong in ["", "-a", "A", "a_b", "a.b", "ä", &"a".repeat(64)] {
            assert!(ExperimentKey::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_and_variants_are_called_what_clients_call_them() {
        for key in ["adFailure", "email_memory.leak", "a/b", "a:b", "a b", "Ä", &"a".repeat(100)] {
            assert!(FlagKey::new(key).is_ok(), "{key}");
        }
        for key in ["", " a", "a ", "a\nb", "a\u{7f}", "__proto__", &"a".repeat(101)] {
            assert!(FlagKey::new(key).is_err(), "{key}");
        }
        for key in ["10%", "1x", "10sec", "on/off", "1.5x", "été", "\"", &"ä".repeat(64)] {
            assert!(VariantKey::new(key).is_ok(), "{key}");
        }
        for key in ["", "\u{1}", "a\u{85}", &"ä".repeat(65)] {
            assert!(VariantKey::new(key).is_err(), "{key}");
        }
        for stem in ["adFailure", "email_memory.leak", "0"] {
            assert!(FlagKey::is_stem(stem), "{stem}");
        }
        for stem in ["", ".a", "-a", "a/b", "a b", "ä", &"a".repeat(101)] {
            assert!(!FlagKey::is_stem(stem), "{stem}");
        }
    }

    #[test]
    fn a_served_name_reads_back_as_it_was_written() {
        for text in ["plain", "bold-checkout-button.bold", "e.on", "10%", "1.5x", "e.1.5x", "A.b", "été.x"]
        {
            assert_eq!(ServedName::try_from(text.to_owned()).map(String::from).as_deref(), Ok(text));
        }
        assert!(ServedName::try_from("a\nb".to_owned()).is_err());
    }

    #[test]
    fn a_plain_variant_with_a_dot_is_no_arm_of_an_experiment_that_there_is_not() {
        let read = ServedName::try_from("1.5x".to_owned()).expect("a name");
        let plain = ServedName::Plain(VariantKey::new("1.5x").expect("a key"));
        assert_eq!(read, plain);
        assert_eq!(read.clone().among(|_| false).experiment(), None);
        assert_eq!(read.among(|key| key.as_str() == "1").variant().as_str(), "5x");
        let arm = ServedName::try_from("e.v.1".to_owned()).expect("a name");
        assert_eq!((arm.experiment().map(ExperimentKey::as_str), arm.variant().as_str()), (Some("e"), "v.1"));
    }
}
