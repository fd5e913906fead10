//! What Node guarantees whatever a program and the network do, in whatever order.
//!
//! Random programs run against random networks. What the rules may ask of a
//! transport, and what a turn may hold, [`World`] checks at every step.

use crate::world::{World, own_error};
use plugnet_guest::node::{Event, EventKind, Id, ReadyState, ServerOptions};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet};

/// One step of a program, or of the network. The first number chooses the socket.
#[derive(Clone, Debug)]
enum Step {
    // The program.
    Connect(usize, &'static str),
    Accept,
    Read(usize, usize),
    Write(usize, usize),
    End(usize, Option<usize>),
    Destroy(usize, bool),
    Pause(usize),
    Resume(usize),
    Drop(usize),
    CloseServer,
    Listen,
    Poll,
    // The network.
    Client,
    Lookup(usize, bool),
    Attempt(usize, bool),
    Receive(usize, usize),
    PeerEnd(usize),
    Reset(usize),
    Sent(usize),
    SendFails(usize),
    ShutDown(usize),
    /// How much the host takes of a write at once.
    Takes(Option<usize>),
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..4_usize;
    let size = || prop_oneof![0..8_usize, 0..40_000_usize];
    let host = prop_oneof![Just("127.0.0.1"), Just("localhost")];
    let takes = prop_oneof![
        Just(None),
        (0..100_usize).prop_map(Some),
        (0..40_000_usize).prop_map(Some)
    ];
    prop_oneof![
        3 => (who(), host).prop_map(|(who, host)| Step::Connect(who, host)),
        3 => Just(Step::Accept),
        6 => (who(), size()).prop_map(|(who, size)| Step::Read(who, size)),
        8 => (who(), size()).prop_map(|(who, size)| Step::Write(who, size)),
        2 => (who(), proptest::option::of(size())).prop_map(|(who, size)| Step::End(who, size)),
        1 => (who(), any::<bool>()).prop_map(|(who, fails)| Step::Destroy(who, fails)),
        1 => who().prop_map(Step::Pause),
        2 => who().prop_map(Step::Resume),
        1 => who().prop_map(Step::Drop),
        1 => Just(Step::CloseServer),
        2 => Just(Step::Listen),
        12 => Just(Step::Poll),
        3 => Just(Step::Client),
        3 => (who(), prop::bool::weighted(0.9)).prop_map(|(who, finds)| Step::Lookup(who, finds)),
        5 => (who(), prop::bool::weighted(0.8)).prop_map(|(who, stands)| Step::Attempt(who, stands)),
        8 => (who(), size()).prop_map(|(who, size)| Step::Receive(who, size)),
        2 => who().prop_map(Step::PeerEnd),
        1 => who().prop_map(Step::Reset),
        5 => who().prop_map(Step::Sent),
        1 => who().prop_map(Step::SendFails),
        3 => who().prop_map(Step::ShutDown),
        3 => takes.prop_map(Step::Takes),
    ]
}

/// What is known of the present connection of a socket, or the attempt to get one.
#[derive(Debug, Default)]
struct Life {
    /// Bytes that the network delivered, and how many of them were read.
    received: Vec<u8>,
    read: usize,
    /// Bytes that the program wrote and the rules took.
    written: Vec<u8>,
    /// `destroy` was called by the program.
    destroyed: bool,
    /// Callbacks asked for and not come.
    callbacks: HashSet<u64>,
    ended: bool,
    finished: bool,
    errors: usize,
    closed: bool,
    /// `connect` was called.
    begun: bool,
    connected: bool,
    /// How many earlier connections had not said `close` when this began, and how
    /// many still have not.
    begun_early: usize,
    earlier: usize,
}

/// A program that keeps books.
#[derive(Debug, Default)]
struct Program {
    world: World,
    server: Id,
    /// Sockets that the program holds.
    held: Vec<Id>,
    /// Connections that were announced and not taken.
    announced: usize,
    lives: HashMap<Id, Life>,
    /// What is written and received next: the bytes are numbered.
    counter: u8,
    last_callback: u64,
    /// Whether the server's closing was asked for.
    server_closes: HashSet<u64>,
}

impl Program {
    fn new() -> Self {
        let mut program = Self::default();
        program.world.holds_shutdown = true;
        program.server = program.world.server(ServerOptions::default());
        program
    }

    fn bytes(&mut self, size: usize) -> Vec<u8> {
        let next = || {
            self.counter = self.counter.wrapping_add(1);
            self.counter
        };
        std::iter::repeat_with(next).take(size).collect()
    }

