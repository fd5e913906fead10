//! Receives what the core asks for.

use super::connection::Receiver;
use super::wasi::{Asked, Connection, NANOSECONDS, Receiving, Sending};
use crate::bindings::wasi::clocks::monotonic_clock;
use crate::state::{report, with};
use plugnet_core::{Report, SocketId};
use std::future::poll_fn;
use std::task::Poll;

/// The receiving task of a connection.
pub async fn receive(id: SocketId, mut receiver: Receiver) {
    loop {
        // Usually the program reads and answers. A read after that finds the next message there
        // already, if there is one, and need not wait.
        let wanted = asked(id, Patience::WhileTheProgramActs).await;
        let holds_little = wanted && receiver.expects_little();
        // Waiting for readiness takes no data and holds no buffer, so it needs no request of the
        // core.
        if !holds_little && !receiver.ready().await {
            break;
        }
        if !wanted {
            asked(id, Patience::Endless).await;
        }
        match receiver.receive().await {
            Some(data) => report(id, Report::Received(data)),
            None => break,
        }
    }
    match receiver.end().await {
        Ok(()) => {
            write_has_not_failed(id).await;
            report(id, Report::PeerEnded);
        }
        Err(errno) => report(id, Report::ReadFailed(errno)),
    }
}

/// How long to wait for the core's request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    WhileTheProgramActs,
    Endless,
}

/// Waits until the core asks for bytes; false if the patience ends first.
async fn asked(id: SocketId, patience: Patience) -> bool {
    poll_fn(|cx| {
        with(|driver| {
            let wasi = driver.transport_mut();
            let Some(Connection {
                receiving: Receiving::Running { asked, waker },
                ..
            }) = wasi.connection(id)
            else {
                return Poll::Pending;
            };
            match std::mem::replace(asked, Asked::Undecided) {
                Asked::Yes => return Poll::Ready(true),
                Asked::No if patience == Patience::WhileTheProgramActs => {
                    return Poll::Ready(false);
                }
                Asked::No | Asked::Undecided => {}
            }
            *waker = Some(cx.waker().clone());
            if patience == Patience::WhileTheProgramActs {
                wasi.is_undecided(id);
            }
            Poll::Pending
        })
    })
    .await
}

/// Whether an end is a real one: a system reports a reset once (POSIX's SO_ERROR), so if a pending
/// write got it, reading sees an end. Does not return then.
async fn write_has_not_failed(id: SocketId) {
    let sending_is = |is: fn(&Sending) -> bool| {
        with(|driver| {
            let connection = driver.transport_mut().connection(id);
            connection.is_some_and(|connection| is(&connection.sending))
        })
    };
    // That write failed earlier, but the host may report it later: while operations are waited for,
    // before anything newer.
    if sending_is(|sending| matches!(sending, Sending::Writing)) {
        monotonic_clock::wait_for(NANOSECONDS).await;
    }
    if sending_is(|sending| matches!(sending, Sending::Broken)) {
        std::future::pending().await
    }
}
