//! A connection.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketAddrAny, SocketAddrUnix, SocketFlags,
    SocketType, sockopt,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::place::{Location, failed, refused, through_proc};
use super::watch;
use crate::{Access, Error, Grants, Probes};

/// What a stream socket runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// TCP.
    Tcp,
    /// A UNIX domain socket.
    Unix,
}

/// Connects to the socket at `path`. The descriptor is in non-blocking mode, and no reactor watches
/// it.
///
/// # Errors
///
/// Those of [`Socket::connect`].
pub fn connect(grants: &Grants, path: &str) -> Result<OwnedFd, Error> {
    let location = grants.locate(Access::Connect, path)?;
    let refused = |errno| refused(Access::Connect, path, errno);
    // Held until the connection is made: the address goes through it.
    let file;
    let address = match location {
        Location::Abstract(name) => SocketAddrUnix::new_abstract_name(name.as_bytes()),
        Location::File(spot) => {
            file = grants.open(path, &spot)?;
            SocketAddrUnix::new(through_proc(file.as_fd()))
        }
    };
    let socket = rustix::net::socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
        None,
    )
    .map_err(refused)?;
    // UNIX sockets connect at once or not at all.
    address
        .and_then(|address| rustix::net::connect(&socket, &address))
        .map_err(refused)?;
    grants.permits_peer(path, &socket)?;
    Ok(socket)
}

/// A connected socket.
///
/// Its methods take `&self`, so a reader and a writer can share it: one task polls for reading,
/// one for writing. Of several, only the one that polled last is woken.
#[derive(Debug)]
pub struct Socket {
    socket: AsyncFd<OwnedFd>,
    family: Family,
    /// Something was read since tokio last reported readiness.
    stale: AtomicBool,
}

impl Socket {
    /// Connects to the socket at `path`.
    ///
    /// # Errors
    ///
    /// A missing socket is [`NotFound`](crate::Code::NotFound), a file that is no socket
    /// [`ConnectionRefused`](crate::Code::ConnectionRefused) on Linux, and a listener with a full
    /// queue [`WouldBlock`](crate::Code::WouldBlock), as in Node.js.
    pub async fn connect(grants: &Grants, path: &str) -> Result<Socket, Error> {
        let socket = connect(grants, path)?;
        Socket::adopt(socket, Family::Unix).map_err(|source| failed(Access::Connect, path, source))
    }

    /// A connected socket in non-blocking mode.
    ///
    /// # Errors
    ///
    /// If tokio cannot watch it.
    pub fn adopt(socket: OwnedFd, family: Family) -> io::Result<Socket> {
        Ok(Socket {
            socket: watch(socket, Interest::READABLE | Interest::WRITABLE)?,
            family,
            stale: AtomicBool::new(false),
        })
    }

