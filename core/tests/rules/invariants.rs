//! What Node guarantees whatever a program and the network do, in whatever order.
//!
//! Random programs run against random networks. What the rules may ask of a transport,
//! [`World`] checks at every step; what a socket says of itself is compared with a [`Model`]
//! after every step, unless the program looks whether there is an event before it takes it: then
//! more has happened than it was told.

use crate::model::{Is, Model};
use crate::world::{Action, HIGH_WATER_MARK, World, own_error, resolved, to};
use plugnet_core::{
    AcceptedId, ConnectRequest, Event, EventKind, ListenerId, Lookup, Origin, ReadyState, Server,
    ServerId, ServerOptions, SocketId, SocketOptions, Source,
};
use proptest::prelude::*;
use std::collections::{HashMap, HashSet, VecDeque};

/// One step of a program, or of the network. The first number chooses the socket, or the
/// server.
#[derive(Clone, Debug)]
enum Step {
    // The program.
    Connect(usize, &'static str),
    Answer(usize, bool),
    Accept(usize),
    Read(usize, usize),
    Write(usize, usize),
    End(usize, Option<usize>),
    Destroy(usize, bool),
    Abort(usize),
    Pause(usize),
    Resume(usize),
    Timeout(usize, u64, bool),
    KeepAlive(usize, bool, u64),
    Encode(usize),
    Pipe(usize, usize, bool),
    Unpipe(usize, Option<usize>),
    Drop(usize),
    CloseServer(usize),
    Listen(usize),
    Share(usize),
    Limit(usize, Option<usize>),
    Count(usize),
    Poll,
    /// The program asks whether there is an event, and does something else before it takes it.
    Look,
    // The network.
    Client(usize),
    Lookup(usize, bool),
    Attempt(usize, bool),
    Receive(usize, usize),
    PeerEnd(usize),
    Reset(usize),
    Taken(usize, usize),
    Sent(usize),
    SendFails(usize),
    ShutDown(usize),
    /// How much the host takes of a write at once.
    Takes(Option<usize>),
    /// Whether listening fails.
    PortTaken(bool),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![2 => of_a_socket(), 1 => of_a_server(), 2 => of_the_network()]
}

fn who() -> std::ops::Range<usize> {
    0..4
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![0..8_usize, 0..40_000_usize]
}

fn of_a_socket() -> impl Strategy<Value = Step> {
    let host = prop_oneof![Just("127.0.0.1"), Just("localhost"), Just("x.test")];
    let time = || prop_oneof![Just(0), 1..300_u64];
    let maybe = proptest::option::of::<std::ops::Range<usize>>;
    prop_oneof![
        4 => (who(), host).prop_map(|(who, host)| Step::Connect(who, host)),
        2 => (who(), prop::bool::weighted(0.9)).prop_map(|(who, finds)| Step::Answer(who, finds)),
        6 => (who(), size()).prop_map(|(who, size)| Step::Read(who, size)),
        8 => (who(), size()).prop_map(|(who, size)| Step::Write(who, size)),
        2 => (who(), proptest::option::of(size())).prop_map(|(who, size)| Step::End(who, size)),
        1 => (who(), any::<bool>()).prop_map(|(who, fails)| Step::Destroy(who, fails)),
        1 => who().prop_map(Step::Abort),
        1 => who().prop_map(Step::Pause),
        2 => who().prop_map(Step::Resume),
        3 => (who(), time(), any::<bool>())
            .prop_map(|(who, time, called_back)| Step::Timeout(who, time, called_back)),
        1 => (who(), any::<bool>(), 0..9000_u64)
            .prop_map(|(who, enable, delay)| Step::KeepAlive(who, enable, delay)),
        1 => who().prop_map(Step::Encode),
        2 => (who(), who(), any::<bool>()).prop_map(|(who, to, end)| Step::Pipe(who, to, end)),
        1 => (who(), maybe(who())).prop_map(|(who, to)| Step::Unpipe(who, to)),
        1 => who().prop_map(Step::Drop),
        18 => Just(Step::Poll),
    ]
}

fn of_a_server() -> impl Strategy<Value = Step> {
    let limit = proptest::option::of(0..3_usize);
    prop_oneof![
        6 => who().prop_map(Step::Accept),
        1 => who().prop_map(Step::CloseServer),
        4 => who().prop_map(Step::Listen),
        1 => who().prop_map(Step::Share),
        1 => (who(), limit).prop_map(|(who, limit)| Step::Limit(who, limit)),
        1 => who().prop_map(Step::Count),
        6 => who().prop_map(Step::Client),
        10 => Just(Step::Poll),
    ]
}

fn of_the_network() -> impl Strategy<Value = Step> {
    let takes = prop_oneof![
        Just(None),
        (0..100_usize).prop_map(Some),
        (0..40_000_usize).prop_map(Some)
    ];
    prop_oneof![
        3 => (who(), prop::bool::weighted(0.9)).prop_map(|(who, finds)| Step::Lookup(who, finds)),
        6 => (who(), prop::bool::weighted(0.8)).prop_map(|(who, stands)| Step::Attempt(who, stands)),
        8 => (who(), size()).prop_map(|(who, size)| Step::Receive(who, size)),
        2 => who().prop_map(Step::PeerEnd),
        1 => who().prop_map(Step::Reset),
        2 => (who(), size()).prop_map(|(who, size)| Step::Taken(who, size)),
        5 => who().prop_map(Step::Sent),
        1 => who().prop_map(Step::SendFails),
        3 => who().prop_map(Step::ShutDown),
        3 => takes.prop_map(Step::Takes),
        1 => prop::bool::weighted(0.3).prop_map(Step::PortTaken),
        3 => (1..400_u64).prop_map(Step::Pass),
        10 => Just(Step::Poll),
    ]
}

/// What is known of the present connection of a socket, or the attempt to get one.
#[derive(Debug, Default)]
struct Life {
    model: Model,
    /// Bytes that the network delivered, and how many of them were read.
    received: Vec<u8>,
    read: usize,
    /// From here on they are read as hex.
    encoded_from: Option<usize>,
    /// Some went by a pipe.
    leaky: bool,
    /// `readable` was told since the last read.
    told_readable: bool,
    /// Bytes that the program wrote and the rules took.
    written: Vec<u8>,
    /// Whose bytes may have come by a pipe.
    fed_by: HashSet<SocketId>,
    /// `destroy` was called by the program.
    destroyed: bool,
    /// The server, of a connection.
    server: Option<usize>,
    /// A name is to be looked up by the program.
    asked: bool,
    /// Callbacks that are due and have not come.
    callbacks: HashSet<u64>,
    /// Those that are due at the next connection.
    connect_callbacks: Vec<u64>,
    ended: bool,
    finished: bool,
    /// `end` was called: its callback comes right before `finish`.
    ending: bool,
    errors: usize,
    closed: bool,
    /// `connect` was called.
    begun: bool,
    connected: bool,
    /// How many earlier connections had not said `close` when this began, and how
    /// many still have not.
    begun_early: usize,
    earlier: usize,
    /// How many errors those have told.
    earlier_errors: usize,
}

/// What is known of a server.
#[derive(Debug)]
struct Books {
    id: ServerId,
    limit: Option<usize>,
    /// Its connections that were announced and that the program has not taken.
    untaken: VecDeque<SocketId>,
    /// The callbacks of `listen` that wait for `listening`.
    listens: Vec<u64>,
    /// Those of `listen` and `close` that are due.
    callbacks: HashSet<u64>,
    /// What `get_connections` has to answer.
    counts: HashMap<u64, usize>,
}

impl Books {
    fn new(id: ServerId) -> Self {
        Self {
            id,
            limit: None,
            untaken: VecDeque::new(),
            listens: Vec::new(),
            callbacks: HashSet::new(),
            counts: HashMap::new(),
        }
    }
}

/// A program that keeps books.
#[derive(Debug)]
struct Program {
    world: World,
    /// Whether it takes events without a look first. What was decided and not told is in no book.
    takes_at_once: bool,
    servers: [Books; 2],
    /// To which server the connections go of what listens.
    owners: HashMap<ListenerId, usize>,
    /// How many clients came to what listens and were not heard of.
    clients: HashMap<ListenerId, usize>,
    /// The client that was heard of last.
    last_client: u64,
    /// Sockets that the program holds.
    held: Vec<SocketId>,
    lives: HashMap<SocketId, Life>,
    /// Sockets that have told `connect` and not `ready`.
    ready_next: HashSet<SocketId>,
    /// Whose callback was told last, if nothing was told since.
    called_back: Option<SocketId>,
    /// Source and destination of each pipe.
    pipes: Vec<(SocketId, SocketId)>,
    /// Everything that a socket ever received.
    received: HashMap<SocketId, Vec<u8>>,
    counter: u8,
    last_callback: u64,
    /// How many actions were looked at.
    seen_actions: usize,
    /// When something happened last.
    busy_at: u64,
    /// Whether something may be under way.
    busy: bool,
}

/// Whose bytes those of the program are: no socket has this number.
const PROGRAM: SocketId = SocketId(0);

/// Bytes are numbered, and tell where they come from.
fn mark(origin: SocketId) -> u8 {
    u8::try_from(origin.0 % 16).unwrap_or_default() << 4
}

/// Only the bytes of these sockets can be told apart.
fn is_marked(id: SocketId) -> bool {
    (1..16).contains(&id.0)
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.into_bytes()
}

fn is_subsequence(part: &[u8], whole: &[u8]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|byte| whole.any(|other| other == byte))
}

