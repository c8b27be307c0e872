//! What is at a place of a file, and what may be written there: the basis for answers about the cursor.
//!
//! The language itself, its keys and its shapes, is [`trialbook_language::load::language`].

pub mod outline;
mod scope;
pub mod typing;
pub mod uses;
pub mod values;
pub mod word;

#[cfg(test)]
mod tests {
    use trialbook_language::load::{Document, Loaded, RawFile, load};

    /// Reads a book of one file.
    pub fn loaded(path: &str, text: &str) -> Loaded {
        load(vec![RawFile { path: path.to_owned(), bytes: text.into() }])
    }

    /// Returns the file of such a book.
    pub fn document<'a>(loaded: &'a Loaded, path: &str) -> &'a Document {
        loaded.documents.at_path(path).expect("the file")
    }
}
