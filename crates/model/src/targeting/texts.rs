//! Texts that stand for all texts, as far as a few tests of prefixes, suffixes and parts can tell.

use std::collections::{BTreeSet, HashSet};

use regex_syntax::hir::{Class, Hir, HirKind};

use crate::{Scalar, Test};

/// Texts to try for one attribute.
pub(super) struct Texts {
    /// The texts, the more readable ones first.
    pub(super) candidates: Vec<String>,
    /// Whether every text passes and fails just the tests that one of the candidates does, patterns left aside.
    pub(super) complete: bool,
}

/// How many texts are put together at most.
const LIMIT: usize = 4_096;

/// Returns texts that represent all others under the tests.
///
/// Take any text that no `in` names. Let `p` be the longest tested prefix it has, `s` the longest tested suffix and
/// `k1, k2, …` the tested parts within it, and let `c` be a character that occurs in no tested text. Then
/// `p c k1 c k2 c … c s` passes the same tests: `c` keeps every longer prefix, suffix and part from arising, and what
/// arises within `p`, `s` or a `k` is within the text as well. So these texts, with those that an `in` names, are
/// complete.
pub(super) fn texts(tests: &[&Test]) -> Texts {
    let [mut prefixes, mut suffixes, mut parts, mut named] = [const { BTreeSet::<&str>::new() }; 4];
    let mut samples = Vec::new();
    for test in tests {
        match test {
            Test::StartsWith(text) => _ = prefixes.insert(text),
            Test::EndsWith(text) => _ = suffixes.insert(text),
            Test::Contains(text) => _ = parts.insert(text),
            Test::In(set) => named.extend(set.iter().filter_map(|scalar| match scalar {
                Scalar::String(text) => Some(text.as_str()),
                _ => None,
            })),
            Test::Matches(pattern) => samples.extend(sample(pattern.as_str())),
            _ => {}
        }
    }
    let fresh = fresh(prefixes.iter().chain(&suffixes).chain(&parts).chain(&named).copied());
    prefixes.insert("");
    suffixes.insert("");
    let mut candidates: Vec<String> = named.iter().map(|text| (*text).to_owned()).collect();
    let plain = prefixes.iter().chain(&suffixes).chain(&parts).take(LIMIT).map(|text| (*text).to_owned());
    for text in samples.iter().cloned().chain(plain) {
        // What ends an address reads better with what begins one.
        if text.starts_with('@') {
            candidates.push(format!("user{text}"));
        }
        candidates.push(text);
    }
    let combinations = 1usize
        .checked_shl(u32::try_from(parts.len()).unwrap_or(u32::MAX))
        .and_then(|subsets| subsets.checked_mul(prefixes.len())?.checked_mul(suffixes.len()));
    let complete = fresh.is_some() && combinations.is_some_and(|count| count <= LIMIT);
    let parts: Vec<&str> = parts.into_iter().collect();
    let middles = middles(&parts, if complete { LIMIT } else { 8 });
    let pairs = prefixes.iter().flat_map(|prefix| suffixes.iter().map(move |suffix| (*prefix, *suffix)));
    for (prefix, suffix) in pairs.take(LIMIT) {
        let inner = samples.iter().map(String::as_str).chain(parts.iter().copied());
        candidates
            .extend(std::iter::once("").chain(inner.take(8)).map(|inner| format!("{prefix}{inner}{suffix}")));
        let Some(c) = fresh else { continue };
        for middle in &middles {
            let mut text = format!("{prefix}{c}");
            for part in middle {
                text.push_str(part);
                text.push(c);
            }
            text.push_str(suffix);
            candidates.push(text);
        }
    }
    candidates.retain(|text| !text.is_empty());
    candidates.push(String::new());
    let mut seen = HashSet::new();
    candidates.retain(|text| seen.insert(text.clone()));
    Texts { candidates, complete }
}

