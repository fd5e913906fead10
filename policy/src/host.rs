//! The host of an entry: an address, a network, a name, or any.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::address;
use crate::entry_error::Fault;
use crate::name::{Name, NameError, loose_ipv4};

/// Which hosts an entry is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// `*`: every host, by IPv4 and IPv6. Special addresses are not covered, see
    /// [`SpecialRange`](crate::SpecialRange).
    Any,
    /// `10.1.2.3`, `[fd00::1]`.
    Address(IpAddr),
    /// `10.0.0.0/8`, `[fc00::/7]`. A network of one address is an [`Host::Address`].
    Network(IpNet),
    /// `api.example.com`: the addresses that the program got from this name.
    Name(Name),
    /// `*.example.com`: the addresses that it got from names below this one, one label or
    /// more. `example.com` itself is not among them.
    Below(Name),
}

impl Host {
    /// Whether the entry is about what has this name.
    pub(crate) fn is_named(&self, name: &Name) -> bool {
        match self {
            Host::Name(own) => own == name,
            Host::Below(domain) => name.is_below(domain),
            Host::Any | Host::Address(_) | Host::Network(_) => false,
        }
    }

    /// The networks it stands for, if it is written as one.
    pub(crate) fn network(&self) -> Option<IpNet> {
        match self {
            Host::Address(address) => Some(IpNet::from(*address)),
            Host::Network(network) => Some(*network),
            Host::Any | Host::Name(_) | Host::Below(_) => None,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Any => f.write_str("*"),
            Host::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Host::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Host::Network(IpNet::V4(network)) => write!(f, "{network}"),
            Host::Network(IpNet::V6(network)) => write!(f, "[{network}]"),
            Host::Name(name) => write!(f, "{name}"),
            Host::Below(name) => write!(f, "*.{name}"),
        }
    }
}

/// A host in an entry, without brackets. The corrected form of a fault is that of the host.
pub(crate) fn parse(text: &str, start: usize) -> Result<Host, Fault> {
    let spot = start..start + text.len();
    if text.is_empty() {
        return Err(Fault::new(spot, "the host is missing; `*` is any host").corrected("*"));
    }
    if text == "*" {
        return Ok(Host::Any);
    }
    if let Some(at) = text.rfind('@') {
        return Err(Fault::new(
            start..start + at + 1,
            "an entry has no user and no password",
        )
        .corrected_if(fixed(&text[at + 1..])));
    }
    if let Some((left, right)) = text.split_once('/') {
        return ipv4_network(left, right, start);
    }
    if text.contains('*') {
        return below(text, start);
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(address.into()));
    }
    name(text, start).map(Host::Name)
}

/// `text`, or what it is corrected to.
fn fixed(text: &str) -> Option<String> {
    match parse(text, 0) {
        Ok(host) => Some(host.to_string()),
        Err(fault) => fault.corrected,
    }
}

/// A name without any `*`.
pub(crate) fn name(text: &str, start: usize) -> Result<Name, Fault> {
    let spot = start..start + text.len();
    Name::parse(text).map_err(|error| match error {
        NameError::Syntax(problem) => {
            let labels = text.split('.').filter(|label| !label.is_empty());
            let corrected = labels.collect::<Vec<_>>().join(".");
            let corrected = Some(corrected).filter(|name| Name::parse(name).is_ok());
            Fault::new(spot, problem).corrected_if(corrected)
        }
        NameError::Number(_) => {
            let meant = loose_ipv4(text);
            // Octal to some, decimal to others: whoever wrote zeros for looks meant decimal.
            let decimal = text
                .split('.')
                .map(|part| part.parse::<u8>().ok())
                .collect::<Option<Vec<u8>>>()
                .and_then(|parts| <[u8; 4]>::try_from(parts).ok())
                .map(Ipv4Addr::from);
            let problem = match (decimal, meant) {
                (Some(decimal), Some(octal)) if decimal != octal => format!(
                    "an IPv4 address is four numbers without leading zeros; some systems read \
                     this one as {octal}"
                ),
                _ => "an IPv4 address is four decimal numbers up to 255, such as 192.0.2.1"
                    .to_owned(),
            };
            Fault::new(spot, problem).corrected_if(decimal.or(meant).map(|a| a.to_string()))
        }
    })
}

/// `*.example.com`.
pub(crate) fn below(text: &str, start: usize) -> Result<Host, Fault> {
    let spot = start..start + text.len();
    if let Some(domain) = text.strip_prefix("*.")
        && !domain.contains('*')
    {
        return match name(domain, start + 2) {
            Ok(domain) => Ok(Host::Below(domain)),
            Err(fault) => {
                let corrected = fault.corrected.as_ref().map(|name| {
                    // There is nothing below an address.
                    let address = name.parse::<Ipv4Addr>().is_ok();
                    if address {
                        name.clone()
                    } else {
                        format!("*.{name}")
                    }
                });
                Err(fault.corrected_if(corrected))
            }
        };
    }
    let last = text.rfind('*').map_or(text, |at| &text[at + 1..]);
    let domain = last.trim_start_matches('.');
    let corrected = Name::parse(domain).ok().map(|domain| format!("*.{domain}"));
    Err(Fault::new(
        spot,
        "`*` stands alone for any host, or first as `*.` for every name below one",
    )
    .corrected_if(corrected))
}

