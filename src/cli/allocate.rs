//! `trialbook allocate`: writing the layers' slots.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::session::Opened;
use super::sink::{self, Text};
use super::write::whole_file;
use super::{At, Exit, Failure, Session};
use trialbook_language::load::{Kind, suggestion, write_slots};
use trialbook_model::allocation::{Packing, Refusal, RefusalReason, pack};
use trialbook_model::{Book, BucketRange, Experiment, ExperimentKey, Layer, Share};

/// Write the layers' slots: every experiment gets the buckets that its allocation asks for
///
/// Slots never move. A claim gets the first free range that is large enough, or else the first free buckets; a grown
/// allocation gets buckets beside those it has. Buckets are free for an experiment where nobody else holds them while
/// both may be served, the layer's quarantine included, so a concluded experiment's slots stay as a record and others may
/// have the same buckets later. Where one claim cannot be met nothing is written, and the refusal says who holds what
/// until when.
///
/// Only the slots of the layers' files change: comments, order and style stay.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The experiments to allocate; every one in a layer when none is named
    #[arg(value_name = "EXPERIMENT")]
    experiments: Vec<String>,
    /// Write nothing: say what would change, and exit with 1 if anything would
    #[arg(long)]
    check: bool,
    /// When; now unless given
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
}

/// A layer's file with the slots that it should have.
struct Edit {
    /// The path relative to the book's root.
    path: String,
    before: String,
    after: String,
    packing: Packing,
}

/// Runs the command.
///
/// # Errors
///
/// Where the book has errors, an experiment is unknown, a claim cannot be met, or a file cannot be edited.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let opened = session.open()?;
    let book = opened.book()?;
    let named = args.experiments.iter().map(|name| named(name, book)).collect::<Result<Vec<_>, _>>()?;
    let now = opened.instant(args.at);
    let chosen = |experiment: &Experiment| named.is_empty() || named.contains(&&experiment.key);
    let (mut edits, mut refusals) = (Vec::new(), Vec::new());
    for layer in book.layers.values().filter(|layer| concerns(layer, &named, book)) {
        match pack(book, layer, &chosen, now) {
            Ok(packing) => edits.extend(edit(layer, packing, &opened)?),
            Err(refused) => refusals.extend(refused),
        }
    }
    if !refusals.is_empty() {
        for refusal in &refusals {
            failure(refusal, book, &opened.timezone()).report();
        }
        return Err(Failure::told(Exit::Refused));
    }
    if edits.is_empty() {
        session.say("every experiment in a layer has the buckets that its allocation asks for");
        return Ok(Exit::Done);
    }
    if !args.check {
        for edit in &edits {
            edit.write(&opened.root)?;
        }
    }
    for edit in &edits {
        sink::print(Text::Plain(&edit.summary(args.check)))?;
    }
    Ok(if args.check { Exit::Findings } else { Exit::Done })
}

fn named<'a>(name: &str, book: &'a Book) -> Result<&'a ExperimentKey, Failure> {
    let Some(experiment) = book.experiments.get(name) else {
        return Err(Failure::new(Exit::NothingMatched, format!("there is no experiment `{name}`"))
            .help(suggestion(name, book.experiments.keys().map(ExperimentKey::as_str))));
    };
    if experiment.layer.is_none() {
        let message = format!("experiment `{name}` is in no layer: it draws on its own and needs no slots");
        return Err(Failure::new(Exit::NothingMatched, message).help("name a layer with `layer: KEY`"));
    }
    Ok(&experiment.key)
}

/// Tells whether a layer has anything to do with what is named.
fn concerns(layer: &Layer, named: &[&ExperimentKey], book: &Book) -> bool {
    let layer_of =
        |key: &&ExperimentKey| book.experiments.get(*key).and_then(|experiment| experiment.layer.as_ref());
    named.is_empty() || named.iter().any(|key| layer_of(key) == Some(&layer.key))
}

