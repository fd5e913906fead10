//! What the rules ask of a transport, and what it answers.
//!
//! The rules do no I/O. They put [`Action`]s into a queue; whoever drives them
//! carries these out in order and answers with [`Input`]s.

use super::error::Errno;
use super::event::Id;
use std::net::{IpAddr, SocketAddr};

/// Numbers the connection attempts of one socket.
pub type Attempt = u32;

/// Numbers what listens.
pub type Handle = u64;

/// Where something listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAt {
    /// At a port.
    Port {
        /// Absent: all addresses, IPv6 and IPv4.
        address: Option<IpAddr>,
        port: u16,
    },
    /// At a path.
    Path {
        path: String,
        readable_all: bool,
        writable_all: bool,
    },
    /// On a descriptor that the host was handed.
    Descriptor(u32),
}

/// What a failure to listen is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address.
    Address(SocketAddr),
    /// A path.
    Path(String),
    /// Something that has no name.
    Nameless,
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// A TCP connection. An address is absent where the transport cannot tell it.
    Tcp {
        local: Option<SocketAddr>,
        remote: Option<SocketAddr>,
    },
    /// A UNIX domain socket's or a named pipe's: neither has an address (row P11).
    Path,
}

impl Ends {
    /// The own address.
    pub fn local(self) -> Option<SocketAddr> {
        match self {
            Self::Tcp { local, .. } => local,
            Self::Path => None,
        }
    }

    /// The peer's.
    pub fn remote(self) -> Option<SocketAddr> {
        match self {
            Self::Tcp { remote, .. } => remote,
            Self::Path => None,
        }
    }
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Resolve a name, for a server (its first address is taken) or a socket.
    /// Answer: [`Input::LookedUp`].
    Lookup { id: Id, lookup: u32, host: String },
    /// Bind and listen, at once. Answer before anything else:
    /// [`super::Net::listened`].
    Listen {
        id: Id,
        /// Names what will listen. A server that listens on what another one has
        /// shares it.
        handle: Handle,
        at: ListenAt,
        backlog: u32,
    },
    /// Stop listening and free the port, at once; a path is removed before anything
    /// else.
    CloseServer { handle: Handle },
    /// Go on accepting connections. Sent when [`super::Net::accepting`] turns
    /// true again.
    Accept { handle: Handle },
    /// Connect. Answer: [`Input::Connected`] or [`Input::ConnectFailed`].
    Connect {
        id: Id,
        attempt: Attempt,
        remote: SocketAddr,
        local: Option<SocketAddr>,
        /// How long to wait before [`Input::AttemptTimeout`] is due, in
        /// milliseconds.
        timeout: Option<u64>,
    },
    /// Connect to a path; the only attempt, number 0. Answer as for an address.
    ConnectPath { id: Id, path: String },
    /// The connection of an attempt is the socket's from now on. Sent once for an
    /// attempt that succeeded, unless that is given up.
    Open { id: Id, attempt: Attempt },
    /// Give up an attempt, or the connection that it has led to.
    AbortConnect { id: Id, attempt: Attempt },
    /// Receive something. Answer: [`Input::Received`], [`Input::PeerEnded`] or
    /// [`Input::ReadFailed`].
    Read { id: Id },
    /// Send all of this. Answer: [`super::Net::written`] with what could be
    /// handed to the host at once, then [`Input::Written`] for the rest, or
    /// [`Input::WriteFailed`].
    Write { id: Id, data: Vec<u8> },
    /// Send a FIN. Nothing is being written. Answer: [`Input::ShutDown`].
    Shutdown { id: Id },
    /// There is something for the stream that takes what a socket receives, or it
    /// is over: [`super::Net::read_streamed`].
    StreamIn { id: Id, life: u32 },
    /// There is room for what comes from the stream that a socket sends, or
    /// nothing is sent any more: [`super::Net::stream_has_room`].
    StreamOut { id: Id, life: u32 },
    /// Set SO_KEEPALIVE, and TCP_KEEPIDLE unless `delay`, in seconds, is 0.
    KeepAlive { id: Id, enable: bool, delay: u64 },
    /// Free the connection, at once, and whatever was going on with it.
    Close { id: Id },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A name was resolved. `lookup` is that of the action.
    LookedUp {
        lookup: u32,
        outcome: Result<Vec<IpAddr>, Errno>,
    },
    /// An attempt succeeded.
    Connected { attempt: Attempt, ends: Ends },
    /// An attempt failed in `connect`, or in `bind` before it.
    ConnectFailed {
        attempt: Attempt,
        syscall: &'static str,
        errno: Errno,
    },
    /// An attempt takes longer than it should.
    AttemptTimeout { attempt: Attempt },
    /// Bytes came.
    Received(Vec<u8>),
    /// A FIN came.
    PeerEnded,
    /// Receiving failed.
    ReadFailed(Errno),
    /// All that was to be sent has been handed to the host.
    Written,
    /// Sending failed.
    WriteFailed(Errno),
    /// The FIN was sent, or there was nobody left to send it to.
    ShutDown,
}

impl Input {
    /// Whether it answers [`Action::Read`].
    pub fn is_received(&self) -> bool {
        matches!(
            self,
            Input::Received(_) | Input::PeerEnded | Input::ReadFailed(_)
        )
    }
}
