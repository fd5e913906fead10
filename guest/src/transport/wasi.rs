//! The core's transport: connections and the operations under way.

use super::connection::Sender;
use super::shutdowns::Shutdowns;
use super::streaming::Streams;
use super::{
    Connection as Connected, Listening as Listens, ipc, name_lookup, receiving, sending, tcp,
};
use crate::bindings::wasi::clocks::monotonic_clock;
use crate::operation::{Operation, operation};
use crate::state::{call, report, with};
use crate::task;
use futures::future::{AbortHandle, Abortable, LocalBoxFuture};
use futures::stream::{LocalBoxStream, StreamExt};
use plugnet_core::{
    AcceptedId, AdoptError, Attempt, ConnectTo, Endpoints, Errno, Generation, KeepAlive, ListenAt,
    ListenSettings, ListenerId, LookupId, LookupRequest, Origin, Report, SocketId, Transport,
    Written,
};
use rustc_hash::FxHashMap as HashMap;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Poll, Waker};

/// Nanoseconds per unit of the core's clock.
pub const NANOSECONDS: u64 = 1_000_000;

/// How many milliseconds at most a connection to a listener of this component waits for that to
/// report it: it need not accept.
const PATIENCE: u32 = 20;

/// How many sockets' small writes are sent together. Sending wakes the peer, and for a peer that has
/// many of these connections once for some is cheaper.
const TOGETHER: usize = 8;

type Future = LocalBoxFuture<'static, ()>;

/// Every connection of the component, and the operations under way.
#[derive(Default)]
pub struct Wasi {
    listening: HashMap<ListenerId, Listening>,
    accepted: HashMap<AcceptedId, Box<dyn Connected>>,
    /// How many connections were accepted so far.
    accepts: u64,
    attempts: HashMap<(SocketId, Attempt), Connecting>,
    connections: HashMap<SocketId, Connection>,
    streams: HashMap<(SocketId, Generation), Streams>,
    /// Sockets whose FIN was requested.
    shutdowns: Shutdowns,
    /// Sockets whose receiving task waits for the core's next request while the program acts.
    undecided: Vec<SocketId>,
    /// Cancelled operations, which a task has to drop.
    cancelled: Vec<Future>,
    /// Listens that failed because a server was closed just now.
    listens: Vec<Listen>,
    /// Listeners whose accepting tasks are to go on.
    accept_again: Vec<ListenerId>,
    /// How often that was done since the last `wait`.
    accepted_again: usize,
    /// Operations that are not polled yet.
    started: Vec<Future>,
    /// The task that polls the operations, while it has nothing to do.
    driver: Option<Waker>,
    waiting: Waiting,
    /// What wakes `wait` for the next deadline, and when. One at a time: each takes a timer of the
    /// host's, until it is over.
    alarm: Option<(u64, Operation)>,
}

/// Whether the program is in `wait`.
#[derive(Default)]
enum Waiting {
    #[default]
    No,
    Yes(Option<Waker>),
}

/// A connection of a socket.
pub struct Connection {
    pub sending: Sending,
    pub receiving: Receiving,
    /// Its operations.
    operations: Vec<Operation>,
    pub connected: Box<dyn Connected>,
}

/// Where the receiving direction stands.
pub enum Receiving {
    /// Not requested yet. Leads to `Running`.
    Unused,
    /// The receiving task runs.
    Running {
        asked: Asked,
        /// The task, while it waits for a request.
        waker: Option<Waker>,
    },
    /// The program has the stream.
    HandedOver,
}

/// What the core has asked of the receiving task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing yet.
    Undecided,
    /// Bytes.
    Yes,
    /// Nothing, while the program acted.
    No,
}

/// Where the sending direction stands.
pub enum Sending {
    /// Nothing was sent. Leads to `Writing`, or to `Over` if only the FIN is sent.
    Unused,
    /// Leads to `Writing` or `Over`.
    Idle(Sender),
    /// A write is under way. Leads to `Idle` when the host has taken everything, or
    /// to `Broken`.
    Writing,
    /// The host takes no more; the reason follows, and ends the connection.
    Broken,
    /// The FIN is sent, or the program has the stream.
    Over,
}

