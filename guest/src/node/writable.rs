//! The writable side of a socket: what was written and not handed over yet.

use super::error::Error;
use super::event::Callback;
use std::collections::VecDeque;

/// Node's `writableHighWaterMark` of a socket, in bytes: from here on `write`
/// answers false.
pub const HIGH_WATER_MARK: usize = 16 * 1024;

/// One call of `write`.
#[derive(Debug)]
struct Chunk {
    len: usize,
    callback: Option<Callback>,
}

/// Node's `Writable`, as far as `net.Socket` uses it.
#[derive(Debug, Default)]
pub struct Writable {
    /// Written and not given to the transport: the bytes of `queued`.
    data: Vec<u8>,
    queued: VecDeque<Chunk>,
    /// Given to the transport and not complete.
    in_flight: VecDeque<Chunk>,
    /// How much of the first chunk in flight was handed to the host.
    sent: usize,
    /// Node's `writableLength`: the bytes of all chunks that are not complete.
    len: usize,
    /// `write` answered false, `'drain'` is owed.
    need_drain: bool,
    /// `end` was called (Node's `writableEnded`).
    pub ending: bool,
    /// The transport was asked to send the FIN.
    pub final_called: bool,
    /// `'finish'` was emitted.
    pub finished: bool,
    /// The callbacks of `end`.
    pub on_finished: Vec<Callback>,
    /// Node's `socket.bytesWritten`.
    pub bytes_written: u64,
}

/// What a completed write leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Completed {
    /// `'drain'` is due.
    pub drain: bool,
    /// The callbacks of the chunks that are complete.
    pub callbacks: Vec<Callback>,
}

impl Completed {
    /// Whether there is nothing to emit.
    pub fn is_empty(&self) -> bool {
        !self.drain && self.callbacks.is_empty()
    }
}

impl Writable {
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

    /// What `write` answers once it has done what it could (row W2): room is
    /// left, or everything is gone. Remembers to emit `'drain'` if not.
    pub fn has_room(&mut self) -> bool {
        let room = self.len < HIGH_WATER_MARK || self.len == 0;
        self.need_drain |= !room;
        room
    }

    /// Everything that waits, as one write, unless one is under way.
    pub fn take_queued(&mut self) -> Option<Vec<u8>> {
        if self.in_flight() || self.queued.is_empty() {
            return None;
        }
        self.in_flight = std::mem::take(&mut self.queued);
        self.sent = 0;
        Some(std::mem::take(&mut self.data))
    }

    /// The host took `bytes` of what is in flight. Completes the chunks that are
    /// covered by that.
    pub fn sent(&mut self, bytes: usize) -> Completed {
        self.sent += bytes;
        let mut callbacks = Vec::new();
        while let Some(first) = self.in_flight.front()
            && first.len <= self.sent
        {
            self.sent -= first.len;
            self.len -= first.len;
            callbacks.extend(first.callback);
            self.in_flight.pop_front();
        }
        // Row W4: 'drain' is owed once everything is gone, and not after end().
        let drain = self.need_drain && self.len == 0 && !self.ending;
        self.need_drain &= !drain;
        Completed { drain, callbacks }
    }

    /// The host took everything in flight.
    pub fn sent_all(&mut self) -> Completed {
        let rest = self.in_flight.iter().map(|chunk| chunk.len).sum::<usize>() - self.sent;
        self.sent(rest)
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

    /// Whether the FIN can be sent: `end` was called and nothing waits.
    pub fn can_finish(&self) -> bool {
        self.ending && !self.finished && !self.in_flight() && !self.queued()
    }

    /// Why an `end` after the first one fails; it does not if the first one is
    /// still under way (row E13).
    pub fn end_failure(&self, destroyed: bool, errored: Option<&Error>) -> Option<Error> {
        if self.finished {
            Some(Error::already_finished())
        } else if let Some(error) = errored {
            Some(error.clone())
        } else {
            destroyed.then(|| Error::destroyed("end"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes of one turn go out as one.
    #[test]
    fn writes_of_a_turn_are_handed_over_together() {
        let mut writable = Writable::default();
        writable.push(b"ab".to_vec(), Some(1));
        writable.push(b"cd".to_vec(), None);
        assert_eq!(writable.take_queued().as_deref(), Some(&b"abcd"[..]));
        assert_eq!(writable.take_queued(), None);
    }

    /// Row W5: callbacks come once, in order, when the host has taken their bytes.
    #[test]
    fn w5_callbacks_come_in_order_and_once() {
        let mut writable = Writable::default();
        for callback in 1..=3 {
            writable.push(vec![0; 10], Some(callback));
        }
        writable.take_queued();
        assert_eq!(writable.sent(9).callbacks, []);
        assert_eq!(writable.sent(11).callbacks, [1, 2]);
        assert_eq!(writable.sent_all().callbacks, [3]);
        assert_eq!(writable.sent_all().callbacks, []);
    }

    /// Row W2: false from 16 KiB on, and then 'drain' when everything is gone.
    #[test]
    fn w2_false_from_the_mark_on_and_drain_when_empty() {
        let mut writable = Writable::default();
        writable.push(vec![0; HIGH_WATER_MARK - 1], None);
        assert!(writable.has_room());
        writable.push(vec![0], None);
        assert!(!writable.has_room());
        writable.take_queued();
        assert!(!writable.sent(HIGH_WATER_MARK - 1).drain);
        assert!(writable.sent(1).drain);
        assert!(!writable.sent_all().drain, "only once");
    }

    /// Row W15: an empty write completes and calls back.
    #[test]
    fn w15_empty_write_calls_back() {
        let mut writable = Writable::default();
        writable.push(Vec::new(), Some(7));
        assert_eq!(writable.take_queued(), Some(Vec::new()));
        assert_eq!(writable.sent(0).callbacks, [7]);
    }

    /// Row P6: `bytesWritten` counts queued bytes and is kept when they are given up.
    #[test]
    fn p6_bytes_written_counts_what_was_queued() {
        let mut writable = Writable::default();
        writable.push(vec![0; 5], None);
        assert_eq!(writable.bytes_written, 5);
        writable.fail_queued();
        assert_eq!((writable.bytes_written, writable.len()), (5, 0));
    }
}
