//! The command line, from outside: one test for each rule it keeps.

mod peer;
mod process;
mod programs;

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use process::{Folder, Running, output, plugnet};

const ECHO_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));
const ECHO_CLIENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-client.wasm"));

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// One line on standard error that holds all of `parts`, nothing on standard output, exit code 2.
#[track_caller]
fn assert_refused(output: &Output, parts: &[&str]) {
    let message = stderr(output);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(stdout(output), "");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.starts_with("plugnet: "), "{message}");
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

fn run(program: &Path) -> Output {
    output(plugnet().arg("run").arg(program))
}

/// Without the feature `js` a script says how to build what runs it.
#[cfg(not(feature = "js"))]
#[test]
fn a_script_says_how_to_build() {
    let folder = Folder::new();
    let script = folder.file("server.js", "console.log(1)");
    assert_refused(
        &run(&script),
        &["server.js", "--features js", "clang", "npm"],
    );
}

/// A file that does not exist is named, and where cargo puts programs.
#[test]
fn a_missing_file_is_refused() {
    let folder = Folder::new();
    let path = folder.path("app.wasm");
    assert_refused(
        &run(&path),
        &["app.wasm", "no such file", "target/wasm32-wasip2"],
    );
}

/// A directory is called one.
#[test]
fn a_directory_is_refused() {
    let folder = Folder::new();
    assert_refused(&run(folder.here()), &["directory", ".wasm file"]);
}

/// A file without permission to read says so.
#[cfg(unix)]
#[test]
fn an_unreadable_file_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let path = folder.file("app.wasm", b"\0asm");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("its permissions change");
    if fs::read(&path).is_ok() {
        return; // The super-user may read everything.
    }
    assert_refused(&run(&path), &["app.wasm", "permissions"]);
}

/// A core module is told from a component, with the ways to make one.
#[test]
fn a_core_module_is_refused() {
    let folder = Folder::new();
    let path = folder.wat("core.wasm", "(module)");
    let parts = &[
        "core.wasm",
        "core WebAssembly module",
        "wasm32-wasip2",
        "component new",
    ];
    assert_refused(&run(&path), parts);
}

/// The text format is recognized, with the way to make it binary.
#[test]
fn a_text_file_is_refused() {
    let folder = Folder::new();
    let path = folder.file("app.wat", b"\n  (component)\n");
    assert_refused(&run(&path), &["app.wat", "text format", "wasm-tools parse"]);
}

/// Anything else is called what it is: not WebAssembly. So is an empty file.
#[test]
fn a_file_of_another_kind_is_refused() {
    let folder = Folder::new();
    for bytes in [&b"#!/bin/sh\n"[..], b"", b"\0as"] {
        let path = folder.file("app", bytes);
        assert_refused(&run(&path), &["app", "not WebAssembly"]);
    }
}

/// A component that is cut short is refused, wherever it was cut.
#[test]
fn a_truncated_component_is_refused() {
    let folder = Folder::new();
    for length in [
        4,
        7,
        8,
        9,
        100,
        ECHO_SERVER.len() / 2,
        ECHO_SERVER.len() - 1,
    ] {
        let path = folder.file("cut.wasm", &ECHO_SERVER[..length]);
        let output = run(&path);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{length}: {}",
            stderr(&output)
        );
        if length != 8 {
            // Eight bytes are a valid component, which is empty.
            assert_refused(
                &output,
                &["cut.wasm", "not a valid component", "build or copy"],
            );
        }
    }
}

/// An import that nobody provides is named, with the way to provide it.
#[test]
fn an_unknown_import_is_refused() {
    let folder = Folder::new();
    let path = folder.wat("app.wasm", programs::UNKNOWN_IMPORT);
    assert_refused(
        &run(&path),
        &["app.wasm", "`acme:store/kv@1.0.0`", "wac plug"],
    );
}

/// A component without `wasi:cli/run` is refused, with what it has to export.
#[test]
fn a_component_without_run_is_refused() {
    let folder = Folder::new();
    let path = folder.wat("lib.wasm", "(component)");
    assert_refused(&run(&path), &["lib.wasm", "wasi:cli/run", "plugnet wit"]);
}

/// A program built against another plugnet:net is refused, with the interface that differs.
#[test]
fn a_program_for_another_net_is_refused() {
    let folder = Folder::new();
    let path = folder.wat("app.wasm", programs::OTHER_NET);
    assert_refused(
        &run(&path),
        &["app.wasm", "`plugnet:net/net@0.1.0`", "plugnet wit"],
    );
}

