//! What requests are addressed to: the API, a repository, a commit.

use std::fmt;

use super::GithubError;

/// Where GitHub's REST API answers, without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiUrl {
    /// Scheme and authority.
    origin: String,
    /// Empty, or a path that starts with a slash and does not end with one.
    path: String,
}

impl ApiUrl {
    /// The API of github.com.
    pub const PUBLIC: &str = "https://api.github.com";

    /// Reads `https://HOST[:PORT][/PATH]`.
    ///
    /// # Errors
    ///
    /// [`GithubError::ApiUrl`] for anything else. `http://` is accepted for this machine only, because the
    /// token would travel in the open.
    pub fn new(url: &str) -> Result<Self, GithubError> {
        let refuse = |reason| GithubError::ApiUrl { url: url.to_owned(), reason };
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| refuse("expected `https://HOST`, or that and a path"))?;
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let part = |c: char| c.is_ascii_alphanumeric() || "-._~:[]%".contains(c);
        if authority.is_empty() || !authority.chars().all(part) {
            return Err(refuse("expected a host name, and a port at most, after `://`"));
        }
        if !path.chars().all(|c| part(c) || c == '/') {
            return Err(refuse("expected a plain path after the host"));
        }
        match scheme {
            "https" => {}
            "http" if is_this_machine(authority) => {}
            "http" => return Err(refuse("expected `https`: over `http` anybody could read the token")),
            _ => return Err(refuse("expected the scheme `https`")),
        }
        Ok(ApiUrl { origin: format!("{scheme}://{authority}"), path: path.trim_end_matches('/').to_owned() })
    }

    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn rest(&self, route: &str) -> String {
        format!("{}{}{route}", self.origin, self.path)
    }

    /// GitHub Enterprise Server has REST at `/api/v3` and GraphQL at `/api/graphql`.
    pub(super) fn graphql(&self) -> String {
        let path = self.path.strip_suffix("/v3").unwrap_or(&self.path);
        format!("{}{path}/graphql", self.origin)
    }
}

fn is_this_machine(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
        _ => authority,
    };
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

/// A repository, as `owner/name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    owner: String,
    name: String,
}

impl Repository {
    /// Reads `owner/name`.
    ///
    /// # Errors
    ///
    /// [`GithubError::Repository`] when there are not exactly two parts, or a part holds anything but ASCII
    /// letters, digits, `-`, `_` and `.`, or is `.` or `..`.
    pub fn new(text: &str) -> Result<Self, GithubError> {
        let valid = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        match text.split_once('/') {
            Some((owner, name)) if valid(owner) && valid(name) => {
                Ok(Repository { owner: owner.to_owned(), name: name.to_owned() })
            }
            _ => Err(GithubError::Repository { given: text.to_owned() }),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// A commit's full name: 40 hexadecimal digits, or 64 in a SHA-256 repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit(String);

impl Commit {
    /// Reads a full commit name; upper case is lowered.
    ///
    /// # Errors
    ///
    /// [`GithubError::Commit`] for anything else, an abbreviation included: GitHub might know two.
    pub fn new(text: &str) -> Result<Self, GithubError> {
        if [40, 64].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            Ok(Commit(text.to_ascii_lowercase()))
        } else {
            Err(GithubError::Commit { given: text.to_owned() })
        }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_api_url_is_kept_without_its_trailing_slash() {
        for url in ["https://api.github.com", "https://api.github.com/", "https://ghe.acme.test/api/v3/"] {
            assert_eq!(ApiUrl::new(url).unwrap().to_string(), url.trim_end_matches('/'));
        }
    }

    #[test]
    fn an_api_url_that_would_show_the_token_or_is_none_is_refused() {
        for url in [
            "",
            "api.github.com",
            "http://ghe.acme.test",
            "http://127.0.0.1.acme.test",
            "http://localhost:1@acme.test",
            "ftp://acme.test",
            "https://",
            "https:///x",
            "https://user:pass@acme.test",
            "https://acme.test/?x",
            "https://acme.test/a b",
            "https://acme.test/#x",
            "https://ácme.test",
            "https://acme.test\r\nx: y",
        ] {
            assert!(matches!(ApiUrl::new(url), Err(GithubError::ApiUrl { .. })), "{url}");
        }
    }

    #[test]
    fn this_machine_may_be_asked_without_tls() {
        for url in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080/api/v3"] {
            assert!(ApiUrl::new(url).is_ok(), "{url}");
        }
    }

    #[test]
    fn graphql_stands_beside_rest() {
        let graphql = |url| ApiUrl::new(url).unwrap().graphql();
        assert_eq!(graphql("https://api.github.com"), "https://api.github.com/graphql");
        assert_eq!(graphql("https://ghe.acme.test/api/v3"), "https://ghe.acme.test/api/graphql");
    }

    #[test]
    fn a_repository_has_exactly_an_owner_and_a_name() {
        assert_eq!(Repository::new("acme/shop.web_2").unwrap().to_string(), "acme/shop.web_2");
        for bad in
            ["", "acme", "acme/", "/shop", "acme/shop/x", "acme/..", "acme/sh op", "acme/shop?x", "../x"]
        {
            assert!(matches!(Repository::new(bad), Err(GithubError::Repository { .. })), "{bad}");
        }
    }

    #[test]
    fn a_commit_is_named_in_full() {
        let full = "ABCDEF0123456789abcdef0123456789abcdef01";
        assert_eq!(Commit::new(full).unwrap().as_str(), full.to_ascii_lowercase());
        for bad in ["", "abcdef0", "HEAD", &"g".repeat(40), &"a".repeat(41)] {
            assert!(matches!(Commit::new(bad), Err(GithubError::Commit { .. })), "{bad}");
        }
    }
}
