//! Values strictly between others: where an order has gaps, and what a person would write there.

use crate::{Number, Version};

/// Returns a readable number strictly between two, of which `None` is infinity; `None` where there is none.
///
/// Numbers are the finite 64-bit floating-point numbers, so between neighbours there is nothing.
pub(super) fn number_between(low: Option<Number>, high: Option<Number>) -> Option<Number> {
    let fits = |value: &f64| {
        value.is_finite()
            && low.is_none_or(|low| low.get() < *value)
            && high.is_none_or(|high| *value < high.get())
    };
    let candidates: Vec<f64> = match (low.map(Number::get), high.map(Number::get)) {
        (None, None) => vec![0.0],
        (Some(low), None) => vec![low.floor() + 1.0, low + low.abs(), low.next_up()],
        (None, Some(high)) => vec![high.ceil() - 1.0, high - high.abs(), high.next_down()],
        (Some(low), Some(high)) => {
            let middle = low + (high / 2.0 - low / 2.0);
            let rounded = (0..18).map(|decimals| {
                let scale = 10f64.powi(decimals);
                (middle * scale).round() / scale
            });
            [low.floor() + 1.0].into_iter().chain(rounded).chain([middle, low.next_up()]).collect()
        }
    };
    candidates.into_iter().find(fits).and_then(Number::new)
}

/// How many numbers the versions of an attribute may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Three,
    Four,
}

impl Depth {
    fn parse(self, text: &str) -> Option<Version> {
        match self {
            Self::Three => Version::parse(text).ok(),
            Self::Four => Version::parse_lenient(text).ok(),
        }
    }
}

/// Returns a readable version strictly between two, of which `None` is an end of the order; `None` where there is none.
///
/// Every version but the last has a direct successor: a pre-release is followed by itself with `.0` appended, a release
/// by the pre-release `-0` of the next patch, or of the next fourth number where versions have one. So there is something
/// between two versions exactly where the successor of the lower one is not the upper one.
pub(super) fn version_between(
    low: Option<&Version>,
    high: Option<&Version>,
    depth: Depth,
) -> Option<Version> {
    let fits =
        |version: &Version| low.is_none_or(|low| low < version) && high.is_none_or(|high| version < high);
    let mut candidates = Vec::new();
    if let Some(low) = low {
        let [major, minor, patch, fourth] = low.numbers();
        candidates.push(format!("{major}.{minor}.{patch}"));
        candidates.push(format!("{}.0.0", major + 1));
        candidates.push(format!("{major}.{}.0", minor + 1));
        candidates.push(format!("{major}.{minor}.{}", patch + 1));
        if depth == Depth::Four {
            candidates.push(format!("{major}.{minor}.{patch}.{fourth}"));
            candidates.push(format!("{major}.{minor}.{patch}.{}", fourth + 1));
        }
    }
    if let Some(high) = high {
        let [major, minor, patch, fourth] = high.numbers();
        candidates.push(format!("{}.0.0", major.saturating_sub(1)));
        candidates.push(format!("{major}.{}.0", minor.saturating_sub(1)));
        candidates.push(format!("{major}.{minor}.{}", patch.saturating_sub(1)));
        let fourth = if depth == Depth::Four { format!(".{fourth}") } else { String::new() };
        candidates.push(format!("{major}.{minor}.{patch}{fourth}-rc.1"));
    }
    candidates.extend(low.map_or_else(|| vec![FIRST.to_owned()], |low| successors(low, depth)));
    if low.is_none() && high.is_none() {
        candidates.insert(0, "1.0.0".to_owned());
    }
    candidates.iter().filter_map(|text| depth.parse(text)).find(fits)
}

/// Tells whether a version's direct successor, or that there is none, can be written: texts have a greatest length.
pub(super) fn has_successor(version: &Version) -> bool {
    /// Well below the longest text that is a version.
    const LONG: usize = 100;
    version.normalised().len() <= LONG
}

/// The first version of the order.
const FIRST: &str = "0.0.0-0";

