//! From claims on units to strategies.
//!
//! A strategy of Unleash takes a share of units from the beginning of a draw, in whole percents, and whom it takes no later
//! strategy sees. So the first units of a draw are one strategy, and whoever is not among them is passed on. Other ranges of
//! a draw are pieces: for each, whoever is in it and not claimed is served the default by a strategy that ends the piece. So
//! only what comes last in a flag can have them, and all of it by one draw. The same holds for the units of a holdout: they
//! are served their default before anything else, which is right where every later claim leaves them out.

use jiff::Timestamp;

use super::strategy::{Outcome, Strategies, Who};
use crate::plan::{Branch, Condition, Enrolment, Exception, ExperimentBranch, HoldoutBranch, RolloutBranch};
use trialbook_model::allocation::{BucketSet, Draw, Purpose};
use trialbook_model::{BucketRange, Salt};

/// How many buckets a percent has.
const PERCENT: u32 = 100;

/// An experiment or a rollout.
struct Claim<'a> {
    name: String,
    start: Timestamp,
    end: Option<Timestamp>,
    audience: &'a Condition,
    enrolment: &'a Enrolment,
    except: &'a [Exception],
    purpose: Purpose,
    outcome: Outcome<'a>,
}

impl<'a> Claim<'a> {
    fn of(branch: &'a Branch) -> Option<Self> {
        match branch {
            Branch::Experiment(experiment) => Some(Self::experiment(experiment)),
            Branch::Rollout(rollout) => Some(Self::rollout(rollout)),
            Branch::Override(_) | Branch::Rule { .. } | Branch::Holdout(_) => None,
        }
    }

    fn experiment(branch: &'a ExperimentBranch) -> Self {
        Self {
            name: format!("experiment {}", branch.key),
            start: branch.window.start(),
            end: Some(branch.window.end()),
            audience: &branch.audience,
            enrolment: &branch.enrolment,
            except: &branch.except,
            purpose: Purpose::Layer,
            outcome: Outcome::Arms(&branch.key, &branch.split),
        }
    }

    fn rollout(branch: &'a RolloutBranch) -> Self {
        Self {
            name: format!("rollout {}", branch.key),
            start: branch.start,
            end: None,
            audience: &branch.audience,
            enrolment: &branch.enrolment,
            except: &branch.except,
            purpose: Purpose::Rollout,
            outcome: Outcome::Plain(&branch.serve),
        }
    }

    /// Returns what it has from when on, the first from its start.
    fn steps(&self) -> impl Iterator<Item = (Timestamp, &'a [BucketRange])> {
        let later =
            self.enrolment.grows().iter().map(|step| (step.at.max(self.start), step.buckets.as_slice()));
        std::iter::once((self.start, self.enrolment.buckets())).chain(later)
    }

    fn draw(&self) -> (Purpose, &'a Salt) {
        (self.purpose, self.enrolment.salt())
    }

    /// Tells whether it has the first units of its draw at all times.
    fn is_prefix(&self) -> bool {
        self.steps().all(|(_, buckets)| matches!(buckets, [only] if only.first() == 0))
    }

    fn who(&self, at: Timestamp, percent: u32) -> Who<'a> {
        let group = Draw { purpose: self.purpose, salt: self.enrolment.salt() }.group();
        Who { from: Some(at), until: self.end, audience: Some(self.audience), draw: Some((group, percent)) }
    }
}

/// Adds what experiments, rollouts and holdouts claim, from the first of them to the end of the flag.
///
/// # Errors
///
/// Where strategies cannot serve that, as a fragment that names the nearest that they can.
pub(super) fn claims<'a>(branches: &'a [Branch], strategies: &mut Strategies<'a>) -> Result<(), String> {
    let claims: Vec<Claim<'_>> = branches.iter().filter_map(Claim::of).collect();
    for claim in &claims {
        whole_percents(&claim.name, claim.enrolment)?;
    }
    let except = claims.first().map(|claim| claim.except).unwrap_or_default();
    if let Some(other) = claims.iter().find(|claim| claim.except != except) {
        let holdout = except.iter().chain(other.except).map(|exception| exception.holdout.as_str()).next();
        return Err(format!(
            "holdout `{}` keeps units from some of what it serves and not from {}: in Unleash a holdout covers all or \
             nothing of a flag; give the flag one experiment or rollout at a time",
            holdout.unwrap_or_default(),
            other.name
        ));
    }
    let holdouts: Vec<&HoldoutBranch> = branches
        .iter()
        .filter_map(|branch| match branch {
            Branch::Holdout(holdout) => Some(holdout),
            _ => None,
        })
        .collect();
    let covers = |holdout: &&HoldoutBranch| {
        except.iter().any(|exception| exception.holdout == holdout.key && exception.units == holdout.units)
    };
    let first = !except.is_empty() && holdouts.iter().all(covers);
    if !except.is_empty() && !first {
        return Err("holdouts keep different units from it, some of them their former default".into());
    }
    if first {
        former_defaults(&holdouts, strategies)?;
        for exception in except {
            let name = format!("holdout {}", exception.holdout);
            prefix(&name, &exception.units)?;
            let draw = (holdout_group(&exception.units), percents(exception.units.buckets()));
            let who = Who { from: None, until: Some(exception.until), audience: None, draw: Some(draw) };
            strategies.push(&name, &who, Outcome::Default)?;
        }
    }
    let passing = claims.iter().take_while(|claim| claim.is_prefix()).count();
    let (passing, last) = claims.split_at(passing);
    for claim in passing {
        for (at, buckets) in claim.steps() {
            strategies.push(&claim.name, &claim.who(at, percents(buckets)), claim.outcome)?;
        }
    }
    if !last.is_empty() && !first && !holdouts.is_empty() {
        return Err(
            "a holdout keeps a former default for units that its layer leaves out: Unleash cannot serve both"
                .into(),
        );
    }
    pieces(last, strategies)?;
    if first { Ok(()) } else { former_defaults(&holdouts, strategies) }
}

