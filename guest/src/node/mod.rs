//! Node's rules for servers and sockets, without any I/O.
//!
//! [`Net`] holds every server and socket. A program's calls and the transport's
//! [`Input`]s change it; it queues [`Action`]s for the transport and, at
//! [`Net::turn`], returns the events of one turn of Node's event loop. Nothing in
//! here waits, reads a clock or knows of WebAssembly, so every rule is tested
//! natively.
//!
//! Rows (`S13`, `W6`, …) are those of the project's list of Node's behaviours,
//! measured on Node 20.

mod connect;
mod error;
mod event;
pub mod ip;
mod readable;
mod server;
mod socket;
mod transport;
mod turn;
mod writable;

pub use connect::{ConnectOptions, Family};
pub use error::{Errno, Error};
pub use event::{Callback, Event, EventKind, Id};
pub use server::{ListenOptions, ServerOptions};
pub use socket::{ReadyState, Socket};
pub use transport::{Action, Attempt, Input};

use server::Server;
use std::collections::HashMap;
use std::net::SocketAddr;
use turn::{Job, Tick, Turn};

/// Every server and socket of a program.
#[derive(Debug, Default)]
pub struct Net {
    servers: HashMap<Id, Server>,
    sockets: HashMap<Id, Socket>,
    /// The last id given.
    last_id: Id,
    /// Sockets that were written to since the last flush.
    dirty: Vec<Id>,
    turn: Turn,
}

impl Net {
    fn next_id(&mut self) -> Id {
        self.last_id += 1;
        self.last_id
    }

    // ---- servers ----

    /// `net.createServer()`.
    pub fn create_server(&mut self, options: ServerOptions) -> Id {
        let id = self.next_id();
        self.servers.insert(id, Server::new(id, options));
        id
    }

    /// `server.listen()`.
    pub fn listen(&mut self, id: Id, options: ListenOptions) -> Result<(), Error> {
        match self.servers.get_mut(&id) {
            Some(server) => server.listen(options, &mut self.turn),
            None => Ok(()),
        }
    }

