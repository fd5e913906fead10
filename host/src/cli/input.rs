//! Reads the program that a command was given.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::Failure;

/// The bytes of the file at `path`.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let name = path.display();
    if path.is_dir() {
        return Err(Failure::input(format!(
            "{name}: this is a directory. Give the path of a component in it, a .wasm file"
        )));
    }
    fs::read(path).map_err(|error| {
        Failure::input(match error.kind() {
            ErrorKind::NotFound => format!(
                "{name}: there is no such file. Check the path; cargo puts programs in \
                 target/wasm32-wasip2/release"
            ),
            ErrorKind::PermissionDenied => {
                format!("{name}: the file may not be read. Check its permissions")
            }
            _ => format!("{name}: the file cannot be read: {error}. Check the path"),
        })
    })
}
