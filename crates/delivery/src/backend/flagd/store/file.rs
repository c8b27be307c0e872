//! A file on this machine: one writer at a time by a lock on its folder, one step by a rename.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Component, Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::journal::{self, Log};
use super::{BackendError, Beside, LARGEST, Make, Store, StoreJournal, bounded, check, too_large, version};
use crate::journal::Record;
use crate::plan::LiveVersion;

/// What the name of a file begins and ends with that is written before it takes the place of another.
const TEMPORARY: (&str, &str) = (".trialbook-", ".tmp");

/// How long a writer waits for another.
const PATIENCE: Duration = Duration::from_secs(10);

/// A file whose version is the digest of its bytes.
#[derive(Debug)]
pub(super) struct FileStore {
    path: PathBuf,
    /// The folder of the book that names it. No link may lead out of it: a pull request can add one.
    book: Option<PathBuf>,
}

impl FileStore {
    /// Names the file of a book. An absolute path is one that a person named, not a book, and may be anywhere.
    pub(super) fn in_book(book: &Path, place: &str) -> Self {
        let book_of = Path::new(place).is_relative().then(|| book.to_owned());
        Self { path: book.join(place), book: book_of }
    }

    /// Refuses a path that links lead out of the book, also where nothing is at their end.
    fn within_book(&self) -> Result<(), BackendError> {
        let Some(book) = &self.book else { return Ok(()) };
        let read = self.error("read");
        let book = fs::canonicalize(book).map_err(&read)?;
        match place_of(&self.path) {
            Some(real) if real.starts_with(&book) => Ok(()),
            _ => Err(BackendError::Outside { place: self.place() }),
        }
    }

    fn error(&self, action: &'static str) -> impl Fn(io::Error) -> BackendError + '_ {
        move |cause| BackendError::Io { action, place: self.place(), cause }
    }

    fn lock(&self, folder: &Path) -> Result<File, BackendError> {
        let lock = self.error("lock");
        #[cfg(unix)]
        let file = File::open(folder).map_err(&lock)?;
        #[cfg(not(unix))]
        let file = File::create(folder.join(".trialbook.lock")).map_err(&lock)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(lock(error)),
                Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(BackendError::Locked { place: self.place() }),
            }
        }
    }
}

impl Store for FileStore {
    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn read(&self) -> Result<Option<Vec<u8>>, BackendError> {
        // Asked before it is opened: opening a pipe waits for a writer, and a device may have no end.
        match fs::metadata(&self.path) {
            Ok(metadata) if !metadata.is_file() => {
                let problem = format!("it is {}, not a regular file", kind(&metadata));
                return Err(BackendError::Malformed { place: self.place(), problem });
            }
            Ok(_) => self.within_book()?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.within_book()?;
                return Ok(None);
            }
            Err(error) => return Err(self.error("read")(error)),
        }
        let file = File::open(&self.path).map_err(self.error("read"))?;
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(self.error("read"))?;
        if bytes.len() as u64 > LARGEST {
            return Err(too_large(self.place()));
        }
        Ok(Some(bytes))
    }

    /// A link is followed: what it points to is replaced. The file keeps its permissions.
    fn replace(
        &self,
        expected: &LiveVersion,
        _: &Beside<'_>,
        make: Make<'_>,
    ) -> Result<LiveVersion, BackendError> {
        let write = self.error("write");
        self.within_book()?;
        let real = real_path(&self.path);
        let folder = real.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(&write)?;
        // Held until the end of this function. The folder and not the file: a rename puts another file there.
        let _lock = self.lock(folder)?;
        let bytes = self.read()?;
        check(expected, bytes.as_deref())?;
        let Some(text) = make(bytes.as_deref())? else { return Ok(expected.clone()) };
        let text = bounded(text, || self.place())?;
        sweep(folder);
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY.0).suffix(TEMPORARY.1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // What any new file gets; the process's umask takes its part.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut new = builder.tempfile_in(folder).map_err(&write)?;
        new.write_all(text.as_bytes()).map_err(&write)?;
        if let Ok(old) = fs::metadata(&real) {
            new.as_file().set_permissions(old.permissions()).map_err(&write)?;
        }
        new.as_file().sync_all().map_err(&write)?;
        new.persist(&real).map_err(|error| write(error.error))?;
        #[cfg(unix)]
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(&write)?;
        Ok(version(Some(text.as_bytes())))
    }

    /// Beside the file: `FILE.journal` and `FILE.audit.jsonl`.
    fn journal(&self) -> Option<StoreJournal> {
        let beside = |ending: &str| {
            let mut name = self.path.clone().into_os_string();
            name.push(ending);
            Self { path: name.into(), book: self.book.clone() }
        };
        Some(StoreJournal::new(beside(".journal"), beside(".audit.jsonl")))
    }
}

