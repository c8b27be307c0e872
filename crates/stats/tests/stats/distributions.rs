//! Why the normal tail and Student's t are the crate's own, and the others from statrs: by how much it misses.
//!
//! The tolerance of the distributions is 1e-12, relative, over all of their range (`src/distribution/tests.rs`), because
//! p-values are compared with levels as small as a shared 1 % and printed as small as 1e-15. Where statrs meets it, it
//! should be used; the figures of the doc comments are measured here.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};
use trialbook_stats::distribution::{normal, student_t};

/// Values to 60 digits: function, argument, parameter, value.
const REFERENCE: &str = include_str!("../../src/distribution/reference.tsv");

/// The largest relative error of a function in the rows of the table that a condition picks.
fn worst(function: &str, picks: fn(f64, f64) -> bool, computed: impl Fn(f64, f64) -> f64) -> f64 {
    let mut worst: f64 = 0.0;
    let mut rows = 0;
    for line in REFERENCE.lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let number =
            |at: usize| columns.get(at).and_then(|cell| cell.parse::<f64>().ok()).unwrap_or(f64::NAN);
        let (argument, parameter, want) = (number(1), number(2), number(3));
        if columns[0] != function || !picks(argument, parameter) || want < 1e-300 {
            continue;
        }
        rows += 1;
        let error = (computed(argument, parameter) - want).abs() / want.abs();
        worst = worst.max(if error.is_nan() { f64::INFINITY } else { error });
    }
    assert!(rows > 3, "{rows} rows of {function}");
    worst
}

/// Every distribution that is the crate's own although statrs has it, with the least error for which it stays so.
#[test]
fn statrs_misses_the_tolerance_by_what_the_documentation_claims() {
    let all: fn(f64, f64) -> bool = |_, _| true;
    // Beyond df = 3e7 its quantile does not return.
    let moderate: fn(f64, f64) -> bool = |_, df| df <= 1e6;
    let standard = Normal::standard();
    let t = |df: f64| StudentsT::new(0.0, 1.0, df).expect("degrees of freedom");
    let errors = [
        ("normal_sf", worst("normal_sf", all, |x, _| standard.sf(x)), 5e-11),
        ("student_t_sf", worst("student_t_sf", moderate, |x, df| t(df).sf(x)), 1e-11),
    ];
    for (function, error, _) in errors {
        print(&format!("statrs misses {function} by {error:.1e}"));
    }
    for (function, error, least) in errors {
        assert!(error > least, "statrs misses {function} by {error:e} only: use it");
    }
}

fn print(line: &str) {
    #[allow(clippy::disallowed_macros, reason = "shown with --nocapture")]
    {
        println!("{line}");
    }
}

/// A second library finds a wrong formula, where both are good to nine digits.
#[test]
fn another_library_has_the_same_distributions() {
    let standard = Normal::standard();
    for x in [-5.0, -1.96, -0.5, 0.0, 0.3, 1.0, 1.645, 2.575, 4.0] {
        let (ours, theirs) = (normal::sf(x), standard.sf(x));
        assert!((ours - theirs).abs() < 1e-9, "normal at {x}: {ours} and {theirs}");
    }
    for df in [1u32, 2, 3, 4, 7, 20] {
        let students = StudentsT::new(0.0, 1.0, f64::from(df)).expect("degrees of freedom");
        for x in [-3.0, 0.2, 1.5, 6.0] {
            let (ours, theirs) = (student_t::sf(x, f64::from(df)), students.sf(x));
            assert!((ours - theirs).abs() < 1e-9, "t of {df} at {x}: {ours} and {theirs}");
        }
    }
}
