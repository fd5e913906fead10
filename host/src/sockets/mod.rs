//! `wasi:sockets` with what the host has to know and to decide about connections.
//!
//! wasmtime-wasi serves WASI 0.3's TCP with stream types of its own, which nobody else can look
//! into, and tells nobody when a connection ends. A stream of its own put behind them would not
//! do: wasmtime joins two streams of the host by a loop that does not end before the peer sends
//! something, so a connection that the program dropped would stay. So TCP of WASI 0.3 is served
//! here, by the same streams as `plugnet:net/ipc`. UDP is wasmtime-wasi's, counted. Of WASI 0.2,
//! whose streams cannot be counted, this decides whether there is any.
//!
//! To a program TCP is what it is by wasmtime-wasi 48 (`sockets::TcpSocket` and
//! `p3::sockets::host::types::tcp` there), but for what follows:
//!
//! - `create` and `connect` are `other("EMFILE")` where wasmtime-wasi has `other` without a text,
//!   if the system has no descriptor left, and at the limits `max-sockets`, `max-connections` and
//!   `max-connections-per-peer`.
//! - A connection that is one too many is accepted and closed at once, as libuv does it
//!   (`uv__emfile_trick`); wasmtime-wasi has no such limits.
//! - When `accept` fails, `listen`'s stream goes on: at once if only that client failed, else
//!   after a pause. wasmtime-wasi's (`TcpListenStream::poll_accept`) gives the program a socket
//!   that is closed, as often as it asks.
//! - A call to `connect` that the program gives up closes the socket; wasmtime-wasi keeps it, not
//!   connected, until it is dropped (`TcpState::Connecting`).
//! - `send` and `receive` wait for the limits of bytes.
//! - On macOS an accepted socket gets all of the options that are not inherited there from what the
//!   listener has; wasmtime-wasi remembers those that were set (`NonInheritedOptions`).

mod foreign;
mod options;
#[cfg(test)]
mod parity;
mod tcp;
mod tcp_socket;
#[cfg(test)]
mod tests;
mod udp;
mod wasi02;

use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::p3::bindings::sockets::types;
use wasmtime_wasi::p3::sockets::SocketError;

pub(crate) use self::foreign::Foreign;
use crate::host::{Host, HostView};

/// Adds the interfaces to a linker that has them already, and lets them be replaced.
pub(crate) fn add_to_linker<T: HostView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Sockets>(linker, T::plugnet)?;
    wasi02::add_to_linker(linker)
}

struct Sockets;

impl HasData for Sockets {
    type Data<'a> = &'a mut Host;
}

impl types::Host for Host {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<types::ErrorCode> {
        error.downcast()
    }
}
