//! The rules, and the pages about them, in a terminal.

use anstyle::{AnsiColor, Style};

use trialbook_lint::check::Rule;

const TITLE: Style = Style::new().bold();
const CODE: Style = AnsiColor::Cyan.on_default();

/// Returns every rule with its severity and a sentence.
pub fn list(rules: &[Rule]) -> String {
    let width = rules.iter().map(|rule| rule.name().len()).max().unwrap_or(0);
    let mut out = String::new();
    for rule in rules {
        let (name, severity, summary) = (rule.name(), rule.severity_word(), rule.summary());
        out.push_str(&format!("{TITLE}{name:width$}{TITLE:#}  {severity:7}  {summary}\n"));
    }
    out
}

/// Returns a page without the marks of Markdown that a terminal does not need, with a rule's severity in its title.
pub fn page(text: &str, severity: Option<&str>) -> String {
    let (mut out, mut code) = (String::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            code = !code;
        } else if code {
            out.push_str(&format!("    {CODE}{line}{CODE:#}\n"));
        } else if let Some(title) = line.strip_prefix("# ") {
            let severity = severity.map(|word| format!(" ({word})")).unwrap_or_default();
            out.push_str(&format!("{TITLE}{title}{TITLE:#}{severity}\n"));
        } else if let Some(title) = line.strip_prefix("## ") {
            out.push_str(&format!("{TITLE}{title}{TITLE:#}\n"));
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
