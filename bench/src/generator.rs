//! The load: connections that send, and check every byte that comes back.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::pattern::{CHUNK, Pattern, block};
use crate::place::{Connection, Place};
use crate::usage::{Cpu, resident_memory};

/// How many connections are begun at once: fewer than wait for any server's `accept`.
const BATCH: usize = 128;
/// How many connections churn opens at most: a port stays taken for a while.
const CHURNED: u64 = 4_000;
/// No message takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long is measured.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// Before it is measured.
    pub warm_up: Duration,
    /// While it is measured.
    pub window: Duration,
}

/// What one measurement found.
#[derive(Clone, Debug)]
pub struct Sample {
    /// How many messages there were.
    pub messages: u64,
    /// In how much time.
    pub elapsed: Duration,
    /// The server's CPU time.
    pub cpu: Duration,
    /// How long messages took, in order.
    pub latencies: Vec<Duration>,
}

/// A server that is measured.
#[derive(Clone, Copy)]
pub struct Target<'a> {
    /// Its process.
    pub process: u32,
    /// Where it listens.
    pub place: &'a Place,
}

/// What the tasks of a measurement share.
struct Phase {
    measuring: AtomicBool,
    over: AtomicBool,
    messages: AtomicU64,
}

impl Phase {
    fn new() -> Arc<Self> {
        Arc::new(Phase {
            measuring: AtomicBool::new(false),
            over: AtomicBool::new(false),
            messages: AtomicU64::new(0),
        })
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Counts a message that began at `begin`.
    fn count(&self, begin: Instant, latencies: &mut Vec<Duration>) {
        if self.measuring.load(Ordering::Relaxed) {
            self.messages.fetch_add(1, Ordering::Relaxed);
            latencies.push(begin.elapsed());
        }
    }

    /// Lets the tasks run, and measures.
    async fn measure(
        &self,
        process: u32,
        timing: Timing,
        (least, most): (u64, u64),
        mut tasks: JoinSet<Result<Vec<Duration>>>,
    ) -> Result<Sample> {
        sleep(timing.warm_up).await;
        let cpu = Cpu::of(process)?;
        let begin = Instant::now();
        self.measuring.store(true, Ordering::Relaxed);
        // However slow they are: with less than a message for each connection, what counts is
        // where in the round the window lies.
        while begin.elapsed() < PATIENCE && !tasks.is_empty() {
            let messages = self.messages.load(Ordering::Relaxed);
            if (begin.elapsed() >= timing.window && messages >= least) || messages >= most {
                break;
            }
            sleep(timing.window / 20).await;
        }
        self.measuring.store(false, Ordering::Relaxed);
        let elapsed = begin.elapsed();
        let cpu = Cpu::of(process)?.since(&cpu);
        let messages = self.messages.load(Ordering::Relaxed);
        self.over.store(true, Ordering::Relaxed);
        let mut latencies = vec![];
        let ended = timeout(PATIENCE, async {
            while let Some(task) = tasks.join_next().await {
                latencies.extend(task??);
            }
            anyhow::Ok(())
        });
        ended.await.context("an answer does not come")??;
        ensure!(messages > 0, "no message was answered");
        latencies.sort_unstable();
        Ok(Sample {
            messages,
            elapsed,
            cpu,
            latencies,
        })
    }
}

/// One message there and back.
async fn round_trip(connection: &mut Connection, message: &[u8], buffer: &mut [u8]) -> Result<()> {
    connection.write_all(message).await?;
    connection.read_exact(buffer).await?;
    ensure!(buffer == message, "something else came back than was sent");
    Ok(())
}

/// Opens connections, each of which has had an answer.
async fn connect(
    place: &Place,
    pattern: &Arc<Pattern>,
    connections: usize,
    bytes: usize,
) -> Result<Vec<Connection>> {
    let mut open = Vec::with_capacity(connections);
    while open.len() < connections {
        let mut batch = JoinSet::new();
        for number in open.len()..connections.min(open.len() + BATCH) {
            let (place, pattern) = (place.clone(), Arc::clone(pattern));
            batch.spawn(async move {
                let mut connection = place.connect().await?;
                let message = pattern.message(number, 0, bytes);
                round_trip(&mut connection, message, &mut vec![0; bytes]).await?;
                anyhow::Ok(connection)
            });
        }
        let answered = timeout(PATIENCE, async {
            while let Some(connection) = batch.join_next().await {
                open.push(connection??);
            }
            anyhow::Ok(())
        });
        answered
            .await
            .context("a new connection gets no answer")??;
    }
    Ok(open)
}

/// Messages there and back on the first `active` of `connections` connections.
pub async fn echo(
    target: Target<'_>,
    connections: usize,
    active: usize,
    bytes: usize,
    timing: Timing,
) -> Result<Sample> {
    let pattern = Arc::new(Pattern::new());
    let mut open = connect(target.place, &pattern, connections, bytes).await?;
    let _idle = open.split_off(active.min(open.len()));
    let phase = Phase::new();
    let mut tasks = JoinSet::new();
    for (number, mut connection) in open.into_iter().enumerate() {
        let (phase, pattern) = (Arc::clone(&phase), Arc::clone(&pattern));
        tasks.spawn(async move {
            let mut latencies = vec![];
            let mut buffer = vec![0; bytes];
            let mut sequence = 1;
            while !phase.is_over() {
                let message = pattern.message(number, sequence, bytes);
                let begin = Instant::now();
                round_trip(&mut connection, message, &mut buffer).await?;
                phase.count(begin, &mut latencies);
                sequence += 1;
            }
            Ok(latencies)
        });
    }
    let least = active.min(connections) as u64;
    let limits = (least, u64::MAX);
    phase.measure(target.process, timing, limits, tasks).await
}

/// Connect, one message there and back, close; by `workers` at once.
pub async fn churn(
    target: Target<'_>,
    workers: usize,
    bytes: usize,
    timing: Timing,
) -> Result<Sample> {
    let pattern = Arc::new(Pattern::new());
    let phase = Phase::new();
    let mut tasks = JoinSet::new();
    for worker in 0..workers {
        let (phase, pattern) = (Arc::clone(&phase), Arc::clone(&pattern));
        let place = target.place.clone();
        tasks.spawn(async move {
            let mut latencies = vec![];
            let mut buffer = vec![0; bytes];
            let mut sequence = 0;
            while !phase.is_over() {
                let begin = Instant::now();
                let mut connection = place.connect().await?;
                let message = pattern.message(worker, sequence, bytes);
                round_trip(&mut connection, message, &mut buffer).await?;
                connection.shutdown().await?;
                let rest = connection.read(&mut buffer).await?;
                ensure!(rest == 0, "something came after the answer");
                phase.count(begin, &mut latencies);
                sequence += 1;
            }
            Ok(latencies)
        });
    }
    phase
        .measure(target.process, timing, (1, CHURNED), tasks)
        .await
}

/// Sends `length` bytes, and has the server say how many came.
pub async fn upload(target: Target<'_>, length: u64) -> Result<Sample> {
    transfer(target, length, async |mut connection| {
        let block = block();
        let mut left = length;
        while left > 0 {
            let len = left.min(CHUNK as u64);
            left -= len;
            connection.write_all(&block[..len as usize]).await?;
        }
        connection.shutdown().await?;
        let count = connection.read_u64_le().await?;
        ensure!(count == length, "{count} bytes came of {length}");
        Ok(())
    })
    .await
}

/// Asks for `length` bytes, and looks at each of them.
pub async fn download(target: Target<'_>, length: u64) -> Result<Sample> {
    transfer(target, length, async |mut connection| {
        // Wherever a read begins in the block, what follows is there to compare with.
        let mut expected = block();
        let once = expected.clone();
        for _ in 0..4 {
            expected.extend(&once);
        }
        let mut buffer = vec![0; 4 * CHUNK];
        connection.write_all(&length.to_le_bytes()).await?;
        let mut count = 0;
        loop {
            let len = connection.read(&mut buffer).await?;
            if len == 0 {
                break;
            }
            let start = (count % CHUNK as u64) as usize;
            ensure!(
                buffer[..len] == expected[start..start + len],
                "something else came than was asked for, after {count} bytes"
            );
            count += len as u64;
        }
        ensure!(count == length, "{count} bytes came of {length}");
        Ok(())
    })
    .await
}

async fn transfer(
    target: Target<'_>,
    length: u64,
    run: impl AsyncFnOnce(Connection) -> Result<()>,
) -> Result<Sample> {
    let cpu = Cpu::of(target.process)?;
    let begin = Instant::now();
    let connection = target.place.connect().await?;
    timeout(4 * PATIENCE, run(connection))
        .await
        .context("the transfer does not end")??;
    Ok(Sample {
        messages: length.div_ceil(CHUNK as u64),
        elapsed: begin.elapsed(),
        cpu: Cpu::of(target.process)?.since(&cpu),
        latencies: vec![],
    })
}

/// How much resident memory the server has more, in KiB, with `connections` connections that
/// have had an answer and are idle.
pub async fn memory(target: Target<'_>, connections: usize, bytes: usize) -> Result<u64> {
    let pattern = Arc::new(Pattern::new());
    let first = connect(target.place, &pattern, 1, bytes).await?;
    let before = resident_memory(target.process)?;
    let open = connect(target.place, &pattern, connections, bytes).await?;
    // What servers do after a message, they have done.
    sleep(Duration::from_millis(200)).await;
    let after = resident_memory(target.process)?;
    drop((first, open));
    Ok(after.saturating_sub(before))
}

/// One message there and back on a new connection: a server's first.
pub async fn first_answer(target: Target<'_>, bytes: usize) -> io::Result<()> {
    let pattern = Arc::new(Pattern::new());
    let answered = connect(target.place, &pattern, 1, bytes).await;
    answered.map(drop).map_err(io::Error::other)
}
