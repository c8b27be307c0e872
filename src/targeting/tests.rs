use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::model::{
    Attribute, AttributeKey, AttributeType, Bound, Number, Pattern, Predicate, Scalar, Share, Test, Version,
};

fn attributes() -> Attributes {
    let attribute = |name: &str, kind, values: &[(Scalar, Option<u32>)]| {
        let key = AttributeKey::new(name).expect("a name");
        let share = |percent: &u32| Share::from_percent(*percent).expect("a share");
        let values =
            values.iter().map(|(value, percent)| (value.clone(), percent.as_ref().map(share))).collect();
        (key.clone(), Attribute { key, kind, stable: true, values, min: None, max: None })
    };
    let mut all: Attributes = [
        attribute(
            "country",
            AttributeType::String,
            &[(text("SE"), Some(30)), (text("FI"), Some(15)), (text("DK"), Some(15)), (text("US"), Some(40))],
        ),
        attribute("platform", AttributeType::String, &[(text("ios"), Some(50)), (text("web"), Some(50))]),
        attribute("plan", AttributeType::String, &[]),
        attribute("email", AttributeType::String, &[]),
        attribute("app", AttributeType::Version, &[]),
        attribute("age", AttributeType::Number, &[]),
        attribute("visits", AttributeType::Number, &[]),
        attribute("employee", AttributeType::Boolean, &[]),
    ]
    .into();
    all.get_mut("visits").expect("declared").min = Some(0.0);
    all
}

fn text(value: &str) -> Scalar {
    Scalar::String(value.to_owned())
}

fn number(value: f64) -> Number {
    Number::new(value).expect("finite")
}

fn test(name: &str, test: Test) -> Predicate {
    Predicate::Attribute(AttributeKey::new(name).expect("a name"), test)
}

