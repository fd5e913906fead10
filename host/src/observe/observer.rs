//! Reports to the embedder.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::event::Event;
use super::stats::Stats;
use crate::guard::Denial;

/// Called for denials.
pub(crate) type OnDenied = Arc<dyn Fn(&Denial) + Send + Sync>;

/// Called for every event.
pub(crate) type OnEvent = Arc<dyn Fn(&Event) + Send + Sync>;

/// Reports for one run. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Observer(Arc<Inner>);

#[derive(Default)]
struct Inner {
    on_denied: Option<OnDenied>,
    on_event: Option<OnEvent>,
    stats: Stats,
    /// The number of the last connection.
    last: AtomicU64,
}

impl Observer {
    pub(crate) fn new(
        on_denied: Option<OnDenied>,
        on_event: Option<OnEvent>,
        stats: Stats,
    ) -> Self {
        Observer(Arc::new(Inner {
            on_denied,
            on_event,
            stats,
            last: AtomicU64::new(0),
        }))
    }

    /// The counters of this run.
    pub(crate) fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// The number of a new connection.
    pub(super) fn number(&self) -> u64 {
        self.0.last.fetch_add(1, Relaxed) + 1
    }

    /// Reports a denial.
    pub(crate) fn denied(&self, denial: impl FnOnce() -> Denial) {
        self.0.stats.denied();
        if let Some(on_denied) = &self.0.on_denied {
            on_denied(&denial());
        }
    }

    /// Reports an event.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        let traced = Event::traced();
        if self.0.on_event.is_none() && !traced {
            return;
        }
        let event = event();
        if traced {
            event.trace();
        }
        if let Some(on_event) = &self.0.on_event {
            on_event(&event);
        }
    }
}
