//! Why it could not be decided whether audiences meet.

use std::fmt;

use crate::AttributeKey;

/// The most parts of audiences that are looked at.
pub(super) const PARTS: usize = 50_000;

/// The most levels of audiences that are looked at.
pub(super) const LEVELS: usize = 1_024;

/// Why it could not be decided whether audiences meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndecidedReason {
    /// The regular expressions on this attribute ask for Unicode word boundaries (`\b`). Those are decided between ASCII
    /// characters only, and no such text is wanted by all audiences.
    Boundary(AttributeKey),
    /// The tests of this attribute make more combinations than are tried.
    Combinations(AttributeKey),
    /// The audiences have more parts than are looked at.
    Size,
    /// The audiences are nested deeper than is looked at.
    Depth,
    /// The alternatives of the audiences make more combinations than are tried.
    Alternatives,
    /// The questions before it have taken all the work that there is for them together.
    Work,
}

impl fmt::Display for UndecidedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boundary(key) => write!(
                f,
                "the regular expressions on `{key}` have word boundaries, which are decided for ASCII texts only \
                 (write `(?-u:\\b)` for a boundary of ASCII words)"
            ),
            Self::Combinations(key) => write!(f, "the tests of `{key}` have too many combinations to try"),
            Self::Size => write!(f, "the audiences have more than {PARTS} parts"),
            Self::Depth => write!(f, "the audiences are nested more than {LEVELS} levels deep"),
            Self::Work => write!(f, "the audiences before it took all the work that a flag may take"),
            Self::Alternatives => {
                write!(f, "the audiences have too many combinations of alternatives to try")
            }
        }
    }
}