/// Where an attempt to connect stands.
enum Connecting {
    /// Leads to `Succeeded`, or ends.
    UnderWay(AbortHandle),
    /// The core has not opened the connection yet.
    Succeeded(Box<dyn Connected>),
}

/// A server's sockets.
struct Listening {
    at: ListenAt,
    address: Option<SocketAddr>,
    /// The accepting tasks. They wait for room until they are polled or woken.
    accepting: Vec<Operation>,
    /// Dropped first.
    closes_at_once: Option<ipc::Listener>,
}

/// A listener to try again.
struct Listen {
    listener: ListenerId,
    at: ListenAt,
    settings: ListenSettings,
}

// ---- operations ----

impl Wasi {
    /// Hands an operation to the task that polls them.
    pub fn leave(&mut self, future: impl std::future::Future<Output = ()> + 'static) {
        self.started.push(Box::pin(future));
        self.wake_driver();
    }

    /// Wakes the task that polls the operations.
    pub fn wake_driver(&mut self) {
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    /// As [`Wasi::leave`], for an operation that can be cancelled.
    fn start(&mut self, future: impl std::future::Future<Output = ()> + 'static) -> Operation {
        let (handle, running) = operation(future);
        self.leave(running);
        handle
    }

    /// As [`Wasi::leave`], for an operation of a connection.
    pub fn go_on(&mut self, id: SocketId, future: impl std::future::Future<Output = ()> + 'static) {
        let operation = self.start(future);
        match self.connections.get_mut(&id) {
            Some(connection) => {
                connection.operations.retain(|old| !old.is_over());
                connection.operations.push(operation);
            }
            None => self.cancel(vec![operation]),
        }
    }

    /// Cancels operations. A task has to drop them.
    fn cancel(&mut self, operations: Vec<Operation>) {
        let cancelled = operations.into_iter().filter_map(Operation::take);
        self.cancelled.extend(cancelled);
    }

    /// Takes the operations that are not polled yet.
    pub fn take_started(&mut self) -> Vec<Future> {
        std::mem::take(&mut self.started)
    }

    /// Takes the cancelled operations.
    pub fn take_cancelled(&mut self) -> Vec<Future> {
        std::mem::take(&mut self.cancelled)
    }

    /// Whether a cancelled operation is not dropped yet, or a listen waits for that.
    pub fn has_cancelled(&self) -> bool {
        !self.cancelled.is_empty() || !self.listens.is_empty()
    }

    /// Parks the task that polls the operations; false if there is something to poll.
    pub fn rest(&mut self, waker: &Waker) -> bool {
        let rests = self.started.is_empty();
        if rests {
            self.driver = Some(waker.clone());
        }
        rests
    }

    // ---- wait ----

    /// Marks the beginning of a wait. False if there is one already.
    pub fn begin_to_wait(&mut self) -> bool {
        let waits = matches!(self.waiting, Waiting::Yes(_));
        if !waits {
            self.waiting = Waiting::Yes(None);
            self.accepted_again = 0;
            // The program has finished acting.
            self.decide();
        }
        !waits
    }

    /// Marks the end of a wait.
    pub fn end_waiting(&mut self) {
        self.waiting = Waiting::No;
    }

    /// Wakes the current `wait`, if there is one.
    pub fn wake_wait(&mut self) {
        if let Waiting::Yes(waker) = &mut self.waiting
            && let Some(waker) = waker.take()
        {
            waker.wake();
        }
    }

    /// Wakes a call of `wait` from the task that polls the operations.
    pub fn wake_later(&mut self, waker: &Waker) {
        let waker = waker.clone();
        self.leave(async move { waker.wake() });
    }

    /// Registers `wait` for the next report, and for the deadline.
    pub fn wait_for(&mut self, deadline: Option<u64>, waker: &Waker) {
        self.waiting = Waiting::Yes(Some(waker.clone()));
        self.decide();
        let Some(deadline) = deadline else {
            return;
        };
        if let Some((at, alarm)) = self.alarm.take() {
            if at <= deadline {
                self.alarm = Some((at, alarm));
                return;
            }
            self.cancel(vec![alarm]);
        }
        let alarm = self.start(async move {
            // Never early, although the clock is finer.
            monotonic_clock::wait_until((deadline + 1) * NANOSECONDS).await;
            with(|driver| {
                let wasi = driver.transport_mut();
                wasi.alarm = None;
                wasi.wake_wait();
            });
        });
        self.alarm = Some((deadline, alarm));
    }

    /// The core asks for nothing more for now.
    fn decide(&mut self) {
        for operation in self.take_accepting(usize::MAX) {
            operation.wake();
        }
        for id in std::mem::take(&mut self.undecided) {
            if let Some(Connection {
                receiving: Receiving::Running { asked, waker },
                ..
            }) = self.connections.get_mut(&id)
                && let Some(waker) = waker.take()
            {
                *asked = Asked::No;
                waker.wake();
            }
        }
    }

    // ---- listening ----

    /// Takes the accepting tasks that are to go on; none if that was done so often since the last
    /// `wait`.
    pub fn take_accepting(&mut self, most: usize) -> Vec<Operation> {
        let mut operations = Vec::new();
        while self.accepted_again < most
            && let Some(listener) = self.accept_again.pop()
        {
            self.accepted_again += 1;
            if let Some(listening) = self.listening.get(&listener) {
                operations.extend(listening.accepting.iter().cloned());
            }
        }
        operations
    }

    /// Whether an accepted connection is no socket yet.
    pub fn has_accepted(&self) -> bool {
        !self.accepted.is_empty()
    }

    fn try_to_listen(
        &mut self,
        listener: ListenerId,
        at: &ListenAt,
        settings: ListenSettings,
    ) -> Result<Option<SocketAddr>, Errno> {
        let listens = match at {
            ListenAt::Address(address) => tcp::listen(*address, settings),
            ListenAt::Path {
                path,
                readable_all,
                writable_all,
            } => ipc::listen(path, settings.backlog, *readable_all, *writable_all),
            ListenAt::Descriptor(number) => ipc::listen_on(*number, settings.backlog),
        }?;
        Ok(self.start_accepting(listener, at, listens))
    }

    fn start_accepting(
        &mut self,
        listener: ListenerId,
        at: &ListenAt,
        listens: Listens,
    ) -> Option<SocketAddr> {
        let connections = listens.connections.into_iter();
        let accepting = connections
            .map(|connections| self.start(accept(listener, connections)))
            .collect();
        let listening = Listening {
            at: at.clone(),
            address: listens.address,
            accepting,
            closes_at_once: listens.closes_at_once,
        };
        self.listening.insert(listener, listening);
        listens.address
    }

    /// Listens again where a server was closed just now.
    pub fn listen_again(&mut self) -> Vec<(ListenerId, Result<Option<SocketAddr>, Errno>)> {
        let listens = std::mem::take(&mut self.listens).into_iter();
        listens
            .map(
                |Listen {
                     listener,
                     at,
                     settings,
                 }| { (listener, self.try_to_listen(listener, &at, settings)) },
            )
            .collect()
    }

    // ---- connections ----

    /// The connection of a socket.
    pub fn connection(&mut self, id: SocketId) -> Option<&mut Connection> {
        self.connections.get_mut(&id)
    }

    /// Whether a server of this component listens there.
    fn listens_at(&self, to: &ConnectTo) -> bool {
        self.listening.values().any(|listening| match to {
            ConnectTo::Address { remote, .. } => listening
                .address
                .is_some_and(|at| at.port() == remote.port()),
            ConnectTo::Path(path) => {
                matches!(&listening.at, ListenAt::Path { path: at, .. } if at == path)
            }
        })
    }

    /// Registers a receiving task that waits, while the program acts, for the core's next request.
    pub fn is_undecided(&mut self, id: SocketId) {
        self.undecided.push(id);
    }

    /// The streams of a socket's connection.
    pub fn streams(&mut self) -> &mut HashMap<(SocketId, Generation), Streams> {
        &mut self.streams
    }

    fn opened(&mut self, id: SocketId, connected: Box<dyn Connected>) {
        let connection = Connection {
            sending: Sending::Unused,
            receiving: Receiving::Unused,
            operations: Vec::new(),
            connected,
        };
        self.connections.insert(id, connection);
    }
}

/// How many connections listeners accept at most between two calls of `wait`: what other sockets
/// have to report waits that long.
const MOST_AT_ONCE: usize = 16;

/// Accepts the next connection at once, if one waits; false otherwise.
///
/// A listener accepts one at a time (row S27). If each took a `wait`, that would cost as much as all
/// the rest of a short connection.
pub fn accept_more() -> bool {
    let accepting = with(|driver| driver.transport_mut().take_accepting(MOST_AT_ONCE));
    if accepting.is_empty() {
        return false;
    }
    task::enter(|| accepting.iter().for_each(Operation::poll_now));
    with(|driver| driver.transport().has_accepted())
}

/// Accepts connections for as long as the program takes them.
async fn accept(
    listener: ListenerId,
    mut connections: LocalBoxStream<'static, Box<dyn Connected>>,
) {
    loop {
        // Polled again when the core accepts again.
        poll_fn(|_| match with(|driver| driver.accepts(listener)) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        let Some(connected) = connections.next().await else {
            return;
        };
        let endpoints = connected.endpoints();
        call(|driver| {
            let accepted = driver.accepted(listener, endpoints);
            let wasi = driver.transport_mut();
            wasi.accepted.insert(accepted, connected);
            wasi.accepts += 1;
        });
    }
}

/// Reports shutdowns that an earlier one holds up.
async fn report_late_shutdowns() {
    loop {
        monotonic_clock::wait_for(NANOSECONDS).await;
        let goes_on = call(|driver| {
            let reports = driver.transport_mut().shutdowns.waited();
            let goes_on = reports.is_some();
            for (id, report) in reports.into_iter().flatten() {
                driver.report(id, report);
            }
            goes_on
        });
        if !goes_on {
            return;
        }
    }
}

/// Connects, and reports what came of it.
async fn connect(id: SocketId, attempt: Attempt, to: ConnectTo) {
    let (own, accepts) = with(|driver| {
        let wasi = driver.transport();
        (wasi.listens_at(&to), wasi.accepts)
    });
    let outcome = match to {
        ConnectTo::Address { remote, local } => tcp::connect(remote, local).await,
        ConnectTo::Path(path) => ipc::connect(path).await.map_err(|errno| ("connect", errno)),
    };
    if own && outcome.is_ok() {
        // The listener became ready first; give the host time to report it.
        for _ in 0..PATIENCE {
            monotonic_clock::wait_for(NANOSECONDS).await;
            if with(|driver| driver.transport().accepts != accepts) {
                break;
            }
        }
    }
    let report_of = match outcome {
        Ok(connected) => {
            let endpoints = connected.endpoints();
            let succeeded = Connecting::Succeeded(connected);
            with(|driver| {
                let attempts = &mut driver.transport_mut().attempts;
                attempts.insert((id, attempt), succeeded);
            });
            Report::Connected { attempt, endpoints }
        }
        Err((syscall, errno)) => {
            with(|driver| driver.transport_mut().attempts.remove(&(id, attempt)));
            Report::ConnectFailed {
                attempt,
                syscall,
                errno,
                // WASI tells it only once the connection stands.
                local: None,
            }
        }
    };
    report(id, report_of);
}

impl Transport for Wasi {
    fn now(&mut self) -> u64 {
        monotonic_clock::now() / NANOSECONDS
    }

    fn sends_together(&self) -> usize {
        TOGETHER
    }

    fn look_up(&mut self, lookup: LookupId, request: LookupRequest) {
        // WASI takes neither a family nor hints.
        self.leave(async move {
            let outcome = name_lookup::lookup(request.hostname).await;
            call(|driver| driver.looked_up(lookup, outcome));
        });
    }

    fn listen(
        &mut self,
        listener: ListenerId,
        at: &ListenAt,
        settings: ListenSettings,
    ) -> Poll<Result<Option<SocketAddr>, Errno>> {
        let outcome = self.try_to_listen(listener, at, settings);
        if let (Err(Errno("EADDRINUSE")), ListenAt::Address(_)) = (&outcome, at)
            && !self.cancelled.is_empty()
        {
            // It may be the port of a server that was closed just now and is released in a moment.
            let at = at.clone();
            self.listens.push(Listen {
                listener,
                at,
                settings,
            });
            return Poll::Pending;
        }
        Poll::Ready(outcome)
    }

    fn close_listener(&mut self, listener: ListenerId) {
        self.listens.retain(|listen| listen.listener != listener);
        if let Some(listening) = self.listening.remove(&listener) {
            drop(listening.closes_at_once);
            self.cancel(listening.accepting);
        }
    }

    fn accept(&mut self, listener: ListenerId) {
        self.accept_again.push(listener);
    }

    fn refuse(&mut self, accepted: AcceptedId) {
        self.accepted.remove(&accepted);
    }

    fn connect(&mut self, id: SocketId, attempt: Attempt, to: ConnectTo) {
        let (handle, registration) = AbortHandle::new_pair();
        self.attempts
            .insert((id, attempt), Connecting::UnderWay(handle));
        // Only the task that polls it can cancel it, as that may have to wait for the host.
        self.leave(async move {
            // It was aborted on request.
            let _ = Abortable::new(connect(id, attempt, to), registration).await;
        });
    }

    fn abort_connect(&mut self, id: SocketId, attempt: Attempt) {
        if let Some(Connecting::UnderWay(call)) = self.attempts.remove(&(id, attempt)) {
            call.abort();
        }
    }

    fn open(&mut self, id: SocketId, origin: Origin) {
        let connected = match origin {
            Origin::Attempt(attempt) => match self.attempts.remove(&(id, attempt)) {
                Some(Connecting::Succeeded(connected)) => Some(connected),
                Some(Connecting::UnderWay(_)) | None => None,
            },
            Origin::Accepted(accepted) => self.accepted.remove(&accepted),
        };
        if let Some(connected) = connected {
            self.opened(id, connected);
        }
    }

    fn adopt(&mut self, id: SocketId, descriptor: u32) -> Result<Endpoints, AdoptError> {
        let connected = ipc::adopt(descriptor)?;
        let endpoints = connected.endpoints();
        self.opened(id, connected);
        Ok(endpoints)
    }

    fn read(&mut self, id: SocketId) {
        let Some(connection) = self.connections.get_mut(&id) else {
            return;
        };
        match &mut connection.receiving {
            Receiving::Unused => {
                connection.receiving = Receiving::Running {
                    asked: Asked::Yes,
                    waker: None,
                };
                let receiver = connection.connected.receiver();
                self.go_on(id, receiving::receive(id, receiver));
            }
            Receiving::Running { asked, waker } => {
                *asked = Asked::Yes;
                if let Some(waker) = waker.take() {
                    waker.wake();
                }
            }
            Receiving::HandedOver => {}
        }
    }

    fn write(&mut self, id: SocketId, data: Vec<u8>) -> Written {
        sending::write(self, id, data)
    }

    fn shut_down(&mut self, id: SocketId) -> Poll<Report> {
        if let Some(sender) = sending::take_sender(self, id, Sending::Over) {
            self.shutdowns.begin(id);
            self.go_on(id, async move {
                let outcome = match sender.shut_down().await {
                    Ok(()) => Report::ShutDown,
                    Err(errno) => Report::WriteFailed(errno),
                };
                call(|driver| {
                    let wasi = driver.transport_mut();
                    let reports = wasi.shutdowns.end(id, outcome);
                    if wasi.shutdowns.starts_timer() {
                        wasi.leave(report_late_shutdowns());
                    }
                    for (id, report) in reports {
                        driver.report(id, report);
                    }
                });
            });
        }
        Poll::Pending
    }

    fn set_no_delay(&mut self, _: SocketId, _: bool) {
        // WASI has no TCP_NODELAY.
    }

    fn set_type_of_service(&mut self, _: SocketId, _: u8) {
        // WASI has neither IP_TOS nor IPV6_TCLASS.
    }

    fn set_keep_alive(&mut self, id: SocketId, keep_alive: KeepAlive) {
        if let Some(connection) = self.connections.get(&id) {
            connection.connected.set_keep_alive(keep_alive);
        }
    }

    fn close(&mut self, id: SocketId) {
        if let Some(connection) = self.connections.remove(&id) {
            self.cancel(connection.operations);
            self.shutdowns.forget(id);
        }
    }

    fn wake_incoming(&mut self, id: SocketId, generation: Generation) {
        if let Some(streams) = self.streams.get_mut(&(id, generation)) {
            streams.wake_incoming();
        }
    }

    fn wake_outgoing(&mut self, id: SocketId, generation: Generation) {
        if let Some(streams) = self.streams.get_mut(&(id, generation)) {
            streams.wake_outgoing();
        }
    }
}