/// An unknown option is named, with the usage.
#[test]
fn an_unknown_flag_is_refused() {
    let output = output(plugnet().args(["run", "--alow-net", "app.wasm"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--alow-net"));
    assert!(
        stderr(&output).contains("--allow-net"),
        "{}",
        stderr(&output)
    );
}

/// Neither an option without its value nor a command without its program gets any further than
/// to the way to the help.
#[test]
fn an_incomplete_command_line_is_refused() {
    for arguments in [&["run"][..], &["compose", "a.wasm"], &[], &["run", "--env"]] {
        let output = output(plugnet().args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains("--help"), "{arguments:?}");
    }
}

/// The exit code of `plugnet run` is the program's.
#[test]
fn the_exit_code_is_the_programs() {
    let folder = Folder::new();
    for (code, text) in [
        (0, programs::returns(0)),
        (1, programs::returns(1)),
        (7, programs::exits(7)),
        (255, programs::exits(255)),
    ] {
        let output = run(&folder.wat("app.wasm", &text));
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert_eq!(stderr(&output), "");
    }
}

/// A trap ends with 134 and a backtrace that names the functions.
#[test]
fn a_trap_prints_its_backtrace() {
    let folder = Folder::new();
    let output = run(&folder.wat("app.wasm", programs::TRAPS));
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(134), "{message}");
    for part in [
        "app.wasm",
        "unreachable",
        "backtrace",
        "inner_function",
        "outer_function",
    ] {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

/// A program that uses up its stack traps; the host does not.
#[test]
fn endless_recursion_is_a_trap() {
    let folder = Folder::new();
    let output = run(&folder.wat("app.wasm", programs::RECURSES));
    assert_eq!(output.status.code(), Some(134), "{}", stderr(&output));
    assert!(stderr(&output).contains("call stack exhausted"));
}

/// What follows the program's name is its own, options of plugnet included.
#[test]
fn arguments_after_the_program_are_its_own() {
    let folder = Folder::new();
    let program = folder.wat("app.wasm", &programs::counts_arguments());
    let output = output(plugnet().arg("run").arg(program).args([
        "--help",
        "--allow-net",
        "--",
        "-x",
        "a b",
    ]));
    // Its name is the first.
    assert_eq!(output.status.code(), Some(6), "{}", stderr(&output));
}

/// The program sees the variables that `--env` names, and no others.
#[test]
fn the_environment_is_empty_but_for_what_is_given() {
    let folder = Folder::new();
    let program = folder.wat("app.wasm", &programs::counts_variables());
    let count = |options: &[&str]| {
        let output = output(
            plugnet()
                .env("PLUGNET_TEST", "here")
                .arg("run")
                .args(options)
                .arg(&program),
        );
        output.status.code()
    };
    assert_eq!(count(&[]), Some(0));
    assert_eq!(
        count(&["--env", "A=1", "--env", "B=x=y", "--env", "PLUGNET_TEST"]),
        Some(3)
    );
}

/// `--env` with the name of a variable that is not set is refused.
#[test]
fn an_unset_variable_is_refused() {
    let output = output(plugnet().args(["run", "--env", "PLUGNET_NOT_SET", "app.wasm"]));
    assert_refused(&output, &["PLUGNET_NOT_SET", "--env PLUGNET_NOT_SET=VALUE"]);
}

/// The program sees the directories that `--dir` names, and no others.
#[test]
fn directories_are_those_that_are_given() {
    let folder = Folder::new();
    let program = folder.wat("app.wasm", &programs::counts_directories());
    let here = folder.here().display();
    assert_eq!(run(&program).status.code(), Some(0));
    let given = output(
        plugnet()
            .arg("run")
            .args([
                "--dir",
                &format!("{here}"),
                "--dir",
                &format!("{here}::/data"),
            ])
            .arg(&program),
    );
    assert_eq!(given.status.code(), Some(2), "{}", stderr(&given));
    assert_eq!(stderr(&given), "");
}

/// A directory that does not exist is named.
#[test]
fn a_missing_directory_is_refused() {
    let folder = Folder::new();
    let program = folder.wat("app.wasm", &programs::returns(0));
    let output = output(
        plugnet()
            .arg("run")
            .arg("--dir")
            .arg(folder.path("nowhere"))
            .arg(program),
    );
    assert_refused(&output, &["nowhere", "cannot be opened"]);
}

/// Without a grant a server gets EACCES, and the user hears once what to grant.
#[test]
fn the_network_is_denied_by_default() {
    let folder = Folder::new();
    let program = folder.file("echo-server.wasm", ECHO_SERVER);
    for (address, grant) in [
        ("127.0.0.1:0", "--allow-listen tcp://127.0.0.1:0"),
        // Brackets are quoted for the shell, where there is one way to.
        ("0", "tcp://[::]:"),
    ] {
        let output = output(plugnet().arg("run").arg(&program).arg(address));
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("listen EACCES"), "{message}");
        assert!(message.contains("plugnet: denied: TCP "), "{message}");
        assert!(message.contains(grant), "{message}");
    }
}

/// Without `--allow-net` a client gets EACCES for a name as for an address.
#[test]
fn lookups_and_connections_are_denied_by_default() {
    let folder = Folder::new();
    let program = folder.file("echo-client.wasm", ECHO_CLIENT);
    for (host, denied) in [
        ("127.0.0.1", "denied: TCP connect to 127.0.0.1:9"),
        ("example.invalid", "denied: lookup of example.invalid"),
    ] {
        let output = output(plugnet().arg("run").arg(&program).args(["9", host]));
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("EACCES"), "{message}");
        assert!(message.contains(denied), "{message}");
    }
}

/// Starts the echo server on a port of the system's choice, and waits until it listens.
#[cfg(unix)]
fn serving(folder: &Folder) -> (Running, String) {
    let program = folder.file("echo-server.wasm", ECHO_SERVER);
    let mut server = Running::start(
        plugnet()
            .args(["run", "--allow-net"])
            .arg(program)
            .arg("127.0.0.1:0")
            .stderr(Stdio::piped()),
    );
    let line = server.line();
    let address = line
        .strip_prefix("server bound ")
        .unwrap_or_else(|| panic!("it printed {line:?}"));
    (server, address.to_owned())
}

/// Ctrl-C and SIGTERM end a program that waits, with the exit codes a shell gives for them, and
/// its port is free again.
#[cfg(unix)]
#[test]
fn a_signal_ends_a_program_that_waits() {
    let folder = Folder::new();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let (server, address) = serving(&folder);
        send(signal, &server);
        let output = server.end();
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        std::net::TcpListener::bind(address).expect("the port is free");
    }
}

#[cfg(unix)]
fn send(signal: &str, process: &Running) {
    let status = std::process::Command::new("kill")
        .arg(signal)
        .arg(process.id().to_string())
        .status();
    assert!(status.expect("kill starts").success());
}

/// A program answers clients that are not WebAssembly.
#[cfg(unix)]
#[test]
fn a_server_serves_a_plain_socket() {
    let folder = Folder::new();
    let (server, address) = serving(&folder);
    let client = std::net::TcpStream::connect(address).expect("it listens");
    assert_eq!(peer::talk(client, "ping\n"), "hello\r\nping\n");
    send("-TERM", &server);
    server.end();
}

/// The demo shows both sides in order and ends by itself.
#[test]
fn the_demo_runs_to_its_end() {
    let output = output(plugnet().arg("demo"));
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    let side = |name: &str| -> Vec<&str> {
        text.lines()
            .filter_map(|line| line.strip_prefix(name))
            .collect()
    };
    let server = side("[server] ");
    let path = if cfg!(windows) {
        r"server bound \\.\pipe\"
    } else {
        "server bound /"
    };
    let places = ["server bound 127.0.0.1:", path];
    assert_eq!(server.len(), 3 * places.len(), "{text}");
    for (lines, place) in server.chunks(3).zip(places) {
        assert!(lines[0].starts_with(place), "{text}");
        assert_eq!(lines[1..], ["client connected", "client disconnected"]);
    }
    let client = [
        "connected to server!",
        "hello",
        "world!",
        "disconnected from server",
    ];
    assert_eq!(side("[client] "), [client, client].concat());
    let at = |line: &str| text.find(line).expect("printed above");
    assert!(at("server bound") < at("connected to server!"), "{text}");
    assert!(at("world!") < at("client disconnected"), "{text}");
}

/// Where the demo makes its socket, nothing is left of it.
#[cfg(unix)]
#[test]
fn the_demo_leaves_nothing_behind() {
    let folder = Folder::new();
    let output = output(plugnet().arg("demo").env("TMPDIR", folder.here()));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains(folder.here().to_str().expect("UTF-8")));
    assert_eq!(folder.names(), [""; 0]);
}

