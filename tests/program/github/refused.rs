//! What GitHub refuses, and a server that is none: each is reported, and nothing hangs.

use super::*;

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
fn a_machine_without_certificates_is_reported() {
    // Certificates are found through the environment, which only another process can have its own of.
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "github::refused::on_a_machine_without_certificates", "--ignored"])
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
