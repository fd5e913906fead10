//! The commands, and how they fail.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use clap::{Parser, Subcommand};
use plugnet_host::policy::shown;
use plugnet_host::{Error, Runtime, RuntimeOptions};

mod audit;
mod check;
mod code;
mod compile;
mod compose;
mod demo;
mod end;
mod input;
mod journal;
mod output;
mod outside;
mod policy;
mod run;
mod signal;
mod voice;

use voice::Voice;

/// Node.js's net for WebAssembly components.
#[derive(Parser)]
#[command(name = "plugnet", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(Box<run::Args>),
    Check(Box<check::Args>),
    Compose(compose::Args),
    Compile(compile::Args),
    /// Runs Node's echo example: a server and a client, two sandboxed programs, over TCP on
    /// loopback and over a UNIX domain socket (on Windows a named pipe).
    Demo,
    /// Prints the WIT package to build programs against.
    Wit,
}

/// Why a command failed: what to print, and the exit code.
struct Failure {
    message: String,
    code: u8,
}

/// The host or the system failed.
const HOST_FAILED: u8 = 1;
/// The command line, or a file it names, is wrong. clap ends with the same code.
const WRONG_INPUT: u8 = 2;
/// As timeout(1) ends.
const TIMED_OUT: u8 = 124;
/// As a shell reports a process that ended by SIGABRT.
const TRAPPED: u8 = 134;

impl Failure {
    fn host(message: impl fmt::Display) -> Self {
        Failure {
            message: message.to_string(),
            code: HOST_FAILED,
        }
    }

    fn input(message: impl fmt::Display) -> Self {
        Failure {
            message: message.to_string(),
            code: WRONG_INPUT,
        }
    }

    /// A failure that concerns the program in the file `path`.
    fn of_program(path: &Path, error: &Error) -> Self {
        let message = format!("{}: {error}", named(path));
        match error {
            Error::Program(_) => Failure::input(message),
            Error::Trap(_) => Failure {
                message,
                code: TRAPPED,
            },
            Error::Timeout(_) => Failure {
                message,
                code: TIMED_OUT,
            },
            Error::Directory { .. } | Error::DirectoryRefused { .. } | Error::Grant(_) => {
                Failure::input(error)
            }
            _ => Failure::host(error),
        }
    }
}

pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() => return usage(&error),
        // What was asked for, as --help.
        Err(error) => error.exit(),
    };
    let result = match cli.command {
        Command::Run(args) => run::run(*args),
        Command::Check(args) => check::check(&args),
        Command::Compose(args) => compose::compose(&args),
        Command::Compile(args) => compile::compile(&args),
        Command::Demo => demo::demo(),
        Command::Wit => print(plugnet_host::WIT),
    };
    let code = match result {
        Ok(code) => code,
        Err(Failure { message, code }) => {
            say(message);
            code
        }
    };
    Voice::err().finish();
    keep_stdout();
    ExitCode::from(code)
}

/// Says what is wrong with the command line, as clap does, but to whoever reads it or does not.
fn usage(error: &clap::Error) -> ExitCode {
    let text = error.render();
    Voice::err().say(if io::stderr().is_terminal() {
        text.ansi().to_string()
    } else {
        text.to_string()
    });
    Voice::err().finish();
    ExitCode::from(WRONG_INPUT)
}

/// Keeps standard output from being written to from now on.
///
/// The process would not end before a reader took what is in its buffer. A program that has ended in
/// order has none there; of one that was stopped, only what a reader takes soon is written.
fn keep_stdout() {
    let (done, flushed) = mpsc::channel();
    let keeper = thread::Builder::new().spawn(move || {
        let mut stdout = io::stdout().lock();
        // That nobody reads is no reason to fail.
        let _ = stdout.flush();
        let _ = done.send(());
        loop {
            thread::park();
        }
    });
    if keeper.is_ok() {
        let _ = flushed.recv_timeout(voice::PATIENCE);
    }
}

/// Says something of plugnet's own on standard error.
///
/// That nobody reads it is no reason to fail, or to wait for long. What a program has to do with it, the
/// names of its functions and imports, does not move the cursor, and does not look like another message.
fn say(message: impl fmt::Display) {
    Voice::err().say(format!("plugnet: {}\n", message_text(&message.to_string())));
}

/// A message as it is printed: each line but the first begins with white space.
fn message_text(message: &str) -> String {
    let message = &message[..message.floor_char_boundary(LONGEST_MESSAGE)];
    let mut lines = message.lines().map(shown);
    let mut text = lines.next().unwrap_or_default();
    for line in lines {
        text.push('\n');
        if !line.starts_with(' ') {
            text.push_str("  ");
        }
        text.push_str(&line);
    }
    text
}

/// Longer than any message has to be.
const LONGEST_MESSAGE: usize = 32 * 1024;

/// A file's name in a message.
fn named(path: &Path) -> String {
    shown(&path.display().to_string())
}

/// Prints to standard output. A reader that has seen enough, like `head`, is no failure.
fn print(text: &str) -> Result<u8, Failure> {
    let mut stdout = io::stdout();
    let printed = stdout.write_all(text.as_bytes());
    match printed.and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::host(format!(
            "standard output cannot be written: {error}"
        ))),
        _ => Ok(0),
    }
}

/// The runtime of the commands: with the cache, as long as there is a place for it.
///
/// A program that never waits is not interrupted: `run` ends the process then, and the programs
/// of the demo wait.
fn runtime(options: RuntimeOptions) -> Result<Runtime, Failure> {
    let options = |cache| RuntimeOptions {
        cache,
        uninterruptible: true,
        ..options.clone()
    };
    match Runtime::new(options(true)) {
        Err(Error::Cache(reason)) => {
            say(format!("note: compiled code is not cached: {reason}"));
            Runtime::new(options(false)).map_err(Failure::host)
        }
        result => result.map_err(Failure::host),
    }
}

/// An executor that uses the thread that waits for it, and no other.
fn executor() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(no_threads)
}

fn no_threads(error: io::Error) -> Failure {
    Failure::host(format!("threads cannot be started: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message in several lines does not look like several messages, whatever is in it.
    #[test]
    fn one_message_looks_like_one() {
        let text = message_text("a\u{202e}b\nplugnet: c\n    d\u{9b}\r\n");
        assert_eq!(text, "a\\u{202e}b\n  plugnet: c\n    d\\u{9b}");
        assert!(message_text(&"é".repeat(1 << 20)).len() <= LONGEST_MESSAGE);
    }
}
