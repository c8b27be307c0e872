//! Outcomes that were stored earlier, read back for whoever wants to see how far an experiment is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rayon::prelude::*;

use super::AppError;
use crate::artifact::{self, ArtifactError};
use trialbook_analysis::Outcome;
use trialbook_model::ExperimentKey;

/// The outcomes of experiments, of each one the oldest watermark first; never an empty list.
pub type Outcomes = BTreeMap<ExperimentKey, Vec<Outcome>>;

/// How deep below the folder an outcome may be: `KEY.json`, or `2026-12-01/KEY.json` where each night has a folder.
const DEEPEST: usize = 2;

/// Reads the outcomes of some experiments from a folder, as `trialbook analyze --out FOLDER/` writes them.
///
/// Files with other names are not read. Of two outcomes with one watermark, that of the path that is later in order counts.
///
/// # Errors
///
/// Where the folder cannot be read, or a file that has an experiment's name is not an outcome of that experiment.
pub fn read(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Outcomes, AppError> {
    let refused = |path: &Path, error| AppError::Stored { path: path.to_owned(), error };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in walkdir::WalkDir::new(folder).max_depth(DEEPEST).follow_links(true).sort_by_file_name() {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            refused(&path, ArtifactError::Unreadable(error.into()))
        })?;
        let path = entry.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| wanted(stem));
        if entry.file_type().is_file() && stem.is_some() && path.extension().is_some_and(|end| end == "json")
        {
            paths.push(entry.into_path());
        }
    }
    let read = |path: &PathBuf| {
        let outcome: Outcome =
            artifact::read(path, &artifact::OUTCOME).map_err(|error| refused(path, error))?;
        let named = path.file_stem().and_then(|stem| stem.to_str());
        if named == Some(outcome.experiment.key.as_str()) {
            return Ok(outcome);
        }
        let found = outcome.experiment.key.to_string();
        Err(refused(path, ArtifactError::OtherExperiment { found }))
    };
    // In the order of the paths, so that the first file that is refused is always the same.
    let found: Vec<Result<Outcome, AppError>> = paths.par_iter().map(read).collect();
    let mut outcomes = Outcomes::new();
    for outcome in found {
        let outcome = outcome?;
        let of_experiment = outcomes.entry(outcome.experiment.key.clone()).or_default();
        of_experiment.retain(|other| other.as_of != outcome.as_of);
        of_experiment.push(outcome);
    }
    outcomes.values_mut().for_each(|outcomes| outcomes.sort_by_key(|outcome| outcome.as_of));
    Ok(outcomes)
}

/// Reads the latest outcome of each of some experiments up to a watermark, from a file or a folder.
///
/// # Errors
///
/// As [`read`], and where a file is an outcome of none of these experiments.
pub fn latest(
    path: &Path,
    experiments: &[ExperimentKey],
    as_of: Timestamp,
) -> Result<BTreeMap<ExperimentKey, Outcome>, AppError> {
    let wanted = |name: &str| experiments.iter().any(|key| key.as_str() == name);
    let found: Vec<Outcome> = if path.is_dir() {
        read(path, wanted)?.into_values().flatten().collect()
    } else {
        let refused = |error| AppError::Stored { path: path.to_owned(), error };
        let outcome: Outcome = artifact::read(path, &artifact::OUTCOME).map_err(refused)?;
        let key = outcome.experiment.key.as_str();
        if !wanted(key) {
            return Err(refused(ArtifactError::OtherExperiment { found: key.to_owned() }));
        }
        vec![outcome]
    };
    // The oldest first, so that the latest one stays.
    let known = found.into_iter().filter(|outcome| outcome.as_of <= as_of);
    Ok(known.map(|outcome| (outcome.experiment.key.clone(), outcome)).collect())
}
