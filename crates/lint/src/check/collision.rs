//! What is served of a flag after its rules, and which two of it are served at one time: experiments and rollouts.

use std::fmt::Display;

use jiff::Timestamp;

use super::audience::described;
use super::inspection::Inspection;
use super::reach::Reach;
use super::rule::Rule;
use super::text::percent;
use super::traffic::Traffic;
use trialbook_model::allocation::{BucketSet, Claimant, Draw, Enrolment, enrolment};
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::targeting::{Overlap, UndecidedReason, Witness, Work, meet_within};
use trialbook_model::{Book, Experiment, Flag, Kind, LayerKey, PartName, Predicate, Rollout, Schedule};

/// An experiment or a rollout, with when it is served.
#[derive(Clone, Copy)]
pub(super) struct Served<'a> {
    pub(super) claimant: Claimant<'a>,
    pub(super) window: Schedule,
}

/// Two of a flag that are served at the same time.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    /// The one that begins first; of two that begin together, the one that is tried first.
    pub(super) earlier: Served<'a>,
    /// The other one.
    pub(super) later: Served<'a>,
}

impl<'a> Served<'a> {
    /// Returns what a flag's units may be served after its rules. What is concluded is over, and no edit can change it.
    fn all(context: &Inspection<'a>, flag: &Flag) -> Vec<Self> {
        let book = context.book;
        let undecided = book.experiments_of(&flag.key).filter(|experiment| context.undecided(experiment));
        let experiments = undecided.filter_map(|experiment| {
            let window = book.serving_window(experiment)?;
            Some(Self { window, ..Self::of_experiment(experiment) })
        });
        let rollouts = book.rollouts_of(&flag.key).map(Self::of_rollout);
        experiments.chain(rollouts).collect()
    }

    /// An experiment with its schedule, whether or not anything serves it.
    pub(super) fn of_experiment(experiment: &'a Experiment) -> Self {
        Self { claimant: Claimant::Experiment(experiment), window: experiment.schedule }
    }

    /// A rollout with when it is served.
    pub(super) fn of_rollout(rollout: &'a Rollout) -> Self {
        Self { claimant: Claimant::Rollout(rollout), window: rollout.serving_window() }
    }

    pub(super) fn experiment(&self) -> Option<&'a Experiment> {
        match self.claimant {
            Claimant::Experiment(experiment) => Some(experiment),
            Claimant::Rollout(_) => None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.claimant {
            Claimant::Experiment(_) => Kind::Experiment,
            Claimant::Rollout(_) => Kind::Rollout,
        }
    }

    pub(super) fn key(&self) -> &'a str {
        self.claimant.key()
    }

    fn part(&self) -> PartName {
        PartName::new(self.kind(), self.key())
    }

    pub(super) fn audience(&self) -> &'a Predicate {
        match self.claimant {
            Claimant::Experiment(experiment) => &experiment.audience,
            Claimant::Rollout(rollout) => &rollout.audience,
        }
    }

    /// Returns whom its draw serves in the end, of those in its audience.
    pub(super) fn enrolment(&self, book: &'a Book) -> Enrolment<'a> {
        match self.claimant {
            Claimant::Experiment(experiment) => enrolment(book, experiment),
            Claimant::Rollout(rollout) => Enrolment {
                draw: Draw::rollout(&rollout.salt),
                buckets: BucketSet::first(rollout.steps.largest().buckets().unwrap_or(0)),
            },
        }
    }

    fn layer(&self) -> Option<&'a LayerKey> {
        self.experiment().and_then(|experiment| experiment.layer.as_ref())
    }

    /// Returns where in its file the audience is.
    pub(super) fn place(&self) -> (Kind, &'a dyn Display, &'static str) {
        let key: &'a dyn Display = match self.claimant {
            Claimant::Experiment(experiment) => &experiment.key,
            Claimant::Rollout(rollout) => &rollout.key,
        };
        (self.kind(), key, if self.audience().is_everyone() { "" } else { "/audience" })
    }

    /// Returns the first instant at which it is no longer served; `None` where that never comes.
    pub(super) fn until(&self) -> Option<Timestamp> {
        (!self.window.is_endless()).then(|| self.window.end())
    }
}

