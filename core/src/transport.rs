//! What the core asks of the host's sockets, and what they report.
//!
//! A [`Transport`] never calls back from within a call: later outcomes are reported to the
//! [`Driver`](crate::Driver) when they happen.

use crate::error::{Errno, Error};
use crate::event::SocketId;
use crate::ip::Zone;
use crate::lookup::LookupRequest;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;

/// Numbers the connection attempts of one socket.
pub type Attempt = u32;

/// Numbers the connections of one socket: reports about an earlier one do not affect a later one.
pub type Generation = u32;

/// Numbers the lookups. An answer to an earlier one is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LookupId(pub u64);

/// Identifies a listener. Servers may share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(pub u64);

/// Identifies an accepted connection that is no socket yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AcceptedId(pub u64);

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAt {
    /// An address. `::` takes IPv4 as well, unless it is to take IPv6 alone, and its IPv4 clients
    /// show as `::ffff:a.b.c.d` (row S20); an IPv4-mapped address is that IPv4 address, shown in its IPv6 form.
    Address(SocketAddr),
    /// A path.
    Path {
        /// As the program names it.
        path: String,
        /// Every user may read.
        readable_all: bool,
        /// Every user may write.
        writable_all: bool,
    },
    /// An inherited descriptor.
    Descriptor(u32),
}

/// How to listen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListenSettings {
    /// How many connections may wait to be accepted.
    pub backlog: u32,
    /// An IPv6 address takes IPv6 alone (IPV6_V6ONLY).
    pub ipv6_only: bool,
    /// Others that say so, too, may listen on the port (SO_REUSEPORT).
    pub reuse_port: bool,
}

/// What to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectTo {
    /// An address.
    Address {
        /// The remote address.
        remote: SocketAddr,
        /// The local address, if the program named one.
        local: Option<SocketAddr>,
    },
    /// A path.
    Path(String),
}

/// The origin of a socket's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An attempt of this socket that succeeded.
    Attempt(Attempt),
    /// A listener accepted it.
    Accepted(AcceptedId),
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoints {
    /// A TCP connection. An address is absent if the transport does not know it.
    Tcp {
        /// The local address.
        local: Option<SocketAddr>,
        /// The remote address.
        remote: Option<SocketAddr>,
    },
    /// A UNIX domain socket's or a named pipe's: neither has an address (row P11).
    Path,
}

impl Endpoints {
    /// The local address.
    pub fn local(self) -> Option<SocketAddr> {
        match self {
            Self::Tcp { local, .. } => local,
            Self::Path => None,
        }
    }

    /// The remote address.
    pub fn remote(self) -> Option<SocketAddr> {
        match self {
            Self::Tcp { remote, .. } => remote,
            Self::Path => None,
        }
    }
}

/// How much of a write the host took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// All of it.
    All,
    /// This many bytes; the rest is under way. [`Report::Written`] or [`Report::WriteFailed`]
    /// follows.
    Some(usize),
    /// Nothing, now or ever. [`Report::WriteFailed`] follows.
    Refused,
}

/// SO_KEEPALIVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepAlive {
    /// Switches it off.
    Off,
    /// Switches it on. Without probes the system's values stay.
    On(Option<Probes>),
}

/// When an idle connection is probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probes {
    /// The seconds before the first (TCP_KEEPIDLE).
    pub delay: u64,
    /// The seconds between them (TCP_KEEPINTVL).
    pub interval: u64,
    /// After how many the connection is given up (TCP_KEEPCNT).
    pub count: u32,
}

/// Why a descriptor cannot become a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdoptError {
    /// It is of this kind, in libuv's terms.
    Kind(&'static str),
    /// The system's error.
    Failed(Errno),
}

/// The host's sockets, as the core uses them.
///
/// # What the core promises
///
/// - It asks for one read, one write and one shutdown of a connection at a time, writes nothing
///   after a shutdown, and asks nothing of a connection before [`open`](Self::open) or after
///   [`close`](Self::close).
/// - Every attempt is either opened or aborted, every accepted connection opened or refused.
///
/// # What a transport promises
///
/// - It does what it is asked at once, or starts it; no call waits.
/// - It reports nothing about a connection after `close`, nor about an attempt after
///   `abort_connect`. (The core ignores it all the same.)
/// - Reports that belong together come in the order in which they happened.
pub trait Transport {
    /// Milliseconds since some beginning; never goes back.
    fn now(&mut self) -> u64;

    /// The number of a network interface, the zone of an IPv6 address; 0 if there is none of that
    /// name.
    fn scope_id(&mut self, zone: &str) -> u32 {
        let _ = zone;
        0
    }

