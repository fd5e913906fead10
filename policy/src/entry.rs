//! Entries of rules: their types, and the parser.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::entry_error::{EntryError, Fault, clean};
use crate::host::{self, Host};
use crate::name::loose_ipv4;
use crate::path::{IpcKind, IpcPattern};
use crate::ports::Ports;

/// An internet transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    fn scheme(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        }
    }
}

/// The endpoint that an entry of `connect` or `listen` covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `tcp://HOST:PORT` or `udp://HOST:PORT`.
    Internet {
        /// `tcp` or `udp`.
        transport: Transport,
        /// `HOST`.
        host: Host,
        /// `PORT`.
        ports: Ports,
    },
    /// `unix://PATH`, `unix://@name` or `pipe://NAME`.
    Ipc(IpcPattern),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Internet {
                transport,
                host,
                ports,
            } => write!(f, "{}://{host}:{ports}", transport.scheme()),
            Endpoint::Ipc(pattern) if pattern.kind() == IpcKind::Pipe => {
                write!(f, "pipe://{}", pattern.host())?;
                if pattern.guest() != pattern.host() {
                    write!(f, "::{}", pattern.guest())?;
                }
                Ok(())
            }
            Endpoint::Ipc(pattern) => write!(f, "unix://{pattern}"),
        }
    }
}

/// An entry of `allow-connect` and `deny-connect`: a destination of connections and datagrams.
///
/// ```
/// # use plugnet_policy::ConnectEntry;
/// let entry: ConnectEntry = "tcp://10.0.0.0/8:5432-5440".parse().unwrap();
/// assert_eq!(entry.to_string(), "tcp://10.0.0.0/8:5432-5440");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectEntry(Endpoint);

/// An entry of `allow-listen` and `deny-listen`: a local address.
///
/// Port 0 is a port that the system chooses.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListenEntry(Endpoint);

/// An entry of `allow-resolve` and `deny-resolve`: the names a program may look up.
///
/// A [`Host::Any`], [`Host::Name`] or [`Host::Below`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ResolveEntry(Host);

/// An entry of `allow-accept` and `deny-accept`: the peers of a listener.
///
/// A [`Host::Any`], [`Host::Address`] or [`Host::Network`], written without brackets because
/// no port follows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AcceptEntry(Host);

/// An entry of `allow-ipc` and `deny-ipc`: `PATH`, `FOLDER/`, `HOST::GUEST`, `@name` or
/// `\\.\pipe\NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IpcEntry(IpcPattern);

impl ConnectEntry {
    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0
    }
}

impl ListenEntry {
    /// The endpoint.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0
    }

    /// Denies apply to ports that are requested or assigned; 0 is never one for long.
    pub(crate) fn check_deny(&self, text: &str) -> Result<(), EntryError> {
        match self.0 {
            Endpoint::Internet {
                ports: Ports::One(0),
                ..
            } => {
                let port = text.len() - 1..text.len();
                let any = format!("{}*", &text[..port.start]);
                Err(Fault::new(
                    port,
                    "a deny is about real ports; what the system chooses is not known before",
                )
                .corrected(any)
                .of(text, |text| endpoint(text, Role::Listen)))
            }
            _ => Ok(()),
        }
    }
}

impl ResolveEntry {
    /// The names.
    pub fn names(&self) -> &Host {
        &self.0
    }
}

impl AcceptEntry {
    /// The peers.
    pub fn peers(&self) -> &Host {
        &self.0
    }
}

impl IpcEntry {
    /// The sockets.
    pub fn pattern(&self) -> &IpcPattern {
        &self.0
    }
}

/// How an endpoint is used, which decides what may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Connect,
    Listen,
}

pub(crate) fn endpoint(text: &str, role: Role) -> Result<Endpoint, Fault> {
    clean(text)?;
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(without_scheme(text, role));
    };
    let start = scheme.len() + 3;
    match scheme {
        "tcp" => internet(Transport::Tcp, rest, start, role),
        "udp" => internet(Transport::Udp, rest, start, role),
        "unix" => IpcPattern::parse(rest, start, false)
            .map(Endpoint::Ipc)
            .map_err(|fault| with_prefix("unix://", fault)),
        "pipe" => IpcPattern::parse_pipe(rest, start, "")
            .map(Endpoint::Ipc)
            .map_err(|fault| with_prefix("pipe://", fault)),
        _ => Err(unknown_scheme(scheme, rest, role)),
    }
}

fn with_prefix(prefix: &str, fault: Fault) -> Fault {
    let corrected = fault
        .corrected
        .as_ref()
        .map(|rest| format!("{prefix}{rest}"));
    fault.corrected_if(corrected)
}

