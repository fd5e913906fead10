//! Sockets that connect.

use crate::arguments::Arguments;
use crate::options::LISTEN;
use crate::plugnet::net::net::{ConnectOptions, EventKind};
use crate::plugnet::net::turn;
use crate::text;
use crate::turns::Turns;
use std::time::{Duration, Instant};

/// Connects, says hello, ends, and reads what comes.
pub async fn talk(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    arguments.connect(&client).expect("connect");
    while let Some(event) = turns.next().await {
        match event.kind {
            EventKind::Connect => {
                println!("remote {}", text::address(client.remote_address()));
                println!("local {}", text::address(client.address()));
                client.end(Some(b"hello"), None);
            }
            EventKind::Error(_) => println!("at error: {}", text::socket(&client)),
            _ => {}
        }
    }
}

/// Connects and reads what comes.
pub async fn wait(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    arguments.connect(&client).expect("connect");
    turns.rest().await;
}

/// Connects, and when it is connected connects once more.
pub async fn wait_twice(arguments: &Arguments, turns: &mut Turns) {
    let first = turns.flowing_socket("first");
    arguments.connect(&first).expect("connect");
    turns.until("first connect").await;
    let second = turns.flowing_socket("second");
    arguments.connect(&second).expect("connect");
    turns.until("second close").await;
    first.end(None, None);
    turns.rest().await;
}

/// Is destroyed when it has a connection and the program has not heard of it. The program stays
/// until somebody connects to it.
pub async fn destroyed_unheard(arguments: &Arguments, turns: &mut Turns) {
    let server = turns.server("server");
    server.listen(&LISTEN, None).expect("listen");
    turns.until("server listening").await;
    let client = turns.socket("client");
    arguments.connect(&client).expect("connect");
    // The attempt begins when the next event is asked for. It succeeds while nobody asks.
    let closes = turns.server("other");
    closes.close(None);
    assert!(turn::wait().await.expect("no other wait is waiting"));
    turns.until("other close").await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(200) {
        wit_bindgen::yield_async().await;
    }
    client.destroy(None);
    println!("listening {}", text::place(&server));
    turns.connection(&server, "connection").await;
    server.close(None);
    turns.rest().await;
}

/// What a socket says of itself from its creation to its close.
pub async fn states(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    let ends = || {
        format!(
            "address={} remote={}",
            text::address(client.address()),
            text::address(client.remote_address())
        )
    };
    println!("new: {} {}", text::socket(&client), ends());
    arguments.connect(&client).expect("connect");
    println!("connecting: {} {}", text::socket(&client), ends());
    turns.until("client connect").await;
    println!("connect: {}", text::socket(&client));
    client.end(None, None);
    println!("ended: {}", text::socket(&client));
    turns.until("client end").await;
    turns.until("client close").await;
    println!("closed: {} address={}", text::socket(&client), {
        text::address(client.address())
    });
    turns.rest().await;
}

/// `connect` is refused at once.
pub fn connect_throws(arguments: &Arguments) {
    let client = Turns::default().socket("client");
    let error = arguments.connect(&client).expect_err("an error");
    println!("thrown: {}", text::error(&error));
    println!("state: {}", text::socket(&client));
}

/// `destroy` in the turn of `connect`.
pub async fn destroy_connecting(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    arguments.connect(&client).expect("connect");
    client.destroy(None);
    println!("destroyed: {}", text::socket(&client));
    turns.rest().await;
}

/// `destroy` of attempts that are under way, on sockets that are `dropped` then or not. Sockets
/// to another port, `signal`, connect before and after.
pub async fn destroy_attempt(arguments: &Arguments, turns: &mut Turns) {
    let signal = ConnectOptions {
        port: arguments.number("signal").expect("signal"),
        ..arguments.connect_options()
    };
    for _ in 0..10 {
        let client = turns.socket("client");
        arguments.connect(&client).expect("connect");
        let before = turns.socket("before");
        before.connect(&signal, None).expect("connect");
        turns.until("before connect").await;
        println!("client: {}", text::socket(&client));
        let after = turns.socket("after");
        if arguments.flag("dropped") {
            drop(client);
            after.connect(&signal, None).expect("connect");
        } else {
            client.destroy(None);
            after.connect(&signal, None).expect("connect");
            turns.until("client close").await;
        }
        turns.until("after connect").await;
    }
    turns.rest().await;
}

/// `end` in the turn of `connect`.
pub async fn end_connecting(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    arguments.connect(&client).expect("connect");
    client.end(Some(b"hello"), Some(1));
    println!("ended: {}", text::socket(&client));
    turns.rest().await;
}

/// `connect` while connecting.
pub async fn connect_twice(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    arguments.connect(&client).expect("connect");
    arguments.connect(&client).expect("connect");
    turns.rest().await;
}

/// Connects again after `close`, `times` times in all. Each time it says one `x` more.
pub async fn reconnect(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.flowing_socket("client");
    let times: usize = arguments.number("times").expect("times");
    for time in 1..=times {
        arguments.connect(&client).expect("connect");
        println!(
            "connecting: {} {}",
            text::socket(&client),
            text::counters(&client)
        );
        turns.until("client connect").await;
        client.end(Some("x".repeat(time).as_bytes()), None);
        turns.until("client close").await;
        println!("closed: {}", text::counters(&client));
    }
    turns.rest().await;
}

/// The handle is dropped in the turn of `connect`, after a `write`.
pub async fn drop_connecting(arguments: &Arguments, turns: &mut Turns) {
    let client = turns.socket("client");
    arguments.connect(&client).expect("connect");
    client.write(b"last words", None);
    drop(client);
    turns.rest().await;
}
