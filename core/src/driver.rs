//! Drives the rules over a [`Transport`].

use crate::block_list::BlockList;
use crate::encoding::Encoding;
use crate::error::{Errno, Error};
use crate::event::{Callback, Event, ServerId, SocketId};
use crate::ip::Zone;
use crate::lookup::Resolved;
use crate::net::{Net, Stepped};
use crate::server::{ListenOptions, ListenPathOptions, Server, ServerOptions};
use crate::socket::{ConnectRequest, Selection, Socket, SocketOptions};
use crate::transport::{
    AcceptedId, Action, AdoptError, ConnectTo, Endpoints, Generation, ListenAt, ListenerId,
    LookupId, Ready, Report, Transport, Written,
};
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;

/// Every server and socket of a program, over a [`Transport`].
///
/// - The program's calls: [`create_server`](Self::create_server),
///   [`create_socket`](Self::create_socket), [`server`](Self::server) and [`socket`](Self::socket)
///   to read properties, [`server_mut`](Self::server_mut) and [`socket_mut`](Self::socket_mut) to
///   call methods. An unknown id has no effect.
/// - The events: [`next`](Self::next) decides and returns the next one;
///   [`is_ready`](Self::is_ready) tells whether there is one. If there is none, wait for the
///   transport or until [`next_deadline`](Self::next_deadline), as long as the program [is
///   alive](Self::is_alive).
/// - The transport's reports: [`report`](Self::report), [`accepted`](Self::accepted),
///   [`listened`](Self::listened), [`looked_up`](Self::looked_up),
///   [`progressed`](Self::progressed). They take effect in `next` or `is_ready`.
///
/// Every call carries out the actions of the rules before it returns.
#[derive(Debug, Default)]
pub struct Driver<T> {
    net: Net,
    transport: T,
    clock: Clock,
    pace: Pace,
    /// When the first of the writes was kept that wait to be sent together.
    batch_since: u64,
}

/// How fast the program's handlers are: an answer does not wait for slow ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Pace {
    #[default]
    Fast,
    /// Those of the last batch took more than [`FAST`]. Until the program waits.
    Slow,
}

/// How many milliseconds the handlers of a batch may take.
const FAST: u64 = 1;

/// Whether the rules need the time. Reading the clock has a cost, so it waits until something
/// depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Clock {
    #[default]
    Unused,
    Used,
}

impl<T: Transport> Driver<T> {
    /// No servers and no sockets.
    pub fn new(transport: T) -> Self {
        Self {
            net: Net::default(),
            transport,
            clock: Clock::default(),
            pace: Pace::default(),
            batch_since: 0,
        }
    }

    /// The transport.
    pub fn transport(&self) -> &T {
        &self.transport
    }

    /// The transport, for the code that drives it.
    pub fn transport_mut(&mut self) -> &mut T {
        &mut self.transport
    }

    // ---- the program ----

    /// `net.createServer()`.
    pub fn create_server(&mut self, options: ServerOptions) -> ServerId {
        self.net.create_server(options)
    }

    /// The properties of a server.
    pub fn server(&self, id: ServerId) -> Option<&Server> {
        self.net.server(id)
    }

