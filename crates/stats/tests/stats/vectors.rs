//! Every convention that `stats` offers, against the values of published packages and of exact
//! arithmetic.
//!
//! The vectors name their source package and version per value. `TRIALBOOK_VECTORS` names another
//! folder in the same schema.

mod exact;
mod sequential;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use exact::{Decimal, co_moment};
use serde_json::Value;
use trialbook_stats::adjustment::{
    full_regression_adjustment, pooled_theta_adjustment, pooled_theta_adjustment_on_observed_base,
};
use trialbook_stats::decision_rule::{
    DecisionLevels, ErrorRates, Evidence, SuccessCorrection, TestCounts, decide,
};
use trialbook_stats::multiplicity::{benjamini_hochberg, bonferroni, holm};
use trialbook_stats::power::{RequiredUnits, Target, UnitVariances, planned_standard_error, two_sided_power};
use trialbook_stats::ratio_moments::PAIRS;
use trialbook_stats::sample_ratio::{SampleRatioMethod, chi_square_test, exact_binomial};
use trialbook_stats::{
    Adjustment, Better, CoMoments, CoMomentsParts, Comparison, Interval, Margin, Moments, Probability,
    RatioMoments, RatioMomentsParts, Tails, Unmeasurable, adjusted_ratio_difference, mean_difference,
    proportion_difference, ratio_difference,
};

/// What `stats` offers, and which part of the outputs it does not.
const OFFERED: &[&str] = &[
    "asymp_cs_one_sided",
    "asymp_cs_two_sided",
    "bh",
    "bonferroni",
    "capped_welch_t", // from the moments of the capped values; the cap is the warehouse's
    "chi_square",
    "cuped_lift_full_delta_t",
    "cuped_pooled_theta_t",
    "cuped_pooled_theta_z",
    "cuped_ratio_pooled_theta_t",
    "decision_rule",
    "design_power",
    "exact_binomial",
    "gst_inflation",
    "holm",
    "interacted_1_hc0", // the estimate; its row-wise covariance needs fourth moments
    "interacted_1_hc2", // the estimate; likewise
    "lift_delta_t",     // without the p-value of the lift, which could contradict the test
    "lift_delta_z",
    "lift_fieller_z",
    "mde_normal_one_tail",
    "mean_normal_both_tails_power",
    "mean_normal_one_tail",
    "nim_fixed_margin_t", // as an absolute margin
    "nim_fixed_margin_z", // as an absolute margin
    "nim_linear_contrast_z",
    "one_sided_bounds",
    "prop_unpooled",
    "ratio_delta_t",
    "ratio_delta_z",
    "ratio_lift_delta_t",
    "undefined",
    "unpooled_z",
    "welch_t",
    "welch_z",
];

const NOT_OFFERED: &[&str] = &[
    "ancova_1_hc2",
    "ancova_1_nonrobust",
    "anytime_t_mixture",
    "anytime_t_mixture_df_n_minus_p_minus_1",
    "asymp_cs_path",
    "asymp_cs_two_sided_exact_rho",
    "asymp_cs_two_sided_lift_delta",
    "bayes_relative",
    "by",
    "cluster_delta_t",
    "cluster_robust_cr0",
    "cochran_q",
    "cuped_pooled_theta_z_mixed_dof",
    "diff_ci_agresti-caffo",
    "diff_ci_newcomb",
    "diff_ci_score",
    "diff_ci_wald",
    "effect_trend",
    "fisher_exact",
    "full_regression_adjustment_2cov",
    "gst_inflation_obf_R",
    "hochberg",
    "holm_sidak",
    "hommel",
    "interacted_2_hc0",
    "interacted_2_hc2",
    "interaction_t",
    "lift_delta_welch_t",
    "lift_log_delta_welch_t",
    "lift_log_delta_z",
    "lift_plain_division_z",
    "mean_noncentral_t",
    "mean_noncentral_t_R",
    "mean_normal_both_tails",
    "msprt",
    "msprt_tau_0.2sd",
    "naive_rows",
    "pearson_chi2",
    "pooled_z",
    "prop_arcsine",
    "prop_arcsine_R",
    "prop_pooled_null",
    "prop_pooled_null_both_tails_R",
    "quantile_exact_binomial_ci_control",
    "quantile_exact_binomial_ci_treatment",
    "quantile_order_statistic_t",
    "quantile_order_statistic_z",
    "ratio_ci_log",
    "ratio_ci_score",
    "repeated_ci",
    "risk_ratio_log_unpooled",
    "sequential_multinomial",
    "sequential_multinomial_path",
    "sidak",
    "spot_1_bonferroni",
    "spotify_sample_size",
    "stagewise_p",
    "time_to_power", // counts the far tail of a two-sided test
    "unpooled_welch_t",
    "unpooled_z_clamped",
    "yuen_trimmed_t",
];

