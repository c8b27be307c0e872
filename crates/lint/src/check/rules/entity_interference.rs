//! Tests of different units on one part of the product.

use std::collections::BTreeMap;

use crate::check::collision::unit;
use crate::check::inspection::Inspection;
use crate::check::reach::Reach;
use crate::check::rule::Rule;
use crate::check::text::percent;
use trialbook_model::allocation::enrolment;
use trialbook_model::diagnostic::{Diagnostic, Severity};
use trialbook_model::targeting::{Overlap, Witness, meet};
use trialbook_model::{EntityKey, Experiment, Flag, Kind, Predicate, Schedule, SurfaceKey};

/// So many pairs of a surface are compared until two are found that meet.
const COMPARED: usize = 64;

pub(in crate::check) const RULE: Rule = Rule::of_book(
    "entity-interference",
    Severity::Warning,
    "crates/lint/src/check/rules/entity_interference.md",
    include_str!("entity_interference.md"),
    check,
);

/// An experiment on a surface, with whose unit it draws.
#[derive(Clone, Copy)]
struct Test<'a> {
    experiment: &'a Experiment,
    flag: &'a Flag,
    window: Schedule,
}

/// The tests of two units that share a surface at the same time.
#[derive(Default)]
struct Meeting<'a> {
    /// How many pairs there are.
    pairs: usize,
    /// The first of which a unit can be in both.
    proof: Option<(Test<'a>, Test<'a>, Witness)>,
    compared: usize,
}

/// Goes over the experiments of each surface by when they begin. Most books have one entity, and are done at once.
fn check(context: &Inspection<'_>, found: &mut Vec<Diagnostic>) {
    if context.book.entities.len() < 2 {
        return;
    }
    let mut by_surface = BTreeMap::<&SurfaceKey, Vec<Test<'_>>>::new();
    for experiment in context.book.experiments.values().filter(|e| context.undecided(e)) {
        let Some(flag) = context.book.flag_of(experiment) else { continue };
        let Some(window) = context.book.serving_window(experiment) else { continue };
        if window.end() <= context.now {
            continue;
        }
        let mut surfaces: Vec<_> = experiment.surfaces.iter().chain(&flag.surfaces).collect();
        surfaces.sort_unstable();
        surfaces.dedup();
        for surface in surfaces {
            by_surface.entry(surface).or_default().push(Test { experiment, flag, window });
        }
    }
    for (surface, mut tests) in by_surface {
        if tests.iter().all(|test| Some(&test.flag.entity) == tests.first().map(|t| &t.flag.entity)) {
            continue;
        }
        tests.sort_by_key(|test| (test.window.start(), &test.experiment.key));
        for ((a, b), meeting) in meetings(context, &tests) {
            found.extend(finding(context, surface, (a, b), &meeting));
        }
    }
}

/// Returns for any two entities their tests that are served at the same time.
fn meetings<'a>(
    context: &Inspection<'a>,
    tests: &[Test<'a>],
) -> BTreeMap<(&'a EntityKey, &'a EntityKey), Meeting<'a>> {
    let mut meetings = BTreeMap::<_, Meeting<'_>>::new();
    let mut lasting = BTreeMap::<&EntityKey, Vec<Test<'_>>>::new();
    for later in tests {
        let own = &later.flag.entity;
        for (entity, earlier) in &mut lasting {
            earlier.retain(|earlier| earlier.window.end() > later.window.start());
            if *entity == own {
                continue;
            }
            let names = if *entity < own { (*entity, own) } else { (own, *entity) };
            let meeting = meetings.entry(names).or_default();
            meeting.pairs += earlier.len();
            for earlier in earlier.iter() {
                if meeting.proof.is_some() || meeting.compared == COMPARED {
                    break;
                }
                meeting.compared += 1;
                meeting.proof = proof(context, *earlier, *later).map(|witness| (*earlier, *later, witness));
            }
        }
        lasting.entry(own).or_default().push(*later);
    }
    meetings
}

/// Returns a context that is in both audiences, whom rules serve left out.
fn proof(context: &Inspection<'_>, a: Test<'_>, b: Test<'_>) -> Option<Witness> {
    let left = |test: Test<'_>| -> Predicate {
        Reach::new(context.book, test.flag).left_of(&test.experiment.audience)
    };
    match meet(&[&left(a), &left(b)], context.attributes()) {
        Overlap::At(witness) => Some(witness),
        Overlap::Disjoint | Overlap::Undecided(_) => None,
    }
}

fn finding(
    context: &Inspection<'_>,
    surface: &SurfaceKey,
    (one, other): (&EntityKey, &EntityKey),
    meeting: &Meeting<'_>,
) -> Option<Diagnostic> {
    let (a, b, witness) = meeting.proof.as_ref()?;
    let message = format!("tests per `{one}` and per `{other}` change `{surface}` at the same time");
    let place = |test: &Test<'_>| if test.experiment.surfaces.is_empty() { "" } else { "/surfaces" };
    let finding = RULE.finding(context, message, (Kind::Experiment, &b.experiment.key, place(b)));
    let finding = finding.label(format!("per `{}`", b.flag.entity));
    let finding = context.relate(
        finding,
        (Kind::Experiment, &a.experiment.key, place(a)),
        format!("and per `{}`", a.flag.entity),
    );
    let (of_a, of_b) = (enrolment(context.book, a.experiment), enrolment(context.book, b.experiment));
    let finding = finding.note(format!(
        "{} is in both audiences: {} of `{}` and {} of `{}` are enrolled",
        unit(witness),
        percent(of_b.share()),
        b.experiment.key,
        percent(of_a.share()),
        a.experiment.key
    ));
    let finding = match meeting.pairs {
        0 | 1 => finding,
        pairs => finding.note(format!("{pairs} pairs of tests are served there at the same time")),
    };
    Some(context.observed(finding, witness).witness(witness.json()).help(
        "let one begin after the other, or keep the audience of one out of the other's: units that one test changes \
         together are not independent in the other",
    ))
}
