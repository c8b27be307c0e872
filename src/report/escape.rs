//! Outside text in GitHub-flavoured Markdown: it reads as written, and can be nothing but text.

use super::clean;

/// An entity for a character that no one sees. It parts what GitHub would turn into a link, a mention or a
/// picture after the Markdown is rendered, where a backslash no longer helps.
pub(super) const PART: &str = "&#8203;";

/// Escapes a line, in a paragraph, a heading, a list or a table cell alike.
///
/// Markup is escaped with backslashes and entities. `@name`, `#1`, `GH-1`, a commit's digits, `:name:`, `www.` and `://` are
/// parted, because GitHub finds those in the rendered text. Dollar signs, which may open a formula, stand in
/// an element of their own.
pub fn text(text: &str) -> String {
    piece("", text, None)
}

/// Escapes a piece of a line as [`text`] does: `before` is what is written of the line already, `after` the first character of
/// the text that follows, where it is text. What GitHub would find is parted across the pieces too.
pub fn piece(before: &str, text: &str, after: Option<char>) -> String {
    escaped(before, text, after, |out, c| {
        out.push('\\');
        out.push(c);
    })
}

/// Escapes a line that stands between HTML tags, where a backslash would be read as one.
pub fn html(text: &str) -> String {
    escaped("", text, None, |out, c| out.push_str(&format!("&#{};", u32::from(c))))
}

fn escaped(line: &str, text: &str, next: Option<char>, mark: impl Fn(&mut String, char)) -> String {
    let text = clean::piece(text);
    let start = line.len();
    let mut out = String::with_capacity(start + text.len() + text.len() / 4);
    out.push_str(line);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let after = rest.peek().copied().or(next);
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '$' => out.push_str("<span>&#36;</span>"),
            '@' | '#' => {
                mark(&mut out, c);
                if after.is_some_and(|c| !c.is_whitespace()) {
                    out.push_str(PART);
                }
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '^' | '{' | '}' | '!' => mark(&mut out, c),
            // At the start of a line these make lists, headings and rules.
            '-' | '+' | '=' if out.trim_ascii_start().is_empty() => mark(&mut out, c),
            '.' | ')' if is_number(&out) && after.is_none_or(char::is_whitespace) => mark(&mut out, c),
            '-' if is_reference(&out) && after.is_some_and(char::is_alphanumeric) => {
                out.push(c);
                out.push_str(PART);
            }
            ':' => {
                // `:100:` is a picture, `23:00` a time.
                if ends_like_a_picture(&out) {
                    out.push_str(PART);
                }
                out.push(c);
                if after.is_some_and(|c| matches!(c, '/' | '+' | '-') || c.is_ascii_alphabetic()) {
                    out.push_str(PART);
                }
            }
            '.' if ends_with_www(&out) => {
                out.push(c);
                out.push_str(PART);
            }
            c if c.is_ascii_hexdigit() && ends_like_a_commit(&out) => {
                out.push_str(PART);
                out.push(c);
            }
            // A line that begins with white space may become a block of code.
            ' ' if out.is_empty() => {}
            _ => out.push(c),
        }
    }
    out.split_off(start)
}

/// Writes verbatim text, between more backticks than it holds. With a bar, which would end a cell of a table,
/// all that means anything is an entity.
pub fn code(text: &str) -> String {
    let text = clean::one_line(text);
    if text.is_empty() {
        return String::new();
    }
    if !text.contains('|') {
        let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
        let fence = "`".repeat(longest + 1);
        let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
        return format!("{fence}{pad}{text}{pad}{fence}");
    }
    let mut out = String::from("<code>");
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            out.push_str(&format!("&#{};", u32::from(c)));
            out.push_str(if c == '@' { PART } else { "" });
        } else {
            out.push(c);
        }
    }
    out.push_str("</code>");
    out
}

/// Writes text with its line breaks as a fenced block, with a fence that the text does not hold.
pub fn fenced(language: &str, text: &str) -> String {
    let text = clean::lines(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}", text.trim_end_matches('\n'))
}

/// Returns the address as a link's destination, or nothing where it is not one of the web.
pub fn destination(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !matches!(scheme, "https" | "http") || rest.is_empty() {
        return None;
    }
    let mut out = format!("{scheme}://");
    for byte in rest.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'*+,;=%".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(out)
}

