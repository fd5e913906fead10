//! Runs the steps of a scenario: the main ones, which may wait, and those of handlers.

use crate::data::quote;
use crate::language::{EventName, Options, Step, Word, event_name, number, split};
use crate::peers::Peers;
use crate::places::Places;
use crate::plugnet::net::net::{self, Event, EventKind, ListenHandle};
use crate::plugnet::net::types::{Error, IpFamily};
use crate::server::ServerObject;
use crate::socket::SocketObject;
use crate::trace::or_none;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

/// What a call came to.
pub enum Outcome {
    Nothing,
    Value(String),
    Thrown(Error),
}

impl Outcome {
    pub fn of(outcome: Result<(), Error>) -> Self {
        outcome.map_or_else(Self::Thrown, |()| Self::Nothing)
    }
}

#[derive(Clone)]
pub enum Object {
    Server(Rc<ServerObject>),
    Socket(Rc<SocketObject>),
}

impl Object {
    /// Calls a function that takes something to listen on.
    pub fn with<T>(&self, call: impl FnOnce(ListenHandle<'_>) -> T) -> T {
        match self {
            Object::Server(object) => call(ListenHandle::Server(&object.server)),
            Object::Socket(object) => call(ListenHandle::Socket(&object.socket)),
        }
    }
}

/// What the steps act upon.
pub struct World {
    pub places: Places,
    objects: HashMap<String, Object>,
    names: HashMap<u64, String>,
    /// The labels of callbacks; a callback's number is its place.
    callbacks: Vec<String>,
}

impl World {
    fn new(places: Places) -> Self {
        Self {
            places,
            objects: HashMap::new(),
            names: HashMap::new(),
            callbacks: Vec::new(),
        }
    }

    /// The number for the option `callback`.
    pub fn callback(&mut self, options: &Options) -> Option<u64> {
        let label = options.get("callback")?;
        let known = self.callbacks.iter().position(|known| known == label);
        let place = known.unwrap_or(self.callbacks.len());
        if known.is_none() {
            self.callbacks.push(label.to_owned());
        }
        Some(place as u64)
    }

    fn label(&self, callback: u64) -> &str {
        let place = usize::try_from(callback).ok();
        let label = place.and_then(|place| self.callbacks.get(place));
        label.expect("a callback that was asked for")
    }

    fn get(&self, name: &str) -> Object {
        let object = self.objects.get(name);
        object
            .unwrap_or_else(|| panic!("there is no {name}"))
            .clone()
    }

    pub fn socket(&self, name: &str) -> Rc<SocketObject> {
        match self.get(name) {
            Object::Socket(object) => object,
            Object::Server(_) => panic!("{name} is no socket"),
        }
    }

    pub fn listen_handle(&self, name: &str) -> Object {
        self.get(name)
    }

    fn add(&mut self, name: &str, object: Object) {
        let id = match &object {
            Object::Server(object) => object.server.id(),
            Object::Socket(object) => object.socket.id(),
        };
        self.names.insert(id, name.to_owned());
        self.objects.insert(name.to_owned(), object);
    }

    fn add_socket(&mut self, name: &str, socket: SocketObject) {
        self.add(name, Object::Socket(Rc::new(socket)));
    }

    /// Prints a line, after what its socket received.
    fn print(&self, name: &str, line: &str) {
        if let Some(Object::Socket(object)) = self.objects.get(name)
            && let Some(received) = object.take_received()
        {
            println!("{name} {received}");
        }
        println!("{line}");
    }

    /// The name of a server or socket.
    pub fn name(&self, id: u64) -> &str {
        &self.names[&id]
    }

    fn learn_port(&mut self, name: &str, server: &ServerObject) {
        if let Some(info) = server.server.address() {
            self.places.name_port(name, info.port);
        }
    }

    fn property(&self, path: &str) -> String {
        let (name, property) = split(path);
        let value = match self.get(name) {
            Object::Server(object) => object.property(self, property),
            Object::Socket(object) => object.property(self, property),
        };
        value.unwrap_or_else(|| panic!("there is no property {path}"))
    }

