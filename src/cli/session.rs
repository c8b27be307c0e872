//! What every command can use: the global options, the book, and progress output.

use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sink::{self, Text};
use super::{At, Exit, Failure, Global, exit};
use crate::app::forge::Surroundings;
use trialbook_history::{self as history, ReadError};
use trialbook_language::load::{self, Loaded};
use trialbook_model::Book;

/// The global options of one run.
#[derive(Debug)]
pub struct Session {
    global: Global,
}

/// A book's folder and what was read from it.
#[derive(Debug)]
pub struct Opened {
    /// The book's folder.
    pub root: PathBuf,
    /// What was read.
    pub loaded: Loaded,
}

impl Opened {
    /// Returns the book.
    ///
    /// # Errors
    ///
    /// Where it has errors: how many, and the command that shows them.
    pub fn book(&self) -> Result<&Book, Failure> {
        self.loaded.book.as_ref().ok_or_else(|| {
            let errors = self.loaded.findings.len();
            let first = self.loaded.findings.first().map_or(String::new(), |finding| {
                let place = finding.primary.file.position(finding.primary.span.start);
                format!(", the first at {}:{}: {}", finding.primary.file.path(), place.line, finding.message)
            });
            let findings = if errors == 1 { "finding" } else { "findings" };
            Failure::new(Exit::Findings, format!("the book has {errors} {findings}{first}"))
                .help("`trialbook lint` shows them all")
        })
    }

    /// Returns the book with the environment of this process.
    pub fn surroundings(&self) -> Surroundings<'_> {
        Surroundings { root: &self.root, loaded: &self.loaded, variable: &|name| std::env::var(name).ok() }
    }

    /// Returns the time zone in which the book's dates begin; UTC where the book declares none.
    pub fn timezone(&self) -> TimeZone {
        let name = self.loaded.book.as_ref().map(|book| book.timezone.as_str());
        name.and_then(trialbook_model::timezone).unwrap_or(TimeZone::UTC)
    }

    /// Returns the name of that time zone.
    pub fn timezone_name(&self) -> &str {
        self.loaded.book.as_ref().map_or("UTC", |book| book.timezone.as_str())
    }

    /// Returns the instant of `--at`, or now.
    pub fn instant(&self, at: Option<At>) -> Timestamp {
        At::or_now(at, &self.timezone())
    }
}

impl Session {
    /// Makes a session, and sets the colours of stdout and stderr.
    pub(super) fn new(global: Global) -> Self {
        let choice = match global.color {
            clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
            clap::ColorChoice::Always => anstream::ColorChoice::Always,
            clap::ColorChoice::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
        Self { global }
    }

    /// Tells whether more should be printed about what is done.
    pub fn verbose(&self) -> bool {
        self.global.verbose
    }

    /// Prints a sentence on stderr, unless the run is quiet. Invisible characters are shown as escapes.
    pub fn inform(&self, text: impl std::fmt::Display) {
        if !self.global.quiet {
            sink::notify(Text::Plain(&format!("{}\n", sink::inline(text))));
        }
    }

    /// Warns on stderr of what was left out, also where the run is quiet: a result without it looks whole.
    pub fn warn(&self, text: impl std::fmt::Display) {
        sink::notify(Text::Plain(&format!("warning: {}\n", sink::inline(text))));
    }

    /// Starts a progress bar of so many steps on stderr; hidden where stderr is no terminal or the run is quiet.
    pub fn progress(&self, steps: u64, what: &str) -> ProgressBar {
        let target =
            if self.global.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(steps), target);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }

    /// Tells whether the book's folder was named.
    pub fn is_named(&self) -> bool {
        self.global.book.is_some()
    }

    /// Returns the folder that was named with `--book`, or the working directory.
    pub fn start(&self) -> Result<PathBuf, Failure> {
        match &self.global.book {
            Some(folder) => Ok(folder.clone()),
            None => std::env::current_dir().map_err(|error| {
                Failure::new(Exit::Unreachable, "cannot find the working directory").because(&error)
            }),
        }
    }

    /// Finds and reads the book: the folder of `--book`, or the first above the working directory.
    ///
    /// # Errors
    ///
    /// Where there is no book or it cannot be read. A book with errors is opened: [`Opened::book`] refuses it.
    pub fn open(&self) -> Result<Opened, Failure> {
        let (root, files) = self.files()?;
        Ok(Opened { root, loaded: load::load(files) })
    }

    /// Finds the book, and returns its folder and its files as they are.
    ///
    /// # Errors
    ///
    /// Where there is no book or it cannot be read.
    pub fn files(&self) -> Result<(PathBuf, Vec<load::RawFile>), Failure> {
        let root = self.root()?;
        let files = history::read_book(&root).map_err(|error| unreadable(&error))?;
        Ok((root, files))
    }

    /// Finds the book's folder: that of `--book`, or the first above the working directory, or the only one below it.
    fn root(&self) -> Result<PathBuf, Failure> {
        let start = self.start()?;
        let error = match history::find_book(&start) {
            Ok(root) => return Ok(root),
            Err(error) => error,
        };
        if !matches!(error, ReadError::Disk(load::DiscoverError::NoBook { .. })) {
            return Err(unreadable(&error));
        }
        let below = load::roots_below(&start);
        match below.as_slice() {
            [] => Err(unreadable(&error)),
            // A folder that was named is not exchanged for another.
            [only] if self.global.book.is_none() => {
                let root = std::fs::canonicalize(only)?;
                if self.verbose() {
                    self.inform(format_args!("the book is `{}`", only.display()));
                }
                Ok(root)
            }
            some => {
                const SHOWN: usize = 10;
                let name = |root: &PathBuf| {
                    let inside = root.strip_prefix(&start).unwrap_or(root);
                    let named = self.global.book.as_ref().map_or(inside.to_owned(), |book| book.join(inside));
                    format!("`--book {}`", named.display())
                };
                let mut choices: Vec<String> = some.iter().take(SHOWN).map(name).collect();
                if some.len() > SHOWN {
                    choices.push(format!("or one of {} others", some.len() - SHOWN));
                }
                Err(Failure::of(Exit::NothingMatched, &error).help(match some {
                    [_] => format!("there is a book below it: name it with {}", choices.join(", ")),
                    _ => format!("there are several books below it, so name one: {}", choices.join(", ")),
                }))
            }
        }
    }
}

/// Returns how a command ends that cannot read the book.
pub(super) fn unreadable(error: &ReadError) -> Failure {
    let ending = match error {
        ReadError::Disk(load::DiscoverError::NoBook { .. }) => Exit::NothingMatched,
        ReadError::Disk(load::DiscoverError::Read { cause, .. }) => exit::of_named_file(cause),
        // The book itself is wrong, and stays so however often one tries.
        _ => Exit::Findings,
    };
    Failure::of(ending, error).advised(error)
}
