//! What turns one form of a flag into another.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::audience::{AudienceChange, rule_changes};
use super::change::{Growth, HeldOut, Ramp, Randomised, Served, SplitChange, Stage};
use super::{
    Branch, Change, Differences, Enrolment, EnrolmentStep, Exception, Excerpt, ExperimentBranch, FlagState,
    Movement, OverrideWho, RolloutBranch, Serving, forced,
};
use trialbook_model::{Attribute, AttributeKey, HoldoutKey, ServedName, VariantKey};

impl Change {
    /// Returns what turns one form of a flag into another at an instant, most telling first.
    pub fn between(before: &FlagState, after: &FlagState, now: Timestamp) -> Vec<Self> {
        let mut changes = Vec::new();
        match (&before.serving, &after.serving) {
            (Serving::Disabled, Serving::Enabled(_)) => changes.push(Self::Switched { on: true }),
            (Serving::Enabled(_), Serving::Disabled) => changes.push(Self::Switched { on: false }),
            _ => {}
        }
        if before.default != after.default {
            changes.push(Self::Default { from: before.default.clone(), to: after.default.clone() });
        }
        if (&before.entity, &before.unit) != (&after.entity, &after.unit) {
            let randomised =
                |flag: &FlagState| Randomised { entity: flag.entity.clone(), unit: flag.unit.clone() };
            changes.push(Self::Unit { from: randomised(before), to: randomised(after) });
        }
        variants(before, after, &mut changes);
        // What the kill switch does to the rules is listed already.
        if let (Some(was), Some(will)) = (rules(before), rules(after))
            && was != will
        {
            changes.push(Self::rules(&was, &will));
        }
        changes.extend(forced::changes(Some(before), after));
        holdouts(before, after, &mut changes);
        experiments(before, after, now, &mut changes);
        rollouts(before, after, now, &mut changes);
        if before.owner != after.owner {
            changes.push(Self::Owner { from: before.owner.clone(), to: after.owner.clone() });
        }
        changes
    }

    /// Returns what a flag that was not served brings.
    pub fn creation(flag: &FlagState) -> Vec<Self> {
        let variants = flag.entries.keys().filter(|name| name.experiment().is_none()).count();
        let mut changes = vec![Self::Created { default: flag.default.clone(), variants }];
        if flag.serving == Serving::Disabled {
            changes.push(Self::Switched { on: false });
        }
        if let Some(rules) = rules(flag).filter(|rules| !rules.is_empty()) {
            changes.push(Self::rules(&[], &rules));
        }
        let held = kept(flag).into_iter().map(|(key, to)| Self::Holdout { key, from: None, to: Some(to) });
        changes.extend(held);
        changes.extend(forced::changes(None, flag));
        changes.extend(flag.experiments().map(Self::added));
        changes.extend(flag.rollouts().map(Self::released));
        changes
    }

    /// Returns what the flag's end takes away; `None` stands for what cannot be read.
    pub(super) fn archival(flag: Option<&FlagState>) -> Self {
        Self::Archived {
            default: flag.map(|flag| flag.default.clone()),
            experiments: flag
                .into_iter()
                .flat_map(FlagState::experiments)
                .map(|branch| branch.key.clone())
                .collect(),
        }
    }

    fn rules(was: &[&Branch], will: &[&Branch]) -> Self {
        let (rules, more) = rule_changes(was, will);
        Self::Rules { from: was.len(), to: will.len(), rules, more }
    }

    /// Fills in the shares of traffic that the audiences are, by what the book declares.
    pub(super) fn measure(&mut self, attributes: Option<&BTreeMap<AttributeKey, Attribute>>) {
        match self {
            Self::Audience { audience, .. } | Self::RolloutAudience { audience, .. } => {
                audience.measure(attributes);
            }
            Self::Rules { rules, .. } => {
                let both = rules.iter_mut().flat_map(|rule| [&mut rule.from, &mut rule.to]);
                both.flatten().for_each(|rule| rule.when.measure(attributes));
            }
            Self::Overrides { from, to, .. } => {
                for shown in from.iter_mut().chain(to) {
                    if let OverrideWho::Segment { audience, .. } = &mut shown.who {
                        audience.measure(attributes);
                    }
                }
            }
            _ => {}
        }
    }

    fn added(branch: &ExperimentBranch) -> Self {
        Self::ExperimentAdded {
            key: branch.key.clone(),
            window: branch.window,
            share: branch.enrolment.share_at(branch.window.start()),
            grows: grows(&branch.enrolment),
            everyone: branch.audience.is_everyone(),
        }
    }

    fn released(branch: &RolloutBranch) -> Self {
        Self::RolloutAdded {
            key: branch.key.clone(),
            serve: branch.serve.clone(),
            start: branch.start,
            share: branch.enrolment.share_at(branch.start),
            grows: grows(&branch.enrolment),
            everyone: branch.audience.is_everyone(),
        }
    }
}

fn grows(enrolment: &Enrolment) -> Vec<Growth> {
    let step = |step: &EnrolmentStep| Growth { at: step.at, share: enrolment.share_at(step.at) };
    enrolment.grows().iter().map(step).collect()
}

fn ramp(start: Timestamp, enrolment: &Enrolment) -> Ramp {
    Ramp { start, share: enrolment.share_at(start), grows: grows(enrolment) }
}

