//! WASI 0.2's sockets: wasmtime-wasi's, counted as sockets.
//!
//! A run with a limit of connections or bytes has none of them, because wasmtime-wasi creates their
//! streams itself and they cannot be counted. Only single functions of its interfaces are replaced
//! here.

use std::net::SocketAddr;

use plugnet_policy::Transport;
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
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsView as _};

use super::Sockets;
use crate::Access;
use crate::connections::Place;
use crate::host::{Host, HostView};

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
pub(super) fn add_to_linker<T: HostView>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    tcp_create_socket::add_to_linker::<T, Sockets>(linker, T::plugnet)?;
    udp_create_socket::add_to_linker::<T, Sockets>(linker, T::plugnet)?;

    let mut tcp = linker.instance(TCP)?;
    tcp.resource(
        "tcp-socket",
        ResourceType::host::<TcpSocket>(),
        |mut store: StoreContextMut<'_, T>, number| {
            let host = store.data_mut().plugnet();
            HostTcpSocket::drop(&mut host.sockets(), Resource::new_own(number))?;
            host.foreign.dropped(number);
            Ok(())
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.start-connect",
        |mut store: StoreContextMut<'_, T>,
         (socket, network, remote): (Resource<TcpSocket>, Resource<Network>, IpSocketAddress)| {
            let host = store.data_mut().plugnet();
            Ok((told(host.start_connect02(socket, network, remote))?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.accept",
        |mut store: StoreContextMut<'_, T>, (listener,): (Resource<TcpSocket>,)| {
            Ok((told(store.data_mut().plugnet().accept02(&listener))?,))
        },
    )?;

    let mut udp = linker.instance(UDP)?;
    udp.resource(
        "udp-socket",
        ResourceType::host::<UdpSocket>(),
        |mut store: StoreContextMut<'_, T>, number| {
            let host = store.data_mut().plugnet();
            HostUdpSocket::drop(&mut host.sockets(), Resource::new_own(number))?;
            host.foreign.dropped(number);
            Ok(())
        },
    )?;
    udp.func_wrap(
        "[method]udp-socket.finish-bind",
        |mut store: StoreContextMut<'_, T>, (socket,): (Resource<UdpSocket>,)| {
            Ok((told(store.data_mut().plugnet().finish_bind02(&socket))?,))
        },
    )?;
    udp.func_wrap_async(
        "[method]udp-socket.stream",
        |mut store: StoreContextMut<'_, T>,
         (socket, remote): (Resource<UdpSocket>, Option<IpSocketAddress>)| {
            Box::new(async move {
                let host = store.data_mut().plugnet();
                Ok((told(host.stream02(socket, remote).await)?,))
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

impl Host {
    fn may_create(&self, access: Access) -> SocketResult<Place> {
        if self.connections.limited() {
            self.guard.unlimited(access);
            return Err(ErrorCode::AccessDenied.into());
        }
        let place = self.connections.place();
        let place = place.map_err(|_| ErrorCode::NewSocketLimit)?;
        self.guard.stats().wasi02_socket();
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
            && !self.guard.takes_ports(Transport::Tcp, peer)
            && !self.guard.allows_address(peer, SocketAddrUse::TcpConnect)
        {
            return Err(ErrorCode::AccessDenied.into());
        }
        HostTcpSocket::start_connect(&mut self.sockets(), socket, network, remote)
    }

    fn accept02(&mut self, listener: &Resource<TcpSocket>) -> SocketResult<Accepted> {
        loop {
            let listener = Resource::new_borrow(listener.rep());
            let (socket, input, output) = self.sockets().accept(listener)?;
            match self.connections.place() {
                Ok(place) => {
                    self.guard.stats().wasi02_socket();
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
        if !self.guard.judges_chosen_udp_ports() {
            return Ok(());
        }
        // It is no longer known whether the program requested this port. If it did, the rules that
        // deny the port did so before.
        let address = HostUdpSocket::local_address(&mut self.sockets(), again())?;
        if !self.guard.allows_chosen_udp_port(address.into()) {
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

impl tcp_create_socket::Host for Host {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        let place = self.may_create(Access::Wasi02TcpSocket)?;
        let socket = tcp_create_socket::Host::create_tcp_socket(&mut self.sockets(), family)?;
        self.foreign.created(socket.rep(), place);
        Ok(socket)
    }
}

impl udp_create_socket::Host for Host {
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
