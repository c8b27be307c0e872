//! What every command has at hand: the global options, the book, and a place for progress.

use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{Exit, Failure, Global};

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

    /// Says a sentence on stderr, unless the run is quiet.
    pub fn say(&self, text: impl std::fmt::Display) {
        if !self.global.quiet {
            anstream::eprintln!("{text}");
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
}