/// Returns the edit of a layer's file; `None` where nothing changes.
fn edit(layer: &Layer, packing: Packing, opened: &Opened) -> Result<Option<Edit>, Failure> {
    if packing.slots == layer.slots {
        return Ok(None);
    }
    let document = opened.loaded.documents.get(Kind::Layer, layer.key.as_str());
    let Some(file) = document.map(|document| document.file()) else { return Ok(None) };
    let (path, before) = (file.path().to_owned(), file.text().to_owned());
    let after = write_slots(&before, &packing.slots).map_err(|error| {
        Failure::new(Exit::Refused, format!("cannot write the slots into `{path}`"))
            .because(&error)
            .help(error.hint())
    })?;
    Ok(Some(Edit { path, before, after, packing }))
}

impl Edit {
    /// Replaces the file as a whole: whoever reads it sees the old one or the new one.
    fn write(&self, root: &Path) -> Result<(), Failure> {
        // A link keeps being a link: what it leads to is replaced.
        let path = std::fs::canonicalize(root.join(&self.path)).map_err(|error| self.unwritable(&error))?;
        let found = std::fs::read_to_string(&path).map_err(|error| self.unwritable(&error))?;
        let (mark, text) = match found.strip_prefix('\u{feff}') {
            Some(text) => ("\u{feff}", text),
            None => ("", found.as_str()),
        };
        if text != self.before {
            let message = format!("`{}` has changed while the slots were worked out", self.path);
            return Err(Failure::new(Exit::Refused, message).help("run `trialbook allocate` again"));
        }
        whole_file(&path, &format!("{mark}{}", self.after)).map_err(|error| self.unwritable(&error))
    }

    fn unwritable(&self, error: &io::Error) -> Failure {
        Failure::new(Exit::Unreachable, format!("cannot write `{}`", self.path)).because(error)
    }

    /// Returns the changes for people: one line for each range, under the file's path.
    fn summary(&self, check: bool) -> String {
        let path = sink::inline(&self.path);
        let mut text = format!("{path}{}\n", if check { " would change" } else { "" });
        for change in &self.packing.changes {
            for (sign, buckets) in [('+', &change.added), ('-', &change.removed)] {
                for range in buckets.ranges() {
                    let _ = writeln!(text, "  {sign} {}", line(*range, &change.experiment));
                }
            }
        }
        if self.packing.changes.is_empty() {
            text.push_str("  slots in order of their first bucket\n");
        }
        if check {
            let difference = similar::TextDiff::from_lines(&self.before, &self.after);
            let _ = write!(text, "{}", difference.unified_diff().context_radius(2).header(&path, &path));
        }
        text
    }
}

fn line(range: BucketRange, experiment: &ExperimentKey) -> String {
    let share = Share::from_ppm(range.count() * 100).map_or_else(String::new, |share| format!(" ({share})"));
    format!("{{buckets: {range}, experiment: {experiment}}}{share}")
}

/// Returns what is said of a refusal: what stands in the way, who holds what, and what to do.
fn failure(refusal: &Refusal, book: &Book, timezone: &TimeZone) -> Failure {
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
            format!("stop it, or start anew under a new key with `previous: {}`", refusal.experiment)
        }
        RefusalReason::Shared { .. } => {
            "remove the slot of the one that has not started, then run `trialbook allocate` again".to_owned()
        }
    };
    let failure = Failure::new(Exit::Refused, refusal.to_string()).help(help);
    holding.into_iter().fold(failure, Failure::detail)
}

fn counted(buckets: u32) -> String {
    if buckets == 1 { "1 bucket".to_owned() } else { format!("{buckets} buckets") }
}

/// Returns a date, with the time where it is not midnight.
pub(super) fn day(instant: Timestamp, timezone: &TimeZone) -> String {
    let zoned: Zoned = instant.to_zoned(timezone.clone());
    let midnight = zoned.time() == jiff::civil::Time::midnight();
    if midnight { zoned.date().to_string() } else { zoned.strftime("%Y-%m-%d %H:%M %Z").to_string() }
}
