//! The standard normal distribution.

use std::f64::consts::{PI, SQRT_2};

/// Returns P(Z > z), accurate in relative terms down to the smallest normal number (z near 37.5).
pub fn sf(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// Returns P(Z <= z), accurate in relative terms in the lower tail.
pub fn cdf(z: f64) -> f64 {
    sf(-z)
}

/// Returns the density at z.
pub fn pdf(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Returns the z with P(Z <= z) = p; infinite at 0 and 1, NaN outside of them.
///
/// For a small tail ask [`upper_quantile`] with the tail itself: `quantile(1.0 - tail)` has already
/// lost it.
pub fn quantile(p: f64) -> f64 {
    if p <= 0.5 { -upper_quantile(p) } else { upper_quantile(1.0 - p) }
}

/// Returns the z with P(Z > z) = p; infinite at 0 and 1, NaN outside of them.
///
/// Starts from formula 26.2.23 of Abramowitz and Stegun (1964), good to 4.5e-4, and takes Halley
/// steps on the tail itself, each of which triples the number of right digits.
pub fn upper_quantile(p: f64) -> f64 {
    if p.is_nan() || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p > 0.5 {
        // 1 - p is exact for p in [0.5, 1].
        return -upper_quantile(1.0 - p);
    }
    if p == 0.0 {
        return f64::INFINITY;
    }
    if p == 0.5 {
        return 0.0;
    }
    let w = (-2.0 * p.ln()).sqrt();
    let numerator = 2.515517 + w * (0.802853 + w * 0.010328);
    let denominator = 1.0 + w * (1.432788 + w * (0.189269 + w * 0.001308));
    let mut z = w - numerator / denominator;
    for _ in 0..4 {
        let density = pdf(z);
        if density == 0.0 {
            break;
        }
        let newton = (sf(z) - p) / density;
        z += newton / (1.0 - 0.5 * z * newton);
    }
    z
}
