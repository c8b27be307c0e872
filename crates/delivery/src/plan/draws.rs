//! What the draws of two forms of a flag serve the same units, with exact shares.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::enrolment::set;
use super::{Branch, Condition, Enrolment, Exception, FlagState, OverrideBranch, OverrideUnits, Unit};
use trialbook_model::allocation::{BucketSet, Purpose};
use trialbook_model::{BUCKETS, Salt, Share, Split, VariantKey};

/// What a flag decides at an instant, step by step.
pub(super) struct Program<'a> {
    /// Each with the number of its condition; `None`: everybody.
    steps: Vec<(Option<usize>, Step<'a>)>,
    /// What is served where no step decides.
    pub default: &'a VariantKey,
}

/// A step that decides for those whom its draws have.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step<'a> {
    drawn: Vec<Drawn<'a>>,
    serves: Serves<'a>,
}

/// A draw whose bucket must be among some, or among none of them.
#[derive(Debug, Clone, PartialEq)]
struct Drawn<'a> {
    draw: Draw<'a>,
    buckets: BucketSet,
    wanted: bool,
}

/// What is served by a step.
#[derive(Debug, Clone, PartialEq)]
enum Serves<'a> {
    One(&'a VariantKey),
    /// By a draw of its own.
    Split(Draw<'a>, &'a Split),
}

/// A draw: two of the same name give a unit the same number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Draw<'a> {
    purpose: Purpose,
    salt: &'a Salt,
    unit: &'a Unit,
}

impl<'a> Program<'a> {
    /// Returns what a flag decides at an instant; `number` gives a condition its number.
    pub(super) fn at(
        flag: &'a FlagState,
        at: Timestamp,
        number: &mut impl FnMut(&'a Condition) -> usize,
    ) -> Self {
        let unit = &flag.unit;
        let steps = flag.branches().iter().filter_map(|branch| match branch {
            // Named units are a hundred at most: no share of traffic.
            Branch::Override(OverrideBranch { who: OverrideUnits::Units(_), .. }) => None,
            Branch::Override(OverrideBranch {
                who: OverrideUnits::Segment { audience, .. },
                until,
                serve,
                ..
            }) => {
                let step = Step { drawn: Vec::new(), serves: Serves::One(serve) };
                (at < *until).then(|| (Some(number(audience)), step))
            }
            Branch::Rule { when, serve } => {
                Some((Some(number(when)), Step { drawn: Vec::new(), serves: Serves::One(serve) }))
            }
            Branch::Experiment(experiment) => {
                let window = experiment.window;
                let drawn = drawn(Purpose::Layer, &experiment.enrolment, &experiment.except, unit, at);
                let variant = Draw { purpose: Purpose::Variant, salt: &experiment.salt, unit };
                let step = Step { drawn, serves: Serves::Split(variant, &experiment.split) };
                (window.start() <= at && at < window.end())
                    .then(|| (Some(number(&experiment.audience)), step))
            }
            Branch::Rollout(rollout) => {
                let drawn = drawn(Purpose::Rollout, &rollout.enrolment, &rollout.except, unit, at);
                let step = Step { drawn, serves: Serves::One(&rollout.serve) };
                (rollout.start <= at).then(|| (Some(number(&rollout.audience)), step))
            }
            Branch::Holdout(holdout) => {
                let window = holdout.window;
                let drawn = drawn(Purpose::Holdout, &holdout.units, &[], unit, at);
                let step = Step { drawn, serves: Serves::One(&holdout.serve) };
                (window.start() <= at && at < window.end()).then_some((None, step))
            }
        });
        Self { steps: steps.collect(), default: &flag.default }
    }

    /// Returns the steps that concern a unit, up to the first that decides whatever is drawn.
    ///
    /// # Errors
    ///
    /// The number of the first condition of which it must be known whether it holds.
    pub(super) fn steps(&self, truths: &[Option<bool>]) -> Result<Vec<&Step<'a>>, usize> {
        let mut steps = Vec::new();
        for (condition, step) in &self.steps {
            if let Some(number) = condition {
                match truths.get(*number).copied().flatten() {
                    None => return Err(*number),
                    Some(false) => continue,
                    Some(true) => {}
                }
            }
            steps.push(step);
            if step.drawn.is_empty() && matches!(step.serves, Serves::One(_)) {
                break;
            }
        }
        Ok(steps)
    }
}

