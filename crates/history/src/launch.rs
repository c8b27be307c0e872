//! Launches: the git refs that record the commit an experiment was launched from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

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

/// The experiments that were applied to the primary target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Launched {
    /// Those that have begun, and those whose record nobody can read: their plans are frozen.
    pub begun: BTreeSet<ExperimentKey>,
    /// Those whose start is still to come, with that: an apply until then replaces their plan.
    pub awaiting: BTreeMap<ExperimentKey, Timestamp>,
    /// What the plans of those that have begun are recorded as, where that can be read.
    pub digests: BTreeMap<ExperimentKey, Digest>,
}

/// Why a launch ref could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// Git refused.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The ref is not one that trialbook wrote.
    #[error("`{0}` does not hold a launch that trialbook recorded")]
    Form(String),
    /// The ref's file holds no id, so git itself cannot read or delete it.
    #[error("`{}` does not hold the id of a git object", .0.display())]
    Broken(PathBuf),
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
        if self.git.find_reference(&ref_of(&launch.experiment)).is_ok() {
            return Ok(false);
        }
        self.write_launch(launch, false)?;
        Ok(true)
    }

    /// Replaces the record of a launch: that of an experiment which has not begun.
    pub fn replace_launch(&self, launch: &Launch) -> Result<(), LaunchError> {
        self.write_launch(launch, true)
    }

    /// Writes the object that a launch's ref points to, and returns the ref's full name and the object's id. The ref itself is not
    /// written: a push sets it on a remote.
    ///
    /// # Errors
    ///
    /// Where git cannot be written, or the launch's commit is not in this clone.
    pub fn launch_object(&self, launch: &Launch) -> Result<(String, String), LaunchError> {
        Ok((ref_of(&launch.experiment), self.write_tag(launch)?.to_string()))
    }

    /// Returns the id of the object that a recorded launch's ref points to.
    pub fn launch_id(&self, experiment: &ExperimentKey) -> Option<String> {
        let reference = self.git.find_reference(&ref_of(experiment)).ok()?;
        reference.target().map(|id| id.to_string())
    }

    fn write_tag(&self, launch: &Launch) -> Result<git2::Oid, LaunchError> {
        let name = ref_of(&launch.experiment);
        let commit = self.git.find_commit(git2::Oid::from_str(launch.commit.as_str())?)?;
        let record = serde_json::to_string_pretty(launch).map_err(|_| LaunchError::Form(name.clone()))?;
        let time = git2::Time::new(launch.effective_start.as_second(), 0);
        let tagger = git2::Signature::new("trialbook", "trialbook@localhost", &time)?;
        let key = launch.experiment.as_str();
        Ok(self.git.tag_annotation_create(key, commit.as_object(), &tagger, &record)?)
    }

    fn write_launch(&self, launch: &Launch, force: bool) -> Result<(), LaunchError> {
        let name = ref_of(&launch.experiment);
        let tag = self.write_tag(launch)?;
        match self.git.reference(&name, tag, force, "trialbook: launch") {
            Ok(_) => Ok(()),
            Err(error) if error.code() == git2::ErrorCode::Locked => {
                let lock = self.git.commondir().join(format!("{name}.lock"));
                Err(HistoryError::Locked(lock).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the experiments whose launch is recorded in this clone.
    pub fn launched(&self, now: Timestamp) -> Result<Launched, HistoryError> {
        let mut launched = Launched::default();
        for name in self.git.references_glob("refs/trialbook/launch/*")?.names() {
            // A name that is not text is no experiment's key.
            let Some(key) = name
                .ok()
                .and_then(|name| name.rsplit('/').next().and_then(|key| ExperimentKey::new(key).ok()))
            else {
                continue;
            };
            match self.launch(&key) {
                Ok(Some(launch)) if launch.effective_start > now => {
                    launched.awaiting.insert(key, launch.effective_start);
                }
                Ok(Some(launch)) => {
                    launched.digests.insert(key.clone(), launch.digest);
                    launched.begun.insert(key);
                }
                Ok(None) | Err(_) => {
                    launched.begun.insert(key);
                }
            }
        }
        // libgit2 passes over a ref whose file holds no id. It is a launch all the same: its content is not read here.
        let files = std::fs::read_dir(self.git.commondir().join("refs/trialbook/launch"));
        for file in files.into_iter().flatten().filter_map(Result::ok) {
            let key = file.file_name().to_str().and_then(|key| ExperimentKey::new(key).ok());
            launched.begun.extend(key.filter(|key| !launched.awaiting.contains_key(key)));
        }
        Ok(launched)
    }

    /// Returns the recorded launch of an experiment; `None` where there is none in this clone.
    pub fn launch(&self, experiment: &ExperimentKey) -> Result<Option<Launch>, LaunchError> {
        let name = ref_of(experiment);
        let reference = match self.git.find_reference(&name) {
            Ok(reference) => reference,
            Err(error) if error.code() == git2::ErrorCode::NotFound => return Ok(None),
            // It concerns this launch, and no other.
            Err(error) if error.class() == git2::ErrorClass::Reference => {
                return Err(LaunchError::Broken(self.git.commondir().join(name)));
            }
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
