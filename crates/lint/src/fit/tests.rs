use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::check;
use trialbook_language::load;
use trialbook_model::diagnostic::Severity;

const BOOK: &str = "book: small
entities: {user: {column: user_id}}
attributes:
  country: {type: string, stable: true, values: {SE: 30%, FI: 30%, US: 40%}}
  app_version: {type: version}
surfaces: {shop: {owner: team}}
";
const METRIC: &str = "description: Purchases.\nentity: user\ntype: mean\nsource: purchases\nmeasure: {count: rows}\n\
                      window: 7d\nincrease_is: good\n";
const SOURCE: &str =
    "table: purchases\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: total}\n";
const FLAG: &str = "description: A page.\nowner: team\nsurfaces: [shop]\nentity: user\ntype: string\n\
                    variants: {plain: p, bold: b}\ndefault: plain\n";

fn experiment(more: &str) -> String {
    format!(
        "title: A page # what it is\nhypothesis: It helps.\nowner: team\nsurfaces: [shop]\nflag: page\n{more}control: plain\n\
         variants: {{plain: 50%, bold: 50%}}\nmetrics:\n  success: [{{metric: purchases, mde: 2%}}]\n"
    )
}

const WHEN: &str = "schedule: {start: 2026-12-01, end: 2026-12-15}\n";

fn question(named: Option<&str>) -> Question<'_> {
    static NONE: BTreeSet<ExperimentKey> = BTreeSet::new();
    Question { named, launched: &NONE, now: now() }
}

fn now() -> Timestamp {
    "2026-11-20T00:00:00Z".parse().expect("an instant")
}

fn files(more: &[(&str, String)]) -> Vec<RawFile> {
    let base = [
        ("trialbook.yaml", BOOK),
        ("purchases.metric.yaml", METRIC),
        ("purchases.source.yaml", SOURCE),
        ("page.flag.yaml", FLAG),
    ];
    let base = base.map(|(path, text)| (path, text.to_owned()));
    let all = base.iter().chain(more);
    all.map(|(path, text)| RawFile { path: (*path).to_owned(), bytes: text.clone().into_bytes() }).collect()
}

/// Returns the errors of a book after edits.
fn errors(files: Vec<RawFile>, edits: &[FileEdit]) -> Vec<String> {
    let mut all: BTreeMap<String, Vec<u8>> = files.into_iter().map(|file| (file.path, file.bytes)).collect();
    for edit in edits {
        all.insert(edit.path.clone(), edit.after.clone().into_bytes());
    }
    let files = all.into_iter().map(|(path, bytes)| RawFile { path, bytes }).collect();
    let found = check::run(&load::load(files), now());
    let errors = found.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| format!("{}: {}", finding.rule, finding.message)).collect()
}

#[track_caller]
fn one(files: Vec<RawFile>) -> Collision {
    let mut found = fit(files, question(None)).expect("a book");
    assert_eq!(found.collisions.len(), 1, "{:#?}", found.collisions);
    found.collisions.remove(0)
}

/// Returns the way that begins with a step.
#[track_caller]
fn beginning(collision: &Collision, first: impl Fn(&Step) -> bool) -> &Way {
    let way = collision.ways.iter().find(|way| way.steps.first().is_some_and(&first));
    way.unwrap_or_else(|| panic!("{:#?}", collision.ways))
}

/// A step that starts something on 2027-01-05 instead of another day.
fn starts(key: &str, instead_of: &str) -> impl Fn(&Step) -> bool {
    move |step| matches!(step, Step::Start { party, to, from } if party.key == key && to == "2027-01-05" && from == instead_of)
}

/// A step that allocates 40 % to an experiment instead of 60 %.
fn smaller(key: &str) -> Step {
    let share = |text: &str| trialbook_model::Share::parse(text).expect("a share");
    Step::Allocate { experiment: key.to_owned(), to: share("40%"), from: share("60%") }
}

