//! The readable side of a socket: what was received and not read yet.

use std::collections::VecDeque;

/// Node's `readableHighWaterMark` of a socket, in bytes: with this much unread,
/// nothing more is taken from the host.
pub const HIGH_WATER_MARK: usize = 16 * 1024;

/// Node's `Readable`, as far as `net.Socket` uses it.
#[derive(Debug, Default)]
pub struct Readable {
    chunks: VecDeque<Vec<u8>>,
    /// How much of the first chunk was read.
    offset: usize,
    len: usize,
    /// `pause()` holds: `readable` is not emitted.
    pub paused: bool,
    /// Reading from the connection has begun. It begins when the connection
    /// stands, unless the socket is paused then (Node's first `read(0)`).
    pub started: bool,
    /// The transport was asked for bytes and has not answered.
    pub reading: bool,
    /// The peer's FIN came.
    pub ended: bool,
    /// `'end'` was emitted.
    pub end_emitted: bool,
    /// A tick that emits `readable` is queued.
    pub announced: bool,
    /// Node's `socket.bytesRead`.
    pub bytes_read: u64,
}

impl Readable {
    /// That of the next connection: only `pause()` goes on.
    pub fn reopened(&self) -> Self {
        Self {
            paused: self.paused,
            ..Self::default()
        }
    }

    /// How many bytes are unread.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Keeps what came.
    pub fn push(&mut self, data: Vec<u8>) {
        self.bytes_read += data.len() as u64;
        self.len += data.len();
        if !data.is_empty() {
            self.chunks.push_back(data);
        }
    }

    /// Whether the transport should be asked for more.
    pub fn wants_more(&self) -> bool {
        self.started && !self.reading && !self.ended && self.len < HIGH_WATER_MARK
    }

    /// Takes up to `max` bytes, in the order they came.
    pub fn take(&mut self, max: usize) -> Vec<u8> {
        let wanted = max.min(self.len);
        self.len -= wanted;
        // The common case hands a chunk over as it came.
        if self.offset == 0
            && let Some(first) = self.chunks.pop_front_if(|first| first.len() == wanted)
        {
            return first;
        }
        let mut out = Vec::with_capacity(wanted);
        while out.len() < wanted {
            let Some(first) = self.chunks.front() else {
                break;
            };
            let rest = &first[self.offset..];
            let take = rest.len().min(wanted - out.len());
            out.extend_from_slice(&rest[..take]);
            if take == rest.len() {
                self.chunks.pop_front();
                self.offset = 0;
            } else {
                self.offset += take;
            }
        }
        out
    }

    /// Forgets what nobody will read any more.
    pub fn discard(&mut self) {
        self.chunks = VecDeque::new();
        self.offset = 0;
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(chunks: &[&str]) -> Readable {
        let mut readable = Readable {
            started: true,
            ..Readable::default()
        };
        for chunk in chunks {
            readable.push(chunk.as_bytes().to_vec());
        }
        readable
    }

    /// Bytes come out in the order they came in, each once, in pieces of any size.
    #[test]
    fn bytes_come_out_in_order_whatever_the_pieces() {
        for max in 1..12 {
            let mut readable = filled(&["abc", "", "defgh", "i"]);
            let mut out = Vec::new();
            while readable.len() > 0 {
                let piece = readable.take(max);
                assert!(!piece.is_empty() && piece.len() <= max);
                out.extend(piece);
            }
            assert_eq!(out, b"abcdefghi", "max {max}");
            assert!(readable.take(max).is_empty());
        }
    }

    /// `bytesRead` counts what came, read or not.
    #[test]
    fn bytes_read_counts_what_came() {
        let mut readable = filled(&["abc", "de"]);
        assert_eq!(readable.bytes_read, 5);
        readable.take(2);
        readable.discard();
        assert_eq!(readable.bytes_read, 5);
    }

    /// With 16 KiB unread nothing more is taken from the host; reading lifts that.
    #[test]
    fn unread_bytes_stop_the_transport() {
        let mut readable = filled(&[]);
        assert!(readable.wants_more());
        readable.push(vec![0; HIGH_WATER_MARK]);
        assert!(!readable.wants_more());
        readable.take(1);
        assert!(readable.wants_more());
    }
}
