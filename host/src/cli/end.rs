//! How a run ended, which its exit code alone does not tell: a program may end with any.

use std::fmt;

use plugnet_host::Error;

/// Who or what ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum End {
    /// The program, by returning or by `exit`.
    Program,
    /// The program, by a trap.
    Trap,
    /// `--timeout`.
    Timeout,
    /// Ctrl-C or SIGTERM.
    Signal,
    /// `--audit-required`.
    Audit,
    /// It did not start, or the host failed.
    Host,
}

impl End {
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::Trap(_) => End::Trap,
            Error::Timeout(_) => End::Timeout,
            _ => End::Host,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::Program => "by the program",
            End::Trap => "by a trap",
            End::Timeout => "by the timeout",
            End::Signal => "by a signal",
            End::Audit => "by the audit",
            End::Host => "by the host",
        })
    }
}
