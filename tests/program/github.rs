//! The GitHub client against a server that keeps state and answers as GitHub's API does.

mod contract;
pub mod server;

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use server::{Fault, GitHub, TOKEN};
use trialbook::github::{
    ApiUrl, BODY_LIMIT, Change, Client, Commit, GithubError, Marker, Pace, Repository, Token,
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
        ..Pace::default()
    })
}

fn marker() -> Marker {
    Marker::new("outcome", "bold-checkout-button").unwrap()
}

fn marked(text: &str) -> String {
    marker().mark(text)
}

#[test]
fn the_first_run_creates_the_comment_the_second_edits_it_and_the_third_writes_nothing() {
    let github = GitHub::of_user("octocat");
    let client = client(&github);

    let first = client.upsert_comment(7, &marker(), "Keep running.").unwrap();
    assert_eq!(first.change, Change::Created);
    assert_eq!(first.url, "https://github.com/acme/shop/pull/7#issuecomment-1000");
    assert_eq!(github.bodies(7), [marked("Keep running.")]);

    let second = client.upsert_comment(7, &marker(), "**Ship** `bold`.").unwrap();
    assert_eq!((second.change, &second.url), (Change::Edited, &first.url));
    assert_eq!(github.bodies(7), [marked("**Ship** `bold`.")]);

    let third = client.upsert_comment(7, &marker(), "**Ship** `bold`.").unwrap();
    assert_eq!((third.change, &third.url), (Change::Unchanged, &first.url));
    assert_eq!((github.count("POST"), github.count("PATCH")), (1, 1));
}

#[test]
fn an_installation_s_token_finds_its_own_comment_again() {
    let github = GitHub::of_installation("github-actions[bot]");
    github.comment(7, "renovate[bot]", &marked("quoted by another bot"));
    let client = client(&github);
    assert_eq!(client.upsert_comment(7, &marker(), "one").unwrap().change, Change::Created);
    assert_eq!(client.upsert_comment(7, &marker(), "two").unwrap().change, Change::Edited);
    assert_eq!(github.bodies(7), [marked("quoted by another bot"), marked("two")]);
}

#[test]
fn the_comments_of_two_experiments_do_not_meet() {
    let github = GitHub::of_user("octocat");
    let client = client(&github);
    let longer = Marker::new("outcome", "bold-checkout-button-2").unwrap();
    client.upsert_comment(7, &longer, "second round").unwrap();
    client.upsert_comment(7, &marker(), "first round").unwrap();
    client.upsert_comment(7, &marker(), "first round, again").unwrap();
    assert_eq!(github.bodies(7), [longer.mark("second round"), marked("first round, again")]);
}

