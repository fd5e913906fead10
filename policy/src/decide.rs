//! The decisions.
//!
//! The order is always the same: deny rules, allow rules, then why an allow rule did not apply (the
//! special-address rule, a lookup that is too old).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::address;
use crate::decision::{Decision, Reason};
use crate::entry::{ConnectEntry, Endpoint, IpcEntry, Transport};
use crate::host::Host;
use crate::index::{Index, Wanted};
use crate::name::{Asked, Name, NameError};
use crate::path::{IpcAddress, IpcPattern};
use crate::policy::{Policy, Stored};
use crate::ports::Ports;
use crate::request::Request;
use crate::resolved::Resolved;
use crate::rule::{Effect, Rule};
use crate::special::SpecialRange;
use crate::text::typed;

/// A peer: its address, and the names by which the program got it.
struct Peer<'a> {
    /// None if only the name is known, as in a question about a name.
    ip: Option<IpAddr>,
    names: Vec<&'a Name>,
    stale: Vec<(&'a Name, Duration)>,
}

impl<'a> Peer<'a> {
    fn new(ip: IpAddr, resolved: &'a Resolved, now: Instant) -> Self {
        let ip = address::canonical_peer(ip);
        Self {
            ip: Some(ip),
            names: resolved.names(ip, now).collect(),
            stale: resolved.stale(ip, now).collect(),
        }
    }

    /// The peer at some address of `name`; this machine for `localhost`.
    fn named(name: &'a Name) -> Self {
        Self {
            ip: name.is_localhost().then_some(Ipv4Addr::LOCALHOST.into()),
            names: vec![name],
            stale: Vec::new(),
        }
    }

    fn special(&self) -> Option<SpecialRange> {
        self.ip.and_then(SpecialRange::of)
    }

    /// Whether an allow entry covers it, and by which name.
    fn allowed_by(&self, host: &Host) -> Option<Option<&'a Name>> {
        match host {
            Host::Any => Some(None),
            Host::Address(_) | Host::Network(_) => {
                let covered = self.ip.is_some_and(|ip| contains(host, ip));
                covered.then_some(None)
            }
            Host::Name(_) | Host::Below(_) => {
                let mut names = self.names.iter().filter(|name| self.may_have(name));
                let name = names.find(|name| host.is_named(name));
                name.map(|name| Some(*name))
            }
        }
    }

    /// Whether the name may lead there: `localhost` is this machine, whatever a resolver says (RFC
    /// 6761).
    fn may_have(&self, name: &Name) -> bool {
        !name.is_localhost() || self.ip.is_some_and(|ip| ip.is_loopback())
    }

    /// The hosts that it leads to, by a translator or a tunnel.
    fn inner(&self) -> impl Iterator<Item = IpAddr> {
        let inner = self.ip.into_iter().flat_map(address::embedded);
        inner.map(address::canonical_peer)
    }

    /// Whether a deny entry covers it, also by the host that it leads to or by a name that resolved
    /// to it.
    fn denied_by(&self, host: &Host) -> Option<Option<&'a Name>> {
        if let Some(name) = self.names.iter().find(|name| host.is_named(name)) {
            return Some(Some(*name));
        }
        let covered = self.allowed_by(host).is_some() || self.inner().any(|ip| contains(host, ip));
        covered.then_some(None)
    }

    fn stale_for(&self, host: &Host) -> Option<(&'a Name, Duration)> {
        let mut stale = self.stale.iter().filter(|(name, _)| self.may_have(name));
        stale.find(|(name, _)| host.is_named(name)).copied()
    }

    /// What to look up in the index for rules that allow it, or nearly.
    fn to_allow(&self) -> Wanted<'a> {
        let stale = self.stale.iter().map(|(name, _)| *name);
        Wanted {
            addresses: self.ip.into_iter().collect(),
            names: self.names.iter().copied().chain(stale).collect(),
            ..Wanted::default()
        }
    }

    /// What to look up in the index for rules that deny it.
    fn to_deny(&self) -> Wanted<'a> {
        Wanted {
            addresses: self.ip.into_iter().chain(self.inner()).collect(),
            names: self.names.clone(),
            ..Wanted::default()
        }
    }
}

fn contains(host: &Host, ip: IpAddr) -> bool {
    match host {
        Host::Any => true,
        Host::Address(address) => *address == ip,
        Host::Network(network) => network.contains(&ip),
        Host::Name(_) | Host::Below(_) => false,
    }
}

