use super::*;

fn arms(control: u64, treatment: u64, units: u64) -> RareProportions {
    let arm = |events| Events { events, units };
    RareProportions::new(arm(control), arm(treatment)).expect("rare")
}

fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance * want.abs(), "{got} is not {want}");
}

/// The limits were computed by bisection with exact fractions.
#[test]
fn limits_of_a_share_are_those_of_clopper_and_pearson() {
    close(lower_limit(7, 20, 0.025), 0.153_909_204_784_540_95, 1e-12);
    close(upper_limit(7, 20, 0.025), 0.592_188_534_532_828_8, 1e-12);
    close(upper_limit(0, 10, 0.025), 0.308_497_107_818_761_05, 1e-12);
    close(lower_limit(1, 100, 0.025), 0.000_253_146_032_976_658_83, 1e-11);
    close(upper_limit(1, 100, 0.025), 0.054_459_385_392_081_394, 1e-12);
    assert_eq!(lower_limit(0, 10, 0.025), 0.0);
    assert_eq!(upper_limit(10, 10, 0.025), 1.0);
    assert!(lower_limit(3, 2, 0.025).is_nan() && lower_limit(0, 0, 0.025).is_nan());
}

#[test]
fn a_limit_has_the_tail_it_was_asked_for() {
    use crate::distribution::binomial::at_least;
    for (events, units) in [(1, 7000), (19, 50), (400, 1_000_000), (3, 3)] {
        for tail in [0.4, 0.025, 1e-6] {
            close(at_least(events, units, lower_limit(events, units, tail)), tail, 1e-6);
            if events < units {
                close(1.0 - at_least(events + 1, units, upper_limit(events, units, tail)), tail, 1e-6);
            }
        }
    }
}

#[test]
fn one_event_more_or_less_changes_little_on_either_side_of_none() {
    let margin = 0.01;
    let safe: Vec<f64> = (0..4).map(|events| arms(0, events, 700).p_below(1.0, margin)).collect();
    assert!(safe.windows(2).all(|pair| pair[0] < pair[1]), "{safe:?}");
    // Nothing seen in 700 units: (1 − 0.01)^700.
    close(safe[0], 0.99_f64.powi(700), 1e-6);
    let mirrored: Vec<f64> = (0..4).map(|events| arms(events, 0, 700).p_below(1.0, margin)).collect();
    assert!(mirrored.windows(2).all(|pair| pair[0] >= pair[1]), "{mirrored:?}");
    close(mirrored[0], safe[0], 1e-12);
}

#[test]
fn few_units_cannot_show_that_a_rare_event_is_within_its_margin() {
    assert!(arms(0, 0, 100).p_below(1.0, 0.01) > 0.3);
    assert!(arms(0, 0, 7000).p_below(1.0, 0.01) < 1e-20);
}

#[test]
fn without_an_event_nothing_is_better_or_worse() {
    let none = arms(0, 0, 7000);
    assert_eq!((none.p_above(1.0, 0.0), none.p_below(1.0, 0.0)), (1.0, 1.0));
    // No relative margin holds where the control has no event.
    assert_eq!(none.p_below(1.5, 0.0), 1.0);
}

#[test]
fn harm_in_a_rare_event_is_found_about_as_the_conditional_test_finds_it() {
    // All nine events in one of two equal arms: (1/2)^9.
    let p = arms(0, 9, 10_000).p_above(1.0, 0.0);
    assert!(p > 0.001 && p < 0.004, "{p}");
    close(arms(9, 0, 10_000).p_below(1.0, 0.0), p, 1e-9);
    assert_eq!(arms(0, 9, 10_000).p_below(1.0, 0.0), 1.0);
}

#[test]
fn the_interval_is_that_of_the_tests() {
    for (control, treatment, units) in [(0, 0, 50), (0, 5, 300), (3, 19, 1000), (50, 48, 50)] {
        let arms = arms(control, treatment, units);
        let interval = arms.interval(Probability::new(0.05).expect("a level"));
        close(arms.p_above(1.0, interval.lower - 1e-12), 0.025, 1e-4);
        close(arms.p_below(1.0, interval.upper + 1e-12), 0.025, 1e-4);
    }
}

#[test]
fn few_events_are_fewer_than_twenty_with_or_without() {
    let arm = |events| Events { events, units: 100 };
    assert!(RareProportions::new(arm(20), arm(80)).is_none());
    assert!(RareProportions::new(arm(19), arm(50)).is_some());
    assert!(RareProportions::new(arm(50), arm(81)).is_some());
    assert!(RareProportions::new(Events { events: 0, units: 1 }, arm(5)).is_none());
}
