//! Receiving: from the transport's report to what the program reads, and `end`.

use super::Socket;
use super::readable::{End, Flow};
use crate::agenda::{Agenda, SocketTick};
use crate::encoding::Encoding;
use crate::event::EventKind;
use crate::server::Handle;
use crate::transport::Action;

impl Socket {
    // ---- what a program calls ----

    /// `socket.read(max)`.
    pub(crate) fn read(&mut self, max: usize, agenda: &mut Agenda) -> Vec<u8> {
        // What goes to a stream cannot be read beside it, be it that `readable` was
        // emitted before there was one.
        if self.destroyed() || self.data.streams_in() {
            return Vec::new();
        }
        self.take(max, agenda)
    }

    pub(super) fn take(&mut self, max: usize, agenda: &mut Agenda) -> Vec<u8> {
        let data = self.readable.take(max);
        self.has_read(agenda);
        data
    }

    /// `socket.read()` after `setEncoding`.
    pub(crate) fn read_text(&mut self, agenda: &mut Agenda) -> String {
        if self.destroyed() || self.data.streams_in() {
            return String::new();
        }
        let text = self.readable.take_text();
        self.has_read(agenda);
        text
    }

    /// `socket.setEncoding()`.
    pub(crate) fn set_encoding(&mut self, encoding: Encoding) {
        self.readable.set_encoding(encoding);
    }

    /// What follows when something was taken.
    pub(super) fn has_read(&mut self, agenda: &mut Agenda) {
        if self.readable.len() > 0 {
            self.announce(agenda);
        } else {
            self.take_readable_back(agenda);
            if self.readable.end == End::Received {
                // Row E4: 'end' comes when everything was read.
                agenda.tick(self.id, SocketTick::End);
            }
        }
        self.read_on(agenda);
    }

    /// `socket.pause()`.
    pub(crate) fn pause(&mut self, agenda: &mut Agenda) {
        self.readable.paused = true;
        self.take_readable_back(agenda);
    }

    /// There is nothing to read any more, or the program does not want to hear of it.
    fn take_readable_back(&self, agenda: &mut Agenda) {
        agenda.take_back(self.id.into(), |kind| matches!(kind, EventKind::Readable));
    }

    /// `socket.resume()`.
    pub(crate) fn resume(&mut self, agenda: &mut Agenda) {
        self.readable.paused = false;
        if self.is_open() {
            self.readable.start();
        }
        if self.readable.len() > 0 {
            self.announce(agenda);
        }
        self.read_on(agenda);
    }

    // ---- what the transport reports ----

    pub(super) fn received(&mut self, data: Vec<u8>, agenda: &mut Agenda) {
        self.active(agenda);
        self.readable.answered();
        if self.discards() {
            self.read_on(agenda);
            return;
        }
        self.readable.push(data);
        self.read_on(agenda);
        if !self.pipes.is_empty() {
            agenda.flows.push(self.id);
        } else if self.data.streams_in() {
            self.wake_streams(agenda);
        } else if !self.readable.paused && !self.readable.announced && self.readable.len() > 0 {
            self.emit(EventKind::Readable, agenda);
        }
    }

    pub(super) fn peer_ended(&mut self, agenda: &mut Agenda) {
        self.active(agenda);
        self.readable.answered();
        let unread = self.readable.len();
        self.readable.end();
        self.wake_streams(agenda);
        // Row E4: unread bytes hold 'end' back; read() goes on from there.
        if self.readable.len() == 0 {
            agenda.tick(self.id, SocketTick::End);
        } else if self.readable.len() > unread {
            self.announce(agenda);
        }
    }

    // ---- what follows ----

    /// Has `readable` emitted on the next tick, once.
    pub(super) fn announce(&mut self, agenda: &mut Agenda) {
        if self.data.streams_in() {
            self.wake_streams(agenda);
        } else if !self.readable.announced && !self.readable.paused && self.pipes.is_empty() {
            self.readable.announced = true;
            agenda.tick(self.id, SocketTick::Readable);
        }
        agenda.flows.push(self.id);
    }

    pub(super) fn emit_readable(&mut self, agenda: &mut Agenda) {
        self.readable.announced = false;
        let unread = self.readable.len() > 0 && !self.data.streams_in();
        if unread && !self.readable.paused && self.pipes.is_empty() {
            self.emit(EventKind::Readable, agenda);
        }
    }

    /// Asks the transport for more if there is room.
    pub(super) fn read_on(&mut self, agenda: &mut Agenda) {
        let reads = self.handle == Handle::Held || self.data.streams_in() || self.discards();
        if self.is_open() && reads && self.readable.wants_more() {
            self.readable.flow = Flow::Asked;
            agenda.act(Action::Read(self.id));
        }
    }

    /// Whether nobody can read what is received. A peer may wait for that before it
    /// reads, so that it is taken for as long as something is sent.
    pub(super) fn discards(&self) -> bool {
        self.handle == Handle::Dropped
            && !self.data.is_taken()
            && !self.data.streams_in()
            && self.pipes.is_empty()
    }

    // ---- the end ----

    pub(super) fn emit_end(&mut self, agenda: &mut Agenda) {
        if self.readable.owes_end() {
            self.readable.end = End::Emitted;
            agenda.ended.push(self.id);
            self.emit(EventKind::End, agenda);
            agenda.then(self.id, SocketTick::AfterEnd);
        }
    }

    /// Rows E1, E2, E5: the own side ends by itself unless half-open. But a stream that is sent
    /// may bring the answer to what came last; its end is the own one.
    pub(super) fn after_end(&mut self, agenda: &mut Agenda) {
        let ends = self.is_writable() && !self.allow_half_open;
        if ends && !self.data.streams_out() {
            self.end(None, None, agenda);
        } else if self.writable.is_finished() {
            self.destroy(None, agenda);
        }
    }
}
