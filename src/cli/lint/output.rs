//! How and where findings are written.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::app::lint::leading;
use crate::cli::sink::{self, Text};
use crate::cli::{Exit, Failure, Session, write};
use crate::report::findings::{Findings, Format, RulePage};
use trialbook_lint::check::{RULES, Rule};

/// A format and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) file: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = match text.split_once('=') {
            Some((_, "")) => return Err("expected a file's name after `=`".into()),
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (text, None),
        };
        let format = Format::ALL.into_iter().find(|format| format.as_str() == name);
        format
            .map(|format| Self { format, file })
            .ok_or_else(|| format!("expected one of {}", Format::ALL.map(Format::as_str).join(", ")))
    }
}

/// Refuses formats that would be written into each other.
pub(super) fn refuse_two_on_stdout(outputs: &[Output]) -> Result<(), Failure> {
    if outputs.iter().filter(|output| output.file.is_none()).count() > 1 {
        return Err(Failure::new(Exit::Usage, "only one format can go to stdout")
            .help("give the others a file: `--format full --format json=findings.json`"));
    }
    Ok(())
}

/// Returns what the formats contain about the rules.
pub(in crate::cli) fn pages() -> Vec<RulePage> {
    let page = |rule: &Rule| RulePage {
        name: rule.name(),
        severity: rule.severity(),
        summary: rule.summary(),
        page: rule.page(),
        path: rule.path(),
    };
    RULES.iter().map(page).collect()
}

/// Writes findings in a format to where it goes. The prefix of the paths is the format's own.
pub(super) fn write(
    output: &Output,
    root: &Path,
    findings: &Findings<'_>,
    session: &Session,
) -> Result<(), Failure> {
    let prefix = prefix(output.format, root);
    let width = if output.file.is_none() { sink::width() } else { None };
    let run = Findings { prefix: &prefix, width, ..*findings };
    let text = run.render(output.format);
    if let Some(file) = &output.file {
        let plain = anstream::adapter::strip_str(&text).to_string();
        return write::output(file, kind(output.format, &plain));
    }
    sink::print(kind(output.format, &text))?;
    if matches!(output.format, Format::Concise | Format::Github) {
        session.inform(run.summary());
    }
    Ok(())
}

fn kind(format: Format, text: &str) -> Text<'_> {
    match format {
        Format::Full => Text::Styled(text),
        Format::Json | Format::Sarif | Format::Gitlab => Text::Json(text),
        Format::Github => Text::Annotations(text),
        Format::Concise | Format::Junit | Format::Markdown => Text::Plain(text),
    }
}

/// What leads from the reader's folder to the book's. What a CI server reads is relative to the repository's root,
/// everything else to the working directory.
pub(in crate::cli) fn prefix(format: Format, root: &Path) -> String {
    let names: &[&str] = match format {
        Format::Github => &["GITHUB_WORKSPACE"],
        Format::Gitlab => &["CI_PROJECT_DIR"],
        Format::Sarif | Format::Junit | Format::Markdown => &["GITHUB_WORKSPACE", "CI_PROJECT_DIR"],
        Format::Full | Format::Concise | Format::Json => &[],
    };
    let workspace =
        names.iter().filter_map(std::env::var_os).find(|folder| !folder.is_empty()).map(PathBuf::from);
    let from = workspace.or_else(|| std::env::current_dir().ok());
    let from = from.and_then(|from| fs::canonicalize(from).ok());
    from.and_then(|from| leading(&from, root)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_may_name_a_file() {
        let output: Output = "json=out/a=b.json".parse().expect("a format");
        assert_eq!((output.format, output.file), (Format::Json, Some(PathBuf::from("out/a=b.json"))));
        for format in Format::ALL {
            assert_eq!(format.as_str().parse::<Output>().expect("a format").format, format);
        }
        assert!("xml".parse::<Output>().is_err());
        assert!("json=".parse::<Output>().is_err());
    }
}
