//! A transport that does what a test tells it to.
//!
//! [`World`] makes a program's calls as the component does (each is followed by
//! carrying out what the rules ask for) and plays the network. It also checks
//! what holds at all times: what the rules may ask of a transport, and that
//! between two events of one socket a program gets the chance to act.

use plugnet_guest::node::{
    Action, Attempt, Callback, ConnectRequest, Encoding, Ends, Errno, Error, Event, EventKind,
    Handle, Id, Input, ListenAt, ListenOptions, ListenPathOptions, Net, Place, Resolved, Server,
    ServerOptions, Socket, SocketOptions,
};
use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;

/// The port of every server that lets the system choose.
pub const PORT: u16 = 8124;

/// The most a socket's stream holds before it asks the other to wait: 16 KiB.
pub const HIGH_WATER_MARK: usize = 16 * 1024;

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
    pub inbox: VecDeque<Input>,
    /// How many bytes were handed over.
    pub delivered: u64,
    /// The FIN was asked for.
    pub fin: bool,
    /// Freed.
    pub closed: bool,
    /// The attempt that has led to it, until the rules make it the socket's.
    pub waits: Option<Attempt>,
}

/// A program, the rules, and a network.
#[derive(Debug, Default)]
pub struct World {
    pub net: Net,
    /// What the rules asked for.
    pub actions: Vec<Action>,
    /// How many bytes the host takes of a write at once; absent: all.
    pub takes: Option<usize>,
    /// Why the host takes nothing of a write, from the first byte on.
    pub refuses: Option<&'static str>,
    /// Whether the host lets `Shutdown` wait.
    pub holds_shutdown: bool,
    /// `listen` on this port fails.
    pub taken: Option<u16>,
    /// What the clock shows, in milliseconds.
    pub now: u64,
    wires: HashMap<Id, Wire>,
    /// Who waits for a lookup.
    lookups: HashSet<Id>,
    attempts: HashSet<(Id, Attempt)>,
    /// What listens at a path.
    paths: HashMap<Handle, String>,
    /// Who connects to a path.
    to_paths: HashSet<Id>,
    /// Whose FIN waits, and how much they had received when it was asked for.
    shutdowns: HashMap<Id, u64>,
    servers: HashSet<Id>,
    /// Sockets that have told `close`.
    closed: HashSet<Id>,
    /// How many `close` are to be told of connections before the present one.
    owed: HashMap<Id, usize>,
    /// Sockets that others pipe to, or have done so.
    destinations: HashSet<Id>,
}

impl World {
    // ---- the network ----

