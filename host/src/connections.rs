//! The sockets and connections of one run: their limits, and the record of each connection.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use plugnet_policy::{IpcAddress, Limits, party, shortened};

use crate::Event;
use crate::guard::Guard;
use crate::rate::{Rate, Turns};

/// How a program got a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Direction {
    /// It connected.
    Connect,
    /// It accepted it.
    Accept,
    /// It inherited it, as a descriptor.
    Inherit,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Connect => "connect",
            Direction::Accept => "accept",
            Direction::Inherit => "inherit",
        })
    }
}

/// A limit of connections, or of sockets, which connections count as too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[non_exhaustive]
pub enum ConnectionLimit {
    /// `max-connections`.
    #[serde(rename = "max-connections")]
    Total,
    /// `max-connections-per-peer`.
    #[serde(rename = "max-connections-per-peer")]
    PerPeer,
    /// `max-sockets`.
    #[serde(rename = "max-sockets")]
    Sockets,
}

impl fmt::Display for ConnectionLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ConnectionLimit::Total => "max-connections",
            ConnectionLimit::PerPeer => "max-connections-per-peer",
            ConnectionLimit::Sockets => "max-sockets",
        })
    }
}

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
    fn party(&self) -> Option<IpAddr> {
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

/// The sockets and connections of one run. Clones share them.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Inner>);

struct Inner {
    guard: Guard,
    sockets: u32,
    total: Option<NonZeroU32>,
    per_peer: Option<NonZeroU32>,
    rate_in: Option<Rate>,
    rate_out: Option<Rate>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    sockets: u32,
    total: u32,
    /// Connections per address, if that is limited.
    peers: HashMap<IpAddr, u32>,
    /// The number of the last one.
    last: u64,
}

impl Connections {
    pub(crate) fn new(guard: Guard, limits: &Limits) -> Self {
        Connections(Arc::new(Inner {
            guard,
            sockets: limits
                .max_sockets
                .map_or_else(most_sockets, NonZeroU32::get),
            total: limits.max_connections,
            per_peer: limits.max_connections_per_peer,
            rate_in: limits.max_bytes_per_second_in.map(Rate::new),
            rate_out: limits.max_bytes_per_second_out.map(Rate::new),
            open: Mutex::default(),
        }))
    }

    /// Whether connections or bytes are limited.
    pub(crate) fn limited(&self) -> bool {
        let inner = &*self.0;
        inner.total.is_some()
            || inner.per_peer.is_some()
            || inner.rate_in.is_some()
            || inner.rate_out.is_some()
    }

    /// The limit of bytes received per second.
    pub(crate) fn rate_in(&self) -> Option<&Rate> {
        self.0.rate_in.as_ref()
    }

    /// The limit of bytes sent per second.
    pub(crate) fn rate_out(&self) -> Option<&Rate> {
        self.0.rate_out.as_ref()
    }

    /// Counts the bytes of a received datagram.
    pub(crate) fn received(&self, bytes: usize) {
        self.0.guard.stats().received(bytes);
    }

    /// Counts the bytes of a sent datagram.
    pub(crate) fn sent(&self, bytes: usize) {
        self.0.guard.stats().sent(bytes);
    }

    /// Reserves a place for a socket.
    ///
    /// # Errors
    ///
    /// If none is left; that is reported.
    pub(crate) fn place(&self) -> Result<Place, ConnectionLimit> {
        self.0.take_place().inspect_err(|&limit| {
            let guard = &self.0.guard;
            guard.stats().refused();
            guard.tell(|| Event::NoSocket { limit });
        })?;
        Ok(Place(self.clone()))
    }

    /// Reserves a slot for a connection whose socket has a place.
    ///
    /// # Errors
    ///
    /// If none is left; that is reported.
    pub(crate) fn slot(&self, direction: Direction, peer: Peer) -> Result<Slot, ConnectionLimit> {
        match self.0.take(peer.party()) {
            Ok(()) => Ok(Slot {
                connections: self.clone(),
                direction,
                peer,
            }),
            Err(limit) => Err(self.refused(direction, &peer, limit)),
        }
    }

    /// Reserves a slot for a connection and a place for its socket.
    ///
    /// # Errors
    ///
    /// If none is left; that is reported.
    pub(crate) fn place_and_slot(
        &self,
        direction: Direction,
        peer: Peer,
    ) -> Result<(Place, Slot), ConnectionLimit> {
        match self.0.take_place() {
            Ok(()) => {
                let place = Place(self.clone());
                Ok((place, self.slot(direction, peer)?))
            }
            Err(limit) => Err(self.refused(direction, &peer, limit)),
        }
    }

    fn refused(
        &self,
        direction: Direction,
        peer: &Peer,
        limit: ConnectionLimit,
    ) -> ConnectionLimit {
        let guard = &self.0.guard;
        guard.stats().refused();
        guard.tell(|| Event::Refused {
            direction,
            peer: peer.to_string(),
            limit,
        });
        limit
    }
}

/// The default limit of sockets. Ports are few: two programs that took all of them would leave none
/// to others.
const MOST_SOCKETS: u32 = 1024;

/// The default limit of sockets in this process: at most its limit of descriptors, less some for
/// the host.
fn most_sockets() -> u32 {
    #[cfg(unix)]
    let descriptors = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    let descriptors = None;
    spare(descriptors)
}

fn spare(descriptors: Option<u64>) -> u32 {
    const OURS: u64 = 64;
    let most = descriptors.map(|most| most.saturating_sub(OURS).max(most / 2));
    most.and_then(|most| u32::try_from(most).ok())
        .unwrap_or(u32::MAX)
        .min(MOST_SOCKETS)
}

/// The right to one socket of any kind, kept beside the socket. Dropping it frees the place.
pub(crate) struct Place(Connections);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.open().sockets -= 1;
    }
}