    /// A port as its number; other properties as they are.
    fn exact(&self, path: &str) -> String {
        let (name, property) = split(path);
        let info = match (self.get(name), property) {
            (Object::Server(object), "port") => object.server.address(),
            (Object::Socket(object), "port") => object.socket.address(),
            (Object::Socket(object), "remote-port") => object.socket.remote_address(),
            _ => return self.property(path),
        };
        or_none(info.map(|info| info.port))
    }
}

struct Handler {
    of: EventName,
    steps: Rc<Vec<Step>>,
    once: bool,
    nth: Option<u64>,
    count: u64,
    gone: bool,
}

/// What the main steps wait for, and its text for the last line.
struct Blocked {
    text: String,
    by: By,
}

enum By {
    Event(EventName),
    Time,
    Replies(Vec<u64>),
}

pub struct Run {
    steps: Vec<Step>,
    next: usize,
    /// Whether the main steps are being run.
    running: bool,
    blocked: Option<Blocked>,
    /// How long the main steps want to sleep.
    pub sleep: Option<Duration>,
    pub stopped: bool,
    world: World,
    peers: Peers,
    handlers: Vec<Handler>,
    /// How often each event came and no `wait` has taken it.
    came: HashMap<EventName, u64>,
}

impl Run {
    pub fn new(steps: Vec<Step>, places: Places) -> Self {
        Self {
            steps,
            next: 0,
            running: false,
            blocked: None,
            sleep: None,
            stopped: false,
            world: World::new(places),
            peers: Peers::default(),
            handlers: Vec::new(),
            came: HashMap::new(),
        }
    }

    /// Whether the main steps wait for a peer.
    pub fn waits_for_reply(&self) -> bool {
        matches!(
            &self.blocked,
            Some(Blocked {
                by: By::Replies(_),
                ..
            })
        )
    }

    /// Prints the last line.
    pub fn exit(&mut self) {
        self.flush();
        match &self.blocked {
            Some(blocked) => println!("exit, waiting for {}", blocked.text),
            None => println!("exit"),
        }
    }

    fn flush(&self) {
        for (name, object) in &self.world.objects {
            if let Object::Socket(object) = object
                && let Some(received) = object.take_received()
            {
                println!("{name} {received}");
            }
        }
    }

    /// Runs the main steps until they wait.
    pub fn main(&mut self) {
        self.running = true;
        let steps = std::mem::take(&mut self.steps);
        while let Some(step) = steps.get(self.next)
            && self.blocked.is_none()
            && !self.stopped
        {
            self.next += 1;
            if step.words[0].as_str() == "wait" {
                self.wait(&step.words[1..]);
            } else if self.peers.is_command(step) {
                let id = self.peers.command(step, &self.world.places);
                if step.words.last().map(Word::as_str) != Some("&") {
                    self.block(&step.text, By::Replies(vec![id]));
                }
            } else {
                self.execute(step);
            }
        }
        self.steps = steps;
        self.running = false;
    }

    /// The main steps have waited long enough.
    pub fn go_on(&mut self) {
        self.blocked = None;
        self.main();
    }

    fn block(&mut self, text: &str, by: By) {
        let text = text.to_owned();
        self.blocked = Some(Blocked { text, by });
    }

    fn wait(&mut self, what: &[Word]) {
        let words: Vec<_> = what.iter().map(Word::as_str).collect();
        let text = words.join(" ");
        if let Some(milliseconds) = words[0].strip_suffix("ms") {
            self.sleep = Some(Duration::from_millis(number(milliseconds)));
            self.block(&text, By::Time);
        } else if let Some(peer) = words[0].strip_suffix(".done") {
            let pending = self.peers.pending(peer);
            if !pending.is_empty() {
                self.block(&text, By::Replies(pending));
            }
        } else {
            let mut event = event_name(what);
            if event.event == "data" {
                event.total = event.total.or(Some(1));
            }
            if !self.take(&event) {
                self.block(&text, By::Event(event));
            }
        }
    }

    /// Takes an event that came.
    fn take(&mut self, event: &EventName) -> bool {
        if let Some(total) = event.total {
            let object = self.world.objects.get(&event.source);
            return match object {
                Some(Object::Socket(object)) => object.received.get() >= total,
                _ => false,
            };
        }
        match self.came.get_mut(event) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        }
    }

