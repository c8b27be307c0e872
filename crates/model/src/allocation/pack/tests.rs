use proptest::prelude::*;

use super::*;
use crate::{
    Analysis, AnalysisPlan, ColumnName, Contents, Decision, DecisionOutcome, Duration, Entity, EntityKey,
    Flag, FlagKey, Policy, Predicate, Share, Split, Step, Steps, ValueType,
};

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("a valid text")
}

/// An experiment in the layer with an allocation in buckets; its serving ends 14 days after the end.
struct Wish<'a> {
    key: &'a str,
    buckets: u32,
    start: &'a str,
    end: &'a str,
}

fn wish<'a>(key: &'a str, buckets: u32, start: &'a str, end: &'a str) -> Wish<'a> {
    Wish { key, buckets, start, end }
}

fn experiment(wish: &Wish<'_>) -> Experiment {
    let instant = |date: &str| parsed::<Timestamp>(&format!("{date}T00:00:00Z"));
    Experiment {
        key: parsed(wish.key),
        title: String::new(),
        hypothesis: String::new(),
        owner: "team".into(),
        surfaces: Vec::new(),
        flag: parsed("button"),
        audience: Predicate::everyone(),
        layer: Some(parsed("checkout")),
        allocation: Share::from_ppm(wish.buckets * 100).expect("a share").into(),
        control: parsed("off"),
        split: Split::equal(vec![parsed("off"), parsed("on")]).expect("a split"),
        schedule: Schedule::new(instant(wish.start), instant(wish.end)).expect("a schedule"),
        metrics: AnalysisPlan::default(),
        analysis: Analysis::default(),
        salt: parsed(wish.key),
        previous: None,
        overrides: Vec::new(),
        decision: None,
    }
}

fn layer(quarantine: u16, slots: &[(&str, &str)]) -> Layer {
    let slot = |(buckets, key): &(&str, &str)| Slot {
        buckets: BucketRange::parse(buckets).expect("a range"),
        experiment: parsed(key),
    };
    Layer {
        key: parsed("checkout"),
        description: String::new(),
        owner: None,
        entity: parsed("user"),
        salt: parsed("checkout"),
        quarantine: Duration::days(quarantine),
        slots: slots.iter().map(slot).collect(),
    }
}

