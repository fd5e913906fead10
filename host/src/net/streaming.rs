//! A socket's data as streams of the component model.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use plugnet_core::{Errno, Error, Generation, Report, SocketId};
use plugnet_ipc::Socket;
use tokio::sync::oneshot;
use wasmtime::component::{
    Access, Destination, HasData, Source, StreamConsumer, StreamProducer, StreamReader,
    StreamResult,
};
use wasmtime::{AsContextMut as _, StoreContextMut};
use wasmtime_wasi::p3::bindings::sockets::types::ErrorCode;

use super::Net;
use crate::net::{NetState, View};
use crate::transfer::{Connection, Outcome, Receiving, Sending};

/// How much is moved at a time.
const PIECE: usize = 64 * 1024;

/// The two streams of one connection.
#[derive(Default)]
pub(super) struct Streams {
    incoming: Option<Waker>,
    outgoing: Option<Waker>,
    /// How many of them are gone.
    dropped: u8,
}

impl Streams {
    /// There is something to take.
    pub(super) fn wake_incoming(&mut self) {
        if let Some(waker) = self.incoming.take() {
            waker.wake();
        }
    }

    /// There is room to send.
    pub(super) fn wake_outgoing(&mut self) {
        if let Some(waker) = self.outgoing.take() {
            waker.wake();
        }
    }
}

/// What became of the streams that are gone: the core is told when it is called next. Clones share
/// it.
#[derive(Clone, Default)]
pub(super) struct Departed(Arc<Mutex<Departures>>);

#[derive(Default)]
struct Departures {
    streams: Vec<Departure>,
    waker: Option<Waker>,
}

pub(super) struct Departure {
    pub(super) socket: SocketId,
    pub(super) generation: Generation,
    pub(super) direction: Direction,
}

pub(super) enum Direction {
    /// What it had not passed on.
    Incoming(Vec<u8>),
    Outgoing,
}

impl Departed {
    fn lock(&self) -> MutexGuard<'_, Departures> {
        // No code that holds the lock panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, departure: Departure) {
        let mut departed = self.lock();
        departed.streams.push(departure);
        if let Some(waker) = departed.waker.take() {
            waker.wake();
        }
    }

    /// Wakes a task for the next one.
    pub(super) fn wake(&self, waker: &Waker) {
        self.lock().waker = Some(waker.clone());
    }

    pub(super) fn take(&self) -> Vec<Departure> {
        std::mem::take(&mut self.lock().streams)
    }
}

/// The data of one connection, for one of its streams.
struct End<T: 'static> {
    socket: SocketId,
    generation: Generation,
    departed: Departed,
    state: for<'a> fn(&'a mut T) -> NetState<'a>,
}

impl<T> Clone for End<T> {
    fn clone(&self) -> Self {
        End {
            departed: self.departed.clone(),
            ..*self
        }
    }
}

impl<T> End<T> {
    fn net<'a>(&self, store: &'a mut StoreContextMut<'_, T>) -> &'a mut Net {
        (self.state)(store.data_mut()).net
    }

    fn streams<'a>(&self, net: &'a mut Net) -> Option<&'a mut Streams> {
        net.streams().get_mut(&(self.socket, self.generation))
    }

    fn departs(&self, direction: Direction) {
        self.departed.leave(Departure {
            socket: self.socket,
            generation: self.generation,
            direction,
        });
    }
}

/// Yields what a socket receives.
struct Incoming<T: 'static> {
    end: End<T>,
    /// What the program has not taken yet, from this position on.
    data: Vec<u8>,
    taken: usize,
}

impl<T> Incoming<T> {
    /// Waits until there is something to take. False at the end.
    fn poll(&mut self, cx: &mut Context<'_>, store: &mut StoreContextMut<'_, T>) -> Poll<bool> {
        if self.taken < self.data.len() {
            return Poll::Ready(true);
        }
        let net = self.end.net(store);
        let (socket, generation) = (self.end.socket, self.end.generation);
        match net.call(|driver| driver.read_streamed(socket, generation)) {
            None => Poll::Ready(false),
            Some(data) if data.is_empty() => {
                if let Some(streams) = self.end.streams(net) {
                    streams.incoming = Some(cx.waker().clone());
                }
                Poll::Pending
            }
            Some(data) => {
                self.data = data;
                self.taken = 0;
                Poll::Ready(true)
            }
        }
    }
}

impl<T: 'static> StreamProducer<T> for Incoming<T> {
    type Item = u8;
    type Buffer = bytes::BytesMut;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, T>,
        destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        Poll::Ready(Ok(match self.poll(cx, &mut store) {
            Poll::Ready(true) => {
                // A read of zero bytes asks for readiness.
                if destination.remaining(store.as_context_mut()) != Some(0) {
                    let rest = self.data.len() - self.taken;
                    let mut destination = destination.as_direct(store, rest);
                    let room = destination.remaining();
                    let length = room.len().min(rest);
                    room[..length].copy_from_slice(&self.data[self.taken..][..length]);
                    destination.mark_written(length);
                    self.taken += length;
                }
                StreamResult::Completed
            }
            Poll::Ready(false) => StreamResult::Dropped,
            Poll::Pending if finish => StreamResult::Cancelled,
            Poll::Pending => return Poll::Pending,
        }))
    }
}

impl<T> Drop for Incoming<T> {
    fn drop(&mut self) {
        let left = self.data.split_off(self.taken);
        self.end.departs(Direction::Incoming(left));
    }
}

/// Sends what a stream yields.
struct Outgoing<T: 'static>(End<T>);

