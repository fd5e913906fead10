//! TCP over `wasi:sockets`: listening, accepting, connecting.

use super::{Connection, Listening, Outcome};
use crate::bindings::wasi::sockets::types::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, TcpSocket,
};
use crate::node::{Ends, Errno};
use futures::stream::{self, LocalBoxStream, StreamExt};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use wit_bindgen::StreamReader;

/// How often a free port is looked for that is free on IPv4 and IPv6 alike.
const PORT_TRIES: usize = 16;

/// Listens; with the error comes the address it is about.
///
/// Without an address this is Node's default: all addresses of both families. A
/// WASI socket is IPv6-only, so these are two sockets with one port.
pub fn listen(
    address: Option<IpAddr>,
    port: u16,
    backlog: u32,
) -> Result<Listening, (Errno, SocketAddr)> {
    let sockets = match address {
        Some(ip) => {
            let asked = SocketAddr::new(ip, port);
            vec![(bind(asked).map_err(|code| (code.into(), asked))?, false)]
        }
        None => bind_both(port)?,
    };
    let mut listeners = Vec::with_capacity(sockets.len());
    let mut bound = None;
    for ((socket, address), mapped) in sockets {
        bound.get_or_insert(address);
        let asked = SocketAddr::new(address.ip(), port);
        let listening = socket
            .set_listen_backlog_size(backlog.into())
            .and_then(|()| socket.listen());
        let connections = listening.map_err(|code| (code.into(), asked))?;
        listeners.push(accept(connections, mapped));
    }
    Ok(Listening {
        address: bound,
        connections: listeners,
        closes_at_once: None,
    })
}

/// The connections of a listening socket, which this holds, too.
fn accept(
    accepted: StreamReader<TcpSocket>,
    mapped: bool,
) -> LocalBoxStream<'static, Box<dyn Connection>> {
    let connections = stream::unfold(accepted, move |mut accepted| async move {
        let socket = accepted.next().await?;
        let connected: Box<dyn Connection> = Box::new(Connected { socket, mapped });
        Some((connected, accepted))
    });
    connections.boxed_local()
}

type Bound = (TcpSocket, SocketAddr);

fn bind_both(port: u16) -> Result<Vec<(Bound, bool)>, (Errno, SocketAddr)> {
    let in_use = (
        Errno("EADDRINUSE"),
        SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port),
    );
    for _ in 0..PORT_TRIES {
        let v6 = match bind(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port)) {
            Ok(bound) => bound,
            Err(ErrorCode::AddressInUse) => return Err(in_use),
            // Node then listens on IPv4 alone, and reports what fails there.
            Err(_) => {
                let asked = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port);
                let v4 = bind(asked).map_err(|code| (code.into(), asked))?;
                return Ok(vec![(v4, false)]);
            }
        };
        let same_port = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), v6.1.port());
        match bind(same_port) {
            Ok(v4) => return Ok(vec![(v6, false), (v4, true)]),
            // The system chose a port that is taken on IPv4: it shall choose again.
            Err(ErrorCode::AddressInUse) if port == 0 => {}
            Err(ErrorCode::AddressInUse) => return Err(in_use),
            Err(_) => return Ok(vec![(v6, false)]),
        }
    }
    Err(in_use)
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
    /// Whether its IPv4 addresses show as IPv4-mapped IPv6 addresses: those of a server
    /// that listens on all addresses do, as on Node's one dual-stack socket.
    mapped: bool,
}

impl Connection for Connected {
    /// An address is absent if the connection is gone already.
    fn ends(&self) -> Ends {
        Ends::Tcp {
            local: self.shown(self.socket.get_local_address()),
            remote: self.shown(self.socket.get_remote_address()),
        }
    }

    fn keep_alive(&self, enable: bool, delay: u64) {
        let _ = self.socket.set_keep_alive_enabled(enable);
        if enable && delay > 0 {
            let delay = delay.saturating_mul(1_000_000_000);
            let _ = self.socket.set_keep_alive_idle_time(delay);
        }
    }

    fn send(&self, data: StreamReader<u8>) -> Outcome {
        self.socket.send(data)
    }

    fn receive(&self) -> (StreamReader<u8>, Outcome) {
        self.socket.receive()
    }
}

impl Connected {
    fn shown(&self, address: Result<IpSocketAddress, ErrorCode>) -> Option<SocketAddr> {
        let address = SocketAddr::from(address.ok()?);
        Some(match address.ip() {
            IpAddr::V4(ip) if self.mapped => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), address.port())
            }
            _ => address,
        })
    }
}

/// Connects; with the error comes the call that failed.
pub async fn connect(
    remote: SocketAddr,
    local: Option<SocketAddr>,
) -> Result<Box<dyn Connection>, (&'static str, Errno)> {
    // WASI refuses what POSIX systems understand; the outcome is that of Linux.
    if remote.port() == 0 {
        return Err(("connect", Errno("ECONNREFUSED")));
    }
    let canonical = remote.ip().to_canonical();
    let mapped = canonical != remote.ip();
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
        let bound = socket.bind(local.into());
        bound.map_err(|code| ("bind", code.into()))?;
    }
    let target = SocketAddr::new(target, remote.port());
    match socket.connect(target.into()).await {
        Ok(()) => Ok(Box::new(Connected { socket, mapped })),
        Err(code) => Err(("connect", code.into())),
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
