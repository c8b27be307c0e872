//! Statistics of randomised experiments, as pure functions of moments.
