//! JsonLogic, as flagd evaluates it, in the words of a book.
//!
//! flagd's evaluators take a missing attribute for `null`, and JsonLogic coerces that: it is 0 where numbers are ordered or
//! compared with a number, and false where it is compared with a boolean. So `{"<": [{"var": "age"}, 18]}` holds without an age. This
//! is written out where it matters. What they do with values of another type than the one compared with is not: for a book those
//! count as missing. Tried in November 2026 against `@openfeature/flagd-core` 4.0.1 and `openfeature-flagd-core` 2.0.0, which agree on all of it;
//! `tests/parity` keeps trying.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ImportedRule, NotImported};
use trialbook_model::{AttributeKey, AttributeType, VariantKey};

/// How deep conditions may be nested.
const DEEPEST: usize = 60;

/// How many rules one flag may become.
const MOST_RULES: usize = 1_000;

/// What the logic of one flag may use, and the types of the attributes that it does use.
pub(super) struct Logic<'a> {
    pub(super) variants: &'a [(VariantKey, Value)],
    pub(super) default: &'a VariantKey,
    pub(super) evaluators: &'a Map<String, Value>,
    /// `None`: only asked whether it is there.
    pub(super) types: BTreeMap<AttributeKey, Option<AttributeType>>,
    pub(super) rules: Vec<ImportedRule>,
}

/// An audience as it is written in a book, in the form that [`all`], [`any`] and [`not`] make; or [`NOBODY`].
type Audience = Value;

/// The audience of nobody, which a book has no word for. No part of an audience is this.
const NOBODY: Audience = Value::Null;

/// The audience of everybody.
pub(super) fn everybody() -> Audience {
    json!({})
}

impl<'a> Logic<'a> {
    /// Adds the rules of a result: whoever `guards` all match is served what it serves. Returns whether it decides for all of them.
    pub(super) fn serve(
        &mut self,
        result: &'a Value,
        guards: &[Audience],
        depth: usize,
    ) -> Result<(), NotImported> {
        if depth > DEEPEST || self.rules.len() > MOST_RULES {
            return Err(NotImported::Depth);
        }
        let variant = match result {
            Value::Null => self.default.clone(),
            Value::String(name) => self.variant(name)?,
            // flagd serves the variant of this name.
            Value::Bool(name) => self.variant(&name.to_string())?,
            Value::Object(members) => {
                let (operator, argument) = only(members)?;
                return match operator {
                    "if" | "?:" => self.choose(items(argument), guards, depth),
                    "$ref" => {
                        let shared = self.reference(argument)?;
                        self.serve(shared, guards, depth + 1)
                    }
                    "fractional" => Err(NotImported::Draw),
                    other => Err(NotImported::Operator(other.to_owned())),
                };
            }
            Value::Number(_) | Value::Array(_) => return Err(NotImported::Shape("a variant or a condition")),
        };
        let when = all(guards.to_vec());
        if when != NOBODY {
            self.rules.push(ImportedRule { when, serve: variant });
        }
        Ok(())
    }

    fn choose(&mut self, parts: &'a [Value], guards: &[Audience], depth: usize) -> Result<(), NotImported> {
        let mut parts = parts.iter();
        while let Some(part) = parts.next() {
            // An odd part at the end is what everybody else is served.
            let Some(result) = parts.next() else { return self.serve(part, guards, depth + 1) };
            let when = self.holds(part, depth + 1)?;
            let guards: Vec<Audience> = guards.iter().cloned().chain([when]).collect();
            self.serve(result, &guards, depth + 1)?;
        }
        self.serve(&Value::Null, guards, depth + 1)
    }

    fn variant(&self, name: &str) -> Result<VariantKey, NotImported> {
        let found = self.variants.iter().find(|(key, _)| key.as_str() == name);
        found.map(|(key, _)| key.clone()).ok_or_else(|| NotImported::UnknownVariant(name.to_owned()))
    }

