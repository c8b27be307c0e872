//! Sets of buckets.

use std::fmt;

use crate::{BUCKETS, BucketRange};

/// A set of buckets, as ranges that are sorted and neither meet nor touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BucketSet {
    ranges: Vec<BucketRange>,
}

impl BucketSet {
    /// The set of no bucket.
    pub const EMPTY: Self = Self { ranges: Vec::new() };

    /// Returns the first buckets, at most [`BUCKETS`].
    pub fn first(count: u32) -> Self {
        count.min(BUCKETS).checked_sub(1).and_then(|last| BucketRange::new(0, last)).into_iter().collect()
    }

    /// Returns every bucket.
    pub fn all() -> Self {
        Self::first(BUCKETS)
    }

    /// Returns the ranges, sorted, neither meeting nor touching.
    pub fn ranges(&self) -> &[BucketRange] {
        &self.ranges
    }

    /// Returns how many buckets there are.
    pub fn count(&self) -> u32 {
        self.ranges.iter().map(|range| range.count()).sum()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Tells whether a bucket is in the set.
    pub fn contains(&self, bucket: u32) -> bool {
        let after = self.ranges.partition_point(|range| range.first() <= bucket);
        after.checked_sub(1).and_then(|at| self.ranges.get(at)).is_some_and(|range| range.contains(bucket))
    }

    /// Returns the buckets of both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.ranges.iter().chain(&other.ranges).copied().collect()
    }

    /// Returns the buckets that are not in the set.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut ranges = Vec::new();
        let mut next = 0;
        for range in &self.ranges {
            ranges.extend(range.first().checked_sub(1).and_then(|last| BucketRange::new(next, last)));
            next = range.last() + 1;
        }
        ranges.extend(BucketRange::new(next, BUCKETS - 1));
        Self { ranges }
    }

    /// Returns the buckets that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let (mut left, mut right) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            ranges.extend(BucketRange::new(a.first().max(b.first()), a.last().min(b.last())));
            if a.last() < b.last() {
                left.next()
            } else {
                right.next()
            };
        }
        Self { ranges }
    }

    /// Returns the lowest buckets of the set, at most so many.
    #[must_use]
    pub fn take_first(&self, count: u32) -> Self {
        let mut left = count;
        let mut ranges = Vec::new();
        for range in &self.ranges {
            let Some(more) = left.min(range.count()).checked_sub(1) else { break };
            ranges.extend(BucketRange::new(range.first(), range.first() + more));
            left -= more + 1;
        }
        Self { ranges }
    }

    /// Returns the buckets that are here and not there.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.intersection(&other.complement())
    }
}

impl fmt::Display for BucketSet {
    /// Writes `buckets 0-1999 and 2500-2999`, or `bucket 7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.count() == 1 { "bucket " } else { "buckets " })?;
        for (at, range) in self.ranges.iter().enumerate() {
            let separator = match at {
                0 => "",
                _ if at + 1 == self.ranges.len() => " and ",
                _ => ", ",
            };
            write!(f, "{separator}{range}")?;
        }
        if self.is_empty() { f.write_str("none") } else { Ok(()) }
    }
}

impl FromIterator<BucketRange> for BucketSet {
    /// Joins ranges, which may meet, touch and repeat, in any order.
    fn from_iter<I: IntoIterator<Item = BucketRange>>(ranges: I) -> Self {
        let mut sorted: Vec<_> = ranges.into_iter().collect();
        sorted.sort_unstable();
        let mut joined: Vec<BucketRange> = Vec::with_capacity(sorted.len());
        for range in sorted {
            let touching = joined.last_mut().filter(|last| range.first() <= last.last() + 1);
            match touching {
                Some(last) => {
                    let whole = BucketRange::new(last.first(), last.last().max(range.last()));
                    *last = whole.unwrap_or(*last);
                }
                None => joined.push(range),
            }
        }
        Self { ranges: joined }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(texts: &[&str]) -> BucketSet {
        texts.iter().map(|text| BucketRange::parse(text).expect("a range")).collect()
    }

    #[test]
    fn ranges_that_meet_or_touch_are_joined() {
        assert_eq!(set(&["5-9", "0-4", "7", "20-30"]), set(&["0-9", "20-30"]));
        assert_eq!(set(&["0-9", "2-3"]).count(), 10);
        assert_eq!(BucketSet::first(0), BucketSet::EMPTY);
        assert_eq!(BucketSet::all().complement(), BucketSet::EMPTY);
        assert_eq!(BucketSet::EMPTY.complement(), BucketSet::all());
    }

    fn sets() -> impl Strategy<Value = BucketSet> {
        let range = (0..BUCKETS, 0..400u32).prop_filter_map("a range", |(first, more)| {
            BucketRange::new(first, (first + more).min(BUCKETS - 1))
        });
        proptest::collection::vec(range, 0..12).prop_map(|ranges| ranges.into_iter().collect())
    }

    proptest! {
        #[test]
        fn operations_agree_with_membership(a in sets(), b in sets(), bucket in 0..BUCKETS) {
            let (in_a, in_b) = (a.contains(bucket), b.contains(bucket));
            prop_assert_eq!(a.union(&b).contains(bucket), in_a || in_b);
            prop_assert_eq!(a.intersection(&b).contains(bucket), in_a && in_b);
            prop_assert_eq!(a.difference(&b).contains(bucket), in_a && !in_b);
            prop_assert_eq!(a.complement().contains(bucket), !in_a);
        }

        #[test]
        fn the_first_buckets_are_the_lowest(a in sets(), count in 0..BUCKETS) {
            let first = a.take_first(count);
            prop_assert_eq!(first.count(), count.min(a.count()));
            prop_assert_eq!(first.union(&a), a.clone());
            let rest = a.difference(&first);
            let (last, next) = (first.ranges().last(), rest.ranges().first());
            prop_assert!(last.zip(next).is_none_or(|(last, next)| last.last() < next.first()));
        }

        #[test]
        fn counts_add_up(a in sets(), b in sets()) {
            prop_assert_eq!(a.union(&b).count() + a.intersection(&b).count(), a.count() + b.count());
            prop_assert_eq!(a.count() + a.complement().count(), BUCKETS);
            prop_assert_eq!(a.union(&b), b.union(&a));
        }
    }
}
