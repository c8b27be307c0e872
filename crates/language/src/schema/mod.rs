//! JSON Schemas: of the file kinds, generated from the declarations that also read the files, and of what commands write.

use serde_json::{Value, json};

use crate::load::{Kind, syntax};

/// Returns the JSON Schema (draft 2020-12) of a kind of file.
///
/// It describes what a file of the kind may look like; what its parts mean together (references, shares that sum to
/// 100 %) is for `lint` to check. A file that it refuses, `lint` refuses too.
pub fn schema_of(kind: Kind) -> Value {
    let (body, definitions) = syntax::schema(kind);
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("trialbook {kind}"),
    });
    if let Value::Object(schema) = &mut schema {
        schema.extend(body);
        if !definitions.is_empty() {
            schema.insert("$defs".into(), definitions.into());
        }
    }
    schema
}

/// Returns the name of the file that holds a kind's schema.
pub fn file_name(kind: Kind) -> String {
    format!("{kind}.schema.json")
}

/// Returns the text of the file that holds a kind's schema.
pub fn text_of(kind: Kind) -> String {
    format!("{:#}\n", schema_of(kind))
}

/// The shapes of what commands write, by name and version: these stay as they are, and newer ones stand beside them.
pub const OUTPUTS: &[(&str, &str)] = &[
    ("lint-v1", include_str!("../../../../schemas/lint-v1.output.schema.json")),
    ("baseline-v1", include_str!("../../../../schemas/baseline-v1.output.schema.json")),
    ("fit-v1", include_str!("../../../../schemas/fit-v1.output.schema.json")),
    ("power-v1", include_str!("../../../../schemas/power-v1.output.schema.json")),
    ("evaluate-v1", include_str!("../../../../schemas/evaluate-v1.output.schema.json")),
    ("plan-v3", include_str!("../../../../schemas/plan-v3.output.schema.json")),
    ("drift-v1", include_str!("../../../../schemas/drift-v1.output.schema.json")),
    ("why-v1", include_str!("../../../../schemas/why-v1.output.schema.json")),
    ("enrolments-v1", include_str!("../../../../schemas/enrolments-v1.output.schema.json")),
    ("status-v1", include_str!("../../../../schemas/status-v1.output.schema.json")),
    ("clean-v1", include_str!("../../../../schemas/clean-v1.output.schema.json")),
    ("upgrade-v1", include_str!("../../../../schemas/upgrade-v1.output.schema.json")),
    ("log-v1", include_str!("../../../../schemas/log-v1.output.schema.json")),
    ("check-data-v1", include_str!("../../../../schemas/check-data-v1.output.schema.json")),
    ("outcome-v1", include_str!("../../../../schemas/outcome-v1.output.schema.json")),
];
