//! Where a library is found, in which order, and what is refused.

use miette::Diagnostic as _;
use std::path::{Path, PathBuf};

use super::locate::sha256_of;
use super::*;

struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { root: tempfile::tempdir().expect("a folder") };
        machine.put("program/trialbook");
        machine
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn put(&self, path: &str) -> PathBuf {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, "made up").expect("a file");
        path
    }

    fn find(&self, variables: &[(&'static str, PathBuf)]) -> Result<Found, DriverError> {
        let environment = Environment::of(variables, &self.path("program/trialbook"), &self.path("system"));
        locate(&DUCKDB, &environment)
    }
}

fn library() -> String {
    DUCKDB.file_name()
}

#[test]
#[cfg(target_os = "linux")]
fn the_first_place_that_has_a_library_decides() {
    let machine = Machine::new();
    let name = library();
    let variables = [
        ("HOME", machine.path("home")),
        ("DUCKDB_LIB_DIR", machine.path("development")),
        ("LD_LIBRARY_PATH", machine.path("loader")),
    ];
    assert!(matches!(machine.find(&variables), Err(DriverError::NotFound { .. })));
    // From the last place to the first.
    for (place, path) in [
        (Place::Homebrew, format!("system/opt/homebrew/lib/{name}")),
        (Place::LoaderPath, format!("system/usr/lib/{name}")),
        (Place::LoaderPath, format!("loader/{name}")),
        (Place::LibraryFolder, format!("development/{name}")),
        (Place::Manifest, "system/etc/adbc/drivers/duckdb.toml".to_owned()),
        (Place::Manifest, "home/.config/adbc/drivers/duckdb.toml".to_owned()),
        (Place::BesideProgram, format!("program/{name}")),
    ] {
        let file = machine.put(&path);
        assert_eq!(machine.find(&variables).expect("found"), Found { place, path: Some(file) }, "{path}");
    }
    let own = machine.put("own/engine.bin");
    let named = [&variables[..], &[("TRIALBOOK_DUCKDB", own.clone())]].concat();
    assert_eq!(machine.find(&named).expect("found"), Found { place: Place::Variable, path: Some(own) });
}

#[test]
fn a_variable_that_names_nothing_is_an_error_and_not_passed_over() {
    let machine = Machine::new();
    machine.put(&format!("program/{}", library()));
    let error = machine.find(&[("TRIALBOOK_DUCKDB", machine.path("no"))]).expect_err("nothing there");
    assert!(matches!(error, DriverError::Variable { .. }), "{error}");
    assert!(error.help().is_some());
    let folder = machine.find(&[("TRIALBOOK_DUCKDB", machine.path("program"))]).expect_err("a folder");
    assert!(matches!(folder, DriverError::Variable { .. }), "{folder}");
}

/// A relative path would be looked up in the working directory, which may be a book.
#[test]
fn relative_folders_are_never_searched() {
    let machine = Machine::new();
    let here = std::env::current_dir().expect("a folder");
    let found = machine.find(&[
        ("DUCKDB_LIB_DIR", PathBuf::from(".")),
        ("LD_LIBRARY_PATH", PathBuf::from(":.:data")),
        ("ADBC_DRIVER_PATH", PathBuf::from("data")),
        ("XDG_CACHE_HOME", PathBuf::from("cache")),
        ("HOME", PathBuf::from("home")),
    ]);
    assert!(matches!(found, Err(DriverError::NotFound { .. })), "{found:?} in {}", here.display());
}

#[test]
fn an_installed_file_that_was_changed_is_refused() {
    let machine = Machine::new();
    let variables = [("XDG_CACHE_HOME", machine.path("cache"))];
    let environment = Environment::of(&variables, Path::new("/program"), &machine.path("system"));
    let Some(file) = DUCKDB.installed_file(&environment) else { return };
    assert!(file.starts_with(machine.path("cache/trialbook")), "{}", file.display());
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    std::fs::write(&file, "something else").expect("a file");
    let error = machine.find(&variables).expect_err("not the file");
    assert!(matches!(error, DriverError::Hash { .. }), "{error}");
    assert!(error.help().is_some());
}

#[test]
fn what_is_missing_says_what_to_get_and_where_to_put_it() {
    let machine = Machine::new();
    let error = machine.find(&[("XDG_CACHE_HOME", machine.path("cache"))]).expect_err("nothing");
    let hint = error.help().expect("a hint").to_string();
    assert!(hint.contains("TRIALBOOK_DUCKDB"), "{hint}");
    if let Some(package) = DUCKDB.package() {
        for part in ["trialbook driver install duckdb", "https://", package.tarball, package.library] {
            assert!(hint.contains(part), "{part}: {hint}");
        }
    }
}

#[test]
fn hashes_are_of_whole_files() {
    let machine = Machine::new();
    let file = machine.put("a");
    std::fs::write(&file, "abc").expect("a file");
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256_of(&file).expect("a hash"), abc);
    for package in DUCKDB.packages {
        assert!([package.tarball, package.library].iter().all(|hash| hash.len() == 64), "{package:?}");
        assert!(package.url().starts_with("https://"), "{package:?}");
    }
}

#[test]
fn a_file_that_is_no_library_says_so() {
    let machine = Machine::new();
    let file = machine.put(&library());
    let found = Found { place: Place::Variable, path: Some(file.clone()) };
    let error = load(&DUCKDB, &found).expect_err("no library");
    assert!(error.to_string().contains(&file.display().to_string()), "{error}");
}
