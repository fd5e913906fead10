//! `net.Server`: its states, and the effect of each call and report.

use crate::agenda::{Agenda, ServerTick};
use crate::block_list::BlockList;
use crate::error::{Errno, Error};
use crate::event::{Callback, Event, EventKind, ServerId, SocketId};
use crate::ip::{self, Address, Zone};
use crate::lookup::LookupRequest;
use crate::socket::SocketOptions;
use crate::transport::{Action, Endpoints, ListenAt, ListenSettings, ListenerId, LookupId};
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Node's default backlog.
const BACKLOG: u32 = 511;

/// The options of `net.createServer()`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerOptions {
    /// `allowHalfOpen`.
    pub allow_half_open: bool,
    /// `pauseOnConnect`.
    pub pause_on_connect: bool,
    /// `highWaterMark`, in bytes; absent for 64 KiB.
    pub high_water_mark: Option<usize>,
    /// `noDelay`.
    pub no_delay: bool,
    /// `keepAlive` and `keepAliveInitialDelay`, the latter in milliseconds.
    pub keep_alive: Option<u64>,
}

impl ServerOptions {
    /// The options of the server's sockets.
    pub fn of_sockets(&self) -> SocketOptions {
        SocketOptions {
            allow_half_open: self.allow_half_open,
            high_water_mark: self.high_water_mark,
            no_delay: self.no_delay,
            keep_alive: self.keep_alive,
        }
    }
}

/// The options of `server.listen()`.
#[derive(Clone, Debug, Default)]
pub struct ListenOptions {
    /// The port; 0 for any.
    pub port: u16,
    /// An address or a name; absent for all addresses.
    pub host: Option<String>,
    /// How many connections may wait; absent, or 0, for 511.
    pub backlog: Option<u32>,
    /// `ipv6Only`.
    pub ipv6_only: bool,
    /// `reusePort`.
    pub reuse_port: bool,
    /// Told right after `listening`.
    pub callback: Option<Callback>,
}

/// The options of `server.listen({ path })`.
#[derive(Clone, Debug, Default)]
pub struct ListenPathOptions {
    /// The path.
    pub path: String,
    /// As in [`ListenOptions`].
    pub backlog: Option<u32>,
    /// `readableAll`.
    pub readable_all: bool,
    /// `writableAll`.
    pub writable_all: bool,
    /// As in [`ListenOptions`].
    pub callback: Option<Callback>,
}

/// The state of listening: Node's `_handle`.
#[derive(Debug)]
enum State {
    /// It does not. `listen` leads to `LookingUp`, or to `Binding` if no name was given.
    Idle,
    /// The host is being resolved. Leads to `Binding`, or to `Idle` if that fails or the server
    /// is closed. `listen` begins another lookup.
    LookingUp {
        lookup: LookupId,
        port: u16,
        host: String,
    },
    /// The transport was asked to listen. Leads to `Listening`, or to `Idle` if that fails or
    /// the server is closed.
    Binding {
        listener: ListenerId,
        at: ListenAt,
        zone: Option<Zone>,
        fallback: Option<ListenAt>,
    },
    /// It listens. Leads to `Idle` when it is closed.
    Listening {
        listener: ListenerId,
        /// Absent if it listens at a path.
        address: Option<SocketAddr>,
    },
}

/// Whether the program still has a handle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Handle {
    /// It has. Leads to `Dropped`.
    #[default]
    Held,
    /// It was dropped: nothing is emitted any more.
    Dropped,
}

/// Node's `net.Server`.
#[derive(Debug)]
pub struct Server {
    id: ServerId,
    options: ServerOptions,
    state: State,
    settings: ListenSettings,
    /// Where it was last told to listen by path: Node's `_pipeName`, which stays.
    path: Option<String>,
    /// How many sockets of this server are not destroyed.
    connections: usize,
    /// Announced sockets that the program has not taken.
    waiting: VecDeque<SocketId>,
    /// `server.maxConnections`.
    max_connections: Option<usize>,
    /// `blockList`.
    block_list: Option<BlockList>,
    /// The callbacks of `listen`: once-listeners, kept until it succeeds (row S12).
    on_listening: Vec<Callback>,
    /// The callbacks of `close`.
    on_close: Vec<(Callback, Option<Error>)>,
    refed: bool,
    handle: Handle,
}

impl Server {
    /// `net.createServer(options)`.
    pub(crate) fn new(id: ServerId, options: ServerOptions) -> Self {
        Self {
            id,
            options,
            state: State::Idle,
            settings: ListenSettings::default(),
            path: None,
            connections: 0,
            waiting: VecDeque::new(),
            max_connections: None,
            block_list: None,
            on_listening: Vec::new(),
            on_close: Vec::new(),
            refed: true,
            handle: Handle::Held,
        }
    }

