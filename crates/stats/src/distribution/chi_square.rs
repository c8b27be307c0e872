//! The χ² distribution with a whole number of degrees of freedom.

use super::normal;

/// Returns P(X > x) for X with `df` degrees of freedom.
///
/// The closed form: a sum of positive terms, so nothing cancels (Abramowitz and Stegun 26.4.4 and
/// 26.4.5). NaN when x is NaN; 1 when x is not positive; with no degrees of freedom X is zero.
pub fn sf(x: f64, df: u32) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    if x <= 0.0 {
        return 1.0;
    }
    if df == 0 || x.is_infinite() {
        return 0.0;
    }
    let half = 0.5 * x;
    let odd = df % 2 == 1;
    let mut total = if odd { 2.0 * normal::sf(x.sqrt()) } else { 0.0 };
    // Terms h^a e^-h / Γ(a + 1) for a = df/2 - 1, df/2 - 2, ..., in logarithms: for many degrees
    // of freedom the first factor alone would underflow.
    let first = if odd { 0.5 } else { 0.0 };
    for i in 0..(df / 2) {
        let a = first + f64::from(i);
        total += (a * half.ln() - half - libm::lgamma(a + 1.0)).exp();
    }
    total.min(1.0)
}
