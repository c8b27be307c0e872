//! What a kind of target can express, how its evaluators hash, and what of the language this version carries out, as data.
//!
//! Lint reads this; the targets and the analysis themselves are tested against it.

use serde::{Deserialize, Serialize};

use super::{AttributeType, Book, Evaluator, Granularity, Metric, TargetType, Test};

/// What an evaluator hashes for a draw, and how it comes from the hash to a bucket.
///
/// The text is `PURPOSE/SALT/UNIT` for flagd's evaluators and `PURPOSE/SALT:UNIT` for Unleash's clients: these put a colon
/// between the group of a strategy and the unit.
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
    /// The UTF-8 bytes of the text, as the engine of Unleash's clients does (yggdrasil).
    Unleash,
    /// The low byte of each UTF-16 code unit of the text, as the JavaScript package murmurhash3js does. The same as
    /// [`HashProfile::Unleash`] for ids in ASCII, and for no others.
    UnleashUtf16,
}

impl HashProfile {
    /// Tells whether it is that of Unleash's clients: they draw enrolments in whole percents and arms in parts of a
    /// thousand, and the arms of an experiment with the text that enrols its units.
    pub const fn is_unleash(self) -> bool {
        matches!(self, Self::Unleash | Self::UnleashUtf16)
    }
}

impl Evaluator {
    /// Returns what the evaluator hashes.
    pub const fn hash_profile(self) -> HashProfile {
        match self {
            Self::Javascript4 => HashProfile::Utf16,
            Self::Python2 => HashProfile::CborText,
            Self::UnleashNode6 => HashProfile::UnleashUtf16,
            Self::UnleashPython6 => HashProfile::Unleash,
        }
    }
}

impl TargetType {
    /// Returns why this kind of target cannot express a test, or `None` where it can.
    pub fn cannot_express(self, kind: AttributeType, test: &Test) -> Option<&'static str> {
        match (self, kind, test) {
            (Self::Flagd, _, Test::Matches(_)) => Some("flagd has no regular expressions"),
            (Self::Unleash, _, Test::Matches(_)) => {
                Some("Unleash's clients match regular expressions in different ways")
            }
            (Self::Unleash, AttributeType::String, Test::Present(_)) => {
                Some("Unleash cannot ask whether a text is there")
            }
            (Self::Unleash, AttributeType::LenientVersion, _) => {
                Some("Unleash compares strict semantic versions only")
            }
            (Self::Flagd | Self::Unleash, _, _) => None,
        }
    }
}

impl TargetType {
    /// Returns how many bytes clients of this kind of target take at once unless they are set up for more; `None` where nothing
    /// limits them.
    ///
    /// flagd and its providers get all flags in one message of gRPC, which has at most 4 MiB by default (grpc-go,
    /// `defaultClientMaxReceiveMessageSize`, read 2026-11).
    pub const fn largest_sync(self) -> Option<usize> {
        match self {
            Self::Flagd => Some(4 << 20),
            _ => None,
        }
    }
}

impl Book {
    /// Returns what metrics like one are called that this version does not compute; `None` where it does.
    pub fn not_computed(&self, metric: &Metric) -> Option<&'static str> {
        let sources = metric.kind.measurements().filter_map(|part| self.sources.get(&part.source));
        let days = sources.filter(|source| source.granularity == Granularity::Day);
        let mut zones = days.map(|source| source.timezone.as_ref().unwrap_or(&self.timezone));
        let first = zones.next()?;
        zones.any(|zone| zone != first).then_some("ratios of days of two time zones")
    }
}
