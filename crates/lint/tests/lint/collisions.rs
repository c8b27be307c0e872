//! What lint says of collisions is what a simulation finds: every context of a small world is served by the reference, on
//! every day, with one experiment or rollout at a time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use trialbook_language::load::{self, RawFile};
use trialbook_lint::check;
use trialbook_model::capability::HashProfile;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::resolve::{Reason, Resolver};
use trialbook_model::targeting::Context;
use trialbook_model::{Book, FlagKey};

const BOOK: &str = "book: small
entities: {user: {column: user_id}}
attributes:
  country: {type: string, stable: true, values: {SE: 30%, FI: 30%, US: 40%}}
  platform: {type: string, values: [ios, android]}
surfaces: {shop: {owner: team}}
";
const METRIC: &str = "description: Purchases.\nentity: user\ntype: mean\nsource: purchases\nmeasure: {count: rows}\n\
                      window: 7d\nincrease_is: good\n";
const SOURCE: &str =
    "table: purchases\ntimestamp: at\nentities: {user: user_id}\nmeasures: {amount: total}\n";

const COUNTRIES: [Option<&str>; 4] = [Some("SE"), Some("FI"), Some("US"), None];
const PLATFORMS: [Option<&str>; 3] = [Some("ios"), Some("android"), None];

fn now() -> Timestamp {
    "2026-11-01T00:00:00Z".parse().expect("an instant")
}

/// Days around every boundary that the made-up schedules have.
fn days() -> Vec<Timestamp> {
    let start: Timestamp = "2026-11-30T12:00:00Z".parse().expect("an instant");
    (0..70).map(|day| start + jiff::Span::new().hours(24 * day)).collect()
}

/// A file that serves: its path and its text.
type Served = (String, String);

fn audience() -> impl Strategy<Value = &'static str> {
    prop::sample::select(
        &[
            "{}",
            "{country: SE}",
            "{country: {in: [SE, FI]}}",
            "{platform: ios}",
            "{not: {platform: ios}}",
            "{country: US, platform: android}",
            "{any: [{country: FI}, {platform: {present: false}}]}",
            "{not: {any: [{country: SE}, {platform: android}]}}",
        ][..],
    )
}

fn served(key: &'static str) -> impl Strategy<Value = Served> {
    let start = || prop::sample::select(&["2026-12-01", "2026-12-08", "2026-12-29"][..]);
    let experiment = (audience(), start()).prop_map(move |(audience, start)| {
        let text = format!(
            "title: A page\nhypothesis: It helps.\nowner: team\nsurfaces: [shop]\nflag: page\naudience: {audience}\n\
             allocation: 100%\ncontrol: plain\nvariants: {{plain: 50%, bold: 50%}}\n\
             schedule: {{start: {start}, end: 2026-12-30}}\nmetrics:\n  success: [{{metric: purchases, mde: 2%}}]\n"
        );
        (format!("{key}.experiment.yaml"), text)
    });
    let rollout = (audience(), start()).prop_map(move |(audience, start)| {
        let text = format!(
            "description: For all.\nflag: page\nserve: bold\naudience: {audience}\nsteps: [{{at: {start}, share: 100%}}]\n"
        );
        (format!("{key}.rollout.yaml"), text)
    });
    prop_oneof![2 => experiment, 1 => rollout]
}

fn files(rule: &str, served: &[&Served]) -> Vec<RawFile> {
    let flag = format!(
        "description: A page.\nowner: team\nsurfaces: [shop]\nentity: user\ntype: string\n\
         variants: {{plain: p, bold: b}}\ndefault: plain\nrules: [{{when: {rule}, serve: plain}}]\n"
    );
    let base = [
        ("trialbook.yaml", BOOK.to_owned()),
        ("purchases.metric.yaml", METRIC.to_owned()),
        ("purchases.source.yaml", SOURCE.to_owned()),
        ("page.flag.yaml", flag),
    ];
    let base = base.into_iter().map(|(path, text)| (path.to_owned(), text));
    let all = base.chain(served.iter().map(|file| (*file).clone()));
    all.map(|(path, text)| RawFile { path, bytes: text.into_bytes() }).collect()
}

fn book(rule: &str, served: &Served) -> Book {
    let loaded = load::load(files(rule, &[served]));
    assert!(loaded.book.is_some(), "{:#?}", loaded.findings);
    loaded.book.expect("a book")
}

