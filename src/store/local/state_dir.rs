//! The state directory. It belongs to the user, is closed to others, and is not a symbolic link.
#![expect(clippy::disallowed_methods, reason = "this module writes files")]

use crate::error::{Code, Error};
use crate::i18n::{causes, tr};
use crate::system::files::{self, Accept, owned_by_us};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// The state directory, which may not exist yet.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

/// The directories in it. If one of them exists, the state directory is ours.
pub(crate) const SUBDIRS: [&str; 6] = ["clients", "credentials", "ledgers", "locks", "profiles", "secrets"];

impl StateDir {
    /// Creates nothing. [`StateDir::check`] checks the directory, and `subdir` creates it.
    pub fn new(path: PathBuf) -> Self {
        StateDir(path)
    }

    /// The path, which may not exist.
    pub fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn subdir_path(&self, subdir: &str) -> PathBuf {
        self.0.join(subdir)
    }

    /// Refuses a directory that is a symbolic link, belongs to another user, or could be replaced by one. A missing
    /// directory is fine.
    pub fn check(&self) -> Result<(), Error> {
        if let Ok(found) = fs::symlink_metadata(&self.0) {
            self.check_owner(&found)?;
        }
        self.check_ancestors()
    }

    /// As OpenSSH's `StrictModes`, except that a sticky directory such as `/tmp` is allowed.
    fn check_ancestors(&self) -> Result<(), Error> {
        let Some(parent) = self.0.parent() else { return Ok(()) };
        for folder in files::canonical(parent).ancestors() {
            let Some(found) = stat(folder) else { continue };
            let state = self.0.display();
            let problem = if !owned_by_us_or_root(&found) {
                tr!("belongs to another user, who could replace the state folder {state}", state)
            } else if others_may_replace_in(&found) {
                tr!("can be written by other users, who could replace the state folder {state}", state)
            } else {
                continue;
            };
            return Err(files::unsafe_path(
                folder,
                problem,
                tr!(
                    "run 'chmod go-w {path}', or set ZOHO_CRED_STATE_DIR to a folder of your own",
                    path = folder.display()
                ),
            ));
        }
        Ok(())
    }

    fn check_owner(&self, found: &Metadata) -> Result<(), Error> {
        let refuse = |problem: &str| {
            Err(files::unsafe_path(
                &self.0,
                problem.into(),
                tr!("set ZOHO_CRED_STATE_DIR to a folder of your own"),
            ))
        };
        if found.is_symlink() {
            return refuse(&tr!("is a link, not a folder"));
        }
        if !found.is_dir() {
            return refuse(&tr!("is not a folder"));
        }
        if !owned_by_us(found) || is_foreign(&self.0) {
            return refuse(&tr!("belongs to another user"));
        }
        Ok(())
    }

    /// Creates a directory in the state directory, and the state directory itself, with mode 0700 whatever the umask.
    pub(crate) fn subdir(&self, subdir: &str) -> Result<PathBuf, Error> {
        let path = self.subdir_path(subdir);
        if let Some(parent) = self.0.parent() {
            fs::create_dir_all(parent).map_err(|error| failed(Action::Create, parent, &error))?;
        }
        let is_new = make_private(&self.0).map_err(|error| failed(Action::Create, &self.0, &error))?;
        self.check()?;
        if !is_new {
            self.refuse_other_files()?;
        }
        close_folder(&self.0)?;
        make_private(&path).map_err(|error| failed(Action::Create, &path, &error))?;
        let found = fs::symlink_metadata(&path).map_err(|error| failed(Action::Read, &path, &error))?;
        StateDir(path.clone()).check_owner(&found)?;
        close_folder(&path)?;
        Ok(path)
    }

    /// Refuses a directory that others can enter, unless it is empty or has our directories in it. Otherwise it was
    /// named by mistake, and its mode must not change.
    fn refuse_other_files(&self) -> Result<(), Error> {
        let found = fs::symlink_metadata(&self.0).map_err(|error| failed(Action::Read, &self.0, &error))?;
        if !is_open_to_others(&self.0, &found) {
            return Ok(());
        }
        let is_ours = |found: Metadata| found.is_dir() && owned_by_us(&found);
        let ours = SUBDIRS.iter().any(|subdir| stat(&self.subdir_path(subdir)).is_some_and(is_ours));
        let empty = fs::read_dir(&self.0).is_ok_and(|mut entries| entries.next().is_none());
        if ours || empty {
            return Ok(());
        }
        Err(files::unsafe_path(
            &self.0,
            tr!("is open to others and holds other files"),
            tr!(
                "set ZOHO_CRED_STATE_DIR to a folder of its own, or run '{command}'",
                command = command_to_close(&self.0, "700"),
            ),
        ))
    }
}

/// Sets mode 0700, whatever the umask.
fn close_folder(path: &Path) -> Result<(), Error> {
    set_private(path).map_err(|error| failed(Action::Protect, path, &error))
}

/// The action that failed, for [`failed`].
#[derive(Clone, Copy)]
pub(crate) enum Action {
    Create,
    Lock,
    /// Set a mode that excludes other users.
    Protect,
    Read,
    Remove,
    Write,
}

