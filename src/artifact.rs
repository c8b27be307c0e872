//! Artifacts that come back from outside: read within a bound, and checked against their published schema before
//! anything in them is used.
//!
//! A plan or an outcome leaves the program as a file, and returns through a build's storage, an attachment or a
//! pull request. So it is untrusted input: of any size, any version and any shape.

pub mod lint;
mod strict;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::Value;
use strict::Strict;
use trialbook_analysis::Outcome;
use trialbook_delivery::plan::Plan;
use trialbook_model::Digest;

/// What an artifact must be.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// What it is, with its article: `an outcome`.
    pub what: &'static str,
    /// The name of its schema among [`OUTPUTS`](trialbook_language::schema::OUTPUTS).
    pub schema: &'static str,
    /// The version that this program reads, as the artifact's `version` states it.
    pub version: u64,
    /// The most bytes that it may have.
    pub largest: u64,
    /// How to compute what its field `digest` must hold, where it has that field: an edited one is refused.
    pub digest: Option<fn(&Value) -> serde_json::Result<Digest>>,
}

/// An outcome of `trialbook analyze --out`.
pub const OUTCOME: Shape = Shape {
    what: "an outcome",
    schema: "outcome-v1",
    version: 1,
    largest: 16 << 20,
    digest: Some(Outcome::digest_of),
};

/// A plan of `trialbook plan --out`.
pub const PLAN: Shape =
    Shape { what: "a plan", schema: "plan-v3", version: 3, largest: 64 << 20, digest: None };

/// A lint result of `trialbook lint --format json`.
pub const LINT: Shape =
    Shape { what: "a lint result", schema: "lint-v1", version: 1, largest: 32 << 20, digest: None };

/// What a file holds that may be any of the artifacts which a comment is made from.
#[derive(Debug)]
pub enum Artifact {
    /// A lint result.
    Lint(Box<lint::LintResult>),
    /// A plan.
    Plan(Box<Plan>),
    /// An outcome.
    Outcome(Box<Outcome>),
}

/// Reads a lint result, a plan or an outcome: the one whose fields the file has. What has those of none is read as an outcome.
///
/// # Errors
///
/// As [`ArtifactError`] lists them.
pub fn read_any(path: &Path) -> Result<Artifact, ArtifactError> {
    let any = Shape { what: "a lint result, a plan or an outcome", ..PLAN };
    let bytes = bytes(path, &any)?;
    let Strict(value) = serde_json::from_slice(&bytes).map_err(ArtifactError::NotJson)?;
    let has = |field: &str| value.get(field).is_some();
    if has("findings") && has("summary") {
        checked(value, bytes.len(), &LINT).map(|it| Artifact::Lint(Box::new(it)))
    } else if has("actions") && has("target") {
        checked(value, bytes.len(), &PLAN).map(|it| Artifact::Plan(Box::new(it)))
    } else {
        checked(value, bytes.len(), &OUTCOME).map(|it| Artifact::Outcome(Box::new(it)))
    }
}

/// Why a file is not the artifact that it should be.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Unreadable(#[source] std::io::Error),
    /// It is larger than an artifact of its kind ever is, or has no end.
    #[error("it is larger than {} MiB, and {what} never is", largest >> 20)]
    TooLarge {
        /// What it should be.
        what: &'static str,
        /// The most bytes.
        largest: u64,
    },
    /// It is not JSON in which no object has a key twice.
    #[error("it cannot be read as JSON")]
    NotJson(#[source] serde_json::Error),
    /// It does not state a version.
    #[error("it has no `version`, so it is not {what}")]
    NoVersion {
        /// What it should be.
        what: &'static str,
    },
    /// It has another version.
    #[error("it is {what} of version {found}, and this trialbook reads version {known}")]
    Version {
        /// What it should be.
        what: &'static str,
        /// The version that it states.
        found: u64,
        /// The version that is read.
        known: u64,
    },
    /// It differs from the published schema.
    #[error("it is not {what}: {}", places.join("; "))]
    Shape {
        /// What it should be.
        what: &'static str,
        /// The first differences, each with its place as a JSON pointer.
        places: Vec<String>,
    },
    /// It was edited after it was written.
    #[error("its content differs from its digest: the file was edited or damaged after it was written")]
    Edited,
    /// It is an outcome, and of another experiment than its name has.
    #[error("it is an outcome of `{found}`, and its name is that of another experiment")]
    OtherExperiment {
        /// Of which.
        found: String,
    },
    /// It fits the schema, and has a value that means nothing: a key with forbidden characters, for example.
    #[error("it is not {what}")]
    Meaningless {
        /// What it should be.
        what: &'static str,
        /// Which.
        #[source]
        cause: serde_json::Error,
    },
}

impl ArtifactError {
    /// Tells whether the artifact was written by a newer version of this program.
    pub fn is_newer(&self) -> bool {
        matches!(self, Self::Version { found, known, .. } if found > known)
    }
}

/// The differences from a schema that are named; more rarely help.
const MOST_PLACES: usize = 3;
/// The most characters of one difference.
const LONGEST_PLACE: usize = 200;

/// Reads an artifact from a file.
///
/// Reads at most one byte more than it may have, so an endless file is refused as quickly as a large one.
///
/// # Errors
///
/// As [`ArtifactError`] lists them.
pub fn read<T: DeserializeOwned>(path: &Path, shape: &Shape) -> Result<T, ArtifactError> {
    parse(&bytes(path, shape)?, shape)
}

