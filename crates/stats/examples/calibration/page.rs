//! The page of documentation, as Markdown.

use std::fmt::Write as _;

use super::cell::{Cell, Count, Method, Promise};
use super::population::LOOKS;
use super::rule::{Decisions, Plan};

/// Three standard errors of a share that is promised, among so many experiments.
pub fn three_errors(promised: f64, experiments: u32) -> f64 {
    3.0 * (promised * (1.0 - promised) / f64::from(experiments)).sqrt()
}

/// How a share compares with its promise: `None` where it is within three standard errors.
pub fn off(share: f64, promised: f64, experiments: u32) -> Option<f64> {
    let off = share - promised;
    (off.abs() > three_errors(promised, experiments)).then_some(off)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A share, marked where it is off its promise.
fn marked(share: f64, promised: f64, experiments: u32) -> String {
    let mark = match off(share, promised, experiments) {
        None => "",
        Some(off) if off > 0.0 => " ▲",
        Some(_) => " ▼",
    };
    format!("{}{mark}", percent(share))
}

pub fn write(cells: &[Cell], rules: &[(Plan, Decisions)], experiments: u32, seed: u64) -> String {
    let mut page = String::new();
    let _ = writeln!(
        page,
        "# Calibration\n\n<!-- Generated: cargo run -p trialbook-stats --release --example calibration -- --experiments \
         {experiments} --seed {seed} --out docs/calibration.md -->\n\nDo the methods keep what they promise? Each line \
         below is {experiments} simulated experiments without an effect and {experiments} with the effect that a fixed \
         horizon finds with 80 % power, each with {LOOKS} daily looks. The draws are seeded: the same command gives the \
         same page.\n\n- **False positives**: without an effect, the treatment is found better. A direction has half of \
         the two-sided 5 %.\n- **Coverage**: the interval has the true effect. After a group sequential test it is the \
         stage-wise interval; by the always-valid method, all {LOOKS} intervals must have it.\n- **Power**: the effect \
         is found.\n- **Units**: the share of the planned units that the test used.\n- **Above**: the median-unbiased \
         estimate is above the true effect; half of them should be.\n\n▲ and ▼ mark what is more than three standard \
         errors above or below the promise of theory, given in the first line of each table."
    );
    for (method, at) in Method::ALL.into_iter().zip(0..) {
        let promise = method.promise();
        let _ = writeln!(page, "\n## {}\n", capital(method.name()));
        let _ = writeln!(page, "| metric | false positives | coverage | power | units | above |");
        let _ = writeln!(page, "|---|---|---|---|---|---|");
        let above = if is_sequential(method) { "*50 %*" } else { "" };
        let _ = writeln!(
            page,
            "| *promise* | *{}* | *{}* | *{}* | *{}* | {above} |",
            percent(promise.false_positives),
            percent(promise.coverage),
            percent(promise.power),
            percent(promise.units)
        );
        for cell in cells {
            line(&mut page, cell, &cell.counts[at], &promise, method);
        }
    }
    page.push_str(REASONS);
    rule_table(&mut page, rules, experiments);
    page
}

fn is_sequential(method: Method) -> bool {
    matches!(method, Method::OBrienFleming | Method::Pocock)
}

fn line(page: &mut String, cell: &Cell, count: &Count, promise: &Promise, method: Method) {
    let n = cell.experiments;
    let share = |count: u32| f64::from(count) / f64::from(n);
    let adjusted = if cell.adjusted { ", adjusted" } else { "" };
    let above = if is_sequential(method) { marked(share(count.above), 0.5, n) } else { String::new() };
    let _ = writeln!(
        page,
        "| {}{adjusted} | {} | {} | {} | {} | {above} |",
        cell.kind.name(),
        marked(share(count.false_positives), promise.false_positives, n),
        marked(share(count.covered), promise.coverage, n),
        marked(share(count.found), promise.power, n),
        percent(count.units / f64::from(n)),
    );
}

const REASONS: &str = "
### Where theory is not met

- **Always valid** has fewer false positives and more coverage than its 2.5 % and 95 %: it holds for any number \
of looks, and only seven are made. The promise in its table is what seven looks at equal distances give.
- **A proportion split 90:10** has about six events in the treatment at the first look, and where there are few \
by chance its variance looks small too. So an effect is found a little later and less often than the normal \
distribution promises, false positives are fewer, and estimates lie below the truth more often than above it. \
`analyze` takes exact limits where an arm has fewer than 20 events; this page shows the normal ones.
- **Power** is that of the effect which a fixed horizon finds with 80 %; the effect is set by the standard \
errors of a few pilot experiments, so that it is right to a percent or two.
";

fn rule_table(page: &mut String, rules: &[(Plan, Decisions)], experiments: u32) {
    let _ = writeln!(
        page,
        "\n## The whole decision\n\nRule 2 at the end of a fixed horizon, with a two-sided alpha of 5 %, 80 % power and 1 % \
         for deterioration; {experiments} experiments a line and column. Metrics are independent, treatments share \
         their control. Each plan is powered for the effect it declares.\n\n- **No effect**: at least one treatment \
         ships although nothing moves; at most 2.5 %.\n- **At the margin**: at least one ships although a guardrail is \
         worse by its margin, with every success metric at its declared effect; at most 2.5 %.\n- **Effect**: the \
         treatment ships where one success metric has its declared effect and nothing else moves; at least \
         80 %.\n- **Harm**: it does not ship where a guardrail is worse by twice its margin.\n\n| success | guardrails | \
         treatments | no effect | at the margin | effect | harm |\n|---|---|---|---|---|---|---|"
    );
    for (plan, found) in rules {
        let share = |count: u32| percent(f64::from(count) / f64::from(experiments));
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} | {} |",
            plan.success,
            plan.guardrails,
            plan.treatments,
            share(found.shipped_without_effect),
            share(found.shipped_with_harm),
            share(found.shipped_with_effect),
            share(found.stopped_with_harm)
        );
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
