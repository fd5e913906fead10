//! `plugnet run` with paths and with descriptors, from outside: what other programs of the
//! machine see of it.
#![cfg(unix)]

mod peer;
mod process;

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use peer::{Stream, talk};
use process::{Folder, LIMIT, is_composed};

const ECHO_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));
const TEST_PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/test-program.wasm"));

/// `plugnet run …`, until it ends or is dropped.
struct Running {
    process: process::Running,
    _folder: Folder,
}

impl Running {
    /// Runs a program with a shell's help: `script` is what comes before the command line, and
    /// `$@` is that. The descriptor is the standard input of the shell.
    fn start(program: &[u8], script: &str, stdin: Stdio, arguments: &[&str]) -> Self {
        let folder = Folder::new();
        let file = folder.file("program.wasm", program);
        let file = file.to_str().expect("a folder whose name is text");
        let of_folder = |argument: &&str| match *argument {
            "PROGRAM" => file.to_owned(),
            other => other.to_owned(),
        };
        let process = process::Running::start(
            Command::new("sh")
                .args(["-c", script, env!("CARGO_BIN_EXE_plugnet"), "run"])
                .args(is_composed().then_some("--composed"))
                .args(arguments.iter().map(of_folder))
                .env_remove("LISTEN_FDS")
                .env_remove("LISTEN_PID")
                .stdin(stdin)
                .stderr(Stdio::piped()),
        );
        Running {
            process,
            _folder: folder,
        }
    }

    /// The next line that begins with `prefix`, without it.
    fn line(&mut self, prefix: &str) -> String {
        loop {
            if let Some(rest) = self.process.line().strip_prefix(prefix) {
                return rest.to_owned();
            }
        }
    }

    /// Waits for its end, with this exit code, and returns what is left of its lines.
    fn end(self, code: i32) -> Vec<String> {
        let output = self.process.end();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{stderr}");
        let rest = String::from_utf8(output.stdout).expect("text");
        rest.lines().map(str::to_owned).collect()
    }
}

/// Has the descriptor that is the standard input inherited as number 3.
const AS_3: &str = r#"exec "$0" "$@" 3<&0 </dev/null"#;

/// The same, as systemd does.
const AS_SYSTEMD: &str = r#"LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@" 3<&0 </dev/null"#;

/// As systemd does for another process.
const AS_SYSTEMD_FOR_ANOTHER: &str = r#"LISTEN_FDS=1 LISTEN_PID=1 exec "$0" "$@" 3<&0 </dev/null"#;

fn start(script: &str, descriptor: impl Into<OwnedFd>, arguments: &[&str]) -> Running {
    let stdin = Stdio::from(descriptor.into());
    Running::start(TEST_PROGRAM, script, stdin, arguments)
}

/// `--listen-fd`: the program listens on a TCP socket that it was given, without the network.
#[test]
fn a_tcp_listener_is_handed_over() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let arguments = &["--listen-fd", "3", "PROGRAM", "listen-fd", "fd=3"];
    let mut running = start(AS_3, listener, arguments);
    assert_eq!(
        running.line("at once: "),
        format!("listening=true address={address} ipv4")
    );
    let stream = TcpStream::connect(address).expect("it listens");
    assert_eq!(talk(stream, "hello, too"), "hello");
    let rest = running.end(0);
    assert!(
        rest.contains(&"connection got \"hello, too\"".to_owned()),
        "{rest:?}"
    );
    assert!(TcpStream::connect(address).is_err(), "it listens still");
}

/// The same with a UNIX domain socket. Its path stays: the program did not make it.
#[test]
fn a_unix_listener_is_handed_over() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("given");
    let listener = UnixListener::bind(&path).expect("the path is free");
    let arguments = &["--listen-fd", "3", "PROGRAM", "listen-fd", "fd=3"];
    let mut running = start(AS_3, listener, arguments);
    assert_eq!(running.line("at once: "), "listening=true address=none");
    let stream = UnixStream::connect(&path).expect("it listens");
    assert_eq!(talk(stream, "hello, too"), "hello");
    let rest = running.end(0);
    assert!(rest.contains(&"remote none".to_owned()), "{rest:?}");
    assert!(path.exists(), "the path is gone");
    assert!(UnixStream::connect(&path).is_err(), "it listens still");
}

/// systemd's `LISTEN_FDS`: handed over without being asked for.
#[test]
fn listen_fds_are_handed_over() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let mut running = start(AS_SYSTEMD, listener, &["PROGRAM", "listen-fd", "fd=3"]);
    running.line("listening ");
    let stream = TcpStream::connect(address).expect("it listens");
    assert_eq!(talk(stream, "hello, too"), "hello");
    running.end(0);
}

/// `LISTEN_FDS` that are another process's are not.
#[test]
fn listen_fds_of_another_process_are_not() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let arguments = &["PROGRAM", "wrong-fd", "fd=3", "listen=true"];
    let mut running = start(AS_SYSTEMD_FOR_ANOTHER, listener, arguments);
    let error = running.line("server error ");
    assert!(error.starts_with("EINVAL "), "{error}");
    running.end(0);
}

