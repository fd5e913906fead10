//! Who provides `net` to the programs of this process.

use plugnet_host::RuntimeOptions;
use std::env;

/// The two forms. Every test runs in both: a test target whose name ends with `composed` has the
/// sources of the one without, and runs in the other form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The host does.
    Native,
    /// The net component does, inside of the program.
    Composed,
}

impl Form {
    /// The form of this process.
    pub fn of_process() -> Self {
        let file = env::current_exe().expect("the test's own file");
        let name = file.file_name().expect("a name").to_string_lossy();
        // cargo adds a number after the name.
        match name.rsplit_once('-') {
            Some((target, _)) if target.ends_with("composed") => Self::Composed,
            _ if cfg!(not(target_os = "linux")) => Self::Composed,
            _ => Self::Native,
        }
    }

    /// The runtime's options, with the cache.
    pub fn options(self) -> RuntimeOptions {
        RuntimeOptions {
            cache: true,
            composed: self == Self::Composed,
            ..RuntimeOptions::default()
        }
    }
}
