use proptest::prelude::*;

use super::*;
use crate::Pattern;

fn matched(pattern: &str) -> Test {
    Test::Matches(Pattern::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}")))
}

/// Looks for a text that passes the first tests and fails the others.
fn find(pass: &[&Test], fail: &[&Test]) -> Found {
    let tests: Vec<&Test> = pass.iter().chain(fail).copied().collect();
    let wanted: Vec<Wanted> = (0..tests.len()).map(|at| Wanted::test(at, at < pass.len())).collect();
    let wanted: Vec<&Wanted> = wanted.iter().collect();
    Language::new(&tests, false).find(&wanted, &mut Budget::of(4_000_000))
}

fn both(a: &str, b: &str) -> Found {
    find(&[&matched(a), &matched(b)], &[])
}

fn text(text: &str) -> Found {
    Found::Text(text.to_owned())
}

#[test]
fn the_text_is_short_and_readable() {
    assert_eq!(both("^.{3}$", "."), text("aaa"));
    assert_eq!(both("^[^a-z]+$", r"\W"), text("-"));
    assert_eq!(both(r"@acme\.test$", "acme"), text("user@acme.test"));
    // A control character is chosen where nothing else will do, however long what is readable.
    assert_eq!(both(r"^(\x01|longer)$", ""), text("longer"));
    assert_eq!(both(r"^\x01$", ""), text("\u{1}"));
    assert_eq!(both(r"^\p{Greek}$", r"^[^\x00-\x7f]$"), text("\u{370}"));
}

#[test]
fn anchors_lines_case_and_dot_are_those_of_the_matcher() {
    for (pattern, fits, fails) in [
        ("^a$", "a", "a\n"),
        ("(?m)^a$", "b\na", "ba"),
        ("a.c", "abc", "a\nc"),
        ("(?s)a.c", "a\nc", "ac"),
        ("(?i)^k$", "\u{212a}", "x"),
        ("(?i)^ſ$", "S", "x"),
        ("(?i-u)^k$", "K", "\u{212a}"),
        (r"^\w$", "é", "-"),
        (r"^\d$", "٣", "x"),
        (r"(?-u:^\d$)", "3", "٣"),
        (r"\Aa\z", "a", "ab"),
        (r"a\b", "a-", "ab"),
        ("(?R)a$", "a", "ab"),
        ("^$", "", "a"),
    ] {
        let (pattern, fits, fails) =
            (matched(pattern), Scalar::String(fits.into()), Scalar::String(fails.into()));
        let only = |text: &Scalar| Test::In([text.clone()].into());
        assert!(holds(&pattern, Some(&fits)) && !holds(&pattern, Some(&fails)), "{pattern:?}");
        let Scalar::String(expected) = &fits else { unreachable!() };
        assert_eq!(find(&[&pattern, &only(&fits)], &[]), text(expected), "{pattern:?}");
        assert_eq!(find(&[&pattern, &only(&fails)], &[]), Found::Nothing, "{pattern:?}");
        assert_eq!(find(&[&only(&fits)], &[&pattern]), Found::Nothing, "{pattern:?}");
    }
}

#[test]
fn languages_that_only_arithmetic_tells_apart_are_decided() {
    assert_eq!(both("^(ab){7}$", "^(ba){7}$"), Found::Nothing);
    assert_eq!(both("^(a{5})+$", "^(a{7})+$"), text(&"a".repeat(35)));
    assert_eq!(find(&[&matched("^(a{6})+$")], &[&matched("^(aa)+$")]), Found::Nothing);
    assert_eq!(find(&[&matched("^(aa)+$")], &[&matched("^(a{6})+$")]), text("aa"));
}

#[test]
fn word_boundaries_are_decided_among_ascii_texts() {
    assert_eq!(both(r"\bbeta\b", "^.*-beta$"), text("-beta"));
    assert_eq!(both(r"^é\b", ""), Found::Boundary);
    assert_eq!(find(&[&matched(r"^\b"), &matched("^é")], &[]), Found::Boundary);
    assert_eq!(find(&[&matched(r"(?-u:\b)a")], &[&matched("a")]), Found::Nothing);
}

