//! `socket.destroy()`, what follows from it, and how a destroyed socket begins anew.

use super::streams::Data;
use super::{Link, Lookup, OnFinish, Reset, Socket};
use crate::agenda::{Agenda, Closing, Sink, SocketTick};
use crate::error::Error;
use crate::event::EventKind;
use crate::server::Handle;
use crate::transport::Action;

impl Socket {
    /// `socket.destroy()`. The caller has flushed before.
    pub(crate) fn destroy(&mut self, error: Option<Error>, agenda: &mut Agenda) {
        self.destroy_by(Action::Close(self.id), error, agenda);
    }

    /// The same, by that action on the connection.
    fn destroy_by(&mut self, close: Action, error: Option<Error>, agenda: &mut Agenda) {
        if self.destroyed() {
            return;
        }
        if self.errored.is_none() {
            self.errored.clone_from(&error);
        }
        // Listeners of what was not told wait for the next connection, or time.
        let of_connect = |kind: &EventKind| matches!(kind, EventKind::Connect);
        self.on_connect
            .extend(agenda.take_back_with_listeners(self.id.into(), of_connect));
        self.take_timeout_back(agenda);
        agenda.forget(self.id);
        if let Some(completed) = self.early.take() {
            agenda.tick(self.id, SocketTick::AfterWrite(completed.callbacks));
        }
        self.wake_streams(agenda);
        self.sleep(agenda);
        self.idle.stop();
        agenda.piped_to.push((self.id, Sink::Gone));
        let pipes = self.pipes.take().into_iter();
        agenda
            .unpiped
            .extend(pipes.map(|pipe| (self.id, pipe.destination)));
        if self.writable.queued() || !self.writable.on_finished.is_empty() {
            agenda.tick(self.id, SocketTick::FailWrites);
        }
        let had_error = error.is_some();
        if let Some(error) = error {
            agenda.tick(self.id, SocketTick::Error(error));
        }
        if matches!(self.link, Link::None) {
            // Row E10: without a connection, 'close' has no argument in Node.
            agenda.tick(self.id, SocketTick::Close);
            self.link = Link::Closed;
        } else {
            self.close_link(close, agenda);
            agenda.close(Closing {
                socket: self.id,
                generation: self.generation,
                had_error,
            });
        }
        self.readable.discard();
        self.readable.answered();
        agenda.departed.extend(self.server.take());
    }

    /// Gives up the connection, or the attempt to get one.
    fn close_link(&mut self, close: Action, agenda: &mut Agenda) {
        let was_open = self.is_open();
        if was_open {
            agenda.act(close);
        } else if let Some(attempt) = self.attempt_is_over(agenda) {
            agenda.act(Action::AbortConnect {
                socket: self.id,
                attempt,
            });
        }
        self.link = Link::Closing { was_open };
    }

    /// Row W13: the callbacks of what a destroyed socket will not send. Those of writes in flight,
    /// or that wait for a connection, come when the socket closes.
    pub(super) fn fail_writes(&mut self, agenda: &mut Agenda) {
        let waits_for_connection =
            matches!(self.link, Link::Closing { was_open: false }) && self.writable.queued();
        if self.writable.in_flight() || waits_for_connection {
            return;
        }
        let error = self.errored.clone();
        let failed = self.writable.fail_queued();
        let of_write = error.clone().unwrap_or_else(|| Error::destroyed("write"));
        self.call_back(failed, Some(&of_write), agenda);
        let failed = std::mem::take(&mut self.writable.on_finished);
        let of_end = error.unwrap_or_else(|| Error::destroyed("end"));
        self.call_back(failed, Some(&of_end), agenda);
    }

