//! What in a text steers a terminal or a runner, and how it is shown instead.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::report::findings::is_hidden;

/// Variables that CI runners set, those among them that read commands from what a step prints: GitHub, Gitea and
/// Forgejo Actions, Azure Pipelines, TeamCity, GitLab, Buildkite; and `CI`, which nearly all set.
const RUNNERS: [&str; 8] = [
    "CI",
    "GITHUB_ACTIONS",
    "GITEA_ACTIONS",
    "FORGEJO_ACTIONS",
    "TF_BUILD",
    "TEAMCITY_VERSION",
    "GITLAB_CI",
    "BUILDKITE",
];

/// The commands that trialbook gives a runner: each makes an annotation.
const ANNOTATIONS: [&str; 3] = ["::error ", "::warning ", "::notice "];

/// Tells whether a CI runner reads what is printed.
pub(super) fn is_runner() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "false");
    RUNNERS.into_iter().any(set)
}

/// Tells whether a runner reads what is printed here: not where it goes into a file.
#[cfg(unix)]
pub(super) fn reaches_a_runner(stdout: &impl std::os::fd::AsFd) -> bool {
    let copy = || stdout.as_fd().try_clone_to_owned();
    let file = || copy().and_then(|copy| std::fs::File::from(copy).metadata());
    is_runner() && !file().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(not(unix))]
pub(super) fn reaches_a_runner<T>(_stdout: &T) -> bool {
    is_runner()
}

/// Tells whether a character must not be printed. The joiners that emoji and several scripts need may be.
fn steers(c: char) -> bool {
    is_hidden(c) && !matches!(c, '\u{200c}' | '\u{200d}')
}

/// Writes a character of outside text, one that steers as its escape.
pub(super) fn push_shown(out: &mut String, c: char) {
    if steers(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
}

/// Returns the lines with every character that steers as its escape. Line breaks and tabs stay.
pub(super) fn without_hidden(text: &str) -> Cow<'_, str> {
    let kept = |c: char| matches!(c, '\n' | '\t') || !steers(c);
    if text.chars().all(kept) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    text.chars().for_each(|c| if kept(c) { out.push(c) } else { push_shown(&mut out, c) });
    Cow::Owned(out)
}

/// Returns the lines as [`without_hidden`] does, but for the colours and weights that our renderers write.
fn only_our_colours(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{1b}') {
        return without_hidden(text);
    }
    let mut out = String::with_capacity(text.len());
    for (index, piece) in text.split('\u{1b}').enumerate() {
        let (style, rest) = piece.split_at(if index == 0 { 0 } else { style_length(piece) });
        match (index, style) {
            (0, _) => {}
            (_, "") => push_shown(&mut out, '\u{1b}'),
            (_, style) => {
                out.push('\u{1b}');
                out.push_str(style);
            }
        }
        out.push_str(&without_hidden(rest));
    }
    Cow::Owned(out)
}

/// Returns [`only_our_colours`], or none at all. Commands are looked for after this: taking a colour out can make one.
pub(super) fn styled(text: &str, coloured: bool) -> Cow<'_, str> {
    let text = only_our_colours(text);
    if coloured || !text.contains('\u{1b}') {
        return text;
    }
    Cow::Owned(anstream::adapter::strip_str(&text).to_string())
}

/// Returns how long the `[1;31m` is that a text begins with; 0 where it begins with none of ours. Black, white, concealed
/// and blinking text and backgrounds are not: they could hide what is written.
fn style_length(text: &str) -> usize {
    let Some(inside) = text.strip_prefix('[') else { return 0 };
    let parameters = inside.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
    let length = inside.len() - parameters.len();
    let ours = |parameter: &str| matches!(parameter.parse::<u8>().unwrap_or(0), 0..=4 | 22..=24 | 31..=36 | 39 | 91..=96);
    let numbers = inside.get(..length).unwrap_or_default();
    let known = numbers.split(';').all(|number| number.len() <= 2 && ours(number));
    if known && parameters.starts_with('m') { 1 + length + 1 } else { 0 }
}

/// Returns the text with a space in every command that a runner would obey: `::` at the start of a line, white space
/// and colours before it included, and `##[` and `##name[` anywhere.
///
/// The runner's reading is that of actions/runner, `ActionCommand.cs`, and azure-pipelines-agent, `Command.cs` (read
/// 2026-11).
pub(super) fn broken(text: Cow<'_, str>, runner: bool) -> Cow<'_, str> {
    if !runner || !(text.contains("::") || text.contains("##")) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 8);
    for line in text.split_inclusive('\n') {
        let before = before_command(line);
        match line.get(before..).and_then(|rest| rest.strip_prefix(':')) {
            Some(rest) if rest.get(colours(rest)..).is_some_and(|rest| rest.starts_with(':')) => {
                out.push_str(line.get(..before).unwrap_or_default());
                out.push_str(": ");
                break_hashes(rest, "# #", &mut out);
            }
            _ => break_hashes(line, "# #", &mut out),
        }
    }
    Cow::Owned(out)
}

/// Returns how long the colours are that a text begins with.
fn colours(text: &str) -> usize {
    let mut rest = text;
    while let Some(piece) = rest.strip_prefix('\u{1b}') {
        rest = piece.get(style_length(piece)..).unwrap_or_default();
    }
    text.len() - rest.len()
}

