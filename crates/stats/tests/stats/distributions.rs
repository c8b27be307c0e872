//! Another library's answers to the same distributions.

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};
use trialbook_stats::distribution::{chi_square, normal};

/// statrs is good to about 1e-10 in the tails, so this finds a wrong formula and not a last digit.
#[test]
fn another_library_has_the_same_distributions() {
    let standard = Normal::standard();
    for x in [-5.0, -1.96, -0.5, 0.0, 0.3, 1.0, 1.645, 2.575, 4.0] {
        let (ours, theirs) = (normal::sf(x), standard.sf(x));
        assert!((ours - theirs).abs() < 1e-9, "normal at {x}: {ours} and {theirs}");
    }
    for df in [1u32, 2, 3, 4, 7, 20] {
        let theirs = ChiSquared::new(f64::from(df)).expect("degrees of freedom");
        for x in [0.1, 1.0, 3.84, 10.0, 30.0] {
            let (ours, theirs) = (chi_square::sf(x, df), theirs.sf(x));
            assert!((ours - theirs).abs() < 1e-9, "chi-square of {df} at {x}: {ours} and {theirs}");
        }
    }
}
