//! One time zone database: what the machine knows of time zones changes nothing.

use std::path::{Path, PathBuf};

/// Returns what a command prints about a book in Vancouver, with another database on the machine or its own.
fn printed(book: &Path, arguments: &[&str], zones: Option<&Path>) -> String {
    let mut command = assert_cmd::Command::cargo_bin("trialbook").expect("the program");
    command.env("NO_COLOR", "1").env_remove("TRIALBOOK_BOOK").env_remove("TZ").env_remove("TZDIR");
    if let Some(zones) = zones {
        command.env("TZDIR", zones).env("TZ", "America/Vancouver");
    }
    let output = command.args(arguments).arg("--book").arg(book).output().expect("a run");
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("UTF-8"));
    format!("{}\n{out}{err}", output.status.code().expect("an exit code"))
}

fn book() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/books/vancouver")
}

/// A database in which Vancouver is at UTC+14: the smallest file of the form that RFC 8536 describes.
fn other_zones() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let header = |counts: [u32; 6]| {
        let mut bytes = b"TZif2".to_vec();
        bytes.extend([0; 15]);
        counts.iter().for_each(|count| bytes.extend(count.to_be_bytes()));
        bytes
    };
    let mut file = Vec::new();
    for _ in 0..2 {
        file.extend(header([0, 0, 0, 0, 1, 4]));
        file.extend((14 * 3600i32).to_be_bytes());
        file.extend([0, 0]);
        file.extend(b"FAR\0");
    }
    file.extend(b"\nFAR-14\n");
    std::fs::create_dir(folder.path().join("America")).expect("a folder");
    std::fs::write(folder.path().join("America/Vancouver"), file).expect("a time zone");
    folder
}

#[test]
fn dates_are_read_compared_and_shown_with_the_bundled_time_zones() {
    let zones = other_zones();
    let (plan, lint) = (["plan", "--at", "2026-11-30"], ["lint", "--at", "2026-12-01T07:00:00Z"]);
    for arguments in
        [&plan[..], &lint, &["lint", "--at", "2026-12-01T06:59:59Z"], &["lint", "--at", "2026-12-01"]]
    {
        let ours = printed(&book(), arguments, None);
        assert_eq!(printed(&book(), arguments, Some(zones.path())), ours, "{arguments:?}");
        assert!(!ours.contains("23:00") && !ours.contains("PST"), "{arguments:?}: {ours}");
    }
    let shown = printed(&book(), &plan, None);
    assert!(shown.contains("2026-12-01"), "{shown}");
    // British Columbia stays on summer time, so that the 1st begins at 07:00 UTC.
    assert!(!printed(&book(), &["lint", "--at", "2026-12-01T06:59:59Z"], None).contains("expired on"));
    assert!(printed(&book(), &lint, None).contains("expired on 2026-12-01"));
    assert!(printed(&book(), &["lint", "--at", "2026-12-01"], None).contains("expired on 2026-12-01"));
}

#[test]
fn an_instant_with_a_zone_of_its_own_is_read_with_the_bundled_time_zones() {
    let zones = other_zones();
    let at = "2026-12-01T00:00:00-07:00[America/Vancouver]";
    let arguments = ["lint", "--at", at];
    let ours = printed(&book(), &arguments, None);
    assert_eq!(printed(&book(), &arguments, Some(zones.path())), ours);
}
