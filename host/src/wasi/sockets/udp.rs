//! UDP of WASI 0.3: wasmtime-wasi's, with limits, and decisions about the port that the system
//! chooses.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use plugnet_policy::{Request, Transport};
use wasmtime::component::{Accessor, Resource};
use wasmtime_wasi::p3::bindings::sockets::types::{
    ErrorCode, HostUdpSocket, HostUdpSocketWithStore, IpAddressFamily, IpSocketAddress,
};
use wasmtime_wasi::p3::sockets::{SocketError, SocketResult};
use wasmtime_wasi::sockets::{UdpSocket, WasiSockets, WasiSocketsView as _};

use super::tcp_socket::too_many;
use crate::limits::rate::Full;
use crate::wasi::{HasWasi, View, WasiState};

/// No datagram is larger: it is refused without waiting.
const LARGEST: usize = u16::MAX as usize;

/// What a datagram costs besides its data, in a limit of bytes: the headers of IPv6 and UDP. With
/// IPv4 they are 20 bytes less; one number is simpler.
const HEADERS: usize = 48;

impl<T: View> HostUdpSocketWithStore<T> for HasWasi {
    async fn send(
        accessor: &Accessor<T, Self>,
        socket: Resource<UdpSocket>,
        data: Vec<u8>,
        remote_address: Option<IpSocketAddress>,
    ) -> SocketResult<()> {
        let (chosen, door) = accessor.with(|mut access| {
            let mut state = access.get();
            state.may_take_port(&socket, remote_address)?;
            let chosen = state.port_for_sending(&socket)?;
            SocketResult::Ok((chosen, state.door.clone()))
        })?;
        let bytes = data.len();
        if let Some(rate) = door.permits().rate_out()
            && bytes <= LARGEST
        {
            // POSIX's ENOBUFS: the output queue is full.
            rate.whole(bytes + HEADERS)
                .await
                .map_err(|Full| ErrorCode::OutOfMemory)?;
        }
        let sockets = accessor.with_getter::<WasiSockets>(T::sockets);
        HostUdpSocketWithStore::send(&sockets, again(&socket), data, remote_address).await?;
        door.observer().stats().sent(bytes);
        match chosen {
            Chosen::Before => Ok(()),
            Chosen::Now => accessor.with(|mut access| access.get().judge_port(&socket)),
        }
    }

    async fn receive(
        accessor: &Accessor<T, Self>,
        socket: Resource<UdpSocket>,
    ) -> SocketResult<(Vec<u8>, IpSocketAddress)> {
        let (receives, door) = accessor.with(|mut access| {
            let state = access.get();
            state.usable(&socket)?;
            let receives = state.foreign.receives(socket.rep());
            SocketResult::Ok((receives, state.door.clone()))
        })?;
        let _turn = match &receives {
            // It is never closed.
            Some(receives) => receives.acquire().await.ok(),
            None => None,
        };
        if let Some(rate) = door.permits().rate_in() {
            rate.free().await;
        }
        let sockets = accessor.with_getter::<WasiSockets>(T::sockets);
        let (data, from) = HostUdpSocketWithStore::receive(&sockets, socket).await?;
        if let Some(rate) = door.permits().rate_in() {
            rate.spend(data.len() + HEADERS);
        }
        door.observer().stats().received(data.len());
        Ok((data, from))
    }
}

fn again(socket: &Resource<UdpSocket>) -> Resource<UdpSocket> {
    Resource::new_borrow(socket.rep())
}

/// When the system chooses the port of a sending socket.
enum Chosen {
    /// It has a permitted port.
    Before,
    /// During the send.
    Now,
}

