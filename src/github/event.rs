//! GitHub Actions' description of the current run: the pull request that it is for.
//!
//! GitHub writes this file, so it is trusted, unlike the files of a run for a pull request.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;

use super::marker::Run;
use super::{Commit, GithubError};

/// The largest event that is read, in bytes. GitHub's own limit for the payload of a webhook is 25 MB.
const LARGEST: u64 = 32 << 20;

/// The pull request that a run is for, and the commit that it looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The commit.
    pub head: Commit,
    /// How the pull request is found.
    pub pull: PullOf,
    /// The run that made what is commented.
    pub run: Option<Run>,
    /// The page of that run.
    pub page: Option<String>,
}

/// How a pull request is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullOf {
    /// The event names it.
    Numbered(u64),
    /// By its branch: `workflow_run.pull_requests` is empty for forks.
    Branch {
        /// Who owns the repository of the branch.
        owner: String,
        /// The branch.
        name: String,
    },
}

impl Event {
    /// Reads the event that `GITHUB_EVENT_NAME` and `GITHUB_EVENT_PATH` name, as `variable` gives them; none where
    /// they are not set, or the event is of no pull request.
    ///
    /// # Errors
    ///
    /// [`GithubError::Event`] where the file cannot be read or is not such an event.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, GithubError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let (Some(name), Some(path)) = (set("GITHUB_EVENT_NAME"), set("GITHUB_EVENT_PATH")) else {
            return Ok(None);
        };
        let refuse = |detail: String| GithubError::Event { name: name.clone(), detail };
        if !matches!(name.as_str(), "pull_request" | "pull_request_target" | "workflow_run") {
            return Ok(None);
        }
        let payload = read(Path::new(&path)).map_err(refuse)?;
        match (name.as_str(), payload) {
            ("workflow_run", Payload { workflow_run: Some(run), .. }) => {
                of_run(run).map_err(refuse).map(Some)
            }
            (_, Payload { pull_request: Some(pull), .. }) => Ok(Some(Self {
                head: Commit::new(&pull.head.sha)?,
                pull: PullOf::Numbered(pull.number),
                run: run_of(&variable),
                page: None,
            })),
            _ => Err(refuse(format!("it has no `{name}`").replace("_target", ""))),
        }
    }
}

/// Returns the run that this process is part of, as `variable` gives it.
pub fn run_of(variable: impl Fn(&str) -> Option<String>) -> Option<Run> {
    let number = |name| variable(name)?.parse().ok();
    Some(Run { id: number("GITHUB_RUN_ID")?, attempt: number("GITHUB_RUN_ATTEMPT").unwrap_or(1) })
}

fn of_run(run: WorkflowRun) -> Result<Event, String> {
    if !matches!(run.event.as_str(), "pull_request" | "pull_request_target") {
        return Err(format!("the run was started by `{}` and not by a pull request", shown(&run.event)));
    }
    let owner = run.head_repository.and_then(|repository| repository.owner).map(|owner| owner.login);
    Ok(Event {
        head: Commit::new(&run.head_sha).map_err(|error| error.to_string())?,
        pull: PullOf::Branch {
            owner: owner.ok_or("the repository of the pull request is gone")?,
            name: run.head_branch.ok_or("the branch of the pull request is gone")?,
        },
        run: Some(Run { id: run.id, attempt: run.run_attempt }),
        page: run.html_url,
    })
}

fn read(path: &Path) -> Result<Payload, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LARGEST + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > LARGEST {
        return Err(format!("it is larger than {} MiB", LARGEST >> 20));
    }
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn shown(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect()
}

#[derive(Deserialize)]
struct Payload {
    pull_request: Option<PullRequest>,
    workflow_run: Option<WorkflowRun>,
}

#[derive(Deserialize)]
struct PullRequest {
    number: u64,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
}

#[derive(Deserialize)]
struct WorkflowRun {
    id: u64,
    #[serde(default = "first")]
    run_attempt: u64,
    event: String,
    head_sha: String,
    head_branch: Option<String>,
    head_repository: Option<HeadRepository>,
    html_url: Option<String>,
}

const fn first() -> u64 {
    1
}

#[derive(Deserialize)]
struct HeadRepository {
    owner: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    login: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "6dcb09b5b57875f334f61aebed695e2e4193db5e";

    fn event(name: &str, payload: &str) -> Result<Option<Event>, GithubError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), payload).unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        Event::from_variables(|variable| match variable {
            "GITHUB_EVENT_NAME" => Some(name.to_owned()),
            "GITHUB_EVENT_PATH" => Some(path.clone()),
            "GITHUB_RUN_ID" => Some("900".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_run_for_a_fork_names_the_branch_and_its_own_number() {
        let payload = format!(
            r#"{{"workflow_run": {{"id": 17, "run_attempt": 2, "event": "pull_request", "head_sha": "{SHA}",
            "head_branch": "bold", "pull_requests": [], "html_url": "https://github.test/run/17",
            "head_repository": {{"owner": {{"login": "mallory"}}}}}}}}"#
        );
        let found = event("workflow_run", &payload).unwrap().unwrap();
        assert_eq!(found.pull, PullOf::Branch { owner: "mallory".into(), name: "bold".into() });
        assert_eq!((found.head.as_str(), found.run), (SHA, Some(Run { id: 17, attempt: 2 })));
    }

    #[test]
    fn an_event_of_a_pull_request_names_it() {
        let payload = format!(r#"{{"pull_request": {{"number": 7, "head": {{"sha": "{SHA}"}}}}}}"#);
        let found = event("pull_request", &payload).unwrap().unwrap();
        assert_eq!((found.pull, found.run), (PullOf::Numbered(7), Some(Run { id: 900, attempt: 1 })));
    }

    #[test]
    fn other_events_are_of_no_pull_request_and_a_damaged_one_is_refused() {
        assert_eq!(event("push", "{}").unwrap(), None);
        assert_eq!(Event::from_variables(|_| None).unwrap(), None);
        let pushed = format!(r#"{{"workflow_run": {{"id": 1, "event": "push", "head_sha": "{SHA}"}}}}"#);
        for payload in ["", "{}", r#"{"workflow_run": {}}"#, &pushed] {
            let error = event("workflow_run", payload).unwrap_err();
            assert!(matches!(error, GithubError::Event { .. }), "{payload}: {error}");
        }
    }
}