    /// Takes a line from the harness.
    pub fn reply(&mut self, line: &str) {
        let Some(done) = self.peers.reply(line, &mut self.world.places) else {
            return;
        };
        if let Some(Blocked {
            by: By::Replies(ids),
            ..
        }) = &mut self.blocked
        {
            ids.retain(|id| *id != done);
            if ids.is_empty() {
                self.go_on();
            }
        }
    }

    /// Runs the handlers of an event, and goes on if the main steps wait for it.
    fn emitted(&mut self, source: &str, event: &str, total: Option<u64>) {
        let is_it = |of: &EventName| {
            of.source == source && of.event == event && of.total.is_none_or(|of| total >= Some(of))
        };
        if total.is_none() {
            let name = EventName {
                source: source.to_owned(),
                event: event.to_owned(),
                total,
            };
            *self.came.entry(name).or_default() += 1;
        }
        let mut due = Vec::new();
        for handler in self
            .handlers
            .iter_mut()
            .filter(|handler| is_it(&handler.of))
        {
            handler.count += 1;
            if handler.nth.is_none_or(|nth| handler.count == nth) {
                handler.gone = handler.once || handler.nth.is_some() || handler.of.total.is_some();
                due.push(Rc::clone(&handler.steps));
            }
        }
        self.handlers.retain(|handler| !handler.gone);
        for steps in due {
            for step in steps.iter().filter(|_| !self.stopped).collect::<Vec<_>>() {
                self.execute(step);
            }
        }
        if let Some(Blocked {
            by: By::Event(event),
            ..
        }) = &self.blocked
            && is_it(event)
            && !self.running
        {
            let event = event.clone();
            self.take(&event);
            self.go_on();
        }
    }

    fn execute(&mut self, step: &Step) {
        let verb = step.words[0].as_str();
        let rest = &step.words[1..];
        let options = &step.options;
        let world = &mut self.world;
        let word = |at: usize| rest[at].as_str();
        match verb {
            _ if self.peers.is_command(step) => {
                self.peers.command(step, &world.places);
            }
            "on" | "once" => self.handlers.push(Handler {
                of: event_name(rest),
                steps: Rc::clone(&step.block),
                once: verb == "once",
                nth: options.number("nth"),
                count: 0,
                gone: false,
            }),
            "server" => {
                let server = ServerObject::new(rest, options);
                world.add(word(0), Object::Server(Rc::new(server)));
            }
            "socket" => world.add_socket(word(0), SocketObject::create(rest, options)),
            "connect" => match SocketObject::connect(world, rest, options) {
                Ok(socket) => world.add_socket(word(0), socket),
                Err(error) => println!("connect throws {}", world.places.error(&error)),
            },
            "get" => {
                let value = world.property(word(0));
                let (name, _) = split(word(0));
                world.print(name, &format!("{} = {value}", word(0)));
            }
            "same" => {
                let same = world.exact(word(0)) == world.exact(word(1));
                println!("{} is {} = {same}", word(0), word(1));
            }
            "note" => println!("note {}", word(0)),
            "is-ip" => println!(
                "is-ip {} = {} {} {}",
                quote(word(0)),
                net::is_ip(word(0)),
                net::is_ipv4(word(0)),
                net::is_ipv6(word(0))
            ),
            "stop" => {
                self.flush();
                println!("stop");
                self.stopped = true;
            }
            _ => self.call(verb, rest, options),
        }
    }

    /// Calls `object.method`, and prints what it returned or threw.
    fn call(&mut self, verb: &str, words: &[Word], options: &Options) {
        let (name, method) = split(verb);
        let world = &mut self.world;
        let object = world.get(name);
        let outcome = match &object {
            Object::Server(object) => object.call(world, method, words, options),
            Object::Socket(object) => object.call(world, method, words, options),
        };
        let text = match outcome {
            None => panic!("there is no {verb}"),
            Some(Outcome::Nothing) => String::new(),
            Some(Outcome::Value(value)) => format!(" = {value}"),
            Some(Outcome::Thrown(error)) => format!(" throws {}", world.places.error(&error)),
        };
        world.print(name, &format!("{verb}{text}"));
        match (object, method) {
            (Object::Server(object), "listen" | "listen-handle") => {
                world.learn_port(name, &object);
            }
            (Object::Socket(object), "on-data") if !object.socket.is_paused() => {
                self.receive(name, &object);
            }
            _ => {}
        }
    }

