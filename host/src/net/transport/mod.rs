//! The core's transport over the system's sockets: TCP, UNIX domain sockets, inherited descriptors.
//!
//! What the core asks for is done at once where the system can, and else when a socket becomes
//! ready: [`Sockets::poll`] looks at the system, once in each turn of the program's loop, and the
//! core takes one socket after the other ([`Transport::next_ready`]), when the program has acted on
//! those before it. So is it in libuv, and in the same order.

mod connected;
mod connecting;
mod listening;
mod shown;

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use plugnet_core::{
    AcceptedId, AdoptError, Attempt, ConnectTo, Endpoints, Errno, Generation, KeepAlive, ListenAt,
    ListenSettings, ListenerId, LookupId, LookupRequest, Origin, Ready, Report, SocketId,
    Transport, Written,
};
use plugnet_ipc::{DescriptorKind, Family};
use rustc_hash::FxHashMap as HashMap;
use rustix::io::Errno as System;
use slab::Slab;
use tokio::task::JoinSet;

use self::connected::{Connected, Ends, Medium, Progress};
use self::connecting::{Connecting, Failure};
use self::listening::{Accepted, Listening, listen};
use super::poller::{Poller, Readiness};
use super::streaming::Streams;
use super::{errno, zone};
use crate::door;
use crate::door::paths::Paths;
use crate::door::resolver::{Resolver, Unresolved, Wanted};
use crate::door::{Door, Lookup};
use crate::limits::Place;
use crate::observe::{Direction, Peer, Record};

/// Every socket of a run.
pub(super) struct Sockets {
    door: Door,
    resolver: Resolver,
    paths: Paths,
    start: Instant,
    /// From the first socket on.
    poller: Option<Poller>,
    entries: Slab<Entry>,
    listeners: HashMap<ListenerId, Number>,
    accepted: HashMap<AcceptedId, Number>,
    attempts: HashMap<(SocketId, Attempt), Number>,
    sockets: HashMap<SocketId, Number>,
    streams: HashMap<(SocketId, Generation), Streams>,
    /// What the last look at the system has found, less what had its turn.
    found: VecDeque<Found>,
    /// Those that have something to do in the next look, without that the system says so. Numbers
    /// in it may be out of date.
    queue: Vec<Number>,
    /// What is over and the core is told in the next look.
    over: Vec<Ready>,
    /// Those to watch. Numbers in it may be out of date.
    unwatched: Vec<Number>,
    /// Those that wait for a limit of bytes per second.
    held: Vec<Number>,
    tasks: JoinSet<Ready>,
    /// Of the task that looks at the system.
    waker: Waker,
    buffer: Vec<u8>,
    /// How many bytes were received since that was last asked.
    received: usize,
    /// How many were received for streams since those had their turn.
    streamed: usize,
}

/// A socket that bytes are sent to from where they lie.
pub(super) struct Ahead(Arc<OwnedFd>);

impl Ahead {
    /// Sends what the system takes.
    pub(super) fn send(&self, data: &[u8]) -> Result<usize, System> {
        rustix::io::retry_on_intr(|| connected::send(&self.0, data))
    }
}

/// How much is received for streams before they have their turn to take it: data of many more
/// sockets would leave the processor's cache before anybody takes it.
const STREAMED_AT_ONCE: usize = 256 * 1024;

/// The number of an entry, and of its socket in the poller.
type Number = usize;

struct Entry {
    ready: Readiness,
    turn: Turn,
    watch: Watch,
    kind: Kind,
}

/// Whether the poller watches the socket of an entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watch {
    /// Nothing of it is wanted yet: it was accepted.
    No,
    /// From the next look at the system on, as in libuv, which decides the order of what is ready.
    Soon,
    Yes,
}

/// Whether an entry is in the queue.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    None,
    Queued,
}

#[expect(clippy::large_enum_variant, reason = "nearly all are connected")]
enum Kind {
    Listening(Box<Listening>),
    /// Absent while it finishes.
    Connecting(Option<Box<(SocketId, Attempt, Connecting)>>),
    Connected(Connected),
}

/// What a look at the system finds.
enum Found {
    /// Something can be done for an entry. Its number may be out of date.
    Entry(Number),
    /// Something is over.
    Over(Ready),
}

