//! The core and its transport, one of each in a component.

use crate::transport::Wasi;
use plugnet_core::{Driver, Report, SocketId};
use std::cell::RefCell;

thread_local! {
    static DRIVER: RefCell<Driver<Wasi>> = RefCell::default();
}

/// Borrows the core for `f`, which must not call this again.
pub fn with<T>(f: impl FnOnce(&mut Driver<Wasi>) -> T) -> T {
    DRIVER.with_borrow_mut(f)
}

/// Calls the core for the program, and wakes a concurrent `wait`: there may be an event, an earlier
/// deadline, or nothing left to wait for.
pub fn call<T>(f: impl FnOnce(&mut Driver<Wasi>) -> T) -> T {
    with(|driver| {
        let outcome = f(driver);
        driver.transport_mut().wake_wait();
        outcome
    })
}

/// Reports to the core what happened to a socket.
pub fn report(id: SocketId, report: Report) {
    call(|driver| driver.report(id, report));
}