/// Returns any two of a flag that are served at the same time, unless the slots of one layer keep them apart (where
/// those do not, `overlapping-slots` and `slots-mismatch` report it).
///
/// It goes over them by when they begin to be served, with those that still are at hand.
fn pairs<'a>(context: &Inspection<'a>, flag: &Flag) -> Vec<Pair<'a>> {
    let mut served = Served::all(context, flag);
    served.sort_by_key(|served| (served.window.start(), served.kind(), served.key()));
    let (mut pairs, mut lasting) = (Vec::new(), Vec::<Served<'_>>::new());
    for later in served {
        lasting.retain(|earlier| earlier.window.end() > later.window.start());
        let kept_apart = |earlier: &&Served<'_>| later.layer().is_some() && later.layer() == earlier.layer();
        let meeting = lasting.iter().filter(|earlier| !kept_apart(earlier));
        pairs.extend(meeting.map(|earlier| Pair { earlier: *earlier, later }));
        lasting.push(later);
    }
    pairs
}

/// So many collisions of one flag are reported by one rule; past that, its other pairs are not compared.
pub(super) const MOST_OF_A_FLAG: usize = 200;

/// Adds what a rule finds of each pair of a flag that it is about, as long as there is work left for the flag. It is asked with whom
/// the flag's rules leave of the audience of the later one and of the earlier one.
///
/// The pairs that are not compared are one finding more: what is not decided is never a pass.
pub(super) fn each_pair<'a>(
    context: &Inspection<'a>,
    rule: &Rule,
    flag: &Flag,
    found: &mut Vec<Diagnostic>,
    concerns: impl Fn(&Pair<'a>) -> bool,
    mut collision: impl FnMut(&Pair<'a>, [Predicate; 2], &mut Work) -> Option<Diagnostic>,
) {
    let pairs: Vec<_> = pairs(context, flag).into_iter().filter(concerns).collect();
    if pairs.is_empty() {
        return;
    }
    let reach = Reach::new(context.book, flag);
    let mut work = Work::of(Work::OF_A_FLAG);
    let before = found.len();
    for (at, pair) in pairs.iter().enumerate() {
        let why = if found.len() - before >= MOST_OF_A_FLAG {
            format!("{MOST_OF_A_FLAG} others collide already")
        } else if work.is_spent() {
            UndecidedReason::Work.to_string()
        } else {
            let audiences = [pair.later, pair.earlier].map(|served| reach.left_of(served.audience()));
            found.extend(collision(pair, audiences, &mut work));
            continue;
        };
        let (key, left) = (&flag.key, pairs.len() - at);
        let message = format!(
            "it is undecided whether {left} more {} of experiments and rollouts on `{key}` collide: {why}",
            if left == 1 { "pair" } else { "pairs" }
        );
        let finding = rule.finding(context, message, (Kind::Flag, key, "")).help(
            "conclude or delete what is over, put the experiments in one layer, or make their audiences simpler \
             (values instead of regular expressions)",
        );
        found.push(finding);
        return;
    }
}

impl<'a> Pair<'a> {
    /// Tells how many of the two are experiments.
    pub(super) fn experiments(&self) -> usize {
        [self.earlier, self.later].iter().filter(|served| served.experiment().is_some()).count()
    }

    /// Returns the finding where a unit can be in both at once, or where that cannot be decided. `what` is what it can do there:
    /// "two rollouts on `button` can serve the same unit".
    pub(super) fn meeting(
        &self,
        context: &Inspection<'_>,
        rule: &Rule,
        what: &str,
        [later, earlier]: [Predicate; 2],
        work: &mut Work,
        advice: impl FnOnce() -> String,
    ) -> Option<Diagnostic> {
        match meet_within(&[&later, &earlier], context.attributes(), work) {
            Overlap::Disjoint => None,
            Overlap::At(witness) => {
                let finding =
                    self.at_audiences(context, rule, what.to_owned(), None).note(self.when(context));
                let finding = self.proved(context, finding, &witness);
                let traffic = context.traffic(&Predicate::All(vec![later, earlier]));
                Some(self.with_traffic(context, finding, traffic).help(advice()))
            }
            Overlap::Undecided(reason) => {
                let message = format!("it is undecided whether {what}: {reason}");
                let finding = self.undecided(context, rule, message);
                Some(finding.help(format!("make the audiences simpler; otherwise {}", advice())))
            }
        }
    }

    /// The finding that nothing is known of a pair, with when both are served.
    pub(super) fn undecided(&self, context: &Inspection<'_>, rule: &Rule, message: String) -> Diagnostic {
        let texts = Some(("this audience", "and this one"));
        self.at_audiences(context, rule, message, texts).note(self.when(context))
    }

    /// The finding at the audience of the one that begins later, with the other's beside it.
    pub(super) fn at_audiences(
        &self,
        context: &Inspection<'_>,
        rule: &Rule,
        message: String,
        texts: Option<(&str, &str)>,
    ) -> Diagnostic {
        let (of_later, of_earlier) = match texts {
            Some((later, earlier)) => (later.to_owned(), earlier.to_owned()),
            None => (described(self.later.audience()), format!("and {}", described(self.earlier.audience()))),
        };
        let finding = rule.finding(context, message, self.later.place()).label(of_later);
        let finding = finding.about([self.earlier, self.later].map(|served| served.part()));
        context.relate(finding, self.earlier.place(), of_earlier)
    }

    /// Returns when both are served, and by which layers they are not kept apart.
    pub(super) fn when(&self, context: &Inspection<'_>) -> String {
        let start = context.date(self.later.window.start());
        let ends = [self.earlier, self.later].into_iter().filter_map(|s| Some((s.until()?, s)));
        let time = match ends.min_by_key(|(end, _)| *end) {
            None => format!("both are served from {start} on"),
            Some((end, first)) => format!(
                "both are served from {start} until the decision on `{}`, at the latest until {}",
                first.key(),
                context.date(end)
            ),
        };
        if self.experiments() < 2 {
            return time;
        }
        let only = |served: Served<'_>, layer: &LayerKey| {
            format!("only `{}` is in a layer (`{layer}`)", served.key())
        };
        let layers = match (self.earlier.layer(), self.later.layer()) {
            (None, None) => "neither is in a layer".to_owned(),
            (Some(layer), None) => only(self.earlier, layer),
            (None, Some(layer)) => only(self.later, layer),
            (Some(a), Some(b)) => format!("they are in different layers, `{a}` and `{b}`"),
        };
        format!("{time}; {layers}")
    }

    /// Adds the unit that is in both audiences, and how many of its like each of the two serves.
    pub(super) fn proved(
        &self,
        context: &Inspection<'_>,
        finding: Diagnostic,
        witness: &Witness,
    ) -> Diagnostic {
        let (a, b) = (self.later, self.earlier);
        let (of_a, of_b) = (a.enrolment(context.book), b.enrolment(context.book));
        let note = format!(
            "proof: {} is in both: {} of such units in `{}`, {} in `{}`, {} in both",
            unit(witness),
            percent(of_a.share()),
            a.key(),
            percent(of_b.share()),
            b.key(),
            percent(of_a.in_both(&of_b))
        );
        context.observed(finding.note(note), witness).witness(witness.json())
    }

    /// Adds the share of all traffic that both can serve, where it is known.
    pub(super) fn with_traffic(
        &self,
        context: &Inspection<'_>,
        finding: Diagnostic,
        traffic: Option<Traffic>,
    ) -> Diagnostic {
        let Some(traffic) = traffic else {
            return finding.note("the share of all users is unknown: not all attributes declare theirs");
        };
        let (a, b) = (self.later.enrolment(context.book), self.earlier.enrolment(context.book));
        let traffic = traffic.drawn(a.in_both(&b));
        finding.note(traffic.note()).overlap(Some(traffic.shared()))
    }
}

/// Returns a unit in words: `{country: SE}`.
pub(super) fn unit(witness: &Witness) -> String {
    if witness.values().is_empty() {
        return "a unit without attributes".to_owned();
    }
    let values: Vec<_> = witness.values().iter().map(|(key, value)| format!("{key}: {value}")).collect();
    format!("{{{}}}", values.join(", "))
}
