//! `trialbook lint --fix` and `--diff`.

use std::fmt::Write as _;
use std::path::Path;

use super::counted;
use super::output::prefix;
use crate::app::lint::{self, Question};
use crate::cli::write::edited_file;
use crate::cli::{Exit, Failure, Session, sink};
use crate::report::findings::{Format, visible};
use trialbook_language::edit::difference;
use trialbook_language::edit::fix::Fixed;
use trialbook_model::diagnostic::{Applicability, Diagnostic};

/// Whether and how findings are fixed.
#[derive(Debug, clap::Args)]
pub(super) struct Fixing {
    /// Make the fixes that do not change the meaning of a file, then show what remains
    #[arg(long, conflicts_with_all = ["add_ignore", "write_baseline", "against", "diff"])]
    fix: bool,
    /// Write nothing; print the changes of `--fix` as a patch, and exit with 1 if there are any
    #[arg(long, conflicts_with_all = ["add_ignore", "write_baseline", "against"])]
    diff: bool,
    /// With `--fix` or `--diff`: also make fixes that may change the meaning, such as of a misspelt name. Review them
    #[arg(long)]
    unsafe_fixes: bool,
}

impl Fixing {
    /// Tells whether the files may have changed since they were read.
    pub(super) fn writes(&self) -> bool {
        self.fix
    }

    /// Fixes the findings that are shown, or prints what that would change. Returns how the run ends where that is all.
    pub(super) fn run(&self, question: Question<'_>, session: &Session) -> Result<Option<Exit>, Failure> {
        if !self.fix && !self.diff {
            return match self.unsafe_fixes {
                true => Err(Failure::new(Exit::Usage, "`--unsafe-fixes` only chooses what to fix")
                    .help("add `--diff` to see it, or `--fix` to write it")),
                false => Ok(None),
            };
        }
        let (root, files) = session.files()?;
        let trust = if self.unsafe_fixes { Applicability::Unsafe } else { Applicability::Safe };
        let fixed = lint::fixed(files, trust, question);
        for refused in &fixed.refused {
            let path = visible(&refused.path);
            session.inform(format!("not fixed: {path}: {}: {}", visible(&refused.message), refused.reason));
        }
        if self.diff {
            let prefix = prefix(Format::Full, &root);
            for file in &fixed.files {
                sink::patch(&difference(&format!("{prefix}{}", file.path), &file.before, &file.after))?;
            }
            session.inform(summary(&fixed, "would fix"));
            return Ok(Some(if fixed.files.is_empty() { Exit::Done } else { Exit::Findings }));
        }
        write(&root, &fixed)?;
        session.inform(summary(&fixed, "fixed"));
        Ok(None)
    }

    /// Prints how many of the findings that are shown a program can fix.
    pub(super) fn offer(&self, findings: &[Diagnostic], session: &Session) {
        let count = |trust: Applicability| {
            let of =
                |finding: &&Diagnostic| finding.fix.as_ref().is_some_and(|fix| fix.applicability == trust);
            findings.iter().filter(of).count()
        };
        match (count(Applicability::Safe), count(Applicability::Unsafe)) {
            (0, 0) => {}
            (safe, 0) => session.inform(format!("{safe} can be fixed with `--fix`")),
            (0, more) => session
                .inform(format!("{more} can be fixed with `--fix --unsafe-fixes`: look with `--diff` first")),
            (safe, more) => session
                .inform(format!("{safe} can be fixed with `--fix`, and {more} more with `--unsafe-fixes`")),
        }
    }
}

fn write(root: &Path, fixed: &Fixed) -> Result<(), Failure> {
    fixed.files.iter().try_for_each(|file| edited_file(root, &file.path, &file.before, &file.after))
}

/// Returns what was fixed, by rule: `fixed 3 findings in 2 files: 2 ambiguous-scalar, 1 unknown-key`.
fn summary(fixed: &Fixed, verb: &str) -> String {
    let total = fixed.rules.values().sum();
    if total == 0 {
        return "nothing to fix".to_owned();
    }
    let mut text = format!("{verb} {} in {}:", counted(total, "finding"), counted(fixed.files.len(), "file"));
    for (index, (rule, count)) in fixed.rules.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        let _ = write!(text, "{comma} {count} {rule}");
    }
    text
}
