//! Who gets what, and why: a book as a target serves it, asked about contexts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;

use super::plan::declared_target;
use super::{AppError, NotNamed};
use trialbook_delivery::backend::{self, BackendError};
use trialbook_model::allocation::Approvals;
use trialbook_model::capability::HashProfile;
use trialbook_model::resolve::{Passed, Reason, Resolution, Resolver};
use trialbook_model::targeting::Context;
use trialbook_model::{Attribute, Book, Evaluator, FlagKey, Rollout, RolloutKey, Share, Target, TargetKey};

/// A book as a target serves it.
pub struct Served<'a> {
    /// The book, with what the target has otherwise.
    pub book: Cow<'a, Book>,
    target: Option<&'a Target>,
}

/// What is to be evaluated, and how.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The flags; empty for every one that is served.
    pub flags: &'a [String],
    /// Now.
    pub at: Timestamp,
    /// Whose draws; `None` for those of the target's first evaluator.
    pub evaluator: Option<Evaluator>,
    /// How far rollouts with guardrails go, whatever the target has recorded.
    pub approved: &'a BTreeMap<RolloutKey, Share>,
}

/// What a person should know about the answers.
#[derive(Debug)]
pub enum Notice {
    /// The target could not be read, so of rollouts with guardrails only the first step counts.
    TargetUnread(BackendError),
    /// The target is evaluated by several evaluators, and another one draws in another way.
    OtherDraws {
        /// Whose draws these are.
        evaluator: Evaluator,
        /// Which one draws in another way.
        other: Evaluator,
    },
}

/// Flags of a book at an instant, ready to be evaluated for any number of contexts.
pub struct Evaluation<'a> {
    /// The flags that are evaluated.
    pub flags: Vec<&'a FlagKey>,
    /// What a person should know about the answers.
    pub notices: Vec<Notice>,
    book: &'a Book,
    resolver: Resolver<'a>,
}

/// What a flag serves in a context.
pub struct Answer<'a> {
    /// What is served.
    pub resolution: Resolution<'a>,
    /// What could have served the unit and did not; empty unless the default is served.
    pub passed: Vec<Passed<'a>>,
}

impl<'a> Served<'a> {
    /// Returns a book as a target serves it: the one that is named, or the primary one; a book without targets as it is.
    ///
    /// # Errors
    ///
    /// Where the book declares no target of that name.
    pub fn new(book: &'a Book, target: Option<&TargetKey>) -> Result<Self, AppError> {
        let target = match target {
            None => book.primary_target(),
            Some(key) => Some(declared_target(book, Some(key))?),
        };
        let book = target.map_or(Cow::Borrowed(book), |target| book.in_target(&target.key));
        Ok(Self { book, target })
    }

    /// Prepares the flags that are asked for. The target is read only where it decides how far one of them has gone.
    ///
    /// # Errors
    ///
    /// Where a name is no flag that is served, or no rollout, or no flag is served.
    pub fn evaluation<'s>(&'s self, root: &Path, question: Question<'_>) -> Result<Evaluation<'s>, AppError> {
        let mut notices = Vec::new();
        let profile = self.profile(question.evaluator, &mut notices);
        let approvals = self.approvals(root, question, &mut notices)?;
        let resolver = Resolver::new(&self.book, question.at, profile).approved(approvals);
        let flags = self.flags(question.flags, &resolver)?;
        Ok(Evaluation { flags, notices, book: &self.book, resolver })
    }

    /// Returns how the units are hashed: as the named evaluator does, or as the target is served, or, where the book has no
    /// target, over the plain text.
    fn profile(&self, named: Option<Evaluator>, notices: &mut Vec<Notice>) -> HashProfile {
        let declared = self.target.map(Target::evaluators).unwrap_or_default();
        let Some(evaluator) = named.or(declared.first().copied()) else { return HashProfile::Utf8 };
        let profile = evaluator.hash_profile();
        if named.is_none() {
            let other = declared.iter().find(|other| other.hash_profile() != profile);
            notices.extend(other.map(|other| Notice::OtherDraws { evaluator, other: *other }));
        }
        profile
    }

