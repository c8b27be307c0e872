//! Reads bytes as one file of a book, of the kind that the first byte says: bytes to text, text to a tree, the tree to typed
//! syntax, and that into the book.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trialbook_fuzz::{BOOK, FILES, file, hold};
use trialbook_language::load::{Kind, load};

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let kind = Kind::ALL[usize::from(*first) % Kind::ALL.len()];
    let mut files: Vec<_> = FILES.iter().map(|(path, text)| file(path, *text)).collect();
    if kind == Kind::Book {
        files.push(file("trialbook.yaml", rest));
    } else {
        files.push(file("trialbook.yaml", BOOK));
        files.push(file(&format!("a/fuzzed.{kind}.yaml"), rest));
    }
    let loaded = load(files);
    hold(&loaded, &loaded.findings);
});
