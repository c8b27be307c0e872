//! Keeps the direction of imports.
//!
//! [`MODULES`] is the law: the modules in order, lowest first, each with what it may use. Every path in
//! `src` that leads into another module (`crate::x`, `super::x` that climbs to the root, and
//! `trialbook::x` in the binary) is held against it. Comments and strings do not count.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Each module of the crate, lowest first, and the modules that it may use.
const MODULES: &[(&str, &[&str])] = &[
    ("span", &[]),
    ("model", &[]),
    ("stats", &[]),
    ("diagnostic", &["span"]),
    ("targeting", &["model"]),
    ("allocation", &["model"]),
    ("load", &["span", "diagnostic", "model"]),
    ("edit", &["span", "diagnostic", "load", "model"]),
    ("schema", &["load"]),
    ("history", &["load", "model", "diagnostic"]),
    ("resolve", &["model", "targeting", "allocation"]),
    ("decision", &["model", "stats"]),
    ("power", &["model", "stats", "targeting", "decision"]),
    (
        "check",
        &["load", "span", "diagnostic", "model", "targeting", "allocation", "history", "stats", "power"],
    ),
    ("workspace", &["check", "load", "span", "diagnostic", "model"]),
    (
        "fit",
        &["diagnostic", "span", "model", "targeting", "allocation", "load", "power", "workspace", "check"],
    ),
    ("review", &["span", "model", "diagnostic", "targeting", "allocation", "load", "history", "resolve"]),
    ("plan", &["model", "targeting", "allocation", "history"]),
    ("target", &["plan", "model", "allocation"]),
    ("warehouse", &[]),
    ("query", &["model", "warehouse"]),
    ("analysis", &["model", "query", "warehouse", "stats", "decision", "history"]),
    ("report", &["span", "diagnostic", "plan", "analysis", "model", "stats", "power"]),
    ("github", &[]),
    ("lsp", &["span", "diagnostic", "model", "load", "edit", "history", "workspace", "report"]),
    (
        "cli",
        &[
            "span",
            "model",
            "stats",
            "diagnostic",
            "targeting",
            "allocation",
            "load",
            "edit",
            "schema",
            "history",
            "resolve",
            "decision",
            "power",
            "check",
            "review",
            "workspace",
            "fit",
            "plan",
            "target",
            "warehouse",
            "query",
            "analysis",
            "report",
            "github",
            "lsp",
        ],
    ),
];

/// The only module that the binary may use.
const BINARY_MAY_USE: &[&str] = &["cli"];

#[test]
fn every_import_follows_the_table() {
    let mut broken = Vec::new();
    for file in rust_files(&source_folder()) {
        let shown = file.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&file).display().to_string();
        let text = fs::read_to_string(&file).expect("a source file is readable UTF-8");
        broken.extend(violations(&Place::of(&file), &text).into_iter().map(|v| format!("{shown}:{v}")));
    }
    assert!(broken.is_empty(), "imports that the table does not allow:\n{}", broken.join("\n"));
}

#[test]
fn lib_rs_names_the_modules_in_the_order_of_the_table() {
    let text = fs::read_to_string(source_folder().join("lib.rs")).expect("lib.rs is readable");
    let table: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
    assert_eq!(declared_modules(&text), table);
}

#[test]
fn every_module_in_src_is_in_the_table() {
    let mut found: Vec<String> = fs::read_dir(source_folder())
        .expect("src is readable")
        .map(|entry| entry.expect("an entry of src is readable").path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|e| e == "rs"))
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .filter(|stem| !["lib", "main"].contains(&stem.as_str()))
        .collect();
    found.sort();
    let mut table: Vec<&str> = MODULES.iter().map(|(name, _)| *name).collect();
    table.sort_unstable();
    assert_eq!(found, table);
}

#[test]
fn a_module_uses_only_modules_above_it() {
    for (at, (name, uses)) in MODULES.iter().enumerate() {
        let above: Vec<&str> = MODULES[..at].iter().map(|(above, _)| *above).collect();
        for used in *uses {
            assert!(above.contains(used), "`{name}` may use `{used}`, which does not stand above it");
        }
    }
}

#[test]
fn a_forbidden_import_is_reported_with_its_line() {
    let found = violations(&Place::inside("stats"), "use std::fmt;\nuse crate::model::Book;\n");
    assert_eq!(found, [Violation { line: 2, from: "stats".into(), to: "model".into() }]);
    assert_eq!(found[0].to_string(), "2: `stats` may not use `model`");
}

