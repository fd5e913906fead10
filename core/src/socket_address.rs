//! `net.SocketAddress`.

use crate::error::Error;
use crate::ip::{self, Family};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The largest IPv6 flow label: it has 20 bits.
const MAX_FLOWLABEL: u32 = (1 << 20) - 1;

/// Node's `net.SocketAddress`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketAddress {
    /// The address, in its canonical form.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The IPv6 flow label; 0 with IPv4.
    pub flowlabel: u32,
}

impl SocketAddress {
    /// Without an address, Node's: `127.0.0.1` and `::`.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` and `ERR_OUT_OF_RANGE`: the flow label is longer than 20 bits, for
    /// which Node aborts.
    pub fn new(
        address: Option<&str>,
        family: Family,
        port: u16,
        flowlabel: u32,
    ) -> Result<Self, Error> {
        if flowlabel > MAX_FLOWLABEL {
            return Err(Error::flowlabel_out_of_range(flowlabel, MAX_FLOWLABEL));
        }
        let address = match (address, family) {
            (Some(address), _) => {
                ip::parse_as(address, family).ok_or_else(Error::invalid_address)?
            }
            (None, Family::Ipv4) => Ipv4Addr::LOCALHOST.into(),
            (None, Family::Ipv6) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let flowlabel = if address.is_ipv6() { flowlabel } else { 0 };
        Ok(Self {
            address,
            port,
            flowlabel,
        })
    }

    /// `SocketAddress.parse()`: `1.2.3.4:443` or `[::1]:443`, the port 0 where there is none.
    ///
    /// Node takes the rest of what a URL has, too, and drops port 80.
    pub fn parse(input: &str) -> Option<Self> {
        let (address, port): (IpAddr, _) = match input.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                (address.parse::<Ipv6Addr>().ok()?.into(), port)
            }
            None => {
                let (address, port) = input.split_at(input.find(':').unwrap_or(input.len()));
                (address.parse::<Ipv4Addr>().ok()?.into(), port)
            }
        };
        let port = match port.strip_prefix(':') {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            None if port.is_empty() => 0,
            _ => return None,
        };
        Some(Self {
            address,
            port,
            flowlabel: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Family::{Ipv4, Ipv6};

    /// Node's defaults, and the canonical form.
    #[test]
    fn socket_address() {
        let address = |text, family| SocketAddress::new(text, family, 5, 7);
        assert_eq!(
            address(None, Ipv4).unwrap().address.to_string(),
            "127.0.0.1"
        );
        assert_eq!(address(None, Ipv6).unwrap().address.to_string(), "::");
        let canonical = address(Some("0:0::1"), Ipv6).unwrap();
        assert_eq!(canonical.address.to_string(), "::1");
        assert_eq!((canonical.port, canonical.flowlabel), (5, 7));
        let error = address(Some("nope"), Ipv4).unwrap_err();
        assert_eq!(error.code, "ERR_INVALID_ADDRESS");
    }

    /// A flow label has 20 bits, and is 0 with IPv4; a zone is dropped.
    #[test]
    fn flowlabel_has_bounds() {
        let label = |family, label| SocketAddress::new(None, family, 0, label);
        assert_eq!(label(Ipv6, 0xf_ffff).unwrap().flowlabel, 0xf_ffff);
        assert_eq!(label(Ipv4, 7).unwrap().flowlabel, 0);
        let error = label(Ipv6, 0x10_0000).unwrap_err();
        assert_eq!(error.code, "ERR_OUT_OF_RANGE");
        assert_eq!(
            error.message,
            "The value of \"options.flowlabel\" is out of range. It must be >= 0 && <= 1048575. \
             Received 1048576"
        );
        let zone = SocketAddress::new(Some("fe80::1%lo"), Ipv6, 0, 0).unwrap();
        assert_eq!(zone.address.to_string(), "fe80::1");
    }

    /// Node's documented forms: an address, in brackets if it is IPv6, and a port.
    #[test]
    fn parse_takes_an_address_and_a_port() {
        for (text, address, port) in [
            ("1.2.3.4:443", "1.2.3.4", 443),
            ("1.2.3.4", "1.2.3.4", 0),
            ("1.2.3.4:80", "1.2.3.4", 80),
            ("[2001:DB8::0:1]:8080", "2001:db8::1", 8080),
            ("[::1]", "::1", 0),
            ("[::1]:65535", "::1", 65535),
        ] {
            let parsed = SocketAddress::parse(text).expect(text);
            assert_eq!(parsed.address.to_string(), address, "{text}");
            assert_eq!((parsed.port, parsed.flowlabel), (port, 0), "{text}");
        }
    }

    /// Anything else is no address.
    #[test]
    fn parse_takes_nothing_else() {
        for text in [
            "",
            ":",
            ":80",
            "::1",
            "::1:80",
            "localhost:80",
            "1.2.3.4:",
            "1.2.3.4:65536",
            "1.2.3.4:-1",
            "1.2.3.4:+1",
            "1.2.3.4: 1",
            "1.2.3.4:8x",
            "1.2.3:4",
            "01.2.3.4",
            "[::1",
            "[::1]80",
            "[::1]x",
            "[1.2.3.4]:80",
            "[fe80::1%lo]:80",
            "1.2.3.4:1:2",
            "é",
        ] {
            assert_eq!(SocketAddress::parse(text), None, "{text:?}");
        }
    }
}
