//! The command line: arguments, one file per command, exit codes, progress.
//!
//! A command is a file with an `Args` struct, whose doc comment is its help, and
//! `run(&Args, &Session) -> Result<Exit, Failure>`. Adding one touches that file and two lines here.

mod actor;
mod allocate;
mod analyze;
mod apply;
mod check_data;
mod clean;
mod comment;
mod completions;
mod conclude;
mod contexts;
mod demo;
mod drift;
mod driver;
mod evaluate;
mod exit;
mod explain;
mod failed;
mod fit;
mod fmt;
mod import;
mod init;
mod instant;
mod lint;
mod log;
mod lsp;
mod man;
mod mcp;
mod new;
mod plan;
mod power;
mod propose;
mod propose_change;
mod report;
mod schema;
mod session;
mod sink;
mod site;
mod status;
mod stop;
mod why;
mod write;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use exit::{Exit, Failure};
pub use instant::At;
pub use session::{Opened, Session};
use sink::Text;

/// Product experiments as code: lint, plan, apply, analyse, and a verdict on the pull request.
#[derive(Debug, Parser)]
#[command(name = "trialbook", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options that every command has.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// The book's folder; when left out, the book that the working directory is in, or the only book below it
    #[arg(long, global = true, value_name = "DIR", env = "TRIALBOOK_BOOK")]
    pub book: Option<PathBuf>,
    /// When to use colours; `NO_COLOR` turns them off
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: clap::ColorChoice,
    /// Print only results and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more details
    #[arg(long, short, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Import(import::Args),
    New(new::Args),
    Lint(lint::Args),
    Fmt(fmt::Args),
    Fit(fit::Args),
    Explain(explain::Args),
    Power(power::Args),
    Allocate(allocate::Args),
    Evaluate(evaluate::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Drift(drift::Args),
    Status(status::Args),
    Why(why::Args),
    Site(site::Args),
    Log(log::Args),
    Stop(stop::Args),
    Analyze(analyze::Args),
    CheckData(check_data::Args),
    Report(report::Args),
    Comment(comment::Args),
    Conclude(conclude::Args),
    Clean(clean::Args),
    Demo(demo::Args),
    Driver(driver::Args),
    Schema(schema::Args),
    Lsp(lsp::Args),
    Mcp(mcp::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Man(man::Args),
    #[command(hide = true)]
    Propose(propose_change::Args),
}

/// Returns the command line as data: what the documentation is generated from and held to.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that the process's arguments name, and returns how it ended.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|info| {
        let help = "please report it with the command that you ran and, if you can, the book";
        sink::notify(Text::Plain(&format!("error: this is a bug in trialbook: {info}\n  help: {help}\n")));
    }));
    trialbook_analysis::warehouse::set_last_resort(|why| {
        let help = "the engine did not stop when it was asked to, so the program ends: nothing was written";
        sink::notify(Text::Plain(&format!("error: {why}\n  help: {help}\n")));
        std::process::exit(Exit::Unreachable.code().into());
    });
    let run = std::panic::catch_unwind(|| run(std::env::args_os()));
    ExitCode::from(run.unwrap_or(Exit::Bug).code())
}

/// Runs one command and returns how it ended. What went wrong has been printed on stderr.
fn run(args: impl Iterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return exit::of_usage(&error),
    };
    let session = Session::new(cli.global);
    if instant::of_clock(SystemTime::now()).is_none() {
        let failure = Failure::new(Exit::Unreachable, "the clock of this machine shows a year beyond 9999");
        return failure.help("set the clock: what runs and what is over depends on it").report();
    }
    match dispatch(&cli.command, &session) {
        Ok(exit) => exit,
        Err(failure) => failure.report(),
    }
}

fn dispatch(command: &Command, session: &Session) -> Result<Exit, Failure> {
    match command {
        Command::Apply(args) => apply::run(args, session),
        Command::Drift(args) => drift::run(args, session),
        Command::Status(args) => status::run(args, session),
        Command::Site(args) => site::run(args, session),
        Command::Why(args) => why::run(args, session),
        Command::Log(args) => log::run(args, session),
        Command::Stop(args) => stop::run(args, session),
        Command::Demo(args) => demo::run(args, session),
        Command::Driver(args) => driver::run(args, session),
        Command::Plan(args) => plan::run(args, session),
        Command::Power(args) => power::run(args, session),
        Command::Allocate(args) => allocate::run(args, session),
        Command::Analyze(args) => analyze::run(args, session),
        Command::CheckData(args) => check_data::run(args, session),
        Command::Evaluate(args) => evaluate::run(args, session),
        Command::Completions(args) => completions::run(args),
        Command::Comment(args) => comment::run(args, session),
        Command::Conclude(args) => conclude::run(args, session),
        Command::Clean(args) => clean::run(args, session),
        Command::Explain(args) => explain::run(args, session),
        Command::Fit(args) => fit::run(args, session),
        Command::Fmt(args) => fmt::run(args, session),
        Command::Import(args) => import::run(args, session),
        Command::Init(args) => init::run(args, session),
        Command::New(args) => new::run(args, session),
        Command::Lint(args) => lint::run(args, session),
        Command::Lsp(args) => lsp::run(args),
        Command::Man(args) => man::run(args),
        Command::Mcp(args) => mcp::run(args, session),
        Command::Propose(args) => propose_change::run(args, session),
        Command::Report(args) => report::run(args, session),
        Command::Schema(args) => schema::run(args),
    }
}
