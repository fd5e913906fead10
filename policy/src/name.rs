//! Host names, in the normalized form in which they are compared.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};

/// The longest name in DNS, without the trailing dot.
const LONGEST_NAME: usize = 253;

/// The longest label in DNS.
const LONGEST_LABEL: usize = 63;

/// A host name: lower case, in IDNA's ASCII form, without a trailing dot.
///
/// ```
/// # use plugnet_policy::Name;
/// assert_eq!(Name::parse("Bücher.Example.").unwrap().as_str(), "xn--bcher-kva.example");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is no host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A label or the name is empty, too long, or has invalid characters.
    #[error("{0}")]
    Syntax(&'static str),
    /// An address in a spelling that only some programs, such as `getaddrinfo`, accept.
    #[error("a name cannot end in a number: systems read it as an IPv4 address")]
    Number(Option<Ipv4Addr>),
}

impl Name {
    /// Normalizes a name.
    ///
    /// # Errors
    ///
    /// [`NameError`] if it is not the name of a host. The spellings of IPv4 addresses that
    /// `getaddrinfo` knows (`127.1`, `0x7f000001`, `2130706433`, `0177.0.0.1`) are not names.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        // Longer texts are not worth parsing: no name in DNS is longer, even in Unicode.
        if text.len() > 4 * LONGEST_NAME {
            return Err(NameError::Syntax("a name has at most 253 characters"));
        }
        let ascii = Uts46::new()
            .to_ascii(
                text.as_bytes(),
                AsciiDenyList::EMPTY,
                Hyphens::Allow,
                DnsLength::Ignore,
            )
            .map_err(|_| NameError::Syntax("this is not a name that IDNA knows"))?;
        let name = ascii.strip_suffix('.').unwrap_or(&ascii);
        if name.is_empty() {
            return Err(NameError::Syntax("the name is empty"));
        }
        if name.len() > LONGEST_NAME {
            return Err(NameError::Syntax("a name has at most 253 characters"));
        }
        for label in name.split('.') {
            if label.is_empty() {
                return Err(NameError::Syntax("a part of the name is empty"));
            }
            if label.len() > LONGEST_LABEL {
                return Err(NameError::Syntax(
                    "a part of a name has at most 63 characters",
                ));
            }
            let known =
                |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
            if !label.bytes().all(known) {
                return Err(NameError::Syntax(
                    "a name consists of letters, digits, `-`, `_` and dots",
                ));
            }
        }
        if ends_in_number(name) {
            return Err(NameError::Number(loose_ipv4(name)));
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has further labels before `domain`: `a.b.example` is below `b.example` and
    /// below `example`, not below itself.
    pub fn is_below(&self, domain: &Name) -> bool {
        self.0
            .strip_suffix(&*domain.0)
            .is_some_and(|rest| rest.ends_with('.'))
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        self.0.clone()
    }

    /// The lower bound of all names.
    pub(crate) fn lowest() -> Self {
        Self(Arc::from(""))
    }

    /// Whether it stands for this machine: `localhost` and what is below (RFC 6761).
    pub(crate) fn is_localhost(&self) -> bool {
        &*self.0 == "localhost" || self.0.ends_with(".localhost")
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a program asks to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// An address, which resolves to itself.
    Address(IpAddr),
    /// A name.
    Name(Name),
}

impl Asked {
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Address(address.into()));
        }
        // A zone is part of a literal: `fe80::1%eth0`.
        let literal = match text.split_once('%') {
            Some((address, zone)) if is_zone(zone) => address,
            _ => text,
        };
        if let Ok(address) = literal.parse::<Ipv6Addr>() {
            return Ok(Self::Address(address.into()));
        }
        Name::parse(text).map(Self::Name)
    }
}

/// Whether it can be the name or number of an interface, which has at most 15 characters on Linux.
/// Longer ones are not passed to a resolver.
fn is_zone(zone: &str) -> bool {
    let known = |c: u8| c.is_ascii_alphanumeric() || b"_.-".contains(&c);
    (1..=15).contains(&zone.len()) && zone.bytes().all(known)
}

/// Whether a system may read a name as an IPv4 address, by the rules of the URL standard.
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last
        .strip_prefix("0x")
        .is_some_and(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
    hexadecimal || (!last.is_empty() && last.bytes().all(|c| c.is_ascii_digit()))
}

/// An IPv4 address as C's `inet_aton` reads it: one to four numbers, of which the last fills
/// the rest, in decimal, octal (`0…`) or hexadecimal (`0x…`).
pub(crate) fn loose_ipv4(text: &str) -> Option<Ipv4Addr> {
    let text = text.to_ascii_lowercase();
    let numbers = text
        .split('.')
        .map(|part| {
            if let Some(digits) = part.strip_prefix("0x") {
                return u32::from_str_radix(if digits.is_empty() { "0" } else { digits }, 16).ok();
            }
            if !part.bytes().all(|c| c.is_ascii_digit()) {
                return None;
            }
            match part.strip_prefix('0') {
                Some("") => Some(0),
                Some(digits) => u32::from_str_radix(digits, 8).ok(),
                None => part.parse().ok(),
            }
        })
        .collect::<Option<Vec<u32>>>()?;
    let (&last, first) = numbers.split_last()?;
    if first.len() > 3 || first.iter().any(|&number| number > 0xff) {
        return None;
    }
    let room = 8 * (4 - first.len());
    if u64::from(last) >= 1 << room {
        return None;
    }
    let high = first
        .iter()
        .enumerate()
        .fold(0, |address, (at, number)| address | number << (24 - 8 * at));
    Some(Ipv4Addr::from(high | last))
}
