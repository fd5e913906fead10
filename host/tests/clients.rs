//! The echo server of the examples, run by `plugnet run`, and clients that people have. A client
//! that this machine lacks is skipped, and the test says so.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(60);
const ECHO_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));

/// `plugnet run --allow-net echo-server.wasm`, until it is dropped.
struct EchoServer {
    process: Child,
    port: String,
    _folder: tempfile::TempDir,
}

impl EchoServer {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = folder.path().join("echo-server.wasm");
        fs::write(&program, ECHO_SERVER).expect("the program");
        let mut process = Command::new(env!("CARGO_BIN_EXE_plugnet"))
            .args(["run", "--allow-net"])
            .arg(&program)
            .arg("127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("plugnet starts");
        let stdout = process.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(stdout).lines();
        let bound = lines.next().expect("a line").expect("text");
        let port = bound.rsplit(':').next().expect("a port").to_owned();
        // What follows is read on, so that the server never waits for a reader.
        thread::spawn(move || lines.for_each(drop));
        EchoServer {
            process,
            port,
            _folder: folder,
        }
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        self.process.kill().expect("the server runs");
        self.process.wait().expect("it ends");
    }
}

/// Runs a client, and what it printed. Absent, and told, if this machine has none.
fn client(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let started = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut process) = started else {
        eprintln!("SKIPPED: there is no {program} on this machine");
        return None;
    };
    let mut stdin = process.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let mut stdout = process.stdout.take().expect("a pipe");
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let begun = Instant::now();
    while process.try_wait().expect("a process").is_none() {
        if begun.elapsed() > LIMIT {
            process.kill().expect("it runs");
            panic!("{program} did not end");
        }
        thread::sleep(Duration::from_millis(10));
    }
    Some(reader.join().expect("it ends").expect("text"))
}

/// `nc` types a line and reads the greeting and the echo.
#[test]
fn nc_is_answered() {
    let server = EchoServer::start();
    if let Some(output) = client("nc", &["-N", "127.0.0.1", &server.port], "typed\n") {
        assert_eq!(output, "hello\r\ntyped\n");
    }
}

/// A Python socket.
#[test]
fn python_is_answered() {
    let server = EchoServer::start();
    let script = "import socket, sys\n\
        s = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n\
        s.sendall(b'from python')\n\
        s.shutdown(socket.SHUT_WR)\n\
        print(b''.join(iter(lambda: s.recv(4096), b'')))\n";
    if let Some(output) = client("python3", &["-c", script, &server.port], "") {
        assert_eq!(output, "b'hello\\r\\nfrom python'\n");
    }
}

/// Node's own `net`.
#[test]
fn node_is_answered() {
    let server = EchoServer::start();
    let script = "let got = '';\n\
        const c = require('net').connect(+process.argv[1], '127.0.0.1', () => c.write('from node'));\n\
        c.on('data', d => { got += d; if (got.endsWith('from node')) c.end(); });\n\
        c.on('close', hadError => console.log(JSON.stringify(got), hadError));\n";
    if let Some(output) = client("node", &["-e", script, &server.port], "") {
        assert_eq!(output, "\"hello\\r\\nfrom node\" false\n");
    }
}

/// 200 clients at once, each of which gets its own bytes back.
#[test]
fn two_hundred_clients_at_once() {
    let server = EchoServer::start();
    let address = format!("127.0.0.1:{}", server.port);
    let clients: Vec<TcpStream> = (0..200)
        .map(|_| {
            let stream = TcpStream::connect(&address).expect("the server accepts");
            stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
            stream
        })
        .collect();
    for (number, mut stream) in clients.iter().enumerate() {
        write!(stream, "client {number}").expect("the server reads");
    }
    for (number, mut stream) in clients.iter().enumerate() {
        stream.shutdown(Shutdown::Write).expect("an open socket");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert_eq!(answer, format!("hello\r\nclient {number}"));
    }
}
