//! Edits that a pull request may make to what runs, and the findings about them.

use super::*;
use trialbook_language::load::RawFile;
use trialbook_model::Method;

const NOW: &str = "2026-11-20T12:00:00Z";

const BASE: &[(&str, &str)] = &[
    (
        "trialbook.yaml",
        "book: shop\n\
         entities: {user: {column: user_id}}\n\
         attributes: {country: {type: string, stable: true}, account_id: {type: string, stable: true}}\n\
         surfaces: {home: {}, search: {}}\n\
         targets: {production: {type: flagd, store: \"file://live.json\", primary: true}}\n",
    ),
    ("nordic.segment.yaml", "description: The north.\naudience: {country: {in: [SE, FI]}}\n"),
    ("other.segment.yaml", "description: Elsewhere.\naudience: {country: {in: [US]}}\n"),
    (
        "button.flag.yaml",
        "description: A button.\nowner: web\nentity: user\nsurfaces: [home]\ntype: string\n\
         variants: {plain: a, bold: b}\ndefault: plain\n",
    ),
    (
        "corner.flag.yaml",
        "description: A corner.\nowner: web\nentity: user\nsurfaces: [home]\ntype: string\n\
         variants: {plain: a, bold: b}\ndefault: plain\n",
    ),
    (
        "page.layer.yaml",
        "description: The page.\nentity: user\nslots:\n  - {buckets: 5000-6999, experiment: button-test}\n",
    ),
    (
        "button-test.experiment.yaml",
        "title: A button\nhypothesis: It helps.\nowner: web\nflag: button\naudience: {segment: nordic}\n\
         layer: page\nallocation: [{at: 2026-11-10, share: 5%}, {at: 2026-12-05, share: 20%}]\ncontrol: plain\n\
         variants: {plain: 50%, bold: 50%}\nschedule: {start: 2026-11-10, end: 2026-12-20}\nmetrics: {}\n",
    ),
    (
        "done.experiment.yaml",
        "title: A corner\nhypothesis: It helps.\nowner: web\nflag: corner\naudience: {country: DK}\n\
         allocation: 20%\ncontrol: plain\nvariants: {plain: 50%, bold: 50%}\n\
         schedule: {start: 2026-11-01, end: 2026-11-18}\nmetrics: {}\n\
         decision: {outcome: roll-back, date: 2026-11-19, reason: Nothing.}\n",
    ),
    (
        "corner-out.rollout.yaml",
        "flag: corner\nserve: bold\naudience: {segment: nordic}\nsteps: [{at: 2026-11-12, share: 50%}]\n",
    ),
    (
        "q4.holdout.yaml",
        "description: The quarter.\nshare: 5%\nsurfaces: [home]\n\
         schedule: {start: 2026-11-05, end: 2027-01-01}\n",
    ),
    (
        "q4-search.holdout.yaml",
        "description: The quarter.\nshare: 10%\nsurfaces: [search]\n\
         schedule: {start: 2026-11-05, end: 2027-01-01}\n",
    ),
];

/// Edits: a path, what stands there and what will; with nothing in its place the file goes.
fn found(edits: &[(&str, &str, Option<&str>)]) -> Vec<String> {
    let all = reviewed(edits).into_iter();
    all.map(|finding| format!("{}: {}", finding.primary.file.path(), finding.message)).collect()
}

/// Returns the text at which each finding stands, and the words beside it.
fn labels(edits: &[(&str, &str, Option<&str>)]) -> Vec<(String, String)> {
    let all = reviewed(edits).into_iter();
    all.map(|finding| {
        let text = finding.primary.file.slice(finding.primary.span).to_owned();
        (text, finding.primary.text.clone())
    })
    .collect()
}

