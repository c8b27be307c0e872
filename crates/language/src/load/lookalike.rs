//! Characters that look like others, or like nothing: what a misread name is made of.
//!
//! A key with a Cyrillic `а` in it is an unknown key that looks like the known one. A finding about such text names which
//! character is another than it seems.

use super::advice::Advice;
use super::rules;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::Span;
use trialbook_model::{BucketRange, Duration, Share, Version};

/// Longer texts are prose, in which every character has its place.
const LONGEST: usize = 200;

/// Characters of other scripts that look like one of ASCII; after the confusables of Unicode 16, those on keyboards.
const LETTERS: &[(char, char)] = &[
    // Cyrillic.
    ('а', 'a'),
    ('в', 'b'),
    ('с', 'c'),
    ('ԁ', 'd'),
    ('е', 'e'),
    ('һ', 'h'),
    ('і', 'i'),
    ('ј', 'j'),
    ('к', 'k'),
    ('м', 'm'),
    ('о', 'o'),
    ('р', 'p'),
    ('ԛ', 'q'),
    ('ѕ', 's'),
    ('т', 't'),
    ('у', 'y'),
    ('ѵ', 'v'),
    ('ԝ', 'w'),
    ('х', 'x'),
    ('А', 'A'),
    ('В', 'B'),
    ('С', 'C'),
    ('Е', 'E'),
    ('Н', 'H'),
    ('І', 'I'),
    ('Ј', 'J'),
    ('К', 'K'),
    ('М', 'M'),
    ('О', 'O'),
    ('Р', 'P'),
    ('Ѕ', 'S'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
    ('З', '3'),
    // Greek.
    ('α', 'a'),
    ('ο', 'o'),
    ('ν', 'v'),
    ('ρ', 'p'),
    ('υ', 'u'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('χ', 'x'),
    ('Α', 'A'),
    ('Β', 'B'),
    ('Ε', 'E'),
    ('Ζ', 'Z'),
    ('Η', 'H'),
    ('Ι', 'I'),
    ('Κ', 'K'),
    ('Μ', 'M'),
    ('Ν', 'N'),
    ('Ο', 'O'),
    ('Ρ', 'P'),
    ('Τ', 'T'),
    ('Υ', 'Y'),
    ('Χ', 'X'),
    // Latin that is no ASCII.
    ('ı', 'i'),
    ('ɡ', 'g'),
    ('ⅼ', 'l'),
    ('ⅰ', 'i'),
    ('ſ', 's'),
    ('ﬁ', 'f'),
    ('ﬂ', 'f'),
    // Signs that keyboards and word processors write for others.
    ('‐', '-'),
    ('‑', '-'),
    ('‒', '-'),
    ('–', '-'),
    ('—', '-'),
    ('―', '-'),
    ('−', '-'),
    ('﹣', '-'),
    ('“', '"'),
    ('”', '"'),
    ('„', '"'),
    ('‟', '"'),
    ('«', '"'),
    ('»', '"'),
    ('″', '"'),
    ('‘', '\''),
    ('’', '\''),
    ('‚', '\''),
    ('‛', '\''),
    ('´', '\''),
    ('′', '\''),
    ('∶', ':'),
    ('ː', ':'),
    ('﹕', ':'),
    ('٪', '%'),
    ('﹪', '%'),
    ('∕', '/'),
    ('⁄', '/'),
    ('․', '.'),
    ('、', ','),
    ('。', '.'),
];

/// Returns the character of ASCII that one looks like.
fn seems(c: char) -> Option<char> {
    match u32::from(c) {
        0xFF01..=0xFF5E => char::from_u32(u32::from(c) - 0xFEE0),
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x202F | 0x205F | 0x3000 => Some(' '),
        _ => LETTERS.iter().find(|(other, _)| *other == c).map(|(_, ascii)| *ascii),
    }
}

/// Tells whether a character is not seen at all.
pub(super) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Tells whether a character looks like a space and is not one.
pub(super) fn is_blank(c: char) -> bool {
    seems(c) == Some(' ')
}

/// Tells whether a character is an accent that is put on the letter before it.
const fn combines(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Returns the colon that is none, with the place where it stands: what is left of `key：value`.
pub(super) fn wrong_colon(line: &str) -> Option<(usize, char)> {
    let quoted = line.find(['"', '\'', '#']).unwrap_or(line.len());
    line.get(..quoted)?.char_indices().find(|(_, c)| !c.is_ascii() && seems(*c) == Some(':'))
}

/// Returns a text in ASCII that looks the same; `None` where it is in ASCII, or does not look like any.
fn plain(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let seen = text.chars().filter(|c| !is_unseen(*c));
    let plain: Option<String> = seen.map(|c| if c.is_ascii() { Some(c) } else { seems(c) }).collect();
    plain.map(|text| text.trim().to_owned())
}

/// Adds to a finding which character at its place is another than it seems.
pub(super) fn noted(mut finding: Diagnostic) -> Diagnostic {
    let (file, span) = (finding.primary.file.clone(), finding.primary.span);
    let text = file.slice(span);
    if text.is_ascii()
        || text.len() > LONGEST
        || text.contains('\n')
        || [rules::UNREADABLE_FILE, rules::HIDDEN_CHARACTER].contains(&finding.rule)
    {
        return finding;
    }
    let Some(plain) = plain(text) else {
        if let Some((at, c)) = text.char_indices().find(|(_, c)| combines(*c)) {
            let letter = text.get(..at).and_then(|before| before.chars().next_back()).unwrap_or(' ');
            let code = u32::from(c);
            finding = finding.note(format!(
                "`{letter}` and the accent U+{code:04X} are two characters, which is another text than one character with its accent"
            ));
        }
        return finding;
    };
    let mut odd = text.char_indices().filter(|(_, c)| !c.is_ascii());
    if let Some((at, c)) = odd.next() {
        finding = finding.note(named(c));
        let rest = odd.count();
        if rest > 0 {
            finding = finding.note(format!("{rest} more in it are not what they seem either"));
        }
        if finding.primary.text.is_empty() && finding.primary.span == span {
            let column = text.get(..at).map_or(0, |before| before.chars().count()) + 1;
            finding = finding.label(format!("character {column} of it is U+{:04X}", u32::from(c)));
        }
    }
    let joined: String = plain.chars().filter(|c| !c.is_whitespace()).collect();
    if let Some(written) = [plain, joined].into_iter().find(|text| fits(finding.rule, text)) {
        finding.fix = None;
        finding = Advice::write(written).given(finding);
    }
    finding
}

/// Describes a character.
fn named(c: char) -> String {
    let code = u32::from(c);
    match seems(c) {
        Some(' ') => format!("U+{code:04X} in it is a blank that is no space"),
        Some(ascii) => format!("`{c}` in it is U+{code:04X}, which looks like `{ascii}`"),
        None => format!("U+{code:04X} in it cannot be seen"),
    }
}

/// Tells whether a text is what a finding of this rule wants.
fn fits(rule: &str, text: &str) -> bool {
    match rule {
        rules::BAD_SHARE => Share::parse(text).is_ok(),
        rules::BAD_DURATION => Duration::parse(text).is_ok(),
        rules::BAD_RANGE => BucketRange::parse(text).is_ok(),
        rules::BAD_VERSION => Version::parse(text).is_ok(),
        rules::BAD_DATE => {
            text.parse::<jiff::civil::Date>().is_ok() || text.parse::<jiff::Timestamp>().is_ok()
        }
        rules::BAD_KEY => {
            let sign = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && text.chars().all(sign)
        }
        rules::BAD_NUMBER => text.parse::<f64>().is_ok_and(f64::is_finite),
        _ => false,
    }
}

/// Returns the first character that makes a text look other than it is: one that turns the direction of what follows. Prose in
/// scripts that run from right to left does without.
pub(super) fn turning(text: &str) -> Option<(Span, char)> {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let (at, c) = text.char_indices().find(|(_, c)| turns(*c))?;
    Some((Span::new(at, at + c.len_utf8()), c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use trialbook_model::span::SourceFile;

    fn about(rule: &'static str, text: &str) -> Diagnostic {
        let file = SourceFile::new("a.flag.yaml", text);
        noted(Diagnostic::error(rule, "wrong", &file, Span::new(0, text.len())))
    }

    #[test]
    fn a_letter_of_another_script_is_named() {
        let finding = about(rules::UNKNOWN_KEY, "оwner");
        assert_eq!(finding.notes, ["`о` in it is U+043E, which looks like `o`"]);
        assert_eq!(finding.primary.text, "character 1 of it is U+043E");
        let finding = about(rules::UNKNOWN_KEY, "own\u{200b}er");
        assert_eq!(finding.notes, ["U+200B in it cannot be seen"]);
        let finding = about(rules::UNKNOWN_KEY, "\u{a0}\u{a0}owner");
        assert_eq!(finding.notes[0], "U+00A0 in it is a blank that is no space");
        assert_eq!(finding.notes.len(), 2);
    }

    #[test]
    fn what_was_meant_is_proposed_where_it_is_right() {
        for (rule, text, help) in [
            (rules::BAD_RANGE, "0–1999", "write `0-1999`"),
            (rules::BAD_SHARE, "20％", "write `20%`"),
            (rules::BAD_SHARE, "20\u{a0}%", "write `20%`"),
            (rules::BAD_DURATION, "７d", "write `7d`"),
            (rules::BAD_KEY, "checkоut-button", "write `checkout-button`"),
            (rules::BAD_DATE, "2026‑11‑25", "write `2026-11-25`"),
        ] {
            assert_eq!(about(rule, text).help.as_deref(), Some(help));
        }
        assert_eq!(about(rules::BAD_SHARE, "zwölf").help, None);
    }

    #[test]
    fn words_in_another_script_are_left_alone() {
        assert!(about(rules::UNKNOWN_VALUE, "Россия").notes.is_empty());
        assert!(about(rules::UNKNOWN_VALUE, "Malmö").notes.is_empty());
        assert_eq!(about(rules::UNKNOWN_VALUE, "Malmo\u{308}").notes.len(), 1);
    }
}
