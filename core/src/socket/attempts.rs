//! `socket.connect()`: which addresses are tried, in which order, and what is
//! reported when they fail.

use crate::agenda::Due;
use crate::block_list::BlockList;
use crate::error::{Errno, Error};
use crate::event::Callback;
use crate::ip::{self, Address, Family};
use crate::lookup::{self, LookupRequest, Resolved};
use crate::transport::{Attempt, ConnectTo, Zones};
use std::net::IpAddr;

/// Node's `autoSelectFamilyAttemptTimeout`, in milliseconds: how long an attempt
/// may take before the next one is begun, while there is a next one.
const ATTEMPT_TIMEOUT: u32 = 500;

/// Node takes less for this, in milliseconds.
const MIN_ATTEMPT_TIMEOUT: u32 = 10;

/// How the addresses of a name are tried where `connect` does not say:
/// `net.getDefaultAutoSelectFamily()` and its sibling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Whether all are tried.
    pub auto_select_family: bool,
    /// How long an attempt may take while there is a next one, in milliseconds.
    pub attempt_timeout: u32,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            auto_select_family: true,
            attempt_timeout: ATTEMPT_TIMEOUT,
        }
    }
}

impl Selection {
    pub(crate) fn set_attempt_timeout(&mut self, timeout: u32) -> Result<(), Error> {
        self.attempt_timeout = attempt_timeout("value", timeout)?;
        Ok(())
    }
}

/// What Node makes of a timeout that is given as `name`.
fn attempt_timeout(name: &str, timeout: u32) -> Result<u32, Error> {
    match timeout {
        1..=0x7fff_ffff => Ok(timeout.max(MIN_ATTEMPT_TIMEOUT)),
        _ => Err(Error::attempt_timeout_out_of_range(name, timeout)),
    }
}

/// Who resolves a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookup {
    /// The host.
    #[default]
    Host,
    /// The program: Node's option `lookup`.
    Program,
}

/// The options of `connect`, as a program gives them. `Default` is Node's.
#[derive(Clone, Debug, Default)]
pub struct ConnectRequest {
    /// The port.
    pub port: u16,
    /// An address or a name; absent for localhost.
    pub host: Option<String>,
    /// The address to connect from.
    pub local_address: Option<String>,
    /// The port to connect from; 0 for any.
    pub local_port: u16,
    /// The family a name is resolved to.
    pub family: Option<Family>,
    /// `dns.lookup()` hints.
    pub hints: u32,
    /// Who resolves a name.
    pub lookup: Lookup,
    /// `autoSelectFamily`; absent for what [`Selection`] says.
    pub auto_select_family: Option<bool>,
    /// `autoSelectFamilyAttemptTimeout` in milliseconds; absent for what [`Selection`] says.
    pub attempt_timeout: Option<u32>,
    /// `timeout`: as `setTimeout()`, in milliseconds.
    pub timeout: Option<u64>,
    /// `noDelay`: as `setNoDelay()`.
    pub no_delay: bool,
    /// `keepAlive` and `keepAliveInitialDelay`: as `setKeepAlive()`, with the delay in milliseconds.
    pub keep_alive: Option<u64>,
    /// Told between `connect` and `ready`.
    pub callback: Option<Callback>,
}

/// The options of `connect`, checked.
#[derive(Clone, Debug)]
pub(crate) struct ConnectOptions {
    /// The port.
    pub port: u16,
    /// An address or a name.
    pub host: String,
    /// Who resolves a name.
    pub lookup: Lookup,
    /// Told between `connect` and `ready`.
    pub callback: Option<Callback>,
    local_address: Option<Address>,
    local_port: u16,
    family: Option<Family>,
    hints: u32,
    auto_select_family: bool,
    attempt_timeout: u32,
}

impl ConnectOptions {
    /// What Node throws for, in Node's order.
    pub fn new(request: ConnectRequest, selection: Selection) -> Result<Self, Error> {
        let given = |text: &String| !text.is_empty();
        if request
            .host
            .as_ref()
            .is_some_and(|host| host.contains('\0'))
        {
            return Err(Error::connect_host_with_nul());
        }
        // Row C7.
        let local_address = match request.local_address.filter(given) {
            Some(text) => Some(ip::parse(&text).ok_or_else(|| Error::invalid_ip_address(&text))?),
            None => None,
        };
        let attempt_timeout = match request.attempt_timeout {
            None => selection.attempt_timeout,
            Some(timeout) => attempt_timeout("options.autoSelectFamilyAttemptTimeout", timeout)?,
        };
        let host = request.host.filter(given);
        let host = host.unwrap_or_else(|| "localhost".to_owned());
        // Only a lookup looks at them.
        let hints = match ip::is_ip(&host) {
            0 => lookup::check_hints(request.hints)?,
            _ => 0,
        };
        Ok(Self {
            port: request.port,
            host,
            lookup: request.lookup,
            callback: request.callback,
            local_address,
            local_port: request.local_port,
            family: request.family,
            hints,
            auto_select_family: request
                .auto_select_family
                .unwrap_or(selection.auto_select_family),
            attempt_timeout,
        })
    }

