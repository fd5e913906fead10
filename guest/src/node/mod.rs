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

mod block_list;
mod connect;
mod encoding;
mod error;
mod event;
mod idle;
pub mod ip;
mod lookup;
mod pipe;
mod readable;
mod server;
mod socket;
mod streams;
mod transport;
mod turn;
mod writable;

pub use block_list::{BlockList, SocketAddress};
pub use connect::{ConnectRequest, Family, Lookup};
pub use encoding::Encoding;
pub use error::{Errno, Error};
pub use event::{Callback, Event, EventKind, Id};
pub use lookup::{LookupRequest, Resolved};
pub use server::{ListenOptions, ListenPathOptions, Server, ServerOptions};
pub use socket::{ReadyState, Socket, SocketOptions};
pub use transport::{Action, Attempt, Ends, Handle, Input, ListenAt, Place};

use connect::ConnectOptions;
use std::collections::HashMap;
use std::net::SocketAddr;
use turn::{Job, Sink, Tick, Turn};

/// Every server and socket of a program.
#[derive(Debug, Default)]
pub struct Net {
    servers: HashMap<Id, Server>,
    sockets: HashMap<Id, Socket>,
    /// Whose the connections are of what listens.
    owners: HashMap<Handle, Id>,
    /// Who pipes to a socket.
    sources: HashMap<Id, Vec<Id>>,
    /// The last id given.
    last_id: Id,
    /// Sockets that were written to since the last flush.
    dirty: Vec<Id>,
    uses_clock: bool,
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

    /// `server.listen({ path })`.
    pub fn listen_path(&mut self, id: Id, options: ListenPathOptions) -> Result<(), Error> {
        match self.servers.get_mut(&id) {
            Some(server) => server.listen_path(options, &mut self.turn),
            None => Ok(()),
        }
    }

    /// `server.listen({ fd })`.
    pub fn listen_fd(
        &mut self,
        id: Id,
        fd: u32,
        backlog: Option<u32>,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.check_not_listening(id)?;
        if let Some(server) = self.servers.get_mut(&id) {
            server.listen_fd(fd, backlog, callback, &mut self.turn);
        }
        Ok(())
    }

    /// `server.listen(server)` (row S19's sibling): on what another one has. One that
    /// has a path cannot be shared: libuv would watch its descriptor twice.
    pub fn listen_on_server(
        &mut self,
        id: Id,
        other: Id,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.check_not_listening(id)?;
        let shared = self.servers.get(&other);
        let shared = shared.and_then(|other| Some((other.handle()?, other.address())));
        let (handle, address) = shared.ok_or_else(|| Error::nothing_to_listen_on("Server"))?;
        let Some(server) = self.servers.get_mut(&id) else {
            return Ok(());
        };
        match address {
            Some(address) => {
                self.owners.insert(handle, id);
                server.share(handle, address, callback, &mut self.turn);
            }
            None => server.fail_to_listen(Errno("EEXIST"), callback, &mut self.turn),
        }
        Ok(())
    }

    /// `server.listen(socket)`: fails, at once if the socket has no connection.
    pub fn listen_on_socket(
        &mut self,
        id: Id,
        socket: Id,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.check_not_listening(id)?;
        let socket = self.sockets.get(&socket);
        let socket = socket.filter(|socket| socket.has_handle());
        let socket = socket.ok_or_else(|| Error::nothing_to_listen_on("Socket"))?;
        let errno = Errno(if socket.has_path() {
            "EEXIST"
        } else {
            "EINVAL"
        });
        if let Some(server) = self.servers.get_mut(&id) {
            server.fail_to_listen(errno, callback, &mut self.turn);
        }
        Ok(())
    }

    fn check_not_listening(&self, id: Id) -> Result<(), Error> {
        if self.listening(id) {
            Err(Error::server_already_listen())
        } else {
            Ok(())
        }
    }

