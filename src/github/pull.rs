//! From a commit to the pull request that brought it in.

use jiff::Timestamp;
use serde::Deserialize;

use super::{Client, Commit, GithubError};

impl Client {
    /// The number of the merged pull request that introduced a commit, or none where it came without one.
    ///
    /// Where several were merged with it (a backport, say), the one whose merge made this very commit is
    /// taken, else the one merged first. Pull requests of other repositories do not count.
    ///
    /// # Errors
    ///
    /// [`GithubError::NotFound`] when GitHub does not know the commit; otherwise when GitHub cannot be
    /// reached or says no.
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
