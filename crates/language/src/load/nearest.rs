//! The nearest known name, for "did you mean".

use super::advice::Advice;

/// Returns the candidate that is most likely meant by a misspelt name; `None` where none is near.
///
/// Near is at most one edit in three characters (Damerau-Levenshtein, case ignored), or else that one of the
/// two begins with the other.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    /// Longer names are not misspelt keys, and comparing them costs quadratic time.
    const LONGEST: usize = 100;
    /// What a beginning has to have in common.
    const STEM: usize = 3;
    if name.len() > LONGEST {
        return None;
    }
    let folded = name.to_lowercase();
    let limit = folded.chars().count() / 3;
    let rank = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let short = candidate.len().min(folded.len());
        let stem = short >= STEM && (candidate.starts_with(&folded) || folded.starts_with(&candidate));
        // A character is at most four bytes, so a greater difference cannot be within the limit.
        if candidate.len().abs_diff(folded.len()) <= 4 * limit {
            let distance = strsim::damerau_levenshtein(&folded, &candidate);
            if distance <= limit {
                return Some((0, distance));
            }
        }
        stem.then_some((1, candidate.len()))
    };
    candidates
        .filter(|candidate| candidate.len() <= LONGEST)
        .filter_map(|candidate| Some((rank(candidate)?, candidate)))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Returns the advice that names the nearest candidate, or up to eight known ones.
pub fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Advice {
    const SHOWN: usize = 8;
    let candidates: Vec<_> = candidates.collect();
    if let Some(near) = nearest(name, candidates.iter().copied()) {
        return Advice::meant(near);
    }
    let some: Vec<_> = candidates.iter().take(SHOWN).map(|candidate| format!("`{candidate}`")).collect();
    match candidates.len() {
        0 => "none is declared".into(),
        n if n > SHOWN => format!("known are {}, …", some.join(", ")).into(),
        _ => format!("known: {}", some.join(", ")).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let words = ["allocation", "audience", "control", "owner"];
        assert_eq!(nearest("alocation", words.into_iter()), Some("allocation"));
        assert_eq!(nearest("Owner", words.into_iter()), Some("owner"));
        assert_eq!(nearest("contorl", words.into_iter()), Some("control"));
        assert_eq!(nearest("salt", words.into_iter()), None);
        assert_eq!(nearest("c", ["a", "b"].into_iter()), None);
        assert_eq!(nearest("shipped", ["ship", "aborted"].into_iter()), Some("ship"));
        assert_eq!(
            nearest("purchases", ["refunds", "purchases-per-user"].into_iter()),
            Some("purchases-per-user")
        );
        assert_eq!(suggestion("x", std::iter::empty()).words(), "none is declared");
    }
}
