//! What a process has used: CPU time and memory.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::time::Duration;

/// The CPU time of each thread of a process, user and system, at one moment.
///
/// From `/proc/PID/task/TID/schedstat`, which counts nanoseconds; where the kernel has none, from
/// `/proc/PID/stat`, which counts ticks of 10 ms.
pub struct Cpu {
    threads: HashMap<String, u64>,
}

impl Cpu {
    /// Now.
    pub fn of(process: u32) -> io::Result<Self> {
        let mut threads = HashMap::new();
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = thread?;
            // A thread may end in between.
            let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else {
                continue;
            };
            let nanoseconds = text.split(' ').next().and_then(|text| text.parse().ok());
            let nanoseconds = nanoseconds.ok_or_else(|| unexpected("schedstat", &text))?;
            threads.insert(
                thread.file_name().to_string_lossy().into_owned(),
                nanoseconds,
            );
        }
        if threads.is_empty() {
            threads.insert(String::new(), whole(process)?);
        }
        Ok(Cpu { threads })
    }

    /// What was used since `earlier` by the threads that are still there. Servers have no others.
    pub fn since(&self, earlier: &Cpu) -> Duration {
        let used = self.threads.iter().map(|(thread, now)| {
            let before = earlier.threads.get(thread).copied().unwrap_or(0);
            now.saturating_sub(before)
        });
        Duration::from_nanos(used.sum())
    }

    /// What was used since the process began.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.threads.values().sum())
    }
}

/// The time of a process in nanoseconds, threads that have ended included.
fn whole(process: u32) -> io::Result<u64> {
    /// Linux's USER_HZ, which is part of its ABI.
    const NANOSECONDS_PER_TICK: u64 = 10_000_000;
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The process's name may have blanks in it; after it come state, and 10 other fields.
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    let (Some(user), Some(system)) = (next(), next()) else {
        return Err(unexpected("stat", &text));
    };
    Ok((user + system) * NANOSECONDS_PER_TICK)
}

/// The most memory that a process has had resident, in KiB (`VmHWM`).
pub fn peak_memory(process: u32) -> io::Result<u64> {
    memory(process, "VmHWM:")
}

/// The memory that a process has resident, in KiB (`VmRSS`).
pub fn resident_memory(process: u32) -> io::Result<u64> {
    memory(process, "VmRSS:")
}

fn memory(process: u32, field: &str) -> io::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    kibibytes.ok_or_else(|| unexpected("status", &text))
}

fn unexpected(file: &str, text: &str) -> io::Error {
    io::Error::other(format!("/proc/PID/{file} is not as expected: {text}"))
}

#[cfg(test)]
mod tests {
    use super::{Cpu, peak_memory, resident_memory, whole};
    use std::time::{Duration, Instant};

    /// A process that computes uses about as much CPU time as passes, in both accounts.
    #[test]
    fn time_spent_computing_is_counted() {
        let process = std::process::id();
        let before = Cpu::of(process).expect("CPU time");
        let ticks = whole(process).expect("ticks");
        let begin = Instant::now();
        while Cpu::of(process).expect("CPU time").since(&before) < Duration::from_millis(100) {
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "no time is counted"
            );
        }
        assert!(whole(process).expect("ticks") - ticks >= 80_000_000);
    }

    /// The peak is never below what is resident.
    #[test]
    fn the_peak_includes_what_is_resident() {
        let process = std::process::id();
        let resident = resident_memory(process).expect("resident");
        assert!(resident > 0);
        assert!(peak_memory(process).expect("peak") >= resident);
    }
}