#[test]
fn a_changed_value_is_shown_with_what_it_was_and_nothing_around_it() {
    let one = |edit| labels(&[edit]).into_iter().next().unwrap_or_else(|| panic!("{edit:?}"));
    let to = |text: &str, label: &str| (text.to_owned(), label.to_owned());
    let end = (BUTTON, "end: 2026-12-20", Some("end: 2027-01-20"));
    assert_eq!(one(end), to("2027-01-20", "was `2026-12-20`"));
    let salt = (BUTTON, "metrics: {}\n", Some("metrics: {}\nsalt: other\n"));
    assert_eq!(one(salt), to("other", "was not written before: a default held"));
    let weight = (BUTTON, "{plain: 50%, bold: 50%}", Some("{plain: 40%, bold: 60%}"));
    assert_eq!(one(weight), to("{plain: 40%, bold: 60%}", "was `{plain: 50%, bold: 50%}`"));
    let layer = (BUTTON, "layer: page\n", Some(""));
    assert_eq!(one(layer).1, "was `page`, and is left out now");
    let analysis = (BUTTON, "metrics: {}\n", Some("metrics: {}\nanalysis: {power: 90%}\n"));
    let finding = reviewed(&[analysis]).into_iter().next().expect("a finding");
    assert_eq!(finding.primary.file.path(), BUTTON, "the experiment's own file says it");
}

fn reviewed(edits: &[(&str, &str, Option<&str>)]) -> Vec<Diagnostic> {
    reviewed_of(BASE, edits)
}

fn reviewed_of(base: &[(&str, &str)], edits: &[(&str, &str, Option<&str>)]) -> Vec<Diagnostic> {
    let file = |path: &str, text: &str| RawFile { path: path.to_owned(), bytes: text.as_bytes().to_vec() };
    let old: Vec<RawFile> = base.iter().map(|(path, text)| file(path, text)).collect();
    let (mut new, mut changes) = (Vec::new(), Vec::new());
    for (path, text) in base {
        let mut edited = Some((*text).to_owned());
        for (_, from, to) in edits.iter().filter(|(of, ..)| of == path) {
            assert!(text.contains(from), "{from} is not in {path}");
            edited = edited.zip(*to).map(|(text, to)| text.replacen(from, to, 1));
        }
        if edited.as_deref() != Some(*text) {
            let after = edited.as_ref().map(|_| (*path).to_owned());
            changes.push(FileChange { before: Some(file(path, text)), after });
        }
        new.extend(edited.map(|text| file(path, &text)));
    }
    let (before, after) = (load::load(old), load::load(new));
    let book =
        |loaded: &load::Loaded| loaded.book.clone().unwrap_or_else(|| panic!("{:#?}", loaded.findings));
    let (launched, recorded, used) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
    super::review(&Review {
        before: &book(&before),
        after: &book(&after),
        documents: &after.documents,
        changes: &changes,
        launched: &launched,
        recorded: &recorded,
        used: &used,
        now: NOW.parse().expect("an instant"),
    })
}

const BUTTON: &str = "button-test.experiment.yaml";

/// Returns the findings about a change of the method, where the launch is recorded under the method of an earlier default or the
/// current one.
fn method_changed(recorded: Method, from: &str, to: &str) -> Vec<String> {
    let book = |analysis: &str| {
        let text = |path: &str, text: &str| match path {
            BUTTON => format!("{text}{analysis}"),
            _ => text.to_owned(),
        };
        let file = |(path, content): &(&str, &str)| RawFile {
            path: (*path).to_owned(),
            bytes: text(path, content).into_bytes(),
        };
        load::load(BASE.iter().map(file).collect())
    };
    let key = ExperimentKey::new("button-test").expect("a key");
    let launched = book(&format!("analysis: {{method: {}}}\n", recorded.as_str())).book.expect("a book");
    let digest = Preregistration::of(&launched, &launched.experiments[&key]).expect("JSON");
    let recorded = BTreeMap::from([(key, digest.digest().clone())]);
    let (before, after) = (book(from), book(to));
    let bytes = |loaded: &load::Loaded| {
        let text = loaded.documents.by_path(BUTTON).expect("the file").file().text().to_owned();
        RawFile { path: BUTTON.to_owned(), bytes: text.into_bytes() }
    };
    let found = super::review(&Review {
        before: before.book.as_ref().expect("a book"),
        after: after.book.as_ref().expect("a book"),
        documents: &after.documents,
        changes: &[FileChange { before: Some(bytes(&before)), after: Some(BUTTON.to_owned()) }],
        launched: &BTreeSet::new(),
        recorded: &recorded,
        used: &BTreeMap::new(),
        now: NOW.parse().expect("an instant"),
    });
    found.into_iter().map(|finding| finding.message).collect()
}