fn variants(before: &FlagState, after: &FlagState, changes: &mut Vec<Change>) {
    let plain = |flag: &FlagState| -> BTreeSet<VariantKey> {
        let names = flag.entries.keys().filter(|name| name.experiment().is_none());
        names.map(|name| name.variant().clone()).collect()
    };
    let (was, will) = (plain(before), plain(after));
    let value = |flag: &FlagState, variant: &VariantKey| {
        flag.entries.get(&ServedName::Plain(variant.clone())).cloned().unwrap_or_default()
    };
    changes.extend(will.difference(&was).map(|variant| Change::VariantAdded {
        variant: variant.clone(),
        value: Excerpt::of(&value(after, variant)),
    }));
    changes.extend(was.difference(&will).map(|variant| Change::VariantRemoved {
        variant: variant.clone(),
        value: Excerpt::of(&value(before, variant)),
    }));
    for variant in was.intersection(&will) {
        let differences = Differences::of_values(&value(before, variant), &value(after, variant));
        if !differences.is_empty() {
            changes.push(Change::Value { variant: variant.clone(), differences });
        }
    }
}

fn rules(flag: &FlagState) -> Option<Vec<&Branch>> {
    match &flag.serving {
        Serving::Disabled => None,
        Serving::Enabled(branches) => {
            Some(branches.iter().filter(|branch| matches!(branch, Branch::Rule { .. })).collect())
        }
    }
}

fn experiments(before: &FlagState, after: &FlagState, now: Timestamp, changes: &mut Vec<Change>) {
    for was in before.experiments() {
        if !after.experiments().any(|will| will.key == was.key) {
            let stage = match () {
                () if now < was.window.start() => Stage::Scheduled,
                () if now < was.window.end() => Stage::Served,
                () => Stage::Over,
            };
            let movement = match stage {
                Stage::Served => Movement::of_experiment(Some(was), None, now),
                Stage::Scheduled | Stage::Over => Movement::default(),
            };
            changes.push(Change::ExperimentRemoved { key: was.key.clone(), stage, movement });
        }
    }
    for will in after.experiments() {
        let Some(was) = before.experiments().find(|was| was.key == will.key) else {
            changes.push(Change::added(will));
            continue;
        };
        let key = &will.key;
        if was.window != will.window {
            changes.push(Change::Window { key: key.clone(), from: was.window, to: will.window });
        }
        if was.audience != will.audience {
            let audience = AudienceChange::between(&was.audience, &will.audience);
            changes.push(Change::Audience { key: key.clone(), audience });
        }
        let salted = (&was.salt, was.enrolment.salt()) != (&will.salt, will.enrolment.salt());
        let split = (was.split != will.split)
            .then(|| SplitChange { from: was.split.clone(), to: will.split.clone() });
        let movement = Movement::of_experiment(Some(was), Some(will), now);
        if salted || split.is_some() || was.enrolment.largest() != will.enrolment.largest() {
            changes.push(Change::Allocation {
                key: key.clone(),
                from: was.enrolment.share(),
                to: will.enrolment.share(),
                split,
                salted,
                movement,
            });
        } else if was.enrolment != will.enrolment {
            let ramp = |branch: &ExperimentBranch| ramp(branch.window.start(), &branch.enrolment);
            changes.push(Change::Ramp { key: key.clone(), from: ramp(was), to: ramp(will), movement });
        } else if was.except != will.except {
            changes.push(Change::KeptOut { of: Served::Experiment(key.clone()), movement });
        }
    }
}

fn rollouts(before: &FlagState, after: &FlagState, now: Timestamp, changes: &mut Vec<Change>) {
    for was in before.rollouts() {
        if !after.rollouts().any(|will| will.key == was.key) {
            let served = (was.start <= now).then_some(was);
            let movement = Movement::of_rollout(served, None, now);
            changes.push(Change::RolloutRemoved { key: was.key.clone(), movement });
        }
    }
    for will in after.rollouts() {
        let Some(was) = before.rollouts().find(|was| was.key == will.key) else {
            changes.push(Change::released(will));
            continue;
        };
        if was.audience != will.audience {
            let audience = AudienceChange::between(&was.audience, &will.audience);
            changes.push(Change::RolloutAudience { key: will.key.clone(), audience });
        }
        let movement = Movement::of_rollout(Some(was), Some(will), now);
        if (was.start, &was.enrolment, &was.serve) != (will.start, &will.enrolment, &will.serve) {
            changes.push(Change::Rollout {
                key: will.key.clone(),
                from: ramp(was.start, &was.enrolment),
                to: ramp(will.start, &will.enrolment),
                serve: (was.serve != will.serve).then(|| will.serve.clone()),
                movement,
            });
        } else if was.except != will.except {
            changes.push(Change::KeptOut { of: Served::Rollout(will.key.clone()), movement });
        }
    }
}

fn holdouts(before: &FlagState, after: &FlagState, changes: &mut Vec<Change>) {
    let (mut was, will) = (kept(before), kept(after));
    for (key, to) in will {
        let from = was.remove(&key);
        if from.as_ref() != Some(&to) {
            changes.push(Change::Holdout { key, from, to: Some(to) });
        }
    }
    changes.extend(was.into_iter().map(|(key, from)| Change::Holdout { key, from: Some(from), to: None }));
}

/// Whom each holdout has of what a flag serves.
fn kept(flag: &FlagState) -> BTreeMap<HoldoutKey, HeldOut> {
    let mut kept = BTreeMap::new();
    for branch in flag.branches() {
        let except: &[Exception] = match branch {
            Branch::Experiment(experiment) => &experiment.except,
            Branch::Rollout(rollout) => &rollout.except,
            Branch::Holdout(holdout) => {
                let (share, until) = (holdout.units.share(), holdout.window.end());
                let serve = Some(holdout.serve.clone());
                kept.insert(holdout.key.clone(), HeldOut { share, until, serve });
                continue;
            }
            Branch::Override(_) | Branch::Rule { .. } => continue,
        };
        for Exception { holdout, until, units } in except {
            let held = HeldOut { share: units.share(), until: *until, serve: None };
            kept.entry(holdout.clone()).or_insert(held);
        }
    }
    kept
}
