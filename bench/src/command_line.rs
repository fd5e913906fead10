//! The command line.

use std::env;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::case::{self, Case, Size};
use crate::generator::Timing;
use crate::measure::{self, Effort, transfer_warm_up};
use crate::report;
use crate::server;
use crate::side::{Side, Stage};

/// Measures plugnet beside Node's net, a component straight on wasi:sockets, and a native
/// program: servers as processes of their own, in turn, on loopback.
///
/// What is compared is the CPU time of the server for each message.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    server: Option<Server>,

    /// Writes a record for each case and side to FILE, as a JSON array
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Only the case NAME, `echo`, or what begins with NAME, `echo/64/128`; may be repeated.
    /// `--list` names them
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,

    /// Only the side NAME: plugnet, plugnet-composed, node, raw, native; may be repeated. node is
    /// what PLUGNET_NODE names, or `node`
    #[arg(long = "side", value_name = "NAME")]
    sides: Vec<String>,

    /// How often each side has its turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,

    /// How long a turn is measured, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    window: u64,

    /// Every case in small, once, to see that it works: the figures mean nothing
    #[arg(long)]
    smoke: bool,

    /// Runs the programs in the binary PATH, a `plugnet`, instead of in this program
    #[arg(long, value_name = "PATH")]
    plugnet: Option<PathBuf>,

    /// Measures another build of `plugnet` as a side called NAME; may be repeated
    #[arg(long, value_name = "NAME=PATH")]
    against: Vec<String>,

    /// Names the cases
    #[arg(long)]
    list: bool,
}

/// The servers, which the measurement starts as processes of their own.
#[derive(Subcommand)]
enum Server {
    #[command(hide = true)]
    ServeNative { arguments: Vec<String> },
    #[command(hide = true)]
    ServeProgram {
        #[arg(long)]
        composed: bool,
        program: PathBuf,
        arguments: Vec<String>,
    },
}

/// What a transfer moves.
const TRANSFER: u64 = 1 << 30;
/// The same to see that it works.
const SMOKE_TRANSFER: u64 = 4 << 20;
const CONNECTIONS: usize = 10_000;
const SMOKE_CONNECTIONS: usize = 48;
/// Descriptors that a process has besides its connections. A proxy has two for each.
const OTHER_DESCRIPTORS: usize = 256;

/// Runs what the command line says.
pub fn run() -> Result<()> {
    let cli = Cli::parse();
    match &cli.server {
        Some(Server::ServeNative { arguments }) => return server::native(arguments),
        Some(Server::ServeProgram {
            composed,
            program,
            arguments,
        }) => {
            return server::host(program, *composed, arguments);
        }
        None => {}
    }
    let cases = cases(&cli)?;
    if cli.list {
        for case in cases {
            println!("{case}");
        }
        return Ok(());
    }
    let sides = sides(&cli)?;
    let window = Duration::from_millis(if cli.smoke { 40 } else { cli.window });
    let effort = Effort {
        rounds: if cli.smoke { 1 } else { cli.rounds.into() },
        timing: Timing {
            warm_up: window / 4,
            window,
        },
        warm_up: transfer_warm_up(if cli.smoke { SMOKE_TRANSFER } else { TRANSFER }),
    };
    let executor = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    executor.block_on(all(&cli, &cases, &sides, effort))
}

async fn all(cli: &Cli, cases: &[Case], sides: &[Side], effort: Effort) -> Result<()> {
    let descriptors = rlimit::increase_nofile_limit(u64::MAX)
        .context("the limit on open files cannot be read")?;
    // Paths of sockets are short.
    let folder = tempfile::Builder::new().prefix("pb").tempdir()?;
    let stage = Stage {
        folder: folder.path().to_owned(),
        programs: server::programs(folder.path())?,
        executable: std::env::current_exe()?,
        plugnet: cli.plugnet.clone(),
    };
    measure::warm_cache(&stage, sides).await?;

    let mut records = vec![];
    let mut failed = vec![];
    println!("{}", report::head(sides));
    for case in cases {
        if (case.connections + OTHER_DESCRIPTORS) as u64 > descriptors {
            eprintln!(
                "skipped: {case} takes more open files than the {descriptors} that are allowed"
            );
            continue;
        }
        match measure::measure(&stage, sides, case, effort).await {
            Ok(measured) => {
                let of_case = report::records(case, &measured);
                println!("{}", report::line(case, sides, &of_case));
                records.extend(of_case);
            }
            Err(error) => {
                eprintln!("failed: {case}: {error:#}");
                failed.push(case.to_string());
            }
        }
        // What was measured is not lost if a later case hangs the machine.
        if let Some(path) = &cli.json {
            write_json(path, &records).with_context(|| path.display().to_string())?;
        }
    }
    for chart in report::charts(&records) {
        println!("\n{chart}");
    }
    if !failed.is_empty() {
        bail!(
            "{} of {} cases failed: {}",
            failed.len(),
            cases.len(),
            failed.join(", ")
        );
    }
    Ok(())
}

fn write_json(path: &PathBuf, records: &[report::Record]) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    serde_json::to_writer_pretty(&mut file, records)?;
    writeln!(file)?;
    file.flush()?;
    Ok(())
}

/// The cases that were asked for.
fn cases(cli: &Cli) -> Result<Vec<Case>> {
    let mut cases = case::all(if cli.smoke {
        Size {
            transfer: SMOKE_TRANSFER,
            connections: SMOKE_CONNECTIONS,
        }
    } else {
        Size {
            transfer: TRANSFER,
            connections: CONNECTIONS,
        }
    });
    let is = |case: &Case, asked: &str| {
        let id = case.to_string();
        let rest = id.strip_prefix(asked);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    for asked in &cli.cases {
        if !cases.iter().any(|case| is(case, asked)) {
            bail!("--case {asked}: there is no such case; `--list` names them");
        }
    }
    if !cli.cases.is_empty() {
        cases.retain(|case| cli.cases.iter().any(|asked| is(case, asked)));
    }
    Ok(cases)
}

/// The sides that were asked for and are there.
fn sides(cli: &Cli) -> Result<Vec<Side>> {
    let mut sides = vec![Side::Plugnet, Side::Composed];
    for against in &cli.against {
        let Some((name, path)) = against.split_once('=') else {
            bail!("--against {against}: write NAME=PATH");
        };
        let plugnet = fs::canonicalize(path).with_context(|| format!("--against {against}"))?;
        sides.push(Side::Against {
            name: name.to_owned(),
            plugnet,
        });
    }
    let node = env::var_os("PLUGNET_NODE").unwrap_or_else(|| "node".into());
    match Command::new(&node).arg("--version").output() {
        Ok(output) if output.status.success() => {
            let node = node.into();
            sides.push(Side::Node { node });
        }
        _ => eprintln!(
            "skipped: the side node, as there is no `{}`",
            node.display()
        ),
    }
    sides.extend([Side::Raw, Side::Native]);
    for asked in &cli.sides {
        if !sides.iter().any(|side| side.name() == asked) {
            bail!(
                "--side {asked}: there is no such side; there are plugnet, plugnet-composed, node, raw and native"
            );
        }
    }
    if !cli.sides.is_empty() {
        sides.retain(|side| {
            matches!(side, Side::Against { .. }) || cli.sides.iter().any(|name| name == side.name())
        });
    }
    Ok(sides)
}
