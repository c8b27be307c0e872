//! What to do now: the exact command, the exact edit, or the date.

use crate::report::blocks::{Block, Inline, Line};
use trialbook_analysis::{Ground, PreregistrationStatus, QualityKind, ReleasePlace, Verdict, VerdictKind};
use trialbook_language::edit::format::format;
use trialbook_model::Kind;
use trialbook_model::span::SourceFile;

use super::{Lead, Reading, headline};

/// Returns the blocks with what to do.
pub(super) fn blocks(reading: &Reading<'_>) -> Vec<Block> {
    let experiment = &reading.outcome.experiment;
    if let Some(decision) = &experiment.decision {
        let date = reading.calendar.day(decision.date);
        let what = crate::report::conclude::decision(decision.outcome, decision.variant.as_ref());
        return paragraph(vec![format!("nothing; it was concluded on {date}: {what}.").into()]);
    }
    let Some(verdict) = reading.lead.verdict() else { return without_lead(reading) };
    match verdict.kind {
        VerdictKind::Ship => ship(reading, verdict),
        VerdictKind::RollBack if reading.is_open() => stop(reading, reason(reading, verdict), "roll-back"),
        VerdictKind::RollBack => conclude(reading, "roll-back", reason(reading, verdict), Line::new()),
        VerdictKind::NoEffect => conclude(reading, "inconclusive", reason(reading, verdict), Line::new()),
        VerdictKind::Inconclusive => {
            let or = vec![
                "Or ask again with more units: a new experiment with ".into(),
                Inline::code(format!("previous: {}", experiment.key)),
                ".".into(),
            ];
            conclude(reading, "inconclusive", reason(reading, verdict), or)
        }
        VerdictKind::NotDecidable => fix(reading, verdict),
        VerdictKind::KeepRunning => wait(reading, verdict),
        VerdictKind::Invalid => repair(reading, verdict),
    }
}

fn paragraph(line: Line) -> Vec<Block> {
    vec![Block::Paragraph([Inline::strong("Next:"), " ".into()].into_iter().chain(line).collect())]
}

fn without_lead(reading: &Reading<'_>) -> Vec<Block> {
    match reading.lead {
        Lead::Nothing => paragraph(vec!["give the experiment a treatment.".into()]),
        _ => {
            let harmful =
                reading.outcome.verdicts.iter().any(|verdict| verdict.kind == VerdictKind::RollBack);
            let outcome = if harmful { "roll-back" } else { "inconclusive" };
            conclude(reading, outcome, headline::of_each(reading.outcome), Line::new())
        }
    }
}

fn reason(reading: &Reading<'_>, verdict: &Verdict) -> String {
    headline::reason(reading, verdict)
}

/// Lists every edit that shipping takes, in the order in which they are made.
fn ship(reading: &Reading<'_>, verdict: &Verdict) -> Vec<Block> {
    let experiment = &reading.outcome.experiment;
    let treatment = &verdict.treatment;
    let mut blocks = paragraph(vec!["make these two edits in one pull request.".into()]);
    blocks.extend(serve(reading, verdict));
    blocks.push(Block::List(vec![vec!["At the end of ".into(), file(reading), ", add:".into()]]));
    blocks.push(decision(reading, "ship", Some(verdict), &reason(reading, verdict)));
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
            "Its buckets in layer ".into(),
            Inline::code(layer.as_str()),
            " are free once the layer's quarantine is over: ".into(),
            Inline::code("trialbook allocate"),
            " then gives them away.".into(),
        ]);
    }
    blocks.push(Block::List(rest));
    blocks
}

