//! The decision about an experiment: the one that an outcome leads to, or the one that a person made.

use jiff::civil::Date;

use super::conclude::Decided;
use crate::report::calendar::Calendar;
use crate::report::outcome::proposal;
use trialbook_analysis::{Outcome, VerdictKind};
use trialbook_model::{DecisionOutcome, VariantKey};

/// What a person decided; what is left open follows from the outcome.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The decision.
    pub outcome: Option<DecisionOutcome>,
    /// The variant that ships.
    pub variant: Option<&'a VariantKey>,
    /// Why.
    pub reason: Option<&'a str>,
}

/// Why nothing is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDecided {
    /// The outcome is of another experiment, or of another book.
    OtherExperiment {
        /// Its book.
        book: String,
        /// Its experiment.
        experiment: String,
    },
    /// The outcome leads to no decision; its verdict, where it has one.
    Open(Option<VerdictKind>),
    /// The decision is dated before the outcome that it rests on.
    BeforeOutcome {
        /// The day of the decision.
        date: Date,
        /// The day of the outcome.
        as_of: Date,
    },
    /// Neither an outcome nor a decision is given.
    NothingGiven,
    /// A variant is named, and the decision is not to ship.
    NothingShips,
    /// The decision is to ship, and nobody names the variant.
    NoVariant,
}

/// Returns the day of an outcome in the time zone of its book: the one that the report proposes for the decision.
pub fn day_of(outcome: &Outcome) -> Date {
    Calendar::new(&outcome.book.timezone).date(outcome.as_of)
}

/// Returns the decision of a day about an experiment of a book.
///
/// # Errors
///
/// As [`NotDecided`] lists them.
pub fn decide(
    wanted: Wanted<'_>,
    evidence: Option<&Outcome>,
    (book, experiment): (&str, &str),
    date: Date,
) -> Result<Decided, NotDecided> {
    if let Some(outcome) = evidence {
        let key = outcome.experiment.key.as_str();
        if outcome.book.name != book || key != experiment {
            let (book, experiment) = (outcome.book.name.clone(), key.to_owned());
            return Err(NotDecided::OtherExperiment { book, experiment });
        }
        let as_of = day_of(outcome);
        if date < as_of {
            return Err(NotDecided::BeforeOutcome { date, as_of });
        }
    }
    let (outcome, variant, reason) = match (wanted.outcome, evidence.map(proposal)) {
        (Some(decide), proposal) => {
            let proposed = proposal.and_then(Result::ok);
            let same = proposed.filter(|proposed| proposed.outcome == decide);
            (decide, same.and_then(|proposed| proposed.variant), String::new())
        }
        (None, Some(Ok(proposal))) => (proposal.outcome, proposal.variant, proposal.reason),
        (None, Some(Err(verdict))) => return Err(NotDecided::Open(verdict)),
        (None, None) => return Err(NotDecided::NothingGiven),
    };
    let ships = outcome == DecisionOutcome::Ship;
    if !ships && wanted.variant.is_some() {
        return Err(NotDecided::NothingShips);
    }
    let variant = wanted.variant.cloned().or(variant);
    if ships && variant.is_none() {
        return Err(NotDecided::NoVariant);
    }
    Ok(Decided { outcome, variant, reason: wanted.reason.map_or(reason, str::to_owned), date })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(outcome: Option<DecisionOutcome>, variant: Option<&str>) -> Result<Decided, NotDecided> {
        let variant = variant.map(|key| VariantKey::new(key).expect("a key"));
        let wanted = Wanted { outcome, variant: variant.as_ref(), reason: Some("Seen enough.") };
        decide(wanted, None, ("shop", "bold-button"), jiff::civil::date(2026, 12, 23))
    }

    #[test]
    fn a_person_decides_without_an_outcome_and_names_what_ships() {
        let shipped = decided(Some(DecisionOutcome::Ship), Some("bold")).expect("a decision");
        assert_eq!(shipped.variant.as_ref().map(VariantKey::as_str), Some("bold"));
        assert_eq!(
            (shipped.reason.as_str(), shipped.date.to_string()),
            ("Seen enough.", "2026-12-23".to_owned())
        );
        let kept = decided(Some(DecisionOutcome::RollBack), None).expect("a decision");
        assert_eq!((kept.outcome, kept.variant), (DecisionOutcome::RollBack, None));
    }

    #[test]
    fn what_decides_nothing_is_refused_with_the_reason() {
        assert_eq!(decided(None, None).err(), Some(NotDecided::NothingGiven));
        assert_eq!(decided(Some(DecisionOutcome::Ship), None).err(), Some(NotDecided::NoVariant));
        let aborted = decided(Some(DecisionOutcome::Aborted), Some("bold"));
        assert_eq!(aborted.err(), Some(NotDecided::NothingShips));
    }
}