/// Returns where the first character stands that is no white space and belongs to no colour.
fn before_command(line: &str) -> usize {
    let mut rest = line;
    loop {
        let trimmed = rest.trim_start();
        let after = match trimmed.strip_prefix('\u{1b}') {
            Some(piece) => piece.get(style_length(piece)..).unwrap_or_default(),
            None => trimmed,
        };
        if after.len() == rest.len() {
            return line.len() - rest.len();
        }
        rest = after;
    }
}

/// Writes a line with `instead` for the two hashes that begin a command.
fn break_hashes(line: &str, instead: &str, out: &mut String) {
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("##") {
        out.push_str(before);
        let name =
            after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        if name.starts_with('[') {
            out.push_str(instead);
            rest = after;
        } else {
            // The second hash may be the first of a pair.
            out.push('#');
            rest = rest.get(before.len() + 1..).unwrap_or_default();
        }
    }
    out.push_str(rest);
}

/// Returns JSON with what is hidden in it, and under a runner what would be a command, as escapes of JSON.
pub(super) fn escaped(json: &str, runner: bool) -> Cow<'_, str> {
    let kept = |c: char| c == '\n' || !is_hidden(c);
    let commands = runner && json.contains("##");
    if json.chars().all(kept) && !commands {
        return Cow::Borrowed(json);
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if kept(c) {
            out.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    if !commands {
        return Cow::Owned(out);
    }
    // Outside a string, JSON has no hash.
    let mut unhashed = String::with_capacity(out.len() + 16);
    break_hashes(&out, "#\\u0023", &mut unhashed);
    Cow::Owned(unhashed)
}

/// Returns annotations as they may be printed: a line that is none of ours is broken, and so is `##[` in all of them.
pub(super) fn annotations(text: &str, runner: bool) -> Cow<'_, str> {
    let text = without_hidden(text);
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if ANNOTATIONS.iter().any(|command| line.starts_with(command)) {
            break_hashes(line, "# #", &mut out);
        } else {
            out.push_str(&broken(Cow::Borrowed(line), runner));
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(
            without_hidden("a\u{1b}[31m\r\n\tb\u{9b}\u{202e}"),
            "a\\u{1b}[31m\\u{d}\n\tb\\u{9b}\\u{202e}"
        );
        assert_eq!(without_hidden("👩\u{200d}🔬 ä 日本"), "👩\u{200d}🔬 ä 日本");
    }

    #[test]
    fn only_our_own_colours_pass() {
        let ours = "\u{1b}[1m\u{1b}[31mred\u{1b}[0m \u{1b}[1;36mx\u{1b}[0m";
        assert_eq!(only_our_colours(ours), ours);
        for foreign in ["[8m", "[30m", "[40m", "[38;5;1m", "[2J", "[1", "]0;title\u{7}", "c", "[131m", ""] {
            let text = format!("\u{1b}{foreign}");
            assert!(!only_our_colours(&text).contains('\u{1b}'), "{foreign}");
        }
    }

    #[test]
    fn a_runner_is_given_no_command() {
        let cases = [
            ("::error::x", ": :error::x"),
            ("  \t::error::x", "  \t: :error::x"),
            ("\u{1b}[1m ::stop-commands::x", "\u{1b}[1m : :stop-commands::x"),
            ("\u{a0}::x", "\u{a0}: :x"),
            ("a::b", "a::b"),
            ("a\n::b\n", "a\n: :b\n"),
            ("x ##[error]y", "x # #[error]y"),
            ("x ##vso[task.setvariable]y", "x # #vso[task.setvariable]y"),
            ("##teamcity[x] ###[y] ####[z]", "# #teamcity[x] ## #[y] ### #[z]"),
            ("## heading [x]", "## heading [x]"),
        ];
        for (given, shown) in cases {
            assert_eq!(broken(Cow::Borrowed(given), true), shown);
            assert_eq!(broken(Cow::Borrowed(given), false), given);
        }
    }

    #[test]
    fn our_own_annotations_stay() {
        let text = "::error file=a::x ##[y]\n::set-env::x\n ::error file=b::x\n";
        assert_eq!(annotations(text, true), "::error file=a::x # #[y]\n: :set-env::x\n : :error file=b::x\n");
    }

    proptest! {
        #[test]
        fn json_means_what_it_meant(text in "(##\\[|##vso\\[|::|[#\\[\"\\\\a\u{1b}\u{9b}\u{202e}\u{1f600}\u{e0041}\n]){0,12}") {
            let json = serde_json::to_string_pretty(&[&text]).expect("JSON");
            let safe = escaped(&json, true);
            prop_assert!(!safe.contains("##[") && !safe.contains("##vso["));
            prop_assert!(!safe.chars().any(|c| is_hidden(c) && c != '\n'));
            prop_assert_eq!(serde_json::from_str::<Vec<String>>(&safe).expect("JSON"), [text]);
        }

        #[test]
        fn nothing_steers(text in "(##|::|\\[|vso|\u{1b}\\[1m|[ \t\n#:a\u{1b}\u{9b}\u{202e}\r\u{85}\u{2028}]){0,16}") {
            for shown in [without_hidden(&text), styled(&text, false), styled(&text, true)] {
                for line in broken(shown, true).split('\n') {
                    prop_assert!(!line.contains("##[") && !line.contains("##vso["), "{line:?}");
                    let plain = anstream::adapter::strip_str(line).to_string();
                    prop_assert!(!plain.trim_start().starts_with("::"), "{line:?}");
                    prop_assert!(!plain.chars().any(|c| steers(c) && c != '\t'), "{line:?}");
                }
            }
        }
    }
}
