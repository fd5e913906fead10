//! `plugnet` as a process of its own: the files it is given, its start, what it prints, and its
//! end, which has to come within a limit.
#![allow(dead_code, reason = "every test file uses some of it")]

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Nothing here takes as long, even on a slow machine that compiles programs for the first time.
pub const LIMIT: Duration = Duration::from_secs(120);

/// A folder that lives as long as the test, and the files the test puts there.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    /// Where the folder is.
    pub fn here(&self) -> &Path {
        self.0.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.here().join(name)
    }

    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a file in the temporary folder");
        path
    }

    /// A component, from WebAssembly's text format.
    pub fn wat(&self, name: &str, text: &str) -> PathBuf {
        self.file(name, wat::parse_str(text).expect("valid WAT"))
    }

    /// What is in the folder, sorted.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.here())
            .expect("the temporary folder")
            .map(|entry| {
                entry
                    .expect("its entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect();
        names.sort();
        names
    }
}

/// The command `plugnet`, which has nothing to read.
pub fn plugnet() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugnet"));
    command.stdin(Stdio::null());
    command
}

/// Whether the program gets `net` from the net component inside it. A test target whose name ends
/// with `composed` has the sources of the one without, and runs that way.
pub fn is_composed() -> bool {
    let file = env::current_exe().expect("the test's own file");
    let name = file.file_name().expect("a name").to_string_lossy();
    // cargo adds a number after the name.
    name.rsplit_once('-')
        .is_some_and(|(target, _)| target.ends_with("composed"))
}

/// `plugnet run`, in the form of this test target.
pub fn run() -> Command {
    let mut command = plugnet();
    command.arg("run");
    if is_composed() {
        command.arg("--composed");
    }
    command
}

/// Runs the command to its end.
pub fn output(command: &mut Command) -> Output {
    Running::start(command.stderr(Stdio::piped())).end()
}

/// A process, until it ends or is dropped.
pub struct Running {
    child: Child,
    /// What it prints, and nobody has read yet; absent if that is not piped.
    pub stdout: Option<BufReader<ChildStdout>>,
}

impl Running {
    /// Starts the command with a pipe for what it prints.
    pub fn start(command: &mut Command) -> Self {
        Running::spawn(command.stdout(Stdio::piped())).expect("it starts")
    }

    /// Starts the command as it is, which this machine may lack.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().map(BufReader::new);
        Ok(Running { child, stdout })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line it prints.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let stdout = self.stdout.as_mut().expect("a pipe");
        if let Some(line) = stdout.lines().next() {
            return line.expect("text");
        }
        // It may have ended.
        _ = self.child.kill();
        let stderr = collect(self.child.stderr.take()).join();
        let stderr = stderr.expect("its standard error");
        panic!("no line; {}", String::from_utf8_lossy(&stderr));
    }

    /// Reads on what it prints, so that it never waits for a reader.
    pub fn read_on(&mut self) {
        let rest = self.stdout.take();
        thread::spawn(move || rest.map(|mut rest| io::copy(&mut rest, &mut io::sink())));
    }

    /// Waits for its end, and reads nothing.
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status;
            }
            assert!(start.elapsed() < LIMIT, "it did not end within {LIMIT:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end, and collects what is left of its output.
    pub fn end(mut self) -> Output {
        let stdout = collect(self.stdout.take());
        let stderr = collect(self.child.stderr.take());
        let status = self.wait();
        Output {
            status,
            stdout: stdout.join().expect("its standard output"),
            stderr: stderr.join().expect("its standard error"),
        }
    }

    /// The same, for one whose standard input is piped: it is given all of `input` to read.
    pub fn end_with(mut self, input: &[u8]) -> Output {
        let mut stdin = self.child.stdin.take().expect("a pipe");
        let input = input.to_owned();
        let writer = thread::spawn(move || stdin.write_all(&input));
        let output = self.end();
        writer.join().expect("no panic").expect("it reads");
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = vec![];
        if let Some(mut stream) = stream {
            stream.read_to_end(&mut bytes).expect("its output");
        }
        bytes
    })
}
