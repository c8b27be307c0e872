//! The GitHub client against a server that keeps state and answers as GitHub's API does.

mod contract;
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
fn a_body_that_does_not_fit_is_refused_before_anything_is_sent() {
    let github = GitHub::of_user("octocat");
    let body = "x".repeat(BODY_LIMIT);
    let error = client(&github).upsert(7, &marker(), &body).unwrap_err();
    assert!(matches!(error, GithubError::TooLong { length } if length > BODY_LIMIT), "{error}");
    assert!(github.state().log.is_empty());
    let fits = "x".repeat(BODY_LIMIT - marker().mark(&Stamp::default(), "").len());
    assert_eq!(client(&github).upsert(7, &marker(), &fits).unwrap().written, CommentWrite::Created);
}

#[test]
fn a_wrong_token_is_reported() {
    let github = GitHub::of_user("octocat");
    let error = client_with(&github, "ghp_wrong").upsert(7, &marker(), "x").unwrap_err();
    assert!(
        matches!(&error, GithubError::Unauthorised { message } if message == "Bad credentials"),
        "{error}"
    );
    assert!(error.is_unreachable() && !error.to_string().contains("ghp_wrong"));
    assert_eq!(github.state().log.len(), 1);
}

#[test]
fn a_repository_that_is_not_there_is_reported() {
    let github = GitHub::of_user("octocat");
    let api = ApiUrl::new(&github.url()).unwrap();
    let elsewhere = Repository::new("acme/other").unwrap();
    let client = Client::new(api, elsewhere, &Token::new(TOKEN).unwrap()).unwrap();
    let error = client.upsert(7, &marker(), "x").unwrap_err();
    assert!(matches!(error, GithubError::NotFound { .. }) && error.is_unreachable());
    assert_eq!(
        error.to_string(),
        "cannot read the comments of pull request 7: not found, or not visible to the token (Not Found)"
    );
}

#[test]
fn a_token_that_may_only_read_is_refused_and_the_permission_named() {
    let github = GitHub::of_user("octocat");
    github.will(
        "POST",
        Fault::Answer(403, vec![], json!({"message": "Resource not accessible by integration"})),
    );
    let error = client(&github).upsert(7, &marker(), "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token may not comment on pull request 7 (Resource not accessible by integration)"
    );
    assert_eq!((github.count("POST"), github.bodies(7).len()), (1, 0));
}

#[test]
fn a_rate_limit_states_until_when_and_nothing_is_tried_again() {
    let github = GitHub::of_user("octocat");
    let reset = "1795608000".to_owned();
    let headers = vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset)];
    let body = json!({"message": "API rate limit exceeded for user ID 1."});
    github.will("GET", Fault::Answer(403, headers, body));
    let error = client(&github).upsert(7, &marker(), "x").unwrap_err();
    assert_eq!(error.to_string(), "GitHub's rate limit is used up until 2026-11-25T12:00:00Z");
    assert!(error.is_unreachable());
    assert_eq!(github.state().log.len(), 1);
}

#[test]
fn a_secondary_rate_limit_on_the_write_writes_nothing() {
    let github = GitHub::of_user("octocat");
    let headers = vec![("retry-after", "60".to_owned())];
    github.will("POST", Fault::Answer(429, headers, json!({"message": "slow down"})));
    let error = client(&github).upsert(7, &marker(), "x").unwrap_err();
    assert!(matches!(error, GithubError::RateLimited { until: Some(_) }), "{error}");
    assert_eq!((github.count("POST"), github.bodies(7).len()), (1, 0));
}

#[test]
fn a_refusal_names_the_reason() {
    let github = GitHub::of_user("octocat");
    let body = json!({"message": "Validation Failed", "documentation_url": "https://docs.github.com",
        "errors": [{"resource": "IssueComment", "code": "unprocessable", "field": "data",
                    "message": "Body is too long (maximum is 65536 characters)"}]});
    github.will("POST", Fault::Answer(422, vec![], body));
    let error = client(&github).upsert(7, &marker(), "x").unwrap_err();
    assert!(!error.is_unreachable());
    assert_eq!(
        error.to_string(),
        "GitHub refuses to comment on pull request 7: Validation Failed; data: Body is too long \
         (maximum is 65536 characters) (status 422)"
    );
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
fn a_read_is_tried_again_while_the_server_is_in_trouble() {
    let github = GitHub::of_user("octocat");
    github.will("GET", Fault::Answer(502, vec![], json!({})));
    github.will("GET", Fault::Done(503));
    assert_eq!(client(&github).upsert(7, &marker(), "x").unwrap().written, CommentWrite::Created);
    assert_eq!(github.bodies(7).len(), 1);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let github = GitHub::of_user("octocat");
    for _ in 0..3 {
        github.will("GET", Fault::Silent);
    }
    let started = Instant::now();
    let error = client(&github).upsert(7, &marker(), "x").unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(
        matches!(&error, GithubError::Unreachable { detail, .. } if detail.contains("within 700ms")),
        "{error}"
    );
    assert_eq!(github.count("GET"), 3);
}

#[test]
fn nobody_listening_is_reported_with_the_address() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let variables = |name: &str| match name {
        "GITHUB_API_URL" => Some(format!("http://{free}")),
        _ => Some(TOKEN.to_owned()),
    };
    let client =
        Client::from_variables(Repository::new("acme/shop").unwrap(), variables).unwrap().with_pace(Pace {
            timeout: Duration::from_secs(5),
            pause: Duration::from_millis(1),
            ..Pace::default()
        });
    let error = client.upsert(7, &marker(), "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot read the comments of pull request 7: no answer from http://{free}")
    );
    assert!(std::error::Error::source(&error).is_some() && error.is_unreachable());
}