    /// The number that names it.
    pub fn id(&self) -> ServerId {
        self.id
    }

    /// The server's options.
    pub fn options(&self) -> ServerOptions {
        self.options
    }

    /// `server.listening`.
    pub fn listening(&self) -> bool {
        matches!(self.state, State::Listening { .. })
    }

    /// `server.address()` of a server that has no path (row S3).
    pub fn address(&self) -> Option<SocketAddr> {
        match self.state {
            State::Listening { address, .. } => address,
            _ => None,
        }
    }

    /// `server.address()` of a server that has one (row S31): after `close`, too.
    pub fn path(&self) -> Option<&str> {
        match self.address() {
            Some(_) => None,
            None => self.path.as_deref(),
        }
    }

    /// What it listens on.
    pub fn listener(&self) -> Option<ListenerId> {
        match self.state {
            State::Listening { listener, .. } => Some(listener),
            _ => None,
        }
    }

    /// `server.connections`.
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// `server.getConnections()` (row S26).
    pub(crate) fn get_connections(&self, callback: Callback, agenda: &mut Agenda) {
        let tick = ServerTick::Connections(callback, self.connections);
        agenda.tick_server(self.id, tick);
    }

    /// `server.maxConnections`.
    pub fn max_connections(&self) -> Option<usize> {
        self.max_connections
    }

    /// Row S29: existing connections stay.
    pub(crate) fn set_max_connections(&mut self, value: Option<usize>) {
        self.max_connections = value;
    }

    /// Whether a new connection is to be dropped (row S28).
    pub(crate) fn is_full(&self) -> bool {
        self.max_connections
            .is_some_and(|max| self.connections >= max)
    }

    /// The option `blockList`.
    pub(crate) fn set_block_list(&mut self, block_list: BlockList) {
        self.block_list = Some(block_list);
    }

    /// Whether a connection is to be closed at once. A path has no address to block.
    pub(crate) fn blocks(&self, endpoints: Endpoints) -> bool {
        match (&self.block_list, endpoints.remote()) {
            (Some(block_list), Some(remote)) => block_list.contains(remote.ip()),
            _ => false,
        }
    }

    /// `server.ref()` and `server.unref()`.
    pub(crate) fn set_ref(&mut self, refed: bool) {
        self.refed = refed;
    }

    /// Whether an event can follow that the program waits for. A lookup counts even if the server
    /// is `unref`'d (row S30).
    pub(crate) fn is_alive(&self) -> bool {
        match self.state {
            State::Idle => false,
            State::LookingUp { .. } | State::Binding { .. } => true,
            State::Listening { .. } => self.refed,
        }
    }

    /// Whether the handle was dropped and nothing is under way.
    pub(crate) fn is_gone(&self) -> bool {
        self.handle == Handle::Dropped && matches!(self.state, State::Idle) && self.connections == 0
    }

    /// Whether the transport should go on accepting while that many connections wait to become
    /// sockets. libuv accepts one per poll; the backlog also bounds those that wait for the
    /// program.
    pub(crate) fn accepts(&self, queued: usize) -> bool {
        self.listening() && queued == 0 && self.waiting.len() < self.settings.backlog as usize
    }

    /// `server.listen()`.
    pub(crate) fn listen(
        &mut self,
        options: ListenOptions,
        agenda: &mut Agenda,
    ) -> Result<Option<LookupId>, Error> {
        if self.listening() {
            // Row S1. Row S2: a lookup under way is no handle yet.
            return Err(Error::server_already_listen());
        }
        if options
            .host
            .as_ref()
            .is_some_and(|host| host.contains('\0'))
        {
            return Err(Error::listen_host_with_nul());
        }
        self.begin_to_listen(options.backlog, options.callback, agenda);
        self.settings.ipv6_only = options.ipv6_only;
        self.settings.reuse_port = options.reuse_port;
        let port = options.port;
        let Some(host) = options.host.filter(|host| !host.is_empty()) else {
            // Row S20: Node's default is IPv6 and IPv4 alike, or IPv4 where there is no IPv6.
            let v6 = ListenAt::Address((Ipv6Addr::UNSPECIFIED, port).into());
            let v4 = ListenAt::Address((Ipv4Addr::UNSPECIFIED, port).into());
            self.listen_at(v6, None, Some(v4), agenda);
            return Ok(None);
        };
        let lookup = agenda.lookup();
        let by_host = match ip::parse(&host) {
            Some(address) => {
                agenda.tick_server(self.id, ServerTick::Listen { lookup, address });
                None
            }
            None => {
                // Node looks at all of them, and gives neither a family nor hints.
                let request = LookupRequest {
                    hostname: host.clone(),
                    family: None,
                    hints: 0,
                    all: true,
                };
                agenda.act(Action::LookUp { lookup, request });
                Some(lookup)
            }
        };
        self.state = State::LookingUp { lookup, port, host };
        Ok(by_host)
    }

