//! `trialbook explain`: the pages of the rules, and those about other subjects.

use super::sink::{self, Text};
use super::{Exit, Failure, Session};
use crate::report::explain::{list, page};
use trialbook_lint::check::{RULES, Rule, nearest, rule};

/// Explain a lint rule: what it finds, why it matters, an example, what to do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The rule's name, or `exit-codes`; when left out, all rules are listed
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

/// Prints a rule's page, or the list of rules.
pub fn run(args: &Args, _session: &Session) -> Result<Exit, Failure> {
    let text = match &args.rule {
        None => list(RULES),
        Some(name) => match TOPICS.iter().find(|(topic, _)| topic == name) {
            Some((_, text)) => page(text, None),
            None => named(name).map(|rule| page(rule.page(), Some(rule.severity_word())))?,
        },
    };
    sink::print(Text::Styled(&text))?;
    Ok(Exit::Done)
}

fn named(name: &str) -> Result<&'static Rule, Failure> {
    rule(name).ok_or_else(|| {
        let help = match nearest(name) {
            Some(near) => format!("did you mean `{}`?", near.name()),
            None => "`trialbook explain` lists every rule".to_owned(),
        };
        Failure::new(Exit::NothingMatched, format!("there is no rule `{name}`")).help(help)
    })
}

/// Pages of the documentation that are about no rule.
const TOPICS: [(&str, &str); 1] = [("exit-codes", include_str!("../../docs/exit-codes.md"))];
