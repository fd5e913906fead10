//! The record of a connection.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use plugnet_policy::{IpcAddress, party, shortened};

use super::event::{Direction, Event};
use super::observer::Observer;
use crate::limits::Permit;
use crate::limits::rate::Turns;

/// The remote peer of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// A peer with an address.
    Address(SocketAddr),
    /// A peer of a local socket, by its path.
    Path(String),
    /// A peer of a local socket without a path.
    Unnamed,
}

impl Peer {
    /// The peer that the per-peer limit counts.
    pub(crate) fn party(&self) -> Option<IpAddr> {
        match self {
            Peer::Address(address) => Some(party(address.ip())),
            Peer::Path(_) | Peer::Unnamed => None,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Address(address) => address.fmt(f),
            Peer::Path(path) => f.write_str(&shortened(&IpcAddress::from_path(path).to_string())),
            Peer::Unnamed => f.write_str("unnamed"),
        }
    }
}

/// The record of a connection, kept beside the socket. Dropping it reports the connection as closed
/// and frees its permit.
pub(crate) struct Record {
    id: u64,
    direction: Direction,
    peer: Peer,
    since: Instant,
    received: AtomicU64,
    sent: AtomicU64,
    observer: Observer,
    permit: Permit,
}

impl Record {
    /// Reports that a connection is established.
    pub(crate) fn opened(
        observer: Observer,
        permit: Permit,
        direction: Direction,
        peer: Peer,
    ) -> Self {
        let id = observer.number();
        observer.stats().opened(direction);
        observer.tell(|| Event::Opened {
            id,
            direction,
            peer: peer.to_string(),
        });
        Record {
            id,
            direction,
            peer,
            since: Instant::now(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            observer,
            permit,
        }
    }

    /// Counts received bytes.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Relaxed);
        self.observer.stats().received(bytes);
    }

    /// Counts sent bytes.
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Relaxed);
        self.observer.stats().sent(bytes);
    }

    /// Limits the receiving direction.
    pub(crate) fn turns_in(&self) -> Turns {
        Turns::new(self.permit.permits().rate_in().cloned())
    }

    /// Limits the sending direction.
    pub(crate) fn turns_out(&self) -> Turns {
        Turns::new(self.permit.permits().rate_out().cloned())
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.observer.stats().closed();
        self.observer.tell(|| Event::Closed {
            id: self.id,
            direction: self.direction,
            peer: self.peer.to_string(),
            bytes_in: self.received.load(Relaxed),
            bytes_out: self.sent.load(Relaxed),
            duration: self.since.elapsed(),
        });
    }
}
