//! Echo servers in languages without async, as `.ci/c` and `.ci/js` build them: `PLUGNET_ECHO` is
//! the component. Without it the test is skipped, and says so.

#![cfg(target_os = "linux")]

mod peer;
mod process;

use std::env;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use process::{Running, plugnet};

/// How many clients talk at the same time.
const CLIENTS: usize = 16;

/// More than the system and the program keep for one client: the program has to wait for `drain`.
const LARGE: usize = 16 << 20;

/// Starts the server, and waits until it says where it listens.
fn serving(program: &OsString, arguments: &[&str]) -> (Running, String) {
    let mut command = plugnet();
    command.args(["run", "--allow-net"]).arg(program);
    command.args(arguments).stderr(Stdio::piped());
    let mut server = Running::start(&mut command);
    let line = server.line();
    let address = line
        .strip_prefix("server bound ")
        .expect("where it listens");
    (server, address.to_owned())
}

fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("it listens");
    let limit = Some(peer::LIMIT);
    stream.set_read_timeout(limit).expect("a time limit");
    stream.set_write_timeout(limit).expect("a time limit");
    stream
}

/// Sends data in pieces, ends its side, and begins to read after a while: all of it comes back, and
/// the end after it.
fn is_echoed(stream: &TcpStream, data: &[u8], after: Duration) {
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut sending = stream;
            for piece in data.chunks(7_919) {
                sending.write_all(piece).expect("it reads");
            }
            stream.shutdown(Shutdown::Write).expect("it is connected");
        });
        thread::sleep(after);
        let mut answer = vec![];
        let mut stream = stream;
        stream.read_to_end(&mut answer).expect("an end");
        assert!(answer == data, "{} of {} bytes", answer.len(), data.len());
    });
}

fn data(length: usize, seed: usize) -> Vec<u8> {
    (0..length)
        .map(|index| (index.wrapping_mul(31) / 7 + seed) as u8)
        .collect()
}

/// It serves many clients at the same time, one that reads late, one that resets and one that says
/// nothing, until a signal ends it; it ends by itself when nothing is left; and an error of the
/// contract reaches it.
#[test]
fn an_echo_server_in_a_language_without_async_serves_clients() {
    let Some(program) = env::var_os("PLUGNET_ECHO") else {
        eprintln!("SKIPPED: PLUGNET_ECHO names no component; .ci/c and .ci/js build some");
        return;
    };

    let (server, address) = serving(&program, &["127.0.0.1:0"]);
    let silent = connect(&address);
    let all_are_there = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (address, all_are_there) = (&address, &all_are_there);
            scope.spawn(move || {
                let stream = connect(address);
                all_are_there.wait();
                is_echoed(&stream, &data(200_000, number), Duration::ZERO);
            });
        }
    });
    let late = connect(&address);
    is_echoed(&late, &data(LARGE, 1), Duration::from_millis(500));

    // Closed with something unread, the system resets it.
    let mut resets = connect(&address);
    resets.write_all(b"unread").expect("it reads");
    resets.peek(&mut [0]).expect("an answer");
    drop(resets);
    is_echoed(&silent, b"the silent one", Duration::ZERO);

    let id = server.id().to_string();
    let kill = Command::new("kill").args(["-TERM", &id]).status();
    assert!(kill.expect("kill starts").success());
    let output = server.end();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(143), "{message}");

    let (server, address) = serving(&program, &["--once", "127.0.0.1:0"]);
    is_echoed(&connect(&address), b"the only one", Duration::ZERO);
    let output = server.end();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*message), (Some(0), ""));

    let mut command = plugnet();
    command.arg("run").arg(&program).arg("127.0.0.1:1");
    let output = process::output(&mut command);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    let error = "error: listen EACCES: permission denied 127.0.0.1:1";
    assert!(message.contains(error), "{message}");
}
