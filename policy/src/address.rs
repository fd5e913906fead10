//! One host, one address: what the spellings and the tunnels of IPv6 stand for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The form of an address that rules apply to.
///
/// An IPv4-mapped (`::ffff:a.b.c.d`) and an IPv4-compatible address (`::a.b.c.d`) are the IPv4
/// address that they contain. A zone is not part of an address.
///
/// ```
/// # use plugnet_policy::canonical;
/// let mapped = "::ffff:127.0.0.1".parse().unwrap();
/// assert_eq!(canonical(mapped).to_string(), "127.0.0.1");
/// ```
pub fn canonical(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) if !v6.is_unspecified() && !v6.is_loopback() => {
            v6.to_ipv4().map_or(address, IpAddr::V4)
        }
        _ => address,
    }
}

/// The peer that an address counts as: for IPv6 its /64, which one customer has to himself; for an
/// address that leads to an IPv4 host, that host; otherwise the address itself.
///
/// ```
/// # use plugnet_policy::party;
/// let of = |text: &str| party(text.parse().unwrap()).to_string();
/// assert_eq!(of("2a00:1450::1"), of("2a00:1450::ffff:2"));
/// assert_ne!(of("2a00:1450::1"), of("2a00:1450:0:1::1"));
/// assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
/// ```
pub fn party(address: IpAddr) -> IpAddr {
    let address = canonical(address);
    let IpAddr::V6(v6) = address else {
        return address;
    };
    let [a, b, c, d, ..] = v6.segments();
    let mine = Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0);
    // In a private network an embedded address may mean anything. The last is the client of Teredo,
    // the first its server.
    let global = matches!((a, b), (0x64, 0xff9b) | (0x2002, _) | (0x2001, 0) | (0, 0));
    let host = embedded(address).last().filter(|_| global);
    host.unwrap_or(mine.into())
}

/// As [`canonical`], for a destination: systems take the unspecified address for this machine.
pub(crate) fn canonical_peer(address: IpAddr) -> IpAddr {
    match canonical(address) {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

/// The IPv4 hosts that a canonical address leads to, by a translator or through a tunnel.
///
/// They are another way to the host, not another spelling: denials for it and its special kind
/// apply to the address, grants for it do not.
pub(crate) fn embedded(address: IpAddr) -> impl Iterator<Item = IpAddr> {
    let found = match address {
        IpAddr::V4(_) => [None, None],
        IpAddr::V6(v6) => in_ipv6(v6),
    };
    found.into_iter().flatten().map(IpAddr::V4)
}

fn in_ipv6(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let segments = address.segments();
    let pair = |at: usize| {
        let bits = u32::from(segments[at]) << 16 | u32::from(segments[at + 1]);
        Ipv4Addr::from(bits)
    };
    match segments {
        // NAT64's well-known prefix, 64:ff9b::/96.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => [Some(pair(6)), None],
        // IPv4-translated, ::ffff:0:a.b.c.d.
        [0, 0, 0, 0, 0xffff, 0, ..] => [Some(pair(6)), None],
        // 6to4, 2002::/16.
        [0x2002, ..] => [Some(pair(1)), None],
        // Teredo, 2001::/32: the server, and the client with every bit inverted.
        [0x2001, 0, ..] => {
            let client = Ipv4Addr::from(!u32::from(pair(6)));
            [Some(pair(2)), Some(client)]
        }
        // ISATAP, in any network.
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => [Some(pair(6)), None],
        _ => [None, None],
    }
}
