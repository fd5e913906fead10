//! An operation that can be taken away from whoever polls it.
//!
//! Node frees a port within `server.close()` and a connection within
//! `socket.destroy()`. An operation that merely learns the next time it is polled
//! that it is over would hold them longer.

use futures::future::LocalBoxFuture;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The part of an operation that its owner holds. The operation goes on if it is
/// dropped.
pub struct Operation(Rc<Shared>);

#[derive(Default)]
struct Shared {
    /// Absent when the operation is over.
    future: RefCell<Option<LocalBoxFuture<'static, ()>>>,
    /// Wakes whoever polls the operation.
    waker: RefCell<Option<Waker>>,
    /// It was taken away while it was being polled.
    taken: RefCell<bool>,
}

/// The part of an operation that is polled.
pub struct Running(Rc<Shared>);

/// Splits an operation in its two parts.
pub fn operation(future: impl Future<Output = ()> + 'static) -> (Operation, Running) {
    let shared = Rc::new(Shared {
        future: RefCell::new(Some(Box::pin(future))),
        ..Shared::default()
    });
    (Operation(Rc::clone(&shared)), Running(shared))
}

impl Operation {
    /// Whether there is nothing left to take.
    pub fn is_over(&self) -> bool {
        let future = self.0.future.try_borrow();
        future.is_ok_and(|future| future.is_none())
    }

    /// Takes what is left of the operation, to be dropped where it may be.
    pub fn take(self) -> Option<LocalBoxFuture<'static, ()>> {
        self.0.taken.replace(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
        // An operation that takes away itself is dropped by whoever polls it.
        self.0.future.try_borrow_mut().ok()?.take()
    }
}

impl Future for Running {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut future = self.0.future.borrow_mut();
        let done = match future.as_mut() {
            Some(future) => future.as_mut().poll(cx).is_ready(),
            None => true,
        };
        if done || *self.0.taken.borrow() {
            *future = None;
            return Poll::Ready(());
        }
        self.0.waker.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}