    fn callback(&mut self) -> u64 {
        self.last_callback += 1;
        self.last_callback
    }

    fn life(&mut self, id: Id) -> &mut Life {
        self.lives.entry(id).or_default()
    }

    /// The socket of that number; the program makes one if it has none yet.
    fn held(&mut self, who: usize) -> Id {
        if self.held.len() < 2 {
            let half_open = self.held.is_empty();
            let id = if half_open {
                self.world.half_open_socket()
            } else {
                self.world.socket()
            };
            self.held.push(id);
            self.lives.insert(id, Life::default());
        }
        self.held[who % self.held.len()]
    }

    /// A socket with an open connection, held or not.
    fn open(&self, who: usize) -> Option<Id> {
        let mut open: Vec<_> = self.lives.keys().copied().collect();
        open.retain(|id| self.world.is_open(*id));
        open.sort_unstable();
        (!open.is_empty()).then(|| open[who % open.len()])
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Connect(who, host) => self.connect(who, host),
            Step::Accept => {
                if self.announced > 0 {
                    let id = self.world.accept(self.server);
                    self.held.push(id.expect("a connection for each event"));
                    self.announced -= 1;
                }
            }
            Step::Read(who, max) => self.read(who, max),
            Step::Write(who, size) => self.write(who, size),
            Step::End(who, size) => self.end(who, size),
            Step::Destroy(who, fails) => {
                let id = self.held(who);
                let error = fails.then(|| own_error("EOWN"));
                self.world.destroy_with(id, error);
                self.life(id).destroyed = true;
                assert!(self.world.get(id).destroyed());
            }
            Step::Pause(who) => {
                let id = self.held(who);
                self.world.pause(id);
            }
            Step::Resume(who) => {
                let id = self.held(who);
                self.world.resume(id);
            }
            Step::Drop(who) => {
                let id = self.held(who);
                self.drop_socket(id);
            }
            Step::CloseServer => {
                let callback = self.callback();
                self.server_closes.insert(callback);
                self.world.close(self.server, Some(callback));
                self.announced = 0;
            }
            Step::Listen => {
                // It may listen already.
                let _ = self.world.listen(self.server, 0, None);
            }
            Step::Poll => {
                self.poll();
            }
            Step::Client => {
                if self.world.net.accepting(self.server) {
                    let id = self.world.client_connects(self.server);
                    let life = self.life(id);
                    (life.begun, life.connected) = (true, true);
                }
            }
            network => self.network(network),
        }
    }

    fn network(&mut self, step: Step) {
        match step {
            Step::Lookup(who, finds) => {
                let id = self.held(who);
                let found: &[&str] = if finds { &["::1", "127.0.0.1"] } else { &[] };
                if self.world.looks_up(id) {
                    self.world.looked_up(id, found);
                }
            }
            Step::Attempt(who, stands) => {
                let id = self.held(who);
                if self.world.attempt(id).is_some() {
                    if stands {
                        self.world.connected(id);
                    } else {
                        self.world.refused(id);
                    }
                }
            }
            Step::Receive(who, size) => {
                if let Some(id) = self.open(who)
                    && !self.life(id).ended
                    && size > 0
                {
                    let bytes = self.bytes(size);
                    self.life(id).received.extend(&bytes);
                    self.world.peer_sends(id, &bytes);
                }
            }
            Step::PeerEnd(who) => {
                if let Some(id) = self.open(who) {
                    self.world.peer_ends(id);
                }
            }
            Step::Reset(who) => {
                if let Some(id) = self.open(who) {
                    self.world.peer_resets(id);
                }
            }
            Step::Sent(who) => {
                if let Some(id) = self.open(who).filter(|id| self.world.is_writing(*id)) {
                    self.world.host_sends(id);
                }
            }
            Step::SendFails(who) => {
                if let Some(id) = self.open(who).filter(|id| self.world.is_writing(*id)) {
                    self.world.send_fails(id, "EPIPE");
                }
            }
            Step::ShutDown(who) => {
                if let Some(id) = self.open(who) {
                    self.world.shut_down(id);
                }
            }
            Step::Takes(takes) => self.world.takes = takes,
            program => unreachable!("{program:?}"),
        }
    }

