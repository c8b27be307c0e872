//! Every rule, a line each.

use trialbook_model::diagnostic::Severity::{Error, Warning};

use super::rule::Rule;
use super::rules::*;

/// A rule whose findings `load` makes: its page is all that there is of it here.
macro_rules! load {
    ($name:literal, $severity:ident) => {
        Rule::of_load(
            $name,
            $severity,
            concat!("crates/lint/src/check/rules/load/", $name, ".md"),
            include_str!(concat!("rules/load/", $name, ".md")),
        )
    };
}

/// A rule about a change against another branch: `review` makes its findings.
macro_rules! change {
    ($name:literal, $severity:ident) => {
        Rule::of_change(
            $name,
            $severity,
            concat!("crates/lint/src/check/rules/change/", $name, ".md"),
            include_str!(concat!("rules/change/", $name, ".md")),
        )
    };
}

/// A rule about lint's own comments and baselines.
macro_rules! lint {
    ($name:literal, $severity:ident) => {
        Rule::of_lint(
            $name,
            $severity,
            concat!("crates/lint/src/check/rules/lint/", $name, ".md"),
            include_str!(concat!("rules/lint/", $name, ".md")),
        )
    };
}

/// What the rules are about, each topic with its first rule in [`RULES`].
pub(super) static TOPICS: &[(&str, &str)] = &[
    ("Collisions", "overlapping-experiments"),
    ("Experiments", "too-long"),
    ("Flags, rollouts and holdouts", "archived-flag-in-use"),
    ("What this version and the target can do", "evaluators-disagree"),
    ("Health", "no-owner"),
    ("Changes after launch", "changed-after-launch"),
    ("Lint's own comments", "bad-suppression"),
    ("Files", "missing-book"),
    ("Values", "bad-key"),
    ("How files fit together", "dangling-reference"),
];

/// Every rule: those about collisions, about single experiments, about what is left over, about files.
pub static RULES: &[Rule] = &[
    overlapping_experiments::RULE,
    overlapping_rollouts::RULE,
    meets_over_time::RULE,
    overlapping_slots::RULE,
    overbooked_layer::RULE,
    slots_mismatch::RULE,
    unreachable_experiment::RULE,
    unreachable_rollout::RULE,
    unreachable_rule::RULE,
    narrowed_audience::RULE,
    broken_holdout::RULE,
    diluted_holdout::RULE,
    entity_interference::RULE,
    too_long::RULE,
    launch_in_freeze::RULE,
    no_guardrail::RULE,
    window_longer_than_test::RULE,
    treated_covariate::RULE,
    shared_salt::RULE,
    underpowered_experiment::RULE,
    overdue_experiment::RULE,
    decision_ships_nothing::RULE,
    missing_variant::RULE,
    archived_flag_in_use::RULE,
    disabled_flag_in_use::RULE,
    finished_rollout::RULE,
    expired_flag::RULE,
    idle_holdout::RULE,
    bad_schema::RULE,
    value_outside_schema::RULE,
    evaluators_disagree::RULE,
    inexpressible_targeting::RULE,
    contradicted_attribute::RULE,
    unsupported_analysis::RULE,
    repeated_draw::RULE,
    oversized_target::RULE,
    unmeasurable_metric::RULE,
    table_without_database::RULE,
    file_outside_warehouse::RULE,
    no_owner::RULE,
    no_surface::RULE,
    unused_metric::RULE,
    unused_segment::RULE,
    unused_source::RULE,
    unused_layer::RULE,
    change!("changed-after-launch", Error),
    change!("deleted-while-served", Error),
    start_in_past::RULE,
    change!("key-used-again", Error),
    change!("merge-conflict", Error),
    lint!("bad-suppression", Error),
    lint!("expired-suppression", Warning),
    lint!("unused-suppression", Warning),
    lint!("stale-baseline", Warning),
    load!("missing-book", Error),
    load!("unreadable-file", Error),
    load!("too-large", Error),
    load!("unknown-file-kind", Error),
    load!("stray-file", Error),
    load!("duplicate-file", Error),
    load!("syntax-error", Error),
    load!("unsupported-yaml", Error),
    load!("ambiguous-scalar", Warning),
    load!("hidden-character", Warning),
    load!("duplicate-key", Error),
    load!("unknown-key", Error),
    load!("missing-key", Error),
    load!("wrong-type", Error),
    load!("reserved-word", Error),
    load!("unknown-word", Error),
    load!("bad-key", Error),
    load!("bad-share", Error),
    load!("bad-duration", Error),
    load!("bad-date", Error),
    load!("bad-version", Error),
    load!("bad-number", Error),
    load!("bad-range", Error),
    load!("bad-pattern", Error),
    load!("bad-sql", Error),
    load!("bad-timezone", Error),
    load!("bad-target", Error),
    load!("bad-split", Error),
    load!("bad-allocation", Error),
    load!("bad-schedule", Error),
    load!("bad-decision", Error),
    load!("bad-override", Error),
    load!("bad-analysis", Error),
    load!("dangling-reference", Error),
    load!("segment-cycle", Error),
    load!("wrong-operator", Error),
    load!("unknown-value", Error),
    load!("empty-condition", Error),
    load!("repeated-condition", Warning),
    load!("control-outside-split", Error),
    load!("metric-in-two-roles", Error),
    load!("entity-mismatch", Error),
    load!("exposure-sources", Error),
    load!("invalid-book", Error),
];

/// Returns the rule of a name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name() == name)
}

/// Returns the rule whose name is most like a text; `None` where none is much like it.
pub fn nearest(text: &str) -> Option<&'static Rule> {
    let scored = RULES.iter().map(|rule| (strsim::jaro_winkler(rule.name(), text), rule));
    scored.filter(|(score, _)| *score > 0.8).max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, rule)| rule)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use trialbook_language::load;

    #[test]
    fn every_rule_has_one_name_and_a_page_under_it() {
        let names: BTreeSet<_> = RULES.iter().map(Rule::name).collect();
        assert_eq!(names.len(), RULES.len(), "a name is taken twice");
        for rule in RULES {
            let page = rule.page();
            assert!(page.starts_with(&format!("# {}\n\n", rule.name())), "{}: the title", rule.path());
            for heading in ["\n## Why it matters\n", "\n## What to do\n"] {
                assert!(page.contains(heading), "{}: no heading `{}`", rule.path(), heading.trim());
            }
            assert!(rule.summary().ends_with('.'), "{}: {}", rule.path(), rule.summary());
        }
    }

    #[test]
    fn every_rule_of_load_has_a_page() {
        for name in load::RULES {
            assert!(rule(name).is_some(), "`{name}` is in load::RULES and has no line and page here");
        }
    }

    #[test]
    fn a_misspelt_name_finds_its_rule() {
        assert_eq!(nearest("overlaping-slots").map(Rule::name), Some("overlapping-slots"));
        assert_eq!(nearest("unused-metrics").map(Rule::name), Some("unused-metric"));
        assert!(nearest("zzz").is_none());
        assert!(rule("Too-Long").is_none());
    }
}