    /// Carries out what the rules ask for.
    pub fn carry_out(&mut self) {
        while let Some(action) = self.net.next_action() {
            self.actions.push(action.clone());
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::CloseServer { handle } => {
                self.paths.remove(&handle);
            }
            Action::Accept { .. } | Action::StreamIn { .. } | Action::StreamOut { .. } => {}
            Action::KeepAlive { id, .. } => {
                self.asked(id);
            }
            Action::Lookup { id, .. } => {
                self.lookups.insert(id);
            }
            Action::Listen { id, handle, at, .. } => {
                let outcome = match at {
                    ListenAt::Port { address, port } => {
                        let ip = address.unwrap_or_else(|| "::".parse().unwrap());
                        if self.taken == Some(port) {
                            let place = Place::Address((ip, port).into());
                            Err((Errno("EADDRINUSE"), place))
                        } else {
                            Ok(Some((ip, if port == 0 { PORT } else { port }).into()))
                        }
                    }
                    ListenAt::Path { path, .. } if self.paths.values().any(|of| *of == path) => {
                        Err((Errno("EADDRINUSE"), Place::Path(path)))
                    }
                    ListenAt::Path { path, .. } => {
                        self.paths.insert(handle, path);
                        Ok(None)
                    }
                    ListenAt::Descriptor(3) => Ok(None),
                    ListenAt::Descriptor(_) => Err((Errno("EINVAL"), Place::Nameless)),
                };
                self.net.listened(id, handle, outcome);
            }
            Action::Connect { id, attempt, .. } => {
                assert!(self.attempts.insert((id, attempt)), "attempt made twice");
            }
            Action::ConnectPath { id, .. } => {
                assert!(self.attempts.insert((id, 0)), "attempt made twice");
                self.to_paths.insert(id);
            }
            Action::Open { id, attempt } => {
                let wire = self.open(id);
                assert_eq!(
                    wire.waits.take(),
                    Some(attempt),
                    "opened another connection"
                );
            }
            Action::AbortConnect { id, attempt } => {
                self.to_paths.remove(&id);
                self.attempts.remove(&(id, attempt));
                self.wires
                    .retain(|of, wire| *of != id || wire.waits != Some(attempt));
            }
            Action::Read { id } => {
                let wire = self.asked(id);
                assert!(!wire.reading, "asked to read twice");
                wire.reading = true;
                self.deliver(id);
            }
            Action::Write { id, mut data } => {
                let takes = self.takes.unwrap_or(usize::MAX);
                let refuses = self.refuses;
                let wire = self.asked(id);
                assert!(wire.unsent.is_none(), "asked to write during a write");
                assert!(!wire.fin, "asked to write after the FIN");
                if let Some(code) = refuses {
                    self.net.input(id, Input::WriteFailed(Errno(code)));
                    return;
                }
                let rest = data.split_off(takes.min(data.len()));
                let (taken, more) = (data.len(), !rest.is_empty());
                wire.sent.extend(data);
                wire.unsent = more.then_some(rest);
                self.net.written(id, taken, more);
            }
            Action::Shutdown { id } => {
                let wire = self.asked(id);
                assert!(wire.unsent.is_none(), "asked for a FIN during a write");
                assert!(!wire.fin, "asked for a FIN twice");
                wire.fin = true;
                self.shutdowns.insert(id, self.get(id).bytes_read());
                if !self.holds_shutdown {
                    self.shut_down(id);
                }
            }
            Action::Close { id } => {
                self.asked(id).closed = true;
                self.shutdowns.remove(&id);
            }
        }
    }

    /// A connection that is not freed.
    fn open(&mut self, id: Id) -> &mut Wire {
        let wire = self.wires.get_mut(&id).expect("no connection");
        assert!(!wire.closed, "asked something of a closed connection");
        wire
    }

    /// A connection that the rules may ask something of.
    fn asked(&mut self, id: Id) -> &mut Wire {
        let wire = self.open(id);
        assert_eq!(wire.waits, None, "asked before it was opened");
        wire
    }

    /// The connection of a socket, the last one if it is closed.
    pub fn wire(&self, id: Id) -> &Wire {
        &self.wires[&id]
    }

    /// How many bytes the rules were given on the connection of a socket, the last one if it
    /// is closed.
    pub fn delivered(&self, id: Id) -> u64 {
        self.wires.get(&id).map_or(0, |wire| wire.delivered)
    }

    /// Whether the connection of a socket stands.
    pub fn is_open(&self, id: Id) -> bool {
        self.wires.get(&id).is_some_and(|wire| !wire.closed)
    }

    fn deliver(&mut self, id: Id) {
        let wire = self.open(id);
        if wire.reading
            && let Some(input) = wire.inbox.pop_front()
        {
            wire.reading = false;
            if let Input::Received(data) = &input {
                wire.delivered += data.len() as u64;
            }
            self.net.input(id, input);
        }
    }

    /// Something comes in; it waits for the rules to ask for it.
    pub fn incoming(&mut self, id: Id, input: Input) {
        self.open(id).inbox.push_back(input);
        self.deliver(id);
    }

    /// The peer sends bytes.
    pub fn peer_sends(&mut self, id: Id, data: &[u8]) {
        self.incoming(id, Input::Received(data.to_vec()));
    }

    /// The peer sends a FIN.
    pub fn peer_ends(&mut self, id: Id) {
        self.incoming(id, Input::PeerEnded);
    }

    /// The peer resets the connection.
    pub fn peer_resets(&mut self, id: Id) {
        self.incoming(id, Input::ReadFailed(Errno("ECONNRESET")));
    }

    /// The host takes the rest of a write.
    pub fn host_sends(&mut self, id: Id) {
        let wire = self.open(id);
        let rest = wire.unsent.take().expect("no write under way");
        wire.sent.extend(rest);
        self.net.input(id, Input::Written);
    }

