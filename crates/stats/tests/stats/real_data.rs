//! Two published field experiments, unit by unit, against what scipy and statsmodels compute.

use serde_json::Value;
use trialbook_stats::adjustment::{full_regression_adjustment, pooled_theta_adjustment};
use trialbook_stats::sample_ratio::sample_ratio;
use trialbook_stats::{
    Adjustment, CoMoments, Comparison, Moments, Probability, Reference, adjusted_mean_difference,
    mean_difference, proportion_difference,
};

const NSW: &str = include_str!("../../../../tests/data/nsw_training.csv");
const THORNTON: &str = include_str!("../../../../tests/data/thornton_hiv.csv");

fn reference(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../../../../tests/data/reference.json")).unwrap();
    let value = all[name].clone();
    assert!(value.is_object(), "no reference named `{name}`");
    value
}

/// Two columns of the rows of one variant.
fn columns(table: &str, variant: &str, names: [&str; 2]) -> Vec<(f64, f64)> {
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let position = |name: &str| header.iter().position(|column| *column == name).unwrap();
    let [first, second] = names.map(position);
    let arm = position("variant");
    let rows = lines.map(|line| line.split(',').collect::<Vec<_>>());
    let number = |text: &str| text.parse::<f64>().unwrap();
    rows.filter(|row| row[arm] == variant).map(|row| (number(row[first]), number(row[second]))).collect()
}

fn earnings(variant: &str) -> CoMoments {
    CoMoments::of_pairs(&columns(NSW, variant, ["re78", "re75"])).unwrap()
}

fn results(variant: &str) -> Moments {
    let pairs = columns(THORNTON, variant, ["got_result", "got_result"]);
    CoMoments::of_pairs(&pairs).unwrap().outcome()
}

#[track_caller]
fn assert_close(got: f64, want: &Value, tolerance: f64) {
    let want = want.as_f64().unwrap();
    assert!((got - want).abs() <= tolerance * want.abs(), "{got} is not {want}");
}

#[track_caller]
fn assert_difference(compared: &Comparison, want: &Value) {
    assert_close(compared.difference(), &want["difference"], 1e-10);
    assert_close(compared.standard_error(), &want["standard_error"], 1e-10);
    assert_close(compared.test(0.0).p_two_sided, &want["p_value"], 1e-10);
    let interval = compared.interval(Probability::new(0.05).unwrap()).unwrap();
    assert_close(interval.lower, &want["ci95"][0], 1e-10);
    assert_close(interval.upper, &want["ci95"][1], 1e-10);
}

#[test]
fn training_raised_earnings_as_scipy_computes() {
    let want = reference("nsw_training.re78 welch");
    let (control, training) = (earnings("control").outcome(), earnings("training").outcome());
    assert_eq!((control.n(), training.n()), (260, 185));
    let compared = mean_difference(&control, &training).unwrap();
    assert_difference(&compared, &want);
    assert_close(compared.control_mean(), &want["mean"]["control"], 1e-12);
    assert_close(compared.treatment_mean(), &want["mean"]["training"], 1e-12);
    let Reference::StudentT { degrees_of_freedom } = compared.reference() else { panic!("Welch's t") };
    assert_close(degrees_of_freedom, &want["df"], 1e-10);
}

#[test]
fn one_slope_over_all_units_adjusts_as_the_reference_does() {
    let want = reference("nsw_training.re78 adjusted by re75 (theta over all units)");
    let compared = pooled_theta_adjustment(&earnings("control"), &earnings("training")).unwrap();
    assert_difference(&compared, &want);
    let Adjustment::PooledTheta { theta, .. } = *compared.adjustment() else { panic!("pooled") };
    assert_close(theta, &want["theta"], 1e-10);
}

#[test]
fn a_slope_in_each_arm_is_the_interacted_regression() {
    let want = reference("nsw_training.re78 interacted regression on re75 (Lin 2013), HC2");
    let (control, training) = (earnings("control"), earnings("training"));
    let compared = full_regression_adjustment(&control, &training).unwrap();
    assert_close(compared.difference(), &want["difference"], 1e-10);
    // HC2 weighs each row's squared residual by its leverage, which second moments do not hold; on
    // these data that is half a per cent.
    assert_close(compared.standard_error(), &want["standard_error"], 5e-3);
    assert_eq!(adjusted_mean_difference(&control, &training), Ok(compared));
}

#[test]
fn an_incentive_doubled_the_share_that_learned_its_result() {
    let want = reference("thornton_hiv.got_result proportions");
    let compared = proportion_difference(&results("control"), &results("incentive")).unwrap();
    assert_close(compared.difference(), &want["difference"], 1e-12);
    assert_close(compared.standard_error(), &want["standard_error_unpooled"], 1e-10);
    assert_close(compared.test(0.0).statistic, &want["z_unpooled"], 1e-10);
    let lift = compared.lift(Probability::new(0.05).unwrap());
    assert_close(lift.defined().unwrap().lift, &want["relative_lift"], 1e-10);
}

#[test]
fn a_quarter_of_the_people_were_to_be_control() {
    let want = reference("thornton_hiv sample ratio against 25:75");
    let arms = [(results("control").n(), 25.0), (results("incentive").n(), 75.0)];
    assert_close(sample_ratio(&arms).unwrap().p_value, &want["p_value"], 1e-9);
}
