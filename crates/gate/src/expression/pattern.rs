//! Regular expressions that an engine cannot read.

use regex_syntax::ast::{
    self, Ast, ClassSetBinaryOp, ClassSetBinaryOpKind, ClassUnicodeKind, FlagsItemKind, GroupKind,
    LiteralKind, RepetitionKind, RepetitionRange,
};

/// Who reads the regular expressions of a warehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regexes {
    /// RE2, as in DuckDB.
    Re2,
    /// An engine of its own: what only some engines read is left to it.
    Other,
}

/// The most repetitions that RE2 counts, those within one another multiplied.
const MOST_REPETITIONS: u32 = 1_000;

/// Returns why a pattern is not a regular expression; `None` where only the engine knows.
pub(super) fn refused(pattern: &str, regexes: Regexes) -> Option<String> {
    // Quoted parts and single bytes are RE2's own; how they divide a pattern is left to it.
    if pattern.contains("\\Q") || pattern.contains("\\C") {
        return None;
    }
    let pattern = plain_braces(pattern);
    let tree = match ast::parse::Parser::new().parse(&pattern) {
        Ok(tree) => tree,
        Err(error) => return Some(error.kind().to_string()),
    };
    if let Err(error) = regex_syntax::parse(&pattern) {
        return Some(match error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            _ => "it cannot be read".to_owned(),
        });
    }
    if regexes == Regexes::Other {
        return None;
    }
    if let Some(class) = unknown_class(&pattern) {
        return Some(format!("there is no class `{class}`"));
    }
    ast::visit(&tree, Re2 { repeated: vec![1], below: Vec::new() }).err()
}

/// Returns why RE2 does not take the letters of the third value of `regexp_matches`.
pub(super) fn refused_options(options: &str) -> Option<String> {
    let odd = options.chars().find(|letter| !"cilmnps".contains(*letter) && !letter.is_whitespace())?;
    Some(format!("`{odd}` is no option of a regular expression: there are c, i, l, m, n, p and s"))
}

/// Escapes the braces that count nothing, as in `{"id"`: engines read them as they stand.
fn plain_braces(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(next) = rest.chars().next() {
        let whole = match next {
            '\\' => {
                let escaped = rest.chars().nth(1).map_or(0, char::len_utf8);
                let braced = rest.get(1..).is_some_and(|after| {
                    ["p{", "P{", "x{", "u{", "U{"].iter().any(|begin| after.starts_with(begin))
                });
                if braced { rest.find('}').map_or(rest.len(), |end| end + 1) } else { 1 + escaped }
            }
            '{' if !counts(rest) => {
                plain.push('\\');
                1
            }
            other => other.len_utf8(),
        };
        let (taken, left) = rest.split_at(whole);
        // RE2 also negates a property within its braces.
        if taken.starts_with("\\p{^") || taken.starts_with("\\P{^") {
            plain.push_str(&taken.replacen("{^", "{", 1));
        } else {
            plain.push_str(taken);
        }
        rest = left;
    }
    plain
}

/// Tells whether a text begins with `{2}`, `{2,}` or `{2,3}`.
fn counts(text: &str) -> bool {
    let inner = text.strip_prefix('{').and_then(|text| text.split_once('}')).map(|(inner, _)| inner);
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    inner.is_some_and(|inner| match inner.split_once(',') {
        Some((least, most)) => !least.is_empty() && digits(least) && digits(most),
        None => !inner.is_empty() && digits(inner),
    })
}

/// Returns a name in `[:…:]` within brackets that is none of a class.
fn unknown_class(pattern: &str) -> Option<&str> {
    const KNOWN: [&str; 15] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit", "",
    ];
    let mut rest = pattern;
    while let Some(begin) = rest.find("[:") {
        let (before, from) = rest.split_at(begin);
        let end = from.find(":]")?;
        let name = from.get(2..end).unwrap_or_default();
        let within = before.rfind('[').is_some_and(|open| !before[open..].contains(']'));
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'^');
        if within && is_name && !KNOWN.contains(&name.trim_start_matches('^')) {
            return from.get(..end + 2);
        }
        rest = from.get(2..).unwrap_or_default();
    }
    None
}

/// Walks a tree, and refuses what RE2 does not have.
struct Re2 {
    /// How often the part that is walked is repeated, for each repetition around it.
    repeated: Vec<u32>,
    /// For each part around the one that is walked, whether it is a repetition.
    below: Vec<bool>,
}

