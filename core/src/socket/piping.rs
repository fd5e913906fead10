//! `socket.pipe()`: where a socket's data goes without the program.

use super::Socket;
use super::pipe::Pipe;
use super::readable::End;
use crate::agenda::{Agenda, Sink};
use crate::event::SocketId;

impl Socket {
    /// `socket.pipe()`.
    pub(crate) fn pipe(&mut self, destination: SocketId, end: bool, agenda: &mut Agenda) {
        self.pipes.add(destination, end);
        if self.readable.end == End::Emitted {
            // Too late for data, but not for the end.
            agenda.ended.push(self.id);
        }
        // Node's pipe() begins to flow, also on a paused socket.
        self.resume(agenda);
        agenda.flows.push(self.id);
    }

    /// `socket.unpipe()`.
    pub(crate) fn unpipe(&mut self, destination: Option<SocketId>) {
        let piped = !self.pipes.is_empty();
        self.pipes.remove(destination);
        // Node pauses a source that has lost its last destination.
        self.readable.paused |= piped && self.pipes.is_empty();
    }

    /// What became of a destination.
    pub(crate) fn piped_to(&mut self, destination: SocketId, sink: Sink, agenda: &mut Agenda) {
        match sink {
            Sink::Drained => self.pipes.drained(destination),
            Sink::Full => self.pipes.hold_for(destination),
            Sink::Gone => self.unpipe(Some(destination)),
        }
        agenda.flows.push(self.id);
    }

    /// What was received and its destinations are ready for, and who they are.
    pub(crate) fn flow(&mut self, agenda: &mut Agenda) -> Option<(Vec<u8>, Vec<SocketId>)> {
        let flows = !self.destroyed() && !self.readable.paused && self.pipes.flows();
        if !flows || self.readable.len() == 0 {
            return None;
        }
        let data = self.readable.take(usize::MAX);
        self.has_read(agenda);
        Some((data, self.pipes.destinations()))
    }

    /// A destination has no room for more.
    pub(crate) fn hold_for(&mut self, destination: SocketId) {
        self.pipes.hold_for(destination);
    }

    /// Another socket pipes to this one.
    pub(crate) fn become_destination(&mut self) {
        self.is_destination = true;
    }

    /// Takes what another socket pipes to this one. False if it has to wait:
    /// [`Sink::Drained`] tells when no longer.
    pub(crate) fn take_piped(&mut self, data: Vec<u8>, agenda: &mut Agenda) -> bool {
        let was_in_flight = self.writable.in_flight();
        if !self.write(data, None, agenda) {
            return false;
        }
        // A write that was just begun tells by itself what the host took of it.
        let begun = self.writable.in_flight() && !was_in_flight;
        !begun && self.write_returns()
    }

    /// The pipes of a source that has ended.
    pub(crate) fn take_pipes(&mut self) -> Vec<Pipe> {
        self.pipes.take()
    }
}
