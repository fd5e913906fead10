//! What a program is told: Node's events.

use crate::error::Error;
use crate::lookup::{LookupRequest, Resolved};
use std::net::SocketAddr;

/// Names a server. Servers and sockets share one number line, and no number is used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerId(pub u64);

/// Names a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId(pub u64);

/// The program's name for a call whose completion it wants to hear of.
pub type Callback = u64;

/// Who emits an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Source {
    Server(ServerId),
    Socket(SocketId),
}

impl Source {
    /// The number that names it to the program.
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

/// An event and who emits it.
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
