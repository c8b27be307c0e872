use super::{binomial, chi_square, normal, student_t};

/// The function named in the table, at its argument and parameter.
fn computed(function: &str, argument: f64, parameter: &str) -> f64 {
    let parameter = parameter.parse::<f64>().unwrap_or(f64::NAN);
    match function {
        "normal_sf" => normal::sf(argument),
        "normal_upper_quantile" => normal::upper_quantile(argument),
        "student_t_sf" => student_t::sf(argument, parameter),
        "student_t_upper_quantile" => student_t::upper_quantile(argument, parameter),
        "chi_square_sf" => chi_square::sf(argument, parameter as u32),
        other => panic!("the table names a function that is not tested: {other}"),
    }
}

#[test]
fn every_function_agrees_with_mpmath_to_twelve_digits() {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for line in include_str!("reference.tsv").lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [function, argument, parameter, expected] = columns[..] else {
            panic!("four columns expected: {line}");
        };
        let want: f64 = expected.parse().unwrap();
        let got = computed(function, argument.parse().unwrap(), parameter);
        rows += 1;
        let error = (got - want).abs() / want.abs().max(f64::MIN_POSITIVE);
        if error.is_nan() || error > 1e-12 {
            wrong.push(format!("{line}: got {got:e}, off by {error:e}"));
        }
    }
    assert!(rows > 500, "only {rows} rows");
    assert!(wrong.is_empty(), "{} of {rows} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn nothing_outside_the_domain_gets_a_number() {
    for value in [
        normal::sf(f64::NAN),
        normal::quantile(f64::NAN),
        normal::quantile(-0.1),
        normal::upper_quantile(1.1),
        student_t::sf(f64::NAN, 3.0),
        student_t::sf(1.0, f64::NAN),
        student_t::sf(1.0, 0.0),
        student_t::sf(1.0, -2.0),
        student_t::quantile(0.2, f64::NAN),
        student_t::quantile(2.0, 5.0),
        student_t::pdf(0.0, -1.0),
        chi_square::sf(f64::NAN, 2),
        binomial::two_sided_p(5, 4, 0.5),
        binomial::two_sided_p(1, 4, f64::NAN),
    ] {
        assert!(value.is_nan(), "{value}");
    }
}

#[test]
fn the_limits_are_reached() {
    assert_eq!(normal::upper_quantile(0.0), f64::INFINITY);
    assert_eq!(normal::quantile(0.0), f64::NEG_INFINITY);
    assert_eq!(student_t::sf(f64::INFINITY, 3.0), 0.0);
    assert_eq!(student_t::sf(f64::NEG_INFINITY, 3.0), 1.0);
    assert_eq!(student_t::sf(0.0, 1e300), 0.5);
    assert_eq!(student_t::quantile(1.0, 7.0), f64::INFINITY);
    assert_eq!(student_t::sf(1.25, f64::INFINITY), normal::sf(1.25));
    assert_eq!(chi_square::sf(0.0, 4), 1.0);
    assert_eq!(chi_square::sf(3.0, 0), 0.0);
    assert_eq!(binomial::two_sided_p(0, 0, 0.5), 1.0);
    assert_eq!(binomial::two_sided_p(3, 3, 1.0), 1.0);
}

mod properties {
    use proptest::prelude::*;

    use super::super::{normal, student_t};

    proptest! {
        #[test]
        fn a_t_quantile_has_the_tail_it_was_asked_for(
            log_p in -280.0..-0.31_f64, log_df in 0.0..300.0_f64,
        ) {
            let (p, df) = (10f64.powf(log_p), 10f64.powf(log_df));
            let t = student_t::upper_quantile(p, df);
            let back = student_t::sf(t, df);
            prop_assert!((back / p - 1.0).abs() < 1e-10, "t({df:e}) at {p:e}: {t:e} has {back:e}");
        }

        #[test]
        fn a_normal_quantile_has_the_tail_it_was_asked_for(log_p in -300.0..-0.31_f64) {
            let p = 10f64.powf(log_p);
            let back = normal::sf(normal::upper_quantile(p));
            prop_assert!((back / p - 1.0).abs() < 1e-11, "{p:e} came back as {back:e}");
        }

        #[test]
        fn the_t_tail_falls_with_t(
            t in 0.0..50.0_f64, more in 1e-3..5.0_f64, log_df in 0.0..12.0_f64,
        ) {
            let df = 10f64.powf(log_df);
            prop_assert!(student_t::sf(t + more, df) <= student_t::sf(t, df));
        }

        #[test]
        fn no_input_makes_a_t_function_hang_or_leave_zero_to_one(t: f64, df: f64, p: f64) {
            let tail = student_t::sf(t, df);
            prop_assert!(tail.is_nan() || (0.0..=1.0).contains(&tail));
            let _ends = student_t::upper_quantile(p, df);
        }
    }
}
