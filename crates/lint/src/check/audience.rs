//! Audiences in words.

use trialbook_model::{Predicate, Test};

use super::text::listed;

/// Past this many characters an audience is not put in words: the file shows it better.
const LONGEST: usize = 100;

/// Returns who is in an audience: `units: country SE or US, not in segment staff`; less where that is long.
pub(super) fn described(audience: &Predicate) -> String {
    match phrase(audience) {
        _ if audience.is_everyone() => "every unit".to_owned(),
        Some(text) if text.chars().count() <= LONGEST => format!("units: {text}"),
        _ => "units of this audience".to_owned(),
    }
}

/// The words for a predicate; `None` where they would be hard to read.
fn phrase(predicate: &Predicate) -> Option<String> {
    match predicate {
        Predicate::All(parts) => {
            let parts = parts.iter().filter(|part| !part.is_everyone()).map(phrase);
            Some(parts.collect::<Option<Vec<_>>>()?.join(", "))
        }
        Predicate::Not(part) => match &**part {
            Predicate::Segment(key) => Some(format!("not in segment {key}")),
            _ => None,
        },
        Predicate::Any(_) => None,
        Predicate::Segment(key) => Some(format!("in segment {key}")),
        Predicate::Attribute(attribute, test) => Some(format!("{attribute} {}", asked(test))),
    }
}

fn asked(test: &Test) -> String {
    match test {
        Test::In(values) => listed(values, "or"),
        Test::AtLeast(bound) => format!("at least {bound}"),
        Test::Above(bound) => format!("above {bound}"),
        Test::AtMost(bound) => format!("at most {bound}"),
        Test::Below(bound) => format!("below {bound}"),
        Test::StartsWith(text) => format!("that starts with `{text}`"),
        Test::EndsWith(text) => format!("that ends with `{text}`"),
        Test::Contains(text) => format!("that contains `{text}`"),
        Test::Matches(pattern) => format!("that matches `{}`", pattern.as_str()),
        Test::Present(true) => "present".to_owned(),
        Test::Present(false) => "missing".to_owned(),
    }
}