fn within(name: &str, values: &[&str]) -> Predicate {
    test(name, Test::In(values.iter().map(|value| text(value)).collect()))
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

fn age(test: fn(Bound) -> Test, value: f64) -> Predicate {
    self::test("age", test(Bound::Number(number(value))))
}

fn app(test: fn(Bound) -> Test, value: &str) -> Predicate {
    self::test("app", test(Bound::Version(Version::parse(value).expect("a version"))))
}

/// Returns the witness as JSON, or the word for the absence of one.
fn outcome(audiences: &[Predicate]) -> Value {
    match meet(&audiences.iter().collect::<Vec<_>>(), &attributes()) {
        Overlap::Disjoint => json!("disjoint"),
        Overlap::Undecided(reason) => json!(format!("undecided: {reason}")),
        Overlap::At(witness) => Value::Object(witness.json().into_iter().collect()),
    }
}

#[test]
fn a_witness_is_short_and_readable() {
    let a = Predicate::All(vec![
        within("country", &["SE", "FI", "DK"]),
        app(Test::AtLeast, "8.2.0"),
        app(Test::Below, "9.0.0"),
        not(test("employee", Test::In([Scalar::Boolean(true)].into()))),
    ]);
    let b = Predicate::All(vec![within("country", &["US", "SE"]), within("platform", &["ios"])]);
    assert_eq!(outcome(&[a, b]), json!({"app": "8.2.0", "country": "SE", "platform": "ios"}));
    assert_eq!(outcome(&[Predicate::everyone()]), json!({}));
}

#[test]
fn numbers_are_dense_and_versions_have_neighbours() {
    assert_eq!(outcome(&[age(Test::Above, 3.0), age(Test::Below, 4.0)]), json!({"age": 3.5}));
    assert_eq!(outcome(&[age(Test::Above, 3.0), age(Test::Below, 3.0)]), json!("disjoint"));
    assert_eq!(outcome(&[age(Test::AtLeast, 3.0), age(Test::AtMost, 3.0)]), json!({"age": 3}));
    assert_eq!(outcome(&[age(Test::Above, 3.0)]), json!({"age": 4}));
    assert_eq!(
        outcome(&[app(Test::Above, "8.2.0"), app(Test::Below, "8.2.1")]),
        json!({"app": "8.2.1-rc.1"})
    );
    assert_eq!(outcome(&[app(Test::Above, "8.2.0"), app(Test::Below, "8.2.1-0")]), json!("disjoint"));
    assert_eq!(
        outcome(&[app(Test::AtLeast, "8.2.0-rc.1"), app(Test::Below, "8.2")]),
        json!({"app": "8.2.0-rc.1"})
    );
}

#[test]
fn versions_too_long_to_have_a_neighbour_are_not_called_disjoint() {
    let long = format!("1.0.0-{}", "a".repeat(121));
    let (above, below) = (app(Test::Above, &long), app(Test::Below, "1.0.0-b"));
    assert!(outcome(&[above, below]).as_str().is_some_and(|text| text.starts_with("undecided")));
}

#[test]
fn declared_ends_of_a_number_are_ends() {
    let visits = |test: fn(Bound) -> Test, value| self::test("visits", test(Bound::Number(number(value))));
    assert_eq!(outcome(&[visits(Test::Below, 0.0)]), json!("disjoint"));
    assert_eq!(outcome(&[visits(Test::AtMost, 0.0)]), json!({"visits": 0}));
}

#[test]
fn missing_attributes_meet_where_values_do_not() {
    let nowhere = not(within("country", &["SE", "FI", "DK", "US"]));
    assert_eq!(outcome(std::slice::from_ref(&nowhere)), json!({}));
    assert_eq!(outcome(&[nowhere, test("country", Test::Present(true))]), json!("disjoint"));
    assert_eq!(outcome(&[test("age", Test::Present(false)), age(Test::Below, 3.0)]), json!("disjoint"));
    assert_eq!(outcome(&[test("age", Test::Present(false)), not(age(Test::Below, 3.0))]), json!({}));
}

#[test]
fn a_value_that_both_name_counts_even_if_it_is_not_declared() {
    assert_eq!(
        outcome(&[within("country", &["SE", "XX"]), within("country", &["FI", "XX"])]),
        json!({"country": "XX"})
    );
}

#[test]
fn texts_meet_by_prefix_suffix_and_part() {
    let starts = |part: &str| test("email", Test::StartsWith(part.into()));
    let ends = |part: &str| test("email", Test::EndsWith(part.into()));
    let contains = |part: &str| test("email", Test::Contains(part.into()));
    assert_eq!(outcome(&[starts("a"), starts("b")]), json!("disjoint"));
    assert_eq!(outcome(&[starts("admin"), starts("admin-")]), json!({"email": "admin-"}));
    assert_eq!(outcome(&[starts("admin"), within("email", &["root", "user"])]), json!("disjoint"));
    assert_eq!(
        outcome(&[starts("admin"), not(starts("admin-")), not(within("email", &["admin"]))]),
        json!({"email": "adminx"})
    );
    assert_eq!(outcome(&[ends("@acme.test"), ends("@shop.test")]), json!("disjoint"));
    assert_eq!(outcome(&[ends("@acme.test"), ends(".test"), starts("a")]), json!({"email": "a@acme.test"}));
    assert_eq!(outcome(&[starts("ab"), ends("bc"), contains("x")]), json!({"email": "abxbc"}));
    assert_eq!(outcome(&[starts("ab"), not(contains("b"))]), json!("disjoint"));
    assert_eq!(outcome(&[starts("aba"), ends("bab"), not(contains("babab"))]), json!({"email": "abaxbab"}));
    assert_eq!(outcome(&[contains("a"), not(contains("a"))]), json!("disjoint"));
}

#[test]
fn patterns_are_decided_by_example_or_not_at_all() {
    let pattern = |text: &str| test("email", Test::Matches(Pattern::new(text).expect("a pattern")));
    assert_eq!(
        outcome(&[pattern("^a+@acme"), test("email", Test::EndsWith(".test".into()))]),
        json!({"email": "a@acme.test"})
    );
    assert_eq!(outcome(&[pattern("^[0-9]+$"), within("email", &["a", "12"])]), json!({"email": "12"}));
    assert_eq!(outcome(&[pattern("^[0-9]+$"), within("email", &["a", "b"])]), json!("disjoint"));
    assert_eq!(
        outcome(&[pattern("^a"), pattern("^b"), within("country", &["SE"]), within("country", &["FI"])]),
        json!("disjoint")
    );
    assert_eq!(
        outcome(&[pattern("^(ab){7}$"), pattern("^(ba){7}$")]),
        json!("undecided: the regular expressions on `email` may or may not have a match in common")
    );
    assert_eq!(
        outcome(&[test("country", Test::Matches(Pattern::new("^S").expect("a pattern")))]),
        json!({"country": "SE"})
    );
}

#[test]
fn earlier_rules_are_taken_away_with_not() {
    let rest = Predicate::All(vec![within("country", &["SE", "FI"]), not(within("country", &["SE"]))]);
    assert_eq!(outcome(&[rest.clone(), within("country", &["SE", "DK"])]), json!("disjoint"));
    assert_eq!(outcome(&[rest, within("platform", &["web"])]), json!({"country": "FI", "platform": "web"}));
}

#[test]
fn shares_multiply_over_independent_attributes() {
    let share = |predicate: &Predicate| share(predicate, &attributes());
    let close = |got: Option<f64>, expected: f64| got.is_some_and(|got| (got - expected).abs() < 1e-12);
    let nordic = within("country", &["SE", "FI", "DK"]);
    let ios = within("platform", &["ios"]);
    assert!(close(share(&Predicate::everyone()), 1.0));
    assert!(close(share(&nordic), 0.6));
    assert!(close(share(&not(nordic.clone())), 0.4));
    assert!(close(share(&Predicate::All(vec![nordic.clone(), ios.clone()])), 0.3));
    assert!(close(share(&Predicate::Any(vec![nordic.clone(), ios.clone()])), 0.8));
    assert!(close(share(&Predicate::All(vec![nordic.clone(), within("country", &["US"])])), 0.0));
    assert!(close(share(&test("country", Test::Present(false))), 0.0));
    assert_eq!(share(&Predicate::All(vec![nordic.clone(), age(Test::Above, 18.0)])), None);
    let never = Predicate::All(vec![within("country", &["US"]), nordic, age(Test::Above, 18.0)]);
    assert!(close(share(&never), 0.0));
}

#[test]
fn hostile_audiences_stay_within_the_budget() {
    let many = |make: &dyn Fn(usize) -> Predicate| (0..10_000).map(make).collect::<Vec<_>>();
    let name = |n: usize| format!("user-{n}@acme.test");
    let nested = (0..60).fold(within("plan", &["pro"]), |inner, n| {
        let wrapped = Predicate::Any(vec![not(inner), age(Test::Above, f64::from(n))]);
        Predicate::All(vec![wrapped, not(within("email", &[&name(n as usize)]))])
    });
    let three = |n: usize| {
        let literal = |seed: usize| {
            let one = [
                age(Test::Above, (seed % 31) as f64),
                app(Test::Above, &format!("{}.0.0", seed % 17)),
                within("email", &[&name(seed % 101)]),
                within("plan", &[&name(seed % 13)]),
            ];
            let chosen = one.into_iter().nth(seed / 7 % 4).expect("four literals");
            if seed.is_multiple_of(3) { chosen } else { not(chosen) }
        };
        Predicate::Any((1..4).map(|k| literal((n * 7919 + k * 104_729) % 1_000_003)).collect())
    };
    let hostile = [
        Predicate::Any(many(&|n| within("email", &[&name(n)]))),
        Predicate::All(many(&|n| not(test("email", Test::StartsWith(name(n)))))),
        Predicate::All(many(&|n| not(test("email", Test::Contains(name(n)))))),
        Predicate::All(many(&three)),
        Predicate::All(many(&|n| age(Test::Above, n as f64))),
        test("email", Test::In((0..40_000).map(|n| text(&name(n))).collect::<BTreeSet<_>>())),
        nested,
    ];
    for (at, audience) in hostile.iter().enumerate() {
        let start = Instant::now();
        let found = overlap(audience, &within("country", &["SE"]), &attributes());
        let _ = share(audience, &attributes());
        assert!(start.elapsed() < Duration::from_secs(30), "{at} took {:?}", start.elapsed());
        assert_ne!(found, Overlap::Disjoint, "{at}");
    }
    // More values than are tried: what is not known to be disjoint is not called so.
    let nobody = overlap(&hostile[0], &within("email", &["nobody"]), &attributes());
    assert!(matches!(nobody, Overlap::Undecided(UndecidedReason::Combinations(_))), "{nobody:?}");
}

/// Values of which every cell of the tests below has one.
fn domain() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("country", vec![json!("SE"), json!("FI"), json!("DK"), json!("US"), Value::Null]),
        (
            "email",
            [
                "", "a", "b", "ab", "ba", "aa", "abx", "xb", "x", "axb", "bxa", "axa", "bxb", "xax", "xbx",
                "xabx", "axab", "aba", "bab", "abab", "xbax", "xaxbx",
            ]
            .iter()
            .map(|text| json!(text))
            .chain([Value::Null])
            .collect(),
        ),
        ("age", [0.0, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0].iter().map(|n| json!(n)).chain([Value::Null]).collect()),
        (
            "app",
            ["0.1.0", "1.0.0-0", "1.0.0-a", "1.0.0", "1.0.1-0", "1.0.1-1", "1.0.1", "2.0.0"]
                .iter()
                .map(|text| json!(text))
                .chain([Value::Null])
                .collect(),
        ),
        ("employee", vec![json!(true), json!(false), Value::Null]),
    ]
}

