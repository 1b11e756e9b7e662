//! The state folder: ours, closed to everybody else, and not a link to somewhere else.
#![expect(clippy::disallowed_methods, reason = "this room writes files")]

use crate::error::Error;
use crate::i18n::tr;
use crate::system::files::{self, Accept};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// The state folder, which may not exist yet.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

/// The folders that we make in it, which also show that it is ours.
pub(crate) const SUBDIRS: [&str; 6] = ["clients", "credentials", "ledgers", "locks", "profiles", "secrets"];

impl StateDir {
    /// The folder at `path`; it is looked at by [`StateDir::check`] and made by [`StateDir::room`].
    pub fn new(path: PathBuf) -> Self {
        StateDir(path)
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of one of our folders in it.
    pub(crate) fn subdir_path(&self, subdir: &str) -> PathBuf {
        self.0.join(subdir)
    }

    /// Refuses a folder that is a link or somebody else's, or that somebody else could replace. One that is not there is
    /// fine.
    pub fn check(&self) -> Result<(), Error> {
        if let Ok(found) = fs::symlink_metadata(&self.0) {
            self.check_owner(&found)?;
        }
        self.check_ancestors()
    }

    /// As `StrictModes` of OpenSSH does, except that a sticky folder such as `/tmp` may be above ours.
    fn check_ancestors(&self) -> Result<(), Error> {
        let Some(parent) = self.0.parent() else { return Ok(()) };
        for folder in files::canonical(parent).ancestors() {
            let Some(found) = stat(folder) else { continue };
            let problem = match () {
                () if !owned_by_us_or_root(&found) => {
                    tr!(
                        "belongs to another user, who could replace the state folder {state}",
                        state = self.0.display()
                    )
                }
                () if others_may_replace_in(&found) => {
                    tr!(
                        "can be written by other users, who could replace the state folder {state}",
                        state = self.0.display()
                    )
                }
                () => continue,
            };
            return Err(Error::Unsafe {
                path: folder.to_owned(),
                problem,
                hint: tr!(
                    "run 'chmod go-w {path}', or set ZOHO_CRED_STATE_DIR to a folder of your own",
                    path = folder.display()
                ),
            });
        }
        Ok(())
    }

    fn check_owner(&self, found: &Metadata) -> Result<(), Error> {
        let refuse = |problem: &str| {
            Err(Error::Unsafe {
                path: self.0.clone(),
                problem: problem.into(),
                hint: tr!("set ZOHO_CRED_STATE_DIR to a folder of your own"),
            })
        };
        if found.is_symlink() {
            return refuse(&tr!("is a link, not a folder"));
        }
        if !found.is_dir() {
            return refuse(&tr!("is not a folder"));
        }
        if !owned_by_us(found) {
            return refuse(&tr!("belongs to another user"));
        }
        Ok(())
    }

    /// Makes one of our folders, and the state folder around it, with mode 0700 whatever the umask.
    pub(crate) fn subdir(&self, subdir: &str) -> Result<PathBuf, Error> {
        let path = self.subdir_path(subdir);
        if let Some(parent) = self.0.parent() {
            fs::create_dir_all(parent).map_err(|error| failed("create", parent, &error))?;
        }
        let is_new = make_private(&self.0).map_err(|error| failed("create", &self.0, &error))?;
        self.check()?;
        if !is_new {
            self.refuse_other_files()?;
        }
        close_folder(&self.0)?;
        make_private(&path).map_err(|error| failed("create", &path, &error))?;
        let found = fs::symlink_metadata(&path).map_err(|error| failed("read", &path, &error))?;
        StateDir(path.clone()).check_owner(&found)?;
        close_folder(&path)?;
        Ok(path)
    }

    /// Refuses a folder that others can enter, unless it is empty or has our folders in it: one that holds other things
    /// was named by mistake, and is not to be closed.
    fn refuse_other_files(&self) -> Result<(), Error> {
        let found = fs::symlink_metadata(&self.0).map_err(|error| failed("read", &self.0, &error))?;
        if !is_open_to_others(&found) {
            return Ok(());
        }
        let is_ours = |found: Metadata| found.is_dir() && owned_by_us(&found);
        let ours = SUBDIRS.iter().any(|subdir| stat(&self.subdir_path(subdir)).is_some_and(is_ours));
        let empty = fs::read_dir(&self.0).is_ok_and(|mut entries| entries.next().is_none());
        if ours || empty {
            return Ok(());
        }
        Err(Error::Unsafe {
            path: self.0.clone(),
            problem: tr!("is open to others and holds other files"),
            hint: tr!(
                "set ZOHO_CRED_STATE_DIR to a folder of its own, or run 'chmod 700 {path}'",
                path = self.0.display(),
            ),
        })
    }
}

/// Takes everybody else's access to a folder away, and gives us ours, whatever the umask said.
fn close_folder(path: &Path) -> Result<(), Error> {
    set_private(path).map_err(|error| failed("protect", path, &error))
}

/// The error of an action on a path.
pub(crate) fn failed(action: &'static str, path: &Path, error: &io::Error) -> Error {
    Error::Store { action, what: path.display().to_string(), problem: error.to_string() }
}

/// The whole of a file of ours, at most 64 KiB, and its metadata. No link is followed to it or to its folder.
pub fn read(path: &Path) -> io::Result<(Vec<u8>, Metadata)> {
    if let Some(folder) = path.parent() {
        let found = fs::symlink_metadata(folder)?;
        if !found.is_dir() || !owned_by_us(&found) {
            return Err(io::Error::other(tr!("it is not in a folder of ours")));
        }
    }
    let (bytes, found) = files::read(path, Accept::NoLink, files::SMALL)?;
    match owned_by_us(&found) {
        true => Ok((bytes, found)),
        false => Err(io::Error::other(tr!("it is not a file of ours"))),
    }
}

#[cfg(unix)]
mod os {
    use super::*;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

