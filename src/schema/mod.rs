//! JSON Schemas of the file kinds, generated from the syntax types.
