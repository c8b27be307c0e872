//! Where outcomes are written.

use std::path::{Path, PathBuf};

use crate::artifact::{self, ArtifactError};
use crate::cli::sink::Text;
use crate::cli::{Exit, Failure, write};
use trialbook_analysis::Outcome;

/// Where outcomes are written.
pub(super) enum Place {
    File(PathBuf),
    Folder(PathBuf),
}

impl Place {
    /// A folder that exists is a folder; so is any name for several outcomes, and one that ends in `/`.
    pub(super) fn new(out: &Path, outcomes: usize) -> Result<Self, Failure> {
        let named_as_file = out.extension().is_some_and(|extension| extension == "json");
        if outcomes > 1 && named_as_file && !out.is_dir() {
            let message =
                format!("`{}` is the name of one file, and there are {outcomes} outcomes", out.display());
            return Err(Failure::new(Exit::Usage, message)
                .help("name a folder, such as `--out outcomes/`, or one experiment"));
        }
        let folder = out.is_dir() || outcomes > 1 || out.as_os_str().to_string_lossy().ends_with('/');
        if !folder {
            return Ok(Self::File(out.to_owned()));
        }
        std::fs::create_dir_all(out).map_err(|error| {
            Failure::new(Exit::Unreachable, format!("cannot make the folder `{}`", out.display()))
                .because(&error)
                .help("several outcomes are written into a folder, one file each")
        })?;
        Ok(Self::Folder(out.to_owned()))
    }

    /// Returns the outcome that is there before this one is written; `None` where there is no file.
    pub(super) fn replaced(&self, outcome: &Outcome) -> Option<Result<Outcome, ArtifactError>> {
        let path = self.path(outcome);
        path.is_file().then(|| artifact::read(&path, &artifact::OUTCOME))
    }

    /// Returns where an outcome is written.
    pub(super) fn path(&self, outcome: &Outcome) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Folder(folder) => folder.join(format!("{}.json", outcome.experiment.key)),
        }
    }

    /// Writes an outcome whole or not at all, and returns where.
    pub(super) fn write(&self, outcome: &Outcome) -> Result<PathBuf, Failure> {
        let path = self.path(outcome);
        let text = outcome.to_json().map_err(|error| Failure::of(Exit::Bug, &error))?;
        write::output(&path, Text::Json(&text))?;
        Ok(path)
    }
}
