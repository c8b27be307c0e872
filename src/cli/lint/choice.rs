//! `--select` and `--ignore`: which rules are shown.

use crate::app::lint;
use trialbook_lint::check::{self, Rule};

/// Which rules' findings are shown, and count.
#[derive(Debug, clap::Args)]
pub(super) struct Choice {
    /// Show only findings of these rules, and errors that prevent the rules from running
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', value_parser = known)]
    select: Vec<&'static str>,
    /// Hide findings of these rules
    ///
    /// Findings that cannot be suppressed cannot be hidden.
    #[arg(long, value_name = "RULE,…", value_delimiter = ',', value_parser = ignorable)]
    ignore: Vec<&'static str>,
}

impl From<&Choice> for lint::Choice {
    fn from(choice: &Choice) -> Self {
        Self { select: choice.select.clone(), ignore: choice.ignore.clone() }
    }
}

fn rule(name: &str) -> Result<&'static Rule, String> {
    let name = name.trim();
    check::rule(name).ok_or_else(|| match check::nearest(name) {
        Some(near) => format!("there is no such rule: did you mean `{}`?", near.name()),
        None => "there is no such rule: `trialbook explain` lists them".into(),
    })
}

fn known(name: &str) -> Result<&'static str, String> {
    rule(name).map(Rule::name)
}

fn ignorable(name: &str) -> Result<&'static str, String> {
    let rule = rule(name)?;
    if rule.is_suppressible() {
        return Ok(rule.name());
    }
    Err(format!("it cannot be ignored: `trialbook explain {}` explains why, and what to do", rule.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_named_and_some_cannot_be_ignored() {
        assert_eq!(known("too-long"), Ok("too-long"));
        assert_eq!(known(" overlapping-slots "), Ok("overlapping-slots"));
        assert_eq!(known("to-long"), Err("there is no such rule: did you mean `too-long`?".into()));
        assert!(known("").is_err());
        assert_eq!(ignorable("ambiguous-scalar"), Ok("ambiguous-scalar"));
        for rule in ["overlapping-experiments", "overlapping-slots", "bad-share", "unused-suppression"] {
            assert!(ignorable(rule).is_err(), "{rule}");
        }
    }
}
