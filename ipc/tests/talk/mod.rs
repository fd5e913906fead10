//! The poll functions as futures, each with a limit in time, so that no test waits for ever.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::future::{Future, poll_fn};
use std::io;
use std::task::Poll;
use std::time::Duration;

use plugnet_ipc::{Grants, Listener, Socket};

/// More than the slowest step takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs the futures of a test that is none itself, on its own thread.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, future)
        .await
        .expect("it does not happen")
}

pub async fn accept(listener: &Listener) -> io::Result<Socket> {
    within(poll_fn(|cx| listener.poll_accept(cx))).await
}

/// The two ends of one connection to `listener`: the client's and the server's.
pub async fn pair(grants: &Grants, listener: &Listener, path: &str) -> (Socket, Socket) {
    let (client, server) = tokio::join!(within(Socket::connect(grants, path)), accept(listener));
    (client.expect("connect"), server.expect("accept"))
}

pub async fn read(socket: &Socket, buf: &mut [u8]) -> io::Result<usize> {
    within(poll_fn(|cx| socket.poll_read(cx, buf))).await
}

pub async fn write(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    within(poll_fn(|cx| socket.poll_write(cx, bytes))).await
}

pub async fn readable(socket: &Socket) -> io::Result<()> {
    within(poll_fn(|cx| socket.poll_readable(cx))).await
}

pub async fn writable(socket: &Socket) -> io::Result<()> {
    within(poll_fn(|cx| socket.poll_writable(cx))).await
}

pub async fn write_all(socket: &Socket, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = write(socket, bytes).await?;
        assert!(written > 0, "a write that takes nothing");
        bytes = &bytes[written..];
    }
    Ok(())
}

pub async fn read_exactly(socket: &Socket, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        let read = read(socket, &mut bytes[filled..]).await.expect("read");
        assert!(read > 0, "the end after {filled} of {length} bytes");
        filled += read;
    }
    bytes
}

pub async fn read_to_end(socket: &Socket) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut buf = vec![0; 64 * 1024];
    loop {
        match read(socket, &mut buf).await? {
            0 => return Ok(bytes),
            read => bytes.extend_from_slice(&buf[..read]),
        }
    }
}

/// What one poll says now: `None` is pending.
pub async fn now<T>(mut poll: impl FnMut(&mut std::task::Context<'_>) -> Poll<T>) -> Option<T> {
    poll_fn(|cx| {
        Poll::Ready(match poll(cx) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

/// Writes until nothing more is taken, and says how much was.
pub async fn fill(socket: &Socket) -> usize {
    let chunk = vec![b'.'; 64 * 1024];
    let mut filled = 0;
    loop {
        match now(|cx| socket.poll_write(cx, &chunk)).await {
            Some(written) => filled += written.expect("write"),
            None => {
                // What was on its way may have made room.
                tokio::time::sleep(Duration::from_millis(20)).await;
                match now(|cx| socket.poll_write(cx, &chunk)).await {
                    Some(written) => filled += written.expect("write"),
                    None => return filled,
                }
            }
        }
        assert!(filled < 64 * 1024 * 1024, "there is no backpressure");
    }
}