impl WasiState<'_> {
    fn usable(&self, socket: &Resource<UdpSocket>) -> SocketResult<()> {
        if self.foreign.is_denied(socket.rep()) {
            return Err(ErrorCode::AccessDenied.into());
        }
        Ok(())
    }

    /// Denies requests that need a port first, if no rule is about UDP: by the peer's name, not the
    /// port's.
    fn may_take_port(
        &mut self,
        socket: &Resource<UdpSocket>,
        remote: Option<IpSocketAddress>,
    ) -> SocketResult<()> {
        let Some(remote) = remote.map(SocketAddr::from) else {
            return Ok(());
        };
        let bound = HostUdpSocket::get_local_address(&mut self.sockets(), again(socket)).is_ok();
        if bound || self.door.takes_ports(Transport::Udp, remote) {
            return Ok(());
        }
        match self.door.allows(&Request::UdpSend(remote)) {
            true => Ok(()),
            false => Err(ErrorCode::AccessDenied.into()),
        }
    }

    /// The local port, if it has one.
    fn port(&mut self, socket: &Resource<UdpSocket>) -> Option<u16> {
        let address = HostUdpSocket::get_local_address(&mut self.sockets(), again(socket));
        let port = address.ok().map(|address| SocketAddr::from(address).port());
        port.filter(|port| *port != 0)
    }

    /// Decides about the port that the system just chose.
    fn judge_port(&mut self, socket: &Resource<UdpSocket>) -> SocketResult<()> {
        if !self.door.judges_chosen_udp_ports() {
            return Ok(());
        }
        let address = HostUdpSocket::get_local_address(&mut self.sockets(), again(socket))?;
        if !self.door.allows(&Request::UdpBound(address.into())) {
            self.foreign.deny(socket.rep());
        }
        self.usable(socket)
    }

    /// Makes the system choose a port before anything is sent, if rules cover such ports.
    fn port_for_sending(&mut self, socket: &Resource<UdpSocket>) -> SocketResult<Chosen> {
        self.usable(socket)?;
        if !self.door.judges_chosen_udp_ports() {
            return Ok(Chosen::Before);
        }
        let local = HostUdpSocket::get_local_address(&mut self.sockets(), again(socket));
        match local.map(|address| SocketAddr::from(address).port()) {
            // On Linux a disconnected socket may lose its port, and cannot be bound again.
            Ok(0) => return Ok(Chosen::Now),
            Ok(_) => return Ok(Chosen::Before),
            Err(_) => {}
        }
        let family = HostUdpSocket::get_address_family(&mut self.sockets(), again(socket))
            .map_err(SocketError::trap)?;
        let any: SocketAddr = match family {
            IpAddressFamily::Ipv4 => (Ipv4Addr::UNSPECIFIED, 0).into(),
            IpAddressFamily::Ipv6 => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let bound = {
            let mut sockets = self.sockets();
            let bind = pin!(HostUdpSocket::bind(&mut sockets, again(socket), any.into()));
            bind.poll(&mut Context::from_waker(Waker::noop()))
        };
        match bound {
            Poll::Ready(Ok(())) => self.judge_port(socket).map(|()| Chosen::Before),
            Poll::Ready(Err(error)) => Err(error),
            // It waits only for the policy, which decides at once.
            Poll::Pending => Err(ErrorCode::InvalidState.into()),
        }
    }
}

impl HostUdpSocket for WasiState<'_> {
    async fn bind(
        &mut self,
        socket: Resource<UdpSocket>,
        local_address: IpSocketAddress,
    ) -> SocketResult<()> {
        let chosen = SocketAddr::from(local_address).port() == 0;
        HostUdpSocket::bind(&mut self.sockets(), again(&socket), local_address).await?;
        if chosen {
            self.judge_port(&socket)?;
        }
        Ok(())
    }

    async fn connect(
        &mut self,
        socket: Resource<UdpSocket>,
        remote_address: IpSocketAddress,
    ) -> SocketResult<()> {
        self.usable(&socket)?;
        self.may_take_port(&socket, Some(remote_address))?;
        let chosen = self.port(&socket).is_none();
        HostUdpSocket::connect(&mut self.sockets(), again(&socket), remote_address).await?;
        if chosen {
            self.judge_port(&socket)?;
        }
        Ok(())
    }

    async fn create(
        &mut self,
        address_family: IpAddressFamily,
    ) -> SocketResult<Resource<UdpSocket>> {
        let place = self.door.place().map_err(|_| too_many())?;
        let socket = HostUdpSocket::create(&mut self.sockets(), address_family).await?;
        self.foreign.created(socket.rep(), place);
        Ok(socket)
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
        let number = socket.rep();
        HostUdpSocket::drop(&mut self.sockets(), socket)?;
        self.foreign.dropped(number);
        Ok(())
    }
}
