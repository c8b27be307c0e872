use proptest::prelude::*;

use super::*;

fn level() -> Probability {
    Probability::new(0.025).unwrap()
}

fn families() -> impl Strategy<Value = Spending> {
    prop_oneof![
        Just(Spending::OBrienFlemingLike),
        Just(Spending::PocockLike),
        (0.5..4.0).prop_map(Spending::Power),
        (-6.0..4.0).prop_map(Spending::HwangShihDeCani),
    ]
}

/// Looks at rising times, with what information and estimates there may be.
fn runs() -> impl Strategy<Value = Vec<Seen>> {
    prop::collection::vec((0.02..1.0, 0.2..3.0, -1.0..1.5), 1..8).prop_map(|steps| {
        let total: f64 = steps.iter().map(|(gap, ..)| gap).sum();
        let mut time = 0.0;
        let mut seen: Vec<Seen> = steps
            .iter()
            .map(|(gap, standard_error, estimate)| {
                time += gap / total;
                Seen::new(*estimate, *standard_error, f64::min(time, 1.0))
            })
            .collect();
        if let Some(last) = seen.last_mut() {
            last.time = 1.0;
        }
        seen
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn exactly_the_level_is_spent_by_the_final_look(seen in runs(), spending in families()) {
        let monitor = Monitor::new(&seen, spending, level()).unwrap();
        let last = monitor.looks().last().unwrap();
        prop_assert_eq!(last.spent, 0.025);
        if monitor.counting.last() == Some(&(seen.len() - 1)) {
            let spent = monitor.design.cumulative_level();
            prop_assert!((spent.last().unwrap() - 0.025).abs() < 1e-9, "{spent:?}");
        } else {
            prop_assert!(last.bound.unwrap() >= normal::upper_quantile(0.025));
        }
    }

    #[test]
    fn the_interval_leaves_out_zero_where_the_bound_is_met(seen in runs(), spending in families()) {
        let monitor = Monitor::new(&seen, spending, level()).unwrap();
        let mut spent = 0.0;
        for look in monitor.looks() {
            prop_assert!(look.spent >= spent);
            spent = look.spent;
            if let Some(interval) = look.interval {
                prop_assert_eq!(look.met, interval.lower >= 0.0);
            } else {
                prop_assert!(!look.met);
            }
        }
    }

    #[test]
    fn a_further_look_moves_no_earlier_bound(seen in runs(), spending in families()) {
        let all = Monitor::new(&seen, spending, level()).unwrap();
        for until in 1..seen.len() {
            let some = Monitor::new(&seen[..until], spending, level()).unwrap();
            for (early, late) in some.looks().iter().zip(all.looks()) {
                let (a, b) = (early.bound.unwrap_or(99.0), late.bound.unwrap_or(99.0));
                prop_assert!((a - b).abs() < 1e-7, "{a} {b}");
            }
        }
    }

    #[test]
    fn another_unit_of_the_metric_changes_nothing(seen in runs(), unit in 1e-6..1e6) {
        let scaled: Vec<Seen> = seen
            .iter()
            .map(|s| Seen::new(unit * s.estimate, unit * s.standard_error, s.time))
            .collect();
        let (a, b) = (
            Monitor::new(&seen, Spending::default(), level()).unwrap(),
            Monitor::new(&scaled, Spending::default(), level()).unwrap(),
        );
        for (a, b) in a.looks().iter().zip(b.looks()) {
            prop_assert!((a.bound.unwrap_or(99.0) - b.bound.unwrap_or(99.0)).abs() < 1e-7);
        }
    }

    #[test]
    fn whatever_is_seen_there_is_a_look_or_a_reason(numbers in prop::collection::vec(any::<(f64, f64, f64, f64)>(), 0..6)) {
        let seen: Vec<Seen> = numbers
            .iter()
            .map(|(estimate, standard_error, information, time)| Seen {
                estimate: *estimate,
                standard_error: *standard_error,
                information: *information,
                time: *time,
            })
            .collect();
        if let Ok(monitor) = Monitor::new(&seen, Spending::default(), level()) {
            for look in monitor.looks() {
                prop_assert!(look.statistic.is_finite() && look.information > 0.0);
                prop_assert!(look.bound.is_none_or(f64::is_finite));
            }
        }
    }
}

#[test]
fn a_look_that_became_noisier_spends_nothing_and_the_final_one_what_is_left() {
    let seen = [(0.4, 0.5), (0.3, 0.6), (0.5, 0.45), (0.5, 0.7)];
    let seen: Vec<Seen> = seen
        .iter()
        .zip([0.25, 0.5, 0.75, 1.0])
        .map(|((estimate, standard_error), time)| Seen::new(*estimate, *standard_error, time))
        .collect();
    let monitor = Monitor::new(&seen, Spending::PocockLike, level()).unwrap();
    let looks = monitor.looks();
    assert_eq!(looks[1].bound, None);
    assert_eq!(looks[1].spent, looks[0].spent);
    let left = 0.025 - Spending::PocockLike.spent(level(), 0.75);
    assert_eq!(looks[3].bound, Some(normal::upper_quantile(left)));
    assert!(monitor.result_at(1).is_none() && monitor.result_at(2).is_some());
}

#[test]
fn what_is_not_measured_or_not_later_is_named() {
    let good = Seen::new(1.0, 1.0, 0.5);
    let of = |second: Seen| Monitor::new(&[good, second], Spending::default(), level()).unwrap_err();
    assert_eq!(of(good), NotMonitored::NotLater { look: 2 });
    for bad in [
        Seen { estimate: f64::NAN, time: 0.7, ..good },
        Seen { standard_error: 0.0, time: 0.7, ..good },
        Seen::new(1.0, 1e-300, 0.7),
        Seen { information: f64::INFINITY, time: 0.7, ..good },
        Seen { time: 1.1, ..good },
    ] {
        assert!(matches!(of(bad), NotMonitored::NotMeasured { look: 2, .. }));
    }
    assert!(Monitor::new(&[], Spending::default(), level()).is_err());
}

#[test]
fn bounds_that_are_planned_are_those_that_are_met() {
    let seen: Vec<Seen> =
        (1..=5_u32).map(|day| Seen::new(0.1, f64::from(day).sqrt().recip(), f64::from(day) / 5.0)).collect();
    let times: Vec<f64> = seen.iter().map(|look| look.time).collect();
    let planned = planned(Looks::equal(5), &times, Spending::default(), level()).unwrap();
    let monitor = Monitor::new(&seen, Spending::default(), level()).unwrap();
    for (look, bound) in monitor.looks().iter().zip(planned.upper) {
        assert!((look.bound.unwrap() - bound).abs() < 1e-9);
    }
}

#[test]
fn metrics_with_the_same_information_share_their_bounds() {
    let mut designs = Designs::default();
    let of = |unit: f64| {
        [0.3, 0.7, 1.0]
            .map(|time| Seen { information: 100.0 * time, ..Seen::new(unit, unit / time.sqrt(), time) })
    };
    let first = designs.monitor(&of(1.0), Spending::default(), level()).unwrap();
    let second = designs.monitor(&of(7.0), Spending::default(), level()).unwrap();
    assert!(Arc::ptr_eq(&first.design, &second.design) && designs.known.len() == 1);
    designs.monitor(&of(7.0), Spending::PocockLike, level()).unwrap();
    assert_eq!(designs.known.len(), 2);
}
