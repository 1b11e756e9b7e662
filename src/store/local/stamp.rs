//! What identifies one version of a file, so that a look at its directory entry tells whether it is still the one
//! that was read.

use crate::i18n::tr;
use std::io;
use std::path::Path;

/// One version of one regular file. Whatever is done to the file changes at least one of these; the time of the last
/// status change (`ctime`) cannot be set back by a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    /// In ns since 1970, like the next.
    modified_ns: i64,
    changed_ns: i64,
}

/// Whether a link in place of the file is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    /// A person's file may be a link.
    Follow,
    /// A file of ours is none.
    Refuse,
}

impl Stamp {
    /// The stamp of the file at `path`. [`io::ErrorKind::NotFound`] where there is none; an error of another kind
    /// where that cannot be told, or where it is no regular file with exactly this one name.
    pub(crate) fn of(path: &Path, links: Links) -> io::Result<Self> {
        os::stamp(path, links)?.ok_or_else(|| io::Error::other(tr!("it is not a file with one name")))
    }
}

#[cfg(target_os = "linux")]
mod os {
    use super::*;
    use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, StatxTimestamp, statx};

    /// A network file system is made to ask its server: its own idea of a file may be a minute old.
    pub(crate) fn stamp(path: &Path, links: Links) -> io::Result<Option<Stamp>> {
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
    use std::os::unix::fs::MetadataExt;

    pub(crate) fn stamp(path: &Path, links: Links) -> io::Result<Option<Stamp>> {
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

    pub(crate) fn stamp(_: &Path, _: Links) -> io::Result<Option<Stamp>> {
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
}
