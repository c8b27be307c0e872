//! `trialbook explain`: the pages of the rules.

use anstyle::{AnsiColor, Style};

use super::sink::{self, Text};
use super::{Exit, Failure, Session};
use trialbook_lint::check::{RULES, Rule, nearest, rule};

/// What a rule finds, why it matters, an example, what to do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The rule's name; every rule with a sentence when left out
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

/// Prints a rule's page, or the list of rules.
pub fn run(args: &Args, _session: &Session) -> Result<Exit, Failure> {
    let text = match &args.rule {
        None => list(),
        Some(name) => page(named(name)?),
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

const TITLE: Style = Style::new().bold();
const CODE: Style = AnsiColor::Cyan.on_default();

fn list() -> String {
    let width = RULES.iter().map(|rule| rule.name().len()).max().unwrap_or(0);
    let mut out = String::new();
    for rule in RULES {
        let (name, severity, summary) = (rule.name(), rule.severity_word(), rule.summary());
        out.push_str(&format!("{TITLE}{name:width$}{TITLE:#}  {severity:7}  {summary}\n"));
    }
    out
}

/// The page without the marks of Markdown that a terminal does not need.
fn page(rule: &Rule) -> String {
    let (mut out, mut code) = (String::new(), false);
    for line in rule.page().lines() {
        if line.starts_with("```") {
            code = !code;
        } else if code {
            out.push_str(&format!("    {CODE}{line}{CODE:#}\n"));
        } else if let Some(title) = line.strip_prefix("# ") {
            out.push_str(&format!("{TITLE}{title}{TITLE:#} ({})\n", rule.severity_word()));
        } else if let Some(title) = line.strip_prefix("## ") {
            out.push_str(&format!("{TITLE}{title}{TITLE:#}\n"));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
