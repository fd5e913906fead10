//! The limit of a program's memory.

use wasmtime::ResourceLimiter;

/// Counts the linear memories of a store, all together, and holds them below a limit.
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

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        let fits = maximum.is_none_or(|maximum| desired <= maximum)
            && self.limit.is_none_or(|limit| used <= limit);
        if fits {
            self.used = used;
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
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

    /// A memory's own maximum holds without a limit, too.
    #[test]
    fn a_memory_keeps_its_maximum() {
        let mut memory = MemoryLimit::new(None);
        assert!(memory.memory_growing(0, 60, Some(60)).unwrap());
        assert!(!memory.memory_growing(60, 61, Some(60)).unwrap());
    }
}
