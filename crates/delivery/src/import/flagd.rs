//! A flag file of flagd.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::logic::{Logic, everybody};
use super::{Imported, ImportedFlag, ImportedRule, NotImported};
use trialbook_model::{AttributeKey, AttributeType, FlagKey, ValueType, VariantKey};

/// Why a text is not a flag file.
#[derive(Debug, thiserror::Error)]
pub enum NotAFlagFile {
    /// It is not JSON.
    #[error("it is not JSON")]
    Json(#[source] serde_json::Error),
    /// It has no flags.
    #[error("it has no `flags`")]
    NoFlags,
}

/// Reads a flag file, flag by flag.
///
/// # Errors
///
/// Where the text is no flag file. A flag that cannot be taken over is among [`Imported::left`].
pub fn import(text: &str) -> Result<Imported, NotAFlagFile> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file: Value = serde_json::from_str(text).map_err(NotAFlagFile::Json)?;
    let flags = file.get("flags").and_then(Value::as_object).ok_or(NotAFlagFile::NoFlags)?;
    let none = Map::new();
    let evaluators = file.get("$evaluators").and_then(Value::as_object).unwrap_or(&none);
    let mut imported = Imported::default();
    let mut types = BTreeMap::<AttributeKey, Option<AttributeType>>::new();
    // In the order of the keys, so that it does not depend on the file's which of two flags is left.
    let sorted: BTreeMap<&String, &Value> = flags.iter().collect();
    for (key, flag) in sorted {
        match flag_of(key, flag, evaluators, &types) {
            Ok((key, flag, used)) => {
                imported.flags.insert(key, flag);
                for (attribute, kind) in used {
                    let known = types.entry(attribute).or_insert(None);
                    *known = known.or(kind);
                }
            }
            Err(reason) => {
                imported.left.insert(key.clone(), reason);
            }
        }
    }
    // An attribute that is only asked for has any type.
    let typed = types.into_iter().map(|(key, kind)| (key, kind.unwrap_or(AttributeType::String)));
    imported.attributes = typed.collect();
    Ok(imported)
}

type Types = BTreeMap<AttributeKey, Option<AttributeType>>;

fn flag_of(
    key: &str,
    flag: &Value,
    evaluators: &Map<String, Value>,
    types: &Types,
) -> Result<(FlagKey, ImportedFlag, Types), NotImported> {
    let key = FlagKey::new(key).map_err(|_| NotImported::Key)?;
    let flag = flag.as_object().ok_or(NotImported::Shape("a flag"))?;
    if let Some(book) = flag.get("metadata").and_then(|metadata| metadata.get("trialbook.book")) {
        return Err(NotImported::OfBook(book.as_str().map(str::to_owned)));
    }
    match flag.get("state").and_then(Value::as_str) {
        Some("ENABLED") => {}
        Some("DISABLED") => return Err(NotImported::Disabled),
        _ => return Err(NotImported::Shape("`state: ENABLED` or `state: DISABLED`")),
    }
    let (kind, variants) = variants(flag.get("variants"))?;
    let default = match flag.get("defaultVariant") {
        None | Some(Value::Null) => return Err(NotImported::NoDefault),
        Some(Value::String(name)) => name,
        Some(_) => return Err(NotImported::Shape("the name of a variant as `defaultVariant`")),
    };
    let found = variants.iter().find(|(key, _)| key.as_str() == default);
    let default = found.ok_or_else(|| NotImported::UnknownVariant(default.clone()))?.0.clone();
    let mut logic = Logic {
        variants: &variants,
        default: &default,
        evaluators,
        types: BTreeMap::new(),
        rules: Vec::new(),
    };
    match flag.get("targeting") {
        None | Some(Value::Null) => {}
        // An empty one decides nothing.
        Some(Value::Object(members)) if members.is_empty() => {}
        Some(targeting) => logic.serve(targeting, &[], 0)?,
    }
    for (attribute, kind) in &logic.types {
        if let (Some(here), Some(Some(there))) = (kind, types.get(attribute))
            && here != there
        {
            return Err(NotImported::Type { attribute: attribute.clone(), here: *here, there: *there });
        }
    }
    let Logic { types, rules, .. } = logic;
    let (rules, default) = needed(rules, default.clone());
    Ok((key, ImportedFlag { kind, variants, default, rules }, types))
}

