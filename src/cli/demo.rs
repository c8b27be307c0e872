//! `trialbook demo`: the whole cycle on the example book and generated data, step by step. It runs the very commands that it shows.

use std::path::{Path, PathBuf};

use super::sink;
use super::{Exit, Failure, Session};
use crate::app::demo::{self, DemoError};
use crate::report::demo::{self as words, Scene};
use trialbook_analysis::warehouse::driver::{DUCKDB, Environment, obtain};

/// Show the whole cycle on the example book and generated data, step by step
///
/// Writes a book, lints it, plans and applies it to a flag file, evaluates flags, generates a warehouse with
/// five million events and known effects, analyses it, and prints the comments that pull requests would get. If DuckDB's
/// library is not installed, the first run downloads it and checks its hash. After that the demo needs no network, and
/// it never needs an account. The folder stays, so that you can try more commands in it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to create; it must not exist, or be empty
    #[arg(value_name = "DIR", default_value = "trialbook-demo")]
    dir: PathBuf,
    /// How many users the generated shop has
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    users: u32,
    /// The seed of the generated data; every seed has the same true effects
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

/// Runs the demo.
///
/// # Errors
///
/// Where the folder is in use or cannot be written, and where a command does not end as it should.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    obtain(&DUCKDB, &Environment::of_process(), &mut |line| session.inform(line))
        .map_err(|error| super::driver::failure(&error))?;
    demo::write(&args.dir).map_err(|error| failure(error, &args.dir))?;
    let program = std::env::current_exe().ok().map(|program| quoted(&program.to_string_lossy()));
    for scene in words::story(&args.dir, program.as_deref()) {
        play(&scene, args, session)?;
    }
    Ok(Exit::Done)
}

fn play(scene: &Scene, args: &Args, session: &Session) -> Result<(), Failure> {
    match scene {
        Scene::Sentence(sentence) => {
            let style = anstyle::Style::new().bold();
            sink::line(format_args!("\n{style}{sentence}{style:#}"))?;
        }
        Scene::File(path) => {
            let text = std::fs::read_to_string(args.dir.join(path))?;
            let dim = anstyle::Style::new().dimmed();
            sink::line(format_args!("{dim}  {path}{dim:#}"))?;
            text.lines().try_for_each(|line| sink::line(format_args!("  {line}")))?;
        }
        Scene::Command(command) => shown_and_run(command, Exit::Done, &args.dir)?,
        Scene::Collision(command) => {
            demo::while_colliding(&args.dir, || shown_and_run(command, Exit::Findings, &args.dir))??;
        }
        Scene::Warehouse => {
            let bar = session.progress(demo::STEPS as u64, "generating");
            let mut begins = |step: usize, what: &str| {
                bar.set_position(step as u64);
                bar.set_message(format!("generating {what}"));
            };
            let generated = demo::generate(&args.dir, args.users, args.seed, &mut begins);
            bar.finish_and_clear();
            sink::line(words::generated(&generated.map_err(|error| failure(error, &args.dir))?))?;
        }
        Scene::Truths => {
            let truths = demo::truths(&args.dir).map_err(|error| failure(error, &args.dir))?;
            words::truths(&truths).iter().try_for_each(sink::line)?;
        }
        Scene::Line(line) => sink::line(line)?,
    }
    Ok(())
}

/// Runs a command as a user would type it in the demo's folder, and expects how it ends.
fn shown_and_run(command: &[String], expected: Exit, dir: &Path) -> Result<(), Failure> {
    let accent = anstyle::AnsiColor::Cyan.on_default();
    let typed: Vec<String> = command.iter().map(|word| quoted(word)).collect();
    sink::line(format_args!("{accent}$ trialbook {}{accent:#}", typed.join(" ")))?;
    let ended = run_in(dir, command);
    if ended == expected {
        return Ok(());
    }
    Err(Failure::new(ended, format!("`trialbook {}` ended with {}", typed.join(" "), ended.code()))
        .help("the demo's folder may have been changed while it ran; try another folder"))
}

fn run_in(dir: &Path, command: &[String]) -> Exit {
    let in_folder = command.iter().scan("", |before, word| {
        let names_a_file = matches!(*before, "--out" | "report" | "apply");
        *before = word;
        Some(if names_a_file { dir.join(word).to_string_lossy().into_owned() } else { word.clone() })
    });
    let dir = dir.to_string_lossy().into_owned();
    let args = ["trialbook".to_owned(), "--book".to_owned(), dir].into_iter().chain(in_folder);
    super::run(args.map(Into::into))
}

fn failure(error: DemoError, dir: &Path) -> Failure {
    let dir = dir.display();
    match error {
        DemoError::NotEmpty => Failure::new(Exit::Refused, format!("`{dir}` is not empty"))
            .help("name another folder: `trialbook demo DIR`"),
        DemoError::InsideBook => Failure::new(Exit::Refused, format!("`{dir}` would be inside another book"))
            .help("go out of that book's folder, or name a folder outside of it: `trialbook demo DIR`"),
        DemoError::File(error) => error.into(),
        DemoError::NotCommitted(error) => {
            Failure::new(Exit::Unreachable, "cannot commit the book").because(&error)
        }
        DemoError::Unread(error) => Failure::of(Exit::Unreachable, &error),
        DemoError::NoBook => {
            Failure::new(Exit::Findings, "the demo's book has errors").help("run `trialbook lint`")
        }
        DemoError::Warehouse(error) => {
            Failure::new(Exit::Unreachable, "cannot generate the warehouse").because(&error).advised(&error)
        }
        DemoError::Rows(error) => Failure::new(Exit::Bug, "cannot make rows of assignments").because(&error),
        DemoError::Outcome(error) => Failure::of(Exit::Bug, &error),
    }
}

/// Quotes a word for a POSIX shell where it needs it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
