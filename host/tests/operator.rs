//! What a program can do to who runs it: keep the command line from ending, fill the disk, and
//! write what looks like something else. One test for each rule.

mod process;
mod programs;

use std::fs;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use process::{Folder, Running, output, plugnet};
use serde_json::Value;

/// Tries what its arguments say, and prints what came of it: see `tests/attacks`.
const ATTACKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugnet-attacks.wasm"));

const ECHO_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));

/// What the end may take, once there is a reason for it: a second or two, and more on machines that
/// have other things to do.
const SOON: Duration = Duration::from_secs(8);

/// A pipe that is full, and that nobody reads.
struct FullPipe {
    writer: PipeWriter,
    _reader: PipeReader,
}

impl FullPipe {
    fn new() -> Self {
        let (reader, writer) = io::pipe().expect("a pipe");
        let mut filling = writer.try_clone().expect("a descriptor");
        // It waits for a reader until this process ends.
        thread::spawn(move || filling.write_all(&vec![b'.'; 1 << 22]));
        let start = Instant::now();
        while has_room(&writer) {
            assert!(start.elapsed() < SOON, "it is not filled");
            thread::sleep(Duration::from_millis(5));
        }
        FullPipe {
            writer,
            _reader: reader,
        }
    }

    fn end(&self) -> Stdio {
        Stdio::from(self.writer.try_clone().expect("a descriptor"))
    }
}

#[cfg(unix)]
fn has_room(pipe: &PipeWriter) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    let mut pipe = [PollFd::new(pipe, PollFlags::OUT)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut pipe, Some(&now)).expect("it is asked") > 0
}

#[cfg(windows)]
fn has_room(_: &PipeWriter) -> bool {
    // Nobody can ask. It is small, and filled by then.
    thread::sleep(Duration::from_secs(1));
    false
}

#[cfg(unix)]
fn send(signal: &str, process: &Running) {
    let status = Command::new("kill")
        .args([signal, &process.id().to_string()])
        .status();
    assert!(status.expect("kill starts").success());
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read_audit(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the audit");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Though nobody reads standard error, a program ends as soon as otherwise and with the same exit code:
/// at its limit, by a trap, by itself with the sum at the end, after denials and traces, and if it
/// does not even begin.
#[test]
fn nobody_has_to_read_standard_error() {
    let pipe = FullPipe::new();
    let folder = Folder::new();
    let attacks = folder.file("attacks.wasm", ATTACKS);
    let denied: Vec<_> = (1..=30)
        .map(|port| format!("0.3 connect 127.0.0.1:{port}"))
        .collect();
    let denied: Vec<_> = denied.iter().map(String::as_str).collect();
    for (options, attempts, code) in [
        (
            &["--timeout", "300ms", "--stats"][..],
            &["misuse spin"][..],
            124,
        ),
        (&["--timeout", "300ms", "--trace"], &["misuse wait"], 124),
        (&[], &["misuse recurse"], 134),
        (&["--stats"], &["0.2 lookup 127.0.0.1"], 0),
        (&["--trace", "--stats"], &denied, 0),
        (&["--allow-connect", "nonsense"], &[], 2),
        (&["--no-such-option"], &[], 2),
    ] {
        let start = Instant::now();
        let mut process = Running::start(
            plugnet()
                .arg("run")
                .args(options)
                .arg(&attacks)
                .args(attempts)
                .stderr(pipe.end()),
        );
        process.read_on();
        assert_eq!(
            process.wait().code(),
            Some(code),
            "{options:?} {attempts:?}"
        );
        assert!(start.elapsed() < SOON, "{options:?}: {:?}", start.elapsed());
    }
}

/// The program's own messages to a reader that is not there do not keep it either.
#[test]
fn a_program_that_writes_to_nobody_ends_at_its_limit() {
    let pipe = FullPipe::new();
    let folder = Folder::new();
    let attacks = folder.file("attacks.wasm", ATTACKS);
    let start = Instant::now();
    let mut process = Running::start(
        plugnet()
            .args(["run", "--timeout", "300ms", "--stats"])
            .arg(attacks)
            // The message of its panic goes to standard error.
            .args(["misuse trap"])
            .stdout(pipe.end())
            .stderr(pipe.end()),
    );
    assert_eq!(process.wait().code(), Some(124));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}

/// SIGTERM ends a program that spins though nobody reads the sum at the end.
#[cfg(unix)]
#[test]
fn a_signal_is_heard_though_nobody_reads() {
    let pipe = FullPipe::new();
    let folder = Folder::new();
    let attacks = folder.file("attacks.wasm", ATTACKS);
    let mut process = Running::start(
        plugnet()
            .args(["run", "--stats", "--trace", "--allow-ipc", "./"])
            .arg(attacks)
            .args(["misuse listen-and-spin ./app.sock"])
            .current_dir(folder.here())
            .stderr(pipe.end()),
    );
    assert_eq!(process.line(), "listening");
    let start = Instant::now();
    send("-TERM", &process);
    assert_eq!(process.wait().code(), Some(143));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    assert_eq!(folder.names(), ["attacks.wasm"]);
}

/// The demo ends though nobody reads what it prints.
#[test]
fn the_demo_needs_no_reader() {
    let pipe = FullPipe::new();
    let start = Instant::now();
    let mut process = Running::spawn(
        plugnet()
            .arg("demo")
            .stdout(pipe.end())
            .stderr(Stdio::null()),
    )
    .expect("it starts");
    assert_eq!(process.wait().code(), Some(0));
    // It compiles two programs.
    assert!(start.elapsed() < 10 * SOON, "{:?}", start.elapsed());
}

/// `compose` does not put a file in the place of a pipe, nor wait for one who reads it.
#[cfg(unix)]
#[test]
fn compose_writes_files_only() {
    let folder = Folder::new();
    let program = folder.file("server.wasm", ECHO_SERVER);
    let pipe = fifo(&folder, "pipe");
    let start = Instant::now();
    let output = output(plugnet().arg("compose").arg(program).arg("-o").arg(&pipe));
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("pipe"),
        "{}",
        text(&output.stderr)
    );
    assert!(start.elapsed() < SOON);
    assert_eq!(folder.names(), ["pipe", "server.wasm"]);
    assert!(!pipe.is_file());
}

/// A named pipe in the folder.
#[cfg(unix)]
fn fifo(folder: &Folder, name: &str) -> std::path::PathBuf {
    let path = folder.path(name);
    let made = Command::new("mkfifo").arg(&path).status();
    assert!(made.expect("mkfifo starts").success());
    path
}

/// An audit to a pipe that nobody has open is refused, rather than waited for.
#[cfg(unix)]
#[test]
fn an_audit_to_a_pipe_that_nobody_reads_is_refused() {
    let folder = Folder::new();
    let pipe = fifo(&folder, "pipe");
    let program = folder.file("attacks.wasm", ATTACKS);
    let output = output(
        plugnet()
            .args(["run", "--audit"])
            .arg(&pipe)
            .arg(program)
            .arg("0.2 lookup 127.0.0.1"),
    );
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("a pipe that nobody reads"), "{message}");
}