/// Starts the echo server at a path in the folder, granted with `grant`, and waits until it
/// listens.
#[cfg(unix)]
fn serving_at(folder: &Folder, grant: &str, path: &str) -> Running {
    let program = folder.file("echo-server.wasm", ECHO_SERVER);
    let mut server = Running::start(
        plugnet()
            .args(["run", "--allow-ipc", grant])
            .args([&program, Path::new(path)])
            .current_dir(folder.here())
            .stderr(Stdio::piped()),
    );
    assert_eq!(server.line(), format!("server bound {path}"));
    server
}

/// A host that Ctrl-C or SIGTERM ends leaves no socket behind.
#[cfg(unix)]
#[test]
fn a_signal_leaves_no_socket_behind() {
    for signal in ["-INT", "-TERM"] {
        let folder = Folder::new();
        let server = serving_at(&folder, "./", "./echo.sock");
        assert_eq!(folder.names(), ["echo-server.wasm", "echo.sock"]);
        send(signal, &server);
        server.end();
        assert_eq!(folder.names(), ["echo-server.wasm"]);
    }
}

/// The socket that a killed host leaves is in the way of the next one, which says so: nothing
/// is replaced silently.
#[cfg(unix)]
#[test]
fn a_stale_socket_is_not_replaced() {
    let folder = Folder::new();
    let server = serving_at(&folder, "./", "./echo.sock");
    send("-KILL", &server);
    server.end();
    assert_eq!(folder.names(), ["echo-server.wasm", "echo.sock"]);
    let output = output(
        plugnet()
            .args([
                "run",
                "--allow-ipc",
                "./",
                "echo-server.wasm",
                "./echo.sock",
            ])
            .current_dir(folder.here()),
    );
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(
        message.contains("listen EADDRINUSE: address already in use ./echo.sock"),
        "{message}"
    );
    assert_eq!(folder.names(), ["echo-server.wasm", "echo.sock"]);
}

