//! plugnet's own output on a standard stream, which never waits long for a reader.
//!
//! A write to a pipe that nobody reads never ends. So a separate thread writes, and callers wait
//! for it only for a limited time: a program, its time limit and the end of the process do not
//! depend on a reader.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// How long to wait for a line to be written. A reader that has not read it by then is considered
/// gone.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// How many bytes are kept for a slow reader.
const MOST: usize = 64 * 1024;

/// One of the standard streams.
#[derive(Clone)]
pub(super) struct Voice(Arc<Shared>);

struct Shared {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Default)]
struct Lines {
    waiting: VecDeque<String>,
    /// Bytes that wait to be written.
    bytes: usize,
    /// How many bytes were accepted, and how many are written.
    taken: u64,
    written: u64,
    /// The reader is considered gone: callers do not wait.
    stuck: bool,
    /// Lines that there was no room for.
    lost: u64,
}

impl Voice {
    /// Standard error.
    pub(super) fn err() -> &'static Voice {
        static VOICE: OnceLock<Voice> = OnceLock::new();
        VOICE.get_or_init(|| Voice::new(io::stderr()))
    }

    /// Standard output.
    pub(super) fn out() -> &'static Voice {
        static VOICE: OnceLock<Voice> = OnceLock::new();
        VOICE.get_or_init(|| Voice::new(io::stdout()))
    }

    fn new(mut stream: impl Write + Send + 'static) -> Self {
        let shared = Arc::new(Shared {
            lines: Mutex::default(),
            changed: Condvar::new(),
        });
        let writing = Arc::clone(&shared);
        // Without a thread it is silent. `run` says, by its exit code, that there are none.
        let _ = thread::Builder::new()
            .name("plugnet-voice".to_owned())
            .spawn(move || {
                loop {
                    let line = writing.next();
                    // That nobody reads any more is no reason to fail.
                    let _ = stream
                        .write_all(line.as_bytes())
                        .and_then(|()| stream.flush());
                    writing.written();
                }
            });
        Voice(shared)
    }

    /// Prints a line, or several. It is written when this returns, unless nobody reads.
    pub(super) fn say(&self, line: String) {
        let Voice(shared) = self;
        let mut lines = shared.lines();
        if lines.bytes + line.len() > MOST {
            lines.lost += 1;
            return;
        }
        lines.take(line);
        let number = lines.taken;
        shared.changed.notify_all();
        if !lines.stuck {
            shared.wait_for(lines, number);
        }
    }

    /// Waits until all is written, or the reader is considered gone.
    pub(super) fn finish(&self) {
        let Voice(shared) = self;
        let lines = shared.lines();
        let number = lines.taken;
        shared.wait_for(lines, number);
    }
}

impl Shared {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        // Nothing that holds it panics half way.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_for(&self, lines: MutexGuard<'_, Lines>, number: u64) {
        let unwritten = |lines: &mut Lines| lines.written < number;
        let waited = self.changed.wait_timeout_while(lines, PATIENCE, unwritten);
        let (mut lines, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            lines.stuck = true;
        }
    }

    fn next(&self) -> String {
        let silent = |lines: &mut Lines| lines.waiting.is_empty();
        let lines = self.changed.wait_while(self.lines(), silent);
        let mut lines = lines.unwrap_or_else(PoisonError::into_inner);
        lines.waiting.pop_front().unwrap_or_default()
    }

    fn written(&self) {
        let mut lines = self.lines();
        lines.written += 1;
        lines.stuck = false;
        lines.bytes = lines.waiting.iter().map(String::len).sum();
        if lines.waiting.is_empty() && lines.lost > 0 {
            let lost = std::mem::take(&mut lines.lost);
            lines.take(format!("plugnet: {lost} lines more, which nobody read\n"));
        }
        self.changed.notify_all();
    }
}

impl Lines {
    fn take(&mut self, line: String) {
        self.taken += 1;
        self.bytes += line.len();
        self.waiting.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Instant;

    /// A stream that takes a write only when it is let.
    struct Held(mpsc::Receiver<()>, mpsc::Sender<String>);

    impl Write for Held {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Nobody lets any more: all the rest goes.
            let _ = self.0.recv();
            let _ = self.1.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A line that somebody reads is written when `say` returns.
    #[test]
    fn a_line_is_written_at_once() {
        let (let_go, held) = mpsc::channel();
        let (wrote, written) = mpsc::channel();
        drop(let_go);
        let voice = Voice::new(Held(held, wrote));
        voice.say("a\n".to_owned());
        assert_eq!(written.try_recv().as_deref(), Ok("a\n"));
    }

    /// Without a reader the first line is waited for, the others are not; and what there is no
    /// room for is counted, and told when somebody reads again.
    #[test]
    fn nobody_waits_for_a_reader_that_is_not_there() {
        let (let_go, held) = mpsc::channel();
        let (wrote, written) = mpsc::channel();
        let voice = Voice::new(Held(held, wrote));
        let start = Instant::now();
        for _ in 0..1000 {
            voice.say("x".repeat(1023) + "\n");
        }
        assert!(start.elapsed() >= PATIENCE);
        assert!(start.elapsed() < 4 * PATIENCE, "{:?}", start.elapsed());
        let start = Instant::now();
        voice.finish();
        assert!(start.elapsed() < 4 * PATIENCE, "{:?}", start.elapsed());

        drop(let_go);
        voice.finish();
        let limit = 20 * PATIENCE;
        let mut lines = 0;
        let lost = loop {
            let line = written.recv_timeout(limit).expect("a line");
            if line.starts_with("plugnet: ") {
                break line;
            }
            lines += 1;
        };
        assert_eq!(
            lost,
            format!("plugnet: {} lines more, which nobody read\n", 1000 - lines)
        );
    }
}