/// Schemes that people write, their equivalents here, and their default ports.
const ELSEWHERE: [(&str, &str, Option<u16>); 17] = [
    ("tcp", "tcp", None),
    ("udp", "udp", None),
    ("unix", "unix", None),
    ("pipe", "pipe", None),
    ("http", "tcp", Some(80)),
    ("https", "tcp", Some(443)),
    ("ws", "tcp", Some(80)),
    ("wss", "tcp", Some(443)),
    ("tls", "tcp", None),
    ("ssl", "tcp", None),
    ("tcp4", "tcp", None),
    ("tcp6", "tcp", None),
    ("udp4", "udp", None),
    ("udp6", "udp", None),
    ("redis", "tcp", Some(6379)),
    ("postgres", "tcp", Some(5432)),
    ("file", "unix", None),
];

fn unknown_scheme(scheme: &str, rest: &str, role: Role) -> Fault {
    let lower = scheme.to_ascii_lowercase();
    let known = ELSEWHERE.iter().find(|(name, ..)| *name == lower);
    let problem = match known {
        Some((name, own, _)) if name == own => "a scheme is written in lower case",
        _ => "the scheme is one of tcp, udp, unix and pipe",
    };
    let (own, port) = known.map_or(("tcp", None), |(_, own, port)| (*own, *port));
    let corrected = {
        let rest = match port {
            Some(port) => {
                let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
                match endpoint(&format!("tcp://{host}"), role) {
                    Ok(_) => host.to_owned(),
                    Err(_) => format!("{host}:{port}"),
                }
            }
            None => rest.to_owned(),
        };
        fixed(&format!("{own}://{rest}"), role)
    };
    Fault::new(0..scheme.len(), problem).corrected_if(corrected)
}

fn without_scheme(text: &str, role: Role) -> Fault {
    // `tcp:example.com:443`, `unix:/run/x`.
    for (scheme, _, _) in &ELSEWHERE[..4] {
        if let Some(rest) = text
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_prefix(':'))
        {
            let rest = if *scheme == "unix" {
                rest
            } else {
                rest.trim_start_matches('/')
            };
            return Fault::new(scheme.len()..scheme.len() + 1, "`://` follows the scheme")
                .corrected_if(fixed(&format!("{scheme}://{rest}"), role));
        }
    }
    let corrected = if let Ok(port) = text.parse::<u16>() {
        let host = if role == Role::Listen {
            "127.0.0.1"
        } else {
            "*"
        };
        fixed(&format!("tcp://{host}:{port}"), role)
    } else if text.starts_with(['/', '@']) || text.starts_with("./") {
        fixed(&format!("unix://{text}"), role)
    } else if text.starts_with(r"\\") {
        fixed(&format!("pipe://{text}"), role)
    } else {
        fixed(&format!("tcp://{text}"), role)
    };
    Fault::new(
        0..0,
        "the scheme is missing: tcp://, udp://, unix:// or pipe://",
    )
    .corrected_if(corrected)
}

/// `text`, or its correction.
fn fixed(text: &str, role: Role) -> Option<String> {
    match endpoint(text, role) {
        Ok(endpoint) => Some(endpoint.to_string()),
        Err(fault) => fault.corrected,
    }
}

fn internet(transport: Transport, rest: &str, start: usize, role: Role) -> Result<Endpoint, Fault> {
    let (host, port) = host_and_port(rest, start, role);
    match (host, port) {
        (Ok(host), Ok(ports)) => Ok(Endpoint::Internet {
            transport,
            host,
            ports,
        }),
        (host, ports) => {
            let host_text = match &host {
                Ok(host) => Some(host.to_string()),
                Err(fault) => fault.corrected.clone(),
            };
            let port_text = match &ports {
                Ok(ports) => Some(ports.to_string()),
                Err(fault) => fault.corrected.clone(),
            };
            let corrected = host_text
                .zip(port_text)
                .map(|(host, port)| format!("{}://{host}:{port}", transport.scheme()));
            let fault = host.err().or(ports.err());
            Err(fault
                .unwrap_or_else(|| Fault::new(start..start, "this is not HOST:PORT"))
                .corrected_if(corrected))
        }
    }
}

