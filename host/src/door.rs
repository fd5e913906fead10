//! Where sockets come from, under policy and limits: what a program may connect to, listen on and
//! accept. WASI's sockets, `ipc` and `net` all ask here.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use plugnet_policy::Transport;
use rustix::io::Errno;
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::connections::{Connections, Direction, Peer, Place, Slot};
use crate::guard::Guard;

/// How long to wait before accepting again, when the system lacks resources.
pub(crate) const RETRY: Duration = Duration::from_millis(100);

/// Why a socket is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// By the policy. (EACCES)
    Denied,
    /// By a limit of the run. (EMFILE)
    Full,
}

/// How a socket that connects gets its local address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    /// It is bound already, which was decided then.
    Bound,
    /// The system chooses it.
    Chosen,
}

/// Any address and any port of the family.
pub(crate) fn unspecified(of: IpAddr) -> SocketAddr {
    match of {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Decides whether the program may connect by TCP, and reserves the connection: an attempt is as
/// much work as one that succeeds.
///
/// # Errors
///
/// [`Refused`]; that is reported.
pub(crate) fn dial(
    guard: &Guard,
    connections: &Connections,
    remote: SocketAddr,
    local: Local,
) -> Result<Slot, Refused> {
    // A program without ports may not connect: the denial names the peer.
    let may_bind = match local {
        Local::Bound => true,
        Local::Chosen => {
            !guard.takes_ports(Transport::Tcp, remote)
                || guard.allows_address(unspecified(remote.ip()), SocketAddrUse::TcpBind)
        }
    };
    if !may_bind || !guard.allows_address(remote, SocketAddrUse::TcpConnect) {
        return Err(Refused::Denied);
    }
    connections
        .slot(Direction::Connect, Peer::Address(remote))
        .map_err(|_| Refused::Full)
}

/// Whether the program may bind a local address of TCP.
pub(crate) fn may_bind(guard: &Guard, local: SocketAddr) -> bool {
    guard.allows_address(local, SocketAddrUse::TcpBind)
}

/// Whether the program may listen by TCP there.
pub(crate) fn may_listen(guard: &Guard, at: SocketAddr) -> bool {
    guard.allows_address(at, SocketAddrUse::TcpListen)
}

/// What accepts a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listens<'a> {
    /// A socket of TCP that the program has bound.
    Tcp,
    /// A descriptor that the host inherited.
    Inherited,
    /// A socket at a path.
    Path(&'a str),
}

/// Decides whether an accepted connection stays, and counts it. Beyond a limit it is to be closed
/// at once, as libuv does without descriptors (`uv__emfile_trick`). `peer` is absent for a local
/// socket.
///
/// # Errors
///
/// [`Refused`]; that is reported.
pub(crate) fn admit(
    guard: &Guard,
    connections: &Connections,
    listens: Listens<'_>,
    peer: Option<SocketAddr>,
) -> Result<(Place, Slot), Refused> {
    let allowed = match (listens, peer) {
        (Listens::Tcp, Some(peer)) => guard.allows_address(peer, SocketAddrUse::TcpAccept),
        (Listens::Inherited, Some(peer)) => guard.allows_peer(peer),
        (_, None) | (Listens::Path(_), _) => true,
    };
    if !allowed {
        return Err(Refused::Denied);
    }
    let peer = match (peer, listens) {
        (Some(address), _) => Peer::Address(address),
        (None, Listens::Path(path)) => Peer::Path(path.to_owned()),
        (None, Listens::Tcp | Listens::Inherited) => Peer::Unnamed,
    };
    connections
        .place_and_slot(Direction::Accept, peer)
        .map_err(|_| Refused::Full)
}

/// Whether accepting failed for one client only. Linux reports what happened to it meanwhile.
pub(crate) fn is_of_one(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    #[cfg(target_os = "linux")]
    if matches!(errno, Some(Errno::PROTO | Errno::NONET)) {
        return true;
    }
    matches!(
        errno,
        Some(
            Errno::INTR
                | Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::NOPROTOOPT
                | Errno::OPNOTSUPP
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::NETRESET
        )
    )
}
