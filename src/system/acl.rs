//! Access control lists of files on Windows.

use std::io;
use std::path::Path;
use windows_permissions::constants::{AceType, SeObjectType, SecurityInformation};
use windows_permissions::utilities::current_process_sid;
use windows_permissions::wrappers::{GetNamedSecurityInfo, SetNamedSecurityInfo};
use windows_permissions::{LocalBox, SecurityDescriptor, Sid};

/// SYSTEM and the Administrators, who can read every file anyway. CREATOR OWNER and OWNER RIGHTS stand for the owner.
const TRUSTED: [&str; 4] = ["S-1-5-18", "S-1-5-32-544", "S-1-3-0", "S-1-3-4"];

/// Admits only the current user, SYSTEM and Administrators to a file, or to a folder and everything in it. The rights of
/// the folder above are no longer inherited.
pub(crate) fn close(path: &Path) -> io::Result<()> {
    let user = current_process_sid()?;
    let rights = format!("D:P(A;OICI;FA;;;{})(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)", *user);
    let rights: LocalBox<SecurityDescriptor> = rights.parse()?;
    let what = SecurityInformation::Dacl | SecurityInformation::ProtectedDacl;
    SetNamedSecurityInfo(path, SeObjectType::SE_FILE_OBJECT, what, None, None, rights.dacl(), None)
}

/// Whether the file belongs to another user, who could change its list.
pub(crate) fn belongs_to_another_user(path: &Path) -> io::Result<bool> {
    let found = GetNamedSecurityInfo(path, SeObjectType::SE_FILE_OBJECT, SecurityInformation::Owner)?;
    let user = current_process_sid()?;
    Ok(found.owner().is_none_or(|owner| !is_trusted(owner, &user)))
}

/// Whether anyone but the current user, SYSTEM and Administrators has any right to the file. A file without a list is
/// open to everyone.
pub(crate) fn is_open_to_others(path: &Path) -> io::Result<bool> {
    let found = GetNamedSecurityInfo(path, SeObjectType::SE_FILE_OBJECT, SecurityInformation::Dacl)?;
    let user = current_process_sid()?;
    let Some(list) = found.dacl() else { return Ok(true) };
    Ok((0..list.len()).filter_map(|index| list.get_ace(index)).any(|entry| {
        entry.ace_type() != AceType::ACCESS_DENIED_ACE_TYPE
            && entry.sid().is_none_or(|sid| !is_trusted(sid, &user))
    }))
}

/// The command that closes a folder, for `cmd` and PowerShell.
pub(crate) fn command_to_close(path: &Path) -> String {
    let user = current_process_sid().map(|user| user.to_string()).unwrap_or_default();
    format!("icacls \"{}\" /inheritance:r /grant:r \"*{user}:(OI)(CI)F\" /T", path.display())
}

fn is_trusted(sid: &Sid, user: &Sid) -> bool {
    sid == user || TRUSTED.contains(&sid.to_string().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_folder_admits_only_us() {
        let folder = tempfile::tempdir().unwrap();
        let open: LocalBox<SecurityDescriptor> = "D:(A;OICI;FA;;;WD)".parse().unwrap();
        let (kind, what) = (SeObjectType::SE_FILE_OBJECT, SecurityInformation::Dacl);
        SetNamedSecurityInfo(folder.path(), kind, what, None, None, open.dacl(), None).unwrap();
        assert!(is_open_to_others(folder.path()).unwrap());
        close(folder.path()).unwrap();
        assert!(!is_open_to_others(folder.path()).unwrap());
        assert!(!belongs_to_another_user(folder.path()).unwrap());
    }
}
