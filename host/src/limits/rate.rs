//! Limits the bytes per second of a run, in one direction.
//!
//! Each transfer takes a turn on a time line, as long as its bytes take at the limit. So waiting is
//! first come, first served, and a transfer waits once.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use plugnet_policy::ByteSize;
use tokio::time::{Instant, Sleep};

/// Unused time may be used later, up to this much. It also makes up for late timers.
const BURST: Duration = Duration::from_millis(50);

/// Turns per second, unless they get too large.
const TURNS: u64 = 32;

/// The largest turn, in bytes.
const LARGEST: u64 = 64 * 1024;

/// How many datagrams wait at one time.
const MOST_WAITING: usize = 64;

/// A limit of bytes per second. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Rate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    per_second: u64,
    start: Instant,
    /// When the next turn may begin, from `start`.
    next: Mutex<Duration>,
    /// The datagrams that wait.
    waiting: AtomicUsize,
}

/// Too many datagrams wait already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Rate {
    pub(crate) fn new(limit: ByteSize) -> Self {
        Rate(Arc::new(Inner {
            per_second: limit.bytes(),
            start: Instant::now(),
            next: Mutex::default(),
            waiting: AtomicUsize::new(0),
        }))
    }

    /// How long this many bytes take.
    fn time(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.0.per_second);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// The most bytes of one turn.
    fn turn(&self) -> u64 {
        (self.0.per_second / TURNS).clamp(1, LARGEST)
    }

    /// Takes a turn, and returns when it begins.
    fn take(&self, bytes: u64) -> Instant {
        let now = self.0.start.elapsed();
        let mut next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = (*next).max(now.saturating_sub(BURST));
        *next = begin.saturating_add(self.time(bytes));
        // A turn that is centuries away never comes.
        self.0
            .start
            .checked_add(begin)
            .unwrap_or(self.0.start + Duration::from_secs(u64::from(u32::MAX)))
    }

    /// Returns the unused part of a turn.
    fn give_back(&self, bytes: u64) {
        let mut next = self.0.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = next.saturating_sub(self.time(bytes));
    }

    /// Waits until this many bytes, which cannot be divided, may go.
    ///
    /// # Errors
    ///
    /// Waiting datagrams hold their bytes, so their number is limited.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future returns the turn.
    pub(crate) async fn whole(&self, bytes: usize) -> Result<(), Full> {
        let mut turn = Whole {
            rate: self,
            bytes: 0,
        };
        if self.0.waiting.fetch_add(1, Relaxed) >= MOST_WAITING {
            return Err(Full);
        }
        turn.bytes = bytes as u64;
        tokio::time::sleep_until(self.take(turn.bytes)).await;
        turn.bytes = 0;
        Ok(())
    }

    /// Waits until something may go, without taking a turn.
    pub(crate) async fn free(&self) {
        // Others may have taken turns meanwhile.
        loop {
            let begin = self.take(0);
            if begin <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(begin).await;
        }
    }

    /// Counts bytes that went without a turn.
    pub(crate) fn spend(&self, bytes: usize) {
        self.take(bytes as u64);
    }
}

/// A turn that is awaited.
struct Whole<'a> {
    rate: &'a Rate,
    bytes: u64,
}

impl Drop for Whole<'_> {
    fn drop(&mut self) {
        self.rate.0.waiting.fetch_sub(1, Relaxed);
        self.rate.give_back(self.bytes);
    }
}

/// The turns of one stream.
#[derive(Debug)]
pub(crate) struct Turns {
    rate: Option<Rate>,
    turn: Turn,
}

#[derive(Debug)]
enum Turn {
    /// No turn is taken. To `Waiting` or `Mine`.
    None,
    /// A turn for this many bytes is taken, for later. To `Mine` when it is time, to `None` if
    /// dropped.
    Waiting(u64, Pin<Box<Sleep>>),
    /// This many bytes may go now. To `None` when they went.
    Mine(u64),
}

impl Turns {
    /// The turns of a stream under the limit, if there is one.
    pub(crate) fn new(rate: Option<Rate>) -> Self {
        Turns {
            rate,
            turn: Turn::None,
        }
    }

    /// Whether there is a limit.
    pub(crate) fn limited(&self) -> bool {
        self.rate.is_some()
    }

    /// Waits until some of `wanted` bytes may go, and returns how many. Call [`Turns::went`] next.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<usize> {
        let Some(rate) = &self.rate else {
            return Poll::Ready(wanted);
        };
        if let Turn::None = self.turn {
            let bytes = rate.turn().min(wanted as u64);
            let begin = rate.take(bytes);
            self.turn = if begin <= Instant::now() {
                Turn::Mine(bytes)
            } else {
                Turn::Waiting(bytes, Box::pin(tokio::time::sleep_until(begin)))
            };
        }
        if let Turn::Waiting(bytes, sleep) = &mut self.turn {
            ready!(sleep.as_mut().poll(cx));
            self.turn = Turn::Mine(*bytes);
        }
        match self.turn {
            // A turn is no larger than a given `usize`.
            Turn::Mine(bytes) => Poll::Ready((bytes as usize).min(wanted)),
            Turn::None | Turn::Waiting(..) => Poll::Pending,
        }
    }

    /// Reports how many bytes went, perhaps none, or that it was cancelled.
    pub(crate) fn went(&mut self, bytes: usize) {
        let turn = std::mem::replace(&mut self.turn, Turn::None);
        if let (Some(rate), Turn::Mine(taken) | Turn::Waiting(taken, _)) = (&self.rate, turn) {
            rate.give_back(taken.saturating_sub(bytes as u64));
        }
    }
}

