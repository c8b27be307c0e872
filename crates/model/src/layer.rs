//! Layers: hash spaces whose slots exclude each other.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Duration, EntityKey, ExperimentKey, LayerKey, Salt};

/// How many buckets a layer, and every enrolment draw, has.
pub const BUCKETS: u32 = 10_000;

/// A range of buckets, both ends included, below [`BUCKETS`]. Written `0-1999`, or `7` for one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BucketRange {
    first: u32,
    last: u32,
}

/// Why a text is not a range of buckets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a range of buckets such as `0-1999`, between 0 and 9999")]
pub struct BucketRangeError(
    /// What was given.
    pub String,
);

impl BucketRange {
    /// Makes a range of `first..=last`; `None` where it is empty or leaves the hash space.
    pub const fn new(first: u32, last: u32) -> Option<Self> {
        if first <= last && last < BUCKETS { Some(Self { first, last }) } else { None }
    }

    /// Reads `0-1999` or `7`.
    pub fn parse(text: &str) -> Result<Self, BucketRangeError> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let number = |s: &str| s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse().ok()).flatten();
        let range = number(first).zip(number(last)).and_then(|(first, last)| Self::new(first, last));
        range.ok_or_else(|| BucketRangeError(text.into()))
    }

    /// Returns the first bucket.
    pub const fn first(self) -> u32 {
        self.first
    }

    /// Returns the last bucket, which is in the range.
    pub const fn last(self) -> u32 {
        self.last
    }

    /// Returns how many buckets there are, at least 1.
    pub const fn count(self) -> u32 {
        self.last - self.first + 1
    }

    /// Tells whether a bucket is in the range.
    pub const fn contains(self, bucket: u32) -> bool {
        self.first <= bucket && bucket <= self.last
    }

    /// Tells whether two ranges share a bucket.
    pub const fn meets(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl fmt::Display for BucketRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}-{}", self.first, self.last)
        }
    }
}

impl TryFrom<String> for BucketRange {
    type Error = BucketRangeError;
    fn try_from(text: String) -> Result<Self, BucketRangeError> {
        Self::parse(&text)
    }
}

impl From<BucketRange> for String {
    fn from(range: BucketRange) -> String {
        range.to_string()
    }
}

/// What an experiment holds of a layer. An experiment may hold several slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Which buckets.
    pub buckets: BucketRange,
    /// Whose they are.
    pub experiment: ExperimentKey,
}

/// A layer: experiments in it exclude each other by their slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Its key.
    pub key: LayerKey,
    /// What it is for, in prose.
    pub description: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The unit that its draw hashes.
    pub entity: EntityKey,
    /// The salt of its draw; the key unless given.
    pub salt: Salt,
    /// How long a freed bucket rests.
    pub quarantine: Duration,
    /// Who holds what, in the order of the file.
    pub slots: Vec<Slot>,
}

impl Layer {
    /// Returns the ranges that an experiment holds, in the order of the file.
    pub fn slots_of<'a>(&'a self, experiment: &'a ExperimentKey) -> impl Iterator<Item = BucketRange> + 'a {
        self.slots.iter().filter(move |slot| slot.experiment == *experiment).map(|slot| slot.buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_reads_back_as_it_was_written() {
        for text in ["0-1999", "7", "0-9999"] {
            assert_eq!(BucketRange::parse(text).map(|r| r.to_string()).as_deref(), Ok(text));
        }
        for wrong in ["", "-", "5-4", "0-10000", "a-b", "1-2-3", "+1-2", "99999999999"] {
            assert!(BucketRange::parse(wrong).is_err(), "{wrong}");
        }
    }
}
