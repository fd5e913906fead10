//! Listening: creates a socket file, moves it to its place, and removes it.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, ready};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::place::{Identity, Location, Spot, failed, refused, through_proc};
use super::socket::{Family, internet_address};
use super::watch;
use crate::socket_files::SocketFile;
use crate::{Access, Error, Grants, ListenOptions, Socket};

/// A listening socket that no reactor watches, for who polls its descriptor.
///
/// Dropping it closes it: clients that wait to be accepted are disconnected, and the file that
/// [`bind`](BoundListener::bind) created is removed.
#[derive(Debug)]
pub struct BoundListener {
    // Before the socket: the name goes first, so that no client finds it refusing.
    file: Option<SocketFile>,
    socket: OwnedFd,
    family: Family,
}

impl BoundListener {
    /// Creates a socket at `path` and listens on it.
    ///
    /// # Errors
    ///
    /// Those of [`Listener::bind`].
    pub fn bind(
        grants: &Grants,
        path: &str,
        options: &ListenOptions,
    ) -> Result<BoundListener, Error> {
        let location = grants.locate(Access::Listen, path)?;
        let refused = |errno| refused(Access::Listen, path, errno);
        let socket = rustix::net::socket_with(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
            None,
        )
        .map_err(refused)?;
        let backlog = backlog(options.backlog);
        let file = match location {
            Location::Abstract(name) => {
                SocketAddrUnix::new_abstract_name(name.as_bytes())
                    .and_then(|address| rustix::net::bind(&socket, &address))
                    .and_then(|()| rustix::net::listen(&socket, backlog))
                    .map_err(refused)?;
                None
            }
            Location::File(spot) => {
                let make = || {
                    Entry::make(spot, options, |address| {
                        rustix::net::bind(&socket, address)?;
                        rustix::net::listen(&socket, backlog)
                    })
                };
                let made = grants.socket_files().make(Errno::ACCESS, make);
                Some(made.map_err(refused)?)
            }
        };
        Ok(BoundListener {
            file,
            socket,
            family: Family::Unix,
        })
    }

    /// A socket that listens already. Its file, if any, is not ours.
    pub(super) fn adopt(socket: OwnedFd, family: Family) -> BoundListener {
        BoundListener {
            file: None,
            socket,
            family,
        }
    }

    /// Whether it is a UNIX socket or one of TCP.
    #[must_use]
    pub fn family(&self) -> Family {
        self.family
    }

    /// The local address of a TCP listener; none for a UNIX socket.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        internet_address(rustix::net::getsockname(&self.socket).ok()?)
    }
}

impl AsFd for BoundListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A listening socket.
///
/// Dropping it closes it: clients that wait to be accepted are disconnected, and the file that
/// [`bind`](Listener::bind) created is removed.
#[derive(Debug)]
pub struct Listener {
    // Before the socket: the name goes first, so that no client finds it refusing.
    _file: Option<SocketFile>,
    socket: AsyncFd<OwnedFd>,
    family: Family,
}

impl Listener {
    /// Creates a socket at `path` and listens on it.
    ///
    /// # Errors
    ///
    /// Whatever exists at the path, a stale socket included, is
    /// [`AddressInUse`](crate::Code::AddressInUse) and stays. A missing folder is
    /// [`AccessDenied`](crate::Code::AccessDenied), as in Node.js.
    pub fn bind(grants: &Grants, path: &str, options: &ListenOptions) -> Result<Listener, Error> {
        Listener::watch(BoundListener::bind(grants, path, options)?)
            .map_err(|source| failed(Access::Listen, path, source))
    }

    /// Lets tokio watch a socket that listens.
    pub(super) fn watch(bound: BoundListener) -> io::Result<Listener> {
        Ok(Listener {
            _file: bound.file,
            socket: watch(bound.socket, Interest::READABLE)?,
            family: bound.family,
        })
    }

    /// Accepts the connection that has waited longest.
    ///
    /// Only the task that polled last is woken.
    ///
    /// # Errors
    ///
    /// An error concerns one connection or the moment, and the listener continues. Without free
    /// descriptors it is `EMFILE` or `ENFILE`, without a wake-up: the connection still waits, so
    /// poll again after a while.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Socket>> {
        loop {
            let mut guard = ready!(self.socket.poll_read_ready(cx))?;
            let accepted = guard.try_io(|socket| {
                rustix::net::accept_with(socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)
                    .map_err(io::Error::from)
            });
            match accepted {
                Ok(Ok(socket)) => return Poll::Ready(Socket::adopt(socket, self.family)),
                // The peer has left already, or a signal came.
                Ok(Err(error))
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
                    ) => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }

    /// The local address of a TCP listener; none for a UNIX socket.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        internet_address(rustix::net::getsockname(&self.socket).ok()?)
    }
}

/// The system's own number; more than it can express is as much as it can.
pub(super) fn backlog(wanted: u32) -> i32 {
    i32::try_from(wanted).unwrap_or(i32::MAX)
}

