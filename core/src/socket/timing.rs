//! `socket.setTimeout()`.

use super::Socket;
use crate::agenda::{Agenda, Timer};
use crate::event::{Callback, EventKind};

impl Socket {
    /// `socket.setTimeout()`.
    pub(crate) fn set_timeout(
        &mut self,
        timeout: u64,
        callback: Option<Callback>,
        agenda: &mut Agenda,
    ) {
        // Row T9: not on a destroyed socket.
        if !self.destroyed() {
            self.take_timeout_back(agenda);
            self.sleep(agenda);
            self.idle.set(timeout, callback);
            self.active(agenda);
        }
    }

    /// Row T5: 'timeout' once per idle period; the connection stays.
    pub(super) fn timed_out(&mut self, agenda: &mut Agenda) {
        if let Some(later) = self.idle.not_yet(agenda.now) {
            agenda.wake_at(later, self.id, Timer::Idle);
        } else if self.idle.is_over(agenda.now) {
            // Row T11: a write that makes progress is activity.
            if !self.writable.stalled() {
                self.active(agenda);
                return;
            }
            let callbacks = self.idle.fire();
            self.emit(EventKind::Timeout, agenda);
            self.call_back(callbacks, None, agenda);
        }
    }

    /// Nobody has to look for the idle time any more.
    pub(super) fn sleep(&mut self, agenda: &mut Agenda) {
        if let Some(at) = self.idle.sleep() {
            agenda.forget_timer(at, self.id, Timer::Idle);
        }
    }

    /// A `timeout` that was not told is none any more: its callbacks wait for the next.
    pub(super) fn take_timeout_back(&mut self, agenda: &mut Agenda) {
        let of_timeout = |kind: &EventKind| matches!(kind, EventKind::Timeout);
        let callbacks = agenda.take_back_with_listeners(self.id.into(), of_timeout);
        self.idle.keep(callbacks);
    }

    /// Something was sent or received: the idle time begins anew.
    pub(super) fn active(&mut self, agenda: &mut Agenda) {
        self.take_timeout_back(agenda);
        if let Some(time) = self.idle.time()
            && let Some(due) = self.idle.begin(agenda.due_in(time))
        {
            agenda.wake_at(due, self.id, Timer::Idle);
        }
    }
}