/// One line for each record, which is on the disk before the next step.
impl Log for FileStore {
    fn append(&self, record: &Record) -> Result<(), BackendError> {
        self.within_book()?;
        let write = self.error("write");
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(&write)?;
        let _lock = self.lock(folder)?;
        let mut file =
            File::options().read(true).append(true).create(true).open(&self.path).map_err(&write)?;
        let length = file.metadata().map_err(&write)?.len();
        let (whole, is_there) = tail(&mut file, length, record).map_err(&write)?;
        if whole < length {
            file.set_len(whole).map_err(&write)?;
        }
        if !is_there {
            file.write_all(journal::line(record).as_bytes()).map_err(&write)?;
        }
        file.sync_all().map_err(&write)
    }

    fn records(&self) -> Result<Vec<Record>, BackendError> {
        let bytes = self.read()?.unwrap_or_default();
        let lines = bytes.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n"));
        lines.map(|line| journal::record(&self.place(), line)).collect()
    }
}

/// How far back in a log a record is looked for that may be there already.
const LOOKED_BACK: u64 = 1 << 20;

/// Returns the length of a log without a last line that was cut off, and whether its end has a record of that apply.
fn tail(file: &mut File, length: u64, record: &Record) -> io::Result<(u64, bool)> {
    let begin = length.saturating_sub(LOOKED_BACK);
    file.seek(SeekFrom::Start(begin))?;
    let mut end = Vec::new();
    file.take(LOOKED_BACK).read_to_end(&mut end)?;
    let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let id = record.apply.id.as_str().as_bytes();
    let is_there = end[..whole].windows(id.len()).any(|part| part == id);
    Ok((begin + whole as u64, is_there))
}

/// Removes what writers left that were killed. The lock is held, so none of it is in use. What cannot be removed stays: it
/// is in nobody's way.
fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name();
        let ours =
            name.to_str().is_some_and(|name| name.starts_with(TEMPORARY.0) && name.ends_with(TEMPORARY.1));
        if ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Returns the error that names what is in the way.
fn kind(metadata: &fs::Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    if metadata.is_dir() { "a folder" } else { "something else" }
}

/// Returns the file or folder that a path ends at with all links followed; of a path to what is not there yet the last folder
/// that is. `None` where that cannot be known: a loop of links, or a way back out of a folder that is not there.
fn place_of(path: &Path) -> Option<PathBuf> {
    // More links than a system follows.
    const MOST: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST {
        let there = path.ancestors().find(|path| path.symlink_metadata().is_ok())?.to_owned();
        let rest = path.strip_prefix(&there).ok()?;
        if rest.components().any(|part| part == Component::ParentDir) {
            return None;
        }
        match (fs::canonicalize(&there), fs::read_link(&there)) {
            (Ok(real), _) => return Some(real),
            (Err(_), Ok(link)) => path = there.parent()?.join(link).join(rest),
            (Err(_), Err(_)) => return None,
        }
    }
    None
}

