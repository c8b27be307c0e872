//! `trialbook driver`: the libraries of engines.

use super::{Exit, Failure, Session, sink};
use crate::app::driver::{self as app, Listed};
use trialbook_analysis::warehouse::driver::{self, Driver, DriverError, Environment};

/// Show and install the drivers of warehouses
///
/// A driver is a library. It is searched for in this order: the file that an environment variable names (TRIALBOOK_ and the
/// driver's name in capitals, such as TRIALBOOK_DUCKDB); the folder of the program; the cache of `trialbook driver install`;
/// ADBC driver manifests; the folders of DUCKDB_LIB_DIR or ADBC_DRIVER_PATH, pkg-config, the system's library folders,
/// Homebrew. A book can never name a library.
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

/// Show each known driver: where it was found, its version, and what `install` would download
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// The output format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// Download a driver's library into the cache and check its hash
///
/// Downloads with `npm`, which uses your registry and proxy settings, or else with `curl`.
#[derive(Debug, clap::Args)]
struct InstallArgs {
    /// The driver's name
    #[arg(value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(driver::drivers().map(|driver| driver.name)))]
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
    Failure::of(Exit::Unreachable, error).advised(error)
}

fn install(name: &str, session: &Session) -> Result<Exit, Failure> {
    let Some(driver) = Driver::named(name) else {
        return Err(Failure::new(Exit::Usage, format!("there is no driver `{name}`")));
    };
    let file = driver::install(driver, &Environment::of_process(), &mut |line| session.inform(line));
    sink::line(format_args!("{}", file.map_err(|error| failure(&error))?.display()))?;
    Ok(Exit::Done)
}

fn list(format: Format) -> Result<Exit, Failure> {
    let listed = app::list(&Environment::of_process());
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

fn show(listed: &Listed) -> Result<(), Failure> {
    let version = match &listed.version {
        Some(version) => version,
        None if listed.usable => "found",
        None => "not usable",
    };
    let place = match (&listed.path, listed.source) {
        (Some(path), Some(source)) => format!("{} ({source})", path.display()),
        (None, Some(source)) => source.to_owned(),
        _ if listed.install.url.is_none() => listed.advice.to_owned(),
        _ => format!("run `trialbook driver install {}` for version {}", listed.name, listed.install.version),
    };
    sink::line(format_args!("{}  {version}  {place}", listed.name))?;
    if let Some(problem) = &listed.problem {
        sink::line(format_args!("  {problem}"))?;
    }
    Ok(())
}
