//! A program reaches what it was granted, and nothing else.
//!
//! Tables of attacks, by topic. Each attack is tried by a component over every interface that can
//! be used for it, and stands next to what is closest to it and should pass under the same
//! policy. What an attack must not reach are real sockets, which count who comes.
//!
//! Everything is on the loopback. Where an attack names another address, it is one that the
//! policy has to deny, so that nothing is sent.

mod accept;
#[cfg(target_os = "linux")]
mod check;
mod connect;
mod listen;
#[cfg(unix)]
mod local;
mod names;
mod sequences;
mod table;
mod targets;
mod udp;