fn drawn<'a>(
    purpose: Purpose,
    enrolment: &'a Enrolment,
    except: &'a [Exception],
    unit: &'a Unit,
    at: Timestamp,
) -> Vec<Drawn<'a>> {
    let draw = |purpose, salt| Draw { purpose, salt, unit };
    let enrolled =
        Drawn { draw: draw(purpose, enrolment.salt()), buckets: set(enrolment.at(at)), wanted: true };
    let kept_out = except.iter().filter(|exception| at < exception.until).map(|exception| Drawn {
        draw: draw(Purpose::Holdout, exception.units.salt()),
        buckets: set(exception.units.buckets()),
        wanted: false,
    });
    std::iter::once(enrolled).chain(kept_out).collect()
}

/// What is known of a unit's draws.
#[derive(Clone, Default)]
struct Known<'a> {
    buckets: Vec<(Draw<'a>, BucketSet)>,
    /// Parts of `[0, 1 000 000)`.
    parts: Vec<(Draw<'a>, (u32, u32))>,
}

/// The shares of units by what both forms serve them: `(before, after)`.
pub(super) type Flows<'a> = BTreeMap<(&'a VariantKey, &'a VariantKey), f64>;

/// Returns what steps and defaults serve before and after, with the share of each pair.
pub(super) fn flows<'a>(
    before: (&[&Step<'a>], &'a VariantKey),
    after: (&[&Step<'a>], &'a VariantKey),
) -> Flows<'a> {
    let mut flows = Flows::new();
    decide(before.0, before.1, Known::default(), 1.0, &mut |known, share, from| {
        decide(after.0, after.1, known, share, &mut |_, share, to| {
            *flows.entry((from, to)).or_default() += share;
        });
    });
    flows
}

/// Runs steps for units of which something is known, and reports each outcome with its share.
fn decide<'a>(
    steps: &[&Step<'a>],
    default: &'a VariantKey,
    known: Known<'a>,
    share: f64,
    then: &mut dyn FnMut(Known<'a>, f64, &'a VariantKey),
) {
    let Some((step, rest)) = steps.split_first() else { return then(known, share, default) };
    enrol(&step.drawn, known, share, &mut |known, share, is_in| {
        if !is_in {
            return decide(rest, default, known, share, then);
        }
        match &step.serves {
            Serves::One(variant) => then(known, share, variant),
            Serves::Split(draw, split) => divide(*draw, split, &known, share, then),
        }
    });
}

/// Calls back for each part of the units, with whether all of the draws have them.
fn enrol<'a>(drawn: &[Drawn<'a>], known: Known<'a>, share: f64, then: &mut dyn FnMut(Known<'a>, f64, bool)) {
    let Some((first, rest)) = drawn.split_first() else { return then(known, share, true) };
    let all = known.buckets.iter().find(|(draw, _)| *draw == first.draw).map(|(_, buckets)| buckets.clone());
    let all = all.unwrap_or_else(BucketSet::all);
    let among = all.intersection(&first.buckets);
    let others = all.difference(&first.buckets);
    for (buckets, is_among) in [(among, true), (others, false)] {
        if buckets.is_empty() {
            continue;
        }
        let part = share * f64::from(buckets.count()) / f64::from(all.count().clamp(1, BUCKETS));
        let mut known = known.clone();
        known.buckets.retain(|(draw, _)| *draw != first.draw);
        known.buckets.push((first.draw, buckets));
        if is_among == first.wanted {
            enrol(rest, known, part, then);
        } else {
            then(known, part, false);
        }
    }
}

/// Divides units by the variant that they draw; the parts lie in the order of the split.
fn divide<'a>(
    draw: Draw<'a>,
    split: &'a Split,
    known: &Known<'a>,
    share: f64,
    then: &mut dyn FnMut(Known<'a>, f64, &'a VariantKey),
) {
    let all = known.parts.iter().find(|(other, _)| *other == draw).map(|(_, part)| *part);
    let (first, end) = all.unwrap_or((0, Share::ALL.ppm()));
    let mut begin = 0;
    for (variant, of) in split.shares() {
        let part = (first.max(begin), end.min(begin + of.ppm()));
        begin += of.ppm();
        if part.0 >= part.1 {
            continue;
        }
        let mut known = known.clone();
        known.parts.retain(|(other, _)| *other != draw);
        known.parts.push((draw, part));
        let fraction = f64::from(part.1 - part.0) / f64::from((end - first).max(1));
        then(known, share * fraction, variant);
    }
}
