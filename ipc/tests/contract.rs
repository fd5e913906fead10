//! What every system's sockets do, written against the interface only.

#![cfg(any(target_os = "linux", windows))]

mod listening;
mod place;
mod talk;

use std::sync::Arc;
use std::time::{Duration, Instant};

use listening::Listening;
use place::{Place, allow};
use plugnet_ipc::{
    Access, Code, Error, Grants, IpcPattern, ListenOptions, Listener, Rights, Socket,
};
use talk::{
    accept, fill, now, pair, read, read_exactly, read_to_end, readable, within, writable, write,
    write_all,
};

fn bind(grants: &Grants, path: &str) -> Listener {
    Listener::bind(grants, path, &ListenOptions::default()).unwrap()
}

async fn connect(grants: &Grants, path: &str) -> Socket {
    within(Socket::connect(grants, path)).await.unwrap()
}

fn listen_code(grants: &Grants, path: &str) -> Code {
    Listener::bind(grants, path, &ListenOptions::default())
        .unwrap_err()
        .code()
}

async fn connect_code(grants: &Grants, path: &str) -> Code {
    within(Socket::connect(grants, path))
        .await
        .unwrap_err()
        .code()
}

/// A pattern in which a byte that is lost, doubled or swapped shows.
fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

/// Bytes go both ways, and arrive as they were written.
#[tokio::test]
async fn bytes_go_both_ways() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    write_all(&client, b"ping").await.unwrap();
    assert_eq!(read_exactly(&server, 4).await, b"ping");
    write_all(&server, b"pong").await.unwrap();
    assert_eq!(read_exactly(&client, 4).await, b"pong");
}