/// `new Socket({ fd })`: connections of both kinds, as systemd hands them over with `Accept=yes`.
#[test]
fn connections_are_handed_over() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let client = TcpStream::connect(address).expect("it listens");
    let (given, _) = listener.accept().expect("a client");
    let running = start(AS_SYSTEMD, given, &["PROGRAM", "connected-fd", "fd=3"]);
    assert_eq!(talk(client, "over tcp"), "hello");
    assert!(running.end(0).contains(&"read \"over tcp\"".to_owned()));

    let (client, given) = UnixStream::pair().expect("a pair");
    let running = start(AS_SYSTEMD, given, &["PROGRAM", "connected-fd", "fd=3"]);
    assert_eq!(talk(client, "over a pair"), "hello");
    assert!(running.end(0).contains(&"read \"over a pair\"".to_owned()));
}

/// What is no connection: the program hears what it is. A pipe is one where the host provides `net`.
#[test]
fn other_descriptors_are_of_a_wrong_type() {
    let open = |path| OwnedFd::from(fs::File::open(path).expect("it is there"));
    let file = open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let folder = open(env!("CARGO_MANIFEST_DIR"));
    let (pipe, _writer) = io::pipe().expect("a pipe");
    let pipe = is_composed().then_some((OwnedFd::from(pipe), "UNKNOWN"));
    for (descriptor, kind) in [(file, "FILE"), (folder, "UNKNOWN")]
        .into_iter()
        .chain(pipe)
    {
        let arguments = ["--listen-fd", "3", "PROGRAM", "wrong-fd", "fd=3"];
        let mut running = start(AS_3, descriptor, &arguments);
        assert_eq!(
            running.line("thrown: "),
            format!("ERR_INVALID_FD_TYPE \"Unsupported fd type: {kind}\"")
        );
        running.end(0);
    }
}

/// A number under which nothing is open is refused before the program runs.
#[test]
fn a_descriptor_that_is_not_open_is_refused() {
    let arguments = &["--listen-fd", "33", "PROGRAM", "empty"];
    let script = r#"exec "$0" "$@" 33<&-"#;
    let running = Running::start(TEST_PROGRAM, script, Stdio::null(), arguments);
    let output = running.process.end();
    let message = String::from_utf8(output.stderr).expect("text");
    assert!(
        message.starts_with("plugnet: --listen-fd 33: "),
        "{message}"
    );
    assert_eq!(output.status.code(), Some(2), "{message}");
}

/// So many clients, all there at once, each of which gets its bytes back.
fn visit<S: Stream>(connect: &impl Fn() -> io::Result<S>, clients: usize) {
    let clients: Vec<_> = (0..clients)
        .map(|_| connect().expect("it accepts"))
        .collect();
    for client in clients {
        assert_eq!(talk(client, "here"), "hello\r\nhere");
    }
}

/// 500 clients at once and 2,000 one after the other leave no descriptor behind.
#[cfg(target_os = "linux")]
fn leaves_no_descriptor<S: Stream>(process: u32, connect: impl Fn() -> io::Result<S>) {
    let descriptors = || {
        let open = fs::read_dir(format!("/proc/{process}/fd"));
        open.expect("a process").count()
    };
    // What the host opens with its first connection stays.
    visit(&connect, 1);
    let settle = |most: usize| {
        let begun = Instant::now();
        while descriptors() > most {
            assert!(begun.elapsed() < LIMIT, "{} of {most}", descriptors());
            thread::sleep(Duration::from_millis(10));
        }
    };
    thread::sleep(Duration::from_millis(100));
    let idle = descriptors();
    visit(&connect, 500);
    settle(idle);
    for _ in 0..2000 {
        visit(&connect, 1);
    }
    settle(idle);
}

/// The folder of a run, granted, and an echo server at a path in it.
#[cfg(target_os = "linux")]
fn echo_server_at_a_path(folder: &Path) -> (Running, std::path::PathBuf) {
    let path = folder.join("echo.sock");
    let grant = format!("{}/", folder.display());
    let at = path.display().to_string();
    let arguments = &["--allow-ipc", &grant, "PROGRAM", &at];
    let script = r#"exec "$0" "$@""#;
    let mut running = Running::start(ECHO_SERVER, script, Stdio::null(), arguments);
    running.line("");
    (running, path)
}

/// Over TCP.
#[cfg(target_os = "linux")]
#[test]
fn connections_over_tcp_leave_no_descriptor() {
    let arguments = &["--allow-net", "PROGRAM", "127.0.0.1:0"];
    let script = r#"exec "$0" "$@""#;
    let mut running = Running::start(ECHO_SERVER, script, Stdio::null(), arguments);
    let bound = running.line("");
    let address = format!("127.0.0.1:{}", bound.rsplit(':').next().expect("a port"));
    let process = running.process.id();
    running.process.read_on();
    leaves_no_descriptor(process, || TcpStream::connect(&address));
}

/// Over a path.
#[cfg(target_os = "linux")]
#[test]
fn connections_over_a_path_leave_no_descriptor() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut running, path) = echo_server_at_a_path(folder.path());
    let process = running.process.id();
    running.process.read_on();
    leaves_no_descriptor(process, || UnixStream::connect(&path));
}
