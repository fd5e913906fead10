//! `socket.connect()`: from the call to `ready`.

use super::attempts::{Attempts, Begun, ConnectOptions, Lookup, Next, alternate};
use super::readable::Flow;
use super::writable::{Completed, Side};
use super::{Link, PATH_ATTEMPT, Reset, Socket};
use crate::agenda::{Agenda, Sink, SocketTick, Timer};
use crate::error::{Errno, Error};
use crate::event::{Callback, EventKind};
use crate::ip::{self, Address};
use crate::lookup::Resolved;
use crate::transport::{Action, Attempt, ConnectTo, Endpoints, LookupId, Origin, Zones};
use std::net::IpAddr;

/// What was written before the connection stood and is told before `ready`.
#[derive(Debug, Default)]
pub(super) enum Early {
    /// There is nothing. Leads to `Corked`.
    #[default]
    Nothing,
    /// It waits until the program has seen `connect`. Leads to `Sent`.
    Corked,
    /// It goes out, and this much of it is complete. Leads to `Nothing` at `ready`.
    Sent(Completed),
}

impl Early {
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Ends it: the callbacks of what is complete.
    pub fn take(&mut self) -> Option<Completed> {
        match std::mem::take(self) {
            Self::Nothing => None,
            Self::Corked => Some(Completed::default()),
            Self::Sent(completed) => Some(completed),
        }
    }
}

impl Socket {
    /// `socket.connect()`. Returns the lookup that the host is asked for, if any.
    pub(crate) fn connect(
        &mut self,
        options: ConnectOptions,
        agenda: &mut Agenda,
    ) -> Result<Option<LookupId>, Error> {
        if self.is_open() {
            return Err(Error::already_connected());
        }
        self.on_connect.extend(options.callback);
        if self.connecting() {
            // Row C23: reported later, and the attempt under way is given up, too.
            let error = options.already_connecting();
            agenda.tick(self.id, SocketTick::AlreadyConnecting(error));
            return Ok(None);
        }
        self.begin(agenda);
        if let Some(address) = ip::parse(&options.host) {
            // Row C12: no lookup for an address, and `family` is ignored.
            self.link = Link::Connecting(Attempts::new(
                vec![address],
                &options,
                self.block_list.clone(),
            ));
            agenda.tick(self.id, SocketTick::StartConnect);
            return Ok(None);
        }
        let lookup = agenda.lookup();
        let by_host = match options.lookup {
            Lookup::Program => {
                agenda.tick(self.id, SocketTick::LookupRequest);
                None
            }
            Lookup::Host => {
                let request = options.request();
                agenda.act(Action::LookUp { lookup, request });
                Some(lookup)
            }
        };
        self.link = Link::LookingUp {
            lookup,
            options,
            asked: false,
        };
        Ok(by_host)
    }

    /// `socket.connect(path)`: the attempt begins at once.
    pub(crate) fn connect_path(
        &mut self,
        path: String,
        callback: Option<Callback>,
        agenda: &mut Agenda,
    ) -> Result<(), Error> {
        if self.is_open() {
            return Err(Error::already_connected());
        }
        if path.is_empty() {
            return Err(Error::missing_path());
        }
        self.on_connect.extend(callback);
        if self.connecting() {
            // Row C23 for a path: by then the first attempt has succeeded.
            let error = Error::connect_path(Errno("EISCONN"), path);
            agenda.tick(self.id, SocketTick::Destroy(error));
            return Ok(());
        }
        self.begin(agenda);
        self.link = Link::ConnectingPath(path.clone());
        agenda.act(Action::Connect {
            socket: self.id,
            attempt: PATH_ATTEMPT,
            to: ConnectTo::Path(path),
            zones: Zones::default(),
        });
        Ok(())
    }

    fn begin(&mut self, agenda: &mut Agenda) {
        if self.destroyed() {
            self.undestroy(agenda);
        }
        // What failed or ended for want of a connection begins anew.
        self.writable.side = Side::Open;
        self.errored = None;
        self.active(agenda);
    }

    // ---- names ----

    /// Asks the program to resolve the name.
    pub(super) fn request_lookup(&mut self, agenda: &mut Agenda) {
        if let Link::LookingUp { options, asked, .. } = &mut self.link {
            *asked = true;
            let request = options.request();
            self.emit(EventKind::LookupRequest(request), agenda);
        }
    }

    /// The program's answer to the event `lookup-request`.
    pub(crate) fn looked_up(&mut self, outcome: Result<Vec<Resolved>, Error>, agenda: &mut Agenda) {
        if let Link::LookingUp { asked, .. } = &mut self.link
            && std::mem::take(asked)
        {
            agenda.tick(self.id, SocketTick::LookedUp(outcome));
        }
    }

