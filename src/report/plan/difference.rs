//! Where two forms of a value differ, field by field.

use super::super::blocks::{Inline, Line};
use super::super::number::counted;
use trialbook_delivery::plan::{Difference, Differences, Excerpt};

/// How many characters of a value are shown: more without a space would leave a narrow terminal no room for a table.
const LONGEST: usize = 40;

/// Describes each difference of something, and how many more there are: `value of bold at colour: 1 → 2`.
pub(super) fn lines(of: &[Inline], differences: &Differences) -> Vec<Line> {
    let each = differences.shown.iter().map(|one| {
        let mut line = of.to_vec();
        if !one.path.is_empty() {
            line.extend(line![" at ", Inline::code(field(one))]);
        }
        line.extend(line![": ", either(one.from.as_ref()), " → ", either(one.to.as_ref())]);
        line
    });
    each.chain(more(differences)).collect()
}

/// Describes each difference in two times: `defaultVariant is "on", will be "off"`.
pub(super) fn in_time(differences: &Differences, from: &str, to: &str) -> Vec<Line> {
    let each = differences.shown.iter().map(|one| {
        let (was, will) = (either(one.from.as_ref()), either(one.to.as_ref()));
        let name = if one.path.is_empty() { "it".into() } else { Inline::code(field(one)) };
        line![name, format!(" {from} "), was, format!(", {to} "), will]
    });
    each.chain(more(differences)).collect()
}

/// Shows the beginning of a value.
pub(super) fn value(excerpt: &Excerpt) -> Inline {
    let kept: String = excerpt.json.chars().take(LONGEST).collect();
    let more = if excerpt.cut || kept.len() < excerpt.json.len() { "…" } else { "" };
    Inline::code(format!("{kept}{more}"))
}

fn either(excerpt: Option<&Excerpt>) -> Inline {
    excerpt.map_or_else(|| "absent".into(), value)
}

fn field(difference: &Difference) -> String {
    difference.path.join(".")
}

fn more(differences: &Differences) -> Option<Line> {
    let more = counted(differences.more as u64, "difference", "differences");
    (differences.more > 0).then(|| line![format!("and {more} more")])
}
