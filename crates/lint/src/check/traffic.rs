//! The share of traffic that something concerns, and how that is known.

use super::text::percent;
use trialbook_model::Predicate;
use trialbook_model::diagnostic::{Basis, SharedTraffic};
use trialbook_model::targeting::{Attributes, Measured, Sample, share};

/// A share of all traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Traffic {
    /// Worked out from the shares that attributes declare, as if these were independent of each other.
    Declared(f64),
    /// Counted in a sample of contexts.
    Sampled(Measured),
}

impl Traffic {
    /// Returns the share of an audience: measured where there is a sample, else declared; `None` where it is unknown.
    pub(super) fn of(audience: &Predicate, attributes: &Attributes, sample: Option<&Sample>) -> Option<Self> {
        match sample {
            Some(sample) => sample.share(audience).map(Self::Sampled),
            None => share(audience, attributes).map(Self::Declared),
        }
    }

    /// Returns the part of it that a draw leaves, which knows nothing of the audience.
    pub(super) fn drawn(self, part: f64) -> Self {
        match self {
            Self::Declared(share) => Self::Declared(share * part),
            Self::Sampled(measured) => Self::Sampled(Measured {
                share: measured.share * part,
                standard_error: measured.standard_error * part,
                ..measured
            }),
        }
    }

    /// Returns it as a finding carries it.
    pub(super) fn shared(self) -> SharedTraffic {
        match self {
            Self::Declared(share) => SharedTraffic { share, basis: Basis::Declared },
            Self::Sampled(measured) => SharedTraffic { share: measured.share, basis: Basis::Sample },
        }
    }

    /// Returns it in words: "about 1.8% of all users (declared shares)".
    pub(super) fn note(self) -> String {
        match self {
            Self::Declared(share) => format!("about {} of all users (declared shares)", percent(share)),
            Self::Sampled(Measured { share, standard_error, contexts }) => format!(
                "about {} of all users (a sample of {contexts} contexts, standard error {})",
                percent(share),
                percent(standard_error)
            ),
        }
    }
}