    /// The outcome of [`Action::Listen`]: the address, if there is one; with the error,
    /// what it is about.
    pub fn listened(
        &mut self,
        id: Id,
        handle: Handle,
        outcome: Result<Option<SocketAddr>, (Errno, Place)>,
    ) {
        if let Some(server) = self.servers.get_mut(&id) {
            if outcome.is_ok() {
                self.owners.insert(handle, id);
            }
            server.listened(handle, outcome, &mut self.turn);
        }
    }

    /// Whose the connections are.
    fn owner(&self, handle: Handle) -> Option<&Server> {
        let owner = self.servers.get(self.owners.get(&handle)?)?;
        (owner.handle() == Some(handle)).then_some(owner)
    }

    /// Whether the transport should accept the next connection.
    pub fn accepting(&self, handle: Handle) -> bool {
        self.owner(handle).is_some_and(Server::accepting)
    }

    /// The transport accepted a connection. Absent if it is to be closed at once.
    pub fn accepted(&mut self, handle: Handle, ends: Ends) -> Option<Id> {
        let owner = self.owner(handle)?;
        let (full, options) = (owner.is_full(), owner.options());
        let server = *self.owners.get(&handle)?;
        if full {
            self.turn.job(server, Job::Dropped(ends));
            return None;
        }
        let id = self.next_id();
        let socket = Socket::accepted(
            id,
            server,
            options.of_sockets(),
            options.pause_on_connect,
            ends,
            &mut self.turn,
        );
        self.sockets.insert(id, socket);
        self.servers.get_mut(&server)?.connected(id);
        self.turn.job(server, Job::Accepted(id));
        Some(id)
    }

    /// A server's properties.
    pub fn server(&self, id: Id) -> Option<&Server> {
        self.servers.get(&id)
    }

    /// `server.getConnections()`.
    pub fn get_connections(&mut self, id: Id, callback: Callback) {
        if let Some(server) = self.servers.get(&id) {
            server.get_connections(callback, &mut self.turn);
        }
    }

