//! Whether the data can carry a verdict at all.

use serde::{Deserialize, Serialize};

use trialbook_model::{DimensionKey, SourceKey};

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QualityKind {
    /// The arms have the units that their shares promise.
    SampleRatio,
    /// Units seen in two variants of the experiment; they are left out.
    InTwoVariants,
    /// Units first exposed before the start or after the end; they are left out.
    OutsideSchedule,
    /// Exposures to a variant that the experiment does not have; they are left out.
    UnknownVariant,
    /// Rows that cannot be used: no unit, no time, or a measure that is not a finite number.
    UnusableRows,
    /// A metric that cannot be computed from its data: before the horizon it can still be fixed.
    UnmeasurableMetric,
    /// Every arm has the units that the policy asks for.
    TooFewUnits,
    /// The source reaches the watermark, so that a missing row means that nothing happened.
    DataMissing,
}

impl QualityKind {
    /// Returns the word that people read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SampleRatio => "sample ratio",
            Self::InTwoVariants => "units in two variants",
            Self::OutsideSchedule => "units outside the schedule",
            Self::UnknownVariant => "unknown variants",
            Self::UnusableRows => "unusable rows",
            Self::UnmeasurableMetric => "metrics without a number",
            Self::TooFewUnits => "units per variant",
            Self::DataMissing => "data up to the watermark",
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QualityStatus {
    /// Nothing wrong.
    Pass,
    /// Worth a look. A sample ratio with this status prevents *ship*, for rule 2 tests it more strictly
    /// than the policy does.
    Warn,
    /// Past the policy's threshold: no result stands on such data.
    Fail,
    /// Could not be checked; `detail` says why.
    NotMeasured,
}

/// One check of the data, overall or within one value of a dimension.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityCheck {
    /// What was checked.
    pub kind: QualityKind,
    /// What was found.
    pub status: QualityStatus,
    /// The number that was judged: a share (0 to 1) of units, a number of units or rows, or for the sample
    /// ratio the p-value; `None` where there is none.
    pub observed: Option<f64>,
    /// What `observed` was compared with, in the same unit.
    pub threshold: Option<f64>,
    /// The p-value, where the check is a test.
    pub p_value: Option<f64>,
    /// What was found, as a sentence fragment with its numbers.
    pub detail: String,
    /// The dimension and its value, where the check is about a part of the units. Such a check shows where
    /// a problem sits and never decides.
    pub within: Option<(DimensionKey, String)>,
    /// The source, where the check is about one.
    pub source: Option<SourceKey>,
}

impl QualityCheck {
    /// Tells whether the check makes the whole result invalid.
    pub fn invalidates(&self) -> bool {
        self.status == QualityStatus::Fail && self.within.is_none()
    }
}
