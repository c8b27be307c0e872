//! How long things may take, and how quickly writes may follow each other.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The most that one request may take, its answer included.
    pub timeout: Duration,
    /// The pause before a read is tried again; each further one is twice as long.
    pub pause: Duration,
    /// The most that everything together may take: all pages, all attempts, all pauses.
    pub whole: Duration,
    /// The least time from one write to the next.
    pub between_writes: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Pace {
            timeout: Duration::from_secs(30),
            pause: Duration::from_millis(500),
            whole: Duration::from_secs(300),
            // GitHub refuses more than 80 requests a minute that make content, and asks for a second between
            // writes (docs.github.com, "Best practices for using the REST API", read 2026-11).
            between_writes: Duration::from_secs(1),
        }
    }
}

/// The writes that GitHub takes in an hour are 500; some are left for others with the same token.
const WRITES_AN_HOUR: usize = 450;

const HOUR: Duration = Duration::from_secs(3600);

/// When writes were sent in the last hour.
#[derive(Debug, Default)]
pub(super) struct Turns(RefCell<VecDeque<Instant>>);

impl Turns {
    /// Returns how long the next write has to wait for the one before it.
    pub(super) fn after_the_last(&self, now: Instant, between: Duration) -> Duration {
        let last = self.0.borrow().back().copied();
        last.map_or(Duration::ZERO, |last| (last + between).saturating_duration_since(now))
    }

    /// Returns how long to wait until so many writes have a place in the hour.
    pub(super) fn until_there_is_room(&self, now: Instant, writes: usize) -> Duration {
        let mut sent = self.0.borrow_mut();
        while sent.front().is_some_and(|first| now.saturating_duration_since(*first) >= HOUR) {
            sent.pop_front();
        }
        let over = (sent.len() + writes).saturating_sub(WRITES_AN_HOUR);
        let last = over.checked_sub(1).and_then(|index| sent.get(index));
        last.map_or(Duration::ZERO, |last| (*last + HOUR).saturating_duration_since(now))
    }

    /// Notes a write.
    pub(super) fn sent(&self, now: Instant) {
        self.0.borrow_mut().push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_follow_each_other_at_the_pace_and_no_more_of_them_than_an_hour_takes() {
        let (turns, start) = (Turns::default(), Instant::now());
        let between = Pace::default().between_writes;
        let mut now = start;
        let mut times = Vec::new();
        for _ in 0..1_200 {
            now += turns.until_there_is_room(now, 1);
            now += turns.after_the_last(now, between);
            turns.sent(now);
            times.push(now);
        }
        let most_in = |span: Duration| {
            let within =
                |from: &Instant| times.iter().filter(|time| **time >= *from && **time < *from + span).count();
            times.iter().map(within).max().unwrap_or(0)
        };
        assert!(most_in(Duration::from_secs(60)) <= 80, "{}", most_in(Duration::from_secs(60)));
        assert!(most_in(HOUR) <= 500, "{}", most_in(HOUR));
        // 300 experiments are done in five minutes.
        assert!(times[299] - start < Duration::from_secs(301));
    }
}
