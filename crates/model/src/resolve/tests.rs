use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::{
    Analysis, AnalysisPlan, Attribute, AttributeKey, AttributeType, BucketRange, Contents, Decision,
    DecisionOutcome, Duration, EntityKey, Experiment, Layer, LayerKey, Policy, Predicate, Rule, Scalar,
    Schedule, Segment, Share, Slot, Split, Test, ValueType,
};

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid text")
}

fn is(attribute: &str, value: &str) -> Predicate {
    Predicate::Attribute(parsed(attribute), Test::In([Scalar::String(value.to_owned())].into()))
}

fn by_key<K: Ord + Clone, V>(values: Vec<V>, key: impl Fn(&V) -> &K) -> BTreeMap<K, V> {
    values.into_iter().map(|value| (key(&value).clone(), value)).collect()
}

fn flag() -> Flag {
    Flag {
        key: parsed("button"),
        description: String::new(),
        owner: "team".into(),
        surfaces: Vec::new(),
        entity: parsed("user"),
        kind: ValueType::String,
        variants: [("plain", "green"), ("bold", "orange")]
            .map(|(key, value)| (parsed(key), json!(value)))
            .into(),
        default: parsed("plain"),
        rules: vec![Rule { when: is("country", "NO"), serve: parsed("bold") }],
        schema: None,
        enabled: true,
        archived: false,
        overrides: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        expires: None,
    }
}

/// Enrols a tenth of Sweden from the 25th of November, half and half.
fn experiment(key: &str, layer: Option<&str>) -> Experiment {
    Experiment {
        key: parsed(key),
        title: String::new(),
        hypothesis: String::new(),
        owner: "team".into(),
        surfaces: Vec::new(),
        flag: parsed("button"),
        audience: is("country", "SE"),
        layer: layer.map(parsed::<LayerKey>),
        allocation: Share::from_percent(10).expect("a share").into(),
        control: parsed("plain"),
        split: Split::equal(vec![parsed("plain"), parsed("bold")]).expect("a split"),
        schedule: Schedule::new(parsed("2026-11-25T00:00:00Z"), parsed("2026-12-16T00:00:00Z"))
            .expect("a schedule"),
        metrics: AnalysisPlan::default(),
        analysis: Analysis::default(),
        salt: parsed(key),
        previous: None,
        overrides: Vec::new(),
        decision: None,
    }
}

fn layer(slots: &[(&str, &str)]) -> Layer {
    let slot = |(buckets, key): &(&str, &str)| Slot {
        buckets: BucketRange::parse(buckets).expect("a range"),
        experiment: parsed(key),
    };
    Layer {
        key: parsed("checkout"),
        description: String::new(),
        owner: None,
        entity: parsed("user"),
        salt: parsed("checkout-2026"),
        quarantine: Duration::ZERO,
        slots: slots.iter().map(slot).collect(),
    }
}

#[test]
fn rules_see_through_segments_and_a_book_that_swells_is_refused() {
    let segment = |key: String, audience| Segment {
        key: parsed(&key),
        description: String::new(),
        owner: None,
        audience,
    };
    let named = |n: u32| Predicate::Segment(parsed(&format!("s{n}")));
    let doubled = |depth: u32| {
        let mut segments = vec![segment("s0".into(), is("country", "NO"))];
        segments.extend(
            (1..depth).map(|n| segment(format!("s{n}"), Predicate::Any(vec![named(n - 1), named(n - 1)]))),
        );
        let rule = Rule { when: named(depth - 1), serve: parsed("bold") };
        let flag = Flag { rules: vec![rule], ..flag() };
        let mut contents = Contents::from(book(self::flag(), Vec::new(), Vec::new()));
        contents.flags = by_key(vec![flag], |flag| &flag.key);
        contents.segments = by_key(segments, |segment| &segment.key);
        Book::new(contents)
    };
    let book = doubled(8).expect("a book");
    assert_eq!(served(&book, DURING, json!({"country": "NO"})), (Reason::Rule, "bold".into()));
    assert_eq!(served(&book, DURING, json!({"country": "SE"})), (Reason::Default, "plain".into()));
    let errors = doubled(64).expect_err("too large");
    assert!(errors.iter().all(|error| error.problem.contains("more than 1000000 parts")), "{errors:?}");
    assert!(errors.iter().any(|error| error.key == "button"));
}

