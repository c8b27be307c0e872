//! The JSON Schemas: fresh, valid, and of one mind with the reader.

use std::path::PathBuf;

use trialbook_language::load::{RawFile, STRUCTURAL, read_folder, shape};
use trialbook_language::schema::{file_name, schema_of, text_of};
use trialbook_model::Kind;
use trialbook_model::span::SourceFile;

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn the_files_in_schemas_are_fresh() {
    let folder = root().join("schemas");
    let bless = std::env::var_os("TRIALBOOK_BLESS").is_some();
    for kind in Kind::ALL {
        let path = folder.join(file_name(kind));
        if bless {
            std::fs::create_dir_all(&folder).expect("the folder can be made");
            std::fs::write(&path, text_of(kind)).expect("the schema can be written");
        }
        let stored = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == text_of(kind),
            "{} is stale: run `TRIALBOOK_BLESS=1 cargo test -p trialbook-language schema`, or `trialbook schema --all schemas/`",
            path.display()
        );
    }
}

#[test]
fn every_schema_is_a_valid_schema_and_describes_every_key() {
    for kind in Kind::ALL {
        let schema = schema_of(kind);
        assert!(jsonschema::meta::is_valid(&schema), "{kind}");
        let properties = schema["properties"].as_object().expect("properties");
        for (name, property) in properties {
            assert!(property["description"].as_str().is_some_and(|text| text.len() > 3), "{kind}.{name}");
        }
        assert_eq!(schema["additionalProperties"], false, "{kind}");
    }
}

/// The kind of a file by its name, `x.book.yaml` among them.
fn kind_of(path: &str) -> Option<Kind> {
    let name = path.rsplit('/').next()?;
    if name == "trialbook.yaml" {
        return Some(Kind::Book);
    }
    let (_, infix) = name.strip_suffix(".yaml")?.rsplit_once('.')?;
    Kind::ALL.into_iter().find(|kind| kind.as_str() == infix)
}

fn corpus() -> Vec<RawFile> {
    let folders = ["experiments", "tests/books/shop", "tests/broken"];
    folders
        .iter()
        .flat_map(|folder| read_folder(&root().join(folder)).expect("a folder of the repository"))
        .collect()
}

/// The verdicts of the schema and of the reader about one text. `None`: it is no JSON, so there is nothing to compare.
fn verdicts(kind: Kind, validator: &jsonschema::Validator, text: &str) -> Option<(bool, Vec<&'static str>)> {
    let shape = shape(kind, &SourceFile::new("file", text));
    let json = shape.json?;
    Some((validator.is_valid(&json), shape.findings.iter().map(|finding| finding.rule).collect()))
}

fn agree(kind: Kind, validator: &jsonschema::Validator, text: &str, name: &str) {
    let Some((valid, rules)) = verdicts(kind, validator, text) else { return };
    assert!(valid || !rules.is_empty(), "{name}: the schema refuses what the reader accepts\n{text}");
    let structural = rules.iter().find(|rule| STRUCTURAL.contains(rule));
    assert!(
        !(valid && structural.is_some()),
        "{name}: the schema accepts what the reader calls {structural:?}\n{text}"
    );
}

