//! `plugnet compose`

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use super::{Failure, input, named, say};

/// Writes a program with the net component inside it.
///
/// The result imports WASI, plugnet:net/ipc for local sockets, and what else the program imports;
/// plugnet runs it. With --no-ipc it does not import plugnet:net/ipc, and runs on any host with
/// WASI 0.3, such as `wasmtime run -S inherit-network`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The program: a component that imports plugnet:net/net
    program: PathBuf,

    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    /// Denies every path (EACCES), for hosts without plugnet:net/ipc
    #[arg(long)]
    no_ipc: bool,
}

pub(super) fn compose(args: &Args) -> Result<u8, Failure> {
    let Args {
        program,
        output,
        no_ipc,
    } = args;
    let bytes = input::read(program, input::Content::Program)?;
    if is_same_file(program, output) {
        return Err(Failure::input(format!(
            "{}: this is the program itself. Give another file to write",
            named(output)
        )));
    }
    let composed = if *no_ipc {
        plugnet_host::compose_without_ipc(&bytes)
    } else {
        plugnet_host::compose(&bytes)
    };
    let composed = composed.map_err(|error| Failure::of_program(program, &error))?;
    if composed == bytes {
        say(format!(
            "note: {} does not import plugnet:net; {} is a copy of it",
            named(program),
            named(output)
        ));
    }
    write_whole(output, &composed).map_err(|error| {
        Failure::input(format!(
            "{}: the file cannot be written: {error}. Check the path and its permissions",
            named(output)
        ))
    })?;
    Ok(0)
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Writes the file or leaves it as it was: a reader never sees half of it.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // `rename` would answer with something less clear, or replace an empty directory.
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // It would take the place of a pipe or a device, and who reads there would wait for ever.
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        return Err(io::Error::other(
            "it is a pipe, a socket or a device, not a file",
        ));
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut part = name.to_owned();
    part.push(format!(".{}.part", process::id()));
    let part = path.with_file_name(part);

    // Never through a link or a file that someone else has put there.
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&part)?;
    let written = write_all(file, bytes).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

fn write_all(mut file: File, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes)?;
    file.sync_all()
}
