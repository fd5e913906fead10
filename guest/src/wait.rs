//! `turn.wait`, and the task that polls every operation of the host.
//!
//! A plain function of the component cannot start background work, and an operation belongs to the
//! task that polled it last. So the first `wait` spawns [`drive`], which outlives that call and
//! polls every operation. Plain functions change the core's state, do at once what needs no
//! waiting, and leave the rest to [`drive`].
//!
//! A cancelled operation has to be dropped by a task, as the host may take a moment for that. A
//! plain function must not wait, so it leaves that to `wait`.

use crate::state::with;
use crate::task;
use futures::stream::{FuturesUnordered, StreamExt};
use plugnet_core::Error;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// Polls every operation there is.
async fn drive() {
    let mut operations = FuturesUnordered::new();
    poll_fn(|cx| {
        // The program waits, perhaps for something else than an event.
        with(|driver| driver.flush());
        loop {
            operations.extend(with(|driver| driver.transport_mut().take_started()));
            let progress = operations.poll_next_unpin(cx);
            if matches!(progress, Poll::Ready(Some(()))) {
                continue;
            }
            if with(|driver| driver.transport_mut().rest(cx.waker())) {
                return Poll::<()>::Pending;
            }
        }
    })
    .await;
}

/// Marks the time of a call of `wait`, also if it is cancelled.
struct Waiting;

impl Waiting {
    /// Absent if another call waits.
    fn begin() -> Option<Self> {
        let begins = with(|driver| driver.transport_mut().begin_to_wait());
        // Not made where it is not wanted: its end is that of the call that waits.
        begins.then(|| Self)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        with(|driver| driver.transport_mut().end_waiting());
    }
}

/// Waits until there is an event; false if none can come.
pub async fn wait() -> Result<bool, Error> {
    let Some(_waiting) = Waiting::begin() else {
        once_pending().await;
        return Err(Error::already_waiting());
    };
    if task::keep_first() {
        wit_bindgen::spawn_local(drive());
    }
    let mut pass = Pass::First;
    Ok(poll_fn(|cx| look(cx, &mut pass)).await)
}

/// Waits once. wasmtime (48) keeps a record for ever of every call that returns without having
/// waited: see `docs/upstream/wasmtime-async-call-leak.md`. So none does.
async fn once_pending() {
    let mut pass = Pass::First;
    poll_fn(|cx| pass.end(cx, ())).await;
}

/// Whether a call of `wait` has waited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    First,
    Later,
}

impl Pass {
    /// Returns what has come of a call, after it has waited.
    fn end<T>(&mut self, cx: &mut Context<'_>, outcome: T) -> Poll<T> {
        match std::mem::replace(self, Self::Later) {
            // For the task that polls the operations: after yielding to the host instead
            // (wit-bindgen's `yield_async`) some calls were never resumed.
            Self::First => {
                with(|driver| driver.transport_mut().wake_later(cx.waker()));
                Poll::Pending
            }
            Self::Later => Poll::Ready(outcome),
        }
    }
}

fn look(cx: &mut Context<'_>, pass: &mut Pass) -> Poll<bool> {
    let outcome = loop {
        drop_cancelled();
        let outcome = with(|driver| {
            if driver.is_ready() {
                return Some(true);
            }
            if !driver.is_alive() {
                return Some(false);
            }
            let deadline = driver.next_deadline();
            driver.transport_mut().wait_for(deadline, cx.waker());
            None
        });
        // Deciding may have cancelled something, and listening may wait for that.
        if !with(|driver| driver.transport_mut().has_cancelled()) {
            break outcome;
        }
    };
    match outcome {
        Some(outcome) => pass.end(cx, outcome),
        None => {
            *pass = Pass::Later;
            Poll::Pending
        }
    }
}

/// Drops what was cancelled, and listens where that was in the way.
fn drop_cancelled() {
    // Outside of `with`: what is dropped may wake others.
    drop(with(|driver| driver.transport_mut().take_cancelled()));
    for (listener, outcome) in with(|driver| driver.transport_mut().listen_again()) {
        with(|driver| driver.listened(listener, outcome));
    }
}
