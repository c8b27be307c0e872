//! What git knows: a book at a revision, launches, the pre-registration and its digest.