    /// The outcome of [`Action::Listen`]; with the error, the address it is about.
    pub fn listened(&mut self, id: Id, outcome: Result<SocketAddr, (Errno, SocketAddr)>) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.listened(outcome, &mut self.turn);
        }
    }

    /// Whether the transport should accept the next connection of a server.
    pub fn accepting(&self, id: Id) -> bool {
        self.servers.get(&id).is_some_and(Server::accepting)
    }

    /// The transport accepted a connection. Absent if the server is closed.
    pub fn accepted(
        &mut self,
        server: Id,
        local: Option<SocketAddr>,
        remote: Option<SocketAddr>,
    ) -> Option<Id> {
        let options = self
            .servers
            .get(&server)
            .filter(|server| server.listening())?;
        let options = options.options();
        let id = self.next_id();
        let socket = Socket::accepted(
            id,
            server,
            options.allow_half_open,
            options.pause_on_connect,
            (local, remote),
            &mut self.turn,
        );
        self.sockets.insert(id, socket);
        self.servers.get_mut(&server)?.connected(id);
        self.turn.job(server, Job::Accepted);
        Some(id)
    }

    /// Takes the next connection that was announced.
    pub fn accept(&mut self, id: Id) -> Option<Id> {
        self.servers.get_mut(&id)?.accept(&mut self.turn)
    }

    /// `server.close()`.
    pub fn close(&mut self, id: Id, callback: Option<Callback>) {
        if let Some(server) = self.servers.get_mut(&id) {
            let orphans = server.close(callback, &mut self.turn);
            self.abandon_all(orphans);
        }
    }

    /// `server.address()`.
    pub fn server_address(&self, id: Id) -> Option<SocketAddr> {
        self.servers.get(&id)?.address()
    }

    /// `server.listening`.
    pub fn listening(&self, id: Id) -> bool {
        self.servers.get(&id).is_some_and(Server::listening)
    }

    /// `server.ref()` and `server.unref()`.
    pub fn set_server_ref(&mut self, id: Id, refed: bool) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.set_ref(refed);
        }
    }

    /// The program has dropped a server.
    pub fn drop_server(&mut self, id: Id) {
        if let Some(server) = self.servers.get_mut(&id) {
            let orphans = server.abandon(&mut self.turn);
            self.abandon_all(orphans);
            self.forget_server(id);
        }
    }

    fn abandon_all(&mut self, sockets: Vec<Id>) {
        for id in sockets {
            self.destroy(id, None);
            self.drop_socket(id);
        }
    }

    fn forget_server(&mut self, id: Id) {
        if self.servers.get(&id).is_some_and(Server::is_gone) {
            self.servers.remove(&id);
        }
    }

    // ---- sockets ----

    /// `new net.Socket()`.
    pub fn create_socket(&mut self, allow_half_open: bool) -> Id {
        let id = self.next_id();
        self.sockets.insert(id, Socket::new(id, allow_half_open));
        id
    }

    /// A socket's properties.
    pub fn socket(&self, id: Id) -> Option<&Socket> {
        self.sockets.get(&id)
    }

    /// `socket.remoteAddress`, which remembers that it was read (row P3).
    pub fn remote_address(&mut self, id: Id) -> Option<SocketAddr> {
        self.sockets.get_mut(&id)?.remote_address()
    }

    /// Calls a function of a socket, and sees to what it left for others.
    fn with_socket<T: Default>(
        &mut self,
        id: Id,
        call: impl FnOnce(&mut Socket, &mut Turn) -> T,
    ) -> T {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return T::default();
        };
        let outcome = call(socket, &mut self.turn);
        self.settle();
        outcome
    }

    /// Tells servers that they lost a connection.
    fn settle(&mut self) {
        while let Some(id) = self.turn.departed.pop() {
            if let Some(server) = self.servers.get_mut(&id) {
                server.departed(&mut self.turn);
                self.forget_server(id);
            }
        }
    }

    /// `socket.connect()`.
    pub fn connect(&mut self, id: Id, options: ConnectOptions) -> Result<(), Error> {
        self.with_socket(id, |socket, turn| Some(socket.connect(options, turn)))
            .unwrap_or(Ok(()))
    }

    /// `socket.read()`.
    pub fn read(&mut self, id: Id, max: usize) -> Vec<u8> {
        self.with_socket(id, |socket, turn| socket.read(max, turn))
    }

    /// `socket.write()`. False if the data was not taken. Otherwise the answer is
    /// that of [`Net::write_returns`], once the actions were carried out.
    pub fn write(&mut self, id: Id, data: Vec<u8>, callback: Option<Callback>) -> bool {
        self.dirty.push(id);
        self.with_socket(id, |socket, turn| socket.write(data, callback, turn))
    }

    /// What a `write` that took its data answers.
    pub fn write_returns(&mut self, id: Id) -> bool {
        self.with_socket(id, |socket, _| socket.write_returns())
    }

    /// Gives the transport what was written to a socket.
    pub fn flush(&mut self, id: Id) {
        self.with_socket(id, Socket::flush);
    }

    /// Gives the transport what was written to any socket in this turn.
    pub fn flush_all(&mut self) {
        for id in std::mem::take(&mut self.dirty) {
            self.flush(id);
        }
    }

    /// The host took `bytes` of a write that was just begun; with `more`, the rest
    /// is under way.
    pub fn written(&mut self, id: Id, bytes: usize, more: bool) {
        self.with_socket(id, |socket, turn| socket.written(bytes, more, turn));
    }

    /// `socket.end()`.
    pub fn end(&mut self, id: Id, data: Option<Vec<u8>>, callback: Option<Callback>) {
        self.dirty.push(id);
        self.with_socket(id, |socket, turn| socket.end(data, callback, turn));
    }

    /// `socket.destroy()`. What was written is to be flushed before.
    pub fn destroy(&mut self, id: Id, error: Option<Error>) {
        self.with_socket(id, |socket, turn| socket.destroy(error, turn));
    }

    /// `socket.pause()`.
    pub fn pause(&mut self, id: Id) {
        self.with_socket(id, |socket, _| socket.pause());
    }

    /// `socket.resume()`.
    pub fn resume(&mut self, id: Id) {
        self.with_socket(id, Socket::resume);
    }

    /// `socket.ref()` and `socket.unref()`.
    pub fn set_socket_ref(&mut self, id: Id, refed: bool) {
        self.with_socket(id, |socket, _| socket.set_ref(refed));
    }

    /// The program has dropped a socket. What was written is to be flushed before.
    pub fn drop_socket(&mut self, id: Id) {
        self.with_socket(id, Socket::abandon);
        self.forget_socket(id);
    }

    // ---- turns ----

    /// Takes what the transport reports; it has its effect in a turn.
    pub fn input(&mut self, id: Id, input: Input) {
        self.turn.job(id, Job::Input(input));
    }

    /// The next thing to do.
    pub fn next_action(&mut self) -> Option<Action> {
        self.turn.actions.pop_front()
    }

    /// Whether a turn could bring something right away.
    pub fn has_work(&self) -> bool {
        self.turn.has_work() || !self.dirty.is_empty()
    }

    /// Whether anything may still happen that the program waits for.
    pub fn is_alive(&self) -> bool {
        self.has_work()
            || self.servers.values().any(Server::is_alive)
            || self.sockets.values().any(Socket::is_alive)
    }

    /// How many servers and sockets there are.
    pub fn len(&self) -> usize {
        self.servers.len() + self.sockets.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One turn of the event loop.
    ///
    /// Afterwards the actions are to be carried out: they may bring the next turn
    /// something to do at once.
    pub fn turn(&mut self) -> Vec<Event> {
        self.turn.begin();
        self.run_ticks();
        while let Some((id, job)) = self.turn.next_job() {
            self.run_job(id, job);
            self.run_ticks();
        }
        for closing in std::mem::take(&mut self.turn.closing) {
            let id = closing.id;
            if self.turn.is_waiting(id) {
                // An event before it has not been told yet.
                self.turn.closing.push(closing);
                continue;
            }
            self.with_socket(id, |socket, turn| socket.closed(&closing, turn));
            self.forget_socket(id);
        }
        std::mem::take(&mut self.turn.events)
    }

    fn forget_socket(&mut self, id: Id) {
        if self.sockets.get(&id).is_some_and(Socket::is_gone) {
            self.sockets.remove(&id);
        }
    }

    fn run_ticks(&mut self) {
        while let Some((id, tick)) = self.turn.next_tick() {
            self.run_tick(id, tick);
        }
    }

    fn run_tick(&mut self, id: Id, tick: Tick) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.tick(tick, &mut self.turn);
            self.forget_server(id);
        } else {
            let last = matches!(tick, Tick::Close);
            self.with_socket(id, |socket, turn| socket.tick(tick, turn));
            if last {
                self.forget_socket(id);
            }
        }
    }

    fn run_job(&mut self, id: Id, job: Job) {
        match (self.servers.get_mut(&id), job) {
            (Some(server), Job::Accepted) => server.announce(&mut self.turn),
            (Some(server), Job::Input(input)) => server.input(input, &mut self.turn),
            (None, Job::Input(input)) => {
                self.with_socket(id, |socket, turn| socket.input(input, turn));
            }
            (None, Job::Accepted) => {}
        }
    }
}
