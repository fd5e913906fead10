//! Special addresses, which wide rules do not cover.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::address;
use crate::host::Host;

/// The kind of a special address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpecialKind {
    /// A cloud's metadata service, which hands out credentials.
    Metadata,
    /// This machine (loopback).
    Loopback,
    /// The local link.
    LinkLocal,
    /// A private network.
    Private,
    /// A provider's network behind its NAT.
    Shared,
    /// Unspecified: no host.
    Unspecified,
    /// Multicast: a group of hosts.
    Multicast,
    /// Broadcast: every host of the network.
    Broadcast,
    /// For documentation.
    Documentation,
    /// Reserved for benchmarks, protocols or the future.
    Reserved,
}

impl SpecialKind {
    /// The kind as one word.
    pub fn as_str(self) -> &'static str {
        match self {
            SpecialKind::Metadata => "metadata",
            SpecialKind::Loopback => "loopback",
            SpecialKind::LinkLocal => "link-local",
            SpecialKind::Private => "private",
            SpecialKind::Shared => "shared",
            SpecialKind::Unspecified => "unspecified",
            SpecialKind::Multicast => "multicast",
            SpecialKind::Broadcast => "broadcast",
            SpecialKind::Documentation => "documentation",
            SpecialKind::Reserved => "reserved",
        }
    }
}

impl fmt::Display for SpecialKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A range of addresses that only rules written for it cover.
///
/// The special-address rule: an address in such a range is covered by
/// - a rule whose own address or network lies wholly inside the range,
/// - for loopback also a rule with the name `localhost` or one below it,
/// - `allow-net`, which is everything.
///
/// `*`, wider networks and all other names do not cover it, whatever a name resolves to. Of nested
/// ranges the innermost counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpecialRange {
    network: IpNet,
    kind: SpecialKind,
    embedded: Option<IpAddr>,
}

impl SpecialRange {
    /// The range that an address belongs to.
    ///
    /// An IPv6 address that leads to an IPv4 host in such a range, such as NAT64 and 6to4
    /// addresses, is a range of its own: only its exact address covers it.
    pub fn of(address: IpAddr) -> Option<Self> {
        let address = address::canonical(address);
        let smallest = |address: IpAddr| {
            RANGES
                .iter()
                .filter(|(network, _)| network.contains(&address))
                .max_by_key(|(network, _)| network.prefix_len())
                .map(|&(network, kind)| Self {
                    network,
                    kind,
                    embedded: None,
                })
        };
        // The address that it leads to comes first: it is stricter than the network around the
        // address.
        address::embedded(address)
            .find_map(|inner| {
                smallest(inner).map(|range| Self {
                    network: IpNet::from(address),
                    kind: range.kind,
                    embedded: Some(inner),
                })
            })
            .or_else(|| smallest(address))
    }

    /// Every range.
    pub fn all() -> impl Iterator<Item = Self> {
        RANGES.iter().map(|&(network, kind)| Self {
            network,
            kind,
            embedded: None,
        })
    }

    /// The addresses of the range.
    pub fn network(&self) -> IpNet {
        self.network
    }

    /// Their kind.
    pub fn kind(&self) -> SpecialKind {
        self.kind
    }

    /// The IPv4 host that makes an IPv6 address special, if any.
    pub fn embedded(&self) -> Option<IpAddr> {
        self.embedded
    }

    /// Whether a rule for `host`, which covers the address, is written for the range.
    pub(crate) fn is_granted_by(&self, host: &Host) -> bool {
        match host {
            Host::Any => false,
            Host::Address(_) | Host::Network(_) => host
                .network()
                .is_some_and(|network| self.network.contains(&network)),
            Host::Name(name) | Host::Below(name) => {
                self.kind == SpecialKind::Loopback && self.embedded.is_none() && name.is_localhost()
            }
        }
    }
}

/// The ranges, from IANA's registries of special-purpose addresses and the documentation of
/// the clouds.
static RANGES: LazyLock<Vec<(IpNet, SpecialKind)>> = LazyLock::new(|| {
    use SpecialKind::{
        Broadcast, Documentation, LinkLocal, Loopback, Metadata, Multicast, Private, Reserved,
        Shared, Unspecified,
    };
    let v4 = |a, b, c, d, length, kind| {
        let network = Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length);
        (IpNet::from(network), kind)
    };
    let v6 = |segments: [u16; 8], length, kind| {
        let network = Ipv6Net::new_assert(Ipv6Addr::from(segments), length);
        (IpNet::from(network), kind)
    };
    vec![
        v4(0, 0, 0, 0, 8, Unspecified),
        v4(10, 0, 0, 0, 8, Private),
        v4(100, 64, 0, 0, 10, Shared),
        v4(127, 0, 0, 0, 8, Loopback),
        v4(169, 254, 0, 0, 16, LinkLocal),
        v4(172, 16, 0, 0, 12, Private),
        v4(192, 0, 0, 0, 24, Reserved),
        v4(192, 0, 2, 0, 24, Documentation),
        v4(192, 168, 0, 0, 16, Private),
        v4(198, 18, 0, 0, 15, Reserved),
        v4(198, 51, 100, 0, 24, Documentation),
        v4(203, 0, 113, 0, 24, Documentation),
        v4(224, 0, 0, 0, 4, Multicast),
        v4(240, 0, 0, 0, 4, Reserved),
        v4(255, 255, 255, 255, 32, Broadcast),
        // Amazon, Google, Azure, and most others; then containers and pods at Amazon.
        v4(169, 254, 169, 254, 32, Metadata),
        v4(169, 254, 170, 2, 32, Metadata),
        v4(169, 254, 170, 23, 32, Metadata),
        // Alibaba, Azure, Oracle.
        v4(100, 100, 100, 200, 32, Metadata),
        v4(168, 63, 129, 16, 32, Metadata),
        v4(192, 0, 0, 192, 32, Metadata),
        v6([0, 0, 0, 0, 0, 0, 0, 0], 128, Unspecified),
        v6([0, 0, 0, 0, 0, 0, 0, 1], 128, Loopback),
        // NAT64 with a private prefix: only its owner knows where the IPv4 address is.
        v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, Private),
        v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64, Reserved),
        v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48, Reserved),
        v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, Documentation),
        v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, Documentation),
        v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, Reserved),
        v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, Private),
        v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, LinkLocal),
        // Site-local, which was private before RFC 3879.
        v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, Private),
        v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, Multicast),
        // Amazon's, twice; Google's; Scaleway's.
        v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128, Metadata),
        v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23], 128, Metadata),
        v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128, Metadata),
        v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128, Metadata),
    ]
});

impl fmt::Display for SpecialRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.embedded {
            None => write!(f, "{} ({})", self.kind, self.network),
            Some(inner) => write!(f, "{} (it leads to {inner})", self.kind),
        }
    }
}
