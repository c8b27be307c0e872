//! Who would be served something else if other evaluators read what is live.

use jiff::Timestamp;
use serde::Serialize;

use super::AppError;
use super::plan::Prepared;
use trialbook_delivery::plan::Upgrade;
use trialbook_model::{Evaluator, TargetKey};

/// The version of [`Upgraded`] as JSON.
pub const VERSION: u32 = 1;

/// What each of some evaluators would serve otherwise than the target's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Upgraded {
    /// The version of this shape.
    pub version: u32,
    /// The target's key.
    pub target: TargetKey,
    /// What the target is, wherever the book is.
    pub identity: String,
    /// As of when.
    pub at: Timestamp,
    /// One for each evaluator, in the order in which they were named.
    pub upgrades: Vec<Upgrade>,
}

/// Compares what a target serves through the evaluator that it declares first with what others would make of it.
///
/// # Errors
///
/// Where the target cannot be read, or an evaluator reads targets of another kind.
pub fn upgrade(prepared: &Prepared<'_>, to: &[Evaluator], at: Timestamp) -> Result<Upgraded, AppError> {
    let key = &prepared.declared.key;
    let kind = prepared.declared.kind();
    if let Some(other) = to.iter().find(|other| other.reads() != kind) {
        return Err(AppError::OtherEvaluator { target: key.clone(), evaluator: *other });
    }
    let declared = prepared.declared.evaluators().first();
    let from = declared.unwrap_or_else(|| unreachable!("a target has at least one evaluator"));
    let live = prepared.read()?;
    Ok(Upgraded {
        version: VERSION,
        target: key.clone(),
        identity: prepared.target.identity().to_owned(),
        at,
        upgrades: to.iter().map(|to| Upgrade::new(&live, *from, *to, at)).collect(),
    })
}

impl Upgraded {
    /// Tells whether somebody would move.
    pub fn moves(&self) -> bool {
        self.upgrades.iter().any(|upgrade| !upgrade.moves.is_empty())
    }
}
