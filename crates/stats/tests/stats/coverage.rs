//! Whether intervals cover and tests err as often as they promise, on drawn samples.
//!
//! The draws are seeded, so a run is the same everywhere; the bounds are four standard errors of
//! the counts wide, so a wrong formula shows and luck does not.

use trialbook_stats::quantile::QuantileRanks;
use trialbook_stats::{
    Arm, Better, CoMoments, Comparison, Margin, Probability, Quantile, adjusted_mean_difference,
    mean_difference, quantile_difference,
};

/// A small generator (SplitMix64; Steele, Lea and Flood 2014).
struct Draws(u64);

impl Draws {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Nearly normal: twelve uniforms.
    fn noise(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// A population where the slope of the outcome on the covariate differs between the arms.
struct Population {
    lift: f64,
    slopes: [f64; 2],
    units: [usize; 2],
}

const CONTROL_MEAN: f64 = 10.0;

impl Population {
    fn sample(&self, draws: &mut Draws) -> [CoMoments; 2] {
        [0, 1].map(|arm| {
            let mean = CONTROL_MEAN * (1.0 + self.lift * arm as f64);
            let pairs: Vec<(f64, f64)> = (0..self.units[arm])
                .map(|_| {
                    let x = 2.0 * draws.noise();
                    (mean + self.slopes[arm] * x + 3.0 * draws.noise(), 50.0 + x)
                })
                .collect();
            CoMoments::of_pairs(&pairs).unwrap()
        })
    }
}

const SAMPLES: usize = 3000;

/// Whether a count out of [`SAMPLES`] fits this probability.
fn fits(count: usize, probability: f64) -> bool {
    let samples = SAMPLES as f64;
    let error = (samples * probability * (1.0 - probability)).sqrt();
    (count as f64 - samples * probability).abs() <= 4.0 * error
}

/// How often a property holds of samples compared in this way.
fn often(
    population: &Population,
    compare: fn(&[CoMoments; 2]) -> Comparison,
    holds: impl Fn(&Comparison) -> bool,
) -> usize {
    let mut draws = Draws(20_261_122);
    (0..SAMPLES).filter(|_| holds(&compare(&population.sample(&mut draws)))).count()
}

fn plain([control, treatment]: &[CoMoments; 2]) -> Comparison {
    mean_difference(&control.outcome(), &treatment.outcome()).unwrap()
}

fn adjusted([control, treatment]: &[CoMoments; 2]) -> Comparison {
    adjusted_mean_difference(control, treatment).unwrap()
}

fn alpha() -> Probability {
    Probability::new(0.05).unwrap()
}

#[test]
fn intervals_of_the_difference_and_the_lift_cover_the_truth() {
    // Unequal slopes, sizes and a large lift: the terms that a naive formula forgets all count.
    let population = Population { lift: 0.2, slopes: [1.0, 2.5], units: [120, 240] };
    for (name, compare) in [("plain", plain as fn(&[CoMoments; 2]) -> Comparison), ("adjusted", adjusted)] {
        let difference = often(&population, compare, |comparison| {
            comparison.interval(alpha()).unwrap().contains(0.2 * CONTROL_MEAN)
        });
        let lift = often(&population, compare, |comparison| {
            comparison.lift(alpha()).defined().unwrap().interval.contains(0.2)
        });
        assert!(fits(difference, 0.95), "{name}: {difference} of {SAMPLES} intervals cover the difference");
        assert!(fits(lift, 0.95), "{name}: {lift} of {SAMPLES} intervals cover the lift");
    }
}

#[test]
fn a_treatment_worse_by_the_margin_passes_as_often_as_the_level_promises() {
    let population = Population { lift: -0.1, slopes: [2.0, 2.0], units: [200, 100] };
    for (name, compare) in [("plain", plain as fn(&[CoMoments; 2]) -> Comparison), ("adjusted", adjusted)] {
        let passes = often(&population, compare, |comparison| {
            let tested = comparison.non_inferiority(Margin::Relative(0.1), Better::Higher).unwrap();
            tested.p_value <= 0.05
        });
        assert!(fits(passes, 0.05), "{name}: {passes} of {SAMPLES} pass");
    }
}

#[test]
fn without_an_effect_each_direction_errs_as_often_as_half_the_level() {
    let population = Population { lift: 0.0, slopes: [1.0, 1.0], units: [20, 60] };
    for (name, compare) in [("plain", plain as fn(&[CoMoments; 2]) -> Comparison), ("adjusted", adjusted)] {
        let higher = often(&population, compare, |comparison| comparison.test(0.0).p_greater <= 0.025);
        let lower = often(&population, compare, |comparison| comparison.test(0.0).p_less <= 0.025);
        assert!(fits(higher, 0.025) && fits(lower, 0.025), "{name}: {higher} higher, {lower} lower");
    }
}

/// The rows of units, each unit's alike, in order; and of each unit the rows up to the quantile and all of them.
fn rows_of_units(draws: &mut Draws, quantile: f64) -> (Vec<f64>, CoMoments) {
    let units: Vec<Vec<f64>> = (0..400)
        .map(|_| {
            let (habit, rows) = (3.0 * draws.uniform(), 1.0 + (5.0 * draws.uniform()).floor());
            (0..rows as usize).map(|_| habit * habit + draws.uniform()).collect()
        })
        .collect();
    let mut rows: Vec<f64> = units.iter().flatten().copied().collect();
    rows.sort_by(f64::total_cmp);
    let at = rows[(rows.len() as f64 * quantile).ceil() as usize - 1];
    let below = |unit: &Vec<f64>| unit.iter().filter(|row| **row <= at).count() as f64;
    let pairs: Vec<(f64, f64)> = units.iter().map(|unit| (below(unit), unit.len() as f64)).collect();
    (rows, CoMoments::of_pairs(&pairs).unwrap())
}

#[test]
fn quantiles_of_rows_err_as_often_as_the_level_says_although_rows_of_a_unit_are_alike() {
    const TIMES: usize = 1000;
    let (mut draws, quantile) = (Draws(20_261_127), Probability::new(0.75).unwrap());
    let (mut wrong, mut wrong_by_rows) = (0, 0);
    let value = |rows: &[f64], ranks: QuantileRanks| {
        let at = |rank: u64| rows[rank as usize - 1];
        Quantile::from_values(at(ranks.below), at(ranks.at), at(ranks.above)).unwrap()
    };
    for _ in 0..TIMES {
        let arms = [Arm::Control, Arm::Treatment].map(|arm| {
            let (rows, moments) = rows_of_units(&mut draws, quantile.get());
            let by_units = QuantileRanks::of_rows(&moments, quantile, arm).unwrap();
            let by_rows = QuantileRanks::of_units(rows.len() as u64, quantile, arm).unwrap();
            [value(&rows, by_units), value(&rows, by_rows)]
        });
        let [[control, control_by_rows], [treatment, treatment_by_rows]] = arms;
        let rejected = |control, treatment| {
            let compared = quantile_difference(control, treatment).unwrap();
            usize::from(compared.test(0.0).p_two_sided <= 0.05)
        };
        wrong += rejected(&control, &treatment);
        wrong_by_rows += rejected(&control_by_rows, &treatment_by_rows);
    }
    let error = (TIMES as f64 * 0.05 * 0.95).sqrt();
    assert!((wrong as f64 - TIMES as f64 * 0.05).abs() <= 4.0 * error, "{wrong} of {TIMES}");
    // As if each row were a unit.
    assert!(wrong_by_rows > 2 * wrong, "{wrong_by_rows} and {wrong} of {TIMES}");
}
