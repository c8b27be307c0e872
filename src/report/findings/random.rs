//! Tests that meet at random, in words.

use crate::report::calendar::Calendar;
use crate::report::number::{counted, percent};
use trialbook_lint::check::{RandomOverlap, Shared};

/// Returns an overlap as a sentence; dates are written in the book's time zone.
pub fn random_overlap(overlap: &RandomOverlap<'_>, calendar: &Calendar) -> String {
    let shared = match overlap.shared {
        Shared::Surface(key) => format!("surface `{key}`"),
        Shared::Metric(key) => format!("success metric `{key}`"),
    };
    let bound = if overlap.exact { "about" } else { "at most" };
    let exclusion = if overlap.days < 0.05 {
        "one layer would keep them apart at no cost".to_owned()
    } else {
        let days = counted(overlap.days.ceil() as u64, "more day", "more days");
        format!("to keep them apart in one layer would cost {days} of enrolment in all")
    };
    let tests = counted(u64::try_from(overlap.tests).unwrap_or(u64::MAX), "test", "tests");
    format!(
        "{shared}: {tests} meet at random, which is sound: {bound} {} of all units are in several on {}; {exclusion}",
        percent(overlap.in_several, if overlap.in_several < 0.0005 { 4 } else { 1 }),
        calendar.instant(overlap.worst)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use trialbook_model::SurfaceKey;

    #[test]
    fn what_meets_at_random_is_one_sentence_with_its_cost() {
        let surface = SurfaceKey::new("checkout").expect("a key");
        let overlap = RandomOverlap {
            shared: Shared::Surface(&surface),
            tests: 2,
            worst: "2026-12-03T00:00:00Z".parse().expect("an instant"),
            in_several: 0.108,
            exact: true,
            days: 20.2,
        };
        let text = random_overlap(&overlap, &Calendar::new("UTC")).replace(['\u{a0}', '\u{202f}'], " ");
        assert_eq!(
            text,
            "surface `checkout`: 2 tests meet at random, which is sound: about 10.8 % of all units are in several on 2026-12-03; \
             to keep them apart in one layer would cost 21 more days of enrolment in all"
        );
        let free = RandomOverlap { exact: false, days: 0.0, ..overlap };
        let text = random_overlap(&free, &Calendar::new("UTC"));
        assert!(text.contains("at most") && text.ends_with("at no cost"), "{text}");
    }
}
