//! A connection.

use std::io;
use std::net::SocketAddr;
use std::os::windows::io::{AsRawHandle, RawHandle};
use std::pin::Pin;
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer};
use tokio::time::{Instant, Sleep, sleep, sleep_until};
use windows_sys::Win32::Foundation::ERROR_PIPE_BUSY;
use windows_sys::Win32::System::Pipes::PeekNamedPipe;

use crate::grants::shown;
use crate::{Access, Error, Grants, Probes};

/// How long a client waits for a busy pipe: as libuv does.
const BUSY: Duration = Duration::from_secs(30);

/// How long after the end of writing the peer's silence is taken for its end: as libuv does.
const SILENCE: Duration = Duration::from_millis(50);

/// The most that one write takes: tokio copies it, and the peer may be slow.
const LONGEST_WRITE: usize = 64 * 1024;

/// A connected pipe.
///
/// Its methods take `&self`, so a reader and a writer can share it: one task polls for reading,
/// one for writing. Of several, only the one that polled last is woken.
///
/// Dropping it closes it. Written data that the system has not taken yet, at most 64 KiB, still
/// goes out while the runtime runs.
#[derive(Debug)]
pub struct Socket {
    pipe: Pipe,
    ends: Mutex<Ends>,
}

#[derive(Debug)]
pub(super) enum Pipe {
    Server(NamedPipeServer),
    Client(NamedPipeClient),
}

