//! From a book and a warehouse to an `Outcome`.
