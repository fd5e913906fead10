//! `socket.connect()`: which addresses are tried, in which order, and what is
//! reported when they fail.

use super::error::{Errno, Error};
use super::event::Id;
use super::ip;
use super::transport::{Action, Attempt};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Node's `autoSelectFamilyAttemptTimeout`, in milliseconds: how long an attempt
/// may take before the next one is begun, while there is a next one.
pub const ATTEMPT_TIMEOUT: u64 = 250;

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

    fn unspecified(self) -> IpAddr {
        match self {
            Self::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
            Self::Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
        }
    }
}

/// The options of `connect`, checked.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// The port.
    pub port: u16,
    /// An address or a name.
    pub host: String,
    local_address: Option<IpAddr>,
    local_port: u16,
    family: Option<Family>,
}

impl ConnectOptions {
    /// Fails if `local_address` is none (row C7).
    pub fn new(
        port: u16,
        host: Option<String>,
        local_address: Option<&str>,
        local_port: u16,
        family: Option<Family>,
    ) -> Result<Self, Error> {
        let local_address = match local_address.filter(|text| !text.is_empty()) {
            Some(text) => Some(ip::parse(text).ok_or_else(|| Error::invalid_ip_address(text))?),
            None => None,
        };
        Ok(Self {
            port,
            host: host
                .filter(|host| !host.is_empty())
                .unwrap_or_else(|| "localhost".to_owned()),
            local_address,
            local_port,
            family,
        })
    }

    /// Of what a name was resolved to: what is announced and tried.
    ///
    /// With a family or a local address Node asks the resolver for one address;
    /// otherwise for all (`autoSelectFamily`).
    pub fn select(&self, mut addresses: Vec<IpAddr>) -> Vec<IpAddr> {
        if let Some(family) = self.family {
            addresses.retain(|address| Family::of(*address) == family);
        }
        if self.family.is_some() || self.local_address.is_some() {
            addresses.truncate(1);
        }
        addresses
    }

    /// Row C23: `connect` while an attempt is under way.
    pub fn already_connecting(&self) -> Error {
        let errno = Errno("EALREADY");
        match ip::parse(&self.host) {
            Some(address) => Error::connect(errno, "connect", (address, self.port).into(), None),
            None => Error::system(errno, "connect"),
        }
    }
}

/// Orders addresses so that the families alternate, beginning with that of the
/// first; each address once (RFC 8305 section 4, as Node does it).
pub fn alternate(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (mut same, mut other) = (Vec::new(), Vec::new());
    for &address in addresses {
        let group = if address.is_ipv4() == first.is_ipv4() {
            &mut same
        } else {
            &mut other
        };
        if !group.contains(&address) {
            group.push(address);
        }
    }
    let mut ordered = Vec::with_capacity(addresses.len());
    for index in 0..same.len().max(other.len()) {
        ordered.extend(same.get(index));
        ordered.extend(other.get(index));
    }
    ordered
}

/// The attempts of one `connect`.
#[derive(Debug)]
pub struct Attempts {
    addresses: Vec<IpAddr>,
    /// How many attempts have begun.
    begun: usize,
    port: u16,
    local_address: Option<IpAddr>,
    local_port: u16,
    errors: Vec<Error>,
}

/// What follows a failed attempt.
#[derive(Debug)]
pub enum Next {
    /// The failure came too late to matter.
    Nothing,
    /// Another address is tried.
    Attempt,
    /// All failed.
    Fail(Error),
}

impl Attempts {
    /// `addresses` in the order they are tried; at least one.
    pub fn new(addresses: Vec<IpAddr>, options: &ConnectOptions) -> Self {
        Self {
            addresses,
            begun: 0,
            port: options.port,
            local_address: options.local_address,
            local_port: options.local_port,
            errors: Vec::new(),
        }
    }

    fn local(&self, remote: IpAddr) -> Option<SocketAddr> {
        (self.local_address.is_some() || self.local_port > 0).then(|| {
            let address = self
                .local_address
                .unwrap_or_else(|| Family::of(remote).unspecified());
            (address, self.local_port).into()
        })
    }

    /// The number of the attempt that was begun last.
    pub fn under_way(&self) -> Option<Attempt> {
        Attempt::try_from(self.begun).ok()?.checked_sub(1)
    }

    /// Begins the next attempt.
    pub fn begin(&mut self, id: Id) -> Option<Action> {
        let remote = *self.addresses.get(self.begun)?;
        self.begun += 1;
        let more = self.begun < self.addresses.len();
        Some(Action::Connect {
            id,
            attempt: self.under_way()?,
            remote: (remote, self.port).into(),
            local: self.local(remote),
            timeout: more.then_some(ATTEMPT_TIMEOUT),
        })
    }

