//! What a program may reach: plugnet's rules, their grammar and their decisions.
//!
//! Nothing here does I/O, waits or reads a clock. Build a [`Policy`] with a [`PolicyBuilder`], from
//! a file's text ([`Policy::from_toml`]), or both. [`Policy::decide`] answers a [`Request`], given
//! the addresses that the program got from the host's resolver ([`Resolved`]) and the time.
//!
//! ```
//! use std::time::{Duration, Instant};
//!
//! use plugnet_policy::{Policy, Request, Resolved};
//!
//! let policy = Policy::from_toml("policy.toml", r#"
//!     allow-connect = ["tcp://api.example.com:443"]
//! "#)?.into_builder().deny_connect("tcp://*:25")?.build();
//!
//! let now = Instant::now();
//! let mut resolved = Resolved::new();
//! let lookup = policy.decide(&Request::Resolve("API.example.com.".into()), &resolved, now);
//! assert!(lookup.is_allowed());
//! // The normalized name: the one to pass to the resolver.
//! assert_eq!(lookup.name().unwrap().as_str(), "api.example.com");
//!
//! // Record the resolver's answer before the program gets it.
//! resolved.answered("api.example.com", ["93.184.215.14".parse()?], now);
//! let request = Request::TcpConnect("93.184.215.14:443".parse()?);
//! assert!(policy.decide(&request, &resolved, now).is_allowed());
//!
//! let later = now + Duration::from_secs(600);
//! let decision = policy.decide(&request, &resolved, later);
//! assert!(!decision.is_allowed());
//! assert!(decision.to_string().contains("the answer is 600 seconds old"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To use it correctly:
//!
//! - Keep one [`Resolved`] per program. A lookup of one program allows nothing to another.
//! - Ask [`Request::TcpBind`] before binding and [`Request::TcpListen`] before listening: only the
//!   second sees a port that the system chose.
//! - Rules about local sockets ([`Policy::ipc_rules`]) are decided here by comparing text, which
//!   answers a question but does not guard a file system.
//! - [`Limits`] are only stored.
//!
//! `docs/policy.md` of the project has the grammar, the decision tables, and what a policy does not
//! protect against.

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
mod index;
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
mod text;

pub use address::{canonical, party};
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
pub use path::{Cover, Extent, IpcAddress, IpcKind, IpcPattern};
pub use policy::{IpcRule, Policy, PolicyBuilder};
pub use ports::Ports;
pub use quantity::{ByteSize, TimeLimit};
pub use request::Request;
pub use resolved::Resolved;
pub use rule::{Effect, Origin, Rule, Subject};
pub use special::{SpecialKind, SpecialRange};
pub use text::{is_plain, shortened, shown};