    /// libuv's closing callback: the end of a connection.
    pub(crate) fn closed(&mut self, closing: &Closing, agenda: &mut Agenda) {
        let close = EventKind::Close {
            had_error: closing.had_error,
        };
        if closing.generation != self.generation {
            // The socket connects again already; this closes its old connection.
            self.emit(close, agenda);
            return;
        }
        let link = std::mem::replace(&mut self.link, Link::Closed);
        if matches!(link, Link::Closing { was_open: false }) {
            self.emit(close, agenda);
            // Row W12: the write that waited for the connection hears of it now,
            // and what came after it shares the socket's error.
            if let Some(callback) = self.writable.fail_first_queued() {
                let error = Error::closed_before_connection();
                self.call_back(callback.into_iter().collect(), Some(&error), agenda);
                self.errored.get_or_insert(error);
            }
            self.fail_writes(agenda);
        } else {
            // Row W13: a write in flight is cancelled; what came after it shares that, unless the
            // socket failed.
            if self.writable.in_flight() {
                let cancelled = Error::cancelled("write");
                let in_flight = self.writable.fail_in_flight();
                self.call_back(in_flight, Some(&cancelled), agenda);
                self.errored.get_or_insert(cancelled);
            }
            self.fail_writes(agenda);
            self.emit(close, agenda);
        }
    }

    /// `socket.resetAndDestroy()`: row E17. The caller has flushed before.
    pub(crate) fn reset_and_destroy(
        &mut self,
        resets: bool,
        agenda: &mut Agenda,
    ) -> Result<(), Error> {
        if self.has_path() {
            return Err(Error::invalid_handle_type());
        }
        if !self.has_handle() {
            self.destroy(Some(Error::socket_closed()), agenda);
        } else if !resets {
            return Err(Error::cannot_reset());
        } else if self.is_open() {
            self.reset(agenda);
        } else if self.reset == Reset::No {
            self.reset = if self.writable.queued() {
                Reset::AfterWrites
            } else {
                Reset::BeforeWrites
            };
        }
        Ok(())
    }

    /// Destroys the socket, and resets the connection if there is one.
    pub(super) fn reset(&mut self, agenda: &mut Agenda) {
        self.destroy_by(Action::Reset(self.id), None, agenda);
    }

    /// Row C25: a closed socket may connect again; its counters start over.
    pub(super) fn undestroy(&mut self, agenda: &mut Agenda) {
        // What the earlier connection still owes is told now; its `close` comes later.
        agenda.forget_failed_writes(self.id);
        if self.writable.in_flight() {
            let cancelled = Error::cancelled("write");
            for callback in self.writable.fail_in_flight() {
                self.fail_call(Some(callback), cancelled.clone(), agenda);
            }
            self.errored.get_or_insert(cancelled);
        }
        let error = self.errored.clone();
        let of_write = error.clone().unwrap_or_else(|| Error::destroyed("write"));
        for callback in self.writable.fail_queued() {
            self.fail_call(Some(callback), of_write.clone(), agenda);
        }
        let of_end = error.unwrap_or_else(|| Error::destroyed("end"));
        for callback in std::mem::take(&mut self.writable.on_finished) {
            self.fail_call(Some(callback), of_end.clone(), agenda);
        }
        self.generation += 1;
        self.link = Link::None;
        self.errored = None;
        self.peername = None;
        self.data = Data::default();
        self.readable = self.readable.reopened();
        self.writable = self.writable.reopened();
    }

    /// `socket.destroySoon()`: ends the own side, and destroys the socket when that has finished.
    pub(crate) fn destroy_soon(&mut self, agenda: &mut Agenda) {
        if self.writable.is_finished() {
            self.destroy(None, agenda);
        } else if !self.destroyed() && !self.data.is_taken() {
            // What `takeStreams` took ends by itself.
            self.on_finish = OnFinish::Destroy;
            self.end(None, None, agenda);
        }
    }

    /// The program has dropped its handle: as `destroySoon`, but nobody waits for a connection
    /// that has nothing to send.
    pub(crate) fn drop_handle(&mut self, agenda: &mut Agenda) {
        self.handle = Handle::Dropped;
        agenda.withdraw(self.id.into());
        if self.data.goes_on() && !self.destroyed() {
            return;
        }
        // With nothing written there is nothing to wait for.
        let idle = self.writable.len() == 0 && !self.is_open();
        // Nor where the program would have to say what a name resolves to.
        let idle = idle
            || matches!(&self.link, Link::LookingUp { options, .. }
                if options.lookup == Lookup::Program);
        if idle || matches!(self.link, Link::None) {
            self.destroy(None, agenda);
        } else {
            self.destroy_soon(agenda);
            if self.is_open() && self.discards() {
                self.readable.discard();
                self.readable.start();
                self.read_on(agenda);
            }
        }
    }
}
