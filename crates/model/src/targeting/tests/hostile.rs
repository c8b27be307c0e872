//! What somebody might write to make the linter slow, wrong or fall over.

use std::time::{Duration, Instant};

use super::*;

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
}

fn matched(pattern: &str) -> Predicate {
    test(
        "email",
        Test::Matches(Pattern::new(pattern).unwrap_or_else(|error| panic!("{pattern:.80}: {error:.80}"))),
    )
}

#[test]
fn pathological_patterns_are_decided_or_given_up_within_the_budget() {
    let alternatives = |ending: &str| {
        let names: Vec<_> = (0..10_000).map(|n| format!("u{n}{ending}")).collect();
        // As an alternation this is above the size that a pattern may have: it is split as a book would.
        Predicate::Any(names.chunks(200).map(|names| matched(&format!("^({})$", names.join("|")))).collect())
    };
    let pairs = [
        (matched("^(a+)+$"), matched("^(b+)+$")),
        (matched("^(a+)+$"), matched("^(a|aa)+b$")),
        (matched("^(a|a)*(a|a)*(a|a)*$"), not(matched("^a*$"))),
        (matched("^[ab]*a[ab]{12}$"), matched("^[ab]*b[ab]{12}$")),
        (matched("^a{5000}$"), matched("^a{4999}$")),
        (matched("(x+x+)+y"), matched("^[^y]*$")),
        (matched(r"^\w{20}$"), matched(r"^\W")),
        (matched(r"^(\p{L}|\p{N}){5}$"), matched("(?i)^[^a-z]{4}$")),
        (alternatives("@a.test"), alternatives("@b.test")),
        (matched("(.*)(.*)(.*)(.*)(.*)[^x]$"), matched("^(x*)*$")),
    ];
    for (at, (a, b)) in pairs.iter().enumerate() {
        let start = Instant::now();
        let found = overlap(a, b, &attributes());
        assert!(start.elapsed() < Duration::from_secs(20), "{at} took {:?}", start.elapsed());
        assert!(!matches!(found, Overlap::At(_)), "{at}: {found:?}");
    }
    assert_eq!(overlap(&pairs[0].0, &pairs[0].1, &attributes()), Overlap::Disjoint);
    assert_eq!(overlap(&pairs[5].0, &pairs[5].1, &attributes()), Overlap::Disjoint);
}

#[test]
fn many_patterns_do_not_multiply_where_few_matter() {
    let rules: Vec<_> = (0..60).map(|n| matched(&format!("^team-{n}-.*@acme"))).collect();
    let earlier: Vec<_> = rules.iter().collect();
    let left = rest(&matched("^team-7-"), &earlier, &attributes());
    assert!(matches!(left, Overlap::At(_)), "{left:?}");
    assert_eq!(rest(&matched("^team-7-.*@acme"), &earlier, &attributes()), Overlap::Disjoint);
}

/// Alternates kinds of nesting, so that no level can be left out.
fn nested(levels: u32) -> Predicate {
    (0..levels).fold(within("country", &["SE"]), |inner, n| {
        let other = within("plan", &[&format!("plan-{}", n % 7)]);
        match n % 4 {
            0 => Predicate::Any(vec![inner, other]),
            1 => not(inner),
            2 => Predicate::All(vec![inner, not(other)]),
            _ => Predicate::Any(vec![matched("^x"), inner]),
        }
    })
}

#[test]
fn a_thousand_levels_need_no_deep_stack() {
    let (deep, deeper) = (nested(1_000), nested(1_100));
    let small = std::thread::Builder::new().stack_size(128 << 10);
    let run = small.spawn(move || {
        let all = attributes();
        let found = satisfiable(&deep, &all);
        let witness = match &found {
            Overlap::At(witness) => witness.json(),
            other => panic!("{other:?}"),
        };
        assert!(matches(&deep, &Context::new(witness.into_iter().collect(), &all)));
        assert!(implied(&deep, &deep, &all) != Answer::Undecided(UndecidedReason::Depth));
        let _ = (share(&deep, &all), meets_over_time(&deep, &deep, &all), rest(&deep, &[&deep], &all));
        assert_eq!(satisfiable(&deeper, &all), Overlap::Undecided(UndecidedReason::Depth));
        assert_eq!(share(&deeper, &all), None);
        // How a predicate itself is dropped is not the algebra's to choose.
        std::mem::forget((deep, deeper));
    });
    run.expect("a thread").join().expect("no overflow");
}

#[test]
fn what_is_not_a_number_or_not_ascii_is_decided_like_anything_else() {
    assert_eq!(Number::new(f64::NAN), None);
    assert_eq!(Number::new(f64::INFINITY), None);
    let json = serde_json::from_str::<Map<String, Value>>(r#"{"age": 1e400}"#);
    assert!(json.is_err(), "JSON has no infinity");
    assert_eq!(outcome(&[age(Test::Above, f64::MAX)]), json!("disjoint"));
    assert_eq!(outcome(&[age(Test::Below, f64::MIN)]), json!("disjoint"));
    assert_eq!(outcome(&[age(Test::AtLeast, -0.0), age(Test::AtMost, 0.0)]), json!({"age": 0}));
    assert_eq!(
        outcome(&[age(Test::Above, 0.0), age(Test::Below, f64::MIN_POSITIVE)]).as_object().map(Map::len),
        Some(1)
    );
    let ends = |part: &str| test("email", Test::EndsWith(part.into()));
    assert_eq!(outcome(&[ends("é"), ends("e\u{301}")]), json!("disjoint"), "no normalisation");
    assert_eq!(outcome(&[ends("ß"), matched("(?i)^ẞ$")]), json!({"email": "ß"}));
    assert_eq!(
        outcome(&[test("email", Test::Contains("\u{202e}".into())), matched("^.{3}$")])
            .as_object()
            .map(Map::len),
        Some(1)
    );
    assert_eq!(
        outcome(&[matched("^\u{1F469}\u{200D}\u{1F4BB}$")]),
        json!({"email": "\u{1F469}\u{200D}\u{1F4BB}"})
    );
}

/// Regular expressions that are hard to compare.
fn hard(n: usize) -> Predicate {
    let pattern = format!("^(a|b|ab)*{n}(c|d|cd)*x{{1,{}}}$", n % 7 + 2);
    let key = AttributeKey::new("email").expect("a name");
    Predicate::Attribute(key, Test::Matches(Pattern::new(&pattern).expect("a pattern")))
}

#[test]
fn what_a_flag_may_take_is_bounded_and_the_rest_is_undecided_at_once() {
    let audiences: Vec<_> = (0..40).map(hard).collect();
    let run = || {
        let mut work = Work::of(1_000_000);
        let mut answers = Vec::new();
        for (at, a) in audiences.iter().enumerate() {
            for b in audiences.iter().skip(at + 1) {
                answers.push(meet_within(&[a, b], &attributes(), &mut work));
            }
        }
        (answers, work.is_spent())
    };
    let (answers, spent) = run();
    assert!(spent, "there is more than that to do");
    let unasked = Overlap::Undecided(UndecidedReason::Work);
    let first = answers.iter().position(|answer| *answer == unasked).expect("some are not decided");
    assert!(first > 0, "the first ones are");
    assert!(answers.iter().skip(first).all(|answer| *answer == unasked), "and none after that");
    assert_eq!(run().0, answers, "the same each time");
    // Alone, each is decided: what is undecided is so because of the others.
    let (a, b) = (&audiences[38], &audiences[39]);
    assert_ne!(meet(&[a, b], &attributes()), unasked);
}
