//! The cases: what is asked of a server.

use std::fmt;

use crate::pattern::CHUNK;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Connections that send a message and wait for it to come back, again and again.
    Echo,
    /// The same through a server that connects each client with an echo server.
    Proxy,
    /// One connection sends this many bytes.
    Upload(u64),
    /// One connection receives this many bytes.
    Download(u64),
    /// Connect, one message there and back, close; again and again.
    Churn,
    /// Echo on one connection while the others say nothing.
    Idle,
    /// What the others cost in memory.
    IdleMemory,
    /// From the start of the server to the first answer.
    Start {
        /// The program was compiled before.
        cached: bool,
    },
}

/// Which way the data goes in plugnet. The other sides have one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// `read` and `write`.
    Plain,
    /// `pipe`.
    Pipe,
    /// `streams`.
    Streams,
    /// `take-streams`.
    TakeStreams,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lane::Plain => "plain",
            Lane::Pipe => "pipe",
            Lane::Streams => "streams",
            Lane::TakeStreams => "take-streams",
        })
    }
}

/// What connections are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// TCP on loopback.
    Tcp,
    /// UNIX domain sockets.
    Unix,
}

/// One case.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What is measured.
    pub work: Work,
    /// What connections are made of.
    pub transport: Transport,
    /// How many there are at once.
    pub connections: usize,
    /// The length of a message. Transfers count blocks of this length.
    pub bytes: usize,
    /// Which way the data goes.
    pub lane: Lane,
}

impl Case {
    /// The case's name, as in the records.
    pub fn name(&self) -> String {
        let work = match self.work {
            Work::Echo => "echo",
            Work::Proxy => "proxy",
            Work::Upload(_) => "upload",
            Work::Download(_) => "download",
            Work::Churn => "churn",
            Work::Idle => "idle",
            Work::IdleMemory => "idle-memory",
            Work::Start { cached: false } => "start-cold",
            Work::Start { cached: true } => "start-cached",
        };
        match self.transport {
            Transport::Tcp => work.to_owned(),
            Transport::Unix => format!("unix-{work}"),
        }
    }

    /// The role of the server.
    pub fn role(&self) -> &'static str {
        match self.work {
            Work::Echo | Work::Churn | Work::Idle | Work::IdleMemory | Work::Start { .. } => "echo",
            Work::Proxy => "proxy",
            Work::Upload(_) => "sink",
            Work::Download(_) => "source",
        }
    }
}

impl fmt::Display for Case {
    /// The name and what else tells it from the others: `echo/64/128/plain`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, bytes) = (self.name(), self.bytes);
        write!(f, "{name}/{bytes}/{}/{}", self.connections, self.lane)
    }
}

/// How large the cases are.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// The bytes of an upload or a download.
    pub transfer: u64,
    /// No more connections than this.
    pub connections: usize,
}

/// Every case.
pub fn all(size: Size) -> Vec<Case> {
    let mut cases = vec![];
    for transport in [Transport::Tcp, Transport::Unix] {
        let mut add = |work, connections: usize, bytes, lane| {
            cases.push(Case {
                work,
                transport,
                connections: connections.min(size.connections),
                bytes,
                lane,
            });
        };
        for connections in [1, 16, 128, 1_000, 10_000] {
            add(Work::Echo, connections, 64, Lane::Plain);
        }
        for connections in [4, 64] {
            add(Work::Echo, connections, 4096, Lane::Plain);
        }
        for connections in [4, 64] {
            for lane in [Lane::Plain, Lane::Streams, Lane::TakeStreams] {
                add(Work::Echo, connections, CHUNK, lane);
            }
        }
        for lane in [Lane::Plain, Lane::Streams, Lane::TakeStreams] {
            add(Work::Upload(size.transfer), 1, CHUNK, lane);
            add(Work::Download(size.transfer), 1, CHUNK, lane);
        }
        for connections in [16, 128] {
            add(Work::Proxy, connections, 64, Lane::Pipe);
        }
        for connections in [4, 64] {
            add(Work::Proxy, connections, CHUNK, Lane::Pipe);
        }
        add(Work::Churn, 16, 64, Lane::Plain);
        add(Work::Idle, 10_000, 64, Lane::Plain);
        add(Work::IdleMemory, 10_000, 64, Lane::Plain);
        for cached in [false, true] {
            add(Work::Start { cached }, 1, 64, Lane::Plain);
        }
    }
    // A limit on the connections makes equal what differs in their number alone.
    let mut seen = vec![];
    cases.retain(|case| {
        let name = case.to_string();
        let new = !seen.contains(&name);
        seen.push(name);
        new
    });
    cases
}

#[cfg(test)]
mod tests {
    use super::{Size, all};

    /// With few connections allowed, no case comes twice and none is left out.
    #[test]
    fn a_limit_on_connections_merges_cases() {
        let names = |connections| {
            let transfer = 1;
            let cases = all(Size {
                transfer,
                connections,
            });
            let mut names: Vec<_> = cases.iter().map(|case| case.name()).collect();
            names.dedup();
            (cases.len(), names)
        };
        let (many, all_names) = names(10_000);
        let (few, few_names) = names(32);
        assert!(few < many);
        assert_eq!(few_names, all_names);
    }
}
