//! Two published field experiments through a book, the embedded warehouse and the outcome, against what scipy
//! and statsmodels compute. `tests/data/README.md` says where the data come from.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;
use trialbook_analysis::warehouse::Embedded;
use trialbook_analysis::{
    Effect, Lift, MetricResult, Outcome, QualityKind, QualityStatus, Request, VerdictKind, analyse,
};
use trialbook_language::load;
use trialbook_model::ExperimentKey;
use trialbook_stats::adjustment::pooled_theta_adjustment;
use trialbook_stats::{CoMoments, CoMomentsParts, Probability};

fn outcome(experiment: &str, as_of: &str) -> Outcome {
    let here = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests");
    let root = tempfile::tempdir().expect("a folder");
    let copy = |from: &Path, to: &Path| {
        std::fs::create_dir_all(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("a folder") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    };
    copy(&here.join("books/field-experiments"), root.path());
    copy(&here.join("data"), &root.path().join("data"));
    let loaded = load::load(load::read_folder(root.path()).expect("a book"));
    let findings: Vec<_> = loaded.findings.iter().map(|f| (f.primary.file.path(), &f.message)).collect();
    let book = loaded.book.as_ref().unwrap_or_else(|| panic!("{findings:?}"));
    let warehouse = Embedded::new(root.path(), None).installing().open().expect("a warehouse");
    let request = Request {
        experiments: vec![ExperimentKey::new(experiment).expect("a key")],
        as_of: as_of.parse::<Timestamp>().expect("an instant"),
        commit: None,
        files: BTreeMap::new(),
        preregistrations: BTreeMap::new(),
        changes: BTreeMap::new(),
    };
    let outcomes = analyse(book, warehouse.as_ref(), &request, &mut |_| ()).expect("an outcome");
    let outcome = outcomes.into_iter().next().expect("one outcome");
    // What the report reads is what was written.
    let read = Outcome::from_json(&outcome.to_json().expect("JSON")).expect("an outcome");
    assert_eq!(read, outcome);
    outcome
}

fn reference(name: &str) -> Value {
    let all: Value =
        serde_json::from_str(include_str!("../../../../tests/data/reference.json")).expect("JSON");
    all.get(name).unwrap_or_else(|| panic!("no reference `{name}`")).clone()
}

fn metric<'a>(outcome: &'a Outcome, key: &str) -> &'a MetricResult {
    outcome.metrics.iter().find(|metric| metric.metric.as_str() == key).expect("a metric")
}

fn effect(metric: &MetricResult) -> &Effect {
    let estimate = &metric.comparisons.first().expect("a treatment").estimate;
    estimate.effect().unwrap_or_else(|| panic!("{estimate:?}"))
}

#[track_caller]
fn assert_close(got: f64, want: &Value, tolerance: f64) {
    let want = want.as_f64().expect("a number");
    assert!((got - want).abs() <= tolerance * want.abs(), "{got} is not {want}");
}

#[test]
fn job_training_equals_the_published_difference() {
    let want = reference("nsw_training.re78 welch");
    let outcome = outcome("job-training", "1976-01-02T12:00:00Z");
    let units: Vec<_> = outcome.units.arms.iter().map(|arm| (arm.variant.as_str(), arm.units)).collect();
    assert_eq!(units, [("control", 260), ("training", 185)]);
    let earnings = metric(&outcome, "earnings");
    let effect = effect(earnings);
    for (arm, name) in earnings.arms.iter().zip(["control", "training"]) {
        assert_close(arm.moments.expect("moments").mean, &want["mean"][name], 1e-12);
    }
    assert_close(effect.difference, &want["difference"], 1e-10);
    assert_close(effect.standard_error, &want["standard_error"], 1e-10);
    assert_close(effect.degrees_of_freedom.expect("Welch's t"), &want["df"], 1e-10);
    assert_close(effect.p_two_sided, &want["p_value"], 1e-9);
    assert_close(effect.interval.lower, &want["ci95"][0], 1e-9);
    assert_close(effect.interval.upper, &want["ci95"][1], 1e-9);
    assert_eq!(outcome.verdicts.first().map(|verdict| verdict.kind), Some(VerdictKind::Ship), "{outcome:#?}");
}

