//! A transport that does what a test tells it to.
//!
//! [`World`] makes a program's calls and plays the network, a [`Transport`]. It also checks
//! what holds at all times: what the rules may ask of a transport, and that no two states
//! contradict each other.

use plugnet_core::{
    AcceptedId, AdoptError, Attempt, Callback, ConnectRequest, ConnectTo, Driver, Encoding,
    Endpoints, Errno, Error, Event, EventKind, Generation, KeepAlive, ListenAt, ListenOptions,
    ListenPathOptions, ListenSettings, ListenerId, LookupId, LookupRequest, Origin, Report,
    Resolved, Server, ServerId, ServerOptions, Socket, SocketId, SocketOptions, Source, Transport,
    Written,
};
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::task::Poll;

/// What the rules asked of the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    LookUp {
        lookup: LookupId,
        host: String,
    },
    Listen {
        listener: ListenerId,
        at: ListenAt,
        backlog: u32,
    },
    CloseListener(ListenerId),
    Accept(ListenerId),
    Refuse(AcceptedId),
    Connect {
        id: SocketId,
        attempt: Attempt,
        to: ConnectTo,
    },
    AbortConnect {
        id: SocketId,
        attempt: Attempt,
    },
    Open {
        id: SocketId,
        origin: Origin,
    },
    Read(SocketId),
    Write {
        id: SocketId,
        data: Vec<u8>,
    },
    ShutDown(SocketId),
    NoDelay(bool),
    TypeOfService(u8),
    KeepAlive(KeepAlive),
    Close(SocketId),
    Reset(SocketId),
    WakeIncoming(SocketId, Generation),
    WakeOutgoing(SocketId, Generation),
}

/// The port of every server that lets the system choose.
pub const PORT: u16 = 8124;

/// The most a socket's stream holds before it asks the other to wait: 64 KiB.
pub const HIGH_WATER_MARK: usize = 64 * 1024;

/// The connection of a socket.
#[derive(Debug, Default)]
pub struct Wire {
    /// What the host has taken.
    pub sent: Vec<u8>,
    /// What the host has not taken of the write under way.
    pub unsent: Option<Vec<u8>>,
    /// The host was asked for bytes.
    pub reading: bool,
    /// What the host holds until it is asked.
    pub inbox: VecDeque<Report>,
    /// How many bytes were handed over.
    pub delivered: u64,
    /// The FIN was asked for.
    pub fin: bool,
    /// Freed.
    pub closed: bool,
    /// The attempt that has led to it, until the rules make it the socket's.
    pub waits: Option<Attempt>,
}

/// A network.
#[derive(Debug, Default)]
pub struct Network {
    /// What the rules asked for.
    pub actions: Vec<Action>,
    /// How the last `listen` was asked for.
    pub settings: ListenSettings,
    /// How many bytes the host takes of a write at once; absent: all.
    pub takes: Option<usize>,
    /// Why the host takes nothing of a write, from the first byte on.
    pub refuses: Option<&'static str>,
    /// Whether the host lets a shutdown wait.
    pub holds_shutdown: bool,
    /// `listen` on this port fails.
    pub taken: Option<u16>,
    /// Whether `listen` on IPv6 fails.
    pub no_ipv6: bool,
    /// `listen` on an address fails so.
    pub fails: Option<&'static str>,
    /// Whether `listen` on an address is answered later.
    pub listens_later: bool,
    /// How many sockets' small writes are to be sent together; 0: none.
    pub together: usize,
    /// What was asked of the resolver last.
    pub request: Option<LookupRequest>,
    /// That of the connections, if the host knows it.
    pub type_of_service: Option<u8>,
    /// The local end of attempts under way, if the host knows it.
    pub local_end: Option<String>,
    /// Whether the host can reset a connection.
    pub resets: bool,
    /// What is to be answered, and with which address.
    pending: HashMap<ListenerId, SocketAddr>,
    /// What the clock shows, in milliseconds.
    pub now: u64,
    wires: HashMap<SocketId, Wire>,
    /// Lookups that wait for their answer.
    lookups: HashSet<LookupId>,
    attempts: HashSet<(SocketId, Attempt)>,
    /// What listens at a path.
    paths: HashMap<ListenerId, String>,
    /// Who connects to a path.
    to_paths: HashSet<SocketId>,
    /// Sockets whose FIN waits.
    shutdowns: HashSet<SocketId>,
    /// How many clients wait at what listens.
    clients: HashMap<ListenerId, usize>,
    /// Connections that are no sockets yet.
    accepted: HashSet<AcceptedId>,
    /// What a descriptor leads to.
    pub descriptor: Option<Endpoints>,
    /// Sockets whose FIN was asked for just now.
    fins: Vec<SocketId>,
    /// What is reported when the call that leads to it is over.
    reports: VecDeque<(SocketId, Report)>,
}

