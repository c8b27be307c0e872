//! What a book says, as plain values: every reference resolved, nothing half-valid.
