//! What a kind of target can express and how its evaluators hash, as data.
//!
//! Lint reads this; the targets themselves are tested against it.

use serde::{Deserialize, Serialize};

use super::{Evaluator, TargetType, Test};

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
