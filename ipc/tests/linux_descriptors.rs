//! Descriptors that the process was started with.

#![cfg(target_os = "linux")]

mod talk;

use std::fs::File;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsFd, AsRawFd, IntoRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use plugnet_ipc::{Code, DescriptorError, DescriptorKind, Descriptors, Probes};
use rustix::io::FdFlags;
use rustix::net::sockopt;
use talk::{accept, read_exactly, write_all};

/// Held while a descriptor can be inherited, and while a process is started: a test's process
/// is to inherit nothing of another test's.
static STARTING: Mutex<()> = Mutex::new(());

fn starting() -> MutexGuard<'static, ()> {
    STARTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves a descriptor open under its number as a process that is started finds one.
fn inherited(descriptor: impl Into<OwnedFd>) -> i32 {
    let descriptor = descriptor.into();
    rustix::io::fcntl_setfd(&descriptor, FdFlags::empty()).unwrap();
    descriptor.into_raw_fd()
}

fn handed(descriptor: impl Into<OwnedFd>) -> (Descriptors, i32) {
    let _starting = starting();
    let number = inherited(descriptor);
    let mut descriptors = Descriptors::new();
    descriptors.add(number).unwrap();
    (descriptors, number)
}

fn is_open(number: i32) -> bool {
    std::fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_ok()
}

/// Each kind is told from the others.
#[test]
fn kinds() {
    let folder = tempfile::tempdir().unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    let unix = UnixListener::bind(folder.path().join("a.sock")).unwrap();
    let (one, _other) = UnixStream::pair().unwrap();
    let (reader, _writer) = std::io::pipe().unwrap();
    let seqpacket = rustix::net::socket_with(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::SEQPACKET,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    let listening = |listening| DescriptorKind::Tcp { listening };
    let unix_listening = |listening| DescriptorKind::Unix { listening };
    let found: [(OwnedFd, DescriptorKind); 11] = [
        (tcp.into(), listening(true)),
        (client.into(), listening(false)),
        (unix.into(), unix_listening(true)),
        (one.into(), unix_listening(false)),
        (
            UdpSocket::bind("127.0.0.1:0").unwrap().into(),
            DescriptorKind::Udp,
        ),
        (
            UnixDatagram::unbound().unwrap().into(),
            DescriptorKind::Other,
        ),
        (seqpacket, DescriptorKind::Other),
        (reader.into(), DescriptorKind::Pipe),
        (
            File::open("/dev/null").unwrap().into(),
            DescriptorKind::File,
        ),
        (tempfile::tempfile().unwrap().into(), DescriptorKind::File),
        (File::open("/").unwrap().into(), DescriptorKind::Other),
    ];
    for (descriptor, kind) in found {
        let (descriptors, number) = handed(descriptor);
        assert_eq!(descriptors.kind(number).unwrap(), kind);
    }
}

/// A listening TCP socket is listened on: its address and its peers' are known, and who held
/// it before need not be there any more.
#[tokio::test]
async fn a_tcp_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (mut descriptors, number) = handed(listener);
    let listener = descriptors.take_listener(number, 511).unwrap();
    assert_eq!(listener.local_address(), Some(address));
    let client = TcpStream::connect(address).unwrap();
    let server = accept(&listener).await.unwrap();
    assert_eq!(server.local_address(), Some(address));
    assert_eq!(server.peer_address(), Some(client.local_addr().unwrap()));
    server.set_no_delay(true).unwrap();
    write_all(&server, b"hello").await.unwrap();
    let mut buf = [0; 5];
    std::io::Read::read_exact(&mut &client, &mut buf).unwrap();
    assert_eq!(&buf, b"hello");
    // The port is free when the listener goes: nothing holds it open.
    drop((listener, server, client));
    assert!(TcpStream::connect(address).is_err());
}

