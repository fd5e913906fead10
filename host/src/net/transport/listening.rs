//! A socket that listens.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use plugnet_core::{Endpoints, Errno, ListenAt, ListenSettings, ListenerId};
use plugnet_ipc::{BoundListener, Family, ListenOptions};
use rustix::io::Errno as System;
use rustix::net::{SocketFlags, sockopt};

use super::connected::Connected;
use super::connecting::tcp_socket;
use super::shown::Shown;
use crate::door::paths::Paths;
use crate::door::{self, Door, Listens, Refused};
use crate::limits::Place;
use crate::net::errno;

/// How many connections are looked at before others get their turn, if the policy wants none of
/// them.
const AT_ONCE: usize = 64;

/// A listening socket. Dropping it closes it at once.
pub(super) struct Listening {
    pub(super) id: ListenerId,
    socket: Socket,
    /// For TCP.
    address: Option<SocketAddr>,
    _place: Place,
}

enum Socket {
    Tcp(OwnedFd, Shown),
    Path { path: String, bound: BoundListener },
    Inherited(BoundListener),
}

/// What came of looking for a connection.
#[expect(
    clippy::large_enum_variant,
    reason = "it is moved once, to where it stays"
)]
pub(super) enum Accepted {
    Connection(Connected),
    /// None is there.
    None,
    /// None so far, but others wait.
    Busy,
    /// The system lacks resources for now.
    Exhausted,
}

/// Listens.
///
/// # Errors
///
/// What the policy, the limits or the system say.
pub(super) fn listen(
    door: &Door,
    paths: &Paths,
    id: ListenerId,
    at: &ListenAt,
    settings: ListenSettings,
) -> Result<Listening, Errno> {
    let place = door.place().map_err(|_| Errno("EMFILE"))?;
    let (socket, address) = match at {
        ListenAt::Address(address) => {
            let (fd, bound, shown) = listen_tcp(door, *address, settings)?;
            (Socket::Tcp(fd, shown), Some(bound))
        }
        ListenAt::Path {
            path,
            readable_all,
            writable_all,
        } => {
            let options = ListenOptions {
                backlog: settings.backlog,
                readable_all: *readable_all,
                writable_all: *writable_all,
            };
            let bound = BoundListener::bind(paths.grants(), path, &options);
            door.listened_on_path(path, bound.as_ref().err());
            let bound = bound.map_err(|error| errno::of_path(&error))?;
            let path = path.clone();
            (Socket::Path { path, bound }, None)
        }
        ListenAt::Descriptor(number) => {
            let number = i32::try_from(*number).unwrap_or(-1);
            let taken = paths
                .descriptors()
                .take_bound_listener(number, settings.backlog);
            let bound = taken.map_err(|error| match errno::of_path(&error) {
                // libuv finds out when it looks what kind of descriptor it is.
                Errno("EBADF") => Errno("EINVAL"),
                errno => errno,
            })?;
            let address = bound.local_address();
            (Socket::Inherited(bound), address)
        }
    };
    Ok(Listening {
        id,
        socket,
        address,
        _place: place,
    })
}

