//! `trialbook lint`: everything that is wrong with the book, in one run.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::{At, Exit, Failure, Opened, Session};
use crate::check;
use crate::diagnostic::{Diagnostic, Severity};
use crate::load::Loaded;
use crate::report::findings::{Findings, Format};

/// Find what is wrong with the book, each at its place, with what to do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Show only what concerns these files and folders; the whole book is read all the same
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How to write the findings, and to which file; may be given several times
    ///
    /// full (for people), concise (one line each), json (`json-v1`) or github (workflow annotations)
    #[arg(long = "format", value_name = "FORMAT[=FILE]", default_value = "full")]
    formats: Vec<Output>,
    /// When now is: a date or an instant
    #[arg(long, value_name = "TIME")]
    at: Option<At>,
    /// The least severity that ends the run with exit code 1
    #[arg(long, value_name = "SEVERITY", default_value = "error")]
    fail_on: FailOn,
}

/// The least severity that fails a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Error,
    Warning,
}

/// A format and where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Output {
    format: Format,
    file: Option<PathBuf>,
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

/// Lints a book.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    if args.formats.iter().filter(|output| output.file.is_none()).count() > 1 {
        return Err(Failure::new(Exit::Usage, "only one format can go to stdout")
            .help("give the others a file: `--format full --format json=findings.json`"));
    }
    let opened = session.open()?;
    let now = opened.instant(args.at);
    let Opened { root, loaded } = &opened;

    let scope = Scope::new(root, &args.paths)?;
    let files = scope.files(loaded)?;
    let findings: Vec<Diagnostic> =
        check::run(loaded, now).into_iter().filter(|finding| scope.concerns(finding)).collect();

    for output in &args.formats {
        write(output, root, &findings, files, session)?;
    }
    let worst = findings.iter().map(|finding| finding.severity).max();
    let fails = match args.fail_on {
        FailOn::Error => worst == Some(Severity::Error),
        FailOn::Warning => worst.is_some(),
    };
    Ok(if fails { Exit::Findings } else { Exit::Done })
}

fn write(
    output: &Output,
    root: &Path,
    findings: &[Diagnostic],
    files: usize,
    session: &Session,
) -> Result<(), Failure> {
    let prefix = prefix(output.format, root);
    let run = Findings { findings, files, prefix: &prefix };
    let text = run.render(output.format);
    if let Some(file) = &output.file {
        let plain = anstream::adapter::strip_str(&text).to_string();
        return fs::write(file, plain).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("cannot write `{}`", file.display())).because(&error)
        });
    }
    anstream::stdout().write_all(text.as_bytes())?;
    if matches!(output.format, Format::Concise | Format::Github) {
        session.say(run.summary());
    }
    Ok(())
}

/// What leads from the reader's folder to the book's: a workflow's annotations are read from the repository's root,
/// everything else from the working directory.
fn prefix(format: Format, root: &Path) -> String {
    let workspace =
        std::env::var_os("GITHUB_WORKSPACE").filter(|_| format == Format::Github).map(PathBuf::from);
    let from = workspace.filter(|from| !from.as_os_str().is_empty()).or_else(|| std::env::current_dir().ok());
    let from = from.and_then(|from| fs::canonicalize(from).ok());
    from.and_then(|from| leading(&from, root)).unwrap_or_default()
}

/// Returns the `/`-separated way from one absolute folder to another, which ends with `/` or is empty; `None` where
/// there is none, or where it is not text.
fn leading(from: &Path, to: &Path) -> Option<String> {
    let (from, to): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return None;
    }
    let mut way = "../".repeat(from.len() - shared);
    for component in to.iter().skip(shared) {
        way.push_str(component.as_os_str().to_str()?);
        way.push('/');
    }
    Some(way)
}

/// The part of the book that findings are shown of.
struct Scope {
    /// Paths relative to the book's root; empty for all of it.
    paths: BTreeSet<String>,
}

impl Scope {
    fn new(root: &Path, given: &[PathBuf]) -> Result<Self, Failure> {
        let mut paths = BTreeSet::new();
        for path in given {
            let failed = |error: &dyn std::error::Error| {
                Failure::new(Exit::NothingMatched, format!("cannot find `{}`", path.display())).because(error)
            };
            let real = fs::canonicalize(path).map_err(|error| failed(&error))?;
            if root.starts_with(&real) {
                return Ok(Self { paths: BTreeSet::new() });
            }
            let Some(inside) = real
                .strip_prefix(root)
                .ok()
                .and_then(|inside| leading(Path::new("/"), &Path::new("/").join(inside)))
            else {
                return Err(Failure::new(
                    Exit::NothingMatched,
                    format!("`{}` is not in the book `{}`", path.display(), root.display()),
                )
                .help("name files of the book, or another book with `--book DIR`"));
            };
            paths.insert(inside.trim_end_matches('/').to_owned());
        }
        Ok(Self { paths })
    }

    fn holds(&self, path: &str) -> bool {
        let under = |folder: &String| {
            path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.paths.is_empty() || self.paths.iter().any(under)
    }

    /// Tells whether any place of a finding is in the scope: a collision concerns both sides.
    fn concerns(&self, finding: &Diagnostic) -> bool {
        let mut labels = std::iter::once(&finding.primary).chain(&finding.related);
        labels.any(|label| self.holds(label.file.path()))
    }

    /// Returns how many files of the book are in the scope.
    fn files(&self, loaded: &Loaded) -> Result<usize, Failure> {
        let files = loaded.documents.files().filter(|file| self.holds(file.path())).count();
        let strays = loaded.findings.iter().any(|finding| self.concerns(finding));
        if files == 0 && !strays {
            return Err(Failure::new(Exit::NothingMatched, "no file of the book is there")
                .help("a book's files are `trialbook.yaml` and `KEY.KIND.yaml`"));
        }
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_from_the_readers_folder_to_the_book() {
        let way = |from: &str, to: &str| leading(Path::new(from), Path::new(to));
        assert_eq!(way("/a/b", "/a/b").as_deref(), Some(""));
        assert_eq!(way("/a", "/a/b/c").as_deref(), Some("b/c/"));
        assert_eq!(way("/a/b/x", "/a/b").as_deref(), Some("../"));
        assert_eq!(way("/a/x", "/a/b").as_deref(), Some("../b/"));
    }

    #[test]
    fn a_format_may_name_a_file() {
        let output: Output = "json=out/a=b.json".parse().expect("a format");
        assert_eq!((output.format, output.file), (Format::Json, Some(PathBuf::from("out/a=b.json"))));
        assert_eq!("full".parse::<Output>().expect("a format").file, None);
        assert!("sarif".parse::<Output>().is_err());
        assert!("json=".parse::<Output>().is_err());
    }

    #[test]
    fn a_scope_is_a_file_or_a_folder_and_not_what_begins_like_it() {
        let scope = Scope { paths: BTreeSet::from(["checkout".to_owned(), "a.flag.yaml".to_owned()]) };
        assert!(scope.holds("checkout/x.flag.yaml") && scope.holds("a.flag.yaml"));
        assert!(!scope.holds("checkout-two/x.flag.yaml") && !scope.holds("b.flag.yaml"));
    }
}