/// A program, the rules, and a network.
#[derive(Debug, Default)]
pub struct World {
    pub net: Driver<Network>,
    /// Whose lookup that was.
    asked_by: HashMap<Source, LookupId>,
    /// How much had come for a socket when its FIN was asked for.
    received_at_fin: HashMap<SocketId, u64>,
    /// Sockets that have told `close`.
    closed: HashSet<SocketId>,
    /// How many `close` are to be told of connections before the present one.
    owed: HashMap<SocketId, usize>,
}

impl Deref for World {
    type Target = Network;

    fn deref(&self) -> &Network {
        self.net.transport()
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Network {
        self.net.transport_mut()
    }
}

impl Transport for Network {
    fn now(&mut self) -> u64 {
        self.now
    }

    fn sends_together(&self) -> usize {
        self.together
    }

    fn scope_id(&mut self, zone: &str) -> u32 {
        if zone == "eth0" { 7 } else { 0 }
    }

    fn local_end(&mut self, id: SocketId, attempt: Attempt) -> Option<String> {
        let under_way = self.attempts.contains(&(id, attempt));
        self.local_end.clone().filter(|_| under_way)
    }

    fn look_up(&mut self, lookup: LookupId, request: LookupRequest) {
        let host = request.hostname.clone();
        self.actions.push(Action::LookUp { lookup, host });
        self.request = Some(request);
        self.lookups.insert(lookup);
    }

    fn listen(
        &mut self,
        listener: ListenerId,
        at: &ListenAt,
        settings: ListenSettings,
    ) -> Poll<Result<Option<SocketAddr>, Errno>> {
        self.actions.push(Action::Listen {
            listener,
            at: at.clone(),
            backlog: settings.backlog,
        });
        self.settings = settings;
        if let ListenAt::Address(at) = at
            && self.listens_later
        {
            self.pending.insert(listener, *at);
            return Poll::Pending;
        }
        Poll::Ready(match at {
            ListenAt::Address(at) if self.taken == Some(at.port()) => Err(Errno("EADDRINUSE")),
            ListenAt::Address(at) if self.no_ipv6 && at.is_ipv6() => Err(Errno("EAFNOSUPPORT")),
            ListenAt::Address(_) if let Some(code) = self.fails => Err(Errno(code)),
            ListenAt::Address(at) => {
                let port = if at.port() == 0 { PORT } else { at.port() };
                Ok(Some((at.ip(), port).into()))
            }
            ListenAt::Path { path, .. } if self.paths.values().any(|of| of == path) => {
                Err(Errno("EADDRINUSE"))
            }
            ListenAt::Path { path, .. } => {
                self.paths.insert(listener, path.clone());
                Ok(None)
            }
            ListenAt::Descriptor(3) => Ok(None),
            ListenAt::Descriptor(_) => Err(Errno("EINVAL")),
        })
    }

    fn close_listener(&mut self, listener: ListenerId) {
        self.actions.push(Action::CloseListener(listener));
        self.paths.remove(&listener);
        self.clients.remove(&listener);
    }

    fn accept(&mut self, listener: ListenerId) {
        self.actions.push(Action::Accept(listener));
    }

    fn refuse(&mut self, accepted: AcceptedId) {
        self.actions.push(Action::Refuse(accepted));
        assert!(self.accepted.remove(&accepted), "refused twice");
    }

    fn connect(&mut self, id: SocketId, attempt: Attempt, to: ConnectTo) {
        assert!(self.attempts.insert((id, attempt)), "attempt made twice");
        if let ConnectTo::Path(_) = to {
            self.to_paths.insert(id);
        }
        self.actions.push(Action::Connect { id, attempt, to });
    }

    fn abort_connect(&mut self, id: SocketId, attempt: Attempt) {
        self.actions.push(Action::AbortConnect { id, attempt });
        self.to_paths.remove(&id);
        self.attempts.remove(&(id, attempt));
        self.wires
            .retain(|of, wire| *of != id || wire.waits != Some(attempt));
    }

    fn open(&mut self, id: SocketId, origin: Origin) {
        self.actions.push(Action::Open { id, origin });
        match origin {
            Origin::Attempt(attempt) => {
                let wire = self.alive(id);
                assert_eq!(wire.waits.take(), Some(attempt), "opened another one");
            }
            Origin::Accepted(accepted) => {
                assert!(self.accepted.remove(&accepted), "opened twice");
                self.wires.insert(id, Wire::default());
            }
        }
    }

    fn adopt(&mut self, id: SocketId, _: u32) -> Result<Endpoints, AdoptError> {
        let endpoints = self.descriptor.ok_or(AdoptError::Kind("FILE"))?;
        self.wires.insert(id, Wire::default());
        Ok(endpoints)
    }

    fn read(&mut self, id: SocketId) {
        self.actions.push(Action::Read(id));
        let wire = self.asked(id);
        assert!(!wire.reading, "asked to read twice");
        wire.reading = true;
        self.deliver(id);
    }

