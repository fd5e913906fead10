//! Runs scenarios by `runner.mjs` in the sandbox, on the `net` of the JavaScript runtime.

use super::on_node::play;
use super::scenario::{Variant, directory};
use plugnet_tests::peer::Folder;
use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// How long a scenario may take: QuickJS needs some seconds for the checksum of 20 MB.
const LIMIT: Duration = Duration::from_secs(120);

/// The `plugnet` with the feature `js` that `PLUGNET_JS` names.
pub fn plugnet() -> Option<PathBuf> {
    env::var_os("PLUGNET_JS")
        .filter(|program| !program.is_empty())
        .map(PathBuf::from)
}

/// The trace of a scenario.
pub fn run(plugnet: &PathBuf, variant: &Variant<'_>) -> Result<Vec<String>, String> {
    let folder = Folder::new();
    let path = folder.path().display();
    let mut command = Command::new(plugnet);
    command
        .args(["run", "--allow-net"])
        .args([
            format!("--allow-ipc={path}/"),
            format!("--allow-ipc=@{path}/"),
        ])
        .arg(format!("--dir={path}"))
        .arg(format!("--dir={}", directory().display()));
    play(command, &folder, LIMIT, variant)
}