#[test]
fn two_experiments_get_a_layer_a_later_start_or_a_condition_and_each_lints_clean() {
    let (a, b) = (
        experiment(&format!("allocation: 40%\n{WHEN}")),
        experiment(&format!("allocation: 40%\naudience: {{country: SE}}\n{WHEN}")),
    );
    let files = files(&[("a.experiment.yaml", a), ("b.experiment.yaml", b)]);
    let collision = one(files.clone());
    assert_eq!(collision.stuck, None);
    let first = collision.ways.first().expect("a way");
    let join = |key: &str| Step::Join { experiment: key.to_owned(), layer: "page".to_owned() };
    let [make, of_a, of_b, Step::Give { buckets }] = first.steps.as_slice() else {
        panic!("{:#?}", first.steps)
    };
    assert_eq!([make, of_a, of_b], [&Step::MakeLayer { layer: "page".to_owned() }, &join("a"), &join("b")]);
    let given: Vec<_> = buckets.iter().map(|(set, key)| (set.to_string(), key.as_str())).collect();
    assert_eq!(given, [("buckets 0-3999".to_owned(), "a"), ("buckets 4000-7999".to_owned(), "b")]);
    beginning(&collision, starts("a", "2026-12-01"));
    for way in &collision.ways {
        assert_eq!(errors(files.clone(), &way.edits), Vec::<String>::new(), "{:?}", way.steps);
    }
    assert!(
        first.costs.iter().all(|cost| cost.later_days == 0.0 && cost.longer_days == Some(0.0)),
        "{first:#?}"
    );
    let later = beginning(&collision, starts("b", "2026-12-01"));
    assert_eq!(later.costs.iter().map(|cost| cost.later_days).sum::<f64>(), 35.0);
    let kept = beginning(
        &collision,
        |step| matches!(step, Step::KeepOut { of, whom, audience } if of.key == "a" && whom.key == "b" && audience == "{country: SE}"),
    );
    // Of 100 % of all users, 70 % are left: the 14 days become 20.
    assert_eq!(kept.costs.first().and_then(|cost| cost.longer_days), Some(6.0));
    let edit = later.edits.first().expect("an edit");
    assert!(edit.after.contains("schedule: {start: 2027-01-05, end: 2027-01-19}"), "{}", edit.after);
    assert!(edit.after.contains("# what it is"), "{}", edit.after);
}

#[test]
fn what_is_launched_is_not_edited() {
    let running = "schedule: {start: 2026-11-10, end: 2026-12-15}\n";
    let (a, b) =
        (experiment(&format!("allocation: 40%\n{running}")), experiment(&format!("allocation: 40%\n{WHEN}")));
    let collision = one(files(&[("a.experiment.yaml", a.clone()), ("b.experiment.yaml", b)]));
    assert!(!collision.ways.is_empty());
    let edited = collision.ways.iter().flat_map(|way| &way.edits).map(|edit| edit.path.as_str());
    assert_eq!(edited.collect::<Vec<_>>(), ["b.experiment.yaml"]);
    let collision = one(files(&[("a.experiment.yaml", a.clone()), ("c.experiment.yaml", a)]));
    assert!(collision.ways.is_empty());
    let launched = ["a", "c"].map(|key| Party { kind: Kind::Experiment, key: key.to_owned() });
    assert_eq!(collision.stuck, Some(Stuck::Launched(launched.to_vec())));
}

#[test]
fn a_full_layer_gets_a_later_start_a_smaller_share_or_one_less() {
    let with = |share: &str| experiment(&format!("layer: page\nallocation: {share}\n{WHEN}"));
    let other = FLAG.to_owned();
    let b = with("60%").replace("flag: page", "flag: other");
    let layer = "description: Pages.\nowner: team\nentity: user\nslots:\n  - {buckets: 0-5999, experiment: a} # the first\n";
    let files = files(&[
        ("a.experiment.yaml", with("60%")),
        ("b.experiment.yaml", b),
        ("other.flag.yaml", other),
        ("page.layer.yaml", layer.to_owned()),
    ]);
    let collision = one(files.clone());
    assert_eq!(collision.rule, "overbooked-layer");
    beginning(&collision, starts("b", "2026-12-01"));
    beginning(
        &collision,
        |step| matches!(step, Step::Leave { experiment, layer } if experiment == "b" && layer == "page"),
    );
    for way in &collision.ways {
        assert_eq!(errors(files.clone(), &way.edits), Vec::<String>::new(), "{:?}", way.steps);
    }
    // A third less a day: the 14 days become 21.
    let smaller = beginning(&collision, |step| *step == smaller("b"));
    let costs: Vec<_> =
        smaller.costs.iter().map(|cost| (cost.party.key.as_str(), cost.longer_days)).collect();
    assert!(costs.contains(&("b", Some(7.0))) && costs.contains(&("a", Some(0.0))), "{costs:?}");
    let (edits, stuck) = fit_all(files.clone(), question(None)).expect("a book");
    assert!(stuck.is_empty());
    assert_eq!(errors(files, &edits), Vec::<String>::new());
}