    fn write(&mut self, id: SocketId, mut data: Vec<u8>) -> Written {
        self.actions.push(Action::Write {
            id,
            data: data.clone(),
        });
        let takes = self.takes.unwrap_or(usize::MAX);
        let refuses = self.refuses;
        let wire = self.asked(id);
        assert!(wire.unsent.is_none(), "asked to write during a write");
        assert!(!wire.fin, "asked to write after the FIN");
        if let Some(code) = refuses {
            self.reports
                .push_back((id, Report::WriteFailed(Errno(code))));
            return Written::Refused;
        }
        let rest = data.split_off(takes.min(data.len()));
        let (taken, more) = (data.len(), !rest.is_empty());
        wire.sent.extend(data);
        wire.unsent = more.then_some(rest);
        if more {
            Written::Some(taken)
        } else {
            Written::All
        }
    }

    fn shut_down(&mut self, id: SocketId) -> Poll<Report> {
        self.actions.push(Action::ShutDown(id));
        let wire = self.asked(id);
        assert!(wire.unsent.is_none(), "asked for a FIN during a write");
        assert!(!wire.fin, "asked for a FIN twice");
        wire.fin = true;
        self.shutdowns.insert(id);
        self.fins.push(id);
        if !self.holds_shutdown {
            self.shut_down_now(id);
        }
        Poll::Pending
    }

    fn set_no_delay(&mut self, id: SocketId, no_delay: bool) {
        self.actions.push(Action::NoDelay(no_delay));
        self.asked(id);
    }

    fn set_type_of_service(&mut self, id: SocketId, type_of_service: u8) {
        self.actions.push(Action::TypeOfService(type_of_service));
        self.asked(id);
        self.type_of_service = Some(type_of_service & !3);
    }

    fn type_of_service(&mut self, id: SocketId) -> Option<u8> {
        self.asked(id);
        self.type_of_service
    }

    fn set_keep_alive(&mut self, id: SocketId, keep_alive: KeepAlive) {
        self.actions.push(Action::KeepAlive(keep_alive));
        self.asked(id);
    }

    fn close(&mut self, id: SocketId) {
        self.actions.push(Action::Close(id));
        self.asked(id).closed = true;
        self.shutdowns.remove(&id);
    }

    fn can_reset(&self) -> bool {
        self.resets
    }

    fn reset(&mut self, id: SocketId) {
        assert!(self.resets, "asked to reset");
        self.actions.push(Action::Reset(id));
        self.asked(id).closed = true;
        self.shutdowns.remove(&id);
    }

    fn wake_incoming(&mut self, id: SocketId, generation: Generation) {
        self.actions.push(Action::WakeIncoming(id, generation));
    }

    fn wake_outgoing(&mut self, id: SocketId, generation: Generation) {
        self.actions.push(Action::WakeOutgoing(id, generation));
    }
}

impl Network {
    /// A connection that is not freed.
    fn alive(&mut self, id: SocketId) -> &mut Wire {
        let wire = self.wires.get_mut(&id).expect("no connection");
        assert!(!wire.closed, "asked something of a closed connection");
        wire
    }

    /// A connection that the rules may ask something of.
    fn asked(&mut self, id: SocketId) -> &mut Wire {
        let wire = self.alive(id);
        assert_eq!(wire.waits, None, "asked before it was opened");
        wire
    }

    /// The connection of a socket, the last one if it is closed.
    pub fn wire(&self, id: SocketId) -> &Wire {
        &self.wires[&id]
    }

    /// How many bytes the rules were given on the connection of a socket, the last one if it
    /// is closed.
    pub fn delivered(&self, id: SocketId) -> u64 {
        self.wires.get(&id).map_or(0, |wire| wire.delivered)
    }

    /// Whether the connection of a socket stands.
    pub fn is_open(&self, id: SocketId) -> bool {
        self.wires.get(&id).is_some_and(|wire| !wire.closed)
    }

    fn deliver(&mut self, id: SocketId) {
        let wire = self.alive(id);
        if wire.reading
            && let Some(report) = wire.inbox.pop_front()
        {
            wire.reading = false;
            if let Report::Received(data) = &report {
                wire.delivered += data.len() as u64;
            }
            self.reports.push_back((id, report));
        }
    }

    /// How many connections, attempts, lookups and the like the host still has.
    pub fn left(&self) -> usize {
        let wires = self.wires.values().filter(|wire| !wire.closed).count();
        wires
            + self.attempts.len()
            + self.lookups.len()
            + self.accepted.len()
            + self.shutdowns.len()
            + self.to_paths.len()
            + self.paths.len()
    }

    /// Whether the host has not taken all of a write.
    pub fn is_writing(&self, id: SocketId) -> bool {
        self.is_open(id) && self.wires[&id].unsent.is_some()
    }

    fn shut_down_now(&mut self, id: SocketId) {
        if self.is_open(id) && self.shutdowns.remove(&id) {
            self.reports.push_back((id, Report::ShutDown));
        }
    }

    /// Whether the FIN was asked for and is not sent.
    pub fn is_shutting_down(&self, id: SocketId) -> bool {
        self.shutdowns.contains(&id)
    }

    /// The attempt that was begun last and not given up.
    pub fn attempt(&self, id: SocketId) -> Option<Attempt> {
        let attempts = self.attempts.iter().filter(|(of, _)| *of == id);
        attempts.map(|(_, attempt)| *attempt).max()
    }

