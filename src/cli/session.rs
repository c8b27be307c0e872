//! What every command has at hand: the global options, the book, and a place for progress.

use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sink::{self, Text};
use super::{At, Exit, Failure, Global, exit};
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
            Failure::new(Exit::Findings, format!("the book has {errors} findings{first}"))
                .help("`trialbook lint` shows them all")
        })
    }

    /// Returns the time zone in which the book's dates begin; UTC where the book cannot say.
    pub fn timezone(&self) -> TimeZone {
        let name = self.loaded.book.as_ref().map(|book| book.timezone.as_str());
        name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
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

    /// Tells whether more should be said about what is done.
    pub fn verbose(&self) -> bool {
        self.global.verbose
    }

    /// Says a sentence on stderr, unless the run is quiet. What nobody would see of it is shown as escapes.
    pub fn say(&self, text: impl std::fmt::Display) {
        if !self.global.quiet {
            sink::tell(Text::Plain(&format!("{}\n", sink::inline(text))));
        }
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

    /// Returns the folder that was named with `--book`, or the working directory.
    pub fn start(&self) -> Result<PathBuf, Failure> {
        match &self.global.book {
            Some(folder) => Ok(folder.clone()),
            None => std::env::current_dir().map_err(|error| {
                Failure::new(Exit::Unreachable, "cannot tell the working directory").because(&error)
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
        let failed = |error: load::DiscoverError| {
            let ending = match &error {
                load::DiscoverError::NoBook { .. } => Exit::NothingMatched,
                load::DiscoverError::Read { cause, .. } => exit::of_named_file(cause),
                // The book itself is wrong, and stays so however often one tries.
                _ => Exit::Findings,
            };
            Failure::of(ending, &error).help(error.hint())
        };
        let root = load::find_root(&self.start()?).map_err(failed)?;
        let files = load::read_folder(&root).map_err(failed)?;
        Ok((root, files))
    }
}
