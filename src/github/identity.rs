//! Who writes: the account behind the token.

use serde::Deserialize;
use serde_json::json;

use super::client::Request;
use super::{Client, GithubError};

impl Client {
    /// The login of the account behind the token, `github-actions[bot]` for one.
    ///
    /// GraphQL's `viewer` answers every kind of token. `GET /user` refuses an installation's, the one that GitHub
    /// Actions hands out among them.
    pub(super) async fn login(&self) -> Result<String, GithubError> {
        const WHAT: &str = "ask who the token belongs to";
        let query = json!({"query": "query { viewer { login } }"});
        let answer = self.read(WHAT, Request::Post(&self.graphql(), &query)).await?;
        let viewer = answer.parse::<Graphql>(WHAT)?.data.and_then(|data| data.viewer);
        viewer.map(|account| account.login).ok_or_else(|| GithubError::Unexpected {
            what: WHAT.to_owned(),
            detail: "it names no viewer".to_owned(),
        })
    }
}

/// An account, as both interfaces name it.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) login: String,
}

#[derive(Deserialize)]
struct Graphql {
    data: Option<GraphqlData>,
}

#[derive(Deserialize)]
struct GraphqlData {
    viewer: Option<Account>,
}