/// Whether a deny entry covers a local address.
fn denies_local(host: &Host, ip: IpAddr) -> bool {
    // An address that stands for all local addresses includes the denied one.
    match host {
        Host::Address(address) => {
            *address == ip || ip.is_unspecified() && address.is_ipv4() == ip.is_ipv4()
        }
        Host::Network(network) => {
            let same_family = network.addr().is_ipv4() == ip.is_ipv4();
            network.contains(&ip) || ip.is_unspecified() && same_family
        }
        Host::Name(_) | Host::Below(_) => ip.is_loopback() || ip.is_unspecified(),
        Host::Any => true,
    }
}

/// What to look up in the index for rules about a local address.
fn local(ip: IpAddr) -> Wanted<'static> {
    Wanted {
        addresses: vec![ip],
        localhost: ip.is_loopback() || ip.is_unspecified(),
        family_of: ip.is_unspecified().then_some(ip),
        ..Wanted::default()
    }
}

/// The host and the ports of an endpoint of the transport.
fn internet(endpoint: &Endpoint, wanted: Transport) -> Option<(&Host, &Ports)> {
    match endpoint {
        Endpoint::Internet {
            transport,
            host,
            ports,
        } if *transport == wanted => Some((host, ports)),
        _ => None,
    }
}

impl Policy {
    /// Decides a request, and says why.
    ///
    /// `resolved` is what the program got from the host's resolver.
    pub fn decide(&self, request: &Request, resolved: &Resolved, now: Instant) -> Decision {
        use Transport::{Tcp, Udp};
        match request {
            Request::TcpConnect(to) => {
                let peer = Peer::new(to.ip(), resolved, now);
                self.connect(request, Tcp, &peer, to.port())
            }
            Request::UdpSend(to) => {
                let peer = Peer::new(to.ip(), resolved, now);
                self.connect(request, Udp, &peer, to.port())
            }
            Request::TcpBind(at) => self.bind(request, Tcp, *at, resolved, now),
            Request::UdpBind(at) => self.bind(request, Udp, *at, resolved, now),
            Request::UdpBound(at) => self.bound(request, Udp, *at),
            Request::TcpListen(at) => self.listen(request, Tcp, *at, true, resolved, now),
            Request::TcpAccept(from) => {
                let listens = self.listens(Tcp).cloned().map(Reason::Implied);
                self.accept(request, listens, from.ip())
            }
            Request::HandedAccept(from) => self.accept(request, Some(Reason::Handed), from.ip()),
            Request::UdpReceive(from) => self.receive(request, *from, resolved, now),
            Request::Resolve(name) => self.resolve(request, name),
            Request::ToName(transport, name, port) => {
                self.connect(request, *transport, &Peer::named(name), *port)
            }
            Request::IpcConnect(to) => self.ipc(request, to),
            Request::IpcListen(at) => self.ipc(request, at),
        }
    }

    /// Whether a rule could deny a [`Request::UdpBound`].
    pub fn judges_chosen_udp_ports(&self) -> bool {
        self.denied_ports.first_of(Transport::Udp).is_some()
    }

    /// Whether the program may have a local port that the system chooses, at the unspecified
    /// address `any`: a socket takes one before it connects or sends. A program that may not
    /// connect, send or listen needs none: ports are few.
    pub fn takes_ports(&self, transport: Transport, any: IpAddr) -> bool {
        let connects = self.connect.index(Effect::Allow).first_of(transport);
        if connects.is_some() || self.net.is_some() {
            return true;
        }
        let listens = self.listen.index(Effect::Allow).first_of(transport);
        let ip = address::canonical(any);
        // Deny rules for every port have port 0.
        let mut denying = self
            .listen
            .candidates(Effect::Deny, transport, &local(ip), &[0]);
        let denied = denying.any(|stored| {
            internet(stored.entry.endpoint(), transport)
                .is_some_and(|(host, _)| denies_local(host, ip))
        });
        listens.is_some() && !denied
    }

