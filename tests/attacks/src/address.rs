//! Addresses as std, WASI 0.2 and WASI 0.3 have them.

use crate::wasi::sockets::types as types03;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use wasip2::sockets::network as network02;

pub fn parse(word: &str) -> SocketAddr {
    word.parse().expect("an address and a port")
}

pub fn ip03(address: types03::IpAddress) -> IpAddr {
    match address {
        types03::IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        types03::IpAddress::Ipv6(s) => Ipv6Addr::from(<[u16; 8]>::from(s)).into(),
    }
}

pub fn ip02(address: network02::IpAddress) -> IpAddr {
    match address {
        network02::IpAddress::Ipv4((a, b, c, d)) => Ipv4Addr::new(a, b, c, d).into(),
        network02::IpAddress::Ipv6(s) => Ipv6Addr::from(<[u16; 8]>::from(s)).into(),
    }
}

pub fn to03(address: SocketAddr) -> types03::IpSocketAddress {
    match address {
        SocketAddr::V4(v4) => types03::IpSocketAddress::Ipv4(types03::Ipv4SocketAddress {
            port: v4.port(),
            address: v4.ip().octets().into(),
        }),
        SocketAddr::V6(v6) => types03::IpSocketAddress::Ipv6(types03::Ipv6SocketAddress {
            port: v6.port(),
            flow_info: v6.flowinfo(),
            address: v6.ip().segments().into(),
            scope_id: v6.scope_id(),
        }),
    }
}

pub fn to02(address: SocketAddr) -> network02::IpSocketAddress {
    match address {
        SocketAddr::V4(v4) => network02::IpSocketAddress::Ipv4(network02::Ipv4SocketAddress {
            port: v4.port(),
            address: v4.ip().octets().into(),
        }),
        SocketAddr::V6(v6) => network02::IpSocketAddress::Ipv6(network02::Ipv6SocketAddress {
            port: v6.port(),
            flow_info: v6.flowinfo(),
            address: v6.ip().segments().into(),
            scope_id: v6.scope_id(),
        }),
    }
}

pub fn from03(address: types03::IpSocketAddress) -> SocketAddr {
    match address {
        types03::IpSocketAddress::Ipv4(v4) => {
            let (a, b, c, d) = v4.address;
            SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), v4.port).into()
        }
        types03::IpSocketAddress::Ipv6(v6) => {
            let ip = Ipv6Addr::from(<[u16; 8]>::from(v6.address));
            SocketAddrV6::new(ip, v6.port, v6.flow_info, v6.scope_id).into()
        }
    }
}

pub fn from02(address: network02::IpSocketAddress) -> SocketAddr {
    match address {
        network02::IpSocketAddress::Ipv4(v4) => {
            let (a, b, c, d) = v4.address;
            SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), v4.port).into()
        }
        network02::IpSocketAddress::Ipv6(v6) => {
            let ip = Ipv6Addr::from(<[u16; 8]>::from(v6.address));
            SocketAddrV6::new(ip, v6.port, v6.flow_info, v6.scope_id).into()
        }
    }
}