    /// An attempt failed, or takes too long (`ETIMEDOUT`).
    pub fn failed(&mut self, attempt: Attempt, syscall: &'static str, errno: Errno) -> Next {
        if self.under_way() != Some(attempt) {
            return Next::Nothing;
        }
        let remote = self.addresses[self.begun - 1];
        let local = self.local(remote);
        self.errors.push(match local {
            Some(local) if syscall == "bind" => Error::connect(errno, "bind", local, None),
            _ => Error::connect(errno, syscall, (remote, self.port).into(), local),
        });
        if self.begun < self.addresses.len() {
            return Next::Attempt;
        }
        let mut errors = std::mem::take(&mut self.errors);
        Next::Fail(if errors.len() == 1 {
            errors.remove(0)
        } else {
            Error::aggregate(errors)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn options(local: Option<&str>, local_port: u16, family: Option<Family>) -> ConnectOptions {
        ConnectOptions::new(80, Some("name".into()), local, local_port, family).unwrap()
    }

    /// The families alternate, beginning with that of the first address; no address twice.
    #[test]
    fn families_alternate() {
        assert_eq!(
            alternate(&ips(&["::1", "::2", "1.1.1.1", "::1", "2.2.2.2", "::3"])),
            ips(&["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"])
        );
        assert_eq!(
            alternate(&ips(&["1.1.1.1", "::1"])),
            ips(&["1.1.1.1", "::1"])
        );
        assert_eq!(alternate(&[]), ips(&[]));
    }

    /// Row C7: a local address that is none is refused at once.
    #[test]
    fn c7_local_address_has_to_be_an_ip_address() {
        let error = ConnectOptions::new(80, None, Some("foobar"), 0, None).unwrap_err();
        assert_eq!(error.code, "ERR_INVALID_IP_ADDRESS");
        assert_eq!(error.message, "Invalid IP address: foobar");
    }

    /// Without a host Node connects to localhost.
    #[test]
    fn default_host_is_localhost() {
        for host in [None, Some(String::new())] {
            let options = ConnectOptions::new(80, host, None, 0, None).unwrap();
            assert_eq!(options.host, "localhost");
        }
    }

    /// With a family only its first address is taken, with a local address the first of all.
    #[test]
    fn family_and_local_address_ask_for_one_address() {
        let all = ips(&["::1", "1.1.1.1", "2.2.2.2"]);
        assert_eq!(options(None, 0, None).select(all.clone()), all);
        assert_eq!(
            options(None, 0, Some(Family::Ipv4)).select(all.clone()),
            ips(&["1.1.1.1"])
        );
        assert_eq!(options(Some("9.9.9.9"), 0, None).select(all), ips(&["::1"]));
    }

    /// Every attempt but the last has 250 ms; a failure leads to the next; when all
    /// failed, the errors of all are reported with the code of the first.
    #[test]
    fn attempts_follow_each_other_and_fail_together() {
        let mut attempts = Attempts::new(ips(&["::1", "127.0.0.1"]), &options(None, 0, None));
        let first = attempts.begin(1).unwrap();
        assert!(matches!(
            first,
            Action::Connect {
                attempt: 0,
                timeout: Some(250),
                ..
            }
        ));
        assert!(matches!(
            attempts.failed(0, "connect", Errno("ECONNREFUSED")),
            Next::Attempt
        ));
        let second = attempts.begin(1).unwrap();
        assert!(matches!(
            second,
            Action::Connect {
                attempt: 1,
                timeout: None,
                ..
            }
        ));
        assert!(matches!(
            attempts.failed(0, "connect", Errno("ETIMEDOUT")),
            Next::Nothing
        ));
        let Next::Fail(error) = attempts.failed(1, "connect", Errno("ETIMEDOUT")) else {
            panic!("all attempts failed");
        };
        assert_eq!(error.code, "ECONNREFUSED");
        assert_eq!(error.message, "");
        let messages: Vec<_> = error.errors.iter().map(|e| e.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "connect ECONNREFUSED ::1:80",
                "connect ETIMEDOUT 127.0.0.1:80"
            ]
        );
    }

    /// Row C21: a failed bind names the local end.
    #[test]
    fn c21_bind_error_names_the_local_address() {
        let local = options(Some("127.0.0.1"), 7000, None);
        let mut attempts = Attempts::new(ips(&["127.0.0.1"]), &local);
        attempts.begin(1);
        let Next::Fail(error) = attempts.failed(0, "bind", Errno("EADDRINUSE")) else {
            panic!("the only attempt failed");
        };
        assert_eq!(error.message, "bind EADDRINUSE 127.0.0.1:7000");
        assert_eq!(error.syscall.as_deref(), Some("bind"));
    }
}
