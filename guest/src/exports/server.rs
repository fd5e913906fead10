//! The resource `server`.

use super::block_list::BlockList;
use super::convert::saturating;
use super::socket::Socket;
use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use crate::state::{call, with};
use plugnet_core::{self as core, ListenOptions, ListenPathOptions, ServerId, ServerOptions};

/// A program's handle of a server.
pub struct Server(ServerId);

impl Server {
    /// A property of the server.
    fn get<T>(&self, property: impl FnOnce(&core::Server) -> T) -> Option<T> {
        with(|driver| driver.server(self.0).map(property))
    }
}

impl net::GuestServer for Server {
    fn new(options: Option<net::ServerOptions>) -> Self {
        let options = options.map(ServerOptions::from).unwrap_or_default();
        Self(call(|driver| driver.create_server(options)))
    }

    fn id(&self) -> net::Id {
        self.0.0
    }

    fn listen(
        &self,
        options: net::ListenOptions,
        callback: Option<net::Callback>,
    ) -> Result<(), types::Error> {
        let options = ListenOptions {
            callback,
            ..options.into()
        };
        Ok(call(|driver| driver.server_mut(self.0).listen(options))?)
    }

    fn listen_path(
        &self,
        options: net::ListenPathOptions,
        callback: Option<net::Callback>,
    ) -> Result<(), types::Error> {
        let options = ListenPathOptions {
            callback,
            ..options.into()
        };
        Ok(call(|driver| {
            driver.server_mut(self.0).listen_path(options)
        })?)
    }

    fn listen_handle(
        &self,
        handle: net::ListenHandle,
        backlog: Option<u32>,
        callback: Option<net::Callback>,
    ) -> Result<(), types::Error> {
        Ok(match handle {
            net::ListenHandle::Server(other) => {
                let other = other.get::<Self>().0;
                call(|driver| driver.server_mut(self.0).listen_on_server(other, callback))
            }
            net::ListenHandle::Socket(socket) => {
                let socket = socket.get::<Socket>().0;
                call(|driver| driver.server_mut(self.0).listen_on_socket(socket, callback))
            }
            net::ListenHandle::Fd(fd) => {
                call(|driver| driver.server_mut(self.0).listen_fd(fd, backlog, callback))
            }
        }?)
    }

    fn accept(&self) -> Option<net::Socket> {
        call(|driver| driver.server_mut(self.0).accept()).map(|id| net::Socket::new(Socket(id)))
    }

    fn close(&self, callback: Option<net::Callback>) {
        call(|driver| driver.server_mut(self.0).close(callback));
    }

    fn address(&self) -> Option<types::AddressInfo> {
        self.get(core::Server::address).flatten().map(Into::into)
    }

    fn path(&self) -> Option<String> {
        self.get(|server| server.path().map(str::to_owned))
            .flatten()
    }

    fn listening(&self) -> bool {
        self.get(core::Server::listening).unwrap_or_default()
    }

    fn connections(&self) -> u64 {
        self.get(core::Server::connections).unwrap_or_default() as u64
    }

    fn get_connections(&self, callback: net::Callback) {
        call(|driver| driver.server_mut(self.0).get_connections(callback));
    }

    fn max_connections(&self) -> Option<u64> {
        let max = self.get(core::Server::max_connections).flatten();
        max.map(|max| max as u64)
    }

    fn set_max_connections(&self, value: Option<u64>) {
        let value = value.map(saturating);
        call(|driver| driver.server_mut(self.0).set_max_connections(value));
    }

    fn set_block_list(&self, block_list: net::BlockListBorrow<'_>) {
        let block_list = block_list.get::<BlockList>().shared();
        call(|driver| driver.server_mut(self.0).set_block_list(block_list));
    }

    fn ref_(&self) {
        call(|driver| driver.server_mut(self.0).set_ref(true));
    }

    fn unref(&self) {
        call(|driver| driver.server_mut(self.0).set_ref(false));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        call(|driver| driver.server_mut(self.0).drop_handle());
    }
}
