//! Large transfers, and what holds them back.

use crate::arguments::Arguments;
use crate::options::{SERVER, SOCKET};
use crate::pattern::Pattern;
use crate::plugnet::net::net::{EventKind, ServerOptions, Socket, SocketOptions};
use crate::text;
use crate::turns::{CHUNK, Turns};
use std::rc::Rc;

/// As much as one `write` is given.
const WRITE: u64 = 64 * 1024;

/// Sends so many `bytes` and counts what comes, both at once.
struct Transfer {
    socket: Rc<Socket>,
    sent: Pattern,
    received: Pattern,
    to_send: u64,
    most_buffered: u64,
}

impl Transfer {
    fn new(socket: Rc<Socket>, arguments: &Arguments) -> Self {
        Self {
            socket,
            sent: Pattern::new(1),
            received: Pattern::new(0),
            to_send: arguments.number("bytes").expect("bytes"),
            most_buffered: 0,
        }
    }

    /// Writes until told to wait, and ends after the last byte.
    fn send(&mut self) {
        let mut go_on = true;
        while go_on && self.to_send > 0 {
            let length = self.to_send.min(WRITE);
            self.to_send -= length;
            go_on = self.socket.write(&self.sent.take(length as usize), None);
            self.most_buffered = self.most_buffered.max(self.socket.buffer_size());
            if self.to_send == 0 {
                self.socket.end(None, None);
            }
        }
    }

    /// What an event of the socket asks for.
    fn handle(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Drain => self.send(),
            EventKind::Readable => self.received.add(&self.socket.read(CHUNK)),
            _ => {}
        }
    }

    fn report(&self) {
        println!("sent {} {:x}", self.sent.count, self.sent.checksum);
        println!(
            "received {} {:x}",
            self.received.count, self.received.checksum
        );
        println!("most buffered {}", self.most_buffered);
        println!("counters {}", text::counters(&self.socket));
    }
}

/// A client that sends and receives.
pub async fn as_client(arguments: &Arguments, turns: &mut Turns) {
    let socket = Socket::new(Some(SocketOptions {
        allow_half_open: true,
        ..SOCKET
    }));
    let client = turns.named("client", socket);
    arguments.connect(&client).expect("connect");
    turns.until("client ready").await;
    let mut transfer = Transfer::new(client, arguments);
    transfer.send();
    while let Some(event) = turns.next().await {
        transfer.handle(&event.kind);
    }
    transfer.report();
}

/// A server that sends to and receives from its only client.
pub async fn as_server(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server_with(
        "server",
        ServerOptions {
            allow_half_open: true,
            ..SERVER
        },
    );
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = turns.connection(&server, "connection").await;
    server.close(None);
    let mut transfer = Transfer::new(connection, arguments);
    transfer.send();
    while let Some(event) = turns.next().await {
        transfer.handle(&event.kind);
    }
    transfer.report();
}

/// Sends to its first client. Each later one is a signal to print the counters, and the
/// `signals`th of them to close the server.
pub async fn slow_reader(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = turns.connection(&server, "connection").await;
    let id = connection.id();
    let mut transfer = Transfer::new(connection, arguments);
    transfer.send();
    let mut signals: u64 = arguments.number("signals").expect("signals");
    while let Some(event) = turns.next().await {
        if event.source == id {
            transfer.handle(&event.kind);
        } else if matches!(event.kind, EventKind::Connection) {
            turns.accept(&server, "signal").destroy(None);
            println!("signal: {}", text::counters(&transfer.socket));
            signals -= 1;
            if signals == 0 {
                server.close(None);
            }
        }
    }
    transfer.report();
}

/// Does not read what its first client sends before the second signal. At each signal it prints
/// the counters.
pub async fn unread_volume(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = turns.connection(&server, "connection").await;
    for _ in 0..2 {
        turns.connection(&server, "signal").await.destroy(None);
        println!("signal: {}", text::counters(&connection));
    }
    server.close(None);
    let id = connection.id();
    let mut received = Pattern::new(0);
    received.add(&connection.read(CHUNK));
    while let Some(event) = turns.next().await {
        if event.source == id && matches!(event.kind, EventKind::Readable) {
            received.add(&connection.read(CHUNK));
        }
    }
    println!("received {} {:x}", received.count, received.checksum);
}