/// A connected TCP socket is a socket, and asks idle peers as Node.js does: TCP_KEEPIDLE is
/// the delay, TCP_KEEPINTVL 1 s, TCP_KEEPCNT 10. A delay below a second changes none of them.
#[tokio::test]
async fn a_tcp_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let seen = client.as_fd().try_clone_to_owned().unwrap();
    let before = sockopt::tcp_keepidle(&seen).unwrap();
    let (mut descriptors, number) = handed(client);
    let socket = descriptors.take_socket(number).unwrap();
    assert_eq!(socket.peer_address(), Some(server.local_addr().unwrap()));
    std::io::Write::write_all(&mut &server, b"ab").unwrap();
    assert_eq!(read_exactly(&socket, 2).await, b"ab");

    socket.set_keep_alive(true, None).unwrap();
    assert!(sockopt::socket_keepalive(&seen).unwrap());
    assert_eq!(sockopt::tcp_keepidle(&seen).unwrap(), before);
    let probes = Probes {
        idle: Duration::from_secs(7),
        interval: Duration::from_secs(3),
        count: 4,
    };
    socket.set_keep_alive(true, Some(probes)).unwrap();
    assert_eq!(sockopt::tcp_keepidle(&seen).unwrap(), probes.idle);
    assert_eq!(sockopt::tcp_keepintvl(&seen).unwrap(), probes.interval);
    assert_eq!(sockopt::tcp_keepcnt(&seen).unwrap(), probes.count);
    socket.set_keep_alive(false, None).unwrap();
    assert!(!sockopt::socket_keepalive(&seen).unwrap());
}

/// A listening UNIX socket is listened on, and its file stays when the listener goes: it is
/// whose who made it.
#[tokio::test]
async fn a_unix_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    let (mut descriptors, number) = handed(UnixListener::bind(&path).unwrap());
    let listener = descriptors.take_listener(number, 511).unwrap();
    assert_eq!(listener.local_address(), None);
    let client = UnixStream::connect(&path).unwrap();
    let server = accept(&listener).await.unwrap();
    server.set_keep_alive(true, None).unwrap();
    write_all(&server, b"x").await.unwrap();
    let mut buf = [0; 1];
    std::io::Read::read_exact(&mut &client, &mut buf).unwrap();
    drop(listener);
    assert!(path.exists());
}

/// A bound socket that does not listen yet is made to.
#[tokio::test]
async fn a_bound_socket() {
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::STREAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    )
    .unwrap();
    let any = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 0);
    rustix::net::bind(&socket, &any).unwrap();
    let (mut descriptors, number) = handed(socket);
    let listener = descriptors.take_listener(number, 511).unwrap();
    let _client = TcpStream::connect(listener.local_address().unwrap()).unwrap();
    accept(&listener).await.unwrap();
}

/// A connected UNIX socket is a socket.
#[tokio::test]
async fn a_unix_socket() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (mut descriptors, number) = handed(ours);
    let socket = descriptors.take_socket(number).unwrap();
    write_all(&socket, b"ab").await.unwrap();
    let mut buf = [0; 2];
    std::io::Read::read_exact(&mut &theirs, &mut buf).unwrap();
    assert_eq!(&buf, b"ab");
}

/// What is taken is given over: the second time it is EBADF, and so is what was never handed
/// over, whatever is open there.
#[tokio::test]
async fn taken_once() {
    let (ours, _theirs) = UnixStream::pair().unwrap();
    let (mut descriptors, number) = handed(ours);
    assert_eq!(descriptors.numbers().collect::<Vec<_>>(), [number]);
    let _socket = descriptors.take_socket(number).unwrap();
    let other = File::open("/dev/null").unwrap();
    for number in [number, other.as_raw_fd(), 0, -1, i32::MAX, i32::MIN] {
        for code in [
            descriptors.take_socket(number).unwrap_err().code(),
            descriptors.take_listener(number, 1).unwrap_err().code(),
            descriptors.kind(number).unwrap_err().code(),
        ] {
            assert_eq!(code, Code::BadDescriptor, "{number}");
        }
    }
}

/// What is no stream socket is ERR_INVALID_FD_TYPE, and is left open as it was; a connected
/// socket cannot be listened on, and a listening one is not connected: EINVAL, and it can still
/// be taken for what it is.
#[tokio::test]
async fn of_another_kind() {
    let (mut descriptors, number) = handed(File::open("/dev/null").unwrap());
    for code in [
        descriptors.take_socket(number).unwrap_err().code(),
        descriptors.take_listener(number, 1).unwrap_err().code(),
    ] {
        assert_eq!(code, Code::InvalidDescriptorType);
    }
    drop(descriptors);
    assert!(is_open(number));

    let (ours, _theirs) = UnixStream::pair().unwrap();
    let (mut descriptors, number) = handed(ours);
    let error = descriptors.take_listener(number, 1).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    descriptors.take_socket(number).unwrap();

    let (mut descriptors, number) = handed(TcpListener::bind("127.0.0.1:0").unwrap());
    let error = descriptors.take_socket(number).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    descriptors.take_listener(number, 1).unwrap();
}

