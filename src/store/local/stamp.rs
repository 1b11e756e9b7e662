//! What identifies one version of a file, so that a look at its directory entry tells whether it is still the one
//! that was read.

use crate::i18n::tr;
use serde::{Deserialize, Serialize};
#[cfg(unix)]
use std::ffi::CStr;
use std::io;
use std::path::Path;

/// One version of one regular file. Whatever is done to the file changes at least one of these; the time of the last
/// status change (`ctime`) cannot be set back by a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    pub(crate) device: u64,
    pub(crate) inode: u64,
    pub(crate) length: u64,
    /// In ns since 1970, like the next.
    pub(crate) modified_ns: i64,
    pub(crate) changed_ns: i64,
}

/// Whether a link in place of the file is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// A person's file may be a link.
    Follow,
    /// A file of ours is none.
    Refuse,
}

/// File systems keep times as coarse as two seconds, so that a file that was changed twice within them may look the
/// same both times, in ms.
const COARSE_MS: i64 = 2_500;

impl Stamp {
    /// The stamp of the file at `path`. [`io::ErrorKind::NotFound`] where there is none; an error of another kind
    /// where that cannot be told, or where it is no regular file with exactly this one name.
    pub fn of(path: &Path, links: Links) -> io::Result<Self> {
        os::stamp(path, links)?.ok_or_else(|| io::Error::other(tr!("it is not a file with one name")))
    }

    /// The same without a word of explanation, and without memory from the heap: the error where nothing is there
    /// or that cannot be told, `None` for something else than a regular file with one name.
    #[cfg(unix)]
    pub fn look(path: &CStr, links: Links) -> Result<Option<Self>, rustix::io::Errno> {
        os::look(path, links)
    }

    /// Whether the file has been left alone for so long that a change after `now_ms` (ms since 1970) shows in its
    /// stamp.
    pub fn is_settled(&self, now_ms: i64) -> bool {
        let latest = self.modified_ns.max(self.changed_ns).div_euclid(1_000_000);
        now_ms.saturating_sub(latest) > COARSE_MS
    }

    /// When the file was last written, in ms since 1970.
    pub fn modified_ms(&self) -> i64 {
        self.modified_ns.div_euclid(1_000_000)
    }
}

#[cfg(target_os = "linux")]
mod os {
    use super::*;
    use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, StatxTimestamp, statx};
    use rustix::io::Errno;
    use rustix::path::Arg;

    pub fn stamp(path: &Path, links: Links) -> io::Result<Option<Stamp>> {
        Ok(look(path, links)?)
    }

    /// A network file system is made to ask its server: its own idea of a file may be a minute old.
    pub fn look(path: impl Arg, links: Links) -> Result<Option<Stamp>, Errno> {
        let flags = match links {
            Links::Follow => AtFlags::STATX_FORCE_SYNC,
            Links::Refuse => AtFlags::STATX_FORCE_SYNC | AtFlags::SYMLINK_NOFOLLOW,
        };
        let wanted = StatxFlags::BASIC_STATS;
        let found = statx(CWD, path, flags, wanted)?;
        let regular = FileType::from_raw_mode(found.stx_mode.into()) == FileType::RegularFile;
        if found.stx_mask & wanted.bits() != wanted.bits() || !regular || found.stx_nlink != 1 {
            return Ok(None);
        }
        let ns = |time: StatxTimestamp| time.tv_sec.saturating_mul(1_000_000_000) + i64::from(time.tv_nsec);
        Ok(Some(Stamp {
            device: u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor),
            inode: found.stx_ino,
            length: found.stx_size,
            modified_ns: ns(found.stx_mtime),
            changed_ns: ns(found.stx_ctime),
        }))
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
#[expect(clippy::disallowed_methods, reason = "this room looks at files")]
mod os {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::MetadataExt;

    pub fn look(path: &CStr, links: Links) -> Result<Option<Stamp>, rustix::io::Errno> {
        let path = Path::new(OsStr::from_bytes(path.to_bytes()));
        stamp(path, links)
            .map_err(|error| rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO))
    }

    pub fn stamp(path: &Path, links: Links) -> io::Result<Option<Stamp>> {
        let found = match links {
            Links::Follow => std::fs::metadata(path)?,
            Links::Refuse => std::fs::symlink_metadata(path)?,
        };
        if !found.is_file() || found.nlink() != 1 {
            return Ok(None);
        }
        let ns = |seconds: i64, ns: i64| seconds.saturating_mul(1_000_000_000) + ns;
        Ok(Some(Stamp {
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            modified_ns: ns(found.mtime(), found.mtime_nsec()),
            changed_ns: ns(found.ctime(), found.ctime_nsec()),
        }))
    }
}

/// Without a number that stays with a file nothing can be told.
#[cfg(not(unix))]
mod os {
    use super::*;

    pub fn stamp(_: &Path, _: Links) -> io::Result<Option<Stamp>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &Path) -> Stamp {
        Stamp::of(path, Links::Follow).unwrap()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test may write files")]
    fn a_changed_file_has_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let missing = Stamp::of(&path, Links::Follow).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        std::fs::write(&path, "one").unwrap();
        let first = of(&path);
        assert_eq!(of(&path), first);
        std::fs::write(folder.path().join("new"), "two").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert_ne!(of(&path), first);
        std::fs::hard_link(&path, folder.path().join("other")).unwrap();
        assert!(Stamp::of(&path, Links::Follow).is_err());
    }

    #[test]
    fn a_young_file_is_not_settled() {
        let stamp =
            Stamp { device: 1, inode: 1, length: 1, modified_ns: 7_000_000_000, changed_ns: 9_000_000_000 };
        assert!(!stamp.is_settled(9_000) && !stamp.is_settled(11_000) && !stamp.is_settled(1));
        assert!(stamp.is_settled(12_000));
    }
}
