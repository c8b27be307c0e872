//! Audiences held against another solver.

mod overlap_vectors;
