//! The stream of a listener's connections.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use plugnet_ipc::Code;
use tokio::time::Sleep;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, Resource, StreamProducer, StreamResult};

use super::{Accepting, Connection};
use crate::connections::Connections;
use crate::door::{self, Listens};
use crate::guard::Guard;
use crate::host::Host;

/// The connections of a listener.
pub(super) struct Accepted<T: 'static> {
    accepting: Arc<Accepting>,
    path: Option<String>,
    /// Decides who may connect, for TCP.
    guard: Guard,
    connections: Connections,
    /// A connection that was accepted to learn whether there is one.
    next: Option<Connection>,
    /// The system lacked resources for the last one.
    pause: Option<Pin<Box<Sleep>>>,
    host: for<'a> fn(&'a mut T) -> &'a mut Host,
}

impl<T> Accepted<T> {
    pub(super) fn new(
        accepting: Arc<Accepting>,
        path: Option<String>,
        guard: Guard,
        connections: Connections,
        host: for<'a> fn(&'a mut T) -> &'a mut Host,
    ) -> Self {
        Accepted {
            accepting,
            path,
            guard,
            connections,
            next: None,
            pause: None,
            host,
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
                    let admitted = door::admit(&self.guard, &self.connections, listens, peer);
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
            let connection = (self.host)(store.data_mut()).table.push(connection)?;
            destination.set_buffer(Some(connection));
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}
