use super::*;
use crate::load;
use trialbook_model::diagnostic::Edit;
use trialbook_model::span::Span;

const BOOK: &str = "book: shop\nentities: {user: {column: user_id}}\n";

fn files(texts: &[(&str, &str)]) -> Vec<RawFile> {
    let all = [("trialbook.yaml", BOOK)].into_iter().chain(texts.iter().copied());
    all.map(|(path, text)| RawFile { path: path.into(), bytes: text.into() }).collect()
}

fn findings(files: Vec<RawFile>) -> Vec<Diagnostic> {
    load::load(files).findings
}

fn fixed(texts: &[(&str, &str)], trust: Applicability) -> Fixed {
    fix(files(texts), trust, &findings, &|_| true)
}

fn text_after<'a>(fixed: &'a Fixed, path: &str) -> &'a str {
    &fixed.files.iter().find(|file| file.path == path).expect("it changed").after
}

#[test]
fn safe_fixes_keep_everything_else_byte_for_byte() {
    let text = "# why\r\ndescription:   off  # quoted\r\nowner: no\r\nowner: no\r\naudience: {}\r\n";
    let fixed = fixed(&[("a.segment.yaml", text)], Applicability::Safe);
    assert_eq!(
        text_after(&fixed, "a.segment.yaml"),
        "# why\r\ndescription:   \"off\"  # quoted\r\nowner: \"no\"\r\naudience: {}\r\n"
    );
    assert!(fixed.refused.is_empty() && fixed.remaining.is_empty(), "{:?}", fixed.remaining);
    assert_eq!(fixed.rules.get("duplicate-key"), Some(&1));
}

#[test]
fn what_may_change_the_meaning_is_fixed_only_where_it_was_asked_for() {
    let text = "descripton: All\naudience: {}\n";
    let safe = fixed(&[("a.segment.yaml", text)], Applicability::Safe);
    assert!(safe.files.is_empty() && safe.remaining.len() == 1);
    let all = fixed(&[("a.segment.yaml", text)], Applicability::Unsafe);
    assert_eq!(text_after(&all, "a.segment.yaml"), "description: All\naudience: {}\n");
    assert!(all.remaining.is_empty(), "{:?}", all.remaining);
}

#[test]
fn what_a_fix_brings_to_light_is_fixed_in_the_next_pass() {
    let text = "description: All\nowner: 12\naudience: {segmnt: alll}\n";
    let other = "description: Everybody\naudience: {}\n";
    let texts = [("a.segment.yaml", text), ("all.segment.yaml", other)];
    let all = fixed(&texts, Applicability::Unsafe);
    assert!(text_after(&all, "a.segment.yaml").contains("owner: \"12\""), "{:?}", all.files);
}

#[test]
fn a_key_that_is_there_already_is_not_given_twice() {
    let text = "description: All\ndescripton: Everybody\naudience: {}\n";
    let all = fixed(&[("a.segment.yaml", text)], Applicability::Unsafe);
    assert!(all.files.is_empty());
    assert_eq!(all.refused.len(), 1);
    assert_eq!(all.refused[0].reason, "a key would be given twice");
}

/// A rule of its own for the tests: every `bad` is to be replaced.
fn replacing(trust: Applicability, text: &'static str) -> impl Fn(Vec<RawFile>) -> Vec<Diagnostic> {
    move |files| {
        let documents = load::load(files).documents;
        let mut found = Vec::new();
        for file in documents.files() {
            for (at, _) in file.text().match_indices("bad") {
                let span = Span::new(at, at + 3);
                let edit = Edit { file: file.clone(), span, text: text.into() };
                found.push(Diagnostic::warning("test", format!("at {at}"), file, span).fix(
                    "replace it",
                    trust,
                    vec![edit],
                ));
            }
        }
        found
    }
}

#[test]
fn a_fix_that_calls_itself_safe_and_is_not_is_refused_and_the_others_are_made() {
    let texts = files(&[("a.segment.yaml", "description: bad\naudience: {}\n# bad\n")]);
    let fixed = fix(texts, Applicability::Safe, &replacing(Applicability::Safe, "good"), &|_| true);
    assert_eq!(text_after(&fixed, "a.segment.yaml"), "description: bad\naudience: {}\n# good\n");
    assert_eq!(fixed.refused.len(), 1);
    assert_eq!(fixed.refused[0].reason, "it would change the meaning of the file");
}

