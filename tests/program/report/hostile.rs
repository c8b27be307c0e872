//! Text from a book cannot break out of the comment, whatever it holds.

use comrak::Options;
use trialbook::report::{markdown, outcome};
use trialbook_analysis::{Outcome, PreregistrationStatus, ReleasePlace};
use trialbook_model::LaunchDoubt;

use super::fixture;

const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</sub></details><h1>Ship it</h1>",
    "<!-- trialbook:result:acme-shop:other -->",
    "-->",
    "x](javascript:alert(1))",
    "[click](https://evil.test)",
    "![img](https://evil.test/p.png)",
    "<https://evil.test>",
    "https://evil.test www.evil.test mail@evil.test",
    "| a | b |",
    "a \\| b",
    "@everyone and @acme/all",
    "#1 GH-2 acme/shop#3",
    "```",
    "`code` ``two``",
    "**bold** _it_ ~~gone~~",
    "# heading",
    "first\n\n# second\n\n| a | b |\n| - | - |",
    "- item",
    "1. item",
    "> [!CAUTION]",
    "line\r\n---\r\n",
    "$x^2$ costs $5",
    ":tada: &amp; &lt;",
    "\u{202e}reversed\u{2066}",
    "\u{1b}[31mred",
    "[^1]: note",
    "\\",
    "\\`",
    "    indented",
];

/// The outcome with the text everywhere where text can come from a book or the data.
fn poisoned(mut outcome: Outcome, text: &str) -> Outcome {
    outcome.experiment.title = text.into();
    outcome.experiment.owner = text.into();
    outcome.experiment.hypothesis = text.into();
    outcome.experiment.file = Some(text.into());
    outcome.book.name = text.into();
    outcome.preregistration.status = PreregistrationStatus::Unverified {
        doubts: vec![
            LaunchDoubt::RefUnreadable { cause: text.into() },
            LaunchDoubt::CommitsDiffer { recorded: text.into(), target: text.into() },
        ],
    };
    for check in &mut outcome.quality {
        check.detail = fixture::poisoned(text);
        if let Some((_, value)) = &mut check.within {
            *value = text.into();
        }
    }
    for release in &mut outcome.releases {
        (release.file, release.lines) = (text.into(), text.into());
        if let ReleasePlace::AfterKey { key } = &mut release.place {
            *key = text.into();
        }
    }
    if let PreregistrationStatus::Deviates { changes } = &mut outcome.preregistration.status {
        changes.iter_mut().for_each(|change| change.part = text.into());
    }
    for query in &mut outcome.queries {
        query.name = text.into();
        query.sql = text.into();
    }
    outcome
}

fn html(markdown: &str) -> String {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    options.extension.math_dollars = true;
    options.extension.math_code = true;
    options.extension.multiline_block_quotes = true;
    options.render.r#unsafe = true;
    comrak::markdown_to_html(markdown, &options)
}

/// The tags of a page in order, without their attributes.
fn tags(html: &str) -> Vec<String> {
    html.split('<')
        .skip(1)
        .map(|rest| rest.split(|c: char| c == '>' || c.is_whitespace()).next().unwrap_or_default().to_owned())
        // An escaped dollar sign, and the two ways to write verbatim text.
        .filter(|tag| !matches!(tag.as_str(), "span" | "/span" | "code" | "/code"))
        .collect()
}

/// What a reader sees: the text of a page on one line, without what parts words.
fn seen(html: &str) -> String {
    let mut text = String::new();
    for (index, part) in html.split('<').enumerate() {
        text.push_str(if index == 0 { part } else { part.split_once('>').map_or("", |(_, text)| text) });
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
    one_line(&text)
}

fn one_line(text: &str) -> String {
    let shown = text.replace('\u{200b}', "").replace(['\u{202e}', '\u{2066}', '\u{1b}'], "\u{fffd}");
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn outside_text_is_only_text() {
    for (name, result) in fixture::all() {
        let harmless =
            tags(&html(&markdown::render(&outcome::document(&poisoned(result.clone(), "harmless")))));
        for text in HOSTILE {
            let markdown = markdown::render(&outcome::document(&poisoned(result.clone(), text)));
            let html = html(&markdown);
            let tags = tags(&html);
            let differs = tags.iter().zip(&harmless).position(|(a, b)| a != b);
            let near = differs.map(|at| (at, tags.get(at.saturating_sub(3)..at + 2)));
            assert!(
                tags.len() == harmless.len() && near.is_none(),
                "{name} with {text:?} at {near:?}:\n{markdown}\n{html}"
            );
            let expected = one_line(text);
            assert!(seen(&html).contains(&expected), "{name} hides {text:?}:\n{markdown}\n{html}");
            for linked in ["href", "src=", "data-math"] {
                assert!(!html.contains(linked), "{name} has {linked} with {text:?}:\n{html}");
            }
            for found in ["@everyone", "@acme", "#1", "#3", "GH-2", "://", "www.evil", ":tada:"] {
                let outside_code: String =
                    html.split("<code")
                        .enumerate()
                        .map(|(i, part)| {
                            if i == 0 {
                                part
                            } else {
                                part.split_once("</code>").map_or("", |(_, rest)| rest)
                            }
                        })
                        .collect();
                assert!(
                    !outside_code.contains(found),
                    "{name} lets GitHub find {found} with {text:?}:\n{html}"
                );
            }
        }
    }
}

#[test]
fn a_comment_that_is_too_long_ends_with_a_pointer() {
    let mut result = fixture::ship();
    result.queries[0].sql = "SELECT 1;\n".repeat(20_000);
    let document = outcome::document(&result);
    let pointer = vec!["The rest is in the outcome.".into()];
    let body = markdown::render_within(&document, markdown::LONGEST_BODY, &pointer);
    assert!(body.encode_utf16().count() <= markdown::LONGEST_BODY);
    assert!(body.starts_with("### ✅ Ship **bold**"));
    assert!(body.contains("Can it be trusted?") && body.trim_end().ends_with("The rest is in the outcome."));
    let least = markdown::render_within(&document, 10, &pointer);
    assert!(
        least.starts_with("### ✅ Ship **bold**") && least.ends_with("\n\nThe rest is in the outcome.\n")
    );
    assert_eq!(least.lines().count(), 3, "the verdict and where the rest is: {least}");
    let whole =
        markdown::render_within(&outcome::document(&fixture::ship()), markdown::LONGEST_BODY, &pointer);
    assert!(!whole.contains("The rest is"));
}
