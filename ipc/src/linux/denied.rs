//! Denied files, identified whatever their names are when a program asks for them.

use std::collections::{HashSet, VecDeque};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use plugnet_policy::{Extent, IpcKind, IpcPattern};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, StatxFlags};
use rustix::io::Errno;
use rustix::net::SocketAddrUnix;

use super::place::{FOLDER, Identity, named_pipe, split};
use crate::{DeniedFolders, GrantError};

/// How many folders and sockets of a denial are remembered. A denial that needs more denies
/// everything, as it can no longer tell.
const MOST_SEEN: usize = 4096;

/// How many files and folders a watched folder may hold.
const MOST_ENTRIES: usize = 4096;

/// What is denied.
#[derive(Debug)]
pub(crate) struct Denied(Option<Files>);

/// A socket file, or a folder of them.
#[derive(Debug)]
struct Files {
    /// The folder on the host that is denied, or that contains the denied name.
    folder_path: String,
    /// Its identity when it was denied, if it existed.
    opened: Option<OwnedFd>,
    name: Option<String>,
    folders: DeniedFolders,
    seen: Mutex<Seen>,
}

/// What was at the denied name, then and at every call since.
#[derive(Debug, Default)]
struct Seen {
    folders: HashSet<Identity>,
    sockets: HashSet<SocketId>,
    /// The limit of what is remembered is reached.
    full: bool,
}

/// The identity of a socket file, whatever its name. The birth time distinguishes it from a later
/// file with the same inode number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SocketId {
    device: (u32, u32),
    inode: u64,
    made: Option<(i64, u32)>,
}

/// What the system says of a file.
pub(crate) struct Found {
    pub(crate) kind: FileType,
    id: SocketId,
    /// It has more than one name.
    linked: bool,
}

impl Found {
    /// Looks at `name` in `folder`, or at `folder` itself if the name is empty.
    pub(crate) fn at(folder: impl AsFd, name: &str, flags: AtFlags) -> Result<Found, Errno> {
        let flags = flags | AtFlags::EMPTY_PATH;
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        match rustix::fs::statx(&folder, name, flags, wanted) {
            Ok(statx) => {
                let made = statx.stx_mask & StatxFlags::BTIME.bits() != 0;
                Ok(Found {
                    kind: FileType::from_raw_mode(u32::from(statx.stx_mode)),
                    id: SocketId {
                        device: (statx.stx_dev_major, statx.stx_dev_minor),
                        inode: statx.stx_ino,
                        made: made.then_some((statx.stx_btime.tv_sec, statx.stx_btime.tv_nsec)),
                    },
                    linked: statx.stx_nlink > 1,
                })
            }
            // A kernel before Linux 4.11, or a filter on system calls.
            Err(Errno::NOSYS | Errno::PERM) => {
                let stat = rustix::fs::statat(&folder, name, flags)?;
                let device = (
                    rustix::fs::major(stat.st_dev),
                    rustix::fs::minor(stat.st_dev),
                );
                Ok(Found {
                    kind: FileType::from_raw_mode(stat.st_mode),
                    id: SocketId {
                        device,
                        inode: stat.st_ino,
                        made: None,
                    },
                    linked: stat.st_nlink > 1,
                })
            }
            Err(errno) => Err(errno),
        }
    }
}

/// A folder holds more entries than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TooLarge;

impl Denied {
    /// Finds what `pattern` denies; it may be missing.
    pub(crate) fn find(pattern: &IpcPattern, folders: DeniedFolders) -> Result<Denied, GrantError> {
        let (folder_path, name) = match (pattern.kind(), pattern.extent()) {
            // By name only.
            (IpcKind::Abstract, _) => return Ok(Denied(None)),
            (IpcKind::Pipe, _) => return Err(named_pipe(pattern)),
            (IpcKind::File, Extent::Folder) => (pattern.host(), None),
            (IpcKind::File, Extent::One) => {
                let (folder, name) = split(pattern.host());
                (folder, Some(name.to_owned()))
            }
        };
        let files = Files {
            opened: rustix::fs::openat(CWD, folder_path, FOLDER, Mode::empty()).ok(),
            folder_path: folder_path.to_owned(),
            name,
            folders,
            seen: Mutex::default(),
        };
        if files.look().full {
            return Err(GrantError::TooLarge {
                entry: pattern.to_string(),
                most: MOST_ENTRIES,
            });
        }
        Ok(Denied(Some(files)))
    }

    /// Whether this denies `name` in a folder: the first of those `around` it, which are the folder
    /// and its parents.
    pub(crate) fn covers(&self, around: &[Identity], name: Option<&str>) -> bool {
        let Some(files) = &self.0 else {
            return false;
        };
        let seen = files.look();
        seen.full
            || match &files.name {
                None => around.iter().any(|folder| seen.folders.contains(folder)),
                Some(denied) => {
                    let here = around
                        .first()
                        .is_some_and(|folder| seen.folders.contains(folder));
                    here && name == Some(denied.as_str())
                }
            }
    }

