//! What a run may have at most. A limit counts and refuses; it reports to nobody.

pub(crate) mod memory;
pub(crate) mod permits;
pub(crate) mod rate;

pub(crate) use self::memory::MemoryLimit;
pub use self::permits::ConnectionLimit;
pub(crate) use self::permits::{Permit, Permits, Place};
