//! What to do now: the exact command, the exact edit, or the date.

use crate::report::blocks::{Block, Inline, Line};
use trialbook_analysis::{QualityKind, Reason, Verdict, VerdictKind};
use trialbook_model::DecisionOutcome;

use super::{Lead, Told, headline};

/// Returns the blocks that say what to do.
pub(super) fn blocks(told: &Told<'_>) -> Vec<Block> {
    let experiment = &told.outcome.experiment;
    if let Some(decision) = &experiment.decision {
        let date = told.calendar.day(decision.date);
        let what = match (decision.outcome, &decision.variant) {
            (DecisionOutcome::Ship, Some(variant)) => format!("ship {variant}"),
            (DecisionOutcome::Ship, None) => "ship".to_owned(),
            (DecisionOutcome::RollBack, _) => "roll back".to_owned(),
            (DecisionOutcome::Inconclusive, _) => "inconclusive".to_owned(),
            (DecisionOutcome::Aborted, _) => "aborted".to_owned(),
        };
        return paragraph(vec![format!("nothing; it was concluded on {date}: {what}.").into()]);
    }
    let Some(verdict) = told.lead.verdict() else { return without_lead(told) };
    match verdict.kind {
        VerdictKind::Ship => ship(told, verdict),
        VerdictKind::RollBack => conclude(told, "roll-back", reason(told, verdict), Line::new()),
        VerdictKind::NoEffect => conclude(told, "inconclusive", reason(told, verdict), Line::new()),
        VerdictKind::Inconclusive => {
            let or = vec![
                "Or ask again with more units: a new experiment with ".into(),
                Inline::code(format!("previous: {}", experiment.key)),
                ".".into(),
            ];
            conclude(told, "inconclusive", reason(told, verdict), or)
        }
        VerdictKind::NotDecidable => fix(told, verdict),
        VerdictKind::KeepRunning => wait(told, verdict),
        VerdictKind::Invalid => mend(told, verdict),
    }
}

fn paragraph(line: Line) -> Vec<Block> {
    vec![Block::Paragraph([Inline::strong("Next:"), " ".into()].into_iter().chain(line).collect())]
}

fn without_lead(told: &Told<'_>) -> Vec<Block> {
    match told.lead {
        Lead::Nothing => paragraph(vec!["give the experiment a treatment.".into()]),
        _ => {
            let harmful = told.outcome.verdicts.iter().any(|verdict| verdict.kind == VerdictKind::RollBack);
            let outcome = if harmful { "roll-back" } else { "inconclusive" };
            let each = |verdict: &Verdict| {
                format!("{}: {}", verdict.treatment, headline::because(told.outcome, verdict))
            };
            let reasons: Vec<_> = told.outcome.verdicts.iter().map(each).collect();
            conclude(told, outcome, reasons.join("; "), Line::new())
        }
    }
}

fn reason(told: &Told<'_>, verdict: &Verdict) -> String {
    super::sentence(&headline::because(told.outcome, verdict))
}

/// Lists every edit that shipping takes, in the order in which they are made.
fn ship(told: &Told<'_>, verdict: &Verdict) -> Vec<Block> {
    let experiment = &told.outcome.experiment;
    let (treatment, flag) = (&verdict.treatment, &experiment.flag);
    let mut blocks = paragraph(vec!["make these edits in one pull request.".into()]);
    blocks.push(Block::List(vec![vec![
        "In the file of flag ".into(),
        Inline::code(flag.as_str()),
        ", serve ".into(),
        Inline::strong(treatment.as_str()),
        ": to everybody with the first line below, or to the tested audience with a rule. Without this edit everybody \
         falls back to the present default on the date of the decision."
            .into(),
    ]]));
    blocks.push(Block::Verbatim {
        language: "yaml",
        text: format!(
            "default: {treatment}\n# or:\nrules:\n  - when: # the `audience` of {key}\n    serve: {treatment}\n",
            key = experiment.key
        ),
    });
    blocks.push(Block::List(vec![vec!["In ".into(), file(told), ", add the decision:".into()]]));
    blocks.push(decision(told, "ship", Some(verdict), &reason(told, verdict)));
    let mut rest = vec![vec![
        "Run ".into(),
        Inline::code("trialbook lint"),
        " and ".into(),
        Inline::code("trialbook plan"),
        ": the plan must show that nobody who has ".into(),
        Inline::strong(treatment.as_str()),
        " loses it. Merge, then apply.".into(),
    ]];
    if let Some(layer) = &experiment.layer {
        rest.push(vec![
            "Its slots in layer ".into(),
            Inline::code(layer.as_str()),
            " are free once the layer's quarantine is over: ".into(),
            Inline::code("trialbook allocate"),
            " then gives them away.".into(),
        ]);
    }
    blocks.push(Block::List(rest));
    blocks
}

