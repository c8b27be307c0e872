//! Applies that are cut off after every write that they do, and finished by another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::any::any_flag;
use super::state::*;
use crate::backend::flagd::store::{Beside, Log, Make, ObjectStore, Store, StoreJournal};
use crate::backend::{Attached, Backend, BackendError, Flagd};
use crate::journal::{self, Actor, Apply, Intent, Outcome, Record, WriteError};
use crate::plan::{Basis, FlagState, LaunchInfo, LiveVersion, Plan, State};
use trialbook_model::{Digest, TargetKey};

/// How many more writes a process does before it is killed. Nothing that it does after that has an effect.
#[derive(Debug, Clone)]
struct Life(Arc<AtomicUsize>);

impl Life {
    fn new(writes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(writes)))
    }

    fn end() -> BackendError {
        let cause = std::io::Error::other("killed");
        BackendError::Io { action: "write", place: "a killed process".into(), cause }
    }

    fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst) == 0
    }

    /// Does one more write, if the process is alive.
    fn write<T>(&self, write: impl FnOnce() -> Result<T, BackendError>) -> Result<T, BackendError> {
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
            .map_err(|_| Self::end())?;
        write()
    }
}

/// What a process sees of a store until it is killed.
#[derive(Debug)]
struct Mortal<T: ?Sized> {
    life: Life,
    inner: Box<T>,
}

impl Store for Mortal<dyn Store> {
    fn place(&self) -> String {
        self.inner.place()
    }

    fn read(&self) -> Result<Option<Vec<u8>>, BackendError> {
        if self.life.is_over() { Err(Life::end()) } else { self.inner.read() }
    }

    fn replace(
        &self,
        expected: &LiveVersion,
        beside: &Beside<'_>,
        make: Make<'_>,
    ) -> Result<LiveVersion, BackendError> {
        self.life.write(|| self.inner.replace(expected, beside, make))
    }

    fn journal(&self) -> Option<StoreJournal> {
        let StoreJournal { pending, log } = self.inner.journal()?;
        let pending = Mortal { life: self.life.clone(), inner: pending };
        let log = Mortal { life: self.life.clone(), inner: log };
        Some(StoreJournal { pending: Box::new(pending), log: Box::new(log) })
    }
}

impl Log for Mortal<dyn Log> {
    fn append(&self, record: &Record) -> Result<(), BackendError> {
        self.life.write(|| self.inner.append(record))
    }

    fn records(&self) -> Result<Vec<Record>, BackendError> {
        self.inner.records()
    }
}

/// A bucket, and processes that use it.
struct Bucket(ObjectStore);

impl Bucket {
    fn new() -> Self {
        Self(ObjectStore::in_memory("s3://shop/flags/production.json"))
    }

    fn process(&self) -> Flagd {
        Flagd::with_store("shop", "s3://shop/flags/production.json", Box::new(self.0.clone()))
    }

    fn mortal(&self, writes: usize) -> Flagd {
        let inner: Box<dyn Store> = Box::new(self.0.clone());
        let store = Mortal { life: Life::new(writes), inner };
        Flagd::with_store("shop", "s3://shop/flags/production.json", Box::new(store))
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        self.0.read().expect("what is live")
    }

    fn pending(&self) -> usize {
        self.process().journal().expect("a journal").pending().expect("intents").len()
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.process().records().expect("a log").iter().map(|record| record.outcome).collect()
    }

    /// Plans from what is live, and returns what an apply is about to do.
    fn intend(&self, desired: &State, now: i64, nonce: &str) -> (Intent, crate::plan::Live) {
        let target = self.process();
        let live = target.read().expect("a live state");
        let name = TargetKey::new("production").expect("a key");
        let plan = Plan::new(&Basis::new(&name, target.identity(), "shop", &live, desired, at(500)));
        let plan = plan.expect("a plan");
        let launch = LaunchInfo {
            now: at(now),
            commit: Some("9f2e1c7".to_owned()),
            head: Some(COMMIT.to_owned()),
            digests: BTreeMap::new(),
            recorded: BTreeMap::new(),
        };
        let by = Actor::new(Some("A Tester <tester@acme.test>"), None, None);
        let digest = plan.digest().expect("a digest");
        let apply = Apply::new(&plan, &digest, by, at(now), nonce).expect("an apply");
        let changes = plan.changes(&live, &launch);
        (Intent::new(apply, &live, changes), live)
    }
}

/// Writes and ends, as an apply does.
fn run(target: &Flagd, intent: &Intent, live: &crate::plan::Live) -> Result<(), WriteError> {
    let begun = journal::write(target, intent, live, &Attached::default())?;
    begun.finish().map_err(WriteError::Unanswered)
}