/// Names the edit of the flag that serves the treatment.
fn serve(reading: &Reading<'_>, verdict: &Verdict) -> Vec<Block> {
    let (treatment, flag) = (&verdict.treatment, &reading.outcome.experiment.flag);
    let without = " Without this edit everybody gets the present default from the date of the decision on.";
    let Some(release) = reading.outcome.releases.iter().find(|release| release.variant == *treatment) else {
        return vec![Block::List(vec![vec![
            "In the file of flag ".into(),
            Inline::code(flag.as_str()),
            ", serve ".into(),
            Inline::strong(treatment.as_str()),
            " to the tested audience: by a rule after the others or, where everybody was tested, as the default.".into(),
            without.into(),
        ]])];
    };
    let mut line = vec!["In ".into(), Inline::code(release.file.as_str()), ", ".into()];
    match &release.place {
        ReleasePlace::Default => line.extend(["replace ".into(), Inline::code("default"), " by:".into()]),
        ReleasePlace::AfterLastRule => {
            line.extend(["add this rule after the last of ".into(), Inline::code("rules"), ":".into()]);
        }
        ReleasePlace::AfterKey { key } => {
            line.extend(["add this after ".into(), Inline::code(key.as_str()), ":".into()]);
        }
    }
    if release.unformatted {
        line.extend([" (run ".into(), Inline::code("trialbook fmt"), " first, so that it fits)".into()]);
    }
    vec![
        Block::List(vec![line]),
        Block::Verbatim { language: "yaml", text: release.lines.clone() },
        Block::Paragraph(vec![without.trim_start().into()]),
    ]
}

/// Returns how to stop it before its time.
fn stop(reading: &Reading<'_>, reason: String, outcome: &'static str) -> Vec<Block> {
    let mut line = vec!["stop it today; at the end of ".into(), file(reading)];
    line.push(", add, in a pull request that is merged and applied at once:".into());
    let mut blocks = paragraph(line);
    blocks.push(decision(reading, outcome, None, &reason));
    let control = Inline::strong(reading.outcome.experiment.control.as_str());
    blocks.push(Block::Paragraph(vec![
        "From that apply on everybody gets the flag's default and rules; ".into(),
        control,
        " is what the experiment was compared with.".into(),
    ]));
    blocks
}

/// Returns what to fix before anything can be decided. It never proposes a decision.
fn fix(reading: &Reading<'_>, verdict: &Verdict) -> Vec<Block> {
    let metrics = verdict.reasons.iter().filter_map(|reason| match reason {
        Ground::NotMeasured { metric } | Ground::NotTested { metric } => Some(metric),
        _ => None,
    });
    let mut names: Vec<String> = metrics.map(super::naming::words).collect();
    names.dedup();
    let of =
        if names.is_empty() { String::new() } else { format!(" of {}", crate::report::number::list(&names)) };
    paragraph(vec![
        format!("fix the data or the definition{of} as named above, then run ").into(),
        analyze(reading),
        " again. Add no decision before that.".into(),
    ])
}

/// Returns how to end it with the control.
fn conclude(reading: &Reading<'_>, outcome: &'static str, reason: String, or: Line) -> Vec<Block> {
    let control = Inline::strong(reading.outcome.experiment.control.as_str());
    let mut line = vec!["keep ".into(), control, "; at the end of ".into(), file(reading)];
    line.push(", add, in a pull request:".into());
    let mut blocks = paragraph(line);
    blocks.push(decision(reading, outcome, None, &reason));
    if !or.is_empty() {
        blocks.push(Block::Paragraph(or));
    }
    blocks
}

fn wait(reading: &Reading<'_>, verdict: &Verdict) -> Vec<Block> {
    let started = match verdict.reasons.first() {
        Some(Ground::NotStarted { start }) => Some(*start),
        _ => None,
    };
    if let Some(Ground::BeforeLastLook { last }) = verdict.reasons.first() {
        return paragraph(vec![
            "let it run; ".into(),
            analyze(reading),
            " looks again each day, for the last time on ".into(),
            Inline::strong(reading.calendar.instant(*last)),
            ".".into(),
        ]);
    }
    let until =
        started.or(verdict.need.map(|need| need.decided_on)).unwrap_or(reading.outcome.experiment.horizon);
    let mut line =
        vec!["nothing before ".into(), Inline::strong(reading.calendar.instant(until)), "; then ".into()];
    line.push(analyze(reading));
    line.push(if started.is_some() { " shows how it goes.".into() } else { " decides.".into() });
    paragraph(line)
}

