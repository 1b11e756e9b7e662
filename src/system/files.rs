//! Reads files of users and other programs with size limits, and resolves their paths. State files are in `store/`.
#![expect(clippy::disallowed_methods, reason = "this is the one adapter")]

use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::sanitize::mask_argument;
use crate::secret::Secret;
use crate::system::Env;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroizing;

/// As many symbolic links as Linux follows.
const MOST_LINKS: usize = 40;

/// Size limit of a config, a certificate file or an import file, in bytes.
pub(crate) const LARGE: usize = 1 << 20;

/// Size limit of a secret or of a state file, in bytes.
pub(crate) const SMALL: usize = 64 << 10;

/// What [`read`] accepts at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    /// A regular file, or a symbolic link to one.
    File,
    /// The same, or a pipe such as a shell's `<(…)`, which must be read within 2 s.
    FileOrPipe,
    /// A regular file. No symbolic links.
    NoLink,
}

/// Reads a whole file. All files are read with this function. A FIFO, a device or a file larger than `limit` bytes is
/// an error. The metadata is that of the open file.
pub fn read(path: &Path, accept: Accept, limit: usize) -> io::Result<(Vec<u8>, Metadata)> {
    let mut file = open(path, accept)?;
    let found = file.metadata()?;
    let mut bytes = Vec::new();
    if found.is_file() {
        let at_most = limit as u64 + 1;
        bytes.reserve(found.len().min(at_most) as usize);
        (&mut file).take(at_most).read_to_end(&mut bytes)?;
    } else if accept == Accept::FileOrPipe && is_pipe(&found) {
        read_pipe(&mut file, limit, &mut bytes)?;
    } else {
        return Err(not_regular());
    }
    if bytes.len() > limit {
        let limit = limit / 1024;
        return Err(io::Error::new(ErrorKind::FileTooLarge, tr!("it is larger than {limit} KiB", limit)));
    }
    Ok((bytes, found))
}

fn not_regular() -> io::Error {
    io::Error::new(ErrorKind::InvalidInput, tr!("it is not a regular file"))
}

/// Like [`read`]. Invalid UTF-8 is an error.
pub(crate) fn read_utf8(path: &Path, accept: Accept, limit: usize) -> io::Result<(String, Metadata)> {
    let (bytes, found) = read(path, accept, limit)?;
    Ok((io::read_to_string(bytes.as_slice())?, found))
}

/// Reads a small file that another program left, and removes it. `None` if there is none, or if it is still empty.
/// Unreadable files and links are removed as well.
pub(crate) fn take(path: &Path) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let found = match read(path, Accept::NoLink, SMALL) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Ok((bytes, _)) if bytes.is_empty() => return Ok(None),
        found => found.map(|(bytes, _)| Some(Zeroizing::new(bytes))),
    };
    std::fs::remove_file(path)?;
    found
}

#[cfg(unix)]
mod os {
    use super::*;
    use rustix::fs::OFlags;
    use rustix::io::Errno;
    use std::fs::Permissions;
    use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::time::{Duration, Instant};

    /// How long the writer of a pipe may take.
    const PIPE_TIMEOUT: Duration = Duration::from_secs(2);

    /// Interval between reads of an empty pipe.
    const PIPE_POLL: Duration = Duration::from_millis(5);

    /// Opens without waiting for the other end of a FIFO and without acquiring a controlling terminal.
    pub(crate) fn open(path: &Path, accept: Accept) -> io::Result<File> {
        let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        flags.set(OFlags::NOFOLLOW, accept == Accept::NoLink);
        let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
        let file = file.map_err(|error| match error.raw_os_error() {
            Some(number) if number == Errno::NXIO.raw_os_error() => not_regular(), // a socket
            _ => error,
        })?;
        // If `/dev/fd` duplicates a descriptor, the flags of the open call did not reach it.
        if accept == Accept::FileOrPipe {
            rustix::fs::fcntl_setfl(&file, rustix::fs::fcntl_getfl(&file)? | OFlags::NONBLOCK)?;
        }
        Ok(file)
    }

