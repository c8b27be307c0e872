//! Where a library is: the first of a fixed order of places.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest, Sha256};

use super::{DUCKDB, Driver, DriverError, Environment, LINKED};

/// How a library was found, in the order of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The environment variable of the driver names the file.
    Variable,
    /// It is linked into the program.
    Linked,
    /// It lies beside the program.
    BesideProgram,
    /// `trialbook driver install` put it into the cache; its hash is checked.
    Cache,
    /// An ADBC manifest names it.
    Manifest,
    /// The variable of development installations names its folder.
    LibraryFolder,
    /// pkg-config names its folder.
    PkgConfig,
    /// A folder of the system's loader.
    LoaderPath,
    /// A folder of Homebrew.
    Homebrew,
}

impl Place {
    /// Returns its name in machine-readable output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Variable => "variable",
            Self::Linked => "linked",
            Self::BesideProgram => "beside-program",
            Self::Cache => "cache",
            Self::Manifest => "manifest",
            Self::LibraryFolder => "library-folder",
            Self::PkgConfig => "pkg-config",
            Self::LoaderPath => "loader-path",
            Self::Homebrew => "homebrew",
        }
    }

    /// Tells whether an installed library would be found before this one.
    pub(super) const fn follows_cache(self) -> bool {
        match self {
            Self::Variable | Self::Linked | Self::BesideProgram | Self::Cache => false,
            Self::Manifest | Self::LibraryFolder | Self::PkgConfig | Self::LoaderPath | Self::Homebrew => {
                true
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Variable => "named by an environment variable",
            Self::Linked => "linked into the program",
            Self::BesideProgram => "beside the program",
            Self::Cache => "installed by trialbook",
            Self::Manifest => "named by an ADBC manifest",
            Self::LibraryFolder => "in the folder of an environment variable",
            Self::PkgConfig => "named by pkg-config",
            Self::LoaderPath => "in a library folder of the system",
            Self::Homebrew => "installed by Homebrew",
        })
    }
}

/// A library that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How it was found.
    pub place: Place,
    /// Its file, or the manifest's; `None` where it is linked into the program.
    pub path: Option<PathBuf>,
}

impl Found {
    fn at(place: Place, path: PathBuf) -> Self {
        Self { place, path: Some(path) }
    }
}

/// Finds a driver's library. The first place that has one decides; nothing is loaded.
///
/// # Errors
///
/// Where there is none, where the variable names a file that is not there, and where the installed file is not the
/// one that was downloaded.
pub fn locate(driver: &Driver, environment: &Environment) -> Result<Found, DriverError> {
    if let Some(named) = environment.variable(driver.variable) {
        let path = PathBuf::from(named);
        // Made absolute, because the loader would search its own folders for a bare name.
        let found = std::path::absolute(&path).ok().filter(|path| path.is_file());
        return match found {
            Some(file) => Ok(Found::at(Place::Variable, file)),
            None => Err(DriverError::Variable { variable: driver.variable, path }),
        };
    }
    if driver.name == DUCKDB.name && LINKED.get().is_some() {
        return Ok(Found { place: Place::Linked, path: None });
    }
    let name = driver.file_name();
    if let Some(file) = environment.beside_program().and_then(|folder| file_in(folder, &name)) {
        return Ok(Found::at(Place::BesideProgram, file));
    }
    if let Some(file) = installed(driver, environment)? {
        return Ok(Found::at(Place::Cache, file));
    }
    let manifest = format!("{}.toml", driver.name);
    if let Some(file) = first(environment.manifests(), &manifest) {
        return Ok(Found::at(Place::Manifest, file));
    }
    if let Some(file) = first(environment.folders(driver.folder_variable), &name) {
        return Ok(Found::at(Place::LibraryFolder, file));
    }
    if let Some(file) = pkg_config(driver, environment).and_then(|folder| file_in(&folder, &name)) {
        return Ok(Found::at(Place::PkgConfig, file));
    }
    if let Some(file) = first(environment.loader_path(), &name) {
        return Ok(Found::at(Place::LoaderPath, file));
    }
    if let Some(file) = first(environment.homebrew(), &name) {
        return Ok(Found::at(Place::Homebrew, file));
    }
    Err(DriverError::NotFound { name: driver.name, hint: instructions(driver, environment) })
}

/// Returns what a person can do to get the library.
pub(super) fn instructions(driver: &Driver, environment: &Environment) -> String {
    let Some(package) = driver.package() else {
        return driver.advice.to_owned();
    };
    let file = driver.file_name();
    let put = match driver.installed_file(environment) {
        Some(path) => format!("put {file} at `{}`, or name its file in {}", path.display(), driver.variable),
        None => format!("name the file {file} in {}", driver.variable),
    };
    format!(
        "run `trialbook driver install {}`; without network access, download {} (SHA-256 {}), take {} out of it \
         (SHA-256 {}), and {put}",
        driver.name,
        package.url(),
        package.tarball,
        package.member,
        package.library,
    )
}

/// Returns the installed library, its hash checked.
pub(super) fn installed(driver: &Driver, environment: &Environment) -> Result<Option<PathBuf>, DriverError> {
    let Some((file, package)) = driver.installed_file(environment).zip(driver.package()) else {
        return Ok(None);
    };
    if !file.is_file() {
        return Ok(None);
    }
    let found = sha256_of(&file)?;
    if found == package.library {
        Ok(Some(file))
    } else {
        Err(DriverError::Hash { path: file, expected: package.library, found })
    }
}

/// Returns the SHA-256 of a file in hexadecimal.
pub(super) fn sha256_of(path: &Path) -> Result<String, DriverError> {
    let failed = |cause| DriverError::File { action: "read", path: path.to_owned(), cause };
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut buffer).map_err(failed)? {
            0 => return Ok(hex(&hasher.finalize())),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn first(folders: Vec<PathBuf>, name: &str) -> Option<PathBuf> {
    folders.iter().find_map(|folder| file_in(folder, name))
}

fn file_in(folder: &Path, name: &str) -> Option<PathBuf> {
    Some(folder.join(name)).filter(|file| file.is_absolute() && file.is_file())
}

/// Asks pkg-config, where there is one, for the folder of the library.
fn pkg_config(driver: &Driver, environment: &Environment) -> Option<PathBuf> {
    let program = environment
        .folders("PATH")
        .iter()
        .find_map(|folder| file_in(folder, &format!("pkg-config{}", std::env::consts::EXE_SUFFIX)))?;
    let answer = Command::new(program)
        .args(["--variable=libdir", driver.stem])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|answer| answer.status.success())?;
    let folder = PathBuf::from(String::from_utf8(answer.stdout).ok()?.trim());
    folder.is_absolute().then_some(folder)
}
