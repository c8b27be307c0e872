//! Which engine libraries this program knows, where each is looked for, and how one is installed.
//! An engine is a shared library with the ADBC interface. A library is code that runs in this process, so its path comes
//! from the user's environment and from fixed folders, never from a book.

mod archive;
mod environment;
mod install;
mod locate;
mod pins;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use adbc_core::options::AdbcVersion;
use adbc_driver_manager::ManagedDriver;

use super::WarehouseError;

pub use environment::Environment;
pub use install::{install, obtain};
pub use locate::{Found, Place, locate};
pub use pins::Package;

/// A library that this program can load.
#[derive(Debug, Clone, Copy)]
pub struct Driver {
    /// Its name on the command line and in ADBC manifests.
    pub name: &'static str,
    /// The version that `trialbook driver install` gets, or that was tested; nothing where it was tested with none.
    pub version: &'static str,
    /// The environment variable that names the library's file.
    pub variable: &'static str,
    /// The variable that names folders in which the library may lie.
    folder_variable: &'static str,
    /// The library's name without the platform's prefix and ending.
    stem: &'static str,
    /// The function that makes it an ADBC driver. Always named: it is no default name.
    entry: &'static [u8],
    /// What is downloaded for each platform, with its hashes.
    packages: &'static [Package],
    /// What to do where it is not there and this program cannot get it.
    pub advice: &'static str,
    /// Returns the version of a loaded library, if it is one that is supported; `None` where it has none without a server.
    probe: fn(&Loaded) -> Result<Option<String>, WarehouseError>,
}

/// The embedded warehouse.
pub static DUCKDB: Driver = Driver {
    name: "duckdb",
    version: "1.5.6",
    variable: "TRIALBOOK_DUCKDB",
    folder_variable: "DUCKDB_LIB_DIR",
    stem: "duckdb",
    entry: b"duckdb_adbc_init",
    packages: pins::DUCKDB,
    advice: "get the library of DuckDB 1.5.6 and name its file in TRIALBOOK_DUCKDB",
    probe: |loaded| super::duckdb::supported(loaded).map(Some),
};

/// The client of PostgreSQL.
pub static POSTGRESQL: Driver = Driver {
    name: "postgresql",
    version: "1.13.0",
    variable: "TRIALBOOK_POSTGRESQL",
    folder_variable: "ADBC_DRIVER_PATH",
    stem: "adbc_driver_postgresql",
    entry: b"AdbcDriverPostgresqlInit",
    packages: &[],
    advice: "run `dbc install postgresql`; or `pip install adbc-driver-postgresql`, and name the file \
             `libadbc_driver_postgresql.so` in its folder in TRIALBOOK_POSTGRESQL",
    probe: |_| Ok(None),
};

/// Returns a driver that this program does not install, of a server that [`super::SERVERS`] lists.
pub(super) const fn remote(
    name: &'static str,
    variable: &'static str,
    stem: &'static str,
    advice: &'static str,
) -> Driver {
    Driver {
        name,
        version: "",
        variable,
        folder_variable: "ADBC_DRIVER_PATH",
        stem,
        // The name that ADBC gives it; the drivers have others beside.
        entry: b"AdbcDriverInit",
        packages: &[],
        advice,
        probe: |_| Ok(None),
    }
}

/// Returns every driver.
pub fn drivers() -> impl Iterator<Item = &'static Driver> {
    [&DUCKDB, &POSTGRESQL].into_iter().chain(super::SERVERS.iter().map(|server| &server.driver))
}

impl Driver {
    /// Returns the driver of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        drivers().find(|driver| driver.name == name)
    }

    /// Returns the file name of its library on this platform.
    pub fn file_name(&self) -> String {
        let (prefix, ending) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        format!("{prefix}{}{ending}", self.stem)
    }

    /// Loads the library and returns its version, where it has one without a server.
    ///
    /// # Errors
    ///
    /// Where it is not there, cannot be loaded, or has a version that is not supported.
    pub fn version_in_use(&'static self) -> Result<Option<String>, WarehouseError> {
        (self.probe)(&loaded_of(self)?)
    }

    /// Loads a library that was found, and returns its version.
    fn version_of(&self, found: &Found) -> Result<Option<String>, WarehouseError> {
        (self.probe)(&Loaded { driver: load(self, found)? })
    }

    /// Returns what is downloaded for this platform; `None` where nothing is published for it.
    pub fn package(&self) -> Option<&'static Package> {
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        self.packages.iter().find(|package| package.os == os && package.arch == arch)
    }

    /// Returns the file that an installation makes; `None` where there is no cache folder or no package.
    pub fn installed_file(&self, environment: &Environment) -> Option<PathBuf> {
        let package = self.package()?;
        let folder = format!("{}-{}-{}", self.name, self.version, package.platform);
        Some(environment.cache()?.join("drivers").join(folder).join(self.file_name()))
    }
}

