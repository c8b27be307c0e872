//! `*.flag.yaml`.

use serde_json::Value;

use super::audience::Audience;
use super::collection::{List, Map};
use super::leaf::Text;
use super::mapping::mapping;
use super::moment::When;
use super::reader::{Reader, Syntax};
use super::shape::Shape;
use crate::load::rules;
use crate::load::yaml::{Content, Node, Typed, to_json};
use trialbook_model::{EntityKey, FlagKey, HoldoutKey, SurfaceKey, TargetKey, ValueType, VariantKey};

mapping! {
    /// A flag: typed variants, a default, ordered rules. The file's stem is its key, unless the file gives another.
    struct FlagFile: "a flag" {
        /// The key that clients ask for, where it cannot be the name of a file, such as `a/b`. Never change it: that is another flag.
        "key" optional key: FlagKey,
        /// What it decides, in prose.
        "description" required description: Text,
        /// Who answers for it.
        "owner" required owner: Text,
        /// Where in the product it is seen: surfaces of trialbook.yaml.
        "surfaces" optional surfaces: List<SurfaceKey>,
        /// The unit that its experiments randomise: an entity of trialbook.yaml.
        "entity" required entity: EntityKey,
        /// The type of its values.
        "type" required kind: ValueType,
        /// With `type: object`: a JSON Schema (2020-12) to which the value of every variant is held. It refers to its own `$defs` alone.
        "schema" optional schema: JsonSchema,
        /// Its variants by key; every value has the flag's type.
        "variants" required variants: Map<VariantKey, VariantValue>,
        /// The variant that is served where no rule and no experiment decides.
        "default" required default: VariantKey,
        /// Who is served what, whatever the experiments serve. The first match wins.
        "rules" optional rules: List<RuleSyntax>,
        /// `false` gives everybody the default at once: the kill switch.
        "enabled" optional enabled: bool = true,
        /// `true` stops serving it; comes before its removal.
        "archived" optional archived: bool = false,
        /// What a target of trialbook.yaml serves differently. What it leaves out is as everywhere.
        "in" optional overrides: Map<TargetKey, OverrideSyntax>,
        /// What the units of a holdout are served: the default as of the holdout's start, where it has changed since.
        "holdouts" optional holdouts: Map<HoldoutKey, VariantKey>,
        /// When it should be gone.
        "expires" optional expires: When,
    }
    declares "variants";
    reserved {
        "requires" => "prerequisites are not supported yet; write the condition into `rules` or in the audience",
    }
}

/// A JSON Schema, as it is written.
#[derive(Debug)]
pub struct JsonSchema(pub Value);

impl Syntax for JsonSchema {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        if !matches!(node.content, Content::Mapping(_)) {
            let expected = "a JSON Schema such as `{properties: {colour: {type: string}}}`";
            reader.expected(rules::WRONG_TYPE, node, expected, "");
            return None;
        }
        exact_numbers(node, true, reader).then(|| to_json(node)).flatten().map(Self)
    }

    fn shape() -> Shape {
        Shape::JsonSchema
    }
}

mapping! {
    /// A rule: whoever it matches is served this variant.
    struct RuleSyntax: "a rule" {
        /// Who.
        "when" required when: Audience,
        /// The variant that they are served.
        "serve" required serve: VariantKey,
    }
}

mapping! {
    /// What one target serves differently: nothing else differs between targets.
    struct OverrideSyntax: "what a target serves differently" {
        /// `false` gives everybody the default at once.
        "enabled" optional enabled: bool,
        /// The variant that is served where no rule and no experiment decides.
        "default" optional default: VariantKey,
        /// All of the rules there: the flag's other rules do not count.
        "rules" optional rules: List<RuleSyntax>,
    }
}

/// The value of a variant: a boolean, text, a number or a mapping.
#[derive(Debug)]
pub struct VariantValue(pub Value);

impl Syntax for VariantValue {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.content {
            Content::Mapping(entries) => {
                if let [entry] = entries.as_slice()
                    && &*entry.key == "file"
                {
                    let help = "write the value into the flag's file";
                    let message = "a variant's `file:` is reserved: it is not supported yet";
                    reader.error(rules::RESERVED_WORD, entry.key_span, message, help);
                    return None;
                }
            }
            Content::Scalar(scalar) if scalar.typed() != Typed::Null => {}
            Content::Scalar(_) | Content::Sequence(_) => {
                reader.expected(rules::WRONG_TYPE, node, "a boolean, text, a number or a mapping", "");
                return None;
            }
        }
        exact_numbers(node, false, reader).then(|| to_json(node)).flatten().map(Self)
    }

    fn shape() -> Shape {
        Shape::VariantValue
    }
}

/// Reports every number that JSON, or a client that reads numbers as 64-bit floats, would change.
///
/// Whether `007` alone is a number or lacks its quotes depends on the flag's type, which is known when the flag is lowered.
fn exact_numbers(node: &Node, within: bool, reader: &mut Reader<'_>) -> bool {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    match &node.content {
        Content::Sequence(items) => {
            items.iter().filter(|item| !exact_numbers(item, true, reader)).count() == 0
        }
        Content::Mapping(entries) => {
            entries.iter().filter(|entry| !exact_numbers(&entry.value, true, reader)).count() == 0
        }
        Content::Scalar(scalar) => match scalar.typed() {
            Typed::Number(number) if !number.is_finite() => {
                reader.expected(rules::BAD_NUMBER, node, "a finite number", "JSON has no other");
                false
            }
            Typed::Number(number)
                if number.fract() == 0.0 && number.abs() > LIMIT && scalar.altered_number().is_none() =>
            {
                reader.expected(
                    rules::BAD_NUMBER,
                    node,
                    "a number that every client reads exactly (at most 2^53)",
                    "if it is an identifier, make it text: put it in quotes",
                );
                false
            }
            Typed::Number(_) if !within && scalar.is_padded_number() => true,
            Typed::Number(number) if within && scalar.loses_characters() => {
                // Shortest, and without a fraction where there is none.
                let becomes = number.to_string();
                let message = format!("within an object `{0}` would be the number {becomes}", scalar.text);
                let help =
                    format!("write `{becomes}` if it is a number, or `\"{0}\"` if it is text", scalar.text);
                reader.error(rules::BAD_NUMBER, node.span, message, help);
                false
            }
            Typed::Number(_) => reader.exact(scalar, node.span),
            Typed::Null | Typed::Boolean(_) | Typed::Text(_) => true,
        },
    }
}