fn literal() -> impl Strategy<Value = Predicate> {
    let bound = proptest::sample::select(
        &[Test::AtLeast as fn(Bound) -> Test, Test::Above, Test::AtMost, Test::Below][..],
    );
    let part = proptest::sample::select(&["a", "b", "ab", ""][..]);
    let on_text = proptest::sample::select(
        &[Test::StartsWith as fn(String) -> Test, Test::EndsWith, Test::Contains][..],
    );
    prop_oneof![
        proptest::sample::subsequence(vec!["SE", "FI", "DK", "US"], 1..3)
            .prop_map(|set| within("country", &set)),
        proptest::sample::subsequence(vec!["a", "b", "ab", "aba"], 1..3)
            .prop_map(|set| within("email", &set)),
        (on_text, part).prop_map(|(test, part)| self::test("email", test(part.into()))),
        (bound.clone(), 1..4u8).prop_map(|(test, value)| age(test, f64::from(value))),
        (1..4u8).prop_map(|value| test("age", Test::In([Scalar::Number(number(f64::from(value)))].into()))),
        (bound, prop_oneof![Just("1.0.0"), Just("1.0.1-0"), Just("1"), Just("1.0.0-a"), Just("1.0.1")])
            .prop_map(|(test, value)| app(test, value)),
        any::<bool>().prop_map(|value| test("employee", Test::In([Scalar::Boolean(value)].into()))),
        (prop_oneof![Just("age"), Just("email"), Just("country"), Just("app")], any::<bool>())
            .prop_map(|(name, present)| test(name, Test::Present(present))),
    ]
}

