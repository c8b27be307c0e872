//! What `stats` offers, and which part of the outputs it does not.

use super::case::{Case, Check, number};
use super::{
    always_valid, cuped, decision_rule, group_sequential, heterogeneity, means, multiplicity,
    non_inferiority, planning, quantile, ratio, sample_ratio, undefined,
};

type Convention = (&'static str, fn(&Case<'_>) -> Check);

const OFFERED: &[Convention] = &[
    ("asymp_cs_one_sided", always_valid::one_sided),
    ("asymp_cs_path", always_valid::path),
    ("asymp_cs_two_sided", always_valid::two_sided),
    ("asymp_cs_two_sided_lift_delta", always_valid::lift), // without the p-value of the lift
    ("bh", multiplicity::check),
    ("bonferroni", multiplicity::check),
    ("capped_welch_t", means::difference), // from the moments of the capped values; the cap is the warehouse's
    ("chi_square", sample_ratio::chi_square),
    ("cluster_delta_t", ratio::clusters),
    ("cochran_q", heterogeneity::cochran), // without the variance between parts of a random-effects model
    ("cuped_lift_full_delta_t", cuped::lift),
    ("cuped_pooled_theta_t", cuped::difference),
    ("cuped_pooled_theta_z", cuped::difference),
    ("cuped_ratio_pooled_theta_t", cuped::ratio),
    ("decision_rule", decision_rule::check),
    ("design_power", group_sequential::design_power),
    ("effect_trend", heterogeneity::trend_of_effects),
    ("exact_binomial", sample_ratio::binomial),
    ("gst_inflation", group_sequential::inflation),
    ("holm", multiplicity::check),
    ("interacted_1_hc0", cuped::interacted), // the estimate; its row-wise covariance needs fourth moments
    ("interacted_1_hc2", cuped::interacted), // the estimate; likewise
    ("interaction_t", heterogeneity::interaction_of_cells),
    ("lift_delta_t", means::lift), // without the p-value of the lift, which could contradict the test
    ("lift_delta_z", means::lift),
    ("lift_fieller_z", means::fieller),
    ("mde_normal_one_tail", planning::mean),
    ("mean_normal_both_tails_power", planning::mean),
    ("mean_normal_one_tail", planning::mean),
    ("msprt", always_valid::mixture),
    ("msprt_tau_0.2sd", always_valid::mixture),
    ("nim_fixed_margin_t", non_inferiority::check), // as an absolute margin
    ("nim_fixed_margin_z", non_inferiority::check), // as an absolute margin
    ("nim_linear_contrast_z", non_inferiority::check),
    ("one_sided_bounds", group_sequential::bounds),
    ("prop_unpooled", planning::proportion),
    ("quantile_order_statistic_z", quantile::check),
    ("ratio_delta_t", ratio::difference),
    ("ratio_delta_z", ratio::difference),
    ("ratio_lift_delta_t", ratio::lift),
    ("repeated_ci", group_sequential::repeated_interval),
    ("sequential_multinomial", sample_ratio::bayes_factors),
    ("sequential_multinomial_path", sample_ratio::path),
    ("stagewise_p", group_sequential::stage_wise_p),
    ("undefined", undefined::check),
    ("unpooled_z", means::difference),
    ("welch_t", means::difference),
    ("welch_z", means::difference),
];

/// What `stats` does not offer, each for a reason that `docs/statistics.md` gives.
pub const NOT_OFFERED: &[&str] = &[
    "ancova_1_hc2",
    "ancova_1_nonrobust",
    "anytime_t_mixture",
    "anytime_t_mixture_df_n_minus_p_minus_1",
    "asymp_cs_two_sided_exact_rho",
    "bayes_relative",
    "by",
    "cluster_robust_cr0",
    "cuped_pooled_theta_z_mixed_dof",
    "diff_ci_agresti-caffo",
    "diff_ci_newcomb",
    "diff_ci_score",
    "diff_ci_wald",
    "fisher_exact",
    "full_regression_adjustment_2cov",
    "gst_inflation_obf_R",
    "hochberg",
    "holm_sidak",
    "hommel",
    "interacted_2_hc0",
    "interacted_2_hc2",
    "lift_delta_welch_t",
    "lift_log_delta_welch_t",
    "lift_log_delta_z",
    "lift_plain_division_z",
    "mean_noncentral_t",
    "mean_noncentral_t_R",
    "mean_normal_both_tails",
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
    "ratio_ci_log",
    "ratio_ci_score",
    "risk_ratio_log_unpooled",
    "sidak",
    "spot_1_bonferroni",
    "spotify_sample_size",
    "time_to_power", // counts the far tail of a two-sided test
    "unpooled_welch_t",
    "unpooled_z_clamped",
    "yuen_trimmed_t",
];

pub fn offered(convention: &str) -> Option<fn(&Case<'_>) -> Check> {
    OFFERED.iter().find(|(name, _)| *name == convention).map(|(_, check)| *check)
}

pub fn names() -> impl Iterator<Item = &'static str> {
    OFFERED.iter().map(|(name, _)| *name)
}

/// Whether a value that does not match is one that the vectors call right and exact arithmetic does not.
pub fn is_fault_of_the_vectors(case: &Case<'_>) -> bool {
    match (case.convention(), case.package()) {
        // The upper limit of a one-sided test subtracts the half width: mirrored at the estimate it is right.
        ("lift_delta_t", "gbstats") if case.input["alternative"] == "less" => {
            let outputs = case.outputs();
            let (Ok(lift), Ok(upper)) = (number(&outputs["lift"]), number(&outputs["ci_upper"])) else {
                return false;
            };
            let mut mirrored = outputs.clone();
            mirrored["ci_upper"] = (2.0 * lift - upper).into();
            means::lift_against(case, &mirrored).is_ok()
        }
        // The roots are those of m1/m0, before one is taken off: of an interval much narrower than √ε nothing is left.
        // Of the case that comes with the crate, 60 digits give 1.23476924838849e-11 to 1.87652200607966e-10.
        ("lift_fieller_z", "reference-formula") => {
            let width = means::fieller_lift(case).map(|lift| lift.interval.upper - lift.interval.lower);
            let far = |name| number(&case.outputs()[name]).map_or(f64::INFINITY, f64::abs);
            width.is_ok_and(|width| width < 1e-9) && far("ci_lower") < 1e-7 && far("ci_upper") < 1e-7
        }
        // The logarithm of the gamma function in double precision, whose error is that of N ln N: of the case of two
        // billion units that comes with the crate, 60 digits give 3.895836312014791.
        ("sequential_multinomial", "reference-formula") => sample_ratio::units(case).is_ok_and(|units| {
            let error = 4.0 * f64::EPSILON * units * units.ln();
            units > 1e7 && sample_ratio::bayes_factors_within(case, error).is_ok()
        }),
        _ => false,
    }
}