impl Sockets {
    pub(super) fn new(door: Door, resolver: Resolver, paths: Paths) -> Self {
        Sockets {
            door,
            resolver,
            paths,
            start: Instant::now(),
            poller: None,
            entries: Slab::new(),
            listeners: HashMap::default(),
            accepted: HashMap::default(),
            attempts: HashMap::default(),
            sockets: HashMap::default(),
            streams: HashMap::default(),
            found: VecDeque::new(),
            queue: Vec::new(),
            over: Vec::new(),
            unwatched: Vec::new(),
            held: Vec::new(),
            tasks: JoinSet::new(),
            waker: Waker::noop().clone(),
            buffer: Vec::new(),
            received: 0,
            streamed: 0,
        }
    }

    /// The moment of a time of the core's clock.
    pub(super) fn moment(&self, milliseconds: u64) -> Instant {
        // Never early, although the clock is finer.
        self.start + Duration::from_millis(milliseconds.saturating_add(1))
    }

    /// How many bytes were received since the last call.
    pub(super) fn take_received(&mut self) -> usize {
        std::mem::take(&mut self.received)
    }

    /// The socket, if bytes may be sent to it before the core is told of them.
    pub(super) fn ahead(&mut self, id: SocketId) -> Option<Ahead> {
        let (connected, ready) = self.connected(id)?;
        connected.ahead(*ready).map(Ahead)
    }

    /// Counts what was sent that way.
    pub(super) fn sent_ahead(&mut self, id: SocketId, sent: Result<usize, System>) {
        if let Some((connected, ready)) = self.connected(id) {
            connected.sent_ahead(sent, ready);
        }
    }

    /// Whether streams are to take what was received for them before more is.
    pub(super) fn owes_streams(&self) -> bool {
        self.streamed >= STREAMED_AT_ONCE
    }

    /// Streams have had their turn.
    pub(super) fn served_streams(&mut self) {
        self.streamed = 0;
    }

