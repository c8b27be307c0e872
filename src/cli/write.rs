//! Writing files: those that a user names, and those of a book.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::sink::{self, Text};
use super::{Exit, Failure};

/// Writes what a command makes to where its user wants it: `--out FILE`, `--format json=FILE`.
///
/// A regular file is replaced in one step, so that who reads it sees all of it or what was there before; it keeps its
/// permissions. A link is followed. What is no regular file (a terminal, a FIFO, `/dev/null`, `/dev/stdout`) is written
/// through, with nothing hidden, as on stdout. Folders on the way are made.
///
/// # Errors
///
/// Where there is a folder of that name, or the file cannot be written.
pub(super) fn output(path: &Path, text: Text<'_>) -> Result<(), Failure> {
    let shown = path.display();
    let failed =
        |error: io::Error| Failure::new(Exit::Unreachable, format!("cannot write `{shown}`")).because(&error);
    // Opened by its name, a stdout that leads into a file would be written from the start again.
    if ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|stdout| path == Path::new(stdout)) {
        return sink::print(text).map_err(failed);
    }
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(Failure::new(Exit::Usage, format!("`{shown}` is a folder"))
            .help("name a file: nothing was written")),
        Ok(found) if !found.is_file() => written_through(path, text).map_err(failed),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
        Err(_) if shown.to_string().ends_with('/') => {
            Err(Failure::new(Exit::Usage, format!("`{shown}` names a folder"))
                .help("name a file: nothing was written"))
        }
        _ => whole_file(path, text.raw()).map_err(failed),
    }
}

/// Writes to a device or a FIFO as it is: whoever reads it may be a terminal.
fn written_through(path: &Path, text: Text<'_>) -> io::Result<()> {
    std::fs::OpenOptions::new().write(true).open(path)?.write_all(text.shown().as_bytes())
}

/// Writes a file so that who reads it sees all of it or what was there before.
///
/// A file that was there keeps its permissions, and its owner where that is allowed. A link is followed; folders on the
/// way are made.
pub(super) fn whole_file(path: &Path, text: &str) -> io::Result<()> {
    let path = &followed(path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".trialbook-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // What any new file gets; the process's umask takes its part.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    match std::fs::metadata(path) {
        Ok(before) => {
            #[cfg(unix)]
            {
                use std::os::unix::fs::MetadataExt as _;
                // Only root may give a file away; for everybody else it is theirs already, or becomes theirs.
                let _ = std::os::unix::fs::fchown(file.as_file(), Some(before.uid()), Some(before.gid()));
            }
            file.as_file().set_permissions(before.permissions())?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// The byte order mark.
const MARK: &str = "\u{feff}";

/// The most links that lead from one to another, as on Linux.
const MOST_LINKS: usize = 40;

/// Returns where a path leads, through links that point to what is not there yet too.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        match std::fs::read_link(&path) {
            Ok(link) => path = path.parent().unwrap_or(Path::new("")).join(link),
            // No link, or nothing there.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("too many links lead from one to another"))
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
    let real = match std::fs::canonicalize(root.join(path)) {
        Ok(real) => real,
        // It was read a moment ago: from git, where the checkout leaves it out.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::new(
                Exit::Refused,
                format!("cannot write `{path}`: the checkout leaves it out"),
            )
            .help("show the whole book with `git sparse-checkout disable`, and run it again"));
        }
        Err(error) => return Err(unwritable(error)),
    };
    // The mark that some editors begin a file with may have been left out of what was read; in the file it stays.
    let found = std::fs::read(&real).map_err(unwritable)?;
    let mark = if found.starts_with(MARK.as_bytes()) && !before.starts_with(MARK) { MARK } else { "" };
    if found.get(mark.len()..) != Some(before.as_bytes()) {
        let failure = Failure::new(Exit::Refused, format!("`{path}` has changed since it was read"));
        return Err(failure.help("run the command again"));
    }
    whole_file(&real, &format!("{mark}{after}")).map_err(unwritable)
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
            Failure::new(Exit::Refused, format!("`{shown}` already exists")).help("nothing is overwritten")
        );
    }
    whole_file(path, text)
        .map_err(|error| Failure::new(Exit::Unreachable, format!("cannot write `{shown}`")).because(&error))
}