impl Program {
    fn new(takes_at_once: bool, resets: bool) -> Self {
        let mut world = World::default();
        world.holds_shutdown = true;
        world.resets = resets;
        let servers = [false, true].map(|pause_on_connect| {
            Books::new(world.server(ServerOptions {
                pause_on_connect,
                ..ServerOptions::default()
            }))
        });
        Self {
            world,
            takes_at_once,
            servers,
            owners: HashMap::new(),
            clients: HashMap::new(),
            last_client: 0,
            held: Vec::new(),
            lives: HashMap::new(),
            ready_next: HashSet::new(),
            called_back: None,
            pipes: Vec::new(),
            received: HashMap::new(),
            counter: 0,
            last_callback: 0,
            seen_actions: 0,
            busy_at: 0,
            busy: false,
        }
    }

    fn bytes(&mut self, origin: SocketId, size: usize) -> Vec<u8> {
        let mark = mark(origin);
        let next = || {
            self.counter = self.counter.wrapping_add(1);
            mark | (self.counter & 0xf)
        };
        std::iter::repeat_with(next).take(size).collect()
    }

    fn callback(&mut self) -> u64 {
        self.last_callback += 1;
        self.last_callback
    }

    fn life(&mut self, id: SocketId) -> &mut Life {
        self.lives.entry(id).or_default()
    }

