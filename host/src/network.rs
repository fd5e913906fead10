//! What a program may reach, and who hears of what it may not.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use wasmtime_wasi::sockets::SocketAddrUse;

/// A way to reach others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Taking a local TCP address.
    TcpBind,
    /// Waiting for TCP connections.
    TcpListen,
    /// Taking a TCP connection from a peer.
    TcpAccept,
    /// Connecting to a peer by TCP.
    TcpConnect,
    /// Taking a local UDP address.
    UdpBind,
    /// Sending a UDP datagram to a peer.
    UdpSend,
    /// Receiving a UDP datagram from a peer.
    UdpReceive,
    /// Asking the resolver for the addresses of a name.
    NameLookup,
    /// Making a UNIX domain socket, or a named pipe, and waiting for connections.
    PathListen,
    /// Connecting to a UNIX domain socket or a named pipe.
    PathConnect,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::TcpBind => "TCP bind to",
            Access::TcpListen => "TCP listen on",
            Access::TcpAccept => "TCP accept from",
            Access::TcpConnect => "TCP connect to",
            Access::UdpBind => "UDP bind to",
            Access::UdpSend => "UDP send to",
            Access::UdpReceive => "UDP receive from",
            Access::NameLookup => "lookup of",
            Access::PathListen => "listen on",
            Access::PathConnect => "connect to",
        })
    }
}

impl From<SocketAddrUse> for Access {
    fn from(reason: SocketAddrUse) -> Self {
        match reason {
            SocketAddrUse::TcpBind => Access::TcpBind,
            SocketAddrUse::TcpListen => Access::TcpListen,
            SocketAddrUse::TcpAccept => Access::TcpAccept,
            SocketAddrUse::TcpConnect => Access::TcpConnect,
            SocketAddrUse::UdpBind => Access::UdpBind,
            SocketAddrUse::UdpSend => Access::UdpSend,
            SocketAddrUse::UdpReceive => Access::UdpReceive,
        }
    }
}

/// Something a program asked for and was not granted.
///
/// Displayed as `TCP connect to 192.0.2.1:80` or `connect to /run/app.sock`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Denial {
    /// What it wanted to do.
    pub access: Access,
    /// The address, the name or the path it wanted to do it with. An abstract name of Linux
    /// shows as `@name`.
    pub target: String,
    /// For a path: the [`Grant`](crate::Grant) that would allow it, if one can.
    pub grant: Option<String>,
    /// For a path that something grants: why it is denied all the same, in words.
    pub reason: Option<String>,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.access, self.target)
    }
}

/// Who hears of what a program is not granted.
pub(crate) type OnDenied = Arc<dyn Fn(&Denial) + Send + Sync>;

/// Decides for one run of a program.
#[derive(Clone, Default)]
pub(crate) struct Network {
    pub(crate) allowed: bool,
    pub(crate) on_denied: Option<OnDenied>,
}

impl Network {
    pub(crate) fn allows_address(&self, address: SocketAddr, access: Access) -> bool {
        // wasmtime-wasi asks for this before every `connect` and `listen` that names no local
        // address. Nothing can come in or go out by it; what follows is asked for again, with
        // an address that tells more.
        let any = address.ip().is_unspecified() && address.port() == 0;
        if any && matches!(access, Access::TcpBind | Access::UdpBind) {
            return true;
        }
        self.decide(access, || address.to_string())
    }

    pub(crate) fn allows_lookup(&self, name: &str) -> bool {
        self.decide(Access::NameLookup, || name.to_owned())
    }

    fn decide(&self, access: Access, target: impl FnOnce() -> String) -> bool {
        if !self.allowed {
            self.denied(|| Denial {
                access,
                target: target(),
                grant: None,
                reason: None,
            });
        }
        self.allowed
    }

    /// Lets who listens for denials hear of one.
    pub(crate) fn denied(&self, denial: impl FnOnce() -> Denial) {
        if let Some(on_denied) = &self.on_denied {
            on_denied(&denial());
        }
    }
}
