//! WASI 0.2's sockets: there are none in a run whose connections or bytes are limited, because
//! nobody could hold them to it.

use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode, IpAddressFamily};
use wasmtime_wasi::p2::bindings::sockets::{tcp_create_socket, udp_create_socket};
use wasmtime_wasi::p2::{SocketResult, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::WasiSocketsView as _;

use crate::Access;
use crate::host::Host;

impl Host {
    fn may_create(&self, access: Access) -> SocketResult<()> {
        if self.connections.limited() {
            self.guard.unlimited(access);
            return Err(ErrorCode::AccessDenied.into());
        }
        Ok(())
    }
}

impl tcp_create_socket::Host for Host {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        self.may_create(Access::Wasi02TcpSocket)?;
        tcp_create_socket::Host::create_tcp_socket(&mut self.sockets(), family)
    }
}

impl udp_create_socket::Host for Host {
    async fn create_udp_socket(
        &mut self,
        family: IpAddressFamily,
    ) -> SocketResult<Resource<UdpSocket>> {
        self.may_create(Access::Wasi02UdpSocket)?;
        udp_create_socket::Host::create_udp_socket(&mut self.sockets(), family).await
    }
}
