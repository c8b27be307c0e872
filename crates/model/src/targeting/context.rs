//! A context, read by the types that the book declares, and whether an audience matches it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    Attribute, AttributeKey, AttributeType, Bound, Entity, Number, Predicate, Scalar, Segment, SegmentKey,
    Test,
};

/// The attributes that a book declares, by name.
pub type Attributes = BTreeMap<AttributeKey, Attribute>;

/// The segments of a book, by key.
pub type Segments = BTreeMap<SegmentKey, Segment>;

/// An evaluation context: what a program knows about the unit for whom it asks.
///
/// Attributes are read once, by their declared types. What is absent, null or of another type is missing; so is a
/// version that does not parse. What the book does not declare is only looked at where it is a unit's id.
#[derive(Debug, Clone, PartialEq)]
pub struct Context {
    json: Map<String, Value>,
    values: BTreeMap<AttributeKey, Scalar>,
}

impl Context {
    /// The field that holds a unit's id where its entity names no attribute.
    pub const TARGETING_KEY: &'static str = "targetingKey";

    /// Reads a context's attributes by their declared types.
    pub fn new(json: Map<String, Value>, attributes: &Attributes) -> Self {
        let read = |(name, value): (&String, &Value)| {
            let (key, attribute) = attributes.get_key_value(name.as_str())?;
            Some((key.clone(), read(value, attribute.kind)?))
        };
        let values = json.iter().filter_map(read).collect();
        Self { json, values }
    }

    /// Returns the value of an attribute; `None` where it is missing.
    pub fn get(&self, attribute: &AttributeKey) -> Option<&Scalar> {
        self.values.get(attribute)
    }

    /// Returns the attributes that the context has and that do not read as their declared types, so that they count as
    /// missing: each with its value and the attribute. Null is no value.
    pub fn unreadable<'c, 'a>(
        &'c self,
        attributes: &'a Attributes,
    ) -> impl Iterator<Item = (&'a Attribute, &'c Value)> {
        self.json.iter().filter(|(_, value)| !value.is_null()).filter_map(|(name, value)| {
            let attribute = attributes.get(name.as_str())?;
            self.get(&attribute.key).is_none().then_some((attribute, value))
        })
    }

    /// Returns the id of the unit of an entity; `None` where it is absent, empty or not a string.
    pub fn unit(&self, entity: &Entity) -> Option<&str> {
        let field = entity.context.as_ref().map_or(Self::TARGETING_KEY, AttributeKey::as_str);
        self.json.get(field).and_then(Value::as_str).filter(|id| !id.is_empty())
    }

    /// Returns the context as it was given.
    pub fn json(&self) -> &Map<String, Value> {
        &self.json
    }
}

/// Reads a value by a declared type; `None` where it is of another.
fn read(value: &Value, kind: AttributeType) -> Option<Scalar> {
    match kind {
        AttributeType::String => value.as_str().map(|text| Scalar::String(text.to_owned())),
        AttributeType::Number => value.as_f64().and_then(Number::new).map(Scalar::Number),
        AttributeType::Boolean => value.as_bool().map(Scalar::Boolean),
        AttributeType::Version | AttributeType::LenientVersion => {
            value.as_str().and_then(|text| kind.version(text)).map(Scalar::Version)
        }
    }
}

/// Tells whether a context is in an audience whose segments are inlined (see [`crate::Book::inlined`]).
///
/// A missing attribute satisfies no test but `present: false`, so it satisfies the `not` of every other. A segment
/// that was left in matches nobody.
pub fn matches(predicate: &Predicate, context: &Context) -> bool {
    matches_among(predicate, context, &Segments::new())
}

/// Tells whether a context is in an audience that names segments of a book.
pub fn matches_among(predicate: &Predicate, context: &Context, segments: &Segments) -> bool {
    /// Parts that are still to be looked at. Kept by hand, so that no depth of an audience overflows a stack.
    struct Open<'p> {
        rest: std::slice::Iter<'p, Predicate>,
        all: bool,
        negated: bool,
    }
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut at = predicate;
    loop {
        let mut value = match at {
            Predicate::All(parts) | Predicate::Any(parts) => {
                let all = matches!(at, Predicate::All(_));
                open.push(Open { rest: parts.iter(), all, negated: false });
                all
            }
            Predicate::Not(part) => {
                open.push(Open { rest: std::slice::from_ref(&**part).iter(), all: true, negated: true });
                true
            }
            Predicate::Attribute(attribute, test) => holds(test, context.get(attribute)),
            Predicate::Segment(key) => match segments.get(key) {
                Some(segment) => {
                    at = &segment.audience;
                    continue;
                }
                None => false,
            },
        };
        at = loop {
            let Some(parts) = open.last_mut() else { return value };
            if value == parts.all
                && let Some(part) = parts.rest.next()
            {
                break part;
            }
            value ^= parts.negated;
            open.pop();
        };
    }
}

