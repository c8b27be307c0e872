//! The rule declared before launch, and the verdict it reaches.
