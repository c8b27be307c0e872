//! The audience before and after a change, short enough for a plan.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Branch, Condition};
use trialbook_model::targeting;
use trialbook_model::{Attribute, AttributeKey, Predicate, Scalar, Test, VariantKey};

/// How many rules a change names.
const RULES: usize = 20;

/// How many tests an audience is shown with.
const TESTS: usize = 20;

/// How many values a test is shown with.
const VALUES: usize = 8;

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audience {
    /// The condition, without what would make it long.
    pub condition: Condition,
    /// How many values and tests were left out of it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
    /// The share of traffic that it is by what the book declares, between 0 and 1; `None`: unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The whole condition, until its share is known.
    #[serde(skip)]
    whole: Option<Condition>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// One audience in place of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudienceChange {
    /// Who it was.
    pub from: Audience,
    /// Who it will be.
    pub to: Audience,
    /// Which values enter and leave its long lists, where nothing else about it changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListChange>,
}

/// Values that enter and leave a list which is too long to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListChange {
    /// Of which attribute.
    pub attribute: AttributeKey,
    /// Values that were not in it; not all of many.
    pub added: Vec<Scalar>,
    /// How many are added in all.
    pub added_in_all: usize,
    /// Values that will not be in it; not all of many.
    pub removed: Vec<Scalar>,
    /// How many are removed in all.
    pub removed_in_all: usize,
}

impl AudienceChange {
    /// Compares two audiences.
    pub fn between(from: &Condition, to: &Condition) -> Self {
        let lists = lists(from, to);
        Self { from: Audience::new(from), to: Audience::new(to), lists }
    }

    /// Fills in the shares of traffic.
    pub(super) fn measure(&mut self, attributes: Option<&BTreeMap<AttributeKey, Attribute>>) {
        self.from.measure(attributes);
        self.to.measure(attributes);
    }
}

/// Returns how long lists differ; nothing where conditions differ in anything else, or only in lists that are shown whole.
fn lists(from: &Condition, to: &Condition) -> Vec<ListChange> {
    let mut changes = Vec::new();
    if differ_in_lists(from, to, &mut changes) { changes } else { Vec::new() }
}

fn differ_in_lists(from: &Condition, to: &Condition, changes: &mut Vec<ListChange>) -> bool {
    match (from, to) {
        (Condition::All(from), Condition::All(to)) | (Condition::Any(from), Condition::Any(to)) => {
            from.len() == to.len() && from.iter().zip(to).all(|(from, to)| differ_in_lists(from, to, changes))
        }
        (Condition::Not(from), Condition::Not(to)) => differ_in_lists(from, to, changes),
        (
            Condition::Attribute(key, kind, Test::In(from)),
            Condition::Attribute(other, same, Test::In(to)),
        ) if (key, kind) == (other, same) => {
            if from != to && from.len().max(to.len()) > VALUES {
                let (added, removed) = (to.difference(from), from.difference(to));
                changes.push(ListChange {
                    attribute: key.clone(),
                    added_in_all: added.clone().count(),
                    added: added.take(VALUES).cloned().collect(),
                    removed_in_all: removed.clone().count(),
                    removed: removed.take(VALUES).cloned().collect(),
                });
            }
            from == to || from.len().max(to.len()) > VALUES
        }
        (from, to) => from == to,
    }
}

/// A rule that is another, or in another place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleChange {
    /// Its place among the rules, from 1 on: of the new ones, or of the old ones where it is gone.
    pub number: usize,
    /// What stood there; `None`: nothing.
    pub from: Option<ServedRule>,
    /// What will stand there; `None`: nothing.
    pub to: Option<ServedRule>,
    /// Which values enter and leave the long lists of its audience, where nothing else about that changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<ListChange>,
}

/// Who is served what by a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServedRule {
    /// Who.
    pub when: Audience,
    /// What.
    pub serve: VariantKey,
}