#[test]
fn a_comment_on_a_later_page_is_found() {
    let github = GitHub::of_user("octocat");
    github.state().page = 3;
    for number in 0..7 {
        github.comment(7, "hubot", &format!("comment {number}"));
    }
    github.comment(7, "octocat", &marked("old"));
    let done = client(&github).upsert_comment(7, &marker(), "new").unwrap();
    assert_eq!(done.change, Change::Edited);
    assert_eq!(github.bodies(7).last().unwrap(), &marked("new"));
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn a_comment_of_somebody_else_is_never_touched() {
    let github = GitHub::of_user("octocat");
    github.comment(7, "mallory", &marked("fake"));
    let quoting = format!("Look:\n{}", marked("quoted"));
    github.comment(7, "octocat", &quoting);
    let done = client(&github).upsert_comment(7, &marker(), "real").unwrap();
    assert_eq!(done.change, Change::Created);
    assert_eq!(github.bodies(7), [marked("fake"), quoting, marked("real")]);
    assert_eq!(github.count("PATCH"), 0);
}

#[test]
fn an_account_is_the_same_whatever_its_case_and_a_deleted_one_is_nobody() {
    let github = GitHub::of_user("Octocat");
    github.comment(7, "ghost", &marked("by nobody"));
    github.state().comments.get_mut(&7).unwrap()[0]["user"] = json!(null);
    github.comment(7, "octocat", &marked("old"));
    let done = client(&github).upsert_comment(7, &marker(), "new").unwrap();
    assert_eq!(done.change, Change::Edited);
    assert_eq!(github.bodies(7), [marked("by nobody"), marked("new")]);
}

#[test]
fn of_several_comments_the_oldest_is_edited_and_the_others_are_named() {
    let github = GitHub::of_user("octocat");
    github.comment(7, "octocat", &marked("one"));
    let second = github.comment(7, "octocat", &marked("two"));
    let done = client(&github).upsert_comment(7, &marker(), "new").unwrap();
    assert_eq!(done.change, Change::Edited);
    assert_eq!(done.duplicates, [format!("https://github.com/acme/shop/pull/7#issuecomment-{second}")]);
    assert_eq!(github.bodies(7), [marked("new"), marked("two")]);
}

#[test]
fn line_ends_and_blanks_at_the_end_are_no_difference() {
    let github = GitHub::of_user("octocat");
    github.comment(7, "octocat", &marked("a\nb").replace('\n', "\r\n"));
    let done = client(&github).upsert_comment(7, &marker(), "a\nb\n\n").unwrap();
    assert_eq!(done.change, Change::Unchanged);
}

#[test]
fn a_body_that_does_not_fit_is_refused_before_anything_is_sent() {
    let github = GitHub::of_user("octocat");
    let body = "x".repeat(BODY_LIMIT);
    let error = client(&github).upsert_comment(7, &marker(), &body).unwrap_err();
    assert!(matches!(error, GithubError::TooLong { length } if length > BODY_LIMIT), "{error}");
    assert!(github.state().log.is_empty());
    let fits = "x".repeat(BODY_LIMIT - marker().mark("").len());
    assert_eq!(client(&github).upsert_comment(7, &marker(), &fits).unwrap().change, Change::Created);
}

#[test]
fn a_wrong_token_is_told() {
    let github = GitHub::of_user("octocat");
    let error = client_with(&github, "ghp_wrong").upsert_comment(7, &marker(), "x").unwrap_err();
    assert!(
        matches!(&error, GithubError::Unauthorised { message } if message == "Bad credentials"),
        "{error}"
    );
    assert!(error.is_unreachable() && !error.to_string().contains("ghp_wrong"));
    assert_eq!(github.state().log.len(), 1);
}

#[test]
fn a_repository_that_is_not_there_is_told() {
    let github = GitHub::of_user("octocat");
    let api = ApiUrl::new(&github.url()).unwrap();
    let elsewhere = Repository::new("acme/other").unwrap();
    let client = Client::new(api, elsewhere, &Token::new(TOKEN).unwrap()).unwrap();
    let error = client.upsert_comment(7, &marker(), "x").unwrap_err();
    assert!(matches!(error, GithubError::NotFound { .. }) && error.is_unreachable());
    assert_eq!(
        error.to_string(),
        "cannot read the comments of pull request 7: not found, or not visible to the token (Not Found)"
    );
}

#[test]
fn a_token_that_may_only_read_is_told_what_it_may_not() {
    let github = GitHub::of_user("octocat");
    github.will(
        "POST",
        Fault::Answer(403, vec![], json!({"message": "Resource not accessible by integration"})),
    );
    let error = client(&github).upsert_comment(7, &marker(), "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the token may not comment on pull request 7 (Resource not accessible by integration)"
    );
    assert_eq!((github.count("POST"), github.bodies(7).len()), (1, 0));
}

#[test]
fn a_rate_limit_says_until_when_and_nothing_is_tried_again() {
    let github = GitHub::of_user("octocat");
    let reset = "1795608000".to_owned();
    let headers = vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset)];
    let body = json!({"message": "API rate limit exceeded for user ID 1."});
    github.will("GET", Fault::Answer(403, headers, body));
    let error = client(&github).upsert_comment(7, &marker(), "x").unwrap_err();
    assert_eq!(error.to_string(), "GitHub's rate limit is used up until 2026-11-25T12:00:00Z");
    assert!(error.is_unreachable());
    assert_eq!(github.state().log.len(), 1);
}

#[test]
fn a_secondary_rate_limit_on_the_write_writes_nothing() {
    let github = GitHub::of_user("octocat");
    let headers = vec![("retry-after", "60".to_owned())];
    github.will("POST", Fault::Answer(429, headers, json!({"message": "slow down"})));
    let error = client(&github).upsert_comment(7, &marker(), "x").unwrap_err();
    assert!(matches!(error, GithubError::RateLimited { until: Some(_) }), "{error}");
    assert_eq!((github.count("POST"), github.bodies(7).len()), (1, 0));
}

#[test]
fn a_refusal_says_why() {
    let github = GitHub::of_user("octocat");
    let body = json!({"message": "Validation Failed", "documentation_url": "https://docs.github.com",
        "errors": [{"resource": "IssueComment", "code": "unprocessable", "field": "data",
                    "message": "Body is too long (maximum is 65536 characters)"}]});
    github.will("POST", Fault::Answer(422, vec![], body));
    let error = client(&github).upsert_comment(7, &marker(), "x").unwrap_err();
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
        let done = client(&github).upsert_comment(7, &marker(), "once").unwrap();
        assert_eq!(done.change, Change::Created);
        assert_eq!(done.url, "https://github.com/acme/shop/pull/7#issuecomment-1000");

        github.will("PATCH", fault);
        let done = client(&github).upsert_comment(7, &marker(), "changed").unwrap();
        assert_eq!(done.change, Change::Edited);
        assert_eq!(github.bodies(7), [marked("changed")]);
        assert_eq!((github.count("POST"), github.count("PATCH")), (1, 1));
    }
}

