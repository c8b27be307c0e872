//! Two experiments on one flag, or one and a rollout, that a unit can be in one after the other while both are served.

use std::collections::BTreeSet;

use crate::check::collision::{Pair, each_pair, unit};
use crate::check::inspection::Inspection;
use crate::check::rule::{Each, Rule};
use crate::check::text::listed;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{
    OverTime, Overlap, UndecidedReason, Witness, Work, meet_within, meets_over_time_within,
};
use trialbook_model::{Flag, Predicate};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "meets-over-time",
    Severity::Warning,
    "crates/lint/src/check/rules/meets_over_time.md",
    include_str!("meets_over_time.md"),
    &[Each::Flag(check)],
);

/// Where both are rollouts, a unit that goes from one to the other is what they are for.
fn check(context: &Inspection<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    each_pair(
        context,
        &RULE,
        flag,
        found,
        |pair| pair.experiments() > 0,
        |pair, [later, earlier], work| crossing(context, flag, pair, (&earlier, &later), work),
    );
}

/// Returns the finding where no unit is in both at once, and one can be in both in turn. The audience of the earlier one comes first.
fn crossing(
    context: &Inspection<'_>,
    flag: &Flag,
    pair: &Pair<'_>,
    (a, b): (&Predicate, &Predicate),
    work: &mut Work,
) -> Option<Diagnostic> {
    let attributes = context.attributes();
    // Who can meet at once is another rule's.
    if !changeable(context, a) || !changeable(context, b) {
        return None;
    }
    match meet_within(&[a, b], attributes, work) {
        Overlap::Disjoint | Overlap::Undecided(UndecidedReason::Work) => {}
        Overlap::At(_) | Overlap::Undecided(_) => return None,
    }
    let (from, to) = (pair.earlier.key(), pair.later.key());
    match meets_over_time_within(a, b, attributes, work) {
        OverTime::Never => None,
        OverTime::At(before, after) => {
            let changed = changed(&before, &after);
            let message = format!(
                "a unit can go from `{from}` to `{to}` while both are served: only {changed} keeps them apart on `{}`",
                flag.key
            );
            let finding = pair.at_audiences(context, &RULE, message, None).note(pair.when(context));
            let proof = format!(
                "proof: {} is in `{from}`; once it is {}, it is in `{to}`",
                unit(&before),
                unit(&after)
            );
            Some(finding.note(proof).witness(before.json()).help(
                "put both in one layer (then `trialbook allocate`), separate them by an attribute that a unit keeps \
                 (`stable: true`), or let one begin after the other",
            ))
        }
        OverTime::Undecided(reason) => {
            let message = format!(
                "it is undecided whether a unit can go from `{from}` to `{to}` while both are served: {reason}"
            );
            let help = "make the audiences simpler, or put both in one layer (then `trialbook allocate`)";
            Some(pair.undecided(context, &RULE, message).help(help))
        }
    }
}

/// Tells whether an audience asks for anything that a unit may change.
fn changeable(context: &Inspection<'_>, audience: &Predicate) -> bool {
    let mut found = false;
    let changes = |key| context.attributes().get(key).is_some_and(|attribute| !attribute.stable);
    audience.walk(&mut |key, _| found |= changes(key), &mut |_| ());
    found
}

/// Returns the attributes in which the two contexts differ: "`app_version`".
fn changed(before: &Witness, after: &Witness) -> String {
    let keys: BTreeSet<_> = before.values().keys().chain(after.values().keys()).collect();
    let differ = keys.into_iter().filter(|key| before.values().get(*key) != after.values().get(*key));
    listed(differ.map(|key| format!("`{key}`")), "and")
}
