//! Runs scenarios on Node's `net`.

use crate::peers::Peers;
use crate::scenario::{Variant, directory};
use plugnet_tests::peer::Folder;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// How long a scenario may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Whether there is a Node, and it is the one whose traces are committed.
pub fn is_present() -> Result<(), String> {
    let version = Command::new("node").arg("--version").output();
    match version {
        Ok(output) => {
            let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            if version.starts_with("v20.") {
                Ok(())
            } else {
                Err(format!("node is {version}, the traces are those of v20"))
            }
        }
        Err(error) => Err(format!("there is no node: {error}")),
    }
}

/// The trace of a scenario.
pub fn run(variant: &Variant<'_>) -> Result<Vec<String>, String> {
    let (scenario, folder) = (variant.scenario, Folder::new());
    let mut node = Command::new("node")
        .arg(directory().join("runner.mjs"))
        .arg(variant.transport())
        .args([folder.path(), &scenario.path])
        .env_remove("NODE_OPTIONS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{}: node does not start: {error}", variant.name()))?;
    let stdin = Arc::new(Mutex::new(node.stdin.take().expect("it is piped")));
    let stdout = node.stdout.take().expect("it is piped");
    let mut stderr = node.stderr.take().expect("it is piped");
    let (ended, end) = channel::<()>();
    let watch = thread::spawn(move || watch(node, &end));
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
fn watch(mut node: Child, end: &std::sync::mpsc::Receiver<()>) -> Result<(), String> {
    let over = matches!(end.recv_timeout(LIMIT), Err(RecvTimeoutError::Disconnected));
    if !over {
        _ = node.kill();
    }
    let status = node.wait();
    match status {
        _ if !over => Err(format!("did not end within {LIMIT:?}")),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("failed: {status}")),
        Err(error) => Err(format!("failed: {error}")),
    }
}
