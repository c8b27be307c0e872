//! A workspace has, after any edits, the findings and the book of a run over all its files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::rules::merged;

use jiff::Timestamp;
use proptest::prelude::*;
use trialbook_language::load::{self, RawFile};
use trialbook_lint::check;
use trialbook_lint::workspace::Workspace;
use trialbook_model::diagnostic::Diagnostic;

/// When most of the small book's experiments run.
fn now() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().expect("an instant")
}

type Files = BTreeMap<String, String>;

/// A finding with everything that is shown of it, and the text that its places lead to.
fn shown(finding: &Diagnostic) -> String {
    let label = |label: &trialbook_model::diagnostic::Label| {
        let place = label.file.position(label.span.start);
        format!(
            "{}:{}:{} {:?} `{}`",
            label.file.path(),
            place.line,
            place.column,
            label.text,
            label.file.slice(label.span)
        )
    };
    let related: Vec<_> = finding.related.iter().map(label).collect();
    let fix = finding.fix.iter().flat_map(|fix| &fix.edits);
    let edits: Vec<_> =
        fix.map(|edit| format!("{} {:?} {:?}", edit.file.path(), edit.span, edit.text)).collect();
    format!(
        "{} {:?} {} {} {related:?} {:?} {:?} {:?} {:?} {edits:?}",
        label(&finding.primary),
        finding.severity,
        finding.rule,
        finding.message,
        finding.notes,
        finding.help,
        finding.witness,
        finding.overlap,
    )
}

fn raw(files: &Files) -> Vec<RawFile> {
    let raw =
        |(path, text): (&String, &String)| RawFile { path: path.clone(), bytes: text.clone().into_bytes() };
    files.iter().map(raw).collect()
}

/// Compares a workspace with a run over all the files; where both make a book, the books too.
fn agrees(workspace: &Workspace, files: &Files) -> Result<(), TestCaseError> {
    let loaded = load::load(raw(files));
    let mut full = BTreeMap::<String, Vec<String>>::new();
    for finding in check::run(&loaded, now()) {
        full.entry(finding.primary.file.path().to_owned()).or_default().push(shown(&finding));
    }
    let mut edited = BTreeMap::<String, Vec<String>>::new();
    for (path, findings) in workspace.findings() {
        edited.insert(path.clone(), findings.iter().map(shown).collect());
    }
    // Findings of one order have none among themselves.
    full.values_mut().chain(edited.values_mut()).for_each(|shown| shown.sort());
    prop_assert_eq!(edited, full);
    if let Some(book) = &loaded.book {
        prop_assert_eq!(workspace.book(), Some(book));
    }
    Ok(())
}

/// The names that files, and what they refer to, are drawn from: few, so that they meet.
const KEYS: [&str; 3] = ["a", "b", "c"];

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&KEYS[..])
}

fn settings() -> impl Strategy<Value = String> {
    let defaults = prop_oneof![
        3 => Just(""),
        1 => Just("defaults: {guardrails: [{metric: a, margin: 5%}]}\n"),
        1 => Just("defaults: {surfaces: {shop: {exploratory: [b]}}}\n"),
    ];
    let policy = prop_oneof![
        3 => Just(""),
        1 => Just("policy: {max_duration: 14d}\n"),
        1 => Just("policy: {freeze: [{from: 2026-11-20, until: 2026-12-05, reason: sale}]}\n"),
    ];
    let warehouse =
        prop_oneof![2 => Just(""), 1 => Just("warehouse: {engine: duckdb, database: w.duckdb}\n")];
    (defaults, policy, warehouse, any::<bool>()).prop_map(|(defaults, policy, warehouse, plans)| {
        let plan = if plans { "  plan: {type: string, values: [free, paid]}\n" } else { "" };
        format!(
            "book: small\nentities: {{user: {{column: user_id}}, account: {{column: account_id}}}}\n\
             attributes:\n  country: {{type: string, stable: true, values: {{SE: 50%, US: 30%}}}}\n{plan}\
             surfaces: {{shop: {{owner: team}}}}\n\
             targets: {{production: {{type: flagd, store: file://live.json}}}}\n{warehouse}{defaults}{policy}"
        )
    })
}

