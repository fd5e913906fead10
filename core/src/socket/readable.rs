//! The readable side of a socket: what was received and not read yet.

use crate::encoding::{Decoder, Encoding};
use std::collections::VecDeque;

/// Whether the transport is asked for bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Flow {
    /// Not before the connection stands, or `resume` of a socket that was paused then (Node's
    /// first `read(0)`). Leads to `StartsAfterReady` or `Started`.
    #[default]
    Stopped,
    /// From `ready` on, also if the program pauses the socket until then. Leads to `Started`.
    StartsAfterReady,
    /// It is, whenever there is room. Leads to `Asked`.
    Started,
    /// It was, and has not answered. Leads to `Started`.
    Asked,
}

/// Where the receiving side is on its way to its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// The peer may send. Leads to `Received`.
    #[default]
    Open,
    /// Its FIN came; something may be unread. Leads to `Emitted`.
    Received,
    /// `'end'` was emitted.
    Emitted,
}

impl End {
    /// Whether the peer's FIN came.
    pub fn has_come(self) -> bool {
        self >= Self::Received
    }
}

/// Node's `Readable`, as far as `net.Socket` uses it.
#[derive(Debug, Default)]
pub(crate) struct Readable {
    /// Bytes as they came; after `setEncoding`, text as UTF-8.
    chunks: VecDeque<Vec<u8>>,
    /// How much of the first chunk was read.
    offset: usize,
    len: usize,
    /// Node's `readableHighWaterMark`, in bytes: with this much unread, nothing
    /// more is taken from the host.
    high_water_mark: usize,
    /// `setEncoding` was called.
    decoder: Option<Decoder>,
    /// `pause()` holds: `readable` is not emitted.
    pub paused: bool,
    pub flow: Flow,
    pub end: End,
    /// A tick that emits `readable` is queued.
    pub announced: bool,
    /// Node's `socket.bytesRead`.
    pub bytes_read: u64,
}

impl Readable {
    /// Nothing received yet.
    pub fn new(high_water_mark: usize) -> Self {
        Self {
            high_water_mark,
            ..Self::default()
        }
    }

    /// That of the next connection (row C25): `pause()` and `setEncoding()` go on.
    pub fn reopened(&mut self) -> Self {
        Self {
            paused: self.paused,
            decoder: self.decoder.take(),
            ..Self::new(self.high_water_mark)
        }
    }

    /// How many bytes are unread.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Keeps what came.
    pub fn push(&mut self, data: Vec<u8>) {
        self.bytes_read += data.len() as u64;
        let data = match &mut self.decoder {
            Some(decoder) => decoder.write(&data).into_bytes(),
            None => data,
        };
        self.keep(data);
    }

    /// The peer has ended: what is left of a character comes now.
    pub fn end(&mut self) {
        self.end = End::Received;
        if let Some(decoder) = &mut self.decoder {
            let rest = decoder.end();
            self.keep(rest.into_bytes());
        }
    }

    fn keep(&mut self, data: Vec<u8>) {
        self.len += data.len();
        if !data.is_empty() {
            self.chunks.push_back(data);
        }
    }

    /// Keeps what was taken and not used, before everything else.
    pub fn put_back(&mut self, data: Vec<u8>) {
        if data.is_empty() {
            return;
        }
        if self.offset > 0
            && let Some(first) = self.chunks.front_mut()
        {
            first.drain(..self.offset);
            self.offset = 0;
        }
        self.len += data.len();
        self.chunks.push_front(data);
    }

