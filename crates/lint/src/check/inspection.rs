//! What every rule can read: the book, its documents, and the current time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use trialbook_language::load::Documents;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::span::{SourceFile, Span};
use trialbook_model::targeting::{Attributes, Contradiction, Sample, Witness, widened};
use trialbook_model::{AttributeKey, Book, Experiment, Kind, Predicate};

use super::date;
use super::traffic::Traffic;
use super::{Arrival, Given, History};

/// A book under inspection.
pub(super) struct Inspection<'a> {
    /// The book.
    pub(super) book: &'a Book,
    /// When now is.
    pub(super) now: Timestamp,
    documents: &'a Documents,
    timezone: TimeZone,
    sample: Option<&'a Sample>,
    /// What the sample contradicts of what attributes are declared to be.
    contradictions: BTreeMap<AttributeKey, Contradiction>,
    /// The attributes as they may occur: as declared, and as seen in the sample.
    attributes: Cow<'a, Attributes>,
    history: Option<&'a dyn History>,
}

impl<'a> Inspection<'a> {
    pub(super) fn new(book: &'a Book, documents: &'a Documents, given: Given<'a>) -> Self {
        // `load` refuses a book with an unknown time zone.
        let timezone = trialbook_model::timezone(&book.timezone).unwrap_or(TimeZone::UTC);
        let contradictions =
            given.sample.map(|sample| sample.contradictions(&book.attributes)).unwrap_or_default();
        let attributes = if contradictions.is_empty() {
            Cow::Borrowed(&book.attributes)
        } else {
            Cow::Owned(widened(&book.attributes, &contradictions))
        };
        let (sample, history) = (given.sample, given.history);
        Self { book, now: given.now, documents, timezone, sample, history, contradictions, attributes }
    }

    /// Returns the attributes as proofs have to take them: what a sample has may occur, whatever is declared.
    pub(super) fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Returns what the sample contradicts, and how many contexts it has.
    pub(super) fn contradictions(&self) -> (&BTreeMap<AttributeKey, Contradiction>, usize) {
        (&self.contradictions, self.sample.map_or(0, Sample::len))
    }

    /// Adds to a finding which values of its witness are not declared, and how often the sample has them.
    pub(super) fn observed(&self, finding: Diagnostic, witness: &Witness) -> Diagnostic {
        let contexts = self.sample.map_or(0, Sample::len);
        witness.values().iter().fold(finding, |finding, (key, value)| {
            match self.contradictions.get(key).and_then(|found| found.values.get(value)) {
                None => finding,
                Some(count) => finding.note(format!(
                    "`{key}: {value}` is not declared, and {count} of the sample's {contexts} contexts have it: the declared \
                     values keep nobody apart"
                )),
            }
        })
    }

    /// Adds the place of a value to a finding.
    pub(super) fn relate(
        &self,
        finding: Diagnostic,
        (kind, key, pointer): (Kind, &dyn Display, &str),
        text: impl Into<String>,
    ) -> Diagnostic {
        let (file, span) = self.place(kind, key, pointer);
        finding.related(&file, span, text)
    }

    /// Moves a finding to the first use of a name under its place, where there is one; the others are added.
    pub(super) fn narrowed(
        &self,
        mut finding: Diagnostic,
        (kind, key, pointer): (Kind, &dyn Display, &str),
        name: &str,
    ) -> Diagnostic {
        let mut places = self.documents.places_named(kind, &key.to_string(), pointer, name).into_iter();
        if let Some(first) = places.next() {
            (finding.primary.file, finding.primary.span) = (first.file, first.span);
        }
        places.fold(finding, |finding, place| finding.related(&place.file, place.span, "and here"))
    }

    /// Returns the place of a value; of the nearest thing around it where the file does not have it.
    pub(super) fn place(&self, kind: Kind, key: &dyn Display, pointer: &str) -> (Arc<SourceFile>, Span) {
        let place = self.documents.place(kind, &key.to_string(), pointer);
        (place.file, place.span)
    }

    /// Returns the share of all traffic that an audience is, its segments inlined; `None` where it is unknown.
    pub(super) fn traffic(&self, audience: &Predicate) -> Option<Traffic> {
        Traffic::of(audience, &self.book.attributes, self.sample)
    }

    /// Returns an instant as people of this book read it: a date where it is midnight in the book's time zone.
    pub(super) fn date(&self, instant: Timestamp) -> String {
        date::written(instant, &self.timezone)
    }

    /// Returns when the file of a part came into the book.
    pub(super) fn arrival(&self, kind: Kind, key: &str) -> Arrival {
        let path = self.documents.path_of(kind, key);
        self.history.zip(path).map_or(Arrival::Unknown, |(history, path)| history.arrival(path))
    }

    /// Tells whether the file of a part is known to be in no commit yet: nothing can have applied it.
    pub(super) fn is_uncommitted(&self, kind: Kind, key: &str) -> bool {
        let path = self.documents.path_of(kind, key);
        self.history.zip(path).and_then(|(history, path)| history.is_committed(path)) == Some(false)
    }

    /// Returns the last date that begins at or before an instant.
    pub(super) fn day_by(&self, instant: Timestamp) -> String {
        date::day_by(instant, &self.timezone)
    }

    /// Returns the first date from an instant on on which something may be launched: freezes are passed over.
    pub(super) fn day_from(&self, instant: Timestamp) -> String {
        let freezes = || self.book.policy.freeze.iter().filter(|freeze| self.now < freeze.until);
        let mut from = instant;
        while let Some(freeze) = freezes().find(|freeze| freeze.from <= from && from < freeze.until) {
            from = freeze.until;
        }
        date::day_from(from, &self.timezone)
    }

    /// Returns the book's time zone.
    pub(super) fn timezone(&self) -> &TimeZone {
        &self.timezone
    }

    /// Tells whether an experiment still waits for its decision.
    pub(super) fn undecided(&self, experiment: &Experiment) -> bool {
        experiment.decision.as_ref().is_none_or(|decision| decision.date > self.now)
    }
}
