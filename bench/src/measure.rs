//! The rounds: every side in turn, again and again.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::sleep;

use crate::case::{Case, Work};
use crate::generator::{self, Sample, Target, Timing};
use crate::pattern::CHUNK;
use crate::side::{Server, Side, Stage, Start};
use crate::usage::{Cpu, peak_memory};

/// The folder of compiled code that is filled before anything is measured.
const CACHE: &str = "cache";
/// How long wasmtime may take to write compiled code to its cache, behind the program's back.
const CACHING: Duration = Duration::from_secs(5);

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How often each side has its turn.
    pub rounds: usize,
    /// For how long.
    pub timing: Timing,
    /// Transfers of this many bytes warm a server up.
    pub warm_up: u64,
}

/// What one side did in one round.
#[derive(Clone, Debug)]
pub struct Round {
    /// The load's account.
    pub sample: Sample,
    /// What is compared, smaller is better: the CPU time of a message in µs, the time to the
    /// first answer in µs, the memory of a connection in KiB.
    pub cost: f64,
    /// The most memory the server has had so far, in KiB.
    pub peak_rss_kib: u64,
}

/// What one side did in all rounds of a case.
pub struct Measured {
    /// The side.
    pub side: Side,
    /// Its rounds.
    pub rounds: Vec<Round>,
}

/// Has compiled code cached for the sides that have any.
pub async fn warm_cache(stage: &Stage, sides: &[Side]) -> Result<()> {
    let case = Case {
        work: Work::Start { cached: true },
        transport: crate::case::Transport::Tcp,
        connections: 1,
        bytes: 64,
        lane: crate::case::Lane::Plain,
    };
    for side in sides {
        if !matches!(side, Side::Node { .. } | Side::Native) {
            // The code is written once it is compiled, by a thread of its own.
            let files = files_below(&stage.folder.join(CACHE));
            let server = start(stage, side, &case, None, CACHE).await?;
            generator::first_answer(target(&server), case.bytes).await?;
            let mut waited = Duration::ZERO;
            let step = CACHING / 50;
            while files_below(&stage.folder.join(CACHE)) == files && waited < CACHING {
                sleep(step).await;
                waited += step;
            }
            // It has appeared, and is perhaps still being written.
            sleep(step).await;
        }
    }
    Ok(())
}

fn files_below(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&entry.path()),
            _ => 1,
        })
        .sum()
}

/// Measures a case on the sides that have it, in turn.
pub async fn measure(
    stage: &Stage,
    sides: &[Side],
    case: &Case,
    effort: Effort,
) -> Result<Vec<Measured>> {
    let upstream = match case.work {
        Work::Proxy => Some(start_role(stage, &Side::Native, case, "echo", None, CACHE).await?),
        _ => None,
    };
    let mut measured: Vec<Measured> = sides
        .iter()
        .filter(|side| side.has(case))
        .map(|side| Measured {
            side: side.clone(),
            rounds: vec![],
        })
        .collect();
    let mut servers = vec![];
    if !fresh(case) {
        for Measured { side, .. } in &measured {
            let server = start(stage, side, case, upstream.as_ref(), CACHE).await?;
            warm_up(&server, case, effort)
                .await
                .with_context(|| format!("{}, warming up", side.name()))?;
            servers.push(server);
        }
    }
    for round in 0..effort.rounds {
        for turn in 0..measured.len() {
            // Each round begins with another side.
            let turn = (turn + round) % measured.len();
            let Measured { side, rounds } = &mut measured[turn];
            let outcome = match servers.get(turn) {
                Some(server) => one(server, case, effort).await,
                None => fresh_round(stage, side, case, round).await,
            };
            rounds.push(outcome.with_context(|| side.name().to_owned())?);
        }
    }
    Ok(measured)
}

/// Whether each round has a server of its own.
fn fresh(case: &Case) -> bool {
    matches!(case.work, Work::Start { .. } | Work::IdleMemory)
}

async fn start(
    stage: &Stage,
    side: &Side,
    case: &Case,
    upstream: Option<&Server>,
    cache: &str,
) -> Result<Server> {
    start_role(stage, side, case, case.role(), upstream, cache).await
}

async fn start_role(
    stage: &Stage,
    side: &Side,
    case: &Case,
    role: &str,
    upstream: Option<&Server>,
    cache: &str,
) -> Result<Server> {
    let start = Start {
        role,
        lane: case.lane,
        transport: case.transport,
        upstream: upstream.map(|server| &server.place),
        cache,
    };
    stage.start(side, &start).await
}

fn target(server: &Server) -> Target<'_> {
    Target {
        process: server.process,
        place: &server.place,
    }
}

/// Node compiles what is hot; nothing is measured before it has.
async fn warm_up(server: &Server, case: &Case, effort: Effort) -> Result<()> {
    let length = effort.warm_up;
    match case.work {
        Work::Upload(_) => generator::upload(target(server), length).await?,
        Work::Download(_) => generator::download(target(server), length).await?,
        _ => {
            let connections = case.connections.min(16);
            let timing = effort.timing;
            generator::echo(target(server), connections, connections, case.bytes, timing).await?
        }
    };
    Ok(())
}

async fn one(server: &Server, case: &Case, effort: Effort) -> Result<Round> {
    let target = target(server);
    let timing = effort.timing;
    let Case {
        connections, bytes, ..
    } = *case;
    let sample = match case.work {
        Work::Upload(length) => generator::upload(target, length).await?,
        Work::Download(length) => generator::download(target, length).await?,
        Work::Churn => generator::churn(target, connections, bytes, timing).await?,
        Work::Idle => generator::echo(target, connections, 1, bytes, timing).await?,
        _ => generator::echo(target, connections, connections, bytes, timing).await?,
    };
    Ok(Round {
        cost: micros(sample.cpu) / sample.messages as f64,
        sample,
        peak_rss_kib: peak_memory(server.process)?,
    })
}

async fn fresh_round(stage: &Stage, side: &Side, case: &Case, round: usize) -> Result<Round> {
    let cache = match case.work {
        Work::Start { cached: false } => format!("cold-{}-{}-{round}", case.name(), side.name()),
        _ => CACHE.to_owned(),
    };
    let server = start(stage, side, case, None, &cache).await?;
    let target = target(&server);
    let memory = match case.work {
        Work::IdleMemory => Some(generator::memory(target, case.connections, case.bytes).await?),
        _ => {
            generator::first_answer(target, case.bytes).await?;
            None
        }
    };
    let elapsed = server.started.elapsed();
    Ok(Round {
        cost: match memory {
            Some(memory) => memory as f64 / case.connections as f64,
            None => micros(elapsed),
        },
        sample: Sample {
            messages: 1,
            elapsed,
            cpu: Cpu::of(server.process)?.total(),
            latencies: vec![elapsed],
        },
        peak_rss_kib: peak_memory(server.process)?,
    })
}

/// A time in µs.
pub fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A transfer's warm-up, which is no longer than the transfer.
pub fn transfer_warm_up(transfer: u64) -> u64 {
    transfer.min(1024 * CHUNK as u64)
}
