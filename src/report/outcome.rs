//! The result of an experiment, worded so that a product manager can repeat it and an analyst can check it.

mod against;
mod data;
mod doubt;
mod evidence;
mod explain;
mod headline;
mod looks;
mod metrics;
mod missing;
mod naming;
mod next;
mod over_time;
mod parts;
mod past;
mod print;
mod proposal;
mod quality;
mod split;
mod trust;
mod verified;

pub use naming::verdict;
pub use verified::verified_page;

use trialbook_analysis::{ArmUnits, Ground, Outcome, Verdict, VerdictKind};

pub use data::data_page;
pub use proposal::{Proposal, proposal};

use super::blocks::{Block, Inline, Line, Page};
use super::calendar::Calendar;

/// Returns a commit status's description of an outcome.
pub fn standing(outcome: &Outcome) -> String {
    format!("Result of {}", outcome.experiment.key)
}

/// Words an outcome.
///
/// The verdict comes first, then what supports it, whether it can be trusted, what to do next, and the
/// small print. What may not be seen yet, or cannot be believed, is not shown.
pub fn document(outcome: &Outcome) -> Page {
    let reading = Reading::new(outcome);
    let mut document = Page::default();
    document.push(Block::Heading(headline::line(&reading)));
    document.push(Block::Paragraph(headline::title(outcome)));
    let shared = reading.lead.is_shared(&outcome.verdicts);
    if let (true, Some(verdict)) = (shared, reading.lead.verdict()) {
        document.blocks.extend(explain::blocks(&reading, verdict));
    }
    for verdict in &outcome.verdicts {
        if !shared {
            if outcome.verdicts.len() > 1 {
                document.push(Block::Subheading(headline::of_treatment(&reading, verdict)));
            }
            document.blocks.extend(explain::blocks(&reading, verdict));
        }
        if let Some(alarm) = explain::alarm(&reading, verdict) {
            document.push(Block::Alert(alarm));
        }
        if let Some(table) = metrics::table(&reading, verdict) {
            document.push(Block::Table(table));
        }
        document.blocks.extend(looks::blocks(&reading, verdict));
    }
    if let Some(key) = metrics::key(&reading, &document) {
        document.push(Block::Small(key));
    }
    document.push(Block::Paragraph(trust::line(&reading)));
    document.blocks.extend(against::alert(&reading).map(Block::Alert));
    document.blocks.extend(next::blocks(&reading));
    document.push(Block::Small(print::line(&reading)));
    document.blocks.extend(evidence::blocks(&reading));
    document
}

/// An outcome with what its parts are worded by.
struct Reading<'a> {
    outcome: &'a Outcome,
    calendar: Calendar,
    lead: Lead<'a>,
}

impl<'a> Reading<'a> {
    fn new(outcome: &'a Outcome) -> Self {
        let calendar = Calendar::new(&outcome.book.timezone);
        Self { outcome, calendar, lead: Lead::of(outcome) }
    }

    /// Tells whether the plan has several looks.
    fn is_sequential(&self) -> bool {
        self.outcome.experiment.analysis.method.is_sequential()
    }

    /// Tells whether the plan's look at effects is still to come, and no decision has ended the experiment.
    fn is_open(&self) -> bool {
        let experiment = &self.outcome.experiment;
        self.outcome.as_of < experiment.horizon && experiment.decision.is_none()
    }
}

/// The verdict on the whole experiment.
enum Lead<'a> {
    /// One treatment leads: it ships, or is the only one.
    One(&'a Verdict),
    /// All treatments have the same verdict, of which this is the first.
    All(&'a Verdict),
    /// Nothing ships, and the treatments differ.
    Mixed,
    /// There is no treatment.
    Nothing,
}

impl<'a> Lead<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let verdicts = &outcome.verdicts;
        let find = |kind: VerdictKind| verdicts.iter().find(|verdict| verdict.kind == kind);
        let best = outcome.best.as_ref().and_then(|best| verdicts.iter().find(|v| v.treatment == *best));
        let best = best.filter(|verdict| verdict.kind == VerdictKind::Ship);
        // Harm before the horizon waits for nobody else's result.
        let early = |verdict: &&Verdict| {
            matches!(
                verdict.reasons.last(),
                Some(Ground::BeforeHorizon { .. } | Ground::StoppedAtLook { .. })
            )
        };
        let alarm = find(VerdictKind::RollBack).filter(early);
        match verdicts.as_slice() {
            [] => Self::Nothing,
            [one] => Self::One(one),
            [first, rest @ ..] if rest.iter().all(|verdict| verdict.kind == first.kind) => match best {
                Some(best) => Self::One(best),
                None => Self::All(first),
            },
            _ => match find(VerdictKind::Invalid).or(best).or_else(|| find(VerdictKind::Ship)).or(alarm) {
                Some(lead) => Self::One(lead),
                None => match (find(VerdictKind::KeepRunning), find(VerdictKind::NotDecidable)) {
                    (Some(running), _) => Self::All(running),
                    (None, Some(open)) => Self::One(open),
                    (None, None) => Self::Mixed,
                },
            },
        }
    }

    /// Tells whether what explains one verdict explains all: it is about the experiment, not a treatment.
    fn is_shared(&self, verdicts: &[Verdict]) -> bool {
        let about_all = |kind| matches!(kind, VerdictKind::KeepRunning | VerdictKind::Invalid);
        self.verdict()
            .is_some_and(|lead| about_all(lead.kind) && verdicts.iter().all(|v| v.kind == lead.kind))
    }

    /// Returns the verdict that leads, if one does.
    fn verdict(&self) -> Option<&'a Verdict> {
        match self {
            Self::One(verdict) | Self::All(verdict) => Some(verdict),
            Self::Mixed | Self::Nothing => None,
        }
    }
}

/// Returns the arms as a reader compares them: the control, then the treatments in byte order.
fn control_first(outcome: &Outcome) -> Vec<&ArmUnits> {
    let control = &outcome.experiment.control;
    let mut arms: Vec<_> = outcome.units.arms.iter().collect();
    arms.sort_by_key(|arm| arm.variant != *control);
    arms
}

/// Puts ` · ` between pieces.
fn dotted(pieces: Vec<Line>) -> Line {
    let mut line = Line::new();
    for piece in pieces {
        if !line.is_empty() {
            line.push(Inline::text(" · "));
        }
        line.extend(piece);
    }
    line
}

/// Begins a sentence with a capital letter.
fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// Ends a sentence with a full stop, unless it has an end.
fn sentence(text: &str) -> String {
    let text = capitalised(text.trim());
    if text.is_empty() || text.ends_with(['.', '!', '?', ':']) { text } else { format!("{text}.") }
}
