//! What changes about one flag, in words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::audience::{Audience, RuleChange, rule_changes};
use super::{
    Branch, Enrolment, Exception, ExperimentBranch, FlagState, Movement, RolloutBranch, Serving, Step,
};
use trialbook_model::{
    Attribute, AttributeKey, ExperimentKey, HoldoutKey, RolloutKey, Schedule, ServedName, Share, VariantKey,
};

/// One thing that changes about a flag. Its `Display` is a line for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The flag was not served.
    Created {
        /// What everybody gets where nothing else decides.
        default: VariantKey,
        /// How many plain variants it has.
        variants: usize,
    },
    /// The flag was served, and somebody took it away: it comes back, with its launches.
    Restored,
    /// The flag will not be served.
    Archived,
    /// The flag belonged to somebody else, or to nobody.
    Adopted,
    /// What was changed by hand is put back.
    Reverted,
    /// The kill switch.
    Switched {
        /// Whether it is on from now.
        on: bool,
    },
    /// Another default.
    Default {
        /// What it was.
        from: VariantKey,
        /// What it will be.
        to: VariantKey,
    },
    /// A variant that was not there.
    VariantAdded(VariantKey),
    /// A variant that will not be there.
    VariantRemoved(VariantKey),
    /// A variant with another value.
    Value(VariantKey),
    /// Other rules, or another order of them.
    Rules {
        /// How many there were.
        from: usize,
        /// How many there will be.
        to: usize,
        /// Which of them are others, in their order; not all of many.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rules: Vec<RuleChange>,
    },
    /// The plan of an experiment that has not begun replaces the one that was recorded.
    PlanReplaced {
        /// Which experiment.
        key: ExperimentKey,
        /// When it begins, and its plan is frozen.
        start: Timestamp,
    },
    /// An experiment that was not served.
    ExperimentAdded {
        /// Which.
        key: ExperimentKey,
        /// When it is served.
        window: Schedule,
        /// The share of its audience that is enrolled at first.
        share: Share,
        /// When it is larger.
        grows: Vec<Growth>,
        /// Whether everybody is its audience.
        everyone: bool,
    },
    /// An experiment that will not be served.
    ExperimentRemoved {
        /// Which.
        key: ExperimentKey,
        /// Who falls back to the flag's rules and default.
        movement: Movement,
    },
    /// Another serving window.
    Window {
        /// Which experiment.
        key: ExperimentKey,
        /// When it was to be served.
        from: Schedule,
        /// When it will be.
        to: Schedule,
    },
    /// Another audience.
    Audience {
        /// Which experiment.
        key: ExperimentKey,
        /// Who it was.
        from: Audience,
        /// Who it will be.
        to: Audience,
    },
    /// Another enrolment or split.
    Allocation {
        /// Which experiment.
        key: ExperimentKey,
        /// The share that was enrolled.
        from: Share,
        /// The share that will be.
        to: Share,
        /// Whether the variants' shares or a salt change too.
        redrawn: bool,
        /// Who moves.
        movement: Movement,
    },
    /// Other steps of a ramp that ends at the same share.
    Ramp {
        /// Which experiment.
        key: ExperimentKey,
        /// Who moves.
        movement: Movement,
    },
    /// A rollout that was not served.
    RolloutAdded {
        /// Which.
        key: RolloutKey,
        /// What it serves.
        serve: VariantKey,
        /// From when on.
        start: Timestamp,
        /// The share of its audience that it reaches at first.
        share: Share,
        /// When it reaches more.
        grows: Vec<Growth>,
        /// Whether everybody is its audience.
        everyone: bool,
    },
    /// A rollout that will not be served.
    RolloutRemoved {
        /// Which.
        key: RolloutKey,
        /// Who falls back to what comes after it.
        movement: Movement,
    },
    /// A rollout with other steps, another salt or another variant.
    Rollout {
        /// Which.
        key: RolloutKey,
        /// The largest share that was to be served.
        from: Share,
        /// The largest share that will be.
        to: Share,
        /// The variant, where it is another than before.
        serve: Option<VariantKey>,
        /// Who moves.
        movement: Movement,
    },
    /// A rollout with another audience.
    RolloutAudience {
        /// Which.
        key: RolloutKey,
        /// Who it was.
        from: Audience,
        /// Who it will be.
        to: Audience,
    },
    /// A holdout that keeps units from what the flag serves, or does so no longer, or otherwise.
    Holdout {
        /// Which.
        key: HoldoutKey,
        /// Whom it kept.
        from: Option<HeldOut>,
        /// Whom it will keep.
        to: Option<HeldOut>,
    },
    /// Other holdouts keep units from an experiment or a rollout.
    KeptOut {
        /// From which.
        of: Served,
        /// Who moves.
        movement: Movement,
    },
    /// Another unit of randomisation.
    Unit,
    /// Another owner; nobody is served anything else.
    Owner {
        /// Who it was.
        from: String,
        /// Who it will be.
        to: String,
    },
}

