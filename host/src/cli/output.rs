//! Writes the files that a command makes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use super::{Failure, named};

/// Refuses to write over what is read.
pub(super) fn is_another(read: &Path, written: &Path) -> Result<(), Failure> {
    if is_same_file(read, written) {
        return Err(Failure::input(format!(
            "{}: this is the program itself. Give another file to write",
            named(written)
        )));
    }
    Ok(())
}

/// Writes the file.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_whole(path, bytes).map_err(|error| {
        Failure::input(format!(
            "{}: the file cannot be written: {error}. Check the path and its permissions",
            named(path)
        ))
    })
}

/// Where a process writes the file before it is whole.
pub(super) fn part(path: &Path, process: u32) -> Option<PathBuf> {
    let mut part = path.file_name()?.to_owned();
    part.push(format!(".{process}.part"));
    Some(path.with_file_name(part))
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
    let part = part(path, process::id()).ok_or(io::ErrorKind::InvalidFilename)?;

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
