//! Other programs' answers to questions that this one answers itself.

use serde_json::Value;
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};
use trialbook::load::yaml::{self, Content, Node, Typed};
use trialbook::span::SourceFile;
use trialbook::stats::distribution::{chi_square, normal};

/// Every file of the example book reads the same with another YAML reader.
#[test]
fn another_yaml_reader_sees_the_same_values() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
    let mut compared = 0;
    for raw in trialbook::load::read_folder(&root).expect("the example book") {
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

/// statrs is good to about 1e-10 in the tails, so this finds a wrong formula and not a last digit.
#[test]
fn another_library_has_the_same_distributions() {
    let standard = Normal::standard();
    for x in [-5.0, -1.96, -0.5, 0.0, 0.3, 1.0, 1.645, 2.575, 4.0] {
        let (ours, theirs) = (normal::sf(x), standard.sf(x));
        assert!((ours - theirs).abs() < 1e-9, "normal at {x}: {ours} and {theirs}");
    }
    for df in [1u32, 2, 3, 4, 7, 20] {
        let theirs = ChiSquared::new(f64::from(df)).expect("degrees of freedom");
        for x in [0.1, 1.0, 3.84, 10.0, 30.0] {
            let (ours, theirs) = (chi_square::sf(x, df), theirs.sf(x));
            assert!((ours - theirs).abs() < 1e-9, "chi-square of {df} at {x}: {ours} and {theirs}");
        }
    }
}
