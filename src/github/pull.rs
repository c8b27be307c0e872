//! From a commit to the pull request that merged it.

use jiff::Timestamp;
use serde::Deserialize;

use super::identity::Account;
use super::{Client, Commit, GithubError};

impl Client {
    /// The number of the merged pull request that introduced a commit, or none where it came without one.
    ///
    /// Where several were merged with it (a backport, for example), the one whose merge made this very commit is
    /// taken, else the one merged first. Pull requests of other repositories do not count.
    ///
    /// # Errors
    ///
    /// [`GithubError::NotFound`] when GitHub does not know the commit; otherwise when GitHub cannot be
    /// reached or refuses.
    pub fn pull_request_introducing(&self, commit: &Commit) -> Result<Option<u64>, GithubError> {
        let what = format!("find the pull request of commit {commit}");
        let address = self.in_repository(&format!("/commits/{commit}/pulls"));
        let found = self
            .wait(&what, self.list::<Pull>(&what, &address, |pull| pull.merged_at.is_some()))
            .map_err(|error| match error {
                // For a commit that was never pushed, GitHub answers 422 "No commit found for SHA".
                GithubError::Refused { what, status: 422, message } => {
                    GithubError::NotFound { what, message }
                }
                other => other,
            })?;
        let repository = self.repository.to_string();
        let here = |pull: &Pull| match pull.base.repo.as_ref().and_then(|repo| repo.full_name.as_deref()) {
            Some(name) => name.eq_ignore_ascii_case(&repository),
            None => true,
        };
        let merged = found.into_iter().filter(here).filter_map(|pull| {
            let made_elsewhere = pull.merge_commit_sha.as_deref() != Some(commit.as_str());
            Some((made_elsewhere, pull.merged_at?, pull.number))
        });
        Ok(merged.min().map(|(_, _, number)| number))
    }
}

/// The pull request of a branch at a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headed {
    /// This one, open or not.
    At(u64),
    /// The branch has a pull request, and the commit is not its newest any more.
    Superseded(u64),
    /// The branch has none.
    Nowhere,
}

impl Client {
    /// The pull request whose branch `owner:branch` is at `head` now.
    ///
    /// For commits of forks GitHub knows no `/pulls`, so the branch is looked up instead; that its head is
    /// the commit is what proves that the pull request is the commit's. Closed and merged ones count: a run may end
    /// after the merge. Of several at the same commit an open one is taken, else the newest.
    ///
    /// # Errors
    ///
    /// When GitHub cannot be reached or refuses.
    pub fn pull_request_at(&self, owner: &str, branch: &str, head: &Commit) -> Result<Headed, GithubError> {
        let what = format!("find the pull request at commit {head}");
        let query: String =
            url::form_urlencoded::byte_serialize(format!("{owner}:{branch}").as_bytes()).collect();
        let address = self.in_repository(&format!("/pulls?state=all&head={query}"));
        let found = self.wait(&what, self.list::<HeadedPull>(&what, &address, |_| true))?;
        // GitHub leaves a filter out that it does not understand: the owner and the branch are checked here.
        let of_branch = |pull: &&HeadedPull| {
            let owned = pull.head.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(owner));
            owned && pull.head.r#ref == branch
        };
        let found: Vec<_> = found.iter().filter(of_branch).collect();
        let at_head = found.iter().filter(|pull| pull.head.sha == head.as_str());
        if let Some((_, number)) = at_head.map(|pull| (pull.state == "open", pull.number)).max() {
            return Ok(Headed::At(number));
        }
        let newest = found.iter().map(|pull| (pull.state == "open", pull.number)).max();
        Ok(newest.map_or(Headed::Nowhere, |(_, number)| Headed::Superseded(number)))
    }
}

#[derive(Deserialize)]
struct HeadedPull {
    number: u64,
    state: String,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    r#ref: String,
    sha: String,
    /// None where the fork's owner is gone.
    user: Option<Account>,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    merged_at: Option<Timestamp>,
    merge_commit_sha: Option<String>,
    base: Base,
}

#[derive(Deserialize)]
struct Base {
    repo: Option<BaseRepository>,
}

#[derive(Deserialize)]
struct BaseRepository {
    full_name: Option<String>,
}
