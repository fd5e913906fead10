//! Resolves paths below the open folders of grants.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use plugnet_policy::{Extent, IpcAddress, IpcKind, IpcPattern};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, Stat, StatxFlags};
use rustix::io::Errno;
use rustix::net::SocketAddrUnix;

use super::denied::Found;
use crate::grants::{Rule, shown};
use crate::{Access, Error, Escape, GrantError, Grants, InvalidPath};

/// The longest path a UNIX domain socket can have, in bytes: `sun_path` without its final NUL.
const LONGEST_PATH: usize = 107;

/// How a path below a granted folder is resolved. Both refuse the same paths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resolution {
    /// By the kernel, with `openat2` (Linux 5.6). If it is missing, or blocked by a filter on
    /// system calls, as with [`Walk`](Resolution::Walk).
    #[default]
    Kernel,
    /// Component by component. statx(2) tells mounts; before Linux 5.8 a bind mount of the same
    /// file system is not recognized.
    Walk,
}

/// What a grant holds open.
#[derive(Debug)]
pub(crate) enum Place {
    /// Abstract names have nothing to open.
    Abstract,
    /// Everything below.
    Folder(OwnedFd),
    /// One name in a folder.
    Name { folder: OwnedFd, name: String },
}

/// What a path resolves to.
#[derive(Debug)]
pub(crate) enum Location {
    /// An abstract socket of this name.
    Abstract(String),
    /// A name in a folder.
    File(Spot),
}

/// A name in an open folder, or the folder itself.
#[derive(Debug)]
pub(crate) struct Spot {
    pub(crate) folder: OwnedFd,
    /// None if the path is the granted folder's.
    pub(crate) name: Option<String>,
    /// The path ends in `/`: it has to be a folder, and so is no socket.
    pub(crate) names_folder: bool,
    /// Whether mounts may be crossed; an exact grant may.
    within: Option<Resolution>,
    /// The grant as typed.
    grant: String,
}

pub(super) const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const ANYTHING: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Place {
    pub(crate) fn open(grant: &IpcPattern) -> Result<Place, GrantError> {
        let (folder_path, name) = match (grant.kind(), grant.extent()) {
            (IpcKind::Abstract, _) => return Ok(Place::Abstract),
            (IpcKind::Pipe, _) => return Err(named_pipe(grant)),
            (IpcKind::File, Extent::Folder) => (grant.host(), None),
            (IpcKind::File, Extent::One) => {
                let (folder, name) = split(grant.host());
                (folder, Some(name))
            }
        };
        let folder = rustix::fs::openat(CWD, folder_path, FOLDER, Mode::empty()).map_err(
            |errno| match (errno, name) {
                (Errno::NOTDIR, None) if !missing(folder_path.trim_end_matches('/')) => {
                    GrantError::Syntax {
                        entry: grant.to_string(),
                        problem: format!("ends in `/`, and `{folder_path}` is not a folder"),
                        correction: "Write it without the last `/`".to_owned(),
                    }
                }
                _ => GrantError::Folder {
                    entry: grant.to_string(),
                    folder: folder_path.to_owned(),
                    reason: errno.into(),
                },
            },
        )?;
        if let Err(errno) = rustix::fs::stat(through_proc(folder.as_fd())) {
            return Err(GrantError::Proc {
                entry: grant.to_string(),
                reason: errno.into(),
            });
        }
        let Some(name) = name else {
            return Ok(Place::Folder(folder));
        };
        match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if file_type(&stat) == FileType::Directory => Err(GrantError::Syntax {
                entry: grant.to_string(),
                problem: "is a folder".to_owned(),
                correction: "Write it with a `/` at its end to grant every socket in it".to_owned(),
            }),
            _ => Ok(Place::Name {
                folder,
                name: name.to_owned(),
            }),
        }
    }
}

fn missing(path: &str) -> bool {
    rustix::fs::stat(path).is_err()
}

pub(super) fn named_pipe(grant: &IpcPattern) -> GrantError {
    GrantError::NotOnThisSystem {
        entry: grant.to_string(),
        kind: "a named pipe of Windows",
        accepted: "Give a path, a folder with a `/` at its end, or `@NAME`",
    }
}

/// A path's folder and its last component.
pub(super) fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        None => (".", path),
        Some(("", name)) => ("/", name),
        Some(split) => split,
    }
}

/// The identity of a file, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(crate) fn of(stat: &Stat) -> Identity {
        Identity {
            device: stat.st_dev,
            inode: stat.st_ino,
        }
    }
}

/// A folder and every folder it is in, up to the root.
pub(super) fn folders_around(folder: &OwnedFd) -> Result<Vec<Identity>, Errno> {
    // A path that deep cannot be typed; this only bounds the loop.
    const DEEPEST: usize = 4096;
    let mut around = vec![Identity::of(&rustix::fs::fstat(folder)?)];
    let mut current = rustix::fs::openat(folder, "..", FOLDER, Mode::empty())?;
    while around.len() < DEEPEST {
        let identity = Identity::of(&rustix::fs::fstat(&current)?);
        if around.last() == Some(&identity) {
            return Ok(around);
        }
        around.push(identity);
        current = rustix::fs::openat(&current, "..", FOLDER, Mode::empty())?;
    }
    Err(Errno::LOOP)
}

