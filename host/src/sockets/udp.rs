//! UDP of WASI 0.3: wasmtime-wasi's, counted, and held to the limits of bytes.

use wasmtime::component::{Accessor, Resource};
use wasmtime_wasi::p3::bindings::sockets::types::{
    ErrorCode, HostUdpSocket, HostUdpSocketWithStore, IpAddressFamily, IpSocketAddress,
};
use wasmtime_wasi::p3::sockets::SocketResult;
use wasmtime_wasi::sockets::{UdpSocket, WasiSockets, WasiSocketsView as _};

use super::Sockets;
use crate::host::{Host, HostView};
use crate::rate::Full;

/// A larger datagram is none: it is refused, and need not wait for that.
const LARGEST: usize = u16::MAX as usize;

impl<T: HostView> HostUdpSocketWithStore<T> for Sockets {
    async fn send(
        accessor: &Accessor<T, Self>,
        socket: Resource<UdpSocket>,
        data: Vec<u8>,
        remote_address: Option<IpSocketAddress>,
    ) -> SocketResult<()> {
        let connections = accessor.with(|mut access| access.get().connections.clone());
        let bytes = data.len();
        if let Some(rate) = connections.rate_out()
            && bytes <= LARGEST
        {
            // POSIX's ENOBUFS: the output queue is full.
            rate.whole(bytes)
                .await
                .map_err(|Full| ErrorCode::OutOfMemory)?;
        }
        let sockets = accessor.with_getter::<WasiSockets>(T::sockets);
        HostUdpSocketWithStore::send(&sockets, socket, data, remote_address).await?;
        connections.sent(bytes);
        Ok(())
    }

    async fn receive(
        accessor: &Accessor<T, Self>,
        socket: Resource<UdpSocket>,
    ) -> SocketResult<(Vec<u8>, IpSocketAddress)> {
        let connections = accessor.with(|mut access| access.get().connections.clone());
        if let Some(rate) = connections.rate_in() {
            rate.free().await;
        }
        let sockets = accessor.with_getter::<WasiSockets>(T::sockets);
        let (data, from) = HostUdpSocketWithStore::receive(&sockets, socket).await?;
        if let Some(rate) = connections.rate_in() {
            rate.spend(data.len());
        }
        connections.received(data.len());
        Ok((data, from))
    }
}

impl HostUdpSocket for Host {
    async fn bind(
        &mut self,
        socket: Resource<UdpSocket>,
        local_address: IpSocketAddress,
    ) -> SocketResult<()> {
        HostUdpSocket::bind(&mut self.sockets(), socket, local_address).await
    }

    async fn connect(
        &mut self,
        socket: Resource<UdpSocket>,
        remote_address: IpSocketAddress,
    ) -> SocketResult<()> {
        HostUdpSocket::connect(&mut self.sockets(), socket, remote_address).await
    }

    async fn create(
        &mut self,
        address_family: IpAddressFamily,
    ) -> SocketResult<Resource<UdpSocket>> {
        HostUdpSocket::create(&mut self.sockets(), address_family).await
    }

    fn disconnect(&mut self, socket: Resource<UdpSocket>) -> SocketResult<()> {
        HostUdpSocket::disconnect(&mut self.sockets(), socket)
    }

    fn get_local_address(&mut self, socket: Resource<UdpSocket>) -> SocketResult<IpSocketAddress> {
        HostUdpSocket::get_local_address(&mut self.sockets(), socket)
    }

    fn get_remote_address(&mut self, socket: Resource<UdpSocket>) -> SocketResult<IpSocketAddress> {
        HostUdpSocket::get_remote_address(&mut self.sockets(), socket)
    }

    fn get_address_family(
        &mut self,
        socket: Resource<UdpSocket>,
    ) -> wasmtime::Result<IpAddressFamily> {
        HostUdpSocket::get_address_family(&mut self.sockets(), socket)
    }

    fn get_unicast_hop_limit(&mut self, socket: Resource<UdpSocket>) -> SocketResult<u8> {
        HostUdpSocket::get_unicast_hop_limit(&mut self.sockets(), socket)
    }

    fn set_unicast_hop_limit(
        &mut self,
        socket: Resource<UdpSocket>,
        value: u8,
    ) -> SocketResult<()> {
        HostUdpSocket::set_unicast_hop_limit(&mut self.sockets(), socket, value)
    }

    fn get_receive_buffer_size(&mut self, socket: Resource<UdpSocket>) -> SocketResult<u64> {
        HostUdpSocket::get_receive_buffer_size(&mut self.sockets(), socket)
    }

    fn set_receive_buffer_size(
        &mut self,
        socket: Resource<UdpSocket>,
        value: u64,
    ) -> SocketResult<()> {
        HostUdpSocket::set_receive_buffer_size(&mut self.sockets(), socket, value)
    }

    fn get_send_buffer_size(&mut self, socket: Resource<UdpSocket>) -> SocketResult<u64> {
        HostUdpSocket::get_send_buffer_size(&mut self.sockets(), socket)
    }

    fn set_send_buffer_size(
        &mut self,
        socket: Resource<UdpSocket>,
        value: u64,
    ) -> SocketResult<()> {
        HostUdpSocket::set_send_buffer_size(&mut self.sockets(), socket, value)
    }

    fn drop(&mut self, socket: Resource<UdpSocket>) -> wasmtime::Result<()> {
        HostUdpSocket::drop(&mut self.sockets(), socket)
    }
}
