//! What hostile inputs cost: the peak memory of the program while it reads them, and the size of what it writes.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use assert_cmd::cargo::CommandCargoExt as _;

const BOOK: &str = "book: demo\nentities: {user: {column: user_id}}\nattributes: {country: {type: string}}\n\
                    targets: {production: {type: flagd, store: \"file://live.json\"}}\n";
const FLAG: &str =
    "description: d\nowner: t\nentity: user\ntype: string\nvariants: {a: x, b: y}\ndefault: a\n";

/// Every format that lint writes.
const FORMATS: [&str; 8] = ["full", "concise", "json", "sarif", "github", "gitlab", "junit", "markdown"];

/// How a command ended, what it wrote, and its peak memory in MB.
struct Run {
    code: Option<i32>,
    stdout: usize,
    stderr: String,
    peak: u64,
}

/// Runs the program and asks the kernel, until it ends, what it took at most.
fn run(folder: &Path, args: &[&str]) -> Run {
    let (out, err) = (folder.join(".stdout"), folder.join(".stderr"));
    let file = |path: &Path| Stdio::from(fs::File::create(path).expect("a file"));
    let mut child = Command::cargo_bin("trialbook")
        .expect("the binary is built")
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .args(args)
        .stdin(Stdio::null())
        .stdout(file(&out))
        .stderr(file(&err))
        .spawn()
        .expect("it runs");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kilobytes.unwrap_or(0) / 1024);
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    Run {
        code: ended.code(),
        stdout: fs::metadata(&out).expect("a file").len() as usize,
        stderr: fs::read_to_string(&err).expect("a file"),
        peak,
    }
}

fn book(files: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("trialbook.yaml"), BOOK).expect("a file");
    for (path, text) in files {
        fs::write(folder.path().join(path), text).expect("a file");
    }
    folder
}

/// Lints a book in every format, and holds memory and output against bounds in MB.
fn lints_within(folder: &Path, memory: u64, output: usize) {
    for format in FORMATS {
        let run = run(folder, &["lint", "--format", format]);
        assert_eq!(run.code, Some(1), "{format}: {}", run.stderr);
        assert!(run.peak > 5 && run.peak < memory, "{format}: {} MB at peak", run.peak);
        assert!(run.stdout > 0 && run.stdout < output << 20, "{format}: {} bytes", run.stdout);
    }
}

#[test]
fn a_megabyte_of_suppressions_costs_little_and_is_reported_within_bounds() {
    let reasonless = format!("{FLAG}{}", "# trialbook: ignore[no-owner]\n".repeat(33_000));
    let mut unused = FLAG.to_owned();
    for n in 0..22_000 {
        unused.push_str(&format!("# trialbook: ignore[no-owner] because {n}\n"));
    }
    let book = book(&[("a.flag.yaml", reasonless), ("b.flag.yaml", unused)]);
    lints_within(book.path(), 250, 2);
}

#[test]
fn thousands_of_findings_with_endless_names_are_cut_in_every_format() {
    let keys = |file: usize| {
        let lines = (0..480).map(|n| format!("k{file}x{n}{}: 1\n", "x".repeat(1_900)));
        FLAG.to_owned() + &lines.collect::<String>()
    };
    let names: Vec<_> = (0..12).map(|file| format!("f{file}.flag.yaml")).collect();
    let files: Vec<_> = names.iter().enumerate().map(|(n, name)| (name.as_str(), keys(n))).collect();
    lints_within(book(&files).path(), 400, 8);
}

#[test]
fn equal_keys_and_deep_nesting_cost_little() {
    let equal = format!("{FLAG}{}", "key: 1\n".repeat(130_000));
    let deep = format!("description: d\naudience: {}", "{not: ".repeat(150_000));
    lints_within(book(&[("a.flag.yaml", equal), ("b.segment.yaml", deep)]).path(), 400, 2);
}

#[test]
fn files_without_an_end_are_refused_before_they_fill_the_memory() {
    let book = book(&[("a.flag.yaml", FLAG.to_owned())]);
    for (args, code, why) in [
        (&["report", "/dev/zero"][..], 4, "larger than 16 MiB"),
        (&["comment", "--dry-run", "--from", "/dev/zero"], 4, "larger than 64 MiB"),
        (&["apply", "/dev/zero"], 4, "larger than 64 MiB"),
        (&["lint", "--baseline", "/dev/zero"], 4, "larger than 64 MiB"),
        (&["lint", "--sample", "/dev/zero"], 64, "longer than 16 MB"),
    ] {
        let run = run(book.path(), args);
        assert_eq!(run.code, Some(code), "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(why), "{args:?}: {}", run.stderr);
        assert!(run.peak < 300, "{args:?}: {} MB at peak", run.peak);
    }
    // A live file of three gigabytes, which take no place on the disk.
    let live = fs::File::create(book.path().join("live.json")).expect("a file");
    live.set_len(3 << 30).expect("a sparse file");
    let run = run(book.path(), &["plan"]);
    assert_eq!(run.code, Some(4), "{}", run.stderr);
    assert!(run.stderr.contains("larger than 256 MiB"), "{}", run.stderr);
    assert!(run.peak < 700, "{} MB at peak", run.peak);
}

#[test]
fn a_blob_that_a_commit_lists_many_times_counts_each_time() {
    let book = book(&[("a.flag.yaml", FLAG.to_owned())]);
    let git = |args: &[&str], input: &str| {
        let mut child = Command::new("git")
            .args(["-c", "user.name=test", "-c", "user.email=test@acme.test"])
            .args(args)
            .current_dir(book.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("git");
        child.stdin.take().expect("stdin").write_all(input.as_bytes()).expect("input");
        let output = child.wait_with_output().expect("git");
        assert!(output.status.success(), "git {args:?}");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    };
    git(&["init", "-q", "-b", "main"], "");
    git(&["add", "-A", "--", "trialbook.yaml", "a.flag.yaml"], "");
    git(&["commit", "-qm", "A book"], "");
    // The same file under 900 names: 700 MB, of which the repository holds some kilobytes.
    let large = format!("{FLAG}{}", "# a comment that takes its place in a file\n".repeat(17_800));
    let blob = git(&["hash-object", "-w", "--stdin"], &large);
    let kept = git(&["ls-tree", "HEAD"], "");
    let listed: String = (0..900).map(|n| format!("100644 blob {blob}\tb{n:03}.flag.yaml\n")).collect();
    let tree = git(&["mktree"], &format!("{kept}\n{listed}"));
    let commit = git(&["commit-tree", "-p", "HEAD", "-m", "Many names", &tree], "");
    git(&["update-ref", "refs/heads/other", &commit], "");
    let run = run(book.path(), &["lint", "--against", "other"]);
    assert_ne!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stderr.contains("512 MB"), "{}", run.stderr);
    assert!(run.peak < 1_500, "{} MB at peak", run.peak);
}
