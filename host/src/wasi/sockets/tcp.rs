//! `tcp-socket` of WASI 0.3.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::Sleep;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Access, Accessor, Destination, FutureReader, Resource, StreamProducer, StreamReader,
    StreamResult,
};
use wasmtime_wasi::p3::bindings::sockets::types::{
    self, ErrorCode, HostTcpSocket, HostTcpSocketWithStore, IpAddressFamily, IpSocketAddress,
};
use wasmtime_wasi::p3::sockets::{SocketError, SocketResult};

use super::options;
use super::tcp_socket::{Listener, Outgoing, TcpSocket, error_code, too_many};
use crate::door::{self, Door, Listens, Refused};
use crate::limits::Place;
use crate::observe::Record;
use crate::transfer::{Connection, Receiving, Sending};
use crate::wasi::{HasWasi, View, WasiState};

/// A socket under the type that WASI's traits, which are wasmtime-wasi's, require. The table's
/// entry is a [`TcpSocket`].
type Handle = Resource<types::TcpSocket>;

impl WasiState<'_> {
    fn tcp(&mut self, socket: &Handle) -> SocketResult<&mut TcpSocket> {
        self.table
            .get_mut(&Resource::<TcpSocket>::new_borrow(socket.rep()))
            .map_err(SocketError::trap)
    }

    fn push_tcp(&mut self, socket: TcpSocket) -> wasmtime::Result<Handle> {
        let socket = self.table.push(socket)?;
        Ok(Resource::new_own(socket.rep()))
    }
}

/// Connects a new socket, if policy and limits allow it.
async fn connect(
    door: Door,
    outgoing: Outgoing,
    remote: SocketAddr,
) -> Result<(TcpStream, Place, Record), ErrorCode> {
    let Outgoing {
        socket,
        place,
        local,
    } = outgoing;
    let slot = door.dial(remote, local).map_err(|why| match why {
        Refused::Denied => ErrorCode::AccessDenied,
        Refused::Full => too_many(),
    })?;
    let stream = socket.connect(remote).await.map_err(error_code)?;
    Ok((stream, place, slot.opened()))
}

/// The connections of a listener.
struct Accepted<T: 'static> {
    listener: Arc<Listener>,
    family: IpAddressFamily,
    door: Door,
    /// A connection that was accepted to learn whether there is one.
    next: Option<Arc<Connection<TcpStream>>>,
    /// The system lacked resources for the last one.
    pause: Option<Pin<Box<Sleep>>>,
    state: for<'a> fn(&'a mut T) -> WasiState<'a>,
}

impl<T> Accepted<T> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Arc<Connection<TcpStream>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match ready!(self.listener.socket.poll_accept(cx)) {
                Ok((stream, peer)) => {
                    match self.door.admit(Listens::Tcp, Some(peer)) {
                        Ok((place, slot)) => {
                            options::inherit(&self.listener.socket, &stream, self.family);
                            return Poll::Ready(Connection::new(stream, place, slot.opened()));
                        }
                        Err(Refused::Denied) => {
                            // Reset: to the peer nothing listens here.
                            let _ = stream.set_zero_linger();
                        }
                        Err(Refused::Full) => {}
                    }
                }
                Err(error) => {
                    // Either accepting fails, or this one client has left, which is no reason to
                    // wait.
                    if !door::is_of_one(&error) {
                        self.pause = Some(Box::pin(tokio::time::sleep(door::RETRY)));
                    }
                }
            }
        }
    }
}

