//! A book that uses every operator and everything that is drawn, for `tests/parity/run`: flagd's own evaluators are held
//! against what is served of it. The two tests write files and check nothing themselves, so they run only when that script
//! asks.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use trialbook_delivery::backend::{self, Attached};
use trialbook_delivery::plan::{self, Basis, LaunchInfo};
use trialbook_model::resolve::Resolver;
use trialbook_model::targeting::Context;
use trialbook_model::{
    Allocation, Analysis, AnalysisPlan, Attribute, AttributeKey, AttributeType, Book, Bound, BucketRange,
    Connection, Contents, Direction, Duration, Entity, Evaluator, Experiment, ExperimentKey, Flag,
    ForcedUnits, ForcedVariant, Layer, LayerKey, Measure, Measurement, Metric, MetricType, Number, Policy,
    Predicate, Relation, Rule, Scalar, Schedule, Segment, Share, Slot, Source, SourceRole, Split, Surface,
    Target, TargetKey, Test, ValueType, VariantKey, Version, Window,
};

mod released;

use released::{approvals, differently, former_defaults, holdouts, rollout, steps};

const START: i64 = 1_764_028_800; // 2025-11-25T00:00:00Z

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid text")
}

/// splitmix64: the same book every time.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % n as u64).expect("below a usize")
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }

    fn some<T: Ord>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> std::collections::BTreeSet<T> {
        (0..=self.below(3)).map(|_| one(self)).collect()
    }
}

const ATTRIBUTES: [(&str, AttributeType); 6] = [
    ("country", AttributeType::String),
    ("plan", AttributeType::String),
    ("age", AttributeType::Number),
    ("app", AttributeType::Version),
    ("build", AttributeType::LenientVersion),
    ("beta", AttributeType::Boolean),
];

fn text(random: &mut Random) -> String {
    let texts = ["SE", "FI", "DK", "S", "", "true", "18", "8.2.0", "ä", "日本", "\"\\", "free", "a.b"];
    random.pick(&texts).to_owned()
}

fn number(random: &mut Random) -> Number {
    let numbers = [0.0, 1.0, -1.0, 18.0, 17.5, 0.1, 1e21, -2.5e-7, 9_007_199_254_740_991.0];
    Number::new(random.pick(&numbers)).expect("a finite number")
}

fn version(random: &mut Random) -> Version {
    let versions =
        ["8", "8.2", "8.2.0", "8.10.1", "8.2.0-rc.1", "9.0-beta.2", "0.0.0", "10-1", "1.2.3-a-b.9"];
    Version::parse(random.pick(&versions)).expect("a version")
}

fn lenient_version(random: &mut Random) -> Version {
    let versions = [
        "v8",
        "8.2",
        "8.2.0.0",
        "8.2.0.1",
        "8.2.0.1-rc.1",
        "v8.2.0-rc.1",
        "10.0.19045.4046",
        "0.0.0-0",
        "1.2.3.4-a-b.9",
    ];
    Version::parse_lenient(random.pick(&versions)).expect("a version")
}

fn test(random: &mut Random, kind: AttributeType) -> Test {
    if random.below(6) == 0 {
        return Test::Present(random.below(2) == 0);
    }
    let bound = |random: &mut Random| match kind {
        AttributeType::Version => Bound::Version(version(random)),
        AttributeType::LenientVersion => Bound::Version(lenient_version(random)),
        _ => Bound::Number(number(random)),
    };
    match (kind, random.below(5)) {
        (AttributeType::Boolean, _) => Test::In(random.some(|random| Scalar::Boolean(random.below(2) == 0))),
        (AttributeType::String, 0 | 1) => Test::In(random.some(|random| Scalar::String(text(random)))),
        (AttributeType::String, 2) => Test::StartsWith(text(random)),
        (AttributeType::String, 3) => Test::EndsWith(text(random)),
        (AttributeType::String, _) => Test::Contains(text(random)),
        (AttributeType::Number, 0) => Test::In(random.some(|random| Scalar::Number(number(random)))),
        (AttributeType::Version, 0) => Test::In(random.some(|random| Scalar::Version(version(random)))),
        (AttributeType::LenientVersion, 0) => {
            Test::In(random.some(|random| Scalar::Version(lenient_version(random))))
        }
        (_, 1) => Test::AtLeast(bound(random)),
        (_, 2) => Test::Above(bound(random)),
        (_, 3) => Test::AtMost(bound(random)),
        (_, _) => Test::Below(bound(random)),
    }
}

