//! `--audit`: the events of a run, a line of JSON each.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use plugnet_host::policy::is_plain;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::{Formatter, Serializer as JsonSerializer};

use super::journal::{Entry, Omitted};
use super::{Failure, named, outside, say};

/// How long after a failure to try again.
const PAUSE: Duration = Duration::from_secs(1);

/// The file of events.
pub(super) struct Audit(Mutex<State>);

struct State {
    file: File,
    /// The rest of a line that was written in part.
    rest: Vec<u8>,
    /// How many lines could not be written.
    lost: u64,
    /// When writing last failed; none if it works.
    failed: Option<Instant>,
}

#[derive(serde::Serialize)]
struct Line<'a> {
    /// UTC, RFC 3339, with milliseconds.
    time: String,
    #[serde(flatten)]
    entry: Fields<'a>,
}

/// An event as a map whose `event` names the kind.
struct Fields<'a>(Entry<'a>);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Entry::Event(event) = self.0 {
            return event.serialize(serializer);
        }
        let mut fields = serializer.serialize_map(None)?;
        match self.0 {
            Entry::Event(_) => {}
            Entry::Repeat(event, times) => {
                fields.serialize_entry("event", "repeat")?;
                fields.serialize_entry("times", &times)?;
                fields.serialize_entry("decision", event)?;
            }
            Entry::Omitted(omitted) => {
                fields.serialize_entry("event", "omitted")?;
                fields.serialize_entry("events", &omitted.all())?;
                let Omitted {
                    connections,
                    denied,
                    allowed,
                    refused,
                } = omitted;
                fields.serialize_entry("connections", &connections)?;
                fields.serialize_entry("denied", &denied)?;
                fields.serialize_entry("allowed", &allowed)?;
                fields.serialize_entry("refused", &refused)?;
            }
            Entry::Lost(events) => {
                fields.serialize_entry("event", "lost")?;
                fields.serialize_entry("events", &events)?;
            }
            Entry::End(end, code) => {
                fields.serialize_entry("event", "end")?;
                fields.serialize_entry("by", &end)?;
                fields.serialize_entry("code", &code)?;
            }
        }
        fields.end()
    }
}

/// JSON in which all unprintable characters are escaped, also those that JSON allows.
struct Plain;