/// The error of an action on a path.
pub(crate) fn failed(action: Action, path: &Path, error: &io::Error) -> Error {
    let what = path.display();
    let message = match action {
        Action::Read => return files::unreadable(path, error),
        Action::Write => return unwritable(&what.to_string(), causes::cause(error)),
        Action::Create => tr!("could not create {what}", what),
        Action::Lock => tr!("could not lock {what}", what),
        Action::Protect => tr!("could not protect {what}", what),
        Action::Remove => tr!("could not remove {what}", what),
    };
    not_done(message, causes::cause(error))
}

pub(crate) fn unwritable(what: &str, why: String) -> Error {
    not_done(tr!("could not write {what}", what), why)
}

fn not_done(message: String, why: String) -> Error {
    let hint = tr!("check the folder's permissions and free space, or set ZOHO_CRED_STATE_DIR");
    Error::new(Code::Store, message, hint).with_cause(why)
}

/// Reads a state file of at most 64 KiB, with its metadata. Neither the file nor its directory may be a symbolic
/// link.
pub fn read(path: &Path) -> io::Result<(Vec<u8>, Metadata)> {
    if let Some(folder) = path.parent() {
        let found = fs::symlink_metadata(folder)?;
        if !found.is_dir() || !owned_by_us(&found) {
            return Err(io::Error::other(tr!("it is not in a folder of ours")));
        }
    }
    let (bytes, found) = files::read(path, Accept::NoLink, files::SMALL)?;
    if !owned_by_us(&found) {
        return Err(io::Error::other(tr!("it is not a file of ours")));
    }
    Ok((bytes, found))
}

/// Like [`read`]. `None` if the file is missing.
pub(crate) fn read_if_any(path: &Path) -> Result<Option<(Vec<u8>, Metadata)>, Error> {
    match read(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(Action::Read, path, &error)),
    }
}

#[cfg(unix)]
mod os {
    use super::*;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

    pub(crate) fn owned_by_us_or_root(found: &Metadata) -> bool {
        found.uid() == 0 || owned_by_us(found)
    }

    /// Whether others may rename entries of the directory. The user's primary group counts as the user.
    pub(crate) fn others_may_replace_in(folder: &Metadata) -> bool {
        let by_group = folder.mode() & 0o020 != 0 && folder.gid() != rustix::process::getegid().as_raw();
        let is_sticky = folder.mode() & 0o1000 != 0;
        (by_group || folder.mode() & 0o002 != 0) && !is_sticky
    }

    /// Whether anyone but the owner has access.
    pub(crate) fn is_open_to_others(_: &Path, found: &Metadata) -> bool {
        found.mode() & 0o077 != 0
    }

    /// The metadata tells the owner.
    pub(crate) fn is_foreign(_: &Path) -> bool {
        false
    }

    /// The command that takes everyone else's access away.
    pub(crate) fn command_to_close(path: &Path, mode: &str) -> String {
        format!("chmod {mode} {}", path.display())
    }

    /// Creates a directory of mode 0700 or less. False if it exists.
    pub(crate) fn make_private(path: &Path) -> io::Result<bool> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn set_private(folder: &Path) -> io::Result<()> {
        if fs::symlink_metadata(folder)?.mode() & 0o777 == 0o700 {
            return Ok(());
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
    }
}

#[cfg(windows)]
mod os {
    use super::*;
    use crate::system::acl;

    pub(crate) fn owned_by_us_or_root(_: &Metadata) -> bool {
        true
    }

    pub(crate) fn others_may_replace_in(_: &Metadata) -> bool {
        false
    }

    /// Whether anyone but the user, SYSTEM and Administrators has access, or the list cannot be read.
    pub(crate) fn is_open_to_others(path: &Path, _: &Metadata) -> bool {
        acl::is_open_to_others(path).unwrap_or(true)
    }

    /// Whether the path belongs to another user, or the owner cannot be read.
    pub(crate) fn is_foreign(path: &Path) -> bool {
        acl::belongs_to_another_user(path).unwrap_or(true)
    }

    pub(crate) fn command_to_close(path: &Path, _: &str) -> String {
        acl::command_to_close(path)
    }

    /// Creates a directory that admits only us. False if it exists.
    pub(crate) fn make_private(path: &Path) -> io::Result<bool> {
        match fs::create_dir(path) {
            Ok(()) => acl::close(path).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn set_private(folder: &Path) -> io::Result<()> {
        if acl::is_open_to_others(folder)? { acl::close(folder) } else { Ok(()) }
    }
}

pub(crate) use os::{command_to_close, is_open_to_others};
use os::{is_foreign, make_private, others_may_replace_in, owned_by_us_or_root, set_private};

/// Does not follow symbolic links.
pub(crate) fn stat(path: &Path) -> Option<Metadata> {
    fs::symlink_metadata(path).ok()
}

/// The paths in a directory. A missing directory counts as empty.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed(Action::Read, folder, &error)),
    }
}
