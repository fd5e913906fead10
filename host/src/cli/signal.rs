//! The signals that end a program.

use std::io;

/// Receives signals from its creation on.
pub(super) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Starts to receive Ctrl-C and SIGTERM, which no longer end this process by themselves.
    pub(super) fn hear() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Signals {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for one of them, and returns the exit code that a shell reports for it.
    pub(super) async fn received(mut self) -> io::Result<u8> {
        tokio::select! {
            _ = self.interrupt.recv() => Ok(128 + 2),
            _ = self.terminate.recv() => Ok(128 + 15),
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Does nothing: Ctrl-C is received from `received` on.
    pub(super) fn hear() -> io::Result<Self> {
        Ok(Signals {})
    }

    /// Waits for Ctrl-C, and returns the exit code that a Unix shell reports for it.
    pub(super) async fn received(self) -> io::Result<u8> {
        tokio::signal::ctrl_c().await?;
        Ok(128 + 2)
    }
}