    fn model(&mut self, id: SocketId) -> &mut Model {
        &mut self.life(id).model
    }

    /// The socket of that number; the program makes one if it has none yet.
    fn held(&mut self, who: usize) -> SocketId {
        if self.held.len() < 2 {
            let half_open = self.held.is_empty();
            let high_water_mark = (!half_open).then_some(100);
            let id = self.world.socket_with(SocketOptions {
                allow_half_open: half_open,
                high_water_mark,
                ..SocketOptions::default()
            });
            self.held.push(id);
            let model = Model::new(half_open, high_water_mark.unwrap_or(HIGH_WATER_MARK));
            self.life(id).model = model;
        }
        self.held[who % self.held.len()]
    }

    /// A socket with an open connection, held or not.
    fn open(&self, who: usize) -> Option<SocketId> {
        let mut open: Vec<_> = self.lives.keys().copied().collect();
        open.retain(|id| self.world.is_open(*id));
        open.sort_unstable();
        (!open.is_empty()).then(|| open[who % open.len()])
    }

    fn step(&mut self, step: Step) {
        if !matches!(step, Step::Poll | Step::Look | Step::Pass(_)) {
            self.busy();
        }
        match step {
            Step::Accept(_)
            | Step::CloseServer(_)
            | Step::Listen(_)
            | Step::Share(_)
            | Step::Limit(..)
            | Step::Count(_)
            | Step::Client(_) => self.server_step(step),
            Step::Poll => {
                self.poll();
            }
            Step::Look => self.look(),
            Step::Connect(..)
            | Step::Answer(..)
            | Step::Read(..)
            | Step::Write(..)
            | Step::End(..)
            | Step::Destroy(..)
            | Step::Abort(_)
            | Step::Pause(_)
            | Step::Resume(_)
            | Step::Timeout(..)
            | Step::KeepAlive(..)
            | Step::Encode(_)
            | Step::Pipe(..)
            | Step::Unpipe(..)
            | Step::Drop(_) => self.socket_step(step),
            network => self.network_step(network),
        }
        self.check();
    }

    /// Something happens that may be activity of any socket.
    fn busy(&mut self) {
        self.busy_at = self.world.now;
        self.busy = true;
        for life in self.lives.values_mut() {
            life.model.timer.touch();
        }
    }

    fn server_step(&mut self, step: Step) {
        match step {
            Step::Accept(which) => {
                let server = &mut self.servers[which % 2];
                let id = self.world.accept(server.id);
                assert_eq!(id, server.untaken.pop_front(), "in their order");
                self.held.extend(id);
            }
            Step::CloseServer(which) => {
                let callback = self.callback();
                let server = &mut self.servers[which % 2];
                server.callbacks.insert(callback);
                self.world.close(server.id, Some(callback));
            }
            Step::Listen(which) => {
                let callback = self.callback();
                let server = &mut self.servers[which % 2];
                let listened = self.world.listen_cb(server.id, 0, callback);
                // It may listen already.
                if listened.is_ok() {
                    server.listens.push(callback);
                    self.note_owner(which % 2);
                }
            }
            Step::Share(which) => {
                let callback = self.callback();
                let other = self.servers[(which + 1) % 2].id;
                let server = &mut self.servers[which % 2];
                let listened = self
                    .world
                    .listen_on_server(server.id, other, Some(callback));
                if listened.is_ok() {
                    server.listens.push(callback);
                    self.note_owner(which % 2);
                }
            }
            Step::Limit(which, limit) => {
                let server = &mut self.servers[which % 2];
                server.limit = limit;
                self.world.set_max_connections(server.id, limit);
            }
            Step::Count(which) => {
                let callback = self.callback();
                let count = self.world.connections(self.servers[which % 2].id);
                let server = &mut self.servers[which % 2];
                server.counts.insert(callback, count);
                self.world.get_connections(server.id, callback);
            }
            Step::Client(which) => self.client(which % 2),
            other => unreachable!("{other:?}"),
        }
    }

