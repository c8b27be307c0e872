//! The secret that signs requests.

use std::fmt;

use super::GithubError;

/// A GitHub token; nothing prints it.
///
/// `Debug` shows `Token(…)`, there is no `Display`, and no error carries it.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes a token as GitHub gave it.
    ///
    /// # Errors
    ///
    /// [`GithubError::Token`] when it is empty or holds anything but visible ASCII: a stray line break
    /// cannot stand in a header.
    pub fn new(secret: impl Into<String>) -> Result<Self, GithubError> {
        let secret = secret.into();
        if secret.is_empty() || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(GithubError::Token);
        }
        Ok(Token(secret))
    }

    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_never_shown() {
        let token = Token::new("ghp_secret").unwrap();
        assert_eq!(format!("{token:?}"), "Token(…)");
        assert_eq!(token.secret(), "ghp_secret");
    }

    #[test]
    fn a_token_that_cannot_stand_in_a_header_is_refused_without_being_quoted() {
        for bad in ["", "ghp_x\n", "ghp x", "ghp_é", "\u{0}"] {
            let error = Token::new(bad).unwrap_err();
            assert!(matches!(error, GithubError::Token));
            assert!(bad.is_empty() || !format!("{error:?} {error}").contains(bad));
        }
    }
}