    fn begin_to_listen(
        &mut self,
        backlog: Option<u32>,
        callback: Option<Callback>,
        agenda: &mut Agenda,
    ) {
        self.stop(agenda);
        self.on_listening.extend(callback);
        self.settings = ListenSettings {
            backlog: backlog.filter(|backlog| *backlog > 0).unwrap_or(BACKLOG),
            ..ListenSettings::default()
        };
    }

    /// `server.listen({ path })`.
    pub(crate) fn listen_path(
        &mut self,
        options: ListenPathOptions,
        agenda: &mut Agenda,
    ) -> Result<(), Error> {
        if self.listening() {
            return Err(Error::server_already_listen());
        }
        if options.path.is_empty() {
            return Err(Error::empty_listen_path());
        }
        self.begin_to_listen(options.backlog, options.callback, agenda);
        self.path = Some(options.path.clone());
        let at = ListenAt::Path {
            path: options.path,
            readable_all: options.readable_all,
            writable_all: options.writable_all,
        };
        self.listen_at(at, None, None, agenda);
        Ok(())
    }

    /// `server.listen({ fd })`.
    pub(crate) fn listen_fd(
        &mut self,
        fd: u32,
        backlog: Option<u32>,
        callback: Option<Callback>,
        agenda: &mut Agenda,
    ) {
        self.begin_to_listen(backlog, callback, agenda);
        self.listen_at(ListenAt::Descriptor(fd), None, None, agenda);
    }

    /// `server.listen(server)`: on what another one listens on.
    pub(crate) fn share(
        &mut self,
        listener: ListenerId,
        address: SocketAddr,
        callback: Option<Callback>,
        agenda: &mut Agenda,
    ) {
        self.begin_to_listen(None, callback, agenda);
        let address = Some(address);
        self.state = State::Listening { listener, address };
        agenda.tick_server(self.id, ServerTick::Listening);
    }

    /// `server.listen(handle)` of something that cannot be listened on. Node has no
    /// address to name.
    pub(crate) fn fail_to_listen(
        &mut self,
        errno: Errno,
        callback: Option<Callback>,
        agenda: &mut Agenda,
    ) {
        self.begin_to_listen(None, callback, agenda);
        let error = Error::listen_without_address(errno);
        agenda.tick_server(self.id, ServerTick::Error(error));
    }

    fn listen_at(
        &mut self,
        at: ListenAt,
        zone: Option<Zone>,
        fallback: Option<ListenAt>,
        agenda: &mut Agenda,
    ) {
        let listener = agenda.listener();
        agenda.act(Action::Listen {
            listener,
            at: at.clone(),
            zone: zone.clone(),
            settings: self.settings,
        });
        self.state = State::Binding {
            listener,
            at,
            zone,
            fallback,
        };
    }

    /// The transport was asked for this listener.
    pub(crate) fn is_binding(&self, asked: ListenerId) -> bool {
        matches!(self.state, State::Binding { listener, .. } if listener == asked)
    }

    /// The transport listens, or does not.
    pub(crate) fn listened(
        &mut self,
        outcome: Result<Option<SocketAddr>, Errno>,
        agenda: &mut Agenda,
    ) {
        let State::Binding {
            listener,
            at,
            zone,
            fallback,
        } = std::mem::replace(&mut self.state, State::Idle)
        else {
            return;
        };
        match (outcome, fallback) {
            (Ok(address), _) => {
                self.state = State::Listening { listener, address };
                agenda.tick_server(self.id, ServerTick::Listening);
            }
            // libuv tells that a port is taken when it listens, and of all else when it binds.
            (Err(errno), Some(fallback)) if errno.0 != "EADDRINUSE" => {
                self.listen_at(fallback, None, None, agenda);
            }
            // Row S11: 'error' on a later tick, no 'close'; it may listen again.
            (Err(errno), _) => {
                let error = Error::listen(errno, &at, zone);
                agenda.tick_server(self.id, ServerTick::Error(error));
            }
        }
    }

    /// The outcome of a lookup.
    pub(crate) fn looked_up(
        &mut self,
        asked: LookupId,
        outcome: Result<Vec<IpAddr>, Errno>,
        agenda: &mut Agenda,
    ) {
        // Node takes the first address that is not link-local, where there is one.
        let chosen = |addresses: Vec<IpAddr>| {
            let mut routed = addresses
                .iter()
                .filter(|address| !ip::is_link_local(**address));
            routed.next().or(addresses.first()).copied()
        };
        let errno = match outcome.map(chosen) {
            Ok(Some(address)) => return self.resolved(asked, address.into(), agenda),
            Ok(None) => Errno("ENOTFOUND"),
            Err(errno) => errno,
        };
        if let State::LookingUp { host, lookup, .. } = &self.state
            && *lookup == asked
        {
            let error = Error::lookup(errno, host);
            self.state = State::Idle;
            self.emit(EventKind::Error(error), agenda);
        }
    }

