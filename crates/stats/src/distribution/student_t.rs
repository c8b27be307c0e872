//! Student's t distribution, for every positive number of degrees of freedom.
//!
//! Welch's test asks for fractional degrees of freedom from 1 to the number of units, 1e9 and more.
//! The incomplete beta function serves up to 10,000; beyond it Hill's expansion turns
//! the statistic into a normal deviate. statrs loses the tail altogether in part of that range (its relative error reaches
//! 1), its quantile is wrong from some 1e7 degrees of freedom on, and does not return past 3e7.

use std::f64::consts::PI;

use super::beta::fraction;
use super::normal;

/// From here on Hill's normalising expansion holds 12 digits over the whole range in which the
/// tail is not zero; the rounding of the incomplete beta function grows with the degrees of freedom
/// and loses the 12th digit above it.
const NORMALISED_FROM: f64 = 1e4;

/// Returns P(T > t) for T with `df` degrees of freedom.
///
/// NaN when either is NaN or `df` is not positive; `df` may be infinite (the normal distribution).
pub fn sf(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    if t < 0.0 { 1.0 - upper(-t, df) } else { upper(t, df) }
}

/// Returns P(T <= t), with relative accuracy in the lower tail.
pub fn cdf(t: f64, df: f64) -> f64 {
    sf(-t, df)
}

/// Returns the density at t.
pub fn pdf(t: f64, df: f64) -> f64 {
    if t.is_nan() || df.is_nan() || df <= 0.0 {
        return f64::NAN;
    }
    if df.is_infinite() {
        return normal::pdf(t);
    }
    let scale = half_gamma_ratio(0.5 * df) / (df * PI).sqrt();
    scale * (-0.5 * (df + 1.0) * log1p_square(t.abs() / df.sqrt())).exp()
}

/// Returns the t with P(T <= t) = p; infinite at 0 and 1, NaN outside of them.
pub fn quantile(p: f64, df: f64) -> f64 {
    if p <= 0.5 { -upper_quantile(p, df) } else { upper_quantile(1.0 - p, df) }
}

/// Returns the t with P(T > t) = p; infinite at 0 and 1, NaN outside of them.
///
/// Newton's method on the logarithm of the tail, kept inside a bracket, so it ends for every input.
pub fn upper_quantile(p: f64, df: f64) -> f64 {
    if p.is_nan() || df.is_nan() || df <= 0.0 || !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p > 0.5 {
        // 1 - p is exact for p in [0.5, 1].
        return -upper_quantile(1.0 - p, df);
    }
    if p == 0.0 {
        return f64::INFINITY;
    }
    if p == 0.5 {
        return 0.0;
    }
    if df.is_infinite() {
        return normal::upper_quantile(p);
    }
    if df == 1.0 {
        return 1.0 / (PI * p).tan();
    }
    if df == 2.0 {
        return (1.0 - 2.0 * p) / (2.0 * p * (1.0 - p)).sqrt();
    }
    solve_upper_quantile(p, df)
}

/// Finds the root of ln P(T > t) - ln p on (0, inf), for p in (0, 0.5).
fn solve_upper_quantile(p: f64, df: f64) -> f64 {
    let z = normal::upper_quantile(p);
    let expansion =
        z + z * (z * z + 1.0) / (4.0 * df) + z * (3.0 + z * z * (16.0 + 5.0 * z * z)) / (96.0 * df * df);
    let mut low = 0.0_f64;
    let mut high = f64::MAX;
    let mut t = if expansion.is_finite() && expansion > 0.0 { expansion } else { 1.0 };
    // The bracket halves in the exponent first and in the mantissa then, so 2,100 halvings would
    // do from any start; Newton needs about five.
    for _ in 0..2200 {
        let tail = upper(t, df);
        if tail > p {
            low = t;
        } else {
            high = t;
        }
        // In ln t the tail of a power law is straight, and that of a normal one is concave.
        let slope = -pdf(t, df) * t / tail;
        let step = (p.ln() - tail.ln()) / slope;
        let mut next = t * step.exp();
        if (next - t).abs() <= 1e-15 * t {
            return next;
        }
        if !next.is_finite() || next <= low || next >= high {
            next = between(low, high);
            if next <= low || next >= high {
                return t;
            }
        }
        t = next;
    }
    t
}

/// Returns a number inside the bracket: the geometric middle where the bracket spans magnitudes.
fn between(low: f64, high: f64) -> f64 {
    if high > 4.0 * low.max(f64::MIN_POSITIVE) {
        low.max(f64::MIN_POSITIVE).sqrt() * high.sqrt()
    } else {
        low + 0.5 * (high - low)
    }
}

/// P(T > t) for t >= 0 and df > 0.
fn upper(t: f64, df: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    if df >= NORMALISED_FROM {
        return normal::sf(normal_deviate(t, df));
    }
    let a = 0.5 * df;
    let u = t / df.sqrt();
    let log_factor = log1p_square(u);
    // 1 - x and x of the incomplete beta function, each without cancellation.
    let complement = if u > 1e150 { 1.0 } else { u * u / (1.0 + u * u) };
    let x = (-log_factor).exp();
    // x^a (1-x)^(1/2) / B(a, 1/2)
    let front = (-a * log_factor).exp() * complement.sqrt() * half_gamma_ratio(a) / PI.sqrt();
    if x < (a + 1.0) / (a + 2.5) {
        0.5 * front / a * fraction(a, 0.5, x)
    } else {
        0.5 - 0.5 * front / 0.5 * fraction(0.5, a, complement)
    }
}

/// Hill's normal deviate with the same tail as t (G. W. Hill, Algorithm 395, CACM 13, 1970).
fn normal_deviate(t: f64, df: f64) -> f64 {
    if df.is_infinite() {
        return t;
    }
    let a = df - 0.5;
    let b = 48.0 * a * a;
    let square = a * log1p_square(t / df.sqrt());
    // The tail beyond 100 is zero in double precision, and the terms below may overflow there.
    if b.is_infinite() || square > 1e4 {
        return square.sqrt();
    }
    let third =
        (((-0.4 * square - 3.3) * square - 24.0) * square - 85.5) / (0.8 * square * square + 100.0 + b);
    ((third + square + 3.0) / b + 1.0) * square.sqrt()
}

/// ln(1 + u²) for u >= 0, also where u² overflows.
fn log1p_square(u: f64) -> f64 {
    if u > 1e150 { 2.0 * u.ln() } else { (u * u).ln_1p() }
}

/// Γ(a + 1/2) / Γ(a), without the cancellation of two large log-gammas.
///
/// The recurrence moves a to 20 and above, where seven terms of the asymptotic series of the
/// logarithm (DLMF 5.11) leave less than 1e-17.
fn half_gamma_ratio(a: f64) -> f64 {
    let mut a = a;
    let mut factor = 1.0;
    while a < 20.0 {
        factor *= a / (a + 0.5);
        a += 1.0;
    }
    let r = 1.0 / (a * a);
    let series = (1.0 / a)
        * (-1.0 / 8.0
            + r * (1.0 / 192.0
                + r * (-1.0 / 640.0
                    + r * (17.0 / 14336.0 + r * (-31.0 / 18432.0 + r * (691.0 / 180224.0))))));
    factor * a.sqrt() * series.exp()
}
