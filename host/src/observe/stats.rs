//! Counters of a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::event::Direction;

/// Counts what runs do. Clones share the counters; several runs add up.
#[derive(Clone, Debug, Default)]
pub struct Stats(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    connected: AtomicU64,
    accepted: AtomicU64,
    inherited: AtomicU64,
    open: AtomicU64,
    peak: AtomicU64,
    refused: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    denied: AtomicU64,
    wasi02_sockets: AtomicU64,
}

/// A snapshot of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Connections that the program made.
    pub connected: u64,
    /// Connections that it accepted.
    pub accepted: u64,
    /// Connections that it inherited as descriptors.
    pub inherited: u64,
    /// Connections that are open.
    pub open: u64,
    /// The most connections open at a time.
    pub peak: u64,
    /// Connections and sockets that a limit refused.
    pub refused: u64,
    /// Bytes received, by connections and in datagrams.
    pub received: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Denied requests.
    pub denied: u64,
    /// Sockets of WASI 0.2, UDP included. Their connections and bytes are not in the other numbers,
    /// as they cannot be counted.
    pub wasi02_sockets: u64,
}

impl Stats {
    /// Counters at zero.
    #[must_use]
    pub fn new() -> Self {
        Stats::default()
    }

    /// A snapshot, also while a program runs.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let counters = &*self.0;
        Totals {
            connected: counters.connected.load(Relaxed),
            accepted: counters.accepted.load(Relaxed),
            inherited: counters.inherited.load(Relaxed),
            open: counters.open.load(Relaxed),
            peak: counters.peak.load(Relaxed),
            refused: counters.refused.load(Relaxed),
            received: counters.received.load(Relaxed),
            sent: counters.sent.load(Relaxed),
            denied: counters.denied.load(Relaxed),
            wasi02_sockets: counters.wasi02_sockets.load(Relaxed),
        }
    }

    pub(crate) fn opened(&self, direction: Direction) {
        let counters = &*self.0;
        let counter = match direction {
            Direction::Connect => &counters.connected,
            Direction::Accept => &counters.accepted,
            Direction::Inherit => &counters.inherited,
        };
        counter.fetch_add(1, Relaxed);
        let open = counters.open.fetch_add(1, Relaxed) + 1;
        counters.peak.fetch_max(open, Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.0.open.fetch_sub(1, Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.0.refused.fetch_add(1, Relaxed);
    }

    pub(crate) fn received(&self, bytes: usize) {
        self.0.received.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn sent(&self, bytes: usize) {
        self.0.sent.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn denied(&self) {
        self.0.denied.fetch_add(1, Relaxed);
    }

    pub(crate) fn wasi02_socket(&self) {
        self.0.wasi02_sockets.fetch_add(1, Relaxed);
    }
}
