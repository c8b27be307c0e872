//! The GitHub client against a server that keeps state and answers as GitHub's API does.

mod contract;
mod refused;
mod runs;
pub mod server;

use miette::Diagnostic as _;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use server::{Fault, GitHub, TOKEN};
use trialbook::github::{
    ApiUrl, BODY_LIMIT, Client, CommentWrite, Commit, GithubError, Headed, Kept, Marker, Note, Pace,
    Repository, Run, Stamp, Standing, Token,
};

const COMMIT: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";
const OTHER: &str = "e5bd3914e2e596debea16f433f57875b5b90bcd6";

fn client(github: &GitHub) -> Client {
    client_with(github, TOKEN)
}

fn client_with(github: &GitHub, token: &str) -> Client {
    let variables = |name: &str| match name {
        "GITHUB_API_URL" => Some(github.url()),
        "GITHUB_TOKEN" => Some(token.to_owned()),
        _ => None,
    };
    Client::from_variables(Repository::new("acme/shop").unwrap(), variables).unwrap().with_pace(Pace {
        timeout: Duration::from_millis(700),
        pause: Duration::from_millis(5),
        between_writes: Duration::ZERO,
        ..Pace::default()
    })
}

/// A note of no run and no commit.
fn note<'a>(marker: &'a Marker, markdown: &'a str) -> Note<'a> {
    Note { marker, stamp: Stamp::default(), markdown, quiet: false, standing: None }
}

trait Upsert {
    fn upsert(&self, pull: u64, marker: &Marker, markdown: &str) -> Result<Kept, GithubError>;
}

impl Upsert for Client {
    fn upsert(&self, pull: u64, marker: &Marker, markdown: &str) -> Result<Kept, GithubError> {
        self.keep_comment(pull, &note(marker, markdown))
    }
}

fn marker() -> Marker {
    Marker::new("result", &["acme-shop", "bold-checkout-button"]).unwrap()
}

fn marked(text: &str) -> String {
    marker().mark(&Stamp::default(), text)
}

#[test]
fn the_first_run_creates_the_comment_the_second_edits_it_and_the_third_writes_nothing() {
    let github = GitHub::of_user("octocat");
    let client = client(&github);

    let first = client.upsert(7, &marker(), "Keep running.").unwrap();
    assert_eq!(first.written, CommentWrite::Created);
    assert_eq!(first.url.as_deref(), Some("https://github.com/acme/shop/pull/7#issuecomment-1000"));
    assert_eq!(github.bodies(7), [marked("Keep running.")]);

    let second = client.upsert(7, &marker(), "**Ship** `bold`.").unwrap();
    assert_eq!((second.written, &second.url), (CommentWrite::Edited, &first.url));
    assert_eq!(github.bodies(7), [marked("**Ship** `bold`.")]);

    let third = client.upsert(7, &marker(), "**Ship** `bold`.").unwrap();
    assert_eq!((third.written, &third.url), (CommentWrite::Unchanged, &first.url));
    assert_eq!((github.count("POST"), github.count("PATCH")), (1, 1));
}

#[test]
fn an_installation_s_token_finds_its_own_comment_again() {
    let github = GitHub::of_installation("github-actions[bot]");
    github.comment(7, "renovate[bot]", &marked("quoted by another bot"));
    let client = client(&github);
    assert_eq!(client.upsert(7, &marker(), "one").unwrap().written, CommentWrite::Created);
    assert_eq!(client.upsert(7, &marker(), "two").unwrap().written, CommentWrite::Edited);
    assert_eq!(github.bodies(7), [marked("quoted by another bot"), marked("two")]);
}

#[test]
fn the_comments_of_two_experiments_do_not_meet() {
    let github = GitHub::of_user("octocat");
    let client = client(&github);
    let longer = Marker::new("result", &["acme-shop", "bold-checkout-button-2"]).unwrap();
    client.upsert(7, &longer, "second round").unwrap();
    client.upsert(7, &marker(), "first round").unwrap();
    client.upsert(7, &marker(), "first round, again").unwrap();
    assert_eq!(
        github.bodies(7),
        [longer.mark(&Stamp::default(), "second round"), marked("first round, again")]
    );
}

