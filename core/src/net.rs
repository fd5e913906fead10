//! Every server and socket of a program, and how they affect each other.

use crate::agenda::{Agenda, Job, Sink, SocketTick, Step};
use crate::block_list::BlockList;
use crate::error::{Errno, Error};
use crate::event::{Callback, Event, ServerId, SocketId, Source};
use crate::server::{ListenOptions, ListenPathOptions, Server, ServerOptions};
use crate::socket::{ConnectOptions, ConnectRequest, Pipe, Selection, Socket, SocketOptions};
use crate::transport::{
    AcceptedId, Action, Endpoints, Generation, ListenerId, LookupId, Origin, Report,
};
use rustc_hash::FxHashMap as HashMap;
use std::net::{IpAddr, SocketAddr};

/// A listener.
#[derive(Debug)]
struct Listener {
    /// The server that gets its connections.
    owner: ServerId,
    /// How many accepted connections are no sockets yet.
    queued: usize,
}

/// The rules: the program's calls and the transport's reports change it, [`Net::run`] runs what
/// follows, [`Net::next_action`] returns what to ask of the transport.
#[derive(Debug, Default)]
pub(crate) struct Net {
    servers: HashMap<ServerId, Server>,
    /// In boxes: a table that doubles holds many places that are not taken.
    sockets: HashMap<SocketId, Box<Socket>>,
    listeners: HashMap<ListenerId, Listener>,
    /// Who waits for a lookup.
    lookups: HashMap<LookupId, Source>,
    /// The sources that pipe to a socket.
    sources: HashMap<SocketId, Vec<SocketId>>,
    /// Sockets that were written to since the last event was asked for.
    dirty: Vec<SocketId>,
    /// Sockets that were written to before that, to be sent together.
    batch: Vec<SocketId>,
    /// What a `connect` does that does not say.
    pub selection: Selection,
    pub agenda: Agenda,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stepped {
    /// It was run.
    Done,
    /// The transport's next socket that is ready is due.
    Ready,
}

impl Net {
    // ---- servers ----

    pub fn create_server(&mut self, options: ServerOptions) -> ServerId {
        let id = ServerId(self.agenda.object());
        self.servers.insert(id, Server::new(id, options));
        id
    }

    pub fn server(&self, id: ServerId) -> Option<&Server> {
        self.servers.get(&id)
    }

    pub fn listen(&mut self, id: ServerId, options: ListenOptions) -> Result<(), Error> {
        let Some(server) = self.servers.get_mut(&id) else {
            return Ok(());
        };
        if let Some(lookup) = server.listen(options, &mut self.agenda)? {
            self.lookups.insert(lookup, id.into());
        }
        Ok(())
    }

    pub fn listen_path(&mut self, id: ServerId, options: ListenPathOptions) -> Result<(), Error> {
        match self.servers.get_mut(&id) {
            Some(server) => server.listen_path(options, &mut self.agenda),
            None => Ok(()),
        }
    }

    pub fn listen_fd(
        &mut self,
        id: ServerId,
        fd: u32,
        backlog: Option<u32>,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.check_not_listening(id)?;
        if let Some(server) = self.servers.get_mut(&id) {
            server.listen_fd(fd, backlog, callback, &mut self.agenda);
        }
        Ok(())
    }

    /// Row S19's sibling: on what another one has. One that has a path cannot be shared: libuv
    /// would watch its descriptor twice.
    pub fn listen_on_server(
        &mut self,
        id: ServerId,
        other: ServerId,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.check_not_listening(id)?;
        let shared = self.servers.get(&other);
        let shared = shared.and_then(|other| Some((other.listener()?, other.address())));
        let (listener, address) = shared.ok_or_else(|| Error::nothing_to_listen_on("Server"))?;
        let Some(server) = self.servers.get_mut(&id) else {
            return Ok(());
        };
        match address {
            Some(address) => {
                if let Some(listener) = self.listeners.get_mut(&listener) {
                    listener.owner = id;
                }
                server.share(listener, address, callback, &mut self.agenda);
            }
            None => server.fail_to_listen(Errno("EEXIST"), callback, &mut self.agenda),
        }
        Ok(())
    }