/// `HOST::GUEST`: the program's path is not the host's.
#[cfg(unix)]
#[test]
fn a_grant_may_rename_the_path() {
    let folder = Folder::new();
    fs::create_dir(folder.path("run")).expect("a folder");
    let server = serving_at(&folder, "./run/::/app/", "/app/echo.sock");
    let path = folder.path("run/echo.sock");
    let client = std::os::unix::net::UnixStream::connect(path).expect("it listens");
    assert_eq!(peer::talk(client, "ping"), "hello\r\nping");
    send("-TERM", &server);
    server.end();
}

/// Without a grant a path is EACCES, and the message names the grant that would allow it; the
/// network's grant does not help.
#[cfg(unix)]
#[test]
fn a_path_is_denied_and_the_grant_is_named() {
    let folder = Folder::new();
    let server = folder.file("echo-server.wasm", ECHO_SERVER);
    let client = folder.file("echo-client.wasm", ECHO_CLIENT);
    for (program, denied) in [(server, "listen on"), (client, "connect to")] {
        let output = output(
            plugnet()
                .args(["run", "--allow-net", "--allow-ipc", "./other.sock"])
                .args([&program, Path::new("./echo.sock")])
                .current_dir(folder.here()),
        );
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("EACCES"), "{message}");
        let hint = format!("denied: {denied} ./echo.sock. Grant it with --allow-ipc ./echo.sock");
        assert!(message.contains(&hint), "{message}");
    }
    assert_eq!(folder.names(), ["echo-client.wasm", "echo-server.wasm"]);
}

/// A path that would leave its grant is denied, and the message says how.
#[cfg(unix)]
#[test]
fn a_grant_is_not_left() {
    let folder = Folder::new();
    let program = folder.file("echo-server.wasm", ECHO_SERVER);
    fs::create_dir(folder.path("granted")).expect("a folder");
    std::os::unix::fs::symlink("..", folder.path("granted/out")).expect("a link");
    for (path, why) in [
        ("granted/../echo.sock", "`..`"),
        ("granted/out/echo.sock", "symbolic link"),
    ] {
        let output = output(
            plugnet()
                .args(["run", "--allow-ipc", "granted/"])
                .args([&program, Path::new(path)])
                .current_dir(folder.here()),
        );
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("listen EACCES"), "{message}");
        assert!(message.contains(why), "{message}");
    }
    assert_eq!(folder.names(), ["echo-server.wasm", "granted"]);
}

/// A grant that cannot be understood, or opened, is refused before the program starts.
#[cfg(unix)]
#[test]
fn a_bad_grant_is_refused() {
    let folder = Folder::new();
    let program = folder.file("echo-server.wasm", ECHO_SERVER);
    for (grant, parts) in [
        ("", &["--allow-ipc", "the entry is empty"][..]),
        ("./::/app.sock", &["./::/app.sock"]),
        ("nowhere/app.sock", &["nowhere", "cannot be opened"]),
        (r"\\.\pipe\app", &[r"\\.\pipe\app", "this system"]),
    ] {
        let output = output(
            plugnet()
                .args(["run", "--allow-ipc", grant])
                .arg(&program)
                .current_dir(folder.here()),
        );
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message}");
        for part in parts {
            assert!(message.contains(part), "{message}");
        }
    }
}

