//! Descriptors that the host was handed: `server.listen({ fd })`, `new Socket({ fd })`.

use plugnet_tests::peer::Transport::{self, Path, Tcp};
use plugnet_tests::peer::{self, Folder, Peer, Place};
use plugnet_tests::{Case, Form};
use socket2::{Domain, Socket, Type};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::process::Command;
use std::time::Duration;
use test_case::test_case;

/// Hands a descriptor over as a process inherits it, and returns its number.
fn inherited(descriptor: impl Into<OwnedFd>) -> i32 {
    let socket = Socket::from(descriptor.into());
    let set = socket.set_cloexec(false);
    set.expect("a descriptor has flags");
    socket.into_raw_fd()
}

/// A server on a descriptor that listens: its address is that of the descriptor, and clients
/// come. What is at the path stays: the program did not make it.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn listen_on_a_descriptor(over: Transport) {
    let folder = Folder::new();
    let place = match over {
        Tcp => Place::port_of_loopback(0),
        Path => folder.place("given"),
    };
    let (listener, place) = Peer::listen_at(&place).into_listener();
    let fd = inherited(listener);
    let case = Case::new("listen-fd").with("fd", fd).descriptor(fd);
    let mut running = case.deny_net().start();
    let address = match &place {
        Place::Port(_, port) => format!("127.0.0.1:{port} ipv4"),
        Place::Path(_) => "none".to_owned(),
    };
    running.line(&format!("at once: listening=true address={address}"));
    running.line("listening ");
    let mut stream = place.connect();
    stream.write_all(b"hello, too").expect("it is connected");
    peer::read_text(&mut stream, "hello");
    assert_eq!(peer::finish(stream), "");
    let output = running.end();
    output.has_in_order(&[
        "server connection",
        "connection got \"hello, too\"",
        "server close false",
    ]);
    if over == Path {
        output.has("remote none");
        assert_eq!(folder.names(), ["given"]);
    }
    assert!(place.is_refused(), "the descriptor is still open");
}

/// A socket of a descriptor that is connected reads and writes at once; there is no `connect`.
/// What it asks of an idle connection is asked of the system (row O2).
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn talk_on_a_descriptor(over: Transport) {
    let peer = Peer::listen(over);
    let stream = peer.place.connect();
    let mut other = peer.accept();
    let ends = match over {
        Tcp => [
            format!("remote 127.0.0.1:{} ipv4", stream.peer_port()),
            format!("local 127.0.0.1:{} ipv4", stream.local_port()),
        ],
        Path => ["remote none".to_owned(), "local none".to_owned()],
    };
    let stream = stream.into_socket();
    let seen = stream.try_clone().expect("a descriptor");
    let fd = inherited(stream);
    let case = Case::new("connected-fd").with("fd", fd).descriptor(fd);
    let running = case.deny_net().start();
    peer::read_text(&mut other, "hello");
    if over == Tcp {
        assert!(seen.keepalive().expect("a socket"));
        let seconds = Duration::from_secs;
        assert_eq!(seen.tcp_keepalive_time().expect("of TCP"), seconds(7));
        assert_eq!(seen.tcp_keepalive_interval().expect("of TCP"), seconds(3));
        assert_eq!(seen.tcp_keepalive_retries().expect("of TCP"), 4);
    }
    drop(seen);
    other.write_all(b"hello, too").expect("it is connected");
    assert_eq!(peer::finish(other), "");
    let output = running.end();
    // The peer's answer may be faster than the news that the system has taken what was written.
    output.one("socket callback 1 ok");
    output.has_no("socket connect");
    output.has_in_order(&[
        "socket: state=open connecting=false pending=false destroyed=false",
        &ends[0],
        &ends[1],
        "read \"hello, too\"",
        "socket end",
        "socket finish",
        "socket close false",
        "counters read=10 written=5 buffered=0",
    ]);
}

/// A file is no socket. The error names its kind, as Node's does.
#[test]
fn a_file_is_no_connection() {
    let file = File::open(env!("CARGO_MANIFEST_DIR").to_owned() + "/Cargo.toml");
    let fd = inherited(file.expect("a file"));
    let case = Case::new("wrong-fd").with("fd", fd).descriptor(fd);
    case.run()
        .is(&["thrown: ERR_INVALID_FD_TYPE \"Unsupported fd type: FILE\""]);
}