    /// Whether what was `found` is denied under another name.
    pub(crate) fn is(&self, found: &Found) -> bool {
        let Some(files) = &self.0 else {
            return false;
        };
        let seen = files.look();
        if seen.full || seen.sockets.contains(&found.id) {
            return true;
        }
        drop(seen);
        // It has another name, which may be in a denied folder.
        let linked = found.linked && files.name.is_none();
        linked && files.holds(found.id) != Ok(false)
    }

    /// Whether the peer is the socket that was created at the denied name. The system reports that
    /// name, wherever its file is now.
    pub(crate) fn made(&self, peer: &SocketAddrUnix) -> bool {
        let Some(path) = peer.path_bytes() else {
            return false;
        };
        let path = Path::new(std::ffi::OsStr::from_bytes(path));
        // A relative path is relative to another process's folder, and /proc/self is that process.
        if !path.is_absolute() || path.starts_with("/proc") {
            return false;
        }
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return false;
        };
        let Ok(folder) = rustix::fs::openat(CWD, folder, FOLDER, Mode::empty()) else {
            return false;
        };
        let Ok(around) = super::place::folders_around(&folder) else {
            return false;
        };
        self.covers(&around, name.to_str())
    }
}

impl Files {
    /// Remembers what is there now.
    fn look(&self) -> MutexGuard<'_, Seen> {
        let now = rustix::fs::openat(CWD, self.folder_path.as_str(), FOLDER, Mode::empty()).ok();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut looked = None;
        for folder in self.opened.iter().chain(&now) {
            let Ok(stat) = rustix::fs::fstat(folder) else {
                continue;
            };
            let identity = Identity::of(&stat);
            if looked.replace(identity) == Some(identity) {
                continue;
            }
            seen.folder(identity);
            match &self.name {
                Some(name) => {
                    // The name itself and, if it is a link, what it leads to.
                    for flags in [AtFlags::SYMLINK_NOFOLLOW, AtFlags::empty()] {
                        if let Ok(found) = Found::at(folder, name, flags) {
                            seen.socket(found.id);
                        }
                    }
                }
                None if self.folders == DeniedFolders::Watched => match sockets_in(folder) {
                    Ok(sockets) => sockets.into_iter().for_each(|id| seen.socket(id)),
                    Err(TooLarge) => seen.full = true,
                },
                None => {}
            }
        }
        seen
    }

    /// Whether the denied folder has the socket now.
    fn holds(&self, id: SocketId) -> Result<bool, TooLarge> {
        match &self.opened {
            Some(folder) => Ok(sockets_in(folder)?.contains(&id)),
            None => Ok(false),
        }
    }
}

impl Seen {
    fn folder(&mut self, identity: Identity) {
        self.folders.insert(identity);
        self.full |= self.folders.len() > MOST_SEEN;
    }

    fn socket(&mut self, id: SocketId) {
        self.sockets.insert(id);
        self.full |= self.sockets.len() > MOST_SEEN;
    }
}

/// The sockets in a folder, directly or deeper, on its own file system: from another one nothing
/// can be moved or linked.
fn sockets_in(folder: &OwnedFd) -> Result<HashSet<SocketId>, TooLarge> {
    const READ: OFlags = OFlags::RDONLY
        .union(OFlags::DIRECTORY)
        .union(OFlags::NOFOLLOW)
        .union(OFlags::CLOEXEC);
    let mut found = HashSet::new();
    let Ok(home) = Found::at(folder, "", AtFlags::empty()) else {
        return Ok(found);
    };
    let mut waiting = VecDeque::new();
    // What cannot be read does not exist for the program either.
    waiting.extend(rustix::fs::openat(folder, ".", READ, Mode::empty()));
    let mut left = MOST_ENTRIES;
    while let Some(folder) = waiting.pop_front() {
        let Ok(entries) = Dir::read_from(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            if matches!(name, "." | "..") {
                continue;
            }
            left = left.checked_sub(1).ok_or(TooLarge)?;
            let (FileType::Unknown | FileType::Socket | FileType::Directory) = entry.file_type()
            else {
                continue;
            };
            let Ok(there) = Found::at(&folder, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            if there.id.device != home.id.device {
                continue;
            }
            match there.kind {
                FileType::Socket => {
                    found.insert(there.id);
                }
                FileType::Directory => {
                    waiting.extend(rustix::fs::openat(&folder, name, READ, Mode::empty()));
                }
                _ => {}
            }
        }
    }
    Ok(found)
}