#[test]
fn a_forbidden_module_is_found_in_groups_inline_paths_macros_and_visibilities() {
    for forbidden in [
        "use crate::{span::Span, cli};",
        "use crate::{span::{A, B}, cli::Run};",
        "use crate :: cli as renamed;",
        "fn f() { crate::cli::run() }",
        "macro_rules! m { () => { $crate::cli::run() } }",
        "#[cfg(test)] mod tests { use crate::cli::run; }",
        "pub(in crate::cli) fn f() {}",
        "use super::cli;",
        "mod inner { use super::super::cli; }",
        "use super::{span, cli};",
        "fn f<'a>(x: &'a str) -> char { let _ = '\"'; crate::cli::x(b'\\'', r#\"\"\"#) }",
    ] {
        let found: Vec<String> =
            violations(&Place::inside("diagnostic"), forbidden).into_iter().map(|v| v.to).collect();
        assert_eq!(found, ["cli"], "in: {forbidden}");
    }
}

#[test]
fn everything_at_once_is_never_allowed() {
    for forbidden in
        ["use crate::*;", "use crate::{span::Span, *};", "use crate::self as all;", "use super::*;"]
    {
        assert_eq!(violations(&Place::inside("diagnostic"), forbidden).len(), 1, "in: {forbidden}");
    }
}

#[test]
fn comments_strings_and_the_module_itself_do_not_count() {
    let allowed = r##"
        //! [`crate::cli`]
        /* crate::cli /* crate::cli */ crate::cli */
        use crate::{diagnostic::Label, span::Span};
        mod inner { use super::Label; use super::super::span; mod deeper { use super::super::*; } }
        const A: &str = "crate::cli \" crate::cli";
        const B: &str = r#"crate::cli " crate::cli"#;
        pub(crate) fn f() -> super::diagnostic::Label { my_crate::cli(); }
    "##;
    assert_eq!(violations(&Place::inside("diagnostic"), allowed), []);
}

#[test]
fn a_file_below_a_module_may_climb_to_it_but_not_past_it() {
    let nested = Place::of(&source_folder().join("check/rules/shares.rs"));
    assert_eq!(violations(&nested, "use super::super::registry;"), []);
    assert_eq!(violations(&nested, "use super::super::super::target::Target;").len(), 1);
}

#[test]
fn the_binary_uses_the_command_line_only() {
    let binary = Place::of(&source_folder().join("main.rs"));
    assert_eq!(violations(&binary, "fn main() { trialbook::cli::main() }"), []);
    assert_eq!(violations(&binary, "use trialbook::model::Book;").len(), 1);
}

