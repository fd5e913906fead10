//! `net.Socket`: its states, and the effect of each call and report.
//!
//! One module for each phase: [`connecting`], [`reading`], [`writing`], [`closing`], and beside
//! them [`piping`], [`streaming`] and [`timing`].

mod attempts;
mod closing;
mod connecting;
mod idle;
mod pipe;
mod piping;
mod readable;
mod reading;
mod streaming;
mod streams;
mod timing;
mod writable;
mod writing;

pub use attempts::{ConnectRequest, Lookup, Selection};

use crate::agenda::{Agenda, SocketTick, Timer};
use crate::block_list::BlockList;
use crate::error::Error;
use crate::event::{Callback, EventKind, ServerId, SocketId};
use crate::server::Handle;
use crate::transport::{
    Action, Attempt, Endpoints, Generation, KeepAlive, LookupId, Probes, Report,
};
use attempts::Attempts;
pub(crate) use attempts::ConnectOptions;
use connecting::Early;
use idle::Idle;
pub(crate) use pipe::Pipe;
use pipe::Pipes;
use readable::{End, Flow, Readable};
use std::net::SocketAddr;
use streams::Data;
use writable::{Side, Writable};

/// The state of a socket's connection: Node's `_handle`, `connecting` and `destroyed`.
#[derive(Debug)]
enum Link {
    /// None. `connect` leads to `LookingUp`, to `Connecting` if the host is an address, or to
    /// `ConnectingPath`; `destroy` to `Closed`.
    None,
    /// A name is being resolved. Leads to `Connecting`, or to `Closing` if that
    /// fails or the socket is destroyed.
    LookingUp {
        /// Answers to other lookups are ignored.
        lookup: LookupId,
        options: ConnectOptions,
        /// The program was asked and has not answered yet; other answers are ignored.
        asked: bool,
    },
    /// An attempt is under way. Leads to `Open`, to another attempt, or to
    /// `Closing`.
    Connecting(Attempts),
    /// The attempt to connect to a path is under way. Leads to `Open`, or to `Closing`.
    ConnectingPath(String),
    /// The connection is established. Leads to `Closing` when the socket is destroyed.
    Open(Endpoints),
    /// The socket was destroyed and has not emitted `close`. Leads to `Closed`.
    Closing {
        /// Whether the connection was ever established.
        was_open: bool,
    },
    /// The socket is destroyed. `connect` leads on as from `None` (row C25).
    Closed,
}

/// What a socket can do. Node's `readyState`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "documented where programs read it")]
pub enum ReadyState {
    Opening,
    Open,
    ReadOnly,
    WriteOnly,
    Closed,
}

/// What becomes of a socket that has emitted `finish`, if the peer has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnFinish {
    /// It goes on to receive. Leads to `Destroy`.
    Stay,
    /// It is destroyed (`destroySoon`).
    Destroy,
}

/// Whether `resetAndDestroy` waits for a connection. Node has a once-listener of `connect`, which
/// waits until there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reset {
    /// It does not. `resetAndDestroy` while connecting leads to the others.
    No,
    /// It does, and what was written by then goes out before. Leads to `No`.
    AfterWrites,
    /// It does, and nothing was written before it. Leads to `No`.
    BeforeWrites,
}

/// Node's `highWaterMark` of a socket, in bytes.
pub(crate) const HIGH_WATER_MARK: usize = 64 * 1024;

/// Node's milliseconds between the probes of an idle connection.
const PROBE_INTERVAL: u64 = 1000;

/// Node's number of probes after which a connection is given up.
const PROBES: u32 = 10;

/// The number of the only attempt to connect to a path.
const PATH_ATTEMPT: Attempt = 0;

/// The options of `new net.Socket()`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SocketOptions {
    /// `allowHalfOpen`.
    pub allow_half_open: bool,
    /// `highWaterMark`, in bytes; absent for 64 KiB.
    pub high_water_mark: Option<usize>,
    /// `noDelay`.
    pub no_delay: bool,
    /// `keepAlive` and `keepAliveInitialDelay`, the latter in milliseconds.
    pub keep_alive: Option<u64>,
}

