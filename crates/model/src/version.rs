//! Versions of an app: one to three numeric parts and an optional pre-release.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A version such as `8.10` or `8.2.0-rc.1`, ordered as SemVer 2.0 orders; a missing part is zero.
///
/// `8.2` and `8.2.0` are equal and print as they were written. Build metadata is not part of the grammar.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    text: String,
    numbers: [u64; 3],
    pre: Vec<Identifier>,
}

/// One dot-separated part of a pre-release; numbers sort before words (SemVer 2.0, item 11).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

/// Why a text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version such as `8`, `8.10` or `8.2.0-rc.1`")]
pub struct VersionError(
    /// What was given.
    pub String,
);

impl Version {
    /// The longest text that is a version, in bytes; evaluators read no longer one (npm's semver stops at 256).
    const LONGEST: usize = 128;

    /// Reads a version from its source text, so `8.10` is not the number 8.1.
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        Self::parts(text).ok_or_else(|| VersionError(text.into()))
    }

    fn parts(text: &str) -> Option<Self> {
        if text.len() > Self::LONGEST {
            return None;
        }
        let (core, pre) = match text.split_once('-') {
            Some((core, pre)) => (core, Some(pre)),
            None => (text, None),
        };
        let mut numbers = [0; 3];
        let mut slots = numbers.iter_mut();
        for part in core.split('.') {
            *slots.next()? = number(part)?;
        }
        let pre = match pre {
            None => Vec::new(),
            Some(pre) => pre.split('.').map(identifier).collect::<Option<_>>()?,
        };
        Some(Self { text: text.into(), numbers, pre })
    }

    /// Returns the text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the three-part form, `8.10` as `8.10.0`.
    pub fn normalised(&self) -> String {
        let [major, minor, patch] = self.numbers;
        match self.text.split_once('-') {
            Some((_, pre)) => format!("{major}.{minor}.{patch}-{pre}"),
            None => format!("{major}.{minor}.{patch}"),
        }
    }
}

/// Digits without a leading zero (SemVer 2.0, item 2), below 2^53 so that every evaluator reads the same number.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|n| plain && *n < (1 << 53))
}

fn identifier(text: &str) -> Option<Identifier> {
    let legal = !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !legal {
        return None;
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return number(text).map(Identifier::Number);
    }
    Some(Identifier::Word(text.into()))
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.pre.cmp(&other.pre),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Version {
    type Error = VersionError;
    fn try_from(text: String) -> Result<Self, VersionError> {
        Self::parse(&text)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_order_as_semver_orders() {
        let ordered = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.9",
            "1.10",
            "2",
        ];
        let versions: Vec<_> = ordered.iter().map(|v| Version::parse(v).expect("a version")).collect();
        assert!(versions.is_sorted_by(|a, b| a < b));
        assert_eq!(Version::parse("8.2"), Version::parse("8.2.0"));
    }

    #[test]
    fn what_is_not_a_version_is_refused() {
        for wrong in [
            "",
            "v1",
            "1.",
            ".1",
            "1.2.3.4",
            "01.2",
            "1.2-",
            "1.2-a..b",
            "1.2-01",
            "1,2",
            "1.2+b",
            "9007199254740993",
        ] {
            assert!(Version::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Version::parse(&format!("1.2.3-{}", "a".repeat(122))).is_ok());
        assert!(Version::parse(&format!("1.2.3-{}", "a".repeat(123))).is_err());
    }
}