#[test]
fn a_page_that_is_not_github_s_is_reported() {
    let github = GitHub::of_user("octocat");
    github.will("GET", Fault::Answer(200, vec![], json!({"welcome": "to the proxy"})));
    let error = client(&github).upsert(7, &marker(), "x").unwrap_err();
    assert!(matches!(error, GithubError::Unexpected { .. }), "{error}");
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn a_repository_that_has_moved_is_reported_and_the_token_does_not_follow() {
    let github = GitHub::of_user("octocat");
    github.will(
        "GET",
        Fault::Answer(301, vec![("location", "http://127.0.0.1:9/elsewhere".into())], json!({})),
    );
    let error = client(&github).pull_request_introducing(&Commit::new(COMMIT).unwrap()).unwrap_err();
    assert!(matches!(error, GithubError::Moved { .. }), "{error}");
    assert_eq!(github.state().log.len(), 1);
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

#[test]
fn a_machine_without_certificates_is_reported() {
    // Certificates are found through the environment, which only another process can have its own of.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "github::on_a_machine_without_certificates", "--ignored"])
        .env("SSL_CERT_FILE", "/nonexistent/bundle.pem")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

#[test]
#[ignore = "run by a_machine_without_certificates_is_reported, in the environment that it needs"]
fn on_a_machine_without_certificates() {
    let variables = |name: &str| (name == "GITHUB_TOKEN").then(|| TOKEN.to_owned());
    let error = Client::from_variables(Repository::new("acme/shop").unwrap(), variables).unwrap_err();
    assert!(matches!(error, GithubError::NoCertificates { .. }), "{error:?}");
    assert!(
        error.is_unreachable()
            && error.help().is_some_and(|help| help.to_string().contains("ca-certificates"))
    );
}

#[test]
fn an_endless_answer_is_refused() {
    let github = GitHub::of_user("octocat");
    let endless = json!({"login": "octocat", "bio": "x".repeat(33 << 20)});
    github.will("GET", Fault::Answer(200, vec![], endless));
    let client = client(&github).with_pace(Pace::default());
    let error = client.upsert(7, &marker(), "x").unwrap_err();
    let expected = "it is longer than 32 MiB";
    assert!(matches!(&error, GithubError::Unexpected { detail, .. } if detail == expected), "{error}");
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn an_endless_list_is_refused() {
    let github = GitHub::of_user("octocat");
    github.state().page = 1;
    for n in 0..101 {
        github.comment(7, "somebody", &format!("comment {n}"));
    }
    let client = client(&github).with_pace(Pace::default());
    let error = client.upsert(7, &marker(), "x").unwrap_err();
    assert!(error.to_string().contains("the list has more than 100 pages"), "{error}");
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn a_conversation_ends_in_time_however_slow_each_answer_is() {
    let github = GitHub::of_user("octocat");
    github.will("GET", Fault::Silent);
    let pace = Pace { whole: Duration::from_millis(300), ..Pace::default() };
    let start = Instant::now();
    let error = client(&github).with_pace(pace).upsert(7, &marker(), "x").unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(error.is_unreachable() && error.to_string().contains("did not finish within 300ms"), "{error}");
}

#[test]
fn a_page_that_is_none_of_the_web_is_not_passed_on() {
    let own_page = "https://github.com/acme/shop/pull/7#issuecomment-1000";
    for hostile in
        ["https://x.test/\u{1b}[31m", "https://x.test/\n::error::x", "javascript:x", "https://x.test/ä"]
    {
        let github = GitHub::of_user("octocat");
        let id = github.comment(7, "octocat", &marked("same"));
        let mut comments = github.state().comments[&7].clone();
        assert_eq!(comments[0]["html_url"], own_page);
        comments[0]["html_url"] = hostile.into();
        github.will("GET", Fault::Answer(200, vec![], comments.into()));
        let url = client(&github).upsert(7, &marker(), "same").unwrap().url;
        assert_eq!(url, Some(format!("{}/repos/acme/shop/issues/comments/{id}", github.url())));
    }
}

#[test]
fn a_rate_limit_before_christ_names_no_time() {
    let github = GitHub::of_user("octocat");
    let limits = vec![("retry-after", "-99999999999".to_owned())];
    github.will("GET", Fault::Answer(429, limits, json!({"message": "slow down"})));
    let error = client(&github).upsert(7, &marker(), "x").unwrap_err();
    assert_eq!(error.to_string(), "GitHub's rate limit is used up");
}

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
