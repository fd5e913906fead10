//! A policy: every rule and limit for a program.

use std::sync::Arc;

use crate::entry::{
    AcceptEntry, ConnectEntry, Endpoint, IpcEntry, ListenEntry, ResolveEntry, Transport,
};
use crate::entry_error::EntryError;
use crate::host::Host;
use crate::index::{Index, Wanted};
use crate::limits::Limits;
use crate::path::IpcPattern;
use crate::ports::Ports;
use crate::rule::{Effect, Kind, Origin, Rule, Subject};

/// An entry, and the rule it was written as.
#[derive(Clone, Debug)]
pub(crate) struct Stored<E> {
    pub(crate) entry: E,
    pub(crate) rule: Arc<Rule>,
}

/// The rules about one subject, in the order in which they were written.
#[derive(Clone, Debug)]
pub(crate) struct Rules<E> {
    pub(crate) allow: Vec<Stored<E>>,
    pub(crate) deny: Vec<Stored<E>>,
    allow_index: Index,
    deny_index: Index,
}

impl<E> Default for Rules<E> {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            deny: Vec::new(),
            allow_index: Index::default(),
            deny_index: Index::default(),
        }
    }
}

impl<E> Rules<E> {
    pub(crate) fn of(&self, effect: Effect) -> &[Stored<E>] {
        match effect {
            Effect::Allow => &self.allow,
            Effect::Deny => &self.deny,
        }
    }

    pub(crate) fn index(&self, effect: Effect) -> &Index {
        match effect {
            Effect::Allow => &self.allow_index,
            Effect::Deny => &self.deny_index,
        }
    }

    /// The rules that may apply, in order: see [`Index::candidates`].
    pub(crate) fn candidates<'a>(
        &'a self,
        effect: Effect,
        transport: Transport,
        wanted: &Wanted<'_>,
        ports: &[u16],
    ) -> impl Iterator<Item = &'a Stored<E>> + use<'a, E> {
        let places = self.index(effect).candidates(transport, wanted, ports);
        let rules = self.of(effect);
        places.into_iter().filter_map(|place| rules.get(place))
    }

    fn reindex(&mut self, index: impl Fn(&[Stored<E>]) -> Index) {
        let Self {
            allow,
            deny,
            allow_index,
            deny_index,
        } = self;
        *allow_index = index(allow);
        *deny_index = index(deny);
    }

    fn push(&mut self, entry: E, rule: Rule) {
        let stored = Stored {
            entry,
            rule: Arc::new(rule),
        };
        match stored.rule.effect() {
            Effect::Allow => self.allow.push(stored),
            Effect::Deny => self.deny.push(stored),
        }
    }

    fn append(&mut self, other: Self) {
        self.allow.extend(other.allow);
        self.deny.extend(other.deny);
    }
}

impl<E: PartialEq> PartialEq for Rules<E> {
    fn eq(&self, other: &Self) -> bool {
        let same = |own: &[Stored<E>], other: &[Stored<E>]| {
            own.iter()
                .map(|rule| &rule.entry)
                .eq(other.iter().map(|rule| &rule.entry))
        };
        same(&self.allow, &other.allow) && same(&self.deny, &other.deny)
    }
}

/// What a program may reach, and its limits.
///
/// Nothing is granted by default. Two policies are equal if they have the same rules in the same
/// order and the same limits, wherever these were written.
///
/// ```
/// # use plugnet_policy::{Policy, Request, Resolved};
/// # use std::time::Instant;
/// # fn main() -> Result<(), plugnet_policy::EntryError> {
/// let policy = Policy::builder()
///     .allow_connect("tcp://10.0.0.0/8:5432")?
///     .deny_connect("tcp://10.9.0.0/16:*")?
///     .build();
/// let decide = |address: &str| {
///     let request = Request::TcpConnect(address.parse().unwrap());
///     policy.decide(&request, &Resolved::new(), Instant::now())
/// };
/// assert!(decide("10.1.2.3:5432").is_allowed());
/// assert!(!decide("10.9.2.3:5432").is_allowed());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub(crate) net: Option<Arc<Rule>>,
    pub(crate) connect: Rules<ConnectEntry>,
    pub(crate) listen: Rules<ListenEntry>,
    pub(crate) resolve: Rules<ResolveEntry>,
    pub(crate) accept: Rules<AcceptEntry>,
    pub(crate) ipc: Rules<IpcEntry>,
    pub(crate) limits: Limits,
    /// The deny rules for ports to listen on, except those for every port.
    pub(crate) denied_ports: Index,
    /// The names in connect and listen rules, with any port.
    pub(crate) connect_names: Index,
    pub(crate) listen_names: Index,
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.net.is_some() == other.net.is_some()
            && self.connect == other.connect
            && self.listen == other.listen
            && self.resolve == other.resolve
            && self.accept == other.accept
            && self.ipc == other.ipc
            && self.limits == other.limits
    }
}

