//! Atomically replaces the file of `--output-file`.

use crate::error::Error;
use crate::i18n::tr;
use crate::system::files;
use os::OutputDir;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

/// A path that a token may be written to.
#[derive(Clone, Debug)]
pub(crate) struct OutputFile {
    path: PathBuf,
    folder: PathBuf,
    name: OsString,
    mode: u32,
}

impl OutputFile {
    /// Checks `path` for writing with `mode`. Creates missing parent directories with mode 0700, or 0750 if `mode`
    /// lets the group read. Removes what killed calls left beside the file.
    ///
    /// `Code::Store` if `path` is a symbolic link or not a file, if others can write to its directory, or if the
    /// directory cannot be opened.
    pub(crate) fn new(path: &Path, mode: u32) -> Result<Self, Error> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new(".")).to_owned();
        let name = path.file_name().unwrap_or_default().to_owned();
        let file = OutputFile { path: path.to_owned(), folder, name, mode };
        if file.name.is_empty() {
            return Err(file.refuse(&tr!("is not a file")));
        }
        file.open_folder()?.remove_stale(&file.name);
        file.check()?;
        Ok(file)
    }

    /// The path as given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces the file. Readers see either the old or the new content. Nobody else can read the new file before it
    /// is in place.
    pub(crate) fn replace(&self, bytes: &[u8]) -> Result<(), Error> {
        let folder = self.open_folder()?;
        self.check()?;
        folder.replace(&self.name, bytes, self.mode).map_err(|error| self.failed(&error))
    }

    /// Whether the file is as [`OutputFile::replace`] left it.
    pub(crate) fn holds(&self, bytes: &[u8]) -> bool {
        os::is_file_of(&self.path, bytes, self.mode).unwrap_or(false)
    }

    fn open_folder(&self) -> Result<OutputDir, Error> {
        let mode = if self.mode & 0o040 == 0 { 0o700 } else { 0o750 };
        let folder = OutputDir::open_or_create(&self.folder, mode).map_err(|error| self.failed(&error))?;
        let found = folder.metadata().map_err(|error| self.failed(&error))?;
        if os::belongs_to_another_user(&found) {
            return Err(self.refuse(&tr!("is in a folder of another user")));
        }
        if os::others_can_write(&found) {
            let path = self.folder.join("zoho-cred").join(&self.name);
            return Err(files::unsafe_path(
                &self.path,
                tr!("is in a folder that others can write to"),
                tr!("use --output-file {path}; zoho-cred creates the folder", path = path.display()),
            ));
        }
        Ok(folder)
    }

    /// Refuses anything but a regular file, because replacing a link or a device would surprise its readers.
    fn check(&self) -> Result<(), Error> {
        match std::fs::symlink_metadata(&self.path) {
            Ok(found) if found.is_symlink() => Err(self.refuse(&tr!("is a link"))),
            Ok(found) if !found.is_file() => Err(self.refuse(&tr!("is not a file"))),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.failed(&error)),
        }
    }

    fn refuse(&self, problem: &str) -> Error {
        files::unsafe_path(
            &self.path,
            problem.to_owned(),
            tr!("give --output-file a path in a folder that only you can write to"),
        )
    }

    fn failed(&self, error: &io::Error) -> Error {
        files::unwritable(&self.path, error)
    }
}

#[cfg(unix)]
mod os {
    use rustix::fs::{
        AtFlags, Dir, FlockOperation, Mode, OFlags, flock, mkdirat, openat, renameat, unlinkat,
    };
    use std::ffi::{OsStr, OsString};
    use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
    use std::io::{self, Read, Write};
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;
    use zeroize::Zeroizing;

    /// Prefix of our own files beside an output file.
    const PREFIX: &str = ".zoho-cred-";
    /// The file in a staging directory.
    const NEW: &str = "new";
    /// How often a concurrent cleanup may delete a new staging directory.
    const ATTEMPTS: u32 = 5;

    /// The directory of an output file. It is used by descriptor, so that it cannot be swapped after the check.
    pub(crate) struct OutputDir(File);

    impl OutputDir {
        /// Opens the directory. Missing ones are created with `mode`, whatever the umask.
        pub(crate) fn open_or_create(path: &Path, mode: u32) -> io::Result<Self> {
            match OutputDir::open(path, OFlags::empty()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    create(path, mode)?;
                    OutputDir::open(path, OFlags::empty())
                }
                opened => opened,
            }
        }

        fn open(path: &Path, flags: OFlags) -> io::Result<Self> {
            let flags = (OFlags::DIRECTORY | flags).bits() as i32;
            OpenOptions::new().read(true).custom_flags(flags).open(path).map(OutputDir)
        }

        pub(crate) fn metadata(&self) -> io::Result<Metadata> {
            self.0.metadata()
        }

        /// Replaces the file `name`.
        pub(crate) fn replace(&self, name: &OsStr, bytes: &[u8], mode: u32) -> io::Result<()> {
            let mut attempt = 1;
            loop {
                let written = Staging::create(self).and_then(|staging| staging.write(name, bytes, mode));
                match written {
                    Err(error) if attempt < ATTEMPTS && was_removed(&error) => attempt += 1,
                    written => return written,
                }
            }
        }

        /// Removes staging directories of killed calls. Running calls lock theirs.
        pub(crate) fn remove_stale(&self, except: &OsStr) {
            let Ok(entries) = Dir::read_from(&self.0) else { return };
            for entry in entries.flatten() {
                let name = OsStr::from_bytes(entry.file_name().to_bytes());
                if is_ours(name)
                    && name != except
                    && let Err(error) = self.remove_unlocked(name)
                {
                    log::debug!("{} stays: {error}", name.display());
                }
            }
        }