impl Inner {
    fn open(&self) -> MutexGuard<'_, Open> {
        // No code that holds the lock panics.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_place(&self) -> Result<(), ConnectionLimit> {
        let mut open = self.open();
        if open.sockets >= self.sockets {
            return Err(ConnectionLimit::Sockets);
        }
        open.sockets += 1;
        Ok(())
    }

    fn take(&self, peer: Option<IpAddr>) -> Result<(), ConnectionLimit> {
        let mut open = self.open();
        if self.total.is_some_and(|most| open.total >= most.get()) {
            return Err(ConnectionLimit::Total);
        }
        if let (Some(most), Some(peer)) = (self.per_peer, peer) {
            let with_peer = open.peers.get(&peer).copied().unwrap_or_default();
            if with_peer >= most.get() {
                return Err(ConnectionLimit::PerPeer);
            }
            open.peers.insert(peer, with_peer + 1);
        }
        open.total += 1;
        Ok(())
    }

    fn free(&self, peer: Option<IpAddr>) {
        let mut open = self.open();
        open.total -= 1;
        if let (Some(_), Some(peer)) = (self.per_peer, peer)
            && let Entry::Occupied(mut with_peer) = open.peers.entry(peer)
        {
            *with_peer.get_mut() -= 1;
            if *with_peer.get() == 0 {
                with_peer.remove();
            }
        }
    }
}

/// The right to one connection. Dropping it frees it.
pub(crate) struct Slot {
    connections: Connections,
    direction: Direction,
    peer: Peer,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.0.free(self.peer.party());
    }
}

impl Slot {
    /// The connection is established.
    pub(crate) fn opened(self) -> Record {
        let inner = &*self.connections.0;
        let id = {
            let mut open = inner.open();
            open.last += 1;
            open.last
        };
        inner.guard.stats().opened(self.direction);
        inner.guard.tell(|| Event::Opened {
            id,
            direction: self.direction,
            peer: self.peer.to_string(),
        });
        Record {
            id,
            since: Instant::now(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            slot: self,
        }
    }
}

/// The record of a connection, kept beside the socket. Dropping it reports the connection as closed
/// and frees the slot.
pub(crate) struct Record {
    id: u64,
    since: Instant,
    received: AtomicU64,
    sent: AtomicU64,
    slot: Slot,
}

impl Record {
    fn inner(&self) -> &Inner {
        &self.slot.connections.0
    }

    /// Counts received bytes.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Relaxed);
        self.inner().guard.stats().received(bytes);
    }

