//! Sends what the core writes.

use super::connection::Sender;
use super::wasi::{NANOSECONDS, Sending, Wasi};
use crate::bindings::wasi::clocks::monotonic_clock;
use crate::state::{report, with};
use crate::task;
use plugnet_core::{Errno, Report, SocketId, Written};
use std::cell::Cell;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Takes the sending direction, if it is idle; `next` replaces it.
pub fn take_sender(wasi: &mut Wasi, id: SocketId, next: Sending) -> Option<Sender> {
    let connection = wasi.connection(id)?;
    match std::mem::replace(&mut connection.sending, next) {
        Sending::Unused => Some(connection.connected.sender()),
        Sending::Idle(sender) => Some(sender),
        // The core asks for one thing at a time.
        Sending::Writing | Sending::Broken | Sending::Over => None,
    }
}

fn set_sending(wasi: &mut Wasi, id: SocketId, sending: Sending) {
    if let Some(connection) = wasi.connection(id) {
        connection.sending = sending;
    }
}

/// Who learns how much of a write the host has taken.
#[derive(Clone, Copy)]
enum Progress {
    /// The call that began it.
    Began(usize),
    /// The core.
    Goes,
}

/// Writes what the host takes at once; the rest becomes an operation.
pub fn write(wasi: &mut Wasi, id: SocketId, data: Vec<u8>) -> Written {
    let Some(sender) = take_sender(wasi, id, Sending::Writing) else {
        return Written::Refused;
    };
    let progress = Rc::new(Cell::new(Progress::Began(0)));
    let told = Rc::clone(&progress);
    let mut sending = Box::pin(sender.send(data, move |bytes| match told.get() {
        Progress::Began(_) => told.set(Progress::Began(bytes)),
        Progress::Goes => with(|driver| driver.progressed(id)),
    }));
    // A connection exists, so the task that polls operations does.
    let mut cx = Context::from_waker(Waker::noop());
    let sent = task::enter(|| sending.as_mut().poll(&mut cx)).unwrap_or(Poll::Pending);
    match sent {
        Poll::Ready(Ok(sender)) => {
            set_sending(wasi, id, Sending::Idle(sender));
            Written::All
        }
        Poll::Ready(Err(sender)) => {
            set_sending(wasi, id, Sending::Broken);
            wasi.go_on(id, failed(id, sender));
            Written::Refused
        }
        Poll::Pending => {
            let taken = match progress.replace(Progress::Goes) {
                Progress::Began(bytes) => bytes,
                Progress::Goes => 0,
            };
            wasi.go_on(id, async move {
                match sending.await {
                    Ok(sender) => {
                        with(|driver| {
                            set_sending(driver.transport_mut(), id, Sending::Idle(sender));
                        });
                        report(id, Report::Written);
                    }
                    Err(sender) => {
                        with(|driver| set_sending(driver.transport_mut(), id, Sending::Broken));
                        let errno = sender.failure().await;
                        if errno == Errno("EPIPE") {
                            // The connection is gone, and reading was told why (POSIX's SO_ERROR is
                            // reported once): libuv reads first. The host may report that later.
                            monotonic_clock::wait_for(NANOSECONDS).await;
                        }
                        report(id, Report::WriteFailed(errno));
                    }
                }
            });
            Written::Some(taken)
        }
    }
}

async fn failed(id: SocketId, sender: Sender) {
    report(id, Report::WriteFailed(sender.failure().await));
}
