//! What was launched before another method was the default is judged by the method of its launch.

use std::path::Path;

use trialbook_history::{Launch, Preregistration, Repository};
use trialbook_language::load::{self, RawFile};
use trialbook_model::Digest;

use crate::repair::{AT, FILES, REFUNDS, data, git, trialbook, write};

const EXPERIMENT: &str = "cta-test.experiment.yaml";
const FIXED: &str = "analysis: {method: fixed-horizon}\n";

fn files(analysis: &str) -> Vec<(&'static str, String)> {
    let text = |(path, text): &(&'static str, &str)| match *path {
        "buyers.metric.yaml" => (*path, REFUNDS.replace("'refunded'", "'paid'").replace("bad", "good")),
        EXPERIMENT => (*path, format!("{text}{analysis}")),
        _ => (*path, (*text).to_owned()),
    };
    FILES.iter().map(text).collect()
}

/// The digest of the plan with a method, as a version recorded it that wrote out this one as the default.
fn digest(analysis: &str) -> Digest {
    let yaml = files(analysis).into_iter().filter(|(path, _)| path.ends_with(".yaml"));
    let file = |(path, text): (&str, String)| RawFile { path: path.to_owned(), bytes: text.into_bytes() };
    let book = load::load(yaml.map(file).collect()).book.expect("a book");
    Preregistration::of(&book, &book.experiments["cta-test"]).expect("JSON").digest().clone()
}

/// Returns a book without a method whose launch is recorded under a digest.
fn launched(digest: Digest) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let book = folder.path();
    files("").iter().for_each(|(path, text)| write(book, path, text));
    data(book);
    git(book, &["init", "-q", "-b", "main"]);
    git(book, &["add", "-A"]);
    git(book, &["commit", "-qm", "A test"]);
    let repository = Repository::of_book(book).expect("git").expect("a repository");
    let launch = Launch {
        experiment: "cta-test".parse().expect("a key"),
        commit: repository.head().expect("git").expect("a commit"),
        effective_start: "2026-10-01T00:00:00Z".parse().expect("an instant"),
        digest,
    };
    repository.record_launch(&launch).expect("a recorded launch");
    folder
}

fn analysed(book: &Path) -> String {
    let (code, said) = trialbook(book, &["analyze", "cta-test", "--as-of", AT]);
    assert_eq!(code, 0, "{said}");
    said
}

#[test]
fn a_launch_is_judged_by_the_method_that_it_was_recorded_with() {
    let sequential = digest("analysis: {method: group-sequential}\n");
    let (earlier, current) = (launched(digest(FIXED)), launched(sequential));
    for (folder, method) in [(&earlier, "fixed horizon, one look"), (&current, "group sequential, a look")] {
        let said = analysed(folder.path());
        assert!(said.contains(method) && said.contains("trusted? Yes"), "{said}");
    }
    // Writing the method out changes nothing for the one, and the plan of the other.
    for (folder, trusted) in [(&earlier, "trusted? Yes"), (&current, "trusted? With care")] {
        let book = folder.path();
        git(book, &["checkout", "-qb", "declared"]);
        write(book, EXPERIMENT, &files(FIXED).iter().find(|(path, _)| *path == EXPERIMENT).expect("it").1);
        let (code, said) = trialbook(book, &["lint", "--against", "main", "--at", "2026-10-05"]);
        assert_eq!(code == 0, trusted == "trusted? Yes", "{said}");
        let said = analysed(book);
        assert!(said.contains(trusted), "{said}");
    }
}
