//! The plan file: JSON that states its version first and proves its content by digests.

use serde_json::Value;

use super::Plan;
use trialbook_model::Digest;

/// The version of the plan file that this program writes, and the only one that it reads.
pub const FORMAT: u32 = 3;

/// The member that holds the digest of all others.
const DIGEST: &str = "digest";

/// Why a text is not a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// Not JSON, or not a plan's shape.
    #[error("this is not a plan file")]
    Shape(#[source] serde_json::Error),
    /// A plan of another version of trialbook.
    #[error("the plan has format {found}, and this trialbook reads format {FORMAT}")]
    Format {
        /// The version that the file states.
        found: u64,
    },
    /// No digest, so an older version wrote it or somebody took it away.
    #[error("the plan has no digest: it was made by an older version of trialbook, or edited")]
    Unsealed,
    /// The content does not fit its digest.
    #[error("the plan does not fit its digest: it was edited or damaged")]
    Edited,
}

impl Plan {
    /// Writes the plan as JSON, with a digest of it all and a line break at the end.
    ///
    /// # Errors
    ///
    /// As [`serde_json::to_string`]; never for a plan that [`Plan::new`] made.
    pub fn write(&self) -> serde_json::Result<String> {
        let mut value = serde_json::to_value(self)?;
        let digest = Digest::of(&value)?;
        if let Value::Object(members) = &mut value {
            members.insert(DIGEST.into(), Value::from(digest.as_str()));
        }
        Ok(serde_json::to_string(&value)? + "\n")
    }

    /// Returns the digest that the file of this plan holds.
    ///
    /// # Errors
    ///
    /// As [`Plan::write`].
    pub fn digest(&self) -> serde_json::Result<Digest> {
        Digest::of(self)
    }

    /// Reads a plan and checks that its digest fits.
    ///
    /// The digest shows damage and edits. Whoever edits a plan can write a new digest as well, so an apply believes nothing
    /// of a file that it does not find again: see [`Plan::check_same`].
    pub fn read(text: &str) -> Result<Self, PlanFileError> {
        Self::from_value(serde_json::from_str(text).map_err(PlanFileError::Shape)?)
    }

    /// Reads a plan from its JSON, as [`Plan::read`] does.
    ///
    /// # Errors
    ///
    /// As [`Plan::read`].
    pub fn from_value(mut value: Value) -> Result<Self, PlanFileError> {
        match value.get("version").and_then(Value::as_u64) {
            Some(found) if found != u64::from(FORMAT) => return Err(PlanFileError::Format { found }),
            // A missing version is reported as what it is: a missing field.
            Some(_) | None => {}
        }
        let digest = value.as_object_mut().and_then(|members| members.shift_remove(DIGEST));
        let actual = Digest::of(&value).map_err(PlanFileError::Shape)?;
        let plan = serde_json::from_value(value);
        match digest {
            None if plan.is_ok() => Err(PlanFileError::Unsealed),
            Some(digest) if digest.as_str() != Some(actual.as_str()) => Err(PlanFileError::Edited),
            _ => plan.map_err(PlanFileError::Shape),
        }
    }
}