impl Grants {
    /// Finds where `path` leads, if a grant with the right covers it.
    pub(crate) fn locate(&self, access: Access, path: &str) -> Result<Location, Error> {
        let invalid = |reason| Error::InvalidPath {
            path: shown(path),
            reason,
        };
        if path.is_empty() || path == "\0" {
            return Err(invalid(InvalidPath::Empty));
        }
        let address = IpcAddress::from_path(path);
        let (name, names_folder) = match &address {
            IpcAddress::Abstract(name) => (name.as_str(), false),
            _ => (path, path.ends_with('/') || path.ends_with("/.")),
        };
        if path.contains('\0') && !matches!(address, IpcAddress::Abstract(_)) {
            return Err(invalid(InvalidPath::Nul));
        }
        let too_long = InvalidPath::TooLong {
            limit: LONGEST_PATH,
        };
        if name.len() > LONGEST_PATH {
            return Err(invalid(too_long));
        }
        let (rule, cover) = self.select(access, path, &address)?;
        if let IpcAddress::Abstract(host) = rule.pattern.on_host(&cover) {
            return if host.len() > LONGEST_PATH {
                Err(invalid(too_long))
            } else {
                Ok(Location::Abstract(host))
            };
        }
        let spot = self.spot(access, path, rule, cover.rest(), names_folder)?;
        let mut denials = self.denials(access).peekable();
        if denials.peek().is_some() {
            // If the folder's parents cannot be read, it cannot be shown not to be denied.
            let around =
                folders_around(&spot.folder).map_err(|errno| refused(access, path, errno))?;
            if let Some(denial) =
                denials.find(|denial| denial.place.covers(&around, spot.name.as_deref()))
            {
                return Err(denial.denies(access, path));
            }
        }
        Ok(Location::File(spot))
    }

    fn spot(
        &self,
        access: Access,
        path: &str,
        rule: &Rule<Place>,
        rest: &[String],
        names_folder: bool,
    ) -> Result<Spot, Error> {
        let grant = rule.pattern.to_string();
        let escape = |way| Error::Escape {
            access,
            path: shown(path),
            grant: grant.clone(),
            way,
        };
        let clone = |folder: &OwnedFd| {
            folder.try_clone().map_err(|source| Error::System {
                access,
                path: shown(path),
                source,
            })
        };
        match &rule.place {
            Place::Name { folder, name } => Ok(Spot {
                folder: clone(folder)?,
                name: Some(name.clone()),
                names_folder,
                within: None,
                grant,
            }),
            Place::Folder(folder) => {
                if rest.iter().any(|component| component == "..") {
                    return Err(escape(Escape::DotDot));
                }
                let (folder, name) = match rest.split_last() {
                    None => (clone(folder)?, None),
                    Some((name, [])) => (clone(folder)?, Some(name)),
                    Some((name, folders)) => {
                        let folder = open_below(folder, folders, FOLDER, self.resolution())
                            .map_err(|failure| failure.into_error(access, path, &grant))?;
                        (folder, Some(name))
                    }
                };
                Ok(Spot {
                    folder,
                    name: name.cloned(),
                    names_folder,
                    within: Some(self.resolution()),
                    grant,
                })
            }
            // No path is covered by an abstract name.
            Place::Abstract => Err(Error::NotGranted {
                access,
                path: shown(path),
                grant: None,
            }),
        }
    }

    /// The file at `spot`: a socket to connect to, or what the system will refuse.
    pub(crate) fn open(&self, path: &str, spot: &Spot) -> Result<OwnedFd, Error> {
        let access = Access::Connect;
        let Some(name) = &spot.name else {
            return spot.folder.try_clone().map_err(|source| Error::System {
                access,
                path: shown(path),
                source,
            });
        };
        let opened = match spot.within {
            Some(resolution) => open_below(
                &spot.folder,
                std::slice::from_ref(name),
                ANYTHING,
                resolution,
            ),
            None => rustix::fs::openat(&spot.folder, name.as_str(), ANYTHING, Mode::empty())
                .map_err(Failure::System),
        };
        let file = opened.map_err(|failure| failure.into_error(access, path, &spot.grant))?;
        let found =
            Found::at(&file, "", AtFlags::empty()).map_err(|errno| refused(access, path, errno))?;
        match found.kind {
            FileType::Symlink => {
                return Err(Failure::Escape(Escape::SymbolicLink).into_error(
                    access,
                    path,
                    &spot.grant,
                ));
            }
            FileType::Directory => {}
            _ if spot.names_folder => return Err(refused(access, path, Errno::NOTDIR)),
            _ => {}
        }
        match self.denials(access).find(|denial| denial.place.is(&found)) {
            Some(denial) => Err(denial.denies(access, path)),
            None => Ok(file),
        }
    }