#[test]
fn writing_out_the_default_that_a_plan_was_launched_with_changes_nothing() {
    use Method::{FixedHorizon, GroupSequential};
    let fixed = "analysis: {method: fixed-horizon}\n";
    let sequential = "analysis: {method: group-sequential}\n";
    let changed = ["the analysis of `button-test` changes after launch"];
    assert_eq!(method_changed(FixedHorizon, "", fixed), [""; 0]);
    assert_eq!(method_changed(FixedHorizon, "", sequential), changed);
    assert_eq!(method_changed(GroupSequential, "", sequential), [""; 0]);
    assert_eq!(method_changed(GroupSequential, "", fixed), changed);
}

#[test]
fn a_slot_in_front_of_those_of_a_ramp_moves_whoever_is_in() {
    let slots = |slot| found(&[("page.layer.yaml", "slots:\n", Some(slot))]);
    let front = "slots:\n  - {buckets: 0-999, experiment: button-test}\n";
    assert_eq!(slots(front), ["page.layer.yaml: the slots of `button-test` changes after launch"]);
    let behind = "slots:\n  - {buckets: 8000-8999, experiment: button-test}\n";
    assert_eq!(slots(behind), [""; 0]);
}

#[test]
fn a_ramp_may_only_grow_faster() {
    let ramp =
        |to| found(&[(BUTTON, "[{at: 2026-11-10, share: 5%}, {at: 2026-12-05, share: 20%}]", Some(to))]);
    assert_eq!(ramp("[{at: 2026-11-10, share: 5%}, {at: 2026-11-28, share: 20%}]"), [""; 0]);
    assert_eq!(ramp("[{at: 2026-11-10, share: 3%}, {at: 2026-12-05, share: 20%}]").len(), 1);
}

#[test]
fn an_end_that_has_passed_is_not_chosen_afterwards() {
    let end = |to| found(&[(BUTTON, "end: 2026-12-20", Some(to))]);
    assert_eq!(end("end: 2026-12-10"), [""; 0]);
    let ramp = ("[{at: 2026-11-10, share: 5%}, {at: 2026-12-05, share: 20%}]", "5%");
    let stopped = |to| {
        found(&[(BUTTON, ramp.0, Some(ramp.1)), (BUTTON, "end: 2026-12-20", Some(to))])
            .into_iter()
            .filter(|message| message.contains("schedule"))
            .count()
    };
    assert_eq!([stopped("end: 2026-11-20"), stopped("end: 2026-11-15")], [0, 1]);
}

#[test]
fn what_was_concluded_is_not_served_again() {
    let decision = |to| {
        found(&[(
            "done.experiment.yaml",
            "decision: {outcome: roll-back, date: 2026-11-19, reason: Nothing.}\n",
            Some(to),
        )])
    };
    let again = ["done.experiment.yaml: experiment `done` is served again after it was concluded"];
    assert_eq!(decision(""), again);
    assert_eq!(decision("decision: {outcome: roll-back, date: 2026-11-25, reason: Nothing.}\n"), again);
    assert_eq!(decision("decision: {outcome: aborted, date: 2026-11-19, reason: Nothing.}\n"), [""; 0]);
}

