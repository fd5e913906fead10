//! Runs WebAssembly components that use Node.js's `net`, on wasmtime.
//!
//! A program imports the WIT interfaces `plugnet:net/net`, `turn` and `streams`, or `blocking`. On
//! Linux this crate provides them, beside WASI 0.2 and 0.3. On other systems, and with
//! [`RuntimeOptions::composed`], it puts the component that implements them ([`NET_COMPONENT`]) into
//! the program, and provides `plugnet:net/ipc` to it: UNIX domain sockets, named pipes, and
//! inherited descriptors. The command `plugnet` is a thin layer on top.
//!
//! ```no_run
//! use plugnet_host::{RunOptions, Runtime, RuntimeOptions};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::new(RuntimeOptions::default())?;
//! let program = runtime.load(&std::fs::read("app.wasm")?)?;
//! let options = RunOptions::new()
//!     .args(["app", "8124"])
//!     .inherit_stdio()
//!     .allow_net(true);
//! let exit = program.run(options).await?;
//! println!("it ended with {}", exit.0);
//! # Ok(())
//! # }
//! ```
//!
//! # What a program may do
//!
//! Nothing that [`RunOptions`] does not grant: it starts without arguments, environment variables,
//! directories, network and local sockets, with an empty standard input and outputs that are
//! discarded. What is not granted fails with `access-denied` (`EACCES`), and
//! [`RunOptions::on_denied`] is called.
//!
//! # Many programs, and your own store
//!
//! There is no global state: a process may run any number of programs at once, on one [`Runtime`]
//! or several, each under the policy of its own [`RunOptions`]. See the example `plugins`.
//! Embedders with an engine and a linker put a [`Host`] into their store's state and call
//! [`add_to_linker`].
//!
//! # Cancel safety
//!
//! Dropping the future of [`Program::run`] ends the program at once, wherever it is: its memory is
//! freed, its sockets and files are closed, and the paths that it listened at are removed. The
//! [`Program`] can be run again. Data that the system had already accepted from it still goes out.
//!
//! A program that computes without waiting yields to the executor about every ten milliseconds, so
//! time limits such as `tokio::time::timeout` work, unless it is
//! [uninterruptible](RuntimeOptions::uninterruptible). Slow file operations and lookups run on
//! tokio's blocking threads and finish there; a program has at most four lookups at a time.
//!
//! Each run has limits of its own: programs in one process do not share them. The default of
//! `max-sockets` is 1,024.
//!
//! # Panics and runtimes
//!
//! [`Program::run`] has to be polled within a tokio runtime that has its I/O and time drivers
//! enabled. No input makes this crate panic: bad bytes are [`Error::Program`], and a program
//! that traps is [`Error::Trap`]. A library that panics nevertheless, in [`compose()`],
//! [`Runtime::load`] or a call of the program's, is [`Error::Panic`]; that needs `panic =
//! "unwind"`, the default.
//!
//! # Programs of strangers
//!
//! A component is held to limits before any parser reads it: nested types and instances that
//! multiply cost nothing. Compiling costs up to what [`RuntimeOptions::max_code`] allows, and
//! cannot be stopped within a process. Who takes programs from strangers compiles them once,
//! ahead, in a process of its own that the system limits (`plugnet compile --interruptible`), and
//! loads what came of it by [`Runtime::load_compiled`].
//!
//! # Stability
//!
//! Below 1.0 a minor version may break the API. wasmtime-wasi's traits for standard streams and
//! wasmtime's linker are part of it and are re-exported as [`wasmtime_wasi`] and [`mod@wasmtime`];
//! no other dependency is. A new major version of them, one each month, is therefore a breaking
//! change of this crate. The text of error messages and the bytes of [`NET_COMPONENT`] are not part
//! of the API. The minimum Rust version is wasmtime's.

#![deny(missing_docs)]
#![warn(missing_debug_implementations)]

mod door;
mod error;
mod guard;
mod ipc;
mod limits;
#[cfg(target_os = "linux")]
mod net;
mod observe;
mod run;
mod transfer;
mod wasi;

pub use error::{Error, ProgramError, Trap};
pub use guard::{Access, Denial};
pub use limits::ConnectionLimit;
pub use observe::{Direction, Event, Stats, Totals};
pub use plugnet_ipc::{DescriptorError, Descriptors, GrantError, SocketFiles};
pub use plugnet_policy as policy;
pub use plugnet_policy::IpcPattern;
pub use run::{
    Exit, Host, HostView, Program, RunOptions, Runtime, RuntimeOptions, add_to_linker, check_code,
    compose, compose_without_ipc,
};
pub use wasmtime;
pub use wasmtime_wasi;

/// The component that implements `plugnet:net/net`, `turn` and `streams` over `wasi:sockets`,
/// `wasi:clocks` and `plugnet:net/ipc`.
pub const NET_COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/net.wasm"));

/// The WIT package `plugnet:net` and its dependencies, as one text.
pub const WIT: &str = include_str!(concat!(env!("OUT_DIR"), "/plugnet.wit"));