    /// Whether all addresses of a name are tried. With a family or a local address
    /// Node asks the resolver for one.
    pub fn tries_all(&self) -> bool {
        self.auto_select_family && self.family.is_none() && self.local_address.is_none()
    }

    /// What the program is asked (row C13).
    pub fn request(&self) -> LookupRequest {
        LookupRequest {
            hostname: self.host.clone(),
            family: self.family,
            hints: lookup::default_hints(self.hints, self.family),
            all: self.tries_all(),
        }
    }

    /// Of what the host resolved a name to: what is announced.
    pub fn select(&self, mut addresses: Vec<IpAddr>) -> Vec<Resolved> {
        if let Some(family) = self.family {
            addresses.retain(|address| Family::of(*address) == family);
        }
        if !self.tries_all() {
            addresses.truncate(1);
        }
        addresses.into_iter().map(Resolved::from).collect()
    }

    /// Row C23: `connect` while an attempt is under way.
    pub fn already_connecting(&self) -> Error {
        let errno = Errno("EALREADY");
        match ip::parse(&self.host) {
            Some(address) => Error::connect(errno, "connect", &address, self.port),
            None => Error::system(errno, "connect"),
        }
    }
}

/// Orders addresses so that the families alternate, beginning with that of the
/// first; each address once (RFC 8305 section 4, as Node does it).
pub(crate) fn alternate(addresses: &[Address]) -> Vec<Address> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (mut same, mut other) = (Vec::new(), Vec::new());
    for address in addresses {
        let group = if address.ip.is_ipv4() == first.ip.is_ipv4() {
            &mut same
        } else {
            &mut other
        };
        if !group.contains(address) {
            group.push(address.clone());
        }
    }
    let mut ordered = Vec::with_capacity(addresses.len());
    for index in 0..same.len().max(other.len()) {
        ordered.extend(same.get(index).cloned());
        ordered.extend(other.get(index).cloned());
    }
    ordered
}

/// The attempts of one `connect`.
#[derive(Debug)]
pub(crate) struct Attempts {
    addresses: Vec<Address>,
    /// How many attempts have begun, those of blocked addresses included.
    begun: usize,
    under_way: Option<Attempt>,
    port: u16,
    local_address: Option<Address>,
    local_port: u16,
    timeout: u64,
    /// When the attempt under way has taken too long.
    pub deadline: Option<Due>,
    errors: Vec<Error>,
    /// `blockList` of the socket.
    block_list: Option<BlockList>,
}

/// An attempt to be made.
#[derive(Debug)]
pub(crate) struct Begun {
    pub attempt: Attempt,
    pub to: ConnectTo,
    pub zones: Zones,
    pub remote: Address,
    /// After how many milliseconds the next one begins, if there is one.
    pub timeout: Option<u64>,
}

/// What follows a failed attempt.
#[derive(Debug)]
pub(crate) enum Next {
    /// The failure came too late to matter.
    Nothing,
    /// Another address is tried.
    Attempt,
    /// All failed.
    Fail(Error),
}

impl Attempts {
    /// `addresses` in the order they are tried; at least one.
    pub fn new(
        addresses: Vec<Address>,
        options: &ConnectOptions,
        block_list: Option<BlockList>,
    ) -> Self {
        Self {
            addresses,
            begun: 0,
            under_way: None,
            port: options.port,
            local_address: options.local_address.clone(),
            local_port: options.local_port,
            timeout: options.attempt_timeout.into(),
            deadline: None,
            errors: Vec::new(),
            block_list,
        }
    }

    /// The local address of an attempt, if the program named one, or a port.
    fn local(&self, remote: IpAddr) -> Option<Address> {
        let named = || self.local_address.clone();
        let any = || Address::from(Family::of(remote).unspecified());
        (self.local_address.is_some() || self.local_port > 0).then(|| named().unwrap_or_else(any))
    }