    /// Connects a socket that has no connection, or was destroyed. What Node does
    /// otherwise has tests of its own.
    fn connect(&mut self, who: usize, host: &str) {
        let id = self.held(who);
        let socket = self.world.get(id);
        let (destroyed, fresh) = (socket.destroyed(), socket.ready_state() == ReadyState::Open);
        let life = self.life(id);
        if destroyed {
            // What was asked for before is still called back.
            let earlier = life.earlier + usize::from(!life.closed);
            *life = Life {
                callbacks: std::mem::take(&mut life.callbacks),
                begun_early: earlier,
                earlier,
                ..Life::default()
            };
        } else if life.begun || !fresh {
            return;
        }
        life.begun = true;
        self.world.connect(id, host);
    }

    fn read(&mut self, who: usize, max: usize) {
        let id = self.held(who);
        let data = self.world.read(id, max);
        assert!(data.len() <= max);
        let life = self.life(id);
        let expected = &life.received[life.read..];
        assert!(expected.starts_with(&data), "bytes in order, and once");
        life.read += data.len();
        assert!(data.is_empty() || !life.destroyed, "read after destroy");
    }

    fn write(&mut self, who: usize, size: usize) {
        let id = self.held(who);
        let data = self.bytes(size);
        let callback = self.callback();
        let before = self.world.get(id).bytes_written();
        self.world.write_cb(id, &data, callback);
        self.note_written(id, before, &data);
        self.life(id).callbacks.insert(callback);
    }

    fn end(&mut self, who: usize, size: Option<usize>) {
        let id = self.held(who);
        let data = size.map(|size| self.bytes(size));
        let callback = self.callback();
        let before = self.world.get(id).bytes_written();
        self.world.end_with(id, data.as_deref(), Some(callback));
        self.note_written(id, before, &data.unwrap_or_default());
        self.life(id).callbacks.insert(callback);
    }

    /// The counter tells whether the bytes were taken: all or none.
    fn note_written(&mut self, id: Id, before: u64, data: &[u8]) {
        let taken = self.world.get(id).bytes_written() - before;
        assert!(taken == 0 || taken == data.len() as u64);
        if taken > 0 {
            self.life(id).written.extend(data);
        }
    }

    fn drop_socket(&mut self, id: Id) {
        self.held.retain(|held| *held != id);
        self.world.drop_socket(id);
        // Nothing is told of it any more.
        self.life(id).callbacks.clear();
        self.life(id).closed = true;
    }

    fn poll(&mut self) -> bool {
        let events = self.world.poll();
        for event in &events {
            if event.source == self.server {
                self.server_event(event);
            } else {
                self.socket_event(event);
            }
        }
        self.check();
        !events.is_empty()
    }

    fn server_event(&mut self, event: &Event) {
        match &event.kind {
            EventKind::Connection => self.announced += 1,
            EventKind::Callback { callback, .. } => {
                assert!(self.server_closes.remove(callback), "called back twice");
            }
            _ => {}
        }
    }

    fn socket_event(&mut self, event: &Event) {
        let life = self.lives.get_mut(&event.source).expect("a socket");
        let callback = matches!(event.kind, EventKind::Callback { .. });
        assert!(callback || !life.closed, "{event:?} after close");
        match &event.kind {
            EventKind::Callback { callback, .. } => {
                assert!(life.callbacks.remove(callback), "called back twice");
            }
            EventKind::Close { .. } if life.earlier > 0 => life.earlier -= 1,
            EventKind::Close { had_error } => {
                life.closed = true;
                assert!(!had_error || life.errors > 0);
            }
            EventKind::Error(_) => {
                life.errors += 1;
                assert!(life.errors <= 1 + life.begun_early, "one error");
            }
            _ if life.destroyed => panic!("{event:?} after destroy"),
            EventKind::Connect => {
                assert!(!life.connected, "connected twice");
                life.connected = true;
            }
            EventKind::Lookup { .. } => assert!(!life.connected),
            _ if !life.connected => panic!("{event:?} without a connection"),
            EventKind::Readable => assert!(life.read < life.received.len()),
            EventKind::End => {
                assert!(!life.ended, "ended twice");
                life.ended = true;
            }
            EventKind::Finish => {
                assert!(!life.finished, "finished twice");
                life.finished = true;
                let sent = &self.world.wire(event.source).sent;
                assert_eq!(sent, &life.written, "all was sent at finish");
            }
            EventKind::Drain => {
                let socket = self.world.get(event.source);
                assert_eq!(socket.writable_length(), 0, "nothing waits at drain");
            }
            _ => {}
        }
    }

