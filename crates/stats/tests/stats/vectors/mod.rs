//! Every convention that `stats` offers, against the values of published packages and of exact arithmetic.
//!
//! The vectors name their source package and version per value. `TRIALBOOK_VECTORS` names another folder in the same
//! schema, which may hold other cases, and need not hold every convention. With `--nocapture` the test prints for each
//! file how many values match, differ, and are not offered.

mod always_valid;
mod arms;
mod case;
mod conventions;
mod cuped;
mod decision_rule;
mod exact;
mod group_sequential;
mod heterogeneity;
mod means;
mod multiplicity;
mod non_inferiority;
mod planning;
mod quantile;
mod ratio;
mod report;
mod sample_ratio;
mod undefined;

use std::path::{Path, PathBuf};

use case::{Case, list};
use conventions::{NOT_OFFERED, offered};
use report::{Found, Tally};
use serde_json::Value;

/// The folder that comes with the crate.
fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn print(report: &str) {
    #[allow(clippy::disallowed_macros, reason = "shown with --nocapture")]
    {
        println!("{report}");
    }
}

#[test]
fn every_offered_convention_matches_every_vector() {
    let tallies = tallies(&own());
    print(&report::table(&tallies));
    let mut wrong = report::differing(&tallies);
    let known =
        |convention: &&String| offered(convention).is_some() || NOT_OFFERED.contains(&convention.as_str());
    let met: Vec<&String> = tallies.iter().flat_map(|tally| &tally.conventions).collect();
    wrong.extend(met.iter().filter(|one| !known(one)).map(|one| format!("`{one}` is in no list")));
    let absent = conventions::names().filter(|one| !met.iter().any(|met| met == one));
    wrong.extend(absent.map(|one| format!("`{one}` has no case")));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn another_folder_matches_where_one_is_named() {
    let Some(folder) = std::env::var_os("TRIALBOOK_VECTORS") else { return };
    let tallies = tallies(Path::new(&folder));
    print(&report::table(&tallies));
    let wrong = report::differing(&tallies);
    assert!(!tallies.is_empty(), "there is no JSON file in {}", Path::new(&folder).display());
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// A folder of other cases: fewer conventions, one that is not known, `undefined` of several kinds, values that differ.
#[test]
fn a_strange_folder_is_read_file_by_file() {
    let tallies = tallies(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors_elsewhere"));
    let counts = |file: &str| {
        let tally = tallies.iter().find(|tally| tally.file == file).unwrap();
        [tally.matched, tally.differing.len(), tally.not_offered]
    };
    assert_eq!(counts("undefined.json"), [11, 0, 0]);
    assert_eq!(counts("differing.json"), [1, 4, 2]);
    assert_eq!(counts("not_json.json"), [0, 1, 0]);
    assert_eq!(tallies.len(), 3);
    let table = report::table(&tallies);
    assert!(table.contains("differing.json") && table.contains("not offered"), "{table}");
}

/// Every JSON file of a folder, by name.
fn tallies(folder: &Path) -> Vec<Tally> {
    let entries = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("the vectors in {} are readable: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files.iter().map(|file| tally(folder, file)).collect()
}

fn tally(folder: &Path, file: &Path) -> Tally {
    let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut tally = Tally::new(name);
    let read = std::fs::read(file).map_err(|error| error.to_string());
    let json =
        read.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).map_err(|error| error.to_string()));
    let cases = match &json {
        Ok(json) if json["cases"].is_array() => list(&json["cases"]),
        Ok(_) => {
            tally.differing.push("it has no list `cases`".into());
            &[]
        }
        Err(problem) => {
            tally.differing.push(problem.clone());
            &[]
        }
    };
    for case in cases {
        for expected in list(&case["expected"]) {
            if expected["status"] != "ok" {
                continue;
            }
            let case = Case::new(folder, case, expected);
            tally.add(case.name(), case.convention(), found(&case));
        }
    }
    tally
}

fn found(case: &Case<'_>) -> Found {
    let Some(check) = offered(case.convention()) else { return Found::NotOffered };
    // Whatever the convention, what is undefined has a reason and no number.
    let check = if case.is_undefined() { undefined::check } else { check };
    match check(case) {
        Ok(()) => Found::Matched,
        Err(_) if conventions::is_fault_of_the_vectors(case) => Found::FaultOfTheVectors,
        Err(problem) => Found::Differing(problem),
    }
}