#[test]
fn a_write_that_was_lost_for_good_is_not_repeated() {
    for fault in [Fault::Answer(502, vec![], json!({})), Fault::Silent] {
        let github = GitHub::of_user("octocat");
        github.will("POST", fault.clone());
        let error = client(&github).upsert_comment(7, &marker(), "x").unwrap_err();
        assert!(matches!(error, GithubError::NotSeen { .. }) && error.is_unreachable(), "{error}");
        assert_eq!((github.count("POST"), github.bodies(7).len()), (1, 0));

        assert_eq!(client(&github).upsert_comment(7, &marker(), "x").unwrap().change, Change::Created);
        github.will("PATCH", fault);
        let error = client(&github).upsert_comment(7, &marker(), "y").unwrap_err();
        assert!(matches!(error, GithubError::NotSeen { .. }), "{error}");
        assert_eq!((github.count("PATCH"), github.bodies(7)), (1, vec![marked("x")]));
    }
}

#[test]
fn a_read_is_tried_again_while_the_server_is_in_trouble() {
    let github = GitHub::of_user("octocat");
    github.will("GET", Fault::Answer(502, vec![], json!({})));
    github.will("GET", Fault::Done(503));
    assert_eq!(client(&github).upsert_comment(7, &marker(), "x").unwrap().change, Change::Created);
    assert_eq!(github.bodies(7).len(), 1);
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let github = GitHub::of_user("octocat");
    for _ in 0..3 {
        github.will("GET", Fault::Silent);
    }
    let started = Instant::now();
    let error = client(&github).upsert_comment(7, &marker(), "x").unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(
        matches!(&error, GithubError::Unreachable { detail, .. } if detail.contains("within 700ms")),
        "{error}"
    );
    assert_eq!(github.count("GET"), 3);
}

#[test]
fn nobody_listening_is_told_with_the_address() {
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
    let error = client.upsert_comment(7, &marker(), "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot ask who the token belongs to: no answer from http://{free}")
    );
    assert!(std::error::Error::source(&error).is_some() && error.is_unreachable());
}

#[test]
fn a_page_that_is_not_github_s_is_told() {
    let github = GitHub::of_user("octocat");
    github.will("GET", Fault::Answer(200, vec![], json!({"welcome": "to the proxy"})));
    let error = client(&github).upsert_comment(7, &marker(), "x").unwrap_err();
    assert!(matches!(error, GithubError::Unexpected { .. }), "{error}");
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn a_repository_that_has_moved_is_told_and_the_token_does_not_follow() {
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
fn a_machine_without_certificates_is_told_so() {
    // Certificates are found through the environment, which only another process can have its own of.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "github::on_a_machine_without_certificates", "--ignored"])
        .env("SSL_CERT_FILE", "/nonexistent/bundle.pem")
        .env("SSL_CERT_DIR", "/nonexistent")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
#[ignore = "run by a_machine_without_certificates_is_told_so, in the environment that it needs"]
fn on_a_machine_without_certificates() {
    let variables = |name: &str| (name == "GITHUB_TOKEN").then(|| TOKEN.to_owned());
    let error = Client::from_variables(Repository::new("acme/shop").unwrap(), variables).unwrap_err();
    assert!(matches!(error, GithubError::NoCertificates { .. }), "{error:?}");
    assert!(error.is_unreachable() && error.hint().contains("ca-certificates"));
}

#[test]
fn an_endless_answer_is_refused() {
    let github = GitHub::of_user("octocat");
    let endless = json!({"login": "octocat", "bio": "x".repeat(33 << 20)});
    github.will("GET", Fault::Answer(200, vec![], endless));
    let client = client(&github).with_pace(Pace::default());
    let error = client.upsert_comment(7, &marker(), "x").unwrap_err();
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
    let error = client.upsert_comment(7, &marker(), "x").unwrap_err();
    assert!(error.to_string().contains("the list has more than 100 pages"), "{error}");
    assert_eq!(github.count("POST"), 0);
}

#[test]
fn a_conversation_ends_in_time_however_slow_each_answer_is() {
    let github = GitHub::of_user("octocat");
    github.will("GET", Fault::Silent);
    let pace = Pace { whole: Duration::from_millis(300), ..Pace::default() };
    let start = Instant::now();
    let error = client(&github).with_pace(pace).upsert_comment(7, &marker(), "x").unwrap_err();
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
        github.will("GET", Fault::Answer(200, vec![], json!({"login": "octocat"})));
        github.will("GET", Fault::Answer(200, vec![], comments.into()));
        let url = client(&github).upsert_comment(7, &marker(), "same").unwrap().url;
        assert_eq!(url, format!("{}/repos/acme/shop/issues/comments/{id}", github.url()));
    }
}

#[test]
fn a_rate_limit_before_christ_names_no_time() {
    let github = GitHub::of_user("octocat");
    let limits = vec![("retry-after", "-99999999999".to_owned())];
    github.will("GET", Fault::Answer(429, limits, json!({"message": "slow down"})));
    let error = client(&github).upsert_comment(7, &marker(), "x").unwrap_err();
    assert_eq!(error.to_string(), "GitHub's rate limit is used up");
}
