//! Large books: what is for a pull request stays within its limit.

use std::path::Path;
use std::process::Output;

const BOOK: &str = "book: big\nentities: {user: {column: user_id}}\nattributes: {country: {type: string}, uid: {type: string}}\n\
                    targets: {production: {type: flagd, store: \"file://live.json\"}}\n";

/// Writes a book of so many flags, each with a rule for this audience.
fn book(flags: usize, audience: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("trialbook.yaml"), BOOK).expect("a file");
    for n in 0..flags {
        let flag = format!(
            "description: Flag number {n}\nowner: team-{}\nentity: user\ntype: boolean\nvariants: {{\"off\": false, \"on\": true}}\n\
             default: \"off\"\nrules: [{{when: {{{audience}}}, serve: \"on\"}}]\n",
            n % 7
        );
        std::fs::write(folder.path().join(format!("flag-{n:05}.flag.yaml")), flag).expect("a file");
    }
    folder
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    command.current_dir(folder).env("NO_COLOR", "1").args(args).output().expect("a run")
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// Puts a segment of so many ids into a book.
fn segment(book: &Path, ids: usize) {
    let mut text =
        "description: Beta testers by id\nowner: team-beta\naudience:\n  uid:\n    in:\n".to_owned();
    text.extend((0..ids).map(|id| format!("      - 3f2504e0-4f89-11d3-9a0c-{id:012x}\n")));
    std::fs::write(book.join("beta.segment.yaml"), text).expect("a file");
}

#[test]
fn a_plan_warns_of_more_than_clients_take_and_names_the_segment() {
    let book = book(10, "segment: beta");
    segment(book.path(), 10);
    let small = stdout(&run(book.path(), &["plan", "--format", "markdown"]));
    assert!(!small.contains("gRPC"), "{small}");
    segment(book.path(), 10_000);
    let text = stdout(&run(book.path(), &["plan", "--format", "markdown"])).replace('\u{a0}', " ");
    assert!(text.contains("clients with gRPC sync take 4.2 MB at once"), "{text}");
    assert!(text.contains("Segment `beta` takes the most: 0.5 MB in each of 10 flags."), "{text}");
}

#[test]
fn a_plan_of_thousands_of_flags_fits_into_a_pull_request() {
    let book = book(2_000, "country: SE");
    let text = stdout(&run(book.path(), &["plan", "--format", "markdown"]));
    let units = text.encode_utf16().count();
    assert!(units <= 64_512 && units > 63_000, "{units}");
    assert!(text.starts_with("### Plan for **production**: 2\u{202f}000 to add\n"), "{text}");
    assert!(text.contains("more rows are left out.\n"), "{text}");
    assert!(text.ends_with("\n\nThis is not all: `trialbook plan` shows every change.\n"), "{text}");
    let terminal = stdout(&run(book.path(), &["plan"]));
    assert!(terminal.contains("flag-00000") && terminal.contains("flag-01999"), "the terminal has it all");
}
