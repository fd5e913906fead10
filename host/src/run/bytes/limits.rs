//! The numbers: how much a component may be before anything else reads it.

use crate::error::ProgramError;

/// What `max_code` is unless it is set.
pub(crate) const MAX_CODE: u64 = 64 << 20;

/// Components and types that are written inside each other. Parsers call themselves for each
/// level, and programs need fewer than ten.
pub(super) const NESTING: u64 = 32;

/// Types that consist of each other, wherever they are written. wasmparser asserts that there
/// are fewer than 128.
pub(super) const TYPE_DEPTH: u64 = 64;

/// Types that one type consists of, each counted as often as it is used.
pub(super) const TYPE_SIZE: u64 = 100_000;

/// The sizes of all types, counted anew wherever one is defined, imported, exported, or
/// instantiated: each time they are compared or copied.
pub(super) const TYPE_SIZES: u64 = 1_000_000;

/// Parameters and results of a function or block of a core module.
pub(super) const SIGNATURE: u64 = 1_000;

/// Functions of components that are lifted, lowered or built in, in all instances.
pub(super) const CANONICAL_FUNCTIONS: u64 = 10_000;

/// The sizes of the types of those that are lifted or lowered. What passes between two components
/// is compiled for each function.
pub(super) const CANONICAL_TYPES: u64 = 200_000;

/// What components import, export, alias and pass on: as written, and again in all instances.
pub(super) const ITEMS: u64 = 500_000;

/// Types, imports, functions, globals, exports and segments of all core modules. wasmtime keeps
/// some hundred bytes for each, which has no more than a few in the file.
pub(super) const ENTRIES: u64 = 1_000_000;

/// Instances of components.
pub(super) const INSTANCES: u64 = 1_000;

/// Instances of core modules. wasmtime holds each store to the same number.
pub(super) const CORE_INSTANCES: u64 = 1_000;

/// Core modules.
pub(super) const MODULES: u64 = 1_000;

/// Linear memories, in all modules and in all instances. Each takes 4 GiB of addresses.
pub(super) const MEMORIES: u64 = 100;

/// Tables, in all modules and in all instances.
pub(super) const TABLES: u64 = 1_000;

/// Elements that tables have from the start, in all modules. Compiling writes them out.
pub(super) const ELEMENTS: u64 = 1_000_000;

/// Bytes that instances take besides memories and tables: globals, functions, segments.
pub(super) const INSTANCE_BYTES: u64 = 64 << 20;

/// What compiling may cost. All in proportion to `max_code`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Code {
    /// All bytes of the component, custom sections among them.
    pub(super) bytes: u64,
    /// All functions. Each costs, however short it is.
    pub(super) functions: u64,
    /// The bytes of all functions.
    pub(super) code: u64,
    /// The bytes of one function.
    pub(super) function: u64,
    /// The parameters and locals of one function.
    pub(super) locals: u64,
    /// The blocks and branches of one function.
    pub(super) blocks: u64,
    /// The values that meet at the blocks and branches of one function: at each its locals, what
    /// is on the operand stack, four for each loop around it, and for the blocks before it one for
    /// each 50.
    pub(super) meetings: u64,
    /// The work for all functions.
    pub(super) work: u64,
}

impl Code {
    pub(super) fn new(max_code: u64) -> Self {
        // In this order, so that nothing is lost to rounding and nothing overflows.
        let share = |of_default: u64| {
            let share = u128::from(max_code) * u128::from(of_default) / u128::from(MAX_CODE);
            u64::try_from(share).unwrap_or(u64::MAX).max(1)
        };
        Code {
            bytes: share(256 << 20),
            functions: share(100_000),
            code: max_code,
            function: share(1 << 20),
            locals: share(20_000),
            blocks: share(30_000),
            meetings: share(8_000_000),
            work: share(100_000_000),
        }
    }
}

/// Adds to a number that has a limit.
pub(super) fn add(
    sum: &mut u64,
    more: u64,
    limit: u64,
    what: &'static str,
) -> Result<(), ProgramError> {
    *sum = sum.saturating_add(more);
    at_most(*sum, limit, what)
}

/// Holds a number that `max_code` does not change to its limit.
pub(super) fn at_most(number: u64, limit: u64, what: &'static str) -> Result<(), ProgramError> {
    if number <= limit {
        Ok(())
    } else {
        Err(ProgramError::TooLarge {
            what,
            number,
            limit,
        })
    }
}

/// Holds a number that `max_code` sets to its limit.
pub(super) fn code(number: u64, limit: u64, what: &'static str) -> Result<(), ProgramError> {
    if number <= limit {
        Ok(())
    } else {
        Err(ProgramError::TooMuchCode {
            what,
            number,
            limit,
        })
    }
}