/// From an instant on, a larger share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Growth {
    /// From when on.
    pub at: Timestamp,
    /// The share of the audience.
    pub share: Share,
}

/// Whom a holdout has of a flag's units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldOut {
    /// The share of all units.
    pub share: Share,
    /// When it ends.
    pub until: Timestamp,
    /// What they are served in place of the default, where that has changed since the holdout began.
    pub serve: Option<VariantKey>,
}

/// What a flag serves by a draw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Served {
    /// An experiment.
    Experiment(ExperimentKey),
    /// A rollout.
    Rollout(RolloutKey),
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Experiment(key) => write!(f, "experiment `{key}`"),
            Self::Rollout(key) => write!(f, "rollout `{key}`"),
        }
    }
}

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
            changes.push(Self::Unit);
        }
        variants(before, after, &mut changes);
        // What the kill switch does to the rules is said already.
        if let (Some(was), Some(will)) = (rules(before), rules(after))
            && was != will
        {
            let rules = rule_changes(&was, &will);
            changes.push(Self::Rules { from: was.len(), to: will.len(), rules });
        }
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
        let held = kept(flag).into_iter().map(|(key, to)| Self::Holdout { key, from: None, to: Some(to) });
        changes.extend(held);
        changes.extend(flag.experiments().map(Self::added));
        changes.extend(flag.rollouts().map(Self::released));
        changes
    }

    /// Fills in the shares of traffic that the audiences are, by what the book declares.
    pub(super) fn measure(&mut self, attributes: Option<&BTreeMap<AttributeKey, Attribute>>) {
        match self {
            Self::Audience { from, to, .. } | Self::RolloutAudience { from, to, .. } => {
                from.measure(attributes);
                to.measure(attributes);
            }
            Self::Rules { rules, .. } => {
                let both = rules.iter_mut().flat_map(|rule| [&mut rule.from, &mut rule.to]);
                both.flatten().for_each(|rule| rule.when.measure(attributes));
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
    let step = |step: &Step| Growth { at: step.at, share: enrolment.share_at(step.at) };
    enrolment.grows().iter().map(step).collect()
}

fn variants(before: &FlagState, after: &FlagState, changes: &mut Vec<Change>) {
    let plain = |flag: &FlagState| -> BTreeSet<VariantKey> {
        let names = flag.entries.keys().filter(|name| name.experiment().is_none());
        names.map(|name| name.variant().clone()).collect()
    };
    let (was, will) = (plain(before), plain(after));
    changes.extend(will.difference(&was).cloned().map(Change::VariantAdded));
    changes.extend(was.difference(&will).cloned().map(Change::VariantRemoved));
    for variant in was.intersection(&will) {
        let name = ServedName::Plain(variant.clone());
        if before.entries.get(&name) != after.entries.get(&name) {
            changes.push(Change::Value(variant.clone()));
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
            let movement = Movement::of_experiment(Some(was), None, now);
            changes.push(Change::ExperimentRemoved { key: was.key.clone(), movement });
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
            let (from, to) = (Audience::new(&was.audience), Audience::new(&will.audience));
            changes.push(Change::Audience { key: key.clone(), from, to });
        }
        let redrawn =
            (&was.split, &was.salt, was.enrolment.salt()) != (&will.split, &will.salt, will.enrolment.salt());
        let movement = Movement::of_experiment(Some(was), Some(will), now);
        if redrawn || was.enrolment.largest() != will.enrolment.largest() {
            changes.push(Change::Allocation {
                key: key.clone(),
                from: was.enrolment.share(),
                to: will.enrolment.share(),
                redrawn,
                movement,
            });
        } else if was.enrolment != will.enrolment {
            changes.push(Change::Ramp { key: key.clone(), movement });
        } else if was.except != will.except {
            changes.push(Change::KeptOut { of: Served::Experiment(key.clone()), movement });
        }
    }
}

fn rollouts(before: &FlagState, after: &FlagState, now: Timestamp, changes: &mut Vec<Change>) {
    for was in before.rollouts() {
        if !after.rollouts().any(|will| will.key == was.key) {
            let movement = Movement::of_rollout(Some(was), None, now);
            changes.push(Change::RolloutRemoved { key: was.key.clone(), movement });
        }
    }
    for will in after.rollouts() {
        let Some(was) = before.rollouts().find(|was| was.key == will.key) else {
            changes.push(Change::released(will));
            continue;
        };
        if was.audience != will.audience {
            let (from, to) = (Audience::new(&was.audience), Audience::new(&will.audience));
            changes.push(Change::RolloutAudience { key: will.key.clone(), from, to });
        }
        let movement = Movement::of_rollout(Some(was), Some(will), now);
        if (was.start, &was.enrolment, &was.serve) != (will.start, &will.enrolment, &will.serve) {
            changes.push(Change::Rollout {
                key: will.key.clone(),
                from: was.enrolment.share(),
                to: will.enrolment.share(),
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
            Branch::Rule { .. } => continue,
        };
        for Exception { holdout, until, units } in except {
            let held = HeldOut { share: units.share(), until: *until, serve: None };
            kept.entry(holdout.clone()).or_insert(held);
        }
    }
    kept
}

/// `2026-11-25` at midnight UTC, the whole instant otherwise.
struct Moment(Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.0.to_zoned(TimeZone::UTC).datetime();
        if civil.time() == jiff::civil::Time::midnight() {
            write!(f, "{}", civil.date())
        } else {
            write!(f, "{}", self.0)
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn audience(everyone: bool) -> &'static str {
    if everyone { "everybody" } else { "its audience" }
}

/// `, 10% from 2026-11-27, 100% from 2026-12-01`.
fn later(f: &mut fmt::Formatter<'_>, grows: &[Growth]) -> fmt::Result {
    grows.iter().try_for_each(|growth| write!(f, ", {} from {}", growth.share, Moment(growth.at)))
}

impl fmt::Display for HeldOut {
    /// Writes whom it has: `5% of all units out until 2027-01-01, with `plain``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of all units out until {}", self.share, Moment(self.until))?;
        self.serve.iter().try_for_each(|serve| write!(f, ", with `{serve}`"))
    }
}

impl fmt::Display for Movement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [(self.enters, "enter"), (self.leaves, "leave"), (self.switches, "get another variant")];
        let parts = parts.into_iter().filter(|(share, _)| *share > 0.0);
        let parts: Vec<_> = parts.map(|(share, what)| format!("{} {what}", percent(share))).collect();
        match parts.as_slice() {
            [] => write!(f, "nobody moves")?,
            parts => write!(f, "of its audience, {}", parts.join(", "))?,
        }
        if self.enters > 0.0 && !self.disturbs() { write!(f, "; nobody else moves") } else { Ok(()) }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { default, variants } => {
                write!(f, "new flag with {variants} variants, `{default}` by default")
            }
            Self::Restored => write!(f, "was removed from the target by hand: it is put back"),
            Self::PlanReplaced { key, start } => write!(
                f,
                "experiment `{key}` has not begun: its plan replaces the recorded one, and is frozen on {}",
                Moment(*start)
            ),
            Self::Archived => write!(f, "no longer served"),
            Self::Adopted => write!(f, "taken over: its present content is replaced"),
            Self::Reverted => write!(f, "what was changed by hand is put back"),
            Self::Switched { on: true } => write!(f, "switched on"),
            Self::Switched { on: false } => write!(f, "switched off: everybody gets the default"),
            Self::Default { from, to } => write!(f, "default `{from}` → `{to}`"),
            Self::VariantAdded(variant) => write!(f, "variant `{variant}` added"),
            Self::VariantRemoved(variant) => write!(f, "variant `{variant}` removed"),
            Self::Value(variant) => write!(f, "value of `{variant}` changed"),
            Self::Rules { from, to, .. } if from == to => write!(f, "rules changed ({to})"),
            Self::Rules { from, to, .. } => write!(f, "rules changed ({from} → {to})"),
            Self::ExperimentAdded { key, window, share, grows, everyone } => {
                let (start, end) = (Moment(window.start()), Moment(window.end()));
                write!(f, "experiment `{key}` from {start}: {share} of {}", audience(*everyone))?;
                later(f, grows)?;
                write!(f, ", served until {end} at most")
            }
            Self::ExperimentRemoved { key, movement } => {
                let leaves = percent(movement.leaves);
                write!(
                    f,
                    "experiment `{key}` is no longer served: {leaves} of its audience fall back to the rules and the default"
                )
            }
            Self::Window { key, from, to } => {
                let (a, b, c, d) =
                    (Moment(from.start()), Moment(from.end()), Moment(to.start()), Moment(to.end()));
                write!(f, "experiment `{key}` served {a} … {b} → {c} … {d}")
            }
            Self::Audience { key, .. } => write!(f, "experiment `{key}` has another audience"),
            Self::Allocation { key, from, to, redrawn, movement } => {
                write!(f, "experiment `{key}`")?;
                if from != to {
                    write!(f, " {from} → {to}")?;
                }
                let what = if *redrawn { " with other weights or another salt" } else { "" };
                let what = if from == to && !redrawn { " in other buckets" } else { what };
                write!(f, "{what}: {movement}")
            }
            Self::Ramp { key, movement } => write!(f, "ramp of experiment `{key}` changed: {movement}"),
            Self::RolloutAdded { key, serve, start, share, grows, everyone } => {
                let (start, of) = (Moment(*start), audience(*everyone));
                write!(f, "rollout `{key}`: {share} of {of} get `{serve}` from {start}")?;
                later(f, grows)
            }
            Self::RolloutRemoved { key, movement } => {
                let leaves = percent(movement.leaves);
                write!(
                    f,
                    "rollout `{key}` is no longer served: {leaves} of its audience fall back to what comes after it"
                )
            }
            Self::Rollout { key, from, to, serve, movement } => {
                write!(f, "rollout `{key}`")?;
                if let Some(serve) = serve {
                    write!(f, " serves `{serve}`")?;
                }
                match (from == to, serve) {
                    (true, None) => write!(f, " has other steps: {movement}"),
                    (true, Some(_)) => write!(f, ": {movement}"),
                    (false, _) => write!(f, " {from} → {to}: {movement}"),
                }
            }
            Self::RolloutAudience { key, .. } => write!(f, "rollout `{key}` has another audience"),
            Self::Holdout { key, from: None, to: Some(to) } => write!(f, "holdout `{key}` keeps {to}"),
            Self::Holdout { key, from: Some(from), to: Some(to) } => {
                write!(f, "holdout `{key}` keeps {to}; it kept {from}")
            }
            Self::Holdout { key, to: None, .. } => write!(f, "holdout `{key}` keeps nobody any more"),
            Self::KeptOut { of, movement } => write!(f, "{of} with other units held out: {movement}"),
            Self::Unit => write!(f, "another unit of randomisation"),
            Self::Owner { from, to } => write!(f, "owner {from} → {to}"),
        }
    }
}
