//! How addresses show to the program.

use std::net::{IpAddr, SocketAddr};

/// How a socket's IPv4 addresses show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    AsIs,
    /// As IPv4-mapped IPv6 addresses: the program named one, or its socket is dual-stack.
    AsIpv6,
}

impl Shown {
    /// For a socket whose address the program wrote so.
    pub(super) fn of(ip: IpAddr) -> Self {
        if ip.to_canonical() == ip {
            Shown::AsIs
        } else {
            Shown::AsIpv6
        }
    }

    pub(super) fn address(self, address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) if self == Shown::AsIpv6 => {
                SocketAddr::new(ip.to_ipv6_mapped().into(), address.port())
            }
            _ => address,
        }
    }
}
