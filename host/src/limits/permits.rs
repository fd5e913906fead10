//! The limits of the sockets and connections of one run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use plugnet_policy::Limits;

use super::rate::Rate;

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

/// The sockets and connections that a run may have. Clones share them.
#[derive(Clone)]
pub(crate) struct Permits(Arc<Inner>);

struct Inner {
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
}

impl Permits {
    pub(crate) fn new(limits: &Limits) -> Self {
        Permits(Arc::new(Inner {
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

    /// Takes a place for a socket.
    ///
    /// # Errors
    ///
    /// If none is left.
    pub(crate) fn place(&self) -> Result<Place, ConnectionLimit> {
        self.0.take_place()?;
        Ok(Place(self.clone()))
    }

    /// Takes a permit for a connection whose socket has a place. `party` is the remote peer that
    /// the limit per peer counts, if it has an address.
    ///
    /// # Errors
    ///
    /// If none is left.
    pub(crate) fn connection(&self, party: Option<IpAddr>) -> Result<Permit, ConnectionLimit> {
        self.0.take(party)?;
        Ok(Permit {
            permits: self.clone(),
            party,
        })
    }

    /// How many sockets there are.
    #[cfg(test)]
    pub(crate) fn sockets(&self) -> u32 {
        self.0.open().sockets
    }

    /// How many peers have connections, if they are counted.
    #[cfg(test)]
    pub(crate) fn peers(&self) -> usize {
        self.0.open().peers.len()
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
pub(crate) struct Place(Permits);

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
pub(crate) struct Permit {
    permits: Permits,
    party: Option<IpAddr>,
}

impl Permit {
    /// All permits of the run.
    pub(crate) fn permits(&self) -> &Permits {
        &self.permits
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.permits.0.free(self.party);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(Permits::new(&limits).0.sockets, 5000);
    }
}