    /// The methods of a server.
    pub fn server_mut(&mut self, id: ServerId) -> ServerMut<'_, T> {
        ServerMut { driver: self, id }
    }

    /// `new net.Socket()`.
    pub fn create_socket(&mut self, options: SocketOptions) -> SocketId {
        self.net.create_socket(options)
    }

    /// `new net.Socket({ fd })`: of an inherited connection.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_FD_TYPE` if the descriptor is no connection, or the system's error.
    pub fn adopt(&mut self, fd: u32, options: SocketOptions) -> Result<SocketId, Error> {
        self.look_at_clock();
        let id = self.net.reserve_socket();
        let endpoints = self.transport.adopt(id, fd).map_err(|error| match error {
            AdoptError::Kind(kind) => Error::invalid_fd_type(kind),
            AdoptError::Failed(errno) => Error::system(errno, "open"),
        })?;
        self.net.adopt(id, options, endpoints);
        self.carry_out();
        Ok(id)
    }

    /// The properties of a socket.
    pub fn socket(&self, id: SocketId) -> Option<&Socket> {
        self.net.socket(id)
    }

    /// The methods of a socket.
    pub fn socket_mut(&mut self, id: SocketId) -> SocketMut<'_, T> {
        SocketMut { driver: self, id }
    }

    /// `net.getDefaultAutoSelectFamily()` and its sibling.
    pub fn selection(&self) -> Selection {
        self.net.selection
    }

    /// `net.setDefaultAutoSelectFamily()`.
    pub fn set_auto_select_family(&mut self, value: bool) {
        self.net.selection.auto_select_family = value;
    }

    /// `net.setDefaultAutoSelectFamilyAttemptTimeout()`, in milliseconds.
    ///
    /// # Errors
    ///
    /// `ERR_OUT_OF_RANGE`.
    pub fn set_attempt_timeout(&mut self, milliseconds: u32) -> Result<(), Error> {
        self.net.selection.set_attempt_timeout(milliseconds)
    }

    /// Decides and takes the next event; absent when nothing is left for now. What the program
    /// has called since the last one has had its effect, and what it has written is sent. Small writes
    /// to several sockets are sent together if the transport [prefers that](Transport::sends_together):
    /// a few handlers later at most, at once where handlers are slow, before anything else reaches a
    /// peer, and when the program waits ([`is_ready`](Self::is_ready), [`flush`](Self::flush)).
    #[allow(clippy::should_implement_trait, reason = "named as the contract is")]
    pub fn next(&mut self) -> Option<Event> {
        self.look_at_clock();
        let kept = self.net.has_batch();
        self.decide();
        if !kept && self.net.has_batch() {
            self.batch_since = self.transport.now();
        }
        self.net.take_event()
    }

    /// Whether there is an event for [`next`](Self::next). Decides it without taking it: calls
    /// before `next` still take effect.
    pub fn is_ready(&mut self) -> bool {
        self.look_at_clock();
        self.pace = Pace::Fast;
        self.net.flush_all();
        self.decide();
        self.net.agenda.has_event()
    }

    /// Sends what [`next`](Self::next) has kept to send it together: the program waits for something
    /// else.
    pub fn flush(&mut self) {
        self.net.flush_batch();
        self.carry_out();
    }

    /// Whether there is something to [flush](Self::flush).
    pub fn keeps_writes(&self) -> bool {
        self.net.has_batch()
    }

    /// Runs the rules until there is an event, or nothing is left.
    fn decide(&mut self) {
        loop {
            self.flush_most();
            self.carry_out();
            if self.net.agenda.has_event() {
                return;
            }
            if self.transport.has_ready() {
                self.net.agenda.found();
            }
            match self.net.next_step() {
                None if !self.net.flush_all() => return,
                None => {}
                Some(step) => {
                    self.carry_out();
                    match self.net.run(step) {
                        Stepped::Done => {}
                        Stepped::Ready => self.next_ready(),
                    }
                }
            }
        }
    }

    /// Hands what was written to the transport, except for a batch of small writes.
    fn flush_most(&mut self) {
        let most = match self.pace {
            Pace::Fast => self.transport.sends_together(),
            Pace::Slow => 1,
        };
        let full = self.net.flush_most(most);
        if full && self.transport.now() > self.batch_since + FAST {
            self.pace = Pace::Slow;
        }
    }

    /// Has the transport do what its next socket is ready for.
    fn next_ready(&mut self) {
        let Some(ready) = self.transport.next_ready() else {
            self.net.agenda.found_no_more();
            return;
        };
        match ready {
            Ready::Socket(id, report) => self.net.report_now(id, report),
            Ready::Progressed(id) => self.progressed(id),
            Ready::LookedUp(lookup, outcome) => self.net.looked_up_now(lookup, outcome),
            Ready::Listener(listener) => {
                if self.net.accepts(listener) {
                    let accepted = self.net.number_accepted();
                    if let Some(endpoints) = self.transport.accept_ready(listener, accepted) {
                        self.net.accepted_now(listener, accepted, endpoints);
                    }
                }
            }
            Ready::Nothing => {}
        }
    }

    /// Whether an event can follow that the program waits for.
    pub fn is_alive(&self) -> bool {
        self.net.is_alive()
    }

    /// When to call [`next`](Self::next) again even without a report: milliseconds of
    /// [`Transport::now`].
    pub fn next_deadline(&self) -> Option<u64> {
        self.net.agenda.next_deadline()
    }

    /// How many servers and sockets there are.
    pub fn len(&self) -> usize {
        self.net.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes the rules hold for the program: what it has written and the transport has
    /// not sent, what was received and is not read, and what stands for its objects and calls. It looks
    /// at every socket.
    pub fn held(&self) -> usize {
        self.net.held()
    }

    /// How many entries all the rules' tables have: what is over has to leave none.
    #[doc(hidden)]
    pub fn records(&self) -> usize {
        self.net.records()
    }

    // ---- the transport ----

    /// Something happened to a socket.
    pub fn report(&mut self, id: SocketId, report: Report) {
        self.net.report(id, report);
    }

    /// A listener accepted a connection. The transport keeps it under this number until it is told
    /// to [open](Transport::open) or [refuse](Transport::refuse) it.
    pub fn accepted(&mut self, listener: ListenerId, endpoints: Endpoints) -> AcceptedId {
        self.net.accepted(listener, endpoints)
    }

    /// Whether a listener should accept more. [`Transport::accept`] tells when that becomes true
    /// again.
    pub fn accepts(&self, listener: ListenerId) -> bool {
        self.net.accepts(listener)
    }

    /// The outcome of a [`Transport::listen`] that was pending.
    pub fn listened(&mut self, listener: ListenerId, outcome: Result<Option<SocketAddr>, Errno>) {
        self.net.listened(listener, outcome);
        self.carry_out();
    }

    /// The outcome of [`Transport::look_up`].
    pub fn looked_up(&mut self, lookup: LookupId, outcome: Result<Vec<IpAddr>, Errno>) {
        self.net.looked_up(lookup, outcome);
    }

    /// The host has taken more of a write, but not all.
    pub fn progressed(&mut self, id: SocketId) {
        self.net.with_socket(id, |socket, _| socket.progressed());
    }

    // ---- streams ----

    /// The next bytes for the stream of received data, which has taken the previous ones; empty if
    /// there are none yet, absent at the end.
    pub fn read_streamed(&mut self, id: SocketId, generation: Generation) -> Option<Vec<u8>> {
        self.call(|net| net.read_streamed(id, generation))
    }

    /// The stream of received data was dropped, and left these bytes.
    pub fn stop_streaming(&mut self, id: SocketId, generation: Generation, left: Vec<u8>) {
        self.call(|net| net.stop_streaming(id, generation, left));
    }

    /// Whether the stream of outgoing data may go on; absent when nothing more is sent.
    pub fn stream_has_room(&self, id: SocketId, generation: Generation) -> Option<bool> {
        self.net.stream_has_room(id, generation)
    }

    /// Bytes of the outgoing stream. The transport may have sent some of them ahead
    /// ([`writes_through`](Self::writes_through)).
    pub fn write_streamed(
        &mut self,
        id: SocketId,
        generation: Generation,
        sent: usize,
        rest: Vec<u8>,
    ) {
        self.call(|net| net.write_streamed(id, generation, sent, rest));
    }

    /// Whether a `write` of so many bytes would give them to the transport at once, and alone.
    ///
    /// Whoever can send them from where they lie may do so if this is true, and then has to call
    /// [`SocketMut::write_ahead`] or [`write_streamed`](Self::write_streamed) next, with what is
    /// left. That saves a copy.
    pub fn writes_through(&self, id: SocketId, length: usize) -> bool {
        let socket = self.net.socket(id);
        socket.is_some_and(|socket| socket.writes_through(length))
    }

    /// The end of the outgoing stream.
    pub fn end_streamed(&mut self, id: SocketId, generation: Generation) {
        self.call(|net| net.end_streamed(id, generation));
    }

    // ---- carrying out ----

    /// Panics if states contradict each other.
    pub fn check_invariants(&self) {
        self.net.check_invariants();
    }

    fn look_at_clock(&mut self) {
        if self.clock == Clock::Used {
            self.net.agenda.advance(self.transport.now());
        }
    }

    fn use_clock(&mut self) {
        self.clock = Clock::Used;
        self.look_at_clock();
    }

    fn call<R>(&mut self, call: impl FnOnce(&mut Net) -> R) -> R {
        self.look_at_clock();
        let outcome = call(&mut self.net);
        self.carry_out();
        outcome
    }

    /// Carries out the rules' actions, in order.
    fn carry_out(&mut self) {
        while let Some(action) = self.net.next_action() {
            let Self { net, transport, .. } = self;
            match action {
                Action::LookUp { lookup, request } => transport.look_up(lookup, request),
                Action::Listen {
                    listener,
                    mut at,
                    zone,
                    settings,
                } => {
                    if let ListenAt::Address(at) = &mut at {
                        set_zone(transport, at, zone);
                    }
                    if let Poll::Ready(outcome) = transport.listen(listener, &at, settings) {
                        net.listened(listener, outcome);
                    }
                }
                Action::CloseListener(listener) => transport.close_listener(listener),
                Action::Accept(listener) => transport.accept(listener),
                Action::Refuse(accepted) => transport.refuse(accepted),
                Action::Connect {
                    socket,
                    attempt,
                    mut to,
                    zones,
                } => {
                    if let ConnectTo::Address { remote, local } = &mut to {
                        set_zone(transport, remote, zones.remote);
                        if let Some(local) = local {
                            set_zone(transport, local, zones.local);
                        }
                    }
                    transport.connect(socket, attempt, to);
                }
                Action::FailConnecting {
                    socket,
                    attempt,
                    error,
                } => {
                    let error = error.with_local(transport.local_end(socket, attempt));
                    net.with_socket(socket, |socket, agenda| socket.destroy(Some(error), agenda));
                }
                Action::AbortConnect { socket, attempt } => {
                    transport.abort_connect(socket, attempt);
                }
                Action::Open { socket, origin } => transport.open(socket, origin),
                Action::Read(socket) => transport.read(socket),
                Action::Write { socket, sent, data } => {
                    // Nothing to send is nothing to ask the host for.
                    let written = if data.is_empty() {
                        Written::All
                    } else {
                        match transport.write(socket, data) {
                            Written::Some(bytes) => Written::Some(sent + bytes),
                            written => written,
                        }
                    };
                    net.with_socket(socket, |socket, agenda| socket.written(written, agenda));
                }
                Action::ShutDown(socket) => {
                    if let Poll::Ready(report) = transport.shut_down(socket) {
                        net.report(socket, report);
                    }
                }
                Action::NoDelay { socket, no_delay } => transport.set_no_delay(socket, no_delay),
                Action::KeepAlive { socket, keep_alive } => {
                    transport.set_keep_alive(socket, keep_alive);
                }
                Action::TypeOfService {
                    socket,
                    type_of_service,
                } => transport.set_type_of_service(socket, type_of_service),
                Action::Close(socket) => transport.close(socket),
                Action::Reset(socket) => transport.reset(socket),
                Action::WakeIncoming(socket, generation) => {
                    transport.wake_incoming(socket, generation);
                }
                Action::WakeOutgoing(socket, generation) => {
                    transport.wake_outgoing(socket, generation);
                }
            }
        }
    }
}