impl Formatter for Plain {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for part in fragment.split_inclusive(|c| !is_plain(c)) {
            let end = part.chars().next_back().filter(|c| !is_plain(*c));
            let plain = &part[..part.len() - end.map_or(0, char::len_utf8)];
            writer.write_all(plain.as_bytes())?;
            let mut units = [0; 2];
            for unit in end
                .into_iter()
                .flat_map(|c| c.encode_utf16(&mut units).to_vec())
            {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

fn line(entry: Entry<'_>) -> Vec<u8> {
    let time = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
    let line = Line {
        time,
        entry: Fields(entry),
    };
    let mut bytes = vec![];
    // Strings, numbers and truth values, into memory: nothing of it fails.
    let _ = line.serialize(&mut JsonSerializer::with_formatter(&mut bytes, Plain));
    bytes.push(b'\n');
    bytes
}

impl Audit {
    /// Opens the file to append to it. It must lie outside of the folders.
    pub(super) fn open<'a>(
        path: &Path,
        folders: impl IntoIterator<Item = &'a Path>,
    ) -> Result<Self, Failure> {
        let unwritable = |error: io::Error| {
            Failure::input(format!(
                "--audit {}: the file cannot be written: {error}. Check the path and its permissions",
                named(path)
            ))
        };
        let place = outside::place(path).map_err(unwritable)?;
        outside::check("--audit", &place, folders)?;
        let file = open(&place).map_err(unwritable)?;
        Ok(Audit(Mutex::new(State {
            file,
            rest: vec![],
            lost: 0,
            failed: None,
        })))
    }

    /// Appends a line and returns its length. Reports once when the file cannot be written, and
    /// once when it can again.
    ///
    /// # Errors
    ///
    /// If it cannot be written now. A later line tries again.
    pub(super) fn write(&self, entry: Entry<'_>) -> (usize, io::Result<()>) {
        let line = line(entry);
        let mut state = self.state();
        let paused = state.failed.is_some_and(|failed| failed.elapsed() < PAUSE);
        if paused && !matches!(entry, Entry::End(..)) {
            state.lost += 1;
            return (line.len(), Err(io::ErrorKind::WouldBlock.into()));
        }
        let written = state.write(&line);
        match (&written, state.failed) {
            (Err(error), None) => {
                say(format!(
                    "the audit cannot be written: {error}. It is tried again every second"
                ));
            }
            (Ok(lost), Some(_)) => {
                say(format!(
                    "the audit is written again; {lost} lines are missing"
                ));
            }
            _ => {}
        }
        state.failed = written.is_err().then(Instant::now);
        (line.len(), written.map(drop))
    }

    /// How many lines are missing.
    pub(super) fn lost(&self) -> u64 {
        self.state().lost
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds it panics half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Writes what is pending, and the line. Returns how many were lost before it.
    fn write(&mut self, line: &[u8]) -> io::Result<u64> {
        if let Err(error) = self.write_owed() {
            self.lost += 1;
            return Err(error);
        }
        let lost = std::mem::take(&mut self.lost);
        // In one call, so that lines of several processes do not mix.
        self.rest.extend_from_slice(line);
        let written = self.write_rest();
        // Of a line that was begun the rest follows. One that was not is lost.
        if written.is_err() && self.rest.len() == line.len() {
            self.rest.clear();
            self.lost = 1;
        }
        written.map(|()| lost)
    }

    /// Writes the rest of an earlier line, and how many lines are lost.
    fn write_owed(&mut self) -> io::Result<()> {
        self.write_rest()?;
        if self.lost > 0 {
            let told = line(Entry::Lost(self.lost));
            self.rest.extend_from_slice(&told);
            let written = self.write_rest();
            if written.is_err() && self.rest.len() == told.len() {
                self.rest.clear();
            }
            return written;
        }
        Ok(())
    }

    fn write_rest(&mut self) -> io::Result<()> {
        while !self.rest.is_empty() {
            match self.file.write(&self.rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(bytes) => drop(self.rest.drain(..bytes)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait_for_reader(&self.file)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Opens a file to append to it. A pipe is opened and written without waiting for a reader.
#[cfg(unix)]
fn open(place: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or_default();
    let opened = OpenOptions::new()
        .append(true)
        .create(true)
        .custom_flags(nonblocking)
        .open(place);
    opened.map_err(|error| match error.raw_os_error() {
        Some(code) if code == rustix::io::Errno::NXIO.raw_os_error() => {
            io::Error::other("it is a pipe that nobody reads")
        }
        _ => error,
    })
}

#[cfg(not(unix))]
fn open(place: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(place)
}

/// Waits until a pipe has room, for a limited time.
#[cfg(unix)]
fn wait_for_reader(file: &File) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let patience = Timespec::try_from(super::voice::PATIENCE).map_err(io::Error::other)?;
    let mut pipe = [PollFd::new(file, PollFlags::OUT)];
    match poll(&mut pipe, Some(&patience)) {
        Ok(0) => Err(io::Error::other("nobody reads it")),
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(not(unix))]
fn wait_for_reader(_: &File) -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use plugnet_host::Event;
    use plugnet_host::policy::{IpcAddress, Policy, Request, Resolved};

    /// What a program writes is exact for who parses a line, and plain for who looks at it.
    #[test]
    fn a_line_is_plain_and_exact() {
        let name = "/a\u{1b}[2J\u{7f}\u{9b}\n\u{2028}\u{202e}\u{e0041}\"\\é";
        let request = Request::IpcConnect(IpcAddress::from_path(name));
        let decision = Policy::default().decide(&request, &Resolved::new(), Instant::now());
        let line = line(Entry::Event(&Event::Decision(decision)));
        let text = std::str::from_utf8(&line).expect("UTF-8");
        assert!(text.trim_end_matches('\n').chars().all(is_plain), "{text}");
        let parsed: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(parsed["target"], name);
    }

    /// A line that was written in part is written on, and those that were lost are told of.
    #[cfg(unix)]
    #[test]
    fn what_is_owed_is_written_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = File::create(folder.path().join("audit")).expect("a file");
        let mut state = State {
            file,
            rest: b"rest\n".to_vec(),
            lost: 3,
            failed: None,
        };
        assert_eq!(state.write(b"line\n").expect("it is written"), 3);
        let text = std::fs::read_to_string(folder.path().join("audit")).expect("the file");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines[0], lines[2]), ("rest", "line"));
        assert!(lines[1].contains(r#""event":"lost","events":3"#), "{text}");
    }

    /// A pipe whose reader stops is not waited for. When it reads again, lines are whole, each is
    /// there or counted as lost, and the order is that of what happened.
    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_on_when_it_is_read_again() {
        use std::io::Read;
        use std::os::fd::OwnedFd;

        let (mut reader, writer) = io::pipe().expect("a pipe");
        rustix::io::ioctl_fionbio(&writer, true).expect("it is set");
        let mut state = State {
            file: File::from(OwnedFd::from(writer)),
            rest: vec![],
            lost: 0,
            failed: None,
        };
        let line =
            |number: u32| format!("{{\"number\":{number},\"x\":\"{}\"}}\n", "x".repeat(3000));
        let mut written = 0;
        while state.write(line(written).as_bytes()).is_ok() {
            written += 1;
        }
        // What was begun is not lost, the next one is.
        assert!(state.write(line(written + 1).as_bytes()).is_err());
        let mut text = vec![0; 1 << 16];
        let read = reader.read(&mut text).expect("it is full");
        text.truncate(read);
        let lost = state
            .write(line(written + 2).as_bytes())
            .expect("there is room");
        assert!((1..=2).contains(&lost), "{lost}");
        drop(state);
        reader.read_to_end(&mut text).expect("the rest");
        let text = String::from_utf8(text).expect("UTF-8");
        let mut numbers = 0;
        for line in text.lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("a whole line");
            numbers += line["number"].as_u64().map_or(0, |_| 1);
            numbers += line["events"].as_u64().unwrap_or(0);
        }
        assert_eq!(numbers, u64::from(written) + 3);
    }
}