/// Only what was inherited can be handed over: not a number without a descriptor, not what this
/// process opened itself, and nothing twice. Once handed over, no child inherits it.
#[test]
fn what_cannot_be_handed_over() {
    let mut descriptors = Descriptors::new();
    for number in [-1, i32::MIN, 1_000_000, i32::MAX] {
        let error = descriptors.add(number).unwrap_err();
        assert!(
            matches!(error, DescriptorError::NotOpen { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(&number.to_string()), "{error}");
    }
    let ours = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = descriptors.add(ours.as_raw_fd()).unwrap_err();
    assert!(
        matches!(error, DescriptorError::NotInherited { .. }),
        "{error:?}"
    );
    let _starting = starting();
    let number = inherited(ours);
    descriptors.add(number).unwrap();
    let error = descriptors.add(number).unwrap_err();
    assert!(matches!(error, DescriptorError::Twice { .. }), "{error:?}");
    let flags = Command::new("sh")
        .args(["-c", "[ -e /proc/$$/fd/$0 ]"])
        .arg(number.to_string())
        .status()
        .unwrap();
    assert!(!flags.success());
}

/// Runs this test again in a process that is started as systemd starts one: the socket is
/// descriptor 3, and the variables are what `variables` says, `$$` being the process.
fn started_by_systemd(test: &str, variables: &str) -> std::process::Output {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let starting = starting();
    let child = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "{variables} exec \"$0\" --exact {test} --nocapture 3<&0 </dev/null"
        ))
        .arg(std::env::current_exe().unwrap())
        .env("PLUGNET_TEST_STARTED", "1")
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(starting);
    child.wait_with_output().unwrap()
}

fn is_started() -> bool {
    std::env::var_os("PLUGNET_TEST_STARTED").is_some()
}

/// sd_listen_fds(3): LISTEN_FDS descriptors from 3 on, if LISTEN_PID is this process.
#[tokio::test]
async fn from_systemd() {
    if !is_started() {
        let output = started_by_systemd("from_systemd", "LISTEN_PID=$$ LISTEN_FDS=1");
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let mut descriptors = Descriptors::from_environment().unwrap();
    assert_eq!(descriptors.numbers().collect::<Vec<_>>(), [3]);
    let listener = descriptors.take_listener(3, 511).unwrap();
    let _client = TcpStream::connect(listener.local_address().unwrap()).unwrap();
    accept(&listener).await.unwrap();
}

/// What is meant for another process, or for none, is nothing.
#[test]
fn from_systemd_for_another() {
    if is_started() {
        let descriptors = Descriptors::from_environment().unwrap();
        assert_eq!(descriptors.numbers().count(), 0);
        return;
    }
    for variables in [
        "LISTEN_PID=1 LISTEN_FDS=1",
        "LISTEN_FDS=1",
        "LISTEN_PID=$$",
        "LISTEN_PID=$$ LISTEN_FDS=0",
        "",
    ] {
        let output = started_by_systemd("from_systemd_for_another", variables);
        assert!(output.status.success(), "{variables}: {output:?}");
    }
}

/// Variables that are no numbers, or more descriptors than there are, are errors that name them.
#[test]
fn from_systemd_in_a_muddle() {
    if is_started() {
        let error = Descriptors::from_environment().unwrap_err();
        let expected = std::env::var("PLUGNET_TEST_EXPECTED").unwrap();
        assert!(error.to_string().contains(&expected), "{error}");
        return;
    }
    for (variables, expected) in [
        ("LISTEN_PID=me LISTEN_FDS=1", "LISTEN_PID"),
        ("LISTEN_PID=$$ LISTEN_FDS=-1", "LISTEN_FDS"),
        ("LISTEN_PID=$$ LISTEN_FDS=many", "many"),
        ("LISTEN_PID=$$ LISTEN_FDS=2", "descriptor 4"),
        ("LISTEN_PID=$$ LISTEN_FDS=4294967295", "descriptor 4"),
    ] {
        let variables = format!("PLUGNET_TEST_EXPECTED='{expected}' {variables}");
        let output = started_by_systemd("from_systemd_in_a_muddle", &variables);
        assert!(output.status.success(), "{variables}: {output:?}");
    }
}
