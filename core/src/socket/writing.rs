//! Sending: from `write` to the transport, and from `end` to `finish`.

use super::writable::Side;
use super::{Early, Link, OnFinish, Reset, Socket};
use crate::agenda::{Agenda, Sink, SocketTick};
use crate::error::{Errno, Error};
use crate::event::{Callback, EventKind};
use crate::transport::{Action, Written};

impl Socket {
    /// `socket.write()`. False if the data was not taken; otherwise the answer is
    /// [`Socket::write_returns`], once the queue was flushed where this asked for
    /// it.
    pub(crate) fn write(
        &mut self,
        data: Vec<u8>,
        callback: Option<Callback>,
        agenda: &mut Agenda,
    ) -> bool {
        self.write_ahead(0, data, callback, agenda)
    }

    /// Whether a [`Socket::write`] of so many bytes would give them to the transport at once, and
    /// alone. It may then send some of them first, for [`Socket::write_ahead`].
    pub(crate) fn writes_through(&self, length: usize) -> bool {
        self.writable.goes_through(length)
            && self.is_open()
            && !matches!(self.early, Early::Corked)
            && !self.data.is_taken()
            && self.check_writable().is_ok()
    }

    /// [`Socket::write`] of bytes that the transport has sent, and of the rest.
    pub(crate) fn write_ahead(
        &mut self,
        sent: usize,
        rest: Vec<u8>,
        callback: Option<Callback>,
        agenda: &mut Agenda,
    ) -> bool {
        if self.data.is_taken() && !self.destroyed() {
            self.fail_call(callback, Error::in_use("write"), agenda);
            return false;
        }
        if let Err(error) = self.check_writable() {
            // Row W10: an error event only where the socket was not destroyed.
            self.fail_call(callback, error.clone(), agenda);
            self.destroy(Some(error), agenda);
            return false;
        }
        let length = sent + rest.len();
        if sent > 0 {
            self.writable.push_ahead(sent, rest, callback);
        } else {
            self.writable.push(rest, callback);
        }
        if matches!(self.link, Link::None) {
            // Row W11: callback(err), 'error', 'close'.
            self.writable.uncount(length);
            let error = Error::socket_closed();
            for callback in self.writable.fail_queued() {
                self.fail_call(Some(callback), error.clone(), agenda);
            }
            self.errored = Some(error.clone());
            agenda.tick(self.id, SocketTick::Destroy(error));
            return false;
        }
        if self.writable.is_full() && length > 0 {
            // Row W2: the answer is that after a flush.
            self.flush(agenda);
        }
        true
    }

    /// Rows W6, W8, W10: why a write is refused, in the order Node looks.
    fn check_writable(&self) -> Result<(), Error> {
        if self.writable.is_ending() {
            // Node replaces `write` when it emits 'end' on a socket that is not
            // half-open.
            if self.readable.end == super::End::Emitted && !self.allow_half_open {
                return Err(Error::ended_by_peer());
            }
            return Err(Error::write_after_end());
        }
        if self.destroyed() {
            return Err(Error::destroyed("write"));
        }
        if let Some(error) = &self.errored {
            return Err(error.clone());
        }
        Ok(())
    }

    /// What a `write` that took its data answers.
    pub(crate) fn write_returns(&mut self) -> bool {
        self.writable.has_room() && !self.destroyed() && self.errored.is_none()
    }

    /// Gives the transport what was written, if there is a connection and it is
    /// not busy.
    pub(crate) fn flush(&mut self, agenda: &mut Agenda) {
        if self.hand_over(agenda) {
            self.active(agenda);
        }
    }

    /// Whether what was written can be [handed over](Socket::hand_over) later, with that of other
    /// sockets: it is little, and the program can see no difference. It counts as activity now.
    pub(crate) fn sends_later(&mut self, agenda: &mut Agenda) -> bool {
        let later = self.is_open()
            && self.early.is_nothing()
            && !self.is_destination
            && !self.data.streams_out()
            && self.writable.sends_later();
        if later {
            self.active(agenda);
        }
        later
    }

    /// As [`Socket::flush`], but it is no activity. False if nothing was given.
    pub(crate) fn hand_over(&mut self, agenda: &mut Agenda) -> bool {
        if !self.is_open() || matches!(self.early, Early::Corked) {
            return false;
        }
        let Some(data) = self.writable.take_queued() else {
            return false;
        };
        let sent = self.writable.take_ahead();
        agenda.act(Action::Write {
            socket: self.id,
            sent,
            data,
        });
        true
    }

    /// The host has taken more of the write that is under way.
    pub(crate) fn progressed(&mut self) {
        self.writable.progressed();
    }

    /// What the host took of the write that was just begun.
    pub(crate) fn written(&mut self, written: Written, agenda: &mut Agenda) {
        let completed = match written {
            Written::All => self.writable.sent_all(),
            Written::Some(bytes) => self.writable.waits(bytes),
            Written::Refused => return,
        };
        // Something waits again, be it that 'drain' was about to be told.
        if self.writable.len() > 0
            && agenda.take_back(self.id.into(), |kind| matches!(kind, EventKind::Drain))
        {
            self.writable.owe_drain();
        }
        if let Early::Sent(sent) = &mut self.early {
            sent.merge(completed);
        } else if !completed.is_empty() {
            agenda.tick(self.id, SocketTick::AfterWrite(completed.callbacks));
        }
        self.wake_streams(agenda);
        if self.is_destination {
            let sink = if self.writable.has_room() {
                Sink::Drained
            } else {
                Sink::Full
            };
            agenda.piped_to.push((self.id, sink));
        }
        if written == Written::All {
            // What was piped or streamed since the write was asked for.
            self.flush(agenda);
        }
        self.finish_maybe(agenda);
    }