impl Re2 {
    fn flags(items: &[ast::FlagsItem]) -> Result<(), String> {
        for item in items {
            let flag = match &item.kind {
                FlagsItemKind::Flag(ast::Flag::IgnoreWhitespace) => "x",
                FlagsItemKind::Flag(ast::Flag::Unicode) => "u",
                FlagsItemKind::Flag(ast::Flag::CRLF) => "R",
                _ => continue,
            };
            return Err(format!("there is no flag `{flag}` in it: there are i, m, s and U"));
        }
        Ok(())
    }
}

impl ast::Visitor for Re2 {
    type Output = ();
    type Err = String;

    fn finish(self) -> Result<(), String> {
        Ok(())
    }

    fn visit_pre(&mut self, tree: &Ast) -> Result<(), String> {
        let within_repetition = self.below.last() == Some(&true);
        self.below.push(matches!(tree, Ast::Repetition(_)));
        match tree {
            Ast::Flags(flags) => Self::flags(&flags.flags.items),
            Ast::Group(group) => match &group.kind {
                GroupKind::NonCapturing(flags) => Self::flags(&flags.items),
                GroupKind::CaptureName { starts_with_p: false, name } => {
                    Err(format!("a name of a group is written `(?P<{}>`", name.name))
                }
                _ => Ok(()),
            },
            Ast::Repetition(repetition) => {
                if within_repetition {
                    return Err("a repetition is repeated: put it in parentheses".to_owned());
                }
                let most = match &repetition.op.kind {
                    RepetitionKind::Range(
                        RepetitionRange::Exactly(most)
                        | RepetitionRange::AtLeast(most)
                        | RepetitionRange::Bounded(_, most),
                    ) => (*most).max(1),
                    _ => 1,
                };
                let all = self.repeated.last().copied().unwrap_or(1).saturating_mul(most);
                self.repeated.push(all);
                if all > MOST_REPETITIONS {
                    return Err(format!("more than {MOST_REPETITIONS} repetitions"));
                }
                Ok(())
            }
            Ast::Literal(literal) => character(literal),
            Ast::ClassUnicode(class) => property(class),
            _ => Ok(()),
        }
    }

    fn visit_post(&mut self, tree: &Ast) -> Result<(), String> {
        self.below.pop();
        if matches!(tree, Ast::Repetition(_)) {
            self.repeated.pop();
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ast::ClassSetItem) -> Result<(), String> {
        match item {
            ast::ClassSetItem::Literal(literal) => character(literal),
            ast::ClassSetItem::Range(range) => character(&range.start).and_then(|()| character(&range.end)),
            ast::ClassSetItem::Unicode(class) => property(class),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(&mut self, operation: &ClassSetBinaryOp) -> Result<(), String> {
        match operation.kind {
            ClassSetBinaryOpKind::Difference => Err("`--` between brackets takes nothing away".to_owned()),
            _ => Ok(()),
        }
    }
}

fn character(literal: &ast::Literal) -> Result<(), String> {
    match literal.kind {
        LiteralKind::HexFixed(ast::HexLiteralKind::X) | LiteralKind::HexBrace(ast::HexLiteralKind::X) => {
            Ok(())
        }
        LiteralKind::HexFixed(_) | LiteralKind::HexBrace(_) => {
            Err(format!("a character by its number is written `\\x{{{:X}}}`", u32::from(literal.c)))
        }
        _ => Ok(()),
    }
}

fn property(class: &ast::ClassUnicode) -> Result<(), String> {
    match &class.kind {
        ClassUnicodeKind::NamedValue { value, .. } => {
            Err(format!("a property is written by its value alone, `\\p{{{value}}}`"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brace_that_counts_nothing_is_itself() {
        for pattern in
            ["{", "a{", "{\"id\": 7}", "a{,5}", "[{]", "a{2,3}", "\\p{L}+", "\\p{^Greek}", "\\x{41}"]
        {
            assert_eq!(refused(pattern, Regexes::Re2), None, "{pattern}");
        }
        assert_eq!(plain_braces("a{x}\\{b{2,}"), "a\\{x}\\{b{2,}");
    }

    #[test]
    fn what_only_some_engines_read_is_left_to_others() {
        for pattern in ["a{1001}", "(?x)a b", "(?<n>a)", "\\u0041"] {
            assert!(refused(pattern, Regexes::Re2).is_some(), "{pattern}");
            assert_eq!(refused(pattern, Regexes::Other), None, "{pattern}");
        }
        for pattern in ["(", "a)", "[b-a]", "\\p{Nope}", "\\p{L}("] {
            assert!(refused(pattern, Regexes::Other).is_some(), "{pattern}");
        }
    }
}