    /// The host takes some more of a write, and not all.
    pub fn host_takes(&mut self, id: Id, bytes: usize) {
        let wire = self.open(id);
        let unsent = wire.unsent.as_mut().expect("no write under way");
        let taken: Vec<_> = unsent.drain(..bytes.min(unsent.len())).collect();
        wire.sent.extend(taken);
        self.net.progressed(id);
    }

    /// Time passes.
    pub fn pass(&mut self, milliseconds: u64) {
        self.now += milliseconds;
        let now = self.now;
        self.call(|net| net.advance(now));
    }

    /// Whether the host has not taken all of a write.
    pub fn is_writing(&self, id: Id) -> bool {
        self.is_open(id) && self.wires[&id].unsent.is_some()
    }

    /// The FIN is sent, if that was asked for.
    pub fn shut_down(&mut self, id: Id) {
        if self.is_open(id) && self.shutdowns.remove(&id).is_some() {
            self.net.input(id, Input::ShutDown);
        }
    }

    /// Whether the FIN was asked for and is not sent.
    pub fn is_shutting_down(&self, id: Id) -> bool {
        self.shutdowns.contains_key(&id)
    }

    /// The host fails to send the rest of a write.
    pub fn send_fails(&mut self, id: Id, code: &'static str) {
        self.open(id).unsent.take().expect("no write under way");
        self.net.input(id, Input::WriteFailed(Errno(code)));
    }

    /// The attempt that was begun last and not given up.
    pub fn attempt(&self, id: Id) -> Option<Attempt> {
        let attempts = self.attempts.iter().filter(|(of, _)| *of == id);
        attempts.map(|(_, attempt)| *attempt).max()
    }

    fn answered(&mut self, id: Id) -> Attempt {
        let attempt = self.attempt(id).expect("no attempt under way");
        self.attempts.remove(&(id, attempt));
        attempt
    }

    /// The connection stands.
    pub fn connected(&mut self, id: Id) {
        let attempt = self.answered(id);
        let waits = Some(attempt);
        self.wires.insert(
            id,
            Wire {
                waits,
                ..Wire::default()
            },
        );
        let ends = match self.to_paths.remove(&id) {
            true => Ends::Path,
            false => tcp(),
        };
        let input = Input::Connected { attempt, ends };
        self.net.input(id, input);
    }

    /// An attempt to connect fails.
    pub fn refused(&mut self, id: Id) {
        let attempt = self.answered(id);
        let input = Input::ConnectFailed {
            attempt,
            syscall: "connect",
            errno: Errno("ECONNREFUSED"),
        };
        self.net.input(id, input);
    }

    /// The number of the last lookup of a server or socket.
    pub fn last_lookup(&self, of: Id) -> u32 {
        let mut lookups = self.actions.iter().filter_map(|action| match action {
            Action::Lookup { id, lookup, .. } if *id == of => Some(*lookup),
            _ => None,
        });
        lookups.next_back().expect("no lookup")
    }

    /// Whether a lookup for this socket or server is under way.
    pub fn looks_up(&self, id: Id) -> bool {
        self.lookups.contains(&id)
    }

    /// The last lookup has its outcome.
    pub fn looked_up(&mut self, id: Id, addresses: &[&str]) {
        self.lookups.remove(&id);
        let addresses = addresses.iter().map(|ip| ip.parse().unwrap());
        let outcome = match addresses.collect::<Vec<_>>() {
            none if none.is_empty() => Err(Errno("ENOTFOUND")),
            some => Ok(some),
        };
        let lookup = self.last_lookup(id);
        self.net.input(id, Input::LookedUp { lookup, outcome });
    }

    /// A client connects to a server, which has room for it.
    pub fn client_connects(&mut self, server: Id) -> Id {
        self.client_comes(server).expect("the server has room")
    }

    /// A client connects to a server. None if it is to be closed at once.
    pub fn client_comes(&mut self, server: Id) -> Option<Id> {
        let handle = self.net.server(server).and_then(Server::handle);
        let handle = handle.expect("the server listens");
        assert!(self.net.accepting(handle));
        let ends = match self.paths.contains_key(&handle) {
            true => Ends::Path,
            false => tcp(),
        };
        let id = self.net.accepted(handle, ends);
        if let Some(id) = id {
            self.wires.insert(id, Wire::default());
        }
        self.carry_out();
        id
    }

    // ---- a program ----

