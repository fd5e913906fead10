//! Names and what they are resolved to: Node's `dns.lookup()` as `connect` uses it.

use crate::error::Error;
use crate::ip;
use crate::ip::{Address, Family};
use std::net::IpAddr;

/// `dns.ADDRCONFIG`.
const ADDRCONFIG: u32 = 32;
/// `dns.V4MAPPED`.
const V4MAPPED: u32 = 8;
/// `dns.ALL`.
const ALL: u32 = 16;

/// An address as a resolver gives it, which need not be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The address in text form.
    pub address: String,
    /// 4 or 6, if the resolver is right.
    pub family: u32,
}

impl From<IpAddr> for Resolved {
    fn from(address: IpAddr) -> Self {
        Self {
            address: address.to_string(),
            family: match Family::of(address) {
                Family::Ipv4 => 4,
                Family::Ipv6 => 6,
            },
        }
    }
}

impl Resolved {
    /// The address, if it is one and its family is 4 or 6.
    pub(crate) fn valid(&self) -> Option<Address> {
        ip::parse(&self.address).filter(|_| matches!(self.family, 4 | 6))
    }

    /// Rows C16 and C17: why it is none.
    pub fn error(&self, host: &str, port: u16) -> Error {
        if ip::is_ip(&self.address) == 0 {
            Error::invalid_ip_address(&self.address)
        } else {
            Error::invalid_address_family(self.family, host, port)
        }
    }
}

/// A name that the program resolves: the arguments of Node's option `lookup`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookupRequest {
    /// The name.
    pub hostname: String,
    /// The family that was asked for.
    pub family: Option<Family>,
    /// Node's hints.
    pub hints: u32,
    /// Whether all addresses are of use, or the first one alone.
    pub all: bool,
}

/// Row C8: hints are a sum of those that Node knows.
pub fn check_hints(hints: u32) -> Result<u32, Error> {
    if hints & !(ADDRCONFIG | V4MAPPED | ALL) == 0 {
        Ok(hints)
    } else {
        Err(Error::invalid_hints(hints))
    }
}

/// Row C13: without a family, Node asks for addresses of configured families.
pub fn default_hints(hints: u32, family: Option<Family>) -> u32 {
    if hints == 0 && family.is_none() {
        ADDRCONFIG
    } else {
        hints
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row C8: `hints` other than Node's is ERR_INVALID_ARG_VALUE.
    #[test]
    fn c8_unknown_hints_are_refused() {
        assert_eq!(check_hints(0), Ok(0));
        assert_eq!(check_hints(56), Ok(56));
        let error = check_hints(99999).unwrap_err();
        assert_eq!(error.code, "ERR_INVALID_ARG_VALUE");
        assert_eq!(
            error.message,
            "The argument 'hints' is invalid. Received 99999"
        );
    }

    /// Row C13: ADDRCONFIG where no family is given, else no hints.
    #[test]
    fn c13_default_hints() {
        assert_eq!(default_hints(0, None), 32);
        assert_eq!(default_hints(0, Some(Family::Ipv4)), 0);
        assert_eq!(default_hints(8, None), 8);
    }

    /// Rows C16 and C17: what a resolver can get wrong, in Node's words.
    #[test]
    fn c16_c17_wrong_answers() {
        let resolved = |address: &str, family| Resolved {
            address: address.into(),
            family,
        };
        assert!(resolved("127.0.0.1", 4).valid().is_some());
        let family = resolved("127.0.0.1", 100);
        assert_eq!(family.valid(), None);
        let error = family.error("x.invalid", 5);
        assert_eq!(error.code, "ERR_INVALID_ADDRESS_FAMILY");
        assert_eq!(error.message, "Invalid address family: 100 x.invalid:5");
        let address = resolved("nope", 4).error("x.invalid", 5);
        assert_eq!(address.code, "ERR_INVALID_IP_ADDRESS");
        assert_eq!(address.message, "Invalid IP address: nope");
    }
}
