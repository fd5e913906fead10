//! Node's `dns.lookup()` over `wasi:sockets/ip-name-lookup`.

use crate::bindings::wasi::sockets::ip_name_lookup::{ErrorCode, resolve_addresses};
use crate::bindings::wasi::sockets::types::IpAddress;
use plugnet_core::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Resolves a name, in the host's order.
pub async fn lookup(host: String) -> Result<Vec<IpAddr>, Errno> {
    match resolve_addresses(host).await {
        Ok(addresses) => Ok(addresses.into_iter().map(IpAddr::from).collect()),
        Err(code) => Err(Errno(match code {
            ErrorCode::AccessDenied => "EACCES",
            // To Node a name that cannot exist is one that does not.
            ErrorCode::InvalidArgument | ErrorCode::NameUnresolvable => "ENOTFOUND",
            ErrorCode::TemporaryResolverFailure => "EAI_AGAIN",
            ErrorCode::PermanentResolverFailure | ErrorCode::Other(_) => "EAI_FAIL",
        })),
    }
}

impl From<IpAddress> for IpAddr {
    fn from(address: IpAddress) -> Self {
        match address {
            IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
            IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => {
                Ipv6Addr::new(a, b, c, d, e, f, g, h).into()
            }
        }
    }
}
