//! What a check of the data found, as data: only reports word it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use trialbook_model::{DimensionKey, MetricKey, Share, VariantKey};

/// What a check found, with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "kebab-case")]
pub enum QualityDetail {
    /// The units of each arm beside its share.
    Split {
        /// The arms, in the order of the split.
        arms: Vec<SplitArm>,
    },
    /// The test could not be made.
    NotTested {
        /// Why, as a fragment.
        cause: String,
    },
    /// There are no units yet.
    NoUnits,
    /// There are no arms.
    NoArms,
    /// So many units are left out, for what the check is about.
    LeftOut {
        /// How many.
        units: u64,
        /// Of how many.
        of: u64,
    },
    /// The arm with the fewest units.
    Fewest {
        /// Which.
        variant: VariantKey,
        /// How many it has.
        units: u64,
        /// How many the policy asks for.
        needed: u64,
        /// Where it has none: the arms that have units, and how many.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        others: Vec<(VariantKey, u64)>,
    },
    /// So many units were exposed to a variant that the experiment does not have.
    UnknownVariant {
        /// How many.
        units: u64,
    },
    /// Units have a value of a dimension of versions that is no version.
    UnreadVersions {
        /// The dimension.
        dimension: DimensionKey,
        /// How many units.
        units: u64,
        /// Of how many.
        of: u64,
    },
    /// A metric cannot be computed from its data.
    Unmeasurable {
        /// Which.
        metric: MetricKey,
        /// Why, as a fragment.
        cause: String,
    },
    /// The source cannot be read.
    Unreadable {
        /// Why, as a fragment.
        cause: String,
    },
    /// The source has no row before the watermark.
    NoRows {
        /// Whether it is declared complete, so that it may really have none.
        complete: bool,
    },
    /// The source ends before it is needed: its data are late, or nothing happened since.
    EndsEarly {
        /// When it ends.
        until: Timestamp,
        /// Until when it is needed.
        needed: Timestamp,
    },
    /// The source is declared complete, so nothing happened since its last row.
    QuietSince {
        /// When that was.
        until: Timestamp,
    },
    /// The source reaches as far as it is needed.
    Reaches {
        /// How far.
        until: Timestamp,
    },
    /// Rows of the source have no time, or no unit.
    UnusableRows {
        /// How many; they are left out.
        rows: u64,
        /// Of how many.
        of: u64,
        /// Whether rows without a unit are among them, as only exposures have.
        without_unit: bool,
    },
    /// The source is declared to have days for times.
    DeclaredDays,
    /// Each time in the source is a midnight of a time zone.
    Midnights {
        /// How many times.
        rows: u64,
        /// The time zone.
        zone: String,
    },
    /// Each time in the source has the same time of day.
    OneTimeOfDay {
        /// How many times.
        rows: u64,
        /// The time of day in UTC, in minutes after midnight.
        minutes: u32,
        /// Whether the source declares that they are instants all the same.
        #[serde(default)]
        instants: bool,
    },
    /// Some times in the source are midnights.
    SomeMidnights {
        /// How many.
        midnights: u64,
        /// Of how many.
        rows: u64,
    },
    /// How the units of the source and those of the exposures meet.
    Ids(IdsMeet),
    /// Rows of the source that are there more than once.
    Copies {
        /// How many rows are copies of another.
        copies: u64,
        /// Of how many near the units.
        rows: u64,
        /// Whether the source declares a key, so that they do not count.
        by_key: bool,
        /// The same for each arm.
        arms: Vec<CopiesOfArm>,
        /// Why they are a problem; `None` where they are none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<CopiesProblem>,
    },
    /// No row of the source fulfils a metric's `where`.
    NoMatch {
        /// Which metric.
        metric: MetricKey,
        /// How many rows there are.
        rows: u64,
        /// The condition, cut after some characters.
        filter: String,
    },
}

/// An arm's units beside its share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitArm {
    /// Which.
    pub variant: VariantKey,
    /// Its units.
    pub units: u64,
    /// The share that it should have.
    pub share: Share,
}

/// How the units of a source of facts and those of the exposures meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdsMeet {
    /// The units with a row in the source.
    pub in_source: u64,
    /// How many of them were exposed.
    pub met: u64,
    /// The exposed units.
    pub exposed: u64,
    /// What is wrong; `None` where nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<IdProblem>,
}

/// Why hardly any ids meet, or fewer than could.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum IdProblem {
    /// More exposed units have rows under another spelling of their id.
    Respelled {
        /// How many.
        units: u64,
        /// How they are spelled, where most agree.
        spelling: Option<Spelling>,
    },
    /// Hardly any meet, and one side has something before or behind its ids.
    Affixed {
        /// What.
        spelling: Spelling,
    },
    /// Hardly any meet: they seem to be ids of something else.
    OtherKind,
    /// Units that meet also have rows under another spelling, which do not count.
    Mixed {
        /// How many.
        units: u64,
        /// How they are spelled, where most agree.
        spelling: Option<Spelling>,
    },
    /// None meets, among so few that this may be chance.
    NoneMet,
}

/// How ids are written on one side and not on the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Spelling {
    /// Capital and small letters.
    LetterCase,
    /// Spaces, quotes or braces around them.
    Around,
    /// Zeros before a number.
    LeadingZeros,
    /// A number written as a fraction: `7.0`.
    Fraction,
    /// Hyphens, as in a UUID.
    Hyphens,
    /// Something before them.
    Prefix {
        /// What.
        text: String,
    },
    /// Something behind them.
    Suffix {
        /// What.
        text: String,
    },
    /// Several of these at once.
    Several,
}

/// The copies among the rows of an arm's units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiesOfArm {
    /// Which arm.
    pub variant: VariantKey,
    /// How many rows are copies of another.
    pub copies: u64,
    /// Of how many.
    pub rows: u64,
}

/// Why rows that are there more than once are a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopiesProblem {
    /// The arms differ in their share by more than chance.
    Uneven,
    /// Without them the verdict would be another.
    MovesVerdict,
    /// They are so many that no number means anything.
    Many,
    /// They are worth a look.
    Some,
}

impl QualityDetail {
    /// Returns the words of somebody else that it carries.
    pub fn cause_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::NotTested { cause } | Self::Unmeasurable { cause, .. } | Self::Unreadable { cause } => {
                Some(cause)
            }
            _ => None,
        }
    }
}
