//! Launches of before another method was the default.

use super::*;

/// The default of the example book, which its experiments do not repeat.
const METHOD: &str = "analysis: {method: fixed-horizon, alpha: 5%, power: 80%}";

/// A launch of before group sequential became the default: the book declared no method, and a fixed horizon was recorded.
fn launched_by_earlier_defaults() -> Fixture {
    let fixture = Fixture::new();
    let recorded = fixture.launch(&fixture.head()).digest;
    fixture.edit("trialbook.yaml", METHOD, "analysis: {alpha: 5%, power: 80%}");
    fixture.commit("Declare no method");
    let launch = Launch { digest: recorded, ..fixture.launch(&fixture.head()) };
    fixture.repository().record_launch(&launch).expect("a recorded launch");
    fixture
}

#[test]
fn a_launch_keeps_the_default_method_that_it_was_recorded_with() {
    let fixture = launched_by_earlier_defaults();
    let verified = |fixture: &Fixture| match fixture.registration() {
        Registration::Verified { defaults, .. } => defaults,
        other => panic!("{other:?}"),
    };
    assert_eq!(fixture.book().experiments[&key()].analysis.method, Method::GroupSequential);
    assert_eq!(verified(&fixture), Defaults::Earlier);
    // What is allowed to change does not change that.
    fixture.edit(EXPERIMENT, "end: 2026-11-23", "end: 2026-11-22");
    let Registration::Changed { frozen, changes, .. } = fixture.registration() else { panic!("no change") };
    assert_eq!(frozen.experiments[&key()].analysis.method, Method::FixedHorizon);
    assert!(changes.iter().all(|change| change.bearing == Bearing::Allowed), "{changes:?}");
    fixture.edit(EXPERIMENT, "end: 2026-11-22", "end: 2026-11-23");
    // Written out, the method is the launched one; another is a deviation.
    fixture.edit("trialbook.yaml", "analysis: {alpha: 5%, power: 80%}", METHOD);
    assert_eq!(verified(&fixture), Defaults::Current);
    fixture.edit("trialbook.yaml", "method: fixed-horizon", "method: group-sequential");
    assert_eq!(bearings(&fixture.registration()), [("analysis", Bearing::Deviation)]);
}

#[test]
fn a_launch_by_the_current_defaults_is_not_read_with_earlier_ones() {
    let fixture = Fixture::new();
    fixture.edit("trialbook.yaml", METHOD, "analysis: {alpha: 5%, power: 80%}");
    fixture.commit("Declare no method");
    let launch = fixture.launch(&fixture.head());
    fixture.repository().record_launch(&launch).expect("a recorded launch");
    let registration = fixture.registration();
    assert!(matches!(registration, Registration::Verified { defaults: Defaults::Current, .. }));
    fixture.edit("trialbook.yaml", "analysis: {alpha: 5%, power: 80%}", METHOD);
    assert_eq!(bearings(&fixture.registration()), [("analysis", Bearing::Deviation)]);
}
