//! What talks to a program by a plain socket of the system.
#![allow(dead_code, reason = "every test file uses some of it")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// No answer takes as long, even on a slow machine.
pub const LIMIT: Duration = Duration::from_secs(120);

/// A connection of either kind.
pub trait Stream: Read + Write + Sized {
    /// Has reads fail that take too long.
    fn limit(&self);

    /// Ends its own side.
    fn end(&self);
}

impl Stream for TcpStream {
    fn limit(&self) {
        self.set_read_timeout(Some(LIMIT)).expect("a time limit");
    }

    fn end(&self) {
        self.shutdown(Shutdown::Write).expect("it is connected");
    }
}

#[cfg(unix)]
impl Stream for UnixStream {
    fn limit(&self) {
        self.set_read_timeout(Some(LIMIT)).expect("a time limit");
    }

    fn end(&self) {
        self.shutdown(Shutdown::Write).expect("it is connected");
    }
}

/// Says something, ends, and returns everything that was answered.
pub fn talk(mut stream: impl Stream, text: &str) -> String {
    stream.limit();
    stream.write_all(text.as_bytes()).expect("it reads");
    stream.end();
    hear(stream)
}

/// Everything that is answered, up to the peer's end.
pub fn hear(mut stream: impl Stream) -> String {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text and an end");
    answer
}
