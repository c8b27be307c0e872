//! Populations to draw experiments from, and what an arm keeps of its units.

use rand::SeedableRng;
use rand::distr::Distribution;
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{Bernoulli, Continuous, LogNormal, Normal, Poisson};
use trialbook_stats::{
    Arm, CoMoments, CoMomentsParts, Comparison, Moments, Probability, Quantile, RatioMoments,
    adjusted_mean_difference, adjusted_ratio_difference, mean_difference, proportion_difference,
    quantile_difference, ratio_difference,
};

/// Looks of an experiment, one each day.
pub const LOOKS: usize = 7;

/// What is measured, of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The mean of a normal value.
    Normal,
    /// The mean of a value with a long tail: a log-normal one, of skewness 6.
    Skewed,
    /// The mean of a value that is zero for seven units of ten, and log-normal for the others.
    ZeroInflated,
    /// The mean of a normal value, with nine units of ten in the control.
    Uneven,
    /// A share of units, one in ten.
    Proportion,
    /// A share of units, with nine units of ten in the control.
    UnevenProportion,
    /// A ratio of totals: units have several rows, whose values have the unit in common.
    Clustered,
    /// The median of a log-normal value.
    Median,
}

impl Kind {
    pub const ALL: [Self; 8] = [
        Self::Normal,
        Self::Skewed,
        Self::ZeroInflated,
        Self::Uneven,
        Self::Proportion,
        Self::UnevenProportion,
        Self::Clustered,
        Self::Median,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "mean, normal",
            Self::Skewed => "mean, skewed",
            Self::ZeroInflated => "mean, zero-inflated",
            Self::Uneven => "mean, split 90:10",
            Self::Proportion => "proportion",
            Self::UnevenProportion => "proportion, split 90:10",
            Self::Clustered => "ratio, clustered rows",
            Self::Median => "median, skewed",
        }
    }

    /// Whether it is calibrated with a covariate too.
    pub fn has_covariate(self) -> bool {
        !matches!(self, Self::Proportion | Self::UnevenProportion | Self::Median)
    }

    /// Units that enter each arm every day: control, treatment.
    pub fn daily(self) -> [usize; 2] {
        match self {
            Self::Uneven | Self::UnevenProportion => [540, 60],
            _ => [150, 150],
        }
    }

    /// The control's mean, share, ratio or median.
    pub fn baseline(self) -> f64 {
        match self {
            Self::Normal | Self::Uneven => 10.0,
            Self::Skewed => 0.5_f64.exp(),
            Self::ZeroInflated => 0.3 * 0.5_f64.exp(),
            Self::Proportion | Self::UnevenProportion => 0.1,
            Self::Clustered | Self::Median => 1.0,
        }
    }
}

/// The distributions that units are drawn from.
pub struct Draws {
    rng: Pcg64Mcg,
    normal: Normal,
    zero: Bernoulli,
    rows: Poisson,
}

impl Draws {
    pub fn seeded(seed: u64) -> Self {
        Self {
            rng: Pcg64Mcg::seed_from_u64(seed),
            normal: Normal::standard(),
            zero: Bernoulli::new(0.7).expect("a share"),
            rows: Poisson::new(3.0).expect("a rate"),
        }
    }

    pub fn normal(&mut self) -> f64 {
        self.normal.sample(&mut self.rng)
    }

    fn happens(&mut self, probability: f64) -> bool {
        let event = Bernoulli::new(probability.clamp(0.0, 1.0)).expect("a share");
        let drawn: f64 = event.sample(&mut self.rng);
        drawn > 0.5
    }

    /// A value that is `factor` times the control's, with a covariate.
    fn value(&mut self, kind: Kind, factor: f64) -> (f64, f64) {
        let covariate = self.normal();
        let z = 0.7 * covariate + 0.51_f64.sqrt() * self.normal();
        let value = match kind {
            Kind::Normal | Kind::Uneven => 10.0 + 3.0 * z,
            Kind::ZeroInflated => {
                let zero: f64 = self.zero.sample(&mut self.rng);
                if zero > 0.5 { 0.0 } else { z.exp() }
            }
            _ => z.exp(),
        };
        (factor * value, covariate)
    }

    /// Totals of a unit's rows, and of its rows before: Σ value, rows, Σ value before, rows before.
    fn totals(&mut self, factor: f64) -> [f64; 4] {
        let shared = 0.5 * self.normal();
        let mut total = || {
            let more: f64 = self.rows.sample(&mut self.rng);
            let noise: f64 = self.normal.sample(&mut self.rng);
            let (rows, noise) = (1.0 + more, (1.0 + more).sqrt() * noise);
            (rows * (1.0 + shared) + noise, rows)
        };
        let ((after, rows), (before, rows_before)) = (total(), total());
        [factor * after, rows, before, rows_before]
    }
}

/// What an arm keeps of its units so far.
enum Kept {
    Pairs(CoMoments),
    Events {
        events: u64,
        units: u64,
    },
    Totals(RatioMoments),
    /// Sorted.
    Values(Vec<f64>),
}

/// An experiment that is drawn day by day.
pub struct Experiment<'a> {
    kind: Kind,
    adjusted: bool,
    factors: [f64; 2],
    arms: [Kept; 2],
    pub units: f64,
    draws: &'a mut Draws,
}

