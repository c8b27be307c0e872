//! No text of a stranger steers the terminal that shows it or the runner that reads it.

use std::path::Path;
use std::process::Output;

use proptest::prelude::*;
use trialbook_analysis::Outcome;

use crate::example_book::ExampleBook;
use crate::report::fixture;

/// What an attacker writes: commands of runners, escapes, C1 controls, marks of direction, line separators.
const HOSTILE: [&str; 12] = [
    "\n::error::forged",
    "::stop-commands::x ",
    "##[error]forged ",
    "##vso[task.setvariable variable=x]y ",
    "##teamcity[x] ",
    "\u{1b}[2J\u{1b}[8m",
    "\u{1b}]0;title\u{7}",
    "\u{9b}31m",
    "\u{202e}\u{2066}",
    "\u{2028}::warning::x",
    "\r::error::x",
    " \t  ::debug::x ",
];

fn hostile() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
        "[a-z]{1,12} ",
        // So that a wrapped line begins with it.
        Just(format!("{} ::error::wrapped ", "long words ".repeat(12))),
    ];
    prop::collection::vec(word, 1..6).prop_map(|words| words.concat())
}

/// Asserts that nothing in what a command printed steers.
pub fn assert_harmless(output: &Output, command: &str) {
    for bytes in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(bytes.clone()).expect("UTF-8");
        for line in text.split('\n') {
            let annotation = line.starts_with("::error file=") || line.starts_with("::warning file=");
            let ours = annotation && command.contains("github");
            assert!(ours || !line.trim_start().starts_with("::"), "{command}: {line:?}");
            assert!(!line.contains("##["), "{command}: {line:?}");
            assert!(!line.contains("##vso[") && !line.contains("##teamcity["), "{command}: {line:?}");
            let steers = |c: char| {
                c.is_control() && c != '\t' || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert!(!line.contains(steers), "{command}: {line:?}");
        }
    }
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    command.current_dir(folder).env("GITHUB_ACTIONS", "true").env("TF_BUILD", "True");
    command.env_remove("GITHUB_WORKSPACE").args(args).write_stdin("").output().expect("a run")
}

/// Returns a text as YAML writes it between quotes.
fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' | '\\' => format!("\\{c}"),
            c if c.is_ascii_graphic() || c == ' ' => c.to_string(),
            c => format!("\\u{:04x}", u32::from(c)),
        })
        .collect();
    format!("\"{escaped}\"")
}

/// The example book with a text wherever the book may hold one, in a folder and a commit of that name.
fn poisoned(text: &str) -> ExampleBook {
    let book = ExampleBook::new();
    let files = walkdir::WalkDir::new(book.path()).into_iter().filter_map(Result::ok);
    for file in files.filter(|file| file.path().extension().is_some_and(|extension| extension == "yaml")) {
        let yaml = std::fs::read_to_string(file.path()).expect("a file");
        let lines = yaml.lines().map(|line| {
            let key = line.split_once(':').map_or("", |(key, _)| key);
            match key {
                "title" | "hypothesis" | "description" | "owner" => format!("{key}: {}\n", quoted(text)),
                _ => format!("{line}\n"),
            }
        });
        std::fs::write(file.path(), lines.collect::<String>()).expect("an edited file");
    }
    let folder = book.path().join(text.replace(['/', '\0'], " "));
    if std::fs::create_dir(&folder).is_ok() {
        let broken = format!("{}: [\nowner: x\n", quoted(text));
        std::fs::write(folder.join("broken.segment.yaml"), broken).expect("a file");
    }
    book.commit(text);
    book
}

/// The outcome with a text wherever text can come from a book or the data.
fn poisoned_outcome(text: &str) -> Outcome {
    let mut outcome = fixture::invalid_and_harmful();
    outcome.experiment.title = text.into();
    outcome.experiment.owner = text.into();
    outcome.experiment.hypothesis = text.into();
    outcome.experiment.file = Some(text.into());
    outcome.book.name = text.into();
    for check in &mut outcome.quality {
        check.detail = fixture::poisoned(text);
        if let Some((_, value)) = &mut check.within {
            *value = text.into();
        }
    }
    for query in &mut outcome.queries {
        query.name = text.into();
        query.sql = text.into();
    }
    outcome
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, max_shrink_iters: 8, ..ProptestConfig::default() })]

    #[test]
    fn what_a_command_prints_steers_nothing(text in hostile()) {
        let book = poisoned(&text);
        let beside = tempfile::tempdir().expect("a folder");
        let outcome = beside.path().join("outcome.json");
        std::fs::write(&outcome, poisoned_outcome(&text).to_json().expect("JSON")).expect("a file");
        let outcome = outcome.to_str().expect("UTF-8");
        let named = text.replace('\0', "");
        let at = "2026-11-20";
        let context = serde_json::json!({"targetingKey": text, "country": text}).to_string();
        for args in [
            &["lint", "--at", at][..],
            &["lint", "--at", at, "--format", "concise"],
            &["lint", "--at", at, "--format", "json"],
            &["lint", "--at", at, "--format", "sarif"],
            &["lint", "--at", at, "--format", "github"],
            &["lint", "--at", at, "--format", "gitlab"],
            &["lint", "--at", at, "--format", "junit"],
            &["lint", "--at", at, "--format", "markdown"],
            &["lint", "--at", at, "--diff"],
            &["lint", "--against", &named],
            &["lint", &named],
            &["lint", "--format", &named],
            &["fmt", "--check"],
            &["fmt", "--diff"],
            &["fit", "--at", at],
            &["fit", "--at", at, "--format", "json"],
            &["fit", &named],
            &["explain", &named],
            &["schema", &named],
            &["power", &named],
            &["allocate", "--check"],
            &["allocate", &named],
            &["evaluate", "--context", &context, "--at", at],
            &["evaluate", "--context", &named],
            &["evaluate", &named, "--context", "{}"],
            &["plan", "--at", at],
            &["plan", "--at", at, "--format", "markdown"],
            &["plan", "--at", at, "--format", "json"],
            &["plan", "--target", &named],
            &["apply", &named],
            &["apply"],
            &["analyze", &named],
            &["report", outcome],
            &["report", outcome, "--verbose"],
            &["report", outcome, "--format", "markdown"],
            &["report", outcome, "--format", "json"],
            &["report", &named],
            &["comment", "--from", outcome, "--dry-run"],
            &["comment", "--from", &named],
            &["new", "flag", &named],
            &["init", &named],
            &["demo", &named, "--nothing"],
            &[&named],
        ] {
            assert_harmless(&run(book.path(), args), &args.join(" "));
        }
        // The same, where the files can be read.
        for entry in walkdir::WalkDir::new(book.path()).into_iter().filter_map(Result::ok) {
            if entry.file_name() == "broken.segment.yaml" {
                std::fs::remove_file(entry.path()).expect("removed");
            }
        }
        for args in [
            &["lint", "--at", at, "--fail-on", "warning"][..],
            &["plan", "--at", "2026-11-01"],
            &["plan", "--at", "2026-11-01", "--format", "markdown"],
            &["plan", "--at", "2026-11-01", "--format", "json"],
            &["power", "bold-checkout-button"],
            &["power", "bold-checkout-button", "--format", "json"],
            &["allocate", "--check", "--at", "2026-11-01"],
            &["evaluate", "--context", &context, "--at", at],
            &["analyze", "bold-checkout-button"],
        ] {
            assert_harmless(&run(book.path(), args), &args.join(" "));
        }
    }
}