    fn resolved(&mut self, asked: LookupId, address: Address, agenda: &mut Agenda) {
        // Row S6: a server that was closed, or told to listen elsewhere (row S2),
        // ignores the result.
        if let State::LookingUp { port, lookup, .. } = self.state
            && lookup == asked
        {
            let at = ListenAt::Address((address.ip, port).into());
            self.listen_at(at, address.zone, None, agenda);
        }
    }

    /// A connection has become a socket of this server: `connection`.
    pub(crate) fn connected(&mut self, socket: SocketId, agenda: &mut Agenda) {
        self.connections += 1;
        self.waiting.push_back(socket);
        self.emit(EventKind::Connection, agenda);
    }

    /// `drop` (row S28).
    pub(crate) fn dropped(&self, endpoints: Endpoints, agenda: &mut Agenda) {
        let (local, remote) = (endpoints.local(), endpoints.remote());
        self.emit(EventKind::Drop { local, remote }, agenda);
    }

    /// Hands over the next connection that was announced.
    pub(crate) fn accept(&mut self, agenda: &Agenda) -> Option<SocketId> {
        // One may be about to be announced.
        let announces = |event: &Event| {
            event.source == self.id.into() && matches!(event.kind, EventKind::Connection)
        };
        let announced = self.waiting.len() > agenda.count_events(announces);
        self.waiting.pop_front_if(|_| announced)
    }

    /// A connection is gone (row S27).
    pub(crate) fn departed(&mut self, agenda: &mut Agenda) {
        self.connections -= 1;
        self.close_if_drained(agenda);
    }

    /// `server.close()`.
    pub(crate) fn close(&mut self, callback: Option<Callback>, agenda: &mut Agenda) {
        if let Some(callback) = callback {
            // Row S8: closing what is not open calls back with an error.
            let error = (!self.listening()).then(Error::server_not_running);
            self.on_close.push((callback, error));
        }
        self.stop(agenda);
        agenda.take_back(self.id.into(), |kind| {
            matches!(kind, EventKind::Drop { .. })
        });
        // Row S5: callbacks are kept until a `listening`.
        let kept = agenda
            .take_back_with_listeners(self.id.into(), |kind| matches!(kind, EventKind::Listening));
        self.on_listening.extend(kept);
        self.close_if_drained(agenda);
    }

    fn stop(&mut self, agenda: &mut Agenda) {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Listening { listener, .. } => agenda.act(Action::CloseListener(listener)),
            // What the transport has not answered is closed when it does.
            State::Binding { .. } | State::LookingUp { .. } | State::Idle => {}
        }
    }

    /// Row S23: 'close' comes when the last connection is gone.
    fn close_if_drained(&self, agenda: &mut Agenda) {
        if !self.listening() && self.connections == 0 {
            agenda.tick_server(self.id, ServerTick::Close);
        }
    }

    /// The program has dropped its handle. Returns the sockets that it has not taken.
    pub(crate) fn drop_handle(&mut self, agenda: &mut Agenda) -> VecDeque<SocketId> {
        self.handle = Handle::Dropped;
        agenda.withdraw(self.id.into());
        self.close(None, agenda);
        std::mem::take(&mut self.waiting)
    }

    fn emit(&self, kind: EventKind, agenda: &mut Agenda) {
        if self.handle == Handle::Held {
            agenda.emit(self.id, kind);
        }
    }

    /// Runs a tick of this server.
    pub(crate) fn tick(&mut self, tick: ServerTick, agenda: &mut Agenda) {
        match tick {
            // Row S5: not if it was closed in between.
            ServerTick::Listening => {
                if self.listening() {
                    self.emit(EventKind::Listening, agenda);
                    for callback in std::mem::take(&mut self.on_listening) {
                        let error = None;
                        self.emit(EventKind::Callback { callback, error }, agenda);
                    }
                }
            }
            ServerTick::Connections(callback, count) => {
                self.emit(EventKind::Connections { callback, count }, agenda);
            }
            ServerTick::Listen { lookup, address } => self.resolved(lookup, address, agenda),
            ServerTick::Error(error) => self.emit(EventKind::Error(error), agenda),
            ServerTick::Close => {
                self.emit(EventKind::Close { had_error: false }, agenda);
                // Row S9: every callback that waits hears of the first 'close'.
                for (callback, error) in std::mem::take(&mut self.on_close) {
                    self.emit(EventKind::Callback { callback, error }, agenda);
                }
            }
        }
    }
}
