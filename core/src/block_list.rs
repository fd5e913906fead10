//! `net.BlockList` and `net.SocketAddress`.

use crate::error::Error;
use crate::socket::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address of a family, in Node's words an `ipv4` or an `ipv6` one.
fn parse(address: &str, family: Family) -> Option<IpAddr> {
    match family {
        Family::Ipv4 => address.parse().map(IpAddr::V4).ok(),
        Family::Ipv6 => address.parse().map(IpAddr::V6).ok(),
    }
}

/// Node compares an IPv4 address and its IPv4-mapped IPv6 form as the same.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn family_name(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

#[derive(Debug)]
enum Rule {
    Address(IpAddr),
    Range(IpAddr, IpAddr),
    Subnet(IpAddr, u32),
}

impl Rule {
    fn matches(&self, address: IpAddr) -> bool {
        let asked = number(address);
        match *self {
            Rule::Address(address) => number(address) == asked,
            Rule::Range(start, end) => (number(start)..=number(end)).contains(&asked),
            Rule::Subnet(network, prefix) => {
                let bits = match network {
                    IpAddr::V4(_) => 96 + prefix,
                    IpAddr::V6(_) => prefix,
                };
                let ignored = 128 - bits;
                // A prefix of 0 ignores everything, and a shift by 128 overflows.
                (number(network) ^ asked)
                    .checked_shr(ignored)
                    .is_none_or(|rest| rest == 0)
            }
        }
    }

    fn text(&self) -> String {
        match *self {
            Rule::Address(address) => format!("Address: {} {address}", family_name(address)),
            Rule::Range(start, end) => format!("Range: {} {start}-{end}", family_name(start)),
            Rule::Subnet(network, prefix) => {
                format!("Subnet: {} {network}/{prefix}", family_name(network))
            }
        }
    }
}

/// Node's `net.BlockList`.
#[derive(Debug, Default)]
pub struct BlockList(Vec<Rule>);

impl BlockList {
    /// `blockList.addAddress()`.
    pub fn add_address(&mut self, address: &str, family: Family) -> Result<(), Error> {
        let address = parse(address, family).ok_or_else(Error::invalid_address)?;
        self.0.push(Rule::Address(address));
        Ok(())
    }

    /// `blockList.addRange()`; both ends belong to the range.
    pub fn add_range(&mut self, start: &str, end: &str, family: Family) -> Result<(), Error> {
        let parse = |address| parse(address, family).ok_or_else(Error::invalid_address);
        let (start, end) = (parse(start)?, parse(end)?);
        if number(start) > number(end) {
            return Err(Error::range_upside_down(start, family));
        }
        self.0.push(Rule::Range(start, end));
        Ok(())
    }

    /// `blockList.addSubnet()`.
    pub fn add_subnet(&mut self, network: &str, prefix: u32, family: Family) -> Result<(), Error> {
        let network = parse(network, family).ok_or_else(Error::invalid_address)?;
        let max = match family {
            Family::Ipv4 => Ipv4Addr::BITS,
            Family::Ipv6 => Ipv6Addr::BITS,
        };
        if prefix > max {
            return Err(Error::prefix_out_of_range(prefix, max));
        }
        self.0.push(Rule::Subnet(network, prefix));
        Ok(())
    }

    /// `blockList.check()`. What is no address is not in the list.
    pub fn check(&self, address: &str, family: Family) -> bool {
        parse(address, family)
            .is_some_and(|address| self.0.iter().any(|rule| rule.matches(address)))
    }

    /// `blockList.rules`, the newest first.
    pub fn rules(&self) -> Vec<String> {
        self.0.iter().rev().map(Rule::text).collect()
    }
}

/// Node's `net.SocketAddress`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketAddress {
    /// The address, in its canonical form.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// The IPv6 flow label.
    pub flowlabel: u32,
}

