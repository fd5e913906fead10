//! The limit of a program's memory.

use wasmtime::ResourceLimiter;

use crate::error::Trap;

/// Counts the linear memories and the tables of a store, all together, and holds them below a
/// limit.
#[derive(Debug, Default)]
pub(crate) struct MemoryLimit {
    used: usize,
    limit: Option<usize>,
}

impl MemoryLimit {
    /// With at most so many bytes; without, as many as there are.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        MemoryLimit { used: 0, limit }
    }
}

/// What an element of a table takes at most.
const ELEMENT: usize = size_of::<usize>() * 2;

impl MemoryLimit {
    /// Counts what the host holds for the program, if there is room for it.
    pub(crate) fn hold(&mut self, bytes: usize) -> bool {
        self.growing(bytes)
    }

    /// The host holds so much less.
    pub(crate) fn release(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// Counts what the instances take besides memories and tables, from the start.
    pub(crate) fn take(&mut self, bytes: u64) -> Result<(), Trap> {
        if self.growing(usize::try_from(bytes).unwrap_or(usize::MAX)) {
            Ok(())
        } else {
            Err(Trap::new(&wasmtime::Error::msg(format!(
                "its instances need {bytes} bytes besides their memories, which is more than its \
                 memory may take"
            ))))
        }
    }

    fn growing(&mut self, more: usize) -> bool {
        let used = self.used.saturating_add(more);
        let fits = self.limit.is_none_or(|limit| used <= limit);
        if fits {
            self.used = used;
        }
        fits
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let possible = maximum.is_none_or(|maximum| desired <= maximum);
        Ok(possible && self.growing(desired.saturating_sub(current)))
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let possible = maximum.is_none_or(|maximum| desired <= maximum);
        let more = desired.saturating_sub(current).saturating_mul(ELEMENT);
        Ok(possible && self.growing(more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Several memories share the limit, and what did not fit is not counted.
    #[test]
    fn memories_share_the_limit() {
        let mut memory = MemoryLimit::new(Some(100));
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(!memory.memory_growing(0, 60, None).unwrap());
        assert!(memory.memory_growing(0, 40, None).unwrap());
        assert!(!memory.memory_growing(60, 61, None).unwrap());
    }

    /// What the host holds shares it with memories, until it is released.
    #[test]
    fn what_is_held_shares_the_limit() {
        let mut memory = MemoryLimit::new(Some(100));
        assert!(memory.hold(60));
        assert!(!memory.memory_growing(0, 60, None).unwrap());
        memory.release(60);
        assert!(memory.memory_growing(0, 60, None).unwrap());
        assert!(!memory.hold(60));
    }

    /// Tables share it with memories.
    #[test]
    fn tables_share_the_limit() {
        let mut memory = MemoryLimit::new(Some(100 * ELEMENT));
        assert!(memory.table_growing(0, 60, None).unwrap());
        assert!(!memory.memory_growing(0, 60 * ELEMENT, None).unwrap());
        assert!(memory.memory_growing(0, 40 * ELEMENT, None).unwrap());
        assert!(!memory.table_growing(60, 61, None).unwrap());
    }

    /// A memory's own maximum holds without a limit, too.
    #[test]
    fn a_memory_keeps_its_maximum() {
        let mut memory = MemoryLimit::new(None);
        assert!(memory.memory_growing(0, 60, Some(60)).unwrap());
        assert!(!memory.memory_growing(60, 61, Some(60)).unwrap());
    }
}
