//! Pairs of audiences, made up: the same for the same seed.
//!
//! They are what a book could hold, over attributes of every type, and are kept to what another program can be asked
//! as well: pre-releases of versions are only `-0`, and regular expressions are ASCII, anchored at their ends or not at all.

use serde::{Deserialize, Serialize};
use trialbook_model::targeting::Attributes;
use trialbook_model::{
    Attribute, AttributeKey, AttributeType, Bound, Number, Pattern, Predicate, Scalar, Test, Version,
};

/// Two audiences of which it is asked whether they meet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pair {
    pub a: Predicate,
    pub b: Predicate,
}

/// The attributes of the audiences.
pub fn attributes() -> Attributes {
    let text = |values: &[&str]| values.iter().map(|value| (Scalar::String((*value).into()), None)).collect();
    let kinds: [(&str, AttributeType, Vec<_>); 7] = [
        ("country", AttributeType::String, text(&["SE", "FI", "DK", "NO", "US", "DE"])),
        ("platform", AttributeType::String, text(&["ios", "android", "web"])),
        ("email", AttributeType::String, vec![]),
        ("path", AttributeType::String, vec![]),
        ("age", AttributeType::Number, vec![]),
        ("app", AttributeType::Version, vec![]),
        ("employee", AttributeType::Boolean, vec![]),
    ];
    let declare = |(name, kind, values)| {
        let key = AttributeKey::new(name).expect("a name");
        (key.clone(), Attribute { key, kind, stable: true, values, min: None, max: None })
    };
    kinds.into_iter().map(declare).collect()
}

/// Makes so many pairs.
pub fn pairs(count: usize, seed: u64) -> Vec<Pair> {
    let mut draw = Draw(seed);
    (0..count).map(|_| Pair { a: audience(&mut draw, 0), b: audience(&mut draw, 0) }).collect()
}

/// Numbers that look random: the linear congruential generator of Knuth's MMIX.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn of<'v>(&mut self, values: &[&'v str]) -> &'v str {
        values[self.below(values.len())]
    }

    fn some(&mut self, values: &[&str]) -> Test {
        let count = 1 + self.below(3);
        Test::In((0..count).map(|_| Scalar::String(self.of(values).into())).collect())
    }
}

fn audience(draw: &mut Draw, level: usize) -> Predicate {
    match draw.below(if level == 0 { 6 } else { 8 + 2 * level }) {
        0..=2 => Predicate::All((0..2 + draw.below(3)).map(|_| audience(draw, level + 1)).collect()),
        3 | 4 => Predicate::Any((0..2 + draw.below(2)).map(|_| audience(draw, level + 1)).collect()),
        5 => Predicate::Not(Box::new(audience(draw, level + 1))),
        _ => one(draw),
    }
}

fn one(draw: &mut Draw) -> Predicate {
    let (name, test) = match draw.below(10) {
        0 | 1 => ("country", draw.some(&["SE", "FI", "DK", "NO", "US", "DE"])),
        2 => ("platform", draw.some(&["ios", "android", "web"])),
        3 => ("employee", Test::In([Scalar::Boolean(draw.below(2) == 0)].into())),
        4 => (
            "age",
            bound(draw, |draw| Bound::Number(Number::new(draw.below(12) as f64 / 2.0).expect("finite"))),
        ),
        5 => ("app", bound(draw, |draw| Bound::Version(version(draw)))),
        6 => (draw.of(&["country", "email", "age", "app"]), Test::Present(draw.below(2) == 0)),
        7 => ("path", text(draw)),
        _ => ("email", text(draw)),
    };
    Predicate::Attribute(AttributeKey::new(name).expect("a name"), test)
}

fn bound(draw: &mut Draw, value: fn(&mut Draw) -> Bound) -> Test {
    let value = value(draw);
    [Test::AtLeast, Test::Above, Test::AtMost, Test::Below][draw.below(4)](value)
}

fn version(draw: &mut Draw) -> Version {
    let end = draw.of(&["", "", "-0"]);
    let text = format!("{}.{}.{}{end}", 7 + draw.below(2), draw.below(3), draw.below(2));
    Version::parse(&text).expect("a version")
}

fn text(draw: &mut Draw) -> Test {
    const PARTS: [&str; 8] = ["a", "b", "ab", "ba", "admin", "@acme.test", ".test", "a@"];
    match draw.below(8) {
        0 => Test::StartsWith(draw.of(&PARTS).into()),
        1 => Test::EndsWith(draw.of(&PARTS).into()),
        2 => Test::Contains(draw.of(&PARTS).into()),
        3 => draw.some(&["a", "ab", "admin@acme.test", "b@shop.test", ""]),
        _ => {
            let (from, to) = (draw.of(&["^", "^", ""]), draw.of(&["$", "$", ""]));
            let body = expression(draw, 0);
            Test::Matches(Pattern::new(&format!("{from}(?:{body}){to}")).expect("a pattern"))
        }
    }
}

fn expression(draw: &mut Draw, level: usize) -> String {
    match draw.below(if level == 0 { 3 } else { 4 + 3 * level }) {
        0 => (0..2 + draw.below(3)).map(|_| expression(draw, level + 1)).collect(),
        1 => format!("(?:{}|{})", expression(draw, level + 1), expression(draw, level + 1)),
        2 => {
            let times = draw.of(&["*", "+", "?", "{2}", "{1,3}", "{2,}"]);
            format!("(?:{}){times}", expression(draw, level + 1))
        }
        _ => draw
            .of(&["a", "b", "ab", "[a-c]", "[^a]", ".", "[0-9]", "[a-z]", "@", r"@acme\.test", "[^@]", "-"])
            .into(),
    }
}