fn entity() -> impl Strategy<Value = &'static str> {
    prop_oneof![5 => Just("user"), 1 => Just("account"), 1 => Just("usr")]
}

fn audience() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{}".to_owned()),
        prop::sample::select(&["SE", "US", "FR"][..]).prop_map(|country| format!("{{country: {country}}}")),
        key().prop_map(|key| format!("{{segment: {key}}}")),
        key().prop_map(|key| format!("{{not: {{segment: {key}}}}}")),
        Just("{plan: free}".to_owned()),
    ]
}

fn flag() -> impl Strategy<Value = String> {
    let more = prop_oneof![
        3 => Just(String::new()),
        2 => audience().prop_map(|audience| format!("rules: [{{when: {audience}, serve: bold}}]\n")),
        1 => Just("archived: true\n".to_owned()),
        1 => Just("expires: 2026-11-30\n".to_owned()),
    ];
    (entity(), prop::sample::select(&["plain", "bold", "loud"][..]), more).prop_map(
        |(entity, default, more)| {
            format!(
                "description: A flag.\nowner: team\nsurfaces: [shop]\nentity: {entity}\ntype: string\n\
             variants: {{plain: p, bold: b}}\ndefault: {default}\n{more}"
            )
        },
    )
}

fn experiment() -> impl Strategy<Value = String> {
    let layer = prop_oneof![2 => Just(String::new()), 1 => key().prop_map(|key| format!("layer: {key}\n"))];
    let schedule = prop::sample::select(
        &[
            "2026-11-25, end: 2026-12-10",
            "2026-12-20, end: 2026-12-24",
            "2026-10-01, end: 2026-10-10",
            "2026-12-02, end: 2026-12-01",
        ][..],
    );
    let decision = prop_oneof![
        4 => Just(""),
        1 => Just("decision: {outcome: ship, variant: bold, date: 2026-11-28, reason: good}\n"),
    ];
    let previous =
        prop_oneof![4 => Just(String::new()), 1 => key().prop_map(|key| format!("previous: {key}\n"))];
    (key(), audience(), layer, schedule, (key(), key(), any::<bool>()), decision, previous).prop_map(
        |(flag, audience, layer, schedule, (success, guard, guarded), decision, previous)| {
            let guardrails =
                if guarded { format!("  guardrails: [{{metric: {guard}, margin: 3%}}]\n") } else { String::new() };
            format!(
                "title: An experiment\nhypothesis: It helps.\nowner: team\nsurfaces: [shop]\nflag: {flag}\n\
                 audience: {audience}\n{layer}allocation: 10%\ncontrol: plain\nvariants: {{plain: 50%, bold: 50%}}\n\
                 schedule: {{start: {schedule}}}\nmetrics:\n  success: [{{metric: {success}, mde: 2%}}]\n\
                 {guardrails}{decision}{previous}"
            )
        },
    )
}

fn rollout() -> impl Strategy<Value = String> {
    (key(), audience(), key(), prop::sample::select(&["bold", "plain", "loud"][..])).prop_map(
        |(flag, audience, metric, serve)| {
            format!(
                "description: A rollout.\nowner: team\nflag: {flag}\nserve: {serve}\naudience: {audience}\n\
                 steps: [{{at: 2026-11-20, share: 10%}}, {{at: 2026-12-20, share: 100%}}]\n\
                 guardrails: [{{metric: {metric}, margin: 5%}}]\n"
            )
        },
    )
}

fn holdout() -> impl Strategy<Value = String> {
    (entity(), key(), prop::sample::select(&["2026-11-01", "2026-12-24"][..])).prop_map(
        |(entity, metric, start)| {
            format!(
                "description: A holdout.\nowner: team\nentity: {entity}\nshare: 5%\nsurfaces: [shop]\n\
             schedule: {{start: {start}, end: 2027-02-01}}\nmetrics: [{metric}]\n"
            )
        },
    )
}