    /// `server.listen(socket)`: fails, at once if the socket has no connection.
    pub fn listen_on_socket(
        &mut self,
        id: ServerId,
        socket: SocketId,
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
            server.fail_to_listen(errno, callback, &mut self.agenda);
        }
        Ok(())
    }

    fn check_not_listening(&self, id: ServerId) -> Result<(), Error> {
        if self.servers.get(&id).is_some_and(Server::listening) {
            Err(Error::server_already_listen())
        } else {
            Ok(())
        }
    }

    /// The outcome of a listen. A listener that no server waits for is closed.
    pub fn listened(&mut self, listener: ListenerId, outcome: Result<Option<SocketAddr>, Errno>) {
        let mut servers = self.servers.values_mut();
        match servers.find(|server| server.is_binding(listener)) {
            Some(server) => {
                if outcome.is_ok() {
                    let owner = server.id();
                    self.listeners
                        .insert(listener, Listener { owner, queued: 0 });
                }
                server.listened(outcome, &mut self.agenda);
            }
            None if outcome.is_ok() => self.agenda.act(Action::CloseListener(listener)),
            None => {}
        }
    }

    fn owner(&self, listener: ListenerId) -> Option<(&Listener, &Server)> {
        let listening = self.listeners.get(&listener)?;
        let owner = self.servers.get(&listening.owner)?;
        (owner.listener() == Some(listener)).then_some((listening, owner))
    }

    pub fn accepts(&self, listener: ListenerId) -> bool {
        self.owner(listener)
            .is_some_and(|(listener, owner)| owner.accepts(listener.queued))
    }

    pub fn accepted(&mut self, listener: ListenerId, endpoints: Endpoints) -> AcceptedId {
        let accepted = self.agenda.accepted();
        self.queued(listener);
        self.agenda
            .job(Job::Accepted(listener, accepted, endpoints));
        accepted
    }

    fn queued(&mut self, listener: ListenerId) {
        if let Some(listener) = self.listeners.get_mut(&listener) {
            listener.queued += 1;
        }
    }

    /// The number of the connection that is about to be accepted.
    pub fn number_accepted(&mut self) -> AcceptedId {
        self.agenda.accepted()
    }

    /// It was accepted, in this poll.
    pub fn accepted_now(
        &mut self,
        listener: ListenerId,
        accepted: AcceptedId,
        endpoints: Endpoints,
    ) {
        self.queued(listener);
        self.agenda
            .job_now(Job::Accepted(listener, accepted, endpoints));
    }

    /// An accepted connection becomes a socket of the listener's current owner.
    fn connection(&mut self, listener: ListenerId, accepted: AcceptedId, endpoints: Endpoints) {
        let did_accept = self.accepts(listener);
        if let Some(listener) = self.listeners.get_mut(&listener) {
            listener.queued -= 1;
        }
        let Some((listening, owner)) = self.owner(listener) else {
            self.agenda.act(Action::Refuse(accepted));
            return;
        };
        let (full, blocked) = (owner.is_full(), owner.blocks(endpoints));
        let (owner, options) = (listening.owner, owner.options());
        let Some(server) = self.servers.get_mut(&owner) else {
            return;
        };
        if full {
            self.agenda.act(Action::Refuse(accepted));
            server.dropped(endpoints, &mut self.agenda);
        } else if blocked {
            self.agenda.act(Action::Refuse(accepted));
        } else {
            let id = SocketId(self.agenda.object());
            let origin = Origin::Accepted(accepted);
            self.agenda.act(Action::Open { socket: id, origin });
            let socket = Socket::accepted(
                id,
                owner,
                options.of_sockets(),
                options.pause_on_connect,
                endpoints,
                &mut self.agenda,
            );
            self.sockets.insert(id, Box::new(socket));
            server.connected(id, &mut self.agenda);
        }
        self.accept_on(listener, did_accept);
    }

    /// Tells the transport to accept again, if it stopped.
    fn accept_on(&mut self, listener: ListenerId, did_accept: bool) {
        if !did_accept && self.accepts(listener) {
            self.agenda.act(Action::Accept(listener));
        }
    }

    pub fn get_connections(&mut self, id: ServerId, callback: Callback) {
        if let Some(server) = self.servers.get(&id) {
            server.get_connections(callback, &mut self.agenda);
        }
    }

