//! What git knows of a book: introductions, launches, and whether the plan is still the one that was launched.

mod defaults;

use crate::example_book::ExampleBook;
use miette::Diagnostic as _;
use trialbook_history::{
    Commit, Defaults, HistoryError, Launch, LiveLaunch, Preregistration, Registrar, Registration, Repository,
};
use trialbook_model::{Bearing, ExperimentKey, LaunchDoubt, Method};

const EXPERIMENT: &str = "checkout/bold-checkout-button.experiment.yaml";

/// The example book with what only these tests ask of it.
struct Fixture(ExampleBook);

impl std::ops::Deref for Fixture {
    type Target = ExampleBook;
    fn deref(&self) -> &ExampleBook {
        &self.0
    }
}

impl Fixture {
    fn new() -> Self {
        Self(ExampleBook::new())
    }

    fn repository(&self) -> Repository {
        Repository::of_book(self.path()).expect("git").expect("a repository")
    }

    fn launch(&self, commit: &Commit) -> Launch {
        let (book, key) = (self.book(), key());
        let experiment = &book.experiments[&key];
        let digest = Preregistration::of(&book, experiment).expect("JSON").digest().clone();
        Launch {
            experiment: key,
            commit: commit.clone(),
            effective_start: experiment.schedule.start(),
            digest,
        }
    }

    fn registration(&self) -> Registration {
        self.registration_with(&[])
    }

    /// Compares with what the target says, too.
    fn registration_with(&self, live: &[LiveLaunch]) -> Registration {
        let book = self.book();
        let live = live.iter().map(|live| (key(), live.clone())).collect();
        let repository = self.repository();
        Registrar::new(Some(&repository), live).registration(&book, &book.experiments[&key()], at())
    }

    fn doubts(&self, live: &[LiveLaunch]) -> Vec<LaunchDoubt> {
        match self.registration_with(live) {
            Registration::Unverified { doubts } | Registration::Contradicted { doubts } => doubts,
            other => panic!("{other:?}"),
        }
    }

    fn head(&self) -> Commit {
        self.repository().head().expect("git").expect("a commit")
    }

    /// Writes a launch ref as somebody could who may push.
    fn forge(&self, launch: &Launch) {
        let git = git2::Repository::open(self.path()).expect("the repository");
        let object = git.find_object(git2::Oid::from_str(launch.commit.as_str()).expect("an id"), None);
        let tagger = git2::Signature::now("trialbook", "trialbook@localhost").expect("a name");
        let record = serde_json::to_string(launch).expect("JSON");
        let tag = git
            .tag_annotation_create(launch.experiment.as_str(), &object.expect("a commit"), &tagger, &record)
            .expect("a tag");
        let name = format!("refs/trialbook/launch/{}", launch.experiment);
        git.reference(&name, tag, true, "forged").expect("a ref");
    }
}

/// While units are enrolled.
fn at() -> jiff::Timestamp {
    "2026-11-10T00:00:00Z".parse().expect("an instant")
}

