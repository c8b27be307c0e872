//! One comment for each thing that is reported: written once, edited afterwards, and left deleted where a person deleted it.

use serde::Deserialize;
use serde_json::json;

use super::answer::Answer;
use super::body::{BODY_LIMIT, length};
use super::client::Request;
use super::identity::Account;
use super::marker::text_of;
use super::status::Standing;
use super::{Client, GithubError, Marker, Stamp};

/// The longest address of a page that is passed on, in bytes.
const LONGEST_URL: usize = 2_000;

/// How often GitHub is looked at for a write whose answer was lost.
const LOOKS: u32 = 3;

/// The most writes that keeping one comment takes: the comment, the copy of another run, the status.
const MOST_WRITES: usize = 3;

/// What is to be reported on a pull request.
#[derive(Clone, Debug)]
pub struct Note<'a> {
    /// What it is about.
    pub marker: &'a Marker,
    /// Where it is from.
    pub stamp: Stamp,
    /// The text.
    pub markdown: &'a str,
    /// Whether there is nothing to report: no comment is begun, and one that is there is brought up to date.
    pub quiet: bool,
    /// The commit status that goes with it, and remembers that it was written; none: nothing is remembered.
    pub standing: Option<Standing<'a>>,
}

/// What became of a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What was done.
    pub written: CommentWrite,
    /// The comment's page; none where there is no comment.
    pub url: Option<String>,
    /// How many comments of ours with the same marker were removed, which runs at the same time had written.
    pub removed: usize,
    /// Why the commit status was not written, where it should have been.
    pub without_status: Option<String>,
}

/// What was done to a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentWrite {
    /// There was none.
    Created,
    /// It had another text.
    Edited,
    /// It had this text already; nothing was written.
    Unchanged,
    /// A newer run wrote it; nothing was written.
    Outrun,
    /// A person deleted it, and there is nothing new since; nothing was written.
    LeftDeleted,
    /// There is none, and nothing to begin one with.
    NothingToReport,
}

