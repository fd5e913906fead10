//! What goes on for long: a great many waits, a great many connections.

use crate::arguments::Arguments;
use crate::options::{CONNECT, SERVER};
use crate::plugnet::net::net::{
    self, ConnectOptions, Event, EventKind, Server, ServerOptions, Socket,
};
use crate::plugnet::net::{streams, turn};
use crate::text;
use crate::turns::{CHUNK, Turns};
use crate::wasi::clocks::monotonic_clock;
use crate::wit_stream;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use wit_bindgen::StreamResult;

/// An hour in milliseconds, which no test takes.
const LONG: u64 = 3_600_000;

/// So many (`number`) calls of `wait` that have nothing to wait for, for the reason `why`. It
/// prints `warm` after a few of them, `done` after the last, and stays.
pub async fn immediate_waits(arguments: &Arguments, turns: &mut Turns) {
    let number: u32 = arguments.number("number").expect("number");
    let why = arguments.text("why").expect("why");
    let server = turns.server("server");
    if why != "nothing is left" {
        arguments.listen(&server).expect("listen");
        turns.until("server listening").await;
    }
    if why == "there is an event" {
        server.get_connections(1);
    }
    let mut first = pin!(turn::wait());
    if why == "another waits" {
        poll_fn(|cx| {
            assert!(first.as_mut().poll(cx).is_pending(), "nothing happens");
            Poll::Ready(())
        })
        .await;
    }
    for call in 0..number {
        if call == number / 10 {
            println!("warm");
        }
        match why.as_str() {
            "there is an event" => assert!(turn::wait().await.expect("no other waits")),
            "nothing is left" => assert!(!turn::wait().await.expect("no other waits")),
            "another waits" => assert_eq!(turn::wait().await.expect_err("busy").code, "EALREADY"),
            // Dropped before it had anything to say.
            "it is cancelled" => {
                let mut wait = pin!(turn::wait());
                let _ = poll_fn(|cx| Poll::Ready(wait.as_mut().poll(cx))).await;
            }
            _ => panic!("why={why} is unknown"),
        }
    }
    println!("done");
    monotonic_clock::wait_for(LONG * 1_000_000).await;
}

/// What the program does with a connection, after it has sent back what came first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// Waits for the peer's end.
    Waits,
    Ends,
    Destroys,
    /// Drops its handle.
    Drops,
    /// Says good-bye after the peer's end.
    IsHalfOpen,
    /// Leaves it all to a pipe, to the streams, or to the connection's own streams.
    Pipes,
    Streams,
    TakesStreams,
    /// Sets a long timeout.
    Times,
    /// Sets a long timeout, and a short one when something has come; ends when that is over.
    TimesOut,
    /// Connects to `port` of `host` and tells what that answers, or the error.
    Calls,
    /// Connects there, and destroys that at once.
    Aborts,
}

impl Then {
    fn named(name: &str) -> Self {
        match name {
            "waits" => Self::Waits,
            "ends" => Self::Ends,
            "destroys" => Self::Destroys,
            "drops" => Self::Drops,
            "is half-open" => Self::IsHalfOpen,
            "pipes" => Self::Pipes,
            "streams" => Self::Streams,
            "takes streams" => Self::TakesStreams,
            "times" => Self::Times,
            "times out" => Self::TimesOut,
            "calls" => Self::Calls,
            "aborts" => Self::Aborts,
            _ => panic!("then={name} is unknown"),
        }
    }
}

/// Serves for as long as there are clients. With `pause`, in microseconds, it does something else
/// before it handles events.
pub async fn serve_many(arguments: &Arguments) {
    let then = Then::named(&arguments.text("then").expect("then"));
    let pause = arguments.number::<u64>("pause");
    let server = Server::new(Some(ServerOptions {
        allow_half_open: then == Then::IsHalfOpen,
        pause_on_connect: then == Then::TakesStreams,
        ..SERVER
    }));
    arguments.listen(&server).expect("listen");
    let mut serving = Serving {
        arguments,
        then,
        server,
        clients: HashMap::new(),
        calls: HashMap::new(),
    };
    while turn::wait().await.expect("no other wait is waiting") {
        if let Some(pause) = pause {
            monotonic_clock::wait_for(pause * 1000).await;
        }
        while let Some(event) = net::next() {
            serving.handle(event);
        }
    }
}

