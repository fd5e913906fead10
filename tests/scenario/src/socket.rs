//! A socket: the steps that concern it, its properties, and what it received.

use crate::data;
use crate::language::{Data, Options, Word, data_of, number};
use crate::plugnet::net::net::{
    BlockList, ConnectOptions, ReadyState, ResolvedAddress, Socket, SocketOptions, connect_path,
    create_connection,
};
use crate::plugnet::net::types::{Error, IpFamily};
use crate::run::{Outcome, World};
use crate::trace::or_none;
use std::cell::{Cell, RefCell};

/// A block list of these addresses.
pub fn blocking(words: &[Word]) -> BlockList {
    let list = BlockList::new();
    for word in words {
        let address = word.as_str();
        let family = address.contains(':').then_some(IpFamily::Ipv6);
        list.add_address(address, family).expect("an address");
    }
    list
}

pub struct SocketObject {
    pub socket: Socket,
    /// Whether nobody reads what it receives.
    unread: Cell<bool>,
    /// Whether `set-encoding` was called.
    decoded: Cell<bool>,
    /// What came since the last line of this socket, and whether it is text.
    chunks: RefCell<(Vec<u8>, bool)>,
    /// How many bytes came in all.
    pub received: Cell<u64>,
}

impl SocketObject {
    pub fn create(words: &[Word], options: &Options) -> Self {
        let socket = Socket::new(Some(socket_options(words, options)));
        Self::new(socket, has(words, "unread"))
    }

    /// Creates a socket that connects.
    pub fn connect(world: &World, words: &[Word], options: &Options) -> Result<Self, Error> {
        let socket = match world.places.path_for(options, "") {
            Some(path) if is_plain(words, options) => connect_path(&path)?,
            Some(path) => {
                let socket = Socket::new(Some(socket_options(words, options)));
                to_path(&socket, &path, words, options, None)?;
                socket
            }
            None => {
                let connect = connect_options(world, words, options);
                create_connection(Some(socket_options(words, options)), &connect, None)?
            }
        };
        Ok(Self::new(socket, has(words, "unread")))
    }

    pub fn new(socket: Socket, unread: bool) -> Self {
        Self {
            socket,
            unread: Cell::new(unread),
            decoded: Cell::new(false),
            chunks: RefCell::default(),
            received: Cell::new(0),
        }
    }

    /// Takes what was received. False if nobody reads, or there is nothing.
    pub fn receive(&self) -> bool {
        if self.unread.get() {
            return false;
        }
        let chunk = self.read();
        self.received.set(self.received.get() + chunk.len() as u64);
        let mut chunks = self.chunks.borrow_mut();
        chunks.1 = self.decoded.get();
        chunks.0.extend(&chunk);
        !chunk.is_empty()
    }

    fn read(&self) -> Vec<u8> {
        if self.decoded.get() {
            self.socket.read_text().into_bytes()
        } else {
            self.socket.read(u64::MAX)
        }
    }

    /// What came since this was asked last, as a trace tells it.
    pub fn take_received(&self) -> Option<String> {
        let (chunk, is_text) = self.chunks.take();
        let kind = if is_text { "text" } else { "data" };
        (!chunk.is_empty()).then(|| format!("{kind} {}", data::tell(&chunk)))
    }

    pub fn call(
        &self,
        world: &mut World,
        method: &str,
        words: &[Word],
        options: &Options,
    ) -> Option<Outcome> {
        let socket = &self.socket;
        let callback = world.callback(options);
        let word = |at: usize| words.get(at).map(Word::as_str);
        match method {
            "connect" => {
                let outcome = match world.places.path_for(options, "") {
                    Some(path) => to_path(socket, &path, words, options, callback),
                    None => socket.connect(&connect_options(world, words, options), callback),
                };
                return Some(Outcome::of(outcome));
            }
            "looked-up" => socket.looked_up(looked_up(words, options).as_ref().map(Vec::as_slice)),
            "write" => {
                let encoding = options.get("encoding");
                return Some(match data_of(&words[0]) {
                    Data::Text(text) => match socket.write_text(&text, encoding, callback) {
                        Ok(more) => Outcome::Value(more.to_string()),
                        Err(error) => Outcome::Thrown(error),
                    },
                    Data::Bytes(bytes) => {
                        Outcome::Value(socket.write(&bytes, callback).to_string())
                    }
                });
            }
            "end" => {
                let data = words.first().map(|word| data_of(word).into_bytes());
                socket.end(data.as_deref(), callback);
            }
            "destroy" => socket.destroy(error(options).as_ref()),
            "reset-and-destroy" => return Some(Outcome::of(socket.reset_and_destroy())),
            "pause" => socket.pause(),
            "resume" => socket.resume(),
            "on-data" => self.unread.set(false),
            "read" => {
                let chunk = self.read();
                let told = (!chunk.is_empty()).then(|| data::tell(&chunk));
                return Some(Outcome::Value(or_none(told)));
            }
            "set-encoding" => {
                let outcome = socket.set_encoding(word(0));
                self.decoded.set(self.decoded.get() || outcome.is_ok());
                return Some(Outcome::of(outcome));
            }
            "set-timeout" => socket.set_timeout(number(word(0)?), callback),
            "set-no-delay" => socket.set_no_delay(word(0)? == "true"),
            "set-keep-alive" => {
                let (interval, count) = (word(2).map(number), word(3).map(number));
                let delay = word(1).map_or(0, number);
                socket.set_keep_alive(word(0)? == "true", delay, interval, count);
            }
            "destroy-soon" => socket.destroy_soon(),
            "block" => socket.set_block_list(&blocking(words)),
            "pipe" => {
                let end = options.get("end") != Some("false");
                socket.pipe(&world.socket(word(0)?).socket, end);
            }
            "unpipe" => {
                let destination = word(0).map(|name| world.socket(name));
                socket.unpipe(destination.as_ref().map(|object| &object.socket));
            }
            "ref" => socket.ref_(),
            "unref" => socket.unref(),
            _ => return None,
        }
        Some(Outcome::Nothing)
    }

