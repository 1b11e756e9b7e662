//! The file of `--output-file`: replaced whole, for its reader alone.

use crate::error::Error;
use crate::words::t;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where a token is to rest, checked.
#[derive(Clone, Debug)]
pub struct OutFile {
    path: PathBuf,
    folder: PathBuf,
    mode: u32,
}

impl OutFile {
    /// The file at `path`, to be of mode `mode`. [`Error::Unsafe`] where it is a link or no file, or stands in a
    /// folder in which any user could put another one into its place; [`Error::Out`] where there is no such folder.
    pub fn new(path: &Path, mode: u32) -> Result<Self, Error> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new(".")).to_owned();
        let file = OutFile { path: path.to_owned(), folder, mode };
        if path.file_name().is_none() {
            return Err(file.refuse(&t!("is not a file")));
        }
        let folder = std::fs::metadata(&file.folder).map_err(|error| file.failed(&error))?;
        if !folder.is_dir() {
            return Err(file.refuse(&t!("is not in a folder")));
        }
        if anyone_may_replace(&folder) {
            return Err(file.refuse(&t!("is in a folder that every user may write to")));
        }
        file.check()?;
        Ok(file)
    }

    /// Replaces the file by one that holds `bytes`. A reader sees the old one or the new one, never a part.
    pub fn replace(&self, bytes: &[u8]) -> Result<(), Error> {
        self.check()?;
        let write = || {
            let mut file = tempfile::Builder::new().prefix(".zoho-cred-").tempfile_in(&self.folder)?;
            set_mode(file.as_file(), self.mode)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| self.failed(&error))
    }

    /// Refuses what is no plain file: a link could lead the token anywhere, and a device is not to be replaced.
    fn check(&self) -> Result<(), Error> {
        match std::fs::symlink_metadata(&self.path) {
            Ok(found) if found.is_symlink() => Err(self.refuse(&t!("is a link"))),
            Ok(found) if !found.is_file() => Err(self.refuse(&t!("is not a file"))),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn refuse(&self, problem: &str) -> Error {
        Error::Unsafe {
            path: self.path.clone(),
            problem: problem.to_owned(),
            hint: t!("give --output-file a path in a folder that only you can write to"),
        }
    }

    fn failed(&self, error: &io::Error) -> Error {
        Error::Out { path: self.path.clone(), problem: error.to_string() }
    }
}

#[cfg(unix)]
fn anyone_may_replace(folder: &Metadata) -> bool {
    let mode = std::os::unix::fs::MetadataExt::mode(folder);
    mode & 0o002 != 0 && mode & 0o1000 == 0
}

#[cfg(not(unix))]
fn anyone_may_replace(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &File, _: u32) -> io::Result<()> {
    Ok(())
}
