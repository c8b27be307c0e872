//! What changes about one flag, in words.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{Branch, ExperimentBranch, FlagState, Movement, Serving};
use crate::model::{ExperimentKey, Schedule, ServedName, Share, VariantKey};

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
    },
    /// An experiment that was not served.
    ExperimentAdded {
        /// Which.
        key: ExperimentKey,
        /// When it is served.
        window: Schedule,
        /// The share of its audience that is enrolled.
        share: Share,
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
    Audience(ExperimentKey),
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

impl Change {
    /// Returns what turns one form of a flag into another, most telling first.
    pub fn between(before: &FlagState, after: &FlagState) -> Vec<Self> {
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
            changes.push(Self::Rules { from: was.len(), to: will.len() });
        }
        experiments(before, after, &mut changes);
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
        changes.extend(flag.experiments().map(Self::added));
        changes
    }

    fn added(branch: &ExperimentBranch) -> Self {
        Self::ExperimentAdded {
            key: branch.key.clone(),
            window: branch.window,
            share: branch.enrolment.share(),
            everyone: branch.audience.is_everyone(),
        }
    }
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

fn experiments(before: &FlagState, after: &FlagState, changes: &mut Vec<Change>) {
    for was in before.experiments() {
        if !after.experiments().any(|will| will.key == was.key) {
            let movement = Movement::between(Some(was), None);
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
            changes.push(Change::Audience(key.clone()));
        }
        let redrawn =
            (&was.split, &was.salt, was.enrolment.salt()) != (&will.split, &will.salt, will.enrolment.salt());
        if redrawn || was.enrolment != will.enrolment {
            changes.push(Change::Allocation {
                key: key.clone(),
                from: was.enrolment.share(),
                to: will.enrolment.share(),
                redrawn,
                movement: Movement::between(Some(was), Some(will)),
            });
        }
    }
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

impl fmt::Display for Movement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts =
            [(self.enters, "come in"), (self.leaves, "fall out"), (self.switches, "get another variant")];
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
            Self::Archived => write!(f, "no longer served"),
            Self::Adopted => write!(f, "taken over: its present content is replaced"),
            Self::Reverted => write!(f, "what was changed by hand is put back"),
            Self::Switched { on: true } => write!(f, "switched on"),
            Self::Switched { on: false } => write!(f, "switched off: everybody gets the default"),
            Self::Default { from, to } => write!(f, "default `{from}` → `{to}`"),
            Self::VariantAdded(variant) => write!(f, "variant `{variant}` added"),
            Self::VariantRemoved(variant) => write!(f, "variant `{variant}` removed"),
            Self::Value(variant) => write!(f, "value of `{variant}` changed"),
            Self::Rules { from, to } if from == to => write!(f, "rules changed ({to})"),
            Self::Rules { from, to } => write!(f, "rules changed ({from} → {to})"),
            Self::ExperimentAdded { key, window, share, everyone } => {
                let (start, end) = (Moment(window.start()), Moment(window.end()));
                let of = if *everyone { "everybody" } else { "its audience" };
                write!(f, "experiment `{key}` from {start}: {share} of {of}, served until {end} at most")
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
            Self::Audience(key) => write!(f, "experiment `{key}` has another audience"),
            Self::Allocation { key, from, to, redrawn, movement } => {
                write!(f, "experiment `{key}`")?;
                if from != to {
                    write!(f, " {from} → {to}")?;
                }
                let what = if *redrawn { " with other weights or another salt" } else { "" };
                let what = if from == to && !redrawn { " in other buckets" } else { what };
                write!(f, "{what}: {movement}")
            }
            Self::Unit => write!(f, "another unit of randomisation"),
            Self::Owner { from, to } => write!(f, "owner {from} → {to}"),
        }
    }
}
