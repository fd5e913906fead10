//! What a run has done, in numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::connections::Direction;

/// Counts what runs do. Its clones are the same one; several runs that it is given to add up.
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

/// What was counted up to a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Connections that the program made.
    pub connected: u64,
    /// Connections that it took from others.
    pub accepted: u64,
    /// Connections that were handed over to it as descriptors.
    pub inherited: u64,
    /// Connections that are open.
    pub open: u64,
    /// The most connections that were open at one time.
    pub peak: u64,
    /// Connections and sockets that a limit did not let through.
    pub refused: u64,
    /// Bytes that it received, by connections and in datagrams.
    pub received: u64,
    /// Bytes that it sent.
    pub sent: u64,
    /// Decisions that denied it something.
    pub denied: u64,
    /// Sockets of WASI 0.2 that it had, UDP among them. Their connections and bytes are not in the
    /// other numbers: nothing can count them.
    pub wasi02_sockets: u64,
}

impl Stats {
    /// Counters that stand at zero.
    #[must_use]
    pub fn new() -> Self {
        Stats::default()
    }

    /// What was counted up to now. Also while a program runs.
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
