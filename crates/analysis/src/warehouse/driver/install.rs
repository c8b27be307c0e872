//! Getting a library that this program knows: downloaded, checked against its hashes, put into the cache at once.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::archive::extract;
use super::locate::{installed, instructions, sha256_of};
use super::{Driver, DriverError, Environment, Found, Package, Place, locate};

/// The largest library that is unpacked, in bytes: several times today's.
const LARGEST: u64 = 512 << 20;
/// The largest package that is downloaded, in bytes.
const LARGEST_PACKAGE: u64 = 256 << 20;
/// How long a download may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Finds a driver's library and, where there is none that can be used, installs it.
///
/// A library that the search finds after the cache (an ADBC manifest, a folder of the system) may have a version that
/// this program does not support. The installed one is found before it, so installing is the way out. A library that
/// comes before the cache was chosen by the user: it is returned as it is, and loading it reports what is wrong.
///
/// # Errors
///
/// Those of [`locate`] and [`install`].
pub fn obtain(
    driver: &Driver,
    environment: &Environment,
    say: &mut dyn FnMut(&str),
) -> Result<Found, DriverError> {
    match locate(driver, environment) {
        Ok(found) if found.place.follows_cache() => match driver.version_of(&found) {
            Ok(_) => return Ok(found),
            Err(error) => {
                let path = found.path.unwrap_or_default();
                say(&format!("cannot use `{}`: {error}", path.display()));
            }
        },
        Err(DriverError::NotFound { .. }) => {}
        found => return found,
    }
    install(driver, environment, say).map(|path| Found { place: Place::Cache, path: Some(path) })
}

/// Downloads a driver's library into the cache, and returns its file. One that is already there and whole is kept.
///
/// It is got with `npm`, which knows the user's registry and proxy, or else with `curl`. Several processes may
/// install at once: one works, the others wait for it.
///
/// # Errors
///
/// Where nothing is published for this platform, nothing can be downloaded, and what was downloaded is not what
/// this program knows.
pub fn install(
    driver: &Driver,
    environment: &Environment,
    say: &mut dyn FnMut(&str),
) -> Result<PathBuf, DriverError> {
    let hint = || instructions(driver, environment);
    let platform = || format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH);
    let package = driver.package().ok_or_else(|| DriverError::Platform {
        name: driver.name,
        platform: platform(),
        hint: hint(),
    })?;
    let file = driver.installed_file(environment).ok_or_else(|| DriverError::Platform {
        name: driver.name,
        platform: "a user without a cache folder (HOME and XDG_CACHE_HOME are not set)".to_owned(),
        hint: hint(),
    })?;
    let folder = file.parent().unwrap_or(&file).to_owned();
    let failed = |action, path: &Path| {
        let path = path.to_owned();
        move |cause| DriverError::File { action, path, cause }
    };
    fs::create_dir_all(&folder).map_err(failed("make the folder", &folder))?;
    let lock = folder.join(".lock");
    let lock =
        File::create(&lock).and_then(|held| held.lock().map(|()| held)).map_err(failed("lock", &lock))?;
    // A damaged file is replaced below.
    if let Ok(Some(file)) = installed(driver, environment) {
        return Ok(file);
    }
    let scratch = tempfile::tempdir_in(&folder).map_err(failed("make a folder in", &folder))?;
    let tarball = download(package, scratch.path(), say, &hint)?;
    expect(&tarball, package.tarball)?;
    say(&format!("unpacking {}", driver.file_name()));
    let unpacked = scratch.path().join("library");
    let archive = File::open(&tarball).map_err(failed("read", &tarball))?;
    let mut into = File::create_new(&unpacked).map(BufWriter::new).map_err(failed("write", &unpacked))?;
    extract(BufReader::new(archive), package.member, LARGEST, &mut into)
        .map_err(|error| DriverError::Archive { name: driver.name, message: error.to_string() })?;
    into.flush().and_then(|()| into.get_ref().sync_all()).map_err(failed("write", &unpacked))?;
    drop(into);
    expect(&unpacked, package.library)?;
    fs::rename(&unpacked, &file).map_err(failed("write", &file))?;
    drop(lock);
    say(&format!("installed {} {} at {} (SHA-256 checked)", driver.name, driver.version, file.display()));
    Ok(file)
}

fn expect(path: &Path, expected: &'static str) -> Result<(), DriverError> {
    let found = sha256_of(path)?;
    if found == expected { Ok(()) } else { Err(DriverError::Hash { path: path.to_owned(), expected, found }) }
}

/// Downloads a package, by the first tool that can. Each tool works in an empty folder of its own, so that what one
/// that failed left behind is never taken for the download of the next.
fn download(
    package: &Package,
    folder: &Path,
    say: &mut dyn FnMut(&str),
    hint: &dyn Fn() -> String,
) -> Result<PathBuf, DriverError> {
    say(&format!("downloading {} (24 MB) from the npm registry", package.specifier()));
    let mut answers = Vec::new();
    for (tool, mut command) in [("npm", npm(package)), ("curl", curl(package))] {
        let folder = folder.join(tool);
        let failed = |cause| DriverError::File { action: "make the folder", path: folder.clone(), cause };
        fs::create_dir(&folder).map_err(failed)?;
        // In the empty folder, so that no `.npmrc` of a book is read.
        let ended = run(command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()), &folder);
        match ended {
            Ok(status) if status.success() => match archive_in(&folder) {
                Some(archive) => return Ok(archive),
                None => answers.push(format!("{tool} made no archive")),
            },
            Ok(status) => answers.push(format!("{tool} ended with {status}{}", last_words(&folder))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                answers.push(format!("{tool} is not installed"));
            }
            Err(error) => answers.push(format!("{tool}: {error}")),
        }
    }
    let what = package.specifier();
    Err(DriverError::Download { what, message: answers.join("; "), hint: hint() })
}

fn npm(package: &Package) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.args(["pack", "--silent", "--ignore-scripts"]).arg(package.specifier());
    command
}

fn curl(package: &Package) -> Command {
    let mut command = Command::new("curl");
    command.args(["--fail", "--silent", "--show-error", "--location", "--proto", "=https", "--proto-redir"]);
    command.args(["=https", "--max-filesize", &LARGEST_PACKAGE.to_string(), "--output", "package.tgz"]);
    command.arg(package.url());
    command
}

const COMPLAINTS: &str = "complaints";

/// Runs a tool, its complaints into a file of the folder, and ends it where it takes too long.
fn run(command: &mut Command, folder: &Path) -> io::Result<ExitStatus> {
    let mut child = command.stderr(File::create(folder.join(COMPLAINTS))?).spawn()?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it took longer than ten minutes"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns the end of what the tool complained about.
fn last_words(folder: &Path) -> String {
    let text = fs::read(folder.join(COMPLAINTS)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if line.is_empty() { String::new() } else { format!(": {}", line.chars().take(300).collect::<String>()) }
}

/// Returns the one archive in a folder, if it is not too large.
fn archive_in(folder: &Path) -> Option<PathBuf> {
    let entries = fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let mut archives =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "tgz"));
    archives.find(|path| fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() <= LARGEST_PACKAGE))
}