    /// Resolves a name. The family and the hints are the resolver's to heed: addresses of another
    /// family are passed over. Reports to [`Driver::looked_up`](crate::Driver::looked_up).
    fn look_up(&mut self, lookup: LookupId, request: LookupRequest);

    /// Binds and listens. Returns the address, if there is one; if it is pending, reports to
    /// [`Driver::listened`](crate::Driver::listened).
    fn listen(
        &mut self,
        listener: ListenerId,
        at: &ListenAt,
        settings: ListenSettings,
    ) -> Poll<Result<Option<SocketAddr>, Errno>>;

    /// Stops listening and frees the port, or removes the path.
    fn close_listener(&mut self, listener: ListenerId);

    /// Accepts again: [`Driver::accepts`](crate::Driver::accepts) has turned true.
    fn accept(&mut self, listener: ListenerId);

    /// Closes an accepted connection that became no socket.
    fn refuse(&mut self, accepted: AcceptedId);

    /// Connects. Reports [`Report::Connected`] or [`Report::ConnectFailed`].
    fn connect(&mut self, socket: SocketId, attempt: Attempt, to: ConnectTo);

    /// Cancels an attempt, or closes the connection that it led to.
    fn abort_connect(&mut self, socket: SocketId, attempt: Attempt);

    /// The local end of an attempt, as it is shown: `127.0.0.1:80`. Absent if it is not known
    /// before the connection stands.
    fn local_end(&mut self, socket: SocketId, attempt: Attempt) -> Option<String> {
        let _ = (socket, attempt);
        None
    }

    /// Assigns the connection to the socket.
    fn open(&mut self, socket: SocketId, origin: Origin);

    /// Makes an inherited connection a socket's.
    ///
    /// # Errors
    ///
    /// [`AdoptError`], if the descriptor is not one of a connection.
    fn adopt(&mut self, socket: SocketId, descriptor: u32) -> Result<Endpoints, AdoptError>;

    /// Receives something. Reports [`Report::Received`], [`Report::PeerEnded`] or
    /// [`Report::ReadFailed`].
    fn read(&mut self, socket: SocketId);

    /// Sends all of this.
    fn write(&mut self, socket: SocketId, data: Vec<u8>) -> Written;

    /// Sends a FIN. Returns [`Report::ShutDown`] or [`Report::WriteFailed`]; if it is pending, reports
    /// it.
    fn shut_down(&mut self, socket: SocketId) -> Poll<Report>;

    /// Sets TCP_NODELAY of a TCP connection. A failure has no consequence, as in Node.
    fn set_no_delay(&mut self, socket: SocketId, no_delay: bool);

    /// Sets SO_KEEPALIVE. A failure has no consequence, as in Node.
    fn set_keep_alive(&mut self, socket: SocketId, keep_alive: KeepAlive);

    /// Sets IP_TOS, or IPV6_TCLASS, of a TCP connection. A failure has no consequence.
    fn set_type_of_service(&mut self, socket: SocketId, type_of_service: u8);

    /// What that is at a connection; absent if the transport does not know it.
    fn type_of_service(&mut self, socket: SocketId) -> Option<u8> {
        let _ = socket;
        None
    }

    /// Closes the connection, and cancels its operations.
    fn close(&mut self, socket: SocketId);

    /// Whether [`reset`](Self::reset) resets.
    fn can_reset(&self) -> bool {
        false
    }

    /// Closes the connection, one of TCP, as [`close`](Self::close) does, and sends the peer a RST.
    /// It is asked only if it [can be](Self::can_reset).
    fn reset(&mut self, socket: SocketId) {
        self.close(socket);
    }

    /// The stream of received data has something to take, or its end:
    /// [`Driver::read_streamed`](crate::Driver::read_streamed).
    fn wake_incoming(&mut self, socket: SocketId, generation: Generation);

    /// The outgoing stream has room, or nothing more is sent:
    /// [`Driver::stream_has_room`](crate::Driver::stream_has_room).
    fn wake_outgoing(&mut self, socket: SocketId, generation: Generation);

    /// How many sockets' small writes the core may keep to send them together. A transport for which
    /// that saves nothing gets each when the program asks for the next event.
    fn sends_together(&self) -> usize {
        1
    }

    /// Whether [`next_ready`](Self::next_ready) may have something.
    ///
    /// A transport that looks at all its sockets at once, as libuv does, can do what is to be done
    /// for each when it is its turn: after the program has acted on those before it. One that
    /// reports has none of these.
    fn has_ready(&self) -> bool {
        false
    }