    /// Whether the file belongs to the user this process runs as.
    pub(crate) fn owned_by_us(found: &Metadata) -> bool {
        found.uid() == rustix::process::geteuid().as_raw()
    }

    /// Whether the file belongs to that user or to root.
    pub(crate) fn owned_by_us_or_root(found: &Metadata) -> bool {
        found.uid() == 0 || owned_by_us(found)
    }

    /// Whether others may rename what is in the folder. The user's own group counts as the user.
    pub(crate) fn others_may_replace_in(folder: &Metadata) -> bool {
        let by_group = folder.mode() & 0o020 != 0 && folder.gid() != rustix::process::getegid().as_raw();
        let is_sticky = folder.mode() & 0o1000 != 0;
        (by_group || folder.mode() & 0o002 != 0) && !is_sticky
    }

    /// Whether anybody but the owner has any access.
    pub(crate) fn is_open_to_others(found: &Metadata) -> bool {
        found.mode() & 0o077 != 0
    }

    /// Makes a folder of mode 0700 or less, and tells whether there was none.
    pub(crate) fn make_private(path: &Path) -> io::Result<bool> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn set_private(folder: &Path) -> io::Result<()> {
        match fs::symlink_metadata(folder)?.mode() & 0o777 {
            0o700 => Ok(()),
            _ => fs::set_permissions(folder, fs::Permissions::from_mode(0o700)),
        }
    }

    /// Takes everybody else's access to a file of ours away, and gives us ours, whatever the umask said.
    pub(crate) fn close_file(file: &File) -> io::Result<()> {
        match file.metadata()?.mode() & 0o777 {
            0o600 => Ok(()),
            _ => file.set_permissions(fs::Permissions::from_mode(0o600)),
        }
    }
}

#[cfg(not(unix))]
mod os {
    use super::*;

    /// There are no owners that could be told here.
    pub(crate) fn owned_by_us(_: &Metadata) -> bool {
        true
    }

    /// There are no owners that could be told here.
    pub(crate) fn owned_by_us_or_root(_: &Metadata) -> bool {
        true
    }

    /// There are no modes here.
    pub(crate) fn others_may_replace_in(_: &Metadata) -> bool {
        false
    }

    /// There are no modes here.
    pub(crate) fn is_open_to_others(_: &Metadata) -> bool {
        false
    }

    pub(crate) fn make_private(path: &Path) -> io::Result<bool> {
        fs::create_dir_all(path).map(|()| true)
    }

    pub(crate) fn set_private(_: &Path) -> io::Result<()> {
        Ok(())
    }

    /// There are no modes here.
    pub(crate) fn close_file(_: &File) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) use os::{close_file, is_open_to_others, owned_by_us};
use os::{make_private, others_may_replace_in, owned_by_us_or_root, set_private};

/// What stands at the path, links not followed.
pub(crate) fn stat(path: &Path) -> Option<Metadata> {
    fs::symlink_metadata(path).ok()
}

/// The paths in a folder of ours; a folder that is not there is an empty one.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(failed("read", folder, &error)),
    }
}
