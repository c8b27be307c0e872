//! What the search for a library looks at: variables, the program's own place, and fixed folders.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Looks a variable up.
type Variables = Box<dyn Fn(&str) -> Option<OsString>>;

/// The surroundings of a process.
pub struct Environment {
    variable: Variables,
    program: Option<PathBuf>,
    system: PathBuf,
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Environment").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Environment {
    /// Returns this process's surroundings.
    pub fn of_process() -> Self {
        Self {
            variable: Box::new(|name| std::env::var_os(name)),
            program: std::env::current_exe().ok().and_then(|program| program.canonicalize().ok()),
            system: PathBuf::from("/"),
        }
    }

    /// Returns made-up surroundings: these variables, a program, and a folder in the place of `/`.
    #[cfg(test)]
    pub(super) fn of(variables: &[(&'static str, PathBuf)], program: &Path, system: &Path) -> Self {
        let variables = variables.to_vec();
        Self {
            variable: Box::new(move |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone().into())
            }),
            program: Some(program.to_owned()),
            system: system.to_owned(),
        }
    }

    /// Returns a variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<OsString> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }

    /// Returns a variable that names an absolute path. A relative one would depend on the folder in which the
    /// program was started, which may be a book.
    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// Returns the absolute folders of a variable that lists some.
    pub(super) fn folders(&self, name: &str) -> Vec<PathBuf> {
        let value = self.variable(name).unwrap_or_default();
        std::env::split_paths(&value).filter(|path| path.is_absolute()).collect()
    }

    /// Returns the folder of the running program.
    pub(super) fn beside_program(&self) -> Option<&Path> {
        self.program.as_deref().and_then(Path::parent)
    }

    /// Returns a folder of the system.
    fn system(&self, path: &str) -> PathBuf {
        self.system.join(path)
    }

    /// Returns the user's cache folder of this program.
    pub(super) fn cache(&self) -> Option<PathBuf> {
        let platform = || match std::env::consts::OS {
            "windows" => self.folder("LOCALAPPDATA"),
            "macos" => self.folder("HOME").map(|home| home.join("Library/Caches")),
            _ => self.folder("HOME").map(|home| home.join(".cache")),
        };
        self.folder("XDG_CACHE_HOME").or_else(platform).map(|folder| folder.join("trialbook"))
    }

    /// Returns the folders of ADBC manifests: the variable's, the user's, the system's.
    pub(super) fn manifests(&self) -> Vec<PathBuf> {
        let mut folders = self.folders("ADBC_DRIVER_PATH");
        match std::env::consts::OS {
            "windows" => {
                folders.extend(self.folder("LOCALAPPDATA").map(|home| home.join("ADBC").join("Drivers")))
            }
            "macos" => {
                folders.extend(
                    self.folder("HOME").map(|home| home.join("Library/Application Support/ADBC/Drivers")),
                );
                folders.push(self.system("Library/Application Support/ADBC/Drivers"));
            }
            _ => {
                let home = || self.folder("HOME").map(|home| home.join(".config"));
                let config = self.folder("XDG_CONFIG_HOME").or_else(home);
                folders.extend(config.map(|config| config.join("adbc/drivers")));
                folders.push(self.system("etc/adbc/drivers"));
            }
        }
        folders
    }

    /// Returns the folders in which the system's loader looks, as far as they are fixed.
    pub(super) fn loader_path(&self) -> Vec<PathBuf> {
        match std::env::consts::OS {
            "windows" => self.folders("PATH"),
            "macos" => {
                let mut folders = self.folders("DYLD_LIBRARY_PATH");
                folders.extend(["usr/local/lib", "usr/lib"].map(|folder| self.system(folder)));
                folders
            }
            _ => {
                let mut folders = self.folders("LD_LIBRARY_PATH");
                let multiarch = format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH);
                let fixed = ["usr/local/lib", "usr/local/lib64", &multiarch, "usr/lib64", "usr/lib"];
                folders.extend(fixed.map(|folder| self.system(folder)));
                folders
            }
        }
    }

    /// Returns the folders of Homebrew.
    pub(super) fn homebrew(&self) -> Vec<PathBuf> {
        let mut folders: Vec<_> =
            self.folder("HOMEBREW_PREFIX").map(|prefix| prefix.join("lib")).into_iter().collect();
        if !cfg!(windows) {
            let fixed = ["opt/homebrew/lib", "usr/local/opt/duckdb/lib", "home/linuxbrew/.linuxbrew/lib"];
            folders.extend(fixed.map(|folder| self.system(folder)));
        }
        folders
    }
}
