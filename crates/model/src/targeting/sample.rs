//! The share of traffic that an audience is, measured in a sample of contexts.

use super::context::{Context, matches};
use crate::Predicate;

/// Contexts as they occurred. They stand for all traffic as far as they were drawn from it at random.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    contexts: Vec<Context>,
}

/// A share that was counted in a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The share of the contexts that match, between 0 and 1.
    pub share: f64,
    /// The standard error of the share.
    ///
    /// It is that of two more contexts that match and two more that do not (Agresti and Coull 1998), so it is not zero
    /// where none or all match: that none of ten contexts match is no proof that nobody does.
    pub standard_error: f64,
    /// How many contexts were counted; never none.
    pub contexts: u64,
}

impl FromIterator<Context> for Sample {
    fn from_iter<I: IntoIterator<Item = Context>>(contexts: I) -> Self {
        Self { contexts: contexts.into_iter().collect() }
    }
}

impl Sample {
    /// Returns the share of the sample in an audience whose segments are inlined; `None` where the sample is empty.
    pub fn share(&self, audience: &Predicate) -> Option<Measured> {
        counted(self.contexts.iter().map(|context| matches(audience, context)))
    }

    /// Returns how many contexts there are.
    pub fn len(&self) -> usize {
        self.contexts.len()
    }

    /// Tells whether there is none.
    pub fn is_empty(&self) -> bool {
        self.contexts.is_empty()
    }
}

/// Returns the share of contexts in an audience whose segments are inlined, none of which is kept; `None` where there are
/// none.
pub fn measured(audience: &Predicate, contexts: impl IntoIterator<Item = Context>) -> Option<Measured> {
    counted(contexts.into_iter().map(|context| matches(audience, &context)))
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53 contexts")]
fn counted(matched: impl Iterator<Item = bool>) -> Option<Measured> {
    let (hits, contexts) =
        matched.fold((0u64, 0u64), |(hits, all), matched| (hits + u64::from(matched), all + 1));
    if contexts == 0 {
        return None;
    }
    let (n, with_four) = (contexts as f64, contexts as f64 + 4.0);
    let p = (hits as f64 + 2.0) / with_four;
    let standard_error = (p * (1.0 - p) / with_four).sqrt();
    Some(Measured { share: hits as f64 / n, standard_error, contexts })
}