/// The parts that changed and what they mean for the result.
fn bearings(registration: &Registration) -> Vec<(&str, Bearing)> {
    match registration {
        Registration::Changed { changes, .. } => {
            changes.iter().map(|change| (change.part.as_str(), change.bearing)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn key() -> ExperimentKey {
    ExperimentKey::new("bold-checkout-button").expect("a key")
}

#[test]
fn a_launch_is_recorded_once_and_reads_back() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let launch = fixture.launch(&repository.head().expect("git").expect("a commit"));
    assert!(repository.launch(&key()).expect("git").is_none());
    assert!(repository.record_launch(&launch).expect("git"));
    assert_eq!(repository.launch(&key()).expect("git"), Some(launch.clone()));
    let later =
        Launch { effective_start: "2027-01-01T00:00:00Z".parse().expect("an instant"), ..launch.clone() };
    assert!(!repository.record_launch(&later).expect("git"), "a launch happens once");
    assert_eq!(repository.launch(&key()).expect("git"), Some(launch));
}

#[test]
fn prose_owners_and_columns_may_change_after_launch() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    let launch = fixture.launch(&repository.head().expect("git").expect("a commit"));
    repository.record_launch(&launch).expect("a recorded launch");
    fixture.edit(EXPERIMENT, "owner: team-checkout", "owner: team-payments");
    fixture.edit(EXPERIMENT, "title: A bold checkout button", "title: The bold button");
    fixture.edit("insights/purchases.source.yaml", "table: purchases", "table: shop.orders");
    fixture.edit("insights/purchases.source.yaml", "amount: total_eur", "amount: amount_eur");
    let metric = "insights/purchases-per-user.metric.yaml";
    fixture.edit(metric, "mean: 0.3", "mean: 0.4");
    fixture.edit("trialbook.yaml", "7d: 140000", "7d: 130000");
    assert!(
        matches!(fixture.registration(), Registration::Verified { launch: found, .. } if found == launch)
    );
}

#[test]
fn what_decides_the_verdict_may_not_change_and_is_named() {
    for (path, from, to, changed) in [
        (EXPERIMENT, "mde: 7%", "mde: 3%", "metrics"),
        (EXPERIMENT, "{plain: 50%, bold: 50%}", "{plain: 60%, bold: 40%}", "split"),
        (EXPERIMENT, "[SE, FI, DK]", "[SE, FI]", "audience"),
        (EXPERIMENT, "An orange button", "A very orange button", "hypothesis"),
        (
            "insights/purchases-per-user.metric.yaml",
            "status = 'paid'",
            "status <> 'cancelled'",
            "definitions",
        ),
        ("growth/employees.segment.yaml", "@acme.test", "@acme.example", "segments"),
        ("trialbook.yaml", "alpha: 5%", "alpha: 10%", "analysis"),
        ("trialbook.yaml", "in_two_variants: 1%", "in_two_variants: 5%", "quality"),
    ] {
        let fixture = Fixture::new();
        let repository = fixture.repository();
        let launch = fixture.launch(&repository.head().expect("git").expect("a commit"));
        repository.record_launch(&launch).expect("a recorded launch");
        fixture.edit(path, from, to);
        fixture.commit("a change after launch");
        match fixture.registration() {
            Registration::Changed { frozen, changes, .. } => {
                assert_eq!(changes.iter().map(|change| change.part.as_str()).collect::<Vec<_>>(), [changed]);
                assert_ne!(changes[0].bearing, Bearing::Allowed, "{changed}");
                let experiment = &frozen.experiments[&key()];
                let digest = Preregistration::of(&frozen, experiment).expect("JSON").digest().clone();
                assert_eq!(digest, launch.digest, "the frozen book is the launched one");
            }
            other => panic!("{changed}: {other:?}"),
        }
    }
}

#[test]
fn what_cannot_be_verified_has_a_reason() {
    let fixture = Fixture::new();
    let book = fixture.book();
    let experiment = &book.experiments[&key()];
    let doubts = |repository: Option<&Repository>| match Registrar::new(repository, Default::default())
        .registration(&book, experiment, at())
    {
        Registration::Unverified { doubts } => doubts,
        other => panic!("{other:?}"),
    };
    assert_eq!(doubts(None), [LaunchDoubt::NoRepository]);
    assert_eq!(doubts(Some(&fixture.repository())), [LaunchDoubt::NotRecorded]);
}

#[test]
fn a_forged_launch_ref_verifies_nothing_and_is_reported_with_what_disagrees() {
    let fixture = Fixture::new();
    let honest = fixture.launch(&fixture.head());
    fixture.repository().record_launch(&honest).expect("a recorded launch");
    fixture.edit(EXPERIMENT, "mde: 7%", "mde: 3%");
    let changed = fixture.commit("a change after launch");
    assert!(matches!(fixture.registration(), Registration::Changed { .. }));

    // The digest of the changed plan, at the commit of the launch.
    let now = fixture.launch(&changed);
    fixture.forge(&Launch { commit: honest.commit.clone(), ..now.clone() });
    let doubts = fixture.doubts(&[]);
    assert!(matches!(doubts[..], [LaunchDoubt::RefAndCommitDiffer { .. }]), "{doubts:?}");

    // A commit of its own with the changed plan, which was never merged.
    let git = git2::Repository::open(fixture.path()).expect("the repository");
    let commit = git.find_commit(git2::Oid::from_str(changed.as_str()).expect("an id")).expect("a commit");
    let author = git2::Signature::now("test", "test@acme.test").expect("an author");
    let tree = commit.tree().expect("a tree");
    let stray = git.commit(None, &author, &author, "elsewhere", &tree, &[]).expect("a commit");
    let stray = Commit::parse(&stray.to_string()).expect("an id");
    fixture.forge(&Launch { commit: stray.clone(), ..now.clone() });
    assert_eq!(fixture.doubts(&[]), [LaunchDoubt::NotMerged { commit: stray.as_str().to_owned() }]);
    // The branch that the remote merges into counts as well.
    git.reference("refs/remotes/origin/HEAD", git2::Oid::from_str(stray.as_str()).expect("an id"), true, "")
        .expect("a ref");
    assert!(matches!(fixture.registration(), Registration::Verified { .. }));

    // A later commit with the changed plan: the target knows which one was launched.
    fixture.forge(&now);
    let live = LiveLaunch {
        start: at(),
        commit: Some(honest.commit.as_str().to_owned()),
        digest: Some(honest.digest.clone()),
    };
    let doubts = fixture.doubts(std::slice::from_ref(&live));
    assert!(matches!(doubts[..], [LaunchDoubt::RefAndTargetDiffer { .. }]), "{doubts:?}");
    let moved = LiveLaunch { start: at(), commit: live.commit.clone(), digest: Some(now.digest.clone()) };
    let doubts = fixture.doubts(&[moved]);
    assert!(matches!(doubts[..], [LaunchDoubt::CommitsDiffer { .. }]), "{doubts:?}");

    // All three agree.
    fixture.forge(&honest);
    let deviates = fixture.registration_with(std::slice::from_ref(&live));
    assert_eq!(bearings(&deviates), [("metrics", Bearing::Deviation)]);
}

#[test]
fn a_commit_with_the_same_digest_stands_in_for_a_lost_one_where_the_target_confirms_it() {
    let fixture = Fixture::new();
    let honest = fixture.launch(&fixture.head());
    // The commit of a branch that was squashed into another one, and is gone since.
    let git = git2::Repository::open(fixture.path()).expect("the repository");
    let head = git.head().and_then(|head| head.peel_to_commit()).expect("a commit");
    let author = git2::Signature::now("test", "test@acme.test").expect("an author");
    let tree = head.tree().expect("a tree");
    let lost = git.commit(None, &author, &author, "on a branch", &tree, &[]).expect("a commit").to_string();
    let lost = Commit::parse(&lost).expect("an id");
    fixture.forge(&Launch { commit: lost.clone(), ..honest.clone() });
    let (folder, file) = lost.as_str().split_at(2);
    std::fs::remove_file(fixture.path().join(".git/objects").join(folder).join(file)).expect("an object");
    let doubts = fixture.doubts(&[]);
    assert!(
        matches!(doubts[..], [LaunchDoubt::CommitMissing { .. }]),
        "a ref alone proves nothing: {doubts:?}"
    );
    let live = LiveLaunch {
        start: at(),
        commit: Some(lost.as_str().to_owned()),
        digest: Some(honest.digest.clone()),
    };
    let live = std::slice::from_ref(&live);
    assert!(matches!(fixture.registration_with(live), Registration::Verified { .. }));
    fixture.edit(EXPERIMENT, "mde: 7%", "mde: 3%");
    fixture.commit("a change after launch");
    let found = fixture.registration_with(live);
    assert_eq!(bearings(&found), [("metrics", Bearing::Deviation)]);
}

#[test]
fn a_malformed_launch_ref_or_a_missing_commit_concerns_one_experiment() {
    let fixture = Fixture::new();
    let launch = fixture.launch(&fixture.head());
    let git = git2::Repository::open(fixture.path()).expect("the repository");
    let head = git2::Oid::from_str(launch.commit.as_str()).expect("an id");
    git.reference("refs/trialbook/launch/bold-checkout-button", head, true, "").expect("a ref");
    let doubts = fixture.doubts(&[]);
    let [LaunchDoubt::RefUnreadable { cause }] = &doubts[..] else { panic!("{doubts:?}") };
    assert!(cause.contains("refs/trialbook/launch/bold-checkout-button"), "{cause}");
    std::fs::write(fixture.path().join(".git/refs/trialbook/launch/bold-checkout-button"), "no id\n")
        .expect("a broken ref");
    let _ = fixture.doubts(&[]);
    assert!(fixture.repository().launched(jiff::Timestamp::UNIX_EPOCH).expect("git").begun.contains(&key()));
}

#[test]
fn a_history_that_forms_a_circle_ends() {
    let fixture = Fixture::new();
    let first = fixture.head();
    fixture.repository().record_launch(&fixture.launch(&first)).expect("a recorded launch");
    fixture.edit(EXPERIMENT, "title: A bold checkout button", "title: The bold button");
    let second = fixture.commit("an edit");
    let info = fixture.path().join(".git/info");
    std::fs::create_dir_all(&info).expect("a folder");
    std::fs::write(info.join("grafts"), format!("{first} {second}\n")).expect("grafts");
    let repository = fixture.repository();
    match repository.introduced(EXPERIMENT) {
        Err(HistoryError::Circle(_)) => {}
        other => panic!("{other:?}"),
    }
    // Whatever is said of the plan, it is said.
    let _ = fixture.registration();
}

#[test]
fn an_introduction_is_followed_through_moves_and_merges() {
    let fixture = Fixture::new();
    let first = fixture.repository().head().expect("git").expect("a commit");
    let text =
        std::fs::read_to_string(fixture.path().join("home/new-year-hero.experiment.yaml")).expect("a file");
    std::fs::write(fixture.path().join("home/late.experiment.yaml"), text).expect("a file");
    let introduced = fixture.commit("a new experiment");
    fixture.edit("home/late.experiment.yaml", "A hero", "A late hero");
    fixture.commit("an edit");
    std::fs::create_dir_all(fixture.path().join("growth/late")).expect("a folder");
    let (old, new) = ("home/late.experiment.yaml", "growth/late/late.experiment.yaml");
    std::fs::rename(fixture.path().join(old), fixture.path().join(new)).expect("a move");
    fixture.commit("a move");
    let repository = fixture.repository();
    assert_eq!(repository.introduced(new).expect("git"), introduced);
    assert_eq!(repository.introduced(EXPERIMENT).expect("git"), first);
    assert!(matches!(repository.introduced("nothing.experiment.yaml"), Err(HistoryError::NotCommitted(_))));
}

#[test]
fn a_shallow_clone_refuses_to_name_its_edge_as_the_introduction() {
    let fixture = Fixture::new();
    fixture.edit(EXPERIMENT, "mde: 7%", "mde: 8%");
    let edge = fixture.commit("an edit");
    // As `git fetch --depth 1` leaves it: the commit is listed as shallow, its parents are not there.
    std::fs::write(fixture.path().join(".git/shallow"), format!("{edge}\n")).expect("a shallow file");
    let error = fixture.repository().introduced(EXPERIMENT).expect_err("a shallow clone");
    assert!(matches!(error, HistoryError::Shallow(_)), "{error:?}");
    assert!(error.help().expect("help").to_string().contains("--unshallow"));
}

#[test]
fn an_edited_book_is_distinguished_from_a_committed_one() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    assert!(!repository.book_is_edited().expect("git"));
    std::fs::write(fixture.path().join("notes.txt"), "not of the book").expect("a file");
    assert!(!repository.book_is_edited().expect("git"));
    // A file that git ignores is read with the book, and is in no commit.
    std::fs::write(fixture.path().join(".git/info/exclude"), "*.metric.yaml\n").expect("a file");
    assert!(!repository.book_is_edited().expect("git"));
    let ignored = fixture.path().join("new.metric.yaml");
    std::fs::write(&ignored, "description: New.\n").expect("a file");
    assert!(repository.book_is_edited().expect("git"));
    std::fs::remove_file(&ignored).expect("the file");
    assert!(!repository.book_is_edited().expect("git"));
    fixture.edit(EXPERIMENT, "mde: 7%", "mde: 8%");
    assert!(repository.book_is_edited().expect("git"));
}

const FLAG: &str = "checkout/checkout-button.flag.yaml";
const SHIP: &str =
    "decision: {outcome: ship, variant: bold, date: 2026-12-01, reason: Purchases up.}\nmetrics:";

/// A file, what stands in it, and what takes its place.
type Edit<'a> = (&'a str, &'a str, &'a str);

