//! `trialbook evaluate` and `trialbook allocate`, as a person runs them.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const BOOK: &str = "\
book: shop
entities:
  user: {column: user_id}
attributes:
  country: {type: string, values: [SE, FI]}
targets:
  production: {type: flagd, store: file://live.json, primary: true, evaluators: [javascript-4, python-2]}
";

const BUTTON: &str = "\
description: The button.
owner: team
entity: user
type: string
variants: {plain: green, bold: orange}
default: plain
rules:
  - when: {country: FI}
    serve: bold
";

const LAYER: &str = "\
# Maintained by `trialbook allocate`.
description: The page.
entity: user
slots:
  - {buckets: 0-999, experiment: first} # since November
salt: page
";

fn experiment(allocation: &str) -> String {
    format!(
        "\
title: A bold button
hypothesis: More people see it.
owner: team
flag: button
layer: page
allocation: {allocation}
control: plain
variants: {{plain: 50%, bold: 50%}}
schedule: {{start: 2026-11-25, end: 2026-12-16}}
metrics: {{}}
"
    )
}

/// A book with two experiments in one layer, of which the second has no slot yet.
fn book(second: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in [
        ("trialbook.yaml", BOOK),
        ("button.flag.yaml", BUTTON),
        ("old.flag.yaml", &format!("{BUTTON}archived: true\n")),
        ("page.layer.yaml", LAYER),
        ("first.experiment.yaml", &experiment("10%")),
        ("second.experiment.yaml", &experiment(second)),
    ] {
        fs::write(folder.path().join(path), text).expect("a file of the book");
    }
    folder
}

fn trialbook(book: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trialbook"));
    command.arg("--book").arg(book).args(args).env_remove("TRIALBOOK_BOOK");
    command
}

/// Returns the exit code, stdout and stderr.
fn ended(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
}

fn run(book: &Path, args: &[&str]) -> (i32, String, String) {
    ended(&trialbook(book, args).output().expect("the command runs"))
}

fn run_with(book: &Path, args: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut command = trialbook(book, args);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || _ = stdin.write_all(&input));
    let output = child.wait_with_output().expect("the command ends");
    writer.join().expect("the input is written");
    ended(&output)
}

const AT: &[&str] = &["--at", "2026-12-01"];

/// Answers one context of a book whose flag serves `bold` to versions at or above 1.2, whatever way the versions are read.
fn by_version(kind: &str, version: &str) -> (serde_json::Value, String) {
    let folder = book("10%");
    let declared = BOOK.replace("  country:", &format!("  app: {kind}\n  country:"));
    fs::write(folder.path().join("trialbook.yaml"), declared).expect("a written file");
    let rules = BUTTON.replace("{country: FI}", "{app: {at_least: \"1.2\"}}");
    fs::write(folder.path().join("button.flag.yaml"), rules).expect("a written file");
    let context = serde_json::json!({"app": version}).to_string();
    let (exit, out, err) = run(folder.path(), &["evaluate", "button", "--context", &context]);
    assert_eq!(exit, 0, "{err}");
    (serde_json::from_str(&out).expect("JSON"), err)
}

#[test]
fn versions_are_read_as_semver_orders_them_and_what_cannot_be_read_is_reported() {
    let strict = "{type: version}";
    for (version, variant) in
        [("1.18.1+57", "bold"), ("1.2+1", "bold"), ("1.2.0-rc.1+9", "plain"), ("1.1.9+99", "plain")]
    {
        let (answer, err) = by_version(strict, version);
        assert_eq!(answer["variant"], variant, "{version}: {err}");
        assert_eq!(answer.get("unreadable"), None, "{version}");
    }
    for version in ["v1.2.3", "1.2.3.4", "1.2.x", "1.2.3+", "1.2.3+5 "] {
        let (answer, err) = by_version(strict, version);
        assert_eq!(answer["variant"], "plain", "{version}");
        assert_eq!(answer["unreadable"][0]["attribute"], "app", "{version}");
        assert!(err.contains(&format!("attribute `app` ignored: `{version}` is not a version")), "{err}");
    }
    assert!(by_version(strict, "v1.2.3").1.contains("declare `type: {version: lenient}` to read it"));
    for (version, variant) in
        [("v1.2.3", "bold"), ("1.2.0.4046", "bold"), ("1.1.9.9", "plain"), ("1.2.0.0-a", "plain")]
    {
        let (answer, err) = by_version("{type: {version: lenient}}", version);
        assert_eq!(
            (&answer["variant"], answer.get("unreadable")),
            (&variant.into(), None),
            "{version}: {err}"
        );
    }
    let (answer, _) = by_version("{type: {version: lenient}}", "1.2.3.4.5");
    assert_eq!((&answer["variant"], &answer["unreadable"][0]["attribute"]), (&"plain".into(), &"app".into()));
}

