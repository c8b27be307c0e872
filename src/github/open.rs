//! The open pull requests, and the commits that they are at.

use serde::Deserialize;

use super::identity::Account;
use super::{Client, Commit, GithubError};

/// How many open pull requests are looked at, those updated last.
pub const MOST_OPEN: usize = 200;

/// An open pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenPull {
    /// Its number.
    pub number: u64,
    /// The commit that it is at.
    pub head: Commit,
    /// Who opened it; `None` where the account is gone.
    pub author: Option<String>,
}

/// The open pull requests that are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenPulls {
    /// As many of them as are looked at, by number.
    pub pulls: Vec<OpenPull>,
    /// How many more are open.
    pub more: usize,
}

impl Client {
    /// The open pull requests into a branch; into any where none is named.
    ///
    /// # Errors
    ///
    /// When GitHub cannot be reached or refuses.
    pub fn open_pull_requests(&self, base: Option<&str>) -> Result<OpenPulls, GithubError> {
        let what = "list the open pull requests";
        let into: String = base.map_or_else(String::new, |base| {
            let name: String = url::form_urlencoded::byte_serialize(base.as_bytes()).collect();
            format!("&base={name}")
        });
        let address = self.in_repository(&format!("/pulls?state=open&sort=updated&direction=desc{into}"));
        // GitHub leaves a filter out that it does not understand: the state and the branch are checked here.
        let wanted = |pull: &Listed| pull.state == "open" && base.is_none_or(|base| pull.base.r#ref == base);
        let mut listed = self.wait(what, self.list::<Listed>(what, &address, wanted))?;
        // A pull request that is updated between two pages is on both.
        let mut seen = std::collections::BTreeSet::new();
        listed.retain(|pull| seen.insert(pull.number));
        let more = listed.len().saturating_sub(MOST_OPEN);
        listed.truncate(MOST_OPEN);
        listed.sort_by_key(|pull| pull.number);
        let pull = |pull: Listed| {
            let author = pull.user.map(|user| user.login);
            Ok(OpenPull { number: pull.number, head: Commit::new(&pull.head.sha)?, author })
        };
        Ok(OpenPulls { pulls: listed.into_iter().map(pull).collect::<Result<_, GithubError>>()?, more })
    }
}

#[derive(Deserialize)]
struct Listed {
    number: u64,
    state: String,
    user: Option<Account>,
    head: Head,
    base: Base,
}

#[derive(Deserialize)]
struct Head {
    sha: String,
}

#[derive(Deserialize)]
struct Base {
    r#ref: String,
}
