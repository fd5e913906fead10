//! The two directions of a connection, as streams.

use super::{Connection, Outcome};
use crate::bindings::wasi::sockets::types::ErrorCode;
use crate::bindings::wit_stream;
use plugnet_core::Errno;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use wit_bindgen::{StreamReader, StreamResult, StreamWriter};

/// The most bytes received at once.
pub const READ_SIZE: usize = 64 * 1024;

/// The largest buffer that an idle connection holds.
const MOST_HELD: usize = 1024;

/// How many small reads in a row it takes, after large ones, before small ones are expected.
const PATIENCE: u8 = 16;

/// Its first size. The host may report readiness when there is no data yet (tokio does for an
/// accepted socket): without a small buffer every connection would hold a large one from then on.
const FIRST_HELD: usize = 128;

/// The sending direction.
pub struct Sender {
    /// Dropping it sends the FIN.
    stream: StreamWriter<u8>,
    outcome: Outcome,
}

impl Sender {
    /// Writes everything, as the host takes it; `sent` gets the number of bytes taken so far.
    ///
    /// If the host takes no more, [`Sender::failure`] returns the reason.
    pub async fn send(mut self, data: Vec<u8>, sent: impl Fn(usize)) -> Result<Self, Self> {
        let len = data.len();
        let (mut status, mut buffer) = self.stream.write(data).await;
        while let StreamResult::Complete(_) | StreamResult::Cancelled = status {
            sent(len - buffer.remaining());
            if buffer.remaining() == 0 {
                return Ok(self);
            }
            (status, buffer) = self.stream.write_buf(buffer).await;
        }
        Err(self)
    }

    /// Why the host takes no more.
    ///
    /// For `drive` alone: the host delivers the answer to the task that asked, so that task must
    /// still exist then.
    pub async fn failure(self) -> Errno {
        match self.outcome.await {
            Err(code) => code.into(),
            Ok(()) => Errno("EPIPE"),
        }
    }

    /// Sends the FIN.
    pub async fn shut_down(self) -> Result<(), Errno> {
        drop(self.stream);
        match self.outcome.await {
            // The peer is gone: libuv's ENOTCONN, which Node ignores.
            Ok(()) | Err(ErrorCode::InvalidState) => Ok(()),
            Err(code) => Err(code.into()),
        }
    }
}

/// The receiving direction.
pub struct Receiver {
    stream: StreamReader<u8>,
    outcome: Outcome,
    /// The buffer to receive into if little is expected; without capacity otherwise.
    buffer: Vec<u8>,
    /// How many more reads expect much, though little comes: the last part of a large message may
    /// be small.
    expects_much: u8,
}

impl Receiver {
    /// Waits until there is something to receive, without holding a buffer. False at the end.
    pub async fn ready(&mut self) -> bool {
        let (status, _) = self.stream.read(Vec::new()).await;
        status != StreamResult::Dropped
    }

    /// Receives something. Absent at the end.
    pub async fn receive(&mut self) -> Option<Vec<u8>> {
        if self.expects_little() {
            return self.receive_little().await;
        }
        let (status, mut data) = self.stream.read(Vec::with_capacity(READ_SIZE)).await;
        if status == StreamResult::Dropped {
            return None;
        }
        data.shrink_to_fit();
        self.expect(data.len());
        Some(data)
    }

    /// Sizes the buffer by what came, with room to spare, so that more is noticed.
    fn expect(&mut self, len: usize) {
        let mut capacity = (len + 1).next_power_of_two();
        if capacity > MOST_HELD {
            self.expects_much = PATIENCE;
        }
        self.expects_much = self.expects_much.saturating_sub(1);
        if self.expects_much > 0 {
            capacity = 0;
        }
        if self.buffer.capacity() != capacity {
            self.buffer = Vec::with_capacity(capacity);
        }
    }

    /// Whether the last read was small: [`Receiver::receive`] then waits with a buffer of its size,
    /// which saves [`Receiver::ready`].
    pub fn expects_little(&self) -> bool {
        self.buffer.capacity() > 0
    }

    async fn receive_little(&mut self) -> Option<Vec<u8>> {
        let buffer = std::mem::take(&mut self.buffer);
        let (status, mut buffer) = self.stream.read(buffer).await;
        if status == StreamResult::Dropped {
            return None;
        }
        if buffer.len() < buffer.capacity() {
            let data = buffer.as_slice().to_vec();
            buffer.clear();
            self.buffer = buffer;
            return Some(data);
        }
        let data = self.receive_rest(buffer).await;
        self.expect(data.len());
        Some(data)
    }

    /// Receives what is available after `first` too: as one piece, as Node reads it.
    async fn receive_rest(&mut self, first: Vec<u8>) -> Vec<u8> {
        let mut data = Vec::with_capacity(READ_SIZE);
        data.extend(first);
        let mut read = pin!(self.stream.read(data));
        let now = poll_fn(|cx| Poll::Ready(read.as_mut().poll(cx))).await;
        // The end is reported by the next read.
        let (_, mut data) = match now {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => read.cancel(),
        };
        data.shrink_to_fit();
        data
    }

    /// Why nothing more comes: the peer's FIN, or an error.
    pub async fn end(self) -> Result<(), Errno> {
        drop(self.stream);
        self.outcome.await.map_err(Errno::from)
    }
}

impl dyn Connection {
    /// Takes the sending direction. Call it once.
    pub fn sender(&self) -> Sender {
        let (stream, outgoing) = wit_stream::new();
        let outcome = self.send(outgoing);
        Sender { stream, outcome }
    }

    /// Takes the receiving direction. Call it once.
    pub fn receiver(&self) -> Receiver {
        let (stream, outcome) = self.receive();
        Receiver {
            stream,
            outcome,
            buffer: Vec::with_capacity(FIRST_HELD),
            expects_much: 0,
        }
    }

    /// Hands both directions over: the received stream, and how each ends.
    pub fn hand_over(&self, outgoing: StreamReader<u8>) -> (StreamReader<u8>, Ends) {
        let sending = self.send(outgoing);
        let (incoming, receiving) = self.receive();
        (incoming, Ends { sending, receiving })
    }
}

/// The ends of a connection that was handed over.
pub struct Ends {
    sending: Outcome,
    receiving: Outcome,
}

impl Ends {
    /// The end of the sending direction, and of the receiving one.
    pub fn split(
        self,
    ) -> (
        impl Future<Output = Result<(), Errno>>,
        impl Future<Output = Result<(), Errno>>,
    ) {
        let (sending, receiving) = (self.sending, self.receiving);
        (async { sending.await.map_err(Errno::from) }, async {
            receiving.await.map_err(Errno::from)
        })
    }
}
