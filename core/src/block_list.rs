//! `net.BlockList`.

use crate::error::Error;
use crate::ip::{self, Family};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// `BlockList.PRIVATE_RANGES`, for [`BlockList::add_cidrs`].
pub const PRIVATE_RANGES: [&str; 8] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "::1/128",
    "169.254.0.0/16",
    "fe80::/10",
    "fc00::/7",
];

/// What an address is compared by: an IPv4 address and its IPv4-mapped form are the same.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn parse(address: &str, family: Family) -> Result<IpAddr, Error> {
    ip::parse_as(address, family).ok_or_else(Error::invalid_address)
}

fn family_name(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "IPv4",
        IpAddr::V6(_) => "IPv6",
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Subnet {
    network: IpAddr,
    prefix: u32,
}

impl Subnet {
    fn new(network: &str, prefix: i64, family: Family) -> Result<Self, Error> {
        let network = parse(network, family)?;
        let max = family.bits();
        match u32::try_from(prefix) {
            Ok(prefix) if prefix <= max => Ok(Self { network, prefix }),
            _ => Err(Error::prefix_out_of_range(prefix, max)),
        }
    }

    fn contains(&self, asked: u128) -> bool {
        let bits = match self.network {
            IpAddr::V4(_) => 96 + self.prefix,
            IpAddr::V6(_) => self.prefix,
        };
        // A prefix of 0 ignores everything, and a shift by 128 overflows.
        (number(self.network) ^ asked)
            .checked_shr(128 - bits)
            .is_none_or(|rest| rest == 0)
    }
}

/// A subnet in CIDR notation, of which the prefix is a number.
#[derive(Debug)]
struct Cidr<'a> {
    network: &'a str,
    prefix: i64,
}

impl<'a> Cidr<'a> {
    fn new(text: &'a str) -> Result<Self, Error> {
        let (network, digits) = text
            .rsplit_once('/')
            .ok_or_else(|| Error::cidr_without_prefix(text))?;
        let prefix = digits.parse::<i64>().ok();
        // Node takes a number alone that it would print so.
        let prefix = prefix.filter(|prefix| prefix.to_string() == digits);
        let prefix = prefix.ok_or_else(|| Error::cidr_prefix_not_a_number(text))?;
        Ok(Self { network, prefix })
    }

    fn subnet(&self) -> Result<Subnet, Error> {
        let family = if self.network.contains(':') {
            Family::Ipv6
        } else {
            Family::Ipv4
        };
        Subnet::new(self.network, self.prefix, family)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: IpAddr,
    end: IpAddr,
}

impl Range {
    fn new(start: &str, end: &str, family: Family) -> Result<Self, Error> {
        Ok(Self {
            start: parse(start, family)?,
            end: parse(end, family)?,
        })
    }

    fn contains(&self, asked: u128) -> bool {
        (number(self.start)..=number(self.end)).contains(&asked)
    }
}

/// A single address: how it is written, and its place among the others.
#[derive(Debug)]
struct Single {
    address: IpAddr,
    added: u64,
}

#[derive(Debug, Default)]
struct Rules {
    addresses: HashMap<u128, Single>,
    /// How many addresses were added so far.
    added: u64,
    /// The newest last.
    subnets: Vec<Subnet>,
    /// The newest last.
    ranges: Vec<Range>,
}

impl Rules {
    /// Added again, an address keeps its place and is written as the newer one.
    fn add_address(&mut self, address: IpAddr) {
        let added = self.added;
        let entry = self.addresses.entry(number(address));
        entry
            .and_modify(|single| single.address = address)
            .or_insert(Single { address, added });
        self.added += 1;
    }

    fn contains(&self, address: IpAddr) -> bool {
        let asked = number(address);
        self.addresses.contains_key(&asked)
            || self.subnets.iter().any(|subnet| subnet.contains(asked))
            || self.ranges.iter().any(|range| range.contains(asked))
    }

