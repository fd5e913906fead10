//! `net.Server`: its states, and what each call and each input does to it.

use super::error::{Errno, Error};
use super::event::{Callback, EventKind, Id};
use super::ip;
use super::socket::SocketOptions;
use super::transport::{Action, Ends, Handle, Input, ListenAt, Place};
use super::turn::{Tick, Turn};
use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

/// Node's default backlog.
const BACKLOG: u32 = 511;

/// The options of `net.createServer()`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServerOptions {
    /// `allowHalfOpen`.
    pub allow_half_open: bool,
    /// `pauseOnConnect`.
    pub pause_on_connect: bool,
    /// `highWaterMark`, in bytes; absent for 16 KiB.
    pub high_water_mark: Option<usize>,
    /// `keepAlive` and `keepAliveInitialDelay`, the latter in milliseconds.
    pub keep_alive: Option<u64>,
}

impl ServerOptions {
    /// The options of the server's sockets.
    pub fn of_sockets(&self) -> SocketOptions {
        SocketOptions {
            allow_half_open: self.allow_half_open,
            high_water_mark: self.high_water_mark,
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

/// Whether a server listens: Node's `_handle`.
#[derive(Debug)]
enum State {
    /// It does not. `listen` leads to `LookingUp`, or to `Listening` if no host
    /// was given.
    Idle,
    /// The host is being resolved. Leads to `Listening`, or to `Idle` if that
    /// fails or the server is closed. `listen` begins another lookup.
    LookingUp { port: u16, host: String },
    /// It listens. Leads to `Idle` when it is closed.
    Listening {
        handle: Handle,
        /// Absent if it listens at a path.
        address: Option<SocketAddr>,
    },
}

/// Node's `net.Server`.
#[derive(Debug)]
pub struct Server {
    id: Id,
    options: ServerOptions,
    state: State,
    backlog: u32,
    /// Where it was last told to listen by path: Node's `_pipeName`, which stays.
    path: Option<String>,
    /// The number of the last lookup; Node's `_listeningId`. An answer with
    /// another one is too late.
    lookup: u32,
    /// How many sockets of this server are not destroyed.
    connections: usize,
    /// Sockets that the program has not taken.
    waiting: VecDeque<Id>,
    /// How many of them were announced.
    announced: usize,
    /// `server.maxConnections`.
    max_connections: Option<usize>,
    /// The callbacks of `listen`: once-listeners, kept until it succeeds (row S12).
    on_listening: Vec<Callback>,
    /// The callbacks of `close`.
    on_close: Vec<(Callback, Option<Error>)>,
    refed: bool,
    /// The program has dropped its handle.
    abandoned: bool,
}

impl Server {
    /// `net.createServer(options)`.
    pub fn new(id: Id, options: ServerOptions) -> Self {
        Self {
            id,
            options,
            state: State::Idle,
            backlog: BACKLOG,
            path: None,
            lookup: 0,
            connections: 0,
            waiting: VecDeque::new(),
            announced: 0,
            max_connections: None,
            on_listening: Vec::new(),
            on_close: Vec::new(),
            refed: true,
            abandoned: false,
        }
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
    pub fn handle(&self) -> Option<Handle> {
        match self.state {
            State::Listening { handle, .. } => Some(handle),
            _ => None,
        }
    }

    /// `server.connections`.
    pub fn connections(&self) -> usize {
        self.connections
    }

    /// `server.getConnections()` (row S26).
    pub fn get_connections(&self, callback: Callback, turn: &mut Turn) {
        turn.tick(self.id, Tick::Connections(callback, self.connections));
    }

    /// `server.maxConnections`.
    pub fn max_connections(&self) -> Option<usize> {
        self.max_connections
    }

    /// Rows S28 and S29: 0 is no limit, and existing connections stay.
    pub fn set_max_connections(&mut self, value: Option<usize>) {
        self.max_connections = value;
    }

    /// Whether a new connection is to be dropped.
    pub fn is_full(&self) -> bool {
        let max = self.max_connections.filter(|max| *max > 0);
        max.is_some_and(|max| self.connections >= max)
    }

    /// `server.ref()` and `server.unref()`.
    pub fn set_ref(&mut self, refed: bool) {
        self.refed = refed;
    }

    /// Whether something may happen that the program waits for. A lookup counts
    /// even if the server is unref'd (row S30).
    pub fn is_alive(&self) -> bool {
        match self.state {
            State::Idle => false,
            State::LookingUp { .. } => true,
            State::Listening { .. } => self.refed,
        }
    }

    /// Whether nobody can name this server any more and nothing is going on.
    pub fn is_gone(&self) -> bool {
        self.abandoned && matches!(self.state, State::Idle) && self.connections == 0
    }

    /// Whether the transport should go on accepting connections: as many may wait
    /// for the program as for the host.
    pub fn accepting(&self) -> bool {
        self.listening() && self.waiting.len() < self.backlog as usize
    }

    /// `server.listen()`.
    pub fn listen(&mut self, options: ListenOptions, turn: &mut Turn) -> Result<(), Error> {
        if self.listening() {
            // Row S1. Row S2: a lookup under way is no handle yet.
            return Err(Error::server_already_listen());
        }
        self.begin_to_listen(options.backlog, options.callback);
        let port = options.port;
        let Some(host) = options.host.filter(|host| !host.is_empty()) else {
            self.state = State::Idle;
            let address = None;
            self.listen_at(ListenAt::Port { address, port }, turn);
            return Ok(());
        };
        let (id, lookup) = (self.id, self.lookup);
        match ip::parse(&host) {
            Some(address) => turn.tick(id, Tick::Listen { lookup, address }),
            None => turn.act(Action::Lookup {
                id,
                lookup,
                host: host.clone(),
            }),
        }
        self.state = State::LookingUp { port, host };
        Ok(())
    }

    fn begin_to_listen(&mut self, backlog: Option<u32>, callback: Option<Callback>) {
        self.lookup += 1;
        self.on_listening.extend(callback);
        self.backlog = match backlog {
            None | Some(0) => BACKLOG,
            Some(backlog) => backlog,
        };
    }

    /// `server.listen({ path })`.
    pub fn listen_path(
        &mut self,
        options: ListenPathOptions,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        if self.listening() {
            return Err(Error::server_already_listen());
        }
        if options.path.is_empty() {
            return Err(Error::empty_listen_path());
        }
        self.begin_to_listen(options.backlog, options.callback);
        self.state = State::Idle;
        self.path = Some(options.path.clone());
        let at = ListenAt::Path {
            path: options.path,
            readable_all: options.readable_all,
            writable_all: options.writable_all,
        };
        self.listen_at(at, turn);
        Ok(())
    }

    /// `server.listen({ fd })`.
    pub fn listen_fd(
        &mut self,
        fd: u32,
        backlog: Option<u32>,
        callback: Option<Callback>,
        turn: &mut Turn,
    ) {
        self.begin_to_listen(backlog, callback);
        self.state = State::Idle;
        self.listen_at(ListenAt::Descriptor(fd), turn);
    }

    /// `server.listen(server)`: on what another one listens on.
    pub fn share(
        &mut self,
        handle: Handle,
        address: SocketAddr,
        callback: Option<Callback>,
        turn: &mut Turn,
    ) {
        self.lookup += 1;
        self.on_listening.extend(callback);
        self.listened(handle, Ok(Some(address)), turn);
    }

    /// `server.listen(handle)` of something that cannot be listened on. Node has no
    /// address to name.
    pub fn fail_to_listen(&mut self, errno: Errno, callback: Option<Callback>, turn: &mut Turn) {
        self.lookup += 1;
        self.on_listening.extend(callback);
        let error = Error::listen(errno, Place::Nameless);
        turn.tick(self.id, Tick::Error(error));
    }

    fn listen_at(&self, at: ListenAt, turn: &mut Turn) {
        let handle = turn.next_handle();
        turn.act(Action::Listen {
            id: self.id,
            handle,
            at,
            backlog: self.backlog,
        });
    }

    /// The outcome of [`Action::Listen`]: the address, if there is one; with the error,
    /// what it is about.
    pub fn listened(
        &mut self,
        handle: Handle,
        outcome: Result<Option<SocketAddr>, (Errno, Place)>,
        turn: &mut Turn,
    ) {
        match outcome {
            Ok(address) => {
                self.state = State::Listening { handle, address };
                turn.tick(self.id, Tick::Listening);
            }
            // Row S11: 'error' on a later tick, no 'close'; it may listen again.
            Err((errno, place)) => {
                self.state = State::Idle;
                turn.tick(self.id, Tick::Error(Error::listen(errno, place)));
            }
        }
    }

    /// Takes an input: the outcome of a lookup.
    pub fn input(&mut self, input: Input, turn: &mut Turn) {
        let Input::LookedUp { lookup, outcome } = input else {
            return;
        };
        let errno = match outcome.map(|addresses| addresses.first().copied()) {
            Ok(Some(address)) => return self.looked_up(lookup, address, turn),
            Ok(None) => Errno("ENOTFOUND"),
            Err(errno) => errno,
        };
        if let State::LookingUp { host, .. } = &self.state
            && lookup == self.lookup
        {
            let error = Error::lookup(errno, host);
            self.state = State::Idle;
            self.emit(EventKind::Error(error), turn);
        }
    }

    fn looked_up(&mut self, lookup: u32, address: IpAddr, turn: &mut Turn) {
        // Row S6: a server that was closed, or told to listen elsewhere (row S2),
        // ignores the result.
        if let State::LookingUp { port, .. } = self.state
            && lookup == self.lookup
        {
            let address = Some(address);
            self.listen_at(ListenAt::Port { address, port }, turn);
        }
    }

    /// A connection came: its socket waits for the program.
    pub fn connected(&mut self, socket: Id) {
        self.connections += 1;
        self.waiting.push_back(socket);
    }

    /// `connection` for a socket that still waits.
    pub fn announce(&mut self, turn: &mut Turn) {
        if self.announced < self.waiting.len() {
            self.announced += 1;
            self.emit(EventKind::Connection, turn);
        }
    }

    /// `drop` (row S28).
    pub fn dropped(&mut self, ends: Ends, turn: &mut Turn) {
        if self.listening() {
            let (local, remote) = (ends.local(), ends.remote());
            self.emit(EventKind::Drop { local, remote }, turn);
        }
    }

    /// Hands over the next connection.
    pub fn accept(&mut self, turn: &mut Turn) -> Option<Id> {
        self.announced = self.announced.checked_sub(1)?;
        let was_accepting = self.accepting();
        let socket = self.waiting.pop_front()?;
        if let (false, true, Some(handle)) = (was_accepting, self.accepting(), self.handle()) {
            turn.act(Action::Accept { handle });
        }
        Some(socket)
    }

    /// A connection is gone (row S27).
    pub fn departed(&mut self, turn: &mut Turn) {
        self.connections -= 1;
        self.close_if_drained(turn);
    }

    /// `server.close()`. Returns the sockets that nobody took.
    pub fn close(&mut self, callback: Option<Callback>, turn: &mut Turn) -> Vec<Id> {
        self.lookup += 1;
        if let Some(callback) = callback {
            // Row S8: closing what is not open calls back with an error.
            let error = (!self.listening()).then(Error::server_not_running);
            self.on_close.push((callback, error));
        }
        if let Some(handle) = self.handle() {
            turn.act(Action::CloseServer { handle });
        }
        self.state = State::Idle;
        self.close_if_drained(turn);
        self.announced = 0;
        self.waiting.drain(..).collect()
    }

    /// Row S23: 'close' comes when the last connection is gone.
    fn close_if_drained(&self, turn: &mut Turn) {
        if !self.listening() && self.connections == 0 {
            turn.tick(self.id, Tick::ServerClose);
        }
    }

    /// The program has dropped its handle.
    pub fn abandon(&mut self, turn: &mut Turn) -> Vec<Id> {
        self.abandoned = true;
        self.close(None, turn)
    }

    fn emit(&self, kind: EventKind, turn: &mut Turn) {
        if !self.abandoned {
            turn.emit(self.id, kind);
        }
    }

    /// Runs a tick of this server.
    pub fn tick(&mut self, tick: Tick, turn: &mut Turn) {
        match tick {
            // Row S5: not if it was closed in between.
            Tick::Listening if self.listening() => {
                self.emit(EventKind::Listening, turn);
                for callback in std::mem::take(&mut self.on_listening) {
                    let error = None;
                    self.emit(EventKind::Callback { callback, error }, turn);
                }
            }
            Tick::Connections(callback, count) => {
                self.emit(EventKind::Connections { callback, count }, turn);
            }
            Tick::Listen { lookup, address } => self.looked_up(lookup, address, turn),
            Tick::Error(error) => self.emit(EventKind::Error(error), turn),
            Tick::ServerClose => {
                self.emit(EventKind::Close { had_error: false }, turn);
                // Row S9: every callback that waits hears of the first 'close'.
                for (callback, error) in std::mem::take(&mut self.on_close) {
                    self.emit(EventKind::Callback { callback, error }, turn);
                }
            }
            _ => {}
        }
    }
}