    /// The host's answer.
    pub(crate) fn host_looked_up(
        &mut self,
        answered: LookupId,
        outcome: Result<Vec<IpAddr>, Errno>,
        agenda: &mut Agenda,
    ) {
        let Link::LookingUp {
            lookup, options, ..
        } = &self.link
        else {
            return;
        };
        if *lookup != answered {
            return;
        }
        let outcome = match outcome.map(|addresses| options.select(addresses)) {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            Ok(_) => Err(Error::lookup(Errno("ENOTFOUND"), &options.host)),
            Err(errno) => Err(Error::lookup(errno, &options.host)),
        };
        self.resolved(outcome, agenda);
    }

    /// Rows C11 and C14: a name is resolved.
    pub(super) fn resolved(&mut self, outcome: Result<Vec<Resolved>, Error>, agenda: &mut Agenda) {
        let Link::LookingUp { options, .. } = &self.link else {
            return;
        };
        let host = options.host.clone();
        match outcome {
            Ok(mut addresses) if !addresses.is_empty() => {
                if !options.tries_all() {
                    addresses.truncate(1);
                }
                self.emit_lookup(addresses, 0, agenda);
            }
            failed => {
                let error = failed.err();
                let error =
                    error.unwrap_or_else(|| Error::lookup(Errno("ENOTFOUND"), &options.host));
                let outcome = Err(error.clone());
                self.emit(EventKind::Lookup { host, outcome }, agenda);
                agenda.tick(self.id, SocketTick::Destroy(error));
            }
        }
    }

    /// Row C11: one `lookup` event for each address; then the attempts begin.
    pub(super) fn emit_lookup(
        &mut self,
        addresses: Vec<Resolved>,
        next: usize,
        agenda: &mut Agenda,
    ) {
        let Link::LookingUp { options, .. } = &self.link else {
            return;
        };
        if let Some(address) = addresses.get(next) {
            let host = options.host.clone();
            let outcome = Ok(address.clone());
            self.emit(EventKind::Lookup { host, outcome }, agenda);
            let next = next + 1;
            agenda.then(self.id, SocketTick::Lookup { addresses, next });
            return;
        }
        let valid: Vec<Address> = addresses.iter().filter_map(Resolved::valid).collect();
        if let (true, Some(first)) = (valid.is_empty(), addresses.first()) {
            // Rows C16 and C17.
            let error = first.error(&options.host, options.port);
            agenda.tick(self.id, SocketTick::Destroy(error));
            return;
        }
        let attempts = Attempts::new(alternate(&valid), options, self.block_list.clone());
        if attempts.selects() {
            self.attempted = Some(Vec::new());
        }
        self.link = Link::Connecting(attempts);
        self.active(agenda);
        self.attempt(agenda);
    }

    // ---- attempts ----

    /// Begins an attempt, or fails if only blocked addresses are left.
    pub(super) fn attempt(&mut self, agenda: &mut Agenda) {
        let socket = self.id;
        let Link::Connecting(attempts) = &mut self.link else {
            return;
        };
        let Begun {
            attempt,
            to,
            zones,
            remote,
            timeout,
        } = match attempts.begin() {
            Ok(begun) => begun,
            Err(error) => return self.destroy(Some(error), agenda),
        };
        if let Some(attempted) = self.attempted.as_mut().filter(|_| attempts.selects()) {
            attempted.push(format!("{remote}:{}", attempts.port()));
        }
        if let Some(timeout) = timeout {
            let deadline = agenda.due_in(timeout);
            attempts.deadline = Some(deadline);
            agenda.wake_at(deadline, socket, Timer::Attempt(attempt));
        }
        agenda.act(Action::Connect {
            socket,
            attempt,
            to,
            zones,
        });
    }

    /// `connect` while connecting: the attempt under way is given up, too.
    pub(super) fn fail_connecting(&mut self, error: Error, agenda: &mut Agenda) {
        match self.under_way() {
            Some(attempt) => agenda.act(Action::FailConnecting {
                socket: self.id,
                attempt,
                error,
            }),
            None => self.destroy(Some(error), agenda),
        }
    }

    /// Stops the timer of the attempt under way; its number.
    pub(super) fn attempt_is_over(&mut self, agenda: &mut Agenda) -> Option<Attempt> {
        match &mut self.link {
            Link::Connecting(attempts) => {
                let attempt = attempts.under_way()?;
                if let Some(deadline) = attempts.deadline.take() {
                    agenda.forget_timer(deadline, self.id, Timer::Attempt(attempt));
                }
                Some(attempt)
            }
            Link::ConnectingPath(_) => Some(PATH_ATTEMPT),
            _ => None,
        }
    }

    fn under_way(&self) -> Option<Attempt> {
        match &self.link {
            Link::Connecting(attempts) => attempts.under_way(),
            Link::ConnectingPath(_) => Some(PATH_ATTEMPT),
            _ => None,
        }
    }

    pub(super) fn attempt_timed_out(&mut self, attempt: Attempt, agenda: &mut Agenda) {
        if self.under_way() == Some(attempt) {
            agenda.act(Action::AbortConnect {
                socket: self.id,
                attempt,
            });
            self.attempt_failed(attempt, "connect", Errno("ETIMEDOUT"), None, agenda);
        }
    }