/// Gives an address the number of its zone.
fn set_zone(transport: &mut impl Transport, address: &mut SocketAddr, zone: Option<Zone>) {
    if let (SocketAddr::V6(address), Some(zone)) = (address, zone) {
        address.set_scope_id(transport.scope_id(&zone));
    }
}

/// The methods of a server.
#[derive(Debug)]
pub struct ServerMut<'a, T> {
    driver: &'a mut Driver<T>,
    id: ServerId,
}

impl<T: Transport> ServerMut<'_, T> {
    fn call<R>(self, call: impl FnOnce(&mut Net, ServerId) -> R) -> R {
        let id = self.id;
        self.driver.call(|net| call(net, id))
    }

    /// `server.listen()`.
    ///
    /// # Errors
    ///
    /// `ERR_SERVER_ALREADY_LISTEN`; `ERR_INVALID_ARG_VALUE` for a host with a NUL.
    pub fn listen(self, options: ListenOptions) -> Result<(), Error> {
        self.call(|net, id| net.listen(id, options))
    }

    /// `server.listen({ path })`.
    ///
    /// # Errors
    ///
    /// `ERR_SERVER_ALREADY_LISTEN`; `ERR_INVALID_ARG_VALUE` for the empty path.
    pub fn listen_path(self, options: ListenPathOptions) -> Result<(), Error> {
        self.call(|net, id| net.listen_path(id, options))
    }

    /// `server.listen({ fd })`.
    ///
    /// # Errors
    ///
    /// `ERR_SERVER_ALREADY_LISTEN`.
    pub fn listen_fd(
        self,
        fd: u32,
        backlog: Option<u32>,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.call(|net, id| net.listen_fd(id, fd, backlog, callback))
    }

    /// `server.listen(server)`: on what another one listens on.
    ///
    /// # Errors
    ///
    /// `ERR_SERVER_ALREADY_LISTEN`; `ERR_INVALID_ARG_VALUE` if the other does not listen.
    pub fn listen_on_server(
        self,
        other: ServerId,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.call(|net, id| net.listen_on_server(id, other, callback))
    }

    /// `server.listen(socket)`, which fails.
    ///
    /// # Errors
    ///
    /// `ERR_SERVER_ALREADY_LISTEN`; `ERR_INVALID_ARG_VALUE` if the socket has no connection.
    pub fn listen_on_socket(
        self,
        socket: SocketId,
        callback: Option<Callback>,
    ) -> Result<(), Error> {
        self.call(|net, id| net.listen_on_socket(id, socket, callback))
    }

    /// Takes the next announced connection.
    pub fn accept(self) -> Option<SocketId> {
        self.call(Net::accept)
    }

    /// `server.close()`.
    pub fn close(self, callback: Option<Callback>) {
        self.call(|net, id| net.close(id, callback));
    }

    /// `server.getConnections()`.
    pub fn get_connections(self, callback: Callback) {
        self.call(|net, id| net.get_connections(id, callback));
    }

    /// `server.maxConnections`.
    pub fn set_max_connections(self, value: Option<usize>) {
        self.call(|net, id| net.set_max_connections(id, value));
    }

    /// The option `blockList`: connections from what it has are closed at once.
    pub fn set_block_list(self, block_list: BlockList) {
        self.call(|net, id| net.set_server_block_list(id, block_list));
    }

    /// `server.ref()` and `server.unref()`.
    pub fn set_ref(self, refed: bool) {
        self.call(|net, id| net.set_server_ref(id, refed));
    }

    /// The program dropped its handle: `close`, without its event.
    pub fn drop_handle(self) {
        self.call(Net::drop_server);
    }
}

