//! What a book declares, as plain values: every reference resolved, nothing half-valid.
//!
//! The values here know nothing of files. `load` makes them from YAML; tests and benches make them
//! directly. What is not valid in a book cannot be constructed: a [`Split`] sums to one
//! million, a [`Book`] has no dangling reference.

pub mod allocation;
mod attribute;
mod audit;
mod book;
pub mod capability;
mod decision;
pub mod diagnostic;
mod digest;
mod duration;
mod experiment;
mod extent;
mod flag;
mod forced;
mod holdout;
mod key;
mod layer;
mod metric;
mod part;
mod launch_doubt;
mod plan_change;
mod policy;
mod predicate;
pub mod resolve;
mod rollout;
mod share;
mod source;
pub mod span;
mod state;
mod steps;
mod target;
pub mod targeting;
mod timezone;
mod traffic;
mod uses;
mod version;

pub use attribute::{Attribute, AttributeType, Entity};
pub use book::{Book, BookError, Changes, Contents, Github, Kind, Surface};
pub use decision::{Decision, DecisionOutcome};
pub use digest::{Digest, canonical_json};
pub use duration::{Duration, DurationError};
pub use experiment::{
    Analysis, AnalysisPlan, Experiment, ExperimentState, Guardrail, Margin, Method, MinimumEffect,
    Multiplicity, PlannedUnits, Schedule, ScheduleError, Spending, SuccessMetric,
};
pub use extent::Extent;
pub use flag::{Flag, Override, Rule, ValueType};
pub use forced::{ForcedUnits, ForcedVariant};
pub use holdout::Holdout;
pub use key::{
    AttributeKey, ColumnName, DimensionKey, EntityKey, ExperimentKey, FlagKey, HoldoutKey, KeyError,
    LayerKey, MeasureKey, MetricKey, RolloutKey, Salt, SegmentKey, ServedName, SourceKey, SurfaceKey,
    TargetKey, VariantKey,
};
pub use launch_doubt::LaunchDoubt;
pub use layer::{BUCKETS, BucketRange, BucketRangeError, Layer, Slot};
pub use metric::{Baseline, Cap, Direction, Measure, Measurement, Metric, MetricType, Window};
pub use part::{Part, PartName, PartRef};
pub use plan_change::{Bearing, MovedEnd, PlanChange, Repair};
pub use policy::{Freeze, LargeChange, Policy, QualityPolicy};
pub use predicate::{Bound, Number, Pattern, PatternError, Predicate, Scalar, Segment, Test};
pub use rollout::Rollout;
pub use share::{Share, ShareError, Split, SplitError};
pub use source::{Assignment, Granularity, Relation, Source, SourceRole};
pub use state::{HoldoutState, RolloutState};
pub use steps::{Allocation, Step, Steps, StepsError};
pub use target::{Connection, Evaluator, ServerEngine, Target, TargetType, Warehouse, WarehouseLimits};
pub use timezone::{timezone, timezones};
pub use traffic::{Expected, Traffic, TrafficError, TrafficPoint};
pub use uses::Uses;
pub use version::{Version, VersionError};
