//! Detects whether a file is still the one that was read, from its metadata.

use std::io;
use std::path::Path;

/// A version of a regular file. Every change of the file changes at least one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileVersion {
    device: u64,
    inode: u64,
    length: u64,
    /// Nanoseconds since 1970.
    modified_ns: i64,
    /// Nanoseconds since 1970. Programs cannot set it.
    changed_ns: i64,
}

impl FileVersion {
    /// The version of the file at `path`. [`io::ErrorKind::NotFound`] if it is missing,
    /// [`io::ErrorKind::Unsupported`] if it is not a regular file or has several links.
    #[cfg(target_os = "linux")]
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, StatxTimestamp, statx};
        // FORCE_SYNC makes a network file system ask its server instead of its attribute cache.
        let flags = AtFlags::STATX_FORCE_SYNC | AtFlags::SYMLINK_NOFOLLOW;
        let found = statx(CWD, path, flags, StatxFlags::BASIC_STATS)?;
        if FileType::from_raw_mode(found.stx_mode.into()) != FileType::RegularFile || found.stx_nlink != 1 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let ns = |time: StatxTimestamp| time.tv_sec.saturating_mul(1_000_000_000) + i64::from(time.tv_nsec);
        Ok(FileVersion {
            device: u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor),
            inode: found.stx_ino,
            length: found.stx_size,
            modified_ns: ns(found.stx_mtime),
            changed_ns: ns(found.stx_ctime),
        })
    }

    /// The version of the file at `path`. [`io::ErrorKind::NotFound`] if it is missing,
    /// [`io::ErrorKind::Unsupported`] if it is not a regular file or has several links.
    #[cfg(all(unix, not(target_os = "linux")))]
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::symlink_metadata(path)?;
        if !found.is_file() || found.nlink() != 1 {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let ns = |seconds: i64, ns: i64| seconds.saturating_mul(1_000_000_000) + ns;
        Ok(FileVersion {
            device: found.dev(),
            inode: found.ino(),
            length: found.len(),
            modified_ns: ns(found.mtime(), found.mtime_nsec()),
            changed_ns: ns(found.ctime(), found.ctime_nsec()),
        })
    }

    /// Always [`io::ErrorKind::Unsupported`]: without inode numbers, a replaced file cannot be detected.
    #[cfg(not(unix))]
    pub(crate) fn of(_: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test may write files")]
    fn a_changed_file_has_another_version() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(FileVersion::of(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::write(&path, "one").unwrap();
        let first = FileVersion::of(&path).unwrap();
        assert_eq!(FileVersion::of(&path).unwrap(), first);
        std::fs::write(folder.path().join("new"), "two").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert_ne!(FileVersion::of(&path).unwrap(), first);
        std::fs::hard_link(&path, folder.path().join("other")).unwrap();
        assert!(FileVersion::of(&path).is_err());
    }
}