    /// Opens without waiting for a reader of a FIFO. A new file has mode 0600.
    pub(crate) fn open_to_append(path: &Path) -> io::Result<File> {
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).custom_flags(flags.bits().cast_signed());
        options.open(path)
    }

    /// Replaces and deletes files that other processes have open.
    pub(crate) fn patiently<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        act()
    }

    pub(crate) fn is_pipe(found: &Metadata) -> bool {
        found.file_type().is_fifo()
    }

    /// Whether the file belongs to the current user.
    pub(crate) fn owned_by_us(found: &Metadata) -> bool {
        found.uid() == rustix::process::geteuid().as_raw()
    }

    /// Sets mode 0600, whatever the umask.
    pub(crate) fn close_file(file: &File, _: &Path) -> io::Result<()> {
        if file.metadata()?.mode() & 0o777 == 0o600 {
            return Ok(());
        }
        file.set_permissions(Permissions::from_mode(0o600))
    }

    /// Reads until all writers have closed the pipe. A pipe without a writer may still get one.
    pub(crate) fn read_pipe(file: &mut File, limit: usize, bytes: &mut Vec<u8>) -> io::Result<()> {
        let deadline = Instant::now() + PIPE_TIMEOUT;
        let mut part = [0; 4096];
        while bytes.len() <= limit {
            match file.read(&mut part) {
                Ok(0) if !bytes.is_empty() => return Ok(()),
                Ok(count) if count > 0 => bytes.extend_from_slice(&part[..count]),
                Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                    return Err(error);
                }
                _ if Instant::now() >= deadline => {
                    let limit = PIPE_TIMEOUT.as_secs();
                    return Err(io::Error::new(
                        ErrorKind::TimedOut,
                        tr!("it took longer than {limit} s", limit),
                    ));
                }
                _ => std::thread::sleep(PIPE_POLL),
            }
        }
        Ok(())
    }
}

#[cfg(windows)]
mod os {
    use super::*;
    use crate::system::acl;
    use std::os::windows::fs::OpenOptionsExt;
    use std::time::Duration;

    /// `FILE_FLAG_OPEN_REPARSE_POINT`: opens a link and not its target.
    const NO_FOLLOW: u32 = 0x0020_0000;

    /// `ERROR_ACCESS_DENIED`, `ERROR_SHARING_VIOLATION`, `ERROR_LOCK_VIOLATION` and `ERROR_DELETE_PENDING`: another
    /// process has the file open, or the file is being replaced.
    const IN_USE: [i32; 4] = [5, 32, 33, 303];

    /// With a pause of about 10 ms each, a file may be in use for 2 s.
    const ATTEMPTS: u32 = 200;

    /// Repeats `act` while the file is in use. Readers, virus scanners and indexers keep a file open for a moment. NTFS
    /// replaces it nevertheless (POSIX semantics), other file systems do not.
    pub(crate) fn patiently<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        for _ in 0..ATTEMPTS {
            match act() {
                Err(error) if error.raw_os_error().is_some_and(|number| IN_USE.contains(&number)) => {
                    let mut byte = [0u8];
                    let _ = getrandom::fill(&mut byte);
                    std::thread::sleep(Duration::from_micros(1000 + u64::from(byte[0]) * 70));
                }
                done => return done,
            }
        }
        act()
    }

    pub(crate) fn open(path: &Path, accept: Accept) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        if accept == Accept::NoLink {
            options.custom_flags(NO_FOLLOW);
        }
        patiently(|| options.open(path))
    }

    pub(crate) fn open_to_append(path: &Path) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).open(path)
    }

    pub(crate) fn is_pipe(_: &Metadata) -> bool {
        false
    }

    pub(crate) fn owned_by_us(_: &Metadata) -> bool {
        true
    }

    /// Admits only us. A new file inherits this from its folder, except where Wine or a file server inherits nothing.
    pub(crate) fn close_file(_: &File, path: &Path) -> io::Result<()> {
        if acl::is_open_to_others(path)? { acl::close(path) } else { Ok(()) }
    }

    pub(crate) fn read_pipe(_: &mut File, _: usize, _: &mut Vec<u8>) -> io::Result<()> {
        Err(io::Error::from(ErrorKind::Unsupported))
    }
}

pub(crate) use os::{close_file, owned_by_us, patiently};
use os::{is_pipe, open, open_to_append, read_pipe};

/// Reads a file named by a flag or a variable. Files are read every time, because they may be replaced. A pipe can be
/// read only once, so its content is cached.
fn read_named(path: &Path, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    static FROM_PIPES: Mutex<Vec<(PathBuf, Zeroizing<Vec<u8>>)>> = Mutex::new(Vec::new());
    if path.is_file() {
        return Ok(read(path, Accept::FileOrPipe, limit)?.0.into());
    }
    let mut known = FROM_PIPES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, bytes)) = known.iter().find(|(from, _)| from == path) {
        return Ok(bytes.clone());
    }
    let bytes = Zeroizing::new(read(path, Accept::FileOrPipe, limit)?.0);
    known.push((path.to_owned(), bytes.clone()));
    Ok(bytes)
}