#[test]
fn slots_of_what_is_not_launched_are_shifted() {
    let with =
        |flag: &str| experiment(&format!("layer: page\nallocation: 20%\n{WHEN}")).replace("flag: page", flag);
    let layer = "description: Pages.\nowner: team\nentity: user\nslots:\n  - {buckets: 0-1999, experiment: a}\n  - {buckets: 1000-2999, experiment: b}\n";
    let collision = one(files(&[
        ("a.experiment.yaml", with("flag: page")),
        ("b.experiment.yaml", with("flag: other")),
        ("other.flag.yaml", FLAG.to_owned()),
        ("page.layer.yaml", layer.to_owned()),
    ]));
    assert_eq!(collision.rule, "overlapping-slots");
    let best = collision.ways.first().expect("a way");
    assert!(matches!(best.steps.as_slice(), [Step::Give { .. }]), "{:#?}", best.steps);
    assert_eq!(best.edits.len(), 1);
}

#[test]
fn a_rollout_begins_when_the_experiment_is_over() {
    let a = experiment(&format!("allocation: 40%\n{WHEN}"));
    let rollout = "description: Bold for all.\nowner: team\nflag: page\nserve: bold\nsteps: [{at: 2026-12-05, share: 10%}, {at: 2026-12-09, share: 100%}]\n";
    let files = files(&[("a.experiment.yaml", a), ("r.rollout.yaml", rollout.to_owned())]);
    let collision = one(files.clone());
    let way = beginning(&collision, starts("r", "2026-12-05"));
    let edit = way.edits.first().expect("an edit");
    assert!(
        edit.after.contains("{at: 2027-01-05, share: 10%}, {at: 2027-01-09, share: 100%}"),
        "{}",
        edit.after
    );
    assert_eq!(errors(files, &way.edits), Vec::<String>::new());
}

#[test]
fn nothing_is_looked_for_where_nothing_collides_or_there_is_no_book() {
    let a = experiment(&format!("allocation: 40%\n{WHEN}"));
    let found = fit(files(&[("a.experiment.yaml", a)]), question(Some("a"))).expect("a book");
    assert!(found.collisions.is_empty());
    let unknown = fit(files(&[]), question(Some("a")));
    assert!(matches!(unknown, Err(FitError::Unknown { name, .. }) if name == "a"));
    assert_eq!(fit(files(&[("x.flag.yaml", "type: [".into())]), question(None)), Err(FitError::NoBook));
}

#[test]
fn an_experiment_whose_launch_is_recorded_is_not_edited() {
    let a = experiment(&format!("allocation: 40%\n{WHEN}"));
    let b = experiment(&format!("audience: {{country: SE}}\nallocation: 40%\n{WHEN}"));
    let files = files(&[("a.experiment.yaml", a), ("b.experiment.yaml", b)]);
    let key = ExperimentKey::new("a").expect("a key");
    let launched = BTreeSet::from([key]);
    let question = Question { launched: &launched, ..question(None) };
    let found = fit(files.clone(), question).expect("a book");
    let ways = &found.collisions.first().expect("a collision").ways;
    assert!(!ways.is_empty());
    for way in ways {
        assert!(way.edits.iter().all(|edit| edit.path != "a.experiment.yaml"), "{:?}", way.steps);
        assert_eq!(refused(files.clone(), &way.edits, &launched), Vec::<String>::new(), "{:?}", way.steps);
    }
}