#[test]
fn what_draws_units_is_found_where_it_stands() {
    let context = [("trialbook.yaml", "{column: user_id}", Some("{column: user_id, context: account_id}"))];
    assert_eq!(
        found(&context),
        [
            "trialbook.yaml: the attribute that holds the unit's id of `button-test` changes after launch",
            "trialbook.yaml: the unit of rollout `corner-out` changes while it is served",
        ]
    );
    let evaluator = [("trialbook.yaml", "primary: true", Some("primary: true, evaluators: [python-2]"))];
    assert_eq!(
        found(&evaluator),
        [
            "trialbook.yaml: the evaluators of `button-test` changes after launch",
            "trialbook.yaml: the hash of rollout `corner-out` changes while it is served",
        ]
    );
    let segment =
        [("nordic.segment.yaml", "[SE, FI]", Some("[SE]")), ("other.segment.yaml", "[US]", Some("[US, CA]"))];
    assert_eq!(
        found(&segment),
        [
            "nordic.segment.yaml: a segment in the audience of `button-test` changes after launch",
            "nordic.segment.yaml: a segment in the audience of rollout `corner-out` changes while it is served",
        ]
    );
}

#[test]
fn another_holdout_over_what_runs_is_found() {
    let surfaces = |path| found(&[(path, "surfaces: [home]", Some("surfaces: [home, search]"))]);
    assert_eq!(
        surfaces("button.flag.yaml"),
        ["button.flag.yaml: a holdout over it of `button-test` changes after launch"]
    );
    assert_eq!(
        surfaces("corner.flag.yaml"),
        ["corner.flag.yaml: a holdout over the units of rollout `corner-out` changes while it is served"]
    );
}

#[test]
fn a_holdout_keeps_its_units_until_it_ends() {
    let end = |to| found(&[("q4.holdout.yaml", "end: 2027-01-01", Some(to))]);
    let messages = end("end: 2026-11-20");
    assert!(
        messages.contains(&"q4.holdout.yaml: the end of holdout `q4` changes while it lasts".to_owned()),
        "{messages:?}"
    );
    assert!(
        end("end: 2026-12-31")
            .contains(&"q4.holdout.yaml: a holdout over it of `button-test` changes after launch".to_owned())
    );
    let default = |to| found(&[("corner.flag.yaml", "default: plain", Some(to))]);
    assert_eq!(
        default("default: bold"),
        ["corner.flag.yaml: the units of holdout `q4` are served `bold` of `corner` instead of `plain`"]
    );
    assert_eq!(default("default: bold\nholdouts: {q4: plain}"), [""; 0]);
}

#[test]
fn a_winner_is_shipped_beside_an_experiment_whose_audience_it_does_not_concern() {
    const OTHER: &str = "other-test.experiment.yaml";
    let other = "title: A button elsewhere\nhypothesis: It helps.\nowner: web\nflag: button\naudience: {segment: other}\n\
                 allocation: 20%\ncontrol: plain\nvariants: {plain: 50%, bold: 50%}\n\
                 schedule: {start: 2026-11-10, end: 2026-12-20}\nmetrics: {}\n";
    let base: Vec<_> = BASE.iter().copied().chain([(OTHER, other)]).collect();
    let decision =
        "metrics: {}\ndecision: {outcome: ship, variant: bold, date: 2026-11-20, reason: It helped.}\n";
    let decided = (BUTTON, "metrics: {}\n", Some(decision));
    let shipped = |flag: &str| -> Vec<String> {
        let flag = ("button.flag.yaml", "default: plain\n", Some(flag));
        let found = reviewed_of(&base, &[decided, flag]).into_iter();
        found.map(|finding| format!("{}: {}", finding.primary.file.path(), finding.message)).collect()
    };
    let none: [String; 0] = [];
    assert_eq!(shipped("default: plain\nrules: [{when: {segment: nordic}, serve: bold}]\n"), none);
    // A rule that takes units of the other one, and a default for those that it does not enrol, concern it.
    let concerned = ["button.flag.yaml: the flag of `other-test` changes after launch"];
    assert_eq!(
        shipped("default: plain\nrules: [{when: {country: {in: [SE, US]}}, serve: bold}]\n"),
        concerned
    );
    assert_eq!(shipped("default: bold\nholdouts: {q4: plain}\n"), concerned);
    // Without a decision nothing is shipped.
    let rule = "default: plain\nrules: [{when: {segment: nordic}, serve: bold}]\n";
    let undecided = reviewed_of(&base, &[("button.flag.yaml", "default: plain\n", Some(rule))]);
    assert_eq!(undecided.len(), 1, "{undecided:#?}");
}
