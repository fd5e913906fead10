//! `wasi:sockets`, with decisions, limits and records of connections.
//!
//! wasmtime-wasi implements WASI 0.3's TCP with private stream types, and does not tell when a
//! connection ends. A stream put behind them would not help: wasmtime joins two streams of the host
//! by a loop that ends only when the peer sends something, so a connection that the program dropped
//! would stay. So TCP of WASI 0.3 is implemented here, with the same streams as `plugnet:net/ipc`.
//! UDP is wasmtime-wasi's, counted. The streams of WASI 0.2 cannot be counted, so limits deny its
//! sockets.
//!
//! To a program TCP behaves as in wasmtime-wasi 48 (`sockets::TcpSocket` and
//! `p3::sockets::host::types::tcp` there), except:
//!
//! - `create` and `connect` fail with `other("EMFILE")` if the system has no descriptor left and at
//!   the limits `max-sockets`, `max-connections` and `max-connections-per-peer`; wasmtime-wasi has
//!   `other` without a text.
//! - A connection beyond a limit is accepted and closed at once, as in libuv (`uv__emfile_trick`);
//!   wasmtime-wasi has no such limits.
//! - When `accept` fails, `listen`'s stream continues: at once if only that client failed, else
//!   after a pause. wasmtime-wasi (`TcpListenStream::poll_accept`) returns closed sockets, as often
//!   as the program reads.
//! - Cancelling `connect` closes the socket; wasmtime-wasi keeps it, unconnected, until it is
//!   dropped (`TcpState::Connecting`).
//! - `send` and `receive` wait for the limits of bytes.
//! - On macOS an accepted socket gets all options of the listener that are not inherited there;
//!   wasmtime-wasi remembers those that were set (`NonInheritedOptions`).

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

use std::net::SocketAddr;

use plugnet_policy::Request;
use wasmtime::component::Linker;
use wasmtime_wasi::p3::bindings::sockets::types;
use wasmtime_wasi::p3::sockets::SocketError;
use wasmtime_wasi::sockets::SocketAddrUse;

pub(crate) use self::foreign::Foreign;
use crate::wasi::{HasWasi, View, WasiState};

/// Adds the interfaces to a linker that has them already, and allows shadowing.
pub(crate) fn add_to_linker<T: View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    types::add_to_linker::<T, HasWasi>(linker, T::wasi)?;
    wasi02::add_to_linker(linker)
}

/// The policy's request for what wasmtime-wasi asks.
pub(crate) fn request(address: SocketAddr, reason: SocketAddrUse) -> Request {
    match reason {
        SocketAddrUse::TcpBind => Request::TcpBind(address),
        SocketAddrUse::TcpListen => Request::TcpListen(address),
        SocketAddrUse::TcpAccept => Request::TcpAccept(address),
        SocketAddrUse::TcpConnect => Request::TcpConnect(address),
        SocketAddrUse::UdpBind => Request::UdpBind(address),
        SocketAddrUse::UdpSend => Request::UdpSend(address),
        SocketAddrUse::UdpReceive => Request::UdpReceive(address),
    }
}

impl types::Host for WasiState<'_> {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<types::ErrorCode> {
        error.downcast()
    }
}
