//! The libraries of engines: which are here, and which can be installed.

use std::path::PathBuf;

use serde::Serialize;

use trialbook_analysis::warehouse::driver::{self, Driver, Environment, Found};

/// A driver, as `list` shows it.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// Its name.
    pub name: &'static str,
    /// Whether it can be used.
    pub usable: bool,
    /// How it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<&'static str>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What `install` gets.
    pub install: Installable,
    /// How a person gets it where `install` does not.
    #[serde(skip)]
    pub advice: &'static str,
}

/// What `install` gets.
#[derive(Debug, Serialize)]
pub struct Installable {
    /// The version; empty where it is not one of ours.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub version: &'static str,
    /// Where the package is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The hash of the package.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<&'static str>,
    /// The hash of the library in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub library_sha256: Option<&'static str>,
    /// Where the library goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
}

/// Returns every known driver as it is found in an environment.
pub fn list(environment: &Environment) -> Vec<Listed> {
    driver::drivers().map(|driver| listed(driver, environment)).collect()
}

fn listed(driver: &'static Driver, environment: &Environment) -> Listed {
    let package = driver.package();
    let found = driver::locate(driver, environment);
    let version = found.as_ref().ok().map(|_| driver.version_in_use());
    let (version, problem) = match (version, &found) {
        (Some(Ok(version)), _) => (version, None),
        (Some(Err(error)), _) => (None, Some(error.to_string())),
        (None, Err(error)) => (None, Some(error.to_string())),
        (None, Ok(_)) => (None, None),
    };
    let (source, path) = match found {
        Ok(Found { place, path }) => (Some(place.as_str()), path),
        Err(_) => (None, None),
    };
    Listed {
        name: driver.name,
        usable: problem.is_none(),
        source,
        path,
        version,
        problem,
        install: Installable {
            version: driver.version,
            url: package.map(driver::Package::url),
            sha256: package.map(|package| package.tarball),
            library_sha256: package.map(|package| package.library),
            path: driver.installed_file(environment),
        },
        advice: driver.advice,
    }
}
