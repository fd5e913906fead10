//! Decides what a run may reach, and reports it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use plugnet_policy::{
    Decision, IpcAddress, Name, Policy, Reason, Request, Resolved, Transport, shortened, shown,
};
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::{Event, Stats};

/// A kind of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Bind a local TCP address.
    TcpBind,
    /// Listen for TCP connections.
    TcpListen,
    /// Accept a TCP connection.
    TcpAccept,
    /// Connect by TCP.
    TcpConnect,
    /// Bind a local UDP address.
    UdpBind,
    /// Send a UDP datagram.
    UdpSend,
    /// Receive a UDP datagram.
    UdpReceive,
    /// Look up a name.
    NameLookup,
    /// Create a UNIX domain socket or a named pipe, and listen on it.
    PathListen,
    /// Connect to a UNIX domain socket or a named pipe.
    PathConnect,
    /// Create a TCP socket of WASI 0.2, under limits that cannot be enforced there.
    Wasi02TcpSocket,
    /// Create a UDP socket of WASI 0.2, under limits that cannot be enforced there.
    Wasi02UdpSocket,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::TcpBind => "TCP bind to",
            Access::TcpListen => "TCP listen on",
            Access::TcpAccept => "TCP accept from",
            Access::TcpConnect => "TCP connect to",
            Access::UdpBind => "UDP bind to",
            Access::UdpSend => "UDP send to",
            Access::UdpReceive => "UDP receive from",
            Access::NameLookup => "lookup of",
            Access::PathListen => "listen on",
            Access::PathConnect => "connect to",
            Access::Wasi02TcpSocket | Access::Wasi02UdpSocket => "create",
        })
    }
}

impl Access {
    fn of(request: &Request) -> Self {
        match request {
            Request::TcpBind(_) => Access::TcpBind,
            Request::TcpListen(_) => Access::TcpListen,
            Request::TcpAccept(_) | Request::HandedAccept(_) => Access::TcpAccept,
            Request::UdpBind(_) | Request::UdpBound(_) => Access::UdpBind,
            Request::UdpSend(_) => Access::UdpSend,
            Request::UdpReceive(_) => Access::UdpReceive,
            Request::Resolve(_) => Access::NameLookup,
            Request::IpcListen(_) => Access::PathListen,
            Request::IpcConnect(_) => Access::PathConnect,
            // There are no other requests.
            _ => Access::TcpConnect,
        }
    }
}

/// A denied request.
///
/// Displayed as `TCP connect to 192.0.2.1:80` or `connect to /run/app.sock`, in one line and
/// without control characters.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Denial {
    /// The access.
    pub access: Access,
    /// The address, name or path, truncated if it is very long, in the program's own text. An
    /// abstract name of Linux shows as `@name`, and a file of that name as `./@name`.
    pub target: String,
    /// The option of `plugnet run` that would allow it, if there is one, quoted for a shell:
    /// `--allow-connect tcp://192.0.2.1:80`, `--allow-ipc '/run/my app.sock'`.
    pub grant: Option<String>,
    /// The reason, unless it is only that nothing grants it.
    pub reason: Option<String>,
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A name or path is the program's own text; control characters are escaped.
        write!(f, "{} {}", self.access, shown(&self.target))
    }
}

impl Denial {
    fn of(decision: &Decision) -> Self {
        let request = decision.request();
        // The second line of a decision is the reason.
        let text = decision.to_string();
        let why = text.lines().nth(1).unwrap_or_default().trim().to_owned();
        Denial {
            access: Access::of(request),
            target: request.target(),
            grant: decision.grant().map(str::to_owned),
            reason: (*decision.reason() != Reason::NoRule).then(|| shortened(&why)),
        }
    }
}

/// Called for denials.
pub(crate) type OnDenied = Arc<dyn Fn(&Denial) + Send + Sync>;

/// Called for every event.
pub(crate) type OnEvent = Arc<dyn Fn(&Event) + Send + Sync>;

/// Decides for one run. Clones share the state.
#[derive(Clone, Default)]
pub(crate) struct Guard(Arc<Inner>);

#[derive(Default)]
struct Inner {
    policy: Policy,
    /// What this run looked up.
    resolved: Mutex<Resolved>,
    on_denied: Option<OnDenied>,
    on_event: Option<OnEvent>,
    stats: Stats,
}

impl Guard {
    pub(crate) fn new(
        policy: Policy,
        on_denied: Option<OnDenied>,
        on_event: Option<OnEvent>,
        stats: Stats,
    ) -> Self {
        Guard(Arc::new(Inner {
            policy,
            resolved: Mutex::default(),
            on_denied,
            on_event,
            stats,
        }))
    }

    /// The counters of this run.
    pub(crate) fn stats(&self) -> &Stats {
        &self.0.stats
    }

    /// Whether the program may use the address in this way.
    pub(crate) fn allows_address(&self, address: SocketAddr, reason: SocketAddrUse) -> bool {
        let request = match reason {
            SocketAddrUse::TcpBind => Request::TcpBind(address),
            SocketAddrUse::TcpListen => Request::TcpListen(address),
            SocketAddrUse::TcpAccept => Request::TcpAccept(address),
            SocketAddrUse::TcpConnect => Request::TcpConnect(address),
            SocketAddrUse::UdpBind => Request::UdpBind(address),
            SocketAddrUse::UdpSend => Request::UdpSend(address),
            SocketAddrUse::UdpReceive => Request::UdpReceive(address),
        };
        self.decide(&request).is_allowed()
    }