fn book(flag: Flag, experiments: Vec<Experiment>, layers: Vec<Layer>) -> Book {
    let country: AttributeKey = parsed("country");
    let kind = AttributeType::String;
    let user: EntityKey = parsed("user");
    let contents = Contents {
        name: "shop".into(),
        timezone: "UTC".into(),
        entities: [(
            user.clone(),
            Entity { key: user, column: parsed("user_id"), context: None, traffic: None },
        )]
        .into(),
        attributes: [(
            country.clone(),
            Attribute { key: country, kind, stable: true, values: Vec::new(), min: None, max: None },
        )]
        .into(),
        surfaces: BTreeMap::new(),
        targets: BTreeMap::new(),
        warehouse: None,
        github: None,
        policy: Policy::default(),
        flags: by_key(vec![flag], |flag| &flag.key),
        experiments: by_key(experiments, |experiment| &experiment.key),
        rollouts: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        layers: by_key(layers, |layer| &layer.key),
        segments: BTreeMap::new(),
        metrics: BTreeMap::new(),
        sources: BTreeMap::new(),
    };
    Book::new(contents).expect("a book")
}

const DURING: &str = "2026-12-01T00:00:00Z";

/// Returns the reason and the entry that a context is served at an instant.
fn served(book: &Book, at: &str, context: serde_json::Value) -> (Reason, String) {
    let resolver = Resolver::new(book, parsed(at), HashProfile::Utf8);
    let context = Context::new(context.as_object().expect("an object").clone(), &book.attributes);
    let resolution = resolver.resolve(&parsed("button"), &context).expect("a served flag");
    (resolution.reason, resolution.served.to_string())
}

fn of(country: &str, unit: &str) -> serde_json::Value {
    json!({"country": country, "targetingKey": unit})
}

#[test]
fn a_rule_comes_before_an_experiment_and_needs_no_unit() {
    let mut everyone = experiment("bold", None);
    everyone.audience = Predicate::everyone();
    everyone.allocation = Share::ALL.into();
    let book = book(flag(), vec![everyone], Vec::new());
    assert_eq!(served(&book, DURING, of("NO", "u")), (Reason::Rule, "bold".into()));
    assert_eq!(served(&book, DURING, json!({"country": "NO"})), (Reason::Rule, "bold".into()));
    let (reason, entry) = served(&book, DURING, of("SE", "u"));
    assert_eq!(reason, Reason::Experiment);
    assert!(entry.starts_with("bold."), "{entry}");
}

#[test]
fn a_disabled_flag_serves_its_default_whatever_the_rules_say() {
    let disabled = Flag { enabled: false, ..flag() };
    let book = book(disabled, vec![experiment("bold", None)], Vec::new());
    assert_eq!(served(&book, DURING, of("NO", "u")), (Reason::Disabled, "plain".into()));
}

#[test]
fn without_a_unit_nothing_is_drawn() {
    let mut everyone = experiment("bold", None);
    everyone.allocation = Share::ALL.into();
    let book = book(flag(), vec![everyone], Vec::new());
    for unit in [json!(null), json!(""), json!(7), json!(["u"])] {
        let context = json!({"country": "SE", "targetingKey": unit});
        assert_eq!(served(&book, DURING, context), (Reason::NoUnit, "plain".into()));
    }
    assert_eq!(served(&book, DURING, json!({"country": "FI"})), (Reason::Default, "plain".into()));
}

#[test]
fn an_experiment_is_served_from_its_start_until_grace_or_decision() {
    let mut everyone = experiment("bold", None);
    everyone.allocation = Share::ALL.into();
    let reason = |experiment: &Experiment, at| {
        served(&book(flag(), vec![experiment.clone()], Vec::new()), at, of("SE", "u")).0
    };
    assert_eq!(reason(&everyone, "2026-11-24T23:59:59Z"), Reason::Default);
    assert_eq!(reason(&everyone, "2026-11-25T00:00:00Z"), Reason::Experiment);
    assert_eq!(reason(&everyone, "2026-12-29T23:59:59Z"), Reason::Experiment);
    assert_eq!(reason(&everyone, "2026-12-30T00:00:00Z"), Reason::Default);
    everyone.decision = Some(Decision {
        outcome: DecisionOutcome::Aborted,
        variant: None,
        date: parsed("2026-12-02T00:00:00Z"),
        reason: String::new(),
    });
    assert_eq!(reason(&everyone, "2026-12-01T23:59:59Z"), Reason::Experiment);
    assert_eq!(reason(&everyone, "2026-12-02T00:00:00Z"), Reason::Default);
}