    /// The host has taken the rest of the write that was under way.
    pub(super) fn write_completed(&mut self, agenda: &mut Agenda) {
        self.active(agenda);
        let completed = self.writable.sent_all();
        self.wake_streams(agenda);
        let after = SocketTick::AfterWrite(completed.callbacks);
        if self.writable.queued() {
            // Node writes what waits before it tells of this write: 'drain'
            // comes with it if nothing waits then.
            self.flush(agenda);
            agenda.then(self.id, after);
        } else {
            self.tick(after, agenda);
        }
        self.finish_maybe(agenda);
    }

    pub(super) fn write_failed(&mut self, errno: Errno, agenda: &mut Agenda) {
        // Row W18: the system tells a reset once, to whoever asks first, and libuv
        // reads before it goes on with a write that waits for room.
        if errno.0 == "ECONNRESET" && self.readable.is_asked() && self.writable.is_waiting() {
            self.destroy(Some(Error::system(errno, "read")), agenda);
            return;
        }
        let error = Error::system(errno, "write");
        let failed = self.writable.fail_in_flight();
        self.call_back(failed, Some(&error), agenda);
        self.errored = Some(error.clone());
        self.fail_writes(agenda);
        agenda.then(self.id, SocketTick::Destroy(error));
    }

    // ---- the end ----

    /// `socket.end()`.
    pub(crate) fn end(
        &mut self,
        data: Option<Vec<u8>>,
        callback: Option<Callback>,
        agenda: &mut Agenda,
    ) {
        if self.data.is_taken() && !self.destroyed() {
            self.fail_call(callback, Error::in_use("end"), agenda);
            return;
        }
        if let Some(data) = data {
            // Row W7: data after the end fails as a write does; the callback hears of
            // it after the socket has failed.
            if let Err(mut error) = self.check_writable() {
                if self.writable.is_ending() {
                    error = Error::write_after_end();
                }
                self.destroy(Some(error.clone()), agenda);
                self.fail_call(callback, error, agenda);
                return;
            }
            self.write(data, None, agenda);
        }
        if self.writable.is_ending() || self.destroyed() || self.errored.is_some() {
            let failure = self
                .writable
                .end_failure(self.destroyed(), self.errored.as_ref());
            match failure {
                Some(error) => self.fail_call(callback, error, agenda),
                None => self.writable.on_finished.extend(callback),
            }
            return;
        }
        self.writable.on_finished.extend(callback);
        self.writable.side = Side::Ending;
        if matches!(self.link, Link::None) {
            agenda.tick(self.id, SocketTick::FinishUnconnected);
        }
        self.finish_maybe(agenda);
    }

    /// Row E10: without a connection there is nothing to send before the end. `connect` since then
    /// has begun anew.
    pub(super) fn finish_unconnected(&mut self, agenda: &mut Agenda) {
        if matches!(self.link, Link::None) {
            self.writable.side = Side::Finished;
        }
        let callbacks = std::mem::take(&mut self.writable.on_finished);
        self.call_back(callbacks, None, agenda);
        self.emit(EventKind::Finish, agenda);
        if self.on_finish == OnFinish::Destroy {
            agenda.then(self.id, SocketTick::AfterFinish);
        }
    }

    /// Asks for the FIN once `end` was called and everything is handed over.
    /// Before the connection stands this waits for it (row C28).
    pub(super) fn finish_maybe(&mut self, agenda: &mut Agenda) {
        let resets = self.reset != Reset::No;
        if self.is_open() && self.errored.is_none() && self.writable.can_finish() && !resets {
            self.writable.side = Side::Finishing;
            self.fin_asked_in = agenda.round;
            agenda.act(Action::ShutDown(self.id));
        }
    }

    /// Rows E1 and E2: whether the FIN was asked for and `finish` is to come. libuv
    /// sends the FIN before it looks for what has come in, so until then nothing is
    /// received but what it had seen by then.
    pub(super) fn is_finishing(&self, agenda: &Agenda) -> bool {
        self.writable.side == Side::Finishing
            && !self.data.is_taken()
            && self.fin_asked_in < agenda.round
    }

    pub(super) fn emit_finish(&mut self, agenda: &mut Agenda) {
        self.writable.side = Side::Finished;
        let callbacks = std::mem::take(&mut self.writable.on_finished);
        self.call_back(callbacks, None, agenda);
        agenda.piped_to.push((self.id, Sink::Gone));
        self.emit(EventKind::Finish, agenda);
        agenda.then(self.id, SocketTick::AfterFinish);
        agenda.release(self.id);
    }

    pub(super) fn after_finish(&mut self, agenda: &mut Agenda) {
        let soon = std::mem::replace(&mut self.on_finish, OnFinish::Stay) == OnFinish::Destroy;
        if soon || self.readable.end == super::End::Emitted {
            self.destroy(None, agenda);
        }
    }
}
