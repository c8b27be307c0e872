use super::*;

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
fn a_sample_measures_what_no_declaration_says() {
    let context = |age: f64| Context::new(Map::from_iter([("age".to_owned(), json!(age))]), &attributes());
    let sample: Sample = (0..100).map(|n| context(f64::from(n))).collect();
    let adults = age(Test::AtLeast, 18.0);
    let measured = sample.share(&adults).expect("a sample of some");
    assert_eq!((measured.share, measured.contexts), (0.82, 100));
    // sqrt(p (1 - p) / 104) with p = 84 / 104
    assert!((measured.standard_error - 0.038_647).abs() < 1e-6, "{measured:?}");
    assert_eq!(Sample::default().share(&adults), None);
    assert_eq!(super::measured(&adults, (0..100).map(|n| context(f64::from(n)))), Some(measured));
    let nobody = sample.share(&age(Test::Above, 1000.0)).expect("a sample of some");
    assert_eq!(nobody.share, 0.0);
    assert!(nobody.standard_error > 0.01, "none of a hundred is no proof that there is nobody");
}

/// Predicates over what has declared shares.
fn declared() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        proptest::sample::subsequence(vec!["SE", "FI", "DK", "US"], 1..4)
            .prop_map(|set| within("country", &set)),
        proptest::sample::subsequence(vec!["ios", "web"], 1..2).prop_map(|set| within("platform", &set)),
        Just(test("country", Test::StartsWith("S".into()))),
        Just(test("country", Test::Matches(Pattern::new("^[DF]").expect("a pattern")))),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::All),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Any),
            inner.prop_map(not),
        ]
    })
}

/// One context for each percent of each attribute: all traffic, if the declarations are right.
fn traffic() -> Sample {
    let attributes = attributes();
    let per_cent = |name: &str| {
        let values = attributes[name].values.clone();
        values.into_iter().flat_map(|(value, share)| {
            let percents = (share.expect("declared").fraction() * 20.0).round() as usize;
            std::iter::repeat_n(value.to_string(), percents)
        })
    };
    let pairs =
        per_cent("country").flat_map(|country| per_cent("platform").map(move |p| (country.clone(), p)));
    let context = |(country, platform): (String, String)| {
        let json = json!({"country": country, "platform": platform});
        Context::new(json.as_object().expect("an object").clone(), &attributes)
    };
    pairs.map(context).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_share_is_that_of_traffic_as_it_is_declared(audience in declared()) {
        let share = share(&audience, &attributes()).expect("all is declared");
        let simulated = traffic().share(&audience).expect("some traffic").share;
        prop_assert!((share - simulated).abs() < 1e-9, "{share} {simulated}");
        let nobody = satisfiable(&audience, &attributes()) == Overlap::Disjoint;
        prop_assert!(!nobody || share == 0.0);
    }

    #[test]
    fn an_audience_and_its_negation_are_all_traffic(audience in declared()) {
        let (a, b) = (share(&audience, &attributes()), share(&not(audience), &attributes()));
        prop_assert!(a.zip(b).is_some_and(|(a, b)| (a + b - 1.0).abs() < 1e-12));
    }
}
