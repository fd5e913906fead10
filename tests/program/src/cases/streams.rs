//! Data that does not go through `read` and `write`: by streams, and by pipes.

use crate::arguments::Arguments;
use crate::options::{SERVER, SOCKET};
use crate::plugnet::net::net::{EventKind, Server, ServerOptions, Socket, SocketOptions};
use crate::plugnet::net::streams;
use crate::text;
use crate::turns::{CHUNK, Turns};
use crate::wit_stream;
use std::rc::Rc;
use wit_bindgen::{StreamReader, StreamResult, StreamWriter};

/// A server, and its only connection.
async fn connection(
    arguments: &Arguments,
    turns: &mut Turns,
    options: ServerOptions,
) -> (Server, Rc<Socket>) {
    let server = turns.server_with("server", options);
    arguments.listen(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = turns.connection(&server, "connection").await;
    server.close(None);
    (server, connection)
}

/// Sends back what comes, until nothing comes any more.
async fn copy(mut from: StreamReader<u8>, mut to: StreamWriter<u8>) {
    loop {
        let (status, data) = from.read(Vec::with_capacity(CHUNK as usize)).await;
        if status == StreamResult::Dropped || !to.write_all(data).await.is_empty() {
            return;
        }
    }
}

/// Echoes by the pair of streams that the component moves.
pub async fn pumped(arguments: &Arguments, turns: &mut Turns) {
    let (_server, connection) = connection(arguments, turns, SERVER).await;
    let (writer, outgoing) = wit_stream::new();
    let incoming = streams::streams(&connection, outgoing).expect("streams");
    println!(
        "again: {}",
        again(streams::streams(&connection, wit_stream::new().1))
    );
    wit_bindgen::spawn_local(copy(incoming, writer));
    turns.rest().await;
    println!("counters {}", text::counters(&connection));
}

/// Only receives, by the pair of streams that the component moves, and answers with the
/// number of bytes. It reads beside that, too, if something was announced.
pub async fn sink(arguments: &Arguments, turns: &mut Turns) {
    let half_open = ServerOptions {
        allow_half_open: true,
        ..SERVER
    };
    let (_server, connection) = connection(arguments, turns, half_open).await;
    let (mut writer, outgoing) = wit_stream::new();
    let mut incoming = streams::streams(&connection, outgoing).expect("streams");
    wit_bindgen::spawn_local(async move {
        let mut count = 0;
        let mut buffer = Vec::with_capacity(CHUNK as usize);
        loop {
            let (status, mut data) = incoming.read(buffer).await;
            if status == StreamResult::Dropped {
                break;
            }
            count += data.len();
            data.clear();
            buffer = data;
        }
        writer.write_all(format!("{count}").into_bytes()).await;
    });
    while let Some(event) = turns.next().await {
        if let EventKind::Readable = event.kind {
            assert!(connection.read(CHUNK).is_empty(), "it goes to the stream");
        }
    }
    println!("counters {}", text::counters(&connection));
}

/// Echoes by the connection's own streams.
pub async fn taken(arguments: &Arguments, turns: &mut Turns) {
    let options = ServerOptions {
        pause_on_connect: true,
        ..SERVER
    };
    let (_server, connection) = connection(arguments, turns, options).await;
    let (writer, outgoing) = wit_stream::new();
    let incoming = streams::take_streams(&connection, outgoing).expect("take-streams");
    println!(
        "again: {}",
        again(streams::take_streams(&connection, wit_stream::new().1))
    );
    println!("write: {}", connection.write(b"lost", None));
    wit_bindgen::spawn_local(copy(incoming, writer));
    turns.rest().await;
}

/// Tries to take the streams of sockets that are in use, or have no connection.
pub async fn taken_too_late(arguments: &Arguments, turns: &mut Turns) {
    let fresh = Socket::new(None);
    println!(
        "fresh: {}",
        again(streams::take_streams(&fresh, wit_stream::new().1))
    );
    let (_server, connection) = connection(arguments, turns, SERVER).await;
    println!(
        "in use: {}",
        again(streams::take_streams(&connection, wit_stream::new().1))
    );
    connection.destroy(None);
    println!(
        "destroyed: {}",
        again(streams::take_streams(&connection, wit_stream::new().1))
    );
    println!(
        "destroyed: {}",
        again(streams::streams(&connection, wit_stream::new().1))
    );
    turns.rest().await;
}

fn again(outcome: Result<StreamReader<u8>, crate::plugnet::net::types::Error>) -> String {
    outcome.map_or_else(|error| error.code, |_| "ok".to_owned())
}

/// Drops the stream of what is received: what comes is read as usual then.
pub async fn stopped(arguments: &Arguments, turns: &mut Turns) {
    let (_server, connection) = connection(arguments, turns, SERVER).await;
    let (writer, outgoing) = wit_stream::new();
    drop(streams::streams(&connection, outgoing).expect("streams"));
    turns.flow(&connection);
    turns.until("connection end").await;
    drop(writer);
    turns.rest().await;
}

/// Echoes by piping the connection to itself.
pub async fn piped_to_itself(arguments: &Arguments, turns: &mut Turns) {
    let (_server, connection) = connection(arguments, turns, SERVER).await;
    connection.pipe(&connection, true);
    turns.rest().await;
    println!("counters {}", text::counters(&connection));
}

/// A proxy: pipes both ways between a client and the server at `port`. Half-open, so that one
/// way goes on when the other has ended.
pub async fn proxy(arguments: &Arguments, turns: &mut Turns) {
    let half_open = SocketOptions {
        allow_half_open: true,
        ..SOCKET
    };
    let upstream = turns.named("upstream", Socket::new(Some(half_open)));
    let half_open = ServerOptions {
        allow_half_open: true,
        ..SERVER
    };
    let server = turns.server_with("server", half_open);
    arguments.listen_anywhere(&server).expect("listen");
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let client = turns.connection(&server, "client").await;
    server.close(None);
    arguments.connect(&upstream).expect("connect");
    client.pipe(&upstream, true);
    upstream.pipe(&client, true);
    while let Some(event) = turns.next().await {
        if let EventKind::Close(_) = event.kind {
            println!(
                "{}",
                if event.source == client.id() {
                    "client gone"
                } else {
                    "other gone"
                }
            );
        }
    }
}

/// A timeout, activity, and another timeout.
pub async fn timeout(arguments: &Arguments, turns: &mut Turns) {
    let (_server, connection) = connection(arguments, turns, SERVER).await;
    turns.flow(&connection);
    connection.set_timeout(100, Some(7));
    turns.until("connection timeout").await;
    connection.write(b"more", None);
    turns.until("connection timeout").await;
    connection.set_timeout(0, None);
    connection.end(None, None);
    turns.rest().await;
    println!("timeout={:?}", connection.timeout());
}

/// A timeout of a client.
pub async fn client_timeout(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.socket("client");
    arguments.connect(&client).expect("connect");
    turns.until("client ready").await;
    client.set_timeout(100, None);
    turns.until("client timeout").await;
    client.destroy(None);
    turns.rest().await;
}