    fn reference(&self, name: &Value) -> Result<&'a Value, NotImported> {
        let name = name.as_str().unwrap_or_default();
        self.evaluators.get(name).ok_or_else(|| NotImported::Reference(name.to_owned()))
    }

    /// Returns the audience for which an expression is true.
    fn holds(&mut self, expression: &'a Value, depth: usize) -> Result<Audience, NotImported> {
        if depth > DEEPEST {
            return Err(NotImported::Depth);
        }
        let Value::Object(members) = expression else {
            return match expression {
                Value::Bool(true) => Ok(everybody()),
                Value::Bool(false) | Value::Null => Ok(NOBODY),
                _ => Err(NotImported::Shape("a condition")),
            };
        };
        let (operator, argument) = only(members)?;
        let arguments = items(argument);
        match operator {
            "and" | "or" if !arguments.is_empty() => {
                let parts = arguments.iter().map(|part| self.holds(part, depth + 1));
                let parts = parts.collect::<Result<Vec<_>, _>>()?;
                Ok(if operator == "and" { all(parts) } else { any(parts) })
            }
            "!" | "!!" => {
                let [part] = arguments else { return Err(comparison(expression)) };
                let holds = self.holds(part, depth + 1)?;
                Ok(if operator == "!" { not(holds) } else { holds })
            }
            "$ref" => {
                let shared = self.reference(argument)?;
                self.holds(shared, depth + 1)
            }
            "var" => {
                let name = self.typed(expression, AttributeType::Boolean)?;
                Ok(leaf(&name, json!(true)))
            }
            "==" | "===" => self.equal(expression, arguments, operator == "==", false),
            "!=" | "!==" => self.equal(expression, arguments, operator == "!=", true),
            "<" | "<=" | ">" | ">=" => self.ordered(expression, operator, arguments),
            "in" => self.within(expression, arguments),
            "starts_with" | "ends_with" => {
                let [value, Value::String(text)] = arguments else { return Err(comparison(expression)) };
                let name = self.typed(value, AttributeType::String)?;
                Ok(leaf(&name, json!({operator: text})))
            }
            "sem_ver" => self.version(expression, arguments),
            "fractional" => Err(NotImported::Draw),
            other => Err(NotImported::Operator(other.to_owned())),
        }
    }

    fn equal(
        &mut self,
        expression: &Value,
        arguments: &[Value],
        coerces: bool,
        negated: bool,
    ) -> Result<Audience, NotImported> {
        let [left, right] = arguments else { return Err(comparison(expression)) };
        let (value, constant) = if left.is_object() { (left, right) } else { (right, left) };
        let holds = match constant {
            Value::Null => {
                let name = self.attribute(value)?;
                self.types.entry(key(&name)?).or_insert(None);
                absent(&name)
            }
            Value::String(_) => leaf(&self.typed(value, AttributeType::String)?, constant.clone()),
            Value::Number(number) => {
                let holds = leaf(&self.typed(value, AttributeType::Number)?, constant.clone());
                self.or_absent(holds, value, coerces && number.as_f64() == Some(0.0))?
            }
            Value::Bool(flag) => {
                let holds = leaf(&self.typed(value, AttributeType::Boolean)?, constant.clone());
                self.or_absent(holds, value, coerces && !flag)?
            }
            Value::Array(_) | Value::Object(_) => return Err(comparison(expression)),
        };
        Ok(if negated { not(holds) } else { holds })
    }

    fn ordered(
        &mut self,
        expression: &Value,
        operator: &str,
        arguments: &[Value],
    ) -> Result<Audience, NotImported> {
        let number = |value: &Value| value.as_f64();
        let absent_is_in: bool;
        let (value, test) = match arguments {
            [value @ Value::Object(_), bound] => {
                let limit = number(bound).ok_or_else(|| comparison(expression))?;
                absent_is_in = compares(operator, 0.0, limit);
                (value, json!({word(operator): bound}))
            }
            [bound, value @ Value::Object(_)] => {
                let limit = number(bound).ok_or_else(|| comparison(expression))?;
                absent_is_in = compares(operator, limit, 0.0);
                (value, json!({word(turned(operator)): bound}))
            }
            [from, value @ Value::Object(_), to] => {
                let limits = number(from).zip(number(to)).ok_or_else(|| comparison(expression))?;
                absent_is_in = compares(operator, limits.0, 0.0) && compares(operator, 0.0, limits.1);
                (value, json!({word(turned(operator)): from, word(operator): to}))
            }
            _ => return Err(comparison(expression)),
        };
        let holds = leaf(&self.typed(value, AttributeType::Number)?, test);
        self.or_absent(holds, value, absent_is_in)
    }

    fn within(&mut self, expression: &Value, arguments: &[Value]) -> Result<Audience, NotImported> {
        let (value, kind, test) = match arguments {
            [value @ Value::Object(_), Value::Array(values)] => {
                let kind = match values.first() {
                    Some(Value::String(_)) => AttributeType::String,
                    Some(Value::Number(_)) => AttributeType::Number,
                    // Nothing is in an empty list.
                    None => return Ok(NOBODY),
                    Some(_) => return Err(comparison(expression)),
                };
                let fits = |value: &Value| match kind {
                    AttributeType::String => value.is_string(),
                    _ => value.is_number(),
                };
                if !values.iter().all(fits) {
                    return Err(comparison(expression));
                }
                (value, kind, json!({"in": values}))
            }
            [Value::String(text), value @ Value::Object(_)] => {
                (value, AttributeType::String, json!({"contains": text}))
            }
            _ => return Err(comparison(expression)),
        };
        Ok(leaf(&self.typed(value, kind)?, test))
    }

    fn version(&mut self, expression: &Value, arguments: &[Value]) -> Result<Audience, NotImported> {
        let [value, Value::String(operator), Value::String(version)] = arguments else {
            return Err(comparison(expression));
        };
        if !trialbook_model::Version::parse(version).is_ok_and(|version| version.is_exact()) {
            return Err(comparison(expression));
        }
        let name = self.typed(value, AttributeType::LenientVersion)?;
        Ok(match operator.as_str() {
            "=" => leaf(&name, json!(version)),
            // Without a version it does not hold either.
            "!=" => all(vec![leaf(&name, json!({"present": true})), not(leaf(&name, json!(version)))]),
            "<" | "<=" | ">" | ">=" => leaf(&name, json!({word(operator): version})),
            other => return Err(NotImported::Operator(format!("sem_ver {other}"))),
        })
    }

    /// Adds those who do not have the attribute, where `also`.
    fn or_absent(&self, holds: Audience, value: &Value, also: bool) -> Result<Audience, NotImported> {
        Ok(if also { any(vec![holds, absent(&self.attribute(value)?)]) } else { holds })
    }

    /// Returns the attribute that an expression reads, and notes what it is taken for.
    fn typed(&mut self, value: &Value, kind: AttributeType) -> Result<String, NotImported> {
        let name = self.attribute(value)?;
        let attribute = key(&name)?;
        let noted = self.types.entry(attribute.clone()).or_insert(None);
        match noted {
            Some(there) if *there != kind => Err(NotImported::Type { attribute, here: kind, there: *there }),
            _ => {
                *noted = Some(kind);
                Ok(name)
            }
        }
    }

    fn attribute(&self, value: &Value) -> Result<String, NotImported> {
        let name = match value.get("var") {
            Some(Value::String(name)) => name,
            Some(Value::Array(parts)) => match parts.as_slice() {
                [Value::String(name)] => name,
                _ => return Err(comparison(value)),
            },
            _ => return Err(comparison(value)),
        };
        key(name).map(|key| key.to_string())
    }
}

