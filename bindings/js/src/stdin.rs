//! Standard input, read as the program asks for it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::task::{Context, Waker};

use wit_bindgen::StreamResult;

use crate::binding::bytes;
use crate::engine::{Engine, call, shared};
use crate::wasi::cli::stdin;

/// As much as Node reads at a time.
const CHUNK: usize = 64 * 1024;

#[derive(Default)]
struct State {
    started: bool,
    /// How many reads were asked for and not begun.
    wanted: usize,
    /// What was read: empty at the end, and what the program was not yet given.
    read: VecDeque<Result<Vec<u8>, String>>,
    /// Of the task that reads.
    reader: Option<Waker>,
    /// Of the event loop.
    waiter: Option<Waker>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Asks for one chunk. It comes by the hook `stdin`.
pub(crate) fn read() {
    let start = STATE.with_borrow_mut(|state| {
        state.wanted += 1;
        if let Some(reader) = state.reader.take() {
            reader.wake();
        }
        !std::mem::replace(&mut state.started, true)
    });
    if start {
        wit_bindgen::spawn_local(async { read_on().await });
    }
}

/// Whether something was read that the program was not given.
pub(crate) fn is_ready() -> bool {
    STATE.with_borrow(|state| !state.read.is_empty())
}

/// The same; else the event loop is woken when it is.
pub(crate) fn poll(context: &Context<'_>) -> bool {
    STATE.with_borrow_mut(|state| {
        state.waiter = Some(context.waker().clone());
        !state.read.is_empty()
    })
}

/// Gives what was read to the program: bytes, none at the end, or the error's message.
pub(crate) fn deliver(engine: &Engine) {
    while let Some(read) = STATE.with_borrow_mut(|state| state.read.pop_front()) {
        engine.with(|ctx| {
            let outcome = match read {
                Ok(data) => bytes::from_vec(ctx, data)
                    .and_then(|data| call(ctx, &shared().stdin, (data,))),
                Err(message) => call(ctx, &shared().stdin, (message,)),
            };
            // The hook catches what is thrown in it.
            drop(outcome);
        });
        engine.drain();
    }
}

async fn read_on() {
    let (mut data, outcome) = stdin::read_via_stream();
    loop {
        std::future::poll_fn(|context| {
            STATE.with_borrow_mut(|state| {
                if state.wanted == 0 {
                    state.reader = Some(context.waker().clone());
                    return std::task::Poll::Pending;
                }
                state.wanted -= 1;
                std::task::Poll::Ready(())
            })
        })
        .await;
        let (result, chunk) = data.read(Vec::with_capacity(CHUNK)).await;
        let ends = matches!(result, StreamResult::Dropped);
        if !chunk.is_empty() || !ends {
            put(Ok(chunk));
        }
        if ends {
            break;
        }
    }
    put(match outcome.await {
        Ok(()) => Ok(vec![]),
        Err(error) => Err(format!("{error:?}")),
    });
}

fn put(read: Result<Vec<u8>, String>) {
    STATE.with_borrow_mut(|state| {
        state.read.push_back(read);
        if let Some(waiter) = state.waiter.take() {
            waiter.wake();
        }
    });
}