impl<'a> Experiment<'a> {
    pub fn new(kind: Kind, adjusted: bool, lift: f64, draws: &'a mut Draws) -> Self {
        let empty = || match kind {
            Kind::Proportion | Kind::UnevenProportion => Kept::Events { events: 0, units: 0 },
            Kind::Clustered => Kept::Totals(RatioMoments::EMPTY),
            Kind::Median => Kept::Values(Vec::new()),
            _ => Kept::Pairs(CoMoments::EMPTY),
        };
        Self { kind, adjusted, factors: [1.0, 1.0 + lift], arms: [empty(), empty()], units: 0.0, draws }
    }

    /// Draws the units of one more day and compares the arms on all days.
    pub fn day(&mut self) -> Comparison {
        let daily = self.kind.daily();
        for ((arm, units), factor) in self.arms.iter_mut().zip(daily).zip(self.factors) {
            arm.add(self.kind, units, factor, self.draws);
            self.units += units as f64;
        }
        self.compare()
    }

    fn compare(&self) -> Comparison {
        let compared = match &self.arms {
            [Kept::Pairs(control), Kept::Pairs(treatment)] if self.adjusted => {
                adjusted_mean_difference(control, treatment)
            }
            [Kept::Pairs(control), Kept::Pairs(treatment)] => {
                mean_difference(&control.outcome(), &treatment.outcome())
            }
            [Kept::Totals(control), Kept::Totals(treatment)] if self.adjusted => {
                adjusted_ratio_difference(control, treatment)
            }
            [Kept::Totals(control), Kept::Totals(treatment)] => {
                ratio_difference(&control.metric().expect("moments"), &treatment.metric().expect("moments"))
            }
            [Kept::Events { events: c, units: n }, Kept::Events { events: t, units: m }] => {
                let share = |events, units| Moments::of_proportion(events, units).expect("events");
                proportion_difference(&share(*c, *n), &share(*t, *m))
            }
            [Kept::Values(control), Kept::Values(treatment)] => {
                let half = Probability::new(0.5).expect("a half");
                let of = |values: &[f64], arm| Quantile::of_values(values, half, arm).expect("values");
                quantile_difference(&of(control, Arm::Control), &of(treatment, Arm::Treatment))
            }
            _ => unreachable!("both arms keep the same"),
        };
        compared.expect("arms with units that differ")
    }

    /// n₀ n₁/(n₀ + n₁).
    pub fn information(&self) -> f64 {
        let [control, treatment] = self.kind.daily().map(|daily| daily as f64);
        let share = control / (control + treatment);
        self.units * share * (1.0 - share)
    }
}

impl Kept {
    fn add(&mut self, kind: Kind, units: usize, factor: f64, draws: &mut Draws) {
        match self {
            Self::Pairs(moments) => {
                let pairs: Vec<(f64, f64)> = (0..units).map(|_| draws.value(kind, factor)).collect();
                *moments = moments.merge(&of_pairs(&pairs)).expect("in range");
            }
            Self::Events { events, units: counted } => {
                let share = kind.baseline() * factor;
                *events += (0..units).filter(|_| draws.happens(share)).count() as u64;
                *counted += units as u64;
            }
            Self::Totals(moments) => {
                let totals: Vec<[f64; 4]> = (0..units).map(|_| draws.totals(factor)).collect();
                let day = RatioMoments::of_units(&totals).expect("in range");
                *moments = moments.merge(&day).expect("in range");
            }
            Self::Values(values) => {
                values.extend((0..units).map(|_| draws.value(kind, factor).0));
                values.sort_by(f64::total_cmp);
            }
        }
    }
}

/// In two passes, which is quicker than a merge for each unit.
fn of_pairs(pairs: &[(f64, f64)]) -> CoMoments {
    let n = pairs.len() as f64;
    let mean_y = pairs.iter().map(|(y, _)| y).sum::<f64>() / n;
    let mean_x = pairs.iter().map(|(_, x)| x).sum::<f64>() / n;
    let (mut m2_y, mut m2_x, mut c_xy) = (0.0, 0.0, 0.0);
    for (y, x) in pairs {
        let (dy, dx) = (y - mean_y, x - mean_x);
        m2_y += dy * dy;
        m2_x += dx * dx;
        c_xy += dy * dx;
    }
    CoMoments::from_parts(CoMomentsParts { n: pairs.len() as u64, mean_y, mean_x, m2_y, m2_x, c_xy })
        .expect("moments")
}

/// The lift that a fixed horizon finds with 80 % power.
pub fn lift_to_find(kind: Kind, adjusted: bool, seed: u64) -> f64 {
    const SEPARATION: f64 = 2.801_585;
    if kind == Kind::Median {
        // The error of a median follows from the density there.
        let density = LogNormal::new(0.0, 1.0).expect("a distribution").pdf(1.0);
        let n = (kind.daily()[0] * LOOKS) as f64;
        // The treatment's values are wider by the lift, and so is the error of their median.
        return (0..20).fold(0.0, |lift: f64, _| {
            SEPARATION * (0.25 / n * (1.0 + (1.0 + lift).powi(2))).sqrt() / density
        });
    }
    // Of the others, from a few experiments with a lift close to it.
    let mut lift = 0.05;
    for round in 0..2 {
        let mut draws = Draws::seeded(seed.wrapping_add(round));
        let runs: u32 = 60;
        let error: f64 = (0..runs)
            .map(|_| {
                let mut experiment = Experiment::new(kind, adjusted, lift, &mut draws);
                let days = (0..LOOKS).map(|_| experiment.day().standard_error());
                days.last().unwrap_or(f64::NAN)
            })
            .sum();
        lift = SEPARATION * error / f64::from(runs) / kind.baseline();
    }
    lift
}
