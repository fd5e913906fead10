//! `net.Socket`: its states, and what each call and each input does to it.

use super::connect::{Attempts, ConnectOptions, Lookup, Next, alternate};
use super::encoding::Encoding;
use super::error::{Errno, Error};
use super::event::{Callback, EventKind, Id};
use super::idle::Idle;
use super::ip;
use super::lookup::Resolved;
use super::pipe::Pipes;
use super::readable::Readable;
use super::streams::Streams;
use super::transport::{Action, Attempt, Ends, Input};
use super::turn::{Closing, Job, Sink, Tick, Turn};
use super::writable::{Completed, Writable};
use std::net::{IpAddr, SocketAddr};

/// Where a socket's connection stands: Node's `_handle` and `connecting`.
#[derive(Debug)]
enum Link {
    /// There is none. `connect` leads to `LookingUp`, or to `Connecting` if the
    /// host is an address, or to `ConnectingPath`.
    None,
    /// A name is being resolved. Leads to `Connecting`, or to `Closing` if that
    /// fails or the socket is destroyed.
    LookingUp {
        /// The number of the lookup; an answer with another one is too late.
        lookup: u32,
        options: ConnectOptions,
        /// The program was asked and has not answered; any other answer is none.
        asked: bool,
    },
    /// An attempt is under way. Leads to `Open`, to another attempt, or to
    /// `Closing`.
    Connecting(Attempts),
    /// The attempt to connect to a path is under way. Leads to `Open`, or to `Closing`.
    ConnectingPath(String),
    /// The connection stands. Leads to `Closing` when the socket is destroyed.
    Open(Ends),
    /// The socket was destroyed and has not emitted `close`. Leads to `None`.
    Closing {
        /// Whether the connection ever stood.
        was_open: bool,
    },
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

/// Node's `highWaterMark` of a socket, in bytes.
pub const HIGH_WATER_MARK: usize = 16 * 1024;

/// The number of the only attempt to connect to a path.
const PATH_ATTEMPT: Attempt = 0;

/// The options of `new net.Socket()`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SocketOptions {
    /// `allowHalfOpen`.
    pub allow_half_open: bool,
    /// `highWaterMark`, in bytes; absent for 16 KiB.
    pub high_water_mark: Option<usize>,
    /// `keepAlive` and `keepAliveInitialDelay`, the latter in milliseconds.
    pub keep_alive: Option<u64>,
}

/// SO_KEEPALIVE as the program wants it. Node's `kSetKeepAlive` and
/// `kSetKeepAliveInitialDelay`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct KeepAlive {
    enable: bool,
    /// In seconds.
    delay: u64,
}

/// Node's `net.Socket`.
#[derive(Debug)]
pub struct Socket {
    id: Id,
    link: Link,
    allow_half_open: bool,
    readable: Readable,
    writable: Writable,
    /// `destroy` was called, by the program or by the rules.
    destroyed: bool,
    /// The error the socket was destroyed with, or that a write failed with.
    errored: Option<Error>,
    /// Counts the connections of this socket; what belongs to an earlier one
    /// has no effect on a later one.
    life: u32,
    /// Counts the lookups.
    lookups: u32,
    /// Row P3: the peer's address, from its first reading on.
    peername: Option<SocketAddr>,
    /// The server this is a connection of.
    server: Option<Id>,
    refed: bool,
    idle: Idle,
    keep_alive: KeepAlive,
    /// The callbacks of `connect`: once-listeners, kept until a connect succeeds.
    on_connect: Vec<Callback>,
    pipes: Pipes,
    /// What became of the writes that waited for the connection, until `ready`.
    before_ready: Option<Completed>,
    /// They wait until the program has seen `connect`.
    corked: bool,
    /// Rows E1 and E2: what was received after `end` was called, until `finish`.
    after_finish: Option<Input>,
    /// Another socket pipes to this one, or has done so.
    is_destination: bool,
    /// What moves the data instead of `read` and `write`.
    streams: Streams,
    /// The program has the connection's own streams.
    taken: bool,
    /// The program has dropped its handle: nothing is emitted any more, and the
    /// socket goes away once what was written has gone out (Node's
    /// `destroySoon`).
    abandoned: bool,
}

impl Socket {
    /// `new net.Socket(options)`.
    pub fn new(id: Id, options: SocketOptions) -> Self {
        let mark = options.high_water_mark.unwrap_or(HIGH_WATER_MARK);
        Self {
            id,
            link: Link::None,
            allow_half_open: options.allow_half_open,
            readable: Readable::new(mark),
            writable: Writable::new(mark),
            destroyed: false,
            errored: None,
            life: 0,
            lookups: 0,
            peername: None,
            server: None,
            refed: true,
            idle: Idle::default(),
            keep_alive: match options.keep_alive {
                Some(delay) => KeepAlive::new(true, delay),
                None => KeepAlive::default(),
            },
            on_connect: Vec::new(),
            pipes: Pipes::default(),
            before_ready: None,
            corked: false,
            after_finish: None,
            is_destination: false,
            streams: Streams::default(),
            taken: false,
            abandoned: false,
        }
    }

    /// The socket of a connection that `server` accepted.
    pub fn accepted(
        id: Id,
        server: Id,
        options: SocketOptions,
        pause_on_connect: bool,
        ends: Ends,
        turn: &mut Turn,
    ) -> Self {
        let mut socket = Self {
            link: Link::Open(ends),
            server: Some(server),
            ..Self::new(id, options)
        };
        socket.apply_keep_alive(turn);
        // Row D3: with pauseOnConnect nothing is read before resume().
        socket.readable.paused = pause_on_connect;
        socket.readable.started = !pause_on_connect;
        socket.read_on(turn);
        socket
    }