/// In the composed form a pipe of the shell's is none either.
#[test]
fn a_pipe_is_no_connection_over_wasi() {
    if Form::of_process() == Form::Native {
        return;
    }
    let (reader, _writer) = io::pipe().expect("a pipe");
    let fd = inherited(OwnedFd::from(reader));
    let case = Case::new("wrong-fd").with("fd", fd).descriptor(fd);
    let output = case.run();
    let error = output.one("thrown: ");
    assert!(error.starts_with("ERR_INVALID_FD_TYPE "), "{error}");
}

/// Nor is a terminal, as in Node, whose terminals are no sockets.
#[test]
fn a_terminal_is_no_connection() {
    let terminal = File::options().read(true).write(true).open("/dev/ptmx");
    let fd = inherited(terminal.expect("Linux has it"));
    let case = Case::new("wrong-fd").with("fd", fd).descriptor(fd);
    case.run()
        .is(&["thrown: ERR_INVALID_FD_TYPE \"Unsupported fd type: TTY\""]);
}

/// A case on one end of a pipe, and the other end.
fn on_reading_end() -> (Case, PipeWriter) {
    let (reader, writer) = io::pipe().expect("a pipe");
    let fd = inherited(OwnedFd::from(reader));
    let case = Case::new("pipe-fd").with("fd", fd).descriptor(fd);
    (case.deny_net(), writer)
}

fn on_writing_end() -> (Case, PipeReader) {
    let (reader, writer) = io::pipe().expect("a pipe");
    let fd = inherited(OwnedFd::from(writer));
    let case = Case::new("pipe-fd").with("fd", fd).descriptor(fd);
    (case.deny_net(), reader)
}

/// A pipe's reading end is a socket: it is open at once, without addresses, and reads to the end,
/// which is when the last writer is gone. (As Node 26 printed it, here and in the other tests of
/// pipes.)
#[test]
fn pipe_to_read_from() {
    if Form::of_process() == Form::Composed {
        return;
    }
    let (case, mut writer) = on_reading_end();
    let mut running = case.start();
    running.line("local ");
    writer.write_all(b"hello").expect("it is open");
    // More than the system holds at once.
    let much = vec![b'x'; 300_000];
    writer.write_all(&much).expect("it is read");
    drop(writer);
    let output = running.end();
    assert_eq!(
        output.one("socket got ").len(),
        "\"hello\"".len() + much.len()
    );
    output.only(
        &[
            "socket:", "remote", "local", "socket e", "socket f", "socket c", "counters",
        ],
        &[
            "socket: state=open connecting=false pending=false destroyed=false",
            "remote none",
            "local none",
            "socket end",
            "socket finish",
            "socket close false",
            "counters read=300005 written=0 buffered=0",
        ],
    );
}

/// `end` of it ends nothing but the socket's own side, and it cannot be reset.
#[test]
fn pipe_to_read_from_that_is_ended() {
    if Form::of_process() == Form::Composed {
        return;
    }
    let (case, mut writer) = on_reading_end();
    let mut running = case.with("end", "").with("reset", "").start();
    running.line("reset: ERR_INVALID_HANDLE_TYPE ");
    running.line("socket finish");
    writer.write_all(b"hello").expect("it is open");
    drop(writer);
    running.end().has_in_order(&[
        "socket callback 2 ok",
        "socket finish",
        "socket got \"hello\"",
        "socket end",
        "socket close false",
    ]);
}

/// Nothing can be written to a reading end.
#[test]
fn pipe_to_read_from_is_not_written_to() {
    if Form::of_process() == Form::Composed {
        return;
    }
    let (case, _writer) = on_reading_end();
    case.with("write", "").run().has_in_order(&[
        "socket callback 1 EPIPE",
        "socket error EPIPE \"write EPIPE\" syscall=write",
        "socket close true",
    ]);
}