/// Node's `net.Socket`.
#[derive(Debug)]
pub struct Socket {
    id: SocketId,
    link: Link,
    allow_half_open: bool,
    readable: Readable,
    writable: Writable,
    data: Data,
    /// The error the socket was destroyed with, or that a write failed with.
    errored: Option<Error>,
    generation: Generation,
    /// Row P3: the peer's address, from its first reading on.
    peername: Option<SocketAddr>,
    /// The server this is a connection of.
    server: Option<ServerId>,
    refed: bool,
    idle: Idle,
    /// TCP_NODELAY as the program wants it. Node's `kSetNoDelay`.
    no_delay: bool,
    /// SO_KEEPALIVE as the program wants it. Node's `kSetKeepAlive` and
    /// `kSetKeepAliveInitialDelay`.
    keep_alive: KeepAlive,
    /// IP_TOS as the program wants it. Node's `kSetTOS`.
    type_of_service: Option<u8>,
    /// `blockList`.
    block_list: Option<BlockList>,
    /// `autoSelectFamilyAttemptedAddresses`.
    attempted: Option<Vec<String>>,
    /// The callbacks of `connect`: once-listeners, kept until a connect succeeds.
    on_connect: Vec<Callback>,
    pipes: Pipes,
    /// Another socket pipes to this one, or has done so.
    is_destination: bool,
    early: Early,
    /// The poll in which the FIN was asked for, or the one before that.
    fin_asked_in: u64,
    on_finish: OnFinish,
    reset: Reset,
    handle: Handle,
}

impl Socket {
    /// `new net.Socket(options)`.
    pub(crate) fn new(id: SocketId, options: SocketOptions) -> Self {
        let mark = options.high_water_mark.unwrap_or(HIGH_WATER_MARK);
        Self {
            id,
            link: Link::None,
            allow_half_open: options.allow_half_open,
            readable: Readable::new(mark),
            writable: Writable::new(mark),
            data: Data::default(),
            errored: None,
            generation: 0,
            peername: None,
            server: None,
            refed: true,
            idle: Idle::default(),
            no_delay: options.no_delay,
            keep_alive: options
                .keep_alive
                .map_or(KeepAlive::Off, |delay| keep_alive(true, delay, None, None)),
            type_of_service: None,
            block_list: None,
            attempted: None,
            on_connect: Vec::new(),
            pipes: Pipes::default(),
            is_destination: false,
            early: Early::Nothing,
            fin_asked_in: 0,
            on_finish: OnFinish::Stay,
            reset: Reset::No,
            handle: Handle::Held,
        }
    }

    /// The socket of a connection that `server` accepted.
    pub(crate) fn accepted(
        id: SocketId,
        server: ServerId,
        options: SocketOptions,
        pause_on_connect: bool,
        endpoints: Endpoints,
        agenda: &mut Agenda,
    ) -> Self {
        let mut socket = Self {
            link: Link::Open(endpoints),
            server: Some(server),
            ..Self::new(id, options)
        };
        socket.apply_options(agenda);
        // Row D3: with pauseOnConnect nothing is read before resume().
        socket.readable.paused = pause_on_connect;
        if !pause_on_connect {
            socket.readable.start();
        }
        socket.read_on(agenda);
        socket
    }

    /// `new net.Socket({ fd })`: the socket of an inherited connection.
    pub(crate) fn adopted(
        id: SocketId,
        options: SocketOptions,
        endpoints: Endpoints,
        agenda: &mut Agenda,
    ) -> Self {
        let mut socket = Self {
            link: Link::Open(endpoints),
            ..Self::new(id, options)
        };
        socket.apply_options(agenda);
        socket.readable.start();
        socket.read_on(agenda);
        socket
    }

    // ---- properties ----

    /// The server whose connection this is, until it is destroyed.
    pub fn server(&self) -> Option<ServerId> {
        self.server
    }

    /// `socket.connecting`.
    pub fn connecting(&self) -> bool {
        matches!(
            self.link,
            Link::LookingUp { .. } | Link::Connecting(_) | Link::ConnectingPath(_)
        )
    }

    /// `socket.pending`.
    pub fn pending(&self) -> bool {
        !self.is_open()
    }

