//! The sides, and their servers as processes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::case::{Case, Lane, Transport, Work};
use crate::place::Place;
use crate::server::Programs;

/// How long a server may take to listen: a cold start compiles, perhaps in a debug build.
const STARTING: Duration = Duration::from_secs(120);

/// What is measured side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// A program on `plugnet:net`, which the host provides.
    Plugnet,
    /// The same with the net component in it.
    Composed,
    /// The same in another build of `plugnet`.
    Against {
        /// What it is called in the results.
        name: String,
        /// The binary.
        plugnet: PathBuf,
    },
    /// Node's `net`.
    Node {
        /// The binary.
        node: PathBuf,
    },
    /// A program on `wasi:sockets` in the same host.
    Raw,
    /// A native program on tokio.
    Native,
}

impl Side {
    /// What it is called in the results.
    pub fn name(&self) -> &str {
        match self {
            Side::Plugnet => "plugnet",
            Side::Against { name, .. } => name,
            Side::Composed => "plugnet-composed",
            Side::Node { .. } => "node",
            Side::Raw => "raw",
            Side::Native => "native",
        }
    }

    /// Whether it has the case at all.
    pub fn has(&self, case: &Case) -> bool {
        match self {
            Side::Plugnet | Side::Composed | Side::Against { .. } | Side::Node { .. } => true,
            // WASI has no UNIX domain sockets.
            Side::Raw => case.transport == Transport::Tcp,
            // Nothing is compiled.
            Side::Native => !matches!(case.work, Work::Start { cached: false }),
        }
    }
}

/// Where servers find what they need.
pub struct Stage {
    /// A folder of this run.
    pub folder: PathBuf,
    /// The programs, in that folder.
    pub programs: Programs,
    /// This program.
    pub executable: PathBuf,
    /// The binary to use as the host instead of this program.
    pub plugnet: Option<PathBuf>,
}

/// What a server is started with.
pub struct Start<'a> {
    /// `echo`, `sink`, `source` or `proxy`.
    pub role: &'a str,
    /// Which way the data goes.
    pub lane: Lane,
    /// What it listens on.
    pub transport: Transport,
    /// Where a proxy connects to.
    pub upstream: Option<&'a Place>,
    /// Has compiled code in this folder of the stage's.
    pub cache: &'a str,
}

/// A server. Dropping it ends the process.
pub struct Server {
    /// The process, as the system numbers it.
    pub process: u32,
    /// Where it listens.
    pub place: Place,
    /// When it was started.
    pub started: Instant,
    child: Running,
    // Open as long as the process runs, which may write.
    _output: BufReader<ChildStdout>,
    socket: Option<PathBuf>,
}

/// A process that does not outlive this.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.0.kill();
        if let Some(path) = &self.socket {
            // It may have removed it itself.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Stage {
    /// Starts a server and waits until it listens.
    pub async fn start(&self, side: &Side, start: &Start<'_>) -> Result<Server> {
        let socket = match start.transport {
            Transport::Tcp => None,
            Transport::Unix => Some(self.free_path()),
        };
        let place = match &socket {
            None => "127.0.0.1:0".to_owned(),
            Some(path) => path.display().to_string(),
        };
        let mut command = match side {
            Side::Plugnet => self.host(self.plugnet.as_deref(), None, &self.programs.net),
            Side::Composed => {
                let composed = Some("--composed");
                self.host(self.plugnet.as_deref(), composed, &self.programs.net)
            }
            Side::Against { plugnet, .. } => self.host(Some(plugnet), None, &self.programs.net),
            Side::Raw => self.host(self.plugnet.as_deref(), None, &self.programs.raw),
            Side::Node { node } => {
                let mut command = Command::new(node);
                command.arg(&self.programs.node);
                command
            }
            Side::Native => {
                let mut command = Command::new(&self.executable);
                command.arg("serve-native");
                command
            }
        };
        command
            .arg(start.role)
            .arg(start.lane.to_string())
            .arg(place);
        if let Some(upstream) = start.upstream {
            command.arg(upstream.to_string());
        }
        command
            .env("XDG_CACHE_HOME", self.folder.join(start.cache))
            // It has the host capture a backtrace for every error, those included that stay
            // inside it.
            .env_remove("RUST_BACKTRACE")
            .env_remove("RUST_LIB_BACKTRACE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("{} cannot be started", side.name()))?;
        let mut child = Running(child);
        let process = child.0.id();
        let output = child.0.stdout.take().context("the server has no output")?;
        let mut output = BufReader::new(output);
        let first_line = spawn_blocking(move || {
            let mut line = String::new();
            output.read_line(&mut line).map(|_| (line, output))
        });
        // Without an answer the process ends, and the blocked thread with its output.
        let (line, output) = timeout(STARTING, first_line)
            .await
            .with_context(|| format!("{} does not listen", side.name()))???;
        let Some(place) = line.trim_end().strip_prefix("listening ") else {
            bail!("{} said {line:?} instead of where it listens", side.name());
        };
        Ok(Server {
            process,
            place: place.parse()?,
            started,
            child,
            _output: output,
            socket,
        })
    }

    /// The host with a program: this program itself, or `plugnet`.
    fn host(&self, plugnet: Option<&Path>, option: Option<&str>, program: &Path) -> Command {
        let mut command;
        match plugnet {
            None => {
                command = Command::new(&self.executable);
                command.arg("serve-program");
            }
            Some(plugnet) => {
                command = Command::new(plugnet);
                command.args(["run", "--allow-net", "--allow-ipc"]);
                command.arg(format!("{}/", self.folder.display()));
            }
        }
        command.args(option).arg(program);
        command
    }

    /// A path that no socket has yet. It is short, as it has to be.
    fn free_path(&self) -> PathBuf {
        (0_u32..)
            .map(|number| self.folder.join(format!("{number}.sock")))
            .find(|path| !path.exists())
            .unwrap_or_default()
    }
}
