//! The order of events: Node's callbacks, ticks, timers and closing callbacks.
//!
//! Node runs one callback at a time. Each emits its events one after the other, and what it queued
//! with `process.nextTick` runs before the next callback. [`Agenda::next`] returns the next step in
//! that order, in the phases of libuv's loop (1.45 and later). The caller returns every event
//! before it asks for the next step, so a program acts between any two events.

use crate::error::Errno;
use crate::error::Error;
use crate::event::{Callback, Event, EventKind, ServerId, SocketId, Source};
use crate::ip::Address;
use crate::lookup::Resolved;
use crate::transport::{
    AcceptedId, Action, Attempt, Endpoints, Generation, ListenerId, LookupId, Report,
};
use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

/// What Node runs for a socket with `process.nextTick`, or in the rest of a callback.
#[derive(Debug)]
pub(crate) enum SocketTick {
    /// `connect` to an address: the attempt itself.
    StartConnect,
    /// Emits `lookup-request`.
    LookupRequest,
    /// The program has resolved it.
    LookedUp(Result<Vec<Resolved>, Error>),
    /// Emits `lookup` for the address of that number, then the next, then connects.
    Lookup {
        addresses: Vec<Resolved>,
        next: usize,
    },
    /// `connect`.
    Connect,
    /// Sends what waited for the connection, once the program has seen `connect`.
    Uncork,
    /// `resetAndDestroy` that waited for the connection, once the program has seen `connect`.
    Reset,
    /// `ready`, after the first write that waited for the connection.
    Ready,
    /// The rest of a successful connect, after its events.
    AfterConnect,
    /// `connect` to an address while connecting.
    AlreadyConnecting(Error),
    /// Destroys the socket with the error of a connect or write.
    Destroy(Error),
    /// Emits `readable`.
    Readable,
    /// Emits `end` if everything was read.
    End,
    /// Ends or destroys the socket after `end`.
    AfterEnd,
    /// `drain`, if it is still due, and the callbacks of writes.
    AfterWrite(Vec<Callback>),
    /// `finish` and the callbacks of `end`.
    Finish,
    /// The same for a socket without a connection when `end` was called.
    FinishUnconnected,
    /// Destroys the socket after `finish`, if the peer has ended too.
    AfterFinish,
    /// The callbacks of writes that a destroyed socket cancels.
    FailWrites,
    /// The callback of a call that failed at once.
    Callback(Callback, Option<Error>),
    /// `error`.
    Error(Error),
    /// `close` of a socket that never had a connection.
    Close,
}

impl SocketTick {
    /// Whether it runs even if the socket was destroyed after it was queued.
    fn survives_destroy(&self) -> bool {
        matches!(
            self,
            Self::FailWrites
                | Self::Callback(..)
                | Self::Error(_)
                | Self::Close
                | Self::AfterWrite(_)
                | Self::FinishUnconnected
        )
    }
}

/// What Node runs for a server with `process.nextTick`.
#[derive(Debug)]
pub(crate) enum ServerTick {
    /// `connections`, with their number.
    Connections(Callback, usize),
    /// `listening`.
    Listening,
    /// `listen` on an address.
    Listen { lookup: LookupId, address: Address },
    /// `error`.
    Error(Error),
    /// `close`.
    Close,
}

/// When a timer is due. Of two due at once, the one set first runs first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    /// Milliseconds of the clock.
    pub at: u64,
    order: u64,
}

/// The kind of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// `setTimeout`: the idle time may be over.
    Idle,
    /// An attempt to connect takes too long.
    Attempt(Attempt),
}

/// What the transport has reported.
#[derive(Debug)]
pub(crate) enum Job {
    Socket(SocketId, Report),
    /// A listener has accepted a connection.
    Accepted(ListenerId, AcceptedId, Endpoints),
    LookedUp(LookupId, Result<Vec<IpAddr>, Errno>),
}

/// Rows E1 and E2: a report about received data that waits for `finish`.
#[derive(Debug)]
struct Held {
    socket: SocketId,
    report: Report,
    until: Until,
}

/// Until when something received is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// `finish`. Leads to `NextPoll`.
    Finish,
    NextPoll,
}

/// A handle that is being closed.
#[derive(Debug)]
pub(crate) struct Closing {
    pub socket: SocketId,
    pub generation: Generation,
    pub had_error: bool,
}

/// The state of a pipe's destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    /// It accepts more.
    Drained,
    /// It accepts no more for now.
    Full,
    /// It accepts nothing more.
    Gone,
}