    fn connect(
        &self,
        request: &Request,
        transport: Transport,
        peer: &Peer<'_>,
        port: u16,
    ) -> Decision {
        let about = |effect, wanted: Wanted<'_>| {
            let rules = self.connect.candidates(effect, transport, &wanted, &[port]);
            rules.filter_map(move |stored| {
                let (host, _) = internet(stored.entry.endpoint(), transport)?;
                Some((host, &stored.rule))
            })
        };
        for (host, rule) in about(Effect::Deny, peer.to_deny()) {
            if let Some(name) = peer.denied_by(host) {
                return Decision::denied(request, Reason::Rule(rule.clone()))
                    .with_name(name.cloned());
            }
        }
        let special = peer.special();
        let mut but = None;
        for (host, rule) in about(Effect::Allow, peer.to_allow()) {
            match (peer.allowed_by(host), special) {
                (Some(name), Some(range)) if !range.is_granted_by(host) => {
                    let rule = rule.clone();
                    but.get_or_insert((Reason::SpecialAddress { range, rule }, name.cloned()));
                }
                (Some(name), _) => {
                    return Decision::allowed(request, Reason::Rule(rule.clone()))
                        .with_name(name.cloned());
                }
                (None, _) => {
                    if let Some((name, age)) = peer.stale_for(host) {
                        let rule = rule.clone();
                        let name = Some(name.clone());
                        but.get_or_insert((Reason::StaleAnswer { rule, age }, name));
                    }
                }
            }
        }
        if let Some(rule) = &self.net {
            return Decision::allowed(request, Reason::Rule(rule.clone()));
        }
        let (reason, name) = but.unwrap_or((Reason::NoRule, None));
        let host = match (peer.ip, peer.names.first()) {
            (Some(ip), _) => Some(Host::Address(ip)),
            (None, name) => name.map(|name| Host::Name((*name).clone())),
        };
        let grant = match reason {
            Reason::StaleAnswer { .. } => None,
            _ => host.and_then(|host| connect_grant(transport, host, port)),
        };
        Decision::denied(request, reason)
            .with_name(name)
            .with_grant(grant)
    }

    fn bind(
        &self,
        request: &Request,
        transport: Transport,
        at: SocketAddr,
        resolved: &Resolved,
        now: Instant,
    ) -> Decision {
        // Requested before every connect without a local address. No traffic results from it; the
        // request that follows has an address.
        let any = address::canonical(at.ip()).is_unspecified() && at.port() == 0;
        if any && self.takes_ports(transport, at.ip()) {
            return Decision::allowed(request, Reason::AnyLocalAddress);
        }
        self.listen(request, transport, at, false, resolved, now)
    }

    /// Whether a rule that names ports denies this one, if the system chooses it.
    pub(crate) fn denies_chosen_port(&self, transport: Transport, at: SocketAddr) -> bool {
        self.denied_port(transport, at).is_some()
    }

    fn denied_port(&self, transport: Transport, at: SocketAddr) -> Option<&Arc<Rule>> {
        let ip = address::canonical(at.ip());
        let places = self
            .denied_ports
            .candidates(transport, &local(ip), &[at.port()]);
        let mut rules = places
            .into_iter()
            .filter_map(|place| self.listen.deny.get(place));
        let denied = rules.find(|stored| {
            internet(stored.entry.endpoint(), transport)
                .is_some_and(|(host, _)| denies_local(host, ip))
        });
        denied.map(|stored| &stored.rule)
    }

    /// A port that the system chose. Clients have one too, so no allow rule is needed; a rule that
    /// names the port denies it, one for every port does not.
    fn bound(&self, request: &Request, transport: Transport, at: SocketAddr) -> Decision {
        match self.denied_port(transport, at) {
            Some(rule) => Decision::denied(request, Reason::Rule(rule.clone())),
            None => Decision::allowed(request, Reason::AnyLocalAddress),
        }
    }

    /// `bound`: the address was bound before, and allowed then. Its port may be one that the system
    /// chose, so an entry for such ports covers it.
    fn listen(
        &self,
        request: &Request,
        transport: Transport,
        at: SocketAddr,
        bound: bool,
        resolved: &Resolved,
        now: Instant,
    ) -> Decision {
        let ip = address::canonical(at.ip());
        let asked = [at.port(), 0];
        let ports = if bound { &asked[..] } else { &asked[..1] };
        let about = |effect| {
            let rules = self.listen.candidates(effect, transport, &local(ip), ports);
            rules.filter_map(move |stored| {
                let (host, _) = internet(stored.entry.endpoint(), transport)?;
                Some((host, &stored.rule))
            })
        };
        if let Some((_, rule)) = about(Effect::Deny).find(|(host, _)| denies_local(host, ip)) {
            return Decision::denied(request, Reason::Rule(rule.clone()));
        }
        for (host, rule) in about(Effect::Allow) {
            let name = match host {
                Host::Any => None,
                Host::Address(address) if *address == ip => None,
                Host::Network(network) if network.contains(&ip) && !ip.is_unspecified() => None,
                // Only `localhost` is a name for listening.
                Host::Name(_) | Host::Below(_) if ip.is_loopback() => {
                    match resolved.names(ip, now).find(|name| host.is_named(name)) {
                        Some(name) => Some(name.clone()),
                        None => continue,
                    }
                }
                _ => continue,
            };
            return Decision::allowed(request, Reason::Rule(rule.clone())).with_name(name);
        }
        if let Some(rule) = &self.net {
            return Decision::allowed(request, Reason::Rule(rule.clone()));
        }
        let grant = Endpoint::Internet {
            transport,
            host: Host::Address(ip),
            ports: Ports::One(at.port()),
        };
        Decision::denied(request, Reason::NoRule)
            .with_grant(typed("--allow-listen", &grant.to_string()))
    }

    /// The rule by which the program may listen.
    fn listens(&self, transport: Transport) -> Option<&Arc<Rule>> {
        let first = self.listen.index(Effect::Allow).first_of(transport);
        first
            .and_then(|place| self.listen.allow.get(place))
            .map(|stored| &stored.rule)
            .or(self.net.as_ref())
    }

    /// `listens`: the rule by which the program may listen, if any.
    fn accept(&self, request: &Request, listens: Option<Reason>, from: IpAddr) -> Decision {
        let ip = address::canonical(from);
        // Rules about peers have no transport.
        let about = |effect, addresses| {
            let wanted = Wanted {
                addresses,
                ..Wanted::default()
            };
            self.accept
                .candidates(effect, Transport::Tcp, &wanted, &[0])
        };
        let leads_to = std::iter::once(ip).chain(address::embedded(ip)).collect();
        let denied = about(Effect::Deny, leads_to).find(|stored| {
            let host = stored.entry.peers();
            contains(host, ip) || address::embedded(ip).any(|inner| contains(host, inner))
        });
        if let Some(stored) = denied {
            return Decision::denied(request, Reason::Rule(stored.rule.clone()));
        }
        let Some(listens) = listens else {
            return Decision::denied(request, Reason::NoRule);
        };
        if self.accept.allow.is_empty() {
            return Decision::allowed(request, listens);
        }
        match about(Effect::Allow, vec![ip]).find(|stored| contains(stored.entry.peers(), ip)) {
            Some(stored) => Decision::allowed(request, Reason::Rule(stored.rule.clone())),
            None => Decision::denied(request, Reason::NotAmongPeers)
                .with_grant(typed("--allow-accept", &ip.to_string())),
        }
    }

    /// A datagram is an answer if the program may send to the peer; otherwise it counts as a
    /// connection.
    fn receive(
        &self,
        request: &Request,
        from: SocketAddr,
        resolved: &Resolved,
        now: Instant,
    ) -> Decision {
        let listens = self.listens(Transport::Udp).cloned();
        let accept = self.accept(request, listens.map(Reason::Implied), from.ip());
        if accept.is_allowed() || matches!(accept.reason(), Reason::Rule(_)) {
            return accept;
        }
        let peer = Peer::new(from.ip(), resolved, now);
        let send = self.connect(request, Transport::Udp, &peer, from.port());
        match (send.is_allowed(), send.rule()) {
            (true, Some(rule)) => Decision::allowed(request, Reason::Implied(rule.clone()))
                .with_name(send.name().cloned()),
            _ => accept,
        }
    }

    fn resolve(&self, request: &Request, text: &str) -> Decision {
        let name = match Asked::parse(text) {
            Ok(Asked::Name(name)) => name,
            Ok(Asked::Address(_)) => {
                return Decision::allowed(request, Reason::AddressLiteral);
            }
            Err(error) => {
                let problem = match &error {
                    NameError::Number(Some(address)) => {
                        format!("{error}, this one as {address}")
                    }
                    _ => error.to_string(),
                };
                return Decision::denied(request, Reason::NotAName(problem));
            }
        };
        let covers = |host: &Host| *host == Host::Any || host.is_named(&name);
        let find = |effect| {
            let wanted = Wanted {
                names: vec![&name],
                ..Wanted::default()
            };
            let rules = self
                .resolve
                .candidates(effect, Transport::Tcp, &wanted, &[0]);
            let mut rules = rules.filter(|stored| covers(stored.entry.names()));
            rules.next().map(|stored| stored.rule.clone())
        };
        if let Some(rule) = find(Effect::Deny) {
            return Decision::denied(request, Reason::Rule(rule)).with_name(Some(name));
        }
        if let Some(rule) = find(Effect::Allow) {
            return Decision::allowed(request, Reason::Rule(rule)).with_name(Some(name));
        }
        if let Some(rule) = self.useless_without(&name) {
            return Decision::allowed(request, Reason::Implied(rule.clone())).with_name(Some(name));
        }
        if let Some(rule) = &self.net {
            return Decision::allowed(request, Reason::Rule(rule.clone())).with_name(Some(name));
        }
        let grant = typed("--allow-resolve", name.as_str());
        Decision::denied(request, Reason::NoRule)
            .with_name(Some(name))
            .with_grant(grant)
    }

    /// A connect or listen rule that applies only if the program may look up `name`.
    fn useless_without(&self, name: &Name) -> Option<&Arc<Rule>> {
        fn find<'a, E>(
            rules: &'a [Stored<E>],
            names: &Index,
            name: &Name,
        ) -> Option<&'a Arc<Rule>> {
            let wanted = Wanted {
                names: vec![name],
                ..Wanted::default()
            };
            let places = names.candidates(Transport::Tcp, &wanted, &[0]);
            let first = places.first().and_then(|place| rules.get(*place));
            first.map(|stored| &stored.rule)
        }
        find(&self.connect.allow, &self.connect_names, name)
            .or_else(|| find(&self.listen.allow, &self.listen_names, name))
    }

    fn ipc(&self, request: &Request, address: &IpcAddress) -> Decision {
        let listens = matches!(request, Request::IpcListen(_));
        let about = |effect| {
            self.ipc_rules()
                .filter(move |rule| if listens { rule.listen } else { rule.connect })
                .filter(move |rule| rule.rule.effect() == effect)
        };
        let allowing = about(Effect::Allow).map(|rule| rule.pattern);
        let denying = about(Effect::Deny).map(|rule| (rule.pattern, rule.rule));
        if let Some(rule) = IpcPattern::first_denying(allowing, denying, address) {
            return Decision::denied(request, Reason::Rule(rule.clone()));
        }
        let allowing = about(Effect::Allow).map(|rule| (rule.pattern, rule.rule));
        // A path with `..` may lead anywhere, so no rule allows it.
        if let Some((_, rule, cover)) = IpcPattern::choose(allowing, address)
            && !cover.goes_up()
        {
            return Decision::allowed(request, Reason::Rule(rule.clone()));
        }
        let option = if listens {
            "--allow-listen"
        } else {
            "--allow-connect"
        };
        let entry = match address {
            IpcAddress::Path(path) => format!("unix://{path}"),
            IpcAddress::Abstract(name) => format!("unix://@{name}"),
            IpcAddress::Pipe(name) => format!("pipe://{name}"),
        };
        let helps = |granted: &IpcPattern| {
            let allowing = about(Effect::Allow).map(|rule| rule.pattern);
            let denying = about(Effect::Deny).map(|rule| (rule.pattern, rule.rule));
            // A file that is denied under another name stays denied.
            IpcPattern::first_denying(allowing.chain([granted]), denying, address).is_none()
        };
        let grant = ipc_grant(option, &entry, address, helps);
        Decision::denied(request, Reason::NoRule).with_grant(grant)
    }

    /// The option that grants this local socket and nothing else, `--allow-ipc ENTRY`; none if
    /// there is no such entry.
    pub fn ipc_option(entry: &str, address: &IpcAddress) -> Option<String> {
        let parsed: IpcEntry = entry.parse().ok()?;
        parsed
            .pattern()
            .is_only(address)
            .then(|| typed("--allow-ipc", entry))
            .flatten()
    }
}

/// The option for a local socket, if the entry parses, covers just that socket, and helps.
fn ipc_grant(
    option: &str,
    entry: &str,
    address: &IpcAddress,
    helps: impl FnOnce(&IpcPattern) -> bool,
) -> Option<String> {
    let parsed: ConnectEntry = entry.parse().ok()?;
    match parsed.endpoint() {
        Endpoint::Ipc(pattern) if pattern.is_only(address) && helps(pattern) => {
            typed(option, entry)
        }
        _ => None,
    }
}

/// The option for what was not granted; none for port 0, where nobody is.
fn connect_grant(transport: Transport, host: Host, port: u16) -> Option<String> {
    let ports = Ports::One(port);
    let endpoint = Endpoint::Internet {
        transport,
        host,
        ports,
    };
    (port != 0)
        .then(|| typed("--allow-connect", &endpoint.to_string()))
        .flatten()
}
