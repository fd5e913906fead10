//! The writable side of a socket: what was written and not handed over yet.

use crate::error::Error;
use crate::event::Callback;
use std::collections::VecDeque;

/// How many bytes at most wait to be sent with those of other sockets.
const SMALL: usize = 4 * 1024;

/// One call of `write`.
#[derive(Debug)]
struct Chunk {
    len: usize,
    callback: Option<Callback>,
}

/// Where the sending side is on its way to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// The program may write. Leads to `Ending`.
    #[default]
    Open,
    /// `end` was called (Node's `writableEnded`); what was written has not all gone out. Leads to
    /// `Finishing`.
    Ending,
    /// The transport was asked to send the FIN. Leads to `Finished`.
    Finishing,
    /// `'finish'` was emitted.
    Finished,
}

/// Node's `Writable`, as far as `net.Socket` uses it.
#[derive(Debug, Default)]
pub(crate) struct Writable {
    /// Written and not given to the transport: the bytes of `queued`.
    data: Vec<u8>,
    queued: VecDeque<Chunk>,
    /// How many bytes of the chunk in `queued` the transport has sent already: they are not in
    /// `data`.
    ahead: usize,
    /// Given to the transport and not complete.
    in_flight: VecDeque<Chunk>,
    /// How much of the first chunk in flight was handed to the host.
    sent: usize,
    /// Node's `writableLength`: the bytes of all chunks that are not complete.
    len: usize,
    /// Node's `writableHighWaterMark`, in bytes: from here on `write` answers
    /// false.
    high_water_mark: usize,
    /// The host has taken something since [`Writable::stalled`] was asked last.
    progress: bool,
    /// The host did not take all of what is in flight at once: it waits for room.
    waits: bool,
    /// `write` answered false, `'drain'` is owed.
    need_drain: bool,
    pub side: Side,
    /// The callbacks of `end`.
    pub on_finished: Vec<Callback>,
    /// Node's `socket.bytesWritten`.
    pub bytes_written: u64,
}

/// What a completed write leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Completed {
    /// Everything is gone, and `'drain'` is owed.
    pub drained: bool,
    /// Whether the first of `callbacks` is that of the first chunk of the write.
    pub with_first: bool,
    /// The callbacks of the chunks that are complete.
    pub callbacks: Vec<Callback>,
}

impl Completed {
    /// What comes later is told later.
    pub fn merge(&mut self, later: Self) {
        self.with_first |= later.with_first && self.callbacks.is_empty();
        self.callbacks.extend(later.callbacks);
        self.drained = later.drained;
    }

    /// Whether there is nothing to emit.
    pub fn is_empty(&self) -> bool {
        !self.drained && self.callbacks.is_empty()
    }
}

impl Writable {
    /// Nothing written yet.
    pub fn new(high_water_mark: usize) -> Self {
        Self {
            high_water_mark,
            ..Self::default()
        }
    }

    /// That of the next connection.
    pub fn reopened(&self) -> Self {
        Self::new(self.high_water_mark)
    }

    /// Whether so much waits that `write` would answer false.
    pub fn is_full(&self) -> bool {
        self.len > 0 && self.len >= self.high_water_mark
    }

    /// The host took `bytes` of a write that was just begun, and has no room for the
    /// rest.
    pub fn waits(&mut self, bytes: usize) -> Completed {
        self.waits = true;
        self.sent(bytes)
    }

    /// Whether a write waits for the host to have room.
    pub fn is_waiting(&self) -> bool {
        self.in_flight() && self.waits
    }

    /// The host has taken some of what is in flight.
    pub fn progressed(&mut self) {
        self.progress = true;
    }

    /// Row T11: whether the connection is idle although a write is under way: the
    /// host has taken nothing since this was asked last.
    pub fn stalled(&mut self) -> bool {
        !(self.in_flight() && std::mem::take(&mut self.progress))
    }

    /// Node's `writableLength`.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the transport is busy with a write.
    pub fn in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Whether something was written that the transport has not been given.
    pub fn queued(&self) -> bool {
        !self.queued.is_empty()
    }

    /// Whether the first write that waits may have something to tell when it goes
    /// out: its callback, or 'drain'.
    pub fn owes_before_ready(&self) -> bool {
        let first = self.queued.front();
        first.is_some_and(|first| first.callback.is_some() || self.need_drain)
    }

