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
        // The usual order is that the program reads what came and answers. Receiving again only
        // then finds the next thing already there if it is, and waits for nothing.
        let wanted = asked(id, Patience::WhileTheProgramActs).await;
        let holds_little = wanted && receiver.expects_little();
        // Waiting for something to come needs no asking, as nothing is taken, nor a buffer.
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

/// How long to wait for the core.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patience {
    WhileTheProgramActs,
    Endless,
}

/// Waits until the core asks for bytes; false if patience ends before.
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

/// Whether an end is one: a system tells a reset once (POSIX's SO_ERROR), and if a
/// write under way was told, receiving sees an end. Does not return then.
async fn write_has_not_failed(id: SocketId) {
    let sending_is = |is: fn(&Sending) -> bool| {
        with(|driver| {
            let connection = driver.transport_mut().connection(id);
            connection.is_some_and(|connection| is(&connection.sending))
        })
    };
    // That write failed before, but the host may tell of it later. It does so when the
    // operations are waited for, before anything that has not happened yet.
    if sending_is(|sending| matches!(sending, Sending::Writing)) {
        monotonic_clock::wait_for(NANOSECONDS).await;
    }
    if sending_is(|sending| matches!(sending, Sending::Broken)) {
        std::future::pending().await
    }
}