fn predicate(random: &mut Random, depth: usize) -> Predicate {
    let parts = |random: &mut Random| (0..random.below(4)).map(|_| predicate(random, depth - 1)).collect();
    match if depth == 0 { 9 } else { random.below(10) } {
        0 | 1 => Predicate::All(parts(random)),
        2 | 3 => Predicate::Any(parts(random)),
        4 => Predicate::Not(Box::new(predicate(random, depth - 1))),
        5 => Predicate::Segment(parsed("people")),
        _ => {
            let (name, kind) = random.pick(&ATTRIBUTES);
            Predicate::Attribute(parsed(name), test(random, kind))
        }
    }
}

fn values(kind: ValueType) -> BTreeMap<VariantKey, Value> {
    let values = match kind {
        ValueType::Boolean => [json!(false), json!(true), json!(true)],
        ValueType::String => [json!(""), json!("b"), json!("ünï")],
        ValueType::Number => [json!(0), json!(1.5), json!(-3)],
        ValueType::Object => [json!({}), json!({"b": [1, null, "x"], "a": {"c": 1e-7}}), json!({"x": true})],
    };
    ["a", "B", "1-c_d"].map(parsed).into_iter().zip(values).collect()
}

fn flag(random: &mut Random, i: usize) -> Flag {
    let kind = [ValueType::Boolean, ValueType::String, ValueType::Number, ValueType::Object][i % 4];
    let rules = (0..random.below(3))
        .map(|_| Rule { when: predicate(random, 3), serve: parsed(random.pick(&["a", "B", "1-c_d"])) });
    Flag {
        key: parsed(&format!("flag-{i}")),
        description: String::new(),
        owner: "team".into(),
        surfaces: if i % 3 == 1 { vec![parsed("checkout")] } else { Vec::new() },
        rules: rules.collect(),
        entity: parsed(if i % 5 == 4 { "account" } else { "user" }),
        kind,
        schema: None,
        variants: values(kind),
        default: parsed(random.pick(&["a", "B", "1-c_d"])),
        enabled: i != 7,
        archived: i == 8,
        overrides: if i % 4 == 1 {
            [(parsed("staging"), differently(random, i))].into()
        } else {
            BTreeMap::new()
        },
        holdouts: former_defaults(i),
        expires: None,
    }
}

/// Whole buckets only, and windows around [`START`]: one that has ended, one to come, the others open.
fn experiment(random: &mut Random, i: usize, flag: &Flag) -> Experiment {
    let key = format!("test-{i}");
    let (from, days) = match i % 12 {
        10 => (-40, 5),
        11 => (1, 20),
        _ => (-1, 20),
    };
    let at = |days: i64| jiff::Timestamp::from_second(START + days * 86_400).expect("a timestamp");
    let percent = |n| Share::from_percent(n).expect("a share");
    let split = match random.below(3) {
        0 => Split::equal(vec![parsed("a"), parsed("B"), parsed("1-c_d")]),
        1 => Split::equal(vec![parsed("B"), parsed("a")]),
        _ => Split::new(vec![(parsed("a"), percent(90)), (parsed("1-c_d"), percent(10))]),
    };
    let in_layer = i % 3 != 2 && flag.entity.as_str() == "user";
    Experiment {
        key: parsed(&key),
        title: String::new(),
        hypothesis: String::new(),
        owner: "team".into(),
        surfaces: if i.is_multiple_of(6) { vec![parsed("checkout")] } else { Vec::new() },
        flag: flag.key.clone(),
        audience: if i.is_multiple_of(4) { Predicate::everyone() } else { predicate(random, 2) },
        layer: in_layer.then(|| parsed::<LayerKey>("checkout")),
        allocation: if i % 5 == 1 {
            Allocation::Ramp(steps(random, from as f64))
        } else {
            Share::from_ppm(random.pick(&[10_000, 123_400, 500_000, 1_000_000])).expect("a share").into()
        },
        control: parsed("a"),
        split: split.expect("a split"),
        schedule: Schedule::new(at(from), at(from + days)).expect("a schedule"),
        metrics: AnalysisPlan::default(),
        analysis: Analysis::default(),
        salt: parsed(random.pick(&[key.as_str(), "shared-salt"])),
        previous: None,
        overrides: forced(random, i),
        decision: None,
    }
}

