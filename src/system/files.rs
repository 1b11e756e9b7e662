//! Files that other programs and people write: config, `_FILE` secrets. Our own are in `store/`.
#![expect(clippy::disallowed_methods, reason = "this is the one adapter")]

use super::Env;
use crate::error::Error;
use crate::secret::Secret;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Links that are followed one after another, as many as Linux follows.
const MOST_LINKS: usize = 40;

/// The text of a file that must be there; [`Error::Store`] otherwise.
pub fn read_text(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

/// The secret in a file, read anew as it may have been replaced; but what comes from a pipe, such as a shell's `<(…)`, can be
/// read only once, and is remembered.
pub fn read_secret(path: &Path) -> Result<Secret, Error> {
    static FROM_PIPES: Mutex<Vec<(PathBuf, Secret)>> = Mutex::new(Vec::new());
    if path.is_file() {
        return read_text(path).map(Secret::from_text);
    }
    let mut known = FROM_PIPES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, secret)) = known.iter().find(|(from, _)| from == path) {
        return Ok(secret.clone());
    }
    let secret = Secret::from_text(read_text(path)?);
    known.push((path.to_owned(), secret.clone()));
    Ok(secret)
}

/// The text of a file, `None` where there is none.
pub fn read_text_if_any(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::Store { action: "read", what: path.display().to_string(), problem: error.to_string() }
}

/// Whether something is there.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

/// The path with every link followed. A file that is not there yet has the path already that it will have: links on the
/// way to it are followed, and so is one that leads to nothing yet.
pub fn canonical(path: &Path) -> PathBuf {
    let mut path = absolute(path);
    for _ in 0..MOST_LINKS {
        if let Ok(found) = std::fs::canonicalize(&path) {
            return found;
        }
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => canonical(folder).join(name),
        _ => path,
    }
}

/// The path made absolute, links kept.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The user's home folder: `HOME`, else what the system's user database says.
pub fn home(env: &Env) -> Option<PathBuf> {
    env.get("HOME").map(PathBuf::from).or_else(|| etcetera::home_dir().ok()).filter(|home| home.is_absolute())
}

/// Appends to a file that somebody else reads and others append to, in one write. A missing one is created with mode 0600.
pub fn append(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(|error| Error::Out { path: path.to_owned(), problem: error.to_string() })
}

/// Replaces the config file whole, through links, and keeps its mode; a new one is for the user alone.
pub fn replace_config(path: &Path, text: &str) -> io::Result<()> {
    let target = canonical(path);
    let folder = target.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".config-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(old) = std::fs::metadata(&target) {
        if old.permissions().readonly() {
            return Err(io::Error::from(io::ErrorKind::PermissionDenied));
        }
        file.as_file().set_permissions(old.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
}
