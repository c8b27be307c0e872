//! How much of an audience is left for an experiment or a rollout, and what takes the rest before it.

use std::borrow::Cow;

use super::collision::Served;
use super::inspection::Inspection;
use super::text::percent;
use super::traffic::Traffic;
use trialbook_model::allocation::Claimant;
use trialbook_model::{Flag, ForcedUnits, Holdout, Kind, Predicate};

/// What is left of an audience.
pub(super) struct Left {
    /// The share of all users that the audience is.
    pub(super) all: f64,
    /// The share of all users that is left of it.
    pub(super) left: f64,
    /// What takes parts of it, in words, the largest part first; each part is a share of the audience.
    pub(super) takers: Vec<String>,
    /// Whether all of them are rules of the flag.
    pub(super) only_rules: bool,
}

/// What takes a part of an audience.
struct Taker {
    part: f64,
    words: String,
}

/// Works out what is left for something that a flag serves after its rules, in the primary target. `None` where the shares of
/// traffic are not known, or nobody is in the audience.
///
/// In the order of evaluation: overrides for segments, rules, holdouts, and what of the flag is asked before it and served at the
/// same time. A draw takes the same part of every audience, unless both draw from one layer.
pub(super) fn left(
    context: &Inspection<'_>,
    flag: &Flag,
    served: &Served<'_>,
    holdouts: &[&Holdout],
) -> Option<Left> {
    let book = context.book;
    let audience = book.inlined(served.audience());
    let all = share(context, &audience).filter(|all| *all > 0.0)?;
    let mut reaching = Reaching { context, parts: vec![audience], all, takers: Vec::new() };
    for forced in segments_served_first(context, flag) {
        let (experiment, segment, serve) = forced;
        let when = book.inlined(&Predicate::Segment(segment.clone()));
        reaching.take(when, |part| {
            format!("an override of `{experiment}` serves `{serve}` to segment `{segment}`, {part} of this audience")
        });
    }
    let forced = reaching.takers.len();
    let target = book.primary_target();
    let in_target = target.map_or(Cow::Borrowed(flag), |target| flag.in_target(&target.key));
    for (at, rule) in in_target.rules.iter().enumerate() {
        reaching.take(book.inlined(&rule.when), |part| {
            format!("rule {} of the flag serves `{}` to {part} of this audience", at + 1, rule.serve)
        });
    }
    let reached = reaching.now()?;
    let mut left = reached;
    let mut draws = Vec::new();
    for holdout in holdouts {
        let part = holdout.share.fraction();
        left *= 1.0 - part;
        draws.push(format!("holdout `{}` keeps out {} of the units", holdout.key, percent(part)));
    }
    for earlier in asked_before(context, flag, served) {
        let met = reaching.with(&book.inlined(earlier.audience()))? / reached.max(f64::MIN_POSITIVE);
        let (ours, theirs) = (served.enrolment(book), earlier.enrolment(book));
        let drawn = if ours.draw == theirs.draw {
            ours.in_both(&theirs) / ours.share().max(f64::MIN_POSITIVE)
        } else {
            theirs.share()
        };
        let part = met * drawn;
        if part > 0.0 {
            left *= (1.0 - part).max(0.0);
            draws.push(format!(
                "{} `{}` comes first and takes {} of the units",
                earlier.kind(),
                earlier.key(),
                percent(part)
            ));
        }
    }
    let only_rules = forced == 0 && draws.is_empty();
    let mut takers = reaching.takers;
    takers.sort_by(|a, b| b.part.total_cmp(&a.part));
    let takers = takers.into_iter().map(|taker| taker.words).chain(draws).collect();
    Some(Left { all, left, takers, only_rules })
}

/// Who is left of an audience while one after the other takes a part.
struct Reaching<'c, 'a> {
    context: &'c Inspection<'a>,
    /// The audience, and the opposite of everything that was asked so far.
    parts: Vec<Predicate>,
    all: f64,
    takers: Vec<Taker>,
}

impl Reaching<'_, '_> {
    /// Takes whom a predicate matches.
    fn take(&mut self, when: Predicate, words: impl FnOnce(&str) -> String) {
        let part = self.with(&when).unwrap_or(0.0) / self.all;
        self.parts.push(Predicate::Not(Box::new(when)));
        if part > 0.0 {
            self.takers.push(Taker { part, words: words(&percent(part)) });
        }
    }

    /// Returns the share of all users that is left and matches.
    fn with(&self, when: &Predicate) -> Option<f64> {
        let parts = self.parts.iter().chain([when]).cloned().collect();
        share(self.context, &Predicate::All(parts))
    }

    /// Returns the share of all users that is left.
    fn now(&self) -> Option<f64> {
        share(self.context, &Predicate::All(self.parts.clone()))
    }
}

/// Returns the overrides for segments of the flag's experiments that still count, in the order in which they are asked: the
/// experiment, the segment, and what it is served.
fn segments_served_first<'a>(
    context: &Inspection<'a>,
    flag: &Flag,
) -> Vec<(&'a str, &'a trialbook_model::SegmentKey, &'a trialbook_model::VariantKey)> {
    let open = context.book.experiments_of(&flag.key).filter(|experiment| context.undecided(experiment));
    open.flat_map(|experiment| {
        experiment.overrides.iter().filter_map(|forced| match &forced.who {
            ForcedUnits::Segment(segment) => Some((experiment.key.as_str(), segment, &forced.serve)),
            ForcedUnits::Units(_) => None,
        })
    })
    .collect()
}

/// Returns what of a flag is asked before something and served at the same time: experiments by key, then rollouts by key.
fn asked_before<'a>(context: &Inspection<'a>, flag: &Flag, served: &Served<'_>) -> Vec<Served<'a>> {
    let book = context.book;
    let order =
        |served: &Served<'_>| (matches!(served.claimant, Claimant::Rollout(_)), served.key().to_owned());
    let own = order(served);
    let open = book.experiments_of(&flag.key).filter(|experiment| context.undecided(experiment));
    let experiments = open.filter_map(|experiment| {
        let window = book.serving_window(experiment)?;
        Some(Served { window, ..Served::of_experiment(experiment) })
    });
    let rollouts = book.rollouts_of(&flag.key).map(Served::of_rollout);
    let all = experiments.chain(rollouts);
    let before = all.filter(|other| order(other) < own && other.window.meets(&served.window));
    before.filter(|other| other.kind() != Kind::Rollout || served.kind() == Kind::Rollout).collect()
}

fn share(context: &Inspection<'_>, audience: &Predicate) -> Option<f64> {
    Some(match context.traffic(audience)? {
        Traffic::Declared(share) => share,
        Traffic::Sampled(measured) => measured.share,
    })
}
