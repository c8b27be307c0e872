//! What no unit reaches: its audience is empty, or the flag's rules serve all of it first.

use super::collision::Served;
use super::inspection::Inspection;
use super::reach::Reach;
use super::rule::Rule;
use trialbook_model::Flag;
use trialbook_model::diagnostic::Diagnostic;
use trialbook_model::targeting::{Overlap, satisfiable};

/// The words of a rule about what no unit reaches.
pub(super) struct Words {
    /// What it cannot do: "enrol nobody".
    pub(super) does: &'static str,
    /// What to do where rules serve its audience first.
    pub(super) help: &'static str,
}

/// Adds a finding for each experiment or rollout that no unit of the primary target reaches.
///
/// What cannot be decided is left alone here: what serves nobody harms nobody.
pub(super) fn check<'a>(
    context: &Inspection<'a>,
    rule: &Rule,
    flag: &Flag,
    words: &Words,
    served: impl Iterator<Item = Served<'a>>,
    found: &mut Vec<Diagnostic>,
) {
    let mut served = served.peekable();
    if served.peek().is_none() {
        return;
    }
    let attributes = context.attributes();
    let reach = Reach::in_primary(context.book, flag);
    for served in served {
        if satisfiable(&reach.left_of(served.audience()), attributes) != Overlap::Disjoint {
            continue;
        }
        let alone = satisfiable(&context.book.inlined(served.audience()), attributes);
        let message = format!("{} `{}` can {}", served.kind(), served.key(), words.does);
        let finding = rule.finding(context, message, served.place());
        found.push(if alone == Overlap::Disjoint {
            finding
                .label("no unit matches all of this")
                .help("take out the conditions that contradict each other")
        } else {
            let rules = (trialbook_model::Kind::Flag, &flag.key as &dyn std::fmt::Display, "/rules");
            let before = format!("rules come before {}s", served.kind());
            let finding = finding.label("every unit of this audience is served by a rule");
            context.relate(finding, rules, before).help(words.help)
        });
    }
}