/// What this end has shut down.
#[derive(Debug, Default)]
struct Ends {
    /// Nothing is read any more.
    read: bool,
    /// Nothing is written any more; and when the peer's silence becomes its end.
    written: Option<Pin<Box<Sleep>>>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Pipe {
    fn handle(&self) -> RawHandle {
        match self {
            Pipe::Server(pipe) => pipe.as_raw_handle(),
            Pipe::Client(pipe) => pipe.as_raw_handle(),
        }
    }

    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Pipe::Server(pipe) => pipe.poll_read_ready(cx),
            Pipe::Client(pipe) => pipe.poll_read_ready(cx),
        }
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Pipe::Server(pipe) => pipe.poll_write_ready(cx),
            Pipe::Client(pipe) => pipe.poll_write_ready(cx),
        }
    }

    fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        match self {
            Pipe::Server(pipe) => pipe.try_read(buf),
            Pipe::Client(pipe) => pipe.try_read(buf),
        }
    }

    fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        match self {
            Pipe::Server(pipe) => pipe.try_write(buf),
            Pipe::Client(pipe) => pipe.try_write(buf),
        }
    }

    /// Whether the peer, or unread data of it, is still there.
    fn is_open(&self) -> bool {
        // SAFETY: the handle is open as long as `self`, and nothing is asked for but success.
        let peeked = unsafe {
            PeekNamedPipe(
                self.handle(),
                ptr::null_mut(),
                0,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        peeked != 0
    }
}

impl Socket {
    /// Connects to the pipe of that name.
    ///
    /// If every instance is taken it waits, for 30 seconds at most, as libuv does; dropping the
    /// future cancels it. The server may identify the client, but not impersonate it
    /// (`SECURITY_IDENTIFICATION`).
    ///
    /// # Errors
    ///
    /// A missing name is [`NotFound`](crate::Code::NotFound), and a pipe that stays busy
    /// [`WouldBlock`](crate::Code::WouldBlock).
    pub async fn connect(grants: &Grants, path: &str) -> Result<Socket, Error> {
        let name = grants.locate(Access::Connect, path)?;
        let until = Instant::now() + BUSY;
        let mut pause = Duration::from_millis(1);
        loop {
            match ClientOptions::new().open(&name) {
                Ok(pipe) => return Ok(Socket::adopt(Pipe::Client(pipe))),
                Err(error)
                    if error.raw_os_error() == Some(ERROR_PIPE_BUSY.cast_signed())
                        && Instant::now() < until =>
                {
                    sleep(pause).await;
                    pause = (pause * 2).min(SILENCE);
                }
                Err(source) => {
                    return Err(Error::System {
                        access: Access::Connect,
                        path: shown(path),
                        source,
                    });
                }
            }
        }
    }

    pub(super) fn adopt(pipe: Pipe) -> Socket {
        Socket {
            pipe,
            ends: Mutex::default(),
        }
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is available, at most `buf.len()` bytes. Zero is the peer's end, if `buf` is not
    /// empty.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn poll_read(&self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_something(cx, |pipe| pipe.try_read(buf))
    }

    /// Waits until [`poll_read`](Socket::poll_read) has data, the end, or an error. Reads nothing.
    ///
    /// # Errors
    ///
    /// What a read would return.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // To read into nothing is to ask: tokio has read ahead, or waits.
        self.poll_something(cx, |pipe| pipe.try_read(&mut []).map(|_| 1))
            .map_ok(|_| ())
    }

    fn poll_something(
        &self,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&Pipe) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let mut ends = self.ends();
        if ends.read {
            return Poll::Ready(Ok(0));
        }
        while self.pipe.poll_read_ready(cx)?.is_ready() {
            match attempt(&self.pipe) {
                // An empty message is not the end. (Wine passes none on, so no test shows it.)
                // Who sends nothing else is heard again later, after others.
                Ok(0) if self.pipe.is_open() => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => {
                    if let Some(silence) = &mut ends.written {
                        silence.as_mut().reset(Instant::now() + SILENCE);
                    }
                    return Poll::Ready(read);
                }
            }
        }
        if let Some(silence) = &mut ends.written {
            ready!(silence.as_mut().poll(cx));
            ends.read = true;
            return Poll::Ready(Ok(0));
        }
        ends.reader = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Writes what is accepted of `buf` now: at least a byte, if `buf` is not empty, and at most 64
    /// KiB.
    ///
    /// # Errors
    ///
    /// `EPIPE` if the peer has closed the pipe.
    pub fn poll_write(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let buf = &buf[..buf.len().min(LONGEST_WRITE)];
        loop {
            ready!(self.poll_writable(cx))?;
            match self.pipe.try_write(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    /// Waits until [`poll_write`](Socket::poll_write) accepts something or has an error.
    ///
    /// # Errors
    ///
    /// `EPIPE` after [`shutdown_write`](Socket::shutdown_write).
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut ends = self.ends();
        if ends.written.is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let writable = self.pipe.poll_write_ready(cx);
        if writable.is_pending() {
            ends.writer = Some(cx.waker().clone());
        }
        writable
    }

    /// Ends writing.
    ///
    /// A pipe has no half-closed state, and only dropping the socket tells the peer. Until then
    /// reads continue, and when nothing has come for 50 ms they return the end, so that a program
    /// that waits for the peer's end closes the pipe. libuv, and so Node.js, does the same (it
    /// starts to count when the peer has read everything; this counts from now). A later answer is
    /// lost: a program that expects one should end writing after it.
    ///
    /// # Errors
    ///
    /// None.
    pub fn shutdown_write(&self) -> io::Result<()> {
        let mut ends = self.ends();
        if ends.written.is_none() {
            ends.written = Some(Box::pin(sleep_until(Instant::now() + SILENCE)));
        }
        wake(ends);
        Ok(())
    }

    /// Reads nothing more: reads return the end. The peer does not notice; what it writes waits
    /// until there is no more room.
    ///
    /// # Errors
    ///
    /// None.
    pub fn shutdown_read(&self) -> io::Result<()> {
        let mut ends = self.ends();
        ends.read = true;
        wake(ends);
        Ok(())
    }

    /// None: a pipe has no address.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        None
    }

    /// None: a pipe has no address.
    #[must_use]
    pub fn peer_address(&self) -> Option<SocketAddr> {
        None
    }

    /// No effect on a pipe.
    ///
    /// # Errors
    ///
    /// None.
    pub fn set_keep_alive(&self, _enabled: bool, _probes: Option<Probes>) -> io::Result<()> {
        Ok(())
    }

    /// No effect on a pipe.
    ///
    /// # Errors
    ///
    /// None.
    pub fn set_no_delay(&self, _enabled: bool) -> io::Result<()> {
        Ok(())
    }
}

/// Releases the lock and wakes the waiting tasks, to see what has changed.
fn wake(mut ends: MutexGuard<'_, Ends>) {
    let waiting = [ends.reader.take(), ends.writer.take()];
    drop(ends);
    for waker in waiting.into_iter().flatten() {
        waker.wake();
    }
}
