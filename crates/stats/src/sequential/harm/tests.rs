//! What looking every day promises, by simulation with a seed.

use super::*;
use crate::comparison::mean_difference;
use crate::moments::Moments;

/// A generator with a seed (SplitMix64; Steele, Lea and Flood 2014): the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Strictly between 0 and 1.
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}

const LOOKS: usize = 21;

/// How often harm is reported at one of 21 daily looks, of so many experiments with this many units an arm a day.
fn alarms(
    experiments: usize,
    daily: usize,
    level: Probability,
    mut draw: impl FnMut(&mut Random, bool) -> f64,
) -> f64 {
    let mut random = Random(20_261_127);
    let mut found = 0;
    for _ in 0..experiments {
        let mut arms = [Moments::EMPTY, Moments::EMPTY];
        for _ in 0..LOOKS {
            for (index, arm) in arms.iter_mut().enumerate() {
                let day: Vec<f64> = (0..daily).map(|_| draw(&mut random, index == 1)).collect();
                let mean = day.iter().sum::<f64>() / daily as f64;
                let m2 = day.iter().map(|value| (value - mean).powi(2)).sum();
                *arm = arm.merge(&Moments::from_parts(daily as u64, mean, m2).unwrap()).unwrap();
            }
            let Ok(comparison) = mean_difference(&arms[0], &arms[1]) else { continue };
            let units = (arms[0].n() + arms[1].n()) as f64;
            if level.rejects(always_valid_p(comparison.test(0.0).p_less, units, level)) {
                found += 1;
                break;
            }
        }
    }
    found as f64 / experiments as f64
}

/// Three standard errors above the level.
fn allowed(level: Probability, experiments: usize) -> f64 {
    level.get() + 3.0 * (level.get() * (1.0 - level.get()) / experiments as f64).sqrt()
}

#[test]
fn without_an_effect_daily_looks_report_harm_no_more_often_than_the_level() {
    let level = Probability::new(0.01).unwrap();
    let experiments = 1_500;
    type Draw = fn(&mut Random, bool) -> f64;
    let kinds: [(&str, Draw); 4] = [
        ("normal", |random, _| random.normal()),
        ("skewed", |random, _| random.normal().exp()),
        ("mostly zero", |random, _| if random.uniform() < 0.1 { random.normal().exp() } else { 0.0 }),
        ("proportion", |random, _| f64::from(random.uniform() < 0.2)),
    ];
    for (name, draw) in kinds {
        let rate = alarms(experiments, 100, level, draw);
        assert!(rate <= allowed(level, experiments), "{name}: {rate}");
    }
}

#[test]
fn harm_is_found_within_days() {
    let level = Probability::new(0.01).unwrap();
    // Half a standard deviation lower.
    let rate = alarms(100, 100, level, |random, treated| random.normal() - if treated { 0.5 } else { 0.0 });
    assert!(rate > 0.99, "{rate}");
}

#[test]
fn the_p_value_is_below_the_level_just_where_the_interval_excludes_no_difference() {
    let level = Probability::new(0.003).unwrap();
    for units in [200.0, 2_000.0, 1e6] {
        let width = harm_width(level, units);
        for (z, rejects) in [(width + 1e-6, true), (width - 1e-6, false)] {
            assert_eq!(level.rejects(always_valid_p(normal::sf(z), units, level)), rejects, "{units}: {z}");
        }
    }
}

#[test]
fn what_is_no_number_is_no_alarm() {
    let level = Probability::new(0.003).unwrap();
    for (p, units) in [(f64::NAN, 100.0), (1e-9, 0.0), (1e-9, f64::NAN), (0.7, 100.0), (2.0, 100.0)] {
        assert_eq!(always_valid_p(p, units, level), 1.0, "{p} {units}");
    }
    assert_eq!(always_valid_p(0.0, 1e5, level), 0.0);
}

#[test]
fn an_even_split_that_is_watched_every_day_is_seldom_called_broken() {
    let (mut random, mut broken) = (Random(7), 0);
    let (level, experiments) = (0.01, 2_000);
    for _ in 0..experiments {
        let mut arms = [(0u64, 0.5), (0u64, 0.5)];
        let called = (0..LOOKS).any(|_| {
            (0..100).for_each(|_| arms[usize::from(random.uniform() < 0.5)].0 += 1);
            split_p(&arms).unwrap() <= level
        });
        broken += usize::from(called);
    }
    let rate = broken as f64 / experiments as f64;
    assert!(rate <= allowed(Probability::new(level).unwrap(), experiments), "{rate}");
}

#[test]
fn a_broken_split_is_found() {
    assert!(split_p(&[(91_020, 0.5), (88_104, 0.5)]).unwrap() < 1e-6);
    assert!(split_p(&[(500, 1.0), (640, 1.0)]).unwrap() < 0.01);
    assert_eq!(split_p(&[(0, 0.5), (0, 0.5)]), Err(SampleRatioUntestable::NoUnits));
}
