//! A folder's listing of 0.2, which wasmtime-wasi reads as a whole.

use std::vec;

use wasmtime_wasi::p2::ReaddirIterator;
use wasmtime_wasi::p2::bindings::filesystem::types::{DirectoryEntry, ErrorCode};

use super::{Full, Permit};
use crate::limits::memory::MemoryLimit;

/// A listing, as far as the program did not take it.
pub(super) struct Listing {
    entries: vec::IntoIter<Result<DirectoryEntry, ErrorCode>>,
    /// What it counts as memory of the program.
    bytes: usize,
    _permit: Permit,
}

/// What an entry takes besides the bytes of its name.
const ENTRY: usize = size_of::<Result<DirectoryEntry, ErrorCode>>() + 16;

impl Listing {
    /// Takes over what was read.
    ///
    /// # Errors
    ///
    /// It is more than the program may have memory.
    pub(super) fn new(
        read: ReaddirIterator,
        permit: Permit,
        memory: &mut MemoryLimit,
    ) -> wasmtime::Result<Result<Self, Full>> {
        let mut listing = Listing {
            entries: vec![].into_iter(),
            bytes: 0,
            _permit: permit,
        };
        let mut entries = vec![];
        for entry in read {
            let entry = match entry {
                Ok(entry) => Ok(entry),
                Err(error) => Err(error.downcast()?),
            };
            let bytes = ENTRY + entry.as_ref().map_or(0, |entry| entry.name.len());
            if !memory.hold(bytes) {
                listing.free(memory);
                return Ok(Err(Full));
            }
            listing.bytes += bytes;
            entries.push(entry);
        }
        listing.entries = entries.into_iter();
        Ok(Ok(listing))
    }

    pub(super) fn next(&mut self) -> Option<Result<DirectoryEntry, ErrorCode>> {
        self.entries.next()
    }

    /// Gives its memory back.
    pub(super) fn free(self, memory: &mut MemoryLimit) {
        memory.release(self.bytes);
    }
}