/// `compose --no-ipc` writes a program in which every path is denied.
#[cfg(unix)]
#[test]
fn compose_without_ipc_denies_paths() {
    let folder = Folder::new();
    folder.file("app.wasm", ECHO_SERVER);
    let composed = output(
        plugnet()
            .args(["compose", "--no-ipc", "app.wasm", "-o", "out.wasm"])
            .current_dir(folder.here()),
    );
    assert_eq!(composed.status.code(), Some(0), "{}", stderr(&composed));
    let output = output(
        plugnet()
            .args(["run", "--allow-ipc", "./", "out.wasm", "./echo.sock"])
            .current_dir(folder.here()),
    );
    assert_eq!(output.status.code(), Some(1));
    let message = stderr(&output);
    assert!(
        message.contains("listen EACCES: permission denied ./echo.sock"),
        "{message}"
    );
}

/// `plugnet wit` prints a package that stands for itself and has what programs need.
#[test]
fn the_wit_package_stands_for_itself() {
    let output = output(plugnet().arg("wit"));
    assert_eq!(output.status.code(), Some(0));
    let mut resolve = wit_parser::Resolve::default();
    let package = resolve
        .push_str("plugnet.wit", &stdout(&output))
        .expect("valid WIT");
    let name = resolve.packages[package].name.to_string();
    assert_eq!(name, "plugnet:net@0.1.0");
    for world in ["imports", "command"] {
        resolve
            .select_world(&[package], Some(world))
            .expect("a world for programs");
    }
}

/// A reader of `plugnet wit` that has seen enough is no failure.
#[test]
fn a_closed_pipe_is_no_failure() {
    let mut process = Running::start(plugnet().arg("wit").stderr(Stdio::piped()));
    drop(process.stdout.take());
    let output = process.end();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

/// `plugnet compose` writes a program that needs no more of plugnet, and nothing else.
#[test]
fn compose_writes_a_program() {
    let folder = Folder::new();
    let program = folder.file("app.wasm", ECHO_SERVER);
    let composed = folder.path("out.wasm");
    let output = output(
        plugnet()
            .arg("compose")
            .arg(&program)
            .arg("-o")
            .arg(&composed),
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        (stdout(&output), stderr(&output)),
        (String::new(), String::new())
    );
    assert_eq!(folder.names(), ["app.wasm", "out.wasm"]);
    assert!(fs::read(&program).expect("the program") == ECHO_SERVER);
    // Composing again finds nothing left to do.
    let bytes = fs::read(&composed).expect("the result");
    assert!(plugnet_host::compose(&bytes).expect("a component") == bytes);
}

/// A program that does not import plugnet:net is copied, and the user is told.
#[test]
fn compose_copies_a_program_without_net() {
    let folder = Folder::new();
    let program = folder.wat("app.wasm", &programs::returns(0));
    let copy = folder.path("out.wasm");
    let output = output(plugnet().arg("compose").arg(&program).arg("-o").arg(&copy));
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("does not import plugnet:net"));
    assert_eq!(
        fs::read(copy).expect("the copy"),
        fs::read(program).expect("the program")
    );
}

/// The program is never overwritten, whatever it is called on the command line.
#[test]
fn compose_does_not_overwrite_its_input() {
    let folder = Folder::new();
    let program = folder.file("app.wasm", ECHO_SERVER);
    for same in [program.clone(), folder.path("./app.wasm")] {
        let output = output(plugnet().arg("compose").arg(&program).arg("-o").arg(same));
        assert_refused(&output, &["app.wasm", "program itself"]);
    }
    assert!(fs::read(&program).expect("the program") == ECHO_SERVER);
}

/// What cannot be written is named, and nothing is left behind.
#[test]
fn compose_leaves_nothing_behind_when_it_fails() {
    let folder = Folder::new();
    let program = folder.file("app.wasm", ECHO_SERVER);
    fs::create_dir(folder.path("out.wasm")).expect("a directory in the way");
    for target in ["out.wasm", "nowhere/out.wasm"] {
        let output = output(
            plugnet()
                .arg("compose")
                .arg(&program)
                .arg("-o")
                .arg(folder.path(target)),
        );
        assert_refused(&output, &["out.wasm", "cannot be written"]);
    }
    assert_eq!(folder.names(), ["app.wasm", "out.wasm"]);
}
