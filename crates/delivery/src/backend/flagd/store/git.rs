//! A file on a branch of a git remote: one step by a push that names the commit it replaces.
//!
//! The branch's history is the record of what was served, when, and by whom. Git itself does the work, because the
//! credentials of a remote are set up for it: helpers, agents, the header of a CI checkout. The branch holds only flag files, so
//! it is not the branch that the book is on.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use super::journal;
use super::{
    BackendError, Beside, LARGEST, Make, Reference, Store, StoreJournal, bounded, check, too_large, version,
};
use crate::journal::Record;
use crate::plan::LiveVersion;

/// How often a push is tried: somebody else may have changed another file of the branch, or may hold the lock of a ref.
const ATTEMPTS: u32 = 5;

/// How often in a row a push may fail that nobody else's explains.
const UNEXPLAINED: u32 = 3;

/// How long the first wait is for a lock that another push holds.
const PAUSE: Duration = Duration::from_millis(100);

/// The refs that hold launches.
const LAUNCHES: &str = "refs/trialbook/launch/*";

/// A file on a branch of a remote.
#[derive(Debug)]
pub(super) struct GitStore {
    /// A folder in the clone whose remote it is.
    root: PathBuf,
    remote: String,
    branch: String,
    path: String,
}

impl GitStore {
    /// Reads `REMOTE/BRANCH/PATH`; `None` where that is not what the text is. None of them can be taken for an option or for
    /// another transport.
    pub(super) fn new(place: &str, root: &Path) -> Option<Self> {
        let mut parts = place.splitn(3, '/');
        let (remote, branch, path) = (parts.next()?, parts.next()?, parts.next()?);
        let plain = |part: &str| {
            let bytes = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
            bytes
                && !part.is_empty()
                && !part.starts_with(['-', '.'])
                && !part.ends_with('.')
                && !part.contains("..")
        };
        let fits = plain(remote) && plain(branch) && !branch.ends_with(".lock") && path.split('/').all(plain);
        fits.then(|| Self {
            root: root.to_owned(),
            remote: remote.into(),
            branch: branch.into(),
            path: path.into(),
        })
    }

