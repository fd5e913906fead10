//! The data of a connection: directly from and to the program's memory, with readiness checks,
//! counters and limits.

use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::sync::oneshot;
use wasmtime::component::{Destination, Source, StreamConsumer, StreamProducer, StreamResult};
use wasmtime::{AsContextMut as _, StoreContextMut};
use wasmtime_wasi::p3::bindings::sockets::types::ErrorCode;

use crate::limits::Place;
use crate::limits::rate::Turns;
use crate::observe::Record;

/// The read size for a program that gives no buffer.
const CAPACITY: usize = 8 * 1024;

/// How a direction ended, as the program sees it.
pub(crate) type Outcome = Result<(), ErrorCode>;

/// A connected socket of any kind. One task polls for reading, one for writing.
pub(crate) trait Duplex: Send + Sync + 'static {
    /// Reads what is available. Zero is the peer's end, if `buffer` is not empty.
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Waits until there is something to read, as far as the runtime knows: data, the end, or an
    /// error.
    fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Asks the system whether there is something to read. If not, clears the runtime's readiness.
    fn is_readable(&self) -> bool;

    /// Writes what the system accepts.
    fn poll_write(&self, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>>;

    /// Waits until the system accepts something, or there is an error.
    fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<()>;

    /// Ends the receiving direction. A peer that is gone is no error.
    fn shutdown_read(&self);

    /// Ends the sending direction: sends the FIN. A peer that is gone is no error.
    fn shutdown_write(&self);

    /// Why receiving failed, as WASI's code.
    fn receive_error(error: io::Error) -> ErrorCode;

    /// Why sending failed, as WASI's code.
    fn send_error(error: io::Error) -> ErrorCode;
}

/// A connection, shared by the program's handle and its streams: it is closed when all of them are
/// dropped.
pub(crate) struct Connection<S> {
    /// Closed before the record reports it.
    pub(crate) socket: S,
    record: Record,
    _place: Place,
}

impl<S> Connection<S> {
    pub(crate) fn new(socket: S, place: Place, record: Record) -> Arc<Self> {
        Arc::new(Connection {
            socket,
            record,
            _place: place,
        })
    }
}

/// Reports how a direction ended, once; dropping it reports success.
struct Ended(Option<oneshot::Sender<Outcome>>);

impl Ended {
    fn tell(&mut self, outcome: Outcome) {
        if let Some(ended) = self.0.take() {
            // The program may have dropped it.
            let _ = ended.send(outcome);
        }
    }
}

/// The receiving direction. Dropping it shuts the direction down.
pub(crate) struct Receiving<S: Duplex> {
    connection: Arc<Connection<S>>,
    turns: Turns,
    /// The runtime's readiness may be stale: something was read since, or it was a guess, as in
    /// tokio for an accepted connection.
    stale: bool,
    ended: Ended,
}

impl<S: Duplex> Receiving<S> {
    pub(crate) fn new(connection: Arc<Connection<S>>, ended: oneshot::Sender<Outcome>) -> Self {
        let turns = connection.record.turns_in();
        Receiving {
            connection,
            turns,
            stale: true,
            ended: Ended(Some(ended)),
        }
    }

    /// Waits until there is something to read. A program that is told too early waits with a
    /// buffer.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Connection { socket, .. } = &*self.connection;
        ready!(socket.poll_readable(cx));
        if mem::take(&mut self.stale) && !socket.is_readable() {
            ready!(socket.poll_readable(cx));
        }
        Poll::Ready(())
    }

    /// Reads as much as the limit allows.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let Connection { socket, record, .. } = &*self.connection;
        let mut most = buffer.len();
        if self.turns.limited() {
            // No turn is taken while waiting for the peer.
            ready!(socket.poll_readable(cx));
            most = ready!(self.turns.poll(cx, most));
        }
        self.stale = true;
        let read = socket.poll_read(cx, &mut buffer[..most]);
        let bytes = match read {
            Poll::Ready(Ok(bytes)) => bytes,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        self.turns.went(bytes);
        record.received(bytes);
        read
    }
}

impl<S: Duplex> Drop for Receiving<S> {
    fn drop(&mut self) {
        self.connection.socket.shutdown_read();
        self.ended.tell(Ok(()));
    }
}

impl<T: 'static, S: Duplex> StreamProducer<T> for Receiving<S> {
    type Item = u8;
    type Buffer = BytesMut;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, T>,
        destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of zero bytes asks for readiness.
        let progress = if destination.remaining(store.as_context_mut()) == Some(0) {
            // The error shows when it is read.
            self.poll_readable(cx).map(|()| Ok(None))
        } else {
            let mut destination = destination.as_direct(store, CAPACITY);
            let progress = self.poll_read(cx, destination.remaining());
            progress.map_ok(|bytes| {
                destination.mark_written(bytes);
                Some(bytes)
            })
        };
        Poll::Ready(Ok(match progress {
            Poll::Ready(Ok(Some(0))) => {
                self.ended.tell(Ok(()));
                StreamResult::Dropped
            }
            Poll::Ready(Ok(_)) => StreamResult::Completed,
            Poll::Ready(Err(error)) => {
                self.ended.tell(Err(S::receive_error(error)));
                StreamResult::Dropped
            }
            Poll::Pending if finish => {
                self.turns.went(0);
                StreamResult::Cancelled
            }
            Poll::Pending => return Poll::Pending,
        }))
    }
}

/// The sending direction. Dropping it shuts the direction down.
pub(crate) struct Sending<S: Duplex> {
    connection: Arc<Connection<S>>,
    turns: Turns,
    ended: Ended,
}

impl<S: Duplex> Sending<S> {
    pub(crate) fn new(connection: Arc<Connection<S>>, ended: oneshot::Sender<Outcome>) -> Self {
        let turns = connection.record.turns_out();
        Sending {
            connection,
            turns,
            ended: Ended(Some(ended)),
        }
    }

    /// Writes as much as the limit allows.
    fn poll_write(&mut self, cx: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let Connection { socket, record, .. } = &*self.connection;
        let mut most = buffer.len();
        if self.turns.limited() {
            // No turn is taken while waiting for the peer.
            ready!(socket.poll_writable(cx));
            most = ready!(self.turns.poll(cx, most));
        }
        let written = socket.poll_write(cx, &buffer[..most]);
        let bytes = match written {
            Poll::Ready(Ok(bytes)) => bytes,
            Poll::Ready(Err(_)) | Poll::Pending => 0,
        };
        self.turns.went(bytes);
        record.sent(bytes);
        written
    }
}

impl<S: Duplex> Drop for Sending<S> {
    fn drop(&mut self) {
        self.connection.socket.shutdown_write();
        self.ended.tell(Ok(()));
    }
}

impl<T: 'static, S: Duplex> StreamConsumer<T> for Sending<S> {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<T>,
        source: Source<Self::Item>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let mut source = source.as_direct(store);
        // A write of zero bytes asks for room.
        let progress = if source.remaining().is_empty() {
            // The error shows when it is written.
            self.connection.socket.poll_writable(cx).map(|()| Ok(0))
        } else {
            self.poll_write(cx, source.remaining())
        };
        Poll::Ready(Ok(match progress {
            Poll::Ready(Ok(bytes)) => {
                source.mark_read(bytes);
                StreamResult::Completed
            }
            Poll::Ready(Err(error)) => {
                self.ended.tell(Err(S::send_error(error)));
                StreamResult::Dropped
            }
            Poll::Pending if finish => {
                self.turns.went(0);
                StreamResult::Cancelled
            }
            Poll::Pending => return Poll::Pending,
        }))
    }
}
