//! Reads bytes as two audiences and asks everything that the algebra answers: it may not panic, contradict itself, or name
//! a unit that is not where it says.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run -s none algebra -- -max_total_time=60`

#![no_main]

use libfuzzer_sys::fuzz_target;
use trialbook_model::targeting::{
    Answer, Attributes, Context, OverTime, Overlap, Witness, equivalent, implied, matches, meets_over_time,
    overlap, share,
};
use trialbook_model::{
    Attribute, AttributeKey, AttributeType, Bound, Number, Pattern, Predicate, Scalar, Share, Test, Version,
};

fuzz_target!(|bytes: &[u8]| {
    let mut read = Bytes(bytes);
    let (a, b) = (read.audience(0), read.audience(0));
    let all = attributes();
    let within = |witness: &Witness, audience: &Predicate| {
        matches(audience, &Context::new(witness.json().into_iter().collect(), &all))
    };
    let (one, other) = (overlap(&a, &b, &all), overlap(&b, &a, &all));
    if let Overlap::At(witness) = &one {
        assert!(within(witness, &a) && within(witness, &b), "{witness:?}");
        assert_ne!(other, Overlap::Disjoint);
    }
    assert_eq!(one, overlap(&a, &b, &all), "an answer depends on more than the question");
    if let Answer::No(witness) = implied(&a, &b, &all) {
        assert!(within(&witness, &a) && !within(&witness, &b), "{witness:?}");
    }
    assert!(!matches!(equivalent(&a, &a, &all), Answer::No(_)));
    let not_a = Predicate::Not(Box::new(a.clone()));
    assert!(!matches!(overlap(&a, &not_a, &all), Overlap::At(_)));
    match meets_over_time(&a, &b, &all) {
        OverTime::At(first, second) => assert!(within(&first, &a) && within(&second, &b)),
        OverTime::Never => assert!(!matches!(one, Overlap::At(_))),
        OverTime::Undecided(_) => {}
    }
    if let (Some(a), Some(not_a)) = (share(&a, &all), share(&not_a, &all)) {
        assert!((a + not_a - 1.0).abs() < 1e-9, "{a} {not_a}");
    }
});

fn attributes() -> Attributes {
    let half = |text: &str| (Scalar::String(text.into()), Share::from_percent(50));
    let kinds = [
        ("closed", AttributeType::String, vec![half("a"), half("b")]),
        ("text", AttributeType::String, vec![]),
        ("number", AttributeType::Number, vec![]),
        ("version", AttributeType::Version, vec![]),
        ("truth", AttributeType::Boolean, vec![]),
    ];
    let declare = |(at, (name, kind, values)): (usize, (&str, AttributeType, Vec<_>))| {
        let key = AttributeKey::new(name).expect("a name");
        (key.clone(), Attribute { key, kind, stable: at % 2 == 0, values, min: None, max: None })
    };
    kinds.into_iter().enumerate().map(declare).collect()
}

/// Bytes that are read as choices; zeros when they are used up.
struct Bytes<'b>(&'b [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// The next bytes as text, what is no UTF-8 replaced.
    fn text(&mut self) -> String {
        let length = usize::from(self.byte() % 24).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        String::from_utf8_lossy(text).into_owned()
    }

    fn audience(&mut self, level: usize) -> Predicate {
        match self.byte() % if level < 12 { 8 } else { 4 } {
            4 | 5 => Predicate::All((0..self.byte() % 4).map(|_| self.audience(level + 1)).collect()),
            6 => Predicate::Any((0..self.byte() % 4).map(|_| self.audience(level + 1)).collect()),
            7 => Predicate::Not(Box::new(self.audience(level + 1))),
            _ => self.one(),
        }
    }

    fn one(&mut self) -> Predicate {
        let name = ["closed", "text", "text", "text", "number", "version", "truth", "unheard-of"]
            [usize::from(self.byte() % 8)];
        let test = match self.byte() % 10 {
            0 => Test::In((0..=self.byte() % 3).map(|_| self.scalar()).collect()),
            1 => Test::AtLeast(self.bound()),
            2 => Test::Above(self.bound()),
            3 => Test::AtMost(self.bound()),
            4 => Test::Below(self.bound()),
            5 => Test::StartsWith(self.text()),
            6 => Test::EndsWith(self.text()),
            7 => Test::Contains(self.text()),
            8 => Test::Present(self.byte() % 2 == 0),
            _ => match Pattern::new(&self.text()) {
                Ok(pattern) => Test::Matches(pattern),
                Err(_) => Test::Present(true),
            },
        };
        Predicate::Attribute(AttributeKey::new(name).expect("a name"), test)
    }

    fn scalar(&mut self) -> Scalar {
        match self.byte() % 4 {
            0 => Scalar::String(self.text()),
            1 => Scalar::Boolean(self.byte() % 2 == 0),
            _ => match self.bound() {
                Bound::Number(number) => Scalar::Number(number),
                Bound::Version(version) => Scalar::Version(version),
            },
        }
    }

    fn bound(&mut self) -> Bound {
        match self.byte() % 3 {
            0 => {
                let bits = std::array::from_fn(|_| self.byte());
                Bound::Number(
                    Number::new(f64::from_le_bytes(bits)).unwrap_or(Number::new(0.5).expect("finite")),
                )
            }
            1 => Bound::Number(Number::new(f64::from(self.byte() % 8) / 2.0).expect("finite")),
            _ => {
                let text =
                    format!("{}.{}.{}{}", self.byte() % 3, self.byte() % 3, self.byte() % 3, self.pre());
                Bound::Version(Version::parse(&text).unwrap_or(Version::parse("1.0.0").expect("a version")))
            }
        }
    }

    fn pre(&mut self) -> String {
        match self.byte() % 3 {
            0 => String::new(),
            1 => "-0".to_owned(),
            _ => format!("-{}", self.text()),
        }
    }
}