    /// Reads what is available, at most `buf.len()` bytes. Zero is the peer's end, if `buf` is not
    /// empty.
    ///
    /// # Errors
    ///
    /// The system's error, such as `ECONNRESET`.
    pub fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        loop {
            let mut guard = ready!(self.socket.poll_read_ready(cx))?;
            let read = guard.try_io(|socket| {
                let (_, length) = rustix::net::recv(socket, &mut *buf, RecvFlags::empty())?;
                self.stale.store(true, Ordering::Relaxed);
                Ok(length)
            });
            match read {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(read) => return Poll::Ready(read),
                Err(_would_block) => {}
            }
        }
    }

    /// Waits until [`poll_read`](Socket::poll_read) has data, the end, or an error. Reads nothing.
    ///
    /// # Errors
    ///
    /// If the runtime is shutting down.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.socket.poll_read_ready(cx))?;
            let stale = self.stale.load(Ordering::Relaxed);
            if !stale || is_ready(guard.get_inner(), PollFlags::IN)? {
                return Poll::Ready(Ok(()));
            }
            guard.clear_ready();
            self.stale.store(false, Ordering::Relaxed);
        }
    }

    /// Writes what the system accepts of `buf` now: at least a byte, if `buf` is not empty.
    ///
    /// # Errors
    ///
    /// `EPIPE` if the peer no longer reads; no signal is raised.
    pub fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let send = || rustix::net::send(&self.socket, buf, SendFlags::NOSIGNAL);
        loop {
            let Poll::Ready(ready) = self.socket.poll_write_ready(cx) else {
                // A socket that was just made takes something, and the reactor has yet to hear
                // of it. What is written in that turn goes out in it, as over TCP.
                return match rustix::io::retry_on_intr(send) {
                    Err(Errno::AGAIN) => Poll::Pending,
                    written => Poll::Ready(Ok(written?)),
                };
            };
            let mut guard = ready?;
            let written = guard.try_io(|_| Ok(send()?));
            match written {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(written) => return Poll::Ready(written),
                Err(_would_block) => {}
            }
        }
    }

    /// Waits until [`poll_write`](Socket::poll_write) accepts something or has an error.
    ///
    /// # Errors
    ///
    /// If the runtime is shutting down.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Poll::Ready(ready) = self.socket.poll_write_ready(cx) else {
                // As in `poll_write`.
                return match is_ready(self.socket.get_ref(), PollFlags::OUT) {
                    Ok(false) => Poll::Pending,
                    Ok(true) => Poll::Ready(Ok(())),
                    Err(error) => Poll::Ready(Err(error)),
                };
            };
            let mut guard = ready?;
            if is_ready(guard.get_inner(), PollFlags::OUT)? {
                return Poll::Ready(Ok(()));
            }
            guard.clear_ready();
        }
    }

    /// Sends the end, after what was written. Reading continues.
    ///
    /// A Windows pipe has no such thing: see there.
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if the connection is closed.
    pub fn shutdown_write(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&self.socket, Shutdown::Write)?)
    }

    /// Reads nothing more: unread data is dropped, reads return the end, and the peer's writes fail
    /// (over TCP they do not: the system accepts and drops them).
    ///
    /// # Errors
    ///
    /// `ENOTCONN` if the connection is closed.
    pub fn shutdown_read(&self) -> io::Result<()> {
        Ok(rustix::net::shutdown(&self.socket, Shutdown::Read)?)
    }

    /// The local address over TCP; none for a UNIX socket.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        internet_address(rustix::net::getsockname(&self.socket).ok()?)
    }

    /// The remote address over TCP; none for a UNIX socket, or if the connection is closed.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        internet_address(rustix::net::getpeername(&self.socket).ok()??)
    }

    /// Over TCP, whether to ask an idle peer for a sign of life, and when; without `probes` the
    /// system's values stay. Without effect on a UNIX socket.
    ///
    /// # Errors
    ///
    /// What the system says; nothing after it is set.
    pub fn set_keep_alive(&self, enabled: bool, probes: Option<Probes>) -> io::Result<()> {
        if self.family != Family::Tcp {
            return Ok(());
        }
        sockopt::set_socket_keepalive(&self.socket, enabled)?;
        if let (true, Some(probes)) = (enabled, probes) {
            sockopt::set_tcp_keepidle(&self.socket, probes.idle)?;
            sockopt::set_tcp_keepintvl(&self.socket, probes.interval)?;
            sockopt::set_tcp_keepcnt(&self.socket, probes.count)?;
        }
        Ok(())
    }

    /// Over TCP, sets `TCP_NODELAY`. No effect on a UNIX socket, which never delays writes.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn set_no_delay(&self, enabled: bool) -> io::Result<()> {
        if self.family != Family::Tcp {
            return Ok(());
        }
        Ok(sockopt::set_tcp_nodelay(&self.socket, enabled)?)
    }
}

pub(super) fn internet_address(address: SocketAddrAny) -> Option<SocketAddr> {
    SocketAddr::try_from(address).ok()
}

/// tokio's readiness may be stale. This asks the system and, unlike a peek, takes no error away
/// from the next read.
fn is_ready(socket: &OwnedFd, interest: PollFlags) -> io::Result<bool> {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let mut polled = [PollFd::new(socket, interest)];
    match rustix::event::poll(&mut polled, Some(&now)) {
        Ok(count) => Ok(count > 0),
        Err(rustix::io::Errno::INTR) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}
