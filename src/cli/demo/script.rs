//! The steps of the demo. It runs the commands that it shows; their output is not written here.

use std::path::Path;

use super::{Args, book, truth, warehouse};
use crate::cli::{self, Exit, Failure, Session, sink};
use trialbook_analysis::warehouse::driver::{DUCKDB, Environment, obtain};

/// When the demo's experiments are launched: before the first of them begins.
const LAUNCH: &str = "2026-11-01";
/// When the demo looks at them: the instant at which the example book lints clean.
const TODAY: &str = "2026-12-01";

/// Runs the demo.
///
/// # Errors
///
/// Where the folder is in use or cannot be written, and where a command does not end as it should.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let script = Script { dir: &args.dir };
    obtain(&DUCKDB, &Environment::of_process(), &mut |line| session.inform(line))
        .map_err(|error| cli::driver::failure(&error))?;
    book::write(&args.dir)?;
    script.narrate("A book: flags, experiments, metrics and layers as YAML in a git repository.")?;
    script.narrate(&format!("It is in {}, and this is one of its experiments:", args.dir.display()))?;
    script.show("checkout/bold-checkout-button.experiment.yaml")?;

    script.narrate(
        "In CI, every pull request is linted. A second test of the same button, open to the same people:",
    )?;
    script.collide(session)?;
    script.narrate("For other customers it can run. Now nothing collides:")?;
    script.run(&["lint", "--at", TODAY], Exit::Done)?;

    script.narrate(
        "After the merge CI plans what will change in the flag back end, and applies exactly that:",
    )?;
    script.run(&["plan", "--at", LAUNCH, "--out", "launch.plan"], Exit::Done)?;
    script.run(&["apply", "launch.plan", "--at", LAUNCH], Exit::Done)?;
    script.narrate("The flag clients now serve it. Planning again finds nothing to do:")?;
    script.run(&["plan", "--at", LAUNCH, "--detailed-exitcode"], Exit::Done)?;
    script.narrate("Who gets what, and why? For one user, the same answer as the client gives:")?;
    let context =
        r#"{"targetingKey": "user-000001", "country": "SE", "platform": "ios", "app_version": "8.4.0"}"#;
    script.run(
        &["evaluate", "checkout-button", "checkout-flow", "--at", "2026-11-10", "--context", context],
        Exit::Done,
    )?;

    script.narrate("Four weeks pass. People visit, search and buy; the clients write exposures:")?;
    warehouse::generate(&args.dir, args.users, args.seed, session)?;
    script.narrate(
        "A scheduled job analyses every experiment in the warehouse, by the plan that was frozen at launch:",
    )?;
    script.run(&["analyze", "--as-of", TODAY, "--out", "outcomes"], Exit::Done)?;
    for (key, why) in [
        ("bold-checkout-button", "The comment on the pull request that launched the bold button:"),
        ("one-page-checkout", "Not everything that is tried is better. The checkout on one page:"),
        ("home-recommendations", "Some are not finished, and show no effect too early:"),
        ("search-autocomplete", "And one cannot be trusted, however good its numbers look:"),
    ] {
        script.narrate(why)?;
        let outcome = format!("outcomes/{key}.json");
        script.run(&["report", &outcome], Exit::Done)?;
    }
    script.narrate("The data was generated, so here the truth is known:")?;
    truth::print(&args.dir)?;
    script.narrate("On a pull request this is one comment, which the next run edits. The folder stays, so that you can try more:")?;
    sink::line(format_args!("  cd {}", args.dir.display()))?;
    if let Ok(program) = std::env::current_exe() {
        sink::line(format_args!("  alias trialbook={}", quoted(&program.to_string_lossy())))?;
    }
    sink::line("  trialbook comment --from outcomes/bold-checkout-button.json --dry-run")?;
    sink::line("  trialbook report outcomes/bold-checkout-button.json --verbose")?;
    sink::line("  trialbook explain overlapping-experiments")?;
    Ok(Exit::Done)
}

/// Tells the story, and runs its commands in the demo's folder.
struct Script<'a> {
    dir: &'a Path,
}

impl Script<'_> {
    fn narrate(&self, sentence: &str) -> std::io::Result<()> {
        let style = anstyle::Style::new().bold();
        sink::line(format_args!("\n{style}{sentence}{style:#}"))
    }

    /// Shows a file of the book.
    fn show(&self, path: &str) -> Result<(), Failure> {
        let text = std::fs::read_to_string(self.dir.join(path))?;
        let dim = anstyle::Style::new().dimmed();
        sink::line(format_args!("{dim}  {path}{dim:#}"))?;
        text.lines().try_for_each(|line| sink::line(format_args!("  {line}")))?;
        Ok(())
    }

    /// Runs a command as a user would type it in the demo's folder, and expects how it ends.
    fn run(&self, command: &[&str], expected: Exit) -> Result<(), Failure> {
        let accent = anstyle::AnsiColor::Cyan.on_default();
        let typed: Vec<String> = command.iter().map(|word| quoted(word)).collect();
        sink::line(format_args!("{accent}$ trialbook {}{accent:#}", typed.join(" ")))?;
        let ended = self.run_silently(command);
        if ended == expected {
            return Ok(());
        }
        Err(Failure::new(ended, format!("`trialbook {}` ended with {}", typed.join(" "), ended.code()))
            .help("the demo's folder may have been changed while it ran; try another folder"))
    }

    fn run_silently(&self, command: &[&str]) -> Exit {
        let dir = self.dir.to_string_lossy().into_owned();
        let in_folder = command.iter().scan("", |before, word| {
            let names_a_file = matches!(*before, "--out" | "report" | "apply");
            *before = word;
            Some(if names_a_file {
                self.dir.join(word).to_string_lossy().into_owned()
            } else {
                (*word).to_owned()
            })
        });
        let args = ["trialbook".to_owned(), "--book".to_owned(), dir].into_iter().chain(in_folder);
        cli::run(args.map(Into::into))
    }

    /// Opens the round button to everybody, shows that the linter refuses it, and takes that back.
    fn collide(&self, _session: &Session) -> Result<(), Failure> {
        let path = self.dir.join("checkout/round-checkout-button.experiment.yaml");
        let text = std::fs::read_to_string(&path)?;
        let everywhere: String =
            text.lines().filter(|l| !l.starts_with("  country:")).map(|l| format!("{l}\n")).collect();
        std::fs::write(&path, everywhere)?;
        let told = self.run(&["lint", "--at", TODAY], Exit::Findings);
        std::fs::write(&path, text)?;
        told
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
