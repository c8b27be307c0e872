//! A flag's schema: which part of JSON Schema 2020-12 it may use, and what holding a value to it may cost.
//!
//! A schema comes with a pull request, so it may neither read anything nor take long: references stay within its own
//! `$defs` and form no cycle, patterns are matched in linear time, and the work is bounded before it is done. What is not
//! known is refused, because a validator would pass over it.

use std::collections::BTreeMap;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value};
use trialbook_language::load::suggestion;

/// The longest schema, in bytes of JSON.
const LONGEST: usize = 64 << 10;

/// How many schemas a schema may be, with every reference replaced by what it names.
const LARGEST: u64 = 10_000;

/// How many references may lead from one to the next.
const DEEPEST: usize = 32;

/// How many places of a schema a place of a value may be held to, over all places of the value.
const MOST_WORK: u64 = 20_000_000;

/// The compiled size of a pattern, in bytes.
const LARGEST_PATTERN: usize = 1 << 20;

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// What is wrong with a schema, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The place in the schema, as a JSON pointer.
    pub(super) pointer: String,
    /// What is wrong, as a fragment.
    pub(super) message: String,
    /// What to do.
    pub(super) help: String,
}

/// A schema that values can be held to.
pub(super) struct FlagSchema {
    validator: Validator,
    size: u64,
}

/// What of a value does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Misfit {
    /// The place in the value, as a JSON pointer.
    pub(super) pointer: String,
    /// The place in the schema, as a JSON pointer.
    pub(super) schema: String,
    /// What is wrong, as a fragment.
    pub(super) message: String,
}

impl FlagSchema {
    /// Makes a schema ready to use.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, at its place.
    pub(super) fn new(schema: &Value) -> Result<Self, Vec<Fault>> {
        let at_root = |message: String, help: &str| {
            vec![Fault { pointer: String::new(), message, help: help.to_owned() }]
        };
        if schema.to_string().len() > LONGEST {
            let message = format!("the schema has more than {} KB", LONGEST >> 10);
            return Err(at_root(message, "check fewer details of the values"));
        }
        let mut reading = Reading { root: schema, faults: Vec::new() };
        reading.schema(schema, "");
        if !reading.faults.is_empty() {
            return Err(reading.faults);
        }
        let mut sizes = Sizes { root: schema, known: BTreeMap::new(), open: Vec::new() };
        let size = sizes.of(schema).map_err(|fault| vec![fault])?;
        let options = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .with_pattern_options(PatternOptions::regex().size_limit(LARGEST_PATTERN))
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false);
        let validator = options.build(schema).map_err(|error| {
            let pointer = error.instance_path().to_string();
            let message = short(&error.to_string());
            vec![Fault { pointer, message, help: "correct the schema; it is JSON Schema 2020-12".to_owned() }]
        })?;
        Ok(Self { validator, size })
    }

    /// Returns what of a value does not fit, the first `most` of it.
    ///
    /// # Errors
    ///
    /// Where value and schema are too large to be held against each other, how many steps that would take.
    pub(super) fn misfits(&self, value: &Value, most: usize) -> Result<Vec<Misfit>, u64> {
        let work = self.size.saturating_mul(places(value));
        if work > MOST_WORK {
            return Err(work);
        }
        let misfit = |error: jsonschema::ValidationError<'_>| Misfit {
            pointer: error.instance_path().to_string(),
            schema: error.schema_path().to_string(),
            message: short(&error.masked().to_string()),
        };
        let mut found: Vec<Misfit> = self.validator.iter_errors(value).take(most).map(misfit).collect();
        // By place, whatever order the schema's keywords have.
        found.sort_by(|a, b| a.pointer.cmp(&b.pointer));
        Ok(found)
    }
}

/// Returns how many values there are in a value, itself included.
fn places(value: &Value) -> u64 {
    1 + match value {
        Value::Array(items) => items.iter().map(places).sum(),
        Value::Object(members) => members.values().map(places).sum(),
        _ => 0,
    }
}

