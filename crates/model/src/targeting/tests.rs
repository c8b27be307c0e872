mod hostile;
mod random;
mod relations;
mod shares;
mod time;

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::{
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
fn patterns_are_decided_as_languages() {
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
    assert_eq!(outcome(&[pattern("^(ab){7}$"), pattern("^(ba){7}$")]), json!("disjoint"));
    assert_eq!(
        outcome(&[pattern("^(aa)+$"), pattern("^(aaa)+$"), not(within("email", &["aaaaaa"]))]),
        json!({"email": "aaaaaaaaaaaa"})
    );
    assert_eq!(
        outcome(&[test("country", Test::Matches(Pattern::new("^S").expect("a pattern")))]),
        json!({"country": "SE"})
    );
}

#[test]
fn a_witness_has_as_few_attributes_as_it_can() {
    let long =
        Predicate::All(vec![within("plan", &["pro"]), age(Test::Above, 17.0), app(Test::AtLeast, "8")]);
    let short = Predicate::All(vec![within("platform", &["ios"])]);
    assert_eq!(outcome(&[Predicate::Any(vec![long.clone(), short.clone()])]), json!({"platform": "ios"}));
    let one = Predicate::Any(vec![long.clone(), within("country", &["FI"])]);
    let other = Predicate::Any(vec![short, within("country", &["FI", "SE"]), long]);
    assert_eq!(outcome(&[one, other]), json!({"country": "FI"}));
}

#[test]
fn a_witness_reads_like_what_occurs() {
    let matched = |name: &str, text: &str| test(name, Test::Matches(Pattern::new(text).expect("a pattern")));
    assert_eq!(
        outcome(&[test("email", Test::EndsWith("@acme.test".into()))]),
        json!({"email": "user@acme.test"})
    );
    assert_eq!(outcome(&[matched("email", r"@acme\.test$")]), json!({"email": "user@acme.test"}));
    // Declared values come first, in the order in which they are declared.
    assert_eq!(
        outcome(&[not(within("country", &["SE"])), test("country", Test::Present(true))]),
        json!({"country": "FI"})
    );
    assert_eq!(outcome(&[app(Test::AtLeast, "8.2")]), json!({"app": "8.2"}));
    assert_eq!(
        outcome(&[matched("email", r"^[^@]+@[^@]+$"), not(matched("email", "[a-z]"))]),
        json!({"email": "0@0"})
    );
}

#[test]
fn what_cannot_be_decided_says_why() {
    let matched = |text: &str| test("email", Test::Matches(Pattern::new(text).expect("a pattern")));
    let unicode = outcome(&[matched(r"^é\b"), not(matched("^é"))]);
    assert_eq!(
        unicode,
        json!(
            "undecided: the regular expressions on `email` have word boundaries, which are decided for ASCII texts \
             only (write `(?-u:\\b)` for a boundary of ASCII words)"
        )
    );
    assert_eq!(
        outcome(&[matched("^[ab]*a[ab]{20}$"), matched("^[ab]*b[ab]{20}$")]),
        json!("undecided: the tests of `email` have too many combinations to try")
    );
}

#[test]
fn earlier_rules_are_taken_away_with_not() {
    let rest = Predicate::All(vec![within("country", &["SE", "FI"]), not(within("country", &["SE"]))]);
    assert_eq!(outcome(&[rest.clone(), within("country", &["SE", "DK"])]), json!("disjoint"));
    assert_eq!(outcome(&[rest, within("platform", &["web"])]), json!({"country": "FI", "platform": "web"}));
}

/// Values of which nearly every cell of the tests below has one: what a witness shows to be there needs none.
fn domain() -> Vec<(&'static str, Vec<Value>)> {
    vec![
        ("country", vec![json!("SE"), json!("FI"), json!("DK"), json!("US"), Value::Null]),
        (
            "email",
            [
                "", "a", "b", "ab", "ba", "aa", "abx", "xb", "x", "axb", "bxa", "axa", "bxb", "xax", "xbx",
                "xabx", "axab", "abxa", "abxb", "axba", "aba", "bab", "abab", "xbax", "xaxbx",
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

/// Patterns that are decided within texts of a few letters.
fn patterned() -> impl Strategy<Value = Predicate> {
    let pattern = proptest::sample::select(vec![
        "^a", "b$", "^(ab)*$", "^a+b*$", "^.?$", "(?i)^A", "^(aa)*$", "a|^b", "[^a]", "^$",
    ]);
    pattern.prop_map(|text| test("email", Test::Matches(Pattern::new(text).expect("a pattern"))))
}

/// Predicates over one text, one closed set of values and nothing else.
fn textual() -> impl Strategy<Value = Predicate> {
    let part = proptest::sample::select(&["a", "b", "ab", ""][..]);
    let on_text = proptest::sample::select(
        &[Test::StartsWith as fn(String) -> Test, Test::EndsWith, Test::Contains][..],
    );
    let leaf = prop_oneof![
        3 => patterned(),
        2 => (on_text, part).prop_map(|(test, part)| self::test("email", test(part.into()))),
        1 => proptest::sample::subsequence(vec!["a", "b", "ab", "aba"], 1..3).prop_map(|set| within("email", &set)),
        1 => proptest::sample::subsequence(vec!["SE", "FI", "DK", "US"], 1..3).prop_map(|set| within("country", &set)),
        1 => any::<bool>().prop_map(|present| test("email", Test::Present(present))),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::All),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Any),
            inner.prop_map(not),
        ]
    })
}

/// Returns a context of each text of up to five letters, with each country.
fn short_texts() -> Vec<Context> {
    let mut texts = vec![String::new()];
    for from in 0..121 {
        for letter in ["a", "b", "A"] {
            texts.push(format!("{}{letter}", texts[from]));
        }
    }
    let attributes = attributes();
    let emails = || texts.iter().map(|text| json!(text)).chain([Value::Null]);
    let contexts = ["SE", "FI", "DK", "US", ""].into_iter().flat_map(|country| {
        emails().map(move |email| json!({"country": if country.is_empty() { Value::Null } else { json!(country) }, "email": email}))
    });
    contexts.map(|json| Context::new(json.as_object().expect("an object").clone(), &attributes)).collect()
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
            }
            Overlap::Undecided(reason) => prop_assert!(false, "undecided: {reason}"),
        }
    }

    #[test]
    fn texts_are_decided_as_by_an_exhaustive_search(a in textual(), b in textual()) {
        match overlap(&a, &b, &attributes()) {
            Overlap::Disjoint => {
                let both = short_texts().into_iter().find(|context| matches(&a, context) && matches(&b, context));
                prop_assert_eq!(both, None);
            }
            Overlap::At(witness) => {
                let context = Context::new(witness.json().into_iter().collect(), &attributes());
                prop_assert!(matches(&a, &context) && matches(&b, &context));
            }
            Overlap::Undecided(reason) => prop_assert!(false, "undecided: {reason}"),
        }
    }

    #[test]
    fn a_decision_is_the_same_each_time(a in textual(), b in predicate()) {
        prop_assert_eq!(overlap(&a, &b, &attributes()), overlap(&a, &b, &attributes()));
    }

    #[test]
    fn no_witness_has_an_attribute_too_many(a in predicate(), b in predicate()) {
        let Overlap::At(witness) = overlap(&a, &b, &attributes()) else { return Ok(()) };
        for key in witness.values().keys() {
            let without = witness.json().into_iter().filter(|(name, _)| name != key.as_str()).collect();
            let context = Context::new(without, &attributes());
            prop_assert!(!(matches(&a, &context) && matches(&b, &context)), "{key}");
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