/// Returns the address of a path below another address, which ends with a slash; nothing where the path leads out of it.
pub fn below(base: &str, path: &str) -> Option<String> {
    let mut url = base.to_owned();
    for (index, name) in path.split('/').enumerate() {
        if matches!(name, "" | "." | "..") {
            return None;
        }
        if index > 0 {
            url.push('/');
        }
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                url.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    Some(url)
}

/// Tells whether the line is a number so far: with a dot it would be an item of a list.
fn is_number(line: &str) -> bool {
    let line = line.trim_ascii_start();
    !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// Tells whether the text ends in `GH`, `GHSA` or `CVE`, which GitHub reads as a reference when a hyphen and more follow.
fn is_reference(text: &str) -> bool {
    let word = last_word(text);
    ["gh", "ghsa", "cve"].iter().any(|name| word.eq_ignore_ascii_case(name))
}

/// Tells whether the last word of a text is six digits of a hash: with a seventh it can name a commit, and GitHub would link it.
fn ends_like_a_commit(text: &str) -> bool {
    let word = last_word(text);
    word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Tells whether the text ends in `:name`, which a second colon would make the name of a picture.
fn ends_like_a_picture(text: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '\\');
    let rest = text.trim_end_matches(name);
    rest.len() < text.len() && rest.ends_with(':')
}

/// Returns the letters and digits at a text's end.
fn last_word(text: &str) -> &str {
    let start = text.char_indices().rev().find(|(_, c)| !c.is_alphanumeric());
    text.get(start.map_or(0, |(at, c)| at + c.len_utf8())..).unwrap_or_default()
}

fn ends_with_www(text: &str) -> bool {
    let start = text.len().saturating_sub(3);
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_what_github_would_link_is_parted() {
        assert_eq!(text("a | b"), "a \\| b");
        assert_eq!(text("<b>&"), "&lt;b&gt;&amp;");
        assert_eq!(text("@all #1 GH-1"), "\\@&#8203;all \\#&#8203;1 GH-&#8203;1");
        assert_eq!(text("see https://x.test www.x.test"), "see https:&#8203;//x.test www.&#8203;x.test");
        assert_eq!(text("1. - x"), "1\\. - x");
        assert_eq!(text("\n1. x"), "1\\. x");
        assert_eq!(text("- x + y"), "\\- x + y");
        assert_eq!(text("at 9f2e1c7d"), "at 9f2e1c&#8203;7d");
        assert_eq!(text("at 23:00 :100: :a:"), "at 23:00 :100&#8203;: :&#8203;a:");
        assert_eq!(text("9f2e1c, deface"), "9f2e1c, deface");
        assert_eq!(text("CVE-2026-1 GHSA-x"), "CVE-&#8203;2026-1 GHSA-&#8203;x");
        assert_eq!(text("2.5 a.b"), "2.5 a.b");
        assert_eq!(text("costs $5"), "costs <span>&#36;</span>5");
        assert_eq!(text("a\n\n# b"), "a \\# b");
    }

    #[test]
    fn what_pieces_of_a_line_make_together_is_parted_too() {
        assert_eq!(piece("see ", "@", Some('a')), "\\@&#8203;");
        assert_eq!(piece("see ", "https:", Some('/')), "https:&#8203;");
        assert_eq!(piece("see www", ".x", None), ".&#8203;x");
        assert_eq!(piece("see GH", "-1", None), "-&#8203;1");
        assert_eq!(piece("12", ". x", None), "\\. x");
        assert_eq!(piece("a", "- x", None), "- x");
        assert_eq!(piece("9f2e1", "c7d", None), "c&#8203;7d");
    }

    #[test]
    fn between_tags_markup_is_written_as_entities() {
        assert_eq!(html("a_b </details> @all"), "a&#95;b &lt;/details&gt; &#64;&#8203;all");
    }

    #[test]
    fn a_path_stays_below_its_address() {
        let below = |path| below("https://x.test/blob/", path);
        assert_eq!(below("a b/c?.yaml#L1").as_deref(), Some("https://x.test/blob/a%20b/c%3F.yaml%23L1"));
        for path in ["../a", "a/../../b", "", "/a", "a//b", "./a"] {
            assert_eq!(below(path), None, "{path}");
        }
    }

    #[test]
    fn verbatim_text_keeps_backticks_inside() {
        assert_eq!(code("trialbook analyze x"), "`trialbook analyze x`");
        assert_eq!(code("`a``"), "``` `a`` ```");
        assert_eq!(code("a`|b"), "<code>a&#96;&#124;b</code>");
        assert_eq!(fenced("sql", "a\n````\nb\n"), "`````sql\na\n````\nb\n`````");
    }

    #[test]
    fn only_an_address_of_the_web_is_a_destination() {
        assert_eq!(destination("javascript:alert(1)"), None);
        assert_eq!(destination("https://"), None);
        assert_eq!(destination("https://x.test/a) b|<").as_deref(), Some("https://x.test/a%29%20b%7C%3C"));
    }
}