    pub fn property(&self, world: &World, name: &str) -> Option<String> {
        let socket = &self.socket;
        Some(match name {
            "address" => world.places.address(socket.address()),
            "remote-address" => world.places.address(socket.remote_address()),
            "bytes-read" => socket.bytes_read().to_string(),
            "bytes-written" => socket.bytes_written().to_string(),
            "buffer-size" => socket.buffer_size().to_string(),
            "connecting" => socket.connecting().to_string(),
            "pending" => socket.pending().to_string(),
            "destroyed" => socket.destroyed().to_string(),
            "ready-state" => ready_state(socket.ready_state()).to_owned(),
            "timeout" => or_none(socket.timeout()),
            "is-paused" => socket.is_paused().to_string(),
            _ => return None,
        })
    }
}

fn has(words: &[Word], flag: &str) -> bool {
    words.iter().any(|word| word.as_str() == flag)
}

fn socket_options(words: &[Word], options: &Options) -> SocketOptions {
    SocketOptions {
        allow_half_open: has(words, "allow-half-open"),
        high_water_mark: options.number("high-water-mark"),
    }
}

fn ready_state(state: ReadyState) -> &'static str {
    match state {
        ReadyState::Opening => "opening",
        ReadyState::Open => "open",
        ReadyState::ReadOnly => "readOnly",
        ReadyState::WriteOnly => "writeOnly",
        ReadyState::Closed => "closed",
    }
}

/// Whether a socket that connects has Node's defaults.
fn is_plain(words: &[Word], options: &Options) -> bool {
    let chosen = ["high-water-mark", "timeout", "keep-alive"];
    words.len() == 1 && chosen.iter().all(|key| options.get(key).is_none())
}

/// Connects to a path. What `connect` takes as options is called first, as Node's does.
fn to_path(
    socket: &Socket,
    path: &str,
    words: &[Word],
    options: &Options,
    callback: Option<u64>,
) -> Result<(), Error> {
    if let Some(timeout) = options.number("timeout") {
        socket.set_timeout(timeout, None);
    }
    if has(words, "no-delay") {
        socket.set_no_delay(true);
    }
    if let Some(delay) = options.number("keep-alive") {
        socket.set_keep_alive(true, delay, None, None);
    }
    socket.connect_path(path, callback)
}

fn connect_options(world: &World, words: &[Word], options: &Options) -> ConnectOptions {
    let text = |key| options.get(key).map(str::to_owned);
    let port = options.get("port").expect("a port to connect to");
    ConnectOptions {
        port: world.places.port(port),
        host: text("host"),
        local_address: text("local-address"),
        local_port: options
            .get("local-port")
            .map(|port| world.places.port(port)),
        family: options.get("family").map(|family| match family {
            "4" => IpFamily::Ipv4,
            _ => IpFamily::Ipv6,
        }),
        hints: options.number("hints").unwrap_or(0),
        lookup: has(words, "lookup"),
        auto_select_family: options
            .get("auto-select-family")
            .map(|value| value == "true"),
        auto_select_family_attempt_timeout: options.number("attempt-timeout"),
        no_delay: has(words, "no-delay"),
        keep_alive: options.number("keep-alive"),
        timeout: options.number("timeout"),
    }
}

/// `127.0.0.1/4 ::1/6`, or `error=CODE message="…"`.
fn looked_up(words: &[Word], options: &Options) -> Result<Vec<ResolvedAddress>, Error> {
    let resolved = |word: &Word| {
        let (address, family) = word.as_str().split_once('/').expect("ADDRESS/FAMILY");
        ResolvedAddress {
            address: address.to_owned(),
            family: number(family),
        }
    };
    match error(options) {
        Some(error) => Err(error),
        None => Ok(words.iter().map(resolved).collect()),
    }
}

/// `error=CODE message="…"`.
fn error(options: &Options) -> Option<Error> {
    options.get("error").map(|code| Error {
        code: code.to_owned(),
        message: options.get("message").unwrap_or_default().to_owned(),
        syscall: None,
        address: None,
        port: None,
        hostname: None,
        errors: Vec::new(),
    })
}