    fn git(&self) -> Command {
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.root);
        // Nobody can be asked, and no hook of the clone may change what is served.
        git.env("GIT_TERMINAL_PROMPT", "0").args(["-c", "core.hooksPath=/dev/null"]);
        for variable in
            ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"]
        {
            git.env_remove(variable);
        }
        git.stdin(Stdio::null());
        git
    }

    fn io(&self, action: &'static str) -> impl Fn(io::Error) -> BackendError + '_ {
        move |cause| BackendError::Io { action, place: self.place(), cause }
    }

    /// Runs git; where it fails, what it wrote is the cause.
    fn run(&self, action: &'static str, git: &mut Command) -> Result<Vec<u8>, BackendError> {
        let output = git.output().map_err(self.io(action))?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.io(action)(failure(&output))) }
    }

    fn id(&self, action: &'static str, git: &mut Command) -> Result<String, BackendError> {
        let output = self.run(action, git)?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.branch)
    }

    /// Returns what the refs of some names or patterns point to on the remote.
    fn listed(&self, names: &[&str]) -> Result<BTreeMap<String, String>, BackendError> {
        let mut asked = self.git();
        asked.args(["ls-remote", "--", &self.remote]).args(names);
        let listed = self.id("read", &mut asked)?;
        let of_line = |line: &str| line.split_once('\t').map(|(id, name)| (name.to_owned(), id.to_owned()));
        Ok(listed.lines().filter_map(of_line).collect())
    }

    /// Returns the commit that the branch is at, with its objects fetched; `None` where the remote has no such branch.
    fn tip(&self) -> Result<Option<String>, BackendError> {
        let reference = self.reference();
        self.fetched(self.listed(&[&reference])?.remove(&reference))
    }

    /// Gets the objects of the commit that the branch is at.
    fn fetched(&self, tip: Option<String>) -> Result<Option<String>, BackendError> {
        let Some(tip) = tip else { return Ok(None) };
        let known = self.git().args(["cat-file", "-e", &format!("{tip}^{{commit}}")]).output();
        if !known.map_err(self.io("read"))?.status.success() {
            let kept = format!("+{}:refs/trialbook/live/{}/{}", self.reference(), self.remote, self.branch);
            let mut fetch = self.git();
            fetch.args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", "--"]);
            self.run("read", fetch.args([&self.remote, &kept]))?;
        }
        Ok(Some(tip))
    }

    /// Returns the file's bytes at a commit.
    fn at(&self, tip: Option<&str>) -> Result<Option<Vec<u8>>, BackendError> {
        let Some(tip) = tip else { return Ok(None) };
        let entry =
            self.id("read", self.git().args(["ls-tree", "--full-tree", "-l", tip, "--", &self.path]))?;
        // `MODE TYPE ID SIZE<TAB>PATH`
        let mut fields = entry.split('\t').next().unwrap_or_default().split_ascii_whitespace();
        let (Some(mode), Some("blob"), Some(id), Some(size)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            if entry.is_empty() {
                return Ok(None);
            }
            let problem = "it is not a file on the branch".to_owned();
            return Err(BackendError::Malformed { place: self.place(), problem });
        };
        if mode == "120000" {
            let problem = "it is a link on the branch".to_owned();
            return Err(BackendError::Malformed { place: self.place(), problem });
        }
        if size.parse::<u64>().map_or(true, |size| size > LARGEST) {
            return Err(too_large(self.place()));
        }
        self.run("read", self.git().args(["cat-file", "blob", id])).map(Some)
    }

    /// Returns the refs that a push has to set, each with what it replaces on the remote.
    fn due<'a>(
        &self,
        refs: &'a [Reference],
        there: &BTreeMap<String, String>,
    ) -> Result<Vec<(&'a Reference, String)>, BackendError> {
        let mut due = Vec::new();
        for reference in refs {
            match there.get(&reference.name) {
                Some(id) if *id == reference.id => {}
                Some(id) if Some(id) == reference.replaces.as_ref() => due.push((reference, id.clone())),
                Some(_) => {
                    let (remote, name) = (self.remote.clone(), reference.name.clone());
                    return Err(BackendError::Launched { remote, name });
                }
                None => due.push((reference, String::new())),
            }
        }
        Ok(due)
    }

    /// Makes a commit on top of another whose only difference is the file.
    fn commit(&self, tip: Option<&str>, text: &str, note: &str) -> Result<String, BackendError> {
        let write = self.io("write");
        let blob = self.piped(self.git().args(["hash-object", "-w", "--stdin"]), text)?;
        let folder = tempfile::tempdir().map_err(&write)?;
        let with_index = |args: &[&str]| {
            let mut git = self.git();
            git.env("GIT_INDEX_FILE", folder.path().join("index")).args(args);
            git
        };
        self.run("write", &mut with_index(&["read-tree", tip.unwrap_or("--empty")]))?;
        let entry = format!("100644,{blob},{}", self.path);
        self.run("write", &mut with_index(&["update-index", "--add", "--cacheinfo", &entry]))?;
        let tree = self.id("write", &mut with_index(&["write-tree"]))?;
        let mut commit = self.git();
        commit.args(["commit-tree", &tree]);
        if let Some(tip) = tip {
            commit.args(["-p", tip]);
        }
        self.sign(&mut commit)?;
        self.piped(commit.args(["-F", "-"]), note)
    }

    /// Names trialbook as the author where nobody is configured, as on a CI runner.
    fn sign(&self, commit: &mut Command) -> Result<(), BackendError> {
        for (identity, role) in [("GIT_AUTHOR_IDENT", "AUTHOR"), ("GIT_COMMITTER_IDENT", "COMMITTER")] {
            let known = self.git().args(["var", identity]).output().map_err(self.io("write"))?;
            if !known.status.success() {
                let actor = std::env::var("GITHUB_ACTOR").or_else(|_| std::env::var("GITLAB_USER_LOGIN"));
                let name = actor.ok().filter(|actor| !actor.is_empty()).unwrap_or_else(|| "trialbook".into());
                commit.env(format!("GIT_{role}_NAME"), &name);
                commit.env(format!("GIT_{role}_EMAIL"), "trialbook@localhost");
            }
        }
        Ok(())
    }

    /// Runs git with a text as its input; returns the id that it prints.
    fn piped(&self, git: &mut Command, text: &str) -> Result<String, BackendError> {
        let write = self.io("write");
        let git = git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = git.spawn().map_err(&write)?;
        // Git reads all of it before it prints its one line, so neither waits for the other.
        if let Some(mut input) = child.stdin.take() {
            input.write_all(text.as_bytes()).map_err(&write)?;
        }
        let output = child.wait_with_output().map_err(&write)?;
        if !output.status.success() {
            return Err(write(failure(&output)));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Store for GitStore {
    fn place(&self) -> String {
        format!("git://{}/{}/{}", self.remote, self.branch, self.path)
    }

    fn read(&self) -> Result<Option<Vec<u8>>, BackendError> {
        self.at(self.tip()?.as_deref())
    }

    fn replace(
        &self,
        expected: &LiveVersion,
        beside: &Beside<'_>,
        make: Make<'_>,
    ) -> Result<LiveVersion, BackendError> {
        let branch = self.reference();
        let mut asked = vec![branch.as_str()];
        if !beside.refs.is_empty() {
            asked.push(LAUNCHES);
        }
        let mut last = None;
        let mut unexplained = 0;
        for _ in 0..ATTEMPTS {
            let mut there = self.listed(&asked)?;
            let tip = self.fetched(there.remove(&branch))?;
            let due = self.due(beside.refs, &there)?;
            let bytes = self.at(tip.as_deref())?;
            check(expected, bytes.as_deref())?;
            let Some(text) = make(bytes.as_deref())? else { return Ok(expected.clone()) };
            let text = bounded(text, || self.place())?;
            let commit = self.commit(tip.as_deref(), &text, beside.note)?;
            let lease = format!("--force-with-lease={branch}:{}", tip.as_deref().unwrap_or_default());
            let mut push = self.git();
            push.args([
                "push",
                "--quiet",
                "--atomic",
                "--no-verify",
                "--no-follow-tags",
                "--recurse-submodules=no",
            ]);
            push.arg(lease);
            push.args(
                due.iter().map(|(reference, there)| format!("--force-with-lease={}:{there}", reference.name)),
            );
            push.args(["--", &self.remote, &format!("{commit}:{branch}")]);
            push.args(due.iter().map(|(reference, _)| format!("{}:{}", reference.id, reference.name)));
            let output = push.output().map_err(self.io("write"))?;
            let done = version(Some(text.as_bytes()));
            if output.status.success() {
                return Ok(done);
            }
            // The answer may have been lost after the push took effect: where the branch is decides.
            let there = self.tip()?;
            if there.as_deref() == Some(&commit) {
                return Ok(done);
            }
            last = Some(self.io("write")(failure(&output)));
            // Another push that is under way holds the lock of the branch and has not moved it yet. This one names what it
            // replaces, so that it may be sent again.
            unexplained = if there == tip { unexplained + 1 } else { 0 };
            if unexplained == UNEXPLAINED {
                break;
            }
            thread::sleep(PAUSE * (1 << unexplained));
        }
        Err(last.unwrap_or_else(|| BackendError::Locked { place: self.place() }))
    }

    /// The push takes the record along, so there is nothing to keep beside it.
    fn journal(&self) -> Option<StoreJournal> {
        None
    }

    fn records(&self, mark: &str) -> Result<Vec<Record>, BackendError> {
        let Some(tip) = self.tip()? else { return Ok(Vec::new()) };
        let mut log = self.git();
        log.args(["log", "--reverse", "--format=%B", &tip, "--", &self.path]);
        let text = self.id("read", &mut log)?;
        let lines = text.lines().filter_map(|line| line.strip_prefix(mark));
        lines.map(|line| journal::record(&self.place(), line.as_bytes())).collect()
    }
}

/// Returns what git wrote when it failed: the first lines of it.
fn failure(output: &Output) -> io::Error {
    const MOST: u64 = 2000;
    let mut text = String::new();
    // What is no text ends it.
    let _ = output.stderr.as_slice().take(MOST).read_to_string(&mut text);
    let text = text.trim();
    io::Error::other(if text.is_empty() {
        format!("git ended with {}", output.status)
    } else {
        text.to_owned()
    })
}

#[cfg(test)]
mod tests;