/// Why a driver cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DriverError {
    /// It is nowhere.
    #[error("the library of {name} is not installed")]
    #[diagnostic(help("{hint}"))]
    NotFound {
        /// The driver.
        name: &'static str,
        /// What to do.
        hint: String,
    },
    /// The variable names a file that is not there.
    #[error("{variable} names `{path}`, and there is no such file")]
    #[diagnostic(help(
        "give the path of the library's file, or unset the variable to search the usual places"
    ))]
    Variable {
        /// The environment variable.
        variable: &'static str,
        /// What it holds.
        path: PathBuf,
    },
    /// A downloaded or installed file is not the one that this program knows.
    #[error("`{path}` is not the expected file: its SHA-256 is {found}, not {expected}")]
    #[diagnostic(help(
        "delete the file if it is in the cache, then run `trialbook driver install duckdb`; a registry or a proxy may serve another file"
    ))]
    Hash {
        /// Which.
        path: PathBuf,
        /// What this program knows.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// The library cannot be loaded.
    #[error("cannot load `{path}` ({place}): {message}")]
    #[diagnostic(help("run `trialbook driver list` to see which library is used, and from where"))]
    Load {
        /// Where it is.
        path: PathBuf,
        /// How it was found.
        place: Place,
        /// The system's message.
        message: String,
    },
    /// Nothing is published for this platform.
    #[error("there is no prebuilt library of {name} for {platform}")]
    #[diagnostic(help("{hint}"))]
    Platform {
        /// The driver.
        name: &'static str,
        /// The operating system and the processor.
        platform: String,
        /// What to do.
        hint: String,
    },
    /// It cannot be downloaded.
    #[error("cannot download {what}: {message}")]
    #[diagnostic(help("{hint}"))]
    Download {
        /// What.
        what: String,
        /// What the tools answered.
        message: String,
        /// What to do.
        hint: String,
    },
    /// A downloaded archive does not hold what it should.
    #[error("the archive of {name} cannot be used: {message}")]
    Archive {
        /// The driver.
        name: &'static str,
        /// Why.
        message: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} `{path}`")]
    File {
        /// To read, to write…
        action: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
}

/// Makes a driver that is linked into the program.
pub type Linked = fn() -> Result<ManagedDriver, adbc_core::error::Error>;

static LINKED: OnceLock<Linked> = OnceLock::new();

/// Offers a DuckDB that is linked into this program. It is used unless `TRIALBOOK_DUCKDB` names another. The first
/// call wins.
pub fn link_duckdb(make: Linked) {
    LINKED.get_or_init(|| make);
}

/// A library in use.
#[derive(Debug, Clone)]
pub(super) struct Loaded {
    pub driver: ManagedDriver,
}

/// Loads DuckDB once per process. A failure is not kept: the library may be installed meanwhile.
pub(super) fn duckdb() -> Result<Loaded, DriverError> {
    loaded_of(&DUCKDB)
}

/// Loads a driver once per process.
pub(super) fn loaded_of(driver: &'static Driver) -> Result<Loaded, DriverError> {
    loaded(driver, |environment| locate(driver, environment))
}

/// Loads DuckDB once per process, and installs it where there is none: for tests.
#[expect(clippy::disallowed_macros, reason = "a test says on its own stderr what it downloads")]
pub(super) fn duckdb_installed() -> Result<Loaded, DriverError> {
    loaded(&DUCKDB, |environment| obtain(&DUCKDB, environment, &mut |line| eprintln!("{line}")))
}

fn loaded(
    driver: &'static Driver,
    find: impl FnOnce(&Environment) -> Result<Found, DriverError>,
) -> Result<Loaded, DriverError> {
    static LOADED: Mutex<BTreeMap<&str, Loaded>> = Mutex::new(BTreeMap::new());
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = loaded.get(driver.name) {
        return Ok(loaded.clone());
    }
    let made = Loaded { driver: load(driver, &find(&Environment::of_process())?)? };
    loaded.insert(driver.name, made.clone());
    Ok(made)
}

fn load(driver: &Driver, found: &Found) -> Result<ManagedDriver, DriverError> {
    let (entry, version) = (Some(driver.entry), AdbcVersion::V110);
    let path = found.path.clone().unwrap_or_default();
    let made = match (found.place, LINKED.get()) {
        (Place::Linked, Some(make)) => make(),
        // With no flags and an absolute path nothing is searched: the manifest is read, and its library loaded.
        (Place::Manifest, _) => ManagedDriver::load_from_name(&path, entry, version, 0, None),
        _ => ManagedDriver::load_dynamic_from_filename(&path, entry, version),
    };
    made.map_err(|error| DriverError::Load { path, place: found.place, message: error.message })
}

#[cfg(test)]
mod tests;
