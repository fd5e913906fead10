//! The rules of Windows' pipes, and the ways out of a grant that are tried and fail.

#![cfg(windows)]

mod listening;
mod place;
mod talk;

use std::time::{Duration, Instant};

use listening::Listening;
use place::{Place, allow};
use plugnet_ipc::{
    Code, Descriptors, Error, GrantError, Grants, InvalidPath, ListenOptions, Listener, Rights,
    Socket,
};
use talk::{accept, now, pair, read, read_exactly, within, write, write_all};
use tokio::net::windows::named_pipe::ServerOptions;

fn bind(grants: &Grants, path: &str) -> Result<Listener, Error> {
    Listener::bind(grants, path, &ListenOptions::default())
}

async fn connect(grants: &Grants, path: &str) -> Result<Socket, Error> {
    within(Socket::connect(grants, path)).await
}

fn granted(grant: &str) -> Grants {
    allow(&[(grant.parse().unwrap(), Rights::ALL)])
}

/// Neither listening at such a path nor connecting to it is possible, even if everything is
/// granted: EINVAL, for this reason.
async fn is_no_name(path: &str, expected: InvalidPath) {
    let everything = granted(r"\\.\pipe\");
    for error in [
        bind(&everything, path).unwrap_err(),
        connect(&everything, path).await.unwrap_err(),
    ] {
        assert!(
            matches!(error, Error::InvalidPath { reason, .. } if reason == expected),
            "{path}: {error:?}"
        );
        assert_eq!(error.code(), Code::InvalidArgument);
    }
}

/// Names that Windows would read as another name are EINVAL, even if everything is granted:
/// dots that lead out of `pipe\`, cut-off dots and spaces, empty parts.
#[tokio::test]
async fn ambiguous_names() {
    for path in [
        r"\\.\pipe\..\x",
        r"\\.\pipe\..\C:",
        r"\\.\pipe\a\..\..\C:",
        r"\\.\pipe\a\..\b",
        r"\\?\pipe\..\x",
        r"//./pipe/../x",
        r"\\.\pipe\.",
        r"\\.\pipe\.\x",
        r"\\.\pipe\..",
        r"\\.\pipe\x.",
        r"\\.\pipe\x ",
        r"\\.\pipe\x. .",
        r"\\.\pipe\a.\x",
        r"\\.\pipe\a\\x",
        r"\\.\pipe\\x",
        r"\\.\pipe\a\",
        r"\\.\pipe\",
    ] {
        is_no_name(path, InvalidPath::AmbiguousPipe).await;
    }
}

/// What is no pipe of this machine is EINVAL: files, other devices, another machine's pipes.
#[tokio::test]
async fn other_names() {
    for path in [
        r"C:\x",
        r"x",
        r"pipe\x",
        r"\\.\C:",
        r"\\.\C:\x",
        r"\\.\PhysicalDrive0",
        r"\\.\pipe",
        r"\\.\pipes\x",
        r"\\.\pip\x",
        r"\\.\mailslot\x",
        r"\\.\GLOBALROOT\Device\NamedPipe\x",
        r"\\?\GLOBALROOT\Device\NamedPipe\x",
        r"\??\pipe\x",
        r"\\server\pipe\x",
        r"\\localhost\pipe\x",
        r"\\127.0.0.1\pipe\x",
        r"\\?\UNC\localhost\pipe\x",
        r"\\.\UNC\localhost\pipe\x",
        r"//server/pipe/x",
        r"\\?\pipe/x",
        r"\\?\pipe\a/x",
        r"//?/pipe/x",
        r"\/?\pipe\x",
        r"\\.\pïpe\x",
        r"\\.\",
        r"\\",
    ] {
        is_no_name(path, InvalidPath::NotAPipe).await;
    }
}

/// `\\.\`, `\\?\` and forward slashes are ways to write one name, and a grant covers all.
#[tokio::test]
async fn one_name_in_three_spellings() {
    let place = Place::new();
    let path = place.path("app");
    let spellings = [
        path.clone(),
        path.replacen(r"\\.\", r"\\?\", 1),
        path.replace('\\', "/"),
        path.replacen("pipe", "PIPE", 1),
    ];
    let grants = granted(&path);
    for listening in &spellings {
        let listener = loop {
            // The last one's name is freed by the runtime.
            match bind(&grants, listening) {
                Ok(listener) => break listener,
                Err(error) => assert_eq!(error.code(), Code::AddressInUse, "{error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        for connecting in &spellings {
            pair(&grants, &listener, connecting).await;
        }
    }
}

/// Windows does not tell the cases of letters apart, and nor does a grant or a denial; letters
/// that only look alike, or are alike elsewhere, are others.
#[tokio::test]
async fn cases_of_letters() {
    let place = Place::new();
    let (small, big) = (place.path("äpp"), place.path("ÄPP"));
    let grants = granted(&small);
    let listener = bind(&grants, &big).unwrap();
    pair(&grants, &listener, &small).await;
    assert_eq!(
        bind(&grants, &small).unwrap_err().code(),
        Code::AddressInUse
    );
    // The Kelvin sign becomes a k in Unicode's small letters, and not in Windows'.
    let grants = granted(&place.path("k"));
    let error = bind(&grants, &place.path("\u{212a}")).unwrap_err();
    assert!(matches!(error, Error::NotGranted { .. }), "{error:?}");
    // A denial covers what Windows takes for the name.
    let mut grants = place.grants();
    grants.deny(&small.parse().unwrap(), Rights::ALL).unwrap();
    let error = connect(&grants, &big).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
}

/// A name that only begins like a granted one is another; a prefix is for what goes on after it.
#[tokio::test]
async fn a_prefix_is_not_a_component() {
    let place = Place::new();
    let grants = allow(&[
        (place.path(r"app\").parse().unwrap(), Rights::ALL),
        (place.path("one").parse().unwrap(), Rights::ALL),
    ]);
    for name in [r"app2\x", "app", "app2", "one2", r"one\x", "on"] {
        let error = bind(&grants, &place.path(name)).unwrap_err();
        assert!(
            matches!(error, Error::NotGranted { .. }),
            "{name}: {error:?}"
        );
    }
    bind(&grants, &place.path(r"app\deep\x")).unwrap();
    bind(&grants, &place.path("one")).unwrap();
}

/// A denial holds for the host's pipe, whatever a program calls it.
#[tokio::test]
async fn a_denied_pipe_under_another_name() {
    let (place, other) = (Place::new(), Place::new());
    let mut grants = granted(&format!("{}::{}", place.path(""), other.path("")));
    grants
        .deny(&place.path("secret").parse().unwrap(), Rights::ALL)
        .unwrap();
    let error = connect(&grants, &other.path("SECRET")).await.unwrap_err();
    assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    bind(&grants, &other.path("open")).unwrap();
}

/// A name of 256 UTF-16 units is the longest.
#[tokio::test]
async fn a_name_of_256_units_is_the_longest() {
    let place = Place::new();
    let longest = place.path(&"é".repeat(256 - place.path("").len()));
    let grants = place.grants();
    let listener = bind(&grants, &longest).unwrap();
    pair(&grants, &listener, &longest).await;
    let error = connect(&grants, &format!("{longest}é")).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::InvalidPath {
                reason: InvalidPath::TooLong { limit: 256 },
                ..
            }
        ),
        "{error:?}"
    );
}

/// Files and abstract names cannot be granted here, and there are no descriptors: the errors
/// say what there is.
#[test]
fn what_windows_does_not_have() {
    for grant in [r"C:\x.sock", "/tmp/x.sock", "@x"] {
        let error = Grants::new()
            .allow(&grant.parse().unwrap(), Rights::ALL)
            .unwrap_err();
        assert!(
            matches!(error, GrantError::NotOnThisSystem { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(r"\\.\pipe\"), "{error}");
    }
    let mut descriptors = Descriptors::new();
    assert!(descriptors.add(3).is_err());
    let error = descriptors.take_listener(3, 511).unwrap_err();
    assert_eq!(error.code(), Code::NotSupported);
}

/// More clients than there are instances wait until they are accepted, and none is lost.
#[tokio::test]
async fn clients_wait_for_a_busy_pipe() {
    let place = Place::new();
    let (grants, path) = (std::sync::Arc::new(place.grants()), place.path("app"));
    let listener = bind(&grants, &path).unwrap();
    let clients: Vec<_> = (0..12_u8)
        .map(|number| {
            let (grants, path) = (std::sync::Arc::clone(&grants), path.clone());
            tokio::spawn(async move {
                let client = connect(&grants, &path).await.unwrap();
                write_all(&client, &[number]).await.unwrap();
                assert_eq!(read_exactly(&client, 1).await, [number]);
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let connected = clients.iter().filter(|client| client.is_finished()).count();
    assert_eq!(connected, 0, "nobody has answered yet");
    for _ in 0..12 {
        let server = accept(&listener).await.unwrap();
        let heard = read_exactly(&server, 1).await;
        write_all(&server, &heard).await.unwrap();
        assert_eq!(read(&server, &mut [0]).await.unwrap(), 0);
    }
    for client in clients {
        client.await.unwrap();
    }
}

/// Who waits for a busy pipe can give up.
#[tokio::test]
async fn a_waiting_client_can_give_up() {
    let place = Place::new();
    let (grants, path) = (place.grants(), place.path("app"));
    let _listener = bind(&grants, &path).unwrap();
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(connect(&grants, &path).await.unwrap());
    }
    let fifth = Socket::connect(&grants, &path);
    assert!(
        tokio::time::timeout(Duration::from_millis(200), fifth)
            .await
            .is_err()
    );
}

/// After the end of writing the peer's silence becomes its end, after 50 ms; what came before
/// is read. The peer is told by the drop.
#[tokio::test]
async fn silence_after_the_end_of_writing_is_the_end() {
    let listening = Listening::new();
    let (client, server) = listening.pair().await;
    write_all(&server, b"x").await.unwrap();
    client.shutdown_write().unwrap();
    assert_eq!(read_exactly(&client, 1).await, b"x");
    let silent = Instant::now();
    assert_eq!(read(&client, &mut [0]).await.unwrap(), 0);
    assert!(silent.elapsed() >= Duration::from_millis(40));
    assert!(silent.elapsed() < Duration::from_secs(5));
    assert_eq!(read(&client, &mut [0]).await.unwrap(), 0);
    assert!(now(|cx| server.poll_read(cx, &mut [0])).await.is_none());
    drop(client);
    assert_eq!(read(&server, &mut [0]).await.unwrap(), 0);
}

/// Each piece that comes after the end of writing starts the 50 ms anew: in all it takes longer.
#[tokio::test]
async fn a_peer_that_goes_on_is_heard() {
    let listening = Listening::new();
    // A busy machine can make a pause of any length: then it is tried again.
    for _ in 0..20 {
        let (client, server) = listening.pair().await;
        let peer = tokio::spawn(async move {
            for _ in 0..6 {
                tokio::time::sleep(Duration::from_millis(15)).await;
                write_all(&server, b"x").await?;
            }
            Ok::<_, std::io::Error>(())
        });
        client.shutdown_write().unwrap();
        let heard = talk::read_to_end(&client).await.unwrap();
        let _ = peer.await.unwrap();
        if heard == b"xxxxxx" {
            return;
        }
    }
    panic!("the peer is never heard to its end");
}

/// A reader that waits already is woken for the end of writing's silence.
#[tokio::test]
async fn the_end_of_writing_reaches_a_waiting_reader() {
    let listening = Listening::new();
    let (client, _server) = listening.pair().await;
    let client = std::sync::Arc::new(client);
    let reader = tokio::spawn({
        let client = std::sync::Arc::clone(&client);
        async move { read(&client, &mut [0; 16]).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    client.shutdown_write().unwrap();
    assert_eq!(reader.await.unwrap().unwrap(), 0);
}

/// One write takes 64 KiB at most, whatever it is given: the host copies no more.
#[tokio::test]
async fn a_write_takes_64_kib_at_most() {
    let listening = Listening::new();
    let (client, _server) = listening.pair().await;
    let taken = write(&client, &vec![0; 1024 * 1024]).await.unwrap();
    assert_eq!(taken, 64 * 1024);
}

/// `readableAll` and `writableAll` work, together and apart, and the owner still connects.
#[tokio::test]
async fn a_pipe_for_all() {
    let place = Place::new();
    let grants = place.grants();
    for (number, (readable_all, writable_all)) in [(true, false), (false, true), (true, true)]
        .into_iter()
        .enumerate()
    {
        let path = place.path(&number.to_string());
        let options = ListenOptions {
            readable_all,
            writable_all,
            ..ListenOptions::default()
        };
        let listener = Listener::bind(&grants, &path, &options).unwrap();
        let (client, server) = pair(&grants, &listener, &path).await;
        write_all(&client, b"x").await.unwrap();
        assert_eq!(read_exactly(&server, 1).await, b"x");
    }
}

/// A pipe that another program has made, with one instance, is reached, and its name is in use.
#[tokio::test]
async fn another_programs_pipe() {
    let place = Place::new();
    let (grants, path) = (place.grants(), place.path("app"));
    let other = ServerOptions::new()
        .first_pipe_instance(true)
        .max_instances(1)
        .create(&path)
        .unwrap();
    assert_eq!(bind(&grants, &path).unwrap_err().code(), Code::AddressInUse);
    let (client, connected) = tokio::join!(connect(&grants, &path), other.connect());
    connected.unwrap();
    assert_eq!(bind(&grants, &path).unwrap_err().code(), Code::AddressInUse);
    write_all(&client.unwrap(), b"x").await.unwrap();
    other.readable().await.unwrap();
    let mut buf = [0; 4];
    assert_eq!(other.try_read(&mut buf).unwrap(), 1);
}
