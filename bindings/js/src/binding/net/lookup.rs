//! `binding.net.lookup`: the addresses of a name.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::completion::{self, Outcome};
use crate::wasi::sockets::ip_name_lookup::{ErrorCode, resolve_addresses};
use crate::wasi::sockets::types::IpAddress;

/// Resolves a name, as the policy allows it: all addresses, or Node's code for why there are none.
pub(super) fn lookup(number: f64, name: String) {
    completion::start(number, async move {
        match resolve_addresses(name).await {
            Ok(addresses) => Outcome::Texts(addresses.into_iter().map(text).collect()),
            Err(ErrorCode::TemporaryResolverFailure) => Outcome::Failed("EAI_AGAIN"),
            Err(ErrorCode::AccessDenied) => Outcome::Failed("EACCES"),
            Err(ErrorCode::InvalidArgument | ErrorCode::NameUnresolvable) => {
                Outcome::Failed("ENOTFOUND")
            }
            Err(ErrorCode::PermanentResolverFailure | ErrorCode::Other(_)) => {
                Outcome::Failed("EAI_FAIL")
            }
        }
    });
}

fn text(address: IpAddress) -> String {
    match address {
        IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).to_string(),
        IpAddress::Ipv6((a, b, c, d, e, f, g, h)) => {
            Ipv6Addr::new(a, b, c, d, e, f, g, h).to_string()
        }
    }
}
