//! A short run of the calibration: the long one is `examples/calibration`, its page `docs/calibration.md`.

#[path = "../../examples/calibration/cell.rs"]
#[allow(dead_code, reason = "the example uses all of it")]
mod cell;
#[path = "../../examples/calibration/population.rs"]
#[allow(dead_code, reason = "the example uses all of it")]
mod population;
#[path = "../../examples/calibration/rule.rs"]
#[allow(dead_code, reason = "the example uses all of it")]
mod rule;

use cell::{Cell, Method};
use population::Kind;
use rule::Plan;

const EXPERIMENTS: u32 = 200;

/// Whether a count is as often as promised, but for luck: four standard errors.
fn fits(count: u32, of: u32, promised: f64) -> bool {
    let n = f64::from(of);
    (f64::from(count) - n * promised).abs() <= 4.0 * (n * promised * (1.0 - promised)).sqrt() + 1.0
}

fn keeps_its_promises(kind: Kind, adjusted: bool) {
    let cell = Cell::run(kind, adjusted, EXPERIMENTS, 20_261_127);
    for (method, count) in Method::ALL.into_iter().zip(cell.counts) {
        let (promise, name) = (method.promise(), format!("{}: {}: {count:?}", kind.name(), method.name()));
        assert!(fits(count.false_positives, EXPERIMENTS, promise.false_positives), "false positives: {name}");
        assert!(fits(count.covered, EXPERIMENTS, promise.coverage), "coverage: {name}");
        assert!(fits(count.found, EXPERIMENTS, promise.power), "power: {name}");
        let units = count.units / f64::from(EXPERIMENTS);
        assert!((units - promise.units).abs() < 0.06, "units {units}, promised {}: {name}", promise.units);
        if matches!(method, Method::OBrienFleming | Method::Pocock) {
            assert!(fits(count.above, EXPERIMENTS, 0.5), "above the truth: {name}");
        }
    }
}

#[test]
fn means_keep_their_promises() {
    keeps_its_promises(Kind::Normal, false);
    keeps_its_promises(Kind::Uneven, true);
}

#[test]
fn means_of_other_shapes_keep_their_promises() {
    keeps_its_promises(Kind::ZeroInflated, false);
    keeps_its_promises(Kind::Skewed, true);
}

#[test]
fn proportions_and_ratios_keep_their_promises() {
    keeps_its_promises(Kind::Proportion, false);
    keeps_its_promises(Kind::Clustered, false);
    keeps_its_promises(Kind::Clustered, true);
}

#[test]
fn medians_keep_their_promises() {
    keeps_its_promises(Kind::Median, false);
}

#[test]
fn the_whole_decision_keeps_its_promises() {
    for (success, guardrails, treatments) in [(1, 1, 1), (2, 3, 1), (5, 1, 3), (1, 5, 2), (5, 5, 3)] {
        let plan = Plan { success, guardrails, treatments };
        let found = plan.run(1000, 7);
        let at_most = |count: u32, share: f64| f64::from(count) <= 1000.0 * share || fits(count, 1000, share);
        assert!(at_most(found.shipped_without_effect, 0.025), "{plan:?}: {found:?}");
        assert!(at_most(found.shipped_with_harm, 0.025), "{plan:?}: {found:?}");
        assert!(at_most(1000 - found.shipped_with_effect, 0.2), "{plan:?}: {found:?}");
        assert!(at_most(1000 - found.stopped_with_harm, 0.025), "{plan:?}: {found:?}");
    }
}
