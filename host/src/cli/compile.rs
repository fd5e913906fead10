//! `plugnet compile`

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use plugnet_host::policy::{ByteSize, TimeLimit};
use plugnet_host::{Runtime, RuntimeOptions};

use super::code::CodeArgs;
use super::policy::USE;
use super::{Failure, TIMED_OUT, WRONG_INPUT, input, output};

/// Compiles a program ahead, in a process of its own and under limits of the system.
///
/// `plugnet run --compiled` starts what it makes at once. Keep it where nobody else can write:
/// it is machine code, and trusted. Only the same version of plugnet on the same kind of machine
/// takes it.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The program: a component
    program: PathBuf,

    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// For the library's `Runtime::load_compiled`, which interrupts programs unless it was told
    /// otherwise; `plugnet run` does not
    #[arg(long)]
    interruptible: bool,

    #[command(flatten)]
    code: CodeArgs,

    /// Memory that compiling may take
    #[arg(long, value_name = "BYTES", default_value = "4GiB", help_heading = USE)]
    max_memory: ByteSize,

    /// Time that compiling may take
    #[arg(long, value_name = "TIME", default_value = "10m", help_heading = USE)]
    timeout: TimeLimit,

    /// Compiles in this process
    #[arg(long, hide = true)]
    here: bool,
}

pub(super) fn compile(args: &Args) -> Result<u8, Failure> {
    if args.here {
        limit(args).map_err(|error| Failure::host(format!("no limit can be set: {error}")))?;
        return compile_here(args);
    }
    // Before anything is started for nothing.
    output::is_another(&args.program, &args.output)?;
    // The same command line, and one word more.
    let own = env::current_exe().map_err(unstarted)?;
    let mut child = Command::new(own)
        .args(env::args_os().skip(1))
        .arg("--here")
        .spawn()
        .map_err(unstarted)?;
    let limit = args.timeout.duration();
    let status = wait(&mut child, limit).map_err(unstarted)?;
    if let Some(code) = status.and_then(|status| status.code()) {
        // It has said itself what is wrong.
        return Ok(u8::try_from(code).unwrap_or(WRONG_INPUT));
    }
    if let Some(part) = output::part(&args.output, child.id()) {
        // There may be none.
        let _ = std::fs::remove_file(part);
    }
    let name = args.program.display();
    Err(match status {
        None => Failure {
            message: format!(
                "{name}: compiling did not end within {} and was stopped. If you trust the \
                 program, give it more: --timeout",
                args.timeout
            ),
            code: TIMED_OUT,
        },
        Some(status) => Failure::input(format!(
            "{name}: compiling was ended by the system ({status}), which it does when more than \
             {} of memory are needed. If you trust the program, give it more: --max-memory",
            args.max_memory
        )),
    })
}

fn compile_here(args: &Args) -> Result<u8, Failure> {
    let runtime = Runtime::new(RuntimeOptions {
        uninterruptible: !args.interruptible,
        ..args.code.options()
    })
    .map_err(Failure::host)?;
    let bytes = input::read(&args.program, input::Content::Program)?;
    let compiled = runtime
        .compile(&bytes)
        .map_err(|error| Failure::of_program(&args.program, &error))?;
    output::write(&args.output, &compiled)?;
    Ok(0)
}

/// Waits for the end of the process, and ends it itself when the time is over.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    const STEP: Duration = Duration::from_millis(10);
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        let Some(left) = limit.checked_sub(start.elapsed()) else {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        };
        thread::sleep(left.min(STEP));
    }
}

/// Holds this process to the limits, and to the life of the one that started it.
#[cfg(target_os = "linux")]
fn limit(args: &Args) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

    let at_most = |number| Rlimit {
        current: Some(number),
        maximum: Some(number),
    };
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // A compiler that runs out of memory aborts, and what it had in it is nobody's business.
    setrlimit(Resource::Core, at_most(0))?;
    setrlimit(Resource::Data, at_most(args.max_memory.bytes()))?;
    Ok(())
}

/// Other systems do not hold a process to what memory it may have.
#[cfg(not(target_os = "linux"))]
fn limit(_: &Args) -> io::Result<()> {
    Ok(())
}

fn unstarted(error: io::Error) -> Failure {
    Failure::host(format!("no process can be started to compile in: {error}"))
}