fn listen_tcp(
    door: &Door,
    at: SocketAddr,
    settings: ListenSettings,
) -> Result<(OwnedFd, SocketAddr, Shown), Errno> {
    let shown = Shown::of(at.ip());
    if shown == Shown::AsIpv6 && settings.ipv6_only {
        return Err(Errno("EINVAL"));
    }
    let mut local = at;
    local.set_ip(at.ip().to_canonical());
    if !door.may_bind(local) {
        return Err(Errno("EACCES"));
    }
    let fd = tcp_socket(local.ip()).map_err(errno::of_system)?;
    let any = local.is_ipv6() && local.ip().is_unspecified();
    let of_v4 = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    // Whoever may not bind IPv4 gets the other half.
    let dual_stack = any && !settings.ipv6_only && door.may_bind(of_v4(local.port()));
    let bind = || {
        // As in libuv: an old connection in TIME_WAIT is no obstacle.
        sockopt::set_socket_reuseaddr(&fd, true)?;
        if settings.reuse_port {
            sockopt::set_socket_reuseport(&fd, true)?;
        }
        if local.is_ipv6() {
            sockopt::set_ipv6_v6only(&fd, !dual_stack)?;
        }
        rustix::net::bind(&fd, &local)?;
        rustix::net::getsockname(&fd)
    };
    let bound = bind().map_err(errno::of_system)?;
    // With the port that the system has chosen.
    let bound = SocketAddr::try_from(bound).unwrap_or(local);
    let may = door.may_listen(bound) && (!dual_stack || door.may_listen(of_v4(bound.port())));
    if !may {
        return Err(Errno("EACCES"));
    }
    let backlog = i32::try_from(settings.backlog).unwrap_or(i32::MAX);
    rustix::net::listen(&fd, backlog).map_err(errno::of_system)?;
    Ok((fd, shown.address(bound), shown))
}

impl Listening {
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(fd, _) => fd.as_fd(),
            Socket::Path { bound, .. } | Socket::Inherited(bound) => bound.as_fd(),
        }
    }

    /// The address; none for a path.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    fn family(&self) -> Family {
        match &self.socket {
            Socket::Tcp(..) => Family::Tcp,
            Socket::Path { .. } => Family::Unix,
            Socket::Inherited(bound) => bound.family(),
        }
    }

    fn listens(&self) -> Listens<'_> {
        match &self.socket {
            Socket::Tcp(..) => Listens::Tcp,
            Socket::Path { path, .. } => Listens::Path(path),
            Socket::Inherited(_) => Listens::Inherited,
        }
    }

    /// The next connection that policy and limits let in.
    pub(super) fn accept(&self, door: &Door) -> Accepted {
        for _ in 0..AT_ONCE {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let (fd, peer) = match rustix::net::acceptfrom_with(self.fd(), flags) {
                Ok(accepted) => accepted,
                Err(System::AGAIN) => return Accepted::None,
                // This one client has left, which is no reason to wait.
                Err(error) if door::is_of_one(&error.into()) => continue,
                Err(_) => return Accepted::Exhausted,
            };
            let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
            // The policy knows IPv4 as such.
            let canonical = peer.map(|peer| SocketAddr::new(peer.ip().to_canonical(), peer.port()));
            match door.admit(self.listens(), canonical) {
                Ok((place, slot)) => {
                    let endpoints = self.endpoints(&fd, peer);
                    return Accepted::Connection(Connected::new(
                        fd,
                        self.family(),
                        endpoints,
                        place,
                        slot.opened(),
                    ));
                }
                Err(Refused::Denied) => {
                    // Reset: to the peer nothing listens here.
                    let _ = sockopt::set_socket_linger(&fd, Some(std::time::Duration::ZERO));
                }
                Err(Refused::Full) => {}
            }
        }
        Accepted::Busy
    }

    fn endpoints(&self, fd: &OwnedFd, peer: Option<SocketAddr>) -> Endpoints {
        if self.family() == Family::Unix {
            return Endpoints::Path;
        }
        let shown = match &self.socket {
            Socket::Tcp(_, shown) => *shown,
            Socket::Path { .. } | Socket::Inherited(_) => Shown::AsIs,
        };
        // Only a socket for all addresses has to ask which one it was.
        let local = match self.address {
            Some(address) if !is_any(address.ip()) => Some(address),
            _ => rustix::net::getsockname(fd)
                .ok()
                .and_then(|local| SocketAddr::try_from(local).ok())
                .map(|local| shown.address(local)),
        };
        Endpoints::Tcp {
            local,
            remote: peer.map(|peer| shown.address(peer)),
        }
    }
}

fn is_any(ip: IpAddr) -> bool {
    ip.to_canonical().is_unspecified()
}
