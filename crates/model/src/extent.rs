//! How large an audience is once its segments are put in.

use super::{Predicate, SegmentKey, Test};

/// The size of an audience with its segments, theirs and so on in place of their names.
///
/// Segments that name others twice double with every step, so a short book can describe an audience that no machine holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// How many parts there are, the values of sets counted one by one.
    pub parts: u64,
    /// How deep they are nested.
    pub depth: u32,
}

impl Extent {
    /// The most that an audience of a book may have.
    pub const LIMIT: Extent = Extent { parts: 1_000_000, depth: 1_000 };

    /// Returns the extent of an audience, given that of each segment it names.
    pub fn of(predicate: &Predicate, segment: &dyn Fn(&SegmentKey) -> Extent) -> Self {
        let inner = match predicate {
            Predicate::All(parts) | Predicate::Any(parts) => {
                parts.iter().map(|part| Self::of(part, segment)).fold(Self::default(), Self::beside)
            }
            Predicate::Not(part) => Self::of(part, segment),
            Predicate::Segment(key) => segment(key),
            Predicate::Attribute(_, Test::In(values)) => Self { parts: values.len() as u64, depth: 0 },
            Predicate::Attribute(..) => Self::default(),
        };
        Self { parts: inner.parts.saturating_add(1), depth: inner.depth.saturating_add(1) }
    }

    fn beside(self, other: Self) -> Self {
        Self { parts: self.parts.saturating_add(other.parts), depth: self.depth.max(other.depth) }
    }

    /// Returns what is wrong with it, as a fragment; `None` where it is within [`Extent::LIMIT`].
    pub fn problem(self) -> Option<String> {
        if self.parts > Self::LIMIT.parts {
            Some(format!("its audience has more than {} parts, segments included", Self::LIMIT.parts))
        } else if self.depth > Self::LIMIT.depth {
            Some(format!("its audience is nested more than {} deep, segments included", Self::LIMIT.depth))
        } else {
            None
        }
    }
}