fn key(name: &str) -> Result<AttributeKey, NotImported> {
    // Words of an audience are no attributes of a book.
    let word = ["all", "any", "not", "segment"].contains(&name);
    AttributeKey::new(if word { "" } else { name }).map_err(|_| NotImported::Attribute(name.to_owned()))
}

/// Returns the operator of an expression, and what it is applied to.
fn only(members: &Map<String, Value>) -> Result<(&str, &Value), NotImported> {
    let mut members = members.iter();
    match (members.next(), members.next()) {
        (Some((operator, argument)), None) => Ok((operator, argument)),
        _ => Err(NotImported::Shape("an expression with one operator")),
    }
}

/// Returns the arguments of an operator: one may stand without brackets.
fn items(argument: &Value) -> &[Value] {
    match argument {
        Value::Array(items) => items,
        other => std::slice::from_ref(other),
    }
}

fn comparison(expression: &Value) -> NotImported {
    NotImported::Comparison(expression.to_string().chars().take(200).collect())
}

fn compares(operator: &str, left: f64, right: f64) -> bool {
    match operator {
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        _ => left >= right,
    }
}

fn word(operator: &str) -> &'static str {
    match operator {
        "<" => "below",
        "<=" => "at_most",
        ">" => "above",
        _ => "at_least",
    }
}

/// The operator with its sides exchanged.
fn turned(operator: &str) -> &'static str {
    match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        _ => "<=",
    }
}

fn leaf(name: &str, test: Value) -> Audience {
    json!({name: test})
}

fn absent(name: &str) -> Audience {
    json!({name: {"present": false}})
}

fn not(audience: Audience) -> Audience {
    match audience.as_object().map(|members| (members.len(), members.get("not"))) {
        None => everybody(),
        Some((0, _)) => NOBODY,
        Some((1, Some(inner))) => inner.clone(),
        Some(_) => json!({"not": audience}),
    }
}

fn any(parts: Vec<Audience>) -> Audience {
    let mut parts: Vec<_> = parts.into_iter().filter(|part| *part != NOBODY).collect();
    if parts.contains(&everybody()) {
        return everybody();
    }
    match parts.len() {
        0 => NOBODY,
        1 => parts.remove(0),
        _ => json!({"any": parts}),
    }
}

/// Returns the audience of those who are in all of some: as one mapping where no key occurs twice.
fn all(parts: Vec<Audience>) -> Audience {
    if parts.contains(&NOBODY) {
        return NOBODY;
    }
    let mut merged = Map::new();
    for part in &parts {
        for (key, value) in part.as_object().into_iter().flatten() {
            if merged.insert(key.clone(), value.clone()).is_some() {
                let parts: Vec<_> = parts.iter().filter(|part| **part != everybody()).collect();
                return json!({"all": parts});
            }
        }
    }
    Value::Object(merged)
}