fn former_defaults<'a>(
    holdouts: &[&'a HoldoutBranch],
    strategies: &mut Strategies<'a>,
) -> Result<(), String> {
    for holdout in holdouts {
        let name = format!("holdout {}", holdout.key);
        prefix(&name, &holdout.units)?;
        let draw = (holdout_group(&holdout.units), percents(holdout.units.buckets()));
        let (from, until) = (Some(holdout.window.start()), Some(holdout.window.end()));
        let who = Who { from, until, audience: None, draw: Some(draw) };
        strategies.push(&name, &who, Outcome::Plain(&holdout.serve))?;
    }
    Ok(())
}

fn holdout_group(units: &Enrolment) -> String {
    Draw::holdout(units.salt()).group()
}

/// How many percents the first range is.
fn percents(buckets: &[BucketRange]) -> u32 {
    buckets.first().map_or(0, |range| range.count() / PERCENT)
}

fn prefix(name: &str, units: &Enrolment) -> Result<(), String> {
    whole_percents(name, units)?;
    match units.buckets() {
        [only] if only.first() == 0 && units.grows().is_empty() => Ok(()),
        _ => Err(format!("{name} has other units than the first ones of its draw")),
    }
}

/// Refuses what does not begin and end at a whole percent.
fn whole_percents(name: &str, enrolment: &Enrolment) -> Result<(), String> {
    let steps = enrolment.grows().iter().map(|step| step.buckets.as_slice());
    for range in std::iter::once(enrolment.buckets()).chain(steps).flatten() {
        if range.first() % PERCENT != 0 || (range.last() + 1) % PERCENT != 0 {
            let nearest = |edge: u32| (edge + PERCENT / 2) / PERCENT * PERCENT;
            let first = nearest(range.first()).min(10_000 - PERCENT);
            let last = nearest(range.last() + 1).max(first + PERCENT) - 1;
            return Err(format!(
                "{name} has the buckets {}-{}, and Unleash enrols in whole percents, of 100 buckets each; the nearest are \
                 {first}-{last}",
                range.first(),
                range.last()
            ));
        }
    }
    Ok(())
}

/// Adds what is claimed in pieces of one draw.
fn pieces<'a>(claims: &[Claim<'a>], strategies: &mut Strategies<'a>) -> Result<(), String> {
    let Some(first) = claims.first() else { return Ok(()) };
    if let Some(other) = claims.iter().find(|claim| claim.draw() != first.draw()) {
        return Err(format!(
            "{} has units from the middle of a draw and {} draws in another way: in Unleash one of them can be served at a \
             time, or both from one layer",
            first.name, other.name
        ));
    }
    let mut ends: Vec<u32> = claims
        .iter()
        .flat_map(Claim::steps)
        .flat_map(|(_, buckets)| buckets)
        .flat_map(|range| [range.first(), range.last() + 1])
        .collect();
    ends.sort_unstable();
    ends.dedup();
    let group = Draw { purpose: first.purpose, salt: first.enrolment.salt() }.group();
    let mut begin = 0;
    for end in ends.iter().copied().filter(|end| *end > 0) {
        for claim in claims {
            let holds =
                |buckets: &[BucketRange]| buckets.iter().copied().collect::<BucketSet>().contains(begin);
            if let Some((at, _)) = claim.steps().find(|(_, buckets)| holds(buckets)) {
                strategies.push(&claim.name, &claim.who(at, end / PERCENT), claim.outcome)?;
            }
        }
        // After the last piece everybody is served the default in any case.
        if Some(&end) != ends.last() {
            let draw = (group.clone(), end / PERCENT);
            let who = Who { from: None, until: None, audience: None, draw: Some(draw) };
            strategies.push("nobody", &who, Outcome::Default)?;
        }
        begin = end;
    }
    Ok(())
}