    /// Counts sent bytes.
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Relaxed);
        self.inner().guard.stats().sent(bytes);
    }

    /// Limits the receiving direction.
    pub(crate) fn turns_in(&self) -> Turns {
        Turns::new(self.inner().rate_in.clone())
    }

    /// Limits the sending direction.
    pub(crate) fn turns_out(&self) -> Turns {
        Turns::new(self.inner().rate_out.clone())
    }

    fn duration(&self) -> Duration {
        self.since.elapsed()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let guard = &self.inner().guard;
        guard.stats().closed();
        guard.tell(|| Event::Closed {
            id: self.id,
            direction: self.slot.direction,
            peer: self.slot.peer.to_string(),
            bytes_in: self.received.load(Relaxed),
            bytes_out: self.sent.load(Relaxed),
            duration: self.duration(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(total: u32, per_peer: u32) -> Connections {
        let mut limits = Limits::default();
        limits.max_connections = NonZeroU32::new(total);
        limits.max_connections_per_peer = NonZeroU32::new(per_peer);
        Connections::new(Guard::default(), &limits)
    }

    fn slot(connections: &Connections, peer: &str) -> Result<Slot, ConnectionLimit> {
        let peer = Peer::Address(peer.parse().expect("an address"));
        connections.slot(Direction::Connect, peer)
    }

    /// A slot is free again when it is dropped, whether there was a connection or not.
    #[test]
    fn dropped_slots_are_free() {
        let connections = connections(2, 0);
        let first = slot(&connections, "127.0.0.1:1").ok();
        let second = slot(&connections, "127.0.0.1:1").ok().map(Slot::opened);
        assert_eq!(
            slot(&connections, "127.0.0.1:1").err(),
            Some(ConnectionLimit::Total)
        );
        drop(first);
        let third = slot(&connections, "127.0.0.1:1");
        assert!(third.is_ok());
        drop((second, third));
        assert_eq!(connections.0.open().total, 0);
    }

    /// Ports do not count for the limit per peer, nor does how an address is written; and what a
    /// peer that is gone leaves is nothing.
    #[test]
    fn peers_are_addresses() {
        let connections = connections(0, 1);
        let first = slot(&connections, "127.0.0.1:1");
        assert_eq!(
            slot(&connections, "[::ffff:127.0.0.1]:2").err(),
            Some(ConnectionLimit::PerPeer)
        );
        let other = slot(&connections, "127.0.0.2:1");
        assert!(first.is_ok() && other.is_ok());
        drop((first, other));
        assert!(connections.0.open().peers.is_empty());
        assert!(slot(&connections, "127.0.0.1:1").is_ok());
    }

    /// Connections and other sockets share the limit of sockets, and places that are dropped are
    /// free again.
    #[test]
    fn all_sockets_share_a_limit() {
        let mut limits = Limits::default();
        limits.max_sockets = NonZeroU32::new(2);
        let connections = Connections::new(Guard::default(), &limits);
        let peer = || Peer::Address("127.0.0.1:1".parse().expect("an address"));
        let first = connections.place();
        let second = connections.place_and_slot(Direction::Accept, peer());
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(connections.place().err(), Some(ConnectionLimit::Sockets));
        let third = connections.place_and_slot(Direction::Accept, peer());
        assert_eq!(third.err(), Some(ConnectionLimit::Sockets));
        drop(first);
        assert!(connections.place().is_ok());
    }

    /// A place whose connection gets no slot is free again.
    #[test]
    fn a_place_without_a_slot_is_free() {
        let connections = connections(1, 0);
        let take = || connections.place_and_slot(Direction::Accept, Peer::Unnamed);
        let first = take();
        assert!(first.is_ok());
        assert_eq!(take().err(), Some(ConnectionLimit::Total));
        assert_eq!(connections.0.open().sockets, 1);
    }

    /// Without a limit there are 1,024 sockets at most, and the host keeps descriptors for itself, but
    /// no more than half.
    #[test]
    fn sockets_are_limited_by_default() {
        assert_eq!(spare(Some(1024)), 960);
        assert_eq!(spare(Some(100)), 50);
        assert_eq!(spare(Some(1)), 0);
        assert_eq!(spare(Some(1088)), 1024);
        assert_eq!(spare(Some(u64::MAX)), 1024);
        assert_eq!(spare(None), 1024);
        let mut limits = Limits::default();
        limits.max_sockets = NonZeroU32::new(5000);
        assert_eq!(Connections::new(Guard::default(), &limits).0.sockets, 5000);
    }

    /// Whoever is in one /64 of IPv6 is one peer: a customer has as many addresses there as he likes.
    /// So is who comes by several ways from one IPv4 address.
    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        for (one, other) in [
            ("[2a00:1450::1]:1", "[2a00:1450::ffff:ffff:ffff:ffff]:2"),
            ("[fe80::1]:1", "[fe80::2]:1"),
            ("[2002:c000:201::1]:1", "[2002:c000:201:ffff::1]:1"),
            ("[64:ff9b::c000:201]:1", "192.0.2.1:1"),
            (
                "[2a00:1450::5efe:c000:201]:1",
                "[2a00:1450::5efe:c000:202]:1",
            ),
        ] {
            let connections = connections(0, 1);
            let first = slot(&connections, one);
            assert!(first.is_ok());
            let second = slot(&connections, other).err();
            assert_eq!(second, Some(ConnectionLimit::PerPeer), "{one} {other}");
        }
        for (one, other) in [
            ("[2a00:1450::1]:1", "[2a00:1450:0:1::1]:1"),
            ("[64:ff9b::c000:201]:1", "[64:ff9b::c000:202]:1"),
            (
                "[2001:0:5ef5:79fd:0:0:3fff:fdfe]:1",
                "[2001:0:5ef5:79fd:0:0:3fff:fdfd]:1",
            ),
            ("[::1]:1", "127.0.0.1:1"),
        ] {
            let connections = connections(0, 1);
            let first = slot(&connections, one);
            assert!(
                first.is_ok() && slot(&connections, other).is_ok(),
                "{one} {other}"
            );
        }
    }

    /// Local sockets have no address: they count for all connections only.
    #[test]
    fn local_sockets_have_no_address() {
        let connections = connections(2, 1);
        let path = || Peer::Path("/run/app.sock".to_owned());
        let first = connections.slot(Direction::Accept, path());
        let second = connections.slot(Direction::Accept, path());
        assert!(first.is_ok() && second.is_ok());
        let third = connections.slot(Direction::Accept, path());
        assert_eq!(third.err(), Some(ConnectionLimit::Total));
    }
}