    /// Whether the program may have a port that the system chooses, to reach the peer.
    pub(crate) fn takes_ports(&self, transport: Transport, peer: SocketAddr) -> bool {
        let any = match peer {
            SocketAddr::V4(_) => IpAddr::from([0; 4]),
            SocketAddr::V6(_) => IpAddr::from([0; 16]),
        };
        self.0.policy.takes_ports(transport, any)
    }

    /// Whether rules cover UDP ports that the system chooses.
    pub(crate) fn judges_chosen_udp_ports(&self) -> bool {
        self.0.policy.judges_chosen_udp_ports()
    }

    /// Whether the program may keep a UDP port that the system chose.
    pub(crate) fn allows_chosen_udp_port(&self, address: SocketAddr) -> bool {
        self.decide(&Request::UdpBound(address)).is_allowed()
    }

    /// Whether the peer may connect to an inherited listener.
    pub(crate) fn allows_peer(&self, peer: SocketAddr) -> bool {
        self.decide(&Request::HandedAccept(peer)).is_allowed()
    }

    /// Whether the program may look up the name, and if so, what to ask the resolver for.
    pub(crate) fn allows_lookup(&self, name: &str) -> Option<Lookup> {
        // A truncated text is no name either way.
        let decision = self.decide(&Request::Resolve(shortened(name)));
        decision.is_allowed().then(|| match decision.name() {
            Some(name) => Lookup::Name(name.clone()),
            None => Lookup::Literal(name.parse().ok()),
        })
    }

    /// Records the resolver's answer, before the program gets it.
    pub(crate) fn answered(&self, name: &Name, addresses: impl IntoIterator<Item = IpAddr>) {
        let mut resolved = self.resolved();
        resolved.answered(name.as_str(), addresses, Instant::now());
    }

    fn resolved(&self) -> std::sync::MutexGuard<'_, Resolved> {
        // No code that holds the lock panics.
        self.0
            .resolved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(&self, request: &Request) -> Decision {
        let decision = {
            let resolved = self.resolved();
            self.0.policy.decide(request, &resolved, Instant::now())
        };
        if !decision.is_allowed() {
            self.denied(|| Denial::of(&decision));
        }
        self.tell(|| Event::Decision(decision.clone()));
        decision
    }

    /// Reports a decision about a path by the code that opens it.
    pub(crate) fn path(&self, access: Access, path: &str, refused: Option<&plugnet_ipc::Error>) {
        // A path that can be opened is never truncated; others need not be whole.
        let address = IpcAddress::from_path(&shortened(path));
        let request = match access {
            Access::PathListen => Request::IpcListen(address),
            _ => Request::IpcConnect(address),
        };
        let resolved = Resolved::new();
        let lexical = self.0.policy.decide(&request, &resolved, Instant::now());
        let denial = refused.and_then(|error| match error {
            plugnet_ipc::Error::NotGranted { grant, .. } => Some(Denial {
                access,
                target: request.target(),
                grant: grant
                    .as_deref()
                    .and_then(|entry| Policy::ipc_option(entry, request.ipc_address()?)),
                reason: None,
            }),
            plugnet_ipc::Error::Denied { .. } | plugnet_ipc::Error::Escape { .. } => Some(Denial {
                access,
                target: request.target(),
                grant: None,
                reason: Some(shortened(&error.to_string())),
            }),
            _ => None,
        });
        // A path that no socket can have is not decided.
        let impossible = matches!(refused, Some(plugnet_ipc::Error::InvalidPath { .. }));
        let allowed = denial.is_none() && !impossible;
        if let Some(denial) = &denial {
            self.denied(|| denial.clone());
        }
        // The text comparison knows the rule; opening the path decides.
        self.tell(|| {
            if lexical.is_allowed() == allowed {
                Event::Decision(lexical)
            } else {
                Event::Path {
                    request,
                    allowed,
                    detail: refused.map(|error| shortened(&error.to_string())),
                }
            }
        });
    }

    /// Denies an access that the limits of connections and bytes cannot cover.
    pub(crate) fn unlimited(&self, access: Access) {
        let kind = match access {
            Access::Wasi02UdpSocket => "UDP",
            _ => "TCP",
        };
        self.denied(|| Denial {
            access,
            target: format!("a {kind} socket of WASI 0.2"),
            grant: None,
            reason: Some(
                "max-connections, max-connections-per-peer and max-bytes-per-second hold for \
                 WASI 0.3 alone, so there are no sockets of 0.2 under them"
                    .to_owned(),
            ),
        });
    }

    fn denied(&self, denial: impl FnOnce() -> Denial) {
        self.0.stats.denied();
        if let Some(on_denied) = &self.0.on_denied {
            on_denied(&denial());
        }
    }

    /// Reports an event.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        let traced = Event::traced();
        if self.0.on_event.is_none() && !traced {
            return;
        }
        let event = event();
        if traced {
            event.trace();
        }
        if let Some(on_event) = &self.0.on_event {
            on_event(&event);
        }
    }
}

/// What to look up.
pub(crate) enum Lookup {
    /// A normalized name.
    Name(Name),
    /// An address, which resolves to itself; none for one with a zone, which WASI cannot express.
    Literal(Option<IpAddr>),
}
