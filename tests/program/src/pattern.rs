//! The bytes of the large transfers: no two stretches of them are alike, so that a byte that is
//! lost, doubled or out of place changes the checksum.

/// Sends bytes of the pattern, or checks what comes. Keeps count and checksum.
pub struct Pattern {
    state: u64,
    /// How many bytes there were.
    pub count: u64,
    /// Their checksum (FNV-1a).
    pub checksum: u64,
}

impl Pattern {
    /// The pattern that follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self {
            state: seed,
            count: 0,
            checksum: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// The next `length` bytes.
    pub fn take(&mut self, length: usize) -> Vec<u8> {
        let bytes: Vec<u8> = (0..length).map(|_| self.byte()).collect();
        self.add(&bytes);
        bytes
    }

    /// Counts bytes that came from elsewhere.
    pub fn add(&mut self, bytes: &[u8]) {
        self.count += bytes.len() as u64;
        for &byte in bytes {
            self.checksum = (self.checksum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Knuth's 64-bit linear congruential generator.
    fn byte(&mut self) -> u8 {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 56) as u8
    }
}
