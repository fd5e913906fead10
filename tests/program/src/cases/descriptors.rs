//! Descriptors that the host was handed.

use crate::arguments::Arguments;
use crate::plugnet::net::net::{ListenHandle, Socket};
use crate::text;
use crate::turns::{CHUNK, Turns};

/// Listens on the descriptor `fd`, and sends back what its only client sends.
pub async fn listen_fd(arguments: &Arguments, turns: &mut Turns) {
    let fd = arguments.number("fd").expect("fd");
    let server = turns.server("server");
    let listening = server.listen_handle(&ListenHandle::Fd(fd), arguments.number("backlog"), None);
    listening.expect("listen");
    println!("at once: {}", text::server(&server));
    turns.until("server listening").await;
    println!("listening {}", text::place(&server));
    let connection = turns.connection(&server, "connection").await;
    server.close(None);
    println!("remote {}", text::address(connection.remote_address()));
    turns.flow(&connection);
    turns.until("connection readable").await;
    connection.write(b"hello", None);
    turns.rest().await;
}

/// Talks on the connection that the descriptor `fd` is.
pub async fn connected_fd(arguments: &Arguments, turns: &mut Turns) {
    let fd = arguments.number("fd").expect("fd");
    let socket = Socket::from_fd(fd, None).expect("a connection");
    let socket = turns.named("socket", socket);
    println!("socket: {}", text::socket(&socket));
    println!("remote {}", text::address(socket.remote_address()));
    println!("local {}", text::address(socket.address()));
    socket.set_keep_alive(true, 7999, Some(3000), Some(4));
    socket.write(b"hello", Some(1));
    turns.until("socket readable").await;
    println!("read {:?}", String::from_utf8_lossy(&socket.read(CHUNK)));
    turns.rest().await;
    println!("counters {}", text::counters(&socket));
}

/// Reads from the descriptor `fd`, after it has done with it what is asked: `write`, `end`, `reset`.
pub async fn pipe_fd(arguments: &Arguments, turns: &mut Turns) {
    let fd = arguments.number("fd").expect("fd");
    let socket = Socket::from_fd(fd, None).expect("a pipe");
    let socket = turns.named("socket", socket);
    turns.flow(&socket);
    println!("socket: {}", text::socket(&socket));
    println!("remote {}", text::address(socket.remote_address()));
    println!("local {}", text::address(socket.address()));
    if arguments.flag("write") {
        socket.write(b"hello", Some(1));
    }
    if arguments.flag("end") {
        socket.end(None, Some(2));
    }
    if arguments.flag("reset") {
        let reset = socket.reset_and_destroy();
        println!("reset: {}", text::error(&reset.expect_err("a pipe")));
    }
    turns.rest().await;
    println!("counters {}", text::counters(&socket));
}

/// Takes the descriptor `fd`, for a server with `listen`, for a socket without, and once more
/// with `twice`, and tells what is wrong with it.
pub async fn wrong_fd(arguments: &Arguments, turns: &mut Turns) {
    let fd = arguments.number("fd").expect("fd");
    let mut taken = Vec::new();
    for _ in 0..if arguments.flag("twice") { 2 } else { 1 } {
        if arguments.flag("listen") {
            let server = turns.server("server");
            match server.listen_handle(&ListenHandle::Fd(fd), None, None) {
                Ok(()) => println!("listen: {}", text::server(&server)),
                Err(error) => println!("thrown: {}", text::error(&error)),
            }
            server.unref();
            taken.push(server);
        } else {
            match Socket::from_fd(fd, None) {
                Ok(socket) => {
                    println!("socket: {}", text::socket(&socket));
                    socket.destroy(None);
                }
                Err(error) => println!("thrown: {}", text::error(&error)),
            }
        }
    }
    turns.rest().await;
}