    /// `new net.Socket({ fd })`: the socket of a connection that stands.
    pub fn adopted(id: Id, options: SocketOptions, ends: Ends, turn: &mut Turn) -> Self {
        let mut socket = Self {
            link: Link::Open(ends),
            ..Self::new(id, options)
        };
        socket.apply_keep_alive(turn);
        socket.readable.started = true;
        socket.read_on(turn);
        socket
    }

    // ---- properties ----

    /// `socket.connecting`.
    pub fn connecting(&self) -> bool {
        matches!(
            self.link,
            Link::LookingUp { .. } | Link::Connecting(_) | Link::ConnectingPath(_)
        )
    }

    /// `socket.pending`.
    pub fn pending(&self) -> bool {
        !matches!(self.link, Link::Open(_))
    }

    /// `socket.destroyed`.
    pub fn destroyed(&self) -> bool {
        self.destroyed
    }

    fn is_readable(&self) -> bool {
        !self.destroyed && !self.readable.end_emitted
    }

    fn is_writable(&self) -> bool {
        !self.destroyed && self.errored.is_none() && !self.writable.ending
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

    /// `socket.address()` (row P4): known while there is a connection.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match self.link {
            Link::Open(ends) => ends.local(),
            _ => None,
        }
    }

    /// `socket.remoteAddress` and its siblings (row P3): known while there is a
    /// connection, and kept after it if they were read before.
    pub fn remote_address(&mut self) -> Option<SocketAddr> {
        if let Link::Open(ends) = self.link {
            self.peername = ends.remote();
        }
        self.peername
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
        self.connecting() || matches!(self.link, Link::Open(_))
    }

    /// Whether it is connected, or connects, to a path.
    pub fn has_path(&self) -> bool {
        matches!(self.link, Link::ConnectingPath(_) | Link::Open(Ends::Path))
    }

    /// `socket.ref()` and `socket.unref()`.
    pub fn set_ref(&mut self, refed: bool) {
        self.refed = refed;
    }

    /// Whether something may happen that the program waits for: libuv's active
    /// handles and requests.
    pub fn is_alive(&self) -> bool {
        // A stream is under way, though nothing of libuv's is.
        if self.refed && self.streams.deliver() {
            return true;
        }
        match self.link {
            Link::None | Link::Closing { .. } => false,
            Link::LookingUp { .. } | Link::Connecting(_) | Link::ConnectingPath(_) => true,
            Link::Open(_) => {
                let ending = self.writable.final_called && !self.writable.finished;
                // A stream of the program's takes what is unread.
                let received = self.streams.take_incoming() && self.readable.len() > 0;
                let sends = self.streams.send() && self.is_writable();
                let open = (self.readable.reading || received || sends) && self.refed;
                // Row O4: unref() gives up nothing that is under way.
                open || self.writable.in_flight() || ending
            }
        }
    }

    /// Whether nobody can name this socket any more and nothing is going on.
    pub fn is_gone(&self) -> bool {
        let closed = self.destroyed && matches!(self.link, Link::None);
        self.abandoned && closed && !self.streams.deliver()
    }

    // ---- what a program calls ----

    /// `socket.connect()`.
    pub fn connect(&mut self, options: ConnectOptions, turn: &mut Turn) -> Result<(), Error> {
        if matches!(self.link, Link::Open(_)) {
            return Err(Error::already_connected());
        }
        self.on_connect.extend(options.callback);
        if self.connecting() {
            // Row C23: reported later, and the attempt under way is given up, too.
            let error = options.already_connecting();
            turn.tick(self.id, Tick::Destroy(error));
            return Ok(());
        }
        if self.destroyed {
            self.undestroy(turn);
        }
        self.active(turn);
        match ip::parse(&options.host) {
            // Row C12: no lookup for an address, and `family` is ignored.
            Some(address) => {
                self.link = Link::Connecting(Attempts::new(vec![address], &options));
                turn.tick(self.id, Tick::StartConnect);
            }
            None => {
                self.lookups += 1;
                match options.lookup {
                    Lookup::Program => turn.tick(self.id, Tick::LookupRequest),
                    Lookup::Host => turn.act(Action::Lookup {
                        id: self.id,
                        lookup: self.lookups,
                        host: options.host.clone(),
                    }),
                }
                self.link = Link::LookingUp {
                    lookup: self.lookups,
                    options,
                    asked: false,
                };
            }
        }
        Ok(())
    }

    /// `socket.connect(path)`: the attempt begins at once.
    pub fn connect_path(
        &mut self,
        path: String,
        callback: Option<Callback>,
        turn: &mut Turn,
    ) -> Result<(), Error> {
        if matches!(self.link, Link::Open(_)) {
            return Err(Error::already_connected());
        }
        if path.is_empty() {
            return Err(Error::missing_path());
        }
        self.on_connect.extend(callback);
        if self.connecting() {
            // Row C23 for a path: by then the first attempt has succeeded.
            let error = Error::connect_path(Errno("EISCONN"), path);
            turn.tick(self.id, Tick::Destroy(error));
            return Ok(());
        }
        if self.destroyed {
            self.undestroy(turn);
        }
        self.active(turn);
        self.link = Link::ConnectingPath(path.clone());
        turn.act(Action::ConnectPath { id: self.id, path });
        Ok(())
    }

    /// Row C25: a closed socket may connect again; its counters start over.
    fn undestroy(&mut self, turn: &mut Turn) {
        // What the earlier connection still owes is told now; its `close` comes later.
        turn.forget_failed_writes(self.id);
        for callback in self.writable.fail_in_flight() {
            turn.tick(self.id, Tick::Callback(callback, None));
        }
        let error = self.errored.clone();
        let of_write = error.clone().unwrap_or_else(|| Error::destroyed("write"));
        for callback in self.writable.fail_queued() {
            self.fail_call(Some(callback), of_write.clone(), turn);
        }
        let of_end = error.unwrap_or_else(|| Error::destroyed("end"));
        for callback in std::mem::take(&mut self.writable.on_finished) {
            self.fail_call(Some(callback), of_end.clone(), turn);
        }
        self.life += 1;
        self.taken = false;
        self.destroyed = false;
        self.errored = None;
        self.peername = None;
        self.streams = Streams::default();
        self.readable = self.readable.reopened();
        self.writable = self.writable.reopened();
    }

    /// The program's answer to the event `lookup-request`.
    pub fn looked_up(&mut self, outcome: Result<Vec<Resolved>, Error>, turn: &mut Turn) {
        if let Link::LookingUp { asked, .. } = &mut self.link
            && std::mem::take(asked)
        {
            turn.tick(self.id, Tick::LookedUp(outcome));
        }
    }

    /// `socket.read(max)`.
    pub fn read(&mut self, max: usize, turn: &mut Turn) -> Vec<u8> {
        // What goes to a stream cannot be read beside it, be it that `readable` was
        // emitted before there was one.
        if self.destroyed || self.streams.take_incoming() {
            return Vec::new();
        }
        self.take(max, turn)
    }

    fn take(&mut self, max: usize, turn: &mut Turn) -> Vec<u8> {
        let data = self.readable.take(max);
        self.has_read(turn);
        data
    }

    /// `socket.read()` after `setEncoding`.
    pub fn read_text(&mut self, turn: &mut Turn) -> String {
        if self.destroyed || self.streams.take_incoming() {
            return String::new();
        }
        let text = self.readable.take_text();
        self.has_read(turn);
        text
    }

    /// `socket.setEncoding()`.
    pub fn set_encoding(&mut self, encoding: Encoding) {
        self.readable.set_encoding(encoding);
    }

    /// What follows when something was taken.
    fn has_read(&mut self, turn: &mut Turn) {
        if self.readable.len() > 0 {
            self.announce(turn);
        } else if self.readable.ended && !self.readable.end_emitted {
            // Row E4: 'end' comes when everything was read.
            turn.tick(self.id, Tick::End);
        }
        self.read_on(turn);
    }

    /// `socket.write()`. False if the data was not taken; otherwise the answer is
    /// [`Socket::write_returns`], once the queue was flushed where this asked for
    /// it.
    pub fn write(&mut self, data: Vec<u8>, callback: Option<Callback>, turn: &mut Turn) -> bool {
        if self.taken && !self.destroyed {
            self.fail_call(callback, Error::in_use("write"), turn);
            return false;
        }
        if let Err(error) = self.check_writable() {
            // Row W10: an error event only where the socket was not destroyed.
            self.fail_call(callback, error.clone(), turn);
            self.destroy(Some(error), turn);
            return false;
        }
        let length = data.len();
        self.writable.push(data, callback);
        if matches!(self.link, Link::None) {
            // Row W11: callback(err), 'error', 'close'.
            self.writable.uncount(length);
            let error = Error::socket_closed();
            for callback in self.writable.fail_queued() {
                self.fail_call(Some(callback), error.clone(), turn);
            }
            self.errored = Some(error.clone());
            turn.tick(self.id, Tick::Destroy(error));
            return false;
        }
        if self.writable.is_full() && length > 0 {
            // Row W2: the answer is that after a flush.
            self.flush(turn);
        }
        true
    }

    /// Rows W6, W8, W10: why a write is refused, in the order Node looks.
    fn check_writable(&self) -> Result<(), Error> {
        if self.writable.ending {
            // Node replaces `write` when it emits 'end' on a socket that is not
            // half-open.
            if self.readable.end_emitted && !self.allow_half_open {
                return Err(Error::ended_by_peer());
            }
            return Err(Error::write_after_end());
        }
        if self.destroyed {
            return Err(Error::destroyed("write"));
        }
        if let Some(error) = &self.errored {
            return Err(error.clone());
        }
        Ok(())
    }

    fn fail_call(&self, callback: Option<Callback>, error: Error, turn: &mut Turn) {
        if let Some(callback) = callback {
            turn.tick(self.id, Tick::Callback(callback, Some(error)));
        }
    }

    /// What a `write` that took its data answers.
    pub fn write_returns(&mut self) -> bool {
        self.writable.has_room() && !self.destroyed && self.errored.is_none()
    }

    /// Gives the transport what was written, if there is a connection and it is
    /// not busy.
    pub fn flush(&mut self, turn: &mut Turn) {
        if self.destroyed || self.corked || !matches!(self.link, Link::Open(_)) {
            return;
        }
        if let Some(data) = self.writable.take_queued() {
            self.active(turn);
            turn.act(Action::Write { id: self.id, data });
        }
    }

    /// The host has taken more of the write that is under way.
    pub fn progressed(&mut self) {
        self.writable.progressed();
    }

    /// The host took `bytes` of the write that was just begun; `more` if it has
    /// not taken all of it.
    pub fn written(&mut self, bytes: usize, more: bool, turn: &mut Turn) {
        let completed = if more {
            self.writable.waits(bytes)
        } else {
            self.writable.sent_all()
        };
        if let Some(before_ready) = &mut self.before_ready {
            before_ready.merge(completed);
        } else if !completed.is_empty() {
            turn.tick(self.id, Tick::AfterWrite(completed.callbacks));
        }
        self.wake_streams(turn);
        if self.is_destination {
            let sink = if self.writable.has_room() {
                Sink::Drained
            } else {
                Sink::Full
            };
            turn.piped_to.push((self.id, sink));
        }
        if !more {
            // What was piped or streamed since the write was asked for.
            self.flush(turn);
        }
        self.finish_maybe(turn);
    }

    /// `socket.end()`.
    pub fn end(&mut self, data: Option<Vec<u8>>, callback: Option<Callback>, turn: &mut Turn) {
        if self.taken && !self.destroyed {
            self.fail_call(callback, Error::in_use("end"), turn);
            return;
        }
        if let Some(data) = data {
            // Row W7: data after the end fails as a write does; the callback hears of
            // it after the socket has failed.
            if let Err(mut error) = self.check_writable() {
                if self.writable.ending {
                    error = Error::write_after_end();
                }
                self.destroy(Some(error.clone()), turn);
                self.fail_call(callback, error, turn);
                return;
            }
            self.write(data, None, turn);
        }
        if self.writable.ending || self.destroyed || self.errored.is_some() {
            let failure = self
                .writable
                .end_failure(self.destroyed, self.errored.as_ref());
            match failure {
                Some(error) => self.fail_call(callback, error, turn),
                None => self.writable.on_finished.extend(callback),
            }
            return;
        }
        self.writable.on_finished.extend(callback);
        self.writable.ending = true;
        self.finish_maybe(turn);
    }

    /// Asks for the FIN once `end` was called and everything is handed over.
    /// Before the connection stands this waits for it (row C28).
    fn finish_maybe(&mut self, turn: &mut Turn) {
        let open = matches!(self.link, Link::Open(_));
        if open
            && !self.destroyed
            && self.errored.is_none()
            && !self.writable.final_called
            && self.writable.can_finish()
        {
            self.writable.final_called = true;
            turn.act(Action::Shutdown { id: self.id });
        }
    }

    /// `socket.destroy()`. The caller has flushed before.
    pub fn destroy(&mut self, error: Option<Error>, turn: &mut Turn) {
        if self.destroyed {
            return;
        }
        self.destroyed = true;
        if self.errored.is_none() {
            self.errored.clone_from(&error);
        }
        turn.forget(self.id);
        if let Some(completed) = self.before_ready.take() {
            turn.tick(self.id, Tick::AfterWrite(completed.callbacks));
        }
        self.corked = false;
        self.after_finish = None;
        self.wake_streams(turn);
        self.sleep(turn);
        self.idle.stop();
        turn.piped_to.push((self.id, Sink::Gone));
        self.pipes = Pipes::default();
        if self.writable.queued() || !self.writable.on_finished.is_empty() {
            turn.tick(self.id, Tick::FailWrites);
        }
        let had_error = error.is_some();
        if let Some(error) = error {
            turn.tick(self.id, Tick::Error(error));
        }
        if matches!(self.link, Link::None) {
            // Row E10: without a connection, 'close' has no argument in Node.
            turn.tick(self.id, Tick::Close);
        } else {
            self.close_link(turn);
            turn.closing.push(Closing {
                id: self.id,
                life: self.life,
                had_error,
            });
        }
        self.readable.discard();
        self.readable.reading = false;
        turn.departed.extend(self.server.take());
    }

    /// Gives up the connection, or the attempt to get one.
    fn close_link(&mut self, turn: &mut Turn) {
        let id = self.id;
        let was_open = matches!(self.link, Link::Open(_));
        let attempt = match &self.link {
            Link::Connecting(attempts) => attempts.under_way(),
            Link::ConnectingPath(_) => Some(PATH_ATTEMPT),
            _ => None,
        };
        if was_open {
            turn.act(Action::Close { id });
        } else if let Some(attempt) = attempt {
            turn.act(Action::AbortConnect { id, attempt });
        }
        self.link = Link::Closing { was_open };
    }

    /// `socket.pause()`.
    pub fn pause(&mut self) {
        self.readable.paused = true;
    }

    /// `socket.resume()`.
    pub fn resume(&mut self, turn: &mut Turn) {
        self.readable.paused = false;
        if matches!(self.link, Link::Open(_)) {
            self.readable.started = true;
        }
        if self.readable.len() > 0 {
            self.announce(turn);
        }
        self.read_on(turn);
    }

    /// `socket.setTimeout()`.
    pub fn set_timeout(&mut self, timeout: u64, callback: Option<Callback>, turn: &mut Turn) {
        // Row T9: not on a destroyed socket.
        if !self.destroyed {
            self.sleep(turn);
            self.idle.set(timeout, callback);
            self.active(turn);
        }
    }

    /// `socket.setKeepAlive()`; the delay in milliseconds.
    pub fn set_keep_alive(&mut self, enable: bool, delay: u64, turn: &mut Turn) {
        let wanted = KeepAlive::new(enable, delay);
        let changed =
            enable != self.keep_alive.enable || (enable && wanted.delay != self.keep_alive.delay);
        self.keep_alive = wanted;
        // Row O1: before the connection stands it is remembered.
        if changed && let Link::Open(Ends::Tcp { .. }) = self.link {
            let KeepAlive { enable, delay } = wanted;
            turn.act(Action::KeepAlive {
                id: self.id,
                enable,
                delay,
            });
        }
    }

    fn apply_keep_alive(&self, turn: &mut Turn) {
        let KeepAlive { enable, delay } = self.keep_alive;
        if enable && !self.has_path() {
            turn.act(Action::KeepAlive {
                id: self.id,
                enable,
                delay,
            });
        }
    }

    /// `socket.resetAndDestroy()`, for which WASI has no SO_LINGER.
    pub fn reset_and_destroy(&mut self, turn: &mut Turn) -> Result<(), Error> {
        if self.has_path() {
            return Err(Error::invalid_handle_type());
        }
        if self.has_handle() {
            return Err(Error::cannot_reset());
        }
        self.destroy(Some(Error::socket_closed()), turn);
        Ok(())
    }

    // ---- streams ----

    /// `streams`: from now on the data of this connection goes by streams. Which
    /// connection that is, is the answer.
    pub fn stream(&mut self) -> Result<u32, Error> {
        if self.destroyed {
            return Err(Error::destroyed("streams"));
        }
        if !self.streams.begin() {
            return Err(Error::already_streaming());
        }
        Ok(self.life)
    }

    /// What was received, for the stream that takes it and has taken what it was
    /// given before. Absent when nothing comes any more.
    pub fn read_streamed(&mut self, life: u32, turn: &mut Turn) -> Option<Vec<u8>> {
        if self.life != life {
            return None;
        }
        self.streams.delivered();
        if self.destroyed || (self.readable.ended && self.readable.len() == 0) {
            self.streams.incoming_is_over();
            self.stream_is_over(turn);
            return None;
        }
        if self.readable.paused || self.readable.len() == 0 {
            return Some(Vec::new());
        }
        self.streams.delivers();
        Some(self.take(usize::MAX, turn))
    }

    /// The stream that took what is received is gone, and has left something.
    pub fn stop_streaming(&mut self, life: u32, left: Vec<u8>, turn: &mut Turn) {
        if self.life != life {
            return;
        }
        self.streams.incoming_is_over();
        if !self.destroyed {
            self.readable.put_back(left);
            self.announce(turn);
        }
        self.stream_is_over(turn);
    }

    /// Whether the stream that is sent may go on; absent when nothing is sent any
    /// more.
    pub fn stream_has_room(&self, life: u32) -> Option<bool> {
        (self.life == life && self.is_writable()).then(|| !self.writable.is_full())
    }

    /// What came from the stream that is sent.
    pub fn write_streamed(&mut self, life: u32, data: Vec<u8>, turn: &mut Turn) {
        if self.life == life && self.is_writable() {
            self.write(data, None, turn);
        }
    }

    /// Nothing more comes from the stream that is sent.
    pub fn end_streamed(&mut self, life: u32, turn: &mut Turn) {
        if self.life == life {
            self.streams.outgoing_is_over();
            if self.is_writable() {
                self.end(None, None, turn);
            }
            self.stream_is_over(turn);
        }
    }

    /// A socket without a handle was kept for its streams.
    fn stream_is_over(&mut self, turn: &mut Turn) {
        if self.abandoned && !self.destroyed && !self.streams.go_on() {
            self.abandon(turn);
        }
    }

    fn wake_streams(&self, turn: &mut Turn) {
        let (id, life) = (self.id, self.life);
        if self.streams.take_incoming() {
            turn.act(Action::StreamIn { id, life });
        }
        if self.streams.send() {
            turn.act(Action::StreamOut { id, life });
        }
    }

    /// `takeStreams`: from now on the rules see nothing of the data.
    pub fn take_streams(&mut self) -> Result<(), Error> {
        if self.destroyed || !matches!(self.link, Link::Open(_)) {
            return Err(Error::not_connected());
        }
        let reads = self.readable.started || self.readable.starts;
        let written = self.writable.bytes_written > 0 || self.writable.ending;
        if reads || self.streams.go_on() || written {
            return Err(Error::in_use("takeStreams"));
        }
        // The transport reports the two ends; in between there is nothing to do.
        self.taken = true;
        self.readable.started = true;
        self.readable.reading = true;
        self.writable.ending = true;
        self.writable.final_called = true;
        Ok(())
    }

    // ---- pipes ----

    /// `socket.pipe()`.
    pub fn pipe(&mut self, destination: Id, end: bool, turn: &mut Turn) {
        self.pipes.add(destination, end);
        if self.readable.end_emitted {
            // Too late for data, but not for the end.
            turn.ended.push(self.id);
        }
        // Node's pipe() begins to flow, also on a paused socket.
        self.resume(turn);
        turn.flows.push(self.id);
    }

    /// `socket.unpipe()`.
    pub fn unpipe(&mut self, destination: Option<Id>) {
        let piped = !self.pipes.is_empty();
        self.pipes.remove(destination);
        // Node pauses a source that has lost its last destination.
        self.readable.paused |= piped && self.pipes.is_empty();
    }

    /// What became of a destination.
    pub fn piped_to(&mut self, destination: Id, sink: Sink, turn: &mut Turn) {
        match sink {
            Sink::Drained => self.pipes.drained(destination),
            Sink::Full => self.pipes.hold_for(destination),
            Sink::Gone => self.unpipe(Some(destination)),
        }
        turn.flows.push(self.id);
    }

    /// Whether it pipes to that socket.
    pub fn pipes_to(&self, destination: Id) -> bool {
        self.pipes.contains(destination)
    }

    /// What was received and its destinations are ready for, and who they are.
    pub fn flow(&mut self, turn: &mut Turn) -> Option<(Vec<u8>, Vec<Id>)> {
        let flows = !self.destroyed && !self.readable.paused && self.pipes.flows();
        if !flows || self.readable.len() == 0 {
            return None;
        }
        let data = self.readable.take(usize::MAX);
        self.has_read(turn);
        Some((data, self.pipes.destinations()))
    }

    /// A destination has no room for more.
    pub fn hold_for(&mut self, destination: Id) {
        self.pipes.hold_for(destination);
    }

    /// Another socket pipes to this one.
    pub fn become_destination(&mut self) {
        self.is_destination = true;
    }

    /// Takes what another socket pipes to this one. False if it has to wait:
    /// [`Sink::Drained`] tells when no longer.
    pub fn take_piped(&mut self, data: Vec<u8>, turn: &mut Turn) -> bool {
        let was_in_flight = self.writable.in_flight();
        if !self.write(data, None, turn) {
            return false;
        }
        // A write that was just begun tells by itself what the host took of it.
        let begun = self.writable.in_flight() && !was_in_flight;
        !begun && self.write_returns()
    }

    /// Nobody has to look for the idle time any more.
    fn sleep(&mut self, turn: &mut Turn) {
        if let Some(at) = self.idle.sleep() {
            turn.forget_deadline(at, self.id);
        }
    }

    /// Something was sent or received: the idle time begins anew.
    fn active(&mut self, turn: &mut Turn) {
        if let Some(deadline) = self.idle.begin(turn.now) {
            turn.wake_at(deadline, self.id);
        }
    }

    /// The program has dropped its handle.
    pub fn abandon(&mut self, turn: &mut Turn) {
        self.abandoned = true;
        if self.streams.go_on() && !self.destroyed {
            return;
        }
        // With nothing written there is nothing to wait for.
        let idle = self.writable.len() == 0 && !matches!(self.link, Link::Open(_));
        // Nor where the program would have to say what a name resolves to.
        let idle = idle
            || matches!(&self.link, Link::LookingUp { options, .. }
                if options.lookup == Lookup::Program);
        if idle || matches!(self.link, Link::None) || self.writable.finished {
            self.destroy(None, turn);
        } else {
            self.end(None, None, turn);
            if self.discards() {
                self.readable.discard();
                self.readable.started = true;
                self.read_on(turn);
            }
        }
    }

    /// Whether nobody can read what is received. A peer may wait for that before it
    /// reads, so that it is taken for as long as something is sent.
    fn discards(&self) -> bool {
        self.abandoned && !self.taken && !self.streams.take_incoming() && self.pipes.is_empty()
    }

    // ---- emitting ----

    fn emit(&self, kind: EventKind, turn: &mut Turn) {
        if !self.abandoned {
            turn.emit(self.id, kind);
        }
    }

    fn call_back(&self, callbacks: Vec<Callback>, error: Option<&Error>, turn: &mut Turn) {
        for callback in callbacks {
            let error = error.cloned();
            self.emit(EventKind::Callback { callback, error }, turn);
        }
    }

    /// Has `readable` emitted on the next tick, once.
    fn announce(&mut self, turn: &mut Turn) {
        if self.streams.take_incoming() {
            self.wake_streams(turn);
        } else if !self.readable.announced && !self.readable.paused && self.pipes.is_empty() {
            self.readable.announced = true;
            turn.tick(self.id, Tick::Readable);
        }
        turn.flows.push(self.id);
    }

    /// Asks the transport for more if there is room.
    fn read_on(&mut self, turn: &mut Turn) {
        let open = matches!(self.link, Link::Open(_)) && !self.destroyed;
        let reads = !self.abandoned || self.streams.take_incoming() || self.discards();
        if open && reads && self.readable.wants_more() {
            self.readable.reading = true;
            turn.act(Action::Read { id: self.id });
        }
    }

    // ---- ticks ----

    /// Runs a tick of this socket.
    pub fn tick(&mut self, tick: Tick, turn: &mut Turn) {
        match tick {
            Tick::Callback(callback, error) => {
                self.emit(EventKind::Callback { callback, error }, turn);
            }
            Tick::FailWrites => self.fail_writes(turn),
            Tick::Error(error) => self.emit(EventKind::Error(error), turn),
            Tick::Close => self.emit(EventKind::Close { had_error: false }, turn),
            Tick::AfterWrite(callbacks) => {
                self.emit_drain(turn);
                self.call_back(callbacks, None, turn);
            }
            // All others belong to a socket that is not destroyed.
            _ if self.destroyed => {}
            Tick::StartConnect => self.attempt(turn),
            Tick::LookupRequest => {
                if let Link::LookingUp { options, asked, .. } = &mut self.link {
                    *asked = true;
                    let request = options.request();
                    self.emit(EventKind::LookupRequest(request), turn);
                }
            }
            Tick::LookedUp(outcome) => self.resolved(outcome, turn),
            Tick::Lookup { addresses, next } => self.emit_lookup(addresses, next, turn),
            Tick::Connect => self.emit_connect(turn),
            Tick::Uncork => {
                self.corked = false;
                self.flush(turn);
                turn.tick_next_turn(self.id, Tick::Ready);
            }
            Tick::Ready => self.emit_ready(turn),
            Tick::AfterConnect => {
                self.readable.started |= std::mem::take(&mut self.readable.starts);
                self.read_on(turn);
            }
            Tick::Destroy(error) => self.destroy(Some(error), turn),
            Tick::Readable => {
                self.readable.announced = false;
                let unread = self.readable.len() > 0 && !self.streams.take_incoming();
                if unread && !self.readable.paused && self.pipes.is_empty() {
                    self.emit(EventKind::Readable, turn);
                }
            }
            Tick::Timeout => self.timed_out(turn),
            Tick::End => {
                let all_read = self.readable.ended && self.readable.len() == 0;
                if all_read && !self.readable.end_emitted {
                    self.readable.end_emitted = true;
                    turn.ended.push(self.id);
                    self.emit(EventKind::End, turn);
                    turn.tick(self.id, Tick::AfterEnd);
                }
            }
            Tick::AfterEnd => {
                // Rows E1, E2, E5: the own side ends by itself unless half-open. But a
                // stream that is sent may bring the answer to what came last; its end
                // is the own one.
                let ends = self.is_writable() && !self.allow_half_open;
                if ends && !self.streams.send() {
                    self.end(None, None, turn);
                } else if self.writable.finished {
                    self.destroy(None, turn);
                }
            }
            Tick::Finish => {
                self.writable.finished = true;
                let callbacks = std::mem::take(&mut self.writable.on_finished);
                self.call_back(callbacks, None, turn);
                turn.piped_to.push((self.id, Sink::Gone));
                self.emit(EventKind::Finish, turn);
                turn.tick(self.id, Tick::AfterFinish);
                if let Some(input) = self.after_finish.take() {
                    turn.job(self.id, Job::Input(input));
                }
            }
            Tick::AfterFinish => {
                let kept = self.taken || self.streams.go_on();
                if self.readable.end_emitted || (self.abandoned && !kept) {
                    self.destroy(None, turn);
                }
            }
            Tick::Listening | Tick::Listen { .. } | Tick::Connections(..) | Tick::ServerClose => {}
        }
    }

    /// Row T5: 'timeout' once per idle period; the connection stays.
    fn timed_out(&mut self, turn: &mut Turn) {
        if let Some(later) = self.idle.not_yet(turn.now) {
            turn.wake_at(later, self.id);
        } else if self.idle.is_over(turn.now) {
            // Row T11: a write that makes progress is activity.
            if !self.writable.stalled() {
                self.active(turn);
                return;
            }
            let callbacks = self.idle.fire();
            self.emit(EventKind::Timeout, turn);
            self.call_back(callbacks, None, turn);
        }
    }

    /// What is piped when the source ends: the destinations that end with it.
    pub fn ends(&mut self) -> Vec<Id> {
        self.pipes.take_ending()
    }

    /// Row W13: the callbacks of what a destroyed socket will not send. What is in
    /// flight, or waits for a connection, has its say when the socket closes.
    fn fail_writes(&mut self, turn: &mut Turn) {
        let waits_for_connection =
            matches!(self.link, Link::Closing { was_open: false }) && self.writable.queued();
        if self.writable.in_flight() || waits_for_connection {
            return;
        }
        let error = self.errored.clone();
        let failed = self.writable.fail_queued();
        let of_write = error.clone().unwrap_or_else(|| Error::destroyed("write"));
        self.call_back(failed, Some(&of_write), turn);
        let failed = std::mem::take(&mut self.writable.on_finished);
        let of_end = error.unwrap_or_else(|| Error::destroyed("end"));
        self.call_back(failed, Some(&of_end), turn);
    }

    /// libuv's closing callback: the last word of a connection.
    pub fn closed(&mut self, closing: &Closing, turn: &mut Turn) {
        let close = EventKind::Close {
            had_error: closing.had_error,
        };
        if closing.life != self.life {
            // The socket connects again already; its old connection says good-bye.
            self.emit(close, turn);
            return;
        }
        let link = std::mem::replace(&mut self.link, Link::None);
        if matches!(link, Link::Closing { was_open: false }) {
            self.emit(close, turn);
            // Row W12: the write that waited for the connection hears of it now,
            // and what came after it shares the socket's error.
            if let Some(callback) = self.writable.fail_first_queued() {
                let error = Error::closed_before_connection();
                self.call_back(callback.into_iter().collect(), Some(&error), turn);
                self.errored.get_or_insert(error);
            }
            self.fail_writes(turn);
        } else {
            // Row W13: a write in flight is cancelled and called back as done.
            let in_flight = self.writable.fail_in_flight();
            self.call_back(in_flight, None, turn);
            self.fail_writes(turn);
            self.emit(close, turn);
        }
    }

    // ---- what the transport reports ----

    /// Rows E1 and E2: whether the FIN was asked for and `finish` is to come. libuv
    /// sends the FIN before it looks for what has come in, so until then nothing is
    /// received.
    fn is_finishing(&self) -> bool {
        self.writable.final_called && !self.writable.finished && !self.taken
    }

    /// Takes an input.
    pub fn input(&mut self, input: Input, turn: &mut Turn) {
        if self.destroyed {
            return;
        }
        if self.is_finishing() && input.is_received() {
            self.after_finish = Some(input);
            return;
        }
        match input {
            Input::LookedUp { lookup, outcome } => self.host_looked_up(lookup, outcome, turn),
            Input::Connected { attempt, ends } => self.connected(attempt, ends, turn),
            Input::ConnectFailed {
                attempt,
                syscall,
                errno,
            } => self.attempt_failed(attempt, syscall, errno, turn),
            Input::AttemptTimeout { attempt } => {
                if let Link::Connecting(attempts) = &self.link
                    && attempts.under_way() == Some(attempt)
                {
                    turn.act(Action::AbortConnect {
                        id: self.id,
                        attempt,
                    });
                    self.attempt_failed(attempt, "connect", Errno("ETIMEDOUT"), turn);
                }
            }
            Input::Received(data) => {
                self.active(turn);
                self.readable.reading = false;
                if self.discards() {
                    self.read_on(turn);
                    return;
                }
                self.readable.push(data);
                self.read_on(turn);
                if !self.pipes.is_empty() {
                    turn.flows.push(self.id);
                } else if self.streams.take_incoming() {
                    self.wake_streams(turn);
                } else if !self.readable.paused
                    && !self.readable.announced
                    && self.readable.len() > 0
                {
                    self.emit(EventKind::Readable, turn);
                }
            }
            Input::PeerEnded => {
                self.active(turn);
                self.readable.reading = false;
                let unread = self.readable.len();
                self.readable.end();
                self.wake_streams(turn);
                // Row E4: unread bytes hold 'end' back; read() goes on from there.
                if self.readable.len() == 0 {
                    turn.tick(self.id, Tick::End);
                } else if self.readable.len() > unread {
                    self.announce(turn);
                }
            }
            Input::ReadFailed(errno) => self.destroy(Some(Error::system(errno, "read")), turn),
            // Row W18: the system tells a reset once, to whoever asks first, and libuv
            // reads before it goes on with a write that waits for room.
            Input::WriteFailed(errno @ Errno("ECONNRESET"))
                if self.readable.reading && self.writable.is_waiting() =>
            {
                self.destroy(Some(Error::system(errno, "read")), turn);
            }
            Input::Written => {
                self.active(turn);
                let completed = self.writable.sent_all();
                self.wake_streams(turn);
                let after = Tick::AfterWrite(completed.callbacks);
                if self.writable.queued() {
                    // Node writes what waits before it tells of this write: 'drain'
                    // comes with it if nothing waits then.
                    self.flush(turn);
                    turn.tick_next_turn(self.id, after);
                } else {
                    self.tick(after, turn);
                }
                self.finish_maybe(turn);
            }
            Input::WriteFailed(errno) => {
                let error = Error::system(errno, "write");
                let failed = self.writable.fail_in_flight();
                self.call_back(failed, Some(&error), turn);
                self.errored = Some(error.clone());
                self.fail_writes(turn);
                self.destroy(Some(error), turn);
            }
            Input::ShutDown => turn.tick(self.id, Tick::Finish),
        }
    }

    fn host_looked_up(
        &mut self,
        number: u32,
        outcome: Result<Vec<IpAddr>, Errno>,
        turn: &mut Turn,
    ) {
        let Link::LookingUp {
            lookup, options, ..
        } = &self.link
        else {
            return;
        };
        if *lookup != number {
            return;
        }
        let outcome = match outcome.map(|addresses| options.select(addresses)) {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            Ok(_) => Err(Error::lookup(Errno("ENOTFOUND"), &options.host)),
            Err(errno) => Err(Error::lookup(errno, &options.host)),
        };
        self.resolved(outcome, turn);
    }

    /// Rows C11 and C14: a name is resolved.
    fn resolved(&mut self, outcome: Result<Vec<Resolved>, Error>, turn: &mut Turn) {
        let Link::LookingUp { options, .. } = &self.link else {
            return;
        };
        let host = options.host.clone();
        match outcome {
            Ok(mut addresses) if !addresses.is_empty() => {
                if !options.tries_all() {
                    addresses.truncate(1);
                }
                self.emit_lookup(addresses, 0, turn);
            }
            failed => {
                let error = failed.err();
                let error =
                    error.unwrap_or_else(|| Error::lookup(Errno("ENOTFOUND"), &options.host));
                let outcome = Err(error.clone());
                self.emit(EventKind::Lookup { host, outcome }, turn);
                turn.tick(self.id, Tick::Destroy(error));
            }
        }
    }

    /// Row C11: one `lookup` event for each address; then the attempts begin.
    fn emit_lookup(&mut self, addresses: Vec<Resolved>, next: usize, turn: &mut Turn) {
        let Link::LookingUp { options, .. } = &self.link else {
            return;
        };
        if let Some(address) = addresses.get(next) {
            let host = options.host.clone();
            let outcome = Ok(address.clone());
            self.emit(EventKind::Lookup { host, outcome }, turn);
            let next = next + 1;
            turn.tick(self.id, Tick::Lookup { addresses, next });
            return;
        }
        let valid: Vec<IpAddr> = addresses.iter().filter_map(Resolved::valid).collect();
        if let (true, Some(first)) = (valid.is_empty(), addresses.first()) {
            // Rows C16 and C17.
            let error = first.error(&options.host, options.port);
            turn.tick(self.id, Tick::Destroy(error));
            return;
        }
        self.link = Link::Connecting(Attempts::new(alternate(&valid), options));
        self.active(turn);
        self.attempt(turn);
    }

    /// Begins an attempt.
    fn attempt(&mut self, turn: &mut Turn) {
        if let Link::Connecting(attempts) = &mut self.link
            && let Some(action) = attempts.begin(self.id)
        {
            turn.act(action);
        }
    }

    fn attempt_failed(
        &mut self,
        attempt: Attempt,
        syscall: &'static str,
        errno: Errno,
        turn: &mut Turn,
    ) {
        if let Link::ConnectingPath(path) = &self.link {
            let error = Error::connect_path(errno, path.clone());
            self.destroy(Some(error), turn);
            return;
        }
        let Link::Connecting(attempts) = &mut self.link else {
            return;
        };
        match attempts.failed(attempt, syscall, errno) {
            Next::Nothing => {}
            Next::Attempt => self.attempt(turn),
            Next::Fail(error) => self.destroy(Some(error), turn),
        }
    }

    /// Row C10: 'connect', then 'ready'; what was written before goes out.
    fn connected(&mut self, attempt: Attempt, ends: Ends, turn: &mut Turn) {
        let under_way = match &self.link {
            Link::Connecting(attempts) => attempts.under_way(),
            Link::ConnectingPath(_) => Some(PATH_ATTEMPT),
            _ => None,
        };
        if under_way != Some(attempt) {
            return;
        }
        turn.act(Action::Open {
            id: self.id,
            attempt,
        });
        self.link = Link::Open(ends);
        self.active(turn);
        self.apply_keep_alive(turn);
        if self.writable.owes_before_ready() {
            self.before_ready = Some(Completed::default());
            self.corked = true;
        }
        self.flush(turn);
        self.finish_maybe(turn);
        turn.tick(self.id, Tick::Connect);
    }

    fn emit_connect(&mut self, turn: &mut Turn) {
        // Row E4: a pause in the handler of 'connect' comes too late to stop that.
        self.readable.starts = !self.readable.paused;
        self.emit(EventKind::Connect, turn);
        let callbacks = std::mem::take(&mut self.on_connect);
        self.call_back(callbacks, None, turn);
        if self.before_ready.is_some() {
            turn.tick(self.id, Tick::Uncork);
        } else {
            self.emit_ready(turn);
        }
    }

    /// In Node the first write that waited for the connection goes out by a listener
    /// of 'connect', so that its callback comes before 'ready'; the others come after
    /// it.
    fn emit_ready(&mut self, turn: &mut Turn) {
        if let Some(completed) = self.before_ready.take() {
            self.emit_drain(turn);
            let mut callbacks = completed.callbacks;
            let first = callbacks.drain(..usize::from(completed.with_first).min(callbacks.len()));
            let first = first.collect();
            self.call_back(first, None, turn);
            if !callbacks.is_empty() {
                turn.tick(self.id, Tick::AfterWrite(callbacks));
            }
        }
        self.emit(EventKind::Ready, turn);
        turn.tick(self.id, Tick::AfterConnect);
    }

    fn emit_drain(&mut self, turn: &mut Turn) {
        if !self.destroyed && self.writable.take_drain() {
            turn.piped_to.push((self.id, Sink::Drained));
            self.emit(EventKind::Drain, turn);
        }
    }
}

impl KeepAlive {
    /// Row O2: milliseconds are cut to whole seconds.
    fn new(enable: bool, delay: u64) -> Self {
        Self {
            enable,
            delay: delay / 1000,
        }
    }
}