/// Returns the subsets of the parts, smallest numbers first, up to a limit.
fn middles<'a>(parts: &[&'a str], limit: usize) -> Vec<Vec<&'a str>> {
    let count =
        1usize.checked_shl(u32::try_from(parts.len()).unwrap_or(u32::MAX)).unwrap_or(limit).min(limit);
    let chosen = |subset: usize| {
        let within = |(at, part): (usize, &&'a str)| (at < 64 && subset >> at & 1 == 1).then_some(*part);
        parts.iter().enumerate().filter_map(within).collect()
    };
    (0..count).map(chosen).collect()
}

/// Returns a character, a readable one if possible, that is in none of the texts.
fn fresh<'a>(texts: impl Iterator<Item = &'a str>) -> Option<char> {
    let used: HashSet<char> = texts.flat_map(str::chars).collect();
    "x-_. 0".chars().chain('a'..='z').chain('0'..='9').chain('\u{a1}'..=char::MAX).find(|c| !used.contains(c))
}

/// Returns a few short texts that a pattern is likely to match: each alternative once, repetitions as short as allowed.
fn sample(pattern: &str) -> Vec<String> {
    const SAMPLES: usize = 8;
    fn walk(hir: &Hir, depth: u8) -> Vec<String> {
        if depth == 0 {
            return Vec::new();
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => vec![String::new()],
            HirKind::Literal(literal) => vec![String::from_utf8_lossy(&literal.0).into_owned()],
            HirKind::Class(class) => readable(class).into_iter().map(String::from).collect(),
            HirKind::Repetition(repetition) => {
                let times = usize::try_from(repetition.min.min(64)).unwrap_or(0);
                walk(&repetition.sub, depth - 1).into_iter().map(|text| text.repeat(times)).collect()
            }
            HirKind::Capture(capture) => walk(&capture.sub, depth - 1),
            HirKind::Concat(subs) => subs.iter().fold(vec![String::new()], |heads, sub| {
                let tails = walk(sub, depth - 1);
                let joined =
                    heads.iter().flat_map(|head| tails.iter().map(move |tail| format!("{head}{tail}")));
                joined.filter(|text| text.len() <= 1_024).take(SAMPLES).collect()
            }),
            HirKind::Alternation(subs) => {
                subs.iter().flat_map(|sub| walk(sub, depth - 1)).take(SAMPLES).collect()
            }
        }
    }
    regex_syntax::parse(pattern).map(|hir| walk(&hir, 64)).unwrap_or_default()
}

/// Returns a character of a class, a letter or digit if there is one.
fn readable(class: &Class) -> Option<char> {
    match class {
        Class::Unicode(class) => {
            let ranges = class.ranges();
            let has = |c: &char| ranges.iter().any(|range| range.start() <= *c && *c <= range.end());
            ('a'..='z')
                .chain('A'..='Z')
                .chain('0'..='9')
                .find(has)
                .or(ranges.first().map(|range| range.start()))
        }
        Class::Bytes(class) => {
            class.ranges().first().map(|range| char::from(range.start())).filter(char::is_ascii)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(tests: &[Test]) -> (Vec<String>, bool) {
        let texts = texts(&tests.iter().collect::<Vec<_>>());
        (texts.candidates, texts.complete)
    }

    #[test]
    fn a_fresh_character_occurs_nowhere() {
        assert_eq!(fresh(["abc"].into_iter()), Some('x'));
        assert_eq!(fresh(["x-_"].into_iter()), Some('.'));
    }

    #[test]
    fn samples_match_their_pattern() {
        for pattern in
            ["^user-[0-9]+@(acme|shop)\\.test$", "a|b{3}", "(?i)beta", "^$", "[^a-z]", "\\d{2,5}x?"]
        {
            let regex = regex::Regex::new(pattern).expect("a pattern");
            let samples = sample(pattern);
            assert!(samples.iter().any(|text| regex.is_match(text)), "{pattern}: {samples:?}");
        }
        assert!(sample(&"(a|b|c|d)".repeat(200)).len() <= 8);
    }

    #[test]
    fn too_many_combinations_are_not_called_complete() {
        let parts: Vec<_> = (0..20).map(|n| Test::Contains(format!("part{n}"))).collect();
        let (texts, complete) = candidates(&parts);
        assert!(!complete && texts.len() < 10 * LIMIT);
        assert!(candidates(&parts[..5]).1);
    }
}
