//! Servers: listening and closing.

use crate::arguments::Arguments;
use crate::plugnet::net::net::{EventKind, ListenOptions, Socket};
use crate::text;
use crate::turns::{CHUNK, Turns};
use std::collections::HashMap;
use std::rc::Rc;

/// What is true right after `listen`, at its event, and right after `close`.
pub async fn listen(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    println!("at once: {}", text::server(&server));
    turns.until("server listening").await;
    println!("at listening: {}", text::server(&server));
    server.close(Some(1));
    println!("after close: {}", text::server(&server));
    turns.rest().await;
}

/// Listening fails; the server listens elsewhere then.
pub async fn listen_fails(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server error").await;
    println!("at error: {}", text::server(&server));
    if arguments.flag("once") {
        return turns.rest().await;
    }
    let elsewhere = ListenOptions {
        port: 0,
        host: Some("127.0.0.1".to_owned()),
        ..arguments.listen_options()
    };
    server.listen(&elsewhere, None).expect("listen again");
    turns.until("server listening").await;
    server.close(None);
    turns.rest().await;
}

/// A second `listen` before the first is done.
pub async fn listen_twice(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    match arguments.listen(&server) {
        Ok(()) => println!("second: ok"),
        Err(error) => println!("second: {}", text::error(&error)),
    }
    turns.until("server listening").await;
    println!("at listening: listening={}", server.listening());
    server.close(None);
    turns.rest().await;
}

/// `close` in the turn of `listen`.
pub async fn close_at_once(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    server.close(Some(1));
    turns.rest().await;
}

/// `close` of a server that never listened.
pub async fn close_unopened(turns: &mut Turns) {
    let server = turns.server("server");
    server.close(Some(1));
    turns.rest().await;
}

/// `close` twice in one turn, with `connected` while a client is there.
pub async fn close_twice(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = if arguments.flag("connected") {
        Some(turns.connection(&server, "connection").await)
    } else {
        None
    };
    server.close(Some(1));
    server.close(Some(2));
    if let Some(connection) = connection {
        turns.flow(&connection);
    }
    turns.rest().await;
}

/// `close` and `listen` at the event `listening`.
pub async fn listen_again(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    server.close(None);
    arguments.listen(&server).expect("listen again");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    turns.connection(&server, "connection").await;
    server.close(None);
    turns.rest().await;
}

/// `close` while a client is connected, which is served on.
pub async fn close_with_connections(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = turns.connection(&server, "connection").await;
    server.close(Some(1));
    println!("closed: {}", text::server(&server));
    while let Some(event) = turns.next().await {
        if matches!(event.kind, EventKind::Readable) {
            connection.write(&connection.read(CHUNK), None);
        }
    }
}

/// `close` while a connection that was announced has not been taken.
pub async fn close_untaken(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    turns.until("server connection").await;
    server.close(None);
    // The handle is dropped at once.
    println!("accept after close: {}", server.accept().is_some());
    turns.rest().await;
}

/// The handle of a server is dropped while a client is connected, which is served on.
pub async fn drop_server(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = turns.connection(&server, "connection").await;
    drop(server);
    println!("dropped");
    while let Some(event) = turns.next().await {
        if matches!(event.kind, EventKind::Readable) {
            connection.write(&connection.read(CHUNK), None);
        }
    }
}

/// Sends everything back, until as many `clients` have come and gone.
pub async fn echo(arguments: &Arguments, turns: &mut Turns) {
    let mut missing: usize = arguments.number("clients").expect("clients");
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let mut connections: HashMap<u64, Rc<Socket>> = HashMap::new();
    while let Some(event) = turns.next().await {
        match event.kind {
            EventKind::Connection => {
                let connection = turns.accept(&server, "connection");
                println!("remote {}", text::address(connection.remote_address()));
                println!("local {}", text::address(connection.address()));
                connections.insert(connection.id(), connection);
                missing -= 1;
                if missing == 0 {
                    server.close(None);
                }
            }
            EventKind::Readable => {
                let connection = &connections[&event.source];
                if !connection.write(&connection.read(CHUNK), None) {
                    connection.pause();
                }
            }
            EventKind::Drain => connections[&event.source].resume(),
            EventKind::Close(_) => {
                connections.remove(&event.source);
            }
            _ => {}
        }
    }
}

/// Panics when its first client has said something, with everything open.
pub async fn trap(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = turns.connection(&server, "connection").await;
    connection.write(b"hello", None);
    turns.until("connection readable").await;
    panic!("a program that goes wrong");
}
