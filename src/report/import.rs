//! Why a flag is not taken over, in words.

use super::number::shortened;
use trialbook_delivery::import::NotImported;

/// Returns why a flag is left alone.
pub fn not_imported(reason: &NotImported) -> String {
    match reason {
        NotImported::OfBook(Some(book)) => format!("it belongs to the book `{}`", shortened(book, 60)),
        NotImported::OfBook(None) => "it belongs to a book".to_owned(),
        NotImported::Key => "its key has more than 100 characters, or some that are not printed".to_owned(),
        NotImported::Shape(expected) => format!("expected {expected}"),
        NotImported::Disabled => {
            "it is switched off, so the default in the client's code decides: enable it, or remove it"
                .to_owned()
        }
        NotImported::NoDefault => {
            "it has no `defaultVariant`, so the default in the client's code decides: give it one".to_owned()
        }
        NotImported::Variant(name) => {
            format!("`{}` cannot be the key of a variant", shortened(name, 60))
        }
        NotImported::Values => {
            "its values are not all booleans, all texts, all numbers or all objects".to_owned()
        }
        NotImported::UnknownVariant(name) => {
            format!("it serves `{}`, which is not one of its variants", shortened(name, 60))
        }
        NotImported::Draw => {
            "it splits units by a hash of its own: a rollout or an experiment of the book draws them again"
                .to_owned()
        }
        NotImported::Operator(name) => format!("a book has no `{}`", shortened(name, 60)),
        NotImported::Comparison(text) => format!("a book cannot express `{}`", shortened(text, 120)),
        NotImported::Attribute(name) => {
            format!("`{}` cannot be an attribute of a book", shortened(name, 60))
        }
        NotImported::Reference(name) => {
            format!("it refers to `{}`, which is not among `$evaluators`", shortened(name, 60))
        }
        NotImported::Type { attribute, here, there } => format!(
            "it compares `{attribute}` with a {}, and with a {} elsewhere",
            here.as_str(),
            there.as_str()
        ),
        NotImported::Depth => "its conditions are nested too deep, or are too many".to_owned(),
        NotImported::Refused(message) => shortened(message, 200),
    }
}
