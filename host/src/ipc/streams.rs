//! The streams of listeners and connections: straight from and to the program's memory, with
//! readiness checks, as those of wasmtime-wasi's TCP sockets.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use plugnet_ipc::{Code, Socket};
use tokio::sync::oneshot;
use tokio::time::Sleep;
use wasmtime::component::{
    Destination, Resource, Source, StreamConsumer, StreamProducer, StreamResult,
};
use wasmtime::{AsContextMut as _, StoreContextMut};
use wasmtime_wasi::p3::bindings::sockets::types::ErrorCode;

use super::{Accepting, Connection, transfer_error};
use crate::guard::Guard;
use crate::runtime::State;

/// What a program that gives no buffer reads at once.
const CAPACITY: usize = 8 * 1024;

/// How long to wait until a connection is accepted again, when the system has no means for it.
const RETRY: Duration = Duration::from_millis(100);

/// The connections of a listener.
pub(super) struct Accepted {
    accepting: Arc<Accepting>,
    /// Who may connect, if it is by TCP.
    guard: Guard,
    /// One that was accepted to see whether there is one.
    next: Option<Socket>,
    /// The system had no means for the last one.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Accepted {
    pub(super) fn new(accepting: Arc<Accepting>, guard: Guard) -> Self {
        Accepted {
            accepting,
            guard,
            next: None,
            pause: None,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Socket>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match ready!(self.accepting.poll(cx)) {
                Some(Ok(socket)) => match socket.peer_address() {
                    Some(peer) if !self.guard.allows_peer(peer) => {}
                    _ => return Poll::Ready(Some(socket)),
                },
                None => return Poll::Ready(None),
                Some(Err(error)) => {
                    // Something fails for all or for this one: a client that was gone again
                    // is no reason to wait.
                    if Code::of(&error) != Code::ConnectionAborted {
                        self.pause = Some(Box::pin(tokio::time::sleep(RETRY)));
                    }
                }
            }
        }
    }
}

impl StreamProducer<State> for Accepted {
    type Item = Resource<Connection>;
    type Buffer = Option<Self::Item>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, State>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let socket = match self.next.take() {
            Some(socket) => socket,
            None => match self.poll_next(cx) {
                Poll::Ready(Some(socket)) => socket,
                Poll::Ready(None) => return Poll::Ready(Ok(StreamResult::Dropped)),
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
            },
        };
        // A read of nothing asks whether there is one.
        if destination.remaining(&mut store) == Some(0) {
            self.next = Some(socket);
        } else {
            let connection = store.data_mut().table.push(Connection::new(socket))?;
            destination.set_buffer(Some(connection));
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

/// Tells how a direction ended: once, and that it ended well if it is dropped.
struct Ended(Option<oneshot::Sender<Result<(), ErrorCode>>>);

impl Ended {
    fn tell(&mut self, outcome: Result<(), ErrorCode>) {
        if let Some(ended) = self.0.take() {
            // Nobody may want to know.
            let _ = ended.send(outcome);
        }
    }
}

/// The receiving direction. Dropping it shuts the direction down.
pub(super) struct Receiving {
    socket: Arc<Socket>,
    ended: Ended,
}

impl Receiving {
    pub(super) fn new(socket: Arc<Socket>, ended: oneshot::Sender<Result<(), ErrorCode>>) -> Self {
        Receiving {
            socket,
            ended: Ended(Some(ended)),
        }
    }
}

impl Drop for Receiving {
    fn drop(&mut self) {
        // A peer that is gone has done the same.
        let _ = self.socket.shutdown_read();
        self.ended.tell(Ok(()));
    }
}

impl StreamProducer<State> for Receiving {
    type Item = u8;
    type Buffer = BytesMut;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, State>,
        destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of nothing asks whether there is something.
        let progress = if destination.remaining(store.as_context_mut()) == Some(0) {
            // What is wrong shows when it is read.
            self.socket.poll_readable(cx).map(|_| Ok(None))
        } else {
            let mut destination = destination.as_direct(store, CAPACITY);
            let progress = self.socket.poll_read(cx, destination.remaining());
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
                self.ended.tell(Err(transfer_error(&error)));
                StreamResult::Dropped
            }
            Poll::Pending if finish => StreamResult::Cancelled,
            Poll::Pending => return Poll::Pending,
        }))
    }
}

/// The sending direction. Dropping it shuts the direction down.
pub(super) struct Sending {
    socket: Arc<Socket>,
    ended: Ended,
}

impl Sending {
    pub(super) fn new(socket: Arc<Socket>, ended: oneshot::Sender<Result<(), ErrorCode>>) -> Self {
        Sending {
            socket,
            ended: Ended(Some(ended)),
        }
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        // A peer that is gone needs no FIN.
        let _ = self.socket.shutdown_write();
        self.ended.tell(Ok(()));
    }
}

impl StreamConsumer<State> for Sending {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<State>,
        source: Source<Self::Item>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let mut source = source.as_direct(store);
        // A write of nothing asks whether there is room.
        let progress = if source.remaining().is_empty() {
            // What is wrong shows when it is written.
            self.socket.poll_writable(cx).map(|_| Ok(0))
        } else {
            self.socket.poll_write(cx, source.remaining())
        };
        Poll::Ready(Ok(match progress {
            Poll::Ready(Ok(bytes)) => {
                source.mark_read(bytes);
                StreamResult::Completed
            }
            Poll::Ready(Err(error)) => {
                self.ended.tell(Err(transfer_error(&error)));
                StreamResult::Dropped
            }
            Poll::Pending if finish => StreamResult::Cancelled,
            Poll::Pending => return Poll::Pending,
        }))
    }
}
