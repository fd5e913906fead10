//! Where sockets come from, under policy and limits: what a program may connect to, listen on and
//! accept. WASI's sockets, `ipc` and `net` all ask here, and nothing else makes a socket for a
//! program. What is decided here is reported here.

pub(crate) mod paths;
pub(crate) mod resolver;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use plugnet_policy::{Decision, IpcAddress, Name, Request, Transport, shortened};
use rustix::io::Errno;

use crate::guard::{Access, Denial, Guard};
use crate::limits::{ConnectionLimit, Permit, Permits, Place};
use crate::observe::{Direction, Event, Observer, Peer, Record};

/// How long to wait before accepting again, when the system lacks resources.
pub(crate) const RETRY: Duration = Duration::from_millis(100);

/// Why a socket is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// By the policy. (EACCES)
    Denied,
    /// By a limit of the run. (EMFILE)
    Full,
}

/// How a socket that connects gets its local address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Local {
    /// It is bound already, which was decided then.
    Bound,
    /// The system chooses it.
    Chosen,
}

/// Any address and any port of the family.
pub(crate) fn unspecified(of: IpAddr) -> SocketAddr {
    match of {
        IpAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        IpAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// What accepts a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Listens<'a> {
    /// A socket of TCP that the program has bound.
    Tcp,
    /// A descriptor that the host inherited.
    Inherited,
    /// A socket at a path.
    Path(&'a str),
}

/// What to look up.
pub(crate) enum Lookup {
    /// A normalized name.
    Name(Name),
    /// An address, which resolves to itself; none for one with a zone, which WASI cannot express.
    Literal(Option<IpAddr>),
}

/// Decides, reserves and reports for one run. Clones share the state.
#[derive(Clone)]
pub(crate) struct Door {
    guard: Guard,
    permits: Permits,
    observer: Observer,
}

impl Door {
    pub(crate) fn new(guard: Guard, permits: Permits, observer: Observer) -> Self {
        Door {
            guard,
            permits,
            observer,
        }
    }

    /// The limits of the run.
    pub(crate) fn permits(&self) -> &Permits {
        &self.permits
    }

    /// What reports the run.
    pub(crate) fn observer(&self) -> &Observer {
        &self.observer
    }

    fn decide(&self, request: &Request) -> Decision {
        let decision = self.guard.decide(request);
        if !decision.is_allowed() {
            self.observer.denied(|| Denial::of(&decision));
        }
        self.observer.tell(|| Event::Decision(decision.clone()));
        decision
    }

    /// Whether the program may do this.
    pub(crate) fn allows(&self, request: &Request) -> bool {
        self.decide(request).is_allowed()
    }

    /// Whether the program may have a port that the system chooses, to reach the peer.
    pub(crate) fn takes_ports(&self, transport: Transport, peer: SocketAddr) -> bool {
        self.guard.takes_ports(transport, peer)
    }

    /// Whether rules cover UDP ports that the system chooses.
    pub(crate) fn judges_chosen_udp_ports(&self) -> bool {
        self.guard.judges_chosen_udp_ports()
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
        self.guard.answered(name, addresses);
    }

    /// Reports the decision about a path by the code that opened it to listen.
    pub(crate) fn listened_on_path(&self, path: &str, refused: Option<&plugnet_ipc::Error>) {
        self.opened_path(Request::IpcListen, path, refused);
    }

    /// Reports the decision about a path by the code that opened it to connect.
    pub(crate) fn dialled_path(&self, path: &str, refused: Option<&plugnet_ipc::Error>) {
        self.opened_path(Request::IpcConnect, path, refused);
    }

    fn opened_path(
        &self,
        request: fn(IpcAddress) -> Request,
        path: &str,
        refused: Option<&plugnet_ipc::Error>,
    ) {
        // A path that can be opened is never truncated; others need not be whole.
        let request = request(IpcAddress::from_path(&shortened(path)));
        let denial = refused.and_then(|error| Denial::of_path(&request, error));
        // A path that no socket can have is not decided.
        let impossible = matches!(refused, Some(plugnet_ipc::Error::InvalidPath { .. }));
        let allowed = denial.is_none() && !impossible;
        if let Some(denial) = denial {
            self.observer.denied(|| denial);
        }
        // The text comparison knows the rule; opening the path decides.
        self.observer.tell(|| {
            let lexical = self.guard.decide(&request);
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

    /// Denies a socket that the limits of connections and bytes cannot cover.
    pub(crate) fn unlimited(&self, access: Access) {
        self.observer.denied(|| Denial::unlimited(access));
    }

    /// Reserves a place for a socket.
    ///
    /// # Errors
    ///
    /// If none is left; that is reported.
    pub(crate) fn place(&self) -> Result<Place, ConnectionLimit> {
        self.permits.place().inspect_err(|&limit| {
            self.observer.stats().refused();
            self.observer.tell(|| Event::NoSocket { limit });
        })
    }

    /// Reserves a slot for a connection whose socket has a place.
    ///
    /// # Errors
    ///
    /// If none is left; that is reported.
    pub(crate) fn slot(&self, direction: Direction, peer: Peer) -> Result<Slot, ConnectionLimit> {
        match self.permits.connection(peer.party()) {
            Ok(permit) => Ok(Slot {
                observer: self.observer.clone(),
                permit,
                direction,
                peer,
            }),
            Err(limit) => Err(self.refused(direction, &peer, limit)),
        }
    }

    /// Reserves a slot for a connection and a place for its socket.
    ///
    /// # Errors
    ///
    /// If none is left; that is reported.
    pub(crate) fn place_and_slot(
        &self,
        direction: Direction,
        peer: Peer,
    ) -> Result<(Place, Slot), ConnectionLimit> {
        match self.permits.place() {
            Ok(place) => Ok((place, self.slot(direction, peer)?)),
            Err(limit) => Err(self.refused(direction, &peer, limit)),
        }
    }

    fn refused(
        &self,
        direction: Direction,
        peer: &Peer,
        limit: ConnectionLimit,
    ) -> ConnectionLimit {
        self.observer.stats().refused();
        self.observer.tell(|| Event::Refused {
            direction,
            peer: peer.to_string(),
            limit,
        });
        limit
    }

    /// Decides whether the program may connect by TCP, and reserves the connection: an attempt is
    /// as much work as one that succeeds.
    ///
    /// # Errors
    ///
    /// [`Refused`]; that is reported.
    pub(crate) fn dial(&self, remote: SocketAddr, local: Local) -> Result<Slot, Refused> {
        // A program without ports may not connect: the denial names the peer.
        let may_bind = match local {
            Local::Bound => true,
            Local::Chosen => {
                !self.takes_ports(Transport::Tcp, remote)
                    || self.allows(&Request::TcpBind(unspecified(remote.ip())))
            }
        };
        if !may_bind || !self.allows(&Request::TcpConnect(remote)) {
            return Err(Refused::Denied);
        }
        self.slot(Direction::Connect, Peer::Address(remote))
            .map_err(|_| Refused::Full)
    }

    /// Whether the program may bind a local address of TCP.
    pub(crate) fn may_bind(&self, local: SocketAddr) -> bool {
        self.allows(&Request::TcpBind(local))
    }

    /// Whether the program may listen by TCP there.
    pub(crate) fn may_listen(&self, at: SocketAddr) -> bool {
        self.allows(&Request::TcpListen(at))
    }

    /// Decides whether an accepted connection stays, and counts it. Beyond a limit it is to be
    /// closed at once, as libuv does without descriptors (`uv__emfile_trick`). `peer` is absent for
    /// a local socket.
    ///
    /// # Errors
    ///
    /// [`Refused`]; that is reported.
    pub(crate) fn admit(
        &self,
        listens: Listens<'_>,
        peer: Option<SocketAddr>,
    ) -> Result<(Place, Slot), Refused> {
        let allowed = match (listens, peer) {
            (Listens::Tcp, Some(peer)) => self.allows(&Request::TcpAccept(peer)),
            (Listens::Inherited, Some(peer)) => self.allows(&Request::HandedAccept(peer)),
            (_, None) | (Listens::Path(_), _) => true,
        };
        if !allowed {
            return Err(Refused::Denied);
        }
        let peer = match (peer, listens) {
            (Some(address), _) => Peer::Address(address),
            (None, Listens::Path(path)) => Peer::Path(path.to_owned()),
            (None, Listens::Tcp | Listens::Inherited) => Peer::Unnamed,
        };
        self.place_and_slot(Direction::Accept, peer)
            .map_err(|_| Refused::Full)
    }
}

/// The right to one connection, before there is one. Dropping it frees it.
pub(crate) struct Slot {
    observer: Observer,
    permit: Permit,
    direction: Direction,
    peer: Peer,
}

impl Slot {
    /// The connection is established.
    pub(crate) fn opened(self) -> Record {
        Record::opened(self.observer, self.permit, self.direction, self.peer)
    }
}

/// Whether accepting failed for one client only. Linux reports what happened to it meanwhile.
pub(crate) fn is_of_one(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    #[cfg(target_os = "linux")]
    if matches!(errno, Some(Errno::PROTO | Errno::NONET)) {
        return true;
    }
    matches!(
        errno,
        Some(
            Errno::INTR
                | Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::NOPROTOOPT
                | Errno::OPNOTSUPP
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::NETRESET
        )
    )
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use plugnet_policy::Limits;

    use super::*;

    fn door(limits: &Limits) -> Door {
        Door::new(Guard::default(), Permits::new(limits), Observer::default())
    }

    fn connections(total: u32, per_peer: u32) -> Door {
        let mut limits = Limits::default();
        limits.max_connections = NonZeroU32::new(total);
        limits.max_connections_per_peer = NonZeroU32::new(per_peer);
        door(&limits)
    }

    fn slot(door: &Door, peer: &str) -> Result<Slot, ConnectionLimit> {
        let peer = Peer::Address(peer.parse().expect("an address"));
        door.slot(Direction::Connect, peer)
    }

    /// A slot is free again when it is dropped, whether there was a connection or not.
    #[test]
    fn dropped_slots_are_free() {
        let connections = connections(2, 0);
        let first = slot(&connections, "127.0.0.1:1").ok();
        let second = slot(&connections, "127.0.0.1:1").ok().map(Slot::opened);
        assert_eq!(
            slot(&connections, "127.0.0.1:1").err(),
            Some(ConnectionLimit::Total)
        );
        drop(first);
        let third = slot(&connections, "127.0.0.1:1");
        assert!(third.is_ok());
        drop((second, third));
        let both = [1, 2].map(|_| slot(&connections, "127.0.0.1:1"));
        assert!(both.iter().all(Result::is_ok));
    }

    /// Ports do not count for the limit per peer, nor does how an address is written; and what a
    /// peer that is gone leaves is nothing.
    #[test]
    fn peers_are_addresses() {
        let connections = connections(0, 1);
        let first = slot(&connections, "127.0.0.1:1");
        assert_eq!(
            slot(&connections, "[::ffff:127.0.0.1]:2").err(),
            Some(ConnectionLimit::PerPeer)
        );
        let other = slot(&connections, "127.0.0.2:1");
        assert!(first.is_ok() && other.is_ok());
        drop((first, other));
        assert_eq!(connections.permits().peers(), 0);
        assert!(slot(&connections, "127.0.0.1:1").is_ok());
    }

    /// Connections and other sockets share the limit of sockets, and places that are dropped are
    /// free again.
    #[test]
    fn all_sockets_share_a_limit() {
        let mut limits = Limits::default();
        limits.max_sockets = NonZeroU32::new(2);
        let connections = door(&limits);
        let peer = || Peer::Address("127.0.0.1:1".parse().expect("an address"));
        let first = connections.place();
        let second = connections.place_and_slot(Direction::Accept, peer());
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(connections.place().err(), Some(ConnectionLimit::Sockets));
        let third = connections.place_and_slot(Direction::Accept, peer());
        assert_eq!(third.err(), Some(ConnectionLimit::Sockets));
        drop(first);
        assert!(connections.place().is_ok());
    }

    /// A place whose connection gets no slot is free again.
    #[test]
    fn a_place_without_a_slot_is_free() {
        let connections = connections(1, 0);
        let take = || connections.place_and_slot(Direction::Accept, Peer::Unnamed);
        let first = take();
        assert!(first.is_ok());
        assert_eq!(take().err(), Some(ConnectionLimit::Total));
        assert_eq!(connections.permits().sockets(), 1);
    }

    /// Whoever is in one /64 of IPv6 is one peer: a customer has as many addresses there as he likes.
    /// So is who comes by several ways from one IPv4 address.
    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        for (one, other) in [
            ("[2a00:1450::1]:1", "[2a00:1450::ffff:ffff:ffff:ffff]:2"),
            ("[fe80::1]:1", "[fe80::2]:1"),
            ("[2002:c000:201::1]:1", "[2002:c000:201:ffff::1]:1"),
            ("[64:ff9b::c000:201]:1", "192.0.2.1:1"),
            (
                "[2a00:1450::5efe:c000:201]:1",
                "[2a00:1450::5efe:c000:202]:1",
            ),
        ] {
            let connections = connections(0, 1);
            let first = slot(&connections, one);
            assert!(first.is_ok());
            let second = slot(&connections, other).err();
            assert_eq!(second, Some(ConnectionLimit::PerPeer), "{one} {other}");
        }
        for (one, other) in [
            ("[2a00:1450::1]:1", "[2a00:1450:0:1::1]:1"),
            ("[64:ff9b::c000:201]:1", "[64:ff9b::c000:202]:1"),
            (
                "[2001:0:5ef5:79fd:0:0:3fff:fdfe]:1",
                "[2001:0:5ef5:79fd:0:0:3fff:fdfd]:1",
            ),
            ("[::1]:1", "127.0.0.1:1"),
        ] {
            let connections = connections(0, 1);
            let first = slot(&connections, one);
            assert!(
                first.is_ok() && slot(&connections, other).is_ok(),
                "{one} {other}"
            );
        }
    }

    /// Local sockets have no address: they count for all connections only.
    #[test]
    fn local_sockets_have_no_address() {
        let connections = connections(2, 1);
        let path = || Peer::Path("/run/app.sock".to_owned());
        let first = connections.slot(Direction::Accept, path());
        let second = connections.slot(Direction::Accept, path());
        assert!(first.is_ok() && second.is_ok());
        let third = connections.slot(Direction::Accept, path());
        assert_eq!(third.err(), Some(ConnectionLimit::Total));
    }
}
