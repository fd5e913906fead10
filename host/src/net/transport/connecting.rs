//! An attempt to connect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use plugnet_core::{Attempt, Endpoints, Errno, Report};
use plugnet_ipc::Family;
use rustix::io::Errno as System;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::connected::Connected;
use super::shown::Shown;
use crate::door::paths::Paths;
use crate::door::{Door, Local, Refused, Slot};
use crate::limits::Place;
use crate::net::{errno, zone};
use crate::observe::{Direction, Peer};

/// An attempt that is under way: it is over when its socket can be written to. A path connects at
/// once, and as in libuv that shows in the next look at the system.
pub(super) struct Connecting {
    fd: OwnedFd,
    to: To,
    slot: Slot,
    place: Place,
}

enum To {
    Address { remote: SocketAddr, shown: Shown },
    Path,
}

/// Why an attempt failed.
pub(super) struct Failure {
    /// The call that failed.
    pub(super) syscall: &'static str,
    pub(super) errno: Errno,
    /// The local end, as it is shown, if `connect` failed at once.
    pub(super) local: Option<String>,
}

impl Failure {
    pub(super) fn of(syscall: &'static str, errno: Errno) -> Self {
        Failure {
            syscall,
            errno,
            local: None,
        }
    }

    pub(super) fn of_attempt(self, attempt: Attempt) -> Report {
        Report::ConnectFailed {
            attempt,
            syscall: self.syscall,
            errno: self.errno,
            local: self.local,
        }
    }
}

/// Begins to connect by TCP.
///
/// # Errors
///
/// What the policy, the limits or the system say at once.
pub(super) fn to_address(
    door: &Door,
    remote: SocketAddr,
    local: Option<SocketAddr>,
) -> Result<Connecting, Failure> {
    let refused = |errno| Failure::of("connect", Errno(errno));
    // As on Linux, and before anybody is asked.
    if remote.port() == 0 {
        return Err(refused("ECONNREFUSED"));
    }
    let shown = Shown::of(remote.ip());
    // To Linux an unspecified address is this machine; the policy is asked for what is reached.
    let ip = match remote.ip().to_canonical() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let mut target = remote;
    target.set_ip(ip);
    zone::complete(&mut target);
    let place = door.place().map_err(|_| refused("EMFILE"))?;
    let fd = tcp_socket(ip).map_err(|error| Failure::of("connect", errno::of_system(error)))?;
    let way = match local {
        None => Local::Chosen,
        Some(local) => {
            let local = of_family(local, ip);
            if !door.may_bind(local) {
                return Err(Failure::of("bind", Errno("EACCES")));
            }
            sockopt::set_socket_reuseaddr(&fd, true)
                .and_then(|()| rustix::net::bind(&fd, &local))
                .map_err(|error| match error {
                    // As libuv says it.
                    System::AFNOSUPPORT => Failure::of("bind", Errno("EINVAL")),
                    error => Failure::of("bind", errno::of_system(error)),
                })?;
            Local::Bound
        }
    };
    let slot = door.dial(target, way).map_err(|why| match why {
        Refused::Denied => refused("EACCES"),
        Refused::Full => refused("EMFILE"),
    })?;
    match rustix::io::retry_on_intr(|| rustix::net::connect(&fd, &target)) {
        Ok(()) | Err(System::INPROGRESS) => Ok(Connecting {
            fd,
            to: To::Address { remote, shown },
            slot,
            place,
        }),
        // libuv tells of it later, as of a failure of an attempt under way.
        Err(System::CONNREFUSED) => Err(refused("ECONNREFUSED")),
        Err(error) => Err(Failure {
            local: local_end(&fd, shown),
            ..Failure::of("connect", errno::of_system(error))
        }),
    }
}

/// The local end of a socket, as it is shown.
fn local_end(fd: &OwnedFd, shown: Shown) -> Option<String> {
    let local = SocketAddr::try_from(rustix::net::getsockname(fd).ok()?).ok()?;
    let local = if local.ip().is_unspecified() && shown == Shown::AsIpv6 {
        // In Node the socket of an IPv4-mapped address is one of IPv6.
        (Ipv6Addr::UNSPECIFIED, local.port()).into()
    } else {
        shown.address(local)
    };
    Some(format!("{}:{}", zone::shown(&local), local.port()))
}

/// Connects to a path.
///
/// # Errors
///
/// What the policy, the limits or the system say.
pub(super) fn to_path(door: &Door, paths: &Paths, path: &str) -> Result<Connecting, Errno> {
    let (place, slot) = door
        .place_and_slot(Direction::Connect, Peer::Path(path.to_owned()))
        // The policy decided nothing about the path.
        .map_err(|_| Errno("EMFILE"))?;
    let connected = plugnet_ipc::connect(paths.grants(), path);
    door.dialled_path(path, connected.as_ref().err());
    let fd = connected.map_err(|error| errno::of_path(&error))?;
    let to = To::Path;
    Ok(Connecting {
        fd,
        to,
        slot,
        place,
    })
}

impl Connecting {
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The local end, as it is shown.
    pub(super) fn local_end(&self) -> Option<String> {
        match self.to {
            To::Address { shown, .. } => local_end(&self.fd, shown),
            To::Path => None,
        }
    }

    /// The connection, once the socket can be written to.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub(super) fn finish(self) -> Result<Connected, Failure> {
        let Connecting {
            fd,
            to,
            slot,
            place,
        } = self;
        // Also of a path, whose listener may have been closed since.
        let error = match sockopt::socket_error(&fd) {
            Ok(Ok(())) => None,
            Ok(Err(error)) | Err(error) => Some(error),
        };
        if let Some(error) = error {
            return Err(Failure::of("connect", errno::of_system(error)));
        }
        let (family, endpoints) = match to {
            To::Path => (Family::Unix, Endpoints::Path),
            To::Address { mut remote, shown } => {
                let local = rustix::net::getsockname(&fd).ok();
                let local = local.and_then(|local| SocketAddr::try_from(local).ok());
                if let SocketAddr::V6(v6) = &mut remote
                    && let Some(SocketAddr::V6(local)) = local
                    && v6.ip().is_unicast_link_local()
                {
                    // The zone that it was reached in, whether the program has named one or not.
                    v6.set_scope_id(local.scope_id());
                }
                let endpoints = Endpoints::Tcp {
                    local: local.map(|local| shown.address(local)),
                    remote: Some(remote),
                };
                (Family::Tcp, endpoints)
            }
        };
        Ok(Connected::new(fd, family, endpoints, place, slot.opened()))
    }
}

/// A socket that does not block.
pub(super) fn tcp_socket(of: IpAddr) -> Result<OwnedFd, System> {
    let family = match of {
        IpAddr::V4(_) => AddressFamily::INET,
        IpAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socket_with(family, SocketType::STREAM, flags, None)
}

/// The local address in the family of the target: for IPv4, an IPv4-mapped address becomes IPv4,
/// and so does `::`.
fn of_family(local: SocketAddr, target: IpAddr) -> SocketAddr {
    match (local.ip().to_canonical(), target) {
        (IpAddr::V6(ip), IpAddr::V4(_)) if ip.is_unspecified() => {
            (Ipv4Addr::UNSPECIFIED, local.port()).into()
        }
        (ip, IpAddr::V4(_)) => (ip, local.port()).into(),
        _ => local,
    }
}
