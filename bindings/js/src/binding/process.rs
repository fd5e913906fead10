//! `binding.process`: arguments, environment, standard streams, the end.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rquickjs::{Ctx, Function, Object, Result, Value};

use super::bytes::Bytes;
use crate::wasi::cli::{environment, exit, terminal_stderr, terminal_stdin, terminal_stdout};
use crate::{embedded, stdin};

thread_local! {
    static EXIT_CODE: Cell<u8> = const { Cell::new(0) };
    /// The current folder, which the program need not be able to reach.
    static FOLDER: RefCell<PathBuf> = RefCell::new("/".into());
}

/// What the program ends with if it does not call `exit`.
pub(crate) fn exit_code() -> u8 {
    EXIT_CODE.get()
}

pub(super) fn define<'js>(ctx: &Ctx<'js>, process: &Object<'js>) -> Result<()> {
    process.set("argv", environment::get_arguments())?;
    let env = Object::new(ctx.clone())?;
    for (name, value) in environment::get_environment() {
        env.set(name, value)?;
    }
    process.set("env", env)?;
    if let Some(folder) = environment::get_initial_cwd() {
        FOLDER.set(folder.into());
    }
    process.set("builtins", embedded::names())?;
    for (name, function) in [
        ("cwd", Function::new(ctx.clone(), cwd)?),
        ("chdir", Function::new(ctx.clone(), chdir)?),
        ("write", Function::new(ctx.clone(), write)?),
        ("readStdin", Function::new(ctx.clone(), stdin::read)?),
        ("isTty", Function::new(ctx.clone(), is_tty)?),
        ("exit", Function::new(ctx.clone(), end)?),
        (
            "setExitCode",
            Function::new(ctx.clone(), |code: u8| EXIT_CODE.set(code))?,
        ),
        ("memoryUsage", Function::new(ctx.clone(), memory_usage)?),
    ] {
        process.set(name, function)?;
    }
    Ok(())
}

fn cwd() -> String {
    FOLDER.with_borrow(|folder| folder.display().to_string())
}

/// Changes the current folder to an absolute path that `lib/process.js` has checked.
fn chdir(folder: String) {
    FOLDER.set(folder.into());
}

/// A path as the program means it: relative ones are of its current folder.
pub(super) fn absolute(path: &str) -> PathBuf {
    FOLDER.with_borrow(|folder| folder.join(Path::new(path)))
}

/// Writes to standard output (1) or standard error (2). False if nobody reads it any more.
fn write(descriptor: u32, data: Bytes<'_>) -> bool {
    data.with(|data| {
        let written = if descriptor == 2 {
            io::stderr().write_all(data)
        } else {
            let mut stdout = io::stdout().lock();
            stdout.write_all(data).and_then(|()| stdout.flush())
        };
        written.is_ok()
    })
}

fn is_tty(descriptor: u32) -> bool {
    match descriptor {
        0 => terminal_stdin::get_terminal_stdin().is_some(),
        1 => terminal_stdout::get_terminal_stdout().is_some(),
        2 => terminal_stderr::get_terminal_stderr().is_some(),
        _ => false,
    }
}

/// Ends the program at once.
fn end(code: u8) {
    exit::exit_with_code(code);
}

/// What `process.memoryUsage()` gives.
fn memory_usage(ctx: Ctx<'_>) -> Result<Value<'_>> {
    // SAFETY: it fills the record in.
    let usage = unsafe {
        let mut usage = std::mem::zeroed();
        let runtime = rquickjs::qjs::JS_GetRuntime(ctx.as_raw().as_ptr());
        rquickjs::qjs::JS_ComputeMemoryUsage(runtime, &raw mut usage);
        usage
    };
    let memory = Object::new(ctx.clone())?;
    let pages = core::arch::wasm32::memory_size(0);
    #[expect(clippy::cast_precision_loss, reason = "no memory is that large")]
    {
        memory.set("rss", (pages << 16) as f64)?;
        memory.set("heapTotal", usage.malloc_size as f64)?;
        memory.set("heapUsed", usage.memory_used_size as f64)?;
        memory.set("external", usage.binary_object_size as f64)?;
        memory.set("arrayBuffers", usage.binary_object_size as f64)?;
    }
    Ok(memory.into_value())
}
