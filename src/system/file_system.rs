//! Detects file systems whose locks or permissions are unreliable.

use std::path::Path;

/// A kind of file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileSystem {
    /// A local file system.
    Local,
    /// A network or FUSE file system.
    Remote(&'static str),
    /// A file system without owners and permissions.
    WithoutOwners(&'static str),
    /// Detection failed.
    Unknown,
}

impl FileSystem {
    /// The file system of `path`, or of its nearest existing ancestor.
    pub fn of(path: &Path) -> Self {
        path.ancestors().find_map(kind).unwrap_or(FileSystem::Unknown)
    }
}

/// Magic numbers from `linux/magic.h` and the kernel's file systems.
#[cfg(target_os = "linux")]
fn kind(path: &Path) -> Option<FileSystem> {
    let found = rustix::fs::statfs(path).ok()?;
    Some(match found.f_type as u32 {
        0x6969 => FileSystem::Remote("NFS"),
        0x517B | 0xFE53_4D42 | 0xFF53_4D42 => FileSystem::Remote("SMB"),
        0x6573_5546 => FileSystem::Remote("FUSE"),
        0x0102_1997 => FileSystem::Remote("9P"),
        0x00C3_6400 => FileSystem::Remote("Ceph"),
        0x5346_414F => FileSystem::Remote("AFS"),
        0x0BD0_0BD0 => FileSystem::Remote("Lustre"),
        0x4750_4653 => FileSystem::Remote("GPFS"),
        0x7461_636F => FileSystem::Remote("OCFS2"),
        0x0116_1970 => FileSystem::Remote("GFS2"),
        0x786F_4256 => FileSystem::Remote("vboxsf"),
        0xBACB_ACBC => FileSystem::Remote("vmhgfs"),
        0x4D44 => FileSystem::WithoutOwners("vfat"),
        0x2011_BAB0 => FileSystem::WithoutOwners("exFAT"),
        0x5346_544E | 0x7366_746E => FileSystem::WithoutOwners("NTFS"),
        _ => FileSystem::Local,
    })
}

/// Only shares can be told by their path.
#[cfg(windows)]
fn kind(path: &Path) -> Option<FileSystem> {
    use std::path::{Component, Prefix};
    let Component::Prefix(prefix) = path.components().next()? else { return None };
    matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..)).then_some(FileSystem::Remote("SMB"))
}

#[cfg(not(any(target_os = "linux", windows)))]
fn kind(_: &Path) -> Option<FileSystem> {
    None
}

#[cfg(target_os = "linux")]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_yet_is_where_it_will_be() {
        assert_eq!(FileSystem::of(Path::new("/proc/1/none/such")), FileSystem::Local);
    }
}
