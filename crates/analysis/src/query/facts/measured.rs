//! A metric in the arms of an experiment, or why there is none.

use super::quantiles::ArmQuantile;
use crate::warehouse::LARGEST_SUMMAND;
use trialbook_model::{EntityKey, SourceKey, VariantKey};
use trialbook_stats::{RatioMomentsParts, significant};

/// A metric of an experiment, measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Each arm, in byte order of the variants.
    pub arms: Vec<ArmMoments>,
    /// Where values were cut off, for a metric with a cap that has units.
    pub limit: Option<Limit>,
    /// Rows of covariate windows whose measure is no finite number: where there are any, no arm has a
    /// covariate.
    pub unusable_covariate_rows: u64,
}

/// A metric in one arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmMoments {
    /// The variant.
    pub variant: VariantKey,
    /// The units whose windows have closed.
    pub units: u64,
    /// For a proportion: how many of them have something measured.
    pub events: Option<u64>,
    /// How many of them have a value other than 0.
    pub non_zero: u64,
    /// Their moments; for no units, zeros.
    pub value: Centred,
    /// Their covariate's, where the metric has one and is no ratio.
    pub covariate: Option<CentredCovariate>,
    /// Of a ratio: the denominator's; `value` is the numerator's.
    pub denominator: Option<CentredCovariate>,
    /// Of a ratio with a covariate: the moments of both parts, and of the same before the exposure.
    pub covariate_ratio: Option<RatioMomentsParts>,
    /// Of a quantile, in place of moments: what it was found from.
    pub quantile: Option<ArmQuantile>,
}

/// The mean and the sum of squared deviations from it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Centred {
    /// The mean.
    pub mean: f64,
    /// The sum of squared deviations.
    pub m2: f64,
}

/// The moments of a covariate or a denominator, and its co-moment with the value.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CentredCovariate {
    /// Its own.
    pub own: Centred,
    /// The sum of the products of both deviations.
    pub co: f64,
}

/// Where values were cut off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The value.
    pub at: f64,
    /// How many units were above it.
    pub units: u64,
}

/// Why a metric has no moments.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NotComputed {
    /// Its source cannot be read.
    #[error("source `{source_key}` cannot be read: {message}")]
    Source {
        /// Which.
        source_key: SourceKey,
        /// Why.
        message: String,
    },
    /// What it measures cannot be asked of its source, which can be read: its `where`, its measure, or parts of days.
    #[error("its definition does not fit source `{source_key}`: {message}")]
    Definition {
        /// Which.
        source_key: SourceKey,
        /// Why.
        message: String,
    },
    /// The metric is measured on another entity than the experiment randomises.
    #[error("it is measured per `{measured}`, but the experiment randomises `{randomised}`")]
    Entity {
        /// The metric's.
        measured: EntityKey,
        /// The experiment's.
        randomised: EntityKey,
    },
    /// Metrics of its type are declared, but not computed.
    #[error("this version does not compute {what}")]
    Unsupported {
        /// What they are, in the plural.
        what: &'static str,
    },
    /// Rows that count have a measure that is no finite number.
    #[error(
        "its measure is no number (empty, NaN or infinite) in {rows} of the rows that count; fix them in the data, or \
         leave them out with `where`"
    )]
    UnusableRows {
        /// How many, in all arms.
        rows: u64,
    },
    /// The cap makes every value the same.
    #[error(
        "its cap cuts every value to {}: too few units have a value for a cap there (above it: {units})",
        significant(*at)
    )]
    CapCutsAll {
        /// The cap's limit.
        at: f64,
        /// How many units were above it, in all arms.
        units: u64,
    },
    /// Values beyond what is added up.
    #[error("its values are too large for {units} of the units: they must be below {LARGEST_SUMMAND:e}")]
    OutOfRange {
        /// How many, in all arms.
        units: u64,
    },
}
