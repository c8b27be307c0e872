//! Comments of several runs of a workflow, and the commit status beside them.

use super::*;

const HEAD: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// A note of a run, at a commit, with a status.
fn of_run<'a>(marker: &'a Marker, markdown: &'a str, id: u64, commit: &'a Commit) -> Note<'a> {
    let run = Some(Run { id, attempt: 1 });
    let stamp = Stamp { head: Some(commit.clone()), run, news: format!("{:016x}", markdown.len()) };
    let standing =
        Standing { commit, context: "trialbook review".into(), fails: false, summary: "Ready".into() };
    Note { marker, stamp, markdown, quiet: false, standing: Some(standing) }
}

#[test]
fn of_two_runs_that_write_at_once_the_older_comment_stays_and_the_newer_run_s_text_wins() {
    let commit = Commit::new(HEAD).unwrap();
    let marker = marker();
    for (rival, ours, expected, written) in
        [(17, 18, "ours", CommentWrite::Edited), (19, 18, "theirs", CommentWrite::Outrun)]
    {
        let github = GitHub::of_user("octocat");
        let theirs = of_run(&marker, "theirs", rival, &commit);
        github.state().rival = Some(marker.mark(&theirs.stamp, "theirs"));
        let done = client(&github).keep_comment(7, &of_run(&marker, "ours", ours, &commit)).unwrap();
        assert_eq!(done.written, written);
        let bodies = github.bodies(7);
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        assert!(bodies[0].ends_with(expected), "{bodies:?}");
        assert_eq!(github.state().comments[&7][0]["id"], 1000, "the older comment stays");
    }
}

#[test]
fn an_older_run_never_overwrites_what_a_newer_one_wrote() {
    let github = GitHub::of_user("octocat");
    let (client, marker, commit) = (client(&github), marker(), Commit::new(HEAD).unwrap());
    client.keep_comment(7, &of_run(&marker, "from the newer run", 18, &commit)).unwrap();
    let done = client.keep_comment(7, &of_run(&marker, "from the older run, late", 17, &commit)).unwrap();
    assert_eq!(done.written, CommentWrite::Outrun);
    assert!(github.bodies(7)[0].ends_with("from the newer run"));
    // A person at a desk is no run, and means it.
    assert_eq!(client.upsert(7, &marker, "by hand").unwrap().written, CommentWrite::Edited);
}

#[test]
fn a_comment_that_a_person_deleted_stays_deleted_until_there_is_something_new() {
    let github = GitHub::of_installation("github-actions[bot]");
    let (client, marker, commit) = (client(&github), marker(), Commit::new(HEAD).unwrap());
    client.keep_comment(7, &of_run(&marker, "one", 1, &commit)).unwrap();
    assert_eq!(github.state().statuses[HEAD].len(), 1);
    github.delete_comments(7);
    let done = client.keep_comment(7, &of_run(&marker, "one", 2, &commit)).unwrap();
    assert_eq!((done.written, done.url), (CommentWrite::LeftDeleted, None));
    assert_eq!(github.bodies(7), Vec::<String>::new());
    let done = client.keep_comment(7, &of_run(&marker, "another text", 3, &commit)).unwrap();
    assert_eq!(done.written, CommentWrite::Created);
}

#[test]
fn nothing_to_report_begins_no_comment_and_still_lets_the_merge_go_on() {
    let github = GitHub::of_user("octocat");
    let (client, marker, commit) = (client(&github), marker(), Commit::new(HEAD).unwrap());
    let quiet = Note { quiet: true, ..of_run(&marker, "Nothing is wrong.", 1, &commit) };
    assert_eq!(client.keep_comment(7, &quiet).unwrap().written, CommentWrite::NothingToReport);
    assert_eq!(github.bodies(7), Vec::<String>::new());
    assert_eq!(github.state().statuses[HEAD][0]["state"], "success");
    // What was reported once is brought up to date.
    client.keep_comment(7, &of_run(&marker, "Two errors.", 2, &commit)).unwrap();
    let quiet = Note { quiet: true, ..of_run(&marker, "Nothing is wrong.", 3, &commit) };
    assert_eq!(client.keep_comment(7, &quiet).unwrap().written, CommentWrite::Edited);
}

#[test]
fn a_run_with_nothing_new_takes_three_requests_with_the_search_for_its_pull_request() {
    let github = GitHub::of_installation("github-actions[bot]");
    github.branch(7, "mallory:bold", HEAD, true);
    let (client, marker, commit) = (client(&github), marker(), Commit::new(HEAD).unwrap());
    let tell = |run| {
        let Headed::At(number) = client.pull_request_at("mallory", "bold", &commit).unwrap() else {
            panic!()
        };
        client.keep_comment(number, &of_run(&marker, "the same", run, &commit)).unwrap().written
    };
    assert_eq!(tell(1), CommentWrite::Created);
    github.requests();
    assert_eq!(tell(2), CommentWrite::Unchanged);
    assert_eq!(github.requests(), 3, "the pull request, its comments, who we are");
}

#[test]
fn a_status_states_the_verdict_and_one_that_may_not_be_written_is_no_failure() {
    let github = GitHub::of_user("octocat");
    let (client, marker, commit) = (client(&github), marker(), Commit::new(HEAD).unwrap());
    let mut failing = of_run(&marker, "Two errors.", 1, &commit);
    let standing = failing.standing.as_mut().unwrap();
    (standing.fails, standing.summary) = (true, "Not ready: 2 errors ".repeat(20));
    client.keep_comment(7, &failing).unwrap();
    let status = github.state().statuses[HEAD][0].clone();
    assert_eq!((&status["state"], &status["context"]), (&json!("failure"), &json!("trialbook review")));
    let description = status["description"].as_str().unwrap();
    assert!(description.chars().count() <= 140 && description.ends_with(']'), "{description}");

    github.delete_comments(8);
    github.will("POST", Fault::Done(201));
    let refusal = json!({"message": "Resource not accessible by integration"});
    github.will("POST", Fault::Answer(403, vec![], refusal));
    let other = Commit::new(OTHER).unwrap();
    let done = client.keep_comment(8, &of_run(&marker, "x", 1, &other)).unwrap();
    assert_eq!(done.written, CommentWrite::Created);
    assert!(done.without_status.unwrap().contains("the token may not write the status"));
}

#[test]
fn the_pull_request_of_a_fork_is_found_by_its_branch_and_proved_by_its_head() {
    let github = GitHub::of_user("octocat");
    github.state().page = 1;
    let head = Commit::new(HEAD).unwrap();
    github.branch(5, "mallory:bold #1&x", HEAD, false);
    github.branch(6, "mallory:bold #1&x", HEAD, true);
    github.branch(7, "mallory:bold #1&x", OTHER, true);
    github.branch(8, "mallory:other", HEAD, true);
    let client = client(&github);
    let at = |owner: &str, branch: &str, head: &Commit| client.pull_request_at(owner, branch, head).unwrap();
    assert_eq!(at("Mallory", "bold #1&x", &head), Headed::At(6), "an open one first");
    assert_eq!(at("mallory", "other", &Commit::new(COMMIT).unwrap()), Headed::Superseded(8));
    assert_eq!(at("eve", "other", &head), Headed::Nowhere);
    github.state().branches.retain(|pull| pull["number"] == 5);
    assert_eq!(at("mallory", "bold #1&x", &head), Headed::At(5), "a merged one too");
}
