//! WASI 0.2's sockets: wasmtime-wasi's, counted as sockets.
//!
//! A run with a limit of connections or bytes has none of them, because wasmtime-wasi creates their
//! streams itself and they cannot be counted. Only single functions of its interfaces are replaced
//! here.

use std::net::SocketAddr;

use plugnet_policy::{Request, Transport};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Network,
};
use wasmtime_wasi::p2::bindings::sockets::tcp::HostTcpSocket;
use wasmtime_wasi::p2::bindings::sockets::udp::{
    HostUdpSocket, IncomingDatagramStream, OutgoingDatagramStream,
};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, SocketResult, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::WasiSocketsView as _;

use crate::guard::Access;
use crate::limits::Place;
use crate::wasi::{HasWasi, View, WasiState};

/// As wasmtime-wasi calls its interfaces. A program may import any version 0.2.
const TCP: &str = "wasi:sockets/tcp@0.2.12";
const UDP: &str = "wasi:sockets/udp@0.2.12";

/// The result of `accept`: a socket and its streams.
type Accepted = (
    Resource<TcpSocket>,
    Resource<DynInputStream>,
    Resource<DynOutputStream>,
);

/// The result of `stream`.
type Datagrams = (
    Resource<IncomingDatagramStream>,
    Resource<OutgoingDatagramStream>,
);

/// Replaces the functions that create sockets, drop them, and choose ports.
pub(super) fn add_to_linker<T: View>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    tcp_create_socket::add_to_linker::<T, HasWasi>(linker, T::wasi)?;
    udp_create_socket::add_to_linker::<T, HasWasi>(linker, T::wasi)?;

    let mut tcp = linker.instance(TCP)?;
    tcp.resource(
        "tcp-socket",
        ResourceType::host::<TcpSocket>(),
        |mut store: StoreContextMut<'_, T>, number| {
            let mut state = store.data_mut().wasi();
            HostTcpSocket::drop(&mut state.sockets(), Resource::new_own(number))?;
            state.foreign.dropped(number);
            Ok(())
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.start-connect",
        |mut store: StoreContextMut<'_, T>,
         (socket, network, remote): (Resource<TcpSocket>, Resource<Network>, IpSocketAddress)| {
            let mut state = store.data_mut().wasi();
            Ok((told(state.start_connect02(socket, network, remote))?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.accept",
        |mut store: StoreContextMut<'_, T>, (listener,): (Resource<TcpSocket>,)| {
            Ok((told(store.data_mut().wasi().accept02(&listener))?,))
        },
    )?;

    let mut udp = linker.instance(UDP)?;
    udp.resource(
        "udp-socket",
        ResourceType::host::<UdpSocket>(),
        |mut store: StoreContextMut<'_, T>, number| {
            let mut state = store.data_mut().wasi();
            HostUdpSocket::drop(&mut state.sockets(), Resource::new_own(number))?;
            state.foreign.dropped(number);
            Ok(())
        },
    )?;
    udp.func_wrap(
        "[method]udp-socket.finish-bind",
        |mut store: StoreContextMut<'_, T>, (socket,): (Resource<UdpSocket>,)| {
            Ok((told(store.data_mut().wasi().finish_bind02(&socket))?,))
        },
    )?;
    udp.func_wrap_async(
        "[method]udp-socket.stream",
        |mut store: StoreContextMut<'_, T>,
         (socket, remote): (Resource<UdpSocket>, Option<IpSocketAddress>)| {
            Box::new(async move {
                let mut state = store.data_mut().wasi();
                Ok((told(state.stream02(socket, remote).await)?,))
            })
        },
    )
}

/// Converts an error for the program.
fn told<V>(result: SocketResult<V>) -> wasmtime::Result<Result<V, ErrorCode>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

impl WasiState<'_> {
    fn may_create(&self, access: Access) -> SocketResult<Place> {
        if self.door.permits().limited() {
            self.door.unlimited(access);
            return Err(ErrorCode::AccessDenied.into());
        }
        let place = self.door.place();
        let place = place.map_err(|_| ErrorCode::NewSocketLimit)?;
        self.door.observer().stats().wasi02_socket();
        Ok(place)
    }

    /// wasmtime-wasi asks for the port before the peer. A program without ports is denied here, so
    /// that the denial names the peer.
    fn start_connect02(
        &mut self,
        socket: Resource<TcpSocket>,
        network: Resource<Network>,
        remote: IpSocketAddress,
    ) -> SocketResult<()> {
        let peer = SocketAddr::from(remote);
        let again = Resource::new_borrow(socket.rep());
        let bound = HostTcpSocket::local_address(&mut self.sockets(), again).is_ok();
        if !bound
            && !self.door.takes_ports(Transport::Tcp, peer)
            && !self.door.allows(&Request::TcpConnect(peer))
        {
            return Err(ErrorCode::AccessDenied.into());
        }
        HostTcpSocket::start_connect(&mut self.sockets(), socket, network, remote)
    }

    fn accept02(&mut self, listener: &Resource<TcpSocket>) -> SocketResult<Accepted> {
        loop {
            let listener = Resource::new_borrow(listener.rep());
            let (socket, input, output) = self.sockets().accept(listener)?;
            match self.door.place() {
                Ok(place) => {
                    self.door.observer().stats().wasi02_socket();
                    self.foreign.created(socket.rep(), place);
                    return Ok((socket, input, output));
                }
                // Beyond the limit, it is closed at once, as libuv does without descriptors.
                Err(_) => {
                    self.table.delete(input)?;
                    self.table.delete(output)?;
                    self.table.delete(socket)?;
                }
            }
        }
    }

    fn finish_bind02(&mut self, socket: &Resource<UdpSocket>) -> SocketResult<()> {
        let again = || Resource::new_borrow(socket.rep());
        HostUdpSocket::finish_bind(&mut self.sockets(), again())?;
        if !self.door.judges_chosen_udp_ports() {
            return Ok(());
        }
        // It is no longer known whether the program requested this port. If it did, the rules that
        // deny the port did so before.
        let address = HostUdpSocket::local_address(&mut self.sockets(), again())?;
        if !self.door.allows(&Request::UdpBound(address.into())) {
            self.foreign.deny(socket.rep());
            return Err(ErrorCode::AccessDenied.into());
        }
        Ok(())
    }

    async fn stream02(
        &mut self,
        socket: Resource<UdpSocket>,
        remote: Option<IpSocketAddress>,
    ) -> SocketResult<Datagrams> {
        if self.foreign.is_denied(socket.rep()) {
            return Err(ErrorCode::AccessDenied.into());
        }
        self.sockets().stream(socket, remote).await
    }
}

impl tcp_create_socket::Host for WasiState<'_> {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        let place = self.may_create(Access::Wasi02TcpSocket)?;
        let socket = tcp_create_socket::Host::create_tcp_socket(&mut self.sockets(), family)?;
        self.foreign.created(socket.rep(), place);
        Ok(socket)
    }
}

impl udp_create_socket::Host for WasiState<'_> {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> SocketResult<Resource<UdpSocket>> {
        let place = self.may_create(Access::Wasi02UdpSocket)?;
        let socket =
            udp_create_socket::Host::create_udp_socket(&mut self.sockets(), family).await?;
        self.foreign.created(socket.rep(), place);
        Ok(socket)
    }
}
