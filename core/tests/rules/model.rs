//! A socket as Node's documentation tells of it: a model, small and independent of the
//! rules. What a program called and what it was told decide what the socket has to say of
//! itself.

use plugnet_core::{ReadyState, Socket};

/// Whether something holds. What follows an event without another one, such as the own end
/// after the peer's, happens before some later event: until it shows, it is `Maybe`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Is {
    #[default]
    No,
    Maybe,
    Yes,
}

impl Is {
    fn allows(self, fact: bool) -> bool {
        self == Is::Maybe || (self == Is::Yes) == fact
    }

    /// It may have come about by now.
    fn loosen(&mut self) {
        if *self == Is::No {
            *self = Is::Maybe;
        }
    }

    /// It showed whether it has.
    fn settle(&mut self, fact: bool) {
        *self = if fact { Is::Yes } else { Is::No };
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Link {
    #[default]
    None,
    Connecting,
    Open,
}

/// A socket as it has to be.
#[derive(Debug, Default)]
pub struct Model {
    half_open: bool,
    mark: usize,
    link: Link,
    /// The own side has ended, or failed for want of a connection.
    shut: Is,
    finished: bool,
    /// `end` was told.
    ended: bool,
    destroyed: Is,
    /// What destroys the socket is under way: a lookup or a write has failed.
    fails: bool,
    paused: Is,
    timeout: Option<u64>,
    bytes_written: u64,
    /// What the network delivered to the rules on this connection.
    delivered: u64,
    /// What of that was taken in when somebody looked last.
    bytes_read: u64,
    /// `resetAndDestroy` waits for a connection.
    resets: bool,
    /// Another socket pipes to this one: it is written to, and ended, out of sight.
    fed: bool,
    pub timer: Timer,
}

impl Model {
    /// A fresh socket.
    pub fn new(half_open: bool, mark: usize) -> Self {
        Self {
            half_open,
            mark,
            ..Self::default()
        }
    }

    /// A connection of a server.
    pub fn accepted(half_open: bool, mark: usize, paused: bool) -> Self {
        let mut model = Self::new(half_open, mark);
        model.link = Link::Open;
        model.paused.settle(paused);
        model
    }

    // ---- what a program calls ----

    /// `connect` on a socket that has no connection.
    pub fn connect(&mut self, now: u64) {
        if self.destroyed == Is::Yes {
            // Row C25: everything starts over, but for these.
            *self = Self {
                paused: self.paused,
                timeout: self.timeout,
                timer: std::mem::take(&mut self.timer),
                resets: self.resets && self.link != Link::Open,
                // It may be about to happen.
                fails: self.resets && self.link == Link::Open,
                ..Self::new(self.half_open, self.mark)
            };
        }
        self.link = Link::Connecting;
        self.timer.active(now);
    }

    /// Whether a `write` of that many bytes was taken. Where it could not be known whether
    /// the own side has ended it showed: a refused write destroys the socket.
    pub fn write(&mut self, bytes: usize, destroyed: bool) -> bool {
        if self.shut == Is::Maybe {
            self.shut.settle(destroyed);
        }
        if self.shut == Is::Yes || self.destroyed == Is::Yes {
            // Rows W6, W8, W10.
            self.destroy();
            return false;
        }
        if self.link == Link::None {
            // Row W11.
            self.shut = Is::Yes;
            self.fails = true;
            return false;
        }
        self.bytes_written += bytes as u64;
        true
    }

    /// Whether the data of an `end` was taken.
    pub fn end(&mut self, data: Option<usize>, destroyed: bool) -> bool {
        let taken = data.is_some_and(|bytes| self.write(bytes, destroyed));
        self.shut = Is::Yes;
        taken
    }

    pub fn destroy(&mut self) {
        self.destroyed = Is::Yes;
        self.timer.stop();
    }

    /// `resetAndDestroy`, where the host can reset or cannot: whether the call succeeds.
    pub fn reset(&mut self, resets: bool) -> bool {
        match self.link {
            _ if self.destroyed == Is::Yes => {}
            Link::None => self.destroy(),
            _ if !resets => return false,
            Link::Open => self.destroy(),
            Link::Connecting => self.resets = true,
        }
        true
    }

    pub fn set_paused(&mut self, paused: bool) {
        self.paused.settle(paused);
    }

    /// A pipe of this socket's came to its end by itself, which may have paused it.
    pub fn lost_pipe(&mut self) {
        self.paused = Is::Maybe;
    }

    pub fn set_timeout(&mut self, timeout: u64, callback: Option<u64>, now: u64) {
        if self.destroyed != Is::Yes {
            self.timeout = Some(timeout);
            self.timer.set(timeout, callback, now);
        }
    }

    /// Another socket pipes to this one.
    pub fn feed(&mut self) {
        self.fed = true;
    }

    // ---- what happens ----

    /// The network has delivered that much so far.
    pub fn deliver(&mut self, delivered: u64) {
        self.delivered = delivered;
    }

    /// The next event is asked for: what was told before may have its consequences.
    pub fn turn(&mut self) {
        if self.ended && !self.half_open {
            self.shut.loosen();
        }
        let resets = self.resets && self.link == Link::Open;
        if self.ended && self.finished || self.fails || resets {
            self.destroyed.loosen();
        }
    }

    pub fn connected(&mut self) {
        self.link = Link::Open;
    }

    /// `lookup` with an error was told.
    pub fn found_nothing(&mut self) {
        self.fails = true;
    }

    /// The program was told of an error: of what the socket is destroyed with, perhaps.
    pub fn call_failed(&mut self) {
        self.fails = true;
        self.shut.loosen();
        self.destroyed.loosen();
    }

    pub fn told_end(&mut self) {
        self.ended = true;
    }

    pub fn told_finish(&mut self) {
        self.finished = true;
        self.shut = Is::Yes;
    }

    // ---- what it says of itself ----

    /// Compares, and remembers what showed.
    pub fn check(&mut self, socket: &Socket, now: u64) {
        if self.fed {
            self.shut.loosen();
            self.destroyed.loosen();
            let piped = socket.bytes_written() >= self.bytes_written;
            assert!(piped, "{socket:?}\n{self:?}");
            self.bytes_written = socket.bytes_written();
        }
        let fits = self.destroyed.allows(socket.destroyed());
        assert!(fits, "destroyed: {socket:?}\n{self:?}");
        self.destroyed.settle(socket.destroyed());
        let destroyed = socket.destroyed();
        if destroyed {
            self.timer.stop();
        }

        let connecting = self.link == Link::Connecting && !destroyed;
        assert_eq!(socket.connecting(), connecting, "{socket:?}\n{self:?}");
        let open = self.link == Link::Open && !destroyed;
        assert_eq!(socket.pending(), !open, "{socket:?}\n{self:?}");

        let state = |shut: bool| match (connecting, destroyed, self.ended, shut) {
            (true, ..) => ReadyState::Opening,
            (_, true, ..) | (_, _, true, true) => ReadyState::Closed,
            (_, _, false, false) => ReadyState::Open,
            (_, _, false, true) => ReadyState::ReadOnly,
            (_, _, true, false) => ReadyState::WriteOnly,
        };
        let shut = [false, true].into_iter().find(|shut| {
            let shown = state(*shut) == socket.ready_state();
            shown && self.shut.allows(*shut)
        });
        assert!(shut.is_some(), "ready state: {socket:?}\n{self:?}");
        // It shows in two states only if nothing else hides it.
        if state(false) != state(true)
            && let Some(shut) = shut
        {
            self.shut.settle(shut);
        }

        let paused = self.paused.allows(socket.is_paused());
        assert!(paused, "paused: {socket:?}\n{self:?}");
        assert_eq!(socket.timeout(), self.timeout, "{socket:?}\n{self:?}");
        let written = socket.bytes_written();
        assert_eq!(written, self.bytes_written, "{socket:?}\n{self:?}");
        assert!(
            socket.bytes_read() <= self.delivered,
            "{socket:?}\n{self:?}"
        );
        if socket.bytes_read() > self.bytes_read {
            self.timer.active(now);
        }
        self.bytes_read = socket.bytes_read();
        if !open {
            assert_eq!(socket.local_address(), None);
        }
        assert!(socket.writable_length() as u64 <= written);
    }

    /// With nothing left to do everything that was delivered has been taken in.
    pub fn check_at_rest(&self, socket: &Socket) {
        if !socket.destroyed() {
            assert_eq!(socket.bytes_read(), self.delivered, "{socket:?}\n{self:?}");
        }
    }

    /// What `write` has to answer if it took its data.
    pub fn has_room(&self, waiting: usize) -> bool {
        self.destroyed != Is::Yes && (waiting == 0 || waiting < self.mark)
    }

    /// Whether `pause` holds for sure.
    pub fn is_paused(&self) -> Is {
        self.paused
    }
}

/// The idle timer of a socket.
#[derive(Debug, Default)]
pub struct Timer {
    /// 0 if it does not run.
    timeout: u64,
    /// When there was activity for sure.
    active_at: u64,
    /// There was activity for sure since the last timeout.
    must: bool,
    /// There may have been.
    may: bool,
    /// What was asked for has not all happened.
    unsettled: bool,
    /// Once-listeners.
    callbacks: Vec<u64>,
}

impl Timer {
    fn set(&mut self, timeout: u64, callback: Option<u64>, now: u64) {
        self.timeout = timeout;
        if timeout > 0 {
            self.callbacks.extend(callback);
            self.active(now);
        } else if let Some(callback) = callback {
            self.callbacks.retain(|other| *other != callback);
        }
    }

    fn stop(&mut self) {
        self.timeout = 0;
    }

    /// Row T5: there was activity.
    pub fn active(&mut self, now: u64) {
        self.active_at = now;
        (self.must, self.may) = (true, true);
    }

    /// There may be, now or before everything is at rest.
    pub fn touch(&mut self) {
        (self.may, self.unsettled) = (true, true);
    }

    /// `timeout` is told: the callbacks that have to follow.
    pub fn fire(&mut self, now: u64) -> Vec<u64> {
        assert!(self.timeout > 0, "{self:?}");
        assert!(now >= self.active_at + self.timeout, "too early: {self:?}");
        assert!(self.may, "twice in one period: {self:?}");
        (self.must, self.may) = (false, self.unsettled);
        std::mem::take(&mut self.callbacks)
    }

    /// `timeout` is told, and nothing else is known: the callbacks that may follow.
    pub fn take_callbacks(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.callbacks)
    }

    /// Everything is at rest, and has been since `since`.
    pub fn check_at_rest(&mut self, since: u64, now: u64) {
        self.unsettled = false;
        let due = self.active_at.max(since) + self.timeout;
        let told = self.timeout == 0 || !self.must || now < due;
        assert!(told, "not told at {now}: {self:?}");
    }
}