/// A rule about local sockets, for the crate that opens them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IpcRule<'a> {
    /// The sockets.
    pub pattern: &'a IpcPattern,
    /// Whether it applies to connecting.
    pub connect: bool,
    /// Whether it applies to listening.
    pub listen: bool,
    /// The rule as written; it tells whether it allows or denies.
    pub rule: &'a Arc<Rule>,
}

impl Policy {
    /// A policy that grants nothing, to add rules to.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// This policy, to add rules to.
    pub fn into_builder(self) -> PolicyBuilder {
        PolicyBuilder { policy: self }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether `allow-net` is among the rules.
    pub fn allows_net(&self) -> bool {
        self.net.is_some()
    }

    /// Every rule, in the order of its subject and its writing.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<Rule>> {
        fn of<E>(rules: &Rules<E>) -> impl Iterator<Item = &Arc<Rule>> {
            rules.allow.iter().chain(&rules.deny).map(|rule| &rule.rule)
        }
        self.net
            .iter()
            .chain(of(&self.connect))
            .chain(of(&self.listen))
            .chain(of(&self.resolve))
            .chain(of(&self.accept))
            .chain(of(&self.ipc))
    }

    /// Every rule about local sockets: `ipc` rules, and `connect` and `listen` rules with `unix://`
    /// or `pipe://`.
    pub fn ipc_rules(&self) -> impl Iterator<Item = IpcRule<'_>> {
        fn ends<'a, E>(
            rules: &'a Rules<E>,
            endpoint: impl Fn(&'a E) -> &'a Endpoint + 'a,
        ) -> impl Iterator<Item = (&'a IpcPattern, &'a Arc<Rule>)> {
            let all = [Effect::Allow, Effect::Deny]
                .into_iter()
                .flat_map(move |effect| {
                    let places = rules.index(effect).local().iter();
                    places.filter_map(move |place| rules.of(effect).get(*place))
                });
            all.filter_map(move |stored| match endpoint(&stored.entry) {
                Endpoint::Ipc(pattern) => Some((pattern, &stored.rule)),
                Endpoint::Internet { .. } => None,
            })
        }
        let both = self.ipc.allow.iter().chain(&self.ipc.deny);
        both.map(|stored| IpcRule {
            pattern: stored.entry.pattern(),
            connect: true,
            listen: true,
            rule: &stored.rule,
        })
        .chain(
            ends(&self.connect, ConnectEntry::endpoint).map(|(pattern, rule)| IpcRule {
                pattern,
                connect: true,
                listen: false,
                rule,
            }),
        )
        .chain(
            ends(&self.listen, ListenEntry::endpoint).map(|(pattern, rule)| IpcRule {
                pattern,
                connect: false,
                listen: true,
                rule,
            }),
        )
    }
}

fn names<'a>(endpoints: impl Iterator<Item = &'a Endpoint>) -> Index {
    let hosts = endpoints.map(|endpoint| match endpoint {
        Endpoint::Internet { host, .. } => Some(host),
        Endpoint::Ipc(_) => None,
    });
    let named = |host: &&Host| matches!(host, Host::Name(_) | Host::Below(_));
    Index::of_hosts(
        hosts
            .enumerate()
            .filter_map(|(place, host)| Some((place, host.filter(named)?))),
    )
}

/// Builds a [`Policy`].
#[derive(Clone, Debug, Default)]
pub struct PolicyBuilder {
    policy: Policy,
}

macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident: $effect:ident $subject:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// [`EntryError`] if that is not an entry of this kind.
        pub fn $name(self, entry: &str) -> Result<Self, EntryError> {
            self.rule(Effect::$effect, Subject::$subject, entry, Origin::Library)
        }
    )*};
}

