//! A pull request with a few edited files, made without a checkout: a commit on the newest one of a branch.

use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::Answer;
use super::client::Request;
use super::{Client, Commit, GithubError};

/// What is proposed.
#[derive(Debug, Clone)]
pub struct Proposed<'a> {
    /// The branch that it is to be merged into.
    pub base: &'a str,
    /// The commit that the edits were made on; the branch must still be at it.
    pub on: &'a Commit,
    /// The branch that is made for it.
    pub branch: &'a str,
    /// The commit's message.
    pub message: &'a str,
    /// The files, from the repository's root, with their new contents.
    pub files: &'a [(String, String)],
    /// The pull request's title.
    pub title: &'a str,
    /// Its description, as Markdown.
    pub body: &'a str,
}

impl Client {
    /// Opens a pull request and returns its page.
    ///
    /// # Errors
    ///
    /// [`GithubError::BranchMoved`] where the base has newer commits, [`GithubError::Refused`] where the branch is there
    /// already, [`GithubError::BranchLeft`] where the new branch is there without a pull request; otherwise when GitHub cannot be
    /// reached or refuses. A commit that nothing names may be left behind.
    pub fn propose(&self, proposed: &Proposed<'_>) -> Result<String, GithubError> {
        let what = format!("open the pull request `{}`", proposed.branch);
        self.await_room(5);
        self.wait(&what, async {
            let base = self.in_repository(&format!("/git/ref/{}", escaped(&format!("heads/{}", proposed.base))));
            let at: Reference = self.read(&what, Request::Get(&base)).await?.parse(&what)?;
            if at.object.sha != proposed.on.as_str() {
                return Err(GithubError::BranchMoved {
                    branch: proposed.base.to_owned(),
                    commit: proposed.on.to_string(),
                });
            }
            let address = self.in_repository(&format!("/git/commits/{}", proposed.on));
            let commit: CommitObject = self.read(&what, Request::Get(&address)).await?.parse(&what)?;
            let file = |(path, content): &(String, String)| {
                json!({"path": path, "mode": "100644", "type": "blob", "content": content})
            };
            let files: Vec<Value> = proposed.files.iter().map(file).collect();
            let tree = json!({"base_tree": commit.tree.sha, "tree": files});
            let tree: Object = self.post(&what, "/git/trees", &tree).await?.parse(&what)?;
            let commit = json!({
                "message": proposed.message, "tree": tree.sha, "parents": [proposed.on.as_str()],
            });
            let commit: Object = self.post(&what, "/git/commits", &commit).await?.parse(&what)?;
            let name = json!({"ref": format!("refs/heads/{}", proposed.branch), "sha": commit.sha});
            self.post(&what, "/git/refs", &name).await?;
            let pull = json!({
                "title": proposed.title, "head": proposed.branch, "base": proposed.base, "body": proposed.body,
            });
            match self.post(&what, "/pulls", &pull).await {
                Ok(answer) => answer.parse::<Opened>(&what).map(|opened| opened.html_url),
                Err(error) => Err(self.without_branch(proposed.branch, error).await),
            }
        })
    }

    /// Deletes the branch of a pull request that GitHub refused to open, and returns why it did. Where the pull request may be there
    /// all the same, or the branch cannot be deleted, it stays, and the error names it.
    async fn without_branch(&self, branch: &str, refused: GithubError) -> GithubError {
        let is_known = !matches!(refused, GithubError::Unreachable { .. } | GithubError::Unexpected { .. });
        if is_known {
            let address = self.in_repository(&format!("/git/refs/{}", escaped(&format!("heads/{branch}"))));
            if self.write("delete the new branch", Request::Delete(&address)).await.is_ok() {
                return refused;
            }
        }
        GithubError::BranchLeft { branch: branch.to_owned(), source: Box::new(refused) }
    }

    async fn post(&self, what: &str, route: &str, body: &Value) -> Result<Answer, GithubError> {
        self.write(what, Request::Post(&self.in_repository(route), body)).await
    }
}

/// Returns a name as one part of a path.
fn escaped(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20")
}

#[derive(Deserialize)]
struct Reference {
    object: Object,
}

#[derive(Deserialize)]
struct CommitObject {
    tree: Object,
}

#[derive(Deserialize)]
struct Object {
    sha: String,
}

#[derive(Deserialize)]
struct Opened {
    html_url: String,
}
