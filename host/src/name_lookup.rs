//! `wasi:sockets/ip-name-lookup` of WASI 0.2 and 0.3, with the host's decision in front.
//!
//! wasmtime-wasi knows only on and off, and answers a lookup that is off as if the name did not
//! exist. A program that was denied one has to see `access-denied`, and the host has to see
//! the name.

use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime_wasi::p2;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup as v02;
use wasmtime_wasi::p2::bindings::sockets::network as network02;
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup as v03;
use wasmtime_wasi::p3::bindings::sockets::types as types03;
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView};

use crate::runtime::State;

/// Adds both versions to a linker that has neither, or that lets them be replaced.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    v02::add_to_linker::<State, NameLookup>(linker, |state| state)?;
    v03::add_to_linker::<State, NameLookup>(linker, |state| state)?;
    Ok(())
}

struct NameLookup;

impl HasData for NameLookup {
    type Data<'a> = &'a mut State;
}

impl v03::Host for State {}

impl v03::HostWithStore<State> for NameLookup {
    async fn resolve_addresses(
        accessor: &Accessor<State, Self>,
        name: String,
    ) -> wasmtime::Result<Result<Vec<types03::IpAddress>, v03::ErrorCode>> {
        if !accessor.with(|mut access| access.get().network.allows_lookup(&name)) {
            return Ok(Err(v03::ErrorCode::AccessDenied));
        }
        let sockets = accessor.with_getter::<WasiSockets>(State::sockets);
        v03::HostWithStore::resolve_addresses(&sockets, name).await
    }
}

impl v02::Host for State {
    fn resolve_addresses(
        &mut self,
        network: Resource<network02::Network>,
        name: String,
    ) -> p2::SocketResult<Resource<v02::ResolveAddressStream>> {
        if !self.network.allows_lookup(&name) {
            return Err(network02::ErrorCode::AccessDenied.into());
        }
        v02::Host::resolve_addresses(&mut self.sockets(), network, name)
    }
}

// What the errors of `resolve-addresses` need, as wasmtime-wasi has it.
impl network02::Host for State {
    fn convert_error_code(
        &mut self,
        error: p2::SocketError,
    ) -> wasmtime::Result<network02::ErrorCode> {
        self.sockets().convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<network02::ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}

impl network02::HostNetwork for State {
    fn drop(&mut self, network: Resource<network02::Network>) -> wasmtime::Result<()> {
        network02::HostNetwork::drop(&mut self.sockets(), network)
    }
}

impl v02::HostResolveAddressStream for State {
    fn resolve_next_address(
        &mut self,
        stream: Resource<v02::ResolveAddressStream>,
    ) -> p2::SocketResult<Option<network02::IpAddress>> {
        self.sockets().resolve_next_address(stream)
    }

    fn subscribe(
        &mut self,
        stream: Resource<v02::ResolveAddressStream>,
    ) -> wasmtime::Result<Resource<p2::DynPollable>> {
        self.sockets().subscribe(stream)
    }

    fn drop(&mut self, stream: Resource<v02::ResolveAddressStream>) -> wasmtime::Result<()> {
        v02::HostResolveAddressStream::drop(&mut self.sockets(), stream)
    }
}
