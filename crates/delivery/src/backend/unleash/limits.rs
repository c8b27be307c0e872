//! What a server takes at most, as it reports itself.

use serde_json::Value;

/// The limits of a server that concern a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Flags in the whole server.
    pub(super) flags: usize,
    /// Strategies of a flag in an environment.
    pub(super) strategies: usize,
    /// Constraints of a strategy.
    pub(super) constraints: usize,
    /// Values of a constraint.
    pub(super) values: usize,
}

/// What a server has unless it is set up for more (`resourceLimits` of unleash-server 7.5.1, read 2026-11).
impl Default for Limits {
    fn default() -> Self {
        Self { flags: 5_000, strategies: 30, constraints: 30, values: 250 }
    }
}

impl Limits {
    /// Reads `resourceLimits`; what is not there is as usual.
    pub(super) fn of(config: &Value) -> Self {
        let usual = Self::default();
        let limit = |name: &str, usual: usize| {
            let given =
                config.get("resourceLimits").and_then(|limits| limits.get(name)).and_then(Value::as_u64);
            given.and_then(|given| usize::try_from(given).ok()).unwrap_or(usual)
        };
        Self {
            flags: limit("featureFlags", usual.flags),
            strategies: limit("featureEnvironmentStrategies", usual.strategies),
            constraints: limit("constraints", usual.constraints),
            // Never more than usual: a flag would be written otherwise where a server's limit is raised, and what was written before
            // would be taken for a change by hand.
            values: limit("constraintValues", usual.values).min(usual.values),
        }
    }
}
