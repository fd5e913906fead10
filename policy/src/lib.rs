//! What a program may reach: plugnet's rules, their grammar and their decisions.
//!
//! Nothing here does I/O, waits or reads a clock. A [`Policy`] is put together by a
//! [`PolicyBuilder`], from a file's text ([`Policy::from_toml`]) or both; [`Policy::decide`]
//! answers a [`Request`], given what the program got from the host's resolver ([`Resolved`])
//! and the time.
//!
//! `docs/policy.md` of the project has the grammar, the decision table, and what a policy does
//! not protect against.

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![warn(missing_debug_implementations)]

mod address;
mod check;
mod decide;
mod decision;
mod entry;
mod entry_error;
mod file;
mod host;
mod limits;
mod name;
mod path;
mod policy;
mod ports;
mod quantity;
mod request;
mod resolved;
mod rule;
mod special;

pub use address::canonical;
pub use check::{Check, Question};
pub use decision::{Decision, Reason};
pub use entry::{
    AcceptEntry, ConnectEntry, Endpoint, IpcEntry, ListenEntry, ResolveEntry, Transport,
};
pub use entry_error::EntryError;
pub use file::{FileError, FileProblem};
pub use host::Host;
pub use limits::Limits;
pub use name::{Name, NameError};
pub use path::{IpcAddress, IpcPattern, Mapping};
pub use policy::{IpcRule, Policy, PolicyBuilder};
pub use ports::Ports;
pub use quantity::{ByteSize, TimeLimit};
pub use request::Request;
pub use resolved::Resolved;
pub use rule::{Effect, Origin, Rule, Subject};
pub use special::{SpecialKind, SpecialRange};
