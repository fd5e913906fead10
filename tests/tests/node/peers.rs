//! The peers of a scenario: plain sockets, each played by a thread of its own that does what it
//! is told, one command after the other.

use super::data;
use plugnet_tests::peer::{Busy, LIMIT, Peer, Place, Stream, Unused, leave_socket, reset};
use socket2::Type;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// Hands a reply to the runner.
pub trait Reply: Fn(String) + Clone + Send + 'static {}

impl<T: Fn(String) + Clone + Send + 'static> Reply for T {}

/// All peers of one run.
pub struct Peers<R> {
    reply: R,
    threads: Vec<Thread>,
}

struct Thread {
    name: String,
    commands: Sender<String>,
    lines: JoinHandle<Vec<String>>,
}

impl<R: Reply> Peers<R> {
    /// No peers yet.
    pub fn new(reply: R) -> Self {
        Self {
            reply,
            threads: Vec::new(),
        }
    }

    /// Takes a line that a runner printed. False if it is no command: it belongs to the trace.
    pub fn take(&mut self, line: &str) -> bool {
        let Some(command) = line.strip_prefix('@') else {
            return false;
        };
        let mut words = command.splitn(3, ' ');
        let (Some(id), Some(name), Some(command)) = (words.next(), words.next(), words.next())
        else {
            panic!("`{line}` is no command");
        };
        let command = format!("{id} {command}");
        let thread = match self.threads.iter().position(|thread| thread.name == name) {
            Some(index) => &self.threads[index],
            None => self.start(name),
        };
        // A thread that gave up says so in its lines.
        _ = thread.commands.send(command);
        true
    }

    fn start(&mut self, name: &str) -> &Thread {
        let (commands, received) = channel();
        let reply = self.reply.clone();
        let lines = thread::spawn(move || play(&received, reply));
        self.threads.push(Thread {
            name: name.to_owned(),
            commands,
            lines,
        });
        self.threads.last().expect("just pushed")
    }

    /// What the peers saw, when they have done all they were told.
    pub fn finish(self) -> Vec<String> {
        let mut all = Vec::new();
        for thread in self.threads {
            drop(thread.commands);
            let lines = thread
                .lines
                .join()
                .unwrap_or_else(|_| vec!["panicked".to_owned()]);
            all.extend(lines.iter().map(|line| format!("{} {line}", thread.name)));
        }
        all
    }
}

/// Does what the commands say, and returns what there was to see.
fn play(commands: &Receiver<String>, reply: impl Reply) -> Vec<String> {
    let mut player = Player::default();
    for command in commands {
        let (id, command) = command.split_once(' ').expect("an id and a command");
        if let Some(port) = player.run(command) {
            reply(format!("{id} port {port}"));
        }
        reply(format!("{id} done"));
    }
    player.lines
}

#[derive(Default)]
struct Player {
    listener: Option<Peer>,
    busy: Option<Busy>,
    unused: Option<Unused>,
    path: Option<PathBuf>,
    stream: Option<Stream>,
    lines: Vec<String>,
}

