//! Versions of an app: numeric parts, an optional pre-release, and build metadata that no comparison reads.

use std::cmp::Ordering;
use std::fmt;

use serde::{Deserialize, Serialize};

/// A version such as `8.10` or `8.2.0-rc.1+57`, ordered as SemVer 2.0 orders; a missing part is zero.
///
/// `8.2` and `8.2.0` are equal and print as they were written; so are `8.2.0` and `8.2.0+57`, because build metadata has no
/// place in the order (SemVer 2.0, item 10). A version that was read [leniently](Self::parse_lenient) may have a fourth
/// number, which orders after the third.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version {
    text: String,
    numbers: [u64; 4],
    pre: Vec<Identifier>,
}

/// One dot-separated part of a pre-release; numbers sort before words (SemVer 2.0, item 11).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    /// A number of 2^53 or more, by how many digits it has and what they are. Evaluators compare one rightly with a smaller
    /// number, and not always with another such: npm's semver reads both as doubles.
    Large(usize, String),
    Word(String),
}

/// Why a text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a version such as `8`, `8.10`, `8.2.0-rc.1` or `8.2.0+57`")]
pub struct VersionError(
    /// What was given.
    pub String,
);

impl Version {
    /// The longest text that is a version, in bytes; evaluators read no longer one (npm's semver stops at 256).
    pub const LONGEST: usize = 128;

    /// Reads a version from its source text, so `8.10` is not the number 8.1.
    ///
    /// # Errors
    ///
    /// Where the text is not one to three numbers, perhaps a pre-release and perhaps build metadata, or is longer than
    /// [`Self::LONGEST`].
    pub fn parse(text: &str) -> Result<Self, VersionError> {
        Self::parts(text, text, 3).ok_or_else(|| VersionError(text.into()))
    }

    /// Reads a version that may have a leading `v` and a fourth number: `v1.2.3`, `10.0.19045.4046`.
    ///
    /// # Errors
    ///
    /// Where the text without a leading `v` or `V` is not one to four numbers with the rest that [`Self::parse`] reads.
    pub fn parse_lenient(text: &str) -> Result<Self, VersionError> {
        let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
        Self::parts(text, bare, 4).ok_or_else(|| VersionError(text.into()))
    }

    fn parts(text: &str, bare: &str, most: usize) -> Option<Self> {
        if text.len() > Self::LONGEST {
            return None;
        }
        let (version, build) = match bare.split_once('+') {
            Some((version, build)) => (version, Some(build)),
            None => (bare, None),
        };
        let (core, pre) = match version.split_once('-') {
            Some((core, pre)) => (core, Some(pre)),
            None => (version, None),
        };
        let mut numbers = [0; 4];
        let mut slots = numbers.iter_mut().take(most);
        for part in core.split('.') {
            *slots.next()? = number(part)?;
        }
        let pre = match pre {
            None => Vec::new(),
            Some(pre) => pre.split('.').map(identifier).collect::<Option<_>>()?,
        };
        build.is_none_or(|build| build.split('.').all(is_identifier)).then(|| Self {
            text: text.into(),
            numbers,
            pre,
        })
    }

    /// Returns the text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the numbers, of which those that were not written are zero; each is below 2^53.
    pub const fn numbers(&self) -> [u64; 4] {
        self.numbers
    }

    /// Tells whether every number in it is below 2^53. Evaluators agree on a comparison with such a version, whatever the
    /// other is, so what a book compares with must be one.
    pub fn is_exact(&self) -> bool {
        !self.pre.iter().any(|identifier| matches!(identifier, Identifier::Large(..)))
    }

    /// Tells whether it comes before the release of its numbers.
    pub fn is_pre_release(&self) -> bool {
        !self.pre.is_empty()
    }

    /// Returns the text that all equal versions share: `8.10+57` as `8.10.0`, a fourth number only where it is not zero.
    pub fn normalised(&self) -> String {
        let [major, minor, patch, fourth] = self.numbers;
        let fourth = if fourth == 0 { String::new() } else { format!(".{fourth}") };
        let hyphen = if self.pre.is_empty() { "" } else { "-" };
        format!("{major}.{minor}.{patch}{fourth}{hyphen}{}", self.pre_release())
    }

