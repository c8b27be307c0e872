//! A finding: what is wrong, where, why, the proof, and what to do.