    pub(super) fn attempt_failed(
        &mut self,
        attempt: Attempt,
        syscall: &'static str,
        errno: Errno,
        local: Option<String>,
        agenda: &mut Agenda,
    ) {
        if self.under_way() != Some(attempt) {
            return;
        }
        self.attempt_is_over(agenda);
        match &mut self.link {
            Link::ConnectingPath(path) => {
                let error = Error::connect_path(errno, path.clone());
                self.destroy(Some(error), agenda);
            }
            Link::Connecting(attempts) => match attempts.failed(attempt, syscall, errno, local) {
                Next::Nothing => {}
                Next::Attempt => self.attempt(agenda),
                Next::Fail(error) => self.destroy(Some(error), agenda),
            },
            _ => {}
        }
    }

    // ---- success ----

    /// Row C10: 'connect', then 'ready'; what was written before goes out.
    pub(super) fn connected(
        &mut self,
        attempt: Attempt,
        endpoints: Endpoints,
        agenda: &mut Agenda,
    ) {
        if self.under_way() != Some(attempt) {
            return;
        }
        self.attempt_is_over(agenda);
        agenda.act(Action::Open {
            socket: self.id,
            origin: Origin::Attempt(attempt),
        });
        self.link = Link::Open(endpoints);
        self.active(agenda);
        self.apply_options(agenda);
        let resets = self.reset != Reset::No && self.writable.queued();
        if self.writable.owes_before_ready() || resets {
            self.early = Early::Corked;
        }
        self.flush(agenda);
        self.finish_maybe(agenda);
        agenda.then(self.id, SocketTick::Connect);
    }

    pub(super) fn emit_connect(&mut self, agenda: &mut Agenda) {
        // Row E4: a pause in the handler of 'connect' comes too late to stop that.
        if !self.readable.paused && self.readable.flow == Flow::Stopped {
            self.readable.flow = Flow::StartsAfterReady;
        }
        self.emit(EventKind::Connect, agenda);
        let callbacks = std::mem::take(&mut self.on_connect);
        self.call_back(callbacks, None, agenda);
        let next = match (self.reset, self.early.is_nothing()) {
            (Reset::No, true) => return self.emit_ready(agenda),
            (Reset::No, false) => SocketTick::Uncork,
            (Reset::BeforeWrites, _) => SocketTick::Reset,
            (Reset::AfterWrites, _) => SocketTick::Uncork,
        };
        agenda.then(self.id, next);
    }

    /// Sends what waited for the connection. If the handler of 'connect' has destroyed the socket,
    /// there is nobody left to send it to.
    pub(super) fn uncork(&mut self, agenda: &mut Agenda) {
        if matches!(self.early, Early::Corked) {
            self.early = Early::Sent(Completed::default());
            self.flush(agenda);
        } else if self.destroyed() {
            let failed = self.writable.fail_queued();
            self.call_back(failed, Some(&Error::socket_closed()), agenda);
        }
        let next = match self.reset {
            Reset::No | Reset::BeforeWrites => SocketTick::Ready,
            Reset::AfterWrites => SocketTick::Reset,
        };
        agenda.then(self.id, next);
    }

    /// `resetAndDestroy` while connecting: when it is the turn of its listener of 'connect'.
    pub(super) fn reset_connected(&mut self, agenda: &mut Agenda) {
        if matches!(self.early, Early::Sent(_)) {
            self.tell_early(agenda);
            agenda.then(self.id, SocketTick::Reset);
            return;
        }
        let next = match std::mem::replace(&mut self.reset, Reset::No) {
            Reset::No | Reset::AfterWrites => SocketTick::Ready,
            Reset::BeforeWrites => SocketTick::Uncork,
        };
        self.reset(agenda);
        agenda.then(self.id, next);
    }

    /// In Node the first write that waited for the connection goes out by a listener
    /// of 'connect', so that its callback comes before 'ready'; the others come after
    /// it.
    fn tell_early(&mut self, agenda: &mut Agenda) {
        if let Some(completed) = self.early.take() {
            self.emit_drain(agenda);
            let mut callbacks = completed.callbacks;
            let first = callbacks.drain(..usize::from(completed.with_first).min(callbacks.len()));
            let first = first.collect();
            self.call_back(first, None, agenda);
            if !callbacks.is_empty() {
                agenda.tick(self.id, SocketTick::AfterWrite(callbacks));
            }
        }
    }

    pub(super) fn emit_ready(&mut self, agenda: &mut Agenda) {
        self.tell_early(agenda);
        self.emit(EventKind::Ready, agenda);
        agenda.then(self.id, SocketTick::AfterConnect);
    }

    /// Reading begins.
    pub(super) fn after_connect(&mut self, agenda: &mut Agenda) {
        let reads = self.readable.flow == Flow::StartsAfterReady || self.discards();
        if reads && self.is_open() {
            self.readable.start();
        }
        self.read_on(agenda);
    }

    pub(super) fn emit_drain(&mut self, agenda: &mut Agenda) {
        if !self.destroyed() && self.writable.take_drain() {
            agenda.piped_to.push((self.id, Sink::Drained));
            self.emit(EventKind::Drain, agenda);
        }
    }
}