    fn answered(&mut self, id: SocketId) -> Attempt {
        let attempt = self.attempt(id).expect("no attempt under way");
        self.attempts.remove(&(id, attempt));
        attempt
    }
}

impl World {
    // ---- the network ----

    /// What the network has to report is reported. Whether there was anything.
    fn report(&mut self) -> bool {
        let mut any = false;
        while let Some((id, report)) = self.net.transport_mut().reports.pop_front() {
            self.net.report(id, report);
            any = true;
        }
        any |= self.accept_clients();
        self.net.check_invariants();
        any
    }

    /// Something comes in; it waits for the rules to ask for it.
    pub fn incoming(&mut self, id: SocketId, report: Report) {
        self.alive(id).inbox.push_back(report);
        self.deliver(id);
        self.report();
    }

    /// The peer sends bytes.
    pub fn peer_sends(&mut self, id: SocketId, data: &[u8]) {
        self.incoming(id, Report::Received(data.to_vec()));
    }

    /// The peer sends a FIN.
    pub fn peer_ends(&mut self, id: SocketId) {
        self.incoming(id, Report::PeerEnded);
    }

    /// The peer resets the connection.
    pub fn peer_resets(&mut self, id: SocketId) {
        self.incoming(id, Report::ReadFailed(Errno("ECONNRESET")));
    }

    /// The host takes the rest of a write.
    pub fn host_sends(&mut self, id: SocketId) {
        let wire = self.alive(id);
        let rest = wire.unsent.take().expect("no write under way");
        wire.sent.extend(rest);
        self.net.report(id, Report::Written);
    }

    /// The host takes some more of a write, and not all.
    pub fn host_takes(&mut self, id: SocketId, bytes: usize) {
        let wire = self.alive(id);
        let unsent = wire.unsent.as_mut().expect("no write under way");
        let taken: Vec<_> = unsent.drain(..bytes.min(unsent.len())).collect();
        wire.sent.extend(taken);
        self.net.progressed(id);
    }

    /// Time passes.
    pub fn pass(&mut self, milliseconds: u64) {
        self.now += milliseconds;
    }

    /// The FIN is sent, if that was asked for.
    pub fn shut_down(&mut self, id: SocketId) {
        self.shut_down_now(id);
        self.report();
    }

    /// The host fails to send the rest of a write.
    pub fn send_fails(&mut self, id: SocketId, code: &'static str) {
        self.alive(id).unsent.take().expect("no write under way");
        self.net.report(id, Report::WriteFailed(Errno(code)));
    }

    /// The connection stands.
    pub fn connected(&mut self, id: SocketId) {
        let attempt = self.answered(id);
        let waits = Some(attempt);
        self.wires.insert(
            id,
            Wire {
                waits,
                ..Wire::default()
            },
        );
        let endpoints = match self.to_paths.remove(&id) {
            true => Endpoints::Path,
            false => tcp(),
        };
        let report = Report::Connected { attempt, endpoints };
        self.net.report(id, report);
    }

    /// An attempt to connect fails.
    pub fn refused(&mut self, id: SocketId) {
        let attempt = self.answered(id);
        let report = Report::ConnectFailed {
            attempt,
            syscall: "connect",
            errno: Errno("ECONNREFUSED"),
            local: None,
        };
        self.net.report(id, report);
    }

    /// The last lookup of a server or socket.
    pub fn last_lookup(&self, of: impl Into<Source>) -> LookupId {
        self.asked_by[&of.into()]
    }

    /// Whether a lookup for this socket or server is under way.
    pub fn looks_up(&self, of: impl Into<Source>) -> bool {
        let lookup = self.asked_by.get(&of.into());
        lookup.is_some_and(|lookup| self.lookups.contains(lookup))
    }

    /// The last lookup has its outcome.
    pub fn looked_up(&mut self, of: impl Into<Source>, addresses: &[&str]) {
        let lookup = self.last_lookup(of);
        let addresses = addresses.iter().map(|ip| ip.parse().unwrap());
        let outcome = match addresses.collect::<Vec<IpAddr>>() {
            none if none.is_empty() => Err(Errno("ENOTFOUND")),
            some => Ok(some),
        };
        self.answer_lookup(lookup, outcome);
    }

    /// A lookup has its outcome.
    pub fn answer_lookup(&mut self, lookup: LookupId, outcome: Result<Vec<IpAddr>, Errno>) {
        self.lookups.remove(&lookup);
        self.net.looked_up(lookup, outcome);
    }

    /// A client connects to a server.
    pub fn client_connects(&mut self, server: ServerId) {
        let listener = self.net.server(server).and_then(Server::listener);
        let listener = listener.expect("the server listens");
        *self.clients.entry(listener).or_default() += 1;
        self.report();
    }

