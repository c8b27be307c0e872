//! Who runs the program, by git's configuration and the environment of a CI job.

use std::time::{SystemTime, UNIX_EPOCH};

use trialbook_delivery::journal::Actor;
use trialbook_history::Repository;
use trialbook_model::Digest;

/// Returns who runs the program, by git's configuration and by the variables of GitHub Actions and GitLab CI. Nothing else of
/// the environment is read: it holds tokens.
pub(super) fn actor(repository: Option<&Repository>) -> Actor {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    // Who ran a job again is not always who started it first.
    let account =
        ["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR", "GITLAB_USER_LOGIN"].into_iter().find_map(variable);
    let github = || {
        let (server, name) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{name}/actions/runs/{}", variable("GITHUB_RUN_ID")?))
    };
    let job = github().or_else(|| variable("CI_JOB_URL"));
    let git = repository.and_then(Repository::identity);
    Actor::new(git.as_deref(), account.as_deref(), job.as_deref())
}

/// Returns a text that no other run of the program has: two that apply the same plan at the same instant differ in it.
pub(super) fn nonce() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let host = std::env::var("HOSTNAME").unwrap_or_default();
    let text = format!("{host}/{}/{}", std::process::id(), since.as_nanos());
    Digest::of_bytes(text.as_bytes()).to_string()
}
