//! Reads the input files of a command.

use std::fs;
use std::io::ErrorKind;
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
    fs::read(path).map_err(|error| {
        Failure::input(match error.kind() {
            ErrorKind::NotFound => {
                format!("{name}: there is no such file. {}", content.if_missing())
            }
            ErrorKind::PermissionDenied => {
                format!("{name}: the file may not be read. Check its permissions")
            }
            _ => format!("{name}: the file cannot be read: {error}. Check the path"),
        })
    })
}
