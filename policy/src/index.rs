//! Finds the rules that may apply to a request, without a look at all others.
//!
//! Rules that differ only in their ports are grouped, with the first of them for each port. The
//! index returns candidates in the order in which they were written; the caller checks each of
//! them.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::entry::{Endpoint, Transport};
use crate::host::Host;
use crate::name::Name;
use crate::ports::Ports;

/// The place of a rule among those of its subject and effect.
pub(crate) type Place = usize;

/// The first rule for each port, of rules that differ only in their ports.
#[derive(Clone, Debug, Default)]
struct ByPort {
    /// Until they are sorted: a range of ports, and the rule.
    unsorted: Vec<(u16, u16, Place)>,
    /// The port from which a rule is the first, up to the next port.
    first: Vec<(u16, Option<Place>)>,
}

impl ByPort {
    fn add(&mut self, ports: Ports, place: Place) {
        let (from, to) = match ports {
            Ports::Any => (0, u16::MAX),
            Ports::One(port) => (port, port),
            Ports::Range(from, to) => (from, to),
        };
        self.unsorted.push((from, to, place));
    }

    fn sort(&mut self) {
        let mut ends: Vec<(u32, Place, bool)> = Vec::with_capacity(2 * self.unsorted.len());
        for (from, to, place) in self.unsorted.drain(..) {
            ends.push((from.into(), place, true));
            ends.push((u32::from(to) + 1, place, false));
        }
        ends.sort_unstable();
        // Several rules may be the same; each position is in it once.
        let mut open = BTreeSet::new();
        let mut ends = ends.into_iter().peekable();
        while let Some((port, place, begins)) = ends.next() {
            if begins {
                open.insert(place);
            } else {
                open.remove(&place);
            }
            if ends.peek().is_some_and(|(next, ..)| *next == port) {
                continue;
            }
            if let Ok(port) = u16::try_from(port) {
                self.first.push((port, open.first().copied()));
            }
        }
    }

    fn first(&self, port: u16) -> Option<Place> {
        let after = self.first.partition_point(|(from, _)| *from <= port);
        self.first[..after].last().and_then(|(_, place)| *place)
    }
}

/// Rules about hosts, by how the host is written.
#[derive(Clone, Debug, Default)]
struct ByHost {
    /// The first of all.
    rule: Option<Place>,
    any: ByPort,
    /// By length and first address; the lengths that exist.
    networks: HashMap<IpNet, ByPort>,
    lengths: [BTreeSet<u8>; 2],
    /// All networks of IPv4, and of IPv6.
    families: [ByPort; 2],
    names: HashMap<Arc<str>, ByPort>,
    below: HashMap<Arc<str>, ByPort>,
    /// All names that stand for this machine.
    localhost: ByPort,
}

fn family(ip: IpAddr) -> usize {
    usize::from(ip.is_ipv6())
}

impl ByHost {
    fn add(&mut self, host: &Host, ports: Ports, place: Place) {
        let rules = match host {
            Host::Any => &mut self.any,
            Host::Address(_) | Host::Network(_) => {
                let Some(network) = host.network() else {
                    return;
                };
                let family = family(network.addr());
                self.lengths[family].insert(network.prefix_len());
                self.families[family].add(ports, place);
                self.networks.entry(network.trunc()).or_default()
            }
            Host::Name(name) | Host::Below(name) => {
                if name.is_localhost() {
                    self.localhost.add(ports, place);
                }
                let names = match host {
                    Host::Name(_) => &mut self.names,
                    _ => &mut self.below,
                };
                names.entry(name.shared()).or_default()
            }
        };
        rules.add(ports, place);
    }

    fn sort(&mut self) {
        let all = [&mut self.any, &mut self.localhost]
            .into_iter()
            .chain(&mut self.families)
            .chain(self.networks.values_mut())
            .chain(self.names.values_mut())
            .chain(self.below.values_mut());
        all.for_each(ByPort::sort);
    }

    fn with_address(&self, ip: IpAddr) -> impl Iterator<Item = &ByPort> {
        self.lengths[family(ip)].iter().filter_map(move |length| {
            let network = IpNet::new(ip, *length).ok()?.trunc();
            self.networks.get(&network)
        })
    }

    fn with_name<'a>(&'a self, name: &'a Name) -> impl Iterator<Item = &'a ByPort> {
        let domains = name.as_str().match_indices('.').map(|(dot, _)| dot + 1);
        let below = domains.filter_map(|start| self.below.get(&name.as_str()[start..]));
        self.names.get(name.as_str()).into_iter().chain(below)
    }
}

/// What a candidate has to cover.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted<'a> {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) names: Vec<&'a Name>,
    /// A name that stands for this machine.
    pub(crate) localhost: bool,
    /// Every network of the family: an address that stands for all.
    pub(crate) family_of: Option<IpAddr>,
}

/// Rules of one subject and effect, in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    transports: [ByHost; 2],
    local: Vec<Place>,
}

impl Index {
    /// Of rules for the internet; the others are local sockets'.
    pub(crate) fn of_endpoints<'a>(endpoints: impl Iterator<Item = (Place, &'a Endpoint)>) -> Self {
        let mut index = Self::default();
        for (place, endpoint) in endpoints {
            match endpoint {
                Endpoint::Internet {
                    transport,
                    host,
                    ports,
                } => {
                    let rules = &mut index.transports[*transport as usize];
                    rules.rule.get_or_insert(place);
                    rules.add(host, *ports, place);
                }
                Endpoint::Ipc(_) => index.local.push(place),
            }
        }
        index.transports.iter_mut().for_each(ByHost::sort);
        index
    }

    /// The first rule about the transport.
    pub(crate) fn first_of(&self, transport: Transport) -> Option<Place> {
        self.transports[transport as usize].rule
    }

    /// The rules about local sockets.
    pub(crate) fn local(&self) -> &[Place] {
        &self.local
    }

    /// Of rules that have neither transport nor port.
    pub(crate) fn of_hosts<'a>(hosts: impl Iterator<Item = (Place, &'a Host)>) -> Self {
        let mut index = Self::default();
        for (place, host) in hosts {
            index.transports[Transport::Tcp as usize].add(host, Ports::Any, place);
        }
        index.transports.iter_mut().for_each(ByHost::sort);
        index
    }

    /// Of the rules with one of the ports, the first for each host.
    pub(crate) fn candidates(
        &self,
        transport: Transport,
        wanted: &Wanted<'_>,
        ports: &[u16],
    ) -> BTreeSet<Place> {
        let rules = &self.transports[transport as usize];
        let addresses = wanted.addresses.iter();
        let names = wanted.names.iter();
        let family = wanted.family_of.map(|ip| &rules.families[family(ip)]);
        std::iter::once(&rules.any)
            .chain(addresses.flat_map(|ip| rules.with_address(*ip)))
            .chain(names.flat_map(|name| rules.with_name(name)))
            .chain(wanted.localhost.then_some(&rules.localhost))
            .chain(family)
            .flat_map(|rules| ports.iter().filter_map(|port| rules.first(*port)))
            .collect()
    }
}
