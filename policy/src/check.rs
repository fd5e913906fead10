//! Questions that people ask about a policy before a program runs.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use crate::decision::Decision;
use crate::entry::{AcceptEntry, ConnectEntry, Endpoint, ListenEntry, Transport};
use crate::entry_error::{EntryError, Fault};
use crate::host::Host;
use crate::name::Name;
use crate::path::{Extent, IpcAddress, IpcKind, IpcPattern};
use crate::policy::Policy;
use crate::ports::Ports;
use crate::request::Request;
use crate::resolved::Resolved;
use crate::rule::Rule;

/// What a program may ask for, written as an entry: `plugnet check`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    requests: Vec<Request>,
    /// What the program is assumed to have looked up.
    looked_up: Option<(Name, IpAddr)>,
}

/// The answer to a [`Question`]: one decision per step, up to the first that is denied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Check {
    decisions: Vec<Decision>,
    /// The rule that denies it if the system chooses a port that the rule names.
    #[serde(skip)]
    unless: Option<Arc<Rule>>,
}

impl Question {
    fn of(requests: Vec<Request>) -> Self {
        Self {
            requests,
            looked_up: None,
        }
    }

    /// Whether it may connect to `tcp://HOST:PORT`, `udp://HOST:PORT`, `unix://PATH`,
    /// `unix://@name` or `pipe://NAME`.
    ///
    /// A name has to be looked up, so the lookup is the first step.
    ///
    /// # Errors
    ///
    /// [`EntryError`] if that is not one host and one port, or one local socket.
    pub fn connect(text: &str) -> Result<Self, EntryError> {
        let entry: ConnectEntry = text.parse()?;
        Ok(match One::of(entry.endpoint(), text)? {
            One::Address(Transport::Tcp, to) => Self::of(vec![Request::TcpConnect(to)]),
            One::Address(Transport::Udp, to) => Self::of(vec![Request::UdpSend(to)]),
            One::Name(transport, name, port) => Self::of(vec![
                Request::Resolve(name.to_string()),
                Request::ToName(transport, name, port),
            ]),
            One::Socket(socket) => Self::of(vec![Request::IpcConnect(socket)]),
        })
    }

    /// Whether it may bind the address and, for TCP, listen on it.
    ///
    /// # Errors
    ///
    /// [`EntryError`] if that is not one address and one port, or one local socket.
    pub fn listen(text: &str) -> Result<Self, EntryError> {
        let entry: ListenEntry = text.parse()?;
        let steps = |transport, at| match transport {
            Transport::Tcp => vec![Request::TcpBind(at), Request::TcpListen(at)],
            Transport::Udp => vec![Request::UdpBind(at)],
        };

        Ok(match One::of(entry.endpoint(), text)? {
            One::Address(transport, at) => Self::of(steps(transport, at)),
            One::Name(transport, name, port) => {
                let loopback = Ipv4Addr::LOCALHOST.into();
                let mut requests = vec![Request::Resolve(name.to_string())];
                requests.extend(steps(transport, SocketAddr::new(loopback, port)));
                Self {
                    requests,
                    looked_up: Some((name, loopback)),
                }
            }
            One::Socket(socket) => Self::of(vec![Request::IpcListen(socket)]),
        })
    }

    /// Whether it may look up a name.
    pub fn resolve(name: &str) -> Self {
        Self::of(vec![Request::Resolve(name.to_owned())])
    }

    /// Whether it may accept TCP connections from a peer.
    ///
    /// # Errors
    ///
    /// [`EntryError`] if that is not an address.
    pub fn accept(peer: &str) -> Result<Self, EntryError> {
        let entry: AcceptEntry = peer.parse()?;
        match entry.peers() {
            Host::Address(ip) => Ok(Self::of(vec![Request::TcpAccept(SocketAddr::new(*ip, 0))])),
            _ => Err(many(peer, "a question is about one address")),
        }
    }
}

/// What a question is about: one address, name or socket.
enum One {
    Address(Transport, SocketAddr),
    Name(Transport, Name, u16),
    Socket(IpcAddress),
}

impl One {
    fn of(endpoint: &Endpoint, text: &str) -> Result<Self, EntryError> {
        let (transport, host, ports) = match endpoint {
            Endpoint::Internet {
                transport,
                host,
                ports,
            } => (*transport, host, ports),
            Endpoint::Ipc(pattern) => return Ok(One::Socket(one_socket(pattern, text)?)),
        };
        let port = one_port(ports, text)?;
        match host {
            Host::Address(ip) => Ok(One::Address(transport, SocketAddr::new(*ip, port))),
            Host::Name(name) => Ok(One::Name(transport, name.clone(), port)),
            Host::Any | Host::Network(_) | Host::Below(_) => Err(many(text, ONE_HOST)),
        }
    }
}