#[test]
fn modules_are_read_from_code_only() {
    assert_eq!(declared_modules("// pub mod a;\npub mod b;\n#[cfg(x)]\npub mod c { }\n"), ["b", "c"]);
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a source folder is readable") {
        let path = entry.expect("an entry of a source folder is readable").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Where a file stands: its top module (none for lib.rs and main.rs) and how deep in the tree of modules.
struct Place {
    module: Option<String>,
    depth: usize,
}

impl Place {
    fn inside(module: &str) -> Self {
        Place { module: Some(module.to_owned()), depth: 1 }
    }

    fn of(file: &Path) -> Self {
        let relative = file.strip_prefix(source_folder()).expect("the file is in src").with_extension("");
        let mut parts: Vec<String> =
            relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
        if parts.last().is_some_and(|last| last == "mod") {
            parts.pop();
        }
        match parts.first().map(String::as_str) {
            None | Some("lib" | "main") => Place { module: None, depth: 0 },
            Some(_) => Place { depth: parts.len(), module: parts.into_iter().next() },
        }
    }

    fn may_use(&self, other: &str) -> bool {
        match &self.module {
            None => BINARY_MAY_USE.contains(&other),
            Some(own) => {
                own == other || MODULES.iter().any(|(name, uses)| name == own && uses.contains(&other))
            }
        }
    }
}

#[derive(Debug, PartialEq)]
struct Violation {
    line: usize,
    from: String,
    to: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}` may not use `{}`", self.line, self.from, self.to)
    }
}

/// The uses of other modules in one file that the table does not allow.
fn violations(place: &Place, text: &str) -> Vec<Violation> {
    let tokens = tokens(text);
    let word = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut found = Vec::new();
    // One entry for each open brace: does it open an inline module?
    let mut braces: Vec<bool> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let inline = braces.iter().filter(|is_module| **is_module).count();
        let after_path = at > 0 && word(at - 1) == "::";
        match word(at) {
            "{" => braces.push(at >= 2 && word(at - 2) == "mod"),
            "}" => {
                braces.pop();
            }
            root @ ("crate" | "super" | "trialbook") if !after_path && word(at + 1) == "::" => {
                let mut next = at + 2;
                let mut climbed = usize::from(root == "super");
                while root == "super" && word(next) == "super" && word(next + 1) == "::" {
                    climbed += 1;
                    next += 2;
                }
                if root != "super" || climbed >= place.depth + inline {
                    for (name, index) in heads(&tokens, next) {
                        if !place.may_use(&name) {
                            found.push(Violation {
                                line: tokens[index].line,
                                from: place.module.clone().unwrap_or_else(|| "main".to_owned()),
                                to: name,
                            });
                        }
                    }
                }
                at = next;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The first names after a path's root: one, or one for each branch of a `{…}` group.
fn heads(tokens: &[Token], at: usize) -> Vec<(String, usize)> {
    match tokens.get(at).map(|token| token.text.as_str()) {
        None => Vec::new(),
        Some("{") => {
            let mut depth = 0_usize;
            let mut names = Vec::new();
            for (index, token) in tokens.iter().enumerate().skip(at) {
                match token.text.as_str() {
                    "{" => depth += 1,
                    "}" if depth <= 1 => break,
                    "}" => depth -= 1,
                    "," => {}
                    name if depth == 1 && ["{", ","].contains(&tokens[index - 1].text.as_str()) => {
                        names.push((name.to_owned(), index));
                    }
                    _ => {}
                }
            }
            names
        }
        Some(name) => vec![(name.to_owned(), at)],
    }
}

/// The names after `mod` at the top of a file, in order.
fn declared_modules(text: &str) -> Vec<String> {
    let tokens = tokens(text);
    let names = tokens.windows(2).filter(|pair| pair[0].text == "mod").map(|pair| pair[1].text.clone());
    names.collect()
}

struct Token {
    text: String,
    line: usize,
}

/// The words and marks of Rust source; comments and literals are left out.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let get = |at: usize| chars.get(at).copied().unwrap_or('\0');
    let (mut at, mut line) = (0, 1);
    let mut found = Vec::new();
    while at < chars.len() {
        let start = at;
        let current = chars[at];
        if current == '/' && get(at + 1) == '/' {
            at += chars[at..].iter().take_while(|c| **c != '\n').count();
        } else if current == '/' && get(at + 1) == '*' {
            at = end_of_block_comment(&chars, at);
        } else if let Some(end) = end_of_raw_string(&chars, at) {
            at = end;
        } else if current == '"' || (current == '\'' && (get(at + 1) == '\\' || get(at + 2) == '\'')) {
            at = end_of_quoted(&chars, at);
        } else if current.is_alphanumeric() || current == '_' {
            at += chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
            found.push(Token { text: chars[start..at].iter().collect(), line });
        } else {
            at += if current == ':' && get(at + 1) == ':' { 2 } else { 1 };
            if !current.is_whitespace() {
                found.push(Token { text: chars[start..at].iter().collect(), line });
            }
        }
        line += chars[start..at].iter().filter(|c| **c == '\n').count();
    }
    found
}

fn end_of_block_comment(chars: &[char], start: usize) -> usize {
    let mut depth = 0;
    let mut at = start;
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(chars.len())
}

/// The end of `r"…"`, `r#"…"#`, `br"…"` and their like, if one starts here.
fn end_of_raw_string(chars: &[char], start: usize) -> Option<usize> {
    let prefix = chars[start..].iter().take_while(|c| "bcr".contains(**c)).count();
    let inside_word = start > 0 && (chars[start - 1].is_alphanumeric() || chars[start - 1] == '_');
    if inside_word || prefix == 0 || prefix > 2 || chars[start + prefix - 1] != 'r' {
        return None;
    }
    let hashes = chars[start + prefix..].iter().take_while(|c| **c == '#').count();
    let open = start + prefix + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closing = |at: &usize| {
        chars[*at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    Some((open + 1..chars.len()).find(closing).map_or(chars.len(), |quote| quote + 1 + hashes))
}

/// The end of a string or character literal whose opening quote stands at `start`.
fn end_of_quoted(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != chars[start] {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}