#[test]
fn literal_tests_are_automata_too() {
    let (starts, ends, contains) = (
        |part: &str| Test::StartsWith(part.into()),
        |part: &str| Test::EndsWith(part.into()),
        |part: &str| Test::Contains(part.into()),
    );
    assert_eq!(find(&[&starts("aba"), &ends("bab")], &[]), text("abab"));
    assert_eq!(find(&[&contains("abab"), &ends("abba")], &[&contains("babb")]), text("ababaabba"));
    assert_eq!(find(&[&starts("ab")], &[&contains("b")]), Found::Nothing);
    assert_eq!(find(&[&starts("")], &[&ends("")]), Found::Nothing);
    let set = |texts: &[&str]| Test::In(texts.iter().map(|text| Scalar::String((*text).into())).collect());
    assert_eq!(find(&[&set(&["a", "ab", "abc", ""]), &ends("b")], &[]), text("ab"));
    assert_eq!(find(&[&set(&["é", "ab"])], &[&starts("a")]), text("é"));
}

/// Texts with everything in them that patterns distinguish below.
fn pool() -> Vec<String> {
    let characters =
        ["", "a", "b", "K", "k", "\u{212a}", "s", "ſ", "é", "σ", "\n", "\r", "-", "_", "1", "٣", "🦀"];
    let mut pool: Vec<String> = Vec::new();
    for a in characters {
        for b in characters {
            pool.extend(characters.iter().map(|c| format!("{a}{b}{c}")));
        }
    }
    pool.extend(["abab", "aabb", "abba", "bbbb", "aaaa", "aKaK"].map(String::from));
    pool
}

fn pattern() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec![
        "a",
        "b",
        "k",
        "s",
        "ab",
        ".",
        r"\w",
        r"\d",
        r"\s",
        "[^a]",
        "[ab]",
        "(?i:k)",
        "(?i:s)",
        "(?s:.)",
        "σ",
        "é",
        r"\p{Greek}",
        r"\P{L}",
        "^",
        "$",
        "(?m:^)",
        "(?m:$)",
        "(?-u:\\b)",
        "(?-u:\\w)",
        "[[:punct:]]",
        "🦀",
        "(?R)",
        r"\n",
        "(?-u:\\b{start})",
    ]);
    leaf.prop_map(String::from).prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            proptest::collection::vec(inner.clone(), 2..4)
                .prop_map(|parts| format!("(?:{})", parts.join("|"))),
            (inner, proptest::sample::select(vec!["*", "+", "?", "{2}", "{1,3}", "*?"]))
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_and_what_is_not_agree_with_the_matcher(a in pattern(), b in pattern(), whole in any::<bool>()) {
        let (a, b) = if whole { (format!("^(?:{a})$"), format!("^(?:{b})$")) } else { (a, b) };
        let (Ok(a), Ok(b)) = (Pattern::new(&a), Pattern::new(&b)) else { return Ok(()) };
        for (pass_a, pass_b) in [(true, true), (true, false), (false, true), (false, false)] {
            let fits = |text: &str| a.is_match(text) == pass_a && b.is_match(text) == pass_b;
            let (tests, wanted) = (
                [Test::Matches(a.clone()), Test::Matches(b.clone())],
                [Wanted::test(0, pass_a), Wanted::test(1, pass_b)],
            );
            let mut language = Language::new(&[&tests[0], &tests[1]], false);
            match language.find(&[&wanted[0], &wanted[1]], &mut Budget::of(20_000_000)) {
                Found::Text(text) => prop_assert!(fits(&text), "{text:?}"),
                Found::Nothing => {
                    let found = pool().into_iter().find(|text| fits(text));
                    prop_assert_eq!(found, None);
                }
                Found::Boundary => prop_assert!(false, "no pattern has a Unicode word boundary"),
                Found::Exceeded => {}
            }
        }
    }

    #[test]
    fn what_is_utf8_is_what_the_standard_library_reads(bytes in proptest::collection::vec(any::<u8>(), 0..5)) {
        let state = bytes.iter().try_fold(0, |state, byte| utf8(state, *byte));
        prop_assert_eq!(state == Some(0), std::str::from_utf8(&bytes).is_ok());
    }

    #[test]
    fn a_chain_finds_what_the_standard_library_finds(text in "[ab]{0,12}", part in "[ab]{1,5}") {
        for test in [Test::Contains(part.clone()), Test::StartsWith(part.clone()), Test::EndsWith(part.clone())] {
            let only = Scalar::String(text.clone());
            let found = find(&[&test, &Test::In([only.clone()].into())], &[]);
            let expected = if holds(&test, Some(&only)) { Found::Text(text.clone()) } else { Found::Nothing };
            prop_assert_eq!(found, expected);
        }
    }
}
