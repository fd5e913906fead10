//! What the host holds for a program: its objects, calls, and data on their way.
//!
//! It counts towards the program's memory, as it would if the net component held it. To count is to
//! look at every socket, so that it is done from time to time, and what came since is bounded.

use plugnet_core::WeakBlockList;
use wasmtime::{Error as Trap, Result};

use super::Net;
use crate::limits::MemoryLimit;
use crate::net::NetState;

/// After so many bytes it is counted anew.
const STEP: usize = 1 << 20;

/// The most that is held where the program's memory has no limit.
const MOST: usize = 256 << 20;

/// What a call leaves at most, besides its data.
pub(super) const CALL: usize = 128;

/// What a rule of a block list takes.
const RULE: usize = 64;

#[derive(Default)]
pub(super) struct Held {
    /// When it was last counted.
    counted: usize,
    /// What may have come since.
    since: usize,
    /// All that the program has made and somebody has.
    lists: Vec<WeakBlockList>,
}

impl Held {
    /// The program has made a list.
    pub(super) fn list(&mut self, list: WeakBlockList) {
        self.lists.push(list);
    }

    fn rules(&mut self) -> usize {
        let mut rules = 0;
        self.lists.retain(|list| {
            let list = list.upgrade();
            rules += list.as_ref().map_or(0, |list| 1 + list.size());
            list.is_some()
        });
        rules
    }
}

impl Net {
    /// Counts what is held. False if that is too much.
    fn count(&mut self, memory: &mut MemoryLimit) -> bool {
        let rules = self.held.rules();
        let held = self.driver().held() + rules * RULE;
        memory.release(self.held.counted);
        let fits = held <= MOST && memory.hold(held);
        self.held.counted = if fits { held } else { 0 };
        self.held.since = 0;
        fits
    }
}

impl NetState<'_> {
    /// Counts that a call may hold so many bytes more. False if the host holds too much then.
    pub(super) fn has_room(&mut self, bytes: usize) -> bool {
        let held = &mut self.net.held;
        held.since = held.since.saturating_add(bytes);
        held.since < STEP || self.net.count(self.memory)
    }

    /// The same, for a call that cannot fail otherwise.
    ///
    /// # Errors
    ///
    /// A trap, if the host holds too much.
    pub(super) fn hold(&mut self, bytes: usize) -> Result<()> {
        if self.has_room(bytes) {
            Ok(())
        } else {
            Err(Trap::msg(
                "its sockets, calls and unread data take more than its memory may (--max-memory), \
                 or 256 MiB where that has no limit",
            ))
        }
    }
}
