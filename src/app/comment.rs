//! What is reported on pull requests, as finished texts with their markers: one review of a change, one result of each experiment.

use std::path::{Path, PathBuf};

use crate::artifact::lint::LintResult;
use crate::artifact::{self, Artifact, ArtifactError};
use crate::github::{Annotation, AnnotationLevel, GithubError, MOST_ANNOTATIONS, Marker};
use crate::report::blocks::{Inline, Line, Page};
use crate::report::findings::RulePage;
use crate::report::review::{self, Review};
use crate::report::{markdown, outcome};
use trialbook_analysis::Outcome;
use trialbook_delivery::plan::Plan;
use trialbook_model::Digest;
use trialbook_model::diagnostic::Severity;

/// How many files one run reads.
pub const MOST_FILES: usize = 10_000;

/// How much of a job's summary one text may take, in UTF-16 units: GitHub shows 1 MiB, and no unit takes more than three bytes.
const LONGEST_SUMMARY: usize = (1 << 20) / 3;

/// The digits of a digest that tell two texts apart.
const DIGITS: usize = 16;

/// What the files hold.
#[derive(Debug, Default)]
pub struct Material {
    /// What lint found.
    pub lint: Option<Box<LintResult>>,
    /// What an apply would do.
    pub plan: Option<Box<Plan>>,
    /// Results, each with its file.
    pub outcomes: Vec<(PathBuf, Box<Outcome>)>,
}

/// Why the files cannot be reported.
#[derive(Debug, thiserror::Error)]
pub enum MaterialError {
    /// A file is none of the artifacts.
    #[error("cannot read `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: ArtifactError,
    },
    /// A folder cannot be read.
    #[error("cannot read the folder `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A folder has more files than one run reads.
    #[error("`{}` has more than {MOST_FILES} files", path.display())]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
    /// Two files are of a kind of which a review has one.
    #[error("`{}` is a second {what}: a review has one", path.display())]
    Second {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A review and results are reported in different places.
    #[error("the files hold a review and results, which go to different pull requests")]
    Mixed,
}

/// Reads what the files hold; of a folder, each of its `.json` files.
///
/// # Errors
///
/// As [`MaterialError`] lists them.
pub fn gather(paths: &[PathBuf]) -> Result<Material, MaterialError> {
    let mut material = Material::default();
    for path in paths {
        for file in files_of(path)? {
            let found = artifact::read_any(&file)
                .map_err(|cause| MaterialError::File { path: file.clone(), cause })?;
            let second = |what| Err(MaterialError::Second { path: file.clone(), what });
            match found {
                Artifact::Lint(_) if material.lint.is_some() => return second("lint result"),
                Artifact::Plan(_) if material.plan.is_some() => return second("plan"),
                Artifact::Lint(lint) => material.lint = Some(lint),
                Artifact::Plan(plan) => material.plan = Some(plan),
                Artifact::Outcome(outcome) => material.outcomes.push((file, outcome)),
            }
        }
    }
    let is_review = material.lint.is_some() || material.plan.is_some();
    if is_review && !material.outcomes.is_empty() {
        return Err(MaterialError::Mixed);
    }
    Ok(material)
}

fn files_of(path: &Path) -> Result<Vec<PathBuf>, MaterialError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |cause| MaterialError::Folder { path: path.to_owned(), cause };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            files.push(file);
        }
        if files.len() > MOST_FILES {
            return Err(MaterialError::TooMany { path: path.to_owned() });
        }
    }
    files.sort();
    Ok(files)
}

/// A text that is ready to be posted.
#[derive(Debug, Clone)]
pub struct Text {
    /// What it is about.
    pub marker: Marker,
    /// The comment, below its marker: never longer than GitHub takes.
    pub markdown: String,
    /// The same for the summary of a job, which may be longer.
    pub summary: String,
    /// A digest of what is worth reporting again.
    pub news: String,
    /// Whether there is nothing to report.
    pub quiet: bool,
    /// Whether a merge must wait.
    pub fails: bool,
    /// The verdict, for a commit's status.
    pub standing: String,
    /// What tells the commit's status from its others.
    pub context: String,
}

/// Where a review is read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around<'a> {
    /// The address below which the pull request's files can be read, up to the slash before their paths.
    pub files: Option<&'a str>,
    /// The page of the run that made the files.
    pub run: Option<&'a str>,
}