    /// A call of the component.
    pub fn call<T>(&mut self, call: impl FnOnce(&mut Net) -> T) -> T {
        let outcome = call(&mut self.net);
        self.carry_out();
        outcome
    }

    pub fn server(&mut self, options: ServerOptions) -> Id {
        let id = self.call(|net| net.create_server(options));
        self.servers.insert(id);
        id
    }

    pub fn listen(&mut self, id: Id, port: u16, host: Option<&str>) -> Result<(), Error> {
        let options = ListenOptions {
            port,
            host: host.map(str::to_owned),
            ..ListenOptions::default()
        };
        self.call(|net| net.listen(id, options))
    }

    pub fn listen_cb(&mut self, id: Id, port: u16, callback: Callback) -> Result<(), Error> {
        let options = ListenOptions {
            port,
            callback: Some(callback),
            ..ListenOptions::default()
        };
        self.call(|net| net.listen(id, options))
    }

    pub fn listen_path(&mut self, id: Id, path: &str) -> Result<(), Error> {
        let options = ListenPathOptions {
            path: path.to_owned(),
            ..ListenPathOptions::default()
        };
        self.call(|net| net.listen_path(id, options))
    }

    pub fn listen_fd(&mut self, id: Id, fd: u32) -> Result<(), Error> {
        self.call(|net| net.listen_fd(id, fd, None, None))
    }

    pub fn path(&self, id: Id) -> Option<&str> {
        self.net.server(id)?.path()
    }

    pub fn connect_path(
        &mut self,
        id: Id,
        path: &str,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.call(|net| net.connect_path(id, path.to_owned(), callback))
    }

    /// A connection that the host had.
    pub fn adopted(&mut self, ends: Ends) -> Id {
        let id = self.net.adopt(SocketOptions::default(), ends);
        self.wires.insert(id, Wire::default());
        self.carry_out();
        id
    }

    pub fn listen_on_server(
        &mut self,
        id: Id,
        other: Id,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.call(|net| net.listen_on_server(id, other, callback))
    }

    pub fn listen_on_socket(
        &mut self,
        id: Id,
        socket: Id,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.call(|net| net.listen_on_socket(id, socket, callback))
    }

    pub fn set_max_connections(&mut self, id: Id, value: Option<usize>) {
        self.call(|net| net.set_max_connections(id, value));
    }

    pub fn connections(&self, id: Id) -> usize {
        self.net.server(id).map_or(0, Server::connections)
    }

    pub fn get_connections(&mut self, id: Id, callback: Callback) {
        self.call(|net| net.get_connections(id, callback));
    }

    pub fn address(&self, id: Id) -> Option<SocketAddr> {
        self.net.server(id)?.address()
    }

    pub fn close(&mut self, id: Id, callback: Option<Callback>) {
        self.call(|net| net.close(id, callback));
    }

    pub fn accept(&mut self, id: Id) -> Option<Id> {
        self.call(|net| net.accept(id))
    }

    pub fn drop_server(&mut self, id: Id) {
        self.call(|net| net.drop_server(id));
    }

    pub fn socket(&mut self) -> Id {
        self.socket_with(SocketOptions::default())
    }

    pub fn socket_with(&mut self, options: SocketOptions) -> Id {
        self.call(|net| net.create_socket(options))
    }

    pub fn half_open_socket(&mut self) -> Id {
        let options = SocketOptions {
            allow_half_open: true,
            ..SocketOptions::default()
        };
        self.socket_with(options)
    }

    pub fn connect(&mut self, id: Id, host: &str) {
        self.connect_with(id, to(host));
    }

    pub fn connect_with(&mut self, id: Id, options: ConnectRequest) {
        if self.get(id).destroyed() && !self.closed.remove(&id) {
            *self.owed.entry(id).or_default() += 1;
        }
        self.call(|net| net.connect(id, options))
            .expect("the socket is not connected");
    }

    /// The program answers a `lookup-request`.
    pub fn answer(&mut self, id: Id, outcome: Result<Vec<Resolved>, Error>) {
        self.call(|net| net.looked_up(id, outcome));
    }

    pub fn read(&mut self, id: Id, max: usize) -> Vec<u8> {
        self.call(|net| net.read(id, max))
    }

    pub fn read_all(&mut self, id: Id) -> Vec<u8> {
        self.read(id, usize::MAX)
    }