/// A reader of the audit that stops to read does not stop the program: it is told, and goes on
/// without; with `--audit-required` it is ended.
#[cfg(unix)]
#[test]
fn a_reader_of_the_audit_may_stop() {
    let denials: Vec<_> = (1..=1000)
        .map(|port| format!("0.3 connect 127.0.0.1:{port}"))
        .collect();
    for (required, code) in [(None, 0), (Some("--audit-required"), 1)] {
        let folder = Folder::new();
        let pipe = fifo(&folder, "pipe");
        // As who only reads, it would wait for who writes.
        let reader = fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&pipe)
            .expect("it is there");
        let program = folder.file("attacks.wasm", ATTACKS);
        let start = Instant::now();
        let output = output(
            plugnet()
                .args(["run", "--audit"])
                .arg(&pipe)
                .args(required)
                .arg(program)
                .args(&denials),
        );
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{message}");
        assert!(start.elapsed() < 2 * SOON, "{:?}", start.elapsed());
        assert!(message.contains("nobody reads it"), "{message}");
        drop(reader);
    }
}

/// An audit on a disk that is full is told of once, and the program goes on. With `--audit-required` it
/// ends before it does what could not be written down.
#[cfg(target_os = "linux")]
#[test]
fn a_required_audit_ends_the_run() {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    for required in [None, Some("--audit-required")] {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("it is set");
        let address = listener.local_addr().expect("it is bound");
        let attempt = format!("0.3 connect {address}");
        let output = output(
            plugnet()
                .args(["run", "--allow-net", "--stats", "--audit", "/dev/full"])
                .args(required)
                .arg(&program)
                .args([&attempt, &attempt]),
        );
        let message = text(&output.stderr);
        let told = message
            .matches("plugnet: the audit cannot be written")
            .count();
        assert_eq!(told, 1, "{message}");
        let connected = listener.accept().is_ok();
        if required.is_some() {
            assert_eq!(output.status.code(), Some(1), "{message}");
            assert!(message.contains("the program was stopped"), "{message}");
            assert!(message.contains("ended by the audit"), "{message}");
            assert!(!connected, "it connects unseen");
        } else {
            assert_eq!(output.status.code(), Some(0), "{message}");
            assert!(connected);
        }
    }
    // A program that does nothing has an end, which could not be written down either.
    let ended = ends_at_once(&folder);
    let message = text(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{message}");
    assert!(message.contains("last lines of the audit"), "{message}");
    // It is an option of the audit.
    let output = output(plugnet().args(["run", "--audit-required"]).arg(&program));
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[cfg(target_os = "linux")]
fn ends_at_once(folder: &Folder) -> std::process::Output {
    let nothing = folder.wat("nothing.wasm", &programs::returns(0));
    output(
        plugnet()
            .args(["run", "--audit", "/dev/full", "--audit-required"])
            .arg(nothing),
    )
}

/// An audit may go to standard output, for another program to read.
#[cfg(target_os = "linux")]
#[test]
fn an_audit_may_go_to_a_pipe() {
    let folder = Folder::new();
    let nothing = folder.wat("nothing.wasm", &programs::returns(0));
    let output = output(
        plugnet()
            .args(["run", "--audit", "/dev/stdout", "--dir"])
            .arg(folder.here())
            .arg(nothing),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let line: Value = serde_json::from_slice(&output.stdout).expect("a line of JSON");
    assert_eq!(line["event"], "end");
}

/// A file that the program could change is no audit: one in a `--dir`, by whatever name. Nothing is
/// made there.
#[cfg(unix)]
#[test]
fn an_audit_lies_outside_of_the_folders() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    for name in ["granted", "granted/below", "outside"] {
        fs::create_dir(folder.path(name)).expect("a folder");
    }
    folder.file("outside/linked", "");
    fs::hard_link(folder.path("outside/linked"), folder.path("granted/other")).expect("a link");
    symlink("granted/below", folder.path("into")).expect("a link");
    symlink("granted", folder.path("also")).expect("a link");
    symlink("../granted/new", folder.path("outside/file")).expect("a link");
    for audit in [
        "granted/audit",
        "granted/below/audit",
        "outside/../granted/audit",
        "into/audit",
        "outside/linked",
        "outside/file",
        "granted/other",
    ] {
        for dir in ["granted", "granted::/data", "./granted/", "also"] {
            let output = output(
                plugnet()
                    .args(["run", "--dir", dir, "--audit", audit])
                    .arg(&program)
                    .arg("0.2 lookup 127.0.0.1")
                    .current_dir(folder.here()),
            );
            let message = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{audit} {dir}: {message}");
            assert!(message.contains("--audit"), "{message}");
        }
    }
    let made: Vec<_> = fs::read_dir(folder.path("granted"))
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(made.len(), 2, "{made:?}");

    let output = output(
        plugnet()
            .args(["run", "--dir", "granted", "--audit", "outside/audit"])
            .arg(&program)
            .arg("0.2 lookup 127.0.0.1")
            .current_dir(folder.here()),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

/// Nor does the trace, or the sum at the end, go where the program could change it.
#[cfg(target_os = "linux")]
#[test]
fn a_trace_lies_outside_of_the_folders() {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    fs::create_dir(folder.path("granted")).expect("a folder");
    let told = |options: &[&str]| {
        let file = fs::File::create(folder.path("granted/trace")).expect("a file");
        let mut process = Running::start(
            plugnet()
                .args(["run", "--dir"])
                .arg(folder.path("granted"))
                .args(options)
                .arg(&program)
                .arg("0.2 lookup 127.0.0.1")
                .stderr(file),
        );
        process.wait().code()
    };
    assert_eq!(told(&["--trace"]), Some(2));
    assert_eq!(told(&["--stats"]), Some(2));
    assert_eq!(told(&[]), Some(0));
}

/// However long the paths are that a program names, and however many: an audit grows by so much in a
/// second, and what is in it moves nobody's cursor. So does a trace.
#[test]
fn a_program_does_not_fill_the_disk() {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let audit = folder.path("audit.jsonl");
    let start = Instant::now();
    let output = output(
        plugnet()
            .args(["run", "--trace", "--max-sockets", "2", "--audit"])
            .arg(&audit)
            .arg(&program)
            .args(["misuse sockets-0.3 1", "misuse long-paths 1000000 500"]),
    );
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{message}");
    // Four kinds of events, and each kind's sum of what was repeated.
    let seconds = start.elapsed().as_secs() + 2;
    let most = seconds * 4 * 2 * 128 * 1024;
    let length = fs::metadata(&audit).expect("the audit").len();
    assert!(length < most, "{length} bytes in {seconds} s");
    assert!((message.len() as u64) < most, "{} bytes", message.len());
    let moves = |text: &str| {
        text.chars()
            .find(|&c| c != '\n' && !plugnet_host::policy::is_plain(c))
    };
    assert_eq!(moves(&message), None);
    assert_eq!(moves(&fs::read_to_string(&audit).expect("text")), None);
    for entry in read_audit(&audit) {
        for (field, value) in entry.as_object().expect("a map") {
            let length = value.as_str().map_or(0, str::len);
            assert!(length < 2048, "{field}: {length}");
        }
    }
}

/// A thousand lookups do not hide a connection, nor thousands of denials.
#[test]
fn a_connection_is_seen_among_many_denials() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let audit = folder.path("audit.jsonl");
    let mut attempts: Vec<_> = (0..1500)
        .map(|number| format!("0.3 lookup x{number}.example"))
        .collect();
    attempts.push(format!("0.3 connect {address}"));
    let output = output(
        plugnet()
            .args(["run", "--allow-connect", &format!("tcp://{address}")])
            .arg("--audit")
            .arg(&audit)
            .arg(&program)
            .args(&attempts),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let entries = read_audit(&audit);
    let of = |event: &str| {
        let entries = entries.iter();
        entries.filter(|entry| entry["event"] == event).count()
    };
    assert_eq!((of("connect"), of("close")), (1, 1));
    assert!(of("omitted") > 0);
    let omitted = entries.iter().find(|entry| entry["event"] == "omitted");
    let omitted = omitted.expect("it is there");
    assert_eq!(omitted["connections"], 0);
    assert_eq!(omitted["events"], omitted["denied"]);
}

/// A peer that is denied from many ports is one line.
#[test]
fn a_peer_that_is_denied_again_is_told_once() {
    let folder = Folder::new();
    let program = folder.file("server.wasm", ECHO_SERVER);
    let mut process = Running::start(
        plugnet()
            .args(["run", "--allow-listen", "tcp://127.0.0.1:0"])
            .args(["--deny-accept", "127.0.0.0/8", "--timeout", "3s"])
            .arg(&program)
            .arg("127.0.0.1:0")
            .stderr(Stdio::piped()),
    );
    let line = process.line();
    let address = line.rsplit(' ').next().expect("an address").to_owned();
    for _ in 0..25 {
        let mut client = TcpStream::connect(&address).expect("it listens");
        // It is closed at once.
        let _ = client.read_to_end(&mut vec![]);
    }
    let output = process.end();
    let message = text(&output.stderr);
    let denials = message.matches("denied: TCP accept from 127.0.0.1").count();
    assert_eq!(denials, 1, "{message}");
    assert!(!message.contains("Further"), "{message}");
}

/// A file whose name begins with `@` does not show as the abstract name, neither to people nor in
/// the audit.
#[cfg(target_os = "linux")]
#[test]
fn a_file_does_not_look_like_an_abstract_name() {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let audit = folder.path("audit.jsonl");
    let output = output(
        plugnet()
            .args(["run", "--audit"])
            .arg(&audit)
            .arg(&program)
            .args(["ipc connect-path @app", r"ipc connect-path \x00app"]),
    );
    let message = text(&output.stderr);
    assert!(message.contains("denied: connect to ./@app"), "{message}");
    assert!(message.contains("denied: connect to @app"), "{message}");
    let entries = read_audit(&audit);
    assert_eq!(entries[0]["target"], "./@app");
    assert_eq!(entries[1]["target"], "@app");
}

/// What is advised for a path that was denied is read by a shell as one option and its entry, `plugnet`
/// takes it, and then the path is not denied. A path for which nothing can be typed has no advice.
#[cfg(unix)]
#[test]
fn the_advice_is_safe_to_paste() {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let here = folder.here().display().to_string();
    for (path, advised) in [
        (r"{here}/a\x20--allow-net", true),
        (r"{here}/$(touch\x20evil)", true),
        (r"{here}/;touch\x20evil", true),
        (r"{here}/`touch\x20evil`", true),
        (r"{here}/it's", true),
        (r"{here}/a\x22b", true),
        (r"./-x", true),
        (r"-x", true),
        (r"./~", true),
        (r"\x00plugnet\x20test", true),
        (r"{here}/a\x0a--allow-net", false),
        (r"{here}/a\x9b", false),
        (r"{here}/a::b", false),
        (r"{here}/*", false),
        (r"@app", false),
        (r"\x00a::b", false),
        (r"\x00/a/", false),
        (r"\x00/", false),
        (r"/", false),
        (r"", false),
    ] {
        let attempt = format!("ipc connect-path {}", path.replace("{here}", &here));
        let run = |advice: &str| {
            let line = format!("exec \"$PLUGNET\" run {advice} attacks.wasm \"$ATTEMPT\"");
            let output = output(
                Command::new("sh")
                    .args(["-c", &line])
                    .env("PLUGNET", env!("CARGO_BIN_EXE_plugnet"))
                    .env("ATTEMPT", &attempt)
                    .current_dir(folder.here())
                    .stdin(Stdio::null()),
            );
            (text(&output.stdout), text(&output.stderr))
        };
        let (_, message) = run("");
        let lines = message.lines().filter(|line| line.starts_with("plugnet: "));
        assert_eq!(lines.count(), message.lines().count(), "{message}");
        let advice = message
            .split_once("Grant it with ")
            .map(|(_, advice)| advice.trim_end());
        assert_eq!(advice.is_some(), advised, "{path}: {message}");
        if let Some(advice) = advice {
            let (said, message) = run(advice);
            assert!(!message.contains("denied"), "{advice}: {message}");
            assert!(!said.contains("access-denied"), "{advice}: {said}");
            assert!(said.ends_with("end of the loop\n"), "{advice}: {message}");
        }
    }
    assert_eq!(folder.names(), ["attacks.wasm"]);
    assert!(program.is_file());
}

/// The names of a program's functions do not make lines of their own when it traps.
#[test]
fn the_name_of_a_function_is_one_line() {
    let folder = Folder::new();
    let name = "$\"x\\0aplugnet: denied: forged\\0d\\e2\\80\\a8\\e2\\80\\ae\"";
    let program = folder.wat(
        "app.wasm",
        &programs::TRAPS.replace("$inner_function", name),
    );
    let output = output(plugnet().arg("run").arg(program));
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(134), "{message}");
    let lines = message.lines().filter(|line| line.starts_with("plugnet: "));
    assert_eq!(lines.count(), 1, "{message}");
    let moves = message
        .chars()
        .find(|&c| c != '\n' && !plugnet_host::policy::is_plain(c));
    assert_eq!(moves, None, "{message:?}");
}

/// Who ended a run is told by `--stats` and in the audit, whatever the exit code is: a program may
/// end with those of the host.
#[test]
fn who_ended_the_run_is_told() {
    let folder = Folder::new();
    let spins = folder.wat("spins.wasm", programs::SPINS);
    let traps = folder.wat("traps.wasm", programs::TRAPS);
    let nothing = folder.file("nothing.wasm", "");
    let mut cases = vec![
        (spins, 124, "timeout"),
        (traps, 134, "trap"),
        (nothing, 2, "host"),
    ];
    for code in [0, 1, 2, 124, 130, 134, 143] {
        let program = folder.wat(&format!("exits{code}.wasm"), &programs::exits(code));
        cases.push((program, code, "program"));
    }
    for (program, code, by) in cases {
        let audit = folder.path("audit.jsonl");
        let output = output(
            plugnet()
                .args(["run", "--stats", "--timeout", "2s", "--audit"])
                .arg(&audit)
                .arg(&program),
        );
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code.into()), "{message}");
        let end = format!("by the {by}, exit code {code}");
        let end = end.replace("the trap", "a trap");
        assert!(message.contains(&end), "no {end:?} in: {message}");
        let entries = read_audit(&audit);
        let last = entries.last().expect("a line");
        assert_eq!(last["event"], "end");
        assert_eq!((&last["by"], &last["code"]), (&by.into(), &code.into()));
        fs::remove_file(&audit).expect("it is there");
    }
}

/// The sum at the end says that what goes by sockets of WASI 0.2 is not in it.
#[test]
fn the_sum_says_what_is_not_counted() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let sum = |attempt: &str| {
        let output = output(
            plugnet()
                .args(["run", "--allow-net", "--stats"])
                .arg(&program)
                .arg(attempt),
        );
        text(&output.stderr)
    };
    let with = sum(&format!("0.2 connect {address}"));
    assert!(
        with.contains("not counted: what went by 1 socket of WASI 0.2"),
        "{with}"
    );
    let without = sum(&format!("0.3 connect {address}"));
    assert!(!without.contains("not counted"), "{without}");
}
