//! The resource `server`.

use super::convert::saturating;
use super::socket::Socket;
use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use crate::driver::{call, look};
use crate::node::{self, Id, ListenOptions, ListenPathOptions, ServerOptions};

/// A program's handle of a server.
pub struct Server(Id);

impl Server {
    /// A property of the server.
    fn get<T>(&self, property: impl FnOnce(&node::Server) -> T) -> Option<T> {
        look(|rules| rules.server(self.0).map(property))
    }
}

impl net::GuestServer for Server {
    fn new(options: Option<net::ServerOptions>) -> Self {
        let options = options.map(ServerOptions::from).unwrap_or_default();
        Self(call(|rules| rules.create_server(options)))
    }

    fn id(&self) -> Id {
        self.0
    }

    fn listen(
        &self,
        options: net::ListenOptions,
        callback: Option<net::Callback>,
    ) -> Result<(), types::Error> {
        let options = ListenOptions {
            port: options.port,
            host: options.host,
            backlog: options.backlog,
            callback,
        };
        Ok(call(|rules| rules.listen(self.0, options))?)
    }

    fn listen_path(
        &self,
        options: net::ListenPathOptions,
        callback: Option<net::Callback>,
    ) -> Result<(), types::Error> {
        let options = ListenPathOptions {
            path: options.path,
            backlog: options.backlog,
            readable_all: options.readable_all,
            writable_all: options.writable_all,
            callback,
        };
        Ok(call(|rules| rules.listen_path(self.0, options))?)
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
                call(|rules| rules.listen_on_server(self.0, other, callback))
            }
            net::ListenHandle::Socket(socket) => {
                let socket = socket.get::<Socket>().0;
                call(|rules| rules.listen_on_socket(self.0, socket, callback))
            }
            net::ListenHandle::Fd(fd) => {
                call(|rules| rules.listen_fd(self.0, fd, backlog, callback))
            }
        }?)
    }

    fn accept(&self) -> Option<net::Socket> {
        call(|rules| rules.accept(self.0)).map(|id| net::Socket::new(Socket(id)))
    }

    fn close(&self, callback: Option<net::Callback>) {
        call(|rules| rules.close(self.0, callback));
    }

    fn address(&self) -> Option<types::AddressInfo> {
        self.get(node::Server::address).flatten().map(Into::into)
    }

    fn path(&self) -> Option<String> {
        self.get(|server| server.path().map(str::to_owned))
            .flatten()
    }

    fn listening(&self) -> bool {
        self.get(node::Server::listening).unwrap_or_default()
    }

    fn connections(&self) -> u64 {
        self.get(node::Server::connections).unwrap_or_default() as u64
    }

    fn get_connections(&self, callback: net::Callback) {
        call(|rules| rules.get_connections(self.0, callback));
    }

    fn max_connections(&self) -> Option<u64> {
        let max = self.get(node::Server::max_connections).flatten();
        max.map(|max| max as u64)
    }

    fn set_max_connections(&self, value: Option<u64>) {
        let value = value.map(saturating);
        call(|rules| rules.set_max_connections(self.0, value));
    }

    fn ref_(&self) {
        call(|rules| rules.set_server_ref(self.0, true));
    }

    fn unref(&self) {
        call(|rules| rules.set_server_ref(self.0, false));
    }
}

impl From<net::ServerOptions> for ServerOptions {
    fn from(options: net::ServerOptions) -> Self {
        Self {
            allow_half_open: options.allow_half_open,
            pause_on_connect: options.pause_on_connect,
            high_water_mark: options.high_water_mark.map(saturating),
            keep_alive: options.keep_alive,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        call(|rules| rules.drop_server(self.0));
    }
}