fn predicate() -> impl Strategy<Value = Predicate> {
    literal().prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::All),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Any),
            inner.prop_map(not),
        ]
    })
}

/// Looks through the product of the domain for a context that all the audiences match.
fn exhaustive(audiences: &[&Predicate]) -> Option<Context> {
    let mut tested = BTreeSet::new();
    for audience in audiences {
        audience.walk(&mut |key, _| _ = tested.insert(key.as_str().to_owned()), &mut |_| ());
    }
    let attributes = attributes();
    let mut contexts = vec![Map::new()];
    for (name, values) in domain().into_iter().filter(|(name, _)| tested.contains(*name)) {
        contexts = contexts
            .iter()
            .flat_map(|context| {
                values.iter().map(move |value| {
                    let mut context = context.clone();
                    context.insert(name.to_owned(), value.clone());
                    context
                })
            })
            .collect();
    }
    contexts
        .into_iter()
        .map(|json| Context::new(json, &attributes))
        .find(|context| audiences.iter().all(|audience| matches(audience, context)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn disjoint_agrees_with_an_exhaustive_search(a in predicate(), b in predicate()) {
        match overlap(&a, &b, &attributes()) {
            Overlap::Disjoint => prop_assert_eq!(exhaustive(&[&a, &b]), None),
            Overlap::At(witness) => {
                let context = Context::new(witness.json().into_iter().collect(), &attributes());
                prop_assert!(matches(&a, &context) && matches(&b, &context));
                prop_assert!(exhaustive(&[&a, &b]).is_some(), "the domain lacks {witness:?}");
            }
            Overlap::Undecided(reason) => prop_assert!(false, "undecided: {reason}"),
        }
    }

    #[test]
    fn overlap_is_symmetric(a in predicate(), b in predicate()) {
        let (one, other) = (overlap(&a, &b, &attributes()), overlap(&b, &a, &attributes()));
        prop_assert_eq!(matches!(one, Overlap::Disjoint), matches!(other, Overlap::Disjoint));
    }

    #[test]
    fn a_predicate_and_its_negation_are_disjoint_and_cover(a in predicate()) {
        prop_assert_eq!(overlap(&a, &not(a.clone()), &attributes()), Overlap::Disjoint);
        let neither = Predicate::All(vec![not(a.clone()), not(not(a.clone()))]);
        prop_assert_eq!(satisfiable(&neither, &attributes()), Overlap::Disjoint);
        let shares = share(&a, &attributes()).zip(share(&not(a), &attributes()));
        prop_assert!(shares.is_none_or(|(a, b)| (a + b - 1.0).abs() < 1e-9));
    }
}
