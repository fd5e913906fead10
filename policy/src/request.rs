//! What a program asks for.

use std::fmt;
use std::net::SocketAddr;

use crate::entry::Transport;
use crate::name::Name;
use crate::path::IpcAddress;
use crate::text::{shortened, shown};

/// Something that a program wants to do.
///
/// Displayed as `TCP connect to 192.0.2.1:80`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Request {
    /// Connect to a peer by TCP.
    TcpConnect(SocketAddr),
    /// Take a local TCP address. Port 0 is one that the system chooses.
    TcpBind(SocketAddr),
    /// Wait for TCP connections at an address that was taken before, by a [`Request::TcpBind`]
    /// that was allowed: the port is the one it has by now.
    TcpListen(SocketAddr),
    /// Take a TCP connection from a peer.
    TcpAccept(SocketAddr),
    /// Take a local UDP address. Port 0 is one that the system chooses.
    UdpBind(SocketAddr),
    /// Keep a local UDP address whose port the system chose, after a [`Request::UdpBind`] that
    /// was allowed.
    UdpBound(SocketAddr),
    /// Send a UDP datagram to a peer.
    UdpSend(SocketAddr),
    /// Take a TCP connection from a peer, at a listener that the host was started with and handed
    /// to the program: it may listen there without a rule.
    HandedAccept(SocketAddr),
    /// Take a UDP datagram from a peer.
    UdpReceive(SocketAddr),
    /// Ask the resolver for the addresses of a name, written as the program has it.
    Resolve(String),
    /// Connect, or send, to whatever public address the program gets from a name. No program
    /// asks this; it is how a policy answers before any lookup.
    ToName(Transport, Name, u16),
    /// Connect to a local socket.
    IpcConnect(IpcAddress),
    /// Listen on a local socket.
    IpcListen(IpcAddress),
}

impl Request {
    /// What is asked for, as it is called in the audit: `tcp-connect`.
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

    /// The address, name or path that it is about. A name or a path is the program's own text;
    /// of a longer one than any system takes, there is only the beginning.
    pub fn target(&self) -> String {
        shortened(&self.whole_target())
    }

    /// The local socket that it is about, if it is about one.
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
        // A name or a path is the program's own text: it does not move anybody's cursor.
        write!(f, "{what} {}", shown(&self.target()))
    }
}
