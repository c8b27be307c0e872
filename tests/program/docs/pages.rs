//! The pages of the documentation, and what Markdown makes of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use comrak::nodes::NodeValue;
use comrak::{Anchorizer, Arena, Options, parse_document};

/// A block of code between fences.
pub struct Block {
    /// The words after the opening fence, such as `console`.
    pub info: String,
    /// The line of the opening fence, from 1.
    pub line: usize,
    pub text: String,
}

/// What a page holds that a test looks at.
#[derive(Default)]
pub struct Page {
    pub blocks: Vec<Block>,
    /// Code within a sentence, with its line.
    pub spans: Vec<(usize, String)>,
    /// Where links and images lead, with their lines.
    pub links: Vec<(usize, String)>,
    /// The names by which a link reaches a heading.
    pub anchors: Vec<String>,
    /// Comments that nobody sees, with their lines.
    pub comments: Vec<(usize, String)>,
}

/// Returns the root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns every page, by its path from the root of the repository.
pub fn pages() -> BTreeMap<PathBuf, String> {
    let shown = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let hidden = entry.depth() > 0 && name.starts_with('.');
        !(hidden || matches!(&*name, "node_modules" | "target" | "vectors" | "corpus"))
    };
    let files =
        walkdir::WalkDir::new(root()).into_iter().filter_entry(shown).map(|entry| entry.expect("an entry"));
    let pages = files.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "md"));
    let read = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(root()).expect("it is below the root").to_owned();
        (path, fs::read_to_string(entry.path()).expect("a page is text"))
    };
    pages.map(read).collect()
}

/// Reads a page as GitHub does.
pub fn parse(text: &str) -> Page {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = false;
    let (arena, mut anchorizer, mut page) = (Arena::new(), Anchorizer::new(), Page::default());
    for node in parse_document(&arena, text, &options).descendants() {
        let data = node.data();
        let line = data.sourcepos.start.line;
        match &data.value {
            NodeValue::CodeBlock(block) => {
                page.blocks.push(Block { info: block.info.clone(), line, text: block.literal.clone() })
            }
            NodeValue::Code(code) => page.spans.push((line, code.literal.clone())),
            NodeValue::Link(link) => page.links.push((line, link.url.clone())),
            NodeValue::Image(link) => page.links.push((line, link.url.clone())),
            NodeValue::Heading(_) => {
                let mut title = String::new();
                for part in node.descendants() {
                    match &part.data().value {
                        NodeValue::Text(text) => title.push_str(text),
                        NodeValue::Code(code) => title.push_str(&code.literal),
                        _ => {}
                    }
                }
                page.anchors.push(anchorizer.anchorize(&title));
            }
            NodeValue::HtmlBlock(html) => page.comments.push((line, html.literal.clone())),
            _ => {}
        }
    }
    page
}
