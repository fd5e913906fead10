//! Receiving: reads, pauses, ends.
//!
//! Where a case has to let time pass, it waits for a second connection, the `signal`, which the
//! test makes when it sees fit.

use crate::arguments::Arguments;
use crate::options::SERVER;
use crate::plugnet::net::net::{EventKind, Server, ServerOptions};
use crate::text;
use crate::turns::{CHUNK, Turns};

/// A server that has told its port.
async fn listening(arguments: &Arguments, turns: &mut Turns, options: ServerOptions) -> Server {
    let server = turns.server_with("server", options);
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    server
}

const HALF_OPEN: ServerOptions = ServerOptions {
    allow_half_open: true,
    ..SERVER
};

/// Reads three bytes at each `readable`.
pub async fn partial_reads(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.socket("client");
    arguments.connect(&client).expect("connect");
    while let Some(event) = turns.next().await {
        if matches!(event.kind, EventKind::Readable) {
            println!("read {:?}", String::from_utf8_lossy(&client.read(3)));
        }
    }
}

/// Answers each `readable` with a dot, and tells how much there was.
pub async fn pieces(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.socket("client");
    arguments.connect(&client).expect("connect");
    while let Some(event) = turns.next().await {
        if matches!(event.kind, EventKind::Readable) {
            println!("read {}", client.read(CHUNK).len());
            client.write(b".", None);
        }
    }
}

/// Does not read before the signal.
pub async fn unread(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns, SERVER).await;
    let connection = turns.connection(&server, "connection").await;
    turns.until("connection readable").await;
    turns.connection(&server, "signal").await.destroy(None);
    server.close(None);
    println!("signal: {}", text::counters(&connection));
    println!(
        "read {:?}",
        String::from_utf8_lossy(&connection.read(CHUNK))
    );
    turns.rest().await;
}

/// Pauses after the first data, and goes on at the signal.
pub async fn pause(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns, SERVER).await;
    let connection = turns.connection(&server, "connection").await;
    turns.until("connection readable").await;
    println!(
        "read {:?}",
        String::from_utf8_lossy(&connection.read(CHUNK))
    );
    connection.pause();
    connection.write(b"paused", None);
    signal_without_data(turns, &server, "connection").await;
    turns.flow(&connection);
    connection.resume();
    turns.rest().await;
}

/// The connection comes paused and is resumed at the signal.
pub async fn pause_on_connect(arguments: &Arguments, turns: &mut Turns) {
    let options = ServerOptions {
        pause_on_connect: true,
        ..SERVER
    };
    let server = listening(arguments, turns, options).await;
    let connection = turns.connection(&server, "connection").await;
    signal_without_data(turns, &server, "connection").await;
    println!("signal: {}", text::counters(&connection));
    turns.flow(&connection);
    connection.resume();
    turns.rest().await;
}

/// Waits for the signal, and sees to it that until then `name` gets no data and no end.
async fn signal_without_data(turns: &mut Turns, server: &Server, name: &str) {
    loop {
        let event = turns.next().await.expect("the signal is still to come");
        match event.kind {
            EventKind::Connection => break,
            EventKind::Readable | EventKind::End if turns.name(event.source) == name => {
                panic!("`{}` on a paused socket", text::event(&event.kind))
            }
            _ => {}
        }
    }
    turns.accept(server, "signal").destroy(None);
    server.close(None);
}

/// A client that was paused before it connected. The signal is data on a second one.
pub async fn pause_before_connect(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.socket("client");
    client.pause();
    arguments.connect(&client).expect("connect");
    turns.until("client connect").await;
    let signal = turns.socket("signal");
    arguments.connect(&signal).expect("connect");
    loop {
        let event = turns.next().await.expect("the signal is still to come");
        if matches!(event.kind, EventKind::Readable | EventKind::End) {
            assert_eq!(turns.name(event.source), "signal", "who may read");
            break;
        }
    }
    drop(signal);
    println!("signal");
    turns.flow(&client);
    client.resume();
    turns.rest().await;
}

/// The peer ends first. With `late`, the program still writes when it learns of that.
pub async fn peer_ends(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns, SERVER).await;
    let connection = turns.connection(&server, "connection").await;
    server.close(None);
    turns.flow(&connection);
    turns.until("connection end").await;
    println!("at end: {}", text::socket(&connection));
    if arguments.flag("late") {
        println!("late write: {}", connection.write(b"late", Some(1)));
    }
    turns.rest().await;
    println!("closed: {}", text::counters(&connection));
}

/// The program ends first, and goes on reading.
pub async fn end_first(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    arguments.connect(&client).expect("connect");
    turns.until("client connect").await;
    client.end(None, None);
    turns.until("client finish").await;
    println!("at finish: {}", text::socket(&client));
    turns.until("client readable").await;
    println!("at readable: {}", text::socket(&client));
    turns.rest().await;
}

/// The peer ends first, and a half-open socket goes on writing until the signal.
pub async fn half_open(arguments: &Arguments, turns: &mut Turns) {
    let server = listening(arguments, turns, HALF_OPEN).await;
    let connection = turns.connection(&server, "connection").await;
    turns.flow(&connection);
    turns.until("connection end").await;
    println!("at end: {}", text::socket(&connection));
    println!("write: {}", connection.write(b"first ", None));
    turns.connection(&server, "signal").await.destroy(None);
    server.close(None);
    println!("write: {}", connection.write(b"second", None));
    connection.end(None, None);
    turns.rest().await;
}

/// `destroy` at the first data, which is not read.
pub async fn destroy_unread(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.socket("client");
    arguments.connect(&client).expect("connect");
    turns.until("client readable").await;
    client.destroy(None);
    client.destroy(None);
    println!("destroyed: {}", text::socket(&client));
    println!("read {}", client.read(CHUNK).len());
    turns.rest().await;
}