/// Tells whether a value, or a missing one, satisfies a test. A value of another type than the test's satisfies none.
pub fn holds(test: &Test, value: Option<&Scalar>) -> bool {
    let Some(value) = value else { return matches!(test, Test::Present(false)) };
    let ordered = |bound: &Bound, right: fn(std::cmp::Ordering) -> bool| match (value, bound) {
        (Scalar::Number(value), Bound::Number(bound)) => right(value.cmp(bound)),
        (Scalar::Version(value), Bound::Version(bound)) => right(value.cmp(bound)),
        _ => false,
    };
    let text = || if let Scalar::String(text) = value { Some(text.as_str()) } else { None };
    match test {
        Test::In(set) => set.contains(value),
        Test::AtLeast(bound) => ordered(bound, std::cmp::Ordering::is_ge),
        Test::Above(bound) => ordered(bound, std::cmp::Ordering::is_gt),
        Test::AtMost(bound) => ordered(bound, std::cmp::Ordering::is_le),
        Test::Below(bound) => ordered(bound, std::cmp::Ordering::is_lt),
        Test::StartsWith(part) => text().is_some_and(|text| text.starts_with(part)),
        Test::EndsWith(part) => text().is_some_and(|text| text.ends_with(part)),
        Test::Contains(part) => text().is_some_and(|text| text.contains(part)),
        Test::Matches(pattern) => text().is_some_and(|text| pattern.is_match(text)),
        Test::Present(present) => *present,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Version;

    fn attributes() -> Attributes {
        let kinds = [
            ("country", AttributeType::String),
            ("age", AttributeType::Number),
            ("employee", AttributeType::Boolean),
            ("app", AttributeType::Version),
            ("build", AttributeType::LenientVersion),
        ];
        let declare = |(name, kind)| {
            let key = AttributeKey::new(name).expect("a name");
            let (values, min, max) = (Vec::new(), None, None);
            (key.clone(), Attribute { key, kind, stable: false, values, min, max })
        };
        kinds.into_iter().map(declare).collect()
    }

    fn context(json: Value) -> Context {
        Context::new(json.as_object().expect("an object").clone(), &attributes())
    }

    fn test(attribute: &str, test: Test) -> Predicate {
        Predicate::Attribute(AttributeKey::new(attribute).expect("a name"), test)
    }

    fn number(value: f64) -> Bound {
        Bound::Number(Number::new(value).expect("finite"))
    }

    #[test]
    fn absent_null_and_mistyped_attributes_are_missing() {
        for json in [
            json!({}),
            json!({"age": null, "country": null, "employee": null, "app": null}),
            json!({"age": "30", "country": 7, "employee": "true", "app": 8.2}),
            json!({"age": true, "country": ["SE"], "employee": 0, "app": "v8"}),
            json!({"age": {}, "country": {}, "employee": [], "app": ""}),
        ] {
            let context = context(json);
            for name in ["age", "country", "employee", "app"] {
                assert!(matches(&test(name, Test::Present(false)), &context), "{name} of {context:?}");
                assert!(!matches(&test(name, Test::Present(true)), &context), "{name} of {context:?}");
            }
        }
    }

    #[test]
    fn a_missing_attribute_satisfies_the_not_of_every_operator() {
        let missing = context(json!({}));
        let country = |text: &str| Test::In([Scalar::String(text.to_owned())].into());
        for (name, operator) in [
            ("age", Test::Below(number(10.0))),
            ("age", Test::AtLeast(number(10.0))),
            ("employee", Test::In([Scalar::Boolean(false)].into())),
            ("country", country("")),
            ("country", Test::StartsWith(String::new())),
        ] {
            let predicate = test(name, operator);
            assert!(!matches(&predicate, &missing), "{predicate:?}");
            assert!(matches(&Predicate::Not(Box::new(predicate)), &missing));
        }
    }

    #[test]
    fn comparisons_respect_their_ends() {
        let at = |age: f64| context(json!({"age": age}));
        for (operator, below, equal, above) in [
            (Test::AtLeast(number(3.0)), false, true, true),
            (Test::Above(number(3.0)), false, false, true),
            (Test::AtMost(number(3.0)), true, true, false),
            (Test::Below(number(3.0)), true, false, false),
        ] {
            let predicate = test("age", operator);
            assert_eq!([2.5, 3.0, 3.5].map(|age| matches(&predicate, &at(age))), [below, equal, above]);
        }
    }

    #[test]
    fn versions_compare_as_versions() {
        let at_least = |text| Test::AtLeast(Bound::Version(Version::parse(text).expect("a version")));
        assert!(matches(&test("app", at_least("8.9")), &context(json!({"app": "8.10"}))));
        assert!(!matches(&test("app", at_least("8.2.0")), &context(json!({"app": "8.2.0-rc.1"}))));
        let equal = Test::In([Scalar::Version(Version::parse("8.2").expect("a version"))].into());
        assert!(matches(&test("app", equal), &context(json!({"app": "8.2.0"}))));
    }

    #[test]
    fn only_a_lenient_attribute_reads_a_leading_v_and_a_fourth_number() {
        let below = |name| test(name, Test::Below(Bound::Version(Version::parse("1.3").expect("a version"))));
        for text in ["v1.2.3", "1.2.3.4"] {
            let context = context(json!({"app": text, "build": text}));
            assert!(!matches(&below("app"), &context));
            assert!(matches(&below("build"), &context));
            let attributes = attributes();
            let unreadable: Vec<_> =
                context.unreadable(&attributes).map(|(a, v)| (a.key.as_str(), v)).collect();
            assert_eq!(unreadable, [("app", &json!(text))]);
        }
        assert!(matches(&below("app"), &context(json!({"app": "1.2.9+57", "country": null}))));
    }

    #[test]
    fn a_unit_has_a_string_id_that_is_not_empty() {
        let user = |context| Entity {
            key: crate::EntityKey::new("user").expect("a name"),
            column: crate::ColumnName::new("user_id").expect("a column"),
            context,
            traffic: None,
        };
        let account = AttributeKey::new("account_id").expect("a name");
        let of = |json| context(json).unit(&user(None)).map(str::to_owned);
        assert_eq!(of(json!({"targetingKey": "u-1"})).as_deref(), Some("u-1"));
        for json in [
            json!({}),
            json!({"targetingKey": ""}),
            json!({"targetingKey": 7}),
            json!({"targetingKey": null}),
        ] {
            assert_eq!(of(json), None);
        }
        let shared = context(json!({"targetingKey": "u-1", "account_id": "a-1"}));
        assert_eq!(shared.unit(&user(Some(account))), Some("a-1"));
    }
}