/// Reads a file named by a flag. `Code::Store` if that fails. The name may be a secret that was given in its place.
pub(crate) fn read_text(path: &Path, limit: usize) -> Result<String, Error> {
    let text = read_named(path, limit).and_then(|bytes| io::read_to_string(bytes.as_slice()));
    text.map_err(|error| unreadable(Path::new(&mask_argument(&path.display().to_string())), &error))
}

/// `None` if there is no file.
pub(crate) fn read_text_if_any(path: &Path) -> Result<Option<String>, Error> {
    match read_utf8(path, Accept::File, LARGE) {
        Ok((text, _)) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Reads a secret from a file that a variable names.
pub(crate) fn read_secret(path: &Path) -> Result<Secret, Error> {
    read_text(path, SMALL).map(Secret::from_text)
}

/// Reads certificates in PEM format. `Code::Config` if that fails.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<u8>, Error> {
    let pem = read_named(path, LARGE);
    pem.map(|pem| pem.to_vec()).map_err(|error| bad_certificates(path, &causes::cause(&error)))
}

/// `why` says what is wrong with the certificates.
pub(crate) fn bad_certificates(path: &Path, why: &str) -> Error {
    Error::new(
        Code::Config,
        tr!("could not read the certificates in {path}: {why}", path = path.display(), why),
        tr!("check --ca-file and SSL_CERT_FILE"),
    )
}

pub fn unreadable(path: &Path, error: &io::Error) -> Error {
    let hint = tr!("check that it is there and that you may read it");
    Error::new(Code::Store, tr!("could not read {what}", what = path.display()), hint)
        .with_cause(causes::cause(error))
}

/// The error of an output file that the user named.
pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Error {
    let hint = tr!("check the folder's permissions and free space");
    Error::new(Code::Store, tr!("could not write {path}", path = path.display()), hint)
        .with_cause(causes::cause(error))
}

/// The error of a path that other users could read or replace.
pub(crate) fn unsafe_path(path: &Path, problem: String, hint: String) -> Error {
    Error::new(Code::Store, tr!("{path} {problem}", path = path.display(), problem), hint)
}

/// Resolves all symbolic links. If the file does not exist, this is the path it will have. Dangling links are
/// followed.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    let mut path = absolute(path);
    for _ in 0..MOST_LINKS {
        if let Ok(found) = std::fs::canonicalize(&path) {
            return without_prefix(found);
        }
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => canonical(folder).join(name),
        _ => path,
    }
}

/// Removes the `\\?\` of `\\?\C:\…`, which many programs do not understand. Unix paths have none.
fn without_prefix(path: PathBuf) -> PathBuf {
    let plain = path.to_str().and_then(|path| path.strip_prefix(r"\\?\"));
    plain.filter(|plain| plain.get(1..2) == Some(":")).map(PathBuf::from).unwrap_or(path)
}

/// The path, and all paths that symbolic links in its last component lead to. The real one is last.
#[cfg(unix)]
pub(crate) fn links(path: &Path) -> Vec<PathBuf> {
    let mut links = vec![path.to_owned()];
    let mut path = path.to_owned();
    while links.len() <= MOST_LINKS
        && let Ok(target) = std::fs::read_link(&path)
    {
        path = path.parent().unwrap_or(Path::new("/")).join(target);
        links.push(path.clone());
    }
    links
}

/// Makes the path absolute without resolving links.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The user's home directory: `HOME`, or the entry in the user database.
pub(crate) fn home(env: &Env) -> Option<PathBuf> {
    env.get("HOME").map(PathBuf::from).or_else(std::env::home_dir).filter(|home| home.is_absolute())
}

/// Creates or overwrites a file that is not ours to protect, such as documentation.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    File::create(path)?.write_all(bytes)
}

/// Appends in a single write to a regular file that others append to and read. A missing file is created with mode
/// 0600.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = open_to_append(path).and_then(|mut file| {
        if !file.metadata()?.is_file() {
            return Err(not_regular());
        }
        file.write_all(bytes)
    });
    written.map_err(|error| unwritable(path, &error))
}
