//! Runs scenarios on Node's `net`.

use super::peers::Peers;
use super::scenario::{Variant, directory};
use plugnet_tests::peer::Folder;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long a scenario may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The Node whose traces are committed.
const REFERENCE: &str = "v26.";

/// A Node to compare with.
pub struct Node {
    program: PathBuf,
    /// `v26.12.1`.
    version: String,
}

impl Node {
    /// The one that `PLUGNET_NODE` names, whatever its version; else the reference, from where
    /// `.ci/node` puts it or from the path. Or why there is none.
    pub fn find() -> Result<Self, String> {
        if let Some(program) = env::var_os("PLUGNET_NODE").filter(|program| !program.is_empty()) {
            return Self::at(PathBuf::from(program));
        }
        let fetched = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/node/26/bin/node");
        let node = Self::at(PathBuf::from(fetched)).or_else(|_| Self::at("node".into()))?;
        if !node.is_reference() {
            return Err(format!(
                "node is {}, the traces are those of {REFERENCE}x, which .ci/node gets",
                node.version
            ));
        }
        Ok(node)
    }

    /// Whether the committed traces are those of this version.
    pub fn is_reference(&self) -> bool {
        self.version.starts_with(REFERENCE)
    }

    fn at(program: PathBuf) -> Result<Self, String> {
        let shown = program.display();
        let output = Command::new(&program).arg("--version").output();
        let output = output.map_err(|error| format!("{shown} does not start: {error}"))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        if !output.status.success() || !version.starts_with('v') {
            return Err(format!("{shown} is no Node"));
        }
        Ok(Self { program, version })
    }
}

/// The trace of a scenario.
pub fn run(node: &Node, variant: &Variant<'_>) -> Result<Vec<String>, String> {
    let folder = Folder::new();
    play(Command::new(&node.program), &folder, LIMIT, variant)
}

/// The trace of a scenario on what `command` starts, which takes Node's arguments.
pub fn play(
    mut command: Command,
    folder: &Folder,
    limit: Duration,
    variant: &Variant<'_>,
) -> Result<Vec<String>, String> {
    let mut node = command
        .arg(directory().join("runner.mjs"))
        .arg(variant.transport())
        .args([folder.path(), &variant.scenario.path])
        .env_remove("NODE_OPTIONS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: it does not start: {error}", variant.name()))?;
    let stdin = Arc::new(Mutex::new(node.stdin.take().expect("it is piped")));
    let stdout = node.stdout.take().expect("it is piped");
    let mut stderr = node.stderr.take().expect("it is piped");
    let (ended, end) = channel::<()>();
    let watch = thread::spawn(move || watch(node, limit, &end));
    let said = thread::spawn(move || {
        let mut said = String::new();
        _ = stderr.read_to_string(&mut said);
        said
    });
    let mut peers = Peers::new(move |reply: String| {
        let mut stdin = stdin.lock().expect("nobody panics with it");
        // Node may be over.
        _ = writeln!(stdin, "{reply}");
    });
    let mut trace = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(|error| format!("{}: {error}", variant.name()))?;
        if !peers.take(&line) {
            trace.push(line);
        }
    }
    drop(ended);
    let outcome = watch.join().expect("it does not panic");
    let said = said.join().expect("it does not panic");
    trace.extend(peers.finish());
    match outcome {
        Ok(()) => Ok(trace),
        Err(how) => Err(format!(
            "{} {how}\n{said}\n{}",
            variant.name(),
            trace.join("\n")
        )),
    }
}

/// Waits until Node has closed its output and ended; kills it at the time limit.
fn watch(
    mut node: Child,
    limit: Duration,
    end: &std::sync::mpsc::Receiver<()>,
) -> Result<(), String> {
    let over = matches!(end.recv_timeout(limit), Err(RecvTimeoutError::Disconnected));
    if !over {
        _ = node.kill();
    }
    let status = node.wait();
    match status {
        _ if !over => Err(format!("did not end within {limit:?}")),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("failed: {status}")),
        Err(error) => Err(format!("failed: {error}")),
    }
}
