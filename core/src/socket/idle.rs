//! `socket.setTimeout()`: when a socket was idle for too long.

use crate::agenda::Due;
use crate::event::Callback;

/// Node's longest time, in milliseconds; a longer one is taken as this.
const TIMEOUT_MAX: u64 = (1 << 31) - 1;

/// The idle timer of a socket.
#[derive(Debug, Default)]
pub(crate) struct Idle {
    /// What was set last, in milliseconds. Node's `socket.timeout`.
    timeout: Option<u64>,
    /// Whether there is a timer: not if the time is 0, or the socket was destroyed
    /// since (row T9).
    runs: bool,
    /// When the time is over. Absent until the next activity, if it was told.
    deadline: Option<Due>,
    /// When somebody looks. Activity moves the deadline alone, so that it costs
    /// nothing; whoever looks too early looks again.
    looks: Option<Due>,
    /// Once-listeners.
    callbacks: Vec<Callback>,
}

impl Idle {
    /// `socket.timeout`.
    pub fn timeout(&self) -> Option<u64> {
        self.timeout
    }

    /// Sets the time; 0 stops the timer. Rows T4 and T6: 0 takes a callback back,
    /// else each is told once.
    pub fn set(&mut self, timeout: u64, callback: Option<Callback>) {
        self.timeout = Some(timeout);
        self.runs = timeout > 0;
        self.deadline = None;
        if self.runs {
            self.callbacks.extend(callback);
        } else if let Some(callback) = callback
            && let Some(at) = self.callbacks.iter().rposition(|other| *other == callback)
        {
            self.callbacks.remove(at);
        }
    }

    /// Callbacks of a timeout that was not told after all.
    pub fn keep(&mut self, callbacks: Vec<Callback>) {
        self.callbacks.extend(callbacks);
    }

    /// Nobody has to look any more: when somebody would have.
    pub fn sleep(&mut self) -> Option<Due> {
        self.looks.take()
    }

    /// The socket is destroyed.
    pub fn stop(&mut self) {
        self.runs = false;
        self.deadline = None;
    }

    /// How long the time is, if it runs.
    pub fn time(&self) -> Option<u64> {
        let time = self.timeout.filter(|_| self.runs)?;
        Some(time.min(TIMEOUT_MAX))
    }

    /// There was activity. Returns when to look, unless somebody looks early enough.
    pub fn begin(&mut self, deadline: Due) -> Option<Due> {
        self.deadline = Some(deadline);
        if self.looks.is_some() {
            return None;
        }
        self.looks = Some(deadline);
        Some(deadline)
    }

    /// Somebody looks. Returns when to look again if it was too early.
    pub fn not_yet(&mut self, now: u64) -> Option<Due> {
        self.looks = self.deadline.filter(|deadline| deadline.at > now);
        self.looks
    }

    /// Whether the time is over.
    pub fn is_over(&self, now: u64) -> bool {
        self.deadline.is_some_and(|deadline| deadline.at <= now)
    }

    /// The time is over: who is to be told. Row T5: not again before the next
    /// activity.
    pub fn fire(&mut self) -> Vec<Callback> {
        self.deadline = None;
        std::mem::take(&mut self.callbacks)
    }
}