    /// Does what the next socket is ready for, of those that the last look has found; absent when
    /// there are no more.
    fn next_ready(&mut self) -> Option<Ready> {
        None
    }

    /// Accepts a connection of a listener that is ready, and keeps it under this number; absent if
    /// none is there.
    fn accept_ready(&mut self, listener: ListenerId, accepted: AcceptedId) -> Option<Endpoints> {
        let _ = (listener, accepted);
        None
    }
}

/// What a transport has found ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// A socket, for what it reports.
    Socket(SocketId, Report),
    /// The host has taken more of a socket's write, but not all.
    Progressed(SocketId),
    /// A listener: connections wait.
    Listener(ListenerId),
    /// A lookup is over.
    LookedUp(LookupId, Result<Vec<IpAddr>, Errno>),
    /// Nothing, as it turned out.
    Nothing,
}

/// What happened to a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// An attempt succeeded.
    Connected {
        /// The attempt.
        attempt: Attempt,
        /// The addresses.
        endpoints: Endpoints,
    },
    /// An attempt failed in `connect`, or in `bind` before it.
    ConnectFailed {
        /// The attempt.
        attempt: Attempt,
        /// `connect` or `bind`.
        syscall: &'static str,
        /// The error.
        errno: Errno,
        /// The local end, as [`Transport::local_end`] shows it, if `connect` failed at once.
        local: Option<String>,
    },
    /// Bytes were received.
    Received(Vec<u8>),
    /// The peer's FIN was received.
    PeerEnded,
    /// Receiving failed.
    ReadFailed(Errno),
    /// The host has taken the rest of the write.
    Written,
    /// Sending failed.
    WriteFailed(Errno),
    /// The FIN was sent, or the peer was gone already.
    ShutDown,
}

impl Report {
    /// Whether it answers [`Transport::read`].
    pub(crate) fn is_received(&self) -> bool {
        matches!(
            self,
            Self::Received(_) | Self::PeerEnded | Self::ReadFailed(_)
        )
    }
}

/// An action that the rules have decided and the driver carries out.
#[derive(Debug)]
pub(crate) enum Action {
    LookUp {
        lookup: LookupId,
        request: LookupRequest,
    },
    Listen {
        listener: ListenerId,
        at: ListenAt,
        zone: Option<Zone>,
        settings: ListenSettings,
    },
    CloseListener(ListenerId),
    Accept(ListenerId),
    Refuse(AcceptedId),
    Connect {
        socket: SocketId,
        attempt: Attempt,
        to: ConnectTo,
        zones: Zones,
    },
    /// Destroys the socket with an error that tells the local end of the attempt.
    FailConnecting {
        socket: SocketId,
        attempt: Attempt,
        error: Error,
    },
    AbortConnect {
        socket: SocketId,
        attempt: Attempt,
    },
    Open {
        socket: SocketId,
        origin: Origin,
    },
    Read(SocketId),
    Write {
        socket: SocketId,
        /// How many bytes before `data` were sent already.
        sent: usize,
        data: Vec<u8>,
    },
    ShutDown(SocketId),
    NoDelay {
        socket: SocketId,
        no_delay: bool,
    },
    KeepAlive {
        socket: SocketId,
        keep_alive: KeepAlive,
    },
    TypeOfService {
        socket: SocketId,
        type_of_service: u8,
    },
    Close(SocketId),
    Reset(SocketId),
    WakeIncoming(SocketId, Generation),
    WakeOutgoing(SocketId, Generation),
}

impl Action {
    /// Whether somebody outside can see it.
    pub fn reaches_a_peer(&self) -> bool {
        match self {
            Self::Write { .. }
            | Self::ShutDown(_)
            | Self::Close(_)
            | Self::Connect { .. }
            | Self::AbortConnect { .. }
            | Self::CloseListener(_)
            | Self::Refuse(_)
            | Self::FailConnecting { .. }
            | Self::NoDelay { .. }
            | Self::TypeOfService { .. }
            | Self::Reset(_) => true,
            Self::LookUp { .. }
            | Self::Listen { .. }
            | Self::Accept(_)
            | Self::Open { .. }
            | Self::Read(_)
            | Self::KeepAlive { .. }
            | Self::WakeIncoming(..)
            | Self::WakeOutgoing(..) => false,
        }
    }
}

/// The zones of the addresses that an attempt is for.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    pub remote: Option<Zone>,
    pub local: Option<Zone>,
}