#[test]
fn of_two_claims_that_have_no_slots_yet_either_can_be_smaller() {
    let member = |audience: &str| experiment(&format!("{audience}layer: pages\nallocation: 60%\n{WHEN}"));
    let layer = "description: Pages.\nowner: team\nentity: user\nslots: []\n".to_owned();
    let files = files(&[
        ("a.experiment.yaml", member("")),
        ("b.experiment.yaml", member("audience: {country: SE}\n")),
        ("pages.layer.yaml", layer),
    ]);
    let found = fit(files.clone(), question(None)).expect("a book");
    let full = found.collisions.iter().find(|c| c.rule == "overbooked-layer").expect("a full layer");
    for key in ["a", "b"] {
        let way = full.ways.iter().find(|way| way.steps.contains(&smaller(key))).expect("the smaller share");
        assert_eq!(errors(files.clone(), &way.edits), Vec::<String>::new(), "{:?}", way.steps);
    }
}

/// Returns what the review of a pull request with these edits refuses.
fn refused(files: Vec<RawFile>, edits: &[FileEdit], launched: &BTreeSet<ExperimentKey>) -> Vec<String> {
    let before = load::load(files.clone()).book.expect("a book");
    let mut all: BTreeMap<String, Vec<u8>> = files.into_iter().map(|file| (file.path, file.bytes)).collect();
    let changes: Vec<_> = (edits.iter())
        .map(|edit| {
            let old = all.insert(edit.path.clone(), edit.after.clone().into_bytes());
            let before = old.map(|bytes| RawFile { path: edit.path.clone(), bytes });
            trialbook_history::FileChange { before, after: Some(edit.path.clone()) }
        })
        .collect();
    let after = load::load(all.into_iter().map(|(path, bytes)| RawFile { path, bytes }).collect());
    let found = crate::review::review(&crate::review::Review {
        before: &before,
        after: after.book.as_ref().expect("a book"),
        documents: &after.documents,
        changes: &changes,
        launched,
        recorded: &BTreeMap::new(),
        used: &BTreeMap::new(),
        now: now(),
    });
    found.into_iter().map(|finding| finding.message).collect()
}

fn made() -> impl Strategy<Value = Vec<(String, String)>> {
    let audience = prop::sample::select(
        &[
            "",
            "audience: {country: SE}\n",
            "audience:\n  country: {in: [SE, US]}\n",
            "audience: {not: {country: FI}}\n",
        ][..],
    );
    let starts = prop::sample::select(&["2026-11-10", "2026-12-01", "2026-12-20"][..]);
    let layer = prop::sample::select(&["", "layer: pages\n"][..]);
    let share = prop::sample::select(&["20%", "60%", "100%"][..]);
    let one = (audience, starts, layer, share).prop_map(|(audience, start, layer, share)| {
        experiment(&format!(
            "{audience}{layer}allocation: {share}\nschedule: {{start: {start}, end: 2027-01-15}}\n"
        ))
    });
    prop::collection::vec(one, 1..4).prop_map(|all| {
        let named = |(n, text)| (format!("e{n}.experiment.yaml"), text);
        all.into_iter().enumerate().map(named).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_way_ends_its_collision_and_brings_no_error(made in made()) {
        let layer = "description: Pages.\nowner: team\nentity: user\nslots: []\n".to_owned();
        let mut more: Vec<(&str, String)> = made.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
        more.push(("pages.layer.yaml", layer));
        let files = files(&more);
        let before = errors(files.clone(), &[]);
        for collision in fit(files.clone(), question(None)).expect("a book").collisions {
            prop_assert_eq!(collision.ways.is_empty(), collision.stuck.is_some());
            for way in &collision.ways {
                let after = errors(files.clone(), &way.edits);
                prop_assert!(after.len() < before.len() || way.ends == 0, "{:?}: {:?} {:?}", way.steps, before, after);
                prop_assert!(after.iter().all(|error| before.contains(error)), "{:?}: {:?}", way.steps, after);
                let refused = refused(files.clone(), &way.edits, &BTreeSet::new());
                prop_assert!(refused.is_empty(), "{:?}: {:?}", way.steps, refused);
            }
        }
        let (edits, stuck) = fit_all(files.clone(), question(None)).expect("a book");
        let left = errors(files, &edits);
        prop_assert!(!stuck.is_empty() || left.is_empty(), "{:?}", left);
    }
}
