//! Many experiments of one kind, judged by every method: what is found, covered and used.

use trialbook_stats::Probability;
use trialbook_stats::sequential::{
    ConfidenceSequence, Designs, GroupSequential, Looks, Seen, Sides, Spending, always_valid,
};

use super::population::{Draws, Experiment, Kind, LOOKS, lift_to_find};

/// The two-sided level of every method; a direction has half of it.
pub const ALPHA: f64 = 0.05;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Fixed,
    OBrienFleming,
    Pocock,
    AlwaysValid,
}

impl Method {
    pub const ALL: [Self; 4] = [Self::Fixed, Self::OBrienFleming, Self::Pocock, Self::AlwaysValid];

    pub fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed horizon",
            Self::OBrienFleming => "group sequential, O'Brien-Fleming-like",
            Self::Pocock => "group sequential, Pocock-like",
            Self::AlwaysValid => "always valid",
        }
    }

    fn spending(self) -> Option<Spending> {
        match self {
            Self::OBrienFleming => Some(Spending::OBrienFlemingLike),
            Self::Pocock => Some(Spending::PocockLike),
            Self::Fixed | Self::AlwaysValid => None,
        }
    }

    /// What theory promises: false positives, coverage, power, expected share of the units; `at_most` and `at_least` for
    /// the first two by a method that is conservative.
    pub fn promise(self) -> Promise {
        let looks = Looks::equal(LOOKS);
        let drift = 2.801_585;
        let (level, two_sided) = (level(), Probability::new(ALPHA).expect("a level"));
        let design = match self.spending() {
            Some(spending) => GroupSequential::new(looks, spending, level, Sides::One).expect("looks"),
            None if self == Self::Fixed => {
                GroupSequential::new(Looks::once(), Spending::default(), level, Sides::One).expect("looks")
            }
            None => {
                let rho = always_valid::rho_squared(two_sided, 1.0);
                let width = |share: &f64| always_valid::two_sided_width(two_sided, *share, rho);
                let bounds = looks.shares().iter().map(width).collect();
                let bounds = trialbook_stats::sequential::Bounds::symmetric(bounds);
                GroupSequential::with_bounds(looks, bounds).expect("a bound for each look")
            }
        };
        Promise {
            false_positives: design.power(0.0),
            coverage: if self == Self::AlwaysValid { 1.0 - 2.0 * design.power(0.0) } else { 1.0 - ALPHA },
            power: design.power(drift),
            units: design.expected_information(drift),
        }
    }
}

fn level() -> Probability {
    Probability::new(0.5 * ALPHA).expect("a level")
}

/// What theory promises.
pub struct Promise {
    pub false_positives: f64,
    pub coverage: f64,
    pub power: f64,
    pub units: f64,
}

/// What was counted for a method.
#[derive(Debug, Clone, Copy, Default)]
pub struct Count {
    /// Experiments without an effect in which the treatment was found better.
    pub false_positives: u32,
    /// Experiments with an effect whose interval has it.
    pub covered: u32,
    /// Experiments with an effect that was found.
    pub found: u32,
    /// The share of the units when the test stopped, over all experiments with an effect.
    pub units: f64,
    /// Experiments with an effect whose median-unbiased estimate is above it; of a stopped test only.
    pub above: u32,
}

pub struct Cell {
    pub kind: Kind,
    pub adjusted: bool,
    pub experiments: u32,
    pub counts: [Count; 4],
}

impl Cell {
    /// Draws this many experiments without an effect and as many with one.
    pub fn run(kind: Kind, adjusted: bool, experiments: u32, seed: u64) -> Self {
        let lift = lift_to_find(kind, adjusted, seed);
        let mut draws = Draws::seeded(seed);
        let mut designs = Designs::default();
        let mut counts = [Count::default(); 4];
        for effect in [0.0, lift] {
            for _ in 0..experiments {
                let mut experiment = Experiment::new(kind, adjusted, effect, &mut draws);
                let seen: Vec<(Seen, f64)> = (1..=LOOKS)
                    .map(|day| {
                        let compared = experiment.day();
                        let time = day as f64 / LOOKS as f64;
                        let seen = Seen::new(compared.difference(), compared.standard_error(), time);
                        if day == LOOKS {
                            let interval = compared.interval(Probability::new(ALPHA).expect("a level"));
                            let interval = interval.expect("an interval");
                            fixed(&mut counts[0], interval, effect * kind.baseline(), effect > 0.0);
                        }
                        (Seen { information: experiment.information(), ..seen }, experiment.units)
                    })
                    .collect();
                for (method, count) in Method::ALL.iter().zip(&mut counts) {
                    let truth = effect * kind.baseline();
                    match method.spending() {
                        Some(spending) => group_sequential(count, &mut designs, &seen, spending, truth),
                        None if *method == Method::AlwaysValid => sequence(count, &seen, truth),
                        None => {}
                    }
                }
            }
        }
        Self { kind, adjusted, experiments, counts }
    }
}

fn fixed(count: &mut Count, interval: trialbook_stats::Interval, truth: f64, effect: bool) {
    let found = interval.lower > 0.0;
    if effect {
        count.found += u32::from(found);
        count.covered += u32::from(interval.contains(truth));
        count.units += 1.0;
    } else {
        count.false_positives += u32::from(found);
    }
}

fn group_sequential(
    count: &mut Count,
    designs: &mut Designs,
    seen: &[(Seen, f64)],
    spending: Spending,
    truth: f64,
) {
    let looks: Vec<Seen> = seen.iter().map(|(seen, _)| *seen).collect();
    let monitor = designs.monitor(&looks, spending, level()).expect("looks");
    let stopped = monitor.stopped();
    if truth == 0.0 {
        count.false_positives += u32::from(stopped.is_some());
        return;
    }
    let at = stopped.unwrap_or(seen.len() - 1);
    let result = monitor.result_at(at).expect("the look counts");
    let p = result.p_value_above(truth / looks[at].standard_error);
    count.found += u32::from(stopped.is_some());
    count.covered += u32::from((0.5 * ALPHA..=1.0 - 0.5 * ALPHA).contains(&p));
    count.above += u32::from(p < 0.5);
    count.units += looks[at].time;
}

fn sequence(count: &mut Count, seen: &[(Seen, f64)], truth: f64) {
    let planned = seen.last().map_or(1.0, |(_, units)| *units);
    let mut sequence = ConfidenceSequence::new(Probability::new(ALPHA).expect("a level"), planned);
    let (mut stopped, mut covers) = (None, true);
    for (look, units) in seen {
        let interval =
            sequence.look(look.estimate, look.standard_error, *units).interval.expect("an interval");
        covers &= interval.contains(truth);
        if interval.lower > 0.0 && stopped.is_none() {
            stopped = Some(look.time);
        }
    }
    if truth == 0.0 {
        count.false_positives += u32::from(stopped.is_some());
        return;
    }
    count.found += u32::from(stopped.is_some());
    count.covered += u32::from(covers);
    count.units += stopped.unwrap_or(1.0);
}
