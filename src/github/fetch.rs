//! The commits of pull requests, fetched through git as data: nothing is checked out, no ref is written and no hook runs.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use base64::Engine as _;

use super::bounded::{self, Unfinished};
use super::{OpenPull, Token};

/// How many pull requests one call of git fetches: every one takes an argument.
const BATCH: usize = 50;

/// How long one call of git may take. Fifty pull requests of a large repository take less than a minute.
const LONGEST: Duration = Duration::from_secs(600);

/// The longest message of git's that is passed on, in characters.
const LONGEST_MESSAGE: usize = 300;

/// Why commits cannot be fetched.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FetchError {
    /// Git cannot be run.
    #[error("cannot run git")]
    #[diagnostic(help("install git, which fetches the commits of pull requests"))]
    NoGit(#[source] io::Error),
    /// Git did not finish.
    #[error("git did not finish within {} seconds and was stopped: the pull requests of `{remote}` are not fetched", limit.as_secs_f32())]
    #[diagnostic(help(
        "check that `git ls-remote {remote}` answers, and run the command again: nothing was written"
    ))]
    TooLong {
        /// The remote.
        remote: String,
        /// How long it was given.
        limit: Duration,
    },
    /// Git refused.
    #[error("cannot fetch the pull requests from `{remote}`: {message}")]
    #[diagnostic(help(
        "`git remote get-url origin` must be the repository on GitHub, and git must be able to read it"
    ))]
    Refused {
        /// The remote.
        remote: String,
        /// What git wrote.
        message: String,
    },
}

/// A remote of a clone.
#[derive(Debug, Clone)]
pub struct Remote {
    folder: PathBuf,
    name: String,
    /// The server's address and what signs requests to it.
    signed: Option<(String, Token)>,
    /// How long one call of git may take.
    limit: Duration,
}

impl Remote {
    /// Names the remote that a revision such as `origin/main` is of, and its branch there. A revision without a remote is a branch of
    /// `origin`; the digits of a commit are of no branch.
    ///
    /// # Errors
    ///
    /// [`FetchError::NoGit`], [`FetchError::TooLong`].
    pub fn of(folder: &Path, revision: &str) -> Result<(Self, Option<String>), FetchError> {
        let remote = |name: &str| Self {
            folder: folder.to_owned(),
            name: name.to_owned(),
            signed: None,
            limit: LONGEST,
        };
        let known = remote("").run(&["remote"])?;
        let known = String::from_utf8_lossy(&known.stdout).into_owned();
        let known: BTreeSet<&str> = known.lines().collect();
        let name = revision.strip_prefix("refs/remotes/").unwrap_or(revision);
        if let Some((first, branch)) = name.split_once('/').filter(|(first, _)| known.contains(first)) {
            return Ok((remote(first), Some(branch.to_owned())));
        }
        let branch = revision.strip_prefix("refs/heads/").unwrap_or(revision);
        let is_commit = branch.len() >= 7 && branch.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_other =
            branch == "HEAD" || branch.contains(['~', '^', '@', ':']) || branch.starts_with("refs/");
        Ok((remote("origin"), (!is_commit && !is_other).then(|| branch.to_owned())))
    }

    /// Lets git sign what it sends to this server, and to no other, where the clone has no credentials of its own.
    #[must_use]
    pub fn signed(self, server: &str, token: &Token) -> Self {
        Self { signed: Some((format!("{}/", server.trim_end_matches('/')), token.clone())), ..self }
    }

    /// Fetches the commits of pull requests. One that was closed or moved since is left out: its commit is simply not there.
    ///
    /// # Errors
    ///
    /// As [`FetchError`] lists them.
    pub fn fetch(&self, pulls: &[OpenPull]) -> Result<(), FetchError> {
        let missing = |pull: &&OpenPull| {
            let commit = format!("{}^{{commit}}", pull.head);
            self.run(&["cat-file", "-e", &commit]).map_or(true, |found| !found.status.success())
        };
        let missing: Vec<_> = pulls.iter().filter(missing).map(|pull| reference(pull.number)).collect();
        for batch in missing.chunks(BATCH) {
            let output = self.get(batch)?;
            if output.status.success() {
                continue;
            }
            // One ref that is gone fails them all.
            let listed = self.succeed(&["ls-remote", "--", &self.name, "refs/pull/*/head"])?;
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            let there: BTreeSet<&str> =
                listed.lines().filter_map(|line| Some(line.split_once('\t')?.1)).collect();
            let left: Vec<_> = batch.iter().filter(|name| there.contains(name.as_str())).cloned().collect();
            if left.len() == batch.len() {
                return Err(self.refused(&output));
            }
            if !left.is_empty() {
                let output = self.get(&left)?;
                if !output.status.success() {
                    return Err(self.refused(&output));
                }
            }
        }
        Ok(())
    }

    fn get(&self, refs: &[String]) -> Result<Output, FetchError> {
        let mut arguments = vec![
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            "--refmap=",
            "--",
            &self.name,
        ];
        arguments.extend(refs.iter().map(String::as_str));
        self.run(&arguments)
    }

    fn succeed(&self, arguments: &[&str]) -> Result<Output, FetchError> {
        let output = self.run(arguments)?;
        if output.status.success() { Ok(output) } else { Err(self.refused(&output)) }
    }