/// Returns the texts of which the first that is a version is the direct successor.
fn successors(version: &Version, depth: Depth) -> Vec<String> {
    if version.is_pre_release() {
        return vec![format!("{}.0", version.normalised())];
    }
    let [major, minor, patch, fourth] = version.numbers();
    let mut texts = vec![
        format!("{major}.{minor}.{}-0", patch + 1),
        format!("{major}.{}.0-0", minor + 1),
        format!("{}.0.0-0", major + 1),
    ];
    if depth == Depth::Four {
        texts.insert(0, format!("{major}.{minor}.{patch}.{}-0", fourth + 1));
    }
    texts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(value: f64) -> Option<Number> {
        Number::new(value)
    }

    fn version(text: &str) -> Version {
        Version::parse(text).expect("a version")
    }

    #[test]
    fn numbers_between_are_readable() {
        let between = |low, high| number_between(number(low), number(high)).map(Number::get);
        assert_eq!(between(3.0, 4.0), Some(3.5));
        assert_eq!(between(3.0, 10.0), Some(4.0));
        assert_eq!(between(3.5, 4.5), Some(4.0));
        assert_eq!(between(0.1, 0.2), Some(0.15));
        assert_eq!(between(1.0, 1.0f64.next_up()), None);
        assert_eq!(between(-f64::MAX, f64::MAX).map(f64::is_finite), Some(true));
        assert_eq!(number_between(number(f64::MAX), None), None);
        assert_eq!(number_between(None, number(-f64::MAX)), None);
        assert_eq!(number_between(number(1e300), None).map(Number::get), Some(2e300));
        assert_eq!(number_between(number(18.0), None).map(Number::get), Some(19.0));
    }

    #[test]
    fn versions_between_are_readable_where_there_are_any() {
        let between =
            |low: &str, high: &str| version_between(Some(&version(low)), Some(&version(high)), Depth::Three);
        let text = |found: Option<Version>| found.map(|v| v.as_str().to_owned());
        assert_eq!(text(between("8.2.0", "9.4.0")).as_deref(), Some("9.0.0"));
        assert_eq!(text(between("8.2.0", "8.2.1")).as_deref(), Some("8.2.1-rc.1"));
        assert_eq!(text(between("8.2.0-rc.1", "8.2.1")).as_deref(), Some("8.2.0"));
        assert_eq!(text(between("8.2.0-rc.1", "8.2.0-rc.1.1")).as_deref(), Some("8.2.0-rc.1.0"));
        assert_eq!(between("8.2.0", "8.2.1-0"), None);
        assert_eq!(between("8.2.0-a", "8.2.0-a.0"), None);
        assert_eq!(
            text(version_between(None, Some(&version("8.2.0")), Depth::Three)).as_deref(),
            Some("7.0.0")
        );
        assert_eq!(version_between(None, Some(&version("0.0.0-0")), Depth::Three), None);
        let last = "9007199254740991.9007199254740991.9007199254740991";
        assert_eq!(version_between(Some(&version(last)), None, Depth::Three), None);
        assert_eq!(
            text(version_between(Some(&version("1.9007199254740991.9007199254740991")), None, Depth::Three))
                .as_deref(),
            Some("2.0.0")
        );
    }

    fn versions() -> impl Strategy<Value = Version> {
        let pre = prop_oneof![
            Just(""),
            Just("-0"),
            Just("-0.0"),
            Just("-a"),
            Just("-a.0"),
            Just("-rc.1"),
            Just("-1")
        ];
        (0..3u64, 0..3u64, 0..3u64, pre).prop_map(|(a, b, c, pre)| version(&format!("{a}.{b}.{c}{pre}")))
    }

    fn lenient_versions() -> impl Strategy<Value = Version> {
        (versions(), 0..3u64).prop_map(|(version, fourth)| {
            let [a, b, c, _] = version.numbers();
            let hyphen = if version.is_pre_release() { "-" } else { "" };
            let text = format!("v{a}.{b}.{c}.{fourth}{hyphen}{}", version.pre_release());
            Version::parse_lenient(&text).expect("a version")
        })
    }

    proptest! {
        #[test]
        fn what_is_between_lenient_versions_is_between(
            a in lenient_versions(), b in lenient_versions(), c in lenient_versions()
        ) {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            let found = version_between(Some(&low), Some(&high), Depth::Four);
            prop_assert!(found.as_ref().is_none_or(|found| low < *found && *found < high));
            prop_assert!(found.is_some() || !(low < c && c < high), "{low} < {c} < {high}");
        }

        #[test]
        fn what_is_between_is_between(a in versions(), b in versions(), c in versions()) {
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            let found = version_between(Some(&low), Some(&high), Depth::Three);
            prop_assert!(found.as_ref().is_none_or(|found| low < *found && *found < high));
            prop_assert!(found.is_some() || !(low < c && c < high), "{low} < {c} < {high}");
        }

        #[test]
        fn neighbours_of_numbers_have_nothing_between(low in proptest::num::f64::NORMAL, steps in 1..4u8) {
            let high = (0..steps).fold(low, |value, _| value.next_up());
            let found = number_between(number(low), number(high));
            prop_assert_eq!(found.is_some(), steps > 1 && high.is_finite());
            prop_assert!(found.is_none_or(|found| low < found.get() && found.get() < high));
        }
    }
}
