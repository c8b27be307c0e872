//! How two sides write the ids of the same units differently.

use crate::query::{IdExample, most_frequent};
use trialbook_decision::Spelling;

/// A prefix or suffix is named where this share of the ids that were tried has it, in per cent, and so many have it.
const COMMON: usize = 50;
const LEAST: usize = 10;
/// A longer prefix or suffix is part of an id.
const LONGEST: usize = 24;

/// Takes out of an id what one spelling has and another has not.
type Bare<'a> = &'a dyn Fn(&str) -> String;

/// Returns how most of some pairs differ; `None` where there are none, or each differs in a way of its own.
pub(crate) fn common(pairs: &[IdExample]) -> Option<Spelling> {
    let (most, count) = most_frequent(pairs.iter().filter_map(|pair| between(&pair.exposed, &pair.fact)))?;
    match most {
        // By chance one id begins another.
        Spelling::Prefix { .. } | Spelling::Suffix { .. }
            if count < LEAST || count * 100 < pairs.len() * COMMON =>
        {
            None
        }
        most => Some(most),
    }
}

/// Returns how two ids differ that may be of one unit.
fn between(a: &str, b: &str) -> Option<Spelling> {
    let around = |id: &str| {
        id.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '{' | '}')).to_owned()
    };
    let fraction = |id: &str| match id.split_once('.') {
        Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') => whole.to_owned(),
        _ => id.to_owned(),
    };
    let steps: [(Spelling, Bare<'_>); 5] = [
        (Spelling::LetterCase, &|id| id.to_lowercase()),
        (Spelling::Around, &around),
        (Spelling::LeadingZeros, &|id| id.trim_start_matches('0').to_owned()),
        (Spelling::Fraction, &fraction),
        (Spelling::Hyphens, &|id| id.replace('-', "")),
    ];
    for (spelling, bare) in &steps {
        if bare(a) == bare(b) {
            return Some(spelling.clone());
        }
    }
    let bare =
        |id: &str| fraction(&around(id).to_lowercase()).replace('-', "").trim_start_matches('0').to_owned();
    if bare(a) == bare(b) {
        return Some(Spelling::Several);
    }
    let (long, short) = if a.len() > b.len() { (a, b) } else { (b, a) };
    let affix = |text: &str| Some(text.to_owned()).filter(|text| text.chars().count() <= LONGEST);
    if let Some(text) = long.strip_suffix(short) {
        return affix(text).map(|text| Spelling::Prefix { text });
    }
    long.strip_prefix(short).and_then(affix).map(|text| Spelling::Suffix { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_has_its_name() {
        for (exposed, fact, expected) in [
            ("3f2504e0-4f89", "3F2504E0-4F89", Some(Spelling::LetterCase)),
            ("100012", " 100012", Some(Spelling::Around)),
            ("100012", "\"100012\"", Some(Spelling::Around)),
            ("100012", "00100012", Some(Spelling::LeadingZeros)),
            ("100012", "100012.0", Some(Spelling::Fraction)),
            ("3f2504e0-4f89", "3f2504e04f89", Some(Spelling::Hyphens)),
            ("3f2504e0-4f89", "3F2504E04F89", Some(Spelling::Several)),
            ("1007", "user-1007", Some(Spelling::Prefix { text: "user-".into() })),
            ("1007@web", "1007", Some(Spelling::Suffix { text: "@web".into() })),
            ("1007", "2008", None),
        ] {
            assert_eq!(between(exposed, fact), expected, "{exposed} {fact}");
        }
    }

    #[test]
    fn a_prefix_of_a_few_is_chance() {
        let pair = |n: usize| IdExample { exposed: format!("{n}"), fact: format!("user-{n}") };
        assert_eq!(common(&(100..104).map(pair).collect::<Vec<_>>()), None);
        let many = (100..130).map(pair).collect::<Vec<_>>();
        assert_eq!(common(&many), Some(Spelling::Prefix { text: "user-".into() }));
    }
}
