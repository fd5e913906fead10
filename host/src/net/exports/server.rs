//! The resource `server`.

use plugnet_core::{ListenOptions, ListenPathOptions, ServerId, ServerMut};
use wasmtime::Result;
use wasmtime::component::Resource;

use super::convert::saturating;
use super::{BlockList, Server, Socket, contract, number, unknown};
use crate::net::NetState;
use crate::net::held::CALL;
use crate::net::transport::Sockets;
use contract::{net, types};

/// What a server takes.
const SERVER: usize = CALL + size_of::<plugnet_core::Server>();

type Fallible<T> = Result<std::result::Result<T, types::Error>>;

impl NetState<'_> {
    /// The server of a handle.
    fn server(&self, server: &Resource<Server>) -> Result<ServerId> {
        let handles = &self.net.server_handles;
        handles
            .get(server.rep() as usize)
            .copied()
            .ok_or_else(unknown)
    }

    /// A property of the server.
    fn of_server<T>(
        &self,
        server: &Resource<Server>,
        property: impl FnOnce(&plugnet_core::Server) -> T,
    ) -> Result<Option<T>> {
        Ok(self.net.driver.server(self.server(server)?).map(property))
    }

    /// Calls a method of the server.
    fn on_server<T>(
        &mut self,
        server: &Resource<Server>,
        method: impl FnOnce(ServerMut<'_, Sockets>) -> T,
    ) -> Result<T> {
        let id = self.server(server)?;
        self.hold(CALL)?;
        Ok(self.net.call(|driver| method(driver.server_mut(id))))
    }
}

impl net::HostServer for NetState<'_> {
    fn new(&mut self, options: Option<net::ServerOptions>) -> Result<Resource<Server>> {
        let options = options.map(Into::into).unwrap_or_default();
        self.hold(SERVER)?;
        let id = self.net.call(|driver| driver.create_server(options));
        let handle = self.net.server_handles.insert(id);
        Ok(Resource::new_own(number(handle)?))
    }

    fn id(&mut self, server: Resource<Server>) -> Result<net::Id> {
        Ok(self.server(&server)?.0)
    }

    fn listen(
        &mut self,
        server: Resource<Server>,
        options: net::ListenOptions,
        callback: Option<net::Callback>,
    ) -> Fallible<()> {
        let options = ListenOptions {
            callback,
            ..options.into()
        };
        let listens = self.on_server(&server, |server| server.listen(options))?;
        Ok(listens.map_err(Into::into))
    }

    fn listen_path(
        &mut self,
        server: Resource<Server>,
        options: net::ListenPathOptions,
        callback: Option<net::Callback>,
    ) -> Fallible<()> {
        let options = ListenPathOptions {
            callback,
            ..options.into()
        };
        let listens = self.on_server(&server, |server| server.listen_path(options))?;
        Ok(listens.map_err(Into::into))
    }

    fn listen_handle(
        &mut self,
        server: Resource<Server>,
        handle: net::ListenHandle,
        backlog: Option<u32>,
        callback: Option<net::Callback>,
    ) -> Fallible<()> {
        let listens = match handle {
            net::ListenHandle::Server(other) => {
                let other = self.server(&other)?;
                self.on_server(&server, |server| server.listen_on_server(other, callback))
            }
            net::ListenHandle::Socket(socket) => {
                let socket = self.socket(&socket)?;
                self.on_server(&server, |server| server.listen_on_socket(socket, callback))
            }
            net::ListenHandle::Fd(fd) => {
                self.on_server(&server, |server| server.listen_fd(fd, backlog, callback))
            }
        }?;
        Ok(listens.map_err(Into::into))
    }

    fn accept(&mut self, server: Resource<Server>) -> Result<Option<Resource<Socket>>> {
        let accepted = self.on_server(&server, |server| server.accept())?;
        accepted.map(|id| self.handle(id)).transpose()
    }

    fn close(&mut self, server: Resource<Server>, callback: Option<net::Callback>) -> Result<()> {
        self.on_server(&server, |server| server.close(callback))
    }

    fn address(&mut self, server: Resource<Server>) -> Result<Option<types::AddressInfo>> {
        let address = self.of_server(&server, plugnet_core::Server::address)?;
        Ok(address.flatten().map(Into::into))
    }

    fn path(&mut self, server: Resource<Server>) -> Result<Option<String>> {
        let path = self.of_server(&server, |server| server.path().map(str::to_owned))?;
        Ok(path.flatten())
    }

    fn listening(&mut self, server: Resource<Server>) -> Result<bool> {
        let listening = self.of_server(&server, plugnet_core::Server::listening)?;
        Ok(listening.unwrap_or_default())
    }

    fn connections(&mut self, server: Resource<Server>) -> Result<u64> {
        let connections = self.of_server(&server, plugnet_core::Server::connections)?;
        Ok(connections.unwrap_or_default() as u64)
    }

    fn get_connections(&mut self, server: Resource<Server>, callback: net::Callback) -> Result<()> {
        self.on_server(&server, |server| server.get_connections(callback))
    }

    fn max_connections(&mut self, server: Resource<Server>) -> Result<Option<u64>> {
        let max = self.of_server(&server, plugnet_core::Server::max_connections)?;
        Ok(max.flatten().map(|max| max as u64))
    }

    fn set_max_connections(&mut self, server: Resource<Server>, value: Option<u64>) -> Result<()> {
        let value = value.map(saturating);
        self.on_server(&server, |server| server.set_max_connections(value))
    }

    fn set_block_list(
        &mut self,
        server: Resource<Server>,
        block_list: Resource<BlockList>,
    ) -> Result<()> {
        let block_list = self.block_list(&block_list)?;
        self.on_server(&server, |server| server.set_block_list(block_list))
    }

    fn ref_(&mut self, server: Resource<Server>) -> Result<()> {
        self.on_server(&server, |server| server.set_ref(true))
    }

    fn unref(&mut self, server: Resource<Server>) -> Result<()> {
        self.on_server(&server, |server| server.set_ref(false))
    }

    fn drop(&mut self, server: Resource<Server>) -> Result<()> {
        self.on_server(&server, |server| server.drop_handle())?;
        self.net.server_handles.try_remove(server.rep() as usize);
        Ok(())
    }
}