/// Overrides of some experiments: of units that the contexts have, and of a segment.
fn forced(random: &mut Random, i: usize) -> Vec<ForcedVariant> {
    // Every split has it.
    let serve = || parsed("a");
    let units = (0..40).map(|_| format!("user-{}", random.below(500)));
    let units: std::collections::BTreeSet<String> =
        units.chain(["é".into(), "user-1\u{0}".into(), "null".into()]).collect();
    match i % 9 {
        0 => vec![ForcedVariant { who: ForcedUnits::Units(units), serve: serve() }],
        4 => vec![
            ForcedVariant { who: ForcedUnits::Units(["user-7".into()].into()), serve: serve() },
            ForcedVariant { who: ForcedUnits::Segment(parsed("testers")), serve: serve() },
        ],
        _ => Vec::new(),
    }
}

fn book(evaluator: Evaluator) -> Book {
    let mut random = Random(2026);
    let flags: Vec<_> = (0..28).map(|i| flag(&mut random, i)).collect();
    let experiments: Vec<_> = (0..30).map(|i| experiment(&mut random, i, &flags[i % 26])).collect();
    let rollouts: Vec<_> = (0..16).map(|i| rollout(&mut random, i, &flags[(i % 13 * 5 + 1) % 26])).collect();
    let laid: Vec<&ExperimentKey> =
        experiments.iter().filter(|test| test.layer.is_some()).map(|test| &test.key).collect();
    // Two slots each, apart, and a rest that is nobody's.
    let slots = (0u32..).zip(laid.iter().chain(&laid)).map(|(i, key)| Slot {
        buckets: BucketRange::new(i * 250 + 3, i * 250 + 240).expect("a range"),
        experiment: (*key).clone(),
    });
    let layer = Layer {
        key: parsed("checkout"),
        description: String::new(),
        owner: None,
        entity: parsed("user"),
        salt: parsed("checkout-2026"),
        quarantine: Duration::ZERO,
        slots: slots.collect(),
    };
    let people = Segment {
        key: parsed("people"),
        description: String::new(),
        owner: None,
        audience: Predicate::Any(vec![
            Predicate::Attribute(
                parsed("age"),
                Test::AtLeast(Bound::Number(Number::new(18.0).expect("finite"))),
            ),
            Predicate::Attribute(parsed("beta"), Test::Present(false)),
        ]),
    };
    let german = Test::StartsWith("D".into());
    let testers = Segment {
        key: parsed("testers"),
        description: String::new(),
        owner: None,
        audience: Predicate::Attribute(parsed("country"), german),
    };
    let attribute = |(name, kind): (&str, AttributeType)| {
        let key: AttributeKey = parsed(name);
        (key.clone(), Attribute { key, kind, stable: false, values: Vec::new(), min: None, max: None })
    };
    let entity = |name: &str, context: Option<&str>| Entity {
        key: parsed(name),
        column: parsed("unit"),
        context: context.map(parsed),
        traffic: None,
    };
    let target = |key: &str, experiments| Target {
        key: parsed(key),
        connection: Connection::Flagd { store: "file://flags.json".into(), evaluators: vec![evaluator] },
        primary: key == "production",
        experiments,
    };
    let targets = [target("production", true), target("staging", true), target("testing", false)];
    let user = parsed("user");
    let source = Source {
        key: parsed("errors"),
        description: String::new(),
        owner: None,
        relation: Relation::Table("errors".into()),
        timestamp: parsed("at"),
        granularity: trialbook_model::Granularity::Instant,
        declares_instants: false,
        timezone: None,
        identity: Vec::new(),
        complete: false,
        entities: [(parsed("user"), parsed("unit")), (parsed("account"), parsed("unit"))].into(),
        role: SourceRole::Facts { measures: BTreeMap::new() },
    };
    let errors = Metric {
        key: parsed("errors"),
        description: String::new(),
        owner: None,
        entity: user,
        kind: MetricType::Mean(Measurement {
            source: parsed("errors"),
            measure: Measure::Rows,
            filter: None,
        }),
        window: Window::Open,
        direction: Direction::IncreaseIsBad,
        cap: None,
        covariate: None,
        baseline: None,
        repair: None,
    };
    let entities = [entity("user", None), entity("account", Some("account_id"))];
    Book::new(Contents {
        name: "operators".into(),
        timezone: "UTC".into(),
        entities: entities.map(|entity| (entity.key.clone(), entity)).into(),
        attributes: ATTRIBUTES.map(attribute).into(),
        surfaces: [(
            parsed("checkout"),
            Surface { key: parsed("checkout"), owner: None, traffic: BTreeMap::new() },
        )]
        .into(),
        targets: targets.map(|target| (target.key.clone(), target)).into(),
        warehouse: None,
        github: None,
        policy: Policy::default(),
        flags: flags.into_iter().map(|flag| (flag.key.clone(), flag)).collect(),
        experiments: experiments.into_iter().map(|test| (test.key.clone(), test)).collect(),
        rollouts: rollouts.into_iter().map(|rollout| (rollout.key.clone(), rollout)).collect(),
        holdouts: holdouts().map(|holdout| (holdout.key.clone(), holdout)).into(),
        layers: [(layer.key.clone(), layer)].into(),
        segments: [people, testers].map(|segment| (segment.key.clone(), segment)).into(),
        metrics: [(errors.key.clone(), errors)].into(),
        sources: [(source.key.clone(), source)].into(),
    })
    .expect("a book")
}

