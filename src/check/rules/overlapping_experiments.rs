//! Two experiments on one flag that can enrol the same unit.

use std::fmt::Display;

use crate::allocation::enrolment;
use crate::check::audience::described;
use crate::check::context::Context;
use crate::check::reach::Reach;
use crate::check::rule::{Each, Rule};
use crate::check::text::percent;
use crate::check::traffic::Traffic;
use crate::diagnostic::{Diagnostic, Severity};
use crate::model::{Experiment, ExperimentKey, Flag, Kind, Predicate, Schedule};
use crate::targeting::{Overlap, Witness, meet};

pub(in crate::check) const RULE: Rule = Rule::of_parts(
    "overlapping-experiments",
    Severity::Error,
    "src/check/rules/overlapping_experiments.md",
    include_str!("overlapping_experiments.md"),
    &[Each::Flag(check)],
)
.never_suppressed();

/// An experiment with when it is served.
#[derive(Clone, Copy)]
struct Served<'a> {
    experiment: &'a Experiment,
    window: Schedule,
}

/// Goes over each flag's experiments by when they begin to be served, with those that still are at hand: only
/// experiments that are served at the same time are compared. What is concluded is over, and no edit mends it.
fn check(context: &Context<'_>, flag: &Flag, found: &mut Vec<Diagnostic>) {
    let mut served: Vec<Served<'_>> = context
        .book
        .experiments_of(&flag.key)
        .filter(|experiment| context.undecided(experiment))
        .filter_map(|e| Some(Served { experiment: e, window: context.book.serving_window(e)? }))
        .collect();
    if served.len() < 2 {
        return;
    }
    served.sort_by(|a, b| (a.window.start(), &a.experiment.key).cmp(&(b.window.start(), &b.experiment.key)));
    let reach = Reach::new(context.book, flag);
    let mut lasting: Vec<Served<'_>> = Vec::new();
    for later in served {
        lasting.retain(|earlier| earlier.window.end() > later.window.start());
        found.extend(lasting.iter().filter_map(|earlier| pair(context, flag, &reach, *earlier, later)));
        lasting.push(later);
    }
}

/// Returns the finding where two experiments that are served at the same time can meet.
fn pair(
    context: &Context<'_>,
    flag: &Flag,
    reach: &Reach<'_>,
    earlier: Served<'_>,
    later: Served<'_>,
) -> Option<Diagnostic> {
    let (a, b) = (later.experiment, earlier.experiment);
    // In one layer, slots keep them apart; where they do not, `overlapping-slots` and `slots-mismatch` say so.
    if a.layer.is_some() && a.layer == b.layer {
        return None;
    }
    let (audience_a, audience_b) = (reach.audience(a), reach.audience(b));
    let message = match meet(&[&audience_a, &audience_b], &context.book.attributes) {
        Overlap::Disjoint => return None,
        Overlap::At(witness) => {
            let finding = places(
                context,
                format!("two experiments on `{}` can enrol the same unit", flag.key),
                (a, &described(&a.audience)),
                (b, &format!("and {}", described(&b.audience))),
            );
            let finding = finding.note(when_and_where(context, earlier, later));
            let finding = proved(context, finding, &witness, a, b);
            let both = Predicate::All(vec![audience_a, audience_b]);
            let traffic = context.traffic(&both);
            return Some(with_traffic(context, finding, traffic, a, b).help(advice(context, earlier, later)));
        }
        Overlap::Undecided(reason) => format!(
            "it is undecided whether two experiments on `{}` can enrol the same unit: {reason}",
            flag.key
        ),
    };
    let finding = places(context, message, (a, "this audience"), (b, "and this one"));
    Some(
        finding.note(when_and_where(context, earlier, later)).help(format!(
            "make the audiences simpler, or take no chances: {}",
            advice(context, earlier, later)
        )),
    )
}

/// The finding at the audience of the experiment that begins later, with the other's beside it.
fn places(
    context: &Context<'_>,
    message: String,
    (a, text_a): (&Experiment, &str),
    (b, text_b): (&Experiment, &str),
) -> Diagnostic {
    let place = |e: &'_ Experiment| if e.audience.is_everyone() { "" } else { "/audience" };
    let finding =
        context.finding(&RULE, message, (Kind::Experiment, &a.key as &dyn Display, place(a))).label(text_a);
    context.relate(finding, (Kind::Experiment, &b.key, place(b)), text_b)
}

fn when_and_where(context: &Context<'_>, earlier: Served<'_>, later: Served<'_>) -> String {
    let first_to_end = if earlier.window.end() <= later.window.end() { earlier } else { later };
    let layers = match (&earlier.experiment.layer, &later.experiment.layer) {
        (None, None) => "neither is in a layer".to_owned(),
        (Some(layer), None) => only_one(&earlier.experiment.key, layer),
        (None, Some(layer)) => only_one(&later.experiment.key, layer),
        (Some(a), Some(b)) => format!("they are in different layers, `{a}` and `{b}`"),
    };
    format!(
        "both are served from {} until the decision on `{}`, at the latest until {}; {layers}",
        context.date(later.window.start()),
        first_to_end.experiment.key,
        context.date(first_to_end.window.end()),
    )
}

fn only_one(experiment: &ExperimentKey, layer: &dyn Display) -> String {
    format!("only `{experiment}` is in a layer (`{layer}`)")
}

/// Adds the unit that is in both audiences, and how many of its like each experiment enrols.
fn proved(
    context: &Context<'_>,
    finding: Diagnostic,
    witness: &Witness,
    a: &Experiment,
    b: &Experiment,
) -> Diagnostic {
    let unit = if witness.values().is_empty() {
        "a unit without attributes".to_owned()
    } else {
        let values: Vec<_> = witness.values().iter().map(|(key, value)| format!("{key}: {value}")).collect();
        format!("{{{}}}", values.join(", "))
    };
    let (of_a, of_b) = (enrolment(context.book, a), enrolment(context.book, b));
    let note = format!(
        "proof: {unit} is in both: {} of such units in `{}`, {} in `{}`, {} in both",
        percent(of_a.share()),
        a.key,
        percent(of_b.share()),
        b.key,
        percent(of_a.in_both(&of_b))
    );
    finding.note(note).witness(witness.json())
}

/// Adds the share of all traffic that both can enrol, where it is known.
fn with_traffic(
    context: &Context<'_>,
    finding: Diagnostic,
    traffic: Option<Traffic>,
    a: &Experiment,
    b: &Experiment,
) -> Diagnostic {
    let Some(traffic) = traffic else {
        return finding.note("the share of all users is unknown: not all attributes declare theirs");
    };
    let both = enrolment(context.book, a).in_both(&enrolment(context.book, b));
    let traffic = traffic.drawn(both);
    finding.note(traffic.told()).overlap(Some(traffic.shared()))
}

/// What ends the collision: a layer in common, or another start.
fn advice(context: &Context<'_>, earlier: Served<'_>, later: Served<'_>) -> String {
    let layer = earlier.experiment.layer.as_ref().or(later.experiment.layer.as_ref());
    let together = match layer {
        Some(layer) => format!("put both in one layer (`layer: {layer}`, then `trialbook allocate`)"),
        None => "put both in one layer (then `trialbook allocate`)".to_owned(),
    };
    format!(
        "{together}, or start `{}` on {} or later",
        later.experiment.key,
        context.date(earlier.window.end())
    )
}