/// A name, edits, and what they mean for the plan.
type Case<'a> = (&'a str, &'a [Edit<'a>], &'a [(&'a str, Bearing)]);

#[test]
fn what_the_book_allows_after_launch_does_not_weaken_the_result() {
    let edits: [Case<'_>; 6] = [
        (
            "a decision with its flag's rule",
            &[
                (EXPERIMENT, "metrics:", SHIP),
                (
                    FLAG,
                    "    serve: bold",
                    "    serve: bold\n  - when: {country: {in: [SE, FI, DK]}}\n    serve: bold",
                ),
            ],
            &[("flag", Bearing::Allowed)],
        ),
        ("a decision alone", &[(EXPERIMENT, "metrics:", SHIP)], &[]),
        (
            "an earlier end",
            &[(EXPERIMENT, "end: 2026-11-23", "end: 2026-11-20")],
            &[("schedule", Bearing::Allowed)],
        ),
        (
            "a later end",
            &[(EXPERIMENT, "end: 2026-11-23", "end: 2026-11-30")],
            &[("schedule", Bearing::Deviation)],
        ),
        (
            "another start",
            &[(EXPERIMENT, "start: 2026-11-02", "start: 2026-11-03")],
            &[("schedule", Bearing::Untrusted)],
        ),
        (
            "what a variant is",
            &[(FLAG, "bold: {colour: orange", "bold: {colour: red")],
            &[("flag", Bearing::Untrusted)],
        ),
    ];
    for (what, edits, expected) in edits {
        let fixture = Fixture::new();
        fixture.repository().record_launch(&fixture.launch(&fixture.head())).expect("a recorded launch");
        for (path, from, to) in edits {
            fixture.edit(path, from, to);
        }
        match fixture.registration() {
            Registration::Verified { .. } => assert!(expected.is_empty(), "{what}"),
            changed => assert_eq!(bearings(&changed), expected, "{what}"),
        }
    }
}

#[test]
fn without_a_ref_the_target_vouches_for_the_same_plan_and_for_allowed_edits_only() {
    let fixture = Fixture::new();
    let launch = fixture.launch(&fixture.head());
    let live = [LiveLaunch {
        start: at(),
        commit: Some(launch.commit.as_str().to_owned()),
        digest: Some(launch.digest.clone()),
    }];
    assert!(matches!(fixture.registration_with(&live), Registration::Verified { .. }));
    fixture.edit(EXPERIMENT, "end: 2026-11-23", "end: 2026-11-20");
    assert_eq!(bearings(&fixture.registration_with(&live)), [("schedule", Bearing::Allowed)]);
    fixture.edit(EXPERIMENT, "mde: 7%", "mde: 3%");
    let Registration::Contradicted { doubts } = fixture.registration_with(&live) else {
        panic!("another plan than the target's");
    };
    assert!(matches!(doubts[..], [LaunchDoubt::OtherPlan { .. }]), "{doubts:?}");
}
