//! The plan file: JSON that says its version first and proves its content by digests.

use trialbook_model::FlagKey;

use super::Plan;

/// The version of the plan file that this program writes, and the only one that it reads.
pub const FORMAT: u32 = 2;

/// Why a text is not a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// Not JSON, or not a plan's shape.
    #[error("this is not a plan file")]
    Shape(#[source] serde_json::Error),
    /// A plan of another version of trialbook.
    #[error("the plan has format {found}, and this trialbook reads format {FORMAT}")]
    Format {
        /// The version that the file says.
        found: u64,
    },
    /// The content does not fit its digest.
    #[error("the plan says one thing about `{0}` and its digest another: it was edited or damaged")]
    Edited(FlagKey),
}

impl Plan {
    /// Writes the plan as JSON, indented, with a line break at the end.
    ///
    /// # Errors
    ///
    /// As [`serde_json::to_string_pretty`]; never for a plan that [`Plan::new`] made.
    pub fn write(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads a plan and checks that its digests fit.
    pub fn read(text: &str) -> Result<Self, PlanFileError> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(PlanFileError::Shape)?;
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(found) if found != u64::from(FORMAT) => return Err(PlanFileError::Format { found }),
            // A missing version is reported as what it is: a missing field.
            Some(_) | None => {}
        }
        let plan: Self = serde_json::from_value(value).map_err(PlanFileError::Shape)?;
        for action in &plan.actions {
            let actual = action.desired.as_ref().map(super::FlagState::digest).transpose();
            if actual.map_err(PlanFileError::Shape)? != action.digest {
                return Err(PlanFileError::Edited(action.flag.clone()));
            }
        }
        Ok(plan)
    }
}
