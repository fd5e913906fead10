//! Moves data between a socket and the program's streams.

use super::connection::READ_SIZE;
use super::wasi::{Receiving, Sending};
use crate::state::{call, report, with};
use plugnet_core::{Errno, Error, Generation, Report, SocketId};
use std::future::poll_fn;
use std::task::{Poll, Waker};
use wit_bindgen::{StreamReader, StreamResult, StreamWriter};

/// The two tasks of one connection.
#[derive(Default)]
pub struct Streams {
    /// Waits for something to be received.
    incoming: Option<Waker>,
    /// Waits for room to send.
    outgoing: Option<Waker>,
}

impl Streams {
    /// There is something to take.
    pub fn wake_incoming(&mut self) {
        if let Some(waker) = self.incoming.take() {
            waker.wake();
        }
    }

    /// There is room to send.
    pub fn wake_outgoing(&mut self) {
        if let Some(waker) = self.outgoing.take() {
            waker.wake();
        }
    }
}

/// Moves what a socket receives to one stream, and sends what another yields.
pub fn stream(
    id: SocketId,
    generation: Generation,
    outgoing: StreamReader<u8>,
    incoming: StreamWriter<u8>,
) {
    with(|driver| {
        let wasi = driver.transport_mut();
        wasi.streams().insert((id, generation), Streams::default());
        wasi.leave(async move {
            futures::join!(
                send(id, generation, outgoing),
                receive(id, generation, incoming)
            );
            with(|driver| driver.transport_mut().streams().remove(&(id, generation)));
        });
    });
}

async fn receive(id: SocketId, generation: Generation, mut stream: StreamWriter<u8>) {
    loop {
        let data = poll_fn(|cx| {
            call(|driver| match driver.read_streamed(id, generation) {
                Some(data) if data.is_empty() => {
                    let streams = driver.transport_mut().streams();
                    if let Some(streams) = streams.get_mut(&(id, generation)) {
                        streams.incoming = Some(cx.waker().clone());
                    }
                    Poll::Pending
                }
                data => Poll::Ready(data),
            })
        })
        .await;
        let Some(data) = data else {
            return;
        };
        let left = stream.write_all(data).await;
        if !left.is_empty() {
            // The program has dropped it.
            call(|driver| driver.stop_streaming(id, generation, left));
            return;
        }
    }
}

async fn send(id: SocketId, generation: Generation, mut stream: StreamReader<u8>) {
    loop {
        let goes_on = poll_fn(|cx| {
            with(|driver| match driver.stream_has_room(id, generation) {
                None => Poll::Ready(false),
                Some(true) => Poll::Ready(true),
                Some(false) => {
                    let streams = driver.transport_mut().streams();
                    if let Some(streams) = streams.get_mut(&(id, generation)) {
                        streams.outgoing = Some(cx.waker().clone());
                    }
                    Poll::Pending
                }
            })
        })
        .await;
        if !goes_on {
            break;
        }
        let (status, data) = stream.read(Vec::with_capacity(READ_SIZE)).await;
        if status == StreamResult::Dropped {
            break;
        }
        call(|driver| driver.write_streamed(id, generation, 0, data));
    }
    call(|driver| driver.end_streamed(id, generation));
}

/// Hands the connection's own streams over.
pub fn take(id: SocketId, outgoing: StreamReader<u8>) -> Result<StreamReader<u8>, Error> {
    call(|driver| {
        driver.socket_mut(id).take_streams()?;
        let wasi = driver.transport_mut();
        let connection = wasi.connection(id).ok_or_else(Error::not_connected)?;
        connection.receiving = Receiving::HandedOver;
        connection.sending = Sending::Over;
        let (incoming, ends) = connection.connected.hand_over(outgoing);
        let (sending, receiving) = ends.split();
        wasi.go_on(id, ended(id, sending, Report::ShutDown));
        wasi.go_on(id, ended(id, receiving, Report::PeerEnded));
        Ok(incoming)
    })
}

/// Reports how a direction ends.
async fn ended(id: SocketId, direction: impl Future<Output = Result<(), Errno>>, regular: Report) {
    let outcome = match (direction.await, regular) {
        (Ok(()), regular) => regular,
        (Err(errno), Report::PeerEnded) => Report::ReadFailed(errno),
        (Err(errno), _) => Report::WriteFailed(errno),
    };
    report(id, outcome);
}
