//! Our files by descriptor: the state folder and the room in it are opened, seen to be ours, and then used as they are.
//! By their paths, somebody who may write to the folder around them could put others into their place between a look and
//! a write.

use crate::i18n::tr;
use crate::store::local::state_dir::{close_file, owned_by_us};
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The size limit of a file, in bytes.
const LONGEST: u64 = crate::system::files::SMALL as u64;

/// Where a file of ours is or will be: a name in an open room of an open state folder.
#[derive(Clone, Debug)]
pub struct Place {
    state: Rc<Dir>,
    subdir: Rc<Dir>,
    path: PathBuf,
}

impl Place {
    /// The place of `<state folder>/<room>/<name>`. [`io::ErrorKind::NotFound`] where a folder is missing; an error of
    /// another kind where one is a link or another user's.
    pub fn at(path: &Path) -> io::Result<Self> {
        let state = path.parent().and_then(Path::parent).filter(|state| !state.as_os_str().is_empty());
        Place::within(Rc::new(Dir::open(state.unwrap_or(Path::new(".")))?), path)
    }

    /// Another place in the very same state folder.
    pub fn along(&self, path: &Path) -> io::Result<Self> {
        Place::within(Rc::clone(&self.state), path)
    }

    fn within(state: Rc<Dir>, path: &Path) -> io::Result<Self> {
        let subdir = path.parent().and_then(Path::file_name).unwrap_or_default();
        Ok(Place { subdir: Rc::new(state.open_room(subdir)?), state, path: path.to_owned() })
    }

    /// A place in the same room, whose name goes on with a dot and `suffix`.
    pub fn beside(&self, suffix: &str) -> Self {
        let mut name = self.name().to_owned();
        name.push(".");
        name.push(suffix);
        self.named(&name)
    }

    /// A place of another name in the same room.
    pub fn named(&self, name: &OsStr) -> Self {
        Place { path: self.path.with_file_name(name), ..self.clone() }
    }

    /// The path, for messages, and to see what stands there by now.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }

    /// What the room is like.
    pub fn subdir(&self) -> io::Result<Metadata> {
        self.subdir.metadata()
    }

    /// Opens the file for reading; never through a link.
    pub fn open_existing(&self) -> io::Result<File> {
        self.subdir.open_file(&self.path, self.name(), How::Read)
    }

    /// Makes the file, with mode 0600 or less; an error where something of the name is there.
    pub fn create_new(&self) -> io::Result<File> {
        self.subdir.open_file(&self.path, self.name(), How::New)
    }

    /// Opens the file for writing, made with mode 0600 if it is not there; never through a link, and never one of
    /// another user, who may still have it open.
    pub fn open_or_create(&self, truncate: bool) -> io::Result<File> {
        let file = self.subdir.open_file(&self.path, self.name(), How::Write)?;
        is_ours(&file.metadata()?)?;
        close_file(&file)?;
        if truncate {
            file.set_len(0)?;
        }
        Ok(file)
    }

    /// The whole of the file, at most 64 KiB, together with what identifies this version of it.
    pub fn read(&self) -> io::Result<(Vec<u8>, Metadata)> {
        let mut file = self.open_existing()?;
        let metadata = file.metadata()?;
        is_ours(&metadata)?;
        let mut bytes = Vec::with_capacity(metadata.len().min(LONGEST) as usize);
        (&mut file).take(LONGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST {
            let limit = LONGEST / 1024;
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                tr!("it is larger than {limit} KiB", limit),
            ));
        }
        Ok((bytes, metadata))
    }

    /// Renames the file to `to`, which must be in the same room.
    pub fn rename(&self, to: &Place) -> io::Result<()> {
        self.subdir.rename((&self.path, self.name()), (&to.path, to.name()))
    }

    /// Removes the file.
    pub fn remove(&self) -> io::Result<()> {
        self.subdir.remove(&self.path, self.name())
    }

    /// Makes a rename survive a power cut. A file system that cannot do it for folders is left as it is.
    pub fn sync_folder(&self) {
        self.subdir.sync();
    }
}

/// What a file is opened for.
#[derive(Clone, Copy, Debug)]
pub enum How {
    /// For reading.
    Read,
    /// For writing; it is made if it is not there.
    Write,
    /// For writing; it is made, and must not be there.
    New,
}

fn is_ours(found: &Metadata) -> io::Result<()> {
    match found.is_file() && owned_by_us(found) {
        true => Ok(()),
        false => Err(io::Error::other(tr!("it is not a file of ours"))),
    }
}