fn layer() -> impl Strategy<Value = String> {
    let slot = (key(), prop::sample::select(&["0-999", "500-1499", "1000-1999", "2000-2499"][..]))
        .prop_map(|(key, buckets)| format!("  - {{buckets: {buckets}, experiment: {key}}}\n"));
    (entity(), prop::collection::vec(slot, 0..3)).prop_map(|(entity, slots)| {
        let slots =
            if slots.is_empty() { "slots: []\n".to_owned() } else { format!("slots:\n{}", slots.concat()) };
        format!("description: A layer.\nentity: {entity}\n{slots}")
    })
}

fn segment() -> impl Strategy<Value = String> {
    audience().prop_map(|audience| format!("description: A segment.\nowner: team\naudience: {audience}\n"))
}

fn metric() -> impl Strategy<Value = String> {
    let window = prop::sample::select(&["1d", "7d", "60d"][..]);
    let measure = prop::sample::select(&["amount", "weight"][..]);
    (entity(), key(), window, measure).prop_map(|(entity, source, window, measure)| {
        format!(
            "description: A metric.\nowner: team\nentity: {entity}\ntype: mean\nsource: {source}\n\
             measure: {{sum: {measure}}}\nwindow: {window}\nincrease_is: good\n"
        )
    })
}

fn source() -> impl Strategy<Value = String> {
    let role = prop_oneof![3 => Just("measures: {amount: amount}\n"), 1 => Just("served: served\n")];
    (entity(), role).prop_map(|(entity, role)| {
        format!("description: A source.\ntable: t\ntimestamp: at\nentities: {{{entity}: id}}\n{role}")
    })
}

/// A file of any kind, seldom in a second folder and seldom broken.
fn file() -> impl Strategy<Value = (String, String)> {
    let kinds = prop_oneof![
        1 => settings().prop_map(|text| ("book", text)),
        3 => flag().prop_map(|text| ("flag", text)),
        5 => experiment().prop_map(|text| ("experiment", text)),
        2 => rollout().prop_map(|text| ("rollout", text)),
        1 => holdout().prop_map(|text| ("holdout", text)),
        2 => layer().prop_map(|text| ("layer", text)),
        3 => segment().prop_map(|text| ("segment", text)),
        3 => metric().prop_map(|text| ("metric", text)),
        2 => source().prop_map(|text| ("source", text)),
    ];
    let folder = prop_oneof![12 => Just(""), 1 => Just("more/")];
    let damage = prop_oneof![
        20 => Just(""), 3 => Just("# a comment\n"),
        2 => Just("# trialbook: ignore[unused-metric, unused-segment, unused-layer] until=2027-01-31 Soon.\n"),
        1 => Just("# trialbook: ignore[overdue-experiment] until=2026-11-30 Old.\n"), 1 => Just("oops: 1\n"), 1 => Just("x: [\n"), 1 => Just("gone")
    ];
    (kinds, key(), folder, damage).prop_map(|((kind, text), key, folder, damage)| {
        let path =
            if kind == "book" { "trialbook.yaml".to_owned() } else { format!("{folder}{key}.{kind}.yaml") };
        let text = match damage {
            "gone" => String::new(),
            "x: [\n" => format!("{text}{damage}"),
            _ => format!("{damage}{text}"),
        };
        (path, text)
    })
}

/// A file that is put there, or taken away.
fn edit() -> impl Strategy<Value = (String, Option<String>)> {
    (file(), prop::bool::weighted(0.12))
        .prop_map(|((path, text), gone)| (path, if gone { None } else { Some(text) }))
}

/// A book in which every reference leads somewhere, so that the rules run from the start.
fn sound() -> Files {
    let mut files = Files::new();
    let mut put = |path: String, text: &str| files.insert(path, text.to_owned());
    put("trialbook.yaml".into(), SETTINGS);
    for key in KEYS {
        put(format!("{key}.flag.yaml"), FLAG);
        put(format!("{key}.experiment.yaml"), &EXPERIMENT.replace("KEY", key));
        put(format!("{key}.segment.yaml"), "description: A segment.\nowner: team\naudience: {country: SE}\n");
        put(format!("{key}.metric.yaml"), METRIC);
        put(format!("{key}.layer.yaml"), "description: A layer.\nentity: user\nslots: []\n");
        put(format!("{key}.source.yaml"), SOURCE);
    }
    files
}