    /// The number of the attempt that was begun last; none if its address was blocked.
    pub fn under_way(&self) -> Option<Attempt> {
        self.under_way
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether one of several addresses is selected (`autoSelectFamily`).
    pub fn selects(&self) -> bool {
        self.addresses.len() > 1
    }

    /// Begins the next attempt. A blocked address is a failed one; if no other is left, the answer
    /// is the error of all.
    pub fn begin(&mut self) -> Result<Begun, Error> {
        while let Some(remote) = self.addresses.get(self.begun).cloned() {
            self.begun += 1;
            let block_list = self.block_list.as_ref();
            if block_list.is_some_and(|list| list.contains(remote.ip)) {
                self.errors.push(Error::ip_blocked(&remote));
                self.under_way = None;
                continue;
            }
            // A name has no more addresses than that.
            let attempt = Attempt::try_from(self.begun - 1).unwrap_or(Attempt::MAX);
            self.under_way = Some(attempt);
            let more = self.begun < self.addresses.len();
            let local = self.local(remote.ip);
            return Ok(Begun {
                attempt,
                to: ConnectTo::Address {
                    remote: (remote.ip, self.port).into(),
                    local: local
                        .as_ref()
                        .map(|local| (local.ip, self.local_port).into()),
                },
                zones: Zones {
                    remote: remote.zone.clone(),
                    local: local.and_then(|local| local.zone),
                },
                remote,
                timeout: more.then_some(self.timeout),
            });
        }
        Err(self.error())
    }

    /// Why all failed.
    fn error(&mut self) -> Error {
        let mut errors = std::mem::take(&mut self.errors);
        if errors.len() == 1 {
            errors.remove(0)
        } else {
            Error::aggregate(errors)
        }
    }

    /// An attempt failed, or takes too long (`ETIMEDOUT`).
    pub fn failed(
        &mut self,
        attempt: Attempt,
        syscall: &'static str,
        errno: Errno,
        local_end: Option<String>,
    ) -> Next {
        if self.under_way() != Some(attempt) {
            return Next::Nothing;
        }
        let remote = &self.addresses[self.begun - 1];
        self.errors.push(match self.local(remote.ip) {
            Some(local) if syscall == "bind" => {
                Error::connect(errno, "bind", &local, self.local_port)
            }
            local => {
                // Row C19: it is named if the program has asked for both parts of it.
                let asked = local.filter(|local| self.local_port > 0 && !local.ip.is_unspecified());
                let asked = asked.map(|local| format!("{local}:{}", self.local_port));
                Error::connect(errno, syscall, remote, self.port).with_local(local_end.or(asked))
            }
        });
        if self.begun < self.addresses.len() {
            return Next::Attempt;
        }
        Next::Fail(self.error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ips(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn addresses(list: &[&str]) -> Vec<Address> {
        list.iter().map(|text| ip::parse(text).unwrap()).collect()
    }

    fn checked(request: ConnectRequest) -> ConnectOptions {
        ConnectOptions::new(request, Selection::default()).unwrap()
    }

    fn options(local: Option<&str>, local_port: u16, family: Option<Family>) -> ConnectOptions {
        checked(ConnectRequest {
            port: 80,
            host: Some("name".into()),
            local_address: local.map(Into::into),
            local_port,
            family,
            ..ConnectRequest::default()
        })
    }

    /// The families alternate, beginning with that of the first address; no address twice.
    #[test]
    fn families_alternate() {
        assert_eq!(
            alternate(&addresses(&[
                "::1", "::2", "1.1.1.1", "::1", "2.2.2.2", "::3"
            ])),
            addresses(&["::1", "1.1.1.1", "::2", "2.2.2.2", "::3"])
        );
        assert_eq!(
            alternate(&addresses(&["1.1.1.1", "::1"])),
            addresses(&["1.1.1.1", "::1"])
        );
        assert_eq!(alternate(&[]), []);
    }

    /// Row C7: a local address that is none is refused at once.
    #[test]
    fn c7_local_address_has_to_be_an_ip_address() {
        let request = ConnectRequest {
            local_address: Some("foobar".into()),
            ..ConnectRequest::default()
        };
        let error = ConnectOptions::new(request, Selection::default()).unwrap_err();
        assert_eq!(error.code, "ERR_INVALID_IP_ADDRESS");
        assert_eq!(error.message, "Invalid IP address: foobar");
    }

    /// Without a host Node connects to localhost.
    #[test]
    fn default_host_is_localhost() {
        for host in [None, Some(String::new())] {
            let options = checked(ConnectRequest {
                host,
                ..ConnectRequest::default()
            });
            assert_eq!(options.host, "localhost");
        }
    }

    /// Row C13: with a family only its first address is taken, with a local address or
    /// without autoSelectFamily the first of all.
    #[test]
    fn c13_family_and_local_address_ask_for_one_address() {
        let all = ips(&["::1", "1.1.1.1", "2.2.2.2"]);
        let selected = |options: ConnectOptions| -> Vec<String> {
            let selected = options.select(all.clone()).into_iter();
            selected.map(|resolved| resolved.address).collect()
        };
        assert_eq!(selected(options(None, 0, None)).len(), 3);
        assert_eq!(selected(options(None, 0, Some(Family::Ipv4))), ["1.1.1.1"]);
        assert_eq!(selected(options(Some("9.9.9.9"), 0, None)), ["::1"]);
        let off = checked(ConnectRequest {
            auto_select_family: Some(false),
            ..ConnectRequest::default()
        });
        assert_eq!(selected(off), ["::1"]);
    }

    /// An attempt's timeout of 0 is refused, and one below 10 ms is taken as 10, as in Node.
    #[test]
    fn attempt_timeout_has_bounds() {
        let request = |timeout| {
            let request = ConnectRequest {
                attempt_timeout: Some(timeout),
                ..ConnectRequest::default()
            };
            ConnectOptions::new(request, Selection::default())
        };
        assert_eq!(request(0).unwrap_err().code, "ERR_OUT_OF_RANGE");
        assert_eq!(request(u32::MAX).unwrap_err().code, "ERR_OUT_OF_RANGE");
        assert_eq!(request(3).unwrap().attempt_timeout, 10);
        assert_eq!(request(99).unwrap().attempt_timeout, 99);
    }

    /// Every attempt but the last has 500 ms; a failure leads to the next; when all
    /// failed, the errors of all are reported with the code of the first.
    #[test]
    fn attempts_follow_each_other_and_fail_together() {
        let mut attempts = Attempts::new(
            addresses(&["::1", "127.0.0.1"]),
            &options(None, 0, None),
            None,
        );
        let begin = |attempts: &mut Attempts| {
            let begun = attempts.begin().unwrap();
            (begun.attempt, begun.timeout)
        };
        assert_eq!(begin(&mut attempts), (0, Some(500)));
        assert!(matches!(
            attempts.failed(0, "connect", Errno("ECONNREFUSED"), None),
            Next::Attempt
        ));
        assert_eq!(begin(&mut attempts), (1, None));
        assert!(matches!(
            attempts.failed(0, "connect", Errno("ETIMEDOUT"), None),
            Next::Nothing
        ));
        let Next::Fail(error) = attempts.failed(1, "connect", Errno("ETIMEDOUT"), None) else {
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

    /// Row C19: with a local address and a local port the message ends in both. The local end of an
    /// attempt that failed at once is named in any case, as the transport tells it.
    #[test]
    fn c19_local_end_is_named_when_both_parts_were_given() {
        let refused = |address, port, local_end: Option<&str>| {
            let local = options(Some(address), port, None);
            let mut attempts = Attempts::new(addresses(&["127.0.0.1"]), &local, None);
            attempts.begin().unwrap();
            let local_end = local_end.map(Into::into);
            match attempts.failed(0, "connect", Errno("ECONNREFUSED"), local_end) {
                Next::Fail(error) => error.message,
                _ => panic!("the only attempt failed"),
            }
        };
        let message = "connect ECONNREFUSED 127.0.0.1:80";
        let named = format!("{message} - Local (127.0.0.1:7)");
        assert_eq!(refused("127.0.0.1", 7, None), named);
        assert_eq!(refused("127.0.0.1", 0, None), message);
        assert_eq!(refused("0.0.0.0", 7, None), message);
        assert_eq!(refused("0.0.0.0", 0, Some("127.0.0.1:7")), named);
    }

    /// Row C21: a failed bind names the local end.
    #[test]
    fn c21_bind_error_names_the_local_address() {
        let local = options(Some("127.0.0.1"), 7000, None);
        let mut attempts = Attempts::new(addresses(&["127.0.0.1"]), &local, None);
        attempts.begin().unwrap();
        let Next::Fail(error) = attempts.failed(0, "bind", Errno("EADDRINUSE"), None) else {
            panic!("the only attempt failed");
        };
        assert_eq!(error.message, "bind EADDRINUSE 127.0.0.1:7000");
        assert_eq!(error.syscall.as_deref(), Some("bind"));
    }
}