#[test]
fn the_slots_of_a_layer_enrol_with_the_layers_salt() {
    // Buckets of `layer/checkout-2026/…`, made with Python's mmh3: user-0 has 4071, user-1 has 9571.
    let book = book(
        flag(),
        vec![experiment("one", Some("checkout")), experiment("two", Some("checkout"))],
        vec![layer(&[("4071", "two"), ("9000-9499", "one"), ("9571-9580", "one")])],
    );
    let resolver = Resolver::new(&book, parsed(DURING), HashProfile::Utf8);
    let resolve = |unit| {
        let context = Context::new(of("SE", unit).as_object().expect("an object").clone(), &book.attributes);
        resolver.resolve(&parsed("button"), &context).expect("a served flag")
    };
    let source = |unit| resolve(unit).source.map(str::to_owned);
    assert_eq!(source("user-0").as_deref(), Some("two"));
    assert_eq!(source("user-1").as_deref(), Some("one"));
    assert_eq!(resolve("user-1").bucket, Some(9571));
    assert_eq!(source("user-2"), None);
}

#[test]
fn who_is_not_enrolled_by_one_experiment_may_be_by_the_next() {
    let mut whole = experiment("z-whole", None);
    whole.allocation = Share::ALL.into();
    let book = book(flag(), vec![experiment("a-tenth", None), whole], Vec::new());
    let mut counts = BTreeMap::<String, u32>::new();
    for unit in 0..5_000 {
        *counts.entry(served(&book, DURING, of("SE", &format!("user-{unit}"))).1).or_default() += 1;
    }
    let count = |entry| counts.get(entry).copied().unwrap_or_default();
    for (entry, expected) in
        [("a-tenth.plain", 250), ("a-tenth.bold", 250), ("z-whole.plain", 2250), ("z-whole.bold", 2250)]
    {
        // Standard deviations are 16 and 35.
        assert!(count(entry).abs_diff(expected) < 150, "{counts:?}");
    }
    assert_eq!(counts.values().sum::<u32>(), 5_000);
    assert_eq!(counts.len(), 4);
}

#[test]
fn an_archived_flag_and_an_unknown_one_have_no_answer() {
    let book = book(Flag { archived: true, ..flag() }, Vec::new(), Vec::new());
    let resolver = Resolver::new(&book, parsed(DURING), HashProfile::Utf8);
    let context = Context::new(serde_json::Map::new(), &book.attributes);
    assert!(resolver.resolve(&parsed("button"), &context).is_none());
    assert!(resolver.resolve(&parsed("other"), &context).is_none());
    assert_eq!(resolver.flags().count(), 0);
}

#[test]
fn a_resolution_is_one_line_of_the_documented_shape() {
    let mut everyone = experiment("bold", None);
    everyone.allocation = Share::ALL.into();
    let book = book(flag(), vec![everyone], Vec::new());
    let resolver = Resolver::new(&book, parsed(DURING), HashProfile::Utf8);
    let line = |context: serde_json::Value| {
        let context = Context::new(context.as_object().expect("an object").clone(), &book.attributes);
        serde_json::to_string(&resolver.resolve(&parsed("button"), &context)).expect("serialises")
    };
    assert_eq!(
        line(of("FI", "u")),
        r#"{"flag":"button","variant":"plain","served":"plain","value":"green","reason":"default","source":null,"bucket":null}"#
    );
    // Buckets of `layer/bold/u` and `variant/bold/u`, made with Python's mmh3: 7271, and the second half.
    assert_eq!(
        line(of("SE", "u")),
        r#"{"flag":"button","variant":"plain","served":"bold.plain","value":"green","reason":"experiment","source":"bold","bucket":7271}"#
    );
}

mod released;
