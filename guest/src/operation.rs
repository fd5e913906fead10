//! An operation that its owner can cancel at once.
//!
//! Node frees a port within `server.close()` and a connection within `socket.destroy()`. An
//! operation that learns of its end only when it is polled again would hold them longer.

use futures::future::LocalBoxFuture;
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The owner's handle. Dropping it does not cancel the operation.
#[derive(Clone)]
pub struct Operation(Rc<Shared>);

#[derive(Default)]
struct Shared {
    /// Absent when the operation has ended.
    future: RefCell<Option<LocalBoxFuture<'static, ()>>>,
    /// Wakes the task that polls the operation.
    waker: RefCell<Option<Waker>>,
    /// It was cancelled while it was being polled.
    taken: RefCell<bool>,
}

/// The future to poll.
pub struct Running(Rc<Shared>);

/// Splits an operation into its handle and its future.
pub fn operation(future: impl Future<Output = ()> + 'static) -> (Operation, Running) {
    let shared = Rc::new(Shared {
        future: RefCell::new(Some(Box::pin(future))),
        ..Shared::default()
    });
    (Operation(Rc::clone(&shared)), Running(shared))
}

impl Operation {
    /// Whether the operation has ended.
    pub fn is_over(&self) -> bool {
        let future = self.0.future.try_borrow();
        future.is_ok_and(|future| future.is_none())
    }

    /// Has the task that polls the operation poll it again.
    pub fn wake(&self) {
        if let Some(waker) = &*self.0.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    /// Polls the operation at once, in the name of the task that polls it otherwise. No effect
    /// before that task has polled it.
    pub fn poll_now(&self) {
        let Some(waker) = self.0.waker.borrow().clone() else {
            return;
        };
        let Ok(mut future) = self.0.future.try_borrow_mut() else {
            return;
        };
        let mut cx = Context::from_waker(&waker);
        if let Some(running) = future.as_mut()
            && running.as_mut().poll(&mut cx).is_ready()
        {
            *future = None;
            waker.wake();
        }
    }

    /// Cancels the operation and returns what is left of it, for a task to drop.
    pub fn take(self) -> Option<LocalBoxFuture<'static, ()>> {
        self.0.taken.replace(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
        // An operation that cancels itself is dropped by the task that polls it.
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