    fn note_owner(&mut self, which: usize) {
        let server = self.world.net.server(self.servers[which].id);
        if let Some(listener) = server.and_then(Server::listener) {
            self.owners.insert(listener, which);
        }
    }

    /// How many connections a server has: those that are not destroyed.
    fn connections(&self, which: usize) -> usize {
        let lives = self.lives.iter().filter(|(id, life)| {
            let socket = self.world.net.socket(**id);
            life.server == Some(which) && socket.is_some_and(|socket| !socket.destroyed())
        });
        lives.count()
    }

    fn listener(&self, which: usize) -> Option<ListenerId> {
        self.world.net.server(self.servers[which].id)?.listener()
    }

    fn client(&mut self, which: usize) {
        if let Some(listener) = self.listener(which)
            && self.owners.contains_key(&listener)
        {
            *self.clients.entry(listener).or_default() += 1;
            self.world.client_connects(self.servers[which].id);
        }
    }

    /// The program hears of a client, in the order in which they were accepted.
    fn heard_of(&mut self, which: usize, client: AcceptedId) {
        assert!(client.0 > self.last_client, "in their order");
        self.last_client = client.0;
        if self.takes_at_once {
            let listener = self.listener(which).expect("it listens");
            let clients = self.clients.entry(listener).or_default();
            *clients = clients.checked_sub(1).expect("a client that came");
            assert_eq!(self.owners[&listener], which, "of another one");
        }
    }

    /// `connection`: in the order in which the clients came, and as many as are allowed.
    fn connection(&mut self, which: usize) {
        let last = self
            .world
            .actions
            .iter()
            .rev()
            .find_map(|action| match action {
                Action::Open {
                    id,
                    origin: Origin::Accepted(accepted),
                } => Some((*id, *accepted)),
                _ => None,
            });
        let (id, accepted) = last.expect("a connection");
        self.heard_of(which, accepted);
        self.servers[which].untaken.push_back(id);
        let life = Life {
            model: Model::accepted(false, HIGH_WATER_MARK, which == 1),
            server: Some(which),
            begun: true,
            connected: true,
            ..Life::default()
        };
        assert!(self.lives.insert(id, life).is_none(), "announced twice");
        let (limit, count) = (self.servers[which].limit, self.connections(which));
        let allowed = limit.is_none_or(|limit| count <= limit);
        assert!(allowed || !self.takes_at_once, "rows S28 and S29");
    }

    /// `drop`: because of as many connections as are allowed.
    fn dropped(&mut self, which: usize) {
        let mut actions = self.world.actions.iter().rev();
        let last = actions.find_map(|action| match action {
            Action::Refuse(accepted) => Some(*accepted),
            _ => None,
        });
        self.heard_of(which, last.expect("a client that was refused"));
        let (limit, count) = (self.servers[which].limit, self.connections(which));
        let full = limit.is_some_and(|limit| count >= limit);
        assert!(full || !self.takes_at_once, "rows S28 and S29");
    }