/// Resumes what was cut off, and returns how each ended.
fn resume(target: &Flagd, now: i64) -> Result<Vec<Outcome>, BackendError> {
    let (settled, begun) = journal::settle(target, at(now), |_| true)?;
    begun.map_or(Ok(()), journal::Begun::finish)?;
    Ok(settled.iter().map(|settled| settled.outcome).collect())
}

/// Cuts an apply off after every write that it does, and each resume after every write that that does; whatever happened,
/// the end is the same.
fn ends_the_same_wherever_it_is_cut_off(before: &State, desired: &State) {
    let prepared = || {
        let bucket = Bucket::new();
        if !before.flags.is_empty() {
            let (first, live) = bucket.intend(before, 600, "first");
            run(&bucket.process(), &first, &live).expect("a first apply");
        }
        bucket
    };
    let whole = prepared();
    let (intent, live) = whole.intend(desired, 700, "second");
    if intent.changes.is_empty() {
        return;
    }
    run(&whole.process(), &intent, &live).expect("an apply");
    let served_before = prepared().bytes();
    for writes in 0.. {
        let bucket = prepared();
        let (intent, live) = bucket.intend(desired, 700, "second");
        if run(&bucket.mortal(writes), &intent, &live).is_ok() {
            assert!(writes >= 4, "an intent, the flags, the log, and the intent again");
            break;
        }
        for writes in 0.. {
            let is_served = bucket.bytes() != served_before;
            match resume(&bucket.mortal(writes), 700) {
                // What was written is not written again.
                Ok(outcomes) => {
                    let expected = if is_served { Outcome::Written } else { Outcome::Resumed };
                    assert!(outcomes.iter().all(|outcome| *outcome == expected), "{outcomes:?}");
                    break;
                }
                Err(_) => assert!(writes < 20, "a resume ends"),
            }
        }
        if bucket.bytes() == served_before {
            // It was killed before it had written anything at all.
            assert_eq!((writes, bucket.pending()), (0, 0));
            run(&bucket.process(), &intent, &live).expect("an apply");
        }
        assert_eq!(bucket.bytes(), whole.bytes(), "cut off after {writes} writes");
        assert_eq!(bucket.pending(), 0);
        assert_eq!(bucket.outcomes().len(), whole.outcomes().len());
    }
}

#[test]
fn an_apply_that_is_cut_off_anywhere_ends_the_same_and_is_written_once() {
    let before = state(&[("a", flag(20)), ("b", flag(20))]);
    let desired = state(&[("a", flag(30)), ("c", flag(50))]);
    ends_the_same_wherever_it_is_cut_off(&state(&[]), &before);
    ends_the_same_wherever_it_is_cut_off(&before, &desired);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_apply_that_is_cut_off_anywhere_ends_the_same(
        before in proptest::collection::btree_map("[a-d]", any_flag(), 0..3),
        desired in proptest::collection::btree_map("[a-d]", any_flag(), 0..3),
    ) {
        let state = |flags: BTreeMap<String, FlagState>| State {
            flags: flags.into_iter().map(|(name, flag)| (key(&name), flag)).collect(),
        };
        ends_the_same_wherever_it_is_cut_off(&state(before), &state(desired));
    }
}

#[test]
fn an_apply_writes_four_times_whatever_its_size_and_a_second_one_not_at_all() {
    let bucket = Bucket::new();
    let names: Vec<String> = (0..2_000).map(|number| format!("flag-{number}")).collect();
    let desired = state(&names.iter().map(|name| (name.as_str(), flag(20))).collect::<Vec<_>>());
    let (intent, live) = bucket.intend(&desired, 600, "one");
    assert_eq!(intent.changes.put.len(), 2_000);
    // The intent, the flags, the log, and the intent again.
    run(&bucket.mortal(4), &intent, &live).expect("an apply that writes four times");
    let served = bucket.process().read().expect("a live state").state();
    assert!(served.flags.iter().all(|(key, flag)| flag.serves_as(&desired.flags[key])));
    let (again, _) = bucket.intend(&desired, 700, "two");
    assert!(again.changes.is_empty());
    let target = bucket.mortal(1);
    let version = target.write(&again.changes, &again.base, &Attached::default()).expect("nothing to do");
    assert_eq!(version, again.base);
}

#[test]
fn of_many_applies_at_once_one_wins_and_all_are_logged() {
    let bucket = Bucket::new();
    let desired = state(&[("a", flag(20))]);
    let intents: Vec<_> = (0..8).map(|number| bucket.intend(&desired, 600, &number.to_string())).collect();
    let wins = std::thread::scope(|scope| {
        let running: Vec<_> = intents
            .iter()
            .map(|(intent, live)| scope.spawn(|| run(&bucket.process(), intent, live)))
            .collect();
        let ended = running.into_iter().map(|one| one.join().expect("a thread"));
        ended
            .filter(|result| match result {
                Ok(()) => true,
                Err(WriteError::Refused(BackendError::Conflict { .. })) => false,
                Err(other) => panic!("{other:?}"),
            })
            .count()
    });
    assert_eq!((wins, bucket.pending()), (1, 0));
    let outcomes = bucket.outcomes();
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    assert_eq!((count(Outcome::Written), count(Outcome::Refused)), (1, 7));
}

