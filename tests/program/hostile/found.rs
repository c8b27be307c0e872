//! What a Markdown text is to its reader: its shape, its links, and what GitHub would find in its words.

use std::sync::LazyLock;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use regex::Regex;

fn options() -> Options<'static> {
    let mut options = Options::default();
    let on = &mut options.extension;
    (on.table, on.autolink, on.strikethrough, on.tasklist, on.footnotes) = (true, true, true, true, true);
    (on.alerts, on.math_dollars, on.math_code, on.multiline_block_quotes) = (true, true, true, true);
    options.render.r#unsafe = true;
    options
}

/// The parts of a text in their order, without the words in them.
#[derive(Debug, PartialEq)]
pub struct Shape(Vec<String>);

impl Shape {
    /// Returns the shape of a text.
    pub fn of(markdown: &str) -> Self {
        let arena = Arena::new();
        let root = parse_document(&arena, markdown, &options());
        let mut parts = Vec::new();
        walk(root, 0, &mut parts);
        Self(parts)
    }
}

fn walk<'a>(node: &'a AstNode<'a>, depth: usize, parts: &mut Vec<String>) {
    let name = match &node.data.borrow().value {
        // Words, and the two ways to write words verbatim: backticks of a sentence that a program wrote are such.
        NodeValue::Text(_) | NodeValue::Code(_) => None,
        NodeValue::HtmlInline(tag) if matches!(tag.as_str(), "<span>" | "</span>" | "<code>" | "</code>") => {
            None
        }
        // Strong text, where stars would not count.
        NodeValue::HtmlInline(tag) if tag == "<strong>" => Some("strong".to_owned()),
        NodeValue::HtmlInline(tag) if tag == "</strong>" => None,
        NodeValue::Strong => Some("strong".to_owned()),
        NodeValue::HtmlInline(tag) => Some(format!("html {tag}")),
        NodeValue::HtmlBlock(html) => Some(format!("html block {}", tags(&html.literal))),
        NodeValue::CodeBlock(block) => Some(format!("code block {}", block.info)),
        NodeValue::Heading(heading) => Some(format!("heading {}", heading.level)),
        // Where links lead is looked at by itself; a file's name that leads elsewhere makes none.
        NodeValue::Link(_) => None,
        NodeValue::Alert(alert) => Some(format!("alert {:?}", alert.alert_type)),
        other => {
            let name = format!("{other:?}");
            Some(name.split(['(', ' ', '{']).next().unwrap_or_default().to_owned())
        }
    };
    let strong = matches!(node.data.borrow().value, NodeValue::Strong);
    // A strong text is as deep with stars as with tags.
    parts.extend(name.map(|name| format!("{depth} {name}")));
    for child in node.children() {
        walk(child, if strong { depth } else { depth + 1 }, parts);
    }
}

/// The tags of HTML in their order.
fn tags(html: &str) -> String {
    html.split('<')
        .skip(1)
        .map(|tag| tag.split('>').next().unwrap_or_default())
        .filter(|tag| !tag.ends_with("span"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Returns where a text's links and images lead.
pub fn links(markdown: &str) -> Vec<String> {
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options());
    let url = |node: &'_ AstNode<'_>| match &node.data.borrow().value {
        NodeValue::Link(link) | NodeValue::Image(link) => Some(link.url.clone()),
        _ => None,
    };
    root.descendants().filter_map(url).collect()
}

/// What GitHub turns into a link, a mention, a picture or a formula in words that are no link and not verbatim: it looks at the
/// rendered text, element by element.
static FINDS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    [
        ("a mention", r"@[A-Za-z0-9]"),
        ("a reference", r"#[0-9]"),
        ("a reference", r"(?i)\bgh-[0-9]"),
        ("an advisory", r"(?i)\b(?:ghsa|cve)-[0-9a-z]"),
        ("a commit", r"(?i)\b[0-9a-f]{7,40}\b"),
        ("an address", r"(?i)[a-z]://\S"),
        ("an address", r"(?i)\bwww\.[^\s\u{200b}]"),
        ("an address", r"(?i)\b(?:mailto|xmpp):[a-z0-9]"),
        ("a picture", r":[A-Za-z0-9_+-]+:"),
    ]
    .map(|(what, pattern)| (what, Regex::new(pattern).expect("a pattern")))
    .into()
});

/// Returns what GitHub would find in the words of a text.
pub fn found_by_github(markdown: &str) -> Vec<(&'static str, String)> {
    let html = comrak::markdown_to_html(markdown, &options());
    let mut found = Vec::new();
    for words in words(&html) {
        for (what, pattern) in FINDS.iter() {
            found.extend(pattern.find(&words).map(|it| (*what, it.as_str().to_owned())));
        }
    }
    found
}

/// The texts of a page between its tags, outside of what is verbatim or a link.
fn words(html: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut inside: Vec<&str> = Vec::new();
    for (index, part) in html.split('<').enumerate() {
        let (tag, text) = if index == 0 { ("", part) } else { part.split_once('>').unwrap_or((part, "")) };
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if matches!(name, "code" | "pre" | "a") {
            if tag.starts_with('/') {
                inside.pop();
            } else {
                inside.push(name);
            }
        }
        if inside.is_empty() {
            words.push(decoded(text));
        }
    }
    words
}

fn decoded(text: &str) -> String {
    static ENTITY: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"&(?:#([0-9]+)|lt|gt|quot|amp);").expect("a pattern"));
    ENTITY
        .replace_all(text, |found: &regex::Captures<'_>| match (found.get(1), &found[0]) {
            (Some(code), _) => {
                code.as_str().parse().ok().and_then(char::from_u32).unwrap_or('\u{fffd}').to_string()
            }
            (None, "&lt;") => "<".to_owned(),
            (None, "&gt;") => ">".to_owned(),
            (None, "&quot;") => "\"".to_owned(),
            (None, _) => "&".to_owned(),
        })
        .into_owned()
}

#[test]
fn what_github_finds_is_found() {
    for (text, what) in [
        ("thanks @all", "a mention"),
        ("see #1", "a reference"),
        ("GH-2", "a reference"),
        ("at 9f2e1c7d3b", "a commit"),
        ("mail:x://y", "an address"),
        (":tada:", "a picture"),
    ] {
        assert!(
            found_by_github(text).iter().any(|(found, _)| *found == what),
            "{text}: {:?}",
            found_by_github(text)
        );
    }
    assert!(found_by_github("`@all #1` and &#64;x \\# 1").iter().all(|(what, _)| *what == "a mention"));
    assert_eq!(
        links("[a](https://x.test) ![b](y.png) https://z.test"),
        ["https://x.test", "y.png", "https://z.test"]
    );
    assert_ne!(Shape::of("a"), Shape::of("# a"));
    assert_ne!(Shape::of("| a |\n| - |\n| b |"), Shape::of("| a | b |\n| - | - |\n| b | c |"));
    assert_ne!(Shape::of("a"), Shape::of("a <b>"));
    assert_eq!(Shape::of("**a** b"), Shape::of("<strong>a</strong> `b`"));
}