fn bytes(path: &Path, shape: &Shape) -> Result<Vec<u8>, ArtifactError> {
    let Shape { what, largest, .. } = *shape;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(ArtifactError::Unreadable)?;
    file.take(largest + 1).read_to_end(&mut bytes).map_err(ArtifactError::Unreadable)?;
    if bytes.len() as u64 > largest {
        return Err(ArtifactError::TooLarge { what, largest });
    }
    Ok(bytes)
}

/// Reads an artifact from its bytes.
///
/// # Errors
///
/// As [`ArtifactError`] lists them, but for a file that cannot be read.
pub fn parse<T: DeserializeOwned>(bytes: &[u8], shape: &Shape) -> Result<T, ArtifactError> {
    let Shape { what, largest, .. } = *shape;
    if bytes.len() as u64 > largest {
        return Err(ArtifactError::TooLarge { what, largest });
    }
    let Strict(value) = serde_json::from_slice(bytes).map_err(ArtifactError::NotJson)?;
    checked(value, bytes.len(), shape)
}

/// Holds a value, of so many bytes, against what its artifact must be.
fn checked<T: DeserializeOwned>(value: Value, size: usize, shape: &Shape) -> Result<T, ArtifactError> {
    let Shape { what, largest, version: known, .. } = *shape;
    if size as u64 > largest {
        return Err(ArtifactError::TooLarge { what, largest });
    }
    let found = value.get("version").and_then(Value::as_u64).ok_or(ArtifactError::NoVersion { what })?;
    if found != known {
        return Err(ArtifactError::Version { what, found, known });
    }
    let places = differences(&value, shape.schema);
    if !places.is_empty() {
        return Err(ArtifactError::Shape { what, places });
    }
    if let Some(digest) = shape.digest {
        let computed = digest(&value).map_err(ArtifactError::NotJson)?;
        if value.get(Outcome::DIGEST).and_then(Value::as_str) != Some(computed.as_str()) {
            return Err(ArtifactError::Edited);
        }
    }
    serde_json::from_value(value).map_err(|cause| ArtifactError::Meaningless { what, cause })
}

/// The published schemas, by name. They are compiled once, for a folder may hold thousands of outcomes.
static VALIDATORS: LazyLock<BTreeMap<&str, jsonschema::Validator>> = LazyLock::new(|| {
    let compiled = |(name, text): &(&'static str, &str)| {
        let schema = serde_json::from_str::<Value>(text).ok()?;
        Some((*name, jsonschema::validator_for(&schema).ok()?))
    };
    trialbook_language::schema::OUTPUTS.iter().filter_map(compiled).collect()
});

/// Returns where a value differs from a published schema; nothing where it fits.
fn differences(value: &Value, name: &str) -> Vec<String> {
    let Some(validator) = VALIDATORS.get(name) else {
        // A test holds every published schema to be one, so this is never reached; it refuses all the same.
        return vec![format!("this trialbook has no schema `{name}`")];
    };
    let place = |error: jsonschema::ValidationError<'_>| {
        let at = error.instance_path().to_string();
        let at = if at.is_empty() { "its top".to_owned() } else { format!("`{at}`") };
        // The value itself may be large and is the file's, so it is not repeated.
        shortened(&format!("at {at}: {}", error.masked_with("the value")))
    };
    validator.iter_errors(value).take(MOST_PLACES).map(place).collect()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST_PLACE {
        return text.to_owned();
    }
    text.chars().take(LONGEST_PLACE).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> ArtifactError {
        parse::<Value>(text.as_bytes(), &OUTCOME).expect_err(text)
    }

    #[test]
    fn another_version_is_refused_by_number() {
        assert!(matches!(refused(r#"{"version": 2}"#), ArtifactError::Version { found: 2, known: 1, .. }));
        assert!(refused(r#"{"version": 2}"#).is_newer());
        assert!(matches!(refused("[]"), ArtifactError::NoVersion { .. }));
        assert!(matches!(refused(r#"{"version": "1"}"#), ArtifactError::NoVersion { .. }));
        assert!(matches!(refused("{"), ArtifactError::NotJson(_)));
    }

    #[test]
    fn a_difference_from_the_schema_is_named_with_its_place_and_without_its_value() {
        let secret = "x".repeat(5000);
        let error = refused(&format!(r#"{{"version": 1, "tool": {{"name": 7, "version": ["{secret}"]}}}}"#));
        let ArtifactError::Shape { places, .. } = &error else { panic!("{error}") };
        assert!(places.len() <= MOST_PLACES, "{places:?}");
        let message = error.to_string();
        assert!(message.contains("`/tool/name`") || message.contains("its top"), "{message}");
        assert!(!message.contains("xxxx") && message.len() < 1000, "{message}");
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_before_it_is_parsed() {
        let small = Shape { largest: 10, ..OUTCOME };
        let error = parse::<Value>(b"{\"version\": 1}", &small).expect_err("too large");
        assert!(matches!(error, ArtifactError::TooLarge { largest: 10, .. }));
    }

    #[test]
    #[cfg(unix)]
    fn an_endless_file_is_refused() {
        let small = Shape { largest: 1 << 20, ..OUTCOME };
        let error = read::<Value>(Path::new("/dev/zero"), &small).expect_err("endless");
        assert!(matches!(error, ArtifactError::TooLarge { .. }));
        let error = read::<Value>(Path::new("/nowhere/at/all"), &small).expect_err("missing");
        assert!(matches!(error, ArtifactError::Unreadable(_)));
    }
}
