//! Experiment SQL: exposures, facts, covariates, and the moments that they add up to.
