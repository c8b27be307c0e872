//! An Unleash server that `tests/unleash/run` has started. Its flags are the server's, so one test runs at a time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::state::{COMMIT, apply, at, flag, key, live_state, plan, primary, serve, state};
use super::subject::{InMemory, Subject};
use crate::backend::{Attached, Backend, BackendError, Memory, Unleash};
use crate::journal::{self, Actor, Apply, Intent, Outcome};
use crate::plan::{Changes, LaunchInfo, State};

static SERVER: Mutex<()> = Mutex::new(());

/// The environment `production` of a server without flags.
pub(super) struct OnServer {
    unleash: Unleash,
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl OnServer {
    pub(super) fn new() -> Self {
        let alone = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let unleash = Unleash::of_test(folder.path(), "production");
        unleash.clear().expect("a server without flags");
        Self { unleash, folder, _alone: alone }
    }
}

impl Subject for OnServer {
    fn target(&self) -> &dyn Backend {
        &self.unleash
    }
    fn plant(&self, key: &str) {
        self.unleash.plant(key);
    }
    fn tamper(&self, key: &str) {
        self.unleash.tamper(key);
    }
}

#[test]
#[ignore = "needs a server: tests/unleash/run"]
fn requests_are_few_and_a_second_apply_writes_nothing() {
    let server = OnServer::new();
    let names: Vec<String> = (0..60).map(|n| format!("flag-{n}")).collect();
    let all = |percent| State { flags: names.iter().map(|name| (key(name), flag(percent))).collect() };
    let first = plan(&server, &all(20), &primary());
    let before = server.unleash.requests();
    apply(&server, &first, at(600));
    // Whether a name is taken is asked for each, and 25 flags are written at a time.
    let written = server.unleash.requests() - before;
    assert!(written <= 60 + 3 + 10, "{written} requests");
    let live = live_state(&server);
    assert_eq!(live.flags.len(), 60);
    assert!(plan(&server, &all(20), &primary()).is_empty());

    let mut one = all(20);
    one.flags.insert(key("flag-7"), flag(30));
    let second = plan(&server, &one, &primary());
    let live = server.unleash.read().expect("a live state");
    let launch = LaunchInfo {
        now: at(700),
        commit: None,
        head: None,
        digests: BTreeMap::new(),
        recorded: BTreeMap::new(),
    };
    let before = server.unleash.requests();
    let changes = second.changes(&live, &launch);
    server.unleash.write(&changes, &live.version, &Attached::default()).expect("a write");
    // Read, write, read back.
    assert_eq!(server.unleash.requests() - before, 3);
}

#[test]
#[ignore = "needs a server: tests/unleash/run"]
fn strategies_in_another_order_are_drift() {
    let server = OnServer::new();
    serve(&server, &state(&[("a", flag(20))]));
    server.unleash.reorder("a");
    let shown = plan(&server, &state(&[("a", flag(20))]), &primary());
    assert_eq!((shown.actions.len(), shown.drifted.len()), (0, 1));
}

#[test]
#[ignore = "needs a server: tests/unleash/run"]
fn what_another_environment_serves_is_emptied_here_and_comes_back() {
    let server = OnServer::new();
    let other = Unleash::of_test(server.folder.path(), "development");
    serve(&server, &state(&[("a", flag(20))]));
    let live = other.read().expect("a live state");
    let changes = Changes { put: BTreeMap::from([(key("a"), flag(50))]), ..Changes::default() };
    other.write(&changes, &live.version, &Attached::default()).expect("a write");

    serve(&server, &state(&[]));
    assert_eq!(live_state(&server).flags.len(), 0);
    assert_eq!(other.read().expect("a live state").state().flags.len(), 1);

    serve(&server, &state(&[("a", flag(30))]));
    assert!(live_state(&server).flags[&key("a")].serves_as(&flag(30)));
}

#[test]
#[ignore = "needs a server: tests/unleash/run"]
fn an_archived_flag_comes_back_and_that_of_somebody_else_does_not() {
    let server = OnServer::new();
    serve(&server, &state(&[("a", flag(20))]));
    serve(&server, &state(&[]));
    assert_eq!(live_state(&server).flags.len(), 0);
    serve(&server, &state(&[("a", flag(30))]));
    assert!(live_state(&server).flags[&key("a")].serves_as(&flag(30)));

    server.unleash.plant("theirs");
    server.unleash.archive("theirs");
    let live = server.unleash.read().expect("a live state");
    let changes = Changes { put: BTreeMap::from([(key("theirs"), flag(20))]), ..Changes::default() };
    let refused = server.unleash.write(&changes, &live.version, &Attached::default());
    assert!(matches!(refused, Err(BackendError::Taken { name, .. }) if name == "theirs"));
}

#[test]
#[ignore = "needs a server: tests/unleash/run"]
fn what_was_cut_off_between_flags_is_finished_by_another() {
    let server = OnServer::new();
    finished_by_another(&server);
}

#[test]
fn what_was_cut_off_between_flags_is_finished_in_memory() {
    finished_by_another(&InMemory(Memory::flag_by_flag("shop")));
}

/// Writes one of three flags, as an apply does that is killed after that.
fn finished_by_another(subject: &dyn Subject) {
    let target = subject.target();
    serve(subject, &state(&[("a", flag(20)), ("c", flag(20))]));
    let desired = state(&[("a", flag(30)), ("b", flag(20))]);
    let made = plan(subject, &desired, &primary());
    let live = target.read().expect("a live state");
    let launch = LaunchInfo {
        now: at(700),
        commit: None,
        head: Some(COMMIT.to_owned()),
        digests: BTreeMap::new(),
        recorded: BTreeMap::new(),
    };
    let digest = made.digest().expect("a digest");
    let intent = |nonce| {
        let apply = Apply::new(&made, &digest, Actor::default(), at(700), nonce).expect("an apply");
        Intent::new(apply, &live, made.changes(&live, &launch))
    };
    let cut_off = intent("1");
    target.journal().expect("a journal").begin(&cut_off).expect("an intent");
    let mut first = cut_off.changes.clone();
    first.put.retain(|flag, _| flag.as_str() == "a");
    first.remove.clear();
    target.write(&first, &live.version, &Attached::default()).expect("a write");

    // Nobody else may write until that is finished.
    let now = target.read().expect("a live state");
    let other = journal::write(target, &intent("2"), &now, &Attached::default());
    assert!(matches!(other, Err(journal::WriteError::Refused(BackendError::Underway { .. }))));

    let (settled, begun) = journal::settle(target, at(800), |_| true).expect("what became of it");
    assert_eq!(settled.iter().map(|one| one.outcome).collect::<Vec<_>>(), [Outcome::Resumed]);
    begun.expect("a write").finish().expect("a record");
    let live = live_state(subject);
    assert_eq!(live.flags.len(), 2);
    assert!(live.flags.iter().all(|(key, there)| there.serves_as(&desired.flags[key])));
    let (settled, _) = journal::settle(target, at(900), |_| true).expect("nothing");
    assert_eq!(settled.len(), 0);
}

#[test]
fn what_somebody_else_changed_since_is_not_finished() {
    let subject = InMemory(Memory::flag_by_flag("shop"));
    let target = subject.target();
    serve(&subject, &state(&[("a", flag(20)), ("b", flag(20))]));
    let made = plan(&subject, &state(&[("a", flag(30)), ("b", flag(30))]), &primary());
    let live = target.read().expect("a live state");
    let launch = LaunchInfo {
        now: at(700),
        commit: None,
        head: None,
        digests: BTreeMap::new(),
        recorded: BTreeMap::new(),
    };
    let digest = made.digest().expect("a digest");
    let apply = Apply::new(&made, &digest, Actor::default(), at(700), "1").expect("an apply");
    let intent = Intent::new(apply, &live, made.changes(&live, &launch));
    target.journal().expect("a journal").begin(&intent).expect("an intent");
    subject.tamper("b");
    let (settled, _) = journal::settle(target, at(800), |_| true).expect("what became of it");
    assert_eq!(settled.iter().map(|one| one.outcome).collect::<Vec<_>>(), [Outcome::Superseded]);
}
