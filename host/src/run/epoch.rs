//! Keeps programs from blocking a thread.
//!
//! A program that computes without waiting would block the executor it runs on: no time limit
//! could fire, and Ctrl-C would not end it. wasmtime's compiled code looks at a counter in
//! every loop and function; when that has moved on, the program yields to the executor once.

use std::io;
use std::thread;
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// How long a program may run before it yields.
///
/// Long enough to cost nothing, short enough not to be noticed.
const TICK: Duration = Duration::from_millis(10);

/// Starts the thread that advances the epoch of `engine`. It ends with the engine.
pub(crate) fn start(engine: &Engine) -> io::Result<()> {
    let engine = engine.weak();
    thread::Builder::new()
        .name("plugnet-epoch".to_owned())
        .spawn(move || while tick(&engine) {})?;
    Ok(())
}

fn tick(engine: &EngineWeak) -> bool {
    thread::sleep(TICK);
    match engine.upgrade() {
        Some(engine) => {
            engine.increment_epoch();
            true
        }
        None => false,
    }
}