/// What runs next.
#[derive(Debug)]
pub(crate) enum Step {
    Socket(SocketId, SocketTick),
    Server(ServerId, ServerTick),
    Timer(SocketId, Timer),
    Job(Job),
    /// The transport's next socket that is ready.
    Ready,
    Closing(Closing),
}

impl Step {
    /// The socket it is of.
    pub fn socket(&self) -> Option<SocketId> {
        match self {
            Self::Socket(id, _) | Self::Timer(id, _) | Self::Job(Job::Socket(id, _)) => Some(*id),
            Self::Closing(closing) => Some(closing.socket),
            Self::Server(..) | Self::Ready | Self::Job(Job::Accepted(..) | Job::LookedUp(..)) => {
                None
            }
        }
    }
}

/// Whether the transport has found sockets ready that had no turn yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Found {
    #[default]
    Nothing,
    Something,
}

/// The phase of the loop, as in `uv_run`. Each leads to the next, the last to the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// What calls outside of the poll completed at once: a FIN with no write before it.
    #[default]
    Begin,
    /// What the transport has reported, and then what it has found ready; one connection per
    /// listener.
    Poll,
    /// What calls during the poll completed at once.
    Pending,
    /// Handles to close, the last one first.
    Closing,
    Timers,
}

/// Whether the program has taken an event of the running callback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    /// No: its calls count as made before the callback, and cancel events that they make untrue.
    No,
    /// Yes: it is in the handler of an event, and Node emits the callback's other events all the
    /// same.
    #[default]
    Yes,
}

/// What the rules have decided, in the order of delivery.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    pub actions: VecDeque<Action>,
    /// Events of the running callback that the program has not taken.
    events: VecDeque<Event>,
    seen: Seen,
    /// What the running callback does after these events.
    rest: VecDeque<(SocketId, SocketTick)>,
    ticks: VecDeque<Tick>,
    phase: Phase,
    /// The number of polls so far.
    pub round: u64,
    jobs: VecDeque<Job>,
    /// The jobs of this poll. Later reports belong to the next.
    polled: VecDeque<Job>,
    found: Found,
    pending: VecDeque<Job>,
    /// In the order in which they came.
    held: VecDeque<Held>,
    closing: Vec<Closing>,
    closing_now: Vec<Closing>,
    /// The time, in milliseconds.
    pub now: u64,
    timers: BTreeSet<(Due, SocketId, Timer)>,
    /// Servers that lost a connection.
    pub departed: Vec<ServerId>,
    /// Sockets that may have something for their pipes.
    pub flows: Vec<SocketId>,
    /// Sockets that have emitted `end`: what they pipe to may end, too.
    pub ended: Vec<SocketId>,
    /// Sockets that wrote everything, ended or closed: those that pipe to them must know.
    pub piped_to: Vec<(SocketId, Sink)>,
    /// Sources that are gone, and what they piped to.
    pub unpiped: Vec<(SocketId, SocketId)>,
    last: Numbers,
}

/// The last number of each kind.
#[derive(Debug, Default)]
struct Numbers {
    object: u64,
    lookup: u64,
    listener: u64,
    accepted: u64,
    timer: u64,
}

#[derive(Debug)]
enum Tick {
    Socket(SocketId, SocketTick),
    Server(ServerId, ServerTick),
}

impl Agenda {
    /// A number for a server or a socket.
    pub fn object(&mut self) -> u64 {
        self.last.object += 1;
        self.last.object
    }

    /// A number for a lookup.
    pub fn lookup(&mut self) -> LookupId {
        self.last.lookup += 1;
        LookupId(self.last.lookup)
    }

    /// A number for what will listen.
    pub fn listener(&mut self) -> ListenerId {
        self.last.listener += 1;
        ListenerId(self.last.listener)
    }

    /// A number for a connection that was accepted.
    pub fn accepted(&mut self) -> AcceptedId {
        self.last.accepted += 1;
        AcceptedId(self.last.accepted)
    }

    // ---- what the running callback decides ----

    /// Emits an event.
    pub fn emit(&mut self, source: impl Into<Source>, kind: EventKind) {
        let source = source.into();
        self.events.push_back(Event { source, kind });
    }

    /// Asks the transport for something.
    pub fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// Queues a tick.
    pub fn tick(&mut self, id: SocketId, tick: SocketTick) {
        self.ticks.push_back(Tick::Socket(id, tick));
    }

    /// Queues a tick of a server.
    pub fn tick_server(&mut self, id: ServerId, tick: ServerTick) {
        self.ticks.push_back(Tick::Server(id, tick));
    }