#[test]
fn a_comment_on_a_later_page_is_found() {
    let github = GitHub::of_user("octocat");
    github.state().page = 3;
    for number in 0..7 {
        github.comment(7, "hubot", &format!("comment {number}"));
    }
    github.comment(7, "octocat", &marked("old"));
    let done = client(&github).upsert(7, &marker(), "new").unwrap();
    assert_eq!(done.written, CommentWrite::Edited);
    assert_eq!(github.bodies(7).last().unwrap(), &marked("new"));
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn a_comment_of_somebody_else_is_never_touched() {
    let github = GitHub::of_user("octocat");
    github.comment(7, "mallory", &marked("fake"));
    let quoting = format!("Look:\n{}", marked("quoted"));
    github.comment(7, "octocat", &quoting);
    let done = client(&github).upsert(7, &marker(), "real").unwrap();
    assert_eq!(done.written, CommentWrite::Created);
    assert_eq!(github.bodies(7), [marked("fake"), quoting, marked("real")]);
    assert_eq!(github.count("PATCH"), 0);
}

#[test]
fn an_account_is_the_same_whatever_its_case_and_a_deleted_one_is_nobody() {
    let github = GitHub::of_user("Octocat");
    github.comment(7, "ghost", &marked("by nobody"));
    github.state().comments.get_mut(&7).unwrap()[0]["user"] = json!(null);
    github.comment(7, "octocat", &marked("old"));
    let done = client(&github).upsert(7, &marker(), "new").unwrap();
    assert_eq!(done.written, CommentWrite::Edited);
    assert_eq!(github.bodies(7), [marked("by nobody"), marked("new")]);
}

#[test]
fn of_several_comments_the_oldest_is_edited_and_the_others_are_removed() {
    let github = GitHub::of_user("octocat");
    github.comment(7, "octocat", &marked("one"));
    github.comment(7, "octocat", &marked("two"));
    let done = client(&github).upsert(7, &marker(), "new").unwrap();
    assert_eq!(done.written, CommentWrite::Edited);
    assert_eq!(done.removed, 1);
    assert_eq!(github.bodies(7), [marked("new")]);
}

#[test]
fn line_ends_and_blanks_at_the_end_are_no_difference() {
    let github = GitHub::of_user("octocat");
    github.comment(7, "octocat", &marked("a\nb").replace('\n', "\r\n"));
    let done = client(&github).upsert(7, &marker(), "a\nb\n\n").unwrap();
    assert_eq!(done.written, CommentWrite::Unchanged);
}

#[test]
fn a_write_that_took_effect_before_its_answer_was_lost_is_done_once() {
    for fault in [Fault::Done(502), Fault::Done(201), Fault::DoneThenSilent] {
        let github = GitHub::of_user("octocat");
        github.will("POST", fault.clone());
        let done = client(&github).upsert(7, &marker(), "once").unwrap();
        assert_eq!(done.written, CommentWrite::Created);
        assert_eq!(done.url.as_deref(), Some("https://github.com/acme/shop/pull/7#issuecomment-1000"));

        github.will("PATCH", fault);
        let done = client(&github).upsert(7, &marker(), "changed").unwrap();
        assert_eq!(done.written, CommentWrite::Edited);
        assert_eq!(github.bodies(7), [marked("changed")]);
        assert_eq!((github.count("POST"), github.count("PATCH")), (1, 1));
    }
}

#[test]
fn a_write_that_was_lost_for_good_is_not_repeated() {
    for fault in [Fault::Answer(502, vec![], json!({})), Fault::Silent] {
        let github = GitHub::of_user("octocat");
        github.will("POST", fault.clone());
        let error = client(&github).upsert(7, &marker(), "x").unwrap_err();
        assert!(matches!(error, GithubError::NotSeen { .. }) && error.is_unreachable(), "{error}");
        assert_eq!((github.count("POST"), github.bodies(7).len()), (1, 0));

        assert_eq!(client(&github).upsert(7, &marker(), "x").unwrap().written, CommentWrite::Created);
        github.will("PATCH", fault);
        let error = client(&github).upsert(7, &marker(), "y").unwrap_err();
        assert!(matches!(error, GithubError::NotSeen { .. }), "{error}");
        assert_eq!((github.count("PATCH"), github.bodies(7)), (1, vec![marked("x")]));
    }
}

#[test]
fn a_commit_leads_to_the_pull_request_that_was_merged() {
    let github = GitHub::of_user("octocat");
    github.pull(COMMIT, 41, None, OTHER, "acme/shop");
    github.pull(COMMIT, 42, Some("2026-11-20T10:00:00Z"), OTHER, "Acme/Shop");
    github.pull(COMMIT, 40, Some("2026-11-01T10:00:00Z"), OTHER, "fork/shop");
    let commit = Commit::new(COMMIT).unwrap();
    assert_eq!(client(&github).pull_request_introducing(&commit).unwrap(), Some(42));
}

#[test]
fn of_several_merged_pull_requests_the_one_that_made_the_commit_counts_else_the_first() {
    let github = GitHub::of_installation("github-actions[bot]");
    github.state().page = 1;
    github.pull(COMMIT, 7, Some("2026-11-02T10:00:00Z"), OTHER, "acme/shop");
    github.pull(COMMIT, 9, Some("2026-11-01T10:00:00Z"), OTHER, "acme/shop");
    let commit = Commit::new(COMMIT).unwrap();
    assert_eq!(client(&github).pull_request_introducing(&commit).unwrap(), Some(9));
    github.pull(COMMIT, 8, Some("2026-11-03T10:00:00Z"), COMMIT, "acme/shop");
    assert_eq!(client(&github).pull_request_introducing(&commit).unwrap(), Some(8));
}

#[test]
fn a_commit_pushed_without_a_pull_request_has_none_and_an_unknown_one_is_not_found() {
    let github = GitHub::of_user("octocat");
    github.pull(COMMIT, 41, None, OTHER, "acme/shop");
    assert_eq!(client(&github).pull_request_introducing(&Commit::new(COMMIT).unwrap()).unwrap(), None);
    let error = client(&github).pull_request_introducing(&Commit::new(OTHER).unwrap()).unwrap_err();
    assert!(matches!(error, GithubError::NotFound { .. }), "{error}");
}
