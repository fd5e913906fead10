//! Node's event loop: timers, `net`, immediates, in libuv's order.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::binding::{net, process, timers};
use crate::completion;
use crate::engine::{Engine, fail, shared};
use crate::plugnet::net::turn;
use crate::wasi::clocks::monotonic_clock;

/// Runs the program to its end, and gives its exit code.
pub(crate) async fn run() -> u8 {
    let engine = match Engine::new() {
        Ok(engine) => engine,
        Err(message) => fail(&format!("the runtime cannot start: {message}")),
    };
    let engine = &*Box::leak(Box::new(engine));
    let shared = shared();
    engine.call(&shared.main);
    engine.drain();
    loop {
        while turn_once(engine).await {}
        engine.call(&shared.before_exit);
        engine.drain();
        if !is_alive().await {
            break;
        }
    }
    engine.call(&shared.exit);
    process::exit_code()
}

/// Whether something besides `net` keeps the program running.
async fn is_alive() -> bool {
    let turn = &shared().turn;
    turn.has_timers()
        || turn.has_immediates_to_wait_for()
        || turn.has_others()
        || net::is_alive().await
}

/// One turn of the loop. False if nothing is left that could happen.
async fn turn_once(engine: &Engine) -> bool {
    let shared = shared();
    // What the program did last may have made events of `net`.
    let mut has_run = false;
    let due = |at: f64| at <= timers::now();
    if due(shared.turn.next_timer()) {
        has_run = true;
        engine.call(&shared.timers);
        engine.drain();
    }
    // What is decided already.
    net::events(engine);
    let waits = !shared.turn.has_immediates() && !completion::is_ready();
    let alive = if waits { wait().await } else { ask() };
    net::events(engine);
    if completion::is_ready() {
        has_run = true;
        completion::deliver(engine);
    }
    // Those that are unref'd come only if something else keeps the program running.
    let turn = &shared.turn;
    let goes_on = has_run || alive || turn.has_timers() || turn.has_others();
    if turn.has_immediates_to_wait_for() || (goes_on && turn.has_immediates()) {
        has_run = true;
        engine.call(&shared.immediates);
        engine.drain();
    }
    has_run || alive || turn.has_timers() || turn.has_immediates_to_wait_for() || turn.has_others()
}

/// Looks whether `net` has events, without waiting. False if none can come.
fn ask() -> bool {
    let mut wait = pin!(turn::wait());
    let mut context = Context::from_waker(Waker::noop());
    match wait.as_mut().poll(&mut context) {
        Poll::Ready(alive) => alive.unwrap_or(false),
        Poll::Pending => true,
    }
}

/// Waits for an event of `net`, a timer, or another operation. False if no event of `net` can come.
async fn wait() -> bool {
    let turn = &shared().turn;
    let next = turn.next_timer();
    let kept = turn.has_timers() || turn.has_others();
    let mut wait = pin!(async { turn::wait().await.unwrap_or(false) });
    let mut sleep = pin!(sleep(next));
    // `net` has nothing left, and the others go on.
    let mut is_over = false;
    std::future::poll_fn(|context| {
        if !is_over {
            match wait.as_mut().poll(context) {
                Poll::Ready(true) => return Poll::Ready(true),
                Poll::Ready(false) if !kept => return Poll::Ready(false),
                Poll::Ready(false) => is_over = true,
                Poll::Pending => {}
            }
        }
        if sleep.as_mut().poll(context).is_ready() || completion::poll(context) {
            return Poll::Ready(!is_over);
        }
        Poll::Pending
    })
    .await
}

/// Sleeps until a moment, for ever if it is infinite.
async fn sleep(until: f64) {
    if !until.is_finite() {
        return std::future::pending().await;
    }
    let left = (until - timers::now()).max(0.0);
    let left = Duration::from_secs_f64(left / 1000.0).min(Duration::from_secs(1 << 30));
    if !left.is_zero() {
        monotonic_clock::wait_for(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX)).await;
    }
}