impl PolicyBuilder {
    /// The policy.
    pub fn build(self) -> Policy {
        let mut policy = self.policy;
        policy.connect.reindex(|rules| {
            let endpoints = rules.iter().map(|stored| stored.entry.endpoint());
            Index::of_endpoints(endpoints.enumerate())
        });
        policy.listen.reindex(|rules| {
            let endpoints = rules.iter().map(|stored| stored.entry.endpoint());
            Index::of_endpoints(endpoints.enumerate())
        });
        policy.resolve.reindex(|rules| {
            let hosts = rules.iter().map(|stored| stored.entry.names());
            Index::of_hosts(hosts.enumerate())
        });
        policy.accept.reindex(|rules| {
            let hosts = rules.iter().map(|stored| stored.entry.peers());
            Index::of_hosts(hosts.enumerate())
        });
        let denied = policy.listen.deny.iter().enumerate();
        let denied = denied.map(|(place, stored)| (place, stored.entry.endpoint()));
        policy.denied_ports = Index::of_endpoints(denied.filter(|(_, endpoint)| {
            !matches!(
                endpoint,
                Endpoint::Internet {
                    ports: Ports::Any,
                    ..
                }
            )
        }));
        let connect = policy.connect.allow.iter();
        policy.connect_names = names(connect.map(|stored| stored.entry.endpoint()));
        let listen = policy.listen.allow.iter();
        policy.listen_names = names(listen.map(|stored| stored.entry.endpoint()));
        policy
    }

    /// Adds a rule with its origin.
    ///
    /// # Errors
    ///
    /// [`EntryError`] if `entry` is not an entry of this kind.
    pub fn rule(
        mut self,
        effect: Effect,
        subject: Subject,
        entry: &str,
        origin: Origin,
    ) -> Result<Self, EntryError> {
        let rule = Rule {
            kind: Kind::Entry(effect, subject),
            text: entry.to_owned(),
            origin,
        };
        let policy = &mut self.policy;
        match subject {
            Subject::Connect => policy.connect.push(entry.parse()?, rule),
            Subject::Listen => {
                let parsed: ListenEntry = entry.parse()?;
                if effect == Effect::Deny {
                    parsed.check_deny(entry)?;
                }
                policy.listen.push(parsed, rule);
            }
            Subject::Resolve => policy.resolve.push(entry.parse()?, rule),
            Subject::Accept => policy.accept.push(entry.parse()?, rule),
            Subject::Ipc => policy.ipc.push(entry.parse()?, rule),
        }
        Ok(self)
    }

    /// Adds a parsed rule about local sockets.
    #[must_use]
    pub fn ipc(mut self, effect: Effect, sockets: IpcPattern, origin: Origin) -> Self {
        let rule = Rule {
            kind: Kind::Entry(effect, Subject::Ipc),
            text: sockets.to_string(),
            origin,
        };
        self.policy.ipc.push(IpcEntry::from(sockets), rule);
        self
    }

    /// Allows everything over TCP and UDP and all names, special addresses included. Denials still
    /// hold, and with an `allow-accept` only those peers are accepted.
    #[must_use]
    pub fn allow_net(self) -> Self {
        self.allow_net_from(Origin::Library)
    }

    /// As [`allow_net`](Self::allow_net), with its origin.
    #[must_use]
    pub fn allow_net_from(mut self, origin: Origin) -> Self {
        self.policy.net.get_or_insert_with(|| {
            Arc::new(Rule {
                kind: Kind::Net,
                text: String::new(),
                origin,
            })
        });
        self
    }

    entries! {
        /// Allows connecting to `tcp://HOST:PORT`, `udp://HOST:PORT`, `unix://PATH`, `pipe://NAME`.
        allow_connect: Allow Connect;
        /// Denies connecting.
        deny_connect: Deny Connect;
        /// Allows binding a local address and listening on it.
        allow_listen: Allow Listen;
        /// Denies binding a local address.
        deny_listen: Deny Listen;
        /// Allows looking up a name, `*.example.com` or `*`.
        allow_resolve: Allow Resolve;
        /// Denies looking up a name.
        deny_resolve: Deny Resolve;
        /// Accepts connections from these peers. Without such a rule, every peer may connect.
        allow_accept: Allow Accept;
        /// Denies connections from these peers.
        deny_accept: Deny Accept;
        /// Allows connecting to and listening on local sockets.
        allow_ipc: Allow Ipc;
        /// Denies local sockets.
        deny_ipc: Deny Ipc;
    }

    /// Adds limits; of two limits of one kind the stricter holds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.policy.limits = self.policy.limits.stricter(limits);
        self
    }

    /// Adds every rule and every limit of another policy; of two limits of one kind the stricter
    /// holds.
    #[must_use]
    pub fn extend(mut self, other: Policy) -> Self {
        let policy = &mut self.policy;
        if policy.net.is_none() {
            policy.net = other.net;
        }
        policy.connect.append(other.connect);
        policy.listen.append(other.listen);
        policy.resolve.append(other.resolve);
        policy.accept.append(other.accept);
        policy.ipc.append(other.ipc);
        self.limits(other.limits)
    }
}