fn book(layer: Layer, wishes: &[Wish<'_>]) -> Book {
    let user: EntityKey = parsed("user");
    let button: FlagKey = parsed("button");
    let column: ColumnName = parsed("user_id");
    let flag = Flag {
        key: button.clone(),
        description: String::new(),
        owner: "team".into(),
        surfaces: Vec::new(),
        entity: user.clone(),
        kind: ValueType::Boolean,
        variants: [("on", true), ("off", false)].map(|(key, value)| (parsed(key), value.into())).into(),
        default: parsed("off"),
        rules: Vec::new(),
        schema: None,
        enabled: true,
        archived: false,
        overrides: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        expires: None,
    };
    let contents = Contents {
        name: "shop".into(),
        timezone: "UTC".into(),
        entities: [(user.clone(), Entity { key: user, column, context: None, traffic: None })].into(),
        attributes: BTreeMap::new(),
        surfaces: BTreeMap::new(),
        targets: BTreeMap::new(),
        warehouse: None,
        github: None,
        policy: Policy::default(),
        flags: [(button, flag)].into(),
        experiments: wishes.iter().map(experiment).map(|e| (e.key.clone(), e)).collect(),
        rollouts: BTreeMap::new(),
        holdouts: BTreeMap::new(),
        layers: [(layer.key.clone(), layer)].into(),
        segments: BTreeMap::new(),
        metrics: BTreeMap::new(),
        sources: BTreeMap::new(),
    };
    Book::new(contents).expect("a book")
}

const NOW: &str = "2026-11-22T12:00:00Z";

fn packed(book: &Book) -> Result<Packing, Vec<Refusal>> {
    let layer = book.layers.values().next().expect("a layer");
    pack(book, layer, &|_| true, parsed(NOW))
}

/// Returns the slots as text, or the refusals.
fn slots_of(book: &Book) -> Vec<String> {
    match packed(book) {
        Ok(packing) => {
            packing.slots.iter().map(|slot| format!("{} {}", slot.buckets, slot.experiment)).collect()
        }
        Err(refusals) => refusals.iter().map(Refusal::to_string).collect(),
    }
}

#[test]
fn claims_are_met_first_fit_in_the_order_of_their_starts() {
    let wishes = [
        wish("b-first", 2000, "2026-11-25", "2026-12-16"),
        wish("a-later", 1000, "2026-12-01", "2026-12-20"),
    ];
    assert_eq!(slots_of(&book(layer(0, &[]), &wishes)), ["0-1999 b-first", "2000-2999 a-later"]);
}

#[test]
fn slots_stay_where_they_are_and_a_growing_one_gets_more() {
    let wishes = [
        wish("a", 1500, "2026-11-01", "2026-12-16"),
        wish("b", 2000, "2026-11-01", "2026-12-16"),
        wish("c", 300, "2026-11-25", "2026-12-16"),
    ];
    let layer = layer(0, &[("1000-1999", "a"), ("2200-4199", "b")]);
    assert_eq!(slots_of(&book(layer, &wishes)), ["0-499 a", "500-799 c", "1000-1999 a", "2200-4199 b"]);
}

#[test]
fn buckets_repeat_only_after_serving_and_quarantine() {
    let wishes =
        |start| [wish("old", 10_000, "2026-10-01", "2026-11-01"), wish("new", 10_000, start, "2026-12-31")];
    let slots = &[("0-9999", "old")][..];
    // Served until the 15th of November, and resting until the 22nd.
    assert_eq!(slots_of(&book(layer(7, slots), &wishes("2026-11-22"))), ["0-9999 old", "0-9999 new"]);
    let refused = packed(&book(layer(8, slots), &wishes("2026-11-22"))).expect_err("no room");
    let until = parsed("2026-11-23T00:00:00Z");
    let holders = vec![Holder { experiment: parsed("old"), buckets: 10_000, until }];
    assert_eq!(
        refused.into_iter().map(|refusal| refusal.reason).collect::<Vec<_>>(),
        [RefusalReason::NoRoom { wanted: 10_000, free: 0, holders, fits_from: None }],
        "it has started: it cannot be put off"
    );
}

#[test]
fn a_refusal_says_how_much_is_free_and_when_it_fits() {
    let wishes = [
        wish("big", 6000, "2026-11-01", "2026-12-01"),
        wish("mid", 3000, "2026-11-01", "2026-12-10"),
        wish("new", 5000, "2026-11-25", "2026-12-25"),
    ];
    let layer = layer(0, &[("0-5999", "big"), ("6000-8999", "mid")]);
    let refused = packed(&book(layer, &wishes)).expect_err("no room");
    let [Refusal { reason: RefusalReason::NoRoom { wanted, free, holders, fits_from }, .. }] = &refused[..]
    else {
        panic!("{refused:?}")
    };
    assert_eq!((*wanted, *free), (5000, 1000));
    assert_eq!(holders.iter().map(|holder| holder.experiment.as_str()).collect::<Vec<_>>(), ["big", "mid"]);
    assert_eq!(*fits_from, Some(parsed("2026-12-15T00:00:00Z")));
}

#[test]
fn an_allocation_shrinks_before_the_start_only() {
    let slots = [("0-999", "a"), ("2000-2999", "a")];
    let shrunk = |start| slots_of(&book(layer(0, &slots), &[wish("a", 1500, start, "2026-12-16")]));
    assert_eq!(shrunk("2026-11-25"), ["0-999 a", "2000-2499 a"]);
    assert_eq!(
        shrunk("2026-11-20"),
        [
            "`a` is being served and holds 2000 buckets of layer `checkout`: its allocation cannot shrink to 1500"
        ]
    );
}

#[test]
fn slots_that_two_hold_at_once_are_refused() {
    let wishes = [wish("a", 1000, "2026-11-25", "2026-12-16"), wish("b", 1000, "2026-11-25", "2026-12-16")];
    assert_eq!(
        slots_of(&book(layer(0, &[("0-999", "a"), ("500-1499", "b")]), &wishes)),
        ["`a` and `b` both hold buckets 500-999 of layer `checkout` while both may be served"]
    );
}

#[test]
fn what_two_concluded_ones_shared_stops_nobody() {
    let wishes = [
        wish("a", 1000, "2026-10-25", "2026-11-16"),
        wish("b", 1000, "2026-10-25", "2026-11-16"),
        wish("c", 1000, "2026-11-25", "2026-12-16"),
    ];
    let both = book(layer(0, &[("0-999", "a"), ("500-1499", "b")]), &wishes);
    assert_eq!(slots_of(&both).len(), 1, "one refusal");
    let mut contents = Contents::from(both);
    for experiment in contents.experiments.values_mut().filter(|e| e.key.as_str() != "c") {
        experiment.decision = Some(Decision {
            outcome: DecisionOutcome::Inconclusive,
            variant: None,
            date: parsed("2026-11-20T00:00:00Z"),
            reason: String::new(),
        });
    }
    let concluded = Book::new(contents).expect("a book");
    assert_eq!(slots_of(&concluded), ["0-999 a", "0-999 c", "500-1499 b"]);
}

#[test]
fn only_what_is_chosen_and_may_still_be_served_is_given_buckets() {
    let wishes = [
        wish("a", 1000, "2026-11-25", "2026-12-16"),
        wish("b", 1000, "2026-11-25", "2026-12-16"),
        wish("gone", 1000, "2026-09-01", "2026-10-01"),
    ];
    let book = book(layer(0, &[]), &wishes);
    let layer = book.layers.values().next().expect("a layer");
    let packing = pack(&book, layer, &|e| e.key.as_str() != "a", parsed(NOW)).expect("room");
    assert_eq!(
        packing.slots,
        [Slot { buckets: BucketRange::new(0, 999).expect("a range"), experiment: parsed("b") }]
    );
}

proptest! {
    #[test]
    fn packing_is_sound_and_settles(
        wanted in proptest::collection::vec((1u32..4000, 0i64..90, 1i64..40), 1..12),
        grown in proptest::collection::vec(0u32..2000, 12),
        quarantine in 0u16..10,
    ) {
        let date = |day: i64| {
            let first = jiff::civil::date(2026, 11, 23);
            first.checked_add(jiff::Span::new().days(day)).expect("a date").to_string()
        };
        let texts: Vec<_> = wanted
            .iter()
            .enumerate()
            .map(|(n, (buckets, start, days))| (format!("e{n}"), *buckets, date(*start), date(start + days)))
            .collect();
        let wishes: Vec<_> = texts.iter().map(|(key, buckets, start, end)| wish(key, *buckets, start, end)).collect();
        let first = book(layer(quarantine, &[]), &wishes);
        let Ok(packing) = packed(&first) else { return Ok(()) };
        prop_assert_eq!(packed(&with(&first, packing.slots.clone(), &[])), Ok(Packing { slots: packing.slots.clone(), changes: Vec::new() }));
        let second = with(&first, packing.slots.clone(), &grown);
        let Ok(next) = packed(&second) else { return Ok(()) };
        let held = |slots: &[Slot], key: &ExperimentKey| -> BucketSet {
            slots.iter().filter(|slot| slot.experiment == *key).map(|slot| slot.buckets).collect()
        };
        let layer = second.layers.values().next().expect("a layer");
        for a in second.experiments.values() {
            let mine = held(&next.slots, &a.key);
            prop_assert_eq!(Some(mine.count()), a.allocation.buckets());
            prop_assert!(held(&packing.slots, &a.key).difference(&mine).is_empty(), "a slot moved");
            for b in second.experiments.values().filter(|b| b.key != a.key) {
                let both = resting(&second, layer, a).zip(resting(&second, layer, b));
                let meet = both.is_some_and(|(a, b)| a.meets(&b));
                prop_assert!(!meet || mine.intersection(&held(&next.slots, &b.key)).is_empty());
            }
        }
    }
}

/// Returns the book with these slots, and with larger allocations.
fn with(book: &Book, slots: Vec<Slot>, grown: &[u32]) -> Book {
    let mut contents = Contents::from(book.clone());
    contents.layers.values_mut().for_each(|layer| layer.slots.clone_from(&slots));
    for (experiment, more) in contents.experiments.values_mut().zip(grown) {
        let buckets = (experiment.allocation.buckets().expect("whole buckets") + more).min(BUCKETS);
        experiment.allocation = Share::from_ppm(buckets * 100).expect("a share").into();
    }
    Book::new(contents).expect("a book")
}

#[test]
fn a_ramp_that_has_begun_gets_buckets_above_those_it_has() {
    let ramp = |last: &str| {
        let step =
            |at: &str, share: &str| Step { at: parsed(at), share: Share::parse(share).expect("a share") };
        let steps = vec![step("2026-11-20T00:00:00Z", "1%"), step("2026-12-01T00:00:00Z", last)];
        Allocation::Ramp(Steps::new(steps).expect("steps"))
    };
    let packed_from = |start: &str| {
        let wish = wish("ramp", 2_000, start, "2026-12-20");
        let test = Experiment { allocation: ramp("20%"), ..experiment(&wish) };
        let mut contents = Contents::from(book(layer(0, &[("3000-3999", "ramp")]), &[wish]));
        contents.experiments = [(test.key.clone(), test)].into();
        let book = Book::new(contents).expect("a book");
        let packing = packed(&book).expect("room");
        packing.changes.into_iter().map(|change| change.added.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(packed_from("2026-11-20"), ["buckets 4000-4999"]);
    // Nobody is in it yet: the first range is as good.
    assert_eq!(packed_from("2026-11-25"), ["buckets 0-999"]);
}