    /// `socket.destroyed`.
    pub fn destroyed(&self) -> bool {
        matches!(self.link, Link::Closing { .. } | Link::Closed)
    }

    fn is_open(&self) -> bool {
        matches!(self.link, Link::Open(_))
    }

    fn is_readable(&self) -> bool {
        !self.destroyed() && self.readable.end != End::Emitted
    }

    fn is_writable(&self) -> bool {
        !self.destroyed() && self.errored.is_none() && !self.writable.is_ending()
    }

    /// `socket.readyState` (row P9).
    pub fn ready_state(&self) -> ReadyState {
        match (self.connecting(), self.is_readable(), self.is_writable()) {
            (true, ..) => ReadyState::Opening,
            (_, true, true) => ReadyState::Open,
            (_, true, false) => ReadyState::ReadOnly,
            (_, false, true) => ReadyState::WriteOnly,
            (_, false, false) => ReadyState::Closed,
        }
    }

    /// `socket.bytesRead` (row P7).
    pub fn bytes_read(&self) -> u64 {
        self.readable.bytes_read
    }

    /// `socket.bytesWritten` (row P6).
    pub fn bytes_written(&self) -> u64 {
        self.writable.bytes_written
    }

    /// `socket.writableLength`.
    pub fn writable_length(&self) -> usize {
        self.writable.len()
    }

    /// What it holds: bytes received and not read, and bytes to be sent.
    pub(crate) fn held(&self) -> usize {
        self.readable.len() + self.writable.len()
    }