    /// `server.maxConnections`.
    pub fn set_max_connections(&mut self, id: Id, value: Option<usize>) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.set_max_connections(value);
        }
    }

    /// Takes the next connection that was announced.
    pub fn accept(&mut self, id: Id) -> Option<Id> {
        self.servers.get_mut(&id)?.accept(&mut self.turn)
    }

    /// `server.close()`.
    pub fn close(&mut self, id: Id, callback: Option<Callback>) {
        if let Some(server) = self.servers.get_mut(&id) {
            let handle = server.handle();
            let orphans = server.close(callback, &mut self.turn);
            self.owners.retain(|of, _| Some(*of) != handle);
            self.abandon_all(orphans);
        }
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
            let handle = server.handle();
            let orphans = server.abandon(&mut self.turn);
            self.owners.retain(|of, _| Some(*of) != handle);
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
    pub fn create_socket(&mut self, options: SocketOptions) -> Id {
        let id = self.next_id();
        self.sockets.insert(id, Socket::new(id, options));
        id
    }

    /// `new net.Socket({ fd })`: a connection that the transport has already.
    pub fn adopt(&mut self, options: SocketOptions, ends: Ends) -> Id {
        let id = self.next_id();
        let socket = Socket::adopted(id, options, ends, &mut self.turn);
        self.sockets.insert(id, socket);
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

    /// Tells servers that they lost a connection, and moves what is piped, until
    /// nothing follows from it any more.
    fn settle(&mut self) {
        loop {
            if let Some(id) = self.turn.departed.pop() {
                self.departed(id);
            } else if let Some((destination, sink)) = self.turn.piped_to.pop() {
                self.tell_sources(destination, sink);
            } else if let Some(id) = self.turn.flows.pop() {
                self.flow(id);
            } else if let Some(id) = self.turn.ended.pop() {
                let ending = self.sockets.get_mut(&id).map(Socket::ends);
                for destination in ending.into_iter().flatten() {
                    self.end(destination, None, None);
                }
            } else {
                return;
            }
        }
    }

    fn departed(&mut self, id: Id) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.departed(&mut self.turn);
            self.forget_server(id);
        }
    }

    fn tell_sources(&mut self, destination: Id, sink: Sink) {
        let Some(sources) = self.sources.get(&destination).cloned() else {
            return;
        };
        for source in sources {
            if let Some(socket) = self.sockets.get_mut(&source) {
                socket.piped_to(destination, sink, &mut self.turn);
            }
        }
        if sink == Sink::Gone {
            self.sources.remove(&destination);
        }
    }

    /// Sends what a socket has received to those it pipes to.
    fn flow(&mut self, id: Id) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let Some((data, destinations)) = socket.flow(&mut self.turn) else {
            return;
        };
        let Some((last, others)) = destinations.split_last() else {
            return;
        };
        for destination in others {
            self.pipe_to(id, *destination, data.clone());
        }
        self.pipe_to(id, *last, data);
    }

    fn pipe_to(&mut self, id: Id, destination: Id, data: Vec<u8>) {
        let Some(socket) = self.sockets.get_mut(&destination) else {
            return;
        };
        self.dirty.push(destination);
        let room = socket.take_piped(data, &mut self.turn);
        if !room && let Some(socket) = self.sockets.get_mut(&id) {
            socket.hold_for(destination);
        }
    }

    /// `socket.pipe()`.
    pub fn pipe(&mut self, id: Id, destination: Id, end: bool) {
        self.sources.entry(destination).or_default().push(id);
        self.with_socket(destination, |socket, _| socket.become_destination());
        self.with_socket(id, |socket, turn| socket.pipe(destination, end, turn));
    }

    /// `socket.unpipe()`.
    pub fn unpipe(&mut self, id: Id, destination: Option<Id>) {
        for (of, sources) in &mut self.sources {
            if destination.is_none_or(|destination| destination == *of) {
                sources.retain(|source| *source != id);
            }
        }
        self.turn.flows.push(id);
        self.with_socket(id, |socket, _| socket.unpipe(destination));
    }

    /// `socket.connect()`.
    pub fn connect(&mut self, id: Id, request: ConnectRequest) -> Result<(), Error> {
        let options = ConnectOptions::try_from(request)?;
        self.with_socket(id, |socket, turn| Some(socket.connect(options, turn)))
            .unwrap_or(Ok(()))
    }

    /// `socket.connect(path)`.
    pub fn connect_path(
        &mut self,
        id: Id,
        path: String,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.with_socket(id, |socket, turn| {
            Some(socket.connect_path(path, callback, turn))
        })
        .unwrap_or(Ok(()))
    }

    /// The program's answer to the event `lookup-request`.
    pub fn looked_up(&mut self, id: Id, outcome: Result<Vec<Resolved>, Error>) {
        self.with_socket(id, |socket, turn| socket.looked_up(outcome, turn));
    }

    /// `socket.setEncoding()`.
    pub fn set_encoding(&mut self, id: Id, encoding: Encoding) {
        self.with_socket(id, |socket, _| socket.set_encoding(encoding));
    }

    /// `socket.read()` after `setEncoding`.
    pub fn read_text(&mut self, id: Id) -> String {
        self.with_socket(id, Socket::read_text)
    }

    /// `socket.setTimeout()`, in milliseconds.
    pub fn set_timeout(&mut self, id: Id, timeout: u64, callback: Option<Callback>) {
        self.with_socket(id, |socket, turn| {
            socket.set_timeout(timeout, callback, turn)
        });
    }

    /// `socket.setKeepAlive()`; the delay in milliseconds.
    pub fn set_keep_alive(&mut self, id: Id, enable: bool, delay: u64) {
        self.with_socket(id, |socket, turn| {
            socket.set_keep_alive(enable, delay, turn)
        });
    }

    /// `socket.resetAndDestroy()`.
    pub fn reset_and_destroy(&mut self, id: Id) -> Result<(), Error> {
        self.with_socket(id, |socket, turn| Some(socket.reset_and_destroy(turn)))
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

    /// The host has taken more of a write that is under way.
    pub fn progressed(&mut self, id: Id) {
        self.with_socket(id, |socket, _| socket.progressed());
    }

    /// `streams`: what is received and sent goes by streams. The answer is the
    /// connection whose data that is; what follows is of no effect on a later one.
    pub fn stream(&mut self, id: Id) -> Result<u32, Error> {
        self.with_socket(id, |socket, _| Some(socket.stream()))
            .unwrap_or_else(|| Err(Error::destroyed("streams")))
    }

    /// What was received, for the stream that takes it and has taken what it was
    /// given before; empty if there is nothing yet, absent when nothing comes any
    /// more.
    pub fn read_streamed(&mut self, id: Id, life: u32) -> Option<Vec<u8>> {
        let data = self.with_socket(id, |socket, turn| socket.read_streamed(life, turn));
        self.forget_socket(id);
        data
    }

    /// The stream that took what a socket receives is gone, and has left something.
    pub fn stop_streaming(&mut self, id: Id, life: u32, left: Vec<u8>) {
        self.with_socket(id, |socket, turn| socket.stop_streaming(life, left, turn));
        self.forget_socket(id);
    }

    /// Whether the stream that is sent may go on; absent when nothing is sent any
    /// more.
    pub fn stream_has_room(&self, id: Id, life: u32) -> Option<bool> {
        self.sockets.get(&id)?.stream_has_room(life)
    }

    /// What came from the stream that is sent.
    pub fn write_streamed(&mut self, id: Id, life: u32, data: Vec<u8>) {
        self.dirty.push(id);
        self.with_socket(id, |socket, turn| socket.write_streamed(life, data, turn));
    }

    /// Nothing more comes from the stream that is sent.
    pub fn end_streamed(&mut self, id: Id, life: u32) {
        self.dirty.push(id);
        self.with_socket(id, |socket, turn| socket.end_streamed(life, turn));
        self.forget_socket(id);
    }

    /// `takeStreams`: the rules see nothing of the data any more. The transport
    /// reports [`Input::ShutDown`] and [`Input::PeerEnded`], or a failure.
    pub fn take_streams(&mut self, id: Id) -> Result<(), Error> {
        self.with_socket(id, |socket, _| Some(socket.take_streams()))
            .unwrap_or_else(|| Err(Error::not_connected()))
    }

    /// Whether a connection is read as soon as it stands.
    pub fn reads_at_once(&self, id: Id) -> bool {
        self.sockets
            .get(&id)
            .is_some_and(|socket| !socket.is_paused())
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

    /// It is that late, in milliseconds from some beginning. Earlier times are
    /// ignored.
    pub fn advance(&mut self, now: u64) {
        self.turn.advance(now);
    }

    /// Whether the rules have to know the time: `setTimeout` was called.
    pub fn uses_clock(&self) -> bool {
        self.uses_clock
    }

    /// From now on the rules have to know the time.
    pub fn use_clock(&mut self) {
        self.uses_clock = true;
    }

    /// When the next idle timeout may be due.
    pub fn next_deadline(&self) -> Option<u64> {
        self.turn.next_deadline()
    }

    /// Takes what the transport reports; it has its effect in a turn.
    pub fn input(&mut self, id: Id, input: Input) {
        // What a destroyed socket hears belongs to no connection of it any more.
        if self.sockets.get(&id).is_some_and(Socket::destroyed) {
            return;
        }
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
            || self
                .servers
                .values()
                .any(|server| self.is_server_alive(server))
            || self.sockets.values().any(Socket::is_alive)
    }

    /// A server that listens on what another one has closed hears nothing more.
    fn is_server_alive(&self, server: &Server) -> bool {
        let open = |handle| self.owners.contains_key(&handle);
        server.is_alive() && server.handle().is_none_or(open)
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
            self.sources.remove(&id);
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
            (Some(server), Job::Accepted(_)) => server.announce(&mut self.turn),
            (Some(server), Job::Dropped(ends)) => server.dropped(ends, &mut self.turn),
            (Some(server), Job::Input(input)) => server.input(input, &mut self.turn),
            (None, Job::Input(input)) => {
                self.with_socket(id, |socket, turn| socket.input(input, turn));
            }
            (None, Job::Accepted(_) | Job::Dropped(_)) => {}
        }
    }
}