    /// Looks at the system. If there is nothing, the task is woken when there may be.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.waker.will_wake(cx.waker()) {
            self.waker = cx.waker().clone();
        }
        while let Poll::Ready(Some(done)) = self.tasks.poll_join_next(cx) {
            // None of them panics, and they are cancelled with all of this alone.
            self.over.extend(done.ok());
        }
        for number in std::mem::take(&mut self.held) {
            self.enqueue(number);
        }
        self.found.extend(self.over.drain(..).map(Found::Over));
        self.found.extend(self.queue.drain(..).map(Found::Entry));
        self.watch_all();
        while self.poll_ready(cx).is_ready() && self.found.is_empty() {}
        if self.found.is_empty() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }

    /// Asks the poller. Ready, if there may be more.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Sockets {
            poller: Some(poller),
            entries,
            found,
            ..
        } = self
        else {
            return Poll::Pending;
        };
        poller.poll(cx, |number, ready| {
            if let Some(entry) = entries.get_mut(number) {
                entry.ready.add(ready);
                if entry.goes_on() && entry.turn == Turn::None {
                    entry.turn = Turn::Queued;
                    found.push_back(Found::Entry(number));
                }
            }
        })
    }

    /// Does what an entry can do.
    fn go_on(&mut self, number: Number) -> Ready {
        let Some(entry) = self.entries.get_mut(number) else {
            return Ready::Nothing;
        };
        if std::mem::replace(&mut entry.turn, Turn::None) == Turn::None {
            // The number of one that is gone.
            return Ready::Nothing;
        }
        let ready = match &mut entry.kind {
            Kind::Listening(listening) => return Ready::Listener(listening.id),
            Kind::Connecting(_) => return self.finish_connecting(number),
            Kind::Connected(connected) => {
                let Some(id) = connected.owner else {
                    return Ready::Nothing;
                };
                let mut cx = Context::from_waker(&self.waker);
                // As libuv does: reading first, which is told of a reset, then writing.
                let mut progress = connected.read(&mut entry.ready, &mut self.buffer, &mut cx);
                // A limit of one direction does not hold the other back.
                let read_is_held = matches!(progress, Progress::Held);
                if read_is_held || matches!(progress, Progress::None) {
                    progress = connected.send(&mut entry.ready, &mut cx);
                }
                if read_is_held || matches!(progress, Progress::Held) {
                    self.held.push(number);
                    if matches!(progress, Progress::None | Progress::Held) {
                        // It goes on when the limit allows it, not when the system does.
                        return Ready::Nothing;
                    }
                }
                match progress {
                    Progress::None | Progress::Held => Ready::Nothing,
                    Progress::Some => Ready::Progressed(id),
                    Progress::Report(report) => {
                        if let Report::Received(data) = &report {
                            self.received += data.len();
                            if !self.streams.is_empty() {
                                self.streamed += data.len();
                            }
                        }
                        Ready::Socket(id, report)
                    }
                }
            }
        };
        // What it can write after it has read is its next turn, in this look.
        if entry.goes_on() {
            entry.turn = Turn::Queued;
            self.found.push_front(Found::Entry(number));
        }
        ready
    }

    /// Queues an entry for the next look at the system, if something can be done for it.
    fn enqueue(&mut self, number: Number) {
        if let Some(entry) = self.entries.get_mut(number)
            && entry.turn == Turn::None
            && entry.goes_on()
        {
            entry.turn = Turn::Queued;
            self.queue.push(number);
        }
    }

    /// Keeps a socket that is not watched.
    fn keep(&mut self, kind: Kind) -> Number {
        self.entries.insert(Entry {
            ready: Readiness::default(),
            turn: Turn::None,
            watch: Watch::No,
            kind,
        })
    }

    /// Keeps a socket, and watches it at once.
    fn keep_watched(&mut self, kind: Kind) -> Result<Number, Errno> {
        let number = self.keep(kind);
        if self.watch(number).is_err() {
            self.entries.remove(number);
            return Err(Errno("EMFILE"));
        }
        Ok(number)
    }

    fn watch(&mut self, number: Number) -> io::Result<()> {
        let Some(entry) = self.entries.get_mut(number) else {
            return Ok(());
        };
        let fd = match &entry.kind {
            Kind::Listening(listening) => listening.fd(),
            Kind::Connecting(Some(attempt)) => attempt.2.fd(),
            Kind::Connecting(None) => return Ok(()),
            Kind::Connected(connected) => connected.fd(),
        };
        let poller = match &mut self.poller {
            Some(poller) => poller,
            none => none.insert(Poller::new()?),
        };
        poller.watch(fd, number)?;
        entry.watch = Watch::Yes;
        Ok(())
    }

    /// Has a connection watched from the next look at the system on.
    fn watch_soon(&mut self, number: Number) {
        if let Some(entry) = self.entries.get_mut(number)
            && entry.watch == Watch::No
        {
            entry.watch = Watch::Soon;
            self.unwatched.push(number);
        }
    }

    /// Watches those that are to be.
    fn watch_all(&mut self) {
        for number in std::mem::take(&mut self.unwatched) {
            let is_to_be = |entry: &Entry| entry.watch == Watch::Soon;
            if self.entries.get(number).is_some_and(is_to_be)
                && self.watch(number).is_err()
                && let Some(Entry {
                    kind: Kind::Connected(connected),
                    ..
                }) = self.entries.get(number)
                && let Some(id) = connected.owner
            {
                self.report(id, Report::ReadFailed(Errno("ENOMEM")));
            }
        }
    }

    fn connected(&mut self, id: SocketId) -> Option<(&mut Connected, &mut Readiness)> {
        match self.entries.get_mut(*self.sockets.get(&id)?)? {
            Entry {
                kind: Kind::Connected(connected),
                ready,
                ..
            } => Some((connected, ready)),
            _ => None,
        }
    }

    /// Reports something with the next look at the system.
    fn report(&mut self, id: SocketId, report: Report) {
        self.over.push(Ready::Socket(id, report));
    }

    /// Takes back what the core has not been told of a socket.
    fn take_back(&mut self, id: SocketId, what: impl Fn(&Report) -> bool) {
        let is_it =
            |ready: &Ready| matches!(ready, Ready::Socket(of, report) if *of == id && what(report));
        self.over.retain(|over| !is_it(over));
        self.found
            .retain(|found| !matches!(found, Found::Over(over) if is_it(over)));
    }

    // ---- listening ----

    // ---- connecting ----

    fn finish_connecting(&mut self, number: Number) -> Ready {
        let Some(Entry {
            kind: kind @ Kind::Connecting(_),
            ..
        }) = self.entries.get_mut(number)
        else {
            return Ready::Nothing;
        };
        let Kind::Connecting(Some(connecting)) = std::mem::replace(kind, Kind::Connecting(None))
        else {
            return Ready::Nothing;
        };
        let (socket, attempt, connecting) = *connecting;
        let report = match connecting.finish() {
            Ok(connected) => {
                let endpoints = connected.endpoints;
                *kind = Kind::Connected(connected);
                Report::Connected { attempt, endpoints }
            }
            Err(failure) => {
                self.entries.remove(number);
                self.attempts.remove(&(socket, attempt));
                failure.of_attempt(attempt)
            }
        };
        Ready::Socket(socket, report)
    }

    fn begin_to_connect(
        &mut self,
        id: SocketId,
        attempt: Attempt,
        to: &ConnectTo,
    ) -> Result<(), Failure> {
        let connecting = match to {
            ConnectTo::Address { remote, local } => {
                connecting::to_address(&self.door, *remote, *local)?
            }
            ConnectTo::Path(path) => connecting::to_path(&self.door, &self.paths, path)
                .map_err(|errno| Failure::of("connect", errno))?,
        };
        let kind = Kind::Connecting(Some(Box::new((id, attempt, connecting))));
        let number = self
            .keep_watched(kind)
            .map_err(|errno| Failure::of("connect", errno))?;
        self.attempts.insert((id, attempt), number);
        Ok(())
    }

    /// Takes an inherited connection, or an end of a pipe.
    fn take_descriptor(&mut self, number: i32) -> Result<(OwnedFd, Medium), AdoptError> {
        let failed = |error: plugnet_ipc::Error| AdoptError::Failed(errno::of_path(&error));
        let mut descriptors = self.paths.descriptors();
        match descriptors.kind(number) {
            Ok(DescriptorKind::Tcp { .. } | DescriptorKind::Unix { .. }) => {
                let (fd, family) = descriptors.take_connected(number).map_err(failed)?;
                Ok((fd, family.into()))
            }
            Ok(DescriptorKind::Pipe) => {
                let fd = descriptors.take_pipe(number).map_err(failed)?;
                let ends = Ends::of(&fd);
                let ends = ends.map_err(|error| AdoptError::Failed(errno::of_system(error)))?;
                Ok((fd, Medium::Pipe(ends)))
            }
            Ok(DescriptorKind::Udp) => Err(AdoptError::Kind("UDP")),
            Ok(DescriptorKind::Terminal) => Err(AdoptError::Kind("TTY")),
            Ok(DescriptorKind::File) => Err(AdoptError::Kind("FILE")),
            _ => Err(AdoptError::Kind("UNKNOWN")),
        }
    }

    // ---- streams ----

    /// Whether a socket is an end of a pipe, which has no streams of its own to give away.
    pub(super) fn is_pipe(&mut self, id: SocketId) -> bool {
        let connected = self.connected(id);
        connected.is_some_and(|(connected, _)| connected.is_pipe())
    }

    /// The streams of a socket's connection.
    pub(super) fn streams(&mut self) -> &mut HashMap<(SocketId, Generation), Streams> {
        &mut self.streams
    }

    /// Gives the connection of a socket away: the core is told how it goes on by
    /// [`Sockets::await_end`] alone.
    pub(super) fn give_away(&mut self, id: SocketId) -> Option<(OwnedFd, Family, Place, Record)> {
        let number = self.sockets.remove(&id)?;
        let entry = self.entries.try_remove(number)?;
        match entry.kind {
            Kind::Connected(connected) => {
                if let (Some(poller), Watch::Yes) = (&self.poller, entry.watch) {
                    poller.forget(connected.fd());
                }
                connected.into_parts()
            }
            Kind::Listening(_) | Kind::Connecting(_) => None,
        }
    }

    /// Reports to the core how a direction of a connection that was given away ends.
    pub(super) fn await_end(
        &mut self,
        id: SocketId,
        end: impl Future<Output = Option<Report>> + Send + 'static,
    ) {
        self.tasks.spawn(async move {
            match end.await {
                Some(report) => Ready::Socket(id, report),
                None => Ready::Nothing,
            }
        });
    }
}