    /// `socket.address()` (row P4): known while there is a connection.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match self.link {
            Link::Open(endpoints) => endpoints.local(),
            _ => None,
        }
    }

    /// `socket.remoteAddress` and its siblings (row P3): known while there is a
    /// connection, and kept after it if they were read before.
    pub(crate) fn remote_address(&mut self) -> Option<SocketAddr> {
        if let Link::Open(endpoints) = self.link {
            self.peername = endpoints.remote();
        }
        self.peername
    }

    /// `socket.autoSelectFamilyAttemptedAddresses`: absent before a name with several addresses was
    /// connected to; stays until the next one is. Each as Node shows it, without brackets.
    pub fn attempted_addresses(&self) -> Option<&[String]> {
        self.attempted.as_deref()
    }

    /// What `setTypeOfService` has set last.
    pub(crate) fn type_of_service(&self) -> u8 {
        self.type_of_service.unwrap_or(0)
    }

    /// Whether there is a connection of TCP.
    pub(crate) fn has_tcp(&self) -> bool {
        self.is_open() && !self.has_path()
    }

    /// The option `blockList`. Attempts under way keep the list that they began with.
    pub(crate) fn set_block_list(&mut self, block_list: BlockList) {
        self.block_list = Some(block_list);
    }

    /// `socket.isPaused()`.
    pub fn is_paused(&self) -> bool {
        self.readable.paused
    }

    /// `socket.timeout`.
    pub fn timeout(&self) -> Option<u64> {
        self.idle.timeout()
    }

    /// Whether `connect` was called and `looked-up` is awaited, or there is a
    /// connection: what Node calls a handle.
    pub fn has_handle(&self) -> bool {
        self.connecting() || self.is_open()
    }

    /// Whether it is connected, or connects, to a path.
    pub fn has_path(&self) -> bool {
        matches!(
            self.link,
            Link::ConnectingPath(_) | Link::Open(Endpoints::Path)
        )
    }

    /// `socket.ref()` and `socket.unref()`.
    pub(crate) fn set_ref(&mut self, refed: bool) {
        self.refed = refed;
    }

    /// Whether an event can follow that the program waits for: libuv's active handles and requests.
    pub(crate) fn is_alive(&self) -> bool {
        // A stream is under way, though nothing of libuv's is.
        if self.refed && self.data.delivers() {
            return true;
        }
        match self.link {
            Link::None | Link::Closing { .. } | Link::Closed => false,
            Link::LookingUp { .. } | Link::Connecting(_) | Link::ConnectingPath(_) => true,
            Link::Open(_) => {
                let ending = self.writable.side == Side::Finishing;
                // A stream of the program's takes what is unread.
                let received = self.data.streams_in() && self.readable.len() > 0;
                let sends = self.data.streams_out() && self.is_writable();
                let open = (self.readable.is_asked() || received || sends) && self.refed;
                // Row O4: `unref` cancels nothing that is under way.
                open || self.writable.in_flight() || ending
            }
        }
    }

    /// Whether the handle was dropped and nothing is under way.
    pub(crate) fn is_gone(&self) -> bool {
        let dropped = self.handle == Handle::Dropped;
        dropped && matches!(self.link, Link::Closed) && !self.data.delivers()
    }

    /// Panics if two states contradict each other.
    pub fn check_invariants(&self) {
        let open = self.is_open();
        let flow = self.readable.flow;
        assert!(
            flow != Flow::Asked || open,
            "asked for bytes without a connection: {self:?}"
        );
        assert!(
            flow == Flow::Stopped || open || self.destroyed(),
            "reads without a connection: {self:?}"
        );
        assert!(
            !self.writable.in_flight() || open || matches!(self.link, Link::Closing { .. }),
            "a write is under way without a connection: {self:?}"
        );
        assert!(
            self.writable.side != Side::Finishing || open || self.destroyed(),
            "the FIN was asked for without a connection: {self:?}"
        );
        assert!(
            self.early.is_nothing() || open,
            "writes wait for a connection that is gone: {self:?}"
        );
        assert!(
            self.server.is_none() || open,
            "a server still counts it: {self:?}"
        );
        assert!(
            !self.data.is_taken() || open || self.destroyed(),
            "streams of no connection: {self:?}"
        );
    }

    // ---- options of TCP ----

    /// `socket.setNoDelay()`.
    pub(crate) fn set_no_delay(&mut self, no_delay: bool, agenda: &mut Agenda) {
        // Row O1: a path has no such option, and nothing is remembered.
        if self.has_path() || no_delay == self.no_delay {
            return;
        }
        self.no_delay = no_delay;
        // Before the connection stands it is remembered.
        if self.is_open() {
            agenda.act(Action::NoDelay {
                socket: self.id,
                no_delay,
            });
        }
    }

    /// `socket.setTypeOfService()`. Node fails while connecting, and sets it all the same once
    /// connected.
    pub(crate) fn set_type_of_service(&mut self, type_of_service: u8, agenda: &mut Agenda) {
        if self.type_of_service.replace(type_of_service) == Some(type_of_service) {
            return;
        }
        // On a path it is remembered.
        if self.has_tcp() {
            agenda.act(Action::TypeOfService {
                socket: self.id,
                type_of_service,
            });
        }
    }

    /// `socket.setKeepAlive()`; the delay and the interval in milliseconds.
    pub(crate) fn set_keep_alive(
        &mut self,
        enable: bool,
        delay: u64,
        interval: Option<u64>,
        count: Option<u32>,
        agenda: &mut Agenda,
    ) {
        let wanted = keep_alive(enable, delay, interval, count);
        if self.has_path() || wanted == self.keep_alive {
            return;
        }
        self.keep_alive = wanted;
        if self.is_open() {
            agenda.act(Action::KeepAlive {
                socket: self.id,
                keep_alive: wanted,
            });
        }
    }

    /// Sets what was remembered for the connection, which stands now.
    fn apply_options(&self, agenda: &mut Agenda) {
        if self.has_path() {
            return;
        }
        if self.no_delay {
            agenda.act(Action::NoDelay {
                socket: self.id,
                no_delay: true,
            });
        }
        if self.keep_alive != KeepAlive::Off {
            agenda.act(Action::KeepAlive {
                socket: self.id,
                keep_alive: self.keep_alive,
            });
        }
        if let Some(type_of_service) = self.type_of_service {
            agenda.act(Action::TypeOfService {
                socket: self.id,
                type_of_service,
            });
        }
    }

    // ---- emitting ----

    fn emit(&self, kind: EventKind, agenda: &mut Agenda) {
        if self.handle == Handle::Held {
            agenda.emit(self.id, kind);
        }
    }

    fn call_back(&self, callbacks: Vec<Callback>, error: Option<&Error>, agenda: &mut Agenda) {
        for callback in callbacks {
            let error = error.cloned();
            self.emit(EventKind::Callback { callback, error }, agenda);
        }
    }

    /// The callback of a call that failed at once.
    fn fail_call(&self, callback: Option<Callback>, error: Error, agenda: &mut Agenda) {
        if let Some(callback) = callback {
            agenda.tick(self.id, SocketTick::Callback(callback, Some(error)));
        }
    }

    // ---- what runs ----

    /// Runs a tick of this socket.
    pub(crate) fn tick(&mut self, tick: SocketTick, agenda: &mut Agenda) {
        match tick {
            SocketTick::Callback(callback, error) => {
                self.emit(EventKind::Callback { callback, error }, agenda);
            }
            SocketTick::FailWrites => self.fail_writes(agenda),
            SocketTick::Error(error) => self.emit(EventKind::Error(error), agenda),
            SocketTick::Close => self.emit(EventKind::Close { had_error: false }, agenda),
            SocketTick::AfterWrite(callbacks) => {
                self.emit_drain(agenda);
                self.call_back(callbacks, None, agenda);
            }
            SocketTick::FinishUnconnected => self.finish_unconnected(agenda),
            // Node goes on after 'connect', whatever its handler did.
            SocketTick::Uncork => self.uncork(agenda),
            SocketTick::Reset => self.reset_connected(agenda),
            SocketTick::Ready => self.emit_ready(agenda),
            // All others belong to a socket that is not destroyed.
            _ if self.destroyed() => {}
            SocketTick::StartConnect => self.attempt(agenda),
            SocketTick::LookupRequest => self.request_lookup(agenda),
            SocketTick::LookedUp(outcome) => self.resolved(outcome, agenda),
            SocketTick::Lookup { addresses, next } => self.emit_lookup(addresses, next, agenda),
            SocketTick::Connect => self.emit_connect(agenda),
            SocketTick::AfterConnect => self.after_connect(agenda),
            SocketTick::AlreadyConnecting(error) => self.fail_connecting(error, agenda),
            SocketTick::Destroy(error) => self.destroy(Some(error), agenda),
            SocketTick::Readable => self.emit_readable(agenda),
            SocketTick::End => self.emit_end(agenda),
            SocketTick::AfterEnd => self.after_end(agenda),
            SocketTick::Finish => self.emit_finish(agenda),
            SocketTick::AfterFinish => self.after_finish(agenda),
        }
    }

    /// Runs a timer of this socket.
    pub(crate) fn timer(&mut self, timer: Timer, agenda: &mut Agenda) {
        match timer {
            Timer::Idle => self.timed_out(agenda),
            Timer::Attempt(attempt) => self.attempt_timed_out(attempt, agenda),
        }
    }

    /// Takes a report.
    pub(crate) fn report(&mut self, report: Report, agenda: &mut Agenda) {
        if self.destroyed() {
            return;
        }
        if self.is_finishing(agenda) && report.is_received() {
            agenda.hold(self.id, report);
            return;
        }
        match report {
            Report::Connected { attempt, endpoints } => self.connected(attempt, endpoints, agenda),
            Report::ConnectFailed {
                attempt,
                syscall,
                errno,
                local,
            } => self.attempt_failed(attempt, syscall, errno, local, agenda),
            Report::Received(data) => self.received(data, agenda),
            Report::PeerEnded => self.peer_ended(agenda),
            Report::ReadFailed(errno) => self.destroy(Some(Error::system(errno, "read")), agenda),
            Report::Written => self.write_completed(agenda),
            Report::WriteFailed(errno) => self.write_failed(errno, agenda),
            Report::ShutDown => agenda.tick(self.id, SocketTick::Finish),
        }
    }
}

/// Row O2: milliseconds are cut to whole seconds. If the delay, the interval or the count is none,
/// all three stay the system's.
fn keep_alive(enable: bool, delay: u64, interval: Option<u64>, count: Option<u32>) -> KeepAlive {
    if !enable {
        return KeepAlive::Off;
    }
    let probes = Probes {
        delay: delay / 1000,
        interval: interval.unwrap_or(PROBE_INTERVAL) / 1000,
        count: count.unwrap_or(PROBES),
    };
    let all = probes.delay > 0 && probes.interval > 0 && probes.count > 0;
    KeepAlive::On(all.then_some(probes))
}
