//! Checks who could have written a config file. It can name a command to run and a server that receives secrets, so
//! only the user, the file's owner and root may be able to write it.

use crate::error::Error;
use std::fs::Metadata;
use std::path::Path;

/// How the path of the config file was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOrigin {
    /// The default path. The file must belong to the user or root.
    Default,
    /// `ZOHO_CRED_CONFIG`. The user vouches for the file's owner.
    Variable,
    /// `--config`. The file may be a pipe.
    Flag,
}

impl ConfigOrigin {
    /// Whether the user named the file, so that its absence is an error.
    pub(crate) fn is_named(self) -> bool {
        self != ConfigOrigin::Default
    }
}

/// Refuses the config at `path`, opened as `found`, if another user could have written it. The directory of each
/// symbolic link on the way counts too, because whoever can replace the link chooses the file.
pub(crate) fn check(path: &Path, found: &Metadata, origin: ConfigOrigin) -> Result<(), Error> {
    os::check(path, found, origin)
}

#[cfg(unix)]
mod os {
    use super::*;
    use crate::error::Code;
    use crate::i18n::tr;
    use crate::system::files;
    use rustix::fs::{StatVfsMountFlags, statvfs};
    use rustix::process::{getegid, geteuid};
    use std::os::unix::fs::MetadataExt;

    const WRITABLE_BY_GROUP: u32 = 0o020;
    const WRITABLE_BY_OTHERS: u32 = 0o002;
    const STICKY: u32 = 0o1000;

    pub fn check(path: &Path, found: &Metadata, origin: ConfigOrigin) -> Result<(), Error> {
        let links = files::links(path);
        let real = links.last().map_or(path, |link| link.as_path());
        check_one(real, found, origin)?;
        for link in &links {
            let folder = link.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new("."));
            let found = std::fs::metadata(folder).map_err(|error| files::unreadable(folder, &error))?;
            // Kubernetes mounts a ConfigMap read-only, with links in a directory of mode 0777.
            if link != real && is_read_only(folder) {
                continue;
            }
            check_one(folder, &found, origin)?;
        }
        Ok(())
    }

    fn check_one(path: &Path, found: &Metadata, origin: ConfigOrigin) -> Result<(), Error> {
        let (own, owner, shown) = (geteuid().as_raw(), found.uid(), path.display());
        if !origin.is_named() && owner != own && owner != 0 {
            return Err(Error::new(
                Code::Config,
                tr!("{path} belongs to another user, so the config is not used", path = shown),
                tr!(
                    "run 'sudo chown {uid} {path}', or name the config with --config if you trust its owner",
                    uid = own,
                    path = shown
                ),
            ));
        }
        let by_others = found.mode() & WRITABLE_BY_OTHERS != 0;
        let by_group = found.mode() & WRITABLE_BY_GROUP != 0 && found.gid() != getegid().as_raw();
        let who = match (by_group, by_others) {
            (false, false) => return Ok(()),
            (true, false) => "g",
            (false, true) => "o",
            (true, true) => "go",
        };
        Err(Error::new(
            Code::Config,
            tr!("other users can write to {path}, so the config is not used", path = shown),
            if found.is_dir() && found.mode() & STICKY != 0 {
                tr!("move the config to a folder that only you can write to")
            } else {
                tr!("check the config, then run 'chmod {who}-w {path}'", who, path = shown)
            },
        ))
    }

    fn is_read_only(folder: &Path) -> bool {
        statvfs(folder).is_ok_and(|found| found.f_flag.contains(StatVfsMountFlags::RDONLY))
    }
}

#[cfg(not(unix))]
mod os {
    use super::*;

    pub fn check(_: &Path, _: &Metadata, _: ConfigOrigin) -> Result<(), Error> {
        Ok(())
    }
}