    /// Queues what the running callback does after its events and actions.
    pub fn then(&mut self, id: SocketId, tick: SocketTick) {
        self.rest.push_back((id, tick));
    }

    /// Queues the handle for the closing phase.
    pub fn close(&mut self, closing: Closing) {
        self.closing.push(closing);
    }

    // ---- the clock ----

    /// When a timer that is set now and takes this long is due.
    pub fn due_in(&mut self, milliseconds: u64) -> Due {
        self.last.timer += 1;
        Due {
            at: self.now + milliseconds,
            order: self.last.timer,
        }
    }

    /// Sets a timer.
    pub fn wake_at(&mut self, due: Due, id: SocketId, timer: Timer) {
        self.timers.insert((due, id, timer));
    }

    /// Cancels a timer of [`Agenda::wake_at`].
    pub fn forget_timer(&mut self, due: Due, id: SocketId, timer: Timer) {
        self.timers.remove(&(due, id, timer));
    }

    /// When the next timer is due.
    pub fn next_deadline(&self) -> Option<u64> {
        self.timers.first().map(|(due, ..)| due.at)
    }

    /// Advances the clock. Earlier times are ignored.
    pub fn advance(&mut self, now: u64) {
        self.now = self.now.max(now);
    }

    fn timer_is_due(&self) -> bool {
        self.next_deadline().is_some_and(|at| at <= self.now)
    }

    // ---- what the transport reports ----

    /// Queues what the transport reports.
    pub fn job(&mut self, job: Job) {
        match job {
            Job::Socket(_, Report::ShutDown) => self.pending.push_back(job),
            job => self.jobs.push_back(job),
        }
    }

    /// The transport has found sockets ready: they are part of the next poll, or of this one.
    pub fn found(&mut self) {
        self.found = Found::Something;
    }

    /// The transport has no more of them.
    pub fn found_no_more(&mut self) {
        self.found = Found::Nothing;
    }

    /// Queues what a socket that is ready reports: for this poll.
    pub fn job_now(&mut self, job: Job) {
        self.polled.push_back(job);
    }

    /// Keeps what was received until the socket's [`Agenda::release`].
    pub fn hold(&mut self, socket: SocketId, report: Report) {
        let until = Until::Finish;
        self.held.push_back(Held {
            socket,
            report,
            until,
        });
    }

    /// Moves what was held for a socket to the next poll.
    pub fn release(&mut self, socket: SocketId) {
        for held in &mut self.held {
            if held.socket == socket {
                held.until = Until::NextPoll;
            }
        }
    }

    // ---- order ----

