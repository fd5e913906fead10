//! The core and its transport, of which there is one in a component.

use crate::transport::Wasi;
use plugnet_core::{Driver, Report, SocketId};
use std::cell::RefCell;

thread_local! {
    static DRIVER: RefCell<Driver<Wasi>> = RefCell::default();
}

/// The core, for the time of `f`, which must not come back here.
pub fn with<T>(f: impl FnOnce(&mut Driver<Wasi>) -> T) -> T {
    DRIVER.with_borrow_mut(f)
}

/// Calls the core for the program. A `wait` beside this call looks again: there may be something
/// to do, another timeout to wait for, or nothing left to wait for.
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