/// The methods of a socket.
#[derive(Debug)]
pub struct SocketMut<'a, T> {
    driver: &'a mut Driver<T>,
    id: SocketId,
}

impl<T: Transport> SocketMut<'_, T> {
    fn call<R>(self, call: impl FnOnce(&mut Net, SocketId) -> R) -> R {
        let id = self.id;
        self.driver.call(|net| call(net, id))
    }

    /// Sends what was written, as Node does within `write`.
    fn flush(&mut self) {
        let id = self.id;
        self.driver.call(|net| net.flush(id));
    }

    /// `socket.connect()`. The options that are calls of their own take effect first, also if it
    /// fails.
    ///
    /// # Errors
    ///
    /// What Node throws for, and `EISCONN`.
    pub fn connect(self, request: ConnectRequest) -> Result<(), Error> {
        let SocketMut { driver, id } = self;
        if let Some(timeout) = request.timeout {
            driver.socket_mut(id).set_timeout(timeout, None);
        }
        if request.no_delay {
            driver.socket_mut(id).set_no_delay(true);
        }
        if let Some(delay) = request.keep_alive {
            let socket = driver.socket_mut(id);
            socket.set_keep_alive(true, delay, None, None);
        }
        // Attempts may need timers.
        driver.use_clock();
        driver.call(|net| net.connect(id, request))
    }

    /// `socket.connect(path)`.
    ///
    /// # Errors
    ///
    /// `ERR_MISSING_ARGS` for the empty path, and `EISCONN`.
    pub fn connect_path(self, path: String, callback: Option<Callback>) -> Result<(), Error> {
        self.call(|net, id| net.connect_path(id, path, callback))
    }

    /// The program's answer to the event `lookup-request`.
    pub fn looked_up(self, outcome: Result<Vec<Resolved>, Error>) {
        self.call(|net, id| {
            net.with_socket(id, |socket, agenda| socket.looked_up(outcome, agenda));
        });
    }

    /// `socket.read()`: at most `max` bytes.
    pub fn read(self, max: usize) -> Vec<u8> {
        self.call(|net, id| net.with_socket(id, |socket, agenda| socket.read(max, agenda)))
    }

    /// `socket.read()` after `setEncoding`.
    pub fn read_text(self) -> String {
        self.call(|net, id| net.with_socket(id, Socket::read_text))
    }

    /// `socket.setEncoding()`.
    pub fn set_encoding(self, encoding: Encoding) {
        self.call(|net, id| net.with_socket(id, |socket, _| socket.set_encoding(encoding)));
    }

    /// `socket.write()`.
    pub fn write(self, data: Vec<u8>, callback: Option<Callback>) -> bool {
        self.write_ahead(0, data, callback)
    }

    /// `socket.write()` of bytes that the transport has sent, and of the rest: see
    /// [`Driver::writes_through`].
    pub fn write_ahead(self, sent: usize, rest: Vec<u8>, callback: Option<Callback>) -> bool {
        let id = self.id;
        self.driver.call(|net| net.write(id, sent, rest, callback))
            && self.driver.net.write_returns(id)
    }

    /// `socket.end()`.
    pub fn end(self, data: Option<Vec<u8>>, callback: Option<Callback>) {
        self.call(|net, id| net.end(id, data, callback));
    }

    /// `socket.destroy()`. What was written is sent first, as in Node.
    pub fn destroy(mut self, error: Option<Error>) {
        self.flush();
        self.call(|net, id| net.destroy(id, error));
    }

    /// `socket.destroySoon()`.
    pub fn destroy_soon(self) {
        self.call(Net::destroy_soon);
    }

    /// `socket.resetAndDestroy()`. What was written is sent first, as in Node.
    ///
    /// # Errors
    ///
    /// `ERR_INVALID_HANDLE_TYPE` for a path; `ENOTSUP` where the host cannot reset.
    pub fn reset_and_destroy(mut self) -> Result<(), Error> {
        let resets = self.driver.transport.can_reset();
        self.flush();
        self.call(|net, id| {
            net.with_socket(id, |socket, agenda| {
                Some(socket.reset_and_destroy(resets, agenda))
            })
            .unwrap_or(Ok(()))
        })
    }

    /// `socket.setTimeout()`, in milliseconds.
    pub fn set_timeout(self, milliseconds: u64, callback: Option<Callback>) {
        self.driver.use_clock();
        self.call(|net, id| {
            net.with_socket(id, |socket, agenda| {
                socket.set_timeout(milliseconds, callback, agenda);
            });
        });
    }

    /// `socket.setNoDelay()`.
    pub fn set_no_delay(self, no_delay: bool) {
        self.call(|net, id| {
            net.with_socket(id, |socket, agenda| socket.set_no_delay(no_delay, agenda));
        });
    }

    /// `socket.setKeepAlive()`; the delay and the interval in milliseconds.
    pub fn set_keep_alive(
        self,
        enable: bool,
        delay: u64,
        interval: Option<u64>,
        count: Option<u32>,
    ) {
        self.call(|net, id| {
            net.with_socket(id, |socket, agenda| {
                socket.set_keep_alive(enable, delay, interval, count, agenda);
            });
        });
    }

    /// The option `blockList`: connecting to what it has fails.
    pub fn set_block_list(self, block_list: BlockList) {
        self.call(|net, id| {
            net.with_socket(id, |socket, _| socket.set_block_list(block_list));
        });
    }

    /// `socket.setTypeOfService()`.
    pub fn set_type_of_service(self, type_of_service: u8) {
        self.call(|net, id| {
            net.with_socket(id, |socket, agenda| {
                socket.set_type_of_service(type_of_service, agenda);
            });
        });
    }

    /// `socket.getTypeOfService()`: what the connection has, or what was set for the next one.
    pub fn type_of_service(self) -> u8 {
        let Driver { net, transport, .. } = self.driver;
        let Some(socket) = net.socket(self.id) else {
            return 0;
        };
        let of_connection = socket.has_tcp().then(|| transport.type_of_service(self.id));
        of_connection
            .flatten()
            .unwrap_or_else(|| socket.type_of_service())
    }

    /// `socket.pipe()`.
    pub fn pipe(self, destination: SocketId, end: bool) {
        self.call(|net, id| net.pipe(id, destination, end));
    }

    /// `socket.unpipe()`.
    pub fn unpipe(self, destination: Option<SocketId>) {
        self.call(|net, id| net.unpipe(id, destination));
    }

    /// `socket.pause()`.
    pub fn pause(self) {
        self.call(|net, id| net.with_socket(id, Socket::pause));
    }

    /// `socket.resume()`.
    pub fn resume(self) {
        self.call(|net, id| net.with_socket(id, Socket::resume));
    }

    /// `socket.ref()` and `socket.unref()`.
    pub fn set_ref(self, refed: bool) {
        self.call(|net, id| net.with_socket(id, |socket, _| socket.set_ref(refed)));
    }

    /// `socket.remoteAddress`, which remembers that it was read (row P3).
    pub fn remote_address(self) -> Option<SocketAddr> {
        let id = self.id;
        let net = &mut self.driver.net;
        net.with_socket(id, |socket, _| socket.remote_address())
    }

    /// `socket.writableLength`, after the host has taken what it can.
    pub fn writable_length(mut self) -> usize {
        self.flush();
        self.driver
            .socket(self.id)
            .map_or(0, Socket::writable_length)
    }

    /// `streams`: the connection's data goes by streams. Returns the generation of the connection;
    /// later calls with it do not affect another one.
    ///
    /// # Errors
    ///
    /// `ERR_STREAM_DESTROYED`; `EALREADY`; `EBUSY` after `takeStreams`.
    pub fn stream(self) -> Result<Generation, Error> {
        self.call(|net, id| {
            net.with_socket(id, |socket, _| Some(socket.stream()))
                .unwrap_or_else(|| Err(Error::destroyed("streams")))
        })
    }

    /// `takeStreams`: the data bypasses the rules. The transport reports [`Report::ShutDown`] and
    /// [`Report::PeerEnded`], or a failure.
    ///
    /// # Errors
    ///
    /// `ENOTCONN`; `EBUSY` if the data is in use.
    pub fn take_streams(self) -> Result<(), Error> {
        self.call(|net, id| {
            net.with_socket(id, |socket, _| Some(socket.take_streams()))
                .unwrap_or_else(|| Err(Error::not_connected()))
        })
    }

    /// The program dropped its handle: Node's `destroySoon`, without events.
    pub fn drop_handle(mut self) {
        self.flush();
        self.call(Net::drop_socket);
    }
}
