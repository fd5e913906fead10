//! Zones of IPv6 addresses: network interfaces, by their names and numbers.

use std::fs;
use std::net::{Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, netdevice};

/// The number of the interface of that name; 0 if there is none, as in libuv.
pub(super) fn number(name: &str) -> u32 {
    any_socket()
        .and_then(|socket| netdevice::name_to_index(&socket, name).ok())
        .unwrap_or(0)
}

/// An IP address as Node shows it: a link-local one with its zone.
pub(super) fn shown(address: &SocketAddr) -> String {
    let ip = address.ip();
    match address {
        SocketAddr::V6(v6) if v6.scope_id() > 0 && v6.ip().is_unicast_link_local() => {
            let name = any_socket()
                .and_then(|socket| netdevice::index_to_name(&socket, v6.scope_id()).ok());
            // An interface that is gone has its number left, as in libuv.
            let zone = name.unwrap_or_else(|| v6.scope_id().to_string());
            format!("{ip}%{zone}")
        }
        _ => ip.to_string(),
    }
}

/// Gives a link-local address to connect to a zone, if it has none: that of the first interface with
/// such an address, as in libuv.
pub(super) fn complete(address: &mut SocketAddr) {
    if let SocketAddr::V6(v6) = address
        && v6.scope_id() == 0
        && v6.ip().is_unicast_link_local()
        && let Ok(addresses) = fs::read_to_string("/proc/net/if_inet6")
    {
        v6.set_scope_id(first_link_local(&addresses).unwrap_or(0));
    }
}

/// The lowest number of an interface with a link-local address, of Linux's list of IPv6 addresses.
fn first_link_local(addresses: &str) -> Option<u32> {
    let numbers = addresses.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let ip = u128::from_str_radix(words.next()?, 16).ok()?;
        let number = u32::from_str_radix(words.next()?, 16).ok()?;
        let is_link_local = Ipv6Addr::from_bits(ip).is_unicast_link_local();
        is_link_local.then_some(number)
    });
    numbers.min()
}

/// The kernel is asked by a socket of any kind.
fn any_socket() -> Option<OwnedFd> {
    let (family, flags) = (AddressFamily::UNIX, SocketFlags::CLOEXEC);
    rustix::net::socket_with(family, SocketType::DGRAM, flags, None).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The interface is that of the lowest number, whatever the order of the list.
    #[test]
    fn first_interface_with_a_link_local_address() {
        let list = "\
            fe800000000000000000000000000002 1f 40 20 80 right\n\
            fe800000000000000000000000000001 0b 40 20 80 left\n\
            00000000000000000000000000000001 01 80 10 80 lo\n\
            fd000000000000000000000000000002 04 40 00 82 eth0\n\
            nonsense\n";
        assert_eq!(first_link_local(list), Some(11));
        assert_eq!(first_link_local(""), None);
        let loopback = "00000000000000000000000000000001 01 80 10 80 lo";
        assert_eq!(first_link_local(loopback), None);
    }

    /// Only a link-local address shows its zone, and an interface that is gone its number.
    #[test]
    fn zone_shows_with_link_local_addresses() {
        let at = |ip: &str, scope| {
            let ip: Ipv6Addr = ip.parse().expect("an address");
            shown(&SocketAddr::from(std::net::SocketAddrV6::new(
                ip, 1, 0, scope,
            )))
        };
        let loopback = number("lo");
        assert!(loopback > 0);
        assert_eq!(at("fe80::1", loopback), "fe80::1%lo");
        assert_eq!(at("fe80::1", 0), "fe80::1");
        assert_eq!(at("fe80::1", 999_999), "fe80::1%999999");
        assert_eq!(at("::1", loopback), "::1");
        assert_eq!(number("no-such-name"), 0);
        assert_eq!(number("a-name-that-is-longer-than-an-interface-has"), 0);
    }
}
