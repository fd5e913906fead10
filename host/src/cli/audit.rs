//! `--audit`: what happened in a run, a line of JSON each.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::journal::Entry;
use super::{Failure, say};

/// A file of entries.
pub(super) struct Audit {
    /// None once it could not be written.
    file: Mutex<Option<File>>,
}

#[derive(serde::Serialize)]
struct Line<'a> {
    /// UTC, RFC 3339, with milliseconds.
    time: String,
    #[serde(flatten)]
    entry: Fields<'a>,
}

/// An entry as a map whose `event` says which it is.
struct Fields<'a>(Entry<'a>);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Entry::Event(event) => event.serialize(serializer),
            Entry::Repeat(event, times) => {
                let mut fields = serializer.serialize_map(None)?;
                fields.serialize_entry("event", "repeat")?;
                fields.serialize_entry("times", &times)?;
                fields.serialize_entry("decision", event)?;
                fields.end()
            }
            Entry::Omitted(events) => {
                let mut fields = serializer.serialize_map(None)?;
                fields.serialize_entry("event", "omitted")?;
                fields.serialize_entry("events", &events)?;
                fields.end()
            }
        }
    }
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
    pub(super) fn write(&self, entry: Entry<'_>) {
        let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
        // Strings, numbers and truth values: there is nothing that JSON has not.
        let Ok(mut line) = serde_json::to_vec(&Line {
            time,
            entry: Fields(entry),
        }) else {
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