impl<T: 'static> StreamProducer<T> for Accepted<T> {
    type Item = Handle;
    type Buffer = Option<Handle>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, T>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let connection = match self.next.take() {
            Some(connection) => connection,
            None => match self.poll_next(cx) {
                Poll::Ready(connection) => connection,
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
            },
        };
        // A read of zero bytes asks for readiness.
        if destination.remaining(&mut store) == Some(0) {
            self.next = Some(connection);
        } else {
            let socket = TcpSocket::accepted(self.family, connection);
            let socket = (self.state)(store.data_mut()).push_tcp(socket)?;
            destination.set_buffer(Some(socket));
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

impl<T: View> HostTcpSocketWithStore<T> for HasWasi {
    async fn connect(
        accessor: &Accessor<T, Self>,
        socket: Handle,
        remote_address: IpSocketAddress,
    ) -> SocketResult<()> {
        let remote = remote_address.into();
        let connecting = accessor.with(|mut access| {
            let mut state = access.get();
            let socket = state.tcp(&socket)?.start_connect(remote)?;
            SocketResult::Ok(connect(state.door.clone(), socket, remote))
        })?;
        let connected = connecting.await;
        accessor.with(|mut access| {
            let mut state = access.get();
            Ok(state.tcp(&socket)?.finish_connect(connected)?)
        })
    }

    async fn listen(
        mut access: Access<'_, T, Self>,
        socket: Handle,
    ) -> SocketResult<StreamReader<Handle>> {
        let getter = access.getter();
        let mut state = access.get();
        let door = state.door.clone();
        let socket = state.tcp(&socket)?;
        let accepted = Accepted {
            listener: socket.listen(
                |address| door.may_bind(address),
                |address| door.may_listen(address),
            )?,
            family: socket.family(),
            door,
            next: None,
            pause: None,
            state: getter,
        };
        StreamReader::new(&mut access, accepted).map_err(SocketError::trap)
    }

    fn send(
        mut access: Access<'_, T, Self>,
        socket: Handle,
        mut data: StreamReader<u8>,
    ) -> wasmtime::Result<FutureReader<Result<(), ErrorCode>>> {
        let connection = access.get().tcp(&socket)?.take_sending();
        match connection {
            Ok(connection) => {
                let (ended, end) = oneshot::channel();
                data.pipe(&mut access, Sending::new(connection, ended))?;
                FutureReader::new(access, end)
            }
            Err(error) => {
                data.close(&mut access)?;
                FutureReader::new(access, async { wasmtime::error::Ok(Err(error)) })
            }
        }
    }

    fn receive(
        mut access: Access<'_, T, Self>,
        socket: Handle,
    ) -> wasmtime::Result<(StreamReader<u8>, FutureReader<Result<(), ErrorCode>>)> {
        let connection = access.get().tcp(&socket)?.take_receiving();
        match connection {
            Ok(connection) => {
                let (ended, end) = oneshot::channel();
                let stream = StreamReader::new(&mut access, Receiving::new(connection, ended))?;
                Ok((stream, FutureReader::new(access, end)?))
            }
            Err(error) => {
                let nothing = StreamReader::new(&mut access, std::iter::empty())?;
                let end = async { wasmtime::error::Ok(Err(error)) };
                Ok((nothing, FutureReader::new(access, end)?))
            }
        }
    }
}

impl HostTcpSocket for WasiState<'_> {
    async fn bind(&mut self, socket: Handle, local_address: IpSocketAddress) -> SocketResult<()> {
        let door = self.door;
        let may = |address| door.may_bind(address);
        Ok(self.tcp(&socket)?.bind(local_address.into(), may)?)
    }

    fn create(&mut self, address_family: IpAddressFamily) -> SocketResult<Handle> {
        let place = self.door.place().map_err(|_| too_many())?;
        let socket = TcpSocket::new(address_family, place)?;
        self.push_tcp(socket).map_err(SocketError::trap)
    }

    fn get_local_address(&mut self, socket: Handle) -> SocketResult<IpSocketAddress> {
        Ok(self.tcp(&socket)?.local_address()?.into())
    }

    fn get_remote_address(&mut self, socket: Handle) -> SocketResult<IpSocketAddress> {
        Ok(self.tcp(&socket)?.remote_address()?.into())
    }

    fn get_is_listening(&mut self, socket: Handle) -> wasmtime::Result<bool> {
        Ok(self.tcp(&socket)?.is_listening())
    }

    fn get_address_family(&mut self, socket: Handle) -> wasmtime::Result<IpAddressFamily> {
        Ok(self.tcp(&socket)?.family())
    }

    fn set_listen_backlog_size(&mut self, socket: Handle, value: u64) -> SocketResult<()> {
        Ok(self.tcp(&socket)?.set_backlog(value)?)
    }

    fn get_keep_alive_enabled(&mut self, socket: Handle) -> SocketResult<bool> {
        Ok(options::keep_alive_enabled(self.tcp(&socket)?.fd()?)?)
    }

    fn set_keep_alive_enabled(&mut self, socket: Handle, value: bool) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        Ok(options::set_keep_alive_enabled(socket.fd(), value)?)
    }

    fn get_keep_alive_idle_time(&mut self, socket: Handle) -> SocketResult<u64> {
        Ok(options::keep_alive_idle_time(self.tcp(&socket)?.fd()?)?)
    }

    fn set_keep_alive_idle_time(&mut self, socket: Handle, value: u64) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        Ok(options::set_keep_alive_idle_time(socket.fd(), value)?)
    }

    fn get_keep_alive_interval(&mut self, socket: Handle) -> SocketResult<u64> {
        Ok(options::keep_alive_interval(self.tcp(&socket)?.fd()?)?)
    }

    fn set_keep_alive_interval(&mut self, socket: Handle, value: u64) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        Ok(options::set_keep_alive_interval(socket.fd(), value)?)
    }

    fn get_keep_alive_count(&mut self, socket: Handle) -> SocketResult<u32> {
        Ok(options::keep_alive_count(self.tcp(&socket)?.fd()?)?)
    }

    fn set_keep_alive_count(&mut self, socket: Handle, value: u32) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        Ok(options::set_keep_alive_count(socket.fd(), value)?)
    }

    fn get_hop_limit(&mut self, socket: Handle) -> SocketResult<u8> {
        let socket = self.tcp(&socket)?;
        Ok(options::hop_limit(socket.fd()?, socket.family())?)
    }

    fn set_hop_limit(&mut self, socket: Handle, value: u8) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        Ok(options::set_hop_limit(socket.fd(), socket.family(), value)?)
    }

    fn get_receive_buffer_size(&mut self, socket: Handle) -> SocketResult<u64> {
        Ok(options::receive_buffer_size(self.tcp(&socket)?.fd()?)?)
    }

    fn set_receive_buffer_size(&mut self, socket: Handle, value: u64) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        Ok(options::set_receive_buffer_size(socket.fd(), value)?)
    }

    fn get_send_buffer_size(&mut self, socket: Handle) -> SocketResult<u64> {
        Ok(options::send_buffer_size(self.tcp(&socket)?.fd()?)?)
    }

    fn set_send_buffer_size(&mut self, socket: Handle, value: u64) -> SocketResult<()> {
        let socket = self.tcp(&socket)?;
        Ok(options::set_send_buffer_size(socket.fd(), value)?)
    }

    fn drop(&mut self, socket: Handle) -> wasmtime::Result<()> {
        self.table
            .delete(Resource::<TcpSocket>::new_own(socket.rep()))?;
        Ok(())
    }
}