    fn refused(&self, output: &Output) -> FetchError {
        let message = String::from_utf8_lossy(&output.stderr);
        let message: String =
            message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_MESSAGE).collect();
        let message = if message.is_empty() { "it gave no reason".to_owned() } else { message };
        FetchError::Refused { remote: self.name.clone(), message }
    }

    /// Runs git, which can ask nobody, runs no hook and follows no redirect with a signed request.
    fn run(&self, arguments: &[&str]) -> Result<Output, FetchError> {
        let mut git = self.git();
        if let Some((server, token)) = self.signed.as_ref().filter(|(server, _)| !self.has_own(server)) {
            // In the environment, where other users of the machine do not see it.
            let secret = format!("x-access-token:{}", token.secret());
            let secret = base64::engine::general_purpose::STANDARD.encode(secret);
            let settings = [
                (format!("http.{server}.extraheader"), format!("Authorization: Basic {secret}")),
                ("http.followRedirects".to_owned(), "false".to_owned()),
            ];
            // Behind those that are there.
            let set = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok());
            let set: usize = set.unwrap_or_default();
            for (index, (name, value)) in settings.iter().enumerate() {
                git.env(format!("GIT_CONFIG_KEY_{}", set + index), name);
                git.env(format!("GIT_CONFIG_VALUE_{}", set + index), value);
            }
            git.env("GIT_CONFIG_COUNT", (set + settings.len()).to_string());
        }
        bounded::output(git.args(arguments), self.limit).map_err(|error| match error {
            Unfinished::NotRun(error) => FetchError::NoGit(error),
            Unfinished::TooLong => FetchError::TooLong { remote: self.name.clone(), limit: self.limit },
        })
    }

    /// Returns whether the clone signs requests to the server already: two signatures are refused.
    fn has_own(&self, server: &str) -> bool {
        let mut git = self.git();
        let asked =
            bounded::output(git.args(["config", "--get-urlmatch", "http.extraheader", server]), self.limit);
        asked.is_ok_and(|found| found.status.success() && !found.stdout.is_empty())
    }

    fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.folder).args(["-c", "core.hooksPath=/dev/null"]);
        git.env("GIT_TERMINAL_PROMPT", "0").env("GIT_ASKPASS", "").stdin(Stdio::null());
        git.env("SSH_ASKPASS_REQUIRE", "never");
        if std::env::var_os("GIT_SSH_COMMAND").is_none() && std::env::var_os("GIT_SSH").is_none() {
            git.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
        }
        for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"] {
            git.env_remove(name);
        }
        git
    }
}

fn reference(number: u64) -> String {
    format!("refs/pull/{number}/head")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_names_its_remote_and_branch() {
        let folder = tempfile::tempdir().expect("a folder");
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            assert!(git.arg("-C").arg(folder.path()).args(arguments).status().expect("git").success());
        };
        git(&["init", "-q"]);
        git(&["remote", "add", "upstream", "https://git.test/acme/shop"]);
        for (revision, name, branch) in [
            ("upstream/main", "upstream", Some("main")),
            ("refs/remotes/upstream/release/2", "upstream", Some("release/2")),
            ("main", "origin", Some("main")),
            ("refs/heads/team/x", "origin", Some("team/x")),
            ("team/x", "origin", Some("team/x")),
            ("9f2e1c7d3b0a4c5e6f708192a3b4c5d6e7f80912", "origin", None),
            ("HEAD", "origin", None),
            ("main~2", "origin", None),
        ] {
            let (remote, into) = Remote::of(folder.path(), revision).expect("git");
            assert_eq!((remote.name.as_str(), into.as_deref()), (name, branch), "{revision}");
        }
    }

    #[test]
    fn a_remote_that_never_answers_is_given_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("git://{}/acme/shop", silent.local_addr().expect("an address"));
        for arguments in [&["init", "-q"][..], &["remote", "add", "origin", &address]] {
            let mut git = Command::new("git");
            assert!(git.arg("-C").arg(folder.path()).args(arguments).status().expect("git").success());
        }
        let (remote, _) = Remote::of(folder.path(), "main").expect("git");
        let remote = Remote { limit: Duration::from_secs(2), ..remote };
        let head = super::super::Commit::new("6dcb09b5b57875f334f61aebed695e2e4193db5e").expect("a commit");
        let error = remote.fetch(&[OpenPull { number: 7, head, author: None }]).expect_err("no answer");
        assert!(matches!(error, FetchError::TooLong { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            "git did not finish within 2 seconds and was stopped: the pull requests of `origin` are not fetched"
        );
    }

    #[test]
    fn a_token_signs_requests_to_its_server_only_and_is_never_an_argument() {
        let folder = tempfile::tempdir().expect("a folder");
        let git = |arguments: &[&str]| {
            let mut git = Command::new("git");
            assert!(git.arg("-C").arg(folder.path()).args(arguments).status().expect("git").success());
        };
        git(&["init", "-q"]);
        let token = Token::new("ghp_secret").expect("a token");
        let (remote, _) = Remote::of(folder.path(), "main").expect("git");
        let remote = remote.signed("https://git.test", &token);
        let header = |url: &str| {
            let found = remote.run(&["config", "--get-urlmatch", "http.extraheader", url]).expect("git");
            String::from_utf8_lossy(&found.stdout).trim().to_owned()
        };
        assert_eq!(
            header("https://git.test/acme/shop"),
            "Authorization: Basic eC1hY2Nlc3MtdG9rZW46Z2hwX3NlY3JldA=="
        );
        assert_eq!(header("https://evil.test/acme/shop"), "");
        assert!(!format!("{remote:?}").contains("ghp_secret"));
        git(&["config", "http.https://git.test/.extraheader", "Authorization: Basic own"]);
        assert_eq!(header("https://git.test/acme/shop"), "Authorization: Basic own");
    }
}