#[test]
fn earnings_before_the_programme_adjust_as_the_published_regressions_do() {
    let outcome = outcome("job-training", "1976-01-02T12:00:00Z");
    let adjusted = metric(&outcome, "earnings-adjusted");
    let want = reference("nsw_training.re78 interacted regression on re75 (Lin 2013), HC2");
    assert_close(effect(adjusted).difference, &want["difference"], 1e-10);
    // HC2 weighs rows by their leverage, which moments do not hold.
    assert_close(effect(adjusted).standard_error, &want["standard_error"], 5e-3);
    // The other adjustment, recomputed from the outcome alone.
    let arms: Vec<CoMoments> = adjusted
        .arms
        .iter()
        .map(|arm| {
            let y = arm.moments.expect("moments");
            let x = y.covariate.expect("a covariate");
            let parts = CoMomentsParts {
                n: arm.units,
                mean_y: y.mean,
                mean_x: x.mean,
                m2_y: y.m2,
                m2_x: x.m2,
                c_xy: x.co,
            };
            CoMoments::from_parts(parts).expect("moments")
        })
        .collect();
    let [control, training] = arms.as_slice() else { panic!("two arms") };
    let pooled = pooled_theta_adjustment(control, training).expect("measured");
    let want = reference("nsw_training.re78 adjusted by re75 (theta over all units)");
    assert_close(pooled.difference(), &want["difference"], 1e-10);
    assert_close(pooled.standard_error(), &want["standard_error"], 1e-10);
    let interval = pooled.interval(Probability::new(0.05).expect("a level")).expect("an interval");
    assert_close(interval.lower, &want["ci95"][0], 1e-9);
}

#[test]
fn a_payment_equals_the_published_proportions_and_its_split_is_noticed() {
    let want = reference("thornton_hiv.got_result proportions");
    let outcome = outcome("paid-result", "2004-11-03T00:00:00Z");
    let learned = metric(&outcome, "learned-result");
    for (arm, name) in learned.arms.iter().zip(["control", "incentive"]) {
        assert_eq!(Some(arm.units), want["n"][name].as_u64());
        let successes = arm.moments.expect("moments").mean * arm.units as f64;
        assert_close(successes, &want["successes"][name], 1e-12);
    }
    let effect = effect(learned);
    assert_close(effect.difference, &want["difference"], 1e-12);
    assert_close(effect.standard_error, &want["standard_error_unpooled"], 1e-10);
    assert_close(effect.statistic, &want["z_unpooled"], 1e-10);
    let Lift::Defined { lift, .. } = effect.lift else { panic!("a lift") };
    assert_close(lift, &want["relative_lift"], 1e-10);

    let want = reference("thornton_hiv sample ratio against 25:75");
    let ratio = outcome.quality.iter().find(|check| check.kind == QualityKind::SampleRatio).expect("a check");
    assert_close(ratio.p_value.expect("a test"), &want["p_value"], 1e-9);
    assert_eq!(ratio.status, QualityStatus::Fail);
    let verdict = outcome.verdicts.first().expect("a verdict");
    assert_eq!(verdict.kind, VerdictKind::Invalid);
}

#[test]
fn before_the_last_window_has_closed_no_effect_is_shown() {
    let outcome = outcome("job-training", "1976-01-02T11:59:59Z");
    assert_eq!(outcome.units.total(), 445);
    for metric in &outcome.metrics {
        assert!(metric.comparisons.iter().all(|comparison| comparison.estimate.effect().is_none()));
        assert!(metric.arms.iter().all(|arm| arm.moments.is_none() && arm.units > 0), "{metric:?}");
    }
    let verdict = outcome.verdicts.first().expect("a verdict");
    assert_eq!(verdict.kind, VerdictKind::KeepRunning);
    let need = verdict.need.expect("what it waits for");
    assert_eq!(need.have, 445);
    assert!(need.units.is_some_and(|units| units > 445), "{need:?}");
}
