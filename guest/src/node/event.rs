//! What a program is told: Node's events.

use super::error::Error;
use super::lookup::{LookupRequest, Resolved};
use std::net::SocketAddr;

/// Names a server or a socket. Never used twice.
pub type Id = u64;

/// The program's name for a call whose completion it wants to hear of.
pub type Callback = u64;

/// An event and who emits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The server or socket.
    pub source: Id,
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