/// Both halves, each with its fault: a corrected form corrects both.
fn host_and_port(
    rest: &str,
    start: usize,
    role: Role,
) -> (Result<Host, Fault>, Result<Ports, Fault>) {
    let zero = role == Role::Listen;
    if let Some(inner) = rest.strip_prefix('[') {
        let Some(end) = inner.find(']') else {
            let whole = start..start + rest.len();
            return (
                Err(Fault::new(whole, "the bracket is not closed")
                    .corrected_if(closed(inner).map(|(host, _)| host))),
                Ports::parse(
                    &closed(inner).map_or_else(|| "443".to_owned(), |(_, port)| port),
                    start,
                    zero,
                ),
            );
        };
        let after = &inner[end + 1..];
        let host = host::in_brackets(&inner[..end], start + 1)
            .and_then(|host| fit_for(host, start..start + end + 2, role));
        let after_start = start + end + 2;
        if let Some(mask) = after.strip_prefix('/') {
            let (mask, port) = mask.split_once(':').unwrap_or((mask, ""));
            let inside = format!("{}/{mask}", &inner[..end]);
            let corrected = match host::in_brackets(&inside, 0) {
                Ok(host) => Some(host.to_string()),
                Err(fault) => fault.corrected,
            };
            let spot = after_start..after_start + 1 + mask.len();
            return (
                Err(
                    Fault::new(spot, "the mask of an IPv6 network is inside the brackets")
                        .corrected_if(corrected),
                ),
                Ports::parse(port, start + rest.len() - port.len(), zero),
            );
        }
        let ports = match after.strip_prefix(':') {
            Some(port) => Ports::parse(port, after_start + 1, zero),
            None if after.is_empty() => Ports::parse("", after_start, zero),
            None => Err(Fault::new(
                after_start..start + rest.len(),
                "`:` and the port follow the bracket",
            )),
        };
        return (host, ports);
    }
    let fit = |host: &str| {
        host::parse(host, start).and_then(|parsed| fit_for(parsed, start..start + host.len(), role))
    };
    // A user comes before a host, and may have a colon; what follows a port may have one too.
    let halves = match rest.rsplit_once(':') {
        Some((host, port)) if host.contains('@') => Some((host, port)),
        _ => rest.split_once(':'),
    };
    let Some((host, port)) = halves else {
        return (fit(rest), Ports::parse("", start + rest.len(), zero));
    };
    if port.contains(':') && is_like_ipv6(rest) {
        let fault = Fault::new(
            start..start + rest.len(),
            "an IPv6 address is written in brackets, and `:` and the port follow",
        );
        let meant = closed(rest);
        let port = meant.as_ref().map_or("", |(_, port)| port);
        let ports = Ports::parse(port, start + rest.len(), zero);
        return (Err(fault.corrected_if(meant.map(|(host, _)| host))), ports);
    }
    let port_start = start + host.len() + 1;
    (fit(host), Ports::parse(port, port_start, zero))
}

/// Whether what is before a zone has nothing but what IPv6 addresses and networks have.
fn is_like_ipv6(text: &str) -> bool {
    let address = text.split('%').next().unwrap_or_default();
    address
        .bytes()
        .all(|c| c.is_ascii_hexdigit() || b":./*-".contains(&c))
}

/// The host and port that an IPv6 address without brackets was probably meant to have.
fn closed(text: &str) -> Option<(String, String)> {
    let inside = |text: &str| match host::in_brackets(text, 0) {
        Ok(host) => Some(host.to_string()),
        Err(fault) => fault.corrected,
    };
    if let Some((host, port)) = text.rsplit_once(':')
        && host.contains(':')
        && let Ok(ports) = Ports::parse(port, 0, true)
        && let Some(host) = inside(host)
    {
        return Some((host, ports.to_string()));
    }
    Some((inside(text)?, "443".to_owned()))
}

fn fit_for(host: Host, spot: std::ops::Range<usize>, role: Role) -> Result<Host, Fault> {
    match &host {
        Host::Address(address) if role == Role::Connect && address.is_unspecified() => {
            let loopback = match address {
                IpAddr::V4(_) => "127.0.0.1",
                IpAddr::V6(_) => "[::1]",
            };
            Err(Fault::new(
                spot,
                "the unspecified address is no destination; systems take it for this machine, \
                 and `*` is any host",
            )
            .corrected(loopback))
        }
        Host::Name(name) if role == Role::Listen && name.is_localhost() => Ok(host),
        Host::Name(_) | Host::Below(_) if role == Role::Listen => Err(Fault::new(
            spot,
            "a listener's host is an address, a network, `localhost` or `*`",
        )
        .corrected("127.0.0.1")),
        _ => Ok(host),
    }
}

fn names(text: &str) -> Result<Host, Fault> {
    clean(text)?;
    if text == "*" {
        return Ok(Host::Any);
    }
    let alone = "a name stands alone here, without scheme, port and path";
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        return Err(Fault::new(0..text.len() - rest.len(), alone).corrected(host));
    }
    if text.parse::<IpAddr>().is_ok() || loose_ipv4(text).is_some() {
        return Err(Fault::new(
            0..text.len(),
            "an address is not looked up; only names are",
        ));
    }
    if let Some(at) = text.find([':', '/']) {
        return Err(Fault::new(at..text.len(), alone).corrected(&text[..at]));
    }
    if text.contains('*') {
        return host::below(text, 0);
    }
    host::name(text, 0).map(Host::Name)
}