    /// What holds between two turns.
    fn check(&self) {
        for (&id, life) in &self.lives {
            let Some(socket) = self.world.net.socket(id) else {
                continue;
            };
            assert!(life.received.len() as u64 >= socket.bytes_read());
            assert!(socket.bytes_read() >= life.read as u64);
            assert_eq!(socket.bytes_written(), life.written.len() as u64);
            if life.connected && self.world.is_open(id) {
                let sent = &self.world.wire(id).sent;
                assert!(life.written.starts_with(sent), "in order, and once");
            }
            if life.closed && self.held.contains(&id) {
                assert!(socket.destroyed());
                assert!(
                    life.callbacks.is_empty() || self.world.net.has_work(),
                    "{id}: {:?} {socket:?}",
                    life.callbacks
                );
                assert_eq!(life.earlier, 0);
            }
        }
    }

    /// Whatever is under way comes to its end, and the program lets go of all.
    fn wind_up(mut self) {
        while self.poll() {}
        for (id, life) in &self.lives {
            assert!(
                !life.closed || life.callbacks.is_empty(),
                "{id}: callbacks that never came: {life:?}"
            );
        }
        // Half of what the program holds it destroys first, to see it close.
        let held = self.held.clone();
        for id in held.iter().step_by(2) {
            self.world.destroy(*id);
            self.life(*id).destroyed = true;
        }
        while self.poll() {}
        for id in held.iter().step_by(2) {
            let life = &self.lives[id];
            assert!(life.closed, "{id} never closed");
            assert!(life.callbacks.is_empty(), "{id}: {life:?}");
        }
        for id in held {
            self.drop_socket(id);
        }
        self.world.drop_server(self.server);
        self.poll();
        // The network answers everything that was asked of it.
        for _ in 0..10 {
            let ids: Vec<_> = self.lives.keys().copied().collect();
            for id in ids {
                if self.world.looks_up(id) {
                    self.world.looked_up(id, &[]);
                }
                if self.world.attempt(id).is_some() {
                    self.world.connected(id);
                }
                if self.world.is_writing(id) {
                    self.world.host_sends(id);
                }
                self.world.shut_down(id);
            }
            assert_eq!(self.world.poll(), [], "nobody is there to be told");
        }
        assert_eq!(self.world.net.len(), 0, "{:?}", self.world.net);
        assert!(!self.world.net.is_alive());
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Bytes come out in order and once, `close` comes once and last, nothing is
    /// told after `destroy`, every callback comes once, the counters equal the
    /// bytes, and nothing remains when the program has let go of everything.
    #[test]
    fn a_program_gets_what_node_guarantees(steps in prop::collection::vec(step(), 0..100)) {
        let mut program = Program::new();
        for step in steps {
            program.step(step);
        }
        program.wind_up();
    }

    /// With a network that works and a program that reads, all bytes arrive, both
    /// ways, in whatever pieces.
    #[test]
    fn all_bytes_arrive(
        writes in prop::collection::vec(0..30_000_usize, 0..8),
        receives in prop::collection::vec(1..30_000_usize, 0..8),
        max in 1..50_000_usize,
        takes in 0..40_000_usize,
    ) {
        let (mut world, id) = World::client();
        world.takes = Some(takes);
        let written: Vec<_> = writes.iter().map(|len| vec![*len as u8; *len]).collect();
        let received: Vec<_> = receives.iter().map(|len| vec![*len as u8; *len]).collect();
        for (callback, data) in written.iter().enumerate() {
            world.write_cb(id, data, callback as u64);
        }
        world.end(id);
        for data in &received {
            world.peer_sends(id, data);
        }
        world.peer_ends(id);
        let (mut read, mut called_back, mut closed) = (Vec::new(), Vec::new(), false);
        while !closed {
            let events = world.poll();
            if events.is_empty() {
                prop_assert!(world.is_writing(id), "stuck");
                world.host_sends(id);
            }
            for event in events {
                match event.kind {
                    EventKind::Readable => read.extend(world.read(id, max)),
                    EventKind::Callback { callback, error: None } => called_back.push(callback),
                    EventKind::Close { had_error } => closed = !had_error,
                    EventKind::End | EventKind::Finish => {}
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
        prop_assert_eq!(read, received.concat());
        prop_assert_eq!(&world.wire(id).sent, &written.concat());
        prop_assert_eq!(called_back, (0..writes.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(world.get(id).bytes_read(), received.concat().len() as u64);
        prop_assert_eq!(world.get(id).bytes_written(), written.concat().len() as u64);
    }
}
