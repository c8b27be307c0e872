use super::*;

/// The attributes of the other tests; versions, platforms and ages change.
fn changing() -> Attributes {
    let mut all = attributes();
    for name in ["app", "platform", "age"] {
        all.get_mut(name).expect("declared").stable = false;
    }
    all
}

fn moments(found: &OverTime) -> Value {
    let json = |witness: &Witness| Value::Object(witness.json().into_iter().collect());
    match found {
        OverTime::Never => json!("never"),
        OverTime::Undecided(reason) => json!(format!("undecided: {reason}")),
        OverTime::At(first, second) => json!([json(first), json(second)]),
    }
}

#[test]
fn an_upgrade_carries_a_unit_from_one_audience_into_the_other() {
    let old = Predicate::All(vec![app(Test::Below, "9"), within("country", &["SE", "FI"])]);
    let new = Predicate::All(vec![app(Test::AtLeast, "9"), within("country", &["FI", "US"])]);
    assert_eq!(overlap(&old, &new, &changing()), Overlap::Disjoint);
    assert_eq!(
        moments(&meets_over_time(&old, &new, &changing())),
        json!([{"app": "8.0.0", "country": "FI"}, {"app": "9", "country": "FI"}])
    );
    assert_eq!(meets_over_time(&old, &new, &attributes()), OverTime::Never);
}

#[test]
fn what_is_stable_keeps_audiences_apart_for_good() {
    let (se, fi) = (within("country", &["SE"]), within("country", &["FI"]));
    let (ios, web) = (within("platform", &["ios"]), within("platform", &["web"]));
    assert_eq!(meets_over_time(&se, &fi, &changing()), OverTime::Never);
    assert_eq!(
        moments(&meets_over_time(&ios, &web, &changing())),
        json!([{"platform": "ios"}, {"platform": "web"}])
    );
    let both = |a: &Predicate, b: &Predicate| Predicate::All(vec![a.clone(), b.clone()]);
    assert_eq!(meets_over_time(&both(&se, &ios), &both(&fi, &web), &changing()), OverTime::Never);
    // A stable attribute that is missing stays missing.
    assert_eq!(meets_over_time(&test("country", Test::Present(false)), &se, &changing()), OverTime::Never);
    // What nobody can ever be is not met over time either.
    assert_eq!(meets_over_time(&Predicate::Any(vec![]), &web, &changing()), OverTime::Never);
}

#[test]
fn audiences_that_meet_at_one_time_need_one_context() {
    let (se, ios) = (within("country", &["SE"]), within("platform", &["ios"]));
    let found = moments(&meets_over_time(&se, &ios, &changing()));
    assert_eq!(found, json!([{"country": "SE", "platform": "ios"}, {"country": "SE", "platform": "ios"}]));
}

#[test]
fn a_name_that_is_taken_is_not_used_for_later() {
    let mut all = changing();
    let taken = AttributeKey::new("platform-later").expect("a name");
    all.insert(taken.clone(), Attribute { key: taken, ..all["platform"].clone() });
    let (ios, web) = (
        within("platform", &["ios"]),
        Predicate::All(vec![within("platform", &["web"]), within("platform-later", &["ios"])]),
    );
    assert_eq!(
        moments(&meets_over_time(&ios, &web, &all)),
        json!([{"platform": "ios"}, {"platform": "web", "platform-later": "ios"}])
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn meeting_over_time_agrees_with_an_exhaustive_search(a in two_kinds(), b in two_kinds()) {
        let all = changing();
        let stable = |context: &Context| (context.json().get("country").cloned(), context.json().get("employee").cloned());
        let units = units(&all);
        let met = units.iter().filter(|first| matches(&a, first)).any(|first| {
            units.iter().any(|second| stable(first) == stable(second) && matches(&b, second))
        });
        match meets_over_time(&a, &b, &all) {
            OverTime::Never => prop_assert!(!met),
            OverTime::At(first, second) => {
                let context = |witness: &Witness| Context::new(witness.json().into_iter().collect(), &all);
                let (first, second) = (context(&first), context(&second));
                prop_assert!(met && matches(&a, &first) && matches(&b, &second));
                prop_assert_eq!(stable(&first), stable(&second));
            }
            OverTime::Undecided(reason) => prop_assert!(false, "undecided: {reason}"),
        }
    }

    #[test]
    fn meeting_over_time_is_symmetric_and_no_rarer_than_meeting(a in two_kinds(), b in two_kinds()) {
        let all = changing();
        let (one, other) = (meets_over_time(&a, &b, &all), meets_over_time(&b, &a, &all));
        prop_assert_eq!(one == OverTime::Never, other == OverTime::Never);
        prop_assert!(one != OverTime::Never || overlap(&a, &b, &all) == Overlap::Disjoint);
    }
}

/// Predicates over two attributes that last and two that change.
fn two_kinds() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        proptest::sample::subsequence(vec!["SE", "FI"], 1..2).prop_map(|set| within("country", &set)),
        proptest::sample::subsequence(vec!["ios", "web"], 1..2).prop_map(|set| within("platform", &set)),
        any::<bool>().prop_map(|value| test("employee", Test::In([Scalar::Boolean(value)].into()))),
        any::<bool>().prop_map(|below| if below { age(Test::Below, 2.0) } else { age(Test::AtLeast, 2.0) }),
        (prop_oneof![Just("age"), Just("country")], any::<bool>())
            .prop_map(|(name, present)| test(name, Test::Present(present))),
    ];
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Predicate::All),
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Predicate::Any),
            inner.prop_map(not),
        ]
    })
}

/// Every combination of values that those predicates distinguish.
fn units(all: &Attributes) -> Vec<Context> {
    let mut units = Vec::new();
    for country in [json!("SE"), json!("FI"), json!("US"), Value::Null] {
        for platform in [json!("ios"), json!("web"), Value::Null] {
            for employee in [json!(true), json!(false), Value::Null] {
                for age in [json!(1), json!(2), Value::Null] {
                    let present = [
                        ("country", &country),
                        ("platform", &platform),
                        ("employee", &employee),
                        ("age", &age),
                    ];
                    let json = present.into_iter().filter(|(_, value)| !value.is_null());
                    units.push(Context::new(
                        json.map(|(name, value)| (name.to_owned(), value.clone())).collect(),
                        all,
                    ));
                }
            }
        }
    }
    units
}
