//! Audiences in words.

use super::super::blocks::Line;
use super::super::number::{count, exact_percent, shortened};
use trialbook_delivery::plan::{Audience, Condition, ListChange};
use trialbook_model::{Scalar, Test};

/// How many characters an audience may take.
const LONGEST: usize = 300;

/// Describes who is meant: `country is SE (40 % of traffic)`.
pub fn text(audience: &Audience) -> String {
    let mut text = shortened(&words(&audience.condition, false), LONGEST);
    if audience.left_out > 0 {
        text.push_str(&format!(" and {} more", count(audience.left_out as u64)));
    }
    if let Some(share) = audience.share {
        text.push_str(&format!(" ({} of traffic)", exact_percent(share)));
    }
    text
}

/// Describes one audience in place of another, by what enters and leaves its lists where nothing else changes.
pub fn changed(from: &Audience, to: &Audience, lists: &[ListChange]) -> Line {
    if lists.is_empty() {
        return line![format!("{} → {}", text(from), text(to))];
    }
    let mut line = line![text(to)];
    line.extend(self::lists(lists));
    line
}

/// Names the values that enter and leave lists: ` (uid: 1 added: u-9)`.
pub fn lists(lists: &[ListChange]) -> Line {
    let each = lists.iter().map(|list| {
        let values = |what: &str, values: &[Scalar], all: usize| {
            let shown: Vec<_> = values.iter().map(|value| shortened(&value.to_string(), 60)).collect();
            let more = if all > values.len() { ", …" } else { "" };
            (all > 0).then(|| format!("{} {what}: {}{more}", count(all as u64), shown.join(", ")))
        };
        let added = values("added", &list.added, list.added_in_all);
        let removed = values("removed", &list.removed, list.removed_in_all);
        let both: Vec<_> = added.into_iter().chain(removed).collect();
        format!(" ({}: {})", list.attribute, both.join("; ")).into()
    });
    each.collect()
}

fn words(condition: &Condition, within: bool) -> String {
    let joined = |parts: &[Condition], by: &str| {
        let parts: Vec<_> = parts.iter().map(|part| words(part, true)).collect();
        let text = parts.join(by);
        if within && parts.len() > 1 { format!("({text})") } else { text }
    };
    match condition {
        Condition::All(parts) if parts.is_empty() => "everybody".to_owned(),
        Condition::Any(parts) if parts.is_empty() => "nobody".to_owned(),
        Condition::All(parts) => joined(parts, " and "),
        Condition::Any(parts) => joined(parts, " or "),
        Condition::Not(part) => format!("not ({})", words(part, false)),
        Condition::Attribute(key, _, test) => format!("{key} {}", of_test(test)),
    }
}

/// Words a test of an attribute: `is one of SE, FI`.
pub fn of_test(test: &Test) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    match test {
        Test::Present(true) => "is present".to_owned(),
        Test::Present(false) => "is missing".to_owned(),
        Test::In(values) => {
            let values: Vec<_> = values.iter().map(Scalar::to_string).collect();
            match values.as_slice() {
                [only] => format!("is {only}"),
                many => format!("is one of {}", many.join(", ")),
            }
        }
        Test::AtLeast(bound) => format!("is at least {bound}"),
        Test::Above(bound) => format!("is above {bound}"),
        Test::AtMost(bound) => format!("is at most {bound}"),
        Test::Below(bound) => format!("is below {bound}"),
        Test::StartsWith(text) => format!("starts with {}", quoted(text)),
        Test::EndsWith(text) => format!("ends with {}", quoted(text)),
        Test::Contains(text) => format!("contains {}", quoted(text)),
        Test::Matches(pattern) => format!("matches {}", quoted(pattern.as_str())),
    }
}