    /// Whether something waits that is little, and nothing is emitted when the transport has
    /// taken it.
    pub fn sends_later(&self) -> bool {
        let silent = self.queued.iter().all(|chunk| chunk.callback.is_none());
        let idle = self.queued() && !self.in_flight();
        idle && silent && !self.need_drain && !self.is_ending() && self.len <= SMALL
    }

    /// Takes a chunk.
    pub fn push(&mut self, data: Vec<u8>, callback: Option<Callback>) {
        self.len += data.len();
        self.bytes_written += data.len() as u64;
        self.queued.push_back(Chunk {
            len: data.len(),
            callback,
        });
        if self.data.is_empty() {
            self.data = data;
        } else {
            self.data.extend_from_slice(&data);
        }
    }

    /// Takes a chunk whose first bytes the transport has sent already. Nothing else waits.
    pub fn push_ahead(&mut self, sent: usize, rest: Vec<u8>, callback: Option<Callback>) {
        self.len += sent + rest.len();
        self.bytes_written += (sent + rest.len()) as u64;
        self.queued.push_back(Chunk {
            len: sent + rest.len(),
            callback,
        });
        self.ahead = sent;
        self.data = rest;
    }

    /// Whether a chunk of so many bytes would be given to the transport at once, and alone.
    pub fn goes_through(&self, length: usize) -> bool {
        length > 0 && length >= self.high_water_mark && !self.in_flight() && !self.queued()
    }

    /// What `write` answers once it has done what it could (row W2): room is
    /// left, or everything is gone. Remembers to emit `'drain'` if not.
    pub fn has_room(&mut self) -> bool {
        let room = !self.is_full();
        self.need_drain |= !room;
        room
    }

    /// How many bytes of what [`Writable::take_queued`] takes next were sent already.
    pub fn take_ahead(&mut self) -> usize {
        std::mem::take(&mut self.ahead)
    }

    /// Everything that waits, as one write, unless one is under way.
    pub fn take_queued(&mut self) -> Option<Vec<u8>> {
        if self.in_flight() || self.queued.is_empty() {
            return None;
        }
        self.in_flight = std::mem::take(&mut self.queued);
        self.sent = 0;
        self.progress = false;
        self.waits = false;
        Some(std::mem::take(&mut self.data))
    }

    /// The host took `bytes` of what is in flight. Completes the chunks that are
    /// covered by that.
    pub fn sent(&mut self, bytes: usize) -> Completed {
        self.sent += bytes;
        self.progress |= bytes > 0;
        let mut callbacks = Vec::new();
        let first = self.in_flight.front();
        let with_first = first.is_some_and(|first| first.callback.is_some());
        while let Some(first) = self.in_flight.front()
            && first.len <= self.sent
        {
            self.sent -= first.len;
            self.len -= first.len;
            callbacks.extend(first.callback);
            self.in_flight.pop_front();
        }
        Completed {
            drained: self.drain_is_due(),
            with_first,
            callbacks,
        }
    }

    /// Row W4: 'drain' is owed once everything is gone, and not after end().
    fn drain_is_due(&self) -> bool {
        self.need_drain && self.len == 0 && !self.is_ending()
    }

    /// Whether 'drain' is to be emitted now, which it is once.
    pub fn take_drain(&mut self) -> bool {
        let due = self.drain_is_due();
        self.need_drain &= !due;
        due
    }

    /// 'drain' was not emitted after all.
    pub fn owe_drain(&mut self) {
        self.need_drain = true;
    }

    /// The host took everything in flight.
    pub fn sent_all(&mut self) -> Completed {
        let rest = self.in_flight.iter().map(|chunk| chunk.len).sum::<usize>() - self.sent;
        self.sent(rest)
    }

    /// A write that is refused after all does not count (row P6).
    pub fn uncount(&mut self, bytes: usize) {
        self.bytes_written -= bytes as u64;
    }

    /// Gives up what is in flight.
    pub fn fail_in_flight(&mut self) -> Vec<Callback> {
        self.sent = 0;
        let chunks = std::mem::take(&mut self.in_flight);
        self.forget(chunks)
    }

    /// Gives up what the transport has not been given.
    pub fn fail_queued(&mut self) -> Vec<Callback> {
        self.data = Vec::new();
        let chunks = std::mem::take(&mut self.queued);
        self.forget(chunks)
    }

