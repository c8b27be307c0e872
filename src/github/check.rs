//! A check run: findings at their lines, beside the files of a pull request.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::Request;
use super::{Client, Commit, GithubError};

/// How many annotations GitHub takes in one request.
const BATCH: usize = 50;

/// How many annotations are written: more are not read, and each batch is a write.
pub const MOST_ANNOTATIONS: usize = 500;

/// A check run that has ended.
#[derive(Debug, Clone)]
pub struct CheckRun<'a> {
    /// What tells it from the commit's other checks.
    pub name: &'a str,
    /// The commit.
    pub commit: &'a Commit,
    /// Whether it holds a merge back where the branch's rules ask for it.
    pub fails: bool,
    /// What it found, in a line.
    pub title: &'a str,
    /// The rest, as Markdown.
    pub summary: &'a str,
    /// What is shown at lines, the most important first.
    pub annotations: &'a [Annotation],
}

/// A note at lines of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// The file, from the repository's root.
    pub path: String,
    /// The first line, from 1.
    pub start_line: u64,
    /// The last line.
    pub end_line: u64,
    /// How much it weighs.
    pub annotation_level: AnnotationLevel,
    /// What it is about.
    pub title: String,
    /// What is to be seen.
    pub message: String,
}

/// How much an annotation weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AnnotationLevel {
    /// It holds a merge back.
    Failure,
    /// It does not.
    Warning,
}

impl Client {
    /// Writes a check run with its annotations in batches, and returns its page. Only an app may do so, GitHub Actions among them.
    ///
    /// # Errors
    ///
    /// When GitHub cannot be reached or refuses. What was written until then stays.
    pub fn check(&self, check: &CheckRun<'_>) -> Result<Option<String>, GithubError> {
        let what = format!("write the check of commit {}", check.commit);
        let shown = check.annotations.get(..MOST_ANNOTATIONS).unwrap_or(check.annotations);
        let mut batches = shown.chunks(BATCH);
        self.await_room(1 + shown.len() / BATCH);
        let output = |annotations: &[Annotation]| json!({"title": check.title, "summary": check.summary, "annotations": annotations});
        self.wait(&what, async {
            let address = self.in_repository("/check-runs");
            let made = json!({
                "name": check.name,
                "head_sha": check.commit.as_str(),
                "status": "completed",
                "conclusion": if check.fails { "failure" } else { "success" },
                "output": output(batches.next().unwrap_or_default()),
            });
            let made: Made = self.write(&what, Request::Post(&address, &made)).await?.parse(&what)?;
            let address = format!("{address}/{}", made.id);
            // GitHub adds the annotations of each request to those that are there.
            for batch in batches {
                self.write(&what, Request::Patch(&address, &json!({"output": output(batch)}))).await?;
            }
            Ok(made.html_url)
        })
    }
}

#[derive(Deserialize)]
struct Made {
    id: u64,
    html_url: Option<String>,
}
