//! What an edit costs an editor that has a large book open.

use std::path::Path;
use std::time::Instant;

use trialbook_language::load::discover;
use trialbook_lint::workspace::Workspace;

/// How many files of a kind are edited.
const FILES: usize = 40;

/// The kinds that are edited: what is printed of them, the folder, and a change of what a file says.
const KINDS: [(&str, &str, &str, &str); 6] = [
    ("experiment", "experiments/", "It will be better.", "It will be much better."),
    ("flag", "flags/", "default: plain", "default: bold"),
    ("metric", "metrics/", "window: 7d", "window: 6d"),
    ("segment", "segments/", "employee: true", "employee: false"),
    ("layer", "layers/", "  - {buckets: 0-199,", "  - {buckets: 0-198,"),
    ("source", "data/facts", "measures: {amount: amount}", "measures: {amount: value}"),
];

/// Edits many files of each kind and prints what that takes, in milliseconds: the median, and the worst.
///
/// Each file gets a comment, loses it, is changed in what it says, is cut off, and is repaired.
pub fn measure(folder: &Path, now: jiff::Timestamp) {
    let files = discover::read_folder(folder).expect("the files");
    let texts: Vec<(String, String)> = files
        .iter()
        .map(|file| (file.path.clone(), String::from_utf8(file.bytes.clone()).expect("UTF-8")))
        .collect();
    let start = Instant::now();
    let mut workspace = Workspace::open(files, now);
    println!("open: {:.0} ms", milliseconds(start));
    println!("{:<12} {:>6} {:>10} {:>10}", "edit of", "edits", "median ms", "worst ms");
    for (kind, folder, from, to) in KINDS {
        let all: Vec<_> = texts.iter().filter(|(path, _)| path.starts_with(folder)).collect();
        let step = all.len().div_ceil(FILES);
        let mut times = Vec::new();
        for (path, text) in all.into_iter().step_by(step) {
            assert!(text.contains(from), "{path} does not say `{from}`");
            let versions = [
                format!("# {kind}\n{text}"),
                text.clone(),
                text.replace(from, to),
                format!("{text}? ["),
                text.clone(),
            ];
            times.extend(versions.into_iter().map(|version| edit(&mut workspace, path, Some(version))));
        }
        report(kind, times);
    }
    let experiment =
        &texts.iter().find(|(path, _)| path.starts_with("experiments/")).expect("an experiment").1;
    let mut times = Vec::new();
    for n in 0..FILES {
        let path = format!("experiments/new-{n}.experiment.yaml");
        times.push(edit(&mut workspace, &path, Some(experiment.replace("layer: layer-0\n", ""))));
        times.push(edit(&mut workspace, &path, None));
    }
    report("new, gone", times);
    let (path, settings) = texts.iter().find(|(path, _)| path == "trialbook.yaml").expect("the book's file");
    let versions = [settings.replace("min: 0", "min: 1"), settings.clone()];
    let times = versions.into_iter().map(|version| edit(&mut workspace, path, Some(version)));
    report("trialbook.yaml", times.collect());
    assert!(workspace.findings().is_empty(), "the generated book has findings");
}

fn edit(workspace: &mut Workspace, path: &str, text: Option<String>) -> f64 {
    let start = Instant::now();
    workspace.edit(path, text.map(String::into_bytes));
    milliseconds(start)
}

fn milliseconds(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

fn report(kind: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let worst = times.last().copied().unwrap_or(0.0);
    println!("{kind:<12} {:>6} {:>10.1} {worst:>10.1}", times.len(), times[times.len() / 2]);
}
