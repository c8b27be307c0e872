//! `textDocument/prepareRename` and `textDocument/rename`: a new name for anything that no launched experiment depends on.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::buffers::Buffers;
use super::client::Client;
use super::edits::Edits;
use super::launched;
use super::names;
use super::position::Lines;
use super::references::symbol_at;
use super::server::{Refusal, Spot};
use super::syntax::uses::{Symbol, unquoted};
use super::uri;
use trialbook_language::load::language::Name;
use trialbook_language::load::yaml::{ScalarNode, Typed};
use trialbook_language::load::{COMBINATORS, Document, Documents};
use trialbook_model::{AttributeKey, FlagKey, Kind, SurfaceKey, VariantKey};

/// Returns the name at the cursor and its range, to be edited.
///
/// # Errors
///
/// Why it must keep its name.
pub fn prepare(spot: &Spot<'_>, client: &Client, now: Timestamp) -> Result<Value, Refusal> {
    let Some((symbol, Some(found))) = symbol_at(spot) else {
        return Err(Refusal::because("there is no name of this book here"));
    };
    allowed(spot, client, &symbol, now)?;
    let range = Lines::new(spot.text, client.encoding).range(unquoted(spot.text, found.span));
    Ok(json!({ "range": range, "placeholder": &*symbol.text }))
}

fn allowed(spot: &Spot<'_>, client: &Client, symbol: &Symbol, now: Timestamp) -> Result<(), Refusal> {
    let what = symbol.name.as_str();
    if names::declaration(spot.book, symbol).is_none() {
        return Err(Refusal::because(format!("there is no {what} `{}`", symbol.text)));
    }
    if matches!(symbol.name, Name::File(_)) && !(client.renames_files && client.document_changes) {
        return Err(Refusal::because(
            "this editor cannot rename files: rename the file and what names it by hand",
        ));
    }
    match launched::reason(spot.book, symbol, now) {
        Some(reason) => {
            Err(Refusal::because(format!("{what} `{}` must keep its name: {reason}", symbol.text)))
        }
        None => Ok(()),
    }
}

/// Returns the edits that give another name to what has its name at the cursor: everywhere where it stands, and of a
/// file its own.
///
/// # Errors
///
/// Why it must keep its name, or why the other one cannot be it.
pub fn rename(
    spot: &Spot<'_>,
    client: &Client,
    now: Timestamp,
    new: &str,
    buffers: &Buffers,
) -> Result<Value, Refusal> {
    let Some((symbol, Some(_))) = symbol_at(spot) else {
        return Err(Refusal::because("there is no name of this book here"));
    };
    allowed(spot, client, &symbol, now)?;
    let what = symbol.name.as_str();
    grammar(symbol.name, new).map_err(Refusal::because)?;
    if new == &*symbol.text {
        return Ok(Edits::default().value(client, buffers));
    }
    if let Name::File(Kind::Flag) = symbol.name
        && let Some((document, _)) = names::declaration(spot.book, &symbol)
        && !document.file().path().ends_with(&format!("{}.flag.yaml", symbol.text))
    {
        return Err(Refusal::because(
            "the flag's file gives its key: change `key:` there, which makes it another flag",
        ));
    }
    if let Name::File(Kind::Flag) = symbol.name
        && let Some(taken) = same_but_for_case(spot.book.workspace.documents(), new)
    {
        return Err(Refusal::because(format!(
            "there is a flag `{taken}`, and keys of flags are unique whatever their case: take another name"
        )));
    }
    let other = Symbol { text: new.into(), ..symbol.clone() };
    if names::declaration(spot.book, &other).is_some() {
        return Err(Refusal::because(format!("there is a {what} `{new}` already")));
    }
    let mut edits = Edits::default();
    for (document, found) in names::uses_of(spot.book, &symbol) {
        let text = document.file().text();
        let inner = unquoted(text, found.span);
        let simple = inner != found.span && !new.contains(['"', '\'', '\\']);
        let (place, new) = if simple { (inner, new.to_owned()) } else { (found.span, plain(new)) };
        edits.replace(spot.book, document.file().path(), text, place, new);
    }
    if let Name::File(kind) = symbol.name
        && let Some((document, _)) = names::declaration(spot.book, &symbol)
    {
        let path = document.file().path();
        let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let to = uri::of_path(&spot.book.shown.join(format!("{folder}{new}.{kind}.yaml")));
        edits.rename(spot.book.uri(path), to);
    }
    Ok(edits.value(client, buffers))
}

/// Returns the key of a flag that differs from a name in its case alone.
fn same_but_for_case<'b>(documents: &'b Documents, name: &str) -> Option<&'b str> {
    let flags = documents.iter().filter(|document| document.kind() == Kind::Flag);
    let name = name.to_lowercase();
    flags.map(Document::key).find(|key| key.to_lowercase() == name)
}

/// Holds a new name against the grammar of its sort.
fn grammar(name: Name, new: &str) -> Result<(), String> {
    let checked = match name {
        Name::Variant => VariantKey::new(new).map(|_| ()),
        Name::Attribute | Name::Entity | Name::Measure | Name::Dimension => {
            AttributeKey::new(new).map(|_| ())
        }
        // Every file, surface and target has the grammar of a key.
        Name::File(Kind::Book) => return Err("the book's file has no other name".to_owned()),
        Name::File(Kind::Flag) if FlagKey::is_stem(new) => Ok(()),
        Name::File(Kind::Flag) => {
            return Err(format!(
                "`{new}` is not made of letters, digits, `.`, `_` and `-` alone, so no file can have its name"
            ));
        }
        Name::File(_) | Name::Surface | Name::Target | Name::Salt => SurfaceKey::new(new).map(|_| ()),
        Name::Column => return Err("a column is renamed in its database".to_owned()),
    };
    checked.map_err(|error| error.to_string())?;
    if name == Name::Attribute && COMBINATORS.contains(&new) {
        return Err(format!("`{new}` has a meaning of its own in an audience, so no attribute is called so"));
    }
    Ok(())
}

/// Returns the name as it is written without quotes; with them where it would be something else.
fn plain(name: &str) -> String {
    let scalar = ScalarNode { text: name.into(), plain: true };
    let word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let begins = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    if begins && name.chars().all(word) && scalar.typed() == Typed::Text(name) && !scalar.is_ambiguous() {
        name.to_owned()
    } else {
        // JSON's escapes are YAML's too.
        serde_json::Value::from(name).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_be_a_number_or_a_boolean_gets_quotes() {
        assert_eq!(plain("bold"), "bold");
        assert_eq!(plain("1"), "\"1\"");
        assert_eq!(plain("true"), "\"true\"");
        assert_eq!(plain("no"), "\"no\"");
    }

    #[test]
    fn a_new_name_has_the_grammar_of_its_sort() {
        assert!(grammar(Name::Variant, "A_b").is_ok());
        assert!(grammar(Name::File(Kind::Flag), "A_b").is_ok());
        assert!(grammar(Name::File(Kind::Flag), "a/b").is_err());
        assert!(grammar(Name::Attribute, "any").is_err());
        assert!(grammar(Name::Attribute, "any_").is_ok());
        assert!(grammar(Name::File(Kind::Book), "x").is_err());
    }
}