        fn remove_unlocked(&self, name: &OsStr) -> io::Result<()> {
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let found = File::from(openat(&self.0, name, flags, Mode::empty())?);
            if found.metadata()?.uid() != rustix::process::geteuid().as_raw() {
                return Ok(());
            }
            flock(&found, FlockOperation::NonBlockingLockExclusive)?;
            let _ = unlinkat(&found, NEW, AtFlags::empty());
            Ok(unlinkat(&self.0, name, AtFlags::REMOVEDIR)?)
        }
    }

    /// A directory of mode 0700 beside the output file. The new file gets its final mode in it. So a killed call
    /// leaves nothing that others can read, and readers never see another mode.
    struct Staging<'a> {
        beside: &'a OutputDir,
        name: OsString,
        folder: File,
    }

    impl<'a> Staging<'a> {
        fn create(beside: &'a OutputDir) -> io::Result<Self> {
            let random = getrandom::u64().map_err(|error| io::Error::other(error.to_string()))?;
            let name = OsString::from(format!("{PREFIX}{random:016x}"));
            mkdirat(&beside.0, &name, Mode::RWXU)?;
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let folder = match openat(&beside.0, &name, flags, Mode::empty()) {
                Ok(folder) => File::from(folder),
                Err(error) => {
                    let _ = unlinkat(&beside.0, &name, AtFlags::REMOVEDIR);
                    return Err(error.into());
                }
            };
            let staging = Staging { beside, name, folder };
            match flock(&staging.folder, FlockOperation::NonBlockingLockExclusive) {
                Err(error) if error == rustix::io::Errno::WOULDBLOCK => Err(error.into()),
                // Without locks, no call removes another one's directory.
                _ => Ok(staging),
            }
        }

        fn write(&self, name: &OsStr, bytes: &[u8], mode: u32) -> io::Result<()> {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let mut file = File::from(openat(&self.folder, NEW, flags, Mode::RUSR | Mode::WUSR)?);
            file.write_all(bytes)?;
            file.set_permissions(Permissions::from_mode(mode))?;
            file.sync_all()?;
            Ok(renameat(&self.folder, NEW, &self.beside.0, name)?)
        }
    }

    impl Drop for Staging<'_> {
        fn drop(&mut self) {
            let _ = unlinkat(&self.folder, NEW, AtFlags::empty());
            let _ = unlinkat(&self.beside.0, &self.name, AtFlags::REMOVEDIR);
        }
    }

    /// Whether another call removed the staging directory before it was locked.
    fn was_removed(error: &io::Error) -> bool {
        matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::WouldBlock)
    }

    /// Whether this is the name of a staging directory.
    fn is_ours(name: &OsStr) -> bool {
        let random = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
        random.is_some_and(|random| random.len() == 16 && random.bytes().all(|b| b.is_ascii_hexdigit()))
    }

    fn create(path: &Path, mode: u32) -> io::Result<()> {
        let create_one = || DirBuilder::new().mode(0o700).create(path);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let created = match (create_one(), parent) {
            (Err(error), Some(parent)) if error.kind() == io::ErrorKind::NotFound => {
                create(parent, mode)?;
                create_one()
            }
            (created, _) => created,
        };
        match created {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            created => created?,
        }
        let created = OutputDir::open(path, OFlags::NOFOLLOW)?;
        created.0.set_permissions(Permissions::from_mode(mode))
    }

    pub(crate) fn belongs_to_another_user(folder: &Metadata) -> bool {
        let us = rustix::process::geteuid();
        !us.is_root() && folder.uid() != us.as_raw() && folder.uid() != 0
    }

    pub(crate) fn others_can_write(folder: &Metadata) -> bool {
        folder.mode() & 0o002 != 0
    }

    /// Whether `path` is a regular file with this content and mode.
    pub(crate) fn is_file_of(path: &Path, bytes: &[u8], mode: u32) -> io::Result<bool> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let found = file.metadata()?;
        if !found.is_file() || found.mode() & 0o7777 != mode || found.len() != bytes.len() as u64 {
            return Ok(false);
        }
        let mut content = Zeroizing::new(Vec::with_capacity(bytes.len() + 1));
        file.take(bytes.len() as u64 + 1).read_to_end(&mut content)?;
        Ok(content.as_slice() == bytes)
    }
}

#[cfg(not(unix))]
mod os {
    use std::ffi::OsStr;
    use std::fs::Metadata;
    use std::io;
    use std::path::{Path, PathBuf};

    pub(crate) struct OutputDir(PathBuf);

    #[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
    impl OutputDir {
        pub(crate) fn open_or_create(path: &Path, _: u32) -> io::Result<Self> {
            std::fs::create_dir_all(path)?;
            Ok(OutputDir(path.to_owned()))
        }

        pub(crate) fn metadata(&self) -> io::Result<Metadata> {
            std::fs::metadata(&self.0)
        }

        pub(crate) fn replace(&self, name: &OsStr, bytes: &[u8], _: u32) -> io::Result<()> {
            crate::system::new_file::NewFile::create(&self.0.join(name))?.commit(bytes)
        }

        pub(crate) fn remove_stale(&self, _: &OsStr) {}
    }

    pub(crate) fn belongs_to_another_user(_: &Metadata) -> bool {
        false
    }

    pub(crate) fn others_can_write(_: &Metadata) -> bool {
        false
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one adapter")]
    pub(crate) fn is_file_of(path: &Path, bytes: &[u8], _: u32) -> io::Result<bool> {
        Ok(std::fs::symlink_metadata(path)?.is_file() && std::fs::read(path)? == bytes)
    }
}