    /// Returns how far rollouts with guardrails go: as the target has approved, unless the question overrides it. Where the
    /// target cannot be read, only their first step counts.
    fn approvals(
        &self,
        root: &Path,
        question: Question<'_>,
        notices: &mut Vec<Notice>,
    ) -> Result<Approvals, AppError> {
        let Question { flags, at, approved: given, .. } = question;
        if let Some(unknown) = given.keys().find(|key| !self.book.rollouts.contains_key(*key)) {
            return Err(AppError::NotNamed(NotNamed::Rollout(unknown.clone())));
        }
        let asked = |rollout: &Rollout| {
            rollout.is_guarded()
                && !given.contains_key(&rollout.key)
                && (flags.is_empty() || flags.iter().any(|flag| flag == rollout.flag.as_str()))
        };
        let mut approved = BTreeMap::new();
        if let Some(target) = self.target.filter(|_| self.book.rollouts.values().any(asked)) {
            match backend::open(&self.book.name, target, root).and_then(|target| target.read()) {
                Ok(live) => approved = live.approvals(at),
                Err(error) => notices.push(Notice::TargetUnread(error)),
            }
        }
        approved.extend(given.iter().map(|(key, share)| (key.clone(), *share)));
        Ok(Approvals::Of(approved))
    }

    /// Returns the flags that are named, or every one that is served.
    fn flags<'s>(&'s self, named: &[String], resolver: &Resolver<'s>) -> Result<Vec<&'s FlagKey>, AppError> {
        if named.is_empty() {
            let flags: Vec<_> = resolver.flags().collect();
            return if flags.is_empty() { Err(AppError::ServesNoFlag) } else { Ok(flags) };
        }
        let flag = |name: &String| match self.book.flags.get(name.as_str()) {
            None => Err(AppError::NotNamed(NotNamed::Flag(name.clone()))),
            Some(flag) if flag.archived => Err(AppError::NotNamed(NotNamed::Archived(flag.key.clone()))),
            Some(flag) => Ok(&flag.key),
        };
        named.iter().map(flag).collect()
    }
}

impl<'a> Evaluation<'a> {
    /// Reads a JSON object as a context of the book.
    pub fn context(&self, json: serde_json::Map<String, serde_json::Value>) -> Context {
        Context::new(json, &self.book.attributes)
    }

    /// Evaluates a flag; `None` where it is not served.
    pub fn answer(&self, flag: &FlagKey, context: &Context) -> Option<Answer<'a>> {
        let resolution = self.resolver.resolve(flag, context)?;
        let by_default = resolution.reason == Reason::Default;
        let passed = if by_default { self.resolver.passed(flag, context) } else { Vec::new() };
        Some(Answer { resolution, passed })
    }

    /// Returns the names in a context that nothing reads: the book declares no such attribute, and they hold no unit's id.
    pub fn ignored<'c>(&self, context: &'c Context) -> impl Iterator<Item = &'c str> {
        let book = self.book;
        let is_id = move |name: &str| {
            let fields = book.entities.values().map(|entity| entity.context.as_ref());
            name == Context::TARGETING_KEY || fields.flatten().any(|field| field.as_str() == name)
        };
        let names = context.json().keys().map(String::as_str);
        names.filter(move |name| !book.attributes.contains_key(*name) && !is_id(name))
    }

    /// Returns the attributes of a context whose values do not read as declared, with those values: they count as missing.
    pub fn unreadable<'c>(
        &self,
        context: &'c Context,
    ) -> impl Iterator<Item = (&'a Attribute, &'c serde_json::Value)> {
        context.unreadable(&self.book.attributes)
    }

    /// Returns the declared attribute whose name is nearest to one that is not declared.
    pub fn nearest(&self, name: &str) -> Option<&'a str> {
        trialbook_language::load::nearest(name, self.book.attributes.keys().map(|key| key.as_str()))
    }
}
