//! The contexts in which shares of traffic are measured.

use std::fs::File;
use std::io::{BufReader, stdin};
use std::path::Path;

use crate::cli::{Exit, Failure, contexts};
use trialbook_model::targeting::{Attributes, Context, Sample};

/// The most contexts of a sample: with these a share is known to a twentieth of a percent.
const MOST: usize = 1_000_000;

/// Reads a sample from a file with one context on each line, `-` for stdin. Only what the book declares is kept.
pub(super) fn read(path: &Path, attributes: &Attributes) -> Result<Sample, Failure> {
    if path.as_os_str() == "-" {
        return collect(stdin().lock(), "stdin", attributes);
    }
    let file = File::open(path).map_err(|error| {
        Failure::new(Exit::NothingMatched, format!("cannot open `{}`", path.display())).because(&error)
    })?;
    collect(BufReader::with_capacity(1 << 16, file), &path.display().to_string(), attributes)
}

fn collect(input: impl std::io::BufRead, name: &str, attributes: &Attributes) -> Result<Sample, Failure> {
    let mut read = Vec::new();
    contexts::each(input, name, |mut json| {
        if read.len() == MOST {
            return Err(Failure::new(Exit::Usage, format!("{name} holds more than {MOST} contexts"))
                .help("draw fewer of them at random"));
        }
        json.retain(|key, _| attributes.contains_key(key.as_str()));
        read.push(Context::new(json, attributes));
        Ok(())
    })?;
    if read.is_empty() {
        return Err(Failure::new(Exit::NothingMatched, format!("{name} holds no context"))
            .help("a sample has one JSON object of attributes on each line"));
    }
    Ok(read.into_iter().collect())
}