/// Follows links, also one that points to a file that is not there yet.
fn real_path(path: &Path) -> PathBuf {
    match (fs::canonicalize(path), fs::read_link(path)) {
        (Ok(real), _) => real,
        (Err(_), Ok(link)) => path.parent().unwrap_or(Path::new("")).join(link),
        (Err(_), Err(_)) => path.to_owned(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn store(folder: &tempfile::TempDir) -> FileStore {
        FileStore::in_book(folder.path(), "live/flags.json")
    }

    fn put(store: &FileStore, expected: &LiveVersion, text: &str) -> Result<LiveVersion, BackendError> {
        store.replace(expected, &Beside::default(), &mut |_| Ok(Some(text.to_owned())))
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_first_write_makes_the_folder_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        assert_eq!(store.read().expect("no file"), None);
        let version = put(&store, &LiveVersion::Absent, "one").expect("a write");
        assert_eq!(store.read().expect("a file").as_deref(), Some(b"one".as_slice()));
        assert_eq!(super::version(Some(b"one")), version);
        assert_eq!(names(&folder.path().join("live")), ["flags.json"]);
    }

    #[test]
    fn a_write_that_fails_half_way_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        let version = put(&store, &LiveVersion::Absent, "one").expect("a write");
        let failed = store.replace(&version, &Beside::default(), &mut |_| {
            Err(BackendError::Malformed { place: store.place(), problem: "no".into() })
        });
        assert!(failed.is_err());
        // The name is taken by a folder between the check and the rename: the last step is the one that fails.
        let failed = store.replace(&version, &Beside::default(), &mut |_| {
            fs::remove_file(&store.path).expect("removed");
            fs::create_dir_all(store.path.join("full")).expect("a folder");
            Ok(Some("two".into()))
        });
        assert!(matches!(failed, Err(BackendError::Io { action: "write", .. })));
        assert_eq!(names(&folder.path().join("live")), ["flags.json"]);
    }

    #[test]
    fn the_file_keeps_its_permissions() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        let version = put(&store, &LiveVersion::Absent, "one").expect("a write");
        let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        assert_eq!(mode(&store.path) & 0o600, 0o600);
        fs::set_permissions(&store.path, fs::Permissions::from_mode(0o640)).expect("permissions");
        put(&store, &version, "two").expect("a write");
        assert_eq!(mode(&store.path), 0o640);
    }

    #[test]
    fn no_link_leads_out_of_the_book() {
        let (folder, elsewhere) =
            (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let store = store(&folder);
        fs::create_dir(folder.path().join("live")).expect("a folder");
        let outside = elsewhere.path().join("x.json");
        for is_there in [false, true] {
            if is_there {
                fs::write(&outside, "{}").expect("a file");
            }
            for ending in ["", ".journal", ".audit.jsonl"] {
                let link = folder.path().join(format!("live/flags.json{ending}"));
                symlink(&outside, &link).expect("a link");
                let linked = FileStore { path: link.clone(), book: store.book.clone() };
                assert!(matches!(linked.read(), Err(BackendError::Outside { .. })));
                assert!(matches!(put(&linked, &LiveVersion::Absent, "x"), Err(BackendError::Outside { .. })));
                fs::remove_file(&link).expect("the link");
            }
            assert_eq!(outside.exists(), is_there);
        }
        assert!(elsewhere.path().join("x.json").exists());
        // A way out that begins in a folder which is not there yet.
        for target in ["nowhere/../../../x.json", "../../nowhere.json", "flags.json"] {
            let link = folder.path().join("live/flags.json");
            symlink(target, &link).expect("a link");
            assert!(
                matches!(store.read(), Err(BackendError::Outside { .. } | BackendError::Io { .. })),
                "{target}"
            );
            assert!(put(&store, &LiveVersion::Absent, "x").is_err(), "{target}");
            fs::remove_file(&link).expect("the link");
        }
        // A folder that is a link, and a file behind it.
        fs::remove_dir(folder.path().join("live")).expect("the folder");
        symlink(elsewhere.path(), folder.path().join("live")).expect("a link");
        assert!(matches!(put(&store, &LiveVersion::Absent, "x"), Err(BackendError::Outside { .. })));
        assert_eq!(names(elsewhere.path()), ["x.json"]);
    }

    #[test]
    fn a_link_stays_a_link_and_its_file_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        fs::create_dir_all(folder.path().join("live")).expect("a folder");
        fs::create_dir_all(folder.path().join("real")).expect("a folder");
        symlink("../real/flags.json", &store.path).expect("a link");
        let version = put(&store, &LiveVersion::Absent, "one").expect("a write");
        put(&store, &version, "two").expect("a write");
        assert!(fs::symlink_metadata(&store.path).expect("a link").is_symlink());
        let real = fs::read_to_string(folder.path().join("real/flags.json"));
        assert_eq!(real.expect("a file"), "two");
    }

    #[test]
    fn of_many_writers_at_once_each_wins_once() {
        let folder = tempfile::tempdir().expect("a folder");
        put(&store(&folder), &LiveVersion::Absent, "0").expect("a write");
        let count = || -> u32 {
            let bytes = store(&folder).read().expect("a file").expect("a file");
            String::from_utf8(bytes).expect("text").parse().expect("a number")
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let store = store(&folder);
                    let mut wins = 0;
                    while wins < 10 {
                        let bytes = store.read().expect("a file");
                        let result =
                            store.replace(&version(bytes.as_deref()), &Beside::default(), &mut |bytes| {
                                let text = std::str::from_utf8(bytes.expect("a file")).expect("text");
                                Ok(Some((text.parse::<u32>().expect("a number") + 1).to_string()))
                            });
                        match result {
                            Ok(_) => wins += 1,
                            Err(BackendError::Conflict { .. }) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            }
        });
        assert_eq!(count(), 80);
    }
}
