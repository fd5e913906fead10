//! The commands, and what they have in common: how they fail.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use plugnet_host::policy::shown;
use plugnet_host::{Error, Runtime, RuntimeOptions};

mod audit;
mod check;
mod code;
mod compile;
mod compose;
mod demo;
mod input;
mod journal;
mod output;
mod policy;
mod run;
mod signal;

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
    /// Prints the WIT package: save it, and build a program against it.
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
        let message = format!("{}: {error}", path.display());
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
            Error::Directory { .. } | Error::Grant(_) => Failure::input(error),
            _ => Failure::host(error),
        }
    }
}

pub(crate) fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Run(args) => run::run(*args),
        Command::Check(args) => check::check(&args),
        Command::Compose(args) => compose::compose(&args),
        Command::Compile(args) => compile::compile(&args),
        Command::Demo => demo::demo(),
        Command::Wit => print(plugnet_host::WIT),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(Failure { message, code }) => {
            say(message);
            ExitCode::from(code)
        }
    }
}

/// Prints a line of plugnet's own to standard error.
///
/// That nobody reads it is no reason to fail, which `eprintln!` would. What a program has to do with
/// it, the names of its functions and imports, does not move the cursor.
fn say(message: impl fmt::Display) {
    let message = message.to_string();
    let lines: Vec<String> = message.lines().map(shown).collect();
    let _ = writeln!(io::stderr(), "plugnet: {}", lines.join("\n"));
}

/// Prints to standard output. A reader that has seen enough, like `head`, is no failure.
fn print(text: &str) -> Result<u8, Failure> {
    match io::stdout().write_all(text.as_bytes()) {
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
fn runtime(max_code: Option<u64>) -> Result<Runtime, Failure> {
    let options = |cache| RuntimeOptions {
        cache,
        uninterruptible: true,
        max_code,
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