fn short(text: &str) -> String {
    const LONGEST: usize = 200;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// What stands behind a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A schema.
    Schema,
    /// A list of schemas.
    Schemas,
    /// Schemas by name.
    Named,
    /// A reference.
    Reference,
    /// The dialect.
    Dialect,
    /// Anything else: the validator's own check reads it.
    Plain,
}

const KEYWORDS: [(&str, Holds); 50] = [
    ("$schema", Holds::Dialect),
    ("$ref", Holds::Reference),
    ("$defs", Holds::Named),
    ("$comment", Holds::Plain),
    ("allOf", Holds::Schemas),
    ("anyOf", Holds::Schemas),
    ("oneOf", Holds::Schemas),
    ("prefixItems", Holds::Schemas),
    ("not", Holds::Schema),
    ("if", Holds::Schema),
    ("then", Holds::Schema),
    ("else", Holds::Schema),
    ("items", Holds::Schema),
    ("contains", Holds::Schema),
    ("additionalProperties", Holds::Schema),
    ("propertyNames", Holds::Schema),
    ("unevaluatedItems", Holds::Schema),
    ("unevaluatedProperties", Holds::Schema),
    ("properties", Holds::Named),
    ("patternProperties", Holds::Named),
    ("dependentSchemas", Holds::Named),
    ("type", Holds::Plain),
    ("enum", Holds::Plain),
    ("const", Holds::Plain),
    ("multipleOf", Holds::Plain),
    ("maximum", Holds::Plain),
    ("exclusiveMaximum", Holds::Plain),
    ("minimum", Holds::Plain),
    ("exclusiveMinimum", Holds::Plain),
    ("maxLength", Holds::Plain),
    ("minLength", Holds::Plain),
    ("pattern", Holds::Plain),
    ("maxItems", Holds::Plain),
    ("minItems", Holds::Plain),
    ("uniqueItems", Holds::Plain),
    ("maxContains", Holds::Plain),
    ("minContains", Holds::Plain),
    ("maxProperties", Holds::Plain),
    ("minProperties", Holds::Plain),
    ("required", Holds::Plain),
    ("dependentRequired", Holds::Plain),
    ("format", Holds::Plain),
    ("title", Holds::Plain),
    ("description", Holds::Plain),
    ("default", Holds::Plain),
    ("examples", Holds::Plain),
    ("deprecated", Holds::Plain),
    ("readOnly", Holds::Plain),
    ("writeOnly", Holds::Plain),
    ("$vocabulary", Holds::Dialect),
];

fn holds(keyword: &str) -> Option<Holds> {
    KEYWORDS.iter().find(|(known, _)| *known == keyword).map(|(_, holds)| *holds)
}

/// Returns the schemas that stand behind a keyword, each with its place below the keyword.
fn below<'v>(keyword: &str, value: &'v Value) -> Vec<(String, &'v Value)> {
    match (holds(keyword), value) {
        (Some(Holds::Schema), schema) => vec![(String::new(), schema)],
        (Some(Holds::Schemas), Value::Array(schemas)) => {
            schemas.iter().enumerate().map(|(at, schema)| (format!("/{at}"), schema)).collect()
        }
        (Some(Holds::Named), Value::Object(schemas)) => {
            schemas.iter().map(|(name, schema)| (format!("/{}", escaped(name)), schema)).collect()
        }
        _ => Vec::new(),
    }
}

/// Writes a name as a part of a JSON pointer (RFC 6901).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Returns what a reference names: `#/$defs/NAME`.
fn referred<'v>(root: &'v Value, reference: &str) -> Option<&'v Value> {
    let name = reference.strip_prefix("#/$defs/")?;
    root.get("$defs")?.get(name.replace("~1", "/").replace("~0", "~"))
}

