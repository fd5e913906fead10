//! The two directions of a connection, as streams.

use super::tcp::Connected;
use crate::bindings::wasi::sockets::types::ErrorCode;
use crate::bindings::wit_stream;
use crate::node::Errno;
use wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter};

/// How many bytes are received at once, at most.
const READ_SIZE: usize = 64 * 1024;

/// The outcome of one direction of a connection.
type Outcome = FutureReader<Result<(), ErrorCode>>;

/// The sending direction.
pub struct Sender {
    /// Dropping it sends the FIN.
    stream: StreamWriter<u8>,
    outcome: Outcome,
}

impl Sender {
    /// Hands over everything, as the host takes it; `sent` hears how many bytes it
    /// has taken.
    ///
    /// If the host takes nothing any more, [`Sender::failure`] tells why.
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

    /// Why the host takes nothing any more.
    ///
    /// For the driver alone: the host writes the answer on behalf of the task that
    /// asks, so that this has to be one that is still there then.
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
            // Nobody is left to send it to: libuv's ENOTCONN, which Node ignores.
            Ok(()) | Err(ErrorCode::InvalidState) => Ok(()),
            Err(code) => Err(code.into()),
        }
    }
}

/// The receiving direction.
pub struct Receiver {
    stream: StreamReader<u8>,
    outcome: Outcome,
}

impl Receiver {
    /// Waits until there is something to receive, without holding a buffer. False
    /// if nothing will come any more.
    pub async fn ready(&mut self) -> bool {
        let (status, _) = self.stream.read(Vec::new()).await;
        status != StreamResult::Dropped
    }

    /// Receives something. Absent if nothing will come any more.
    pub async fn receive(&mut self) -> Option<Vec<u8>> {
        let (status, mut data) = self.stream.read(Vec::with_capacity(READ_SIZE)).await;
        if status == StreamResult::Dropped {
            return None;
        }
        data.shrink_to_fit();
        Some(data)
    }

    /// Why nothing comes any more: the peer's FIN, or an error.
    pub async fn end(self) -> Result<(), Errno> {
        drop(self.stream);
        self.outcome.await.map_err(Errno::from)
    }
}

/// Both directions of a connected socket.
pub fn open(connected: &Connected) -> (Sender, Receiver) {
    let (writer, reader) = wit_stream::new();
    let sender = Sender {
        stream: writer,
        outcome: connected.socket.send(reader),
    };
    let (stream, outcome) = connected.socket.receive();
    (sender, Receiver { stream, outcome })
}