    /// Whether the peer of `socket` is denied, by the path at which it was created.
    pub(crate) fn permits_peer(&self, path: &str, socket: &OwnedFd) -> Result<(), Error> {
        let access = Access::Connect;
        let mut denials = self.denials(access).peekable();
        if denials.peek().is_none() {
            return Ok(());
        }
        let peer =
            rustix::net::getpeername(socket).map_err(|errno| refused(access, path, errno))?;
        let Some(peer) = peer.and_then(|peer| SocketAddrUnix::try_from(peer).ok()) else {
            return Ok(());
        };
        match denials.find(|denial| denial.place.made(&peer)) {
            Some(denial) => Err(denial.denies(access, path)),
            None => Ok(()),
        }
    }
}

/// Why a path below a folder could not be opened.
enum Failure {
    Escape(Escape),
    System(Errno),
}

impl Failure {
    fn into_error(self, access: Access, path: &str, grant: &str) -> Error {
        match self {
            Failure::Escape(way) => Error::Escape {
                access,
                path: shown(path),
                grant: grant.to_owned(),
                way,
            },
            Failure::System(errno) => refused(access, path, errno),
        }
    }
}

/// The system's error. A missing folder is `EACCES` on listen, as in libuv and so in Node.js.
pub(crate) fn refused(access: Access, path: &str, errno: Errno) -> Error {
    let errno = match (access, errno) {
        (Access::Listen, Errno::NOENT) => Errno::ACCESS,
        _ => errno,
    };
    Error::System {
        access,
        path: shown(path),
        source: errno.into(),
    }
}

/// Opens what is below `folder` without leaving it: `components` have no `..`.
fn open_below(
    folder: &OwnedFd,
    components: &[String],
    flags: OFlags,
    resolution: Resolution,
) -> Result<OwnedFd, Failure> {
    if resolution == Resolution::Walk {
        return walk(folder, components, flags);
    }
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    match rustix::fs::openat2(folder, components.join("/"), flags, Mode::empty(), resolve) {
        Ok(file) => Ok(file),
        // An older kernel; a filter on system calls; a rename elsewhere, which only the kernel's
        // own walk minds.
        Err(Errno::NOSYS | Errno::PERM | Errno::AGAIN) => walk(folder, components, flags),
        Err(Errno::LOOP) => Err(Failure::Escape(Escape::SymbolicLink)),
        Err(Errno::XDEV) => Err(Failure::Escape(Escape::Mount)),
        Err(errno) => Err(Failure::System(errno)),
    }
}

/// What `openat2` does, in steps: each opens one component and checks what it got.
fn walk(folder: &OwnedFd, components: &[String], flags: OFlags) -> Result<OwnedFd, Failure> {
    let home = Mount::of(folder.as_fd()).map_err(Failure::System)?;
    let mut current: Option<OwnedFd> = None;
    for (index, component) in components.iter().enumerate() {
        let from = current.as_ref().unwrap_or(folder);
        let next = rustix::fs::openat(from, component.as_str(), ANYTHING, Mode::empty())
            .map_err(Failure::System)?;
        let stat = rustix::fs::fstat(&next).map_err(Failure::System)?;
        let is_last = index + 1 == components.len();
        match file_type(&stat) {
            // As the kernel does, a link at the end is given to who asked not to follow it.
            FileType::Symlink if !is_last || !flags.contains(OFlags::NOFOLLOW) => {
                return Err(Failure::Escape(Escape::SymbolicLink));
            }
            FileType::Directory => {}
            _ if !is_last || flags.contains(OFlags::DIRECTORY) => {
                return Err(Failure::System(Errno::NOTDIR));
            }
            _ => {}
        }
        if !home.holds(next.as_fd(), &stat).map_err(Failure::System)? {
            return Err(Failure::Escape(Escape::Mount));
        }
        current = Some(next);
    }
    current.ok_or(Failure::System(Errno::NOENT))
}

/// The mount through which a file is reached.
enum Mount {
    Id(u64),
    /// Before Linux 5.8 only the file system is known.
    Device(u64),
}

impl Mount {
    fn of(file: BorrowedFd<'_>) -> Result<Mount, Errno> {
        match rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID) {
            Ok(statx) if statx.stx_mask & StatxFlags::MNT_ID.bits() != 0 => {
                Ok(Mount::Id(statx.stx_mnt_id))
            }
            Ok(_) | Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {
                Ok(Mount::Device(rustix::fs::fstat(file)?.st_dev))
            }
            Err(errno) => Err(errno),
        }
    }

    fn holds(&self, file: BorrowedFd<'_>, stat: &Stat) -> Result<bool, Errno> {
        Ok(match (self, Mount::of(file)?) {
            (Mount::Id(home), Mount::Id(there)) => *home == there,
            // Overlay file systems give their files other devices than their folders.
            (Mount::Device(home), _) => {
                file_type(stat) != FileType::Directory || *home == stat.st_dev
            }
            (Mount::Id(_), Mount::Device(_)) => false,
        })
    }
}

pub(crate) fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// A path to the open file itself: nothing can be replaced under it.
pub(crate) fn through_proc(file: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// What the system said about `path`.
pub(crate) fn failed(access: Access, path: &str, source: io::Error) -> Error {
    Error::System {
        access,
        path: shown(path),
        source,
    }
}
