//! Which buckets of a draw are in, and from when on which more.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use trialbook_model::allocation::BucketSet;
use trialbook_model::{BUCKETS, BucketRange, Salt, Share};

/// Which buckets of a draw are in: some from the beginning, and more from certain instants on. None ever leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawEnrolment", into = "RawEnrolment")]
pub struct Enrolment {
    salt: Salt,
    buckets: Vec<BucketRange>,
    grows: Vec<EnrolmentStep>,
}

/// From an instant on, these buckets are in: those of before, and more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrolmentStep {
    /// From when on, in whole seconds.
    pub at: Timestamp,
    /// The ranges in order; no two of them meet or touch.
    pub buckets: Vec<BucketRange>,
}

#[derive(Serialize, Deserialize)]
struct RawEnrolment {
    salt: Salt,
    buckets: Vec<BucketRange>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    grows: Vec<EnrolmentStep>,
}

impl Enrolment {
    /// Makes an enrolment of buckets in any order; `None` where there are none, or where two ranges meet.
    ///
    /// Ranges that touch become one.
    pub fn new(salt: Salt, buckets: Vec<BucketRange>) -> Option<Self> {
        Some(Self { salt, buckets: joined(buckets)?, grows: Vec::new() })
    }

    /// Adds steps; `None` where one is not later than the one before it, or does not hold its buckets and more.
    pub fn growing(mut self, steps: Vec<EnrolmentStep>) -> Option<Self> {
        for step in steps {
            let buckets = joined(step.buckets)?;
            let later = self.grows.last().is_none_or(|before| before.at < step.at);
            let (before, after) = (set(self.largest()), set(&buckets));
            if !later || before == after || before.union(&after) != after {
                return None;
            }
            self.grows.push(EnrolmentStep { at: step.at, buckets });
        }
        Some(self)
    }

    /// Returns what is in at an instant, and grows no more.
    pub(super) fn stopped(&self, instant: Timestamp) -> Self {
        Self { salt: self.salt.clone(), buckets: self.at(instant).to_vec(), grows: Vec::new() }
    }

    /// Returns the salt of the draw.
    pub fn salt(&self) -> &Salt {
        &self.salt
    }

    /// Returns the ranges that are in from the beginning, in order; no two of them meet or touch.
    pub fn buckets(&self) -> &[BucketRange] {
        &self.buckets
    }

    /// Returns when it grows, in order.
    pub fn grows(&self) -> &[EnrolmentStep] {
        &self.grows
    }

    /// Returns the ranges that are in at last.
    pub fn largest(&self) -> &[BucketRange] {
        self.grows.last().map_or(&self.buckets, |step| &step.buckets)
    }

    /// Returns the ranges that are in at an instant.
    pub fn at(&self, instant: Timestamp) -> &[BucketRange] {
        let step = self.grows.iter().rev().find(|step| step.at <= instant);
        step.map_or(&self.buckets, |step| &step.buckets)
    }

    /// Returns the share of all units that is in at last.
    pub fn share(&self) -> Share {
        share(self.largest())
    }

    /// Returns the share of all units that is in at an instant.
    pub fn share_at(&self, instant: Timestamp) -> Share {
        share(self.at(instant))
    }
}

/// Returns the share of all units that ranges are which do not meet.
fn share(ranges: &[BucketRange]) -> Share {
    let count: u32 = ranges.iter().map(|range| range.count()).sum();
    Share::from_ppm(count * (Share::ALL.ppm() / BUCKETS)).unwrap_or(Share::ALL)
}

/// Returns ranges as a set.
pub(super) fn set(ranges: &[BucketRange]) -> BucketSet {
    ranges.iter().copied().collect()
}

/// Returns ranges in order, those that touch as one; `None` where there are none or two meet.
fn joined(mut buckets: Vec<BucketRange>) -> Option<Vec<BucketRange>> {
    buckets.sort();
    let mut merged: Vec<BucketRange> = Vec::with_capacity(buckets.len());
    for range in buckets {
        match merged.last().copied() {
            Some(last) if last.meets(range) => return None,
            Some(last) if last.last() + 1 == range.first() => {
                merged.pop();
                merged.extend(BucketRange::new(last.first(), range.last()));
            }
            _ => merged.push(range),
        }
    }
    if merged.is_empty() { None } else { Some(merged) }
}

impl TryFrom<RawEnrolment> for Enrolment {
    type Error = &'static str;
    fn try_from(raw: RawEnrolment) -> Result<Self, Self::Error> {
        let first = Self::new(raw.salt, raw.buckets);
        let first = first.ok_or("an enrolment needs ranges of buckets that do not meet")?;
        first.growing(raw.grows).ok_or("the steps of an enrolment only grow")
    }
}

impl From<Enrolment> for RawEnrolment {
    fn from(enrolment: Enrolment) -> Self {
        Self { salt: enrolment.salt, buckets: enrolment.buckets, grows: enrolment.grows }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(texts: &[&str]) -> Vec<BucketRange> {
        texts.iter().map(|text| BucketRange::parse(text).expect("a range")).collect()
    }

    fn step(second: i64, texts: &[&str]) -> EnrolmentStep {
        EnrolmentStep { at: Timestamp::from_second(second).expect("an instant"), buckets: ranges(texts) }
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let salt = Salt::new("s").expect("a salt");
        let enrolment = Enrolment::new(salt, ranges(&["2000-2999", "0-999", "1000-1999"])).expect("disjoint");
        assert_eq!(enrolment.buckets(), ranges(&["0-2999"]));
        assert_eq!(enrolment.share().to_string(), "30%");
    }

    #[test]
    fn ranges_that_meet_and_no_ranges_are_no_enrolment() {
        let salt = Salt::new("s").expect("a salt");
        assert_eq!(Enrolment::new(salt.clone(), ranges(&["0-10", "10-20"])), None);
        assert_eq!(Enrolment::new(salt, Vec::new()), None);
    }

    #[test]
    fn an_enrolment_only_grows_and_reads_back() {
        let small = || Enrolment::new(Salt::new("s").expect("a salt"), ranges(&["0-9"])).expect("disjoint");
        let large = small().growing(vec![step(5, &["0-9", "20-29"]), step(6, &["0-39"])]).expect("a growth");
        let share = |second| large.share_at(Timestamp::from_second(second).expect("an instant")).to_string();
        assert_eq!([share(4), share(5), share(6)], ["0.1%", "0.2%", "0.4%"]);
        let json = serde_json::to_string(&large).expect("JSON");
        assert_eq!(serde_json::from_str::<Enrolment>(&json).expect("an enrolment"), large);
        for wrong in
            [vec![step(5, &["0-9"])], vec![step(5, &["1-20"])], vec![step(5, &["0-19"]), step(5, &["0-29"])]]
        {
            assert_eq!(small().growing(wrong), None);
        }
    }
}
