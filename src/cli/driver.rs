//! `trialbook driver`: the libraries of engines.

use std::path::PathBuf;

use serde::Serialize;

use super::{Exit, Failure, Session, sink};
use trialbook_analysis::warehouse::driver::{self, DRIVERS, Driver, DriverError, Environment, Found};

/// The libraries of warehouses' engines: which there are, and how to get them
///
/// A library is searched for in this order: the file that an environment variable names (TRIALBOOK_DUCKDB); beside the
/// program; the cache of `trialbook driver install`; ADBC driver manifests; DUCKDB_LIB_DIR, pkg-config, the system's
/// library folders, Homebrew. Never in a book.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(ListArgs),
    Install(InstallArgs),
}

/// Show each known driver: where it was found, its version, and what `install` would get
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// How to show them
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Download a driver's library into the cache and check its hash
///
/// Downloads with `npm`, which uses your registry and proxy settings, or else with `curl`.
#[derive(Debug, clap::Args)]
struct InstallArgs {
    /// The driver
    #[arg(value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(DRIVERS.iter().map(|driver| driver.name)))]
    name: String,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs the command.
///
/// # Errors
///
/// Where a driver cannot be installed. One that is not there is no error for `list`.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    match &args.command {
        Command::List(args) => list(args.format),
        Command::Install(args) => install(&args.name, session),
    }
}

/// Turns a driver's error into the end of a command.
pub(super) fn failure(error: &DriverError) -> Failure {
    let failure = Failure::of(Exit::Unreachable, error);
    match error.hint() {
        Some(hint) => failure.help(hint),
        None => failure,
    }
}

fn install(name: &str, session: &Session) -> Result<Exit, Failure> {
    let Some(driver) = Driver::named(name) else {
        return Err(Failure::new(Exit::Usage, format!("there is no driver `{name}`")));
    };
    let file = driver::install(driver, &Environment::of_process(), &mut |line| session.say(line));
    sink::line(format_args!("{}", file.map_err(|error| failure(&error))?.display()))?;
    Ok(Exit::Done)
}

/// A driver, as `list` shows it.
#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    /// Whether it can be used.
    usable: bool,
    /// How it was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What `install` gets.
    install: Installable,
}

#[derive(Debug, Serialize)]
struct Installable {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    library_sha256: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<PathBuf>,
}

fn list(format: Format) -> Result<Exit, Failure> {
    let environment = Environment::of_process();
    let listed: Vec<_> = DRIVERS.iter().map(|driver| listed(driver, &environment)).collect();
    match format {
        Format::Json => {
            let text =
                serde_json::to_string_pretty(&listed).map_err(|error| Failure::of(Exit::Bug, &error))?;
            sink::print(sink::Text::Json(&format!("{text}\n")))?;
        }
        Format::Text => listed.iter().try_for_each(show)?,
    }
    Ok(Exit::Done)
}

fn listed(driver: &'static Driver, environment: &Environment) -> Listed {
    let package = driver.package();
    let found = driver::locate(driver, environment);
    let version = found.as_ref().ok().map(|_| driver.version_in_use());
    let (version, problem) = match (version, &found) {
        (Some(Ok(version)), _) => (Some(version), None),
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
        usable: version.is_some(),
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
    }
}

fn show(listed: &Listed) -> Result<(), Failure> {
    let version = listed.version.as_deref().unwrap_or("not usable");
    let place = match (&listed.path, listed.source) {
        (Some(path), Some(source)) => format!("{} ({source})", path.display()),
        (None, Some(source)) => source.to_owned(),
        _ => format!("run `trialbook driver install {}` for version {}", listed.name, listed.install.version),
    };
    sink::line(format_args!("{}  {version}  {place}", listed.name))?;
    if let Some(problem) = &listed.problem {
        sink::line(format_args!("  {problem}"))?;
    }
    Ok(())
}
