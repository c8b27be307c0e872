//! Slots that are written, and claims that cannot be met, for people.

use std::fmt::Write as _;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::findings::visible;
use crate::app::allocate::SlotsEdit;
use trialbook_model::allocation::{Refusal, RefusalReason};
use trialbook_model::{Book, BucketRange, ExperimentKey, Share};

/// Returns the changes of a layer's file: one line for each range, under the file's path; with `check`, as what would change, and
/// as a patch too.
pub fn summary(edit: &SlotsEdit, check: bool) -> String {
    let path = visible(&edit.path);
    let mut text = format!("{path}{}\n", if check { " would change" } else { "" });
    for change in &edit.packing.changes {
        for (sign, buckets) in [('+', &change.added), ('-', &change.removed)] {
            for range in buckets.ranges() {
                let _ = writeln!(text, "  {sign} {}", line(*range, &change.experiment));
            }
        }
    }
    if edit.packing.changes.is_empty() {
        text.push_str("  slots in order of their first bucket\n");
    }
    if check {
        let difference = similar::TextDiff::from_lines(&edit.before, &edit.after);
        let _ = write!(text, "{}", difference.unified_diff().context_radius(2).header(&path, &path));
    }
    text
}

fn line(range: BucketRange, experiment: &ExperimentKey) -> String {
    let share = Share::from_ppm(range.count() * 100).map_or_else(String::new, |share| format!(" ({share})"));
    format!("{{buckets: {range}, experiment: {experiment}}}{share}")
}

/// A refusal in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// What stands in the way.
    pub message: String,
    /// Who holds what, and until when.
    pub holding: Vec<String>,
    /// What to do.
    pub help: String,
}

/// Returns the words of a refusal.
pub fn refused(refusal: &Refusal, book: &Book, timezone: &TimeZone) -> Refused {
    let mut holding = Vec::new();
    let help = match &refusal.reason {
        RefusalReason::NoRoom { wanted, free, holders, fits_from } => {
            for holder in holders {
                let (key, until) = (&holder.experiment, day(holder.until, timezone));
                holding.push(format!("`{key}` holds {} until {until}", counted(holder.buckets)));
            }
            let asked =
                book.experiments.get(&refusal.experiment).and_then(|e| e.allocation.buckets()).unwrap_or(0);
            let possible =
                Share::from_ppm(asked.saturating_sub(*wanted).saturating_add(*free).saturating_mul(100));
            let mut ways = Vec::new();
            if let Some(start) = fits_from {
                ways.push(format!("start it on {} or later", day(*start, timezone)));
            }
            if let Some(share) = possible.filter(|share| *share > Share::NONE) {
                ways.push(format!("allocate at most {share}"));
            }
            ways.push("take it out of the layer, to meet the others at random".to_owned());
            ways.join(", or ")
        }
        RefusalReason::Shrinks { .. } => {
            format!("stop it, or start again under a new key with `previous: {}`", refusal.experiment)
        }
        RefusalReason::Shared { .. } => {
            "remove the slot of the one that has not started, then run `trialbook allocate` again".to_owned()
        }
    };
    Refused { message: refusal.to_string(), holding, help }
}

fn counted(buckets: u32) -> String {
    if buckets == 1 { "1 bucket".to_owned() } else { format!("{buckets} buckets") }
}

/// Returns a date, with the time where it is not midnight.
pub fn day(instant: Timestamp, timezone: &TimeZone) -> String {
    let zoned: Zoned = instant.to_zoned(timezone.clone());
    let midnight = zoned.time() == jiff::civil::Time::midnight();
    if midnight { zoned.date().to_string() } else { zoned.strftime("%Y-%m-%d %H:%M %Z").to_string() }
}
