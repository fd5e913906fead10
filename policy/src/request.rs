//! Requests of a program.

use std::fmt;
use std::net::SocketAddr;

use crate::entry::Transport;
use crate::name::Name;
use crate::path::IpcAddress;
use crate::text::{shortened, shown};

/// Something that a program asks for.
///
/// Displayed as `TCP connect to 192.0.2.1:80`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Request {
    /// Connect by TCP.
    TcpConnect(SocketAddr),
    /// Bind a local TCP address. With port 0 the system chooses one.
    TcpBind(SocketAddr),
    /// Listen for TCP connections at an address that a [`Request::TcpBind`] was allowed to bind,
    /// with the port that it has now.
    TcpListen(SocketAddr),
    /// Accept a TCP connection.
    TcpAccept(SocketAddr),
    /// Bind a local UDP address. With port 0 the system chooses one.
    UdpBind(SocketAddr),
    /// Keep a local UDP address whose port the system chose, after an allowed [`Request::UdpBind`].
    UdpBound(SocketAddr),
    /// Send a UDP datagram.
    UdpSend(SocketAddr),
    /// Accept a TCP connection at an inherited listener, which needs no listen rule.
    HandedAccept(SocketAddr),
    /// Receive a UDP datagram.
    UdpReceive(SocketAddr),
    /// Look up a name, as the program wrote it.
    Resolve(String),
    /// Connect or send to any public address of a name. No program asks this; a policy does, to
    /// answer before a lookup.
    ToName(Transport, Name, u16),
    /// Connect to a local socket.
    IpcConnect(IpcAddress),
    /// Listen on a local socket.
    IpcListen(IpcAddress),
}

impl Request {
    /// The request's name in the audit: `tcp-connect`.
    pub fn action(&self) -> &'static str {
        match self {
            Request::TcpConnect(_) => "tcp-connect",
            Request::TcpBind(_) => "tcp-bind",
            Request::TcpListen(_) => "tcp-listen",
            Request::TcpAccept(_) | Request::HandedAccept(_) => "tcp-accept",
            Request::UdpBind(_) | Request::UdpBound(_) => "udp-bind",
            Request::UdpSend(_) => "udp-send",
            Request::UdpReceive(_) => "udp-receive",
            Request::Resolve(_) => "resolve",
            Request::ToName(Transport::Tcp, ..) => "tcp-connect",
            Request::ToName(Transport::Udp, ..) => "udp-send",
            Request::IpcConnect(_) => "ipc-connect",
            Request::IpcListen(_) => "ipc-listen",
        }
    }

    /// The address, name or path. A name or path is the program's own text, truncated beyond what
    /// any system accepts.
    pub fn target(&self) -> String {
        shortened(&self.whole_target())
    }

    /// The local socket, if the request is about one.
    pub fn ipc_address(&self) -> Option<&IpcAddress> {
        match self {
            Request::IpcConnect(address) | Request::IpcListen(address) => Some(address),
            _ => None,
        }
    }

    fn whole_target(&self) -> String {
        match self {
            Request::TcpConnect(address)
            | Request::TcpBind(address)
            | Request::TcpListen(address)
            | Request::TcpAccept(address)
            | Request::HandedAccept(address)
            | Request::UdpBind(address)
            | Request::UdpBound(address)
            | Request::UdpSend(address)
            | Request::UdpReceive(address) => address.to_string(),
            Request::Resolve(name) => name.clone(),
            Request::ToName(_, name, port) => format!("{name}:{port}"),
            Request::IpcConnect(address) | Request::IpcListen(address) => address.to_string(),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Request::TcpConnect(_) | Request::ToName(Transport::Tcp, ..) => "TCP connect to",
            Request::TcpBind(_) => "TCP bind to",
            Request::TcpListen(_) => "TCP listen on",
            Request::TcpAccept(_) | Request::HandedAccept(_) => "TCP accept from",
            Request::UdpBind(_) | Request::UdpBound(_) => "UDP bind to",
            Request::UdpSend(_) | Request::ToName(Transport::Udp, ..) => "UDP send to",
            Request::UdpReceive(_) => "UDP receive from",
            Request::Resolve(_) => "lookup of",
            Request::IpcConnect(_) => "connect to",
            Request::IpcListen(_) => "listen on",
        };
        // A name or path is the program's own text; control characters are escaped.
        write!(f, "{what} {}", shown(&self.target()))
    }
}