    fn receive(&mut self, name: &str, object: &SocketObject) {
        if object.receive() {
            self.emitted(name, "data", Some(object.received.get()));
        }
    }

    /// Prints an event, and does what the scenario does about it.
    pub fn event(&mut self, event: Event) {
        let Some(name) = self.world.names.get(&event.source).cloned() else {
            panic!("an event of {}, whom nobody made", event.source);
        };
        let object = self.world.get(&name);
        match (&object, &event.kind) {
            (Object::Socket(socket), EventKind::Readable) => {
                return self.receive(&name, socket);
            }
            (Object::Server(server), EventKind::Listening) => {
                self.world.learn_port(&name, server);
            }
            _ => {}
        }
        let (event, detail) = match (&object, &event.kind) {
            (Object::Server(server), EventKind::Connection) => {
                ("connection".to_owned(), format!(" {}", self.accept(server)))
            }
            (Object::Server(_), EventKind::Close(_)) => ("close".to_owned(), String::new()),
            (_, kind) => self.tell(kind),
        };
        self.world.print(&name, &format!("{name} {event}{detail}"));
        self.emitted(&name, &event, None);
    }

    /// Takes a connection that was announced, and returns its name.
    fn accept(&mut self, server: &ServerObject) -> String {
        let socket = server.server.accept().expect("a connection was announced");
        let count = server.accepted.get() + 1;
        server.accepted.set(count);
        let connection = match count {
            1 => server.accept.clone(),
            _ => format!("{}{count}", server.accept),
        };
        let object = SocketObject::new(socket, server.unread);
        self.world.add_socket(&connection, object);
        connection
    }

    /// The event's name, and what it carries.
    fn tell(&self, kind: &EventKind) -> (String, String) {
        let places = &self.world.places;
        let plain = |event: &str| (event.to_owned(), String::new());
        match kind {
            EventKind::Listening => plain("listening"),
            EventKind::Connection => plain("connection"),
            EventKind::Drop(dropped) => {
                let [local, remote] = [&dropped.local, &dropped.remote].map(|info| {
                    let told = places.address(info.clone());
                    format!(" {told}")
                });
                ("drop".to_owned(), local + &remote)
            }
            EventKind::Connections(count) => (
                format!("connections {}", self.world.label(count.callback)),
                format!(" {}", count.count),
            ),
            EventKind::LookupRequest(request) => {
                let family = or_none(request.family.map(|family| match family {
                    IpFamily::Ipv4 => 4,
                    IpFamily::Ipv6 => 6,
                }));
                let detail = format!(
                    " {} family={family} hints={} all={}",
                    request.hostname, request.hints, request.all
                );
                ("lookup-request".to_owned(), detail)
            }
            EventKind::Lookup(lookup) => {
                let outcome = match &lookup.outcome {
                    Ok(address) => format!("{address} {}", or_none(lookup.family)),
                    Err(error) => places.error(error),
                };
                ("lookup".to_owned(), format!(" {} {outcome}", lookup.host))
            }
            EventKind::Connect => plain("connect"),
            EventKind::Ready => plain("ready"),
            EventKind::Readable => plain("readable"),
            EventKind::Drain => plain("drain"),
            EventKind::Finish => plain("finish"),
            EventKind::End => plain("end"),
            EventKind::Timeout => plain("timeout"),
            EventKind::Error(error) => ("error".to_owned(), format!(" {}", places.error(error))),
            EventKind::Close(had_error) => ("close".to_owned(), format!(" {had_error}")),
            EventKind::Callback(completion) => {
                let error = completion.error.as_ref();
                let error =
                    error.map_or(String::new(), |error| format!(" {}", places.error(error)));
                let label = self.world.label(completion.callback);
                (format!("callback {label}"), error)
            }
        }
    }
}