/// Checks a schema for what it may not contain.
struct Reading<'v> {
    root: &'v Value,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn fault(&mut self, pointer: String, message: String, help: impl Into<String>) {
        self.faults.push(Fault { pointer, message, help: help.into() });
    }

    fn schema(&mut self, schema: &Value, pointer: &str) {
        let Value::Object(members) = schema else {
            if !schema.is_boolean() {
                let message = "a schema is a mapping, `true` or `false`".to_owned();
                self.fault(pointer.to_owned(), message, "write a mapping such as `{type: string}`");
            }
            return;
        };
        for (keyword, value) in members {
            let place = format!("{pointer}/{}", escaped(keyword));
            match holds(keyword) {
                None => {
                    let help = suggestion(keyword, KEYWORDS.iter().map(|(known, _)| *known));
                    let message = format!("`{keyword}` is no keyword that a flag's schema may use");
                    self.fault(place, message, help);
                    continue;
                }
                Some(Holds::Reference) => self.reference(value, place),
                Some(Holds::Dialect) if keyword != "$schema" || value != DIALECT => {
                    let message = "a flag's schema is JSON Schema 2020-12".to_owned();
                    self.fault(place, message, format!("take it out, or write `$schema: {DIALECT}`"));
                }
                Some(_) => {
                    for (rest, schema) in below(keyword, value) {
                        self.schema(schema, &format!("{place}{rest}"));
                    }
                }
            }
        }
    }

    fn reference(&mut self, value: &Value, place: String) {
        let Some(reference) = value.as_str() else {
            return self.fault(place, "a reference is text".to_owned(), "write `$ref: \"#/$defs/NAME\"`");
        };
        if referred(self.root, reference).is_some() {
            return;
        }
        let named = self.root.get("$defs").and_then(Value::as_object).map(Map::keys);
        let (message, help) = match reference.strip_prefix("#/$defs/") {
            Some(name) => (
                format!("the schema has no `$defs` called `{name}`"),
                suggestion(name, named.into_iter().flatten().map(String::as_str)),
            ),
            None => (
                "a reference may only name a schema of the flag's own `$defs`".to_owned(),
                "write `$ref: \"#/$defs/NAME\"`; nothing is read from elsewhere".into(),
            ),
        };
        self.fault(place, message, help);
    }
}

/// Counts schemas, with every reference replaced by what it names.
struct Sizes<'v> {
    root: &'v Value,
    known: BTreeMap<&'v str, u64>,
    open: Vec<&'v str>,
}

impl<'v> Sizes<'v> {
    fn of(&mut self, schema: &'v Value) -> Result<u64, Fault> {
        let mut size = 1u64;
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            if keyword == "$ref" {
                size += value.as_str().map_or(Ok(0), |reference| self.referred(reference))?;
            }
            // What is defined counts where it is used.
            for (_, inner) in below(keyword, value).into_iter().filter(|_| keyword != "$defs") {
                size += self.of(inner)?;
            }
            if size > LARGEST {
                return Err(fault(
                    "$defs",
                    format!("with its references replaced, the schema has more than {LARGEST} parts"),
                    "check fewer details of the values",
                ));
            }
        }
        Ok(size)
    }

    fn referred(&mut self, reference: &'v str) -> Result<u64, Fault> {
        if let Some(size) = self.known.get(reference) {
            return Ok(*size);
        }
        let name = reference.strip_prefix("#/").unwrap_or(reference);
        if self.open.contains(&reference) {
            let message = "a schema that refers to itself is not supported".to_owned();
            return Err(fault(name, message, "write out as many levels as the values have"));
        }
        if self.open.len() == DEEPEST {
            let message = format!("more than {DEEPEST} references lead from one to the next");
            return Err(fault(name, message, "write what is referred to in place of the reference"));
        }
        self.open.push(reference);
        let size = referred(self.root, reference).map_or(Ok(0), |schema| self.of(schema))?;
        self.open.pop();
        self.known.insert(reference, size);
        Ok(size)
    }
}

