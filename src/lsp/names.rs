//! Names of a book: where they are declared, which there are, who uses them.

use rayon::prelude::*;

use super::books::Shelved;
use super::syntax::uses::{Symbol, Use, uses};
use trialbook_language::load::Document;
use trialbook_language::load::language::Name;
use trialbook_model::Kind;
use trialbook_model::span::Span;

/// Returns the file that declares what this is, where it is not a file itself.
fn declaring<'a>(book: &'a Shelved, name: Name, owner: &str) -> Option<&'a Document> {
    let documents = book.workspace.documents();
    match name {
        Name::Variant => documents.get(Kind::Flag, owner),
        Name::Measure | Name::Dimension => documents.get(Kind::Source, owner),
        Name::Attribute | Name::Entity | Name::Surface | Name::Target => documents.get(Kind::Book, ""),
        Name::File(_) | Name::Column | Name::Salt => None,
    }
}

/// Returns every name of a sort that is declared, in the order of the files and of their content.
pub fn declared(book: &Shelved, name: Name, owner: &str) -> Vec<String> {
    if let Name::File(kind) = name {
        let of_kind = book.workspace.documents().iter().filter(|document| document.kind() == kind);
        return of_kind.map(|document| document.key().to_owned()).collect();
    }
    let mut names = Vec::new();
    if let Some(document) = declaring(book, name, owner) {
        uses(document, &mut |found| {
            if found.declares && found.symbol.name == name {
                names.push(found.symbol.text.into());
            }
        });
    }
    names
}

/// Returns where something is declared: the file, and the span of its name; of a file, the start.
pub fn declaration<'a>(book: &'a Shelved, symbol: &Symbol) -> Option<(&'a Document, Span)> {
    if let Name::File(kind) = symbol.name {
        return Some((book.workspace.documents().get(kind, &symbol.text)?, Span::default()));
    }
    let document = declaring(book, symbol.name, &symbol.owner)?;
    let mut place = None;
    uses(document, &mut |found| {
        if found.declares && found.symbol == *symbol {
            place.get_or_insert(found.span);
        }
    });
    place.map(|span| (document, span))
}

/// Returns every place where a name stands, its declaration in a file included, in reading order.
pub fn uses_of<'a>(book: &'a Shelved, symbol: &Symbol) -> Vec<(&'a Document, Use)> {
    let documents: Vec<&Document> = book.workspace.documents().iter().collect();
    documents
        .into_par_iter()
        // Most files do not have the name at all. An escape in quotes would hide it, and no name needs one.
        .filter(|document| document.file().text().contains(&*symbol.text))
        .flat_map_iter(|document| {
            let mut found = Vec::new();
            uses(document, &mut |one| {
                if one.symbol == *symbol {
                    found.push((document, one));
                }
            });
            found
        })
        .collect()
}