/// Writes the review of a change to a book, given the book's name and its primary target.
///
/// # Errors
///
/// [`GithubError::Marker`] where the book's or the target's name cannot mark a comment.
pub fn review(
    material: &Material,
    (book, primary): (&str, Option<&str>),
    timezone: &str,
    rules: &[RulePage],
    around: Around<'_>,
) -> Result<Text, GithubError> {
    let (lint, plan) = (material.lint.as_deref(), material.plan.as_deref());
    // Without a plan it is the review of the target that everything belongs to: the next run may have one.
    let target = plan.map(|plan| plan.target.as_str()).or(primary);
    let keys: Vec<&str> = std::iter::once(book).chain(target).collect();
    let review = Review { lint, plan, rules, files: around.files, timezone };
    let (markdown, summary) = written(&review::document(&review), &rest(around.run));
    Ok(Text {
        marker: Marker::new("review", &keys)?,
        news: digits(&markdown),
        markdown,
        summary,
        quiet: review.is_quiet(),
        fails: review.fails(),
        standing: review::standing(&review),
        context: format!("trialbook review {}", keys.join("/")),
    })
}

/// Writes the result of an experiment.
///
/// # Errors
///
/// [`GithubError::Marker`] where the book's name cannot mark a comment.
pub fn result(outcome: &Outcome, pointer: &Line) -> Result<Text, GithubError> {
    let page = outcome::document(outcome);
    let (markdown, summary) = written(&page, pointer);
    let head = Page { blocks: page.blocks.first().cloned().into_iter().collect() };
    let verdict = markdown::render(&head);
    let (book, key) = (outcome.book.name.as_str(), outcome.experiment.key.as_str());
    Ok(Text {
        marker: Marker::new("result", &[book, key])?,
        markdown,
        summary,
        // Numbers move every day: what is new is another verdict.
        news: digits(&verdict),
        quiet: false,
        fails: false,
        standing: outcome::standing(outcome),
        context: format!("trialbook result {book}/{key}"),
    })
}

/// The longest title and the longest message of an annotation, in characters: GitHub takes 255, and 64 KB.
const LONGEST: (usize, usize) = (200, 4_000);

/// Returns what a check run shows at lines: errors first, then warnings. GitHub shows them as plain text.
pub fn annotations(lint: &LintResult) -> Vec<Annotation> {
    let plain = |text: &str, longest: usize| {
        crate::report::findings::visible(text).chars().take(longest).collect::<String>()
    };
    let of = |severity| lint.findings.iter().filter(move |finding| finding.severity == severity);
    let all = of(Severity::Error).chain(of(Severity::Warning)).map(|finding| {
        let mut message = finding.message.clone();
        for part in finding.notes.iter().chain(&finding.help) {
            message.push('\n');
            message.push_str(part);
        }
        Annotation {
            path: plain(&finding.file, LONGEST.1),
            start_line: finding.span.start.line,
            end_line: finding.span.end.line.max(finding.span.start.line),
            annotation_level: match finding.severity {
                Severity::Error => AnnotationLevel::Failure,
                Severity::Warning => AnnotationLevel::Warning,
            },
            title: plain(&finding.rule, LONGEST.0),
            message: message.lines().map(|line| plain(line, LONGEST.1)).collect::<Vec<_>>().join("\n"),
        }
    });
    all.take(MOST_ANNOTATIONS).collect()
}

fn written(page: &Page, pointer: &Line) -> (String, String) {
    let summary = markdown::render_within(page, LONGEST_SUMMARY, pointer);
    (markdown::for_pull_request(page, pointer), summary)
}

fn digits(text: &str) -> String {
    let digest = Digest::of_bytes(text.as_bytes());
    digest.as_str().trim_start_matches("sha256:").chars().take(DIGITS).collect()
}

/// Says where the rest of a review is.
fn rest(run: Option<&str>) -> Line {
    match run {
        Some(run) => vec![
            "This is not all: the rest is in the summary and the files of ".into(),
            Inline::Link { text: "this run".into(), url: run.to_owned() },
            ".".into(),
        ],
        None => vec![
            "This is not all: ".into(),
            Inline::code("trialbook lint"),
            " and ".into(),
            Inline::code("trialbook plan"),
            " show the rest.".into(),
        ],
    }
}
