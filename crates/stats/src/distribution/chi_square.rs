//! The χ² distribution with a whole number of degrees of freedom.

use statrs::distribution::{ChiSquared, ContinuousCDF};

/// Returns P(X > x) for X with `df` degrees of freedom.
///
/// By statrs, which is right to 1e-13 also in the tail. NaN when x is NaN; 1 when x is not positive; with no degrees of
/// freedom X is zero.
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
    ChiSquared::new(f64::from(df)).map_or(f64::NAN, |squares| squares.sf(x).clamp(0.0, 1.0))
}
