//! The order of things: Node's ticks, I/O callbacks and closing callbacks.
//!
//! Node runs the ticks (`process.nextTick`) that a callback queued before the
//! next callback, and what closes a handle after the callbacks of the same turn
//! of the event loop (libuv's closing phase). A program sees the events of a turn
//! only when `poll` returns, so between two events of one socket it would have no
//! say. Therefore a socket that has emitted something is left alone until the
//! next turn: its ticks and inputs wait, in order.

use super::error::Error;
use super::event::{Callback, Event, EventKind, Id};
use super::lookup::Resolved;
use super::transport::{Action, Ends, Input};
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::net::IpAddr;

/// A tick: what Node runs with `process.nextTick`, or in the rest of a callback
/// after it has emitted an event.
#[derive(Debug)]
pub enum Tick {
    /// `connect` to an address: the attempt itself.
    StartConnect,
    /// Asks the program to resolve a name.
    LookupRequest,
    /// The program has resolved it.
    LookedUp(Result<Vec<Resolved>, Error>),
    /// Emits `lookup` for the address of that number, then the next, then
    /// connects.
    Lookup {
        addresses: Vec<Resolved>,
        next: usize,
    },
    /// `connect`.
    Connect,
    /// Sends what waited for the connection, once the program has seen `connect`.
    Uncork,
    /// `ready`, after the first of the writes that waited for the connection.
    Ready,
    /// The rest of a successful connect, after its events.
    AfterConnect,
    /// Destroys the socket with the error of a connect or write.
    Destroy(Error),
    /// Emits `readable`.
    Readable,
    /// The idle time may be over.
    Timeout,
    /// Emits `end` if everything was read.
    End,
    /// Ends or destroys the socket after `end`.
    AfterEnd,
    /// `drain`, if it is still owed, and the callbacks of writes.
    AfterWrite(Vec<Callback>),
    /// `finish` and the callbacks of `end`.
    Finish,
    /// Destroys the socket after `finish`, if the peer has ended too.
    AfterFinish,
    /// The callbacks of writes that a destroyed socket gives up.
    FailWrites,
    /// The callback of a call that failed at once.
    Callback(Callback, Option<Error>),
    /// `error`.
    Error(Error),
    /// `close` of a socket that never had a connection.
    Close,
    /// `connections`, with their number.
    Connections(Callback, usize),
    /// A server's `listening`.
    Listening,
    /// A server's `listen` on an address.
    Listen { lookup: u32, address: IpAddr },
    /// A server's `close`.
    ServerClose,
}

impl Tick {
    /// Whether the tick is beyond the program's say: it may follow an event of
    /// the same turn.
    fn unconditional(&self) -> bool {
        matches!(
            self,
            Tick::FailWrites | Tick::Callback(..) | Tick::Error(_) | Tick::Close
        )
    }
}

/// A connection to be accepted, or something that happened to what exists.
#[derive(Debug)]
pub enum Job {
    /// From the transport.
    Input(Input),
    /// A new connection of a server, already a socket.
    Accepted(Id),
    /// A new connection that a server has no room for.
    Dropped(Ends),
}

/// A handle that is being closed.
#[derive(Debug)]
pub struct Closing {
    pub id: Id,
    /// Which connection of the socket this was.
    pub life: u32,
    pub had_error: bool,
}

/// What became of the destination of a pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sink {
    /// It takes more.
    Drained,
    /// It takes no more for now.
    Full,
    /// It takes nothing more.
    Gone,
}

/// What the rules have decided and not delivered yet.
#[derive(Debug, Default)]
pub struct Turn {
    pub events: Vec<Event>,
    pub actions: VecDeque<Action>,
    ticks: VecDeque<(Id, Tick)>,
    jobs: VecDeque<(Id, Job)>,
    /// Ticks and jobs that wait for the next turn.
    held_ticks: VecDeque<(Id, Tick)>,
    held_jobs: VecDeque<(Id, Job)>,
    pub closing: Vec<Closing>,
    /// Servers that lost a connection.
    pub departed: Vec<Id>,
    /// Sockets that may have something for their pipes.
    pub flows: Vec<Id>,
    /// Sockets that have emitted `end`: what they pipe to may end, too.
    pub ended: Vec<Id>,
    /// Sockets that took everything that was written, ended, or are gone: those
    /// that pipe to them have to know.
    pub piped_to: Vec<(Id, Sink)>,
    /// The time, in milliseconds from some beginning.
    pub now: u64,
    /// When to look whether a socket was idle. An entry may be out of date.
    deadlines: BTreeSet<(u64, Id)>,
    /// The last number given to something that listens.
    last_handle: u64,
    /// Who has emitted something in this turn.
    spoke: HashSet<Id>,
    /// Whose ticks or jobs wait for the next turn.
    waits: HashSet<Id>,
}