#[test]
fn each_context_is_answered_in_the_order_of_the_input() {
    let book = book("10%");
    // `layer/page/user-11` and `variant/first/user-11` by Python's mmh3: bucket 487, the second half.
    let contexts = concat!(
        "\u{feff}{\"country\": \"FI\"}\n",
        "\r\n",
        "{\"country\": \"SE\", \"targetingKey\": \"user-11\"}\n",
        "{\"country\": 7, \"targetingKey\": \"\"}",
    );
    let args = [&["evaluate", "button", "--contexts", "-"], AT].concat();
    let (exit, out, err) = run_with(book.path(), &args, contexts.as_bytes());
    let expected = concat!(
        r#"{"flag":"button","variant":"bold","served":"bold","value":"orange","reason":"rule","source":null,"bucket":null}"#,
        "\n",
        r#"{"flag":"button","variant":"plain","served":"first.plain","value":"green","reason":"experiment","source":"first","bucket":487}"#,
        "\n",
        r#"{"flag":"button","variant":"plain","served":"plain","value":"green","reason":"no-unit","source":null,"bucket":null,"#,
        r#""unreadable":[{"attribute":"country","detail":"`7` is not a string (it has no quotes)"}]}"#,
        "\n",
    );
    assert_eq!((exit, out.as_str()), (0, expected));
    assert_eq!(
        err,
        "these are the draws of javascript-4; python-2 draws differently: see them with --evaluator python-2\n\
         attribute `country` ignored: `7` is not a string (it has no quotes); it counts as missing\n"
    );
    let file = book.path().join("contexts.ndjson");
    fs::write(&file, contexts).expect("a file of contexts");
    let args =
        [&["evaluate", "--contexts", file.to_str().expect("UTF-8"), "--evaluator", "javascript-4"], AT]
            .concat();
    assert_eq!(
        run(book.path(), &args),
        (
            0,
            expected.to_owned(),
            "attribute `country` ignored: `7` is not a string (it has no quotes); it counts as missing\n"
                .to_owned()
        ),
        "one flag is served: the other is archived"
    );
}

#[test]
fn a_line_that_is_no_context_stops_after_the_ones_before_it() {
    let book = book("10%");
    for (line, said) in [
        ("[1]", "error: line 2 of stdin is not a JSON object"),
        ("{\"a\": }", "error: line 2 of stdin is not JSON: expected value at column 7"),
        ("\u{feff}{}", "error: line 2 of stdin is not JSON: expected value at column 1"),
    ] {
        let input = format!("{{\"country\": \"FI\"}}\n{line}\n{{}}\n");
        let (exit, out, err) =
            run_with(book.path(), &["--quiet", "evaluate", "--contexts", "-"], input.as_bytes());
        assert_eq!((exit, out.lines().count()), (64, 1), "{line}");
        assert_eq!(err.lines().next(), Some(said));
    }
    let long = [b"{\"a\": \"".as_slice(), &vec![b'x'; 17 << 20], b"\"}\n"].concat();
    let (exit, out, err) = run_with(book.path(), &["--quiet", "evaluate", "--contexts", "-"], &long);
    assert_eq!((exit, out.as_str()), (64, ""));
    assert!(err.starts_with("error: line 1 of stdin is longer than 16 MB"), "{err}");
}