#[test]
fn the_schema_and_the_reader_agree_about_every_file() {
    let validators =
        Kind::ALL.map(|kind| (kind, jsonschema::validator_for(&schema_of(kind)).expect("a schema")));
    let mut compared = 0;
    for file in corpus() {
        let (Some(kind), Ok(text)) = (kind_of(&file.path), String::from_utf8(file.bytes)) else { continue };
        let (_, validator) = validators.iter().find(|(of, _)| *of == kind).expect("every kind");
        agree(kind, validator, &text, &file.path);
        compared += 1;
        // Every file once more without each of its lines, and with each value replaced.
        let lines: Vec<&str> = text.lines().collect();
        for at in 0..lines.len() {
            let without: Vec<_> =
                lines.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, line)| *line).collect();
            agree(kind, validator, &without.join("\n"), &format!("{} without line {}", file.path, at + 1));
            for other in ["12", "true", "~", "[]", "{}", "text", "20%", "[1, x]", "{a: 1}"] {
                let Some((key, _)) = lines[at].split_once(": ") else { continue };
                let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
                changed[at] = format!("{key}: {other}");
                agree(
                    kind,
                    validator,
                    &changed.join("\n"),
                    &format!("{} with {other} in line {}", file.path, at + 1),
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 2000, "{compared} files compared");
}

/// Calls `found` with every schema within a schema, itself first.
fn schemas(schema: &serde_json::Value, path: &str, found: &mut dyn FnMut(&str, &serde_json::Value)) {
    match schema {
        serde_json::Value::Object(object) => {
            found(path, schema);
            object.iter().for_each(|(key, value)| schemas(value, &format!("{path}/{key}"), found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| schemas(item, path, found)),
        _ => {}
    }
}

#[test]
fn a_schema_has_no_alternatives_that_would_hide_a_deep_error() {
    for kind in Kind::ALL {
        schemas(&schema_of(kind), "", &mut |path, schema| {
            assert!(schema.get("anyOf").is_none(), "{kind}{path}");
            // All that is left of them: which of some keys a mapping has.
            for branch in schema["oneOf"].as_array().into_iter().flatten() {
                let keys: Vec<_> = branch.as_object().expect("a schema").keys().collect();
                assert_eq!(keys, ["required"], "{kind}{path}");
            }
        });
    }
}

#[test]
fn every_word_states_what_it_means_and_every_pattern_what_it_expects() {
    for kind in Kind::ALL {
        schemas(&schema_of(kind), "", &mut |path, schema| {
            // The condition of a branch has words too, and no one reads those.
            if let (Some(words), true) = (schema["enum"].as_array(), schema["type"].is_string()) {
                let docs = schema["enumDescriptions"].as_array().expect("descriptions of the words");
                assert_eq!(docs.len(), words.len(), "{kind}{path}");
                assert!(
                    docs.iter().all(|doc| doc.as_str().is_some_and(|doc| !doc.is_empty())),
                    "{kind}{path}"
                );
            }
            if schema["pattern"].is_string() {
                let message = schema["patternErrorMessage"].as_str().unwrap_or_default();
                assert!(message.starts_with("expected "), "{kind}{path}: {message}");
            }
        });
    }
}

#[test]
fn the_defaults_of_the_schemas_are_those_of_the_model() {
    let analysis = trialbook_model::Analysis::default();
    let schema = schema_of(Kind::Experiment);
    let default = |key: &str| &schema["properties"]["analysis"]["properties"][key]["default"];
    let share = |share: trialbook_model::Share| serde_json::Value::from(share.to_string());
    assert_eq!(*default("method"), analysis.method.as_str());
    assert_eq!(*default("multiplicity"), analysis.multiplicity.as_str());
    assert_eq!(*default("alpha"), share(analysis.alpha));
    assert_eq!(*default("power"), share(analysis.power));
    assert_eq!(*default("deterioration_alpha"), share(analysis.deterioration_alpha));
    assert_eq!(*default("adjust"), analysis.adjust);
    let policy = trialbook_model::Policy::default();
    let book = schema_of(Kind::Book);
    let default = |part: &str, key: &str| {
        &book["properties"]["policy"]["properties"][part]["properties"][key]["default"]
    };
    assert_eq!(*default("large_change", "share"), share(policy.large_change.share));
    assert_eq!(*default("large_change", "at_least"), policy.large_change.at_least);
    assert_eq!(*default("quality", "sample_ratio_p"), share(policy.quality.sample_ratio_p));
    assert_eq!(*default("quality", "in_two_variants"), share(policy.quality.in_two_variants));
    assert_eq!(*default("quality", "outside_schedule"), share(policy.quality.outside_schedule));
    assert_eq!(*default("quality", "min_units_per_variant"), policy.quality.min_units_per_variant);
}
