//! Pages that a reader follows in a terminal: each is followed here, and what it shows is what comes.
//!
//! A block `console` holds commands after `$ ` (continued after `> `) and what they print. A block whose first line is
//! `# file: PATH` is a file that the reader writes at that place. A comment `<!-- run: COMMAND -->` is run and not
//! shown: it makes what the reader's own situation would be. `console fails` ends with a command that fails.
//!
//! `UPDATE_DOCS=1 cargo test -p trialbook --test program docs` writes what the commands print into the pages.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use regex::Regex;
use tempfile::TempDir;
use trialbook_analysis::warehouse::driver::{DUCKDB, Environment, obtain};

use super::pages::{parse, root};

const TUTORIAL: &str = "docs/tutorial.md";

/// Something to do, in the order of the page.
enum Step {
    /// Run this, which no reader sees.
    Prepare(String),
    Write {
        path: String,
        text: String,
    },
    Session {
        line: usize,
        fails: bool,
        text: String,
    },
}

/// A folder in which a page is followed, and where in it the reader is.
struct Reader {
    home: TempDir,
    place: PathBuf,
}

fn steps(page: &str) -> Vec<Step> {
    let page = parse(page);
    let mut steps = Vec::new();
    for (line, comment) in &page.comments {
        let run = comment.trim().strip_prefix("<!-- run: ").and_then(|rest| rest.strip_suffix(" -->"));
        steps.extend(run.map(|command| (*line, Step::Prepare(command.to_owned()))));
    }
    for block in page.blocks {
        let path = block.text.lines().next().and_then(|line| line.strip_prefix("# file: "));
        if let Some(path) = path {
            let path = path.trim().to_owned();
            let text = block.text.split_once('\n').map(|(_, text)| text.to_owned()).unwrap_or_default();
            steps.push((block.line, Step::Write { path, text }));
        } else if block.info.starts_with("console") {
            let fails = block.info.ends_with("fails");
            steps.push((block.line, Step::Session { line: block.line, fails, text: block.text }));
        }
    }
    steps.sort_by_key(|(line, _)| *line);
    steps.into_iter().map(|(_, step)| step).collect()
}

/// Returns the commands of a session.
fn commands(session: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut open = false;
    for line in session.lines() {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(command.to_owned());
            open = true;
        } else if let Some(more) = line.strip_prefix("> ").filter(|_| open) {
            let last = commands.last_mut().expect("a command that goes on");
            last.push('\n');
            last.push_str(more);
        } else {
            open = false;
        }
    }
    commands
}

impl Reader {
    fn new() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let config = "[user]\nname = Robin\nemail = robin@shop.example\n[init]\ndefaultBranch = main\n\
                      [advice]\ndetachedHead = false\n";
        fs::write(home.path().join(".gitconfig"), config).expect("a file");
        let place = home.path().to_owned();
        Self { home, place }
    }

    /// Follows the tutorial, once for all tests.
    fn of_the_tutorial() -> &'static (Self, Vec<(usize, String)>) {
        static FOLLOWED: OnceLock<(Reader, Vec<(usize, String)>)> = OnceLock::new();
        FOLLOWED.get_or_init(|| {
            let mut reader = Self::new();
            let went = reader.follow(TUTORIAL, &page(TUTORIAL));
            (reader, went)
        })
    }

    /// Begins where the tutorial ends.
    fn after_the_tutorial() -> Self {
        let (followed, _) = Self::of_the_tutorial();
        let reader = Self::new();
        let copied = Command::new("cp")
            .arg("-R")
            .arg(followed.home.path().join("."))
            .arg(reader.home.path())
            .status()
            .expect("cp runs");
        assert!(copied.success());
        let inside = followed.place.strip_prefix(followed.home.path()).expect("it is inside");
        Self { place: reader.home.path().join(inside), home: reader.home }
    }

    /// Runs a command of a shell, and returns what it prints and whether it succeeds.
    fn run(&mut self, command: &str) -> (String, bool) {
        let program = assert_cmd::cargo::cargo_bin!("trialbook");
        let path = std::env::var("PATH").unwrap_or_default();
        let after = self.home.path().join(".after");
        // Found once: its hash takes longer than most commands.
        static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
        let library = LIBRARY.get_or_init(|| {
            obtain(&DUCKDB, &Environment::of_process(), &mut |_| ()).expect("the library of DuckDB").path
        });
        let script = format!("exec 2>&1\n{command}\nstatus=$?\npwd > '{}'\nexit $status", after.display());
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&self.place)
            .env_clear()
            .env("PATH", format!("{}:{path}", program.parent().expect("a folder").display()))
            .envs(library.iter().map(|path| ("TRIALBOOK_DUCKDB", path)))
            .envs(std::env::var_os("LD_LIBRARY_PATH").map(|value| ("LD_LIBRARY_PATH", value)))
            .envs([("NO_COLOR", "1"), ("LC_ALL", "C"), ("GIT_CONFIG_NOSYSTEM", "1")])
            .envs([
                ("GIT_AUTHOR_DATE", "2026-11-24T09:00:00Z"),
                ("GIT_COMMITTER_DATE", "2026-11-24T09:00:00Z"),
            ])
            .env("HOME", self.home.path())
            .output()
            .expect("a shell runs");
        self.place = PathBuf::from(fs::read_to_string(&after).expect("the shell went to its end").trim());
        let text = String::from_utf8_lossy(&output.stdout)
            .replace(&*self.home.path().to_string_lossy(), "/home/robin");
        let trimmed: Vec<_> = text.lines().map(str::trim_end).collect();
        let text = if trimmed.is_empty() { String::new() } else { trimmed.join("\n") + "\n" };
        (text, output.status.success())
    }

    /// Follows a page, and returns each session's line and text as it went.
    fn follow(&mut self, name: &str, page: &str) -> Vec<(usize, String)> {
        let mut went = Vec::new();
        for step in steps(page) {
            match step {
                Step::Prepare(command) => {
                    let (text, good) = self.run(&command);
                    assert!(good, "{name}: `{command}`: {text}");
                }
                Step::Write { path, text } => {
                    let file = self.place.join(path);
                    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
                    fs::write(file, text).expect("a file");
                }
                Step::Session { line, fails, text } => {
                    let commands = commands(&text);
                    let mut shown = String::new();
                    for (at, command) in commands.iter().enumerate() {
                        let (printed, good) = self.run(command);
                        let expected = !(fails && at + 1 == commands.len());
                        assert_eq!(good, expected, "{name}:{line}: `{command}` printed:\n{printed}");
                        shown.push_str(&format!("$ {}\n{printed}", command.replace('\n', "\n> ")));
                    }
                    went.push((line, shown));
                }
            }
        }
        went
    }
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Takes out what differs with every change of a file that is not the page's matter: digests and commits.
fn plain(text: &str) -> String {
    static DIGEST: OnceLock<Regex> = OnceLock::new();
    let digest = DIGEST.get_or_init(|| Regex::new(r"\b[0-9a-f]{7,64}\b").expect("an expression"));
    digest.replace_all(text, "…").into_owned()
}