    pub fn set_max_connections(&mut self, id: ServerId, value: Option<usize>) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.set_max_connections(value);
        }
    }

    pub fn set_server_block_list(&mut self, id: ServerId, block_list: BlockList) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.set_block_list(block_list);
        }
    }

    pub fn accept(&mut self, id: ServerId) -> Option<SocketId> {
        let listener = self.servers.get(&id)?.listener();
        let did_accept = listener.is_some_and(|listener| self.accepts(listener));
        let socket = self.servers.get_mut(&id)?.accept(&self.agenda)?;
        if let Some(listener) = listener {
            self.accept_on(listener, did_accept);
        }
        Some(socket)
    }

    pub fn close(&mut self, id: ServerId, callback: Option<Callback>) {
        if let Some(server) = self.servers.get_mut(&id) {
            if let Some(listener) = server.listener() {
                self.listeners.remove(&listener);
            }
            server.close(callback, &mut self.agenda);
        }
    }

    pub fn set_server_ref(&mut self, id: ServerId, refed: bool) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.set_ref(refed);
        }
    }

    pub fn drop_server(&mut self, id: ServerId) {
        let Some(server) = self.servers.get_mut(&id) else {
            return;
        };
        if let Some(listener) = server.listener() {
            self.listeners.remove(&listener);
        }
        for socket in server.drop_handle(&mut self.agenda) {
            self.destroy(socket, None);
            self.drop_socket(socket);
        }
        self.forget_server(id);
    }

    fn forget_server(&mut self, id: ServerId) {
        if self.servers.get(&id).is_some_and(Server::is_gone) {
            self.servers.remove(&id);
        }
    }

    // ---- sockets ----

    pub fn create_socket(&mut self, options: SocketOptions) -> SocketId {
        let id = SocketId(self.agenda.object());
        self.sockets.insert(id, Box::new(Socket::new(id, options)));
        id
    }

    /// A number for a socket that [`Net::adopt`] makes.
    pub fn reserve_socket(&mut self) -> SocketId {
        SocketId(self.agenda.object())
    }

    pub fn adopt(&mut self, id: SocketId, options: SocketOptions, endpoints: Endpoints) {
        let socket = Socket::adopted(id, options, endpoints, &mut self.agenda);
        self.sockets.insert(id, Box::new(socket));
    }

    pub fn socket(&self, id: SocketId) -> Option<&Socket> {
        self.sockets.get(&id).map(Box::as_ref)
    }

    /// Calls a method of a socket, and settles its effects on others.
    pub fn with_socket<T: Default>(
        &mut self,
        id: SocketId,
        call: impl FnOnce(&mut Socket, &mut Agenda) -> T,
    ) -> T {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return T::default();
        };
        let outcome = call(socket, &mut self.agenda);
        self.settle();
        outcome
    }

    /// Tells servers about lost connections and moves piped data, until nothing follows.
    fn settle(&mut self) {
        loop {
            if let Some(id) = self.agenda.departed.pop() {
                self.departed(id);
            } else if let Some((destination, sink)) = self.agenda.piped_to.pop() {
                self.tell_sources(destination, sink);
            } else if let Some(id) = self.agenda.flows.pop() {
                self.flow(id);
            } else if let Some(id) = self.agenda.ended.pop() {
                let pipes = self.sockets.get_mut(&id).map(|socket| socket.take_pipes());
                for Pipe {
                    destination, end, ..
                } in pipes.into_iter().flatten()
                {
                    self.unpiped(id, destination);
                    if end {
                        self.end(destination, None, None);
                    }
                }
            } else if let Some((id, destination)) = self.agenda.unpiped.pop() {
                self.unpiped(id, destination);
            } else {
                return;
            }
        }
    }

    fn departed(&mut self, id: ServerId) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.departed(&mut self.agenda);
            self.forget_server(id);
        }
    }

    fn tell_sources(&mut self, destination: SocketId, sink: Sink) {
        let Some(sources) = self.sources.get(&destination).cloned() else {
            return;
        };
        for source in sources {
            if let Some(socket) = self.sockets.get_mut(&source) {
                socket.piped_to(destination, sink, &mut self.agenda);
            }
        }
        if sink == Sink::Gone {
            self.sources.remove(&destination);
        }
    }

    /// Sends what a socket has received to those it pipes to.
    fn flow(&mut self, id: SocketId) {
        let Some(socket) = self.sockets.get_mut(&id) else {
            return;
        };
        let Some((data, destinations)) = socket.flow(&mut self.agenda) else {
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

    fn pipe_to(&mut self, id: SocketId, destination: SocketId, data: Vec<u8>) {
        let Some(socket) = self.sockets.get_mut(&destination) else {
            return;
        };
        let room = socket.take_piped(data, &mut self.agenda);
        self.is_dirty(destination);
        if !room && let Some(socket) = self.sockets.get_mut(&id) {
            socket.hold_for(destination);
        }
    }

    pub fn pipe(&mut self, id: SocketId, destination: SocketId, end: bool) {
        self.sources.entry(destination).or_default().push(id);
        self.with_socket(destination, |socket, _| socket.become_destination());
        self.with_socket(id, |socket, agenda| socket.pipe(destination, end, agenda));
    }

    pub fn unpipe(&mut self, id: SocketId, destination: Option<SocketId>) {
        for (of, sources) in &mut self.sources {
            if destination.is_none_or(|destination| destination == *of) {
                sources.retain(|source| *source != id);
            }
        }
        self.agenda.flows.push(id);
        self.with_socket(id, |socket, _| socket.unpipe(destination));
    }

    /// A socket pipes nothing to another one any more.
    fn unpiped(&mut self, id: SocketId, destination: SocketId) {
        if let Some(sources) = self.sources.get_mut(&destination) {
            sources.retain(|source| *source != id);
        }
    }

    pub fn connect(&mut self, id: SocketId, request: ConnectRequest) -> Result<(), Error> {
        let options = ConnectOptions::new(request, self.selection)?;
        let lookup = self
            .with_socket(id, |socket, agenda| Some(socket.connect(options, agenda)))
            .unwrap_or(Ok(None))?;
        if let Some(lookup) = lookup {
            self.lookups.insert(lookup, id.into());
        }
        Ok(())
    }

    pub fn connect_path(
        &mut self,
        id: SocketId,
        path: String,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.with_socket(id, |socket, agenda| {
            Some(socket.connect_path(path, callback, agenda))
        })
        .unwrap_or(Ok(()))
    }

    /// False if the data was not taken. Otherwise the answer is that of
    /// [`Net::write_returns`], once the actions were carried out.
    pub fn write(
        &mut self,
        id: SocketId,
        sent: usize,
        rest: Vec<u8>,
        callback: Option<Callback>,
    ) -> bool {
        self.is_dirty(id);
        self.with_socket(id, |socket, agenda| {
            socket.write_ahead(sent, rest, callback, agenda)
        })
    }

    /// Remembers to flush a socket.
    fn is_dirty(&mut self, id: SocketId) {
        // Many writes in a row are usually of one.
        if self.dirty.last() != Some(&id) {
            self.dirty.push(id);
        }
    }

    /// What a `write` that took its data answers.
    pub fn write_returns(&mut self, id: SocketId) -> bool {
        self.with_socket(id, |socket, _| socket.write_returns())
    }

    /// Hands what was written to a socket to the transport.
    pub fn flush(&mut self, id: SocketId) {
        self.with_socket(id, Socket::flush);
    }

    /// Hands what was written to any socket to the transport. False if there is nothing.
    pub fn flush_all(&mut self) -> bool {
        let some = !self.batch.is_empty() || !self.dirty.is_empty();
        self.flush_batch();
        self.flush_dirty(Self::flush);
        some
    }

    /// The same, except for small writes that [can wait](Socket::sends_later), if there are fewer of
    /// them than `most`. True if there were as many.
    pub fn flush_most(&mut self, most: usize) -> bool {
        self.flush_dirty(|net, id| {
            if most > 1 && net.with_socket(id, Socket::sends_later) {
                net.batch.push(id);
            } else {
                net.flush(id);
            }
        });
        let full = self.has_batch() && self.batch.len() >= most;
        if full {
            self.flush_batch();
        }
        full
    }

    fn flush_dirty(&mut self, mut flush: impl FnMut(&mut Self, SocketId)) {
        if self.dirty.is_empty() {
            return;
        }
        let mut dirty = std::mem::take(&mut self.dirty);
        for id in dirty.drain(..) {
            flush(self, id);
        }
        // With its memory, unless more was written meanwhile.
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
    }

    /// Hands the small writes to the transport that wait to be sent together.
    pub fn flush_batch(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let mut batch = std::mem::take(&mut self.batch);
        for id in batch.drain(..) {
            self.with_socket(id, Socket::hand_over);
        }
        if self.batch.is_empty() {
            self.batch = batch;
        }
    }

    /// Whether small writes wait to be sent together.
    pub fn has_batch(&self) -> bool {
        !self.batch.is_empty()
    }

    pub fn end(&mut self, id: SocketId, data: Option<Vec<u8>>, callback: Option<Callback>) {
        self.is_dirty(id);
        self.with_socket(id, |socket, agenda| socket.end(data, callback, agenda));
    }

    /// What was written is to be flushed before.
    pub fn destroy(&mut self, id: SocketId, error: Option<Error>) {
        self.with_socket(id, |socket, agenda| socket.destroy(error, agenda));
    }

    pub fn destroy_soon(&mut self, id: SocketId) {
        self.is_dirty(id);
        self.with_socket(id, Socket::destroy_soon);
    }

    /// The program has dropped a socket. What was written is to be flushed before.
    pub fn drop_socket(&mut self, id: SocketId) {
        self.with_socket(id, Socket::drop_handle);
        self.forget_socket(id);
    }

    fn forget_socket(&mut self, id: SocketId) {
        if self.sockets.get(&id).is_some_and(|socket| socket.is_gone()) {
            self.sockets.remove(&id);
            self.sources.remove(&id);
        }
    }

    // ---- streams ----

    pub fn read_streamed(&mut self, id: SocketId, generation: Generation) -> Option<Vec<u8>> {
        let data = self.with_socket(id, |socket, agenda| {
            socket.read_streamed(generation, agenda)
        });
        self.forget_socket(id);
        data
    }

    pub fn stop_streaming(&mut self, id: SocketId, generation: Generation, left: Vec<u8>) {
        self.with_socket(id, |socket, agenda| {
            socket.stop_streaming(generation, left, agenda);
        });
        self.forget_socket(id);
    }

    pub fn stream_has_room(&self, id: SocketId, generation: Generation) -> Option<bool> {
        self.sockets.get(&id)?.stream_has_room(generation)
    }

    pub fn write_streamed(
        &mut self,
        id: SocketId,
        generation: Generation,
        sent: usize,
        rest: Vec<u8>,
    ) {
        self.is_dirty(id);
        self.with_socket(id, |socket, agenda| {
            socket.write_streamed(generation, sent, rest, agenda);
        });
    }

    pub fn end_streamed(&mut self, id: SocketId, generation: Generation) {
        self.is_dirty(id);
        self.with_socket(id, |socket, agenda| socket.end_streamed(generation, agenda));
        self.forget_socket(id);
    }

    // ---- what the transport reports ----

    /// A report about a destroyed socket concerns no connection of it any more.
    fn concerns(&self, id: SocketId) -> bool {
        self.sockets
            .get(&id)
            .is_some_and(|socket| !socket.destroyed())
    }

    pub fn report(&mut self, id: SocketId, report: Report) {
        if self.concerns(id) {
            self.agenda.job(Job::Socket(id, report));
        }
    }

    /// The same, of a socket that is ready in this poll.
    pub fn report_now(&mut self, id: SocketId, report: Report) {
        if self.concerns(id) {
            self.agenda.job_now(Job::Socket(id, report));
        }
    }

    pub fn looked_up(&mut self, lookup: LookupId, outcome: Result<Vec<IpAddr>, Errno>) {
        self.agenda.job(Job::LookedUp(lookup, outcome));
    }

    pub fn looked_up_now(&mut self, lookup: LookupId, outcome: Result<Vec<IpAddr>, Errno>) {
        self.agenda.job_now(Job::LookedUp(lookup, outcome));
    }

    // ---- steps ----

    /// The next action. What was written before goes first.
    pub fn next_action(&mut self) -> Option<Action> {
        let action = self.agenda.actions.front()?;
        if !self.batch.is_empty() && action.reaches_a_peer() {
            let later = std::mem::take(&mut self.agenda.actions);
            self.flush_batch();
            self.agenda.actions.extend(later);
        }
        self.agenda.actions.pop_front()
    }

    /// Whether a step may follow right away.
    pub fn has_work(&self) -> bool {
        self.agenda.has_work() || !self.dirty.is_empty() || !self.batch.is_empty()
    }

    /// Whether an event can follow that the program waits for.
    pub fn is_alive(&self) -> bool {
        self.has_work()
            || self
                .servers
                .values()
                .any(|server| self.is_server_alive(server))
            || self.sockets.values().any(|socket| socket.is_alive())
    }

    /// A server that shares a listener which another one closed gets nothing more.
    fn is_server_alive(&self, server: &Server) -> bool {
        let open = |listener| self.listeners.contains_key(&listener);
        server.is_alive() && server.listener().is_none_or(open)
    }

    /// How many servers and sockets there are.
    pub fn len(&self) -> usize {
        self.servers.len() + self.sockets.len()
    }

    /// About how many bytes are held for the program: data, and what stands for its objects and
    /// calls.
    pub fn held(&self) -> usize {
        const ENTRY: usize = 128;
        let data: usize = self.sockets.values().map(|socket| socket.held()).sum();
        data + self.len() * size_of::<Socket>() + self.records() * ENTRY
    }

    /// How many entries there are in all tables.
    pub fn records(&self) -> usize {
        let sources: usize = self.sources.values().map(Vec::len).sum();
        self.len()
            + self.listeners.len()
            + self.lookups.len()
            + self.sources.len()
            + sources
            + self.dirty.len()
            + self.batch.len()
            + self.agenda.len()
    }

    pub fn check_invariants(&self) {
        for socket in self.sockets.values() {
            socket.check_invariants();
        }
        for (id, server) in &self.servers {
            let sockets = self.sockets.values();
            let connections = sockets
                .filter(|socket| socket.server() == Some(*id))
                .count();
            assert_eq!(server.connections(), connections, "{server:?}");
        }
    }

    pub fn take_event(&mut self) -> Option<Event> {
        self.agenda.take_event()
    }

    /// The next step. What was written to its socket before is flushed, so that it is the same step
    /// whether that has waited or not.
    pub fn next_step(&mut self) -> Option<Step> {
        let step = self.agenda.next()?;
        if step.socket().is_some_and(|id| self.batch.contains(&id)) {
            self.flush_batch();
        }
        Some(step)
    }

    /// Runs a step.
    pub fn run(&mut self, step: Step) -> Stepped {
        match step {
            Step::Ready => return Stepped::Ready,
            Step::Socket(id, tick) => {
                let last = matches!(tick, SocketTick::Close);
                self.with_socket(id, |socket, agenda| socket.tick(tick, agenda));
                if last {
                    self.forget_socket(id);
                }
            }
            Step::Server(id, tick) => {
                if let Some(server) = self.servers.get_mut(&id) {
                    server.tick(tick, &mut self.agenda);
                    self.forget_server(id);
                }
            }
            Step::Timer(id, timer) => {
                self.with_socket(id, |socket, agenda| socket.timer(timer, agenda));
            }
            Step::Job(Job::Socket(id, report)) => {
                self.with_socket(id, |socket, agenda| socket.report(report, agenda));
            }
            Step::Job(Job::Accepted(listener, accepted, endpoints)) => {
                self.connection(listener, accepted, endpoints);
            }
            Step::Job(Job::LookedUp(lookup, outcome)) => match self.lookups.remove(&lookup) {
                Some(Source::Server(id)) => {
                    if let Some(server) = self.servers.get_mut(&id) {
                        server.looked_up(lookup, outcome, &mut self.agenda);
                    }
                }
                Some(Source::Socket(id)) => self.with_socket(id, |socket, agenda| {
                    socket.host_looked_up(lookup, outcome, agenda);
                }),
                None => {}
            },
            Step::Closing(closing) => {
                let id = closing.socket;
                self.with_socket(id, |socket, agenda| socket.closed(&closing, agenda));
                self.forget_socket(id);
            }
        }
        Stepped::Done
    }
}