impl Client {
    /// Keeps the comment that a note's marker names on a pull request.
    ///
    /// The comment is found among all of the pull request's by two things: its body starts with the marker,
    /// and the account behind the token wrote it. So a comment of somebody else that quotes the marker is
    /// never touched. Of several, which runs at the same time write, the oldest stays and the others are removed. The
    /// text of a newer run is never replaced by that of an older one, and a text that is the same is not sent.
    ///
    /// A write is sent once. Where its answer is lost (a limit of time, a server in trouble), GitHub is read
    /// to see whether it took effect, and it counts as done if it did.
    ///
    /// # Errors
    ///
    /// [`GithubError::TooLong`] before anything is sent;
    /// [`GithubError::NotSeen`] for a lost write; otherwise when GitHub cannot be reached or refuses.
    pub fn keep_comment(&self, pull_request: u64, note: &Note<'_>) -> Result<Kept, GithubError> {
        let body = note.marker.mark(&note.stamp, note.markdown);
        let length = length(&body);
        if length > BODY_LIMIT {
            return Err(GithubError::TooLong { length });
        }
        self.await_room(MOST_WRITES);
        self.wait(&format!("write the comment on pull request {pull_request}"), async {
            let there = self.marked(pull_request, note.marker).await?;
            let ours = if there.is_empty() { there } else { by(&self.login().await?, there) };
            let (mut kept, before) = match ours.split_first() {
                Some((first, others)) => {
                    let removed = self.remove(others).await?;
                    let kept = Kept { removed, ..self.renew(pull_request, first, note, &body).await? };
                    (kept, Some(first.stamp()))
                }
                None => (self.begin(pull_request, note, &body).await?, None),
            };
            if let Some(standing) = note.standing.as_ref().filter(|_| is_news(note, kept.written, before)) {
                match self.stand(standing, &note.stamp.news, kept.url.as_deref()).await {
                    Ok(()) => {}
                    // The comment is there: a token that may write no status is no reason to fail.
                    Err(error @ (GithubError::Forbidden { .. } | GithubError::NotFound { .. })) => {
                        kept.without_status = Some(error.to_string());
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(kept)
        })
    }

    /// Writes the first comment, unless there is nothing to report or a person deleted the same text.
    async fn begin(&self, pull_request: u64, note: &Note<'_>, body: &str) -> Result<Kept, GithubError> {
        if note.quiet {
            return Ok(Kept::of(CommentWrite::NothingToReport, None));
        }
        if let Some(standing) = &note.standing
            && self.remembered(standing).await?.is_some_and(|news| news == note.stamp.news)
        {
            return Ok(Kept::of(CommentWrite::LeftDeleted, None));
        }
        let created = self.create(pull_request, note, body).await?;
        // Another run may have looked at the same time, and have found none either.
        let author = created.user.as_ref().map_or("", |user| user.login.as_str()).to_owned();
        let ours = by(&author, self.marked(pull_request, note.marker).await?);
        match ours.split_first() {
            Some((first, others)) if first.id < created.id => {
                let removed = self.remove(others).await?;
                Ok(Kept { removed, ..self.renew(pull_request, first, note, body).await? })
            }
            Some((_, others)) => {
                let removed = self.remove(others).await?;
                Ok(Kept { removed, ..Kept::of(CommentWrite::Created, Some(self.page_of(&created))) })
            }
            None => Ok(Kept::of(CommentWrite::Created, Some(self.page_of(&created)))),
        }
    }

    /// Brings a comment up to date.
    async fn renew(
        &self,
        pull_request: u64,
        comment: &Comment,
        note: &Note<'_>,
        body: &str,
    ) -> Result<Kept, GithubError> {
        let url = Some(self.page_of(comment));
        if comment.stamp().run.zip(note.stamp.run).is_some_and(|(theirs, ours)| theirs > ours) {
            return Ok(Kept::of(CommentWrite::Outrun, url));
        }
        if comment.says(body) {
            return Ok(Kept::of(CommentWrite::Unchanged, url));
        }
        match self.edit(pull_request, comment, body).await {
            Ok(()) => Ok(Kept::of(CommentWrite::Edited, url)),
            // A person deleted it a moment ago.
            Err(GithubError::NotFound { .. }) => Ok(Kept::of(CommentWrite::LeftDeleted, None)),
            Err(error) => Err(error),
        }
    }

    /// The comments with the marker, whoever wrote them, oldest first.
    async fn marked(&self, pull_request: u64, marker: &Marker) -> Result<Vec<Comment>, GithubError> {
        let what = format!("read the comments of pull request {pull_request}");
        let address = self.in_repository(&format!("/issues/{pull_request}/comments"));
        let marked = |comment: &Comment| comment.body.as_deref().is_some_and(|body| marker.marks(body));
        let mut comments: Vec<Comment> = self.list(&what, &address, marked).await?;
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

    async fn create(&self, pull_request: u64, note: &Note<'_>, body: &str) -> Result<Comment, GithubError> {
        let what = format!("comment on pull request {pull_request}");
        let address = self.in_repository(&format!("/issues/{pull_request}/comments"));
        let sent = self.write(&what, Request::Post(&address, &json!({ "body": body }))).await;
        let lost = match written(&what, sent) {
            Ok(comment) => return Ok(comment),
            Err(error) if is_lost(&error) => error,
            Err(error) => return Err(error),
        };
        let login = self.login().await?;
        for look in 1..=LOOKS {
            self.pause(look).await;
            let seen = by(&login, self.marked(pull_request, note.marker).await?);
            if let Some(comment) = seen.into_iter().find(|comment| comment.says(body)) {
                return Ok(comment);
            }
        }
        Err(GithubError::NotSeen { what, source: Box::new(lost) })
    }

    async fn edit(&self, pull_request: u64, comment: &Comment, body: &str) -> Result<(), GithubError> {
        let what = format!("edit the comment on pull request {pull_request}");
        let address = self.in_repository(&format!("/issues/comments/{}", comment.id));
        let sent = self.write(&what, Request::Patch(&address, &json!({ "body": body }))).await;
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

    /// Removes comments; one that another run has removed is gone as well.
    async fn remove(&self, comments: &[Comment]) -> Result<usize, GithubError> {
        for comment in comments {
            let address = self.in_repository(&format!("/issues/comments/{}", comment.id));
            match self.write("remove a second comment of the same kind", Request::Delete(&address)).await {
                Ok(_) | Err(GithubError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(comments.len())
    }
}

impl Kept {
    fn of(written: CommentWrite, url: Option<String>) -> Self {
        Self { written, url, removed: 0, without_status: None }
    }
}

/// Tells whether what was done is to be stated by the commit's status: it is news, or of another commit.
fn is_news(note: &Note<'_>, written: CommentWrite, before: Option<Stamp>) -> bool {
    match written {
        CommentWrite::Created => true,
        CommentWrite::Edited | CommentWrite::Unchanged => {
            before.is_none_or(|before| before.news != note.stamp.news || before.head != note.stamp.head)
        }
        // A merge may wait for the status, comment or not.
        CommentWrite::NothingToReport => note.stamp.head.is_some(),
        CommentWrite::Outrun | CommentWrite::LeftDeleted => false,
    }
}

/// Returns the comments that an account wrote.
fn by(login: &str, comments: Vec<Comment>) -> Vec<Comment> {
    let theirs =
        |comment: &Comment| comment.user.as_ref().is_some_and(|user| user.login.eq_ignore_ascii_case(login));
    comments.into_iter().filter(theirs).collect()
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
    /// Whether the text is this one, wherever it is from.
    fn says(&self, body: &str) -> bool {
        self.body.as_deref().is_some_and(|own| text_of(own) == text_of(body))
    }

    fn stamp(&self) -> Stamp {
        Stamp::of(self.body.as_deref().unwrap_or_default())
    }
}
