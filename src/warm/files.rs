//! Files of ours, opened without memory from the heap.

use crate::store::{Links, Stamp};
use arrayvec::ArrayVec;
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, lstat, open};
use rustix::io::{Errno, close, read};
use rustix::process::geteuid;
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::IntoRawFd;

/// A path in the making.
pub type PathText = ArrayVec<u8, 1024>;
/// What stood at a path.
pub type Seen = ArrayVec<u8, 128>;
/// The longest file that is read, in bytes.
pub const LONGEST: usize = 8192;

/// Puts `parts` and the NUL that system calls want into `path`; `None` where they do not fit.
pub fn path<'a>(path: &'a mut PathText, parts: &[&[u8]]) -> Option<&'a CStr> {
    path.clear();
    for part in parts {
        path.try_extend_from_slice(part).ok()?;
    }
    path.try_push(0).ok()?;
    CStr::from_bytes_with_nul(path).ok()
}

/// The whole of a file of ours; never through a link, never another user's. `None` where it is too long, too.
pub fn read_ours<'a>(path: &CStr, room: &'a mut [MaybeUninit<u8>; LONGEST]) -> Option<&'a mut [u8]> {
    let file =
        open(path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty());
    let file = file.ok()?;
    let sound = fstat(&file).is_ok_and(|found| {
        is_ours(&found, FileType::RegularFile)
            && usize::try_from(found.st_size).is_ok_and(|size| size < LONGEST)
    });
    let bytes = match sound {
        true => read(&file, &mut room[..]).ok().map(|(bytes, _)| bytes),
        false => None,
    };
    // Dropping it would ask the C library.
    #[expect(unsafe_code, reason = "the descriptor was opened here and is used nowhere else")]
    unsafe {
        close(file.into_raw_fd());
    }
    bytes
}

/// Whether the state folder is ours and not a link.
pub fn is_our_folder(path: &CStr) -> bool {
    lstat(path).is_ok_and(|found| is_ours(&found, FileType::Directory))
}

fn is_ours(found: &Stat, kind: FileType) -> bool {
    FileType::from_raw_mode(found.st_mode) == kind && found.st_uid == geteuid().as_raw()
}

/// The version of the file at a path, or that there is none; `None` where that cannot be told.
pub fn look(path: &CStr, links: Links) -> Option<Option<Stamp>> {
    match Stamp::look(path, links) {
        Ok(stamp) => Some(Some(stamp?)),
        Err(Errno::NOENT) => Some(None),
        Err(_) => None,
    }
}

/// What was looked at as a text, which is the same only for the very same version of the same file, or for none.
pub fn seen(stamp: Option<&Stamp>, links: Links) -> Option<Seen> {
    let mut text = Seen::new();
    text.push(if links == Links::Follow { b'f' } else { b'n' });
    let Some(stamp) = stamp else { return Some(text) };
    for number in [stamp.device, stamp.inode, stamp.length] {
        push_number(&mut text, number)?;
    }
    for number in [stamp.modified_ns, stamp.changed_ns] {
        push_number(&mut text, number)?;
    }
    Some(text)
}

/// Whether at a path stands what was seen there.
pub fn is_still(path: &CStr, was: &[u8]) -> bool {
    let links = if was.starts_with(b"f") { Links::Follow } else { Links::Refuse };
    look(path, links).and_then(|stamp| seen(stamp.as_ref(), links)).is_some_and(|now| now.as_slice() == was)
}

fn push_number(text: &mut Seen, number: impl itoa::Integer) -> Option<()> {
    text.try_push(b' ').ok()?;
    text.try_extend_from_slice(itoa::Buffer::new().format(number).as_bytes()).ok()
}