    fn texts(&self) -> Vec<String> {
        let mut singles: Vec<&Single> = self.addresses.values().collect();
        singles.sort_unstable_by_key(|single| std::cmp::Reverse(single.added));
        let singles = singles
            .into_iter()
            .map(|Single { address, .. }| format!("Address: {} {address}", family_name(*address)));
        let subnets = self.subnets.iter().rev().map(|Subnet { network, prefix }| {
            format!("Subnet: {} {network}/{prefix}", family_name(*network))
        });
        let ranges =
            self.ranges.iter().rev().map(|Range { start, end }| {
                format!("Range: {} {start}-{end}", family_name(*start))
            });
        singles.chain(subnets).chain(ranges).collect()
    }
}

/// Of those that are the same, the newest goes.
fn remove_newest<T: PartialEq>(rules: &mut Vec<T>, removed: &T) {
    if let Some(at) = rules.iter().rposition(|rule| rule == removed) {
        rules.remove(at);
    }
}

/// Four numbers of up to three digits: what `fromJSON` looks for.
fn looks_like_ipv4(text: &str) -> bool {
    text.split('.').count() == 4 && text.split('.').all(is_short_number)
}

fn is_short_number(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What an IPv6 address is made of: what `fromJSON` looks for.
fn looks_like_ipv6(text: &str) -> bool {
    let belongs = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.');
    !text.is_empty() && text.bytes().all(belongs)
}

/// Node's `net.BlockList`. Clones are the same list: a server or socket that has one sees what is
/// added later.
#[derive(Clone, Debug, Default)]
pub struct BlockList(Arc<Mutex<Rules>>);

/// A [`BlockList`] as long as somebody has it.
#[derive(Clone, Debug)]
pub struct WeakBlockList(Weak<Mutex<Rules>>);

impl WeakBlockList {
    /// The list, if there still is one.
    pub fn upgrade(&self) -> Option<BlockList> {
        self.0.upgrade().map(BlockList)
    }
}

impl BlockList {
    /// A reference that does not keep it.
    pub fn downgrade(&self) -> WeakBlockList {
        WeakBlockList(Arc::downgrade(&self.0))
    }

    /// The rules; what could panic while it has them leaves them whole.
    fn rules_mut(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `blockList.addAddress()`.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS`.
    pub fn add_address(&self, address: &str, family: Family) -> Result<(), Error> {
        let address = parse(address, family)?;
        self.rules_mut().add_address(address);
        Ok(())
    }

    /// `blockList.addAddresses()`: all of them, or none if one is wrong.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS`.
    pub fn add_addresses(&self, addresses: &[String], family: Family) -> Result<(), Error> {
        let parsed = addresses.iter().map(|address| parse(address, family));
        let parsed = parsed.collect::<Result<Vec<_>, _>>()?;
        let mut rules = self.rules_mut();
        for address in parsed {
            rules.add_address(address);
        }
        Ok(())
    }

    /// `blockList.addRange()`; both ends belong to the range.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS`; `ERR_INVALID_ARG_VALUE` if it ends before it starts.
    pub fn add_range(&self, start: &str, end: &str, family: Family) -> Result<(), Error> {
        let range = Range::new(start, end, family)?;
        if number(range.start) > number(range.end) {
            return Err(Error::range_upside_down(range.start, family));
        }
        self.rules_mut().ranges.push(range);
        Ok(())
    }

    /// `blockList.addSubnet()`.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS` and `ERR_OUT_OF_RANGE`.
    pub fn add_subnet(&self, network: &str, prefix: u32, family: Family) -> Result<(), Error> {
        let subnet = Subnet::new(network, prefix.into(), family)?;
        self.rules_mut().subnets.push(subnet);
        Ok(())
    }

    /// `blockList.addCIDR()`.
    ///
    /// # Errors
    ///
    /// Those of [`add_subnet`](Self::add_subnet); `ERR_INVALID_ARG_VALUE` if there is no prefix,
    /// or none that is a number.
    pub fn add_cidr(&self, cidr: &str) -> Result<(), Error> {
        let subnet = Cidr::new(cidr)?.subnet()?;
        self.rules_mut().subnets.push(subnet);
        Ok(())
    }

    /// `blockList.addCIDRs()`: none if one has no prefix; those before one whose address or prefix
    /// is wrong.
    ///
    /// # Errors
    ///
    /// Those of [`add_cidr`](Self::add_cidr).
    pub fn add_cidrs(&self, cidrs: &[String]) -> Result<(), Error> {
        let parsed = cidrs.iter().map(|cidr| Cidr::new(cidr));
        for cidr in parsed.collect::<Result<Vec<_>, _>>()? {
            let subnet = cidr.subnet()?;
            self.rules_mut().subnets.push(subnet);
        }
        Ok(())
    }

    /// `blockList.removeAddress()`.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS`.
    pub fn remove_address(&self, address: &str, family: Family) -> Result<(), Error> {
        let address = parse(address, family)?;
        self.rules_mut().addresses.remove(&number(address));
        Ok(())
    }

    /// `blockList.removeRange()`: of a range that is there twice, one.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_ADDRESS`.
    pub fn remove_range(&self, start: &str, end: &str, family: Family) -> Result<(), Error> {
        let range = Range::new(start, end, family)?;
        remove_newest(&mut self.rules_mut().ranges, &range);
        Ok(())
    }

    /// `blockList.removeSubnet()`: of a subnet that is there twice, one.
    ///
    /// # Errors
    ///
    /// Those of [`add_subnet`](Self::add_subnet).
    pub fn remove_subnet(&self, network: &str, prefix: u32, family: Family) -> Result<(), Error> {
        let subnet = Subnet::new(network, prefix.into(), family)?;
        remove_newest(&mut self.rules_mut().subnets, &subnet);
        Ok(())
    }

    /// `blockList.removeCIDR()`.
    ///
    /// # Errors
    ///
    /// Those of [`add_cidr`](Self::add_cidr).
    pub fn remove_cidr(&self, cidr: &str) -> Result<(), Error> {
        let subnet = Cidr::new(cidr)?.subnet()?;
        remove_newest(&mut self.rules_mut().subnets, &subnet);
        Ok(())
    }

    /// `blockList.clear()`.
    pub fn clear(&self) {
        *self.rules_mut() = Rules::default();
    }

    /// `blockList.size`: how many rules there are.
    pub fn size(&self) -> usize {
        let rules = self.rules_mut();
        rules.addresses.len() + rules.subnets.len() + rules.ranges.len()
    }

    /// `blockList.check()`. What is no address is not in the list.
    pub fn check(&self, address: &str, family: Family) -> bool {
        ip::parse_as(address, family).is_some_and(|address| self.contains(address))
    }

    /// Whether the address is in the list.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.rules_mut().contains(address)
    }

    /// `blockList.rules`: addresses, subnets, ranges; the newest of each kind first.
    pub fn rules(&self) -> Vec<String> {
        self.rules_mut().texts()
    }

    /// `blockList.fromJSON()`: adds rules as [`rules`](Self::rules) writes them, in the order
    /// given. What is no rule is skipped.
    ///
    /// # Errors
    ///
    /// Those of adding the rule; those before it stay.
    pub fn from_json(&self, rules: &[String]) -> Result<(), Error> {
        rules.iter().try_for_each(|rule| self.add_rule(rule))
    }

    fn add_rule(&self, rule: &str) -> Result<(), Error> {
        let mut words = rule.split(' ');
        let (Some(kind), Some(family), Some(value), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Ok(());
        };
        type Looks = fn(&str) -> bool;
        let (family, looks): (_, Looks) = match family {
            "IPv4" => (Family::Ipv4, looks_like_ipv4),
            "IPv6" => (Family::Ipv6, looks_like_ipv6),
            _ => return Ok(()),
        };
        match kind {
            "Address:" if looks(value) => self.add_address(value, family),
            "Subnet:" => match value.split_once('/') {
                Some((network, prefix)) if looks(network) && is_short_number(prefix) => {
                    // Three digits are a number.
                    self.add_subnet(network, prefix.parse().unwrap_or(u32::MAX), family)
                }
                _ => Ok(()),
            },
            "Range:" => match value.split_once('-') {
                Some((start, end)) if looks(start) && looks(end) => {
                    self.add_range(start, end, family)
                }
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Family::{Ipv4, Ipv6};

    /// The example of Node's documentation, and its rules in Node's words.
    #[test]
    fn block_list_as_node_has_it() {
        let list = BlockList::default();
        list.add_address("123.123.123.123", Ipv4).unwrap();
        list.add_range("10.0.0.1", "10.0.0.10", Ipv4).unwrap();
        list.add_subnet("8592:757c:efae:4e45::", 64, Ipv6).unwrap();
        list.add_subnet("192.168.1.77", 24, Ipv4).unwrap();
        assert_eq!(
            list.rules(),
            [
                "Address: IPv4 123.123.123.123",
                "Subnet: IPv4 192.168.1.77/24",
                "Subnet: IPv6 8592:757c:efae:4e45::/64",
                "Range: IPv4 10.0.0.1-10.0.0.10"
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
        let list = BlockList::default();
        list.add_address("::ffff:1.2.3.4", Ipv6).unwrap();
        assert!(list.check("1.2.3.4", Ipv4));
        list.add_subnet("::ffff:10.0.0.0", 104, Ipv6).unwrap();
        assert!(list.check("10.1.1.1", Ipv4));
        assert!(!list.check("11.1.1.1", Ipv4));
    }

    /// A prefix of 0 is everything of the family.
    #[test]
    fn block_list_prefix_zero() {
        let list = BlockList::default();
        list.add_subnet("0.0.0.0", 0, Ipv4).unwrap();
        assert!(list.check("9.9.9.9", Ipv4));
        assert!(!list.check("2001:db8::1", Ipv6));
        list.add_subnet("::", 0, Ipv6).unwrap();
        assert!(list.check("2001:db8::1", Ipv6));
    }

    /// Wrong arguments, in Node's words.
    #[test]
    fn block_list_errors() {
        let list = BlockList::default();
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
}