    /// The host accepts as many of the clients that wait as the rules take.
    fn accept_clients(&mut self) -> bool {
        let waiting = self.clients.iter().filter(|(_, count)| **count > 0);
        let mut listeners: Vec<_> = waiting.map(|(listener, _)| *listener).collect();
        listeners.retain(|listener| self.net.accepts(*listener));
        for listener in &listeners {
            *self.clients.entry(*listener).or_default() -= 1;
            let endpoints = match self.paths.contains_key(listener) {
                true => Endpoints::Path,
                false => tcp(),
            };
            let accepted = self.net.accepted(*listener, endpoints);
            self.accepted.insert(accepted);
        }
        !listeners.is_empty()
    }

    /// How many clients wait for the host to accept them.
    pub fn waiting_clients(&self) -> usize {
        self.clients.values().sum()
    }

    /// What listens asynchronously has its outcome.
    pub fn listened(&mut self, listener: ListenerId, outcome: Result<(), Errno>) {
        let at = self.pending.remove(&listener).expect("it was answered");
        let outcome = outcome.map(|()| Some(at));
        self.net.listened(listener, outcome);
        self.called(());
    }

    /// The last connection of a server that became a socket.
    pub fn opened(&self) -> Option<SocketId> {
        self.actions.iter().rev().find_map(|action| match action {
            Action::Open {
                id,
                origin: Origin::Accepted(_),
            } => Some(*id),
            _ => None,
        })
    }

    /// Whether anything has stopped listening.
    pub fn has_closed_a_listener(&self) -> bool {
        let mut actions = self.actions.iter();
        actions.any(|action| matches!(action, Action::CloseListener(_)))
    }

    /// The transport has accepted a connection before it learned that nobody listens.
    pub fn client_came_late(&mut self, listener: ListenerId) -> AcceptedId {
        let accepted = self.net.accepted(listener, tcp());
        self.accepted.insert(accepted);
        accepted
    }

    /// How many connections wait to become sockets.
    pub fn queued(&self) -> usize {
        self.accepted.len()
    }

    // ---- a program ----

    /// What the program called is over: what the network had to say at once is reported.
    fn called<T>(&mut self, outcome: T) -> T {
        self.after_call();
        outcome
    }

    fn after_call(&mut self) -> bool {
        let reported = self.report();
        for id in std::mem::take(&mut self.fins) {
            let received = self.delivered(id);
            self.received_at_fin.insert(id, received);
        }
        reported
    }

    pub fn server(&mut self, options: ServerOptions) -> ServerId {
        self.net.create_server(options)
    }

    pub fn listen(&mut self, id: ServerId, port: u16, host: Option<&str>) -> Result<(), Error> {
        let options = ListenOptions {
            port,
            host: host.map(str::to_owned),
            ..ListenOptions::default()
        };
        let listened = self.net.server_mut(id).listen(options);
        self.note_lookup(id);
        self.called(listened)
    }

    pub fn listen_cb(&mut self, id: ServerId, port: u16, callback: Callback) -> Result<(), Error> {
        let options = ListenOptions {
            port,
            callback: Some(callback),
            ..ListenOptions::default()
        };
        let listened = self.net.server_mut(id).listen(options);
        self.called(listened)
    }

    fn note_lookup(&mut self, of: impl Into<Source>) {
        if let Some(Action::LookUp { lookup, .. }) = self.actions.last() {
            let lookup = *lookup;
            self.asked_by.entry(of.into()).insert_entry(lookup);
        }
    }

    pub fn listen_path(&mut self, id: ServerId, path: &str) -> Result<(), Error> {
        let options = ListenPathOptions {
            path: path.to_owned(),
            ..ListenPathOptions::default()
        };
        let listened = self.net.server_mut(id).listen_path(options);
        self.called(listened)
    }

    pub fn listen_fd(&mut self, id: ServerId, fd: u32) -> Result<(), Error> {
        let listened = self.net.server_mut(id).listen_fd(fd, None, None);
        self.called(listened)
    }

    pub fn path(&self, id: ServerId) -> Option<&str> {
        self.net.server(id)?.path()
    }

    pub fn connect_path(
        &mut self,
        id: SocketId,
        path: &str,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        let socket = self.net.socket_mut(id);
        let connected = socket.connect_path(path.to_owned(), callback);
        self.called(connected)
    }

    /// A connection that the host had.
    pub fn adopted(&mut self, endpoints: Endpoints) -> SocketId {
        self.descriptor = Some(endpoints);
        let adopted = self.net.adopt(3, SocketOptions::default());
        self.called(adopted).expect("a connection")
    }

    pub fn listen_on_server(
        &mut self,
        id: ServerId,
        other: ServerId,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        let listened = self.net.server_mut(id).listen_on_server(other, callback);
        self.called(listened)
    }

    pub fn listen_on_socket(
        &mut self,
        id: ServerId,
        socket: SocketId,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        let listened = self.net.server_mut(id).listen_on_socket(socket, callback);
        self.called(listened)
    }

    pub fn set_max_connections(&mut self, id: ServerId, value: Option<usize>) {
        self.net.server_mut(id).set_max_connections(value);
        self.called(());
    }

    pub fn connections(&self, id: ServerId) -> usize {
        self.net.server(id).map_or(0, Server::connections)
    }