/// The socket file that a listener created. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Entry {
    folder: OwnedFd,
    name: String,
    /// Open, so that no other file gets its inode number.
    file: OwnedFd,
}

impl Entry {
    /// Creates a socket file: `bind` gets its address and listens on it.
    fn make(
        spot: Spot,
        options: &ListenOptions,
        bind: impl FnOnce(&SocketAddrUnix) -> Result<(), Errno>,
    ) -> Result<Entry, Errno> {
        let Some(name) = spot.name else {
            return Err(Errno::ADDRINUSE);
        };
        // The move at the end decides; this check saves the work, and fails as bind(2) would.
        match rustix::fs::statat(&spot.folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => return Err(Errno::ADDRINUSE),
            Err(Errno::NOENT) if !spot.names_folder => {}
            Err(errno) => return Err(errno),
        }
        let workshop = Workshop::make(&spot.folder)?;
        let address = format!("{}/{SOCKET}", through_proc(workshop.inside.as_fd()));
        bind(&SocketAddrUnix::new(address)?)?;
        let file = rustix::fs::openat(
            &workshop.inside,
            SOCKET,
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        // Whatever the umask says, and nothing else: Node's uv_pipe_chmod.
        let mut mode = Mode::empty();
        if options.readable_all {
            mode |= Mode::RUSR | Mode::RGRP | Mode::ROTH;
        }
        if options.writable_all {
            mode |= Mode::WUSR | Mode::WGRP | Mode::WOTH;
        }
        if !mode.is_empty() {
            rustix::fs::chmod(through_proc(file.as_fd()), mode)?;
        }
        workshop.deliver(&spot.folder, &name)?;
        Ok(Entry {
            folder: spot.folder,
            name,
            file,
        })
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let there = rustix::fs::statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        let made = rustix::fs::fstat(&self.file);
        if let (Ok(there), Ok(made)) = (there, made)
            && Identity::of(&there) == Identity::of(&made)
        {
            // Nobody to report to; the next listener finds the file that is left.
            let _ = rustix::fs::unlinkat(&self.folder, &self.name, AtFlags::empty());
        }
    }
}

/// The socket's name during creation.
const SOCKET: &str = "socket";

/// A private folder in the target folder: nobody else can replace what is in it, or connect before
/// the mode is set.
struct Workshop<'a> {
    folder: &'a OwnedFd,
    name: String,
    inside: OwnedFd,
}

impl Workshop<'_> {
    fn make(folder: &OwnedFd) -> Result<Workshop<'_>, Errno> {
        const ATTEMPTS: usize = 16;
        let mut refusal = Errno::EXIST;
        for _ in 0..ATTEMPTS {
            let name = format!(".plugnet-{:016x}", RandomState::new().hash_one(()));
            match rustix::fs::mkdirat(folder, &name, Mode::RWXU) {
                Ok(()) => return Workshop::enter(folder, name),
                Err(Errno::EXIST) => {}
                Err(errno) => {
                    refusal = errno;
                    break;
                }
            }
        }
        Err(refusal)
    }

    fn enter(folder: &OwnedFd, name: String) -> Result<Workshop<'_>, Errno> {
        let entered = rustix::fs::openat(
            folder,
            &name,
            OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .and_then(|inside| {
            let stat = rustix::fs::fstat(&inside)?;
            let others = Mode::RWXG | Mode::RWXO;
            let private = !Mode::from_raw_mode(stat.st_mode).intersects(others)
                && stat.st_uid == rustix::process::geteuid().as_raw();
            // Another process has replaced it with a folder where it could do more.
            if private {
                Ok(inside)
            } else {
                Err(Errno::ACCESS)
            }
        });
        match entered {
            Ok(inside) => Ok(Workshop {
                folder,
                name,
                inside,
            }),
            Err(errno) => {
                let _ = rustix::fs::unlinkat(folder, &name, AtFlags::REMOVEDIR);
                Err(errno)
            }
        }
    }

    /// Moves the socket to its name, if that is free.
    fn deliver(self, folder: &OwnedFd, name: &str) -> Result<(), Errno> {
        let moved =
            rustix::fs::renameat_with(&self.inside, SOCKET, folder, name, RenameFlags::NOREPLACE);
        let delivered = match moved {
            // Some file systems cannot move without replacing; a second link never replaces a name
            // either, and the first goes with the private folder.
            Err(Errno::INVAL | Errno::NOSYS) => {
                rustix::fs::linkat(&self.inside, SOCKET, folder, name, AtFlags::empty())
            }
            moved => moved,
        };
        delivered.map_err(|errno| match errno {
            Errno::EXIST => Errno::ADDRINUSE,
            errno => errno,
        })
    }
}

impl Drop for Workshop<'_> {
    fn drop(&mut self) {
        let _ = rustix::fs::unlinkat(&self.inside, SOCKET, AtFlags::empty());
        let _ = rustix::fs::unlinkat(self.folder, &self.name, AtFlags::REMOVEDIR);
    }
}
