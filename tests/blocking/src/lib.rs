//! The program of the tests of `plugnet:net/blocking`: it waits by it, as programs in languages
//! without async do.
//!
//! The first argument names the case. A case prints what it sees.

use std::collections::HashMap;
use std::time::{Duration, Instant};

wit_bindgen::generate!({
    path: "../../wit",
    inline: "
        package plugnet:tests;

        world program {
            include plugnet:net/blocking-imports@0.1.0;
            // For the case that waits by both.
            import plugnet:net/turn@0.1.0;
            export wasi:cli/run@0.2.0;
        }

        package wasi:cli@0.2.0 {
            interface run {
                run: func() -> result;
            }
        }
    ",
    world: "plugnet:tests/program",
    generate_all,
});

use plugnet::net::blocking::wait;
use plugnet::net::net::{self, Event, EventKind, ListenOptions, Server, Socket};
use plugnet::net::types::Error;

/// As much as one `read` takes.
const CHUNK: u64 = 64 * 1024;

/// So many times a case asks without waiting. A timer's tick each would be seconds.
const QUESTIONS: u32 = 5_000;

struct Program;

export!(Program);

impl exports::wasi::cli0_2_0::run::Guest for Program {
    fn run() -> Result<(), ()> {
        let mut arguments = std::env::args().skip(1);
        let case = arguments.next().unwrap_or_default();
        let number = arguments.next().and_then(|number| number.parse().ok());
        let outcome = match case.as_str() {
            "echo" => echo(number.unwrap_or(u64::MAX)),
            "nothing" => nothing(),
            "unref" => unref(),
            "timeout" => timeout(),
            "asks" => asks(),
            "longest" => longest(),
            "idle" => idle(),
            "pipes" => pipes(),
            "beside" => beside(),
            _ => panic!("there is no case `{case}`"),
        };
        outcome.map_err(|error| println!("{}", error.message))
    }
}

/// A server that listens on a port of the system's choice and has said so.
fn listening() -> Result<Server, Error> {
    let server = Server::new(None);
    let options = ListenOptions {
        port: 0,
        host: Some("127.0.0.1".to_owned()),
        backlog: None,
        exclusive: false,
        ipv6_only: false,
        reuse_port: false,
    };
    server.listen(&options, None)?;
    until(|kind| matches!(kind, EventKind::Listening))?;
    let address = server.address().expect("it listens");
    println!("listening {}:{}", address.address, address.port);
    Ok(server)
}

/// Waits for an event of that kind.
fn until(kind: impl Fn(&EventKind) -> bool) -> Result<Event, Error> {
    loop {
        while let Some(event) = net::next() {
            if kind(&event.kind) {
                return Ok(event);
            }
        }
        assert!(wait(None)?, "the event never comes");
    }
}

/// Waits for a client and takes it.
fn client(server: &Server) -> Result<Socket, Error> {
    until(|kind| matches!(kind, EventKind::Connection))?;
    Ok(server.accept().expect("it was announced"))
}

/// An echo server for so many clients.
fn echo(clients: u64) -> Result<(), Error> {
    let server = listening()?;
    let mut sockets: HashMap<u64, Socket> = HashMap::new();
    let mut left = clients;
    while wait(None)? {
        while let Some(event) = net::next() {
            match event.kind {
                EventKind::Connection => {
                    let socket = server.accept().expect("it was announced");
                    sockets.insert(socket.id(), socket);
                    left -= 1;
                    if left == 0 {
                        server.close(None);
                    }
                }
                EventKind::Readable => {
                    let socket = &sockets[&event.source];
                    if !socket.write(&socket.read(CHUNK), None) {
                        socket.pause();
                    }
                }
                EventKind::Drain => sockets[&event.source].resume(),
                EventKind::Close(_) => _ = sockets.remove(&event.source),
                _ => {}
            }
        }
    }
    println!("nothing is left");
    Ok(())
}

