//! Buckets that are served over time: a window, and sets that only grow.

use jiff::Timestamp;

use super::BucketSet;
use crate::Schedule;

/// Which buckets are served when: sets that only grow, from the window's start until its end.
///
/// The first set counts from the window's start on; each later one is larger, and comes within the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Growth {
    window: Schedule,
    steps: Vec<(Timestamp, BucketSet)>,
}

impl Growth {
    /// Makes the growth of steps in the order of their instants; `None` where no bucket is served within the window.
    ///
    /// What is served at the window's start is the last step that has been taken by then; where none has, the window
    /// begins with the first. A step that adds no bucket is left out, and one that would take some away keeps them.
    pub fn new(window: Schedule, steps: impl IntoIterator<Item = (Timestamp, BucketSet)>) -> Option<Self> {
        let mut kept: Vec<(Timestamp, BucketSet)> = Vec::new();
        for (at, buckets) in steps {
            if at >= window.end() {
                break;
            }
            let at = at.max(window.start());
            let all = kept.last().map_or_else(|| buckets.clone(), |(_, before)| before.union(&buckets));
            match kept.last_mut() {
                Some((_, before)) if *before == all => {}
                Some(last) if last.0 == at => last.1 = all,
                None if all.is_empty() => {}
                _ => kept.push((at, all)),
            }
        }
        let window = Schedule::new(kept.first()?.0, window.end()).ok()?;
        Some(Self { window, steps: kept })
    }

    /// Returns when anything is served.
    pub fn window(&self) -> Schedule {
        self.window
    }

    /// Returns from when on which buckets are served; never none, and the first from the window's start on.
    pub fn steps(&self) -> &[(Timestamp, BucketSet)] {
        &self.steps
    }

    /// Returns the buckets that are served at an instant; `None` outside the window.
    pub fn at(&self, instant: Timestamp) -> Option<&BucketSet> {
        let inside = self.window.contains(instant);
        let step = self.steps.iter().rev().find(|(at, _)| *at <= instant);
        step.filter(|_| inside).map(|(_, buckets)| buckets)
    }

    /// Returns every bucket that is ever served.
    pub fn largest(&self) -> &BucketSet {
        const NONE: &BucketSet = &BucketSet::EMPTY;
        self.steps.last().map_or(NONE, |(_, buckets)| buckets)
    }

    /// Returns the times in which the buckets stay the same, with the buckets, in order and without a gap.
    pub fn periods(&self) -> impl Iterator<Item = (Schedule, &BucketSet)> {
        let ends = self.steps.iter().skip(1).map(|(at, _)| *at).chain([self.window.end()]);
        self.steps
            .iter()
            .zip(ends)
            .filter_map(|((at, buckets), end)| Some((Schedule::new(*at, end).ok()?, buckets)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    fn growth(steps: &[(i64, u32)]) -> Option<Growth> {
        let window = Schedule::new(at(10), at(100)).expect("a window");
        Growth::new(window, steps.iter().map(|(second, count)| (at(*second), BucketSet::first(*count))))
    }

    #[test]
    fn what_was_taken_before_the_window_counts_from_its_start() {
        let made = growth(&[(0, 1), (5, 2), (20, 3), (100, 4)]).expect("a growth");
        let served = |second| made.at(at(second)).map(BucketSet::count);
        assert_eq!([9, 10, 19, 20, 99, 100].map(served), [None, Some(2), Some(2), Some(3), Some(3), None]);
        assert_eq!(made.largest().count(), 3);
    }

    #[test]
    fn the_window_begins_with_the_first_step() {
        let made = growth(&[(20, 0), (30, 5)]).expect("a growth");
        assert_eq!((made.window().start(), made.at(at(29))), (at(30), None));
        assert_eq!(growth(&[(20, 0)]), None);
        assert_eq!(growth(&[(100, 5)]), None);
    }

    #[test]
    fn nobody_who_is_served_loses_it() {
        let made = growth(&[(10, 5), (20, 2), (30, 7)]).expect("a growth");
        let periods: Vec<_> = made.periods().map(|(window, set)| (window.start(), set.count())).collect();
        assert_eq!(periods, [(at(10), 5), (at(30), 7)]);
    }
}
