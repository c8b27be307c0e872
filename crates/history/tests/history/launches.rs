//! What git knows of a book: introductions, launches, and whether the plan is still the one that was launched.

use crate::example_book::ExampleBook;
use trialbook_history::{
    Commit, HistoryError, Launch, LiveLaunch, Preregistration, Registrar, Registration, Repository,
};
use trialbook_model::ExperimentKey;

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
        Registrar::new(Some(&repository), live).registration(&book, &book.experiments[&key()])
    }

    fn reason(&self, live: &[LiveLaunch]) -> String {
        match self.registration_with(live) {
            Registration::Unverified { reason } => reason,
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
    assert!(matches!(fixture.registration(), Registration::Verified { launch: found } if found == launch));
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
            Registration::Deviates { frozen, changed: found, .. } => {
                assert_eq!(found, [changed]);
                let experiment = &frozen.experiments[&key()];
                let digest = Preregistration::of(&frozen, experiment).expect("JSON").digest().clone();
                assert_eq!(digest, launch.digest, "the frozen book is the launched one");
            }
            other => panic!("{changed}: {other:?}"),
        }
    }
}

#[test]
fn what_cannot_be_verified_says_why() {
    let fixture = Fixture::new();
    let book = fixture.book();
    let experiment = &book.experiments[&key()];
    let reason = |repository: Option<&Repository>| match Registrar::new(repository, Default::default())
        .registration(&book, experiment)
    {
        Registration::Unverified { reason } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(None), "the book is not in a git repository");
    assert!(reason(Some(&fixture.repository())).starts_with("no launch of bold-checkout-button is recorded"));
}

#[test]
fn a_forged_launch_ref_verifies_nothing_and_says_what_disagrees() {
    let fixture = Fixture::new();
    let honest = fixture.launch(&fixture.head());
    fixture.repository().record_launch(&honest).expect("a recorded launch");
    fixture.edit(EXPERIMENT, "mde: 7%", "mde: 3%");
    let changed = fixture.commit("a change after launch");
    assert!(matches!(fixture.registration(), Registration::Deviates { .. }));

    // The digest of the changed plan, at the commit of the launch.
    let now = fixture.launch(&changed);
    fixture.forge(&Launch { commit: honest.commit.clone(), ..now.clone() });
    let reason = fixture.reason(&[]);
    assert!(reason.starts_with("the launch ref and its commit disagree: the ref has digest "), "{reason}");

    // A commit of its own with the changed plan, which was never merged.
    let git = git2::Repository::open(fixture.path()).expect("the repository");
    let commit = git.find_commit(git2::Oid::from_str(changed.as_str()).expect("an id")).expect("a commit");
    let author = git2::Signature::now("test", "test@acme.test").expect("an author");
    let tree = commit.tree().expect("a tree");
    let stray = git.commit(None, &author, &author, "elsewhere", &tree, &[]).expect("a commit");
    let stray = Commit::parse(&stray.to_string()).expect("an id");
    fixture.forge(&Launch { commit: stray.clone(), ..now.clone() });
    let reason = fixture.reason(&[]);
    assert!(reason.contains(&format!("{}, which is not in the history of HEAD", stray.short())), "{reason}");
    // The branch that the remote merges into counts as well.
    git.reference("refs/remotes/origin/HEAD", git2::Oid::from_str(stray.as_str()).expect("an id"), true, "")
        .expect("a ref");
    assert!(matches!(fixture.registration(), Registration::Verified { .. }));

    // A later commit with the changed plan: the target knows which one was launched.
    fixture.forge(&now);
    let live =
        LiveLaunch { commit: Some(honest.commit.as_str().to_owned()), digest: Some(honest.digest.clone()) };
    let reason = fixture.reason(std::slice::from_ref(&live));
    assert!(reason.starts_with("the launch ref and the target disagree: the ref has digest "), "{reason}");
    let moved = LiveLaunch { commit: live.commit.clone(), digest: Some(now.digest.clone()) };
    let reason = fixture.reason(&[moved]);
    assert!(reason.starts_with("the launch ref and the target disagree: the ref names commit"), "{reason}");

    // All three agree.
    fixture.forge(&honest);
    let deviates = fixture.registration_with(std::slice::from_ref(&live));
    assert!(matches!(deviates, Registration::Deviates { changed, .. } if changed == ["metrics"]));
}

#[test]
fn a_malformed_launch_ref_or_a_missing_commit_concerns_one_experiment() {
    let fixture = Fixture::new();
    let launch = fixture.launch(&fixture.head());
    let git = git2::Repository::open(fixture.path()).expect("the repository");
    let head = git2::Oid::from_str(launch.commit.as_str()).expect("an id");
    git.reference("refs/trialbook/launch/bold-checkout-button", head, true, "").expect("a ref");
    let reason = fixture.reason(&[]);
    assert!(reason.contains("refs/trialbook/launch/bold-checkout-button"), "{reason}");
    std::fs::write(fixture.path().join(".git/refs/trialbook/launch/bold-checkout-button"), "no id\n")
        .expect("a broken ref");
    let _ = fixture.reason(&[]);
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
    assert!(error.help().expect("help").contains("--unshallow"));
}

#[test]
fn an_edited_book_is_told_from_a_committed_one() {
    let fixture = Fixture::new();
    let repository = fixture.repository();
    assert!(!repository.book_is_edited().expect("git"));
    std::fs::write(fixture.path().join("notes.txt"), "not of the book").expect("a file");
    assert!(!repository.book_is_edited().expect("git"));
    fixture.edit(EXPERIMENT, "mde: 7%", "mde: 8%");
    assert!(repository.book_is_edited().expect("git"));
}