    /// Returns the identifiers of the pre-release with dots between them; empty for a release.
    pub fn pre_release(&self) -> String {
        let identifiers: Vec<String> = self.pre.iter().map(ToString::to_string).collect();
        identifiers.join(".")
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Large(_, text) | Self::Word(text) => f.write_str(text),
        }
    }
}

/// Digits without a leading zero (SemVer 2.0, item 2), below 2^53 so that every evaluator reads the same number.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|n| is_number(text) && *n < (1 << 53))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
}

fn identifier(text: &str) -> Option<Identifier> {
    if !is_identifier(text) {
        return None;
    }
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Identifier::Word(text.into()));
    }
    let large = || is_number(text).then(|| Identifier::Large(text.len(), text.into()));
    number(text).map(Identifier::Number).or_else(large)
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
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
    /// A stored version was read before, by its attribute's declaration, so what the wider grammar reads is one.
    fn try_from(text: String) -> Result<Self, VersionError> {
        Self::parse_lenient(&text)
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
    fn build_metadata_has_no_place_in_the_order() {
        let version = |text| Version::parse(text).expect("a version");
        for (one, other) in
            [("1.18.1+57", "1.18.1"), ("1.18+a-b.007", "1.18.0+x"), ("1-rc.1+5", "1.0.0-rc.1")]
        {
            assert_eq!(version(one), version(other));
            assert_eq!(version(one).normalised(), version(other).normalised());
        }
        assert!(version("1.18.1-rc.1+99") < version("1.18.1+1"));
        assert_eq!(version("1.18.1+57").to_string(), "1.18.1+57");
    }

    #[test]
    fn a_number_of_a_pre_release_may_be_of_any_size() {
        let ordered = [
            "1.2.3-9007199254740991",
            "1.2.3-9007199254740992",
            "1.2.3-9007199254740993",
            "1.2.3-9007199254740993.1",
            "1.2.3-20261127120000000",
            "1.2.3-100000000000000000000000000000",
            "1.2.3-a",
        ];
        let versions: Vec<_> = ordered.iter().map(|text| Version::parse(text).expect("a version")).collect();
        assert!(versions.is_sorted_by(|a, b| a < b));
        let exact: Vec<bool> = versions.iter().map(Version::is_exact).collect();
        assert_eq!(exact, [true, false, false, false, false, false, true]);
        assert_eq!(versions.last().map(Version::pre_release).as_deref(), Some("a"));
        assert_eq!(
            Version::parse("1.2-20261127120000000").expect("a version").normalised(),
            "1.2.0-20261127120000000"
        );
        assert!(Version::parse("1.2.3-09007199254740993").is_err());
    }

    #[test]
    fn a_lenient_version_may_have_a_v_and_a_fourth_number() {
        let lenient = |text| Version::parse_lenient(text).expect("a version");
        assert_eq!(lenient("v1.2.3"), lenient("1.2.3.0"));
        assert_eq!(lenient("V1.2.3.4+5").normalised(), "1.2.3.4");
        let ordered = ["1.2.3-rc.1", "v1.2.3", "1.2.3.1-a", "1.2.3.1-b", "1.2.3.1", "1.2.3.10", "1.2.4-0"];
        assert!(ordered.map(lenient).is_sorted_by(|a, b| a < b));
        for wrong in ["", "v", "vv1", "1.2.3.4.5", "v 1", "1.2.3.", "1.2.3.x", "1.2.3.04", "v1.2.3.4-"] {
            assert!(Version::parse_lenient(wrong).is_err(), "{wrong}");
        }
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
            "1.2+",
            "1.2+a..b",
            "1.2+a+b",
            "1.2.3+57 ",
            "9007199254740993",
        ] {
            assert!(Version::parse(wrong).is_err(), "{wrong}");
        }
        assert!(Version::parse(&format!("1.2.3-{}", "a".repeat(122))).is_ok());
        assert!(Version::parse(&format!("1.2.3-{}", "a".repeat(123))).is_err());
    }
}
