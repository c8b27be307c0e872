//! The size of a comment.

/// The longest body that GitHub takes, in characters.
///
/// GitHub refuses more with "body is too long (maximum is 65536 characters)". Which characters it counts it
/// does not define, so UTF-16 code units are counted here: never fewer than code points.
pub const BODY_LIMIT: usize = 65_536;

/// The length of a body as it is held against [`BODY_LIMIT`].
pub(super) fn length(body: &str) -> usize {
    body.chars().map(char::len_utf16).sum()
}