    fn socket_step(&mut self, step: Step) {
        match step {
            Step::Connect(who, host) => self.connect(who, host),
            Step::Answer(who, finds) => {
                let id = self.held(who);
                if std::mem::take(&mut self.life(id).asked) {
                    let found = resolved(&[("::1", 6), ("127.0.0.1", 4)]);
                    let outcome = if finds {
                        Ok(found)
                    } else {
                        Err(own_error("EOWN"))
                    };
                    self.world.answer(id, outcome);
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
                self.model(id).destroy();
            }
            Step::Abort(who) => {
                let id = self.held(who);
                let outcome = self.world.reset_and_destroy(id);
                let can = self.world.resets;
                let resets = self.model(id).reset(can);
                assert!(outcome.is_ok() == resets || !self.takes_at_once);
            }
            Step::Pause(who) => {
                let id = self.held(who);
                self.world.pause(id);
                self.model(id).set_paused(true);
            }
            Step::Resume(who) => {
                let id = self.held(who);
                self.world.resume(id);
                self.model(id).set_paused(false);
            }
            Step::Timeout(who, timeout, called_back) => {
                let id = self.held(who);
                let callback = called_back.then(|| self.callback());
                self.world.set_timeout(id, timeout, callback);
                let now = self.world.now;
                // Row T9. That it is destroyed may have been decided and not told.
                if self.takes_at_once || !self.world.get(id).destroyed() {
                    self.model(id).set_timeout(timeout, callback, now);
                }
            }
            Step::KeepAlive(who, enable, delay) => {
                let id = self.held(who);
                self.world.set_no_delay(id, enable);
                self.world.set_keep_alive(id, enable, delay);
            }
            Step::Encode(who) => {
                let id = self.held(who);
                // What is piped has tests of its own.
                let life = self.life(id);
                if life.encoded_from.is_none() && !life.leaky {
                    life.encoded_from = Some(life.read);
                    life.read = 0;
                    self.world.set_encoding(id, "hex");
                }
            }
            Step::Pipe(who, to, end) => self.pipe(who, to, end),
            Step::Unpipe(who, to) => {
                let id = self.held(who);
                let to = to.map(|to| self.held(to));
                let before = self.pipes.len();
                self.pipes
                    .retain(|(from, into)| *from != id || to.is_some_and(|to| to != *into));
                let last = self.pipes.iter().all(|(from, _)| *from != id);
                self.world.unpipe(id, to);
                if last && self.pipes.len() < before {
                    self.model(id).set_paused(true);
                }
            }
            Step::Drop(who) => {
                let id = self.held(who);
                self.drop_socket(id);
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn network_step(&mut self, step: Step) {
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
                    let bytes = self.bytes(id, size);
                    self.received.entry(id).or_default().extend(&bytes);
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
            Step::Taken(who, size) => {
                if let Some(id) = self.open(who).filter(|id| self.world.is_writing(*id)) {
                    self.world.host_takes(id, size);
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
            Step::PortTaken(taken) => self.world.taken = taken.then_some(0),
            Step::Pass(milliseconds) => self.world.pass(milliseconds),
            program => unreachable!("{program:?}"),
        }
    }

    /// Connects a socket that has no connection, or was destroyed. What Node does
    /// otherwise has tests of its own.
    fn connect(&mut self, who: usize, host: &str) {
        let id = self.held(who);
        let callback = self.callback();
        let socket = self.world.get(id);
        let (destroyed, fresh) = (socket.destroyed(), socket.ready_state() == ReadyState::Open);
        let life = self.life(id);
        if destroyed {
            life.model.destroy();
            // What was asked for before is still called back.
            let earlier = life.earlier + usize::from(!life.closed);
            *life = Life {
                model: std::mem::take(&mut life.model),
                encoded_from: life.encoded_from.map(|_| 0),
                callbacks: std::mem::take(&mut life.callbacks),
                connect_callbacks: std::mem::take(&mut life.connect_callbacks),
                begun_early: earlier,
                earlier,
                earlier_errors: if earlier > 0 {
                    life.errors + life.earlier_errors
                } else {
                    0
                },
                ..Life::default()
            };
        } else if life.begun || !fresh {
            return;
        }
        life.begun = true;
        life.connect_callbacks.push(callback);
        let lookup = if host == "x.test" {
            Lookup::Program
        } else {
            Lookup::Host
        };
        let request = ConnectRequest {
            lookup,
            callback: Some(callback),
            ..to(host)
        };
        self.world.connect_with(id, request);
        let now = self.world.now;
        self.model(id).connect(now);
    }

    fn read(&mut self, who: usize, max: usize) {
        let id = self.held(who);
        let data = self.world.read(id, max);
        let life = self.life(id);
        life.told_readable = false;
        if let Some(from) = life.encoded_from {
            let text = hex(&life.received[from..]);
            let expected = &text[life.read.min(text.len())..];
            assert!(expected.starts_with(&data), "the text in order, and once");
        } else if life.leaky {
            let rest = &life.received[life.read..];
            let skipped = (0..=rest.len()).find(|skip| rest[*skip..].starts_with(&data));
            life.read += skipped.expect("bytes in order, and once");
        } else {
            let expected = &life.received[life.read..];
            assert!(expected.starts_with(&data), "bytes in order, and once");
        }
        assert!(data.len() <= max);
        life.read += data.len();
        assert!(data.is_empty() || !life.destroyed, "read after destroy");
    }

    fn write(&mut self, who: usize, size: usize) {
        let id = self.held(who);
        let data = self.bytes(PROGRAM, size);
        let callback = self.callback();
        let before = self.world.get(id).bytes_written();
        let answer = self.world.write_cb(id, &data, callback);
        let (socket, taken) = (self.world.get(id), data.len() as u64);
        let taken = socket.bytes_written() == before + taken;
        let (destroyed, waiting) = (socket.destroyed(), socket.writable_length());
        let model = self.model(id);
        let expected = model
            .write(size, destroyed)
            .then(|| model.has_room(waiting));
        if self.takes_at_once {
            assert_eq!(answer, expected.unwrap_or(false), "row W2");
            assert!(size == 0 || taken == expected.is_some());
        }
        if taken {
            self.life(id).written.extend(data);
        }
        self.life(id).callbacks.insert(callback);
    }

    fn end(&mut self, who: usize, size: Option<usize>) {
        let id = self.held(who);
        let data = size.map(|size| self.bytes(PROGRAM, size));
        let callback = self.callback();
        let before = self.world.get(id).bytes_written();
        self.world.end_with(id, data.as_deref(), Some(callback));
        let socket = self.world.get(id);
        let (taken, destroyed) = (socket.bytes_written() > before, socket.destroyed());
        let expected = self.model(id).end(size, destroyed);
        self.life(id).ending = true;
        assert!(taken == expected || !self.takes_at_once || size == Some(0));
        if taken {
            self.life(id).written.extend(data.iter().flatten());
        }
        self.life(id).callbacks.insert(callback);
    }

    /// Pipes one socket to another, or itself; sockets that are destroyed, have ended or
    /// decode have tests of their own.
    fn pipe(&mut self, who: usize, to: usize, end: bool) {
        let (from, into) = (self.held(who), self.held(to));
        let gone = |id| self.world.get(id).destroyed();
        let life = &self.lives[&from];
        let new = !self.pipes.contains(&(from, into));
        let marked = is_marked(from) && is_marked(into);
        if gone(from)
            || gone(into)
            || life.ended
            || life.encoded_from.is_some()
            || self.lives[&into].finished
            || !new
            || !marked
        {
            return;
        }
        self.pipes.push((from, into));
        self.life(from).leaky = true;
        self.model(from).set_paused(false);
        self.life(into).fed_by.insert(from);
        self.model(into).feed();
        self.world.pipe(from, into, end);
    }

    fn drop_socket(&mut self, id: SocketId) {
        self.held.retain(|held| *held != id);
        self.world.drop_socket(id);
        self.forget(id);
    }

    /// Nothing is told of a socket any more.
    fn forget(&mut self, id: SocketId) {
        let life = self.life(id);
        life.callbacks.clear();
        life.closed = true;
        life.begun = true;
        life.model = Model::default();
    }

    fn is_forgotten(&self, id: SocketId) -> bool {
        let untaken = |server: &Books| server.untaken.contains(&id);
        !self.held.contains(&id) && !self.servers.iter().any(untaken)
    }

    fn poll(&mut self) -> bool {
        if self.busy {
            // What is under way may have its effect now.
            self.busy_at = self.world.now;
        }
        for life in self.lives.values_mut() {
            life.model.turn();
        }
        let event = self.world.poll();
        if let Some(Event { source, kind }) = &event {
            match source {
                Source::Server(id) => {
                    let which = self.servers.iter().position(|server| server.id == *id);
                    self.server_event(which.expect("a server"), kind);
                }
                Source::Socket(id) => self.socket_event(*id, kind),
            }
            if !matches!(kind, EventKind::Timeout | EventKind::Callback { .. }) {
                self.busy();
            }
            self.called_back = match (source, kind) {
                (Source::Socket(id), EventKind::Callback { .. }) => Some(*id),
                _ => None,
            };
        }
        self.check();
        if event.is_none() {
            self.check_at_rest();
            self.busy = false;
        }
        event.is_some()
    }

    /// The next event is decided.
    fn look(&mut self) {
        if !self.takes_at_once {
            self.world.look();
        }
    }

    fn server_event(&mut self, which: usize, kind: &EventKind) {
        let server = &mut self.servers[which];
        match kind {
            EventKind::Connection => self.connection(which),
            EventKind::Drop { .. } => self.dropped(which),
            EventKind::Listening => server.callbacks.extend(server.listens.drain(..)),
            EventKind::Connections { callback, count } => {
                assert_eq!(server.counts.remove(callback), Some(*count));
            }
            EventKind::Callback { callback, .. } => {
                assert!(server.callbacks.remove(callback), "called back twice");
            }
            EventKind::Error(error) => assert_eq!(error.code, "EADDRINUSE"),
            EventKind::Close { .. } => {}
            other => panic!("{other:?} of a server"),
        }
    }

    fn socket_event(&mut self, id: SocketId, event: &EventKind) {
        let now = self.world.now;
        let life = self.lives.get_mut(&id).expect("a socket");
        let follows = self.called_back == Some(id);
        let callback = matches!(event, EventKind::Callback { .. });
        assert!(callback || !life.closed, "{event:?} after close");
        match event {
            EventKind::Callback { callback, error } => {
                assert!(
                    life.callbacks.remove(callback),
                    "called back twice, or early"
                );
                if error.is_some() {
                    life.model.call_failed();
                }
            }
            // Node goes on after 'connect', whatever its handler did.
            EventKind::Ready => assert!(self.ready_next.remove(&id), "ready twice, or early"),
            // Of connections that close at once the last one closes first.
            EventKind::Close { .. } if life.earlier > 0 => life.earlier -= 1,
            EventKind::Close { had_error } => {
                life.closed = true;
                life.model.destroy();
                assert!(!had_error || life.errors + life.earlier_errors > 0);
            }
            EventKind::Error(_) => {
                life.errors += 1;
                assert!(life.errors <= 1 + life.begun_early, "one error");
                if life.earlier == 0 {
                    life.model.destroy();
                } else {
                    // Of the connection before, or of this one.
                    life.model.call_failed();
                }
            }
            // Row E11.
            EventKind::Finish if !life.begun => {
                let piped = !life.fed_by.is_empty();
                assert!(life.ending || piped, "nobody has ended it");
                life.model.told_finish();
            }
            // Whatever the callback's handler did, this is of the connection before.
            EventKind::Finish if follows && (life.destroyed || !life.connected) => {}
            _ if life.destroyed => panic!("{event:?} after destroy"),
            EventKind::Timeout if self.takes_at_once => {
                life.callbacks.extend(life.model.timer.fire(now));
            }
            EventKind::Timeout => life.callbacks.extend(life.model.timer.take_callbacks()),
            EventKind::Connect => {
                assert!(!life.connected, "connected twice");
                life.connected = true;
                self.ready_next.insert(id);
                life.callbacks.extend(life.connect_callbacks.drain(..));
                life.model.connected();
                life.model.timer.active(now);
            }
            EventKind::Lookup { outcome, .. } => {
                assert!(!life.connected);
                if outcome.is_err() {
                    life.model.found_nothing();
                }
            }
            EventKind::LookupRequest(request) => {
                assert_eq!(request.hostname, "x.test");
                assert!(!life.connected);
                life.asked = true;
            }
            _ if !life.connected => panic!("{event:?} without a connection"),
            EventKind::Readable => {
                life.told_readable = true;
                assert!(life.encoded_from.is_some() || life.read < life.received.len());
                let pipes = self.pipes.iter().filter(|(from, _)| *from == id);
                let mut live = pipes.filter(|(_, into)| {
                    let socket = self.world.net.socket(*into);
                    !self.lives[into].finished && socket.is_some_and(|into| !into.destroyed())
                });
                assert_eq!(live.next(), None, "what is piped is not told");
            }
            EventKind::End => {
                assert!(!life.ended, "ended twice");
                life.ended = true;
                life.model.told_end();
            }
            EventKind::Finish => {
                assert!(!life.finished, "finished twice");
                life.finished = true;
                life.model.told_finish();
                let sent = &self.world.wire(id).sent;
                let all = self.world.get(id).bytes_written();
                assert_eq!(sent.len() as u64, all, "all was sent at finish");
            }
            EventKind::Drain => {
                // What is piped goes on at once.
                let waiting = self.world.get(id).writable_length();
                let piped = !life.fed_by.is_empty();
                assert!(waiting == 0 || piped, "nothing waits at drain");
            }
            _ => {}
        }
    }

    /// What holds after every step.
    fn check(&mut self) {
        self.check_pipes();
        let now = self.world.now;
        for action in &self.world.actions[self.seen_actions..] {
            if let Action::Write { id, .. } = action
                && let Some(life) = self.lives.get_mut(id)
            {
                life.model.timer.active(now);
            }
        }
        self.seen_actions = self.world.actions.len();
        let ids: Vec<_> = self.lives.keys().copied().collect();
        for id in ids {
            let Some(socket) = self.world.net.socket(id) else {
                continue;
            };
            if self.is_forgotten(id) {
                continue;
            }
            let open = self.world.is_open(id);
            let delivered = self.world.delivered(id);
            let Some(life) = self.lives.get_mut(&id) else {
                continue;
            };
            // Before the connection stands that is of an earlier one.
            let delivered = if open || life.connected { delivered } else { 0 };
            life.model.deliver(delivered);
            if self.takes_at_once {
                life.model.check(socket, now);
            }
            let in_full = life.encoded_from.is_some() || socket.bytes_read() >= life.read as u64;
            assert!(in_full, "read before it came");
            if life.connected && self.world.is_open(id) {
                let sent = &self.world.wire(id).sent;
                self.check_sent(&self.lives[&id], sent);
            }
            let life = &self.lives[&id];
            if life.closed {
                assert!(socket.destroyed());
                assert_eq!(life.earlier, 0);
            }
        }
        for which in 0..2 {
            let counted = self.world.connections(self.servers[which].id);
            let told = counted == self.connections(which);
            assert!(told || !self.takes_at_once, "connections");
        }
    }

    /// What was sent is what was written, in order and once, with what was piped between.
    fn check_sent(&self, life: &Life, sent: &[u8]) {
        if life.fed_by.is_empty() {
            assert!(life.written.starts_with(sent), "in order, and once");
            return;
        }
        let of = |origin| {
            let mark = mark(origin);
            let bytes = sent.iter().copied().filter(move |byte| byte & 0xf0 == mark);
            bytes.collect::<Vec<_>>()
        };
        assert!(life.written.starts_with(&of(PROGRAM)), "in order, and once");
        let mut known = of(PROGRAM).len();
        for source in &life.fed_by {
            let piped = of(*source);
            known += piped.len();
            let received = self.received.get(source).map_or(&[][..], Vec::as_slice);
            assert!(is_subsequence(&piped, received), "in order, and once");
        }
        assert_eq!(known, sent.len(), "nothing else");
    }

    /// A pipe ends with its source, or with its destination.
    fn check_pipes(&mut self) {
        let over = |id: SocketId| {
            self.world
                .net
                .socket(id)
                .is_none_or(|socket| socket.destroyed())
        };
        let ended: Vec<_> = self
            .pipes
            .extract_if(.., |(from, into)| {
                over(*from) || over(*into) || self.lives[from].ended || self.lives[into].finished
            })
            .collect();
        let ends = |(_, into): &&(SocketId, SocketId)| self.lives[into].ending;
        let ending: Vec<_> = self.pipes.iter().filter(ends).copied().collect();
        for (from, _) in ended.into_iter().chain(ending) {
            self.model(from).lost_pipe();
        }
    }

    /// What holds when nothing is left to do until the network does something.
    fn check_at_rest(&mut self) {
        let (now, since) = (self.world.now, self.busy_at);
        let ids: Vec<_> = self.held.clone();
        for id in ids {
            let socket = self.world.get(id);
            let writing = self.world.is_writing(id);
            let shutting_down = self.world.is_shutting_down(id);
            let piped = self
                .pipes
                .iter()
                .any(|(from, into)| *from == id || *into == id);
            let Some(life) = self.lives.get_mut(&id) else {
                continue;
            };
            // Rows E1 and E2: what has come in waits for `finish`.
            if !shutting_down && self.takes_at_once {
                life.model.check_at_rest(socket);
            }
            // Row T11: a write under way may have made progress.
            if !writing && !piped && self.takes_at_once {
                life.model.timer.check_at_rest(since, now);
            }
            let unread = match life.encoded_from {
                Some(from) => 2 * (life.received.len() - from) - life.read,
                None => life.received.len() - life.read,
            };
            let held_back = life.model.is_paused() != Is::No || life.leaky || socket.destroyed();
            let delivered = socket.bytes_read() > 0 && unread > 0 && life.connected;
            if delivered && !held_back && socket.bytes_read() as usize == life.received.len() {
                assert!(life.told_readable, "nobody told of it: {socket:?}");
            }
        }
        for (id, life) in &self.lives {
            let told = !life.closed || life.callbacks.is_empty();
            assert!(told, "{id:?}: callbacks that never came: {life:?}");
        }
        assert_eq!(self.world.queued(), 0, "everybody was let in, or not");
        for (which, server) in self.servers.iter().enumerate() {
            // Those of `close` may wait for a connection, and for another `close`.
            let drained = self.connections(which) == 0 && !self.world.listens(server.id);
            assert!(server.callbacks.is_empty() || !drained, "{server:?}");
            assert!(server.counts.is_empty(), "{server:?}");
        }
    }

    /// Whatever is under way comes to its end, and the program lets go of all.
    fn wind_up(mut self) {
        while self.poll() {}
        // Half of what the program holds it destroys first, to see it close.
        let held = self.held.clone();
        for id in held.iter().step_by(2) {
            self.world.destroy(*id);
            self.life(*id).destroyed = true;
            self.model(*id).destroy();
        }
        while self.poll() {}
        for id in held.iter().step_by(2) {
            let life = &self.lives[id];
            assert!(life.closed, "{id:?} never closed");
            assert!(life.callbacks.is_empty(), "{id:?}: {life:?}");
        }
        for id in held {
            self.drop_socket(id);
        }
        for which in 0..2 {
            let server = &mut self.servers[which];
            let untaken = std::mem::take(&mut server.untaken);
            self.world.drop_server(server.id);
            for id in untaken {
                self.forget(id);
            }
        }
        assert_eq!(self.world.poll(), None, "nobody is there to be told");
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
            assert_eq!(self.world.poll(), None, "nobody is there to be told");
        }
        assert_eq!(self.world.net.len(), 0, "{:?}", self.world.net);
        assert!(!self.world.net.is_alive());
        assert_eq!(self.world.net.next_deadline(), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Bytes come out in order and once, `close` comes once and last, nothing is
    /// told after `destroy`, every callback comes once, the counters equal the
    /// bytes, and nothing remains when the program has let go of everything.
    #[test]
    fn a_program_gets_what_node_guarantees(
        steps in prop::collection::vec(step(), 0..150),
        resets in any::<bool>(),
    ) {
        let mut program = Program::new(true, resets);
        for step in steps {
            program.step(step);
        }
        program.wind_up();
    }

    /// The same if the program looks whether there is an event, and calls something before it
    /// takes it.
    #[test]
    fn a_program_that_looks_first_gets_it_too(
        steps in prop::collection::vec(prop_oneof![4 => step(), 1 => Just(Step::Look)], 0..150),
        resets in any::<bool>(),
    ) {
        let mut program = Program::new(false, resets);
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
        let (mut world, id) = World::connection();
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
            let Some(event) = world.poll() else {
                prop_assert!(world.is_writing(id), "stuck");
                world.host_sends(id);
                continue;
            };
            match event.kind {
                EventKind::Readable => read.extend(world.read(id, max)),
                EventKind::Callback { callback, error: None } => called_back.push(callback),
                EventKind::Close { had_error } => closed = !had_error,
                EventKind::End | EventKind::Finish => {}
                other => prop_assert!(false, "{other:?}"),
            }
        }
        prop_assert_eq!(read, received.concat());
        prop_assert_eq!(&world.wire(id).sent, &written.concat());
        prop_assert_eq!(called_back, (0..writes.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(world.get(id).bytes_read(), received.concat().len() as u64);
        prop_assert_eq!(world.get(id).bytes_written(), written.concat().len() as u64);
    }
}
