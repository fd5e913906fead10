//! What goes over the wire, so that every byte that comes back can be checked.

/// As long as the longest message, and as a block of a download.
pub const CHUNK: usize = 64 * 1024;

/// Bytes that messages are cut from.
pub struct Pattern {
    bytes: Vec<u8>,
}

impl Pattern {
    /// Twice as long as the longest message, so that messages can begin anywhere.
    pub fn new() -> Self {
        // A full-period generator: no two places look alike for long.
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let bytes = (0..2 * CHUNK)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        Pattern { bytes }
    }

    /// Message `sequence` of connection `connection`. One that comes late, twice or to the wrong
    /// connection differs from what is expected.
    pub fn message(&self, connection: usize, sequence: usize, len: usize) -> &[u8] {
        let start = (connection.wrapping_mul(7919) + sequence.wrapping_mul(61)) % CHUNK;
        &self.bytes[start..start + len]
    }
}

/// What a download repeats.
pub fn block() -> Vec<u8> {
    (0..CHUNK).map(|at| (at % 251) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Pattern};

    /// A message of another connection or another turn is never taken for the right one.
    #[test]
    fn neighbouring_messages_differ() {
        let pattern = Pattern::new();
        for len in [64, 4096, CHUNK] {
            let message = pattern.message(3, 5, len);
            assert_eq!(message.len(), len);
            assert_ne!(message, pattern.message(3, 6, len));
            assert_ne!(message, pattern.message(4, 5, len));
            assert_eq!(message, pattern.message(3, 5, len));
        }
    }
}
