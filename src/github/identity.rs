//! Who writes: the account behind the token.

use serde::Deserialize;
use serde_json::json;

use super::client::Request;
use super::{Client, GithubError};

impl Client {
    /// The login of the account behind the token, `github-actions[bot]` for one.
    ///
    /// A user's token answers `GET /user`. An installation's token, the one that GitHub Actions hands out
    /// among them, may not ask that (403), but may ask GraphQL for its `viewer`.
    pub(super) async fn login(&self) -> Result<String, GithubError> {
        const WHAT: &str = "ask who the token belongs to";
        match self.read(WHAT, Request::Get(&self.rest("/user"))).await {
            Ok(answer) => Ok(answer.parse::<Account>(WHAT)?.login),
            Err(GithubError::Forbidden { .. }) => {
                let query = json!({"query": "query { viewer { login } }"});
                let answer = self.read(WHAT, Request::Post(&self.graphql(), &query)).await?;
                let viewer = answer.parse::<Graphql>(WHAT)?.data.and_then(|data| data.viewer);
                viewer.map(|account| account.login).ok_or_else(|| GithubError::Unexpected {
                    what: WHAT.to_owned(),
                    detail: "it names no viewer".to_owned(),
                })
            }
            Err(other) => Err(other),
        }
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
