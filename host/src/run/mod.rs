//! Loads programs and runs them.

mod bytes;
mod cache;
mod caught;
mod compiled;
mod component;
mod compose;
mod directory;
mod epoch;
pub(crate) mod host;
#[cfg(feature = "js")]
mod javascript;
pub(crate) mod options;
mod program;
mod runtime;

pub use self::bytes::check_code;
pub use self::compose::{compose, compose_without_ipc};
pub use self::host::{Host, HostView, add_to_linker};
pub use self::options::RunOptions;
pub use self::program::{Exit, Program};
pub use self::runtime::{Runtime, RuntimeOptions};