    /// Gives up the write that waits longest, if there is one: its callback.
    pub fn fail_first_queued(&mut self) -> Option<Option<Callback>> {
        let first = self.queued.pop_front()?;
        self.len -= first.len;
        Some(first.callback)
    }

    fn forget(&mut self, chunks: VecDeque<Chunk>) -> Vec<Callback> {
        self.len -= chunks.iter().map(|chunk| chunk.len).sum::<usize>();
        chunks.iter().filter_map(|chunk| chunk.callback).collect()
    }

    /// Whether `end` was called.
    pub fn is_ending(&self) -> bool {
        self.side >= Side::Ending
    }

    /// Whether `'finish'` was emitted.
    pub fn is_finished(&self) -> bool {
        self.side == Side::Finished
    }

    /// Whether the FIN can be sent: `end` was called and nothing waits.
    pub fn can_finish(&self) -> bool {
        self.side == Side::Ending && !self.in_flight() && !self.queued()
    }

    /// Why an `end` after the first one fails; it does not if the first one is
    /// still under way (row E13).
    pub fn end_failure(&self, destroyed: bool, errored: Option<&Error>) -> Option<Error> {
        if self.is_finished() {
            Some(Error::already_finished())
        } else if destroyed {
            Some(Error::destroyed("end"))
        } else {
            errored.cloned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: usize = 64 * 1024;

    /// What is written between two events goes out as one write.
    #[test]
    fn writes_of_a_turn_are_handed_over_together() {
        let mut writable = Writable::new(MARK);
        writable.push(b"ab".to_vec(), Some(1));
        writable.push(b"cd".to_vec(), None);
        assert_eq!(writable.take_queued().as_deref(), Some(&b"abcd"[..]));
        assert_eq!(writable.take_queued(), None);
    }

    /// Row W5: callbacks come once, in order, when the host has taken their bytes.
    #[test]
    fn w5_callbacks_come_in_order_and_once() {
        let mut writable = Writable::new(MARK);
        for callback in 1..=3 {
            writable.push(vec![0; 10], Some(callback));
        }
        writable.take_queued();
        assert_eq!(writable.sent(9).callbacks, []);
        assert_eq!(writable.sent(11).callbacks, [1, 2]);
        assert_eq!(writable.sent_all().callbacks, [3]);
        assert_eq!(writable.sent_all().callbacks, []);
    }

    /// Row W2: false from 64 KiB on, and then 'drain' when everything is gone.
    #[test]
    fn w2_false_from_the_mark_on_and_drain_when_empty() {
        let mut writable = Writable::new(MARK);
        writable.push(vec![0; MARK - 1], None);
        assert!(writable.has_room());
        writable.push(vec![0], None);
        assert!(!writable.has_room());
        writable.take_queued();
        assert!(!writable.sent(MARK - 1).drained);
        assert!(writable.sent(1).drained);
        assert!(writable.take_drain());
        assert!(!writable.take_drain(), "only once");
    }

    /// Row W3: a mark of 0 answers false to any write that waits.
    #[test]
    fn w3_mark_of_zero() {
        let mut writable = Writable::new(0);
        assert!(writable.has_room());
        writable.push(vec![0], None);
        assert!(!writable.has_room());
    }

    /// Row T11: while the host takes what is in flight the connection is not idle.
    #[test]
    fn t11_progress_of_a_write_is_activity() {
        let mut writable = Writable::new(MARK);
        assert!(writable.stalled(), "nothing is in flight");
        writable.push(vec![0; 10], None);
        writable.take_queued();
        assert!(writable.stalled());
        writable.progressed();
        assert!(!writable.stalled());
        assert!(writable.stalled(), "nothing more was taken");
    }

    /// Row W15: an empty write completes and calls back.
    #[test]
    fn w15_empty_write_calls_back() {
        let mut writable = Writable::new(MARK);
        writable.push(Vec::new(), Some(7));
        assert_eq!(writable.take_queued(), Some(Vec::new()));
        assert_eq!(writable.sent(0).callbacks, [7]);
    }

    /// Row P6: `bytesWritten` counts queued bytes and is kept when they are given up.
    #[test]
    fn p6_bytes_written_counts_what_was_queued() {
        let mut writable = Writable::new(MARK);
        writable.push(vec![0; 5], None);
        assert_eq!(writable.bytes_written, 5);
        writable.fail_queued();
        assert_eq!((writable.bytes_written, writable.len()), (5, 0));
    }
}
