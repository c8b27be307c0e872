//! Reads bytes as a whole book: a line `=== PATH` begins each file. What loads is judged by every rule.

#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use trialbook_fuzz::{file, hold};
use trialbook_language::load::{RawFile, load};
use trialbook_lint::check;

fuzz_target!(|bytes: &[u8]| {
    let mut files: Vec<RawFile> = Vec::new();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match (line.strip_prefix(b"=== "), files.last_mut()) {
            (Some(path), _) => {
                let path = String::from_utf8_lossy(path);
                files.push(file(path.trim_end(), Vec::new()));
            }
            (None, Some(last)) => last.bytes.extend_from_slice(line),
            (None, None) => {}
        }
    }
    // A folder has no name twice.
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    let loaded = load(files);
    let now = Timestamp::from_second(1_764_000_000).expect("a time");
    hold(&loaded, &check::run(&loaded, now));
});