impl Player {
    /// The port, of the commands that choose one.
    fn run(&mut self, command: &str) -> Option<u16> {
        let words: Vec<_> = command.split(' ').collect();
        match words[..] {
            ["port", "unused"] => return Some(self.unused.insert(Unused::new()).port),
            ["port", "busy"] => return Some(self.busy.insert(Busy::listen()).place.port()),
            ["listen", host] => return Some(self.listener.insert(Peer::listen_on(host)).port()),
            ["path", what, ref path @ ..] => self.at_path(what, &path.join(" ")),
            ["look"] => self.look(),
            ["remove"] => fs::remove_file(self.path()).expect("there is a file"),
            ["move", to] => {
                let to = self.path().with_file_name(to);
                fs::rename(self.path(), to).expect("there is something");
            }
            ["accept"] => {
                let listener = self.listener.as_ref().expect("a peer that listens");
                self.stream = listener.accept_within(LIMIT);
                self.say(if self.stream.is_some() {
                    "accept"
                } else {
                    "accept: nobody came"
                });
            }
            ["connect", host, port] => {
                let host = host.parse().expect("an address");
                self.connect(&Place::Port(host, port.parse().expect("a port")));
            }
            ["send", data] => self.send(&bytes(data)),
            ["receive", count] => self.receive(Some(count.parse().expect("a number"))),
            ["until-end"] => self.receive(None),
            ["end"] => self.end(),
            ["reset"] => reset(self.stream.take().expect("a connection")),
            ["close"] => self.stream = None,
            ["stop-listening"] => self.listener = None,
            _ => panic!("peers do not know `{command}`"),
        }
        None
    }

    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    /// Connects to a path, listens at it, or makes something there. Abstract names begin with
    /// `@`.
    fn at_path(&mut self, what: &str, typed: &str) {
        let name = typed.strip_prefix('@').map(|name| format!("\0{name}"));
        let path = PathBuf::from(name.unwrap_or_else(|| typed.to_owned()));
        let place = Place::Path(path.clone());
        match what {
            "connect" => return self.connect(&place),
            "listen" => self.listener = Some(Peer::listen_at(&place)),
            "busy" => self.busy = Some(Busy::listen_at(place)),
            "unused" => assert!(!path.exists(), "there is something"),
            "file" => fs::write(&path, "not a socket").expect("a folder to write to"),
            "folder" => fs::create_dir(&path).expect("a folder to write to"),
            "stale" => leave_socket(&path, Type::STREAM),
            "datagram" => leave_socket(&path, Type::DGRAM),
            _ => panic!("peers do not know `path {what}`"),
        }
        self.path = Some(path);
    }

    fn path(&self) -> &Path {
        self.path.as_deref().expect("a peer that has a path")
    }

    /// What is at the path: its kind, and the mode of a socket.
    fn look(&mut self) {
        let told = match fs::symlink_metadata(self.path()) {
            Err(error) => format!("{:?}", error.kind()),
            Ok(there) if there.file_type().is_socket() => {
                format!("socket {:03o}", there.permissions().mode() & 0o777)
            }
            Ok(there) if there.is_dir() => "folder".to_owned(),
            Ok(_) => "file".to_owned(),
        };
        self.say(format!("look: {told}"));
    }

    fn connect(&mut self, place: &Place) {
        match place.try_connect() {
            Ok(stream) => {
                self.stream = Some(stream);
                self.say("connect");
            }
            Err(error) => self.say(format!("connect: {:?}", error.kind())),
        }
    }

    fn send(&mut self, data: &[u8]) {
        if let Err(error) = self.connection().write_all(data) {
            self.say(format!("send: {}", told(&error)));
        }
    }

    fn end(&mut self) {
        if let Err(error) = self.connection().shutdown(Shutdown::Write) {
            self.say(format!("end: {}", told(&error)));
        }
    }

    /// Receives that many bytes, or everything until the end.
    fn receive(&mut self, count: Option<usize>) {
        let mut data = Vec::new();
        let mut buffer = vec![0; 256 * 1024];
        let outcome = loop {
            let rest = count.map_or(buffer.len(), |count| count - data.len());
            if rest == 0 {
                break None;
            }
            let most = rest.min(buffer.len());
            match self.connection().read(&mut buffer[..most]) {
                Ok(0) => break Some("end".to_owned()),
                Ok(length) => data.extend_from_slice(&buffer[..length]),
                Err(error) => break Some(told(&error).to_owned()),
            }
        };
        if !data.is_empty() {
            self.say(format!("received {}", data::tell(&data)));
        }
        if let Some(outcome) = outcome {
            self.say(outcome);
        }
    }

    fn connection(&mut self) -> &mut Stream {
        self.stream.as_mut().expect("a peer that is connected")
    }
}

fn told(error: &std::io::Error) -> &'static str {
    match error.kind() {
        // The other side closed with data unread, or has a reset of its own.
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => "reset",
        ErrorKind::WouldBlock | ErrorKind::TimedOut => "nothing comes",
        _ => "failed",
    }
}

fn bytes(word: &str) -> Vec<u8> {
    match word.split_once(':') {
        Some(("hex", digits)) => data::hex(digits),
        Some(("pattern", length)) => data::pattern(length.parse().expect("a length")),
        _ => panic!("peers do not send `{word}`"),
    }
}
