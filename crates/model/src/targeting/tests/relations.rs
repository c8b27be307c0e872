use super::*;

fn no(answer: &Answer) -> Option<Value> {
    match answer {
        Answer::No(witness) => Some(Value::Object(witness.json().into_iter().collect())),
        Answer::Yes | Answer::Undecided(_) => None,
    }
}

#[test]
fn an_audience_is_within_a_wider_one() {
    let all = attributes();
    let (nordic, swedes) = (within("country", &["SE", "FI", "DK"]), within("country", &["SE"]));
    assert_eq!(implied(&swedes, &nordic, &all), Answer::Yes);
    assert_eq!(no(&implied(&nordic, &swedes, &all)), Some(json!({"country": "FI"})));
    assert_eq!(implied(&age(Test::Above, 3.0), &age(Test::AtLeast, 3.0), &all), Answer::Yes);
    assert_eq!(no(&implied(&age(Test::AtLeast, 3.0), &age(Test::Above, 3.0), &all)), Some(json!({"age": 3})));
    // A missing attribute is in the one and not in the other.
    let everyone = Predicate::everyone();
    let not_us = not(within("country", &["US"]));
    assert_eq!(no(&implied(&not_us, &nordic, &all)), Some(json!({})));
    assert_eq!(implied(&not(everyone.clone()), &swedes, &all), Answer::Yes);
    let pattern = |text: &str| test("email", Test::Matches(Pattern::new(text).expect("a pattern")));
    assert_eq!(
        implied(&pattern(r"^a+@acme\.test$"), &test("email", Test::EndsWith(".test".into())), &all),
        Answer::Yes
    );
    assert!(matches!(implied(&pattern(r"^é\b"), &pattern("^é"), &all), Answer::Undecided(_)));
}

#[test]
fn what_is_written_differently_may_be_the_same() {
    let all = attributes();
    let pattern = |text: &str| test("email", Test::Matches(Pattern::new(text).expect("a pattern")));
    let starts = test("email", Test::StartsWith("ab".into()));
    assert_eq!(equivalent(&pattern("^ab"), &starts, &all), Answer::Yes);
    assert_eq!(equivalent(&pattern("(?i)^(a|b)+$"), &pattern("^[abAB]+$"), &all), Answer::Yes);
    assert_eq!(
        no(&equivalent(&pattern("(?i)^k$"), &pattern("^[kK]$"), &all)),
        Some(json!({"email": "\u{212a}"}))
    );
    let (se, ios) = (within("country", &["SE"]), within("platform", &["ios"]));
    let one = not(Predicate::All(vec![se.clone(), ios.clone()]));
    let other = Predicate::Any(vec![not(se), not(ios)]);
    assert_eq!(equivalent(&one, &other, &all), Answer::Yes);
}

#[test]
fn earlier_rules_leave_a_rest_or_nobody() {
    let all = attributes();
    let (nordic, swedes) = (within("country", &["SE", "FI"]), within("country", &["SE"]));
    let (ios, not_ios) = (within("platform", &["ios"]), not(within("platform", &["ios"])));
    assert_eq!(rest(&swedes, &[&ios, &not_ios], &all), Overlap::Disjoint);
    let left = rest(&nordic, &[&swedes, &ios], &all);
    assert!(
        matches!(&left, Overlap::At(witness) if witness.json() == [("country".to_owned(), json!("FI"))].into())
    );
    assert_eq!(satisfiable(&remainder(&nordic, &[&swedes, &ios]), &all), left);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn implication_agrees_with_an_exhaustive_search(a in predicate(), b in predicate()) {
        let not_b = not(b.clone());
        match implied(&a, &b, &attributes()) {
            Answer::Yes => prop_assert_eq!(exhaustive(&[&a, &not_b]), None),
            Answer::No(witness) => {
                let context = Context::new(witness.json().into_iter().collect(), &attributes());
                prop_assert!(matches(&a, &context) && !matches(&b, &context));
            }
            Answer::Undecided(reason) => prop_assert!(false, "undecided: {reason}"),
        }
    }

    #[test]
    fn equivalence_is_implication_both_ways(a in textual(), b in textual()) {
        let all = attributes();
        let same = equivalent(&a, &b, &all) == Answer::Yes;
        prop_assert_eq!(same, implied(&a, &b, &all) == Answer::Yes && implied(&b, &a, &all) == Answer::Yes);
        let differs = short_texts().into_iter().find(|context| matches(&a, context) != matches(&b, context));
        prop_assert!(!same || differs.is_none(), "{differs:?}");
        prop_assert_eq!(equivalent(&a, &a, &all), Answer::Yes);
        prop_assert_eq!(equivalent(&a, &not(not(a.clone())), &all), Answer::Yes);
    }

    #[test]
    fn the_rest_agrees_with_an_exhaustive_search(a in predicate(), one in predicate(), two in predicate()) {
        let left = remainder(&a, &[&one, &two]);
        match rest(&a, &[&one, &two], &attributes()) {
            Overlap::Disjoint => prop_assert_eq!(exhaustive(&[&left]), None),
            Overlap::At(witness) => {
                let context = Context::new(witness.json().into_iter().collect(), &attributes());
                prop_assert!(matches(&a, &context) && !matches(&one, &context) && !matches(&two, &context));
            }
            Overlap::Undecided(reason) => prop_assert!(false, "undecided: {reason}"),
        }
    }
}