impl SocketAddress {
    /// Without an address, Node's: `127.0.0.1` and `::`.
    pub fn new(
        address: Option<&str>,
        family: Family,
        port: u16,
        flowlabel: u32,
    ) -> Result<Self, Error> {
        let address = match (address, family) {
            (Some(address), _) => parse(address, family).ok_or_else(Error::invalid_address)?,
            (None, Family::Ipv4) => Ipv4Addr::LOCALHOST.into(),
            (None, Family::Ipv6) => Ipv6Addr::UNSPECIFIED.into(),
        };
        Ok(Self {
            address,
            port,
            flowlabel,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Family::{Ipv4, Ipv6};

    /// The example of Node's documentation, and its rules in Node's words.
    #[test]
    fn block_list_as_node_has_it() {
        let mut list = BlockList::default();
        list.add_address("123.123.123.123", Ipv4).unwrap();
        list.add_range("10.0.0.1", "10.0.0.10", Ipv4).unwrap();
        list.add_subnet("8592:757c:efae:4e45::", 64, Ipv6).unwrap();
        list.add_subnet("192.168.1.77", 24, Ipv4).unwrap();
        assert_eq!(
            list.rules(),
            [
                "Subnet: IPv4 192.168.1.77/24",
                "Subnet: IPv6 8592:757c:efae:4e45::/64",
                "Range: IPv4 10.0.0.1-10.0.0.10",
                "Address: IPv4 123.123.123.123"
            ]
        );
        for (address, family, blocked) in [
            ("123.123.123.123", Ipv4, true),
            ("10.0.0.1", Ipv4, true),
            ("10.0.0.10", Ipv4, true),
            ("10.0.0.11", Ipv4, false),
            ("222.111.111.222", Ipv4, false),
            ("::ffff:7b7b:7b7b", Ipv6, true),
            ("::ffff:123.123.123.123", Ipv6, true),
            ("8592:757c:efae:4e45::1", Ipv6, true),
            ("8592:757c:efae:4e46::1", Ipv6, false),
            ("192.168.1.1", Ipv4, true),
            ("192.168.2.1", Ipv4, false),
            ("::1", Ipv4, false),
            ("1.2.3.4", Ipv6, false),
            ("nope", Ipv4, false),
        ] {
            assert_eq!(list.check(address, family), blocked, "{address}");
        }
    }

    /// A mapped address blocks the IPv4 address, and a mapped subnet those in it.
    #[test]
    fn block_list_knows_mapped_addresses() {
        let mut list = BlockList::default();
        list.add_address("::ffff:1.2.3.4", Ipv6).unwrap();
        assert!(list.check("1.2.3.4", Ipv4));
        list.add_subnet("::ffff:10.0.0.0", 104, Ipv6).unwrap();
        assert!(list.check("10.1.1.1", Ipv4));
        assert!(!list.check("11.1.1.1", Ipv4));
    }

    /// A prefix of 0 is everything of the family.
    #[test]
    fn block_list_prefix_zero() {
        let mut list = BlockList::default();
        list.add_subnet("0.0.0.0", 0, Ipv4).unwrap();
        assert!(list.check("9.9.9.9", Ipv4));
        assert!(!list.check("2001:db8::1", Ipv6));
        list.add_subnet("::", 0, Ipv6).unwrap();
        assert!(list.check("2001:db8::1", Ipv6));
    }

    /// Wrong arguments, in Node's words.
    #[test]
    fn block_list_errors() {
        let mut list = BlockList::default();
        let failed = |outcome: Result<(), Error>| {
            let error = outcome.unwrap_err();
            (error.code, error.message)
        };
        let (code, message) = failed(list.add_address("::1", Ipv4));
        assert_eq!(code, "ERR_INVALID_ADDRESS");
        assert_eq!(message, "Invalid socket address");
        let (code, message) = failed(list.add_range("10.0.0.9", "10.0.0.1", Ipv4));
        assert_eq!(code, "ERR_INVALID_ARG_VALUE");
        assert!(message.starts_with("The argument 'start' must come before end."));
        let (code, message) = failed(list.add_subnet("10.0.0.0", 33, Ipv4));
        assert_eq!(code, "ERR_OUT_OF_RANGE");
        assert_eq!(
            message,
            "The value of \"prefix\" is out of range. It must be >= 0 && <= 32. Received 33"
        );
        assert_eq!(list.rules(), [""; 0]);
    }

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
}