fn folder() -> PathBuf {
    std::env::var_os("PARITY_FOLDER").expect("PARITY_FOLDER names a folder").into()
}

fn evaluator() -> Evaluator {
    let word = std::env::var("PARITY_EVALUATOR").expect("PARITY_EVALUATOR names an evaluator");
    serde_json::from_value(json!(word)).expect("an evaluator")
}

fn now() -> jiff::Timestamp {
    parsed(&std::env::var("PARITY_AT").expect("PARITY_AT is a time"))
}

/// The target that is compared.
fn target() -> TargetKey {
    parsed(&std::env::var("PARITY_TARGET").unwrap_or_else(|_| "production".into()))
}

/// Applies the book to `flags.json`.
#[test]
#[ignore = "tests/parity/run asks for it"]
fn serve() {
    let book = book(evaluator());
    let declared = &book.targets[&target()];
    let target = backend::open(&book.name, declared, &folder()).expect("a store");
    let live = target.read().expect("a live state");
    let desired = plan::desired(&book.in_target(&declared.key), now(), &approvals());
    let basis = Basis::new(&declared.key, target.identity(), &book.name, &live, &desired, now());
    let plan = plan::Plan::new(&Basis { primary: declared.primary, ..basis });
    let launch = LaunchInfo {
        now: now(),
        commit: None,
        head: None,
        digests: BTreeMap::new(),
        recorded: BTreeMap::new(),
    };
    let changes = plan.expect("a plan").changes(&live, &launch);
    target.write(&changes, &live.version, &Attached::default()).expect("a write");
}

/// Answers `contexts.ndjson` in `expected.ndjson`, as `trialbook evaluate` does.
#[test]
#[ignore = "tests/parity/run asks for it"]
fn answer() {
    let whole = book(evaluator());
    let book = whole.in_target(&target());
    let resolver = Resolver::new(&book, now(), evaluator().hash_profile()).approved(approvals());
    let mut out = BufWriter::new(File::create(folder().join("expected.ndjson")).expect("a file"));
    for line in fs::read_to_string(folder().join("contexts.ndjson")).expect("contexts").lines() {
        let json: Map<String, Value> = serde_json::from_str(line).expect("a context");
        let context = Context::new(json, &book.attributes);
        for flag in resolver.flags() {
            let resolution = resolver.resolve(flag, &context).expect("a served flag");
            serde_json::to_writer(&mut out, &resolution).expect("a written line");
            out.write_all(b"\n").expect("a written line");
        }
    }
    out.flush().expect("a written file");
}
