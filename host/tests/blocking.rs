//! Programs in languages without async: they wait by `plugnet:net/blocking`.

mod peer;
mod process;

use std::process::{Output, Stdio};

use plugnet_host::{Error, ProgramError, Runtime, RuntimeOptions, compose, compose_without_ipc};
use process::{Folder, output, plugnet};

/// Waits by `blocking`: see `tests/blocking`.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugnet-test-blocking.wasm"));

/// One line that names the import and both ways out.
#[track_caller]
fn says_what_to_do(message: &str) {
    assert_eq!(message.lines().count(), 1, "{message}");
    for part in [
        "imports `plugnet:net/blocking@0.1.0`",
        "cannot block",
        "by `plugnet run` on Linux, without --composed",
        "by `plugnet:net/turn`",
    ] {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

#[track_caller]
fn is_refused<T>(result: Result<T, Error>) {
    match result {
        Err(Error::Program(error @ ProgramError::Blocks { .. })) => {
            says_what_to_do(&error.to_string());
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it is not refused"),
    }
}

#[track_caller]
fn is_refused_by(output: &Output, folder: &Folder) {
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.starts_with("plugnet: "), "{message}");
    assert!(message.contains("app.wasm"), "{message}");
    says_what_to_do(message.trim_end());
    assert_eq!(folder.names(), ["app.wasm"]);
}

/// The net component cannot provide `blocking`: `compose` refuses the program, with or without
/// `ipc`.
#[test]
fn compose_refuses_a_program_that_blocks() {
    is_refused(compose(PROGRAM));
    is_refused(compose_without_ipc(PROGRAM));
}

/// So does `plugnet compose`, and writes nothing.
#[test]
fn the_command_compose_refuses_a_program_that_blocks() {
    let folder = Folder::new();
    folder.file("app.wasm", PROGRAM);
    for no_ipc in [&[][..], &["--no-ipc"]] {
        let mut command = plugnet();
        command.args(["compose", "app.wasm", "-o", "out.wasm"]);
        command.args(no_ipc).current_dir(folder.here());
        is_refused_by(&output(&mut command), &folder);
    }
}

/// So do `run --composed` and `compile --composed`. Systems other than Linux have no other form.
#[test]
fn composed_runs_refuse_a_program_that_blocks() {
    let folder = Folder::new();
    folder.file("app.wasm", PROGRAM);
    let commands: &[&[&str]] = &[
        &["run", "--composed", "app.wasm", "nothing"],
        &["compile", "--composed", "app.wasm", "-o", "out"],
        #[cfg(not(target_os = "linux"))]
        &["run", "app.wasm", "nothing"],
    ];
    for arguments in commands {
        let mut command = plugnet();
        command.args(*arguments).current_dir(folder.here());
        is_refused_by(&output(command.stderr(Stdio::piped())), &folder);
    }
}

/// So does a runtime that composes, and on systems other than Linux every one.
#[test]
fn a_runtime_that_composes_refuses_a_program_that_blocks() {
    let forms = [
        true,
        #[cfg(not(target_os = "linux"))]
        false,
    ];
    for composed in forms {
        let options = RuntimeOptions {
            composed,
            ..RuntimeOptions::default()
        };
        let runtime = Runtime::new(options).expect("wasmtime supports this machine");
        is_refused(runtime.load(PROGRAM));
        is_refused(runtime.compile(PROGRAM));
    }
}

#[cfg(target_os = "linux")]
mod linux {
    //! How it waits.

    use std::future::Future;
    use std::io::{ErrorKind, Read, Write};
    use std::pin::Pin;
    use std::process::Stdio;
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    use std::sync::{Arc, OnceLock};
    use std::thread;
    use std::time::{Duration, Instant};

    use plugnet_host::policy::{Limits, Policy, TimeLimit};
    use plugnet_host::wasmtime_wasi::cli::{AsyncStdoutStream, stderr};
    use plugnet_host::{Error, Exit, Program, RunOptions, Runtime, RuntimeOptions, Stats};
    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
    use tokio::net::TcpStream;

    use super::{PROGRAM, peer};
    use crate::process::{Folder, LIMIT, Running, plugnet};

    /// Compiled once, for all programs of this file.
    fn program() -> Program {
        static LOADED: OnceLock<Program> = OnceLock::new();
        let load = || {
            let runtime = Runtime::new(RuntimeOptions {
                cache: true,
                ..RuntimeOptions::default()
            });
            let runtime = runtime.expect("wasmtime supports this machine");
            runtime.load(PROGRAM).expect("a program")
        };
        LOADED.get_or_init(load).clone()
    }

    async fn within<T>(future: impl Future<Output = T>) -> T {
        tokio::time::timeout(LIMIT, future)
            .await
            .expect("it takes too long")
    }

    /// What a run prints.
    struct Printed(Lines<BufReader<DuplexStream>>);

    impl Printed {
        async fn line(&mut self) -> String {
            let line = within(self.0.next_line()).await.expect("text");
            line.expect("a line")
        }

        async fn address(&mut self) -> String {
            let line = self.line().await;
            let address = line.strip_prefix("listening ");
            address.unwrap_or_else(|| panic!("{line}")).to_owned()
        }

        async fn number(&mut self, prefix: &str) -> u64 {
            let line = self.line().await;
            let number = line.strip_prefix(prefix).and_then(|it| it.parse().ok());
            number.unwrap_or_else(|| panic!("{line}"))
        }
    }

    /// On the heap: it is large in a debug build.
    type Run = Pin<Box<dyn Future<Output = Result<Exit, Error>>>>;

    /// A case in a run of its own, which has the network.
    fn case(arguments: &[&str], options: RunOptions) -> (Run, Printed) {
        let (stdout, read) = tokio::io::duplex(64 * 1024);
        let options = options
            .allow_net(true)
            .args(["program"])
            .args(arguments)
            .stderr(stderr())
            .stdout(AsyncStdoutStream::new(8192, stdout));
        let program = program();
        let run = Box::pin(async move { program.run(options).await });
        (run, Printed(BufReader::new(read).lines()))
    }

    /// Runs a case to its end, on this thread together with what its peers do.
    async fn together<T>(
        arguments: &[&str],
        peers: impl AsyncFnOnce(&mut Printed) -> T,
    ) -> (T, Vec<String>) {
        let (run, mut printed) = case(arguments, RunOptions::new());
        let peers = async {
            let outcome = peers(&mut printed).await;
            let mut rest = vec![];
            while let Some(line) = printed.0.next_line().await.expect("text") {
                rest.push(line);
            }
            (outcome, rest)
        };
        let (exit, outcome) = within(async { tokio::join!(run, peers) }).await;
        assert_eq!(exit.expect("it ends"), Exit(0), "{:?}", outcome.1);
        outcome
    }

    /// What a case without peers prints.
    async fn alone(name: &str) -> Vec<String> {
        together(&[name], async |_| {}).await.1
    }

    async fn echoes(address: &str, text: &str) {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        stream.write_all(text.as_bytes()).await.expect("it reads");
        let mut answer = vec![0; text.len()];
        within(stream.read_exact(&mut answer))
            .await
            .expect("an answer");
        assert_eq!(answer, text.as_bytes());
        stream.shutdown().await.expect("it is connected");
        let rest = within(stream.read(&mut answer)).await.expect("an end");
        assert_eq!(rest, 0);
    }

    /// A server serves clients that talk at the same time, each to its end, and ends by itself when
    /// nothing is left.
    #[tokio::test]
    async fn a_server_serves_many_clients() {
        let ((), rest) = together(&["echo", "20"], async |printed| {
            let address = printed.address().await;
            let text = "many words ".repeat(20_000);
            let clients = (0..20).map(|_| echoes(&address, &text));
            futures::future::join_all(clients).await;
        })
        .await;
        assert_eq!(rest, ["nothing is left"]);
    }

    /// Without a server or a socket there is nothing to wait for: false at once, whatever the time.
    #[tokio::test]
    async fn nothing_to_wait_for_is_false_at_once() {
        assert_eq!(alone("nothing").await, ["false false false"]);
    }

    /// So it is if all that is left is `unref`'d, and not any more after `ref`.
    #[tokio::test]
    async fn what_is_unrefd_is_not_waited_for() {
        let lines = alone("unref").await;
        assert_eq!(lines[1..], ["false false false", "true"]);
    }

    /// When the time is over the answer is true, without an event.
    #[tokio::test]
    async fn the_time_is_over_without_an_event() {
        let lines = alone("timeout").await;
        assert_eq!(lines[1..], ["true None", "true None"]);
    }

    /// A timeout of 0 asks the system, and takes no time.
    #[tokio::test]
    async fn a_timeout_of_zero_asks_without_waiting() {
        let (took, rest) = together(&["asks"], async |printed| {
            let address = printed.address().await;
            let took = printed.number("asked ").await;
            let client = TcpStream::connect(address).await.expect("it listens");
            assert_eq!(printed.line().await, "true");
            drop(client);
            took
        })
        .await;
        assert!(took < 2_500, "5,000 questions took {took} ms");
        assert!(rest.is_empty(), "{rest:?}");
    }

    /// No time is too long, and what happens ends the wait.
    #[tokio::test]
    async fn the_longest_time_is_taken() {
        let (_, rest) = together(&["longest"], async |printed| {
            let address = printed.address().await;
            TcpStream::connect(address).await.expect("it listens")
        })
        .await;
        assert_eq!(rest, ["Some(true)"]);
    }

    /// What the program set itself, a socket's timeout, ends a wait as what peers do.
    #[tokio::test]
    async fn a_sockets_timeout_ends_the_wait() {
        let (_, rest) = together(&["idle"], async |printed| {
            let address = printed.address().await;
            let client = TcpStream::connect(address).await.expect("it listens");
            assert_eq!(printed.line().await, "idle");
            client
        })
        .await;
        assert_eq!(rest, ["idle"]);
    }

    /// Sends what comes back, so much that there is always something, and so little that nobody is
    /// held back.
    fn keeps_busy(address: &str, over: &AtomicBool) {
        let mut stream = std::net::TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a time limit");
        let mut data = [0; 16 * 1024];
        let mut length = data.len();
        while !over.load(Relaxed) {
            stream.write_all(&data[..length]).expect("it is piped");
            length = stream.read(&mut data).expect("an answer");
        }
    }

    /// Data that the host pipes all the time, without an event, does not put the end off.
    #[tokio::test]
    async fn the_time_is_over_while_data_is_piped() {
        let (times, _) = together(&["pipes"], async |printed| {
            let address = printed.address().await;
            let over = Arc::new(AtomicBool::new(false));
            let clients: Vec<_> = (0..32)
                .map(|_| {
                    let (address, over) = (address.clone(), Arc::clone(&over));
                    tokio::task::spawn_blocking(move || keeps_busy(&address, &over))
                })
                .collect();
            let mut times = vec![];
            for _ in 0..10 {
                times.push(printed.number("waited ").await);
            }
            over.store(true, Relaxed);
            for client in clients {
                within(client).await.expect("it is answered");
            }
            times
        })
        .await;
        for time in times {
            assert!((100..2_000).contains(&time), "{time} ms");
        }
    }

    /// Beside a `turn.wait` that waits it is an error, EALREADY, and the other waits on.
    #[tokio::test]
    async fn beside_another_wait_it_is_an_error() {
        let lines = alone("beside").await;
        let error = "EALREADY wait EALREADY: another wait is waiting";
        assert_eq!(
            lines[1..],
            ["turn waits", error, error, error, "turn is over"]
        );
    }

    /// It blocks this program and nobody else: another one of the same runtime is served by the
    /// same thread.
    #[tokio::test]
    async fn others_are_served_meanwhile() {
        let (mut waits, mut of_waits) = case(&["echo"], RunOptions::new());
        let address = tokio::select! {
            end = &mut waits => panic!("{end:?}"),
            address = of_waits.address() => address,
        };
        let serves = together(&["echo", "3"], async |printed| {
            let address = printed.address().await;
            for _ in 0..3 {
                echoes(&address, "while another waits").await;
            }
        });
        tokio::select! {
            end = &mut waits => panic!("{end:?}"),
            ((), rest) = serves => assert_eq!(rest, ["nothing is left"]),
        }
        // The one that waited has missed nothing.
        tokio::select! {
            end = &mut waits => panic!("{end:?}"),
            () = echoes(&address, "in the end") => {}
        }
    }

    /// One that asks all the time leaves others their turn.
    #[tokio::test]
    async fn others_are_served_while_one_asks_without_end() {
        let (mut asks, mut of_asks) = case(&["asks"], RunOptions::new());
        tokio::select! {
            end = &mut asks => panic!("{end:?}"),
            _ = of_asks.address() => {}
        }
        let serves = together(&["echo", "1"], async |printed| {
            echoes(&printed.address().await, "while another asks").await;
        });
        tokio::select! {
            end = &mut asks => panic!("{end:?}"),
            ((), rest) = serves => assert_eq!(rest, ["nothing is left"]),
        }
    }

    /// Nobody listens there any more. A process that another test starts has what this one has
    /// open, for a moment.
    #[track_caller]
    fn is_closed(address: &str) {
        let begun = Instant::now();
        loop {
            match std::net::TcpStream::connect(address) {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
                _ => assert!(begun.elapsed() < LIMIT, "somebody listens still"),
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The policy's time ends a program that waits.
    #[tokio::test]
    async fn the_time_limit_ends_the_wait() {
        let time: TimeLimit = "300ms".parse().expect("a time");
        let mut limits = Limits::default();
        limits.timeout = Some(time);
        let policy = Policy::builder().limits(limits).build();
        let (run, mut printed) = case(&["echo"], RunOptions::new().policy(policy));
        let (end, address) = within(async { tokio::join!(run, printed.address()) }).await;
        assert!(matches!(end, Err(Error::Timeout(_))), "{end:?}");
        is_closed(&address);
    }

    /// The descriptors that this process has open.
    fn descriptors() -> usize {
        let open = std::fs::read_dir("/proc/self/fd").expect("Linux");
        open.count()
    }

    /// Dropping the run while it waits closes everything: nobody listens, the client hears an
    /// end, and after many of them no descriptor is left.
    #[tokio::test]
    async fn a_dropped_run_leaves_nothing() {
        let before = descriptors();
        for _ in 0..200 {
            let stats = Stats::new();
            let (mut run, mut printed) = case(&["echo"], RunOptions::new().stats(&stats));
            let talk = async {
                let address = printed.address().await;
                let mut client = TcpStream::connect(&address).await.expect("it listens");
                client.write_all(b"x").await.expect("it reads");
                let answer = within(client.read_u8()).await.expect("an answer");
                assert_eq!(answer, b'x');
                (address, client)
            };
            let (address, mut client) = tokio::select! {
                end = &mut run => panic!("{end:?}"),
                talked = talk => talked,
            };
            drop(run);
            is_closed(&address);
            let read = within(client.read(&mut [0])).await;
            assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
            assert_eq!(stats.totals().accepted, 1);
        }
        // Other tests of this process have some open meanwhile; each run has three at least.
        let after = descriptors();
        assert!(
            after < before + 200,
            "{before} descriptors, and then {after}"
        );
    }

    /// Ctrl-C, SIGTERM and `--timeout` end a program that waits, with their exit codes, and nobody
    /// listens any more.
    #[test]
    fn a_signal_and_the_timeout_end_the_wait() {
        let folder = Folder::new();
        let program = folder.file("app.wasm", PROGRAM);
        for (signal, code) in [(Some("-INT"), 130), (Some("-TERM"), 143), (None, 124)] {
            let mut command = plugnet();
            command.args(["run", "--allow-net"]);
            if signal.is_none() {
                command.args(["--timeout", "5s"]);
            }
            command.arg(&program).arg("echo").stderr(Stdio::piped());
            let begun = Instant::now();
            let mut server = Running::start(&mut command);
            let line = server.line();
            let address = line.strip_prefix("listening ").expect("where").to_owned();
            let client = std::net::TcpStream::connect(&address).expect("it listens");
            assert_eq!(peer::talk(client, "ping\n"), "ping\n");
            if let Some(signal) = signal {
                let kill = std::process::Command::new("kill")
                    .args([signal, &server.id().to_string()])
                    .status();
                assert!(kill.expect("kill starts").success());
            }
            let output = server.end();
            let message = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{message}");
            assert!(signal.is_some() || begun.elapsed() >= Duration::from_secs(5));
            is_closed(&address);
        }
    }
}
