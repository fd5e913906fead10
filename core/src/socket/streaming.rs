//! `streams` and `takeStreams`: a connection's data by the component model's streams.

use super::Socket;
use super::readable::Flow;
use super::streams::{Data, Streams};
use super::writable::Side;
use crate::agenda::Agenda;
use crate::error::Error;
use crate::server::Handle;
use crate::transport::{Action, Generation};

impl Socket {
    /// `streams`: from now on the data of this connection goes by streams. Which
    /// connection that is, is the answer.
    pub(crate) fn stream(&mut self) -> Result<Generation, Error> {
        if self.destroyed() {
            return Err(Error::destroyed("streams"));
        }
        match self.data {
            Data::Program => {
                self.data = Data::Streams(Streams::begin());
                Ok(self.generation)
            }
            Data::Streams(_) => Err(Error::already_streaming()),
            Data::Taken => Err(Error::in_use("streams")),
        }
    }

    /// What was received, for the stream that takes it and has taken what it was
    /// given before. Absent when nothing comes any more.
    pub(crate) fn read_streamed(
        &mut self,
        generation: Generation,
        agenda: &mut Agenda,
    ) -> Option<Vec<u8>> {
        if self.generation != generation {
            return None;
        }
        let over = self.destroyed() || (self.readable.end.has_come() && self.readable.len() == 0);
        let waits = self.readable.paused || self.readable.len() == 0;
        let streams = self.data.streams_mut()?;
        streams.has_delivered();
        if over {
            streams.incoming_is_over();
            self.stream_is_over(agenda);
            return None;
        }
        if waits {
            return Some(Vec::new());
        }
        streams.begins_delivering();
        Some(self.take(usize::MAX, agenda))
    }

    /// The stream that took what is received is gone, and has left something.
    pub(crate) fn stop_streaming(
        &mut self,
        generation: Generation,
        left: Vec<u8>,
        agenda: &mut Agenda,
    ) {
        if self.generation != generation {
            return;
        }
        if let Some(streams) = self.data.streams_mut() {
            streams.incoming_is_over();
        }
        if !self.destroyed() {
            self.readable.put_back(left);
            self.announce(agenda);
        }
        self.stream_is_over(agenda);
    }

    /// Whether the stream that is sent may go on; absent when nothing is sent any
    /// more.
    pub(crate) fn stream_has_room(&self, generation: Generation) -> Option<bool> {
        (self.generation == generation && self.is_writable()).then(|| !self.writable.is_full())
    }

    /// What came from the stream that is sent: bytes that the transport has sent already
    /// ([`Socket::writes_through`]), and the rest.
    pub(crate) fn write_streamed(
        &mut self,
        generation: Generation,
        sent: usize,
        rest: Vec<u8>,
        agenda: &mut Agenda,
    ) {
        if self.generation == generation && self.is_writable() {
            self.write_ahead(sent, rest, None, agenda);
        }
    }

    /// Nothing more comes from the stream that is sent.
    pub(crate) fn end_streamed(&mut self, generation: Generation, agenda: &mut Agenda) {
        if self.generation == generation {
            if let Some(streams) = self.data.streams_mut() {
                streams.outgoing_is_over();
            }
            if self.is_writable() {
                self.end(None, None, agenda);
            }
            self.stream_is_over(agenda);
        }
    }

    /// A socket without a handle was kept for its streams.
    fn stream_is_over(&mut self, agenda: &mut Agenda) {
        let dropped = self.handle == Handle::Dropped;
        if dropped && !self.destroyed() && !self.data.goes_on() {
            self.drop_handle(agenda);
        }
    }

    pub(super) fn wake_streams(&self, agenda: &mut Agenda) {
        if self.data.streams_in() {
            agenda.act(Action::WakeIncoming(self.id, self.generation));
        }
        if self.data.streams_out() {
            agenda.act(Action::WakeOutgoing(self.id, self.generation));
        }
    }

    /// `takeStreams`: from now on the rules see nothing of the data.
    pub(crate) fn take_streams(&mut self) -> Result<(), Error> {
        if !self.is_open() {
            return Err(Error::not_connected());
        }
        let reads = self.readable.flow != Flow::Stopped;
        let written = self.writable.bytes_written > 0 || self.writable.is_ending();
        if reads || self.data.goes_on() || written {
            return Err(Error::in_use("takeStreams"));
        }
        // The transport reports the two ends; in between there is nothing to do.
        self.data = Data::Taken;
        self.readable.flow = Flow::Asked;
        self.writable.side = Side::Finishing;
        Ok(())
    }
}
