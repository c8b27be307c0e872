//! Context to variant, with the reason: the reference that every target must agree with.
