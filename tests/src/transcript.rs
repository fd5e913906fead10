//! What a running case has printed so far.

use plugnet_host::wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::AsyncWrite;

/// Shared between the running program, which adds to it, and the test, which waits for it.
#[derive(Clone, Default)]
pub(crate) struct Transcript(Arc<Shared>);

#[derive(Default)]
struct Shared {
    printed: Mutex<Printed>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct Printed {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// How the program ended, if it has: with an exit code or with what the host said.
    pub(crate) end: Option<Result<u8, String>>,
}

impl Printed {
    /// The lines that are complete.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.stdout);
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        complete.lines().map(str::to_owned).collect()
    }
}

impl Transcript {
    pub(crate) fn stdout(&self) -> Standard {
        Standard(self.clone(), |printed| &mut printed.stdout)
    }

    pub(crate) fn stderr(&self) -> Standard {
        Standard(self.clone(), |printed| &mut printed.stderr)
    }

    pub(crate) fn end(&self, end: Result<u8, String>) {
        self.change(|printed| printed.end = Some(end));
    }

    /// Waits until `look` finds what it looks for; at `deadline` it is `None`.
    pub(crate) fn wait<T>(
        &self,
        deadline: Instant,
        mut look: impl FnMut(&Printed) -> Option<T>,
    ) -> Option<T> {
        let mut printed = self.lock();
        loop {
            if let Some(found) = look(&printed) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return None;
            }
            let (guard, _) = self
                .0
                .changed
                .wait_timeout(printed, left)
                .unwrap_or_else(PoisonError::into_inner);
            printed = guard;
        }
    }

    /// Everything so far, for a failure's message.
    pub(crate) fn report(&self) -> String {
        let printed = self.lock();
        let indented = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.lines()
                .fold(String::new(), |all, line| all + "\n    " + line)
        };
        let end = match &printed.end {
            None => "is still running".to_owned(),
            Some(Ok(code)) => format!("ended with exit code {code}"),
            Some(Err(error)) => format!("failed: {error}"),
        };
        format!(
            "the program {end}\n  it printed:{}\n  on standard error:{}",
            indented(&printed.stdout),
            indented(&printed.stderr)
        )
    }

    fn change(&self, change: impl FnOnce(&mut Printed)) {
        change(&mut self.lock());
        self.0.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Printed> {
        self.0
            .printed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A standard stream of the program, and what part of [`Printed`] it goes to.
pub(crate) struct Standard(Transcript, fn(&mut Printed) -> &mut Vec<u8>);

impl IsTerminal for Standard {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Standard {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Standard(self.0.clone(), self.1))
    }
}

impl AsyncWrite for Standard {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let part = self.1;
        self.0
            .change(|printed| part(printed).extend_from_slice(bytes));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