impl Drop for Turns {
    fn drop(&mut self) {
        self.went(0);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    fn rate(bytes: u64) -> Rate {
        Rate::new(ByteSize::from_bytes(bytes).expect("not zero"))
    }

    /// Transfers so many bytes by as many turns as it takes.
    async fn transfer(rate: &Rate, bytes: usize) {
        let mut turns = Turns::new(Some(rate.clone()));
        let mut left = bytes;
        while left > 0 {
            let went = poll_fn(|cx| turns.poll(cx, left)).await;
            turns.went(went);
            left -= went;
        }
    }

    /// So many bytes take as long as the limit says, but for what a burst saves.
    #[tokio::test(start_paused = true)]
    async fn bytes_take_their_time() {
        let rate = rate(1000);
        let start = Instant::now();
        transfer(&rate, 10_000).await;
        let time = start.elapsed();
        assert!(time >= Duration::from_millis(9_900), "{time:?}");
        assert!(time <= Duration::from_millis(10_100), "{time:?}");
    }

    /// Several streams share the limit, and each gets its part.
    #[tokio::test(start_paused = true)]
    async fn streams_share_the_limit_fairly() {
        let rate = rate(1000);
        let start = Instant::now();
        let times = futures::future::join_all((0..4).map(|_| async {
            transfer(&rate, 1000).await;
            start.elapsed()
        }))
        .await;
        for time in times {
            assert!(time >= Duration::from_millis(3_500), "{time:?}");
            assert!(time <= Duration::from_millis(4_100), "{time:?}");
        }
    }

    /// What was not used for a long time may not be used later, but for a burst.
    #[tokio::test(start_paused = true)]
    async fn idle_time_is_not_saved_up() {
        let rate = rate(1000);
        tokio::time::sleep(Duration::from_secs(100)).await;
        let start = Instant::now();
        transfer(&rate, 1000).await;
        assert!(start.elapsed() >= Duration::from_millis(900));
    }

    /// What was taken and not used comes back to the others.
    #[tokio::test(start_paused = true)]
    async fn unused_turns_are_given_back() {
        let rate = rate(1000);
        let mut turns = Turns::new(Some(rate.clone()));
        let start = Instant::now();
        for _ in 0..1000 {
            poll_fn(|cx| turns.poll(cx, 31)).await;
            turns.went(0);
        }
        // One that waits and gives up.
        rate.spend(2000);
        assert!(futures::poll!(poll_fn(|cx| turns.poll(cx, 31))).is_pending());
        drop(turns);
        rate.free().await;
        let time = start.elapsed();
        assert!(time >= Duration::from_millis(1_900), "{time:?}");
        assert!(time <= Duration::from_millis(2_100), "{time:?}");
    }

    /// One byte in a second is a limit that can be kept, too.
    #[tokio::test(start_paused = true)]
    async fn the_smallest_limit_holds() {
        let rate = rate(1);
        let start = Instant::now();
        transfer(&rate, 5).await;
        assert_eq!(start.elapsed().as_secs(), 4);
    }

    /// A datagram is not divided: it waits until those before it have had their time.
    #[tokio::test(start_paused = true)]
    async fn datagrams_wait_for_those_before() {
        let rate = rate(1000);
        let start = Instant::now();
        for _ in 0..3 {
            rate.whole(1500).await.expect("nobody waits");
        }
        let time = start.elapsed();
        assert!(time >= Duration::from_millis(2_900), "{time:?}");
        assert!(time <= Duration::from_millis(3_100), "{time:?}");
    }

    /// Only so many datagrams wait; those that gave up do not.
    #[tokio::test(start_paused = true)]
    async fn not_all_datagrams_wait() {
        let rate = rate(1);
        rate.whole(100).await.expect("nobody waits");
        let mut waiting: Vec<_> = (0..MOST_WAITING).map(|_| Box::pin(rate.whole(1))).collect();
        for wait in &mut waiting {
            assert!(futures::poll!(wait).is_pending());
        }
        assert_eq!(rate.whole(1).await, Err(Full));
        drop(waiting);
        assert!(futures::poll!(Box::pin(rate.whole(1))).is_pending());
    }

    /// Nothing overflows at the ends of what can be written.
    #[tokio::test(start_paused = true)]
    async fn the_ends_do_not_overflow() {
        let fast = rate(u64::MAX);
        fast.whole(usize::MAX).await.expect("nobody waits");
        let slow = rate(1);
        for _ in 0..4 {
            slow.spend(usize::MAX);
        }
        let mut turns = Turns::new(Some(slow));
        assert!(futures::poll!(poll_fn(|cx| turns.poll(cx, 1))).is_pending());
    }
}
