//! TCP over `wasi:sockets`: listening, accepting, connecting.

use super::{Connection, Listening, Outcome};
use crate::bindings::wasi::sockets::types::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, TcpSocket,
};
use futures::stream::{self, LocalBoxStream, StreamExt};
use plugnet_core::{Endpoints, Errno, KeepAlive, ListenSettings};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use wit_bindgen::StreamReader;

/// How often to look for a port that is free on IPv4 and IPv6.
const PORT_TRIES: usize = 16;

/// Listens.
///
/// A WASI socket of IPv6 takes no IPv4, so `::` is two sockets with one port. An IPv4-mapped
/// address is a socket of IPv4 whose addresses show as IPv6. WASI has no SO_REUSEPORT.
pub fn listen(at: SocketAddr, settings: ListenSettings) -> Result<Listening, Errno> {
    if settings.reuse_port {
        return Err(Errno("ENOTSUP"));
    }
    let sockets = match at.ip() {
        IpAddr::V6(ip) if ip.is_unspecified() && !settings.ipv6_only => bind_both(at.port())?,
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(_) if settings.ipv6_only => return Err(Errno("EINVAL")),
            Some(v4) => vec![(bind((v4, at.port()).into())?, Shown::AsIpv6)],
            None => vec![(bind(at)?, Shown::AsIs)],
        },
        IpAddr::V4(_) => vec![(bind(at)?, Shown::AsIs)],
    };
    let mut listeners = Vec::with_capacity(sockets.len());
    let mut bound = None;
    for ((socket, address), shown) in sockets {
        bound.get_or_insert(shown.address(address));
        socket.set_listen_backlog_size(settings.backlog.into())?;
        listeners.push(accept(socket.listen()?, shown));
    }
    Ok(Listening {
        address: bound,
        connections: listeners,
        closes_at_once: None,
    })
}

/// How a socket's IPv4 addresses show.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    AsIs,
    /// As IPv4-mapped IPv6 addresses, as on Node's dual-stack socket.
    AsIpv6,
}

impl Shown {
    fn address(self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) if self == Self::AsIpv6 => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), address.port())
            }
            _ => address,
        }
    }
}

/// The connections of a listening socket, which this keeps open.
fn accept(
    accepted: StreamReader<TcpSocket>,
    shown: Shown,
) -> LocalBoxStream<'static, Box<dyn Connection>> {
    let connections = stream::unfold(accepted, move |mut accepted| async move {
        let socket = accepted.next().await?;
        let connected: Box<dyn Connection> = Box::new(Connected { socket, shown });
        Some((connected, accepted))
    });
    connections.boxed_local()
}

type Bound = (TcpSocket, SocketAddr);

fn bind_both(port: u16) -> Result<Vec<(Bound, Shown)>, ErrorCode> {
    for _ in 0..PORT_TRIES {
        let v6 = bind(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port))?;
        let same_port = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), v6.1.port());
        match bind(same_port) {
            Ok(v4) => return Ok(vec![(v6, Shown::AsIs), (v4, Shown::AsIpv6)]),
            // The system chose a port that is taken on IPv4: let it choose again.
            Err(ErrorCode::AddressInUse) if port == 0 => {}
            Err(ErrorCode::AddressInUse) => return Err(ErrorCode::AddressInUse),
            Err(_) => return Ok(vec![(v6, Shown::AsIs)]),
        }
    }
    Err(ErrorCode::AddressInUse)
}

fn bind(address: SocketAddr) -> Result<Bound, ErrorCode> {
    let socket = TcpSocket::create(family(address.ip()))?;
    socket.bind(address.into())?;
    let bound = socket.get_local_address()?.into();
    Ok((socket, bound))
}

fn family(ip: IpAddr) -> IpAddressFamily {
    match ip {
        IpAddr::V4(_) => IpAddressFamily::Ipv4,
        IpAddr::V6(_) => IpAddressFamily::Ipv6,
    }
}

/// A connected socket and how its addresses show.
struct Connected {
    socket: TcpSocket,
    shown: Shown,
}

impl Connection for Connected {
    /// An address is absent if the connection is closed already.
    fn endpoints(&self) -> Endpoints {
        let shown = |address: Result<IpSocketAddress, ErrorCode>| {
            Some(self.shown.address(address.ok()?.into()))
        };
        Endpoints::Tcp {
            local: shown(self.socket.get_local_address()),
            remote: shown(self.socket.get_remote_address()),
        }
    }

    fn set_keep_alive(&self, keep_alive: KeepAlive) {
        let enable = matches!(keep_alive, KeepAlive::On(_));
        let _ = self.socket.set_keep_alive_enabled(enable);
        if let KeepAlive::On(Some(probes)) = keep_alive {
            let nanoseconds = |seconds: u64| seconds.saturating_mul(1_000_000_000);
            let _ = self
                .socket
                .set_keep_alive_idle_time(nanoseconds(probes.delay));
            let _ = self
                .socket
                .set_keep_alive_interval(nanoseconds(probes.interval));
            let _ = self.socket.set_keep_alive_count(probes.count);
        }
    }

    fn send(&self, data: StreamReader<u8>) -> Outcome {
        self.socket.send(data)
    }

    fn receive(&self) -> (StreamReader<u8>, Outcome) {
        self.socket.receive()
    }
}

/// Connects; with the error comes the call that failed.
pub async fn connect(
    remote: SocketAddr,
    local: Option<SocketAddr>,
) -> Result<Box<dyn Connection>, (&'static str, Errno)> {
    // WASI refuses addresses that POSIX systems accept; the outcome is Linux's.
    if remote.port() == 0 {
        return Err(("connect", Errno("ECONNREFUSED")));
    }
    let canonical = remote.ip().to_canonical();
    let shown = if canonical == remote.ip() {
        Shown::AsIs
    } else {
        Shown::AsIpv6
    };
    let target = match canonical {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let socket = TcpSocket::create(family(target)).map_err(|code| match code {
        ErrorCode::NotSupported => ("connect", Errno("EAFNOSUPPORT")),
        code => ("connect", code.into()),
    })?;
    if let Some(local) = local {
        let bound = socket.bind(of_family(local, target).into());
        bound.map_err(|code| ("bind", code.into()))?;
    }
    let target = SocketAddr::new(target, remote.port());
    match socket.connect(target.into()).await {
        Ok(()) => Ok(Box::new(Connected { socket, shown })),
        Err(code) => Err(("connect", code.into())),
    }
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

impl From<IpSocketAddress> for SocketAddr {
    fn from(address: IpSocketAddress) -> Self {
        match address {
            IpSocketAddress::Ipv4(Ipv4SocketAddress {
                port,
                address: (a, b, c, d),
            }) => (Ipv4Addr::new(a, b, c, d), port).into(),
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port,
                address: (a, b, c, d, e, f, g, h),
                ..
            }) => (Ipv6Addr::new(a, b, c, d, e, f, g, h), port).into(),
        }
    }
}

impl From<SocketAddr> for IpSocketAddress {
    fn from(address: SocketAddr) -> Self {
        match address {
            SocketAddr::V4(v4) => {
                let [a, b, c, d] = v4.ip().octets();
                Self::Ipv4(Ipv4SocketAddress {
                    port: v4.port(),
                    address: (a, b, c, d),
                })
            }
            SocketAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, h] = v6.ip().segments();
                Self::Ipv6(Ipv6SocketAddress {
                    port: v6.port(),
                    flow_info: 0,
                    address: (a, b, c, d, e, f, g, h),
                    scope_id: 0,
                })
            }
        }
    }
}