    pub fn get_connections(&mut self, id: ServerId, callback: Callback) {
        self.net.server_mut(id).get_connections(callback);
        self.called(());
    }

    pub fn address(&self, id: ServerId) -> Option<SocketAddr> {
        self.net.server(id)?.address()
    }

    pub fn listens(&self, id: ServerId) -> bool {
        self.net.server(id).is_some_and(Server::listening)
    }

    /// Whether the transport is to accept more.
    pub fn accepts(&self, id: ServerId) -> bool {
        let listener = self.net.server(id).and_then(Server::listener);
        listener.is_some_and(|listener| self.net.accepts(listener))
    }

    pub fn close(&mut self, id: ServerId, callback: Option<Callback>) {
        self.net.server_mut(id).close(callback);
        self.called(());
    }

    pub fn accept(&mut self, id: ServerId) -> Option<SocketId> {
        let accepted = self.net.server_mut(id).accept();
        self.called(accepted)
    }

    pub fn set_server_ref(&mut self, id: ServerId, refed: bool) {
        self.net.server_mut(id).set_ref(refed);
    }

    pub fn drop_server(&mut self, id: ServerId) {
        self.net.server_mut(id).drop_handle();
        self.called(());
    }

    pub fn socket(&mut self) -> SocketId {
        self.socket_with(SocketOptions::default())
    }

    pub fn socket_with(&mut self, options: SocketOptions) -> SocketId {
        self.net.create_socket(options)
    }

    pub fn half_open_socket(&mut self) -> SocketId {
        let options = SocketOptions {
            allow_half_open: true,
            ..SocketOptions::default()
        };
        self.socket_with(options)
    }

    pub fn connect(&mut self, id: SocketId, host: &str) {
        self.connect_with(id, to(host));
    }

    pub fn connect_with(&mut self, id: SocketId, options: ConnectRequest) {
        self.try_connect(id, options)
            .expect("the socket is not connected");
    }

    pub fn try_connect(&mut self, id: SocketId, options: ConnectRequest) -> Result<(), Error> {
        if self.get(id).destroyed() && !self.closed.remove(&id) {
            *self.owed.entry(id).or_default() += 1;
        }
        let connected = self.net.socket_mut(id).connect(options);
        self.note_lookup(id);
        self.called(connected)
    }

    /// The program answers a `lookup-request`.
    pub fn answer(&mut self, id: SocketId, outcome: Result<Vec<Resolved>, Error>) {
        self.net.socket_mut(id).looked_up(outcome);
        self.called(());
    }

    pub fn read(&mut self, id: SocketId, max: usize) -> Vec<u8> {
        let data = self.net.socket_mut(id).read(max);
        self.called(data)
    }

    pub fn read_all(&mut self, id: SocketId) -> Vec<u8> {
        self.read(id, usize::MAX)
    }

    pub fn read_text(&mut self, id: SocketId) -> String {
        let text = self.net.socket_mut(id).read_text();
        self.called(text)
    }

    pub fn set_encoding(&mut self, id: SocketId, name: &str) {
        let encoding = Encoding::named(Some(name)).expect("a name of Node's");
        self.net.socket_mut(id).set_encoding(encoding);
        self.called(());
    }

    pub fn write(&mut self, id: SocketId, data: &[u8]) -> bool {
        self.write_with(id, data, None)
    }

    /// Whether a write may be sent before the core is told.
    pub fn writes_through(&self, id: SocketId, length: usize) -> bool {
        self.net.writes_through(id, length)
    }

    /// A write whose first bytes the host has sent from the program's memory.
    pub fn write_ahead(&mut self, id: SocketId, sent: usize, rest: &[u8], callback: u64) -> bool {
        let socket = self.net.socket_mut(id);
        let written = socket.write_ahead(sent, rest.to_vec(), Some(callback));
        self.called(written)
    }

    pub fn write_cb(&mut self, id: SocketId, data: &[u8], callback: Callback) -> bool {
        self.write_with(id, data, Some(callback))
    }

    pub fn write_with(&mut self, id: SocketId, data: &[u8], callback: Option<Callback>) -> bool {
        let written = self.net.socket_mut(id).write(data.to_vec(), callback);
        self.called(written)
    }

    pub fn end(&mut self, id: SocketId) {
        self.end_with(id, None, None);
    }

    pub fn end_with(&mut self, id: SocketId, data: Option<&[u8]>, callback: Option<Callback>) {
        let socket = self.net.socket_mut(id);
        socket.end(data.map(<[u8]>::to_vec), callback);
        self.called(());
    }

    pub fn destroy(&mut self, id: SocketId) {
        self.destroy_with(id, None);
    }

    pub fn destroy_with(&mut self, id: SocketId, error: Option<Error>) {
        self.net.socket_mut(id).destroy(error);
        self.called(());
    }

    pub fn drop_socket(&mut self, id: SocketId) {
        self.net.socket_mut(id).drop_handle();
        self.called(());
    }

    pub fn pause(&mut self, id: SocketId) {
        self.net.socket_mut(id).pause();
        self.called(());
    }