    pub fn read_text(&mut self, id: Id) -> String {
        self.call(|net| net.read_text(id))
    }

    pub fn set_encoding(&mut self, id: Id, name: &str) {
        let encoding = Encoding::named(Some(name)).expect("a name of Node's");
        self.call(|net| net.set_encoding(id, encoding));
    }

    pub fn write(&mut self, id: Id, data: &[u8]) -> bool {
        self.write_with(id, data, None)
    }

    pub fn write_cb(&mut self, id: Id, data: &[u8], callback: Callback) -> bool {
        self.write_with(id, data, Some(callback))
    }

    pub fn write_with(&mut self, id: Id, data: &[u8], callback: Option<Callback>) -> bool {
        self.call(|net| net.write(id, data.to_vec(), callback))
            && self.call(|net| net.write_returns(id))
    }

    pub fn end(&mut self, id: Id) {
        self.end_with(id, None, None);
    }

    pub fn end_with(&mut self, id: Id, data: Option<&[u8]>, callback: Option<Callback>) {
        self.call(|net| net.end(id, data.map(<[u8]>::to_vec), callback));
    }

    pub fn destroy(&mut self, id: Id) {
        self.destroy_with(id, None);
    }

    pub fn destroy_with(&mut self, id: Id, error: Option<Error>) {
        self.call(|net| net.flush(id));
        self.call(|net| net.destroy(id, error));
    }

    pub fn drop_socket(&mut self, id: Id) {
        self.call(|net| net.flush(id));
        self.call(|net| net.drop_socket(id));
    }

    pub fn pause(&mut self, id: Id) {
        self.call(|net| net.pause(id));
    }

    pub fn resume(&mut self, id: Id) {
        self.call(|net| net.resume(id));
    }

    pub fn set_timeout(&mut self, id: Id, milliseconds: u64, callback: Option<Callback>) {
        self.call(|net| net.set_timeout(id, milliseconds, callback));
    }

    pub fn set_keep_alive(&mut self, id: Id, enable: bool, delay: u64) {
        self.call(|net| net.set_keep_alive(id, enable, delay));
    }

    pub fn reset_and_destroy(&mut self, id: Id) -> Result<(), Error> {
        self.call(|net| net.reset_and_destroy(id))
    }

    pub fn pipe(&mut self, id: Id, destination: Id, end: bool) {
        self.destinations.insert(destination);
        self.call(|net| net.pipe(id, destination, end));
    }

    pub fn unpipe(&mut self, id: Id, destination: Option<Id>) {
        self.call(|net| net.unpipe(id, destination));
    }

    pub fn buffer_size(&mut self, id: Id) -> usize {
        self.call(|net| net.flush(id));
        self.get(id).writable_length()
    }

    pub fn get(&self, id: Id) -> &Socket {
        self.net.socket(id).expect("the socket exists")
    }

    // ---- turns ----

    /// What `poll` returns: the events of the next turn that has any. None if
    /// nothing happens before the network does something.
    pub fn poll(&mut self) -> Vec<Event> {
        for _ in 0..1000 {
            self.call(Net::flush_all);
            let events = self.call(|net| {
                let events = net.turn();
                net.flush_all();
                events
            });
            self.check(&events);
            if !events.is_empty() {
                return events;
            }
            if !self.net.has_work() {
                self.check_nothing_is_left_behind();
                return events;
            }
        }
        panic!("there is always something to do, and nothing happens");
    }

    /// The events of the next turn, in words: `end`, `server close`,
    /// `error ECONNRESET`, `callback 7`.
    pub fn next(&mut self) -> Vec<String> {
        let events = self.poll();
        events.iter().map(|event| self.say(event)).collect()
    }

    /// All events until nothing happens any more, in words.
    pub fn rest(&mut self) -> Vec<String> {
        let mut words = Vec::new();
        loop {
            match self.next() {
                none if none.is_empty() => return words,
                some => words.extend(some),
            }
        }
    }

    /// An event in words.
    pub fn say(&self, event: &Event) -> String {
        let word = word(&event.kind);
        if self.servers.contains(&event.source) {
            format!("server {word}")
        } else {
            word
        }
    }