/// Values that the vectors call right and exact arithmetic does not.
const WRONG_VECTORS: &[(&str, &str, &str)] = &[
    // Fieller's roots of m1/m0 before one is taken off: sqrt(ε) of the root is left. In 60 digits
    // the interval is 1.23476924838849e-11 to 1.87652200607966e-10.
    ("welch_mean/008", "lift_fieller_z", "reference-formula"),
    // The upper limit lies below the estimate: its half width is subtracted. The absolute limit of
    // the same call is marked inaccurate for it.
    ("welch_mean/014", "lift_delta_t", "gbstats"),
];

/// What a case says is wrong with it; an answer that does not match is one too.
type Check = Result<(), String>;

#[test]
fn every_offered_convention_matches_every_vector() {
    let folder = std::env::var_os("TRIALBOOK_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"), PathBuf::from);
    let mut ran: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases(&folder) {
        for expected in list(&case["expected"]) {
            let convention = text(&expected["convention"]);
            let offered = OFFERED.contains(&convention);
            if !offered && !NOT_OFFERED.contains(&convention) {
                wrong.push(format!("{}: `{convention}` is not known", text(&case["id"])));
            }
            if !offered || expected["status"] != "ok" {
                continue;
            }
            *ran.entry(convention.to_owned()).or_default() += 1;
            let package = text(&expected["source"]["package"]);
            let value = (text(&case["id"]), convention, package);
            let result = run(convention, &input_of(&case), expected);
            match (result, WRONG_VECTORS.contains(&value)) {
                (Ok(()), false) | (Err(_), true) => {}
                (Err(problem), false) => wrong.push(format!("{value:?}: {problem}")),
                (Ok(()), true) => wrong.push(format!("{value:?} is right after all")),
            }
        }
    }
    let without = OFFERED.iter().filter(|convention| !ran.contains_key(**convention));
    wrong.extend(without.map(|convention| format!("`{convention}` has no case")));
    #[allow(clippy::disallowed_macros, reason = "shown with --nocapture")]
    {
        println!("{} values of {} conventions: {ran:#?}", ran.values().sum::<usize>(), ran.len());
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn cases(folder: &Path) -> Vec<Value> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("the vectors in {} are readable: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let read = |path: PathBuf| -> Vec<Value> {
        let json: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        list(&json["cases"]).to_vec()
    };
    files.into_iter().flat_map(read).collect()
}

/// The input of a case; with a cap, the moments of the capped values are among the outputs.
fn input_of(case: &Value) -> Value {
    let mut input = case["input"].clone();
    let capped = list(&case["expected"]).iter().find(|one| !one["outputs"]["control"].is_null());
    if let (false, Some(capped)) = (input["cap"].is_null(), capped) {
        for arm in ["control", "treatment"] {
            input[arm] = capped["outputs"][arm].clone();
        }
    }
    input
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("a string expected: {value}"))
}

/// A number, or one of the three that JSON cannot write.
fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("Infinity") => f64::INFINITY,
        Some("-Infinity") => f64::NEG_INFINITY,
        Some("NaN") => f64::NAN,
        Some(digits) => digits.parse().unwrap(),
        None => value.as_f64().unwrap_or_else(|| panic!("a number expected: {value}")),
    }
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("a count expected: {value}"))
}

