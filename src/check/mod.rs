//! The lint rules, one file each, and their pages.
//!
//! A rule judges a valid [`Book`](crate::model::Book); what is wrong with a file itself, `load` has found before.
//! Adding a rule touches `rules/NAME.rs`, `rules/NAME.md` and one line of the registry.

mod audience;
mod context;
mod date;
mod enrolment;
mod reach;
mod registry;
mod rule;
mod rules;
mod text;

use jiff::Timestamp;

use crate::diagnostic::Diagnostic;
use crate::load::Loaded;

pub use registry::{RULES, nearest, rule};
pub use rule::{Example, ExampleFile, Rule, Shows};

/// Returns everything that is wrong with what was loaded, in reading order.
///
/// What `load` found comes along. The rules run where there is a valid book; otherwise its problems come first.
pub fn run(loaded: &Loaded, now: Timestamp) -> Vec<Diagnostic> {
    let mut found = loaded.findings.clone();
    if let Some(book) = &loaded.book {
        let context = context::Context::new(book, &loaded.documents, now);
        for rule in RULES {
            rule.check(&context, &mut found);
        }
    }
    found.sort_by(|a, b| a.order().cmp(&b.order()));
    found
}

/// Returns `docs/rules/README.md`: every rule with its first sentence and the way to its page.
pub fn index() -> String {
    let mut out = String::from(
        "# Rules\n\n<!-- Generated from src/check/rules. `UPDATE_DOCS=1 cargo test --test rules` brings it up to date. -->\n\n\
         `trialbook explain RULE` shows a page in the terminal. The examples are laid over a small book and run \
         (`tests/rules/base`); `# in: FILE` begins only those keys of a file that matter.\n\n| rule | weighs | finds |\n| --- | --- | --- |\n",
    );
    for rule in RULES {
        out.push_str(&format!(
            "| [`{}`](../../{}) | {} | {} |\n",
            rule.name(),
            rule.path(),
            rule.severity_word(),
            rule.summary().replace('|', "\\|")
        ));
    }
    out
}