const ONE_HOST: &str = "a question is about one host: an address or a name";

fn many(text: &str, problem: &str) -> EntryError {
    let fault = Fault::new(0..text.len(), problem);
    fault.of(text, |_| Ok(()))
}

fn one_port(ports: &Ports, text: &str) -> Result<u16, EntryError> {
    match ports {
        Ports::One(port) => Ok(*port),
        Ports::Any | Ports::Range(..) => {
            let port = text.rfind(':').map_or(0, |colon| colon + 1);
            let fault = Fault::new(port..text.len(), "a question is about one port");
            Err(fault.of(text, |_| Ok(())))
        }
    }
}

fn one_socket(pattern: &IpcPattern, text: &str) -> Result<IpcAddress, EntryError> {
    if pattern.extent() == Extent::Folder || pattern.host() != pattern.guest() {
        return Err(many(
            text,
            "a question is about one socket, by the name that the program uses",
        ));
    }
    let name = pattern.guest().to_owned();
    Ok(match pattern.kind() {
        IpcKind::File => IpcAddress::Path(name),
        IpcKind::Abstract => IpcAddress::Abstract(name),
        IpcKind::Pipe => IpcAddress::Pipe(name),
    })
}

impl Policy {
    /// What a policy decides, and by which rules. Exit code 0 of `plugnet check` is
    /// [`Check::is_allowed`].
    pub fn check(&self, question: &Question, now: Instant) -> Check {
        let mut resolved = Resolved::new();
        if let Some((name, ip)) = &question.looked_up {
            resolved.answered(name.as_str(), [*ip], now);
        }
        let mut decisions = Vec::new();
        let mut unless = None;
        for request in &question.requests {
            let mut decision = self.decide(request, &resolved, now);
            if decision.is_allowed() {
                match self.chosen_port(request) {
                    Chosen::Free => {}
                    Chosen::Some(port) => {
                        unless = self.decide(&port, &resolved, now).rule().cloned();
                    }
                    Chosen::All(port) => decision = self.decide(&port, &resolved, now),
                }
            }
            let denied = !decision.is_allowed();
            decisions.push(decision);
            if denied {
                unless = None;
                break;
            }
        }
        Check { decisions, unless }
    }

    /// Which of the ports that the system may choose are denied, for a request to bind one.
    fn chosen_port(&self, request: &Request) -> Chosen {
        let (transport, at) = match request {
            Request::UdpBind(at) => (Transport::Udp, *at),
            Request::TcpListen(at) => (Transport::Tcp, *at),
            // A client has a local port as well.
            Request::UdpSend(to) => (Transport::Udp, any_port_for(to.ip())),
            Request::ToName(Transport::Udp, ..) => {
                (Transport::Udp, any_port_for(Ipv4Addr::LOCALHOST.into()))
            }
            _ => return Chosen::Free,
        };
        if at.port() != 0 {
            return Chosen::Free;
        }
        let denied: Vec<u16> = (1..=u16::MAX)
            .filter(|port| self.denies_chosen_port(transport, SocketAddr::new(at.ip(), *port)))
            .collect();
        let Some(port) = denied.first() else {
            return Chosen::Free;
        };
        let at = SocketAddr::new(at.ip(), *port);
        let port = match transport {
            Transport::Udp => Request::UdpBound(at),
            Transport::Tcp => Request::TcpListen(at),
        };
        if denied.len() == usize::from(u16::MAX) {
            Chosen::All(port)
        } else {
            Chosen::Some(port)
        }
    }
}

/// Any local address from which `peer` is reachable, and any port.
fn any_port_for(peer: IpAddr) -> SocketAddr {
    match peer {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// Which of the ports that the system may choose are denied.
enum Chosen {
    /// None.
    Free,
    /// Some; the request for one of them.
    Some(Request),
    /// All; the request for one of them.
    All(Request),
}

impl Check {
    /// Whether every step is allowed.
    pub fn is_allowed(&self) -> bool {
        self.decisions.iter().all(Decision::is_allowed)
    }

    /// The steps.
    pub fn decisions(&self) -> &[Decision] {
        &self.decisions
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, decision) in self.decisions.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            write!(f, "{decision}")?;
            if let Request::ToName(_, name, _) = decision.request()
                && decision.is_allowed()
                && !name.is_localhost()
            {
                write!(
                    f,
                    "\n  if it gives a public address that no rule denies; one that is loopback, private or \
                     special otherwise needs a rule of its own"
                )?;
            }
        }
        if let Some(rule) = &self.unless {
            write!(f, "\n  unless the system chooses a port of {rule}")?;
        }
        Ok(())
    }
}