impl Turn {
    /// Emits an event.
    pub fn emit(&mut self, source: Id, kind: EventKind) {
        // A server's connections are independent of each other.
        let independent = matches!(kind, EventKind::Connection | EventKind::Drop { .. });
        if !independent {
            self.spoke.insert(source);
        }
        self.events.push(Event { source, kind });
    }

    /// A number for something that listens.
    pub fn next_handle(&mut self) -> u64 {
        self.last_handle += 1;
        self.last_handle
    }

    /// Has [`Tick::Timeout`] queued at that time.
    pub fn wake_at(&mut self, deadline: u64, id: Id) {
        self.deadlines.insert((deadline, id));
    }

    /// Takes a [`Turn::wake_at`] back.
    pub fn forget_deadline(&mut self, deadline: u64, id: Id) {
        self.deadlines.remove(&(deadline, id));
    }

    /// When the next timeout may be due.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// It is that late: queues what is due.
    pub fn advance(&mut self, now: u64) {
        self.now = self.now.max(now);
        while let Some(&(at, id)) = self.deadlines.first()
            && at <= self.now
        {
            self.deadlines.pop_first();
            self.tick(id, Tick::Timeout);
        }
    }

    /// Asks the transport for something.
    pub fn act(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// Queues a tick.
    pub fn tick(&mut self, id: Id, tick: Tick) {
        self.ticks.push_back((id, tick));
    }

    /// Queues a tick that waits until the actions of this turn were carried out.
    pub fn tick_next_turn(&mut self, id: Id, tick: Tick) {
        self.waits.insert(id);
        self.held_ticks.push_back((id, tick));
    }

    /// Queues what the transport reports.
    pub fn job(&mut self, id: Id, job: Job) {
        self.jobs.push_back((id, job));
    }

    /// Whether something could happen without the transport.
    pub fn has_work(&self) -> bool {
        let Self {
            ticks,
            jobs,
            held_ticks,
            held_jobs,
            closing,
            ..
        } = self;
        let queues = [ticks.len(), jobs.len(), held_ticks.len(), held_jobs.len()];
        queues.iter().any(|len| *len > 0) || !closing.is_empty()
    }

    /// Drops what was queued for a socket that is destroyed, but for what it has
    /// to say all the same.
    pub fn forget(&mut self, id: Id) {
        let stays = |(of, tick): &(Id, Tick)| {
            *of != id || tick.unconditional() || matches!(tick, Tick::AfterWrite(_))
        };
        self.ticks.retain(stays);
        self.held_ticks.retain(stays);
        self.jobs.retain(|(of, _)| *of != id);
        self.held_jobs.retain(|(of, _)| *of != id);
    }

    /// Drops [`Tick::FailWrites`] of a socket that connects again.
    pub fn forget_failed_writes(&mut self, id: Id) {
        let stays = |(of, tick): &(Id, Tick)| *of != id || !matches!(tick, Tick::FailWrites);
        self.ticks.retain(stays);
        self.held_ticks.retain(stays);
    }

    /// Begins a turn: everybody may speak again, those who had to wait first.
    pub fn begin(&mut self) {
        self.spoke.clear();
        self.waits.clear();
        self.held_ticks.append(&mut self.ticks);
        std::mem::swap(&mut self.ticks, &mut self.held_ticks);
        self.held_jobs.append(&mut self.jobs);
        std::mem::swap(&mut self.jobs, &mut self.held_jobs);
    }

    /// Whether `id` has to be left alone until the next turn.
    pub fn is_waiting(&self, id: Id) -> bool {
        self.waits.contains(&id)
    }

    /// The next tick that may run in this turn.
    pub fn next_tick(&mut self) -> Option<(Id, Tick)> {
        while let Some((id, tick)) = self.ticks.pop_front() {
            let spoke = self.spoke.contains(&id) && !tick.unconditional();
            if !spoke && !self.waits.contains(&id) {
                return Some((id, tick));
            }
            self.waits.insert(id);
            self.held_ticks.push_back((id, tick));
        }
        None
    }

    /// The next job that may run in this turn.
    pub fn next_job(&mut self) -> Option<(Id, Job)> {
        while let Some((id, job)) = self.jobs.pop_front() {
            if !self.spoke.contains(&id) && !self.waits.contains(&id) {
                return Some((id, job));
            }
            self.waits.insert(id);
            // The events of a connection come after that which announces it.
            if let Job::Accepted(socket) = job {
                self.waits.insert(socket);
            }
            self.held_jobs.push_back((id, job));
        }
        None
    }
}