fn fault(pointer: &str, message: String, help: &str) -> Fault {
    Fault { pointer: format!("/{pointer}"), message, help: help.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(schema: Value) -> Vec<(String, String)> {
        match FlagSchema::new(&schema) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect(),
        }
    }

    #[test]
    fn a_schema_holds_values_to_what_it_says() {
        let schema = json!({
            "$defs": {"colour": {"type": "string", "pattern": "^#[0-9a-f]{6}$"}},
            "properties": {"button": {"$ref": "#/$defs/colour"}, "size": {"type": "integer", "minimum": 1}},
            "required": ["button"], "additionalProperties": false,
        });
        let schema = FlagSchema::new(&schema).unwrap_or_else(|faults| panic!("{faults:?}"));
        let misfits = |value: Value| -> Vec<String> {
            let found = schema.misfits(&value, 10).expect("little work");
            found.into_iter().map(|misfit| misfit.pointer).collect()
        };
        assert_eq!(misfits(json!({"button": "#00ff00", "size": 2})), [""; 0]);
        assert_eq!(misfits(json!({"button": "green", "size": 0})), ["/button", "/size"]);
        assert_eq!(misfits(json!({"size": 1.5, "other": 1})), ["", "", "/size"]);
    }

    #[test]
    fn nothing_is_read_from_elsewhere() {
        for reference in
            ["https://example.com/s.json", "file:///etc/passwd", "other.json", "#", "#/properties/a", "//x"]
        {
            let found = faults(json!({"properties": {"a": {"$ref": reference}}}));
            assert_eq!(found.len(), 1, "{reference}: {found:?}");
            assert_eq!(found[0].0, "/properties/a/$ref", "{reference}");
        }
        for keyword in
            ["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "definitions", "needed"]
        {
            let found = faults(json!({keyword: "x"}));
            assert_eq!(found.first().map(|found| found.0.as_str()), Some(format!("/{keyword}").as_str()));
        }
        // A property, a value or a default may have any name.
        assert_eq!(faults(json!({"properties": {"$ref": true, "$id": true}, "const": {"$ref": "x"}})), []);
    }

    #[test]
    fn a_schema_cannot_be_made_expensive() {
        assert!(
            faults(json!({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}))[0]
                .1
                .contains("itself")
        );
        let twice = |n: usize| {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            (format!("d{n}"), json!({"allOf": [next, next]}))
        };
        let mut defs: Map<String, Value> = (0..30).map(twice).collect();
        defs.insert("d30".into(), json!(true));
        assert!(faults(json!({"$defs": defs, "$ref": "#/$defs/d0"}))[0].1.contains("10000 parts"));
        let chain = |n: usize| (format!("d{n}"), json!({"$ref": format!("#/$defs/d{}", n + 1)}));
        let mut defs: Map<String, Value> = (0..100).map(chain).collect();
        defs.insert("d100".into(), json!(true));
        assert!(faults(json!({"$defs": defs, "$ref": "#/$defs/d0"}))[0].1.contains("32 references"));
        assert!(faults(json!({"description": "x".repeat(70_000)}))[0].1.contains("64 KB"));
        let wide: Map<String, Value> = (0..2_000).map(|n| (format!("p{n}"), json!(true))).collect();
        let schema =
            FlagSchema::new(&json!({"properties": wide})).unwrap_or_else(|faults| panic!("{faults:?}"));
        let large = json!({"list": (0..20_000).collect::<Vec<_>>()});
        assert!(schema.misfits(&large, 10).is_err());
        // A pattern is matched in linear time, so one with look-around is refused.
        assert_eq!(faults(json!({"properties": {"a": {"pattern": "^(?=a)b"}}})).len(), 1);
        let slow =
            FlagSchema::new(&json!({"pattern": "^(a+)+$"})).unwrap_or_else(|faults| panic!("{faults:?}"));
        assert_eq!(
            slow.misfits(&json!(format!("{}!", "a".repeat(50_000))), 1).map(|found| found.len()),
            Ok(1)
        );
    }

    #[test]
    fn a_schema_of_the_wrong_shape_is_a_fault_at_its_place() {
        for (schema, place) in [
            (json!({"type": "strnig"}), "/type"),
            (json!({"properties": {"a": {"minimum": "1"}}}), "/properties/a/minimum"),
            (json!({"properties": {"a/b": 7}}), "/properties/a~1b"),
            (json!({"required": "a"}), "/required"),
            (json!({"$schema": "http://json-schema.org/draft-04/schema#"}), "/$schema"),
            (json!(7), ""),
        ] {
            let found = faults(schema.clone());
            assert_eq!(found.first().map(|found| found.0.as_str()), Some(place), "{schema} {found:?}");
        }
    }
}