impl<T: 'static> StreamConsumer<T> for Outgoing<T> {
    type Item = u8;

    fn poll_consume(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<T>,
        source: Source<Self::Item>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let end = &self.0;
        let (socket, generation) = (end.socket, end.generation);
        let net = end.net(&mut store);
        Poll::Ready(Ok(match net.driver().stream_has_room(socket, generation) {
            None => StreamResult::Dropped,
            Some(true) => {
                let length = source.remaining(store.as_context_mut()).min(PIECE);
                let ahead = end.net(&mut store).ahead(socket, length);
                let mut source = source.as_direct(store.as_context_mut());
                let data = source.remaining();
                let data = &data[..data.len().min(PIECE)];
                let sent = ahead.map(|ahead| ahead.send(data));
                let rest = data[sent.and_then(Result::ok).unwrap_or(0)..].to_vec();
                let length = data.len();
                source.mark_read(length);
                // A write of zero bytes asks for room.
                if length > 0 {
                    let net = end.net(&mut store);
                    let sent = sent.map_or(0, |sent| net.sent_ahead(socket, sent));
                    net.call(|driver| driver.write_streamed(socket, generation, sent, rest));
                }
                StreamResult::Completed
            }
            Some(false) if finish => StreamResult::Cancelled,
            Some(false) => {
                if let Some(streams) = end.streams(net) {
                    streams.outgoing = Some(cx.waker().clone());
                }
                return Poll::Pending;
            }
        }))
    }
}

impl<T> Drop for Outgoing<T> {
    fn drop(&mut self) {
        self.0.departs(Direction::Outgoing);
    }
}

impl Net {
    /// Tells the core of streams that are gone.
    pub(super) fn take_departed(&mut self) {
        // One that is gone is in the table until the other is, too. Most programs have none.
        if self.streams().is_empty() {
            return;
        }
        for departure in self.departed().take() {
            let Departure {
                socket,
                generation,
                direction,
            } = departure;
            if let Some(streams) = self.streams().get_mut(&(socket, generation)) {
                streams.dropped += 1;
                if streams.dropped == 2 {
                    self.streams().remove(&(socket, generation));
                }
            }
            self.call(|driver| match direction {
                Direction::Incoming(left) => driver.stop_streaming(socket, generation, left),
                Direction::Outgoing => driver.end_streamed(socket, generation),
            });
        }
    }
}

/// Moves what a socket receives to one stream, and sends what another yields.
pub(super) fn stream<T: View, D: HasData>(
    mut access: Access<'_, T, D>,
    state: for<'a> fn(&'a mut T) -> NetState<'a>,
    id: SocketId,
    mut outgoing: StreamReader<u8>,
) -> wasmtime::Result<Result<StreamReader<u8>, Error>> {
    let mut store = access.as_context_mut();
    let net = state(store.data_mut()).net;
    let generation = match net.call(|driver| driver.socket_mut(id).stream()) {
        Ok(generation) => generation,
        Err(error) => {
            outgoing.close(&mut access)?;
            return Ok(Err(error));
        }
    };
    net.streams().insert((id, generation), Streams::default());
    let end = End {
        socket: id,
        generation,
        departed: net.departed().clone(),
        state,
    };
    outgoing.pipe(&mut access, Outgoing(end.clone()))?;
    let incoming = Incoming {
        end,
        data: Vec::new(),
        taken: 0,
    };
    StreamReader::new(access, incoming).map(Ok)
}

/// Hands the connection's own streams over.
pub(super) fn take<T: View, D: HasData>(
    mut access: Access<'_, T, D>,
    state: for<'a> fn(&'a mut T) -> NetState<'a>,
    id: SocketId,
    mut outgoing: StreamReader<u8>,
) -> wasmtime::Result<Result<StreamReader<u8>, Error>> {
    let mut store = access.as_context_mut();
    let net = state(store.data_mut()).net;
    let taken = net.call(|driver| {
        if driver.transport_mut().is_pipe(id) {
            return Err(Error::system(Errno("ENOTSUP"), "takeStreams"));
        }
        driver.socket_mut(id).take_streams()?;
        let sockets = driver.transport_mut();
        sockets.give_away(id).ok_or_else(Error::not_connected)
    });
    let connection = taken.and_then(|(fd, family, place, record)| {
        let socket = Socket::adopt(fd, family).map_err(|_| Error::not_connected())?;
        Ok(Connection::new(socket, place, record))
    });
    let connection = match connection {
        Ok(connection) => connection,
        Err(error) => {
            outgoing.close(&mut access)?;
            return Ok(Err(error));
        }
    };
    let (sending, sent) = oneshot::channel();
    let (receiving, received) = oneshot::channel();
    let sockets = net.driver().transport_mut();
    sockets.await_end(id, ended(sent, Report::ShutDown));
    sockets.await_end(id, ended(received, Report::PeerEnded));
    outgoing.pipe(&mut access, Sending::new(Arc::clone(&connection), sending))?;
    StreamReader::new(access, Receiving::new(connection, receiving)).map(Ok)
}

/// How a direction ends; absent if the run does.
async fn ended(direction: oneshot::Receiver<Outcome>, regular: Report) -> Option<Report> {
    Some(match (direction.await.ok()?, regular) {
        (Ok(()), regular) => regular,
        (Err(code), Report::PeerEnded) => Report::ReadFailed(errno(&code)),
        (Err(code), _) => Report::WriteFailed(errno(&code)),
    })
}

/// The names of the errors that a transfer has.
fn errno(code: &ErrorCode) -> Errno {
    Errno(match code {
        ErrorCode::ConnectionReset => "ECONNRESET",
        ErrorCode::ConnectionAborted => "ECONNABORTED",
        ErrorCode::ConnectionBroken => "EPIPE",
        ErrorCode::Timeout => "ETIMEDOUT",
        ErrorCode::OutOfMemory => "ENOBUFS",
        _ => "EIO",
    })
}
