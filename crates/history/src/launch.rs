//! Launches: the git refs that say which commit an experiment was launched from.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Commit, HistoryError, Repository};
use trialbook_model::{Digest, ExperimentKey};

/// An experiment's first successful apply to the primary target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    /// Which experiment.
    pub experiment: ExperimentKey,
    /// The book's commit that was applied.
    pub commit: Commit,
    /// The later of the schedule's start and the apply.
    pub effective_start: Timestamp,
    /// The digest of the pre-registration at that commit.
    pub digest: Digest,
}

/// Why a launch ref could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// Git says no.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The ref is not one that trialbook wrote.
    #[error("`{0}` does not hold a launch that trialbook recorded")]
    Form(String),
}

impl From<git2::Error> for LaunchError {
    fn from(error: git2::Error) -> Self {
        Self::History(error.into())
    }
}

fn ref_of(experiment: &ExperimentKey) -> String {
    format!("refs/trialbook/launch/{experiment}")
}

impl Repository {
    /// Records a launch as an annotated tag under `refs/trialbook/launch/KEY`.
    ///
    /// Returns `false`, and changes nothing, where that experiment's launch is recorded already: a launch
    /// happens once.
    pub fn record_launch(&self, launch: &Launch) -> Result<bool, LaunchError> {
        let name = ref_of(&launch.experiment);
        if self.git.find_reference(&name).is_ok() {
            return Ok(false);
        }
        let commit = self.git.find_object(git2::Oid::from_str(launch.commit.as_str())?, None)?;
        let record = serde_json::to_string_pretty(launch).map_err(|_| LaunchError::Form(name.clone()))?;
        let time = git2::Time::new(launch.effective_start.as_second(), 0);
        let tagger = git2::Signature::new("trialbook", "trialbook@localhost", &time)?;
        let tag = self.git.tag_annotation_create(launch.experiment.as_str(), &commit, &tagger, &record)?;
        self.git.reference(&name, tag, false, "trialbook: launch")?;
        Ok(true)
    }

    /// Returns the experiments whose launch is recorded in this clone. What the records say is not read.
    pub fn launched(&self) -> Result<BTreeSet<ExperimentKey>, HistoryError> {
        let mut launched = BTreeSet::new();
        for name in self.git.references_glob("refs/trialbook/launch/*")?.names() {
            // A name that is not text is no experiment's key.
            let key = name.ok().and_then(|name| ExperimentKey::new(name.rsplit('/').next()?).ok());
            launched.extend(key);
        }
        // libgit2 passes over a ref whose file holds no id. It is a launch all the same: what it says is not read here.
        let files = std::fs::read_dir(self.git.commondir().join("refs/trialbook/launch"));
        for file in files.into_iter().flatten().filter_map(Result::ok) {
            launched.extend(file.file_name().to_str().and_then(|key| ExperimentKey::new(key).ok()));
        }
        Ok(launched)
    }

    /// Returns the recorded launch of an experiment; `None` where there is none in this clone.
    pub fn launch(&self, experiment: &ExperimentKey) -> Result<Option<Launch>, LaunchError> {
        let name = ref_of(experiment);
        let reference = match self.git.find_reference(&name) {
            Ok(reference) => reference,
            Err(error) if error.code() == git2::ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let form = || LaunchError::Form(name.clone());
        let tag = reference.peel_to_tag().map_err(|_| form())?;
        let record = tag.message().ok().flatten().unwrap_or_default();
        let launch: Launch = serde_json::from_str(record).map_err(|_| form())?;
        let points_at_it = tag.target_id().to_string() == launch.commit.as_str();
        if points_at_it && launch.experiment == *experiment { Ok(Some(launch)) } else { Err(form()) }
    }
}