/// Returns who is served by what comes after the rules, and on which day.
fn world(book: &Book) -> BTreeSet<(usize, usize, usize)> {
    let flag = FlagKey::new("page").expect("a key");
    let mut found = BTreeSet::new();
    for (day, at) in days().into_iter().enumerate() {
        let resolver = Resolver::new(book, at, HashProfile::Utf8);
        for (c, country) in COUNTRIES.iter().enumerate() {
            for (p, platform) in PLATFORMS.iter().enumerate() {
                let mut values = Map::from_iter([("targetingKey".to_owned(), json!("unit-1"))]);
                values.extend(country.map(|country| ("country".to_owned(), json!(country))));
                values.extend(platform.map(|platform| ("platform".to_owned(), json!(platform))));
                if is_served(&resolver, &flag, values, book) {
                    found.insert((day, c, p));
                }
            }
        }
    }
    found
}

fn is_served(resolver: &Resolver<'_>, flag: &FlagKey, values: Map<String, Value>, book: &Book) -> bool {
    let context = Context::new(values, &book.attributes);
    let resolution = resolver.resolve(flag, &context).expect("the flag is served");
    matches!(resolution.reason, Reason::Experiment | Reason::Rollout)
}

fn found(rule: &str, served: &[&Served]) -> Vec<Diagnostic> {
    check::run(&load::load(files(rule, served)), now())
}

/// Returns the pairs of files that lint says collide.
fn pairs(found: &[Diagnostic]) -> BTreeSet<(String, String)> {
    let rules = ["overlapping-experiments", "overlapping-rollouts"];
    let colliding = found.iter().filter(|finding| rules.contains(&finding.rule));
    let pair = |finding: &Diagnostic| {
        let (a, b) = (finding.primary.file.path(), finding.related.first()?.file.path());
        Some((a.min(b).to_owned(), a.max(b).to_owned()))
    };
    colliding.filter_map(pair).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn lint_finds_the_pairs_that_a_simulation_finds_and_no_others(
        rule in audience().prop_filter("it leaves somebody", |rule| *rule != "{}"),
        a in served("a"),
        b in served("b"),
        c in served("c"),
    ) {
        let all = [&a, &b, &c];
        let books: BTreeMap<&str, Book> = all.iter().map(|file| (file.0.as_str(), book(rule, file))).collect();
        let worlds: BTreeMap<&str, _> = books.iter().map(|(path, book)| (*path, world(book))).collect();
        let mut met = BTreeSet::new();
        for (one, who) in &worlds {
            for (other, others) in worlds.range::<str, _>((std::ops::Bound::Excluded(*one), std::ops::Bound::Unbounded)) {
                if !who.is_disjoint(others) {
                    met.insert(((*one).to_owned(), (*other).to_owned()));
                }
            }
        }
        let findings = found(rule, &all);
        prop_assert_eq!(&pairs(&findings), &met);

        // The unit that proves a collision is served by each of the two where the other is not there.
        for finding in findings.iter().filter(|finding| finding.rule.starts_with("overlapping-")) {
            let witness = finding.witness.clone().expect("a witness");
            let mut values: Map<String, Value> = witness.into_iter().collect();
            values.insert("targetingKey".to_owned(), json!("unit-1"));
            let paths = [finding.primary.file.path(), finding.related[0].file.path()];
            let together = worlds[paths[0]].intersection(&worlds[paths[1]]).next();
            let day = together.map(|(day, ..)| days()[*day]).expect("a day on which they meet");
            for path in paths {
                let book = &books[path];
                let resolver = Resolver::new(book, day, HashProfile::Utf8);
                let flag = FlagKey::new("page").expect("a key");
                prop_assert!(is_served(&resolver, &flag, values.clone(), book), "{path}: {values:?}");
            }
        }
    }

    #[test]
    fn collisions_are_symmetric(rule in audience(), a in served("a"), b in served("b")) {
        let renamed = |file: &Served, to: &str| (format!("{to}{}", &file.0[1..]), file.1.clone());
        let count = |one: &Served, other: &Served| {
            let found = found(rule, &[one, other]);
            let of = |name: &str| found.iter().filter(|finding| finding.rule == name).count();
            (of("overlapping-experiments"), of("overlapping-rollouts"), of("meets-over-time"))
        };
        prop_assert_eq!(count(&a, &b), count(&renamed(&b, "a"), &renamed(&a, "b")));
    }
}
