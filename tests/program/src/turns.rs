//! The event loop of a case.

use crate::options::SERVER;
use crate::plugnet::net::net::{self, Event, EventKind, Server, ServerOptions, Socket};
use crate::plugnet::net::turn;
use crate::text;
use std::collections::HashMap;
use std::rc::Rc;

/// As much as one `read` takes.
pub const CHUNK: u64 = 64 * 1024;

/// The events that are not printed: how often they come depends on the system.
const SILENT: [&str; 2] = ["readable", "drain"];

/// Waits, prints the events as `NAME EVENT …`, and hands them out.
#[derive(Default)]
pub struct Turns {
    names: HashMap<u64, String>,
    /// The sockets whose data is read as it comes, like one with an `on('data')` in Node.
    flowing: HashMap<u64, Flow>,
    quiet: bool,
}

struct Flow {
    socket: Rc<Socket>,
    data: Vec<u8>,
}

impl Turns {
    /// A server that has Node's defaults.
    pub fn server(&mut self, name: &str) -> Server {
        self.server_with(name, SERVER)
    }

    pub fn server_with(&mut self, name: &str, options: ServerOptions) -> Server {
        let server = Server::new(Some(options));
        self.names.insert(server.id(), name.to_owned());
        server
    }

    /// A socket that has Node's defaults. Nobody reads its data.
    pub fn socket(&mut self, name: &str) -> Rc<Socket> {
        self.named(name, Socket::new(None))
    }

    /// A socket whose data is read as it comes.
    pub fn flowing_socket(&mut self, name: &str) -> Rc<Socket> {
        let socket = self.socket(name);
        self.flow(&socket);
        socket
    }

    /// The connection that was just announced.
    pub fn accept(&mut self, server: &Server, name: &str) -> Rc<Socket> {
        let socket = server.accept().expect("a connection was announced");
        self.named(name, socket)
    }

    /// Waits for a connection and takes it.
    pub async fn connection(&mut self, server: &Server, name: &str) -> Rc<Socket> {
        let event = format!("{} connection", self.names[&server.id()]);
        self.until(&event).await;
        self.accept(server, name)
    }

    /// Names a socket for what is printed.
    pub fn named(&mut self, name: &str, socket: Socket) -> Rc<Socket> {
        self.names.insert(socket.id(), name.to_owned());
        Rc::new(socket)
    }

    /// Reads the data of `socket` as it comes, and prints all of it before the event that says
    /// there is no more: `NAME got "…"`.
    pub fn flow(&mut self, socket: &Rc<Socket>) {
        let flow = Flow {
            socket: Rc::clone(socket),
            data: Vec::new(),
        };
        self.flowing.insert(socket.id(), flow);
    }

    /// Prints no more events.
    pub fn be_quiet(&mut self) {
        self.quiet = true;
    }

    /// The next event. Absent when nothing is left that could happen.
    pub async fn next(&mut self) -> Option<Event> {
        let event = loop {
            if let Some(event) = net::next() {
                break event;
            }
            if !turn::wait().await.expect("no other wait is waiting") {
                return None;
            }
        };
        self.read(&event);
        let text = text::event(&event.kind);
        if !self.quiet && !SILENT.contains(&text.as_str()) {
            println!("{} {text}", self.name(event.source));
        }
        Some(event)
    }

    /// Waits for the event `NAME EVENT`, whatever it carries.
    pub async fn until(&mut self, expected: &str) -> Event {
        while let Some(event) = self.next().await {
            let text = format!("{} {}", self.name(event.source), text::event(&event.kind));
            if text == expected || text.starts_with(&format!("{expected} ")) {
                return event;
            }
        }
        panic!("`{expected}` never came");
    }

    /// Goes on until nothing is left that could happen.
    pub async fn rest(&mut self) {
        while self.next().await.is_some() {}
    }

    pub fn name(&self, id: u64) -> &str {
        self.names.get(&id).map_or("?", String::as_str)
    }

    fn read(&mut self, event: &Event) {
        let Some(flow) = self.flowing.get_mut(&event.source) else {
            return;
        };
        match event.kind {
            EventKind::Readable => flow.data.extend(flow.socket.read(CHUNK)),
            EventKind::End | EventKind::Error(_) | EventKind::Close(_) if !flow.data.is_empty() => {
                let data = std::mem::take(&mut flow.data);
                println!(
                    "{} got {:?}",
                    self.name(event.source),
                    String::from_utf8_lossy(&data)
                );
            }
            _ => {}
        }
    }
}
