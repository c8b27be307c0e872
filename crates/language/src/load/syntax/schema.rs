//! Shapes to JSON Schema (draft 2020-12).
//!
//! No schema holds alternatives: where a value may be of several kinds, each keyword speaks of one JSON type only, so
//! they stand side by side and an error deep inside is reported at its place. Besides the standard's keywords there are
//! those that editors know: `markdownDescription`, `enumDescriptions`, `markdownEnumDescriptions`,
//! `patternErrorMessage`.

use serde_json::{Map, Value, json};

use super::shape::{Branch, Branches, Grammar, Key, List, Mapping, Number, Others, Shape, Word, prose};

/// The shared definitions of a schema that is being made.
pub type Definitions = Map<String, Value>;

/// Returns the schema of a shape; what can hold itself goes into the definitions.
pub fn of(shape: Shape, definitions: &mut Definitions) -> Map<String, Value> {
    match shape {
        Shape::Mapping(mapping) => match mapping.definition {
            None => mapping_schema(&mapping, definitions),
            Some(name) => {
                if !definitions.contains_key(name) {
                    // Stands in while its own parts refer to it.
                    definitions.insert(name.into(), Value::Null);
                    let schema = mapping_schema(&mapping, definitions);
                    definitions.insert(name.into(), schema.into());
                }
                object(json!({ "$ref": format!("#/$defs/{name}") }))
            }
        },
        Shape::List(List { items, filled }) => {
            let mut schema = object(json!({ "type": "array", "items": of(items(), definitions) }));
            if filled {
                schema.insert("minItems".into(), 1.into());
            }
            schema
        }
        Shape::Words(words) => words_schema(words),
        Shape::Name(_, grammar) | Shape::Text(grammar) => text_schema(&grammar),
        Shape::Boolean => object(json!({ "type": "boolean" })),
        Shape::Number(Number::Finite) => object(json!({ "type": "number" })),
        Shape::Number(Number::Positive) => object(json!({ "type": "number", "exclusiveMinimum": 0 })),
        Shape::Number(Number::Whole) => {
            object(json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }))
        }
        Shape::Literal { ordered: false } => object(json!({ "type": ["string", "number", "boolean"] })),
        Shape::Literal { ordered: true } => object(json!({ "type": ["string", "number"] })),
        Shape::VariantValue => object(json!({
            "type": ["boolean", "string", "number", "object"],
            "not": { "type": "object", "required": ["file"], "maxProperties": 1 },
        })),
        Shape::JsonSchema => object(json!({ "type": "object" })),
        Shape::Either(parts) => either(parts, definitions),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// Adds what people read about a schema.
fn describe(schema: &mut Map<String, Value>, doc: &str) {
    let text = prose(doc);
    if text.is_empty() {
        return;
    }
    // Editors escape a plain description, and then show the backticks.
    if text.contains('`') {
        schema.insert("markdownDescription".into(), text.clone().into());
    } else {
        schema.shift_remove("markdownDescription");
    }
    schema.insert("description".into(), text.into());
}

fn mapping_schema(mapping: &Mapping, definitions: &mut Definitions) -> Map<String, Value> {
    let mut schema = Map::new();
    describe(&mut schema, mapping.doc);
    schema.insert("type".into(), "object".into());
    if !mapping.keys.is_empty() {
        let properties: Map<_, _> =
            mapping.keys.iter().map(|key| (key.name.to_owned(), property(key, definitions))).collect();
        schema.insert("properties".into(), properties.into());
    }
    let others = mapping.others.map(|others| others_schema(mapping, &others, definitions));
    schema.extend(others.unwrap_or_else(|| object(json!({ "additionalProperties": false }))));
    let required: Vec<_> = mapping.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    let all = mapping.one_of.len() == mapping.keys.len();
    if mapping.filled || (all && !mapping.one_of.is_empty()) {
        schema.insert("minProperties".into(), 1.into());
    }
    if !mapping.one_of.is_empty() {
        if all {
            schema.insert("maxProperties".into(), 1.into());
        } else {
            let branches: Vec<_> = mapping.one_of.iter().map(|name| json!({ "required": [name] })).collect();
            schema.insert("oneOf".into(), branches.into());
        }
    }
    if let Some(branches) = mapping.branches {
        let conditions: Vec<_> =
            branches.branches.iter().map(|branch| condition(&branches, branch)).collect();
        schema.insert("allOf".into(), conditions.into());
    }
    schema
}

/// Returns what the schema demands of one kind: an editor then names the branch that was meant.
fn condition(branches: &Branches, branch: &Branch) -> Value {
    let refused: Map<_, _> =
        branches.others(branch).map(|name| (name.to_owned(), Value::Bool(false))).collect();
    json!({
        "if": { "required": [branches.tag], "properties": { branches.tag: { "enum": branch.kinds } } },
        "then": { "required": branch.needs, "properties": refused },
    })
}

