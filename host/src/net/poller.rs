//! The readiness of a run's sockets: one epoll instance, which tokio watches as a whole.
//!
//! A socket in tokio's own reactor costs a scheduled wake-up for every message. Here a program that
//! waits asks the system directly, and goes to sleep only when nothing is ready.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::task::{Context, Poll};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Token};
use tokio::io::unix::AsyncFd;

/// How many sockets one look at the system reports. The others come with the next.
const EVENTS: usize = 1024;

/// What a socket is ready for, as far as is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Readiness {
    /// Something can be read: data, the end, or an error.
    pub(super) readable: bool,
    /// The peer has ended, or there is an error. The system says so once, before or after the
    /// last data.
    pub(super) closed: bool,
    /// Something can be written, or there is an error.
    pub(super) writable: bool,
}

impl Readiness {
    fn of(event: &mio::event::Event) -> Self {
        let closed = event.is_read_closed() || event.is_error();
        Readiness {
            readable: event.is_readable() || closed,
            closed,
            writable: event.is_writable() || event.is_write_closed() || event.is_error(),
        }
    }

    pub(super) fn add(&mut self, other: Readiness) {
        self.readable |= other.readable;
        self.closed |= other.closed;
        self.writable |= other.writable;
    }
}

/// Watches sockets, each under a number.
pub(super) struct Poller {
    epoll: AsyncFd<mio::Poll>,
    events: Events,
    sleep: Sleep,
}

/// Whether the program went to sleep since the system was last asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sleep {
    Awake,
    /// What woke it may be tokio, whose note of it is to be taken.
    Asleep,
}

impl Poller {
    /// Within tokio.
    pub(super) fn new() -> io::Result<Self> {
        let interest = tokio::io::Interest::READABLE;
        // SAFETY: a `Poll` is the same open descriptor until it is dropped, and `AsyncFd` owns it
        // from here on.
        let epoll = unsafe { AsyncFd::register_with_interest(mio::Poll::new()?, interest) }?;
        Ok(Poller {
            epoll,
            events: Events::with_capacity(EVENTS),
            sleep: Sleep::Awake,
        })
    }

    /// Watches a socket for all it can be ready for. Closing it ends that.
    pub(super) fn watch(&self, socket: BorrowedFd<'_>, number: usize) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        let mut source = SourceFd(&socket.as_raw_fd());
        let registry = self.epoll.get_ref().registry();
        registry.register(&mut source, Token(number), interest)
    }

    /// Stops to watch a socket that stays open.
    pub(super) fn forget(&self, socket: BorrowedFd<'_>) {
        let registry = self.epoll.get_ref().registry();
        // It was watched.
        let _ = registry.deregister(&mut SourceFd(&socket.as_raw_fd()));
    }

    /// Asks the system what has become ready since. The task is woken for more only if there is
    /// nothing, which is pending.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut ready: impl FnMut(usize, Readiness),
    ) -> Poll<()> {
        if self.sleep == Sleep::Asleep {
            self.sleep = Sleep::Awake;
            self.clear(cx);
        }
        loop {
            let asked = self
                .epoll
                .get_mut()
                .poll(&mut self.events, Some(Duration::ZERO));
            if asked.is_err() {
                // Interrupted by a signal.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !self.events.is_empty() {
                for event in &self.events {
                    ready(event.token().0, Readiness::of(event));
                }
                return Poll::Ready(());
            }
            if !self.clear(cx) {
                self.sleep = Sleep::Asleep;
                return Poll::Pending;
            }
        }
    }

    /// Takes tokio's note that something is ready. False if there is none: the task is woken then.
    fn clear(&mut self, cx: &mut Context<'_>) -> bool {
        match self.epoll.poll_read_ready(cx) {
            Poll::Ready(Ok(mut guard)) => {
                guard.clear_ready();
                true
            }
            // tokio shuts down.
            Poll::Ready(Err(_)) | Poll::Pending => false,
        }
    }
}
