//! `wasi:sockets` with what the host has to know and to decide about connections.
//!
//! wasmtime-wasi serves WASI 0.3's TCP with stream types of its own, which nobody else can look
//! into, and tells nobody when a connection ends. A stream of its own put behind them would not
//! do: wasmtime joins two streams of the host by a loop that does not end before the peer sends
//! something, so a connection that the program dropped would stay. So TCP of WASI 0.3 is served
//! here, after wasmtime-wasi's, by the same streams as `plugnet:net/ipc`. UDP is wasmtime-wasi's,
//! counted. Of WASI 0.2, whose streams cannot be counted, this decides whether there is any.

mod options;
mod tcp;
mod tcp_socket;
#[cfg(test)]
mod tests;
mod udp;
mod wasi02;

use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p3::bindings::sockets::types;
use wasmtime_wasi::p3::sockets::SocketError;

use crate::host::{Host, HostView};

/// Adds the interfaces to a linker that has them already, and lets them be replaced.
pub(crate) fn add_to_linker<T: HostView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    types::add_to_linker::<T, Sockets>(linker, T::plugnet)?;
    tcp_create_socket::add_to_linker::<T, Sockets>(linker, T::plugnet)?;
    udp_create_socket::add_to_linker::<T, Sockets>(linker, T::plugnet)?;
    Ok(())
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
