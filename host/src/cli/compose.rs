//! `plugnet compose`

use std::path::PathBuf;

use super::{Failure, input, named, output, say};

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
        output: file,
        no_ipc,
    } = args;
    let bytes = input::read(program, input::Content::Program)?;
    output::is_another(program, file)?;
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
            named(file)
        ));
    }
    output::write(file, &composed)?;
    Ok(0)
}
