//! The folder that a site is written to.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Mutex;

use super::SiteError;
use crate::report::site::{self, Sink};

/// The name of the file that lists what this command wrote into a folder, so that it may replace that.
const MARK: &str = ".trialbook-site";

/// The folder of the site.
pub struct Folder<'a> {
    path: &'a Path,
    /// What lies in it of this command: files and folders.
    written: Mutex<BTreeSet<String>>,
}

impl<'a> Folder<'a> {
    /// Makes the folder, and removes what an earlier run of this command wrote there: pages of parts that are gone must not stay.
    ///
    /// # Errors
    ///
    /// Where it holds something else, or cannot be written.
    pub fn prepare(path: &'a Path) -> Result<Self, SiteError> {
        let failed = |error: io::Error| SiteError::Unwritable(error);
        let is_empty = match std::fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(failed(error)),
        };
        if !is_empty {
            let listed = std::fs::read_to_string(path.join(MARK)).map_err(|_| SiteError::OtherFiles)?;
            // A name of this command lies in the folder itself.
            let own = |name: &&str| !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
            for name in listed.lines().filter(own) {
                let owned = path.join(name);
                let gone = match std::fs::symlink_metadata(&owned) {
                    Ok(found) if found.is_dir() => std::fs::remove_dir_all(&owned),
                    Ok(_) => std::fs::remove_file(&owned),
                    Err(_) => Ok(()),
                };
                gone.map_err(failed)?;
            }
        }
        for name in site::FOLDERS {
            std::fs::create_dir_all(path.join(name)).map_err(failed)?;
        }
        let written = Mutex::new(site::FOLDERS.iter().map(|name| (*name).to_owned()).collect());
        let folder = Self { path, written };
        folder.finish().map_err(failed)?;
        Ok(folder)
    }

    /// Notes what was written, so that the next run can replace it.
    ///
    /// # Errors
    ///
    /// Where the list cannot be written.
    pub fn finish(&self) -> io::Result<()> {
        let written = self.written.lock().map_err(|_| io::Error::other("a page was not written"))?;
        let names: Vec<&str> = written.iter().map(String::as_str).collect();
        std::fs::write(self.path.join(MARK), names.join("\n") + "\n")
    }
}

impl Sink for Folder<'_> {
    fn write(&self, path: &str, text: &str) -> io::Result<()> {
        if !path.contains('/')
            && let Ok(mut written) = self.written.lock()
        {
            written.insert(path.to_owned());
        }
        // The folder is this command's own and is made anew: tens of thousands of files need no sync each.
        std::fs::write(self.path.join(path), text)
    }
}
