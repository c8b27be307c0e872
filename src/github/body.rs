//! The size of a comment.

use std::borrow::Cow;

/// The longest body that GitHub takes, in characters.
///
/// GitHub refuses more with "body is too long (maximum is 65536 characters)". Which characters it counts it
/// does not say, so UTF-16 code units are counted here: never fewer than code points.
pub const BODY_LIMIT: usize = 65_536;

/// Room left for the marker's line, whatever its key.
const MARKER_ROOM: usize = 256;

/// The length of a body as it is held against [`BODY_LIMIT`].
pub(super) fn length(body: &str) -> usize {
    body.chars().map(char::len_utf16).sum()
}

/// Returns Markdown that fits into one comment, cut before a line's end if it must be.
///
/// What is cut off is replaced by `pointer`, which says where the rest is. A fenced code block that the cut
/// leaves open is closed. Text that fits comes back as it is.
#[must_use]
pub fn fitted<'a>(markdown: &'a str, pointer: &str) -> Cow<'a, str> {
    let limit = BODY_LIMIT - MARKER_ROOM;
    if length(markdown) <= limit {
        return Cow::Borrowed(markdown);
    }
    // A closing fence is as long as the opening one: its own line fits twice.
    let room = limit.saturating_sub(length(pointer) + 4);
    let mut kept = String::new();
    let mut used = 0;
    let mut open: Option<&str> = None;
    for line in markdown.split_inclusive('\n') {
        let after = match fence(line) {
            Some(fence) if open.is_none() => Some(fence),
            Some(fence) if closes(fence, line, open) => None,
            _ => open,
        };
        let closing = after.map_or(0, |fence| length(fence) + 1);
        if used + length(line) + closing > room {
            break;
        }
        used += length(line);
        kept.push_str(line);
        open = after;
    }
    if let Some(fence) = open {
        kept.push_str(fence);
        kept.push('\n');
    }
    kept.push_str("\n\n");
    kept.push_str(pointer);
    kept.push('\n');
    Cow::Owned(kept)
}

/// The run of backticks or tildes that opens or closes a code block on this line.
fn fence(line: &str) -> Option<&str> {
    let text = line.trim_start_matches(' ');
    let mark = text.chars().next().filter(|c| ['`', '~'].contains(c))?;
    let run = text.len() - text.trim_start_matches(mark).len();
    let opens = line.len() - text.len() <= 3 && run >= 3;
    text.get(..run).filter(|_| opens)
}

fn closes(fence: &str, line: &str, open: Option<&str>) -> bool {
    open.is_some_and(|open| fence.starts_with(open)) && line.trim().len() == fence.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_left_alone() {
        let text = "x".repeat(BODY_LIMIT - MARKER_ROOM);
        assert_eq!(fitted(&text, "more"), text);
    }

    #[test]
    fn what_does_not_fit_is_cut_between_lines_and_says_where_the_rest_is() {
        let text = "A line of the table, with a 🎈.\n".repeat(4_000);
        let cut = fitted(&text, "[The rest](https://acme.test)");
        assert!(length(&cut) <= BODY_LIMIT - MARKER_ROOM);
        assert!(length(&cut) > BODY_LIMIT - MARKER_ROOM - 100);
        let kept = cut.strip_suffix("\n\n[The rest](https://acme.test)\n").unwrap();
        assert!(text.starts_with(kept) && kept.ends_with(".\n"));
    }

    #[test]
    fn a_code_block_is_closed_where_it_is_cut() {
        let text = format!("````sql\n```\n{}````\n", "select 1;\n".repeat(9_000));
        let cut = fitted(&text, "more");
        assert!(length(&cut) <= BODY_LIMIT - MARKER_ROOM);
        assert!(cut.ends_with("select 1;\n````\n\n\nmore\n"), "{:?}", cut.get(cut.len() - 40..));
    }

    #[test]
    fn a_closed_code_block_is_not_closed_again() {
        let text = format!("```\nx\n```\n{}", "words\n".repeat(20_000));
        assert!(fitted(&text, "more").ends_with("words\n\n\nmore\n"));
    }

    #[test]
    fn one_endless_line_leaves_the_pointer() {
        assert_eq!(fitted(&"x".repeat(BODY_LIMIT), "more"), "\n\nmore\n");
    }
}