/// Returns the page with its sessions as they went.
fn updated(page: &str, went: &[(usize, String)]) -> String {
    let mut lines: Vec<String> = page.lines().map(str::to_owned).collect();
    for (line, text) in went.iter().rev() {
        let fence: String = lines[line - 1].chars().take_while(|c| *c == '`').collect();
        let end = (*line..lines.len()).find(|at| lines[*at] == fence).expect("the block ends");
        lines.splice(*line..end, text.lines().map(str::to_owned));
    }
    lines.join("\n") + "\n"
}

/// Holds a page to what came.
fn hold(name: &str, text: &str, went: &[(usize, String)]) {
    assert!(!went.is_empty(), "{name} has no session");
    let now = updated(text, went);
    if plain(&now) == plain(text) {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(name), now).expect("a page can be written");
        return;
    }
    let difference = similar::TextDiff::from_lines(text, &now).unified_diff().context_radius(3).to_string();
    panic!("{name} is stale: run `UPDATE_DOCS=1 cargo test -p trialbook --test program docs`\n{difference}");
}

#[test]
fn the_tutorial_shows_what_comes() {
    let (_, went) = Reader::of_the_tutorial();
    hold(TUTORIAL, &page(TUTORIAL), went);
}

/// The pages that go on in the tutorial's book.
const HOW_TO: &[&str] = &[
    "docs/how-to/adopt-a-flag-file.md",
    "docs/how-to/connect-a-warehouse.md",
    "docs/how-to/find-out-why-a-split-is-broken.md",
    "docs/how-to/recover-from-drift.md",
    "docs/how-to/run-nightly.md",
    "docs/how-to/ship-a-winner.md",
    "docs/how-to/undo-a-bad-apply.md",
];

#[test]
fn each_how_to_page_shows_what_comes() {
    for name in HOW_TO {
        let text = page(name);
        let went = Reader::after_the_tutorial().follow(name, &text);
        hold(name, &text, &went);
    }
}

#[test]
fn every_page_with_sessions_is_followed() {
    for entry in fs::read_dir(root().join("docs/how-to")).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.strip_prefix(root()).expect("it is inside").to_string_lossy().replace('\\', "/");
        let has = steps(&page(&name)).iter().any(|step| matches!(step, Step::Session { .. }));
        assert_eq!(has, HOW_TO.contains(&&*name), "{name}");
    }
}

#[test]
fn what_a_page_shows_is_replaced_in_its_place() {
    let page = "a\n```console\n$ one\nold\n```\nb\n````console fails\n$ two \\\n> more\nold\n````\n";
    let went: Vec<_> = steps(page)
        .iter()
        .map(|step| match step {
            Step::Session { line, text, .. } => (*line, commands(text)),
            _ => panic!("sessions only"),
        })
        .collect();
    assert_eq!(went, [(2, vec!["one".to_owned()]), (7, vec!["two \\\nmore".to_owned()])]);
    let new = updated(page, &[(2, "$ one\nnew\n".to_owned()), (7, "$ two\n".to_owned())]);
    assert_eq!(new, "a\n```console\n$ one\nnew\n```\nb\n````console fails\n$ two\n````\n");
}
