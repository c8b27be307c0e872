//! Whatever people write into a book, nothing of it leaves the text that it stands in: a property of every Markdown
//! template, with arbitrary strings in every place that takes any.

mod found;
mod poison;
mod sources;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use found::{Shape, found_by_github, links};

/// Texts that mean something to Markdown, HTML, GitHub, a terminal or a workflow.
const PIECES: &[&str] = &[
    "@",
    "@all",
    "#",
    "#1",
    "GH",
    "-1",
    "GH-2",
    "acme/shop#3",
    "://",
    "https:",
    "//evil.test",
    "www",
    ".evil.test",
    "x@evil.test",
    "mailto:a@evil.test",
    ":tada:",
    "<",
    ">",
    "</",
    "<b>",
    "<!--",
    "-->",
    "</sub>",
    "</details>",
    "<script>",
    "<a href=\"//x\">",
    "[",
    "](",
    ")",
    "![",
    "[^1]",
    "[^1]: x",
    "`",
    "``",
    "```",
    "`x`",
    "*",
    "**",
    "***",
    "_",
    "__",
    "~~",
    "|",
    "\\",
    "\\|",
    "\\`",
    "\n",
    "\r\n",
    "\n\n",
    "\t",
    "    ",
    " ",
    "#",
    "# ",
    "===",
    "---",
    "- ",
    "+ ",
    "1. ",
    "1",
    ". x",
    "> ",
    "[!CAUTION]",
    "[ ] ",
    "$",
    "$$",
    "$`",
    "&",
    "&amp;",
    "&#64;",
    "&lt;",
    "{",
    "}",
    "!",
    "^",
    "=",
    ":",
    ".",
    "\"",
    "'",
    "a",
    "b1",
    "é",
    "日本",
    "👩‍🔬",
    "\u{202e}",
    "\u{2066}",
    "\u{200b}",
    "\u{1b}[31m",
    "\0",
    "\u{85}",
    "\u{2028}",
    "::error::",
    "%0A",
    "%25",
    "::add-mask::",
    "../../..",
    "?",
    "//",
    "9f2e1c7",
    "d3b0a4c5e6f",
    "deadbeef",
    "CVE",
    "-2026-1",
    "GHSA",
];

/// A text that a person may have written: never blank, because a template may leave a blank text out.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-z0-9]{1,8}",
    ];
    let pieces = prop::collection::vec(piece, 1..8).prop_map(|pieces| pieces.concat());
    // Longer ones are cut, which takes what follows them away: that is a test of its own.
    pieces.prop_filter("something to be seen", |text| {
        text.chars().any(|c| c.is_alphanumeric() || (c.is_ascii_punctuation() && c != '`'))
            && text.chars().count() <= 60
    })
}

/// Renders every template with texts in it, and with harmless ones: both must be of one shape.
fn hold(source: &sources::Source, texts: &[String]) -> Result<(), TestCaseError> {
    let (markdown, harmless) = (source.render(texts), source.render(&harmless(texts)));
    let (shape, expected) = (Shape::of(&markdown), Shape::of(&harmless));
    prop_assert_eq!(
        &shape,
        &expected,
        "{} has another shape:\n{}\ninstead of\n{}",
        source.name,
        markdown,
        harmless
    );
    for link in links(&markdown) {
        prop_assert!(
            source.may_link(&link),
            "{} links to {}, which the template does not:\n{}",
            source.name,
            link,
            markdown
        );
    }
    let found = found_by_github(&markdown);
    prop_assert!(found.is_empty(), "{} lets GitHub find {:?}:\n{}", source.name, found, markdown);
    let steering =
        |c: &char| (c.is_control() && !matches!(c, '\n' | '\t')) || ('\u{202a}'..='\u{202e}').contains(c);
    prop_assert!(markdown.chars().find(steering).is_none(), "{}: {:?}", source.name, markdown);
    Ok(())
}

/// As many harmless texts, alike where the texts are.
fn harmless(texts: &[String]) -> Vec<String> {
    let first = |text: &String| texts.iter().position(|other| other == text).unwrap_or_default();
    texts.iter().map(|text| format!("harmless{}", first(text))).collect()
}

#[test]
fn no_text_of_a_book_becomes_anything_but_text_in_any_comment() {
    let sources = sources::all();
    assert!(sources.iter().all(|source| source.places() > 3), "every template has places for texts");
    let config =
        Config { cases: 400, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    // The same texts each time: what fails here fails for everybody, and not for whoever comes next.
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let texts = prop::collection::vec(text(), 1..4);
    let case = (0..sources.len(), texts);
    let run =
        TestRunner::new_with_rng(config, random).run(&case, |(source, texts)| hold(&sources[source], &texts));
    if let Err(error) = run {
        panic!("{error}");
    }
}

#[test]
fn every_piece_stays_text_in_every_comment() {
    let mut wrong = Vec::new();
    // Results are alike: arbitrary texts are put into all of them.
    let some = ["result ship", "result invalid", "result several-looks"];
    let chosen =
        |source: &sources::Source| !source.name.starts_with("result") || some.contains(&source.name.as_str());
    for source in sources::all().into_iter().filter(chosen) {
        for piece in PIECES.iter().filter(|piece| !piece.trim().is_empty()) {
            let texts = [format!("x{piece}y"), format!("`{piece}`{piece}."), format!("{piece}``{piece} x")];
            if let Err(error) = hold(&source, &texts) {
                wrong.push(format!("{piece:?} in {}: {error}", source.name));
            }
        }
    }
    let first = wrong.first().map_or("", String::as_str);
    assert!(wrong.is_empty(), "{} pieces do not stay text, the first: {first}", wrong.len());
}

#[test]
fn a_finding_is_one_workflow_command_whatever_its_texts() {
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let run = TestRunner::new(config).run(&prop::collection::vec(text(), 1..4), |texts| {
        let written = sources::workflow_commands(&texts);
        let lines: Vec<&str> = written.lines().collect();
        prop_assert_eq!(lines.len(), 2, "{}", &written);
        prop_assert!(
            lines[0].starts_with("::error file=") && lines[1].starts_with("::warning file="),
            "{}",
            &written
        );
        for line in &lines {
            let (properties, data) = line[2..].split_once("::").expect("a message");
            prop_assert_eq!(properties.matches(",title=").count(), 1, "{}", line);
            prop_assert!(!properties.contains("::") && !properties.contains('\r'), "{}", line);
            // Nothing is decoded into something else: every percent sign was written by the escape.
            let codes = data.split('%').skip(1).chain(properties.split('%').skip(1));
            for code in codes {
                prop_assert!(
                    ["25", "0A", "0D", "3A", "2C"].iter().any(|known| code.starts_with(known)),
                    "{}",
                    line
                );
            }
        }
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}");
    }
}