impl Entry {
    /// Whether something can be done for it.
    fn goes_on(&self) -> bool {
        match &self.kind {
            Kind::Listening(_) => self.ready.readable,
            Kind::Connecting(_) => self.ready.writable,
            Kind::Connected(connected) => connected.goes_on(self.ready),
        }
    }
}

impl Transport for Sockets {
    fn now(&mut self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn scope_id(&mut self, zone: &str) -> u32 {
        zone::number(zone)
    }

    fn look_up(&mut self, lookup: LookupId, request: LookupRequest) {
        let wanted = Wanted {
            family: request.family,
            // Known ones alone, which are Linux's.
            flags: i32::try_from(request.hints).unwrap_or(0),
        };
        let outcome = match self.door.allows_lookup(&request.hostname) {
            None => Err(Errno("EACCES")),
            Some(Lookup::Literal(Some(address))) => Ok(vec![address]),
            // To Node a name that cannot exist is one that does not.
            Some(Lookup::Literal(None)) => Err(Errno("ENOTFOUND")),
            Some(Lookup::Name(name)) => match self.resolver.lookup(&name, wanted) {
                Ok(answer) => {
                    let door = self.door.clone();
                    self.tasks.spawn(async move {
                        let outcome = match answer.await {
                            Ok(addresses) => {
                                let canonical = addresses.iter().map(IpAddr::to_canonical);
                                door.answered(&name, canonical);
                                Ok(addresses)
                            }
                            Err(why) => Err(Errno(match why {
                                Unresolved::NotFound => "ENOTFOUND",
                                Unresolved::Again => "EAI_AGAIN",
                                Unresolved::Failed(code) => code,
                            })),
                        };
                        Ready::LookedUp(lookup, outcome)
                    });
                    return;
                }
                Err(crate::door::resolver::Full) => Err(Errno("EAI_AGAIN")),
            },
        };
        self.over.push(Ready::LookedUp(lookup, outcome));
    }

    fn listen(
        &mut self,
        listener: ListenerId,
        at: &ListenAt,
        settings: ListenSettings,
    ) -> Poll<Result<Option<SocketAddr>, Errno>> {
        let listening = listen(&self.door, &self.paths, listener, at, settings);
        Poll::Ready(listening.and_then(|listening| {
            let address = listening.address();
            let number = self.keep_watched(Kind::Listening(Box::new(listening)))?;
            self.listeners.insert(listener, number);
            Ok(address)
        }))
    }

    fn close_listener(&mut self, listener: ListenerId) {
        if let Some(number) = self.listeners.remove(&listener) {
            self.entries.try_remove(number);
        }
    }

    fn accept(&mut self, listener: ListenerId) {
        if let Some(&number) = self.listeners.get(&listener) {
            self.enqueue(number);
        }
    }

    fn refuse(&mut self, accepted: AcceptedId) {
        if let Some(number) = self.accepted.remove(&accepted) {
            self.entries.try_remove(number);
        }
    }

    fn connect(&mut self, id: SocketId, attempt: Attempt, to: ConnectTo) {
        if let Err(failure) = self.begin_to_connect(id, attempt, &to) {
            self.report(id, failure.of_attempt(attempt));
        }
    }

    fn local_end(&mut self, id: SocketId, attempt: Attempt) -> Option<String> {
        match &self.entries.get(*self.attempts.get(&(id, attempt))?)?.kind {
            Kind::Connecting(Some(connecting)) => connecting.2.local_end(),
            Kind::Connected(connected) => {
                let local = connected.endpoints.local()?;
                Some(format!("{}:{}", zone::shown(&local), local.port()))
            }
            _ => None,
        }
    }

    fn abort_connect(&mut self, id: SocketId, attempt: Attempt) {
        if let Some(number) = self.attempts.remove(&(id, attempt)) {
            self.entries.try_remove(number);
        }
        self.take_back(id, |report| match report {
            Report::Connected { attempt: of, .. } | Report::ConnectFailed { attempt: of, .. } => {
                *of == attempt
            }
            _ => false,
        });
    }

    fn open(&mut self, id: SocketId, origin: Origin) {
        let number = match origin {
            Origin::Attempt(attempt) => self.attempts.remove(&(id, attempt)),
            Origin::Accepted(accepted) => self.accepted.remove(&accepted),
        };
        if let Some(number) = number
            && let Some(Entry {
                kind: Kind::Connected(connected),
                ..
            }) = self.entries.get_mut(number)
        {
            connected.owner = Some(id);
            self.sockets.insert(id, number);
        }
    }

    fn adopt(&mut self, id: SocketId, descriptor: u32) -> Result<Endpoints, AdoptError> {
        let number = i32::try_from(descriptor).unwrap_or(-1);
        let (fd, medium) = self.take_descriptor(number)?;
        let address = |of: Result<_, _>| of.ok().and_then(|of| SocketAddr::try_from(of).ok());
        let (endpoints, peer) = if medium == Medium::Socket(Family::Tcp) {
            let local = address(rustix::net::getsockname(&fd));
            let remote = rustix::net::getpeername(&fd).ok().flatten();
            let remote = remote.and_then(|remote| SocketAddr::try_from(remote).ok());
            let peer = remote.map_or(Peer::Unnamed, Peer::Address);
            (Endpoints::Tcp { local, remote }, peer)
        } else {
            (Endpoints::Path, Peer::Unnamed)
        };
        // Beyond the limit, it is closed like one that is accepted.
        let full = |_| AdoptError::Failed(Errno("EMFILE"));
        let (place, slot) = self
            .door
            .place_and_slot(Direction::Inherit, peer)
            .map_err(full)?;
        let mut connected = Connected::new(fd, medium, endpoints, place, slot.opened());
        connected.owner = Some(id);
        let number = self.keep(Kind::Connected(connected));
        self.sockets.insert(id, number);
        Ok(endpoints)
    }

    fn read(&mut self, id: SocketId) {
        let Some(&number) = self.sockets.get(&id) else {
            return;
        };
        if let Some((connected, _)) = self.connected(id) {
            if !connected.reads() {
                // As in libuv.
                self.report(id, Report::ReadFailed(Errno("ENOTCONN")));
                return;
            }
            connected.ask();
            self.watch_soon(number);
            self.enqueue(number);
        }
    }

    fn write(&mut self, id: SocketId, data: Vec<u8>) -> Written {
        let Some((connected, ready)) = self.connected(id) else {
            return Written::Refused;
        };
        let (written, failure) = connected.write(data, ready);
        if let Some(failure) = failure {
            self.report(id, failure);
        } else if let (Written::Some(_), Some(&number)) = (written, self.sockets.get(&id)) {
            self.watch_soon(number);
            self.enqueue(number);
        }
        written
    }

    fn shut_down(&mut self, id: SocketId) -> Poll<Report> {
        if let Some((connected, _)) = self.connected(id) {
            connected.shut_down();
        }
        Poll::Ready(Report::ShutDown)
    }

    fn set_no_delay(&mut self, id: SocketId, no_delay: bool) {
        if let Some((connected, _)) = self.connected(id) {
            connected.set_no_delay(no_delay);
        }
    }

    fn set_type_of_service(&mut self, id: SocketId, type_of_service: u8) {
        if let Some((connected, _)) = self.connected(id) {
            connected.set_type_of_service(type_of_service);
        }
    }

    fn type_of_service(&mut self, id: SocketId) -> Option<u8> {
        self.connected(id)?.0.type_of_service()
    }

    fn set_keep_alive(&mut self, id: SocketId, keep_alive: KeepAlive) {
        if let Some((connected, _)) = self.connected(id) {
            connected.set_keep_alive(keep_alive);
        }
    }

    fn close(&mut self, id: SocketId) {
        if let Some(number) = self.sockets.remove(&id) {
            self.entries.try_remove(number);
        }
        self.take_back(id, |_| true);
    }

    fn can_reset(&self) -> bool {
        true
    }

    fn reset(&mut self, id: SocketId) {
        if let Some((connected, _)) = self.connected(id) {
            connected.reset_when_closed();
        }
        self.close(id);
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

    fn has_ready(&self) -> bool {
        !self.found.is_empty() && !self.owes_streams()
    }

    fn next_ready(&mut self) -> Option<Ready> {
        if self.owes_streams() {
            return None;
        }
        Some(match self.found.pop_front()? {
            Found::Over(over) => over,
            Found::Entry(number) => self.go_on(number),
        })
    }

    fn accept_ready(&mut self, listener: ListenerId, accepted: AcceptedId) -> Option<Endpoints> {
        let number = *self.listeners.get(&listener)?;
        let entry = self.entries.get_mut(number)?;
        let Kind::Listening(listening) = &entry.kind else {
            return None;
        };
        match listening.accept(&self.door) {
            Accepted::Connection(connected) => {
                let endpoints = connected.endpoints;
                let number = self.keep(Kind::Connected(connected));
                self.accepted.insert(accepted, number);
                Some(endpoints)
            }
            Accepted::None => {
                entry.ready.readable = false;
                None
            }
            Accepted::Busy => {
                self.enqueue(number);
                None
            }
            Accepted::Exhausted => {
                self.tasks.spawn(async move {
                    tokio::time::sleep(door::RETRY).await;
                    Ready::Listener(listener)
                });
                None
            }
        }
    }
}
