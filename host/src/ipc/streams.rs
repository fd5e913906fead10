//! The stream of a listener's connections.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use plugnet_ipc::Code;
use tokio::time::Sleep;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, Resource, StreamProducer, StreamResult};

use super::{Accepting, Connection, IpcState};
use crate::door::{self, Door, Listens};

/// The connections of a listener.
pub(super) struct Accepted<T: 'static> {
    accepting: Arc<Accepting>,
    path: Option<String>,
    door: Door,
    /// A connection that was accepted to learn whether there is one.
    next: Option<Connection>,
    /// The system lacked resources for the last one.
    pause: Option<Pin<Box<Sleep>>>,
    state: for<'a> fn(&'a mut T) -> IpcState<'a>,
}

impl<T> Accepted<T> {
    pub(super) fn new(
        accepting: Arc<Accepting>,
        path: Option<String>,
        door: Door,
        state: for<'a> fn(&'a mut T) -> IpcState<'a>,
    ) -> Self {
        Accepted {
            accepting,
            path,
            door,
            next: None,
            pause: None,
            state,
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Connection>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match ready!(self.accepting.poll(cx)) {
                Some(Ok(socket)) => {
                    let listens = match self.path.as_deref() {
                        Some(path) => Listens::Path(path),
                        None => Listens::Inherited,
                    };
                    let peer = socket.peer_address();
                    let admitted = self.door.admit(listens, peer);
                    if let Ok((place, slot)) = admitted {
                        let connection = Connection::new(socket, place, slot.opened());
                        return Poll::Ready(Some(connection));
                    }
                }
                None => return Poll::Ready(None),
                Some(Err(error)) => {
                    // Either accepting fails, or this one client has left, which is no reason to
                    // wait.
                    if Code::of(&error) != Code::ConnectionAborted {
                        self.pause = Some(Box::pin(tokio::time::sleep(door::RETRY)));
                    }
                }
            }
        }
    }
}

impl<T: 'static> StreamProducer<T> for Accepted<T> {
    type Item = Resource<Connection>;
    type Buffer = Option<Self::Item>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, T>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let connection = match self.next.take() {
            Some(connection) => connection,
            None => match self.poll_next(cx) {
                Poll::Ready(Some(connection)) => connection,
                Poll::Ready(None) => return Poll::Ready(Ok(StreamResult::Dropped)),
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
            },
        };
        // A read of zero bytes asks for readiness.
        if destination.remaining(&mut store) == Some(0) {
            self.next = Some(connection);
        } else {
            let connection = (self.state)(store.data_mut()).table.push(connection)?;
            destination.set_buffer(Some(connection));
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}
