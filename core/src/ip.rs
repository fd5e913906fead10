//! `net.isIP()`, `net.isIPv4()` and `net.isIPv6()`, and the families of addresses.

use std::fmt::{self, Display, Formatter};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Ipv4,
            IpAddr::V6(_) => Self::Ipv6,
        }
    }

    /// `0.0.0.0` or `::`.
    pub(crate) fn unspecified(self) -> IpAddr {
        match self {
            Self::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
            Self::Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
        }
    }

    /// How many bits an address has.
    pub(crate) fn bits(self) -> u32 {
        match self {
            Self::Ipv4 => Ipv4Addr::BITS,
            Self::Ipv6 => Ipv6Addr::BITS,
        }
    }
}

/// 4, 6, or 0 for anything that is not an IP address.
pub fn is_ip(input: &str) -> u8 {
    if is_ipv4(input) {
        4
    } else if is_ipv6(input) {
        6
    } else {
        0
    }
}

/// Four decimal numbers without leading zeros.
pub fn is_ipv4(input: &str) -> bool {
    input.parse::<Ipv4Addr>().is_ok()
}

/// RFC 4291 section 2.2, with an optional zone.
pub fn is_ipv6(input: &str) -> bool {
    let (address, zone) = match input.split_once('%') {
        Some((address, zone)) => (address, Some(zone)),
        None => (input, None),
    };
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(is_zone)
}

/// What Node takes for a zone: letters, digits, `-`, `.` and `:`.
fn is_zone(zone: &str) -> bool {
    !zone.is_empty()
        && zone
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':'))
}

/// An address, with the zone that the program named: `fe80::1%eth0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub ip: IpAddr,
    pub zone: Option<Zone>,
}

/// The name of a network interface.
pub(crate) type Zone = Arc<str>;

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self { ip, zone: None }
    }
}

impl Display for Address {
    fn fmt(&self, to: &mut Formatter<'_>) -> fmt::Result {
        let Self { ip, zone } = self;
        match zone {
            Some(zone) => write!(to, "{ip}%{zone}"),
            None => write!(to, "{ip}"),
        }
    }
}

/// An address that [`is_ip`] accepts.
pub(crate) fn parse(input: &str) -> Option<Address> {
    if !is_ipv4(input) && !is_ipv6(input) {
        return None;
    }
    let mut parts = input.splitn(2, '%');
    let ip = parts.next()?.parse().ok()?;
    let zone = parts.next().map(Zone::from);
    Some(Address { ip, zone })
}

/// Whether it is of `fe80::/10`.
pub(crate) fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// An address of that family, as [`parse`] takes it. A zone makes no difference.
pub(crate) fn parse_as(input: &str, family: Family) -> Option<IpAddr> {
    let address = parse(input)?.ip;
    (Family::of(address) == family).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row I1: strict dotted decimal.
    #[test]
    fn i1_ipv4_is_strict_dotted_decimal() {
        for good in ["127.0.0.1", "0.0.0.0", "255.255.255.255"] {
            assert_eq!(is_ip(good), 4, "{good}");
        }
        for bad in [
            "127.0.0.01",
            "127.0.0.1 ",
            " 127.0.0.1",
            "127.0.0.1\n",
            "127.1",
            "0x7f.0.0.1",
            "256.0.0.1",
            "1.2.3.4.5",
            "",
            "localhost",
        ] {
            assert_eq!(is_ip(bad), 0, "{bad:?}");
        }
    }

    /// Row I2: IPv4 at the end, one `::` for any number of groups, at most four digits.
    #[test]
    fn i2_ipv6_forms() {
        for good in [
            "::",
            "::1",
            "::1.2.3.4",
            "::ffff:127.0.0.1",
            "1:2:3:4:5:6:7::",
            "::2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7:8",
            "fe80::1",
        ] {
            assert_eq!(is_ip(good), 6, "{good}");
        }
        for bad in [
            ":::",
            "1:2:3:4:5:6:7:8:9",
            "12345::",
            "::1.2.3.04",
            "::1.2.3",
            "[::1]",
            "1:2:3:4:5:6:7",
            "1::2::3",
        ] {
            assert_eq!(is_ip(bad), 0, "{bad:?}");
        }
    }

    /// Row I3: a zone is letters, digits, `-`, `.` and `:`, and not empty.
    #[test]
    fn i3_zone() {
        assert_eq!(is_ip("fe80::1%lo"), 6);
        assert_eq!(is_ip("fe80::1%eth0.1"), 6);
        assert_eq!(is_ip("fe80::1%"), 0);
        assert_eq!(is_ip("fe80::1%eth0@1"), 0);
        assert_eq!(is_ip("127.0.0.1%lo"), 0);
    }

    /// The zone is kept, as the program wrote it.
    #[test]
    fn c33_zone_of_a_parsed_address() {
        let parsed = parse("FE80:0::1%eth0").unwrap();
        assert_eq!(parsed.ip, "fe80::1".parse::<IpAddr>().unwrap());
        assert_eq!(parsed.zone.as_deref(), Some("eth0"));
        assert_eq!(parsed.to_string(), "fe80::1%eth0");
        assert_eq!(parse("::1").unwrap().to_string(), "::1");
        assert_eq!(parse("fe80::1%"), None);
        assert_eq!(parse("localhost"), None);
    }
}
