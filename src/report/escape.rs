//! Outside text in GitHub-flavoured Markdown: it reads as written, and can be nothing but text.

use super::clean;

/// An entity for a character that no one sees. It parts what GitHub would turn into a link, a mention or a
/// picture after the Markdown is rendered, where a backslash no longer helps.
const PART: &str = "&#8203;";

/// Escapes a piece of a line, in a paragraph, a heading, a list or a table cell alike.
///
/// Markup is escaped with backslashes and entities. `@name`, `#1`, `GH-1`, `:name:`, `www.` and `://` are parted,
/// because GitHub finds those in the rendered text. Dollar signs, which may open a formula, stand in
/// an element of their own.
pub fn text(text: &str) -> String {
    let text = clean::piece(text);
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut before = None;
    let mut rest = text.chars().peekable();
    let mut only_digits = true;
    while let Some(c) = rest.next() {
        let after = rest.peek().copied();
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '$' => out.push_str("<span>&#36;</span>"),
            '@' | '#' => {
                out.push('\\');
                out.push(c);
                if after.is_some_and(|c| !c.is_whitespace()) {
                    out.push_str(PART);
                }
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '^' | '{' | '}' | '!' => {
                out.push('\\');
                out.push(c);
            }
            // At the start of a line these make lists, headings and rules.
            '-' | '+' | '=' if out.trim_ascii_start().is_empty() => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if only_digits && before.is_some() && after.is_none_or(char::is_whitespace) => {
                out.push('\\');
                out.push(c);
            }
            '-' if is_reference(&out) && after.is_some_and(|c| c.is_ascii_digit()) => {
                out.push(c);
                out.push_str(PART);
            }
            ':' if after.is_some_and(|c| c == '/' || c == '+' || c == '-' || c.is_ascii_alphabetic()) => {
                out.push(c);
                out.push_str(PART);
            }
            '.' if ends_with_www(&out) => {
                out.push(c);
                out.push_str(PART);
            }
            _ => out.push(c),
        }
        only_digits &= c.is_ascii_digit();
        before = Some(c);
    }
    out
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

/// Tells whether the text ends in `GH`, which GitHub reads as a reference when a number follows.
fn is_reference(text: &str) -> bool {
    let mut last = text.chars().rev();
    let (h, g, before) = (last.next(), last.next(), last.next());
    h.is_some_and(|c| c.eq_ignore_ascii_case(&'h'))
        && g.is_some_and(|c| c.eq_ignore_ascii_case(&'g'))
        && before.is_none_or(|c| !c.is_alphanumeric())
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
        assert_eq!(text("- x + y"), "\\- x + y");
        assert_eq!(text("2.5 a.b"), "2.5 a.b");
        assert_eq!(text("costs $5"), "costs <span>&#36;</span>5");
        assert_eq!(text("a\n\n# b"), "a \\# b");
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
