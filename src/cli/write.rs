//! Writing files in one step.

use std::io::{self, Write as _};
use std::path::Path;

use super::{Exit, Failure};

/// Writes a file so that who reads it sees all of it or what was there before.
///
/// A file that was there keeps its permissions; folders on the way are made.
pub(super) fn whole_file(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    match std::fs::metadata(path) {
        Ok(before) => file.as_file().set_permissions(before.permissions())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => readable(file.as_file())?,
        Err(error) => return Err(error),
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Replaces the text of a book's file, given from the book's root, if it is still what was read.
///
/// A link keeps being a link: what it leads to is replaced.
///
/// # Errors
///
/// Where the file has changed since, or cannot be read or written.
pub(super) fn edited_file(root: &Path, path: &str, before: &str, after: &str) -> Result<(), Failure> {
    let unwritable =
        |error: io::Error| Failure::new(Exit::Unreachable, format!("cannot write `{path}`")).because(&error);
    let real = std::fs::canonicalize(root.join(path)).map_err(unwritable)?;
    if std::fs::read(&real).map_err(unwritable)? != before.as_bytes() {
        return Err(
            Failure::new(Exit::Refused, format!("`{path}` has changed meanwhile")).help("run it again")
        );
    }
    whole_file(&real, after).map_err(unwritable)
}

/// Writes a file that must not be there yet.
///
/// # Errors
///
/// Where it is there, or cannot be written.
pub(super) fn new_file(path: &Path, text: &str) -> Result<(), Failure> {
    let shown = path.display();
    if path.symlink_metadata().is_ok() {
        return Err(
            Failure::new(Exit::Refused, format!("`{shown}` is there already")).help("nothing is overwritten")
        );
    }
    whole_file(path, text)
        .map_err(|error| Failure::new(Exit::Unreachable, format!("cannot write `{shown}`")).because(&error))
}

/// A temporary file is its owner's alone; a new file of ours is as any other.
#[cfg(unix)]
fn readable(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &std::fs::File) -> io::Result<()> {
    Ok(())
}
