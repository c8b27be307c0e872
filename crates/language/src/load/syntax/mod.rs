//! What each kind of file may hold: typed, with spans, one file per kind.
//!
//! A kind is declared once, and the declaration makes its reader and its shape, of which the JSON Schema and all that
//! editors show are made. References and
//! types that depend on `trialbook.yaml` are resolved later, by `lower`.

pub mod audience;
pub mod book;
mod collection;
pub mod experiment;
pub mod flag;
pub mod holdout;
pub mod layer;
mod leaf;
mod mapping;
pub mod metric;
mod moment;
mod reader;
pub mod rollout;
mod schema;
pub mod segment;
pub mod shape;
pub mod source;
pub mod step;
mod word;

pub use collection::{Emptiness, List, Map};
pub use leaf::Text;
pub(in crate::load) use leaf::key_like;
pub use moment::When;
pub use reader::{BLANK, Reader, Syntax, inexact};
pub use schema::Definitions;

use crate::load::yaml::Node;
use trialbook_model::Kind;

/// A file of a book, read.
#[derive(Debug)]
pub enum File {
    /// `trialbook.yaml`.
    Book(Box<book::BookFile>),
    /// `*.flag.yaml`.
    Flag(Box<flag::FlagFile>),
    /// `*.experiment.yaml`.
    Experiment(Box<experiment::ExperimentFile>),
    /// `*.rollout.yaml`.
    Rollout(Box<rollout::RolloutFile>),
    /// `*.holdout.yaml`.
    Holdout(Box<holdout::HoldoutFile>),
    /// `*.layer.yaml`.
    Layer(Box<layer::LayerFile>),
    /// `*.segment.yaml`.
    Segment(Box<segment::SegmentFile>),
    /// `*.metric.yaml`.
    Metric(Box<metric::MetricFile>),
    /// `*.source.yaml`.
    Source(Box<source::SourceFile>),
}

impl File {
    /// Reads a tree as a kind of file.
    pub fn read(kind: Kind, node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        Some(match kind {
            Kind::Book => Self::Book(Box::new(Syntax::read(node, reader)?)),
            Kind::Flag => Self::Flag(Box::new(Syntax::read(node, reader)?)),
            Kind::Experiment => Self::Experiment(Box::new(Syntax::read(node, reader)?)),
            Kind::Rollout => Self::Rollout(Box::new(Syntax::read(node, reader)?)),
            Kind::Holdout => Self::Holdout(Box::new(Syntax::read(node, reader)?)),
            Kind::Layer => Self::Layer(Box::new(Syntax::read(node, reader)?)),
            Kind::Segment => Self::Segment(Box::new(Syntax::read(node, reader)?)),
            Kind::Metric => Self::Metric(Box::new(Syntax::read(node, reader)?)),
            Kind::Source => Self::Source(Box::new(Syntax::read(node, reader)?)),
        })
    }
}

/// Returns what a kind of file may hold.
pub fn shape_of(kind: Kind) -> shape::Shape {
    match kind {
        Kind::Book => book::BookFile::shape(),
        Kind::Flag => flag::FlagFile::shape(),
        Kind::Experiment => experiment::ExperimentFile::shape(),
        Kind::Rollout => rollout::RolloutFile::shape(),
        Kind::Holdout => holdout::HoldoutFile::shape(),
        Kind::Layer => layer::LayerFile::shape(),
        Kind::Segment => segment::SegmentFile::shape(),
        Kind::Metric => metric::MetricFile::shape(),
        Kind::Source => source::SourceFile::shape(),
    }
}

/// Returns the JSON Schema of a kind of file, without `$schema` and `$id`, and its definitions.
pub fn schema(kind: Kind) -> (serde_json::Map<String, serde_json::Value>, Definitions) {
    let mut definitions = Definitions::new();
    let schema = schema::of(shape_of(kind), &mut definitions);
    (schema, definitions)
}