/// Nor read from a writing end, which the socket begins with.
#[test]
fn pipe_to_write_to() {
    if Form::of_process() == Form::Composed {
        return;
    }
    let (case, mut reader) = on_writing_end();
    case.run().has_in_order(&[
        "socket error ENOTCONN \"read ENOTCONN\" syscall=read",
        "socket close true",
    ]);
    let mut rest = Vec::new();
    reader
        .read_to_end(&mut rest)
        .expect("the program's end is closed");
    assert_eq!(rest, b"");
}

/// A named pipe that is open for both is read and written, with what the system does not take at
/// once.
#[test]
fn named_pipe_for_both() {
    if Form::of_process() == Form::Composed {
        return;
    }
    let folder = Folder::new();
    let path = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("Linux has it").success());
    let both = File::options().read(true).write(true).open(&path);
    let fd = inherited(both.expect("a pipe"));
    let case = Case::new("pipe-fd").with("fd", fd).descriptor(fd);
    let mut running = case.deny_net().with("write", "").with("end", "").start();
    running.line("socket callback 1 ok");
    running.line("socket finish");
}

/// A datagram socket is none, either.
#[test]
fn a_datagram_socket_is_no_connection() {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).expect("a socket");
    let fd = inherited(socket);
    let case = Case::new("wrong-fd").with("fd", fd).descriptor(fd);
    let output = case.run();
    output.is(&["thrown: ERR_INVALID_FD_TYPE \"Unsupported fd type: UDP\""]);
}

/// A number that was not handed over is none, though the process has such a descriptor.
#[test]
fn a_descriptor_that_was_not_handed_over() {
    let open = File::open(env!("CARGO_MANIFEST_DIR").to_owned() + "/Cargo.toml").expect("a file");
    for fd in [0, open.as_raw_fd(), 1_000_000] {
        let output = Case::new("wrong-fd").with("fd", fd).run();
        output.is(&["thrown: ERR_INVALID_FD_TYPE \"Unsupported fd type: UNKNOWN\""]);
    }
}

/// S22: listening on what is no socket, or was not handed over, is EINVAL, later.
#[test]
fn s22_listen_on_what_is_no_socket() {
    let file = File::open(env!("CARGO_MANIFEST_DIR").to_owned() + "/Cargo.toml");
    let fd = inherited(file.expect("a file"));
    for (fd, handed) in [(fd, true), (1_000_000, false)] {
        let mut case = Case::new("wrong-fd").with("fd", fd).with("listen", true);
        if handed {
            case = case.descriptor(fd);
        }
        case.run().is(&[
            "listen: listening=false address=none",
            "server error EINVAL \"listen EINVAL: invalid argument\" syscall=listen",
        ]);
    }
}

/// A connected socket is nothing to listen on.
#[test]
fn listen_on_a_connected_descriptor() {
    let peer = Peer::listen(Path);
    let fd = inherited(peer.place.connect().into_socket());
    let case = Case::new("wrong-fd").with("fd", fd).with("listen", true);
    let output = case.descriptor(fd).run();
    let error = output.one("server error ");
    assert!(error.starts_with("EINVAL "), "{error}");
}

/// What listens is no connection.
#[test]
fn a_listener_is_no_connection() {
    let (listener, _) = Peer::listen(Tcp).into_listener();
    let fd = inherited(listener);
    let case = Case::new("wrong-fd").with("fd", fd).descriptor(fd);
    let output = case.run();
    let error = output.one("thrown: ");
    assert!(error.starts_with("EINVAL "), "{error}");
}

/// A descriptor is taken over, so that it can be used once.
#[test]
fn a_descriptor_is_taken_once() {
    let peer = Peer::listen(Path);
    let fd = inherited(peer.place.connect().into_socket());
    let mut other = peer.accept();
    let case = Case::new("wrong-fd").with("fd", fd).with("twice", true);
    let output = case.descriptor(fd).run();
    output.has_in_order(&[
        "socket: state=open connecting=false pending=false destroyed=false",
        "thrown: ERR_INVALID_FD_TYPE \"Unsupported fd type: UNKNOWN\"",
    ]);
    assert!(peer::is_over(&mut other), "it is still open");
}