const SETTINGS: &str = "book: small
entities: {user: {column: user_id}, account: {column: account_id}}
attributes:
  country: {type: string, stable: true, values: {SE: 50%, US: 30%}}
  plan: {type: string, values: [free, paid]}
surfaces: {shop: {owner: team}}
targets: {production: {type: flagd, store: file://live.json}}
";
const FLAG: &str = "description: A flag.
owner: team
surfaces: [shop]
entity: user
type: string
variants: {plain: p, bold: b}
default: plain
";
const EXPERIMENT: &str = "title: An experiment
hypothesis: It helps.
owner: team
surfaces: [shop]
flag: KEY
allocation: 10%
control: plain
variants: {plain: 50%, bold: 50%}
schedule: {start: 2026-11-25, end: 2026-12-10}
metrics:
  success: [{metric: a, mde: 2%}]
";
const METRIC: &str = "description: A metric.
owner: team
entity: user
type: mean
source: a
measure: {sum: amount}
window: 7d
increase_is: good
";
const SOURCE: &str = "description: A source.
table: t
timestamp: at
entities: {user: id, account: id}
measures: {amount: amount, weight: weight}
";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_edits_of_a_sound_book_end_with_the_findings_of_a_full_run(
        edits in prop::collection::vec(edit(), 1..24)
    ) {
        let mut files = sound();
        let mut workspace = Workspace::open(raw(&files), now());
        agrees(&workspace, &files)?;
        for (path, text) in edits {
            match &text {
                Some(text) => files.insert(path.clone(), text.clone()),
                None => files.remove(&path),
            };
            let before = workspace.findings().clone();
            let touched = workspace.edit(&path, text.map(String::into_bytes));
            agrees(&workspace, &files)?;
            // Of every file whose findings changed, the editor is notified.
            for path in before.keys().chain(workspace.findings().keys()).filter(|path| !touched.contains(*path)) {
                let all = |found: Option<&Vec<Diagnostic>>| found.into_iter().flatten().map(shown).collect::<Vec<_>>();
                prop_assert_eq!(all(before.get(path)), all(workspace.findings().get(path)));
            }
        }
    }

    #[test]
    fn a_book_that_is_typed_file_by_file_ends_with_the_findings_of_a_full_run(
        edits in prop::collection::vec(edit(), 1..40)
    ) {
        let mut files = Files::new();
        let mut workspace = Workspace::open(Vec::new(), now());
        for (path, text) in edits {
            match &text {
                Some(text) => files.insert(path.clone(), text.clone()),
                None => files.remove(&path),
            };
            workspace.edit(&path, text.map(String::into_bytes));
        }
        agrees(&workspace, &files)?;
    }
}

#[test]
fn the_sound_book_has_no_errors() {
    let loaded = load::load(raw(&sound()));
    let errors: Vec<_> = loaded.findings.iter().map(shown).collect();
    assert!(loaded.book.is_some(), "{errors:#?}");
}

/// The page of a rule shows what makes it fire: laid over the base book file by file, in both orders, and taken back.
#[test]
fn the_examples_of_every_rule_are_found_and_lost_edit_by_edit() {
    let base = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("tests/rules/base");
    let base = load::read_folder(&base).expect("the base book can be read");
    let text = |file: RawFile| (file.path, String::from_utf8(file.bytes).expect("UTF-8"));
    let base: Files = base.into_iter().map(text).collect();
    let mut workspace = Workspace::open(raw(&base), now());
    for rule in check::RULES {
        for example in rule.examples() {
            let mut files = base.clone();
            for file in &example.files {
                let old = base.get(&file.path).filter(|_| file.excerpt);
                let text = old.map_or(file.text.clone(), |old| merged(old, &file.text));
                files.insert(file.path.clone(), text.clone());
                workspace.edit(&file.path, Some(text.into_bytes()));
            }
            agrees(&workspace, &files).unwrap_or_else(|error| panic!("{}: {error}", rule.name()));
            for file in example.files.iter().rev() {
                let text = base.get(&file.path).cloned();
                workspace.edit(&file.path, text.map(String::into_bytes));
            }
            agrees(&workspace, &base).unwrap_or_else(|error| panic!("after {}: {error}", rule.name()));
        }
    }
}
