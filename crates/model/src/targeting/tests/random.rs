//! Audiences of every operator against contexts that were drawn without knowing them.

use super::*;

fn every_type() -> Attributes {
    let mut all = attributes();
    for name in ["app", "age", "plan"] {
        all.get_mut(name).expect("declared").stable = false;
    }
    all
}

/// A test of one of five attributes, whose constants lie next to each other.
fn atom() -> impl Strategy<Value = Predicate> {
    let short = || proptest::sample::select(vec!["", "a", "b", "ab", "ba", "aba", "é", "bab"]);
    let pattern = proptest::sample::select(vec![
        "^a",
        "b$",
        "^(ab)*$",
        "a.b",
        "^[^a]*$",
        "(?i)B",
        "^$",
        "^.{2}$",
        "é|^b",
        "^a+b?$",
        r"\Aab\z",
        "^(a|b){3,}$",
    ]);
    let text = (0..5u8, short(), short(), pattern).prop_map(|(kind, a, b, pattern)| match kind {
        0 => Test::StartsWith(a.into()),
        1 => Test::EndsWith(a.into()),
        2 => Test::Contains(a.into()),
        3 => Test::In([super::text(a), super::text(b)].into()),
        _ => Test::Matches(Pattern::new(pattern).expect("a pattern")),
    });
    fn ordered(kind: u8, bound: Bound) -> Test {
        match kind {
            0 => Test::AtLeast(bound),
            1 => Test::Above(bound),
            2 => Test::AtMost(bound),
            _ => Test::Below(bound),
        }
    }
    let numbers = proptest::sample::select(vec![-1.0, 0.0, 0.1, 0.2, 0.30000000000000004, 3.0, 3.5, 4.0]);
    let versions = proptest::sample::select(vec![
        "8",
        "8.0.1",
        "8.0.1-0",
        "8.0.0-a",
        "8.0.0-a.0",
        "8.10",
        "8.2-rc.1",
        "9",
    ]);
    prop_oneof![
        3 => (proptest::sample::select(vec!["plan", "email"]), text).prop_map(|(name, test)| self::test(name, test)),
        2 => (proptest::sample::select(vec!["age", "visits"]), 0..4u8, numbers)
            .prop_map(|(name, kind, n)| self::test(name, ordered(kind, Bound::Number(number(n))))),
        2 => (0..4u8, versions)
            .prop_map(|(kind, v)| self::test("app", ordered(kind, Bound::Version(Version::parse(v).expect("a version"))))),
        1 => (proptest::sample::select(vec!["plan", "email", "app", "age", "visits", "country"]), any::<bool>())
            .prop_map(|(name, present)| self::test(name, Test::Present(present))),
        1 => proptest::sample::subsequence(vec!["SE", "FI", "DK", "XX"], 0..3).prop_map(|values| within("country", &values)),
    ]
}

fn audience() -> impl Strategy<Value = Predicate> {
    atom().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            2 => proptest::collection::vec(inner.clone(), 1..4).prop_map(Predicate::All),
            2 => proptest::collection::vec(inner.clone(), 1..4).prop_map(Predicate::Any),
            1 => inner.prop_map(not),
        ]
    })
}

/// Contexts of declared values only, with missing, null and mistyped ones among them.
fn context() -> impl Strategy<Value = Value> {
    let texts = || {
        let mut all: Vec<Value> = [
            "", "a", "b", "ab", "ba", "aa", "bb", "aba", "bab", "abab", "é", "aéb", "xab", "bax", "A", "axb",
            "a\nb",
        ]
        .into_iter()
        .map(Value::from)
        .collect();
        all.extend([json!(null), json!(7)]);
        proptest::sample::select(all)
    };
    let numbers = vec![
        json!(-1),
        json!(-0.5),
        json!(0),
        json!(-0.0),
        json!(0.1),
        json!(0.15),
        json!(0.2),
        json!(0.3),
        json!(3.2),
        json!(3.5),
        json!(4),
        json!(1e300),
        json!("3"),
        json!(null),
    ];
    let visits: Vec<Value> =
        numbers.iter().filter(|n| n.as_f64().is_none_or(|n| n >= 0.0)).cloned().collect();
    let versions = [
        "0.0.0-0",
        "7.9",
        "8",
        "8.0.0-a",
        "8.0.0-a.0",
        "8.0.0-a.0.0",
        "8.0.1-0",
        "8.0.1-rc.1",
        "8.0.1",
        "8.2-rc.1",
        "8.9",
        "8.10.0",
        "9",
        "9.0.1",
        "v9",
        "",
    ];
    let versions: Vec<Value> = versions.into_iter().map(Value::from).chain([json!(8)]).collect();
    let countries = [json!("SE"), json!("FI"), json!("DK"), json!("US"), json!(null)].to_vec();
    (
        texts(),
        texts(),
        proptest::sample::select(numbers),
        proptest::sample::select(visits),
        proptest::sample::select(versions),
        proptest::sample::select(countries),
    )
        .prop_map(|(plan, email, age, visits, app, country)| {
            json!({"plan": plan, "email": email, "age": age, "visits": visits, "app": app, "country": country})
        })
}

fn read(json: &Value) -> Context {
    Context::new(json.as_object().expect("an object").clone(), &every_type())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_drawn_context_refutes_an_answer(
        a in audience(),
        b in audience(),
        drawn in proptest::collection::vec((context(), context()), 96),
    ) {
        let all = every_type();
        let (met, in_b, left) = (overlap(&a, &b, &all), implied(&a, &b, &all), rest(&a, &[&b], &all));
        let over_time = meets_over_time(&a, &b, &all);
        for (now, other) in &drawn {
            let (now_read, mut later) = (read(now), other.clone());
            for stable in ["email", "visits", "country"] {
                later[stable] = now[stable].clone();
            }
            let later = read(&later);
            let (of_a, of_b) = (matches(&a, &now_read), matches(&b, &now_read));
            prop_assert!(met != Overlap::Disjoint || !(of_a && of_b), "{a:?}\n{b:?}\n{now}");
            prop_assert!(in_b != Answer::Yes || !of_a || of_b, "{a:?}\n{b:?}\n{now}");
            prop_assert!(left != Overlap::Disjoint || !of_a || of_b, "{a:?}\n{b:?}\n{now}");
            prop_assert!(over_time != OverTime::Never || !(of_a && matches(&b, &later)), "{a:?}\n{b:?}\n{now}");
        }
    }
}