    /// Takes the next event of the running callback.
    pub fn take_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front()?;
        self.seen = Seen::Yes;
        Some(event)
    }

    /// Whether there is an event to take.
    pub fn has_event(&self) -> bool {
        !self.events.is_empty()
    }

    /// How many such events are not taken yet.
    pub fn count_events(&self, such: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| such(event)).count()
    }

    /// The next step. Call it only when all events are taken.
    pub fn next(&mut self) -> Option<Step> {
        self.seen = Seen::No;
        if let Some((id, tick)) = self.rest.pop_front() {
            return Some(Step::Socket(id, tick));
        }
        match self.ticks.pop_front() {
            Some(Tick::Socket(id, tick)) => return Some(Step::Socket(id, tick)),
            Some(Tick::Server(id, tick)) => return Some(Step::Server(id, tick)),
            None => {}
        }
        while self.has_work() {
            match self.phase {
                Phase::Begin => {
                    if let Some(job) = self.pending.pop_front() {
                        return Some(Step::Job(job));
                    }
                    self.poll();
                    self.phase = Phase::Poll;
                }
                Phase::Poll => {
                    if let Some(job) = self.polled.pop_front() {
                        return Some(Step::Job(job));
                    }
                    if self.found == Found::Something {
                        return Some(Step::Ready);
                    }
                    self.phase = Phase::Pending;
                }
                Phase::Pending => {
                    if let Some(job) = self.pending.pop_front() {
                        return Some(Step::Job(job));
                    }
                    self.closing_now.append(&mut self.closing);
                    self.phase = Phase::Closing;
                }
                Phase::Closing => {
                    if let Some(closing) = self.closing_now.pop() {
                        return Some(Step::Closing(closing));
                    }
                    self.phase = Phase::Timers;
                }
                Phase::Timers => {
                    if self.timer_is_due()
                        && let Some((_, id, timer)) = self.timers.pop_first()
                    {
                        return Some(Step::Timer(id, timer));
                    }
                    self.phase = Phase::Begin;
                }
            }
        }
        // Timers that become due now come after what is reported meanwhile.
        self.phase = Phase::Begin;
        None
    }

    /// Takes what was reported since the last poll. libuv accepts one connection per listener; the
    /// others belong to later polls.
    fn poll(&mut self) {
        for _ in 0..self.held.len() {
            match self.held.pop_front() {
                Some(Held {
                    socket,
                    report,
                    until: Until::NextPoll,
                }) => self.polled.push_back(Job::Socket(socket, report)),
                held => self.held.extend(held),
            }
        }
        self.round += 1;
        let mut accepted: Vec<ListenerId> = Vec::new();
        for _ in 0..self.jobs.len() {
            let Some(job) = self.jobs.pop_front() else {
                break;
            };
            match job {
                Job::Accepted(listener, ..) if accepted.contains(&listener) => {
                    self.jobs.push_back(job);
                }
                job => {
                    if let Job::Accepted(listener, ..) = job {
                        accepted.push(listener);
                    }
                    self.polled.push_back(job);
                }
            }
        }
    }

    /// Whether there are steps without a report of the transport.
    pub fn has_work(&self) -> bool {
        !self.events.is_empty()
            || !self.rest.is_empty()
            || !self.ticks.is_empty()
            || !self.jobs.is_empty()
            || !self.polled.is_empty()
            || self.found == Found::Something
            || !self.pending.is_empty()
            || !self.closing.is_empty()
            || !self.closing_now.is_empty()
            || self.timer_is_due()
            || self.held.iter().any(|held| held.until == Until::NextPoll)
    }

    /// How much there is to do, at once or later.
    pub fn len(&self) -> usize {
        self.actions.len()
            + self.events.len()
            + self.rest.len()
            + self.ticks.len()
            + self.jobs.len()
            + self.polled.len()
            + self.pending.len()
            + self.held.len()
            + self.closing.len()
            + self.closing_now.len()
            + self.timers.len()
            + self.departed.len()
            + self.flows.len()
            + self.ended.len()
            + self.piped_to.len()
            + self.unpiped.len()
    }

    // ---- cancelling ----

    /// Drops what is queued for a destroyed socket, except what survives.
    pub fn forget(&mut self, id: SocketId) {
        let stays = |of: SocketId, tick: &SocketTick| of != id || tick.survives_destroy();
        self.ticks.retain(|tick| match tick {
            Tick::Socket(of, tick) => stays(*of, tick),
            Tick::Server(..) => true,
        });
        let of_another = |job: &Job| !matches!(job, Job::Socket(of, _) if *of == id);
        self.jobs.retain(of_another);
        self.polled.retain(of_another);
        self.pending.retain(of_another);
        self.held.retain(|held| held.socket != id);
        if self.seen == Seen::No {
            self.rest.retain(|(of, tick)| stays(*of, tick));
            self.take_back(id.into(), |kind| {
                !matches!(
                    kind,
                    EventKind::Error(_) | EventKind::Close { .. } | EventKind::Callback { .. }
                )
            });
        }
    }

    /// Cancels events that the program has not taken and that its call makes untrue. Returns
    /// whether there were any.
    pub fn take_back(&mut self, source: Source, untrue: impl Fn(&EventKind) -> bool) -> bool {
        let emitted = self.events.len();
        if self.seen == Seen::No {
            self.events
                .retain(|event| event.source != source || !untrue(&event.kind));
        }
        self.events.len() < emitted
    }

    /// The same for an event with once-listeners; returns their callbacks, which keep waiting.
    pub fn take_back_with_listeners(
        &mut self,
        source: Source,
        untrue: impl Fn(&EventKind) -> bool,
    ) -> Vec<Callback> {
        let mut callbacks = Vec::new();
        if self.take_back(source, untrue) {
            self.events.retain(|event| match event.kind {
                EventKind::Callback { callback, .. } if event.source == source => {
                    callbacks.push(callback);
                    false
                }
                _ => true,
            });
        }
        callbacks
    }

    /// Cancels every event of a source: its handle was dropped.
    pub fn withdraw(&mut self, source: Source) {
        self.events.retain(|event| event.source != source);
    }

    /// Drops the failed callbacks of a socket that connects again.
    pub fn forget_failed_writes(&mut self, id: SocketId) {
        self.ticks.retain(|tick| match tick {
            Tick::Socket(of, SocketTick::FailWrites | SocketTick::FinishUnconnected) => *of != id,
            _ => true,
        });
    }
}