/// Who waits for a connection is woken by one that comes later.
#[tokio::test]
async fn accept_waits_for_a_connection() {
    let place = Place::new();
    let (grants, path) = (place.grants(), place.path("app.sock"));
    let listener = Arc::new(bind(&grants, &path));
    assert!(now(|cx| listener.poll_accept(cx)).await.is_none());
    let waiting = tokio::spawn({
        let listener = Arc::clone(&listener);
        async move { accept(&listener).await.unwrap() }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let client = connect(&grants, &path).await;
    let server = waiting.await.unwrap();
    write_all(&server, b"x").await.unwrap();
    assert_eq!(read_exactly(&client, 1).await, b"x");
}

/// 16 MiB arrive whole though the reader is slow, and the writer is made to wait.
#[tokio::test]
async fn a_slow_reader_gets_everything_and_holds_the_writer() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    let sent = pattern(16 * 1024 * 1024);
    let writer = tokio::spawn({
        let sent = sent.clone();
        async move {
            let (mut rest, mut waits) = (sent.as_slice(), 0_u32);
            while !rest.is_empty() {
                let written = match now(|cx| client.poll_write(cx, rest)).await {
                    Some(written) => written.unwrap(),
                    None => {
                        waits += 1;
                        write(&client, rest).await.unwrap()
                    }
                };
                rest = &rest[written..];
            }
            waits
        }
    });
    let (mut received, mut buf) = (Vec::new(), vec![0; 256 * 1024]);
    loop {
        let length = read(&server, &mut buf).await.unwrap();
        if length == 0 {
            break;
        }
        received.extend_from_slice(&buf[..length]);
        if received.len() < 1024 * 1024 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    assert!(received == sent, "the bytes differ");
    assert!(writer.await.unwrap() > 0, "the writer never waited");
}

/// What was written before a socket was dropped arrives, and then the end: 0, each time.
#[tokio::test]
async fn the_end_comes_after_everything() {
    let place = Place::new();
    let (grants, path) = (place.grants(), place.path("app.sock"));
    let listener = bind(&grants, &path);
    for from_client in [true, false] {
        let (client, server) = pair(&grants, &listener, &path).await;
        let (from, to) = if from_client {
            (client, server)
        } else {
            (server, client)
        };
        write_all(&from, &pattern(10_000)).await.unwrap();
        drop(from);
        assert_eq!(read_to_end(&to).await.unwrap(), pattern(10_000));
        assert_eq!(read(&to, &mut [0; 16]).await.unwrap(), 0);
        assert_eq!(read(&to, &mut [0; 16]).await.unwrap(), 0);
    }
}

/// A reader that waits is woken by the peer's end.
#[tokio::test]
async fn a_peer_that_goes_wakes_the_reader() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    let reader = tokio::spawn(async move { read(&server, &mut [0; 16]).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(client);
    assert_eq!(reader.await.unwrap().unwrap(), 0);
}

/// Writing to a peer that has gone is an error, EPIPE or ECONNRESET, and no signal.
#[tokio::test]
async fn writing_to_nobody_fails() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    drop(server);
    let mut outcome = Ok(());
    for _ in 0..100 {
        outcome = write_all(&client, &[0; 1024]).await;
        if outcome.is_err() {
            break;
        }
    }
    let code = Code::of(&outcome.unwrap_err());
    assert!(
        matches!(code, Code::ConnectionBroken | Code::ConnectionReset),
        "{code:?}"
    );
}

/// A writer that waits for room is woken when its peer goes.
#[tokio::test]
async fn a_peer_that_goes_wakes_the_writer() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    fill(&client).await;
    let writer = tokio::spawn(async move { write_all(&client, &[0; 1024]).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(server);
    let code = Code::of(&writer.await.unwrap().unwrap_err());
    assert!(
        matches!(code, Code::ConnectionBroken | Code::ConnectionReset),
        "{code:?}"
    );
}

/// 200 connections are open at once, and none hears what another is told.
#[tokio::test]
async fn two_hundred_connections() {
    const COUNT: u32 = 200;
    let place = Place::new();
    let (grants, path) = (Arc::new(place.grants()), place.path("app.sock"));
    let listener = bind(&grants, &path);
    let server = tokio::spawn(async move {
        let mut sockets = Vec::new();
        for _ in 0..COUNT {
            sockets.push(accept(&listener).await.unwrap());
        }
        // All are open before one is answered.
        for socket in &sockets {
            let asked = read_exactly(socket, 4).await;
            write_all(socket, &asked).await.unwrap();
        }
        sockets
    });
    let clients: Vec<_> = (0..COUNT)
        .map(|number| {
            let (grants, path) = (Arc::clone(&grants), path.clone());
            tokio::spawn(async move {
                let client = connect(&grants, &path).await;
                write_all(&client, &number.to_le_bytes()).await.unwrap();
                assert_eq!(read_exactly(&client, 4).await, number.to_le_bytes());
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    server.await.unwrap();
}

/// Some clients can connect before anybody accepts; each is accepted later.
#[tokio::test]
async fn clients_need_not_wait_for_accept() {
    let place = Place::new();
    let (grants, path) = (place.grants(), place.path("app.sock"));
    let listener = bind(&grants, &path);
    let mut clients = Vec::new();
    for number in 0..4_u8 {
        let client = connect(&grants, &path).await;
        write_all(&client, &[number]).await.unwrap();
        clients.push(client);
    }
    let mut heard = Vec::new();
    for _ in 0..4 {
        let server = accept(&listener).await.unwrap();
        heard.extend(read_exactly(&server, 1).await);
    }
    heard.sort_unstable();
    assert_eq!(heard, [0, 1, 2, 3]);
}

/// A client that leaves before it is accepted is accepted all the same, and what it said is
/// heard.
#[tokio::test]
async fn a_client_may_leave_before_it_is_accepted() {
    let place = Place::new();
    let (grants, path) = (place.grants(), place.path("app.sock"));
    let listener = bind(&grants, &path);
    for number in 0..3_u8 {
        let client = connect(&grants, &path).await;
        write_all(&client, &[number]).await.unwrap();
        drop(client);
    }
    let mut heard = Vec::new();
    for _ in 0..3 {
        let server = accept(&listener).await.unwrap();
        heard.extend(read_to_end(&server).await.unwrap());
    }
    heard.sort_unstable();
    assert_eq!(heard, [0, 1, 2]);
}

/// A name that is listened on is in use, whoever asks; the first listener does not notice.
#[tokio::test]
async fn a_second_listener_is_refused() {
    let place = Place::new();
    let (grants, path) = (place.grants(), place.path("app.sock"));
    let listener = bind(&grants, &path);
    assert_eq!(listen_code(&grants, &path), Code::AddressInUse);
    let both = ListenOptions {
        readable_all: true,
        writable_all: true,
        ..ListenOptions::default()
    };
    let error = Listener::bind(&grants, &path, &both).unwrap_err();
    assert_eq!(error.code(), Code::AddressInUse);
    let (client, server) = pair(&grants, &listener, &path).await;
    write_all(&client, b"x").await.unwrap();
    assert_eq!(read_exactly(&server, 1).await, b"x");
}

/// A dropped listener's name is free and nobody is there: at once on Linux, on Windows when the
/// runtime has seen to it, a moment later.
#[tokio::test]
async fn a_name_is_free_after_its_listener() {
    let place = Place::new();
    let (grants, path) = (place.grants(), place.path("app.sock"));
    for _ in 0..3 {
        let listener = bind(&grants, &path);
        drop(pair(&grants, &listener, &path).await);
        drop(listener);
        let until = Instant::now() + Duration::from_secs(10);
        while let Ok(_too_early) = within(Socket::connect(&grants, &path)).await {
            assert!(cfg!(windows) && Instant::now() < until);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(connect_code(&grants, &path).await, Code::NotFound);
    }
}

/// Connections outlive their listener.
#[tokio::test]
async fn connections_outlive_their_listener() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    drop(listening.listener);
    write_all(&client, b"still").await.unwrap();
    assert_eq!(read_exactly(&server, 5).await, b"still");
}

/// Who waits to be accepted is disconnected when the listener goes.
#[tokio::test]
async fn a_listener_that_goes_disconnects_who_waits() {
    let place = Place::new();
    let (grants, path) = (place.grants(), place.path("app.sock"));
    let listener = bind(&grants, &path);
    let client = connect(&grants, &path).await;
    drop(listener);
    match read(&client, &mut [0; 16]).await {
        Ok(length) => assert_eq!(length, 0),
        Err(error) => assert_eq!(Code::of(&error), Code::ConnectionReset),
    }
}

/// Nobody at a granted path is ENOENT.
#[tokio::test]
async fn nobody_there() {
    let place = Place::new();
    assert_eq!(
        connect_code(&place.grants(), &place.path("none.sock")).await,
        Code::NotFound
    );
}

/// Without a grant nothing is reachable, and the error names the grant that would do.
#[tokio::test]
async fn nothing_is_granted_at_first() {
    let place = Place::new();
    let path = place.path("app.sock");
    let _listener = bind(&place.grants(), &path);
    let nothing = Grants::new();
    assert_eq!(connect_code(&nothing, &path).await, Code::AccessDenied);
    let error =
        Listener::bind(&nothing, &place.path("new.sock"), &ListenOptions::default()).unwrap_err();
    let Error::NotGranted {
        access: Access::Listen,
        grant: Some(grant),
        ..
    } = &error
    else {
        panic!("{error:?}");
    };
    assert!(error.to_string().contains(grant.as_str()), "{error}");
    let grants = allow(&[(grant.parse().unwrap(), Rights::ALL)]);
    bind(&grants, &place.path("new.sock"));
}

/// Connecting and listening are granted apart.
#[tokio::test]
async fn a_right_is_not_the_other() {
    let place = Place::new();
    let path = place.path("app.sock");
    let connect_only = allow(&[(
        place.everything(),
        Rights {
            connect: true,
            listen: false,
        },
    )]);
    let listen_only = allow(&[(
        place.everything(),
        Rights {
            connect: false,
            listen: true,
        },
    )]);
    assert_eq!(listen_code(&connect_only, &path), Code::AccessDenied);
    let listener = bind(&listen_only, &path);
    assert_eq!(connect_code(&listen_only, &path).await, Code::AccessDenied);
    pair(&connect_only, &listener, &path).await;
}

/// With HOST::GUEST a program's name leads to the host's, and the host's name is not granted.
#[tokio::test]
async fn a_guest_name_leads_to_the_hosts() {
    let (place, other) = (Place::new(), Place::new());
    let (host, guest) = (place.path("host.sock"), other.path("guest.sock"));
    let mapped: IpcPattern = format!("{host}::{guest}").parse().unwrap();
    let grants = allow(&[(mapped, Rights::ALL)]);
    let listener = bind(&grants, &guest);
    pair(&place.grants(), &listener, &host).await;
    pair(&grants, &listener, &guest).await;
    assert_eq!(connect_code(&grants, &host).await, Code::AccessDenied);
}

/// A folder is mapped with everything below it.
#[tokio::test]
async fn a_mapped_folder_leads_to_the_hosts() {
    let (place, other) = (Place::new(), Place::new());
    let mapped: IpcPattern = format!("{}::{}", place.everything(), other.everything())
        .parse()
        .unwrap();
    let grants = allow(&[(mapped, Rights::ALL)]);
    let listener = bind(&grants, &other.path("a.sock"));
    pair(&place.grants(), &listener, &place.path("a.sock")).await;
    assert_eq!(
        connect_code(&grants, &place.path("a.sock")).await,
        Code::AccessDenied
    );
}

/// The longest grant that has the right decides where a name leads, in whichever order they
/// were given.
#[tokio::test]
async fn the_longest_grant_decides() {
    let (place, other) = (Place::new(), Place::new());
    let _short = bind(&place.grants(), &place.path("a.sock"));
    let long = bind(&other.grants(), &other.path("b.sock"));
    let special: IpcPattern = format!("{}::{}", other.path("b.sock"), place.path("a.sock"))
        .parse()
        .unwrap();
    let mut list = [(place.everything(), Rights::ALL), (special, Rights::ALL)];
    for _ in 0..2 {
        let grants = allow(&list);
        pair(&grants, &long, &place.path("a.sock")).await;
        list.reverse();
    }
}

/// A denial beats the grant of the same name and that of its folder, for the denied right.
#[tokio::test]
async fn a_denial_beats_every_grant() {
    let place = Place::new();
    let (open, secret) = (place.path("open.sock"), place.path("secret.sock"));
    let everything = place.grants();
    let (listener, _secret) = (bind(&everything, &open), bind(&everything, &secret));
    let exactly: IpcPattern = secret.parse().unwrap();
    let mut grants = allow(&[
        (place.everything(), Rights::ALL),
        (exactly.clone(), Rights::ALL),
    ]);
    grants
        .deny(
            &exactly,
            Rights {
                connect: true,
                listen: false,
            },
        )
        .unwrap();
    let error = within(Socket::connect(&grants, &secret)).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    assert_eq!(error.code(), Code::AccessDenied);
    assert!(error.to_string().contains(&secret), "{error}");
    // Listening is not denied; the name is in use.
    assert_eq!(listen_code(&grants, &secret), Code::AddressInUse);
    pair(&grants, &listener, &open).await;
}

/// No name and a NUL in a name are EINVAL, before any grant is looked at.
#[tokio::test]
async fn names_that_cannot_be() {
    let place = Place::new();
    for path in [String::new(), place.path("a\0b.sock")] {
        for grants in [Grants::new(), place.grants()] {
            assert_eq!(connect_code(&grants, &path).await, Code::InvalidArgument);
            assert_eq!(listen_code(&grants, &path), Code::InvalidArgument);
        }
    }
}

/// A name that is too long is EINVAL at once, and never cut short.
#[tokio::test]
async fn a_name_that_is_too_long() {
    let place = Place::new();
    let path = place.path(&"x".repeat(260));
    for grants in [Grants::new(), place.grants()] {
        assert_eq!(connect_code(&grants, &path).await, Code::InvalidArgument);
        assert_eq!(listen_code(&grants, &path), Code::InvalidArgument);
    }
}

/// Waiting for something to read takes nothing, and wakes for data and for the end.
#[tokio::test]
async fn readable_takes_nothing() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    assert!(now(|cx| server.poll_readable(cx)).await.is_none());
    write_all(&client, b"ab").await.unwrap();
    readable(&server).await.unwrap();
    readable(&server).await.unwrap();
    assert_eq!(read_exactly(&server, 2).await, b"ab");
    assert!(now(|cx| server.poll_readable(cx)).await.is_none());
    drop(client);
    readable(&server).await.unwrap();
    assert_eq!(read(&server, &mut [0; 16]).await.unwrap(), 0);
}

/// Waiting for room wakes when the peer has read.
#[tokio::test]
async fn writable_waits_for_room() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    writable(&client).await.unwrap();
    let filled = fill(&client).await;
    assert!(now(|cx| client.poll_writable(cx)).await.is_none());
    read_exactly(&server, filled).await;
    writable(&client).await.unwrap();
    assert!(write(&client, b"more").await.unwrap() > 0);
}

/// Reading into nothing and writing nothing are 0, at once, whatever the state.
#[tokio::test]
async fn nothing_is_nothing() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    assert_eq!(read(&client, &mut []).await.unwrap(), 0);
    assert_eq!(write(&client, &[]).await.unwrap(), 0);
    write_all(&client, b"x").await.unwrap();
    assert_eq!(read_exactly(&server, 1).await, b"x");
}

/// One socket is read and written by two tasks at once.
#[tokio::test]
async fn a_reader_and_a_writer_share_a_socket() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    let sent = pattern(2 * 1024 * 1024);
    let echo = tokio::spawn(async move {
        let mut buf = vec![0; 64 * 1024];
        loop {
            match read(&server, &mut buf).await.unwrap() {
                0 => break,
                length => write_all(&server, &buf[..length]).await.unwrap(),
            }
        }
    });
    let client = Arc::new(client);
    let writer = tokio::spawn({
        let (client, sent) = (Arc::clone(&client), sent.clone());
        async move { write_all(&client, &sent).await.unwrap() }
    });
    let received = read_exactly(&client, sent.len()).await;
    assert!(received == sent, "the bytes differ");
    writer.await.unwrap();
    drop(client);
    echo.await.unwrap();
}

/// After the end of writing a write is EPIPE.
#[tokio::test]
async fn no_write_after_the_end_of_writing() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    write_all(&client, b"last").await.unwrap();
    client.shutdown_write().unwrap();
    let error = write(&client, b"more").await.unwrap_err();
    assert_eq!(Code::of(&error), Code::ConnectionBroken);
    assert_eq!(read_exactly(&server, 4).await, b"last");
}

/// After the end of writing the peer's answer, if it is on its way, can still be read.
#[tokio::test]
async fn an_answer_is_read_after_the_end_of_writing() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    write_all(&server, b"answer").await.unwrap();
    client.shutdown_write().unwrap();
    assert_eq!(read_exactly(&client, 6).await, b"answer");
    drop(server);
    assert_eq!(read(&client, &mut [0; 16]).await.unwrap(), 0);
}

/// After the end of reading there is nothing to read, and who waited is told.
#[tokio::test]
async fn the_end_of_reading_wakes_the_reader() {
    let listening = Listening::new();
    let (client, _server) = listening.pair().await;
    let client = Arc::new(client);
    let reader = tokio::spawn({
        let client = Arc::clone(&client);
        async move { read(&client, &mut [0; 16]).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.shutdown_read().unwrap();
    assert_eq!(reader.await.unwrap().unwrap(), 0);
    assert_eq!(read(&client, &mut [0; 16]).await.unwrap(), 0);
}
