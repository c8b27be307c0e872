//! The words of `evaluate`: why a default is served, and what was left out of a context.

mod lines;
mod passed;

use crate::app::evaluate::Notice;
use trialbook_model::Attribute;

pub use lines::{Line, Lines};
pub use passed::{PassedBy, Unreadable, passed, unreadable};

/// So much of an ignored attribute's name is shown, in characters.
const LONGEST_NAME: usize = 100;

/// Returns what a person should know about the answers.
pub fn notice(notice: &Notice) -> String {
    match notice {
        Notice::TargetUnread(error) => format!(
            "{error}: of rollouts with guardrails only the first step counts; --approved ROLLOUT=SHARE sets another share"
        ),
        Notice::OtherDraws { evaluator, other } => {
            let (evaluator, other) = (evaluator.as_str(), other.as_str());
            format!(
                "these are the draws of {evaluator}; {other} draws differently: see them with --evaluator {other}"
            )
        }
    }
}

/// Returns that an attribute of a context is ignored, and what to do; `nearest` is a declared one with a similar name.
pub fn ignored(name: &str, nearest: Option<&str>) -> String {
    let advice = match nearest {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "declare it under `attributes:` in trialbook.yaml to use it".to_owned(),
    };
    let name: String = name.chars().take(LONGEST_NAME).collect();
    format!("attribute `{name}` is ignored: the book does not declare it; {advice}")
}

/// Returns that a value counts as missing, because it does not read as its attribute's declared type.
fn misread(attribute: &Attribute, value: &serde_json::Value) -> String {
    format!(
        "attribute `{}` ignored: {}; it counts as missing",
        attribute.key,
        unreadable(attribute, value).detail
    )
}