/// Nothing is there to wait for.
fn nothing() -> Result<(), Error> {
    println!(
        "{} {} {}",
        wait(None)?,
        wait(Some(0))?,
        wait(Some(600_000))?
    );
    Ok(())
}

/// What is there is `unref`'d.
fn unref() -> Result<(), Error> {
    let server = listening()?;
    server.unref();
    println!(
        "{} {} {}",
        wait(None)?,
        wait(Some(0))?,
        wait(Some(600_000))?
    );
    server.ref_();
    println!("{}", wait(Some(1))?);
    Ok(())
}

/// Nothing happens in the time.
fn timeout() -> Result<(), Error> {
    let _server = listening()?;
    for time in [300, 1] {
        let begun = Instant::now();
        let outcome = wait(Some(time))?;
        assert!(begun.elapsed() >= Duration::from_millis(time), "too early");
        println!("{outcome} {:?}", net::next().map(|event| event.source));
    }
    Ok(())
}

/// Asks many times before anything happens, and then until something does.
fn asks() -> Result<(), Error> {
    let server = listening()?;
    let begun = Instant::now();
    for _ in 0..QUESTIONS {
        assert!(wait(Some(0))?, "the server listens");
        assert!(net::next().is_none(), "nobody connects yet");
    }
    println!("asked {}", begun.elapsed().as_millis());
    let event = loop {
        assert!(wait(Some(0))?, "the server listens");
        if let Some(event) = net::next() {
            break event;
        }
    };
    println!("{}", event.source == server.id());
    Ok(())
}

/// Waits for longer than anything lives.
fn longest() -> Result<(), Error> {
    let server = listening()?;
    assert!(wait(Some(u64::MAX))?, "the server listens");
    println!("{:?}", net::next().map(|event| event.source == server.id()));
    Ok(())
}

/// A socket's own time is over before that of the wait, and long before.
fn idle() -> Result<(), Error> {
    let server = listening()?;
    let socket = client(&server)?;
    for time in [None, Some(600_000)] {
        socket.set_timeout(50, None);
        assert!(wait(time)?, "the client is there");
        let event = net::next().expect("it is idle");
        assert!(matches!(event.kind, EventKind::Timeout), "{event:?}");
        println!("idle");
    }
    Ok(())
}

/// Data that is piped all the time is no event, and does not put the end of a wait off.
fn pipes() -> Result<(), Error> {
    let server = listening()?;
    let mut clients = vec![];
    for _ in 0..32 {
        let client = client(&server)?;
        client.pipe(&client, true);
        clients.push(client);
    }
    for _ in 0..10 {
        let begun = Instant::now();
        assert!(wait(Some(100))?, "the clients are there");
        let event = net::next();
        assert!(event.is_none(), "{event:?}");
        println!("waited {}", begun.elapsed().as_millis());
    }
    Ok(())
}

#[link(wasm_import_module = "plugnet:net/turn@0.1.0")]
unsafe extern "C" {
    /// `turn.wait`, begun and not waited for, which its bindings cannot do in a plain function.
    #[link_name = "[async-lower]wait"]
    safe fn begin_turn_wait(outcome: &'static mut [u64; 64]) -> u32;
}

/// Begins a `turn.wait`, and says whether it waits.
fn turn() {
    let outcome = Box::leak(Box::new([0; 64]));
    // The last four bits are the state; 2 is that it has returned.
    match begin_turn_wait(outcome) & 0xf {
        2 => println!("turn is over"),
        _ => println!("turn waits"),
    }
}

/// Another call waits already.
fn beside() -> Result<(), Error> {
    let server = listening()?;
    turn();
    for time in [None, Some(0), Some(600_000)] {
        match wait(time) {
            Ok(more) => println!("{more}"),
            Err(error) => println!("{} {}", error.code, error.message),
        }
    }
    // The first one still waits, or this one would.
    turn();
    drop(server);
    Ok(())
}
