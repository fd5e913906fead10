//! `--audit`: what happened in a run, a line of JSON each.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use plugnet_host::Event;
use serde::Serialize;

use super::{Failure, say};

/// A file of events.
pub(super) struct Audit {
    /// None once it could not be written.
    file: Mutex<Option<File>>,
}

#[derive(Serialize)]
struct Line<'a> {
    /// UTC, RFC 3339, with milliseconds.
    time: String,
    #[serde(flatten)]
    event: &'a Event,
}

impl Audit {
    /// Opens the file, to add to it.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .map_err(|error| {
                Failure::input(format!(
                    "--audit {}: the file cannot be written: {error}. Check the path and its \
                     permissions",
                    path.display()
                ))
            })?;
        Ok(Audit {
            file: Mutex::new(Some(file)),
        })
    }

    /// Adds a line. A file that cannot be written any more is told of once.
    pub(super) fn write(&self, event: &Event) {
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        // Strings, numbers and truth values: there is nothing that JSON has not.
        let Ok(mut line) = serde_json::to_vec(&Line { time, event }) else {
            return;
        };
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // In one call, so that lines of several processes do not mix.
        if let Some(Err(error)) = file.as_mut().map(|file| file.write_all(&line)) {
            *file = None;
            say(format!("the audit cannot be written any more: {error}"));
        }
    }
}