    pub fn resume(&mut self, id: SocketId) {
        self.net.socket_mut(id).resume();
        self.called(());
    }

    pub fn set_ref(&mut self, id: SocketId, refed: bool) {
        self.net.socket_mut(id).set_ref(refed);
    }

    pub fn remote_address(&mut self, id: SocketId) -> Option<SocketAddr> {
        self.net.socket_mut(id).remote_address()
    }

    pub fn set_timeout(&mut self, id: SocketId, milliseconds: u64, callback: Option<Callback>) {
        self.net.socket_mut(id).set_timeout(milliseconds, callback);
        self.called(());
    }

    pub fn set_no_delay(&mut self, id: SocketId, no_delay: bool) {
        self.net.socket_mut(id).set_no_delay(no_delay);
        self.called(());
    }

    pub fn set_keep_alive(&mut self, id: SocketId, enable: bool, delay: u64) {
        self.net
            .socket_mut(id)
            .set_keep_alive(enable, delay, None, None);
        self.called(());
    }

    pub fn reset_and_destroy(&mut self, id: SocketId) -> Result<(), Error> {
        let outcome = self.net.socket_mut(id).reset_and_destroy();
        self.called(outcome)
    }

    pub fn pipe(&mut self, id: SocketId, destination: SocketId, end: bool) {
        self.net.socket_mut(id).pipe(destination, end);
        self.called(());
    }

    pub fn unpipe(&mut self, id: SocketId, destination: Option<SocketId>) {
        self.net.socket_mut(id).unpipe(destination);
        self.called(());
    }

    pub fn stream(&mut self, id: SocketId) -> Result<Generation, Error> {
        let generation = self.net.socket_mut(id).stream();
        self.called(generation)
    }

    pub fn take_streams(&mut self, id: SocketId) -> Result<(), Error> {
        let taken = self.net.socket_mut(id).take_streams();
        self.called(taken)
    }

    pub fn read_streamed(&mut self, id: SocketId, generation: Generation) -> Option<Vec<u8>> {
        let data = self.net.read_streamed(id, generation);
        self.called(data)
    }

    pub fn stop_streaming(&mut self, id: SocketId, generation: Generation, left: Vec<u8>) {
        self.net.stop_streaming(id, generation, left);
        self.called(());
    }

    pub fn write_streamed(&mut self, id: SocketId, generation: Generation, data: Vec<u8>) {
        self.net.write_streamed(id, generation, 0, data);
        self.called(());
    }

    pub fn end_streamed(&mut self, id: SocketId, generation: Generation) {
        self.net.end_streamed(id, generation);
        self.called(());
    }

    pub fn buffer_size(&mut self, id: SocketId) -> usize {
        let size = self.net.socket_mut(id).writable_length();
        self.called(size)
    }

    pub fn get(&self, id: SocketId) -> &Socket {
        self.net.socket(id).expect("the socket exists")
    }

    // ---- events ----

    /// The next event. None if nothing happens before the network does something.
    pub fn poll(&mut self) -> Option<Event> {
        for _ in 0..1000 {
            let event = self.net.next();
            let reported = self.after_call();
            if let Some(event) = event {
                self.check(&event);
                return Some(event);
            }
            // The network may have had to say something of what was just asked.
            if !reported {
                self.check_nothing_is_left_behind();
                return None;
            }
        }
        panic!("there is always something to do, and nothing happens");
    }

    /// Whether there is an event: it is decided, and not taken.
    pub fn look(&mut self) -> bool {
        let ready = self.net.is_ready();
        self.called(ready)
    }

    /// The next event, which is an `error`.
    pub fn error(&mut self) -> Error {
        match self.poll().map(|event| event.kind) {
            Some(EventKind::Error(error)) => error,
            other => panic!("not an error: {other:?}"),
        }
    }

    /// The next event in words, if there is one: `end`, `server close`,
    /// `error ECONNRESET`, `callback 7`.
    pub fn next(&mut self) -> Vec<String> {
        self.take(1)
    }

    /// As many events as that, if there are so many, in words.
    pub fn take(&mut self, count: usize) -> Vec<String> {
        let mut words = Vec::new();
        while words.len() < count
            && let Some(event) = self.poll()
        {
            words.push(say(&event));
        }
        words
    }

    /// All events until nothing happens any more, in words.
    pub fn rest(&mut self) -> Vec<String> {
        self.take(usize::MAX)
    }

    /// Where nothing happens any more, the host is busy with what a connection has to send.
    fn check_nothing_is_left_behind(&self) {
        for (id, wire) in &self.wires {
            let idle = !wire.closed && wire.waits.is_none() && wire.unsent.is_none();
            if let Some(socket) = self.net.socket(*id)
                && idle
                && !socket.destroyed()
            {
                assert_eq!(socket.writable_length(), 0, "{id:?}: {socket:?}");
            }
        }
    }

