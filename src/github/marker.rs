//! The hidden first line of a comment: it identifies the comment, and the run that wrote its text.

use std::fmt::Write as _;

use super::{Commit, GithubError};

/// What a comment is about: `<!-- trialbook:KIND:KEY:…`, with a key of the book and what else tells it apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker(String);

impl Marker {
    /// The marker of a kind of comment, and the keys that tell it from others of its kind: the book's name first.
    ///
    /// # Errors
    ///
    /// [`GithubError::Marker`] unless all are lower-case letters, digits, `-`, `_` and `.`: with these no
    /// text can end the HTML comment early, which takes a `>`.
    pub fn new(kind: &str, keys: &[&str]) -> Result<Self, GithubError> {
        let valid = |part: &str| {
            !part.is_empty()
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c))
        };
        let keys = keys.join(":");
        if valid(kind) && keys.split(':').all(valid) {
            Ok(Marker(format!("<!-- trialbook:{kind}:{keys}")))
        } else {
            Err(GithubError::Marker { kind: kind.to_owned(), key: keys })
        }
    }

    /// The comment's body: the marker and the stamp on a line of their own, then the Markdown.
    #[must_use]
    pub fn mark(&self, stamp: &Stamp, markdown: &str) -> String {
        format!("{}{} -->\n{markdown}", self.0, stamp.written())
    }

    /// Tells whether a body begins with this marker, whatever its stamp.
    #[must_use]
    pub fn marks(&self, body: &str) -> bool {
        body.strip_prefix(&self.0).is_some_and(|rest| rest.starts_with(' '))
    }
}

/// A run of a workflow. Later runs have greater numbers, whatever the workflow; a run that is started again keeps its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// The run's number among all of GitHub's, `GITHUB_RUN_ID`.
    pub id: u64,
    /// How often it was started, from 1.
    pub attempt: u64,
}

/// Where a comment's text is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// The pull request's newest commit then.
    pub head: Option<Commit>,
    /// The run that wrote it; none outside of a workflow.
    pub run: Option<Run>,
    /// A digest of what is worth reporting again: a comment that a person deletes is written anew when this changes.
    pub news: String,
}

impl Stamp {
    fn written(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        if let Some(head) = &self.head {
            let _ = write!(text, " head={head}");
        }
        if let Some(Run { id, attempt }) = self.run {
            let _ = write!(text, " run={id}.{attempt}");
        }
        if !self.news.is_empty() {
            let _ = write!(text, " news={}", self.news);
        }
        text
    }

    /// Reads the stamp of a body; what is not there, or not one, is none.
    #[must_use]
    pub fn of(body: &str) -> Self {
        let line = body.lines().next().unwrap_or_default();
        let value = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        let run = value("run")
            .and_then(|run| run.split_once('.'))
            .and_then(|(id, attempt)| Some(Run { id: id.parse().ok()?, attempt: attempt.parse().ok()? }));
        Self {
            head: value("head").and_then(|head| Commit::new(head).ok()),
            run,
            news: value("news").unwrap_or_default().to_owned(),
        }
    }
}

/// Returns a comment's text below its marker, without line ends of another system and blanks at its end, which GitHub
/// may change.
pub(super) fn text_of(body: &str) -> String {
    let body = body.replace("\r\n", "\n");
    body.split_once('\n').map_or("", |(_, text)| text).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_cannot_be_broken_out_of() {
        let marker = Marker::new("result", &["acme-shop", "bold-checkout-button"]).unwrap();
        assert_eq!(
            marker.mark(&Stamp::default(), "# Ship"),
            "<!-- trialbook:result:acme-shop:bold-checkout-button -->\n# Ship"
        );
        assert!(Marker::new("result", &["two--dashes-"]).is_ok());
        for (kind, key) in [
            ("", "a"),
            ("a", ""),
            ("a", "b --> <img>"),
            ("a:b", "c"),
            ("a", "b\nc"),
            ("a", "--!>"),
            ("a", "b:"),
        ] {
            assert!(matches!(Marker::new(kind, &[key]), Err(GithubError::Marker { .. })), "{kind} {key}");
        }
    }

    #[test]
    fn a_stamp_is_read_back_as_it_was_written() {
        let marker = Marker::new("review", &["acme-shop", "production"]).unwrap();
        let stamp = Stamp {
            head: Some(Commit::new(&"a".repeat(40)).unwrap()),
            run: Some(Run { id: 17, attempt: 2 }),
            news: "0123456789abcdef".into(),
        };
        let body = marker.mark(&stamp, "text\nmore\n");
        assert!(marker.marks(&body));
        assert_eq!(Stamp::of(&body), stamp);
        assert_eq!(text_of(&body.replace('\n', "\r\n")), "text\nmore");
        assert_eq!(Stamp::of("<!-- trialbook:review:x run=many head=no -->"), Stamp::default());
    }

    #[test]
    fn the_marker_of_one_key_is_not_that_of_a_longer_one() {
        let marker = Marker::new("result", &["shop", "bold"]).unwrap();
        let longer = Marker::new("result", &["shop", "bold-2"]).unwrap();
        assert!(!marker.marks(&longer.mark(&Stamp::default(), "x")));
    }

    #[test]
    fn runs_are_ordered_by_their_number_and_then_by_their_attempt() {
        let run = |id, attempt| Run { id, attempt };
        assert!(run(2, 1) > run(1, 9) && run(2, 2) > run(2, 1));
    }
}
