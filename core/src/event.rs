//! Node's events.

use crate::error::Error;
use crate::lookup::{LookupRequest, Resolved};
use std::net::SocketAddr;

/// Identifies a server. Servers and sockets share one sequence, and no number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub u64);

/// Identifies a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u64);

/// The program's number for a call, returned in its event `callback`.
pub type Callback = u64;

/// The source of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Source {
    Server(ServerId),
    Socket(SocketId),
}

impl Source {
    /// The id that the program sees.
    pub fn number(self) -> u64 {
        match self {
            Self::Server(ServerId(number)) | Self::Socket(SocketId(number)) => number,
        }
    }
}

impl From<ServerId> for Source {
    fn from(id: ServerId) -> Self {
        Self::Server(id)
    }
}

impl From<SocketId> for Source {
    fn from(id: SocketId) -> Self {
        Self::Socket(id)
    }
}

/// An event and its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The server or socket.
    pub source: Source,
    /// What happened.
    pub kind: EventKind,
}

/// Node's events. See `wit/net.wit`, which explains each to a program.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented where programs read it")]
pub enum EventKind {
    Listening,
    Connection,
    Drop {
        local: Option<SocketAddr>,
        remote: Option<SocketAddr>,
    },
    Connections {
        callback: Callback,
        count: usize,
    },
    LookupRequest(LookupRequest),
    Lookup {
        host: String,
        outcome: Result<Resolved, Error>,
    },
    Connect,
    Ready,
    Readable,
    Drain,
    Finish,
    End,
    Timeout,
    Error(Error),
    Close {
        had_error: bool,
    },
    Callback {
        callback: Callback,
        error: Option<Error>,
    },
}