    /// `close` is the last that is told of a connection, and nothing that comes while the FIN is
    /// under way is received before `finish`.
    fn check(&mut self, event: &Event) {
        for id in &self.net.transport().shutdowns {
            if let Some(received) = self.received_at_fin.get(id) {
                assert!(self.get(*id).bytes_read() <= *received, "before `finish`");
            }
        }
        if let (Source::Socket(id), EventKind::Close { .. }) = (event.source, &event.kind) {
            match self.owed.get_mut(&id).filter(|owed| **owed > 0) {
                Some(owed) => *owed -= 1,
                None => {
                    assert!(self.closed.insert(id), "closed twice");
                }
            }
        }
    }

    // ---- beginnings ----

    /// A server that listens.
    pub fn listening() -> (Self, ServerId) {
        let mut world = Self::default();
        let server = world.server(ServerOptions::default());
        world.listen(server, 0, None).unwrap();
        assert_eq!(world.next(), ["server listening"]);
        (world, server)
    }

    /// A connection of a server that the program takes.
    pub fn client(&mut self, server: ServerId) -> SocketId {
        self.client_connects(server);
        assert_eq!(self.next(), ["server connection"]);
        self.accept(server).expect("it was announced")
    }

    /// A server, and a connection that it accepted and the program took.
    pub fn accepted() -> (Self, ServerId, SocketId) {
        let (mut world, server) = Self::listening();
        let id = world.client(server);
        (world, server, id)
    }

    /// A socket that is not connected.
    pub fn unconnected() -> (Self, SocketId) {
        let mut world = Self::default();
        let id = world.socket();
        (world, id)
    }

    /// A socket that connects.
    pub fn connecting() -> (Self, SocketId) {
        let (mut world, id) = Self::unconnected();
        world.connect(id, "127.0.0.1");
        assert_eq!(world.next(), [""; 0]);
        (world, id)
    }

    /// A socket that is connected.
    pub fn connection() -> (Self, SocketId) {
        let (mut world, id) = Self::unconnected();
        world.establish(id);
        (world, id)
    }

    /// A socket that is connected and half-open.
    pub fn half_open_connection() -> (Self, SocketId) {
        let mut world = Self::default();
        let id = world.half_open_socket();
        world.establish(id);
        (world, id)
    }

    /// Connects a socket.
    pub fn establish(&mut self, id: SocketId) {
        self.connect(id, "127.0.0.1");
        assert_eq!(self.next(), [""; 0]);
        self.connected(id);
        assert_eq!(self.take(2), ["connect", "ready"]);
        // The socket now waits for bytes.
        assert_eq!(self.next(), [""; 0]);
    }
}

/// An event in words.
pub fn say(event: &Event) -> String {
    let word = word(&event.kind);
    match event.source {
        Source::Server(_) => format!("server {word}"),
        Source::Socket(_) => word,
    }
}

/// A connect to port 80 of a host.
pub fn to(host: &str) -> ConnectRequest {
    ConnectRequest {
        port: 80,
        host: Some(host.to_owned()),
        ..ConnectRequest::default()
    }
}

/// Addresses as a program may find them.
pub fn resolved(addresses: &[(&str, u32)]) -> Vec<Resolved> {
    let resolved = addresses.iter().map(|(address, family)| Resolved {
        address: (*address).to_owned(),
        family: *family,
    });
    resolved.collect()
}

/// The endpoints of every TCP connection.
pub fn tcp() -> Endpoints {
    Endpoints::Tcp {
        local: local(),
        remote: remote(),
    }
}

/// The near end.
pub fn local() -> Option<SocketAddr> {
    "127.0.0.1:50000".parse().ok()
}

/// The far end.
pub fn remote() -> Option<SocketAddr> {
    "127.0.0.1:80".parse().ok()
}

/// An error of the program's own.
pub fn own_error(code: &'static str) -> Error {
    Error {
        code: code.into(),
        message: "of the program".to_owned(),
        syscall: None,
        address: None,
        port: None,
        hostname: None,
        errors: Vec::new(),
    }
}

/// An event in words.
fn word(kind: &EventKind) -> String {
    match kind {
        EventKind::Listening => "listening".to_owned(),
        EventKind::Connection => "connection".to_owned(),
        EventKind::Lookup { outcome, .. } => match outcome {
            Ok(resolved) => format!("lookup {}", resolved.address),
            Err(error) => format!("lookup {}", error.code),
        },
        EventKind::LookupRequest(request) => format!("lookup-request {}", request.hostname),
        EventKind::Drop { .. } => "drop".to_owned(),
        EventKind::Connections { callback, count } => format!("connections {callback} {count}"),
        EventKind::Timeout => "timeout".to_owned(),
        EventKind::Connect => "connect".to_owned(),
        EventKind::Ready => "ready".to_owned(),
        EventKind::Readable => "readable".to_owned(),
        EventKind::Drain => "drain".to_owned(),
        EventKind::Finish => "finish".to_owned(),
        EventKind::End => "end".to_owned(),
        EventKind::Error(error) => format!("error {}", error.code),
        EventKind::Close { had_error } => format!("close {had_error}"),
        EventKind::Callback { callback, error } => match error {
            None => format!("callback {callback}"),
            Some(error) => format!("callback {callback} {}", error.code),
        },
    }
}
