//! The difference between what the book says and what is live, bound to what it was made from.