#[cfg(unix)]
mod os {
    use super::*;
    use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, renameat, unlinkat};

    const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(ALWAYS);
    const ALWAYS: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);

    /// An open folder of ours.
    #[derive(Debug)]
    pub struct Dir(File);

    impl Dir {
        /// The folder at `path`, itself no link and ours.
        pub fn open(path: &Path) -> io::Result<Self> {
            Dir::ours(openat(CWD, path, FOLDER, Mode::empty())?.into())
        }

        /// A folder in it.
        pub fn open_room(&self, name: &OsStr) -> io::Result<Self> {
            Dir::ours(openat(&self.0, name, FOLDER, Mode::empty())?.into())
        }

        fn ours(folder: File) -> io::Result<Self> {
            match owned_by_us(&folder.metadata()?) {
                true => Ok(Dir(folder)),
                false => Err(io::Error::other(tr!("it is not in a folder of ours"))),
            }
        }

        /// Makes a folder in it, if there is none.
        pub fn make_room(&self, name: &OsStr) -> io::Result<()> {
            match mkdirat(&self.0, name, Mode::RWXU) {
                Err(error) if error != rustix::io::Errno::EXIST => Err(error.into()),
                _ => Ok(()),
            }
        }

        /// What it is like.
        pub fn metadata(&self) -> io::Result<Metadata> {
            self.0.metadata()
        }

        /// Takes everybody else's access away, and gives us ours, whatever the umask said.
        pub fn close(&self) -> io::Result<()> {
            use std::os::unix::fs::{MetadataExt, PermissionsExt};
            match self.0.metadata()?.mode() & 0o777 {
                0o700 => Ok(()),
                _ => self.0.set_permissions(fs::Permissions::from_mode(0o700)),
            }
        }

        /// A file in it, opened or made.
        pub fn open_file(&self, _: &Path, name: &OsStr, how: How) -> io::Result<File> {
            let how = match how {
                // What is no file, such as a FIFO, is not waited for.
                How::Read => OFlags::RDONLY | OFlags::NONBLOCK,
                How::Write => OFlags::RDWR | OFlags::NONBLOCK | OFlags::CREATE,
                How::New => OFlags::RDWR | OFlags::CREATE | OFlags::EXCL,
            };
            Ok(openat(&self.0, name, how | ALWAYS, Mode::RUSR | Mode::WUSR)?.into())
        }

        /// Renames a file in it.
        pub fn rename(&self, from: (&Path, &OsStr), to: (&Path, &OsStr)) -> io::Result<()> {
            Ok(renameat(&self.0, from.1, &self.0, to.1)?)
        }

        /// Removes a file in it.
        pub fn remove(&self, _: &Path, name: &OsStr) -> io::Result<()> {
            Ok(unlinkat(&self.0, name, AtFlags::empty())?)
        }

        /// Writes its entries to the disk, where the file system can.
        pub fn sync(&self) {
            let _ = self.0.sync_all();
        }
    }
}

/// Without calls by descriptor: by the paths.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, reason = "this room writes files")]
mod os {
    use super::*;

    /// A folder of ours.
    #[derive(Debug)]
    pub struct Dir(PathBuf);

    impl Dir {
        /// The folder at `path`.
        pub fn open(path: &Path) -> io::Result<Self> {
            fs::metadata(path).map(|_| Dir(path.to_owned()))
        }

        /// A folder in it.
        pub fn open_room(&self, name: &OsStr) -> io::Result<Self> {
            Dir::open(&self.0.join(name))
        }

        /// Makes a folder in it, if there is none.
        pub fn make_room(&self, name: &OsStr) -> io::Result<()> {
            fs::create_dir_all(self.0.join(name))
        }

        /// What it is like.
        pub fn metadata(&self) -> io::Result<Metadata> {
            fs::metadata(&self.0)
        }

        /// There are no modes here.
        pub fn close(&self) -> io::Result<()> {
            Ok(())
        }

        /// Opens a file in it.
        pub fn open_file(&self, path: &Path, _: &OsStr, how: How) -> io::Result<File> {
            let mut options = fs::OpenOptions::new();
            match how {
                How::Read => options.read(true),
                How::Write => options.read(true).write(true).create(true).truncate(false),
                How::New => options.read(true).write(true).create_new(true),
            };
            options.open(path)
        }

        /// Moves a file.
        pub fn rename(&self, from: (&Path, &OsStr), to: (&Path, &OsStr)) -> io::Result<()> {
            fs::rename(from.0, to.0)
        }

        /// Removes a file.
        pub fn remove(&self, path: &Path, _: &OsStr) -> io::Result<()> {
            fs::remove_file(path)
        }

        /// There is nothing to be done.
        pub fn sync(&self) {}
    }
}

pub use os::Dir;