fn property(key: &Key, definitions: &mut Definitions) -> Value {
    let mut schema = of((key.shape)(), definitions);
    describe(&mut schema, key.doc);
    if let Some(default) = key.default.and_then(|text| serde_json::from_str(text).ok()) {
        schema.insert("default".into(), default);
    }
    schema.into()
}

/// The keys that the author chooses: all of them, or those that a pattern leaves beside the mapping's own.
fn others_schema(mapping: &Mapping, others: &Others, definitions: &mut Definitions) -> Map<String, Value> {
    let mut value = of((others.shape)(), definitions);
    if !others.doc.is_empty() {
        describe(&mut value, others.doc);
    }
    let pattern = match (others.names)() {
        Shape::Name(_, grammar) | Shape::Text(grammar) => grammar,
        _ => Grammar { expected: "", pattern: "", examples: &[] },
    };
    if mapping.keys.is_empty() {
        let mut schema = Map::new();
        if !pattern.pattern.is_empty() {
            let mut names = text_schema(&pattern);
            names.shift_remove("type");
            schema.insert("propertyNames".into(), names.into());
        }
        schema.insert("additionalProperties".into(), value.into());
        return schema;
    }
    let own: Vec<_> = mapping.keys.iter().map(|key| key.name).collect();
    let rest = pattern.pattern.strip_prefix('^').unwrap_or(pattern.pattern);
    let pattern = format!("^(?!({})$){rest}", own.join("|"));
    object(json!({ "patternProperties": { pattern: value }, "additionalProperties": false }))
}

fn text_schema(grammar: &Grammar) -> Map<String, Value> {
    let mut schema = object(json!({ "type": "string" }));
    if !grammar.pattern.is_empty() {
        schema.insert("pattern".into(), grammar.pattern.into());
        schema.insert("patternErrorMessage".into(), format!("expected {}", grammar.expected).into());
    }
    if !grammar.examples.is_empty() {
        schema.insert("examples".into(), grammar.examples.into());
    }
    schema
}

fn words_schema(words: &[Word]) -> Map<String, Value> {
    let names: Vec<_> = words.iter().map(|word| word.word).collect();
    let docs: Vec<_> = words.iter().map(|word| prose(word.doc)).collect();
    let mut schema = object(json!({ "type": "string", "enum": names }));
    if docs.iter().any(|doc| !doc.is_empty()) {
        schema.insert("enumDescriptions".into(), docs.clone().into());
        schema.insert("markdownEnumDescriptions".into(), docs.into());
    }
    schema
}

/// Puts the schemas of several shapes into one. A keyword speaks of one JSON type, so those of different types do not
/// meet; two patterns of text become one.
fn either(parts: &[fn() -> Shape], definitions: &mut Definitions) -> Map<String, Value> {
    let mut schema = Map::new();
    for part in parts {
        let part = match part() {
            // An `enum` would speak of every type.
            Shape::Words(words) => {
                let names: Vec<_> = words.iter().map(|word| word.word).collect();
                let expected = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
                object(json!({
                    "type": "string",
                    "pattern": format!("^({})$", names.join("|")),
                    "patternErrorMessage": format!("expected {expected}"),
                    "examples": names,
                }))
            }
            shape => of(shape, definitions),
        };
        for (keyword, value) in part {
            let value = match (&*keyword, schema.get(&keyword)) {
                (_, None) => value,
                ("type", Some(before)) => types(before, &value),
                ("pattern", Some(before)) => joined(before, "|", &value),
                ("patternErrorMessage", Some(before)) => {
                    let value = value.as_str().unwrap_or_default().trim_start_matches("expected ").into();
                    joined(before, " or ", &value)
                }
                ("examples", Some(before)) => both(before, &value),
                (_, Some(before)) => before.clone(),
            };
            schema.insert(keyword, value);
        }
    }
    schema
}

fn both(a: &Value, b: &Value) -> Value {
    a.as_array().into_iter().flatten().chain(b.as_array().into_iter().flatten()).cloned().collect()
}

fn types(a: &Value, b: &Value) -> Value {
    let names = |value: &Value| match value {
        Value::Array(names) => names.clone(),
        name => vec![name.clone()],
    };
    let mut all = names(a);
    all.extend(names(b).into_iter().filter(|name| !names(a).contains(name)));
    if let [one] = all.as_slice() { one.clone() } else { all.into() }
}

fn joined(a: &Value, between: &str, b: &Value) -> Value {
    format!("{}{between}{}", a.as_str().unwrap_or_default(), b.as_str().unwrap_or_default()).into()
}
