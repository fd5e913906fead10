//! Sending: callbacks, ends, and writing when it is too late.

use crate::arguments::Arguments;
use crate::options::SERVER;
use crate::plugnet::net::net::{EventKind, ServerOptions, Socket};
use crate::plugnet::net::types::Error;
use crate::text;
use crate::turns::Turns;
use std::rc::Rc;

/// A socket that is connected and reads what comes.
async fn connected(arguments: &Arguments, turns: &mut Turns) -> Rc<Socket> {
    let client = turns.flowing_socket("client");
    arguments.connect(&client).expect("connect");
    turns.until("client ready").await;
    client
}

/// Writes with callbacks, one of nothing, and an end with one.
pub async fn callbacks(arguments: &Arguments, turns: &mut Turns) {
    let client = connected(arguments, turns).await;
    for (callback, data) in [(1, "a"), (2, ""), (3, "b"), (4, "c")] {
        client.write(data.as_bytes(), Some(callback));
    }
    client.end(Some(b"d"), Some(5));
    turns.rest().await;
}

/// Writes before the connection stands, and at it.
pub async fn before_connect(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    arguments.connect(&client).expect("connect");
    println!("write: {}", client.write(b"one ", Some(1)));
    println!("write: {}", client.write("zwölf ".as_bytes(), Some(2)));
    println!("connecting: {}", text::counters(&client));
    println!("large: {}", client.write(&[b'.'; 70_000], Some(3)));
    println!("connecting: {}", text::counters(&client));
    turns.until("client connect").await;
    client.end(Some(b" last"), Some(4));
    turns.until("client finish").await;
    println!("finish: {}", text::counters(&client));
    turns.until("client close").await;
    println!("closed: {}", text::counters(&client));
    turns.rest().await;
}

/// `write` after `end`.
pub async fn after_end(arguments: &Arguments, turns: &mut Turns) {
    let client = connected(arguments, turns).await;
    client.end(None, None);
    println!("write: {}", client.write(b"late", Some(1)));
    turns.rest().await;
}

/// `end` after `end`: without data in the same turn, and after `finish`; with `data` at once.
pub async fn end_twice(arguments: &Arguments, turns: &mut Turns) {
    let client = connected(arguments, turns).await;
    client.end(None, Some(1));
    if arguments.flag("data") {
        client.end(Some(b"late"), Some(2));
    } else {
        client.end(None, Some(2));
        turns.until("client finish").await;
        client.end(None, Some(3));
    }
    turns.rest().await;
}

/// `write` when the peer has ended and the socket has, by itself, answered with its end.
pub async fn after_peer_end(arguments: &Arguments, turns: &mut Turns) {
    let client = connected(arguments, turns).await;
    turns.until("client finish").await;
    println!("write: {}", client.write(b"late", Some(1)));
    turns.rest().await;
}

/// `write` after `destroy`.
pub async fn after_destroy(arguments: &Arguments, turns: &mut Turns) {
    let client = connected(arguments, turns).await;
    client.destroy(None);
    println!("write: {}", client.write(b"late", Some(1)));
    turns.rest().await;
}

/// `write` on a socket that was never told to connect.
pub async fn unconnected(turns: &mut Turns) {
    let client = turns.socket("client");
    println!("write: {}", client.write(b"hello", Some(1)));
    turns.rest().await;
}

/// `destroy` of a socket that was never told to connect.
pub async fn destroy_unconnected(turns: &mut Turns) {
    let client = turns.socket("client");
    client.destroy(None);
    println!("destroyed: {}", text::socket(&client));
    turns.rest().await;
}

/// `end` of a socket that was never told to connect.
pub async fn end_unconnected(turns: &mut Turns) {
    let client = turns.socket("client");
    client.end(None, Some(1));
    println!("ended: {}", text::state(&client));
    turns.rest().await;
}

/// `destroy` while a write waits for the connection.
pub async fn destroy_pending(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.socket("client");
    arguments.connect(&client).expect("connect");
    client.write(b"lost", Some(1));
    client.destroy(None);
    turns.rest().await;
}

/// `destroy` while more is being written than the system takes.
pub async fn destroy_in_flight(arguments: &Arguments, turns: &mut Turns) {
    let client = connected(arguments, turns).await;
    client.write(&vec![b'.'; 32 << 20], Some(1));
    client.write(b"queued", Some(2));
    client.end(None, Some(3));
    // The signal: the peer says something, when it has not read for a while.
    turns.until("client readable").await;
    client.destroy(None);
    turns.rest().await;
}

/// `destroy` with an error, and then with another.
pub async fn destroy_with_error(arguments: &Arguments, turns: &mut Turns) {
    let client = connected(arguments, turns).await;
    client.destroy(Some(&mine("first")));
    client.destroy(Some(&mine("second")));
    turns.rest().await;
}

fn mine(message: &str) -> Error {
    Error {
        code: "MINE".to_owned(),
        message: message.to_owned(),
        syscall: None,
        address: None,
        port: None,
        hostname: None,
        errors: Vec::new(),
    }
}

/// `destroy` in the turn of a small `write`.
pub async fn write_then_destroy(arguments: &Arguments, turns: &mut Turns) {
    let client = connected(arguments, turns).await;
    client.write(b"last words", None);
    client.destroy(None);
    turns.rest().await;
    println!("closed: {}", text::counters(&client));
}

/// The handle is dropped in the turn of a `write` of so many `bytes`.
pub async fn write_then_drop(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.socket("client");
    arguments.connect(&client).expect("connect");
    turns.until("client ready").await;
    let bytes = arguments.number("bytes").expect("bytes");
    client.write(&vec![b'.'; bytes], None);
    drop(client);
    turns.rest().await;
}

/// Writes for as long as the peer lets it.
pub async fn flood(arguments: &Arguments, turns: &mut Turns) {
    let client = connected(arguments, turns).await;
    let chunk = [b'.'; 64 * 1024];
    let mut failed = 0;
    while client.write(&chunk, None) {}
    while let Some(event) = turns.next().await {
        match event.kind {
            EventKind::Drain => while client.write(&chunk, None) {},
            EventKind::Error(_) => failed += 1,
            _ => {}
        }
    }
    println!("errors {failed}");
}

/// Two writes after the peer has closed and gone, the second, of so many `bytes`, at a signal.
pub async fn closed_peer(arguments: &Arguments, turns: &mut Turns) {
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
    turns.until("connection end").await;
    println!("write: {}", connection.write(b"first", Some(1)));
    turns.connection(&server, "signal").await.destroy(None);
    let bytes = arguments.number("bytes").expect("bytes");
    connection.write(&vec![b'.'; bytes], Some(2));
    server.close(None);
    turns.rest().await;
}
