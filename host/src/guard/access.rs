//! A kind of access, and its denial.

use std::fmt;

use plugnet_policy::{Decision, IpcAddress, Policy, Reason, Request, shortened, shown};

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
    pub(super) fn of(request: &Request) -> Self {
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
    /// The denial of a request that the policy has denied.
    pub(crate) fn of(decision: &Decision) -> Self {
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

    /// The denial of a path by the code that opens it, unless that failed for another reason.
    pub(crate) fn of_path(request: &Request, error: &plugnet_ipc::Error) -> Option<Self> {
        let (grant, reason) = match error {
            plugnet_ipc::Error::NotGranted { grant, .. } => {
                let address: Option<&IpcAddress> = request.ipc_address();
                let grant = grant.as_deref().zip(address);
                let grant = grant.and_then(|(entry, address)| Policy::ipc_option(entry, address));
                (grant, None)
            }
            plugnet_ipc::Error::Denied { .. } | plugnet_ipc::Error::Escape { .. } => {
                (None, Some(shortened(&error.to_string())))
            }
            _ => return None,
        };
        Some(Denial {
            access: Access::of(request),
            target: request.target(),
            grant,
            reason,
        })
    }

    /// The denial of a socket that the limits of connections and bytes cannot cover.
    pub(crate) fn unlimited(access: Access) -> Self {
        let kind = match access {
            Access::Wasi02UdpSocket => "UDP",
            _ => "TCP",
        };
        Denial {
            access,
            target: format!("a {kind} socket of WASI 0.2"),
            grant: None,
            reason: Some(
                "max-connections, max-connections-per-peer and max-bytes-per-second hold for \
                 WASI 0.3 alone, so there are no sockets of 0.2 under them"
                    .to_owned(),
            ),
        }
    }
}