fn repair(reading: &Reading<'_>, verdict: &Verdict) -> Vec<Block> {
    let harmful: Vec<_> =
        reading.outcome.verdicts.iter().filter(|verdict| !verdict.harm.is_empty()).collect();
    if !harmful.is_empty() {
        let metrics: std::collections::BTreeSet<_> =
            harmful.iter().flat_map(|verdict| &verdict.harm).map(super::naming::words).collect();
        let metrics: Vec<_> = metrics.into_iter().collect();
        let reason = format!("Significantly worse: {}.", crate::report::number::list(&metrics));
        return stop(reading, reason, "aborted");
    }
    let key = &reading.outcome.experiment.key;
    if verdict.reasons.contains(&Ground::PlanNotAsLaunched) {
        return plan_again(reading);
    }
    let check = verdict.reasons.iter().find_map(|reason| match reason {
        Ground::Quality { check, .. } => Some(*check),
        _ => None,
    });
    let mut line: Line = match check {
        Some(QualityKind::DataMissing) => {
            let to = reading.calendar.instant(reading.outcome.as_of);
            vec![format!("load the data up to {to}, then run ").into()]
        }
        Some(QualityKind::TooFewUnits) => {
            vec!["check that the flag is applied and its exposures are written, then run ".into()]
        }
        _ => vec!["find the cause, fix it, and run ".into()],
    };
    line.push(analyze(reading));
    line.push(" again.".into());
    if !matches!(check, Some(QualityKind::DataMissing | QualityKind::TooFewUnits)) {
        line.push(" If the data cannot be repaired, start again under another key with ".into());
        line.push(Inline::code(format!("previous: {key}")));
        line.push(".".into());
    }
    paragraph(line)
}

/// Returns what to do about a plan that is not the launched one.
fn plan_again(reading: &Reading<'_>) -> Vec<Block> {
    let key = &reading.outcome.experiment.key;
    let mut line: Line = match &reading.outcome.preregistration.status {
        PreregistrationStatus::Contradicted { .. } => vec![
            "fetch the launch records with ".into(),
            Inline::code("git fetch origin 'refs/trialbook/*:refs/trialbook/*'"),
            " and run ".into(),
            analyze(reading),
            " again. If they still disagree, conclude it as ".into(),
        ],
        _ => vec!["conclude it as ".into()],
    };
    line.extend([
        Inline::code("aborted"),
        " and start again under another key with ".into(),
        Inline::code(format!("previous: {key}")),
        ".".into(),
    ]);
    paragraph(line)
}

fn analyze(reading: &Reading<'_>) -> Inline {
    Inline::code(format!("trialbook analyze {}", reading.outcome.experiment.key))
}

fn file(reading: &Reading<'_>) -> Inline {
    let experiment = &reading.outcome.experiment;
    let file = experiment.file.clone().unwrap_or_else(|| format!("{}.experiment.yaml", experiment.key));
    Inline::code(file)
}

/// Writes the decision as the experiment's file takes it, in the one style. The reason is quoted as JSON, which is YAML too, so that no text
/// of it can become anything else.
fn decision(reading: &Reading<'_>, outcome: &str, ships: Option<&Verdict>, reason: &str) -> Block {
    let date = reading.calendar.date(reading.outcome.as_of);
    let variant = ships.map_or_else(String::new, |verdict| {
        format!("  variant: {}\n", serde_json::Value::from(verdict.treatment.as_str()))
    });
    let reason = reason.replace(['\u{a0}', '\u{202f}'], " ").replace('\u{2212}', "-");
    let reason = serde_json::Value::from(reason);
    let text = format!("decision:\n  outcome: {outcome}\n{variant}  date: {date}\n  reason: {reason}\n");
    let formatted = format(Kind::Experiment, &SourceFile::new("", text.as_str()));
    Block::Verbatim { language: "yaml", text: formatted.unwrap_or(text) }
}