/// Says what to fix before anything can be decided. It never proposes a decision.
fn fix(told: &Told<'_>, verdict: &Verdict) -> Vec<Block> {
    let metrics = verdict.reasons.iter().filter_map(|reason| match reason {
        Reason::NotMeasured { metric, .. } | Reason::NotTested { metric, .. } => Some(metric),
        _ => None,
    });
    let mut names: Vec<String> = metrics.map(super::naming::words).collect();
    names.dedup();
    let of =
        if names.is_empty() { String::new() } else { format!(" of {}", crate::report::number::list(&names)) };
    paragraph(vec![
        format!("fix the data or the definition{of} as said above, then run ").into(),
        analyze(told),
        " again. Add no decision before that.".into(),
    ])
}

/// Says how to end it with the control.
fn conclude(told: &Told<'_>, outcome: &'static str, reason: String, or: Line) -> Vec<Block> {
    let control = Inline::strong(told.outcome.experiment.control.as_str());
    let mut line = vec!["keep ".into(), control, "; add to ".into(), file(told)];
    line.push(", in a pull request:".into());
    let mut blocks = paragraph(line);
    blocks.push(decision(told, outcome, None, &reason));
    if !or.is_empty() {
        blocks.push(Block::Paragraph(or));
    }
    blocks
}

fn wait(told: &Told<'_>, verdict: &Verdict) -> Vec<Block> {
    let started = match verdict.reasons.first() {
        Some(Reason::NotStarted { start }) => Some(*start),
        _ => None,
    };
    let until =
        started.or(verdict.need.map(|need| need.decided_on)).unwrap_or(told.outcome.experiment.horizon);
    let mut line =
        vec!["nothing before ".into(), Inline::strong(told.calendar.instant(until)), "; then ".into()];
    line.push(analyze(told));
    line.push(if started.is_some() { " says how it goes.".into() } else { " decides.".into() });
    paragraph(line)
}

fn mend(told: &Told<'_>, verdict: &Verdict) -> Vec<Block> {
    let harmful: Vec<_> = told.outcome.verdicts.iter().filter(|verdict| !verdict.harm.is_empty()).collect();
    if !harmful.is_empty() {
        let metrics: std::collections::BTreeSet<_> =
            harmful.iter().flat_map(|verdict| &verdict.harm).map(super::naming::words).collect();
        let metrics: Vec<_> = metrics.into_iter().collect();
        let reason = format!("Worse beyond doubt: {}.", crate::report::number::list(&metrics));
        let mut line = vec!["stop it today; add to ".into(), file(told)];
        line.push(", in a pull request that is applied at once:".into());
        let mut blocks = paragraph(line);
        blocks.push(decision(told, "aborted", None, &reason));
        return blocks;
    }
    let check = verdict.reasons.iter().find_map(|reason| match reason {
        Reason::Quality { check, .. } => Some(*check),
        _ => None,
    });
    let key = &told.outcome.experiment.key;
    let mut line: Line = match check {
        Some(QualityKind::DataMissing) => {
            let to = told.calendar.instant(told.outcome.as_of);
            vec![format!("load the data up to {to}, then run ").into()]
        }
        Some(QualityKind::TooFewUnits) => {
            vec!["check that the flag is applied and its exposures are written, then run ".into()]
        }
        _ => vec!["find the cause, mend it, and run ".into()],
    };
    line.push(analyze(told));
    line.push(" again.".into());
    if !matches!(check, Some(QualityKind::DataMissing | QualityKind::TooFewUnits)) {
        line.push(" If the data cannot be mended, begin anew under another key with ".into());
        line.push(Inline::code(format!("previous: {key}")));
        line.push(".".into());
    }
    paragraph(line)
}

fn analyze(told: &Told<'_>) -> Inline {
    Inline::code(format!("trialbook analyze {}", told.outcome.experiment.key))
}

fn file(told: &Told<'_>) -> Inline {
    let experiment = &told.outcome.experiment;
    let file = experiment.file.clone().unwrap_or_else(|| format!("{}.experiment.yaml", experiment.key));
    Inline::code(file)
}

/// Writes the decision as the experiment's file takes it. The reason is quoted as JSON, which is YAML too.
fn decision(told: &Told<'_>, outcome: &str, ships: Option<&Verdict>, reason: &str) -> Block {
    let date = told.calendar.day(told.outcome.as_of);
    let variant = ships.map_or_else(String::new, |verdict| format!("  variant: {}\n", verdict.treatment));
    let reason = reason.replace(['\u{a0}', '\u{202f}'], " ").replace('\u{2212}', "-");
    let reason = serde_json::Value::from(reason);
    Block::Verbatim {
        language: "yaml",
        text: format!("decision:\n  outcome: {outcome}\n{variant}  date: {date}\n  reason: {reason}\n"),
    }
}