impl Audience {
    /// Shortens a condition.
    pub fn new(condition: &Condition) -> Self {
        let (mut tests, mut left_out) = (TESTS, 0);
        let short = shortened(condition, &mut tests, &mut left_out);
        Self { condition: short, left_out, share: None, whole: Some(condition.clone()) }
    }

    /// Fills in the share of traffic, where there are attributes to tell it by.
    pub(super) fn measure(&mut self, attributes: Option<&BTreeMap<AttributeKey, Attribute>>) {
        let whole = self.whole.take();
        if let (Some(whole), Some(attributes)) = (whole, attributes) {
            self.share = targeting::share(&predicate(&whole), attributes);
        }
    }
}

fn shortened(condition: &Condition, tests: &mut usize, left_out: &mut usize) -> Condition {
    let mut some = |parts: &[Condition]| {
        let mut kept = Vec::new();
        for part in parts {
            if *tests == 0 {
                *left_out += 1;
            } else {
                kept.push(shortened(part, tests, left_out));
            }
        }
        kept
    };
    match condition {
        Condition::All(parts) => Condition::All(some(parts)),
        Condition::Any(parts) => Condition::Any(some(parts)),
        Condition::Not(part) => Condition::Not(Box::new(shortened(part, tests, left_out))),
        Condition::Attribute(key, kind, test) => {
            *tests = tests.saturating_sub(1);
            let test = match test {
                Test::In(values) if values.len() > VALUES => {
                    *left_out += values.len() - VALUES;
                    Test::In(values.iter().take(VALUES).cloned().collect::<BTreeSet<_>>())
                }
                test => test.clone(),
            };
            Condition::Attribute(key.clone(), *kind, test)
        }
    }
}

/// Returns a condition as the book's language has it.
pub(super) fn predicate(condition: &Condition) -> Predicate {
    let each = |parts: &[Condition]| parts.iter().map(predicate).collect();
    match condition {
        Condition::All(parts) => Predicate::All(each(parts)),
        Condition::Any(parts) => Predicate::Any(each(parts)),
        Condition::Not(part) => Predicate::Not(Box::new(predicate(part))),
        Condition::Attribute(key, _, test) => Predicate::Attribute(key.clone(), test.clone()),
    }
}

/// Returns the rules that are others, without those that are alike at the beginning and at the end, and how many more
/// there are.
pub(super) fn rule_changes<'a>(was: &[&'a Branch], will: &[&'a Branch]) -> (Vec<RuleChange>, usize) {
    let before = was.iter().zip(will).take_while(|(a, b)| a == b).count();
    let rest = was.len().min(will.len()) - before;
    let after = was.iter().rev().zip(will.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let middle = |rules: &'_ [&'a Branch]| -> Vec<Option<(&'a Condition, &'a VariantKey)>> {
        let rules = rules.get(before..rules.len() - after).unwrap_or_default();
        rules.iter().map(|branch| rule(branch)).collect()
    };
    let (from, to) = (middle(was), middle(will));
    let numbers = before + 1..;
    let pairs = numbers.take(from.len().max(to.len())).enumerate();
    let changes = pairs.filter_map(|(index, number)| {
        let (from, to) = (from.get(index).copied().flatten(), to.get(index).copied().flatten());
        let served = |(when, serve): (&Condition, &VariantKey)| ServedRule {
            when: Audience::new(when),
            serve: serve.clone(),
        };
        let lists = from.zip(to).map_or(Vec::new(), |(from, to)| lists(from.0, to.0));
        (from != to).then(|| RuleChange { number, from: from.map(served), to: to.map(served), lists })
    });
    let mut changes: Vec<RuleChange> = changes.collect();
    let more = changes.len().saturating_sub(RULES);
    changes.truncate(RULES);
    (changes, more)
}

fn rule(branch: &Branch) -> Option<(&Condition, &VariantKey)> {
    match branch {
        Branch::Rule { when, serve } => Some((when, serve)),
        Branch::Override(_) | Branch::Experiment(_) | Branch::Rollout(_) | Branch::Holdout(_) => None,
    }
}