#[test]
fn what_somebody_else_has_written_over_is_not_resumed() {
    let bucket = Bucket::new();
    let (cut_off, live) = bucket.intend(&state(&[("a", flag(20))]), 600, "one");
    run(&bucket.mortal(1), &cut_off, &live).expect_err("killed after its intent");
    let (other, live) = bucket.intend(&state(&[("a", flag(40))]), 700, "two");
    run(&bucket.process(), &other, &live).expect("an apply");
    let served = bucket.bytes();
    // The other apply has settled it: it could not take effect any more.
    assert_eq!((bucket.pending(), bucket.outcomes()), (0, vec![Outcome::Refused, Outcome::Written]));
    assert_eq!(resume(&bucket.process(), 800).expect("nothing to do"), []);
    assert_eq!(bucket.bytes(), served);
}

#[test]
fn of_two_that_were_cut_off_the_last_one_is_finished() {
    let bucket = Bucket::new();
    for (percent, now) in [(20, 600), (40, 700)] {
        let (cut_off, live) = bucket.intend(&state(&[("a", flag(percent))]), now, &percent.to_string());
        run(&bucket.mortal(1), &cut_off, &live).expect_err("killed after its intent");
    }
    assert_eq!(resume(&bucket.process(), 800).expect("a resume"), [Outcome::Refused, Outcome::Resumed]);
    let live = bucket.process().read().expect("a live state").state();
    assert!(live.flags[&key("a")].serves_as(&flag(40)));
}

#[test]
fn what_was_begun_too_long_ago_is_not_finished() {
    let bucket = Bucket::new();
    let (cut_off, live) = bucket.intend(&state(&[("a", flag(20))]), 600, "one");
    run(&bucket.mortal(1), &cut_off, &live).expect_err("killed after its intent");
    let target = bucket.process();
    let (settled, begun) = journal::settle(&target, at(200_000), |_| false).expect("a resume");
    begun.expect("something to log").finish().expect("a log");
    assert_eq!(settled.iter().map(|settled| settled.outcome).collect::<Vec<_>>(), [Outcome::Expired]);
    assert_eq!((bucket.bytes(), bucket.pending()), (None, 0));
}

#[test]
fn a_launch_that_is_finished_later_begins_later() {
    let bucket = Bucket::new();
    let (cut_off, live) = bucket.intend(&state(&[("a", flag(20))]), 1_200, "one");
    run(&bucket.mortal(1), &cut_off, &live).expect_err("killed after its intent");
    // The second resume is after one that was cut off as well, right after the flags were written.
    resume(&bucket.mortal(1), 1_500).expect_err("killed after the flags");
    assert_eq!(resume(&bucket.process(), 1_600).expect("a resume"), [Outcome::Written]);
    let live = bucket.process().read().expect("a live state").state();
    let starts: Vec<_> = live.flags[&key("a")].launches.values().map(|launch| launch.start).collect();
    assert_eq!(starts, [at(1_500)]);
}

#[test]
fn a_journal_that_nobody_can_read_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = Flagd::open("shop", "file://flags.json", folder.path()).expect("a store");
    std::fs::write(folder.path().join("flags.json.journal"), "half a li").expect("a file");
    let bucket = Bucket::new();
    let (intent, live) = bucket.intend(&state(&[("a", flag(20))]), 600, "one");
    let refused = run(&target, &intent, &live);
    assert!(matches!(refused, Err(WriteError::Refused(BackendError::Journal { .. }))), "{refused:?}");
    assert!(!folder.path().join("flags.json").exists());
}

#[test]
fn a_line_of_the_log_that_was_cut_off_is_written_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let target = Flagd::open("shop", "file://flags.json", folder.path()).expect("a store");
    let (intent, live) = Bucket::new().intend(&state(&[("a", flag(20))]), 600, "one");
    run(&target, &intent, &live).expect("an apply");
    let path = folder.path().join("flags.json.audit.jsonl");
    let log = std::fs::read_to_string(&path).expect("a log");
    std::fs::write(&path, format!("{log}{}", &log[..log.len() / 2])).expect("a log that was cut off");
    let record = Record {
        apply: Apply { id: Digest::of_bytes(b"two"), ..intent.apply.clone() },
        outcome: Outcome::Resumed,
    };
    let log = target.journal().expect("a journal");
    for _ in 0..2 {
        log.log(&record).expect("a record");
    }
    let records = target.records().expect("a log");
    assert_eq!(
        records.iter().map(|record| record.outcome).collect::<Vec<_>>(),
        [Outcome::Written, Outcome::Resumed]
    );
}