    /// Node's `setEncoding()`: what is unread is decoded, too.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        let mut decoder = Decoder::new(encoding);
        if self.decoder.is_none() {
            let unread = self.take(usize::MAX);
            self.keep(decoder.write(&unread).into_bytes());
        }
        self.decoder = Some(decoder);
    }

    /// Whether the transport should be asked for more.
    pub fn wants_more(&self) -> bool {
        // A mark of 0 still has Node read one packet at a time.
        self.flow == Flow::Started
            && self.end == End::Open
            && self.len < self.high_water_mark.max(1)
    }

    /// Reading begins, unless it has.
    pub fn start(&mut self) {
        if self.flow != Flow::Asked {
            self.flow = Flow::Started;
        }
    }

    /// The transport has answered.
    pub fn answered(&mut self) {
        if self.flow == Flow::Asked {
            self.flow = Flow::Started;
        }
    }

    /// Whether the transport was asked and has not answered.
    pub fn is_asked(&self) -> bool {
        self.flow == Flow::Asked
    }

    /// Whether everything was read and `'end'` is to be emitted.
    pub fn owes_end(&self) -> bool {
        self.end == End::Received && self.len == 0
    }

    /// Takes everything, as text.
    pub fn take_text(&mut self) -> String {
        if self.decoder.is_none() {
            self.set_encoding(Encoding::Utf8);
        }
        // Decoded text is UTF-8 already.
        String::from_utf8(self.take(usize::MAX)).unwrap_or_default()
    }

    /// Takes up to `max` bytes, in the order they came; of text no part of a
    /// character, and at least one.
    pub fn take(&mut self, max: usize) -> Vec<u8> {
        let mut wanted = max.min(self.len);
        if self.decoder.is_some() && wanted > 0 {
            wanted = self.character_boundary(wanted);
        }
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

    /// The end of the last whole character within `wanted` bytes, or of the first.
    fn character_boundary(&self, wanted: usize) -> usize {
        let byte = |at: usize| {
            let mut at = at + self.offset;
            self.chunks.iter().find_map(|chunk| {
                let here = chunk.get(at).copied();
                at = at.wrapping_sub(chunk.len());
                here
            })
        };
        let begins = |at: usize| byte(at).is_none_or(|byte| byte & 0xc0 != 0x80);
        let within = (1..=wanted).rev().find(|at| begins(*at));
        within
            .or_else(|| (wanted..=self.len).find(|at| begins(*at)))
            .unwrap_or(self.len)
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

    const MARK: usize = 64 * 1024;

    fn filled(chunks: &[&str]) -> Readable {
        let mut readable = Readable {
            flow: Flow::Started,
            ..Readable::new(MARK)
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

    /// `bytesRead` counts what came, read or not, and bytes with an encoding, too (row P7).
    #[test]
    fn p7_bytes_read_counts_what_came() {
        let mut readable = filled(&["abc", "de"]);
        assert_eq!(readable.bytes_read, 5);
        readable.take(2);
        readable.discard();
        assert_eq!(readable.bytes_read, 5);
        readable.set_encoding(Encoding::Hex);
        readable.push(vec![1, 2]);
        assert_eq!((readable.bytes_read, readable.len()), (7, 4));
    }

    /// With as much unread as the mark nothing more is taken from the host; reading lifts
    /// that.
    #[test]
    fn unread_bytes_stop_the_transport() {
        let mut readable = filled(&[]);
        assert!(readable.wants_more());
        readable.push(vec![0; MARK]);
        assert!(!readable.wants_more());
        readable.take(1);
        assert!(readable.wants_more());
    }

    /// Row D5: text is cut between characters, and a character is never held back because
    /// it is wide.
    #[test]
    fn d5_text_is_cut_between_characters() {
        for max in 1..9 {
            let mut readable = filled(&[]);
            readable.set_encoding(Encoding::Utf8);
            readable.push("aé".as_bytes().to_vec());
            readable.push("€😀b".as_bytes().to_vec());
            let mut out = String::new();
            while readable.len() > 0 {
                let piece = readable.take(max);
                assert!(!piece.is_empty());
                out += std::str::from_utf8(&piece).expect("whole characters");
            }
            assert_eq!(out, "aé€😀b", "max {max}");
        }
    }

    /// Row D5: what was received before setEncoding is decoded, too.
    #[test]
    fn d5_encoding_applies_to_what_is_unread() {
        let mut readable = filled(&["ab"]);
        readable.set_encoding(Encoding::Hex);
        readable.push(b"c".to_vec());
        assert_eq!(readable.take_text(), "616263");
    }

    /// Row D5: a character that the end cuts off is U+FFFD.
    #[test]
    fn d5_end_completes_the_text() {
        let mut readable = filled(&[]);
        readable.set_encoding(Encoding::Utf8);
        readable.push(vec![b'a', 0xe2, 0x82]);
        assert_eq!(readable.take_text(), "a");
        readable.end();
        assert_eq!(readable.take_text(), "\u{fffd}");
    }
}