struct Serving<'a> {
    arguments: &'a Arguments,
    then: Then,
    server: Server,
    clients: HashMap<u64, Socket>,
    /// What was connected for a client, and which that is.
    calls: HashMap<u64, (Socket, u64)>,
}

impl Serving<'_> {
    fn handle(&mut self, event: Event) {
        let id = event.source;
        match event.kind {
            EventKind::Listening => println!("listening {}", text::place(&self.server)),
            EventKind::Connection => {
                let client = self.server.accept().expect("it was announced");
                self.begin(&client);
                self.clients.insert(client.id(), client);
            }
            EventKind::Close(_) => {
                self.clients.remove(&id);
                if let Some((_, client)) = self.calls.remove(&id)
                    && let Some(client) = self.clients.get(&client)
                {
                    client.end(None, None);
                }
            }
            kind if self.clients.contains_key(&id) => self.client(id, &kind),
            kind => {
                if let Some((call, client)) = self.calls.get(&id)
                    && let Some(client) = self.clients.get(client)
                {
                    match kind {
                        EventKind::Readable => _ = client.write(&call.read(CHUNK), None),
                        EventKind::Error(error) => _ = client.write(error.code.as_bytes(), None),
                        _ => {}
                    }
                }
            }
        }
    }

    /// What is done with a connection before anything has come.
    fn begin(&self, client: &Socket) {
        match self.then {
            Then::Pipes => client.pipe(client, true),
            Then::Streams | Then::TakesStreams => {
                let (mut writer, outgoing) = wit_stream::new();
                let incoming = match self.then {
                    Then::Streams => streams::streams(client, outgoing),
                    _ => streams::take_streams(client, outgoing),
                };
                // It may be gone already.
                let Ok(mut incoming) = incoming else {
                    return;
                };
                wit_bindgen::spawn_local(async move {
                    loop {
                        let (status, data) = incoming.read(Vec::with_capacity(64)).await;
                        if status == StreamResult::Dropped
                            || !writer.write_all(data).await.is_empty()
                        {
                            return;
                        }
                    }
                });
            }
            Then::Times | Then::TimesOut => client.set_timeout(LONG, None),
            _ => {}
        }
    }

    fn client(&mut self, id: u64, kind: &EventKind) {
        let client = &self.clients[&id];
        match (kind, self.then) {
            (EventKind::Readable, Then::Pipes | Then::Streams | Then::TakesStreams) => {}
            (EventKind::Readable, then) => {
                let data = client.read(CHUNK);
                if data.is_empty() {
                    return;
                }
                match then {
                    Then::Calls => return self.call(id, &data),
                    Then::Aborts => self.connect().destroy(None),
                    _ => {}
                }
                let client = &self.clients[&id];
                client.write(&data, None);
                match then {
                    Then::Ends => client.end(None, None),
                    Then::Destroys => client.destroy(None),
                    Then::TimesOut => client.set_timeout(1, None),
                    Then::Drops => _ = self.clients.remove(&id),
                    _ => {}
                }
            }
            (EventKind::Timeout, _) => client.end(None, None),
            (EventKind::End, Then::IsHalfOpen) => client.end(Some(b"bye"), None),
            _ => {}
        }
    }

    fn call(&mut self, client: u64, data: &[u8]) {
        let call = self.connect();
        call.end(Some(data), None);
        self.calls.insert(call.id(), (call, client));
    }

    fn connect(&self) -> Socket {
        let socket = Socket::new(None);
        let options = ConnectOptions {
            port: self.arguments.number("to-port").expect("to-port"),
            host: self.arguments.text("to-host"),
            ..CONNECT
        };
        socket.connect(&options, None).expect("connect");
        socket
    }
}
