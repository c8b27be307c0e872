//! What a kind of target can express, how its evaluators hash, and what of the language this version carries out, as data.
//!
//! Lint reads this; the targets and the analysis themselves are tested against it.

use serde::{Deserialize, Serialize};

use super::{Backend, Evaluator, Method, MetricType, TargetType, Test, Warehouse};

/// What an evaluator hashes for a draw. The draw's text is the same for all (`PURPOSE/SALT/UNIT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HashProfile {
    /// The UTF-8 bytes of the text.
    Utf8,
    /// The UTF-16 code units of the text in place of bytes, as the JavaScript package imurmurhash does. The same as
    /// [`HashProfile::Utf8`] for ids in ASCII, and for no others.
    Utf16,
    /// The CBOR encoding of the text: a header with its length (RFC 8949, major type 3), then the UTF-8 bytes.
    CborText,
}

impl Evaluator {
    /// Returns what the evaluator hashes.
    pub const fn hash_profile(self) -> HashProfile {
        match self {
            Self::Javascript4 => HashProfile::Utf16,
            Self::Python2 => HashProfile::CborText,
        }
    }
}

impl TargetType {
    /// Returns why this kind of target cannot express a test, or `None` where it can.
    pub fn cannot_express(self, test: &Test) -> Option<&'static str> {
        match (self, test) {
            (Self::Flagd, Test::Matches(_)) => Some("flagd has no regular expressions"),
            // Not served by this version: there is nothing to be unable to do.
            (Self::Flagd | Self::Unleash, _) => None,
        }
    }
}

impl Method {
    /// Tells whether this version judges experiments by this method.
    pub const fn is_computed(self) -> bool {
        matches!(self, Self::FixedHorizon)
    }
}

impl MetricType {
    /// Returns what metrics of a type are called that this version does not compute; `None` where it does.
    pub const fn not_computed(&self) -> Option<&'static str> {
        match self {
            Self::Mean(_) | Self::Proportion(_) => None,
            Self::Ratio { .. } => Some("ratios"),
            Self::Quantile { .. } => Some("quantiles"),
        }
    }
}

impl Warehouse {
    /// Returns why this version cannot read it, or `None` where it can.
    pub const fn cannot_open(&self) -> Option<&'static str> {
        match self {
            Self::Duckdb { .. } => None,
            Self::Adbc { .. } => Some("this version reads no warehouse through ADBC"),
        }
    }
}

impl Backend {
    /// Returns why this version cannot serve from it, or `None` where it can.
    pub fn cannot_open(&self) -> Option<&'static str> {
        match self {
            Self::Flagd { store, .. } if store.starts_with("file://") => None,
            Self::Flagd { .. } => Some("this version writes no object store"),
            Self::Unleash { .. } => Some("this version serves no Unleash server"),
        }
    }
}
