//! What did not serve a unit, and why: the way to a default.

use jiff::Timestamp;

use super::Resolver;
use crate::allocation::Claimant;
use crate::targeting::{Context, Segments, matches_among};
use crate::{BUCKETS, FlagKey, Predicate, SegmentKey};

/// What could have served a unit, and did not.
#[derive(Debug, Clone, PartialEq)]
pub struct Passed<'a> {
    /// What.
    pub what: Candidate<'a>,
    /// Why it did not.
    pub why: Why<'a>,
}

/// What serves units of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Candidate<'a> {
    /// A rule of the flag, counted from 1.
    Rule(usize),
    /// An experiment.
    Experiment(&'a str),
    /// A rollout.
    Rollout(&'a str),
}

/// Why something did not serve a unit.
#[derive(Debug, Clone, PartialEq)]
pub enum Why<'a> {
    /// The unit is not in its audience.
    Audience(Failing<'a>),
    /// The unit's bucket is not among those that it has.
    Bucket {
        /// The unit's.
        bucket: u32,
        /// How many of [`BUCKETS`] it has at that time.
        has: u32,
    },
    /// It is not served yet.
    Before(Timestamp),
    /// It is concluded, or its time is over.
    Over,
    /// It has no bucket at that time.
    Empty,
}

/// The first condition of an audience that a context does not meet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failing<'a> {
    /// The segment in which it stands, the innermost one.
    pub segment: Option<&'a SegmentKey>,
    /// The condition: a test, a `not`, or an `any` of which nothing holds.
    pub condition: &'a Predicate,
}

impl<'a> Resolver<'a> {
    /// Returns what of a flag passed a unit by that is served its default, in the order in which it is asked; empty where the
    /// flag is not served or is disabled.
    ///
    /// Of a unit that something does serve, it returns what was asked before that.
    pub fn passed(&self, flag: &FlagKey, context: &Context) -> Vec<Passed<'a>> {
        let (Some((key, cell)), Some(flag)) = (self.flags.get_key_value(flag), self.book.flags.get(flag))
        else {
            return Vec::new();
        };
        if !flag.enabled {
            return Vec::new();
        }
        let segments = &self.book.segments;
        let prepared = cell.get_or_init(|| self.prepare(flag));
        let mut passed = Vec::new();
        for (index, rule) in flag.rules.iter().enumerate() {
            let Some(failing) = failing(&rule.when, context, segments) else { return passed };
            passed.push(Passed { what: Candidate::Rule(index + 1), why: Why::Audience(failing) });
        }
        let unit = prepared.entity.and_then(|entity| context.unit(entity));
        for open in &prepared.claims {
            let what = match open.claim.claimant {
                Claimant::Experiment(experiment) => Candidate::Experiment(experiment.key.as_str()),
                Claimant::Rollout(rollout) => Candidate::Rollout(rollout.key.as_str()),
            };
            let why = match (failing(open.claim.audience, context, segments), unit) {
                (Some(failing), _) => Why::Audience(failing),
                (None, None) => return passed,
                (None, Some(unit)) => {
                    let bucket = open.claim.draw.bucket(self.profile, unit, BUCKETS);
                    if open.buckets.contains(bucket) {
                        return passed;
                    }
                    Why::Bucket { bucket, has: open.buckets.count() }
                }
            };
            passed.push(Passed { what, why });
        }
        let served = |what: &Candidate<'_>, passed: &[Passed<'_>]| passed.iter().any(|p| p.what == *what);
        for experiment in self.book.experiments_of(key) {
            let what = Candidate::Experiment(experiment.key.as_str());
            if !served(&what, &passed) {
                let over = experiment.decision.as_ref().is_some_and(|decision| decision.date <= self.at);
                let window = self.book.serving_window(experiment).filter(|_| !over);
                passed.push(Passed { what, why: absent(window, self.at) });
            }
        }
        for rollout in self.book.rollouts_of(key) {
            let what = Candidate::Rollout(rollout.key.as_str());
            if !served(&what, &passed) {
                passed.push(Passed { what, why: absent(Some(rollout.serving_window()), self.at) });
            }
        }
        passed
    }
}

/// Returns why something has no buckets at an instant.
fn absent<'a>(window: Option<crate::Schedule>, at: Timestamp) -> Why<'a> {
    match window {
        Some(window) if at < window.start() => Why::Before(window.start()),
        Some(window) if at < window.end() => Why::Empty,
        _ => Why::Over,
    }
}

/// Returns the first condition of an audience that a context does not meet; `None` where it meets all.
fn failing<'a>(audience: &'a Predicate, context: &Context, segments: &'a Segments) -> Option<Failing<'a>> {
    if matches_among(audience, context, segments) {
        return None;
    }
    let (mut condition, mut segment) = (audience, None);
    // Each turn goes a level deeper, and a book's segments form no cycle.
    loop {
        condition = match condition {
            Predicate::All(parts) => {
                match parts.iter().find(|part| !matches_among(part, context, segments)) {
                    Some(part) => part,
                    None => return Some(Failing { segment, condition }),
                }
            }
            Predicate::Any(parts) if parts.len() == 1 => parts.first()?,
            Predicate::Segment(key) => match segments.get(key) {
                Some(inner) => {
                    segment = Some(key);
                    &inner.audience
                }
                None => return Some(Failing { segment, condition }),
            },
            Predicate::Any(_) | Predicate::Not(_) | Predicate::Attribute(..) => {
                return Some(Failing { segment, condition });
            }
        };
    }
}