fn peers(text: &str) -> Result<Host, Fault> {
    clean(text)?;
    let address = "a peer is an address or a network, such as 192.0.2.1, 10.0.0.0/8 or fc00::/7";
    if let Some((_, rest)) = text.split_once("://") {
        let spot = 0..text.len() - rest.len();
        let host = match endpoint(text, Role::Connect) {
            Ok(Endpoint::Internet { host, .. }) => Some(bare(&host)),
            _ => Some(rest.to_owned()),
        };
        return Err(Fault::new(spot, address).corrected_if(host));
    }
    if let Some(inner) = text.strip_prefix('[') {
        let inner = inner.split(']').next().unwrap_or_default();
        return Err(Fault::new(
            0..text.len(),
            "no port follows a peer, so there are no brackets",
        )
        .corrected(inner));
    }
    if text.contains(':') {
        if let Some((host, port)) = text.split_once(':')
            && !port.contains(':')
        {
            return Err(Fault::new(
                host.len()..text.len(),
                "a peer has no port: it is the listener's that counts",
            )
            .corrected(host));
        }
        let parsed = host::in_brackets(text, 0);
        return match parsed {
            Ok(host) => Ok(host),
            Err(fault) => {
                let corrected = fault
                    .corrected
                    .as_ref()
                    .map(|host| host.replace(['[', ']'], ""));
                Err(fault.corrected_if(corrected))
            }
        };
    }
    match host::parse(text, 0)? {
        Host::Name(_) | Host::Below(_) => Err(Fault::new(0..text.len(), address)),
        host => Ok(host),
    }
}

/// A host without brackets.
fn bare(host: &Host) -> String {
    host.to_string().replace(['[', ']'], "")
}

fn ipc(text: &str) -> Result<IpcPattern, Fault> {
    clean(text)?;
    for prefix in ["unix://", "pipe://"] {
        if let Some(rest) = text.strip_prefix(prefix) {
            let corrected = match prefix {
                "pipe://" => format!(r"\\.\pipe\{rest}"),
                _ => rest.to_owned(),
            };
            return Err(Fault::new(
                0..prefix.len(),
                "here a path stands alone, without a scheme",
            )
            .corrected(corrected));
        }
    }
    if text.starts_with('\\') {
        let name = text.get(..9).filter(|head| *head == r"\\.\pipe\");
        return match name {
            Some(head) => IpcPattern::parse_pipe(&text[head.len()..], head.len(), head)
                .map_err(|fault| with_prefix(r"\\.\pipe\", fault)),
            None => {
                let name = text.rsplit('\\').next().unwrap_or_default();
                Err(
                    Fault::new(0..text.len(), r"the path of a pipe is \\.\pipe\NAME")
                        .corrected(format!(r"\\.\pipe\{name}")),
                )
            }
        };
    }
    IpcPattern::parse(text, 0, true)
}

macro_rules! from_str {
    ($($entry:ident: $parse:expr, $display:expr;)*) => {$(
        impl FromStr for $entry {
            type Err = EntryError;

            fn from_str(text: &str) -> Result<Self, EntryError> {
                let parse = $parse;
                parse(text)
                    .map(Self)
                    .map_err(|fault: Fault| fault.of(text, parse))
            }
        }

        impl fmt::Display for $entry {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let display = $display;
                f.write_str(&display(&self.0))
            }
        }
    )*};
}

from_str! {
    ConnectEntry: |text: &str| endpoint(text, Role::Connect), Endpoint::to_string;
    ListenEntry: |text: &str| endpoint(text, Role::Listen), Endpoint::to_string;
    ResolveEntry: names, Host::to_string;
    AcceptEntry: peers, bare;
    IpcEntry: ipc, IpcPattern::to_string;
}

impl From<IpcPattern> for IpcEntry {
    fn from(sockets: IpcPattern) -> Self {
        Self(sockets)
    }
}

/// As in `--allow-ipc`.
impl FromStr for IpcPattern {
    type Err = EntryError;

    fn from_str(text: &str) -> Result<Self, EntryError> {
        ipc(text).map_err(|fault| fault.of(text, ipc))
    }
}

/// The network of a peer, for a host that filters by itself.
impl AcceptEntry {
    /// The network that the peers are in; none for everyone.
    pub fn network(&self) -> Option<IpNet> {
        self.0.network()
    }
}