fn ipv4_network(left: &str, right: &str, start: usize) -> Result<Host, Fault> {
    let whole = start..start + left.len() + 1 + right.len();
    let mask = start + left.len() + 1..whole.end;
    let Ok(address) = left.parse::<Ipv4Addr>() else {
        let Some(meant) = loose_ipv4(left) else {
            // Something else before the slash: a path is meant, not a mask.
            return Err(
                Fault::new(mask.start - 1..mask.end, "an entry ends with its port")
                    .corrected_if(fixed(left)),
            );
        };
        // `10/8` leaves out the end, where C's short forms leave out the middle.
        let padded = format!("{left}.0.0.0");
        let padded = padded.split('.').take(4).collect::<Vec<_>>().join(".");
        let corrected = match parse(&padded, start) {
            Ok(_) => padded,
            Err(fault) => fault.corrected.unwrap_or_else(|| meant.to_string()),
        };
        return Err(Fault::new(
            start..start + left.len(),
            "a network begins with an IPv4 address of four numbers, such as 10.0.0.0/8",
        )
        .corrected_if(fixed(&format!("{corrected}/{right}"))));
    };
    let Some(length) = mask_length(right, 32) else {
        // 255.0.0.0 is a mask as well, only not here.
        let dotted = right.parse::<Ipv4Addr>().ok();
        let network = dotted.and_then(|mask| Ipv4Net::with_netmask(address, mask).ok());
        return Err(Fault::new(
            mask,
            "the mask of an IPv4 network is a number of bits from 0 to 32",
        )
        .corrected_if(
            network
                .or_else(|| Ipv4Net::new(address, longest_below(right, 32)?).ok())
                .map(|network| host_of(network.trunc().into()).to_string()),
        ));
    };
    let network = Ipv4Net::new(address, length)
        .map_err(|_| Fault::new(mask, "the mask of an IPv4 network is at most 32"))?;
    if network.trunc() != network {
        return Err(bits_set(whole, network.into()));
    }
    Ok(host_of(network.into()))
}

/// What is in brackets. The corrected form of a fault has brackets if it needs them.
pub(crate) fn in_brackets(text: &str, start: usize) -> Result<Host, Fault> {
    let spot = start..start + text.len();
    if let Some((address, _)) = text.split_once('%') {
        let mask = match text.rsplit_once('/') {
            Some((_, mask)) if mask_length(mask, 128).is_some() => format!("/{mask}"),
            _ => String::new(),
        };
        return Err(Fault::new(
            start + address.len()..spot.end - mask.len(),
            "an entry has no zone: it holds for every interface",
        )
        .corrected_if(fixed_in_brackets(&format!("{address}{mask}"))));
    }
    let (left, mask) = match text.split_once('/') {
        Some((left, mask)) => (left, Some(mask)),
        None => (text, None),
    };
    let Ok(address) = left.parse::<Ipv6Addr>() else {
        return Err(Fault::new(
            spot,
            "in brackets there is an IPv6 address or network, such as [fd00::1] or [fc00::/7]",
        )
        .corrected_if(fixed(text)));
    };
    let length = match mask {
        None => 128,
        Some(mask) => mask_length(mask, 128).ok_or_else(|| {
            let meant = longest_below(mask, 128);
            let network = meant.and_then(|length| Ipv6Net::new(address, length).ok());
            Fault::new(
                start + left.len() + 1..spot.end,
                "the mask of an IPv6 network is a number of bits from 0 to 128",
            )
            .corrected_if(
                network.and_then(|network| fixed_in_brackets(&network.trunc().to_string())),
            )
        })?,
    };
    let network = Ipv6Net::new(address, length)
        .map_err(|_| Fault::new(spot.clone(), "the mask of an IPv6 network is at most 128"))?;
    if network.trunc() != network {
        return Err(bits_set(spot, network.into()));
    }
    if length >= 96
        && let IpAddr::V4(v4) = address::canonical(address.into())
    {
        // The mask is 96 to 128, which leaves 0 to 32.
        let v4 = Ipv4Net::new_assert(v4, length - 96);
        return Err(Fault::new(
            spot,
            "IPv4 addresses are written as such; an entry for one holds for its IPv6 form as well",
        )
        .corrected(host_of(v4.into()).to_string()));
    }
    Ok(host_of(network.into()))
}

fn fixed_in_brackets(text: &str) -> Option<String> {
    match in_brackets(text, 0) {
        Ok(host) => Some(host.to_string()),
        Err(fault) => fault.corrected,
    }
}

fn bits_set(spot: std::ops::Range<usize>, network: IpNet) -> Fault {
    Fault::new(
        spot,
        format!(
            "bits of the address are set that a mask of {} leaves out",
            network.prefix_len()
        ),
    )
    .corrected(host_of(network.trunc()).to_string())
}

fn mask_length(text: &str, longest: u8) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    let leading = text.len() > 1 && text.starts_with('0');
    (digits && !leading)
        .then(|| text.parse().ok())
        .flatten()
        .filter(|&length| length <= longest)
}

/// What was probably meant by `08`; of what is too long, the longest.
fn longest_below(text: &str, longest: u8) -> Option<u8> {
    let length = text.parse::<u64>().ok()?;
    Some(u8::try_from(length).unwrap_or(longest).min(longest))
}

fn host_of(network: IpNet) -> Host {
    if network.prefix_len() == network.max_prefix_len() {
        Host::Address(network.addr())
    } else {
        Host::Network(network)
    }
}