fn probability(value: &Value) -> Probability {
    Probability::new(number(value)).unwrap()
}

fn describe(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Compares named results with the outputs; what is not in the outputs is not compared, but
/// something must be.
fn compare(expected: &Value, got: &[(&str, f64)]) -> Check {
    let outputs = &expected["outputs"];
    let (relative, absolute) = (number(&expected["rel_tol"]), number(&expected["abs_tol"]));
    let mut compared = 0;
    for (name, got) in got.iter().filter(|(name, _)| !outputs[*name].is_null()) {
        let want = number(&outputs[*name]);
        compared += 1;
        let close = *got == want || (got - want).abs() <= relative * got.abs().max(want.abs()) + absolute;
        if !close {
            return Err(format!("{name} is {got:e}, expected {want:e}"));
        }
    }
    if compared == 0 { Err(format!("nothing to compare in {outputs}")) } else { Ok(()) }
}

fn exact(value: &Value) -> Decimal {
    Decimal::parse(text(value)).unwrap_or_else(|| panic!("a decimal expected: {value}"))
}

/// The moments of an arm: as given, or exactly from its sums, or from a count of successes.
fn moments(arm: &Value) -> Moments {
    let n = count(&arm["n"]);
    if !arm["successes"].is_null() {
        return Moments::of_proportion(count(&arm["successes"]), n).unwrap();
    }
    if !arm["m2"].is_null() {
        return Moments::from_parts(n, number(&arm["mean"]), number(&arm["m2"])).unwrap();
    }
    if n == 0 {
        return Moments::EMPTY;
    }
    let sum = exact(&arm["sum"]);
    let m2 = co_moment(n, &exact(&arm["sum_squares"]), &sum, &sum);
    Moments::from_parts(n, sum.value() / n as f64, m2).unwrap()
}

/// The moments of two columns of an aggregated table.
fn co_moments(arm: &Value, y: &str, x: &str) -> CoMoments {
    co_moments_from(arm, y, x, [0.0, 0.0])
}

/// The moments of two columns of an aggregated table, each counted from an origin.
fn co_moments_from(arm: &Value, y: &str, x: &str, origins: [f64; 2]) -> CoMoments {
    let n = count(&arm["n"]);
    let mean = |sum: Decimal, origin: f64| {
        let origin = Decimal::parse(&format!("{origin:.0}")).unwrap();
        sum.minus(&origin.times(&Decimal::from_count(n))).value() / n as f64
    };
    let sum = |column: &str| exact(&arm["sums"][column]);
    let cross = |a: &str, b: &str| {
        let product = [format!("{a}*{b}"), format!("{b}*{a}")]
            .into_iter()
            .find_map(|name| arm["cross"][name].as_str())
            .unwrap_or_else(|| panic!("no product of {a} and {b}"));
        co_moment(n, &Decimal::parse(product).unwrap(), &sum(a), &sum(b))
    };
    CoMoments::from_parts(CoMomentsParts {
        n,
        mean_y: mean(sum(y), origins[0]),
        mean_x: mean(sum(x), origins[1]),
        m2_y: cross(y, y),
        m2_x: cross(x, x),
        c_xy: cross(y, x),
    })
    .unwrap()
}

/// Both arms of a case as moments of its outcome.
fn arms(input: &Value) -> (Moments, Moments) {
    if input["sufficient"].is_null() {
        return (moments(&input["control"]), moments(&input["treatment"]));
    }
    let outcome = text(&input["outcome"]);
    let arm = |name: &str| co_moments(&input["sufficient"][name], outcome, outcome).outcome();
    (arm("control"), arm("treatment"))
}

/// Both arms with the first covariate of a case, and the origin that their outcome is counted from.
///
/// At a mean of 1e7 the digits that the vectors ask of a difference are not in a double; counted
/// from near the mean they are. No difference, slope or error depends on the origin.
fn centred_arms(input: &Value) -> (CoMoments, CoMoments, f64) {
    let (control, _) = adjusted_arms(input);
    let origins = [control.mean_y().round(), control.mean_x().round()];
    let (control, treatment) = adjusted_arms_from(input, origins);
    (control, treatment, origins[0])
}

fn adjusted_arms(input: &Value) -> (CoMoments, CoMoments) {
    adjusted_arms_from(input, [0.0, 0.0])
}

fn adjusted_arms_from(input: &Value, origins: [f64; 2]) -> (CoMoments, CoMoments) {
    let covariate = match &input["covariates"] {
        Value::Null => text(&input["covariate"]),
        covariates => text(&covariates[0]),
    };
    let arm =
        |name: &str| co_moments_from(&input["sufficient"][name], text(&input["outcome"]), covariate, origins);
    (arm("control"), arm("treatment"))
}

fn ratio(input: &Value) -> Result<Comparison, String> {
    let (numerator, denominator) = (text(&input["numerator"]), text(&input["denominator"]));
    let arm = |name| co_moments(&input["sufficient"][name], numerator, denominator);
    ratio_difference(&arm("control"), &arm("treatment")).map_err(describe)
}

/// Both arms of a ratio with a ratio as its covariate.
fn adjusted_ratio(input: &Value) -> Result<Comparison, String> {
    let names = ["numerator", "denominator", "covariate_numerator", "covariate_denominator"]
        .map(|name| text(&input[name]));
    let arm = |arm: &str| {
        let pair = |(a, b): (usize, usize)| co_moments(&input["sufficient"][arm], names[a], names[b]);
        let means = [0, 1, 2, 3].map(|quantity| pair((quantity, quantity)).mean_y());
        let n = count(&input["sufficient"][arm]["n"]);
        RatioMoments::from_parts(RatioMomentsParts { n, means, m2: PAIRS.map(|at| pair(at).c_xy()) }).unwrap()
    };
    adjusted_ratio_difference(&arm("control"), &arm("treatment")).map_err(describe)
}

fn run(convention: &str, input: &Value, expected: &Value) -> Check {
    match convention {
        "undefined" => undefined(input, expected),
        "bh" | "bonferroni" | "holm" => multiplicity(convention, input, expected),
        "chi_square" | "exact_binomial" => sample_ratio(convention, input, expected),
        "decision_rule" => decision_rule(input, expected),
        "one_sided_bounds" | "design_power" | "gst_inflation" => {
            sequential::group_sequential(convention, input, expected)
        }
        "asymp_cs_one_sided" | "asymp_cs_two_sided" => sequential::always_valid(convention, input, expected),
        "mde_normal_one_tail"
        | "mean_normal_both_tails_power"
        | "mean_normal_one_tail"
        | "prop_unpooled"
        | "time_to_power" => power(convention, input, expected),
        "nim_fixed_margin_t" | "nim_fixed_margin_z" | "nim_linear_contrast_z" => {
            non_inferiority(convention, input, expected)
        }
        _ => difference(convention, input, expected),
    }
}

/// The comparison that a convention makes of a case.
fn comparison(convention: &str, input: &Value) -> Result<Comparison, String> {
    let base = convention.trim_end_matches("_z").trim_end_matches("_t");
    let compared = match base {
        "welch" | "capped_welch" | "lift_delta" | "lift_fieller" => {
            let (control, treatment) = arms(input);
            mean_difference(&control, &treatment).map_err(describe)
        }
        "unpooled" => {
            let (control, treatment) = arms(input);
            proportion_difference(&control, &treatment).map_err(describe)
        }
        "ratio_delta" | "ratio_lift_delta" => ratio(input),
        "cuped_pooled_theta" => {
            let (control, treatment, _) = centred_arms(input);
            pooled_theta_adjustment(&control, &treatment).map_err(describe)
        }
        "cuped_ratio_pooled_theta" => adjusted_ratio(input),
        "cuped_lift_full_delta" => {
            let (control, treatment) = adjusted_arms(input);
            pooled_theta_adjustment_on_observed_base(&control, &treatment).map_err(describe)
        }
        "interacted_1_hc0" | "interacted_1_hc2" => {
            let (control, treatment) = adjusted_arms(input);
            full_regression_adjustment(&control, &treatment).map_err(describe)
        }
        other => Err(format!("no comparison for `{other}`")),
    }?;
    let normal = convention.ends_with("_z");
    Ok(if normal { compared.with_normal_reference() } else { compared })
}

fn difference(convention: &str, input: &Value, expected: &Value) -> Check {
    let compared = comparison(convention, input)?;
    let alpha = probability(&input["alpha"]);
    if convention == "lift_fieller_z" {
        return fieller(&compared, alpha, expected);
    }
    if convention.contains("lift") {
        let lift = compared.linear_lift(two_sided_level(input)?).map_err(describe)?;
        let error = compared.lift_standard_error().map_err(describe)?;
        let (lower, upper) = bounds(input, lift.interval);
        return compare(
            expected,
            &[("lift", lift.lift), ("se", error), ("ci_lower", lower), ("ci_upper", upper)],
        );
    }
    if convention.starts_with("interacted") {
        return compare(expected, &[("diff", compared.difference())]);
    }
    let mut got = test_results(&compared, input, 0.0)?;
    let ratio = convention.contains("ratio");
    let means = if ratio { ["ratio_control", "ratio_treatment"] } else { MEANS };
    let centred = convention.starts_with("cuped_pooled_theta");
    let origin = if centred { centred_arms(input).2 } else { 0.0 };
    got.push((means[0], origin + compared.control_mean()));
    got.push((means[1], origin + compared.treatment_mean()));
    if let Adjustment::PooledTheta { theta, variance_reduction, .. } = compared.adjustment() {
        got.push(("theta", *theta));
        got.push(("variance_reduction", *variance_reduction));
    }
    compare(expected, &got)
}

const MEANS: [&str; 2] = ["mean_control", "mean_treatment"];

/// The test and interval of a case, two-sided or as its `alternative` says.
fn test_results(compared: &Comparison, input: &Value, null: f64) -> Result<Vec<(&'static str, f64)>, String> {
    let tails = compared.test(null);
    let interval = compared.interval(two_sided_level(input)?).map_err(describe)?;
    let (lower, upper) = bounds(input, interval);
    let p = match input["alternative"].as_str() {
        Some("greater") => tails.p_greater,
        Some("less") => tails.p_less,
        _ => tails.p_two_sided,
    };
    let df = match compared.reference() {
        trialbook_stats::Reference::Normal => f64::INFINITY,
        trialbook_stats::Reference::StudentT { degrees_of_freedom } => degrees_of_freedom,
    };
    Ok(vec![
        ("diff", compared.difference()),
        ("se", compared.standard_error()),
        ("df", df),
        ("statistic", tails.statistic),
        ("p_value", p),
        ("ci_lower", lower),
        ("ci_upper", upper),
    ])
}

/// The two-sided level whose interval has the bounds of a case: a one-sided bound at alpha is an
/// end of the two-sided interval at twice that.
fn two_sided_level(input: &Value) -> Result<Probability, String> {
    let alpha = number(&input["alpha"]);
    let one_sided = matches!(input["alternative"].as_str(), Some("greater" | "less"));
    Probability::new(if one_sided { 2.0 * alpha } else { alpha }).map_err(describe)
}

fn bounds(input: &Value, interval: Interval) -> (f64, f64) {
    match input["alternative"].as_str() {
        Some("greater") => (interval.lower, f64::INFINITY),
        Some("less") => (f64::NEG_INFINITY, interval.upper),
        _ => (interval.lower, interval.upper),
    }
}

fn fieller(compared: &Comparison, alpha: Probability, expected: &Value) -> Check {
    let lift = compared.fieller_lift(alpha);
    if expected["outputs"]["bounded"] == false {
        return match lift {
            Err(_) => Ok(()),
            Ok(lift) => Err(format!("unbounded, but got {lift:?}")),
        };
    }
    let lift = lift.map_err(describe)?;
    let (lower, upper) = (lift.interval.lower, lift.interval.upper);
    compare(expected, &[("lift", lift.lift), ("ci_lower", lower), ("ci_upper", upper)])
}

fn undefined(input: &Value, expected: &Value) -> Check {
    let outputs = &expected["outputs"];
    assert_eq!(outputs["defined"], false);
    let (control, treatment) = arms(input);
    let proportion = !input["control"]["successes"].is_null();
    let result = if proportion {
        proportion_difference(&control, &treatment)
    } else {
        mean_difference(&control, &treatment)
    };
    match (text(&outputs["reason"]), result) {
        ("zero_variance", Err(Unmeasurable::ZeroVariance))
        | ("empty_arm", Err(Unmeasurable::EmptyArm { .. })) => Ok(()),
        (reason, result) => Err(format!("{reason} expected, got {result:?}")),
    }
}

fn better(value: &Value) -> Better {
    match text(value) {
        "increase" => Better::Higher,
        "decrease" => Better::Lower,
        other => panic!("no direction: {other}"),
    }
}

fn non_inferiority(convention: &str, input: &Value, expected: &Value) -> Check {
    let (control, treatment) = arms(input);
    let compared = mean_difference(&control, &treatment).map_err(describe)?;
    let normal = convention.ends_with("_z");
    let compared = if normal { compared.with_normal_reference() } else { compared };
    let better = better(&input["preferred_direction"]);
    let share = number(&input["nim_relative"]);
    if convention != "nim_linear_contrast_z" {
        return fixed_margin(&compared, better, share, input, expected);
    }
    let results = |contrast, error, tails: Tails| {
        let p = if better == Better::Higher { tails.p_greater } else { tails.p_less };
        let statistic = tails.statistic;
        [("contrast", contrast), ("se", error), ("statistic", statistic), ("p_value", p)]
    };
    let factor = if better == Better::Higher { 1.0 - share } else { 1.0 + share };
    let contrast = compared.linear_contrast(factor);
    compare(expected, &results(contrast.estimate, contrast.standard_error, contrast.tails))?;
    match compared.non_inferiority(Margin::Relative(share), better) {
        Ok(tested) => compare(
            expected,
            &[
                ("contrast", tested.contrast),
                ("se", tested.standard_error),
                ("statistic", tested.statistic),
                ("p_value", tested.p_value),
            ],
        ),
        // The vector warns of it and gives the bare contrast.
        Err(_) if compared.control_mean() < 0.0 && !input["warning"].is_null() => Ok(()),
        Err(reason) => Err(describe(reason)),
    }
}

/// The margin times the observed control mean, as the constant that it is not.
fn fixed_margin(compared: &Comparison, better: Better, share: f64, input: &Value, expected: &Value) -> Check {
    let size = share * compared.control_mean();
    let (null, alternative) = match better {
        Better::Higher => (-size, "greater"),
        Better::Lower => (size, "less"),
    };
    let mut one_sided = input.clone();
    one_sided["alternative"] = alternative.into();
    let mut got = test_results(compared, &one_sided, null)?;
    got.push(("null", null));
    compare(expected, &got)?;
    if size > 0.0 {
        let tested = compared.non_inferiority(Margin::Absolute(size), better).map_err(describe)?;
        compare(expected, &[("statistic", tested.statistic), ("p_value", tested.p_value)])?;
    }
    Ok(())
}

fn multiplicity(convention: &str, input: &Value, expected: &Value) -> Check {
    let p_values: Vec<f64> = list(&input["p_values"]).iter().map(number).collect();
    let got = match convention {
        "bh" => benjamini_hochberg(&p_values),
        "holm" => holm(&p_values),
        _ => bonferroni(&p_values),
    };
    let outputs = &expected["outputs"];
    let want = list(&outputs["adjusted"]);
    if want.len() != got.len() || got.is_empty() {
        return Err(format!("{} p-values, expected {}", got.len(), want.len()));
    }
    for (position, (got, want)) in got.iter().zip(want).enumerate() {
        let mut one = expected.clone();
        one["outputs"] = serde_json::json!({ "adjusted": want });
        compare(&one, &[("adjusted", *got)]).map_err(|error| format!("{position}: {error}"))?;
        let rejects = list(&outputs["reject"]).get(position);
        let level = number(&input["alpha"]);
        // On the level itself the last bit decides.
        let close = (got - level).abs() < 1e-12;
        if rejects.is_some_and(|rejects| !close && *rejects != (*got <= level)) {
            return Err(format!("{position}: rejected differently at {level}"));
        }
    }
    Ok(())
}

fn split(observed: &Value, shares: &Value) -> Vec<(u64, f64)> {
    list(observed).iter().map(count).zip(list(shares).iter().map(number)).collect()
}

fn sample_ratio(convention: &str, input: &Value, expected: &Value) -> Check {
    let arms = split(&input["observed"], &input["expected_proportions"]);
    if convention == "exact_binomial" {
        let result = exact_binomial(arms[0], arms[1]).map_err(describe)?;
        return compare(expected, &[("p_value", result.p_value)]);
    }
    let result = chi_square_test(&arms).map_err(describe)?;
    let SampleRatioMethod::ChiSquare { statistic, degrees_of_freedom } = result.method else {
        return Err(format!("another method: {:?}", result.method));
    };
    let df = f64::from(degrees_of_freedom);
    compare(expected, &[("statistic", statistic), ("p_value", result.p_value), ("df", df)])
}

fn power(convention: &str, input: &Value, expected: &Value) -> Check {
    let alpha = probability(&input["alpha"]);
    let target = Target { level: alpha.halved(), power: probability(&input["power"]) };
    let units =
        |variances, distance, ratio| target.required_units(distance, variances, ratio).map_err(describe);
    match convention {
        "prop_unpooled" => {
            let (p0, p1) = (number(&input["p0"]), number(&input["p1"]));
            let units = units(UnitVariances::of_proportions(p0, p1), p1 - p0, 1.0)?;
            compare(expected, &[("n_per_arm", units.control), ("n_per_arm", units.treatment)])
        }
        _ => {
            let variance = number(&input["sd"]).powi(2);
            let variances = UnitVariances { control: variance, treatment: variance };
            let ratio = number(&input["ratio"]);
            if convention == "mean_normal_one_tail" {
                let units = units(variances, number(&input["effect"]), ratio)?;
                return compare(
                    expected,
                    &[
                        ("n_control", units.control),
                        ("n_treatment", units.treatment),
                        ("n_control_ceil", units.control.ceil()),
                        ("n_treatment_ceil", units.treatment.ceil()),
                    ],
                );
            }
            let outputs = &expected["outputs"];
            let control = number(&outputs["n_control"]);
            let treatment = match &outputs["n_treatment"] {
                Value::Null => control * ratio,
                treatment => number(treatment),
            };
            let planned = RequiredUnits { control, treatment };
            let error = planned_standard_error(variances, planned).map_err(describe)?;
            if convention == "mde_normal_one_tail" {
                let effect = target.detectable_effect(error).map_err(describe)?;
                return compare(expected, &[("mde", effect)]);
            }
            let power = two_sided_power(number(&input["effect"]), error, alpha);
            compare(expected, &[("power", power.map_err(describe)?)])
        }
    }
}

/// The levels and the decision of both rules; margins are fixed at the observed control mean, as
/// the vectors have them.
fn decision_rule(input: &Value, expected: &Value) -> Check {
    let metrics = list(&input["metrics"]);
    let role = |name: &str| metrics.iter().filter(|metric| text(&metric["role"]) == name).count();
    let (success, guardrails) = (role("success"), role("guardrail"));
    let arms = metrics[0]["arms"].as_object().unwrap();
    let counts = TestCounts {
        success: success as u64,
        guardrails: guardrails as u64,
        deterioration_only: (metrics.len() - success - guardrails) as u64,
        quality_tests: list(&input["quality_tests"]).len() as u64,
        treatments: arms.len() as u64 - 1,
    };
    let beta = Probability::new(1.0 - number(&input["power"])).map_err(describe)?;
    let rates = ErrorRates::new(probability(&input["alpha"]), beta, probability(&input["alpha_minus"]))
        .map_err(describe)?;
    let levels = DecisionLevels::new(counts, rates).map_err(describe)?;
    compare(
        expected,
        &[
            ("alpha_success", levels.success.get()),
            ("alpha_guardrail", levels.guardrail.get()),
            ("beta_per_metric", levels.beta_rule_1.get()),
            ("beta_per_metric_rule_2", levels.beta_rule_2.get()),
        ],
    )?;
    let observed: Vec<(u64, f64)> = arms.values().map(|arm| (count(&arm["n"]), 1.0)).collect();
    let quality = chi_square_test(&observed).map_err(describe)?.p_value;
    let treatments = list(&expected["outputs"]["treatments"]);
    if treatments.len() + 1 != arms.len() {
        return Err(format!("{} treatments expected", treatments.len()));
    }
    treatments.iter().try_for_each(|treatment| {
        one_treatment(metrics, &levels, quality, treatment, expected)
            .map_err(|error| format!("{}: {error}", treatment["treatment"]))
    })
}

fn one_treatment(
    metrics: &[Value],
    levels: &DecisionLevels,
    quality: f64,
    want: &Value,
    expected: &Value,
) -> Check {
    let name = text(&want["treatment"]);
    let part = |outputs: Value| {
        let mut part = expected.clone();
        part["outputs"] = outputs;
        part
    };
    let (mut success, mut guardrails, mut deterioration) = (Vec::new(), Vec::new(), Vec::new());
    for (metric, want) in metrics.iter().zip(list(&want["metrics"])) {
        let (control, arm) = (moments(&metric["arms"]["c"]), moments(&metric["arms"][name]));
        let compared = mean_difference(&control, &arm).map_err(describe)?.with_normal_reference();
        let better = better(&metric["preferred_direction"]);
        let tails = compared.test(0.0);
        let (p_better, p_worse) = match better {
            Better::Higher => (tails.p_greater, tails.p_less),
            Better::Lower => (tails.p_less, tails.p_greater),
        };
        let mut got = vec![("p_deterioration", p_worse), ("alpha_deterioration", levels.deterioration.get())];
        match text(&metric["role"]) {
            "success" => {
                success.push(Some(p_better));
                got.extend([("p_main", p_better), ("alpha_main", levels.success.get())]);
            }
            "guardrail" => {
                let size = number(&metric["nim_relative"]) * compared.control_mean();
                let margin = Margin::Absolute(size);
                let p = compared.non_inferiority(margin, better).map_err(describe)?.p_value;
                guardrails.push(Some(p));
                got.extend([("p_main", p), ("alpha_main", levels.guardrail.get())]);
            }
            _ => {}
        }
        deterioration.push(Some(p_worse));
        compare(&part(want.clone()), &got).map_err(|error| format!("{}: {error}", metric["id"]))?;
        let worse = levels.deterioration.rejects(p_worse);
        if want["deteriorated"] != worse {
            return Err(format!("{}: deteriorated is {worse}", metric["id"]));
        }
    }
    let srm = [("srm_p_value", quality), ("srm_alpha", levels.deterioration.get())];
    compare(&part(want.clone()), &srm)?;
    let evidence = Evidence {
        success: &success,
        guardrails: &guardrails,
        deterioration: &deterioration,
        quality: &[Some(quality)],
    };
    let outcome = decide(evidence, levels, SuccessCorrection::Bonferroni);
    let got = (outcome.rule_1_ships, outcome.rule_2_ships);
    if want["rule_1_ship"] == got.0 && want["rule_2_ship"] == got.1 {
        Ok(())
    } else {
        Err(format!("ships by rule 1 and 2: {got:?}"))
    }
}
