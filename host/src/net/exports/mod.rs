//! The interfaces: each function is a call of the core.

mod block_list;
#[path = "../../../../guest/src/exports/convert.rs"]
mod convert;
mod server;
mod socket;

use plugnet_core::{ConnectRequest, ip};
use std::future::poll_fn;
use std::time::{Duration, Instant};
use wasmtime::component::{Access, Accessor, HasData, Resource, StreamReader};
use wasmtime::{Error as Trap, Result};

use super::bindings::plugnet::net::{blocking, streams, turn};
use super::streaming;
use super::zone::shown;
use crate::net::{NetState, View};

pub use self::block_list::{BlockList, SocketAddress};
pub(super) use self::socket::add_write_to_linker;

/// The contract's types.
mod contract {
    pub use super::super::bindings::plugnet::net::{net, types};
}

use self::contract::{net, types};

/// A program's handle of a server: its number is that of the server's id.
#[derive(Debug)]
pub enum Server {}

/// A program's handle of a socket: its number is that of the socket's id.
#[derive(Debug)]
pub enum Socket {}

/// What the contract's functions are called on.
pub(crate) struct HasNet;

impl HasData for HasNet {
    type Data<'a> = NetState<'a>;
}

/// wasmtime gives out no other numbers.
fn unknown() -> Trap {
    Trap::msg("an unknown handle")
}

/// The number of a new handle: 32 bits, as in the component model.
fn number(number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| Trap::msg("too many handles"))
}

impl types::Host for NetState<'_> {}

impl net::Host for NetState<'_> {
    fn is_ip(&mut self, input: String) -> Result<u8> {
        Ok(ip::is_ip(&input))
    }

    fn is_ipv4(&mut self, input: String) -> Result<bool> {
        Ok(ip::is_ipv4(&input))
    }

    fn is_ipv6(&mut self, input: String) -> Result<bool> {
        Ok(ip::is_ipv6(&input))
    }

    fn create_server(&mut self, options: Option<net::ServerOptions>) -> Result<Resource<Server>> {
        net::HostServer::new(self, options)
    }

    fn connect(&mut self, port: u16, host: Option<String>) -> Result<Resource<Socket>> {
        let socket = net::HostSocket::new(self, None)?;
        let id = self.socket(&socket)?;
        // Node's defaults are all valid.
        let _ = self.net.call(|driver| {
            driver.socket_mut(id).connect(ConnectRequest {
                port,
                host,
                ..ConnectRequest::default()
            })
        });
        Ok(socket)
    }

    fn connect_path(
        &mut self,
        path: String,
    ) -> Result<std::result::Result<Resource<Socket>, types::Error>> {
        let socket = net::HostSocket::new(self, None)?;
        let id = self.socket(&socket)?;
        let connected = self
            .net
            .call(|driver| driver.socket_mut(id).connect_path(path, None));
        self.connected(socket, connected)
    }

    fn create_connection(
        &mut self,
        options: Option<net::SocketOptions>,
        connect: net::ConnectOptions,
        callback: Option<net::Callback>,
    ) -> Result<std::result::Result<Resource<Socket>, types::Error>> {
        let socket = net::HostSocket::new(self, options)?;
        let id = self.socket(&socket)?;
        let connected = self.connect(id, connect, callback);
        self.connected(socket, connected)
    }

    fn get_default_auto_select_family(&mut self) -> Result<bool> {
        Ok(self.net.driver().selection().auto_select_family)
    }

    fn set_default_auto_select_family(&mut self, value: bool) -> Result<()> {
        self.net.call(|driver| driver.set_auto_select_family(value));
        Ok(())
    }

    fn get_default_auto_select_family_attempt_timeout(&mut self) -> Result<u32> {
        Ok(self.net.driver().selection().attempt_timeout)
    }

    fn set_default_auto_select_family_attempt_timeout(
        &mut self,
        milliseconds: u32,
    ) -> Result<std::result::Result<(), types::Error>> {
        let set = self
            .net
            .call(|driver| driver.set_attempt_timeout(milliseconds));
        Ok(set.map_err(Into::into))
    }

    fn next(&mut self) -> Result<Option<net::Event>> {
        self.net.take_departed();
        let event = self.net.call(|driver| driver.next());
        let received = self.net.driver().transport_mut().take_received();
        self.hold(received)?;
        Ok(event.map(net::Event::from))
    }
}

impl NetState<'_> {
    /// A socket that connects, or none.
    fn connected(
        &mut self,
        socket: Resource<Socket>,
        connected: std::result::Result<(), plugnet_core::Error>,
    ) -> Result<std::result::Result<Resource<Socket>, types::Error>> {
        match connected {
            Ok(()) => Ok(Ok(socket)),
            Err(error) => {
                net::HostSocket::drop(self, socket)?;
                Ok(Err(error.into()))
            }
        }
    }

    /// Begins to wait. The error is `EALREADY`.
    fn begin_to_wait(&mut self) -> std::result::Result<(), types::Error> {
        if self.net.begin_to_wait() {
            Ok(())
        } else {
            Err(plugnet_core::Error::already_waiting().into())
        }
    }
}

/// Marks the time of a call of `wait`, also if it is cancelled.
struct Waits<'a, T: View>(&'a Accessor<T, HasNet>);

impl<T: View> Drop for Waits<'_, T> {
    fn drop(&mut self) {
        self.0.with(|mut access| access.get().net.end_waiting());
    }
}

impl turn::Host for NetState<'_> {}

impl<T: View> turn::HostWithStore<T> for HasNet {
    async fn wait(accessor: &Accessor<T, Self>) -> Result<std::result::Result<bool, types::Error>> {
        if let Err(error) = accessor.with(|mut access| access.get().begin_to_wait()) {
            return Ok(Err(error));
        }
        let _waits = Waits(accessor);
        let outcome =
            poll_fn(|cx| accessor.with(|mut access| access.get().net.poll_wait(cx, None)));
        Ok(Ok(outcome.await))
    }
}

impl blocking::Host for NetState<'_> {
    async fn wait(
        &mut self,
        timeout: Option<u64>,
    ) -> Result<std::result::Result<bool, types::Error>> {
        if let Err(error) = self.begin_to_wait() {
            return Ok(Err(error));
        }
        // Longer than anything lives.
        let longest = Duration::from_secs(u64::from(u32::MAX));
        let until = timeout.map(|timeout| {
            let timeout = Duration::from_millis(timeout).min(longest);
            Instant::now() + timeout
        });
        let outcome = poll_fn(|cx| self.net.poll_wait(cx, until)).await;
        self.net.end_waiting();
        Ok(Ok(outcome))
    }
}

impl streams::Host for NetState<'_> {}

impl<T: View> streams::HostWithStore<T> for HasNet {
    fn streams(
        mut access: Access<'_, T, Self>,
        socket: Resource<Socket>,
        outgoing: StreamReader<u8>,
    ) -> Result<std::result::Result<StreamReader<u8>, types::Error>> {
        let state = access.getter();
        let id = access.get().socket(&socket)?;
        let stream = streaming::stream(access, state, id, outgoing)?;
        Ok(stream.map_err(Into::into))
    }

    fn take_streams(
        mut access: Access<'_, T, Self>,
        socket: Resource<Socket>,
        outgoing: StreamReader<u8>,
    ) -> Result<std::result::Result<StreamReader<u8>, types::Error>> {
        let state = access.getter();
        let id = access.get().socket(&socket)?;
        let stream = streaming::take(access, state, id, outgoing)?;
        Ok(stream.map_err(Into::into))
    }
}
