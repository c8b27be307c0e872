//! Another YAML reader's answers to the same files.

use serde_json::Value;
use trialbook_language::load::yaml::{self, Content, Node, Typed};
use trialbook_model::span::SourceFile;

/// Every file of the example book reads the same with another YAML reader.
#[test]
fn another_yaml_reader_sees_the_same_values() {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join("experiments");
    let mut compared = 0;
    for raw in trialbook_language::load::read_folder(&root).expect("the example book") {
        let text = String::from_utf8(raw.bytes).expect("UTF-8");
        let theirs: Value = serde_yaml::from_str(&text).expect("YAML");
        let parsed = yaml::parse(&SourceFile::new(raw.path.clone(), text));
        let ours = value(&parsed.root.expect("a document"));
        assert_eq!(ours, theirs, "{}", raw.path);
        compared += 1;
    }
    assert!(compared > 50, "only {compared} files were compared");
}

/// A node as the other reader gives it. Numbers are compared as doubles: `20` is `20.0` to both.
fn value(node: &Node) -> Value {
    match &node.content {
        Content::Mapping(entries) => {
            entries.iter().map(|entry| (entry.key.to_string(), value(&entry.value))).collect()
        }
        Content::Sequence(items) => items.iter().map(value).collect(),
        Content::Scalar(scalar) => match scalar.typed() {
            Typed::Null => Value::Null,
            Typed::Boolean(boolean) => boolean.into(),
            Typed::Number(number) if number.fract() == 0.0 => (number as i64).into(),
            Typed::Number(number) => number.into(),
            Typed::Text(text) => text.into(),
        },
    }
}
