//! Operations that complete later: reads of standard input, lookups of names.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::task::{Context, Waker};

use rquickjs::{Ctx, IntoJs, Result, Value};

use crate::binding::bytes;
use crate::engine::{Engine, call, shared, uncaught};

/// What came of an operation.
pub(crate) enum Outcome {
    Bytes(Vec<u8>),
    Texts(Vec<String>),
    /// A code: `ENOTFOUND`.
    Failed(&'static str),
}

impl<'js> IntoJs<'js> for Outcome {
    fn into_js(self, ctx: &Ctx<'js>) -> Result<Value<'js>> {
        match self {
            Outcome::Bytes(data) => bytes::from_vec(ctx, data),
            Outcome::Texts(texts) => texts.into_js(ctx),
            Outcome::Failed(code) => code.into_js(ctx),
        }
    }
}

#[derive(Default)]
struct Completed {
    /// By the numbers that the program gave.
    outcomes: VecDeque<(f64, Outcome)>,
    /// Of the event loop.
    waiter: Option<Waker>,
}

thread_local! {
    static COMPLETED: RefCell<Completed> = RefCell::default();
}

/// Starts an operation. What comes of it is given to the hook `completed`, with the number.
pub(crate) fn start(number: f64, operation: impl Future<Output = Outcome> + 'static) {
    wit_bindgen::spawn_local(async move {
        let outcome = operation.await;
        COMPLETED.with_borrow_mut(|completed| {
            completed.outcomes.push_back((number, outcome));
            if let Some(waiter) = completed.waiter.take() {
                waiter.wake();
            }
        });
    });
}

/// Whether something has completed that the program was not told of.
pub(crate) fn is_ready() -> bool {
    COMPLETED.with_borrow(|completed| !completed.outcomes.is_empty())
}

/// The same; else the event loop is woken when it is.
pub(crate) fn poll(context: &Context<'_>) -> bool {
    COMPLETED.with_borrow_mut(|completed| {
        completed.waiter = Some(context.waker().clone());
        !completed.outcomes.is_empty()
    })
}

/// Tells the program, each followed by what Node does after a callback.
pub(crate) fn deliver(engine: &Engine) {
    while let Some(completed) =
        COMPLETED.with_borrow_mut(|completed| completed.outcomes.pop_front())
    {
        engine.with(|ctx| {
            if call(ctx, &shared().completed, completed).is_err() {
                uncaught(ctx);
            }
        });
        engine.drain();
    }
}
