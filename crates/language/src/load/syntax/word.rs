//! Values that are one word of a list, and the types of attributes.

use super::mapping::{mapping, words};
use super::reader::{Reader, Syntax};
use super::shape::Shape;
use crate::load::yaml::{Content, Node};
use trialbook_model::{
    AttributeType, DecisionOutcome, Direction, Evaluator, Method, Multiplicity, TargetType, ValueType,
};

words! { ValueType: "one of `boolean`, `string`, `number`, `object`" {
    /// On or off.
    "boolean" => ValueType::Boolean,
    /// Text.
    "string" => ValueType::String,
    /// A number; a whole one is exact up to 2^53.
    "number" => ValueType::Number,
    /// A mapping of any keys, for values that belong together.
    "object" => ValueType::Object,
} }

words! { PlainType: "one of `string`, `number`, `boolean`, `version` or `{version: lenient}`" {
    /// Text.
    "string" => PlainType(AttributeType::String),
    /// A finite number.
    "number" => PlainType(AttributeType::Number),
    /// `true` or `false`.
    "boolean" => PlainType(AttributeType::Boolean),
    /// Text that is a version such as `8.10` or `8.2.0-rc.1+57`, ordered as SemVer orders.
    "version" => PlainType(AttributeType::Version),
} }

/// A type of attributes that is one word.
#[derive(Debug, Clone, Copy)]
struct PlainType(AttributeType);

/// How texts are read as versions.
#[derive(Debug, Clone, Copy)]
pub enum Reading {
    /// More widely than SemVer.
    Lenient,
}

words! { Reading: "`lenient`" {
    /// Versions may have a leading `v` and a fourth number: `v1.2.3`, `10.0.19045.4046`.
    "lenient" => Reading::Lenient,
} }

mapping! {
    /// Text that is a version, read as declared.
    struct VersionSyntax: "a type with how it is read" {
        /// How texts are read as versions.
        "version" required reading: Reading,
    }
}

impl Syntax for AttributeType {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        match &node.content {
            Content::Mapping(_) => {
                let Reading::Lenient = VersionSyntax::read(node, reader)?.reading?.value;
                Some(Self::LenientVersion)
            }
            Content::Scalar(_) | Content::Sequence(_) => Some(PlainType::read(node, reader)?.0),
        }
    }

    fn shape() -> Shape {
        Shape::Either(&[PlainType::shape, VersionSyntax::shape])
    }
}

words! { Method: "one of `fixed-horizon`, `group-sequential`, `always-valid`" {
    /// The data is judged once, when the last window has closed.
    "fixed-horizon" => Method::FixedHorizon,
    /// The data is judged daily, with the level spent over the schedule.
    "group-sequential" => Method::GroupSequential,
    /// The data may be judged at any time, by a confidence sequence.
    "always-valid" => Method::AlwaysValid,
} }

words! { Multiplicity: "`shared` or `holm`" {
    /// In equal shares, which are known beforehand.
    "shared" => Multiplicity::Shared,
    /// Step by step from the smallest p-value: it finds at least as much. Only with `method: fixed-horizon`.
    "holm" => Multiplicity::Holm,
} }

words! { Direction: "`good` or `bad`" {
    /// More is better.
    "good" => Direction::IncreaseIsGood,
    /// Less is better.
    "bad" => Direction::IncreaseIsBad,
} }

words! { DecisionOutcome: "one of `ship`, `roll-back`, `inconclusive`, `aborted`" {
    /// A treatment ships: name it in `variant`, and change the flag in the same pull request.
    "ship" => DecisionOutcome::Ship,
    /// Everybody gets what they had before.
    "roll-back" => DecisionOutcome::RollBack,
    /// The test could not tell; nothing changes.
    "inconclusive" => DecisionOutcome::Inconclusive,
    /// The test was stopped before it could tell.
    "aborted" => DecisionOutcome::Aborted,
} }

words! { TargetType: "`flagd` or `unleash`" {
    /// flagd's flag file.
    "flagd" => TargetType::Flagd,
    /// An Unleash server.
    "unleash" => TargetType::Unleash,
} }

words! { Evaluator: "`javascript-4` or `python-2` of flagd, `unleash-node-6` or `unleash-python-6` of Unleash" {
    /// flagd's JavaScript core, version 4: hashes the text.
    "javascript-4" => Evaluator::Javascript4,
    /// flagd's Python core, version 2: hashes the text's CBOR encoding.
    "python-2" => Evaluator::Python2,
    /// Unleash's client for Node.js, version 6: hashes the low bytes of the text's UTF-16 code units.
    "unleash-node-6" => Evaluator::UnleashNode6,
    /// Unleash's client for Python, version 6, and others that carry the same engine: hashes the text's UTF-8 bytes.
    "unleash-python-6" => Evaluator::UnleashPython6,
} }
