//! The resource `socket`.

use plugnet_core::{ConnectRequest, Encoding, ReadyState, SocketId, SocketMut};
use wasmtime::component::{Linker, Resource, WasmList};
use wasmtime::{Result, StoreContextMut};

use super::convert::saturating;
use super::{BlockList, Socket, contract, number, unknown};
use crate::net::held::CALL;
use crate::net::transport::Sockets;
use crate::net::{NetState, View};
use contract::{net, types};

/// What a socket takes.
const SOCKET: usize = CALL + size_of::<plugnet_core::Socket>();

type Fallible<T> = Result<std::result::Result<T, types::Error>>;

impl NetState<'_> {
    /// The socket of a handle.
    pub(super) fn socket(&self, socket: &Resource<Socket>) -> Result<SocketId> {
        let handles = &self.net.socket_handles;
        handles
            .get(socket.rep() as usize)
            .copied()
            .ok_or_else(unknown)
    }

    /// A new handle of a socket.
    pub(super) fn handle(&mut self, id: SocketId) -> Result<Resource<Socket>> {
        let handle = self.net.socket_handles.insert(id);
        Ok(Resource::new_own(number(handle)?))
    }

    /// A property of the socket.
    fn of_socket<T>(
        &self,
        socket: &Resource<Socket>,
        property: impl FnOnce(&plugnet_core::Socket) -> T,
    ) -> Result<Option<T>> {
        Ok(self.net.driver.socket(self.socket(socket)?).map(property))
    }

    /// Calls a method of the socket.
    fn on_socket<T>(
        &mut self,
        socket: &Resource<Socket>,
        method: impl FnOnce(SocketMut<'_, Sockets>) -> T,
    ) -> Result<T> {
        let id = self.socket(socket)?;
        self.hold(CALL)?;
        Ok(self.net.call(|driver| method(driver.socket_mut(id))))
    }

    /// Calls a method of the socket that sends so many bytes. A program that writes more than the host
    /// holds for it loses the socket: ENOBUFS.
    fn send<T: Default>(
        &mut self,
        socket: &Resource<Socket>,
        bytes: usize,
        method: impl FnOnce(SocketMut<'_, Sockets>) -> T,
    ) -> Result<T> {
        if self.has_room(bytes) {
            return self.on_socket(socket, method);
        }
        let id = self.socket(socket)?;
        let error = Some(plugnet_core::Error::no_room());
        self.net.call(|driver| driver.socket_mut(id).destroy(error));
        self.hold(CALL)?;
        Ok(T::default())
    }

    /// `socket.connect()`.
    pub(super) fn connect(
        &mut self,
        id: SocketId,
        options: net::ConnectOptions,
        callback: Option<net::Callback>,
    ) -> std::result::Result<(), plugnet_core::Error> {
        let request = ConnectRequest {
            callback,
            ..options.into()
        };
        self.net
            .call(|driver| driver.socket_mut(id).connect(request))
    }
}

/// From this size on it is worth asking whether a write can be sent from the program's memory.
const LARGE: usize = 16 * 1024;

/// Replaces `socket.write`: what fills the socket's buffer is sent from the program's memory, and
/// only what the system does not take is copied. The generated binding copies all of it.
pub(crate) fn add_write_to_linker<T: View>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    linker.instance("plugnet:net/net@0.1.0")?.func_wrap(
        "[method]socket.write",
        |mut store: StoreContextMut<'_, T>,
         (socket, data, callback): (Resource<Socket>, WasmList<u8>, Option<net::Callback>)| {
            let state = store.data_mut().net();
            let id = state.socket(&socket)?;
            let ahead = (data.len() >= LARGE).then(|| state.net.ahead(id, data.len()));
            let ahead = ahead.flatten();
            let bytes = data.as_le_slice(&store);
            let sent = ahead.map(|ahead| ahead.send(bytes));
            let rest = bytes[sent.and_then(Result::ok).unwrap_or(0)..].to_vec();
            let mut state = store.data_mut().net();
            let sent = sent.map_or(0, |sent| state.net.sent_ahead(id, sent));
            let room = rest.len();
            let written = state.send(&socket, room, |socket| {
                socket.write_ahead(sent, rest, callback)
            })?;
            Ok((written,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

impl net::HostSocket for NetState<'_> {
    fn new(&mut self, options: Option<net::SocketOptions>) -> Result<Resource<Socket>> {
        let options = options.map(Into::into).unwrap_or_default();
        self.hold(SOCKET)?;
        let id = self.net.call(|driver| driver.create_socket(options));
        self.handle(id)
    }

    fn from_fd(
        &mut self,
        fd: u32,
        options: Option<net::SocketOptions>,
    ) -> Fallible<Resource<Socket>> {
        let options = options.map(Into::into).unwrap_or_default();
        match self.net.call(|driver| driver.adopt(fd, options)) {
            Ok(id) => Ok(Ok(self.handle(id)?)),
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn id(&mut self, socket: Resource<Socket>) -> Result<net::Id> {
        Ok(self.socket(&socket)?.0)
    }

    fn connect(
        &mut self,
        socket: Resource<Socket>,
        options: net::ConnectOptions,
        callback: Option<net::Callback>,
    ) -> Fallible<()> {
        let id = self.socket(&socket)?;
        Ok(NetState::connect(self, id, options, callback).map_err(Into::into))
    }

    fn connect_path(
        &mut self,
        socket: Resource<Socket>,
        path: String,
        callback: Option<net::Callback>,
    ) -> Fallible<()> {
        let connects = self.on_socket(&socket, |socket| socket.connect_path(path, callback))?;
        Ok(connects.map_err(Into::into))
    }

    fn looked_up(
        &mut self,
        socket: Resource<Socket>,
        outcome: std::result::Result<Vec<types::ResolvedAddress>, types::Error>,
    ) -> Result<()> {
        let outcome = outcome
            .map(|addresses| addresses.into_iter().map(Into::into).collect())
            .map_err(Into::into);
        self.on_socket(&socket, |socket| socket.looked_up(outcome))
    }

    fn read(&mut self, socket: Resource<Socket>, max: u64) -> Result<Vec<u8>> {
        self.on_socket(&socket, |socket| socket.read(saturating(max)))
    }

    fn read_text(&mut self, socket: Resource<Socket>) -> Result<String> {
        self.on_socket(&socket, |socket| socket.read_text())
    }

    fn set_encoding(&mut self, socket: Resource<Socket>, encoding: Option<String>) -> Fallible<()> {
        match Encoding::named(encoding.as_deref()) {
            Ok(encoding) => self
                .on_socket(&socket, |socket| socket.set_encoding(encoding))
                .map(Ok),
            Err(error) => Ok(Err(error.into())),
        }
    }

    // Not called: `add_write_to_linker` replaces it.
    fn write(
        &mut self,
        socket: Resource<Socket>,
        data: Vec<u8>,
        callback: Option<net::Callback>,
    ) -> Result<bool> {
        self.send(&socket, data.len(), |socket| socket.write(data, callback))
    }

    fn write_text(
        &mut self,
        socket: Resource<Socket>,
        text: String,
        encoding: Option<String>,
        callback: Option<net::Callback>,
    ) -> Fallible<bool> {
        match Encoding::named(encoding.as_deref()) {
            Ok(encoding) => {
                let data = encoding.encode(&text);
                self.send(&socket, data.len(), |socket| socket.write(data, callback))
                    .map(Ok)
            }
            Err(error) => Ok(Err(error.into())),
        }
    }

    fn end(
        &mut self,
        socket: Resource<Socket>,
        data: Option<Vec<u8>>,
        callback: Option<net::Callback>,
    ) -> Result<()> {
        let bytes = data.as_ref().map_or(0, Vec::len);
        self.send(&socket, bytes, |socket| socket.end(data, callback))
    }

    fn destroy(&mut self, socket: Resource<Socket>, error: Option<types::Error>) -> Result<()> {
        self.on_socket(&socket, |socket| socket.destroy(error.map(Into::into)))
    }

    fn destroy_soon(&mut self, socket: Resource<Socket>) -> Result<()> {
        self.on_socket(&socket, |socket| socket.destroy_soon())
    }

    fn reset_and_destroy(&mut self, socket: Resource<Socket>) -> Fallible<()> {
        let reset = self.on_socket(&socket, |socket| socket.reset_and_destroy())?;
        Ok(reset.map_err(Into::into))
    }

    fn set_timeout(
        &mut self,
        socket: Resource<Socket>,
        milliseconds: u64,
        callback: Option<net::Callback>,
    ) -> Result<()> {
        self.on_socket(&socket, |socket| socket.set_timeout(milliseconds, callback))
    }

    fn timeout(&mut self, socket: Resource<Socket>) -> Result<Option<u64>> {
        Ok(self
            .of_socket(&socket, plugnet_core::Socket::timeout)?
            .flatten())
    }

    fn set_no_delay(&mut self, socket: Resource<Socket>, no_delay: bool) -> Result<()> {
        self.on_socket(&socket, |socket| socket.set_no_delay(no_delay))
    }

    fn set_keep_alive(
        &mut self,
        socket: Resource<Socket>,
        enable: bool,
        initial_delay: u64,
        interval: Option<u64>,
        count: Option<u32>,
    ) -> Result<()> {
        self.on_socket(&socket, |socket| {
            socket.set_keep_alive(enable, initial_delay, interval, count);
        })
    }

    fn set_block_list(
        &mut self,
        socket: Resource<Socket>,
        block_list: Resource<BlockList>,
    ) -> Result<()> {
        let block_list = self.block_list(&block_list)?;
        self.on_socket(&socket, |socket| socket.set_block_list(block_list))
    }

    fn set_type_of_service(&mut self, socket: Resource<Socket>, type_of_service: u8) -> Result<()> {
        self.on_socket(&socket, |socket| {
            socket.set_type_of_service(type_of_service)
        })
    }

    fn get_type_of_service(&mut self, socket: Resource<Socket>) -> Result<u8> {
        self.on_socket(&socket, |socket| socket.type_of_service())
    }

    fn pipe(
        &mut self,
        socket: Resource<Socket>,
        destination: Resource<Socket>,
        end: bool,
    ) -> Result<()> {
        let destination = self.socket(&destination)?;
        self.on_socket(&socket, |socket| socket.pipe(destination, end))
    }

    fn unpipe(
        &mut self,
        socket: Resource<Socket>,
        destination: Option<Resource<Socket>>,
    ) -> Result<()> {
        let destination = destination.map(|socket| self.socket(&socket)).transpose()?;
        self.on_socket(&socket, |socket| socket.unpipe(destination))
    }

    fn is_paused(&mut self, socket: Resource<Socket>) -> Result<bool> {
        let is_paused = self.of_socket(&socket, plugnet_core::Socket::is_paused)?;
        Ok(is_paused.unwrap_or_default())
    }

    fn pause(&mut self, socket: Resource<Socket>) -> Result<()> {
        self.on_socket(&socket, |socket| socket.pause())
    }

    fn resume(&mut self, socket: Resource<Socket>) -> Result<()> {
        self.on_socket(&socket, |socket| socket.resume())
    }

    fn ref_(&mut self, socket: Resource<Socket>) -> Result<()> {
        self.on_socket(&socket, |socket| socket.set_ref(true))
    }

    fn unref(&mut self, socket: Resource<Socket>) -> Result<()> {
        self.on_socket(&socket, |socket| socket.set_ref(false))
    }

    fn address(&mut self, socket: Resource<Socket>) -> Result<Option<types::AddressInfo>> {
        let address = self.of_socket(&socket, plugnet_core::Socket::local_address)?;
        Ok(address.flatten().map(Into::into))
    }

    fn remote_address(&mut self, socket: Resource<Socket>) -> Result<Option<types::AddressInfo>> {
        let address = self.on_socket(&socket, |socket| socket.remote_address())?;
        Ok(address.map(Into::into))
    }

    fn auto_select_family_attempted_addresses(
        &mut self,
        socket: Resource<Socket>,
    ) -> Result<Option<Vec<String>>> {
        let attempted =
            |socket: &plugnet_core::Socket| Some(socket.attempted_addresses()?.to_vec());
        Ok(self.of_socket(&socket, attempted)?.flatten())
    }

    fn bytes_read(&mut self, socket: Resource<Socket>) -> Result<u64> {
        let bytes = self.of_socket(&socket, plugnet_core::Socket::bytes_read)?;
        Ok(bytes.unwrap_or_default())
    }

    fn bytes_written(&mut self, socket: Resource<Socket>) -> Result<u64> {
        let bytes = self.of_socket(&socket, plugnet_core::Socket::bytes_written)?;
        Ok(bytes.unwrap_or_default())
    }

    fn buffer_size(&mut self, socket: Resource<Socket>) -> Result<u64> {
        Ok(self.on_socket(&socket, |socket| socket.writable_length())? as u64)
    }

    fn connecting(&mut self, socket: Resource<Socket>) -> Result<bool> {
        let connecting = self.of_socket(&socket, plugnet_core::Socket::connecting)?;
        Ok(connecting.unwrap_or_default())
    }

    fn pending(&mut self, socket: Resource<Socket>) -> Result<bool> {
        let pending = self.of_socket(&socket, plugnet_core::Socket::pending)?;
        Ok(pending.unwrap_or(true))
    }

    fn destroyed(&mut self, socket: Resource<Socket>) -> Result<bool> {
        let destroyed = self.of_socket(&socket, plugnet_core::Socket::destroyed)?;
        Ok(destroyed.unwrap_or(true))
    }

    fn ready_state(&mut self, socket: Resource<Socket>) -> Result<net::ReadyState> {
        let state = self.of_socket(&socket, plugnet_core::Socket::ready_state)?;
        Ok(state.unwrap_or(ReadyState::Closed).into())
    }

    fn drop(&mut self, socket: Resource<Socket>) -> Result<()> {
        self.on_socket(&socket, |socket| socket.drop_handle())?;
        self.net.socket_handles.try_remove(socket.rep() as usize);
        Ok(())
    }
}