    /// Where nothing happens any more, the host is busy with what a connection has to send.
    fn check_nothing_is_left_behind(&self) {
        for (id, wire) in &self.wires {
            let idle = !wire.closed && wire.waits.is_none() && wire.unsent.is_none();
            if let Some(socket) = self.net.socket(*id)
                && idle
                && !socket.destroyed()
            {
                assert_eq!(socket.writable_length(), 0, "socket {id}: {socket:?}");
            }
        }
    }

    /// A turn has one event of a socket, or `connect` and `ready`, or the `drain` of what
    /// waited for the connection and `ready`, or what follows from `destroy`, `error` and
    /// `close`; and callbacks. The `close` of an earlier connection may come with any, and so
    /// may the end of a socket that another one pipes to, which nobody asks the program for.
    /// Nothing is received while the FIN is under way.
    fn check(&mut self, events: &[Event]) {
        for (id, received) in &self.shutdowns {
            assert_eq!(self.get(*id).bytes_read(), *received, "before `finish`");
        }
        let mut turns: HashMap<Id, Vec<String>> = HashMap::new();
        for event in events {
            if !matches!(
                event.kind,
                EventKind::Callback { .. }
                    | EventKind::Connection
                    | EventKind::Connections { .. }
                    | EventKind::Drop { .. }
            ) {
                let words = turns.entry(event.source).or_default();
                words.push(word(&event.kind));
            }
            if matches!(event.kind, EventKind::Close { .. }) {
                match self.owed.get_mut(&event.source).filter(|owed| **owed > 0) {
                    Some(owed) => {
                        *owed -= 1;
                        turns.entry(event.source).or_default().pop();
                    }
                    None => {
                        self.closed.insert(event.source);
                    }
                }
            }
        }
        for (id, words) in turns {
            let mut kinds: Vec<_> = words
                .iter()
                .filter_map(|word| word.split(' ').next())
                .collect();
            if self.destinations.contains(&id) {
                kinds.pop_if(|kind| *kind == "close");
                kinds.pop_if(|kind| *kind == "error");
            }
            let last_words = kinds.iter().all(|kind| ["error", "close"].contains(kind));
            assert!(
                kinds.len() <= 1
                    || kinds == ["connect", "ready"]
                    || kinds == ["drain", "ready"]
                    || last_words,
                "one turn: {words:?}"
            );
        }
    }

    // ---- beginnings ----

    /// A server that listens.
    pub fn listening() -> (Self, Id) {
        let mut world = Self::default();
        let server = world.server(ServerOptions::default());
        world.listen(server, 0, None).unwrap();
        assert_eq!(world.next(), ["server listening"]);
        (world, server)
    }

    /// A server, and a connection that it accepted and the program took.
    pub fn accepted() -> (Self, Id, Id) {
        let (mut world, server) = Self::listening();
        let id = world.client_connects(server);
        assert_eq!(world.next(), ["server connection"]);
        assert_eq!(world.accept(server), Some(id));
        (world, server, id)
    }

    /// A socket that is not connected.
    pub fn unconnected() -> (Self, Id) {
        let mut world = Self::default();
        let id = world.socket();
        (world, id)
    }

    /// A socket that connects.
    pub fn connecting() -> (Self, Id) {
        let (mut world, id) = Self::unconnected();
        world.connect(id, "127.0.0.1");
        assert_eq!(world.next(), [""; 0]);
        (world, id)
    }

    /// A socket that is connected.
    pub fn client() -> (Self, Id) {
        let (mut world, id) = Self::unconnected();
        world.establish(id);
        (world, id)
    }

    /// A socket that is connected and half-open.
    pub fn half_open_client() -> (Self, Id) {
        let mut world = Self::default();
        let id = world.half_open_socket();
        world.establish(id);
        (world, id)
    }

    /// Connects a socket.
    pub fn establish(&mut self, id: Id) {
        self.connect(id, "127.0.0.1");
        assert_eq!(self.next(), [""; 0]);
        self.connected(id);
        assert_eq!(self.next(), ["connect", "ready"]);
        // The socket now waits for bytes.
        assert_eq!(self.next(), [""; 0]);
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

/// The ends of every TCP connection.
pub fn tcp() -> Ends {
    Ends::Tcp {
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

/// The errors among events.
pub fn errors(events: &[Event]) -> Vec<Error> {
    let errors = events.iter().filter_map(|event| match &event.kind {
        EventKind::Error(error) => Some(error.clone()),
        _ => None,
    });
    errors.collect()
}
