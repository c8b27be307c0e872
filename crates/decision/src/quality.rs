//! Whether the data can carry a verdict at all.

mod detail;

use serde::{Deserialize, Serialize};

use trialbook_model::{DimensionKey, SourceKey};

pub use detail::{CopiesOfArm, CopiesProblem, IdProblem, IdsMeet, QualityDetail, Spelling, SplitArm};

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
    /// The times of a source are those that it declares: instants, and not days.
    DayStamps,
    /// The units of a source of facts are written as those of the exposures.
    UnitIds,
    /// Rows that are there more than once.
    Copies,
    /// A metric's `where` is fulfilled by rows of its source.
    Filter,
    /// Values of a dimension that its attribute's type cannot read.
    UnreadValues,
    /// Every arm has the units that the policy asks for.
    TooFewUnits,
    /// The source reaches the watermark, so that a missing row means that nothing happened.
    DataMissing,
}

impl QualityKind {
    /// Tells whether a check that fails takes the metrics of its source away, and leaves the rest of the result as it is.
    pub const fn is_of_metrics(self) -> bool {
        matches!(self, Self::DayStamps | Self::UnitIds | Self::Copies | Self::Filter)
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
    /// Could not be checked; `detail` has the reason.
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
    /// What was found.
    pub detail: QualityDetail,
    /// The dimension and its value, where the check is about a part of the units. Such a check shows where
    /// a problem sits and never decides.
    pub within: Option<(DimensionKey, String)>,
    /// The source, where the check is about one.
    pub source: Option<SourceKey>,
}

impl QualityCheck {
    /// Tells whether the check makes the whole result invalid. One that is about the data of metrics leaves these
    /// without a number instead, so that nothing is decided on them.
    pub fn invalidates(&self) -> bool {
        self.status == QualityStatus::Fail && self.within.is_none() && !self.kind.is_of_metrics()
    }
}
