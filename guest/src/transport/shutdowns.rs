//! The order in which shutdowns are reported.
//!
//! libuv reports them in the order of the calls; the host may report a later one a moment sooner.
//! One that the host has reported waits for those before it, for a moment: an earlier one may wait
//! for its peer.

use plugnet_core::{Report, SocketId};
use rustc_hash::FxHashMap as HashMap;
use std::collections::BTreeMap;

/// The shutdowns that were requested and are not reported.
#[derive(Default)]
pub struct Shutdowns {
    last: u64,
    /// In the order of the calls, with the outcome.
    under_way: BTreeMap<u64, (SocketId, Option<Report>)>,
    numbers: HashMap<SocketId, u64>,
    /// Those with an outcome since the last [`Shutdowns::waited`].
    fresh: Vec<u64>,
    /// Those that had one before that.
    waited: Vec<u64>,
    timer: Timer,
}

/// Whether a task calls [`Shutdowns::waited`] again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Timer {
    #[default]
    Stopped,
    Runs,
}

impl Shutdowns {
    /// Records a call.
    pub fn begin(&mut self, id: SocketId) {
        self.last += 1;
        self.under_way.insert(self.last, (id, None));
        self.numbers.insert(id, self.last);
    }

    /// Records an outcome. Returns what to report now.
    pub fn end(&mut self, id: SocketId, outcome: Report) -> Vec<(SocketId, Report)> {
        let Some(number) = self.numbers.get(&id) else {
            return Vec::new();
        };
        if let Some((_, report)) = self.under_way.get_mut(number) {
            *report = Some(outcome);
        }
        let mut known = Vec::new();
        while let Some(first) = self.under_way.first_entry()
            && first.get().1.is_some()
        {
            let (id, report) = first.remove();
            self.numbers.remove(&id);
            known.extend(report.map(|report| (id, report)));
        }
        if let Some(number) = self.numbers.get(&id) {
            self.fresh.push(*number);
        }
        known
    }

    /// Forgets the one of a socket.
    pub fn forget(&mut self, id: SocketId) {
        if let Some(number) = self.numbers.remove(&id) {
            self.under_way.remove(&number);
        }
    }

    /// Whether to start the timer.
    pub fn starts_timer(&mut self) -> bool {
        let starts = self.timer == Timer::Stopped && !self.fresh.is_empty();
        if starts {
            self.timer = Timer::Runs;
        }
        starts
    }

    /// A moment has passed. Returns what has waited for as long; absent if nothing waits any more.
    pub fn waited(&mut self) -> Option<Vec<(SocketId, Report)>> {
        let mut known = Vec::new();
        for number in std::mem::replace(&mut self.waited, std::mem::take(&mut self.fresh)) {
            if let Some((id, report)) = self.under_way.remove(&number) {
                self.numbers.remove(&id);
                known.extend(report.map(|report| (id, report)));
            }
        }
        if known.is_empty() && self.waited.is_empty() {
            self.timer = Timer::Stopped;
            return None;
        }
        Some(known)
    }
}
