//! Waiting for the next event.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

use super::Net;

/// How long a program may go on without that other tasks of the thread, and its own time limit, get
/// their turn.
const TURN: Duration = Duration::from_millis(10);

/// The program's waiting.
#[derive(Default)]
pub(super) struct Waiting {
    state: State,
    /// For the next deadline of the core, once there was one.
    timer: Option<Pin<Box<Sleep>>>,
    /// When others last had their turn.
    rested: Option<Instant>,
}

#[derive(Default)]
enum State {
    /// The program does not wait.
    #[default]
    No,
    /// A call waits, and is to be woken.
    Yes(Option<Waker>),
}

impl Waiting {
    /// Marks the beginning of a call that waits. False if there is one already.
    pub(super) fn begin(&mut self) -> bool {
        let begins = matches!(self.state, State::No);
        if begins {
            self.state = State::Yes(None);
        }
        begins
    }

    /// Marks its end.
    pub(super) fn end(&mut self) {
        self.state = State::No;
    }

    /// Wakes the call that waits, if there is one.
    pub(super) fn wake(&mut self) {
        if let State::Yes(waker) = &mut self.state
            && let Some(waker) = waker.take()
        {
            waker.wake();
        }
    }

    /// Whether it is time for others.
    fn is_to_rest(&mut self) -> bool {
        let now = Instant::now();
        let since = *self.rested.get_or_insert(now);
        let rests = now.duration_since(since) >= TURN;
        if rests {
            self.rested = Some(now);
        }
        rests
    }

    /// Sleeps until the task is woken.
    fn sleep(&mut self, cx: &mut Context<'_>) {
        self.rested = None;
        self.state = State::Yes(Some(cx.waker().clone()));
    }

    /// Whether it is that late; else the task is woken when it is.
    fn poll_moment(&mut self, moment: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let moment = moment.into();
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(moment)));
        if timer.deadline() != moment {
            timer.as_mut().reset(moment);
        }
        timer.as_mut().poll(cx)
    }
}

impl Net {
    /// Marks the beginning of a call that waits. False if there is one already.
    pub(super) fn begin_to_wait(&mut self) -> bool {
        self.waiting.begin()
    }

    /// Marks its end, also if it was cancelled.
    pub(super) fn end_waiting(&mut self) {
        self.waiting.end();
    }

    /// Waits until there is an event, or `until` is over; false if none can come.
    pub(super) fn poll_wait(&mut self, cx: &mut Context<'_>, until: Option<Instant>) -> Poll<bool> {
        let is_over = || until.is_some_and(|until| until <= Instant::now());
        let mut asked = false;
        self.driver.transport_mut().served_streams();
        loop {
            self.take_departed();
            let outcome = if self.driver.is_ready() {
                Some(true)
            } else if !self.driver.is_alive() {
                Some(false)
            } else if asked && is_over() {
                // Also while data is piped, of which the system always has more.
                Some(true)
            } else {
                None
            };
            // A program that always finds something, or data that is piped, would never let others
            // go on.
            let streams_wait = outcome.is_none() && self.driver.transport().owes_streams();
            if self.waiting.is_to_rest() || streams_wait {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(outcome) = outcome {
                return Poll::Ready(outcome);
            }
            asked = true;
            // A timer takes up to a millisecond even for what is over.
            if self.driver.transport_mut().poll(cx).is_ready() || is_over() {
                continue;
            }
            let sockets = self.driver.transport();
            let deadline = self.driver.next_deadline().map(|at| sockets.moment(at));
            if let Some(moment) = deadline.into_iter().chain(until).min()
                && self.waiting.poll_moment(moment, cx).is_ready()
            {
                continue;
            }
            if !self.streams().is_empty() {
                self.departed.wake(cx.waker());
            }
            self.waiting.sleep(cx);
            return Poll::Pending;
        }
    }
}
