//! The commit status beside a comment: it can block a merge, and it records that the comment was written.

use serde::Deserialize;
use serde_json::json;

use super::client::Request;
use super::{Client, Commit, GithubError};

/// The longest description that GitHub takes, in characters.
const LONGEST_DESCRIPTION: usize = 140;

/// A commit's status.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// The commit.
    pub commit: &'a Commit,
    /// What tells it from the commit's other statuses.
    pub context: String,
    /// Whether it holds a merge back where the branch's rules ask for it.
    pub fails: bool,
    /// Its text, in a few words.
    pub summary: String,
}

impl Client {
    /// Writes a status, with the digest of what was reported.
    pub(super) async fn stand(
        &self,
        standing: &Standing<'_>,
        news: &str,
        page: Option<&str>,
    ) -> Result<(), GithubError> {
        let what = format!("write the status of commit {}", standing.commit);
        let address = self.in_repository(&format!("/statuses/{}", standing.commit));
        let room = LONGEST_DESCRIPTION.saturating_sub(news.len() + 3);
        let summary: String = standing.summary.chars().take(room).collect();
        let mut status = json!({
            "state": if standing.fails { "failure" } else { "success" },
            "context": standing.context,
            "description": format!("{summary} [{news}]"),
        });
        if let (Some(page), Some(fields)) = (page, status.as_object_mut()) {
            fields.insert("target_url".to_owned(), page.into());
        }
        self.write(&what, Request::Post(&address, &status)).await?;
        Ok(())
    }

    /// Returns the digest of what was reported last with this status, where a comment was written.
    pub(super) async fn remembered(&self, standing: &Standing<'_>) -> Result<Option<String>, GithubError> {
        let what = format!("read the statuses of commit {}", standing.commit);
        let address = self.in_repository(&format!("/commits/{}/statuses", standing.commit));
        let same = |status: &Status| status.context == standing.context;
        let found = match self.list::<Status>(&what, &address, same).await {
            Ok(found) => found,
            // A token that may not read statuses remembers nothing, and a commit that was never pushed has none.
            Err(
                GithubError::Forbidden { .. } | GithubError::NotFound { .. } | GithubError::Refused { .. },
            ) => return Ok(None),
            Err(error) => return Err(error),
        };
        // The newest comes first.
        let Some(last) = found.into_iter().next().filter(|status| status.target_url.is_some()) else {
            return Ok(None);
        };
        let description = last.description.unwrap_or_default();
        let news = description.strip_suffix(']').and_then(|text| text.rsplit_once('['));
        Ok(news.map(|(_, news)| news.to_owned()))
    }
}

#[derive(Debug, Deserialize)]
struct Status {
    context: String,
    description: Option<String>,
    /// The comment's page; none where nothing was written.
    target_url: Option<String>,
}
