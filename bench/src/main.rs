//! Measures plugnet beside Node's `net`, a component straight on WASI, and a native program.
//!
//! `cargo run --release -p plugnet-bench`. See `docs/performance.md`.

#![deny(missing_docs)]

#[cfg(target_os = "linux")]
mod case;
#[cfg(target_os = "linux")]
mod command_line;
#[cfg(target_os = "linux")]
mod generator;
#[cfg(target_os = "linux")]
mod measure;
#[cfg(target_os = "linux")]
mod pattern;
#[cfg(target_os = "linux")]
mod place;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod side;
#[cfg(target_os = "linux")]
mod usage;

#[cfg(target_os = "linux")]
fn main() -> anyhow::Result<()> {
    command_line::run()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!(
        "plugnet-bench: it reads a process's CPU time and memory from /proc, so that it runs on Linux only"
    );
    std::process::exit(2);
}