/// Takes what everybody is served whom no rule matched before for the default, and leaves out rules that serve it anyway.
fn needed(rules: Vec<ImportedRule>, default: VariantKey) -> (Vec<ImportedRule>, VariantKey) {
    let last = rules.iter().position(|rule| rule.when == everybody());
    let default = last.and_then(|last| rules.get(last)).map_or(default, |rule| rule.serve.clone());
    let mut rules: Vec<_> = rules.into_iter().take(last.unwrap_or(usize::MAX)).collect();
    while rules.last().is_some_and(|rule| rule.serve == default) {
        rules.pop();
    }
    (rules, default)
}

/// Returns the variants with the type that their values share.
fn variants(value: Option<&Value>) -> Result<(ValueType, Vec<(VariantKey, Value)>), NotImported> {
    let members = value.and_then(Value::as_object).filter(|members| !members.is_empty());
    let members = members.ok_or(NotImported::Shape("variants"))?;
    let mut kinds = members.values().map(|value| match value {
        Value::Bool(_) => Some(ValueType::Boolean),
        Value::String(_) => Some(ValueType::String),
        Value::Number(_) => Some(ValueType::Number),
        Value::Object(_) => Some(ValueType::Object),
        Value::Null | Value::Array(_) => None,
    });
    let kind = kinds.next().flatten().ok_or(NotImported::Values)?;
    if kinds.any(|other| other != Some(kind)) {
        return Err(NotImported::Values);
    }
    let typed = members.iter().map(|(name, value)| {
        let key = VariantKey::new(name).map_err(|_| NotImported::Variant(name.clone()))?;
        Ok((key, value.clone()))
    });
    Ok((kind, typed.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(targeting: &Value) -> Imported {
        let flag = json!({
            "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "targeting": targeting,
        });
        import(&json!({"flags": {"a": flag}, "$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@a.b"]}}}).to_string())
            .expect("a flag file")
    }

    fn rules(targeting: &Value) -> Vec<(Value, String)> {
        let imported = one(targeting);
        let flag = imported.flags.values().next().unwrap_or_else(|| panic!("{:?}", imported.left));
        flag.rules.iter().map(|rule| (rule.when.clone(), rule.serve.to_string())).collect()
    }

    #[test]
    fn a_chain_of_conditions_becomes_rules_in_order() {
        let targeting = json!({"if": [
            {"==": [{"var": "country"}, "SE"]}, {"if": [{">=": [{"var": "age"}, 18]}, "on"]},
            {"in": ["@test", {"var": "email"}]}, "on",
            "off",
        ]});
        assert_eq!(
            rules(&targeting),
            [
                (json!({"country": "SE", "age": {"at_least": 18}}), "on".to_owned()),
                (json!({"country": "SE"}), "off".to_owned()),
                (json!({"email": {"contains": "@test"}}), "on".to_owned()),
            ]
        );
    }

    #[test]
    fn without_a_number_it_is_zero_and_without_a_boolean_it_is_false() {
        let when = |condition: Value| rules(&json!({"if": [condition, "on"]}))[0].0.clone();
        assert_eq!(
            when(json!({"<": [{"var": "age"}, 18]})),
            json!({"any": [{"age": {"below": 18}}, {"age": {"present": false}}]})
        );
        assert_eq!(when(json!({">": [{"var": "age"}, 18]})), json!({"age": {"above": 18}}));
        assert_eq!(when(json!({"<": [18, {"var": "age"}, 65]})), json!({"age": {"above": 18, "below": 65}}));
        assert_eq!(
            when(json!({"==": [{"var": "staff"}, false]})),
            json!({"any": [{"staff": false}, {"staff": {"present": false}}]})
        );
        assert_eq!(when(json!({"===": [{"var": "staff"}, false]})), json!({"staff": false}));
        assert_eq!(when(json!({"!=": [{"var": "country"}, "SE"]})), json!({"not": {"country": "SE"}}));
        assert_eq!(
            when(json!({"sem_ver": [{"var": "v"}, "!=", "1.2.3"]})),
            json!({"v": {"present": true}, "not": {"v": "1.2.3"}})
        );
    }

    #[test]
    fn what_everybody_else_is_served_is_the_default() {
        let imported = one(&json!({"if": [
            {"and": [true, {"!": [{"!": [{"var": "staff"}]}]}, {"or": [false, {"var": "beta"}]}]}, "off",
            {"in": [{"var": "country"}, []]}, "off",
            "on",
        ]}));
        let flag = imported.flags.values().next().expect("a flag");
        assert_eq!(flag.default.as_str(), "on");
        let rules: Vec<_> = flag.rules.iter().map(|rule| (&rule.when, rule.serve.as_str())).collect();
        assert_eq!(rules, [(&json!({"staff": true, "beta": true}), "off")]);
    }

    #[test]
    fn shared_evaluators_are_put_in() {
        let found = rules(&json!({"if": [{"$ref": "staff"}, "on"]}));
        assert_eq!(found, [(json!({"email": {"ends_with": "@a.b"}}), "on".to_owned())]);
        assert_eq!(
            one(&json!({"if": [{"$ref": "gone"}, "on"]})).left["a"],
            NotImported::Reference("gone".into())
        );
    }

    #[test]
    fn what_a_book_cannot_say_is_left_with_the_reason() {
        let left = |targeting: &Value| one(targeting).left.remove("a").expect("a flag that is left");
        let if_ = |condition: Value| json!({"if": [condition, "on"]});
        assert_eq!(left(&json!({"fractional": [["on", 50], ["off", 50]]})), NotImported::Draw);
        assert_eq!(left(&json!({"if": [true, "blue"]})), NotImported::UnknownVariant("blue".into()));
        assert_eq!(left(&if_(json!({"%": [{"var": "n"}, 2]}))), NotImported::Operator("%".into()));
        assert_eq!(
            left(&if_(json!({"<": [{"var": "$flagd.timestamp"}, 9]}))),
            NotImported::Attribute("$flagd.timestamp".into())
        );
        assert_eq!(
            left(&if_(json!({"==": [{"var": "user.name"}, "a"]}))),
            NotImported::Attribute("user.name".into())
        );
        assert!(matches!(
            left(&if_(json!({"==": [{"var": "a"}, {"var": "b"}]}))),
            NotImported::Comparison(_)
        ));
        assert!(matches!(
            left(&if_(json!({"and": [{"==": [{"var": "x"}, "1"]}, {"<": [{"var": "x"}, 2]}]}))),
            NotImported::Type { .. }
        ));
        let deep = (0..100).fold(json!({"var": "a"}), |inner, _| json!({"!": inner}));
        assert_eq!(left(&if_(deep)), NotImported::Depth);
    }

    #[test]
    fn flags_that_leave_the_decision_to_the_code_are_left_alone() {
        let text = json!({"flags": {
            "off": {"state": "DISABLED", "variants": {"a": 1}, "defaultVariant": "a"},
            "code": {"state": "ENABLED", "variants": {"a": 1}},
            "mixed": {"state": "ENABLED", "variants": {"a": 1, "b": "x"}, "defaultVariant": "a"},
            "ours": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "metadata": {"trialbook.book": "shop"}},
            "A/b.c 10%": {"state": "ENABLED", "variants": {"10%": 1, "on/off": 2}, "defaultVariant": "10%"},
        }});
        let imported = import(&text.to_string()).expect("a flag file");
        assert_eq!(imported.flags.keys().map(FlagKey::as_str).collect::<Vec<_>>(), ["A/b.c 10%"]);
        assert_eq!(
            imported.left,
            BTreeMap::from([
                ("off".to_owned(), NotImported::Disabled),
                ("code".to_owned(), NotImported::NoDefault),
                ("mixed".to_owned(), NotImported::Values),
                ("ours".to_owned(), NotImported::OfBook(Some("shop".into()))),
            ])
        );
        assert!(import("{").is_err() && import("[]").is_err());
    }
}
