//! The WIT exports: each is a call of the core.

mod block_list;
mod convert;
mod server;
mod socket;

use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::{streams, turn, types};
use crate::bindings::wit_stream;
use crate::state::{call, with};
use crate::transport::{accept_more, streaming};
use crate::wait;
use block_list::{BlockList, SocketAddress};
use plugnet_core::{ConnectRequest, ip};
use server::Server;
use socket::Socket;
use std::net::SocketAddr;
use wit_bindgen::StreamReader;

/// The contract's types.
mod contract {
    pub use crate::bindings::exports::plugnet::net::{net, types};
}

/// An IP address as it is shown. A component cannot look up the name of a zone.
fn shown(address: &SocketAddr) -> String {
    address.ip().to_string()
}

struct Component;

impl net::Guest for Component {
    type Server = Server;
    type Socket = Socket;
    type BlockList = BlockList;
    type SocketAddress = SocketAddress;

    fn is_ip(input: String) -> u8 {
        ip::is_ip(&input)
    }

    fn is_ipv4(input: String) -> bool {
        ip::is_ipv4(&input)
    }

    fn is_ipv6(input: String) -> bool {
        ip::is_ipv6(&input)
    }

    fn create_server(options: Option<net::ServerOptions>) -> net::Server {
        net::Server::new(<Server as net::GuestServer>::new(options))
    }

    fn connect(port: u16, host: Option<String>) -> net::Socket {
        let socket = <Socket as net::GuestSocket>::new(None);
        // Node's defaults are all valid.
        let _ = socket.connect_to(ConnectRequest {
            port,
            host,
            ..ConnectRequest::default()
        });
        net::Socket::new(socket)
    }

    fn connect_path(path: String) -> Result<net::Socket, types::Error> {
        let socket = <Socket as net::GuestSocket>::new(None);
        net::GuestSocket::connect_path(&socket, path, None)?;
        Ok(net::Socket::new(socket))
    }

    fn create_connection(
        socket: Option<net::SocketOptions>,
        options: net::ConnectOptions,
        callback: Option<net::Callback>,
    ) -> Result<net::Socket, types::Error> {
        let socket = <Socket as net::GuestSocket>::new(socket);
        net::GuestSocket::connect(&socket, options, callback)?;
        Ok(net::Socket::new(socket))
    }

    fn get_default_auto_select_family() -> bool {
        with(|driver| driver.selection().auto_select_family)
    }

    fn set_default_auto_select_family(value: bool) {
        call(|driver| driver.set_auto_select_family(value));
    }

    fn get_default_auto_select_family_attempt_timeout() -> u32 {
        with(|driver| driver.selection().attempt_timeout)
    }

    fn set_default_auto_select_family_attempt_timeout(
        milliseconds: u32,
    ) -> Result<(), types::Error> {
        Ok(call(|driver| driver.set_attempt_timeout(milliseconds))?)
    }

    fn next() -> Option<net::Event> {
        loop {
            let event = call(|driver| {
                let event = driver.next();
                if driver.keeps_writes() {
                    // They go out if the program waits for something else than an event.
                    driver.transport_mut().wake_driver();
                }
                event
            });
            if event.is_some() || !accept_more() {
                return event.map(net::Event::from);
            }
        }
    }
}

impl turn::Guest for Component {
    async fn wait() -> Result<bool, types::Error> {
        Ok(wait::wait().await?)
    }
}

impl streams::Guest for Component {
    fn streams(
        socket: streams::SocketBorrow<'_>,
        outgoing: StreamReader<u8>,
    ) -> Result<StreamReader<u8>, types::Error> {
        let id = socket.get::<Socket>().0;
        let generation = call(|driver| driver.socket_mut(id).stream())?;
        let (writer, incoming) = wit_stream::new();
        streaming::stream(id, generation, outgoing, writer);
        Ok(incoming)
    }

    fn take_streams(
        socket: streams::SocketBorrow<'_>,
        outgoing: StreamReader<u8>,
    ) -> Result<StreamReader<u8>, types::Error> {
        let id = socket.get::<Socket>().0;
        Ok(streaming::take(id, outgoing)?)
    }
}

crate::bindings::export!(Component with_types_in crate::bindings);
