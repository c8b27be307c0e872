//! Gauss-Legendre quadrature in panels.

use std::f64::consts::PI;
use std::sync::LazyLock;

/// The points of a panel. Sixteen integrate a normal density over four of its deviations to 1e-13.
const POINTS: usize = 16;

/// Nodes on [-1, 1] with their weights.
static RULE: LazyLock<[(f64, f64); POINTS]> = LazyLock::new(|| std::array::from_fn(node));

/// The widest panel, in deviations of the narrowest density that is integrated.
const WIDTH: f64 = 3.0;

/// The most panels: looks that are closer than what these resolve are integrated with less accuracy.
const PANELS: f64 = 4000.0;

/// Returns the node of a number by Newton's method on the Legendre polynomial, with its weight.
fn node(at: usize) -> (f64, f64) {
    let degree = POINTS as f64;
    let mut x = (PI * (at as f64 + 0.75) / (degree + 0.5)).cos();
    let mut derivative = 1.0;
    for _ in 0..20 {
        let (mut before, mut here) = (1.0, x);
        for n in 2..=POINTS {
            let n = n as f64;
            (before, here) = (here, ((2.0 * n - 1.0) * x * here - (n - 1.0) * before) / n);
        }
        derivative = degree * (x * here - before) / (x * x - 1.0);
        let step = here / derivative;
        x -= step;
        if step.abs() < 1e-16 {
            break;
        }
    }
    (x, 2.0 / ((1.0 - x * x) * derivative * derivative))
}

/// Returns points and weights over an interval, close enough for densities of this deviation; none where it
/// is empty.
pub(super) fn panels(low: f64, high: f64, deviation: f64) -> Vec<(f64, f64)> {
    if high.partial_cmp(&low) != Some(std::cmp::Ordering::Greater) {
        return Vec::new();
    }
    let count = ((high - low) / (WIDTH * deviation)).ceil().clamp(1.0, PANELS);
    let half = 0.5 * (high - low) / count;
    #[expect(clippy::cast_possible_truncation, reason = "at most PANELS")]
    let panels = 0..count as u32;
    let points = panels.flat_map(|panel| {
        let middle = low + half * (2.0 * f64::from(panel) + 1.0);
        // The nodes fall from 1 to -1: backwards, the points rise.
        RULE.iter().rev().map(move |(node, weight)| (middle + half * node, half * weight))
    });
    points.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distribution::normal;

    #[test]
    fn a_normal_density_sums_to_one() {
        let sum: f64 = panels(-9.0, 9.0, 1.0).iter().map(|(x, weight)| weight * normal::pdf(*x)).sum();
        assert!((sum - 1.0).abs() < 1e-13, "{sum}");
    }

    #[test]
    fn points_rise_and_an_empty_interval_has_none() {
        assert!(panels(0.0, 1.0, 0.05).is_sorted_by(|(a, _), (b, _)| a < b));
        assert!(panels(1.0, 1.0, 0.1).is_empty() && panels(2.0, 1.0, 0.1).is_empty());
        assert!(panels(f64::NAN, 1.0, 0.1).is_empty());
    }
}
