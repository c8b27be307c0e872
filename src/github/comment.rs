//! One comment that is written once and edited afterwards.

use serde::Deserialize;
use serde_json::json;

use super::body::{BODY_LIMIT, length};
use super::client::{Answer, Request};
use super::identity::Account;
use super::{Client, GithubError, Marker};

/// The longest address of a page that is passed on, in bytes.
const LONGEST_URL: usize = 2_000;

/// How often GitHub is looked at for a write whose answer was lost.
const LOOKS: u32 = 3;

/// What became of a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upserted {
    /// What was done.
    pub change: Change,
    /// The comment's page.
    pub url: String,
    /// The pages of further comments of ours with the same marker, oldest first; they are left alone.
    pub duplicates: Vec<String>,
}

/// What was done to a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There was none.
    Created,
    /// It said something else.
    Edited,
    /// It said the same already; nothing was written.
    Unchanged,
}

impl Client {
    /// Makes the comment that `marker` names on a pull request say `markdown`.
    ///
    /// The comment is found among all of the pull request's by two things: its body starts with the marker,
    /// and the account behind the token wrote it. So a comment of somebody else that quotes the marker is
    /// never touched. Where there are several, the oldest is the one.
    ///
    /// A write is sent once. Where its answer is lost (a limit of time, a server in trouble), GitHub is read
    /// to see whether it took effect, and it counts as done if it did.
    ///
    /// # Errors
    ///
    /// [`GithubError::TooLong`] before anything is sent;
    /// [`GithubError::NotSeen`] for a lost write; otherwise when GitHub cannot be reached or says no.
    pub fn upsert_comment(
        &self,
        pull_request: u64,
        marker: &Marker,
        markdown: &str,
    ) -> Result<Upserted, GithubError> {
        let body = marker.mark(markdown);
        let length = length(&body);
        if length > BODY_LIMIT {
            return Err(GithubError::TooLong { length });
        }
        self.wait(&format!("write the comment on pull request {pull_request}"), async {
            let login = self.login().await?;
            let mut ours = self.ours(pull_request, marker, &login).await?.into_iter();
            let Some(first) = ours.next() else {
                let url = self.create(pull_request, marker, &login, &body).await?;
                return Ok(Upserted { change: Change::Created, url, duplicates: Vec::new() });
            };
            let duplicates = ours.map(|comment| self.page_of(&comment)).collect();
            if first.says(&body) {
                return Ok(Upserted { change: Change::Unchanged, url: self.page_of(&first), duplicates });
            }
            self.edit(pull_request, &first, &body).await?;
            Ok(Upserted { change: Change::Edited, url: self.page_of(&first), duplicates })
        })
    }

    /// The comments with the marker that `login` wrote, oldest first.
    async fn ours(
        &self,
        pull_request: u64,
        marker: &Marker,
        login: &str,
    ) -> Result<Vec<Comment>, GithubError> {
        let what = format!("read the comments of pull request {pull_request}");
        let address = self.in_repository(&format!("/issues/{pull_request}/comments"));
        let ours = |comment: &Comment| {
            let by_us = comment.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(login));
            by_us && comment.body.as_deref().is_some_and(|body| body.starts_with(marker.as_str()))
        };
        let mut comments: Vec<Comment> = self.list(&what, &address, ours).await?;
        comments.sort_by_key(|comment| comment.id);
        // A list that grows while it is read shows one comment on two pages.
        comments.dedup_by_key(|comment| comment.id);
        Ok(comments)
    }

    /// The address of a comment's page; that of the API where what GitHub names is none of the web.
    fn page_of(&self, comment: &Comment) -> String {
        let url = comment.html_url.as_str();
        let of_the_web = url.starts_with("https://") || url.starts_with("http://");
        if of_the_web && url.len() <= LONGEST_URL && url.bytes().all(|byte| byte.is_ascii_graphic()) {
            url.to_owned()
        } else {
            self.in_repository(&format!("/issues/comments/{}", comment.id))
        }
    }

    async fn create(
        &self,
        pull_request: u64,
        marker: &Marker,
        login: &str,
        body: &str,
    ) -> Result<String, GithubError> {
        let what = format!("comment on pull request {pull_request}");
        let address = self.in_repository(&format!("/issues/{pull_request}/comments"));
        let sent = self.once(&what, &Request::Post(&address, &json!({ "body": body }))).await;
        let lost = match written(&what, sent) {
            Ok(comment) => return Ok(self.page_of(&comment)),
            Err(error) if is_lost(&error) => error,
            Err(error) => return Err(error),
        };
        for look in 1..=LOOKS {
            self.pause(look).await;
            let seen = self.ours(pull_request, marker, login).await?;
            if let Some(comment) = seen.into_iter().find(|comment| comment.says(body)) {
                return Ok(self.page_of(&comment));
            }
        }
        Err(GithubError::NotSeen { what, source: Box::new(lost) })
    }

    async fn edit(&self, pull_request: u64, comment: &Comment, body: &str) -> Result<(), GithubError> {
        let what = format!("edit the comment on pull request {pull_request}");
        let address = self.in_repository(&format!("/issues/comments/{}", comment.id));
        let sent = self.once(&what, &Request::Patch(&address, &json!({ "body": body }))).await;
        let lost = match written(&what, sent) {
            Ok(_) => return Ok(()),
            Err(error) if is_lost(&error) => error,
            Err(error) => return Err(error),
        };
        for look in 1..=LOOKS {
            self.pause(look).await;
            let what = format!("read the comment on pull request {pull_request} again");
            let now: Comment = self.read(&what, Request::Get(&address)).await?.parse(&what)?;
            if now.says(body) {
                return Ok(());
            }
        }
        Err(GithubError::NotSeen { what, source: Box::new(lost) })
    }
}

fn written(what: &str, sent: Result<Answer, GithubError>) -> Result<Comment, GithubError> {
    sent?.parse(what)
}

/// Whether a write may have taken effect although its answer was no use.
fn is_lost(error: &GithubError) -> bool {
    matches!(error, GithubError::Unreachable { .. } | GithubError::Unexpected { .. })
}

#[derive(Debug, Deserialize)]
struct Comment {
    id: u64,
    html_url: String,
    body: Option<String>,
    /// None where the account was deleted.
    user: Option<Account>,
}

impl Comment {
    /// Whether the body is this one, but for line ends and blanks at its end, which GitHub may change.
    fn says(&self, body: &str) -> bool {
        let plain = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
        self.body.as_deref().is_some_and(|own| plain(own) == plain(body))
    }
}
