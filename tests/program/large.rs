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
fn segment(book: &Path, key: &str, ids: usize) {
    let mut text =
        "description: Beta testers by id\nowner: team-beta\naudience:\n  uid:\n    in:\n".to_owned();
    text.extend((0..ids).map(|id| format!("      - 3f2504e0-4f89-11d3-9a0c-{id:012x}\n")));
    std::fs::write(book.join(format!("{key}.segment.yaml")), text).expect("a file");
}

#[test]
fn a_plan_warns_of_more_than_clients_take_and_names_the_segment() {
    let book = book(10, "segment: beta");
    segment(book.path(), "beta", 10);
    let small = stdout(&run(book.path(), &["plan", "--format", "markdown"]));
    assert!(!small.contains("gRPC"), "{small}");
    // Ten large segments, one for each flag.
    for n in 0..10 {
        segment(book.path(), &format!("beta-{n}"), 10_000 + n);
        let flag = book.path().join(format!("flag-{n:05}.flag.yaml"));
        let text = std::fs::read_to_string(&flag).expect("a file");
        std::fs::write(&flag, text.replace("segment: beta", &format!("segment: beta-{n}"))).expect("a file");
    }
    let text = stdout(&run(book.path(), &["plan", "--format", "markdown"])).replace('\u{a0}', " ");
    assert!(text.contains("clients with gRPC sync take 4.2 MB at once"), "{text}");
    assert!(text.contains("Segment `beta-9` takes the most: 0.5 MB, used by 1 flag."), "{text}");
}

#[test]
fn a_large_segment_is_written_once_however_many_flags_use_it() {
    let book = book(50, "segment: beta");
    segment(book.path(), "beta", 2_000);
    let folder = book.path();
    std::fs::write(
        folder.join("live.json"),
        "{\n  \"$evaluators\": {\"theirs\": {\"==\": [1,  1]}},\n  \"flags\": {\n    \"old\": {\"state\": \"ENABLED\", \"variants\": {\"on\": true}, \
         \"defaultVariant\": \"on\", \"targeting\": {\"if\": [{\"$ref\": \"theirs\"}, \"on\"]}}\n  }\n}\n",
    )
    .expect("a file");
    let apply = || {
        stdout(&run(folder, &["plan", "--out", "p", "--allow-large-change"]));
        stdout(&run(folder, &["apply", "p", "--allow-large-change"]));
        std::fs::read_to_string(folder.join("live.json")).expect("the live file")
    };
    let shown = stdout(&run(folder, &["plan"]));
    assert!(!shown.contains("gRPC"), "{shown}");
    let text = apply();
    assert!(text.len() < 700_000, "{} bytes", text.len());
    assert!(text.contains("\"theirs\": {\"==\": [1,  1]}") && text.contains("{\"$ref\": \"theirs\"}"));
    let live: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let evaluators = live["$evaluators"].as_object().expect("evaluators");
    assert_eq!(evaluators.len(), 2, "{:?}", evaluators.keys());
    // What was written reads back: nothing is to be done, and nothing was changed by hand.
    let again = stdout(&run(folder, &["plan", "--detailed-exitcode"]));
    assert!(again.contains("nothing to do") || again.contains("50 flags unchanged"), "{again}");
    // A change by hand in what is shared is a change of every flag that uses it.
    std::fs::write(folder.join("live.json"), text.replace("-000000000007", "-00000000000x")).expect("a file");
    let drifted = stdout(&run(folder, &["plan"]));
    assert!(drifted.contains("50\u{a0}flags changed by hand"), "{drifted}");
    std::fs::write(folder.join("live.json"), &text).expect("a file");
    // With one flag left that uses the segment, there is nothing to share.
    for k in 1..50 {
        let path = folder.join(format!("flag-{k:05}.flag.yaml"));
        let flag = std::fs::read_to_string(&path).expect("a flag").replace("segment: beta", "country: SE");
        std::fs::write(path, flag).expect("a file");
    }
    let live: serde_json::Value = serde_json::from_str(&apply()).expect("JSON");
    assert_eq!(live["$evaluators"].as_object().expect("evaluators").len(), 1);
    assert!(live["flags"]["flag-00000"].to_string().len() > 2_000 * 38);
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