#[test]
fn a_fix_that_breaks_the_file_or_ends_nothing_is_refused() {
    let texts = || files(&[("a.segment.yaml", "description: bad\naudience: {}\n")]);
    for (text, reason) in
        [("'", "the file could not be read afterwards"), ("bad", "the finding would still be there")]
    {
        let fixed = fix(texts(), Applicability::Unsafe, &replacing(Applicability::Unsafe, text), &|_| true);
        assert!(fixed.files.is_empty());
        assert_eq!(fixed.refused[0].reason, reason);
    }
}

#[test]
fn fixing_ends_even_where_every_fix_brings_another() {
    let texts = files(&[("a.segment.yaml", "description: bad\naudience: {}\n")]);
    let fixed = fix(texts, Applicability::Unsafe, &replacing(Applicability::Unsafe, " bad"), &|_| true);
    assert!(fixed.rules.get("test").is_none_or(|count| *count <= MAX_PASSES));
}

#[test]
fn a_text_that_looks_like_a_number_is_quoted_as_it_is_written() {
    let texts = [
        "007",
        "010",
        "1.10",
        "1e5",
        "0x1F",
        "0o17",
        "+46701234567",
        ".5",
        "12.",
        "-0",
        "1E+3",
        "true",
        "1_000",
        "12:30",
        "no",
        "Yes",
        "off",
        "02142",
        "+.5e-3",
    ];
    let value = |value: &str| {
        format!(
            "description: d\nowner: t\nentity: user\ntype: string\nvariants: {{a: {value}, b: \"x\"}}\ndefault: a\n"
        )
    };
    for text in texts {
        let all = fixed(&[("x.flag.yaml", &value(text))], Applicability::Unsafe);
        assert_eq!(text_after(&all, "x.flag.yaml"), value(&format!("\"{text}\"")), "{text}");
        assert!(all.remaining.is_empty(), "{text}: {:?}", all.remaining);
    }
    // Dates and versions are text to a book, and stay what they are.
    // What is left blank may be anything.
    for text in ["2026-11-25", "8.2.0", "~", "null"] {
        assert!(fixed(&[("x.flag.yaml", &value(text))], Applicability::Unsafe).files.is_empty(), "{text}");
    }
    for text in texts {
        let condition = |value: &str| format!("description: d\nowner: t\naudience: {{country: {value}}}\n");
        let book = "book: shop\nentities: {user: {column: user_id}}\nattributes: {country: {type: string}}\n";
        let files = [("trialbook.yaml", book), ("a.segment.yaml", &condition(text))];
        let files = files.iter().map(|(path, text)| RawFile { path: (*path).into(), bytes: (*text).into() });
        let all = fix(files.collect(), Applicability::Unsafe, &findings, &|_| true);
        assert_eq!(text_after(&all, "a.segment.yaml"), condition(&format!("\"{text}\"")), "{text}");
    }
}

#[test]
fn a_list_that_a_fix_makes_keeps_the_quotes_of_its_item() {
    let text = "description: d\nowner: t\naudience: {country: {in: \"007\"}}\n";
    let all = fixed(&[("a.segment.yaml", text)], Applicability::Unsafe);
    assert!(text_after(&all, "a.segment.yaml").contains("{in: [\"007\"]}"), "{:?}", all.files);
}

#[test]
fn a_number_with_two_readings_is_not_fixed() {
    for (kind, value) in [
        ("number", "010"),
        ("object", "{zip: 007}"),
        ("object", "{deep: {list: [1, -08]}}"),
        ("number", "9007199254740993"),
        ("object", "{big: 9007199254740993}"),
        ("object", "{list: [0.1234567890123456789]}"),
    ] {
        let text = format!(
            "description: d\nowner: t\nentity: user\ntype: {kind}\nvariants: {{a: {value}}}\ndefault: a\n"
        );
        let all = fixed(&[("x.flag.yaml", &text)], Applicability::Unsafe);
        assert!(all.files.is_empty(), "{value}: {:?}", all.files);
        let rules: Vec<_> = all.remaining.iter().map(|finding| finding.rule).collect();
        assert_eq!(rules, ["bad-number"], "{value}");
    }
}
