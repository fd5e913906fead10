//! Reads the input files of a command.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::{Failure, named};

/// The expected content of a file.
#[derive(Clone, Copy)]
pub(super) enum Content {
    Program,
    Policy,
}

impl Content {
    /// How to find it in a directory.
    fn in_directory(self) -> &'static str {
        match self {
            Content::Program => "Give the path of a component in it, a .wasm file",
            Content::Policy => "Give the path of a policy in it, a .toml file",
        }
    }

    /// How many bytes are read of it. Of a program `--max-code` allows fewer, or as many.
    fn most(self) -> u64 {
        match self {
            Content::Program => 1 << 30,
            Content::Policy => 16 << 20,
        }
    }

    /// A hint for a path that does not exist.
    fn if_missing(self) -> &'static str {
        match self {
            Content::Program => {
                "Check the path; cargo puts programs in target/wasm32-wasip2/release"
            }
            Content::Policy => "Check the path",
        }
    }
}

/// Reads the file at `path`.
pub(super) fn read(path: &Path, content: Content) -> Result<Vec<u8>, Failure> {
    let name = named(path);
    if path.is_dir() {
        let advice = content.in_directory();
        return Err(Failure::input(format!(
            "{name}: this is a directory. {advice}"
        )));
    }
    read_bounded(path, content.most()).map_err(|error| {
        Failure::input(match error.kind() {
            ErrorKind::NotFound => {
                format!("{name}: there is no such file. {}", content.if_missing())
            }
            ErrorKind::PermissionDenied => {
                format!("{name}: the file may not be read. Check its permissions")
            }
            ErrorKind::FileTooLarge => format!(
                "{name}: the file is larger than {} MiB, which is the most. {}",
                content.most() >> 20,
                content.if_missing()
            ),
            _ => format!("{name}: the file cannot be read: {error}. Check the path"),
        })
    })
}

/// A device or a pipe may have no end.
fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    let read = File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if read as u64 > most {
        return Err(ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
