//! The lines of `evaluate`: one for each context and flag.

use std::collections::BTreeSet;
use std::io;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{PassedBy, Unreadable, ignored, misread, passed, unreadable};
use crate::app::evaluate::Evaluation;
use trialbook_model::AttributeKey;
use trialbook_model::resolve::{Reason, Resolution};
use trialbook_model::targeting::Context;

/// A line of the answer.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    #[serde(flatten)]
    resolution: &'a Resolution<'a>,
    /// Why nothing but the default is served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    passed: Vec<PassedBy<'a>>,
    /// How many more passed the unit by.
    #[serde(skip_serializing_if = "is_zero")]
    passed_more: usize,
    /// The attributes of the context that the book does not declare.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<&'a str>,
    /// The attributes of the context that count as missing, because their values do not read as declared.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unreadable: &'a [Unreadable<'a>],
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// The most reasons in a line.
const REASONS: usize = 20;

/// The most ignored attributes that are named, in a line and once for all.
const IGNORED: usize = 20;

/// Answers contexts in lines, and keeps which attributes were reported: each is named once.
pub struct Lines<'r, 'a> {
    evaluation: &'r Evaluation<'a>,
    ignored: BTreeSet<String>,
    unreadable: BTreeSet<AttributeKey>,
}

impl<'r, 'a> Lines<'r, 'a> {
    /// Begins; nothing has been reported yet.
    pub fn new(evaluation: &'r Evaluation<'a>) -> Self {
        Self { evaluation, ignored: BTreeSet::new(), unreadable: BTreeSet::new() }
    }

    /// Reads a JSON object as a context of the book.
    pub fn context(&self, json: Map<String, Value>) -> Context {
        self.evaluation.context(json)
    }

    /// Returns what a person should know about a context and was not reported before: attributes that nothing reads, and values that do
    /// not read as declared.
    pub fn notices(&mut self, context: &Context) -> Vec<String> {
        let mut notices = Vec::new();
        for name in self.evaluation.ignored(context).take(IGNORED) {
            if self.ignored.len() < IGNORED && !self.ignored.contains(name) {
                self.ignored.insert(name.to_owned());
                notices.push(ignored(name, self.evaluation.nearest(name)));
            }
        }
        for (attribute, value) in self.evaluation.unreadable(context).take(IGNORED) {
            if self.unreadable.insert(attribute.key.clone()) {
                notices.push(misread(attribute, value));
            }
        }
        notices
    }

    /// Gives the line of each flag to a function, in the order of the flags.
    ///
    /// # Errors
    ///
    /// The first one of the function.
    pub fn each(
        &self,
        context: &Context,
        mut take: impl FnMut(&Line<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let ignored: Vec<&str> = self.evaluation.ignored(context).take(IGNORED).collect();
        let found = self.evaluation.unreadable(context).take(IGNORED);
        let unreadable: Vec<_> = found.map(|(attribute, value)| unreadable(attribute, value)).collect();
        for flag in &self.evaluation.flags {
            let Some(answer) = self.evaluation.answer(flag, context) else { continue };
            let by_default = answer.resolution.reason == Reason::Default;
            take(&Line {
                resolution: &answer.resolution,
                passed: answer.passed.iter().take(REASONS).map(|one| passed(one, context)).collect(),
                passed_more: answer.passed.len().saturating_sub(REASONS),
                ignored: if by_default { ignored.clone() } else { Vec::new() },
                unreadable: &unreadable,
            })?;
        }
        Ok(())
    }
}
