//! The last applied draw of an experiment, so that a later apply can find out whether it moves anybody.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Enrolment, Exception, ExperimentBranch, Movement, Unit};
use trialbook_model::{Salt, Schedule, Split};

/// What decides which units an experiment has, and what they get; its audience is left out.
///
/// It is remembered beside the launch, because what is served does not tell it while the flag is switched off, or once it
/// was changed by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// Where the context holds the unit's id.
    pub unit: Unit,
    /// When it is served, in whole seconds.
    pub window: Schedule,
    /// Who is enrolled.
    pub enrolment: Enrolment,
    /// Who is kept from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Exception>,
    /// The salt of the draw of purpose `variant`.
    pub salt: Salt,
    /// Who gets what.
    pub split: Split,
}

impl Drawn {
    /// Returns what an experiment draws whose units have their id there.
    pub(super) fn of(branch: &ExperimentBranch, unit: &Unit) -> Self {
        Self {
            unit: unit.clone(),
            window: branch.window,
            enrolment: branch.enrolment.clone(),
            except: branch.except.clone(),
            salt: branch.salt.clone(),
            split: branch.split.clone(),
        }
    }

    /// Returns what is left to remember when it is not served from an instant on: whom it has by then. `None` outside of its
    /// window, where it has nobody.
    pub(super) fn stopped(mut self, now: Timestamp) -> Option<Self> {
        self.enrolment = self.enrolment.stopped(now);
        (self.window.start() <= now && now < self.window.end()).then_some(self)
    }

    /// Tells whether another draw takes units out, or gives units another variant.
    pub(super) fn is_disturbed_by(&self, after: &Self, now: Timestamp) -> bool {
        // Another id is drawn anew, and a start that is yet to come serves nobody until then.
        self.unit != after.unit
            || after.window.start() > now.max(self.window.start())
            || Movement::of_draws(self, after, now).disturbs()
    }
}