#[test]
fn a_flag_that_is_not_served_is_named() {
    let book = book("10%");
    let (exit, out, err) = run(book.path(), &["evaluate", "buton", "--context", "{}"]);
    assert_eq!((exit, out.as_str()), (3, ""));
    assert!(err.contains("error: there is no flag `buton`\n  help: did you mean `button`?"), "{err}");
    let (exit, _, err) = run(book.path(), &["evaluate", "old", "--context", "{}"]);
    assert_eq!(exit, 3);
    assert!(err.contains("error: flag `old` is archived, so it is not served"), "{err}");
    assert_eq!(run(book.path(), &["evaluate"]).0, 64, "a context is required");
    assert_eq!(
        run(book.path(), &["evaluate", "--context", "{}", "--contexts", "-"]).0,
        64,
        "only one of them"
    );
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let book = book("10%");
    let mut command = trialbook(book.path(), &["--quiet", "evaluate", "--contexts", "-"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("a pipe");
    // More than a pipe and the buffer hold, so that the command does write.
    let _ = (0..20_000).try_for_each(|_| stdin.write_all(b"{\"country\": \"FI\"}\n"));
    drop(stdin);
    assert_eq!(
        ended(&child.wait_with_output().expect("the command ends")),
        (0, String::new(), String::new())
    );
}

#[test]
fn slots_are_written_once_and_nothing_else_changes() {
    let book = book("25%");
    let file = book.path().join("page.layer.yaml");
    let args = [&["allocate"], AT].concat();
    let (exit, out, _) = run(book.path(), &[&args[..], &["--check"]].concat());
    assert_eq!(exit, 1);
    let (summary, difference) = out.split_once("---").expect("a summary, then the difference");
    assert_eq!(summary, "page.layer.yaml would change\n  + {buckets: 1000-3499, experiment: second} (25%)\n");
    assert!(difference.contains("\n+  - {buckets: 1000-3499, experiment: second}\n"), "{difference}");
    assert_eq!(fs::read_to_string(&file).expect("the layer"), LAYER, "a check writes nothing");
    let (exit, out, _) = run(book.path(), &args);
    assert_eq!(
        (exit, out.as_str()),
        (0, "page.layer.yaml\n  + {buckets: 1000-3499, experiment: second} (25%)\n")
    );
    let added = "# since November\n  - {buckets: 1000-3499, experiment: second}\n";
    let written = LAYER.replace("# since November\n", added);
    assert_eq!(fs::read_to_string(&file).expect("the layer"), written);
    let (exit, out, err) = run(book.path(), &args);
    assert_eq!((exit, out.as_str()), (0, ""));
    assert_eq!(err, "every experiment in a layer has the buckets that its allocation asks for\n");
    assert_eq!(run(book.path(), &[&args[..], &["--check"]].concat()).0, 0);
}

#[test]
fn a_claim_without_room_is_refused_with_the_reason() {
    let book = book("95%");
    let (exit, out, err) = run(book.path(), &[&["allocate"], AT].concat());
    assert_eq!((exit, out.as_str()), (4, ""));
    assert_eq!(
        err,
        "\
error: layer `page` has no room for `second`: it asks for 9500 more buckets of 10000, and 9000 are free while it may be served
  `first` holds 1000 buckets until 2026-12-30
  help: allocate at most 90%, or take it out of the layer, to meet the others at random
"
    );
    let (_, _, err) = run(book.path(), &["allocate", "--at", "2026-11-20"]);
    assert!(err.contains("help: start it on 2026-12-30 or later, or allocate at most 90%, or"), "{err}");
    assert_eq!(fs::read_to_string(book.path().join("page.layer.yaml")).expect("the layer"), LAYER);
}

#[test]
fn only_named_experiments_are_allocated() {
    let book = book("25%");
    let (exit, out, _) = run(book.path(), &[&["allocate", "first"], AT].concat());
    assert_eq!((exit, out.as_str()), (0, ""));
    let (exit, _, err) = run(book.path(), &["allocate", "frist"]);
    assert_eq!(exit, 3);
    assert!(err.contains("did you mean `first`?"), "{err}");
}

#[cfg(unix)]
#[test]
fn a_linked_layer_stays_a_link_and_keeps_its_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let book = book("25%");
    let (link, real) = (book.path().join("page.layer.yaml"), book.path().join("page.txt"));
    fs::rename(&link, &real).expect("renamed");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("permissions");
    std::os::unix::fs::symlink("page.txt", &link).expect("a link");
    assert_eq!(run(book.path(), &[&["allocate"], AT].concat()).0, 0);
    assert!(link.is_symlink());
    let real = fs::metadata(&real).expect("the file");
    assert_eq!(real.permissions().mode() & 0o777, 0o640);
    assert!(real.len() > LAYER.len() as u64);
}
