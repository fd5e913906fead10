//! Programs in JavaScript, on a plugnet that was built with the feature `js`.
//!
//! Each script of the folder `javascript` prints what Node 26 prints: the file `.out` beside it.
//! `UPDATE_TRACES=1` has Node write it (`.ci/node` brings it).

mod process;

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use plugnet_host::wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use plugnet_host::{Error, RunOptions, Runtime, RuntimeOptions};
use process::{Folder, Running, output, plugnet};

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// Runs a script with that text.
fn run(text: &str) -> Output {
    let folder = Folder::new();
    let script = folder.file("app.js", text);
    output(plugnet().args(["run", "--allow-net"]).arg(script))
}

#[track_caller]
fn assert_prints(text: &str, expected: &str) {
    let output = run(text);
    assert_eq!(stdout(&output), expected, "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}

/// The scripts of `javascript`, in their folders.
fn scripts() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/javascript");
    let mut scripts = vec![];
    for folder in fs::read_dir(root).expect("the scripts") {
        for entry in fs::read_dir(folder.expect("a folder").path()).expect("its scripts") {
            let path = entry.expect("a script").path();
            if matches!(
                path.extension().and_then(|end| end.to_str()),
                Some("js" | "mjs")
            ) {
                scripts.push(path);
            }
        }
    }
    scripts.sort();
    assert!(scripts.len() >= 9, "{scripts:?}");
    scripts
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        // Version control would leave out what has this name.
        let name = match entry.file_name() {
            name if name == "packages" => "node_modules".into(),
            name => name,
        };
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).expect("a copy");
        }
    }
}

/// What a script prints when `command` runs it in a folder of its own, which is called ROOT.
fn printed(command: &mut Command, script: &Path) -> String {
    let folder = Folder::new();
    let root = fs::canonicalize(folder.here()).expect("the folder");
    copy(script.parent().expect("its folder"), &root);
    let file = root.join(script.file_name().expect("its name"));
    let output = output(command.arg(file));
    let text = stdout(&output).replace(root.to_str().expect("UTF-8"), "ROOT");
    format!("{text}exit code {}\n", output.status.code().unwrap_or(-1))
}

/// What every script prints is what Node 26 prints.
#[test]
fn scripts_print_what_node_prints() {
    let mut wrong = vec![];
    for script in scripts() {
        let expected = fs::read_to_string(script.with_extension("out")).expect("Node's output");
        let printed = printed(plugnet().args(["run", "--allow-net"]), &script);
        if printed != expected {
            wrong.push(format!(
                "{}:\n{printed}\nand not:\n{expected}",
                script.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Node 26, where it is there, prints what the files say; `UPDATE_TRACES=1` writes them.
#[test]
fn node_prints_it() {
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/node/26/bin/node");
    if !node.is_file() {
        eprintln!("skipped: there is no Node 26, see .ci/node");
        return;
    }
    for script in scripts() {
        let printed = printed(&mut Command::new(&node), &script);
        let file = script.with_extension("out");
        if env::var_os("UPDATE_TRACES").is_some() {
            fs::write(&file, &printed).expect("the file");
        }
        let expected = fs::read_to_string(&file).expect("Node's output");
        assert_eq!(printed, expected, "{}", script.display());
    }
}

/// The two programs of Node's documentation run as they are.
#[test]
fn the_documentation_s_programs_run() {
    let server = r"
const net = require('node:net');
const server = net.createServer((c) => {
  // 'connection' listener.
  console.log('client connected');
  c.on('end', () => {
    console.log('client disconnected');
  });
  c.write('hello\r\n');
  c.pipe(c);
});
server.on('error', (err) => {
  throw err;
});
server.listen(PORT, () => {
  console.log('server bound');
});
";
    let client = r"
const net = require('node:net');
const client = net.createConnection({ port: PORT }, () => {
  // 'connect' listener.
  console.log('connected to server!');
  client.write('world!\r\n');
});
client.on('data', (data) => {
  console.log(data.toString());
  client.end();
});
client.on('end', () => {
  console.log('disconnected from server');
});
";
    let port = free_port();
    let folder = Folder::new();
    let with_port = |name: &str, text: &str| folder.file(name, text.replace("PORT", &port));
    let mut command = plugnet();
    command.args(["run", "--allow-net"]);
    command.arg(with_port("server.js", server));
    let mut server = Running::start(&mut command);
    assert_eq!(server.line(), "server bound");
    let client = output(
        plugnet()
            .args(["run", "--allow-net"])
            .arg(with_port("client.js", client)),
    );
    let text = stdout(&client);
    assert!(
        text.starts_with("connected to server!\nhello\r\n"),
        "{text:?} {}",
        stderr(&client)
    );
    assert!(text.ends_with("disconnected from server\n"), "{text:?}");
    assert_eq!(server.line(), "client connected");
    assert_eq!(server.line(), "client disconnected");
}

/// A port that nobody listens at now.
fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener
        .local_addr()
        .expect("its address")
        .port()
        .to_string()
}

/// What nobody catches is shown with its place, and ends with Node's exit code.
#[test]
fn an_uncaught_error_is_shown() {
    let output =
        run("const a = 1;\nfunction fail() {\n  throw new TypeError('bad');\n}\nfail();\n");
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("app.js:3\n  throw new TypeError('bad');\n"),
        "{text}"
    );
    assert!(text.contains("\nTypeError: bad\n    at fail ("), "{text}");
    assert!(text.contains("app.js:5:"), "{text}");
    assert!(text.trim_end().ends_with("Node.js v26.12.1"), "{text}");
}

/// Exit codes are Node's.
#[test]
fn exit_codes_are_nodes() {
    let codes = [
        ("", 0),
        ("process.exitCode = 3", 3),
        ("process.exit(4)", 4),
        ("process.on('exit', () => { process.exitCode = 5 })", 5),
        (
            "setTimeout(() => process.exit(6), 1); setInterval(() => {}, 1000)",
            6,
        ),
        ("throw 1", 1),
        ("Promise.reject(new Error('no'))", 1),
        (
            "process.on('uncaughtException', () => { throw 2 }); throw 1",
            7,
        ),
        ("process.on('exit', () => { throw 1 })", 1),
        (
            "process.on('exit', () => process.exit(9)); process.exit(1)",
            9,
        ),
        ("require('./none')", 1),
        ("let a b", 1),
        ("import('node:fs'); await new Promise(() => {})", 13),
        ("process.exit(256 + 2)", 2),
    ];
    for (text, code) in codes {
        let output = run(text);
        let status = output.status.code();
        assert_eq!(status, Some(code), "{text}: {}", stderr(&output));
    }
}

/// A rejection that nobody handles has Node's text.
#[test]
fn a_rejection_has_nodes_text() {
    let text = stderr(&run("Promise.reject(42)"));
    let expected = "[UnhandledPromiseRejection: This error originated either by throwing inside of an \
        async function without a catch block, or by rejecting a promise which was not handled with \
        .catch(). The promise rejected with the reason \"42\".";
    assert!(text.contains(expected.trim_start_matches('[')), "{text}");
    assert!(text.contains("code: 'ERR_UNHANDLED_REJECTION'"), "{text}");
}

/// A syntax error shows file, line and caret, in the script and in what it requires.
#[test]
fn a_syntax_error_is_shown() {
    let folder = Folder::new();
    folder.file("bad.js", "let a = 1;\nlet b = foo bar;\n");
    let script = folder.file("app.js", "require('./bad');");
    for path in [folder.path("bad.js"), script] {
        let text = stderr(&output(plugnet().arg("run").arg(path)));
        let expected = "bad.js:2\nlet b = foo bar;\n            ^\n\nSyntaxError: ";
        assert!(text.contains(expected), "{text}");
        assert_eq!(text.matches("let b").count(), 1, "{text}");
    }
}

/// A module that is not there is an error with the paths that were tried.
#[test]
fn a_missing_module_says_what_was_tried() {
    let text = stderr(&run("require('./none')"));
    assert!(
        text.contains("Cannot find module './none'\nRequire stack:\n- "),
        "{text}"
    );
    for tried in ["/none.js'", "/none.json'"] {
        assert!(text.contains(tried), "{text}");
    }
    let text = stderr(&run("require('absent')"));
    assert!(text.contains("/node_modules/absent"), "{text}");
}

/// A script reads the folder of its package.json, does not write to it, and reads nothing else.
#[test]
fn a_script_reads_its_package_alone() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("app/src")).expect("folders");
    folder.file("secret.txt", "secret");
    folder.file("app/package.json", "{}");
    folder.file("app/data.txt", "data");
    let script = folder.file(
        "app/src/app.js",
        "const fs = require('fs');
         const tell = (run) => { try { console.log(String(run())); } catch (e) { console.log(e.code); } };
         tell(() => fs.readFileSync(__dirname + '/../data.txt'));
         tell(() => fs.readFileSync(__dirname + '/../../secret.txt'));
         tell(() => fs.readFileSync('/etc/hostname'));
         tell(() => fs.writeFileSync(__dirname + '/new.txt', 'new'));
         tell(() => fs.unlinkSync(__filename));
         tell(() => fs.mkdirSync(__dirname + '/new'));",
    );
    let output = output(plugnet().arg("run").arg(&script));
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "data", "{text}{}", stderr(&output));
    assert_eq!(lines.len(), 6, "{text}");
    for line in &lines[1..] {
        assert!(
            ["EACCES", "EPERM", "ENOENT", "EROFS"].contains(line),
            "{text}"
        );
    }
    assert!(script.is_file());
    assert_eq!(folder.names(), ["app", "secret.txt"]);
}

/// `--dir` grants more, for writing as well, under the name that it has.
#[test]
fn a_directory_may_be_written_to() {
    let folder = Folder::new();
    let data = Folder::new();
    let script = folder.file(
        "app.js",
        "const fs = require('fs');
         fs.writeFileSync(process.argv[2] + '/new.txt', 'new');
         console.log(fs.readFileSync(process.argv[2] + '/new.txt', 'utf8'));",
    );
    let mut command = plugnet();
    command.args(["run", "--dir"]).arg(data.here());
    let output = output(command.arg(&script).arg(data.here()));
    assert_eq!(stdout(&output), "new\n", "{}", stderr(&output));
    assert_eq!(data.names(), ["new.txt"]);
}

/// Relative paths are of the current folder, also those of `--dir`.
#[test]
fn relative_paths_are_of_the_current_folder() {
    let folder = Folder::new();
    fs::create_dir(folder.path("data")).expect("a folder");
    fs::create_dir(folder.path("app")).expect("a folder");
    folder.file(
        "app/app.js",
        "require('fs').writeFileSync('data/new.txt', process.cwd()); console.log(process.argv[1]);",
    );
    let mut command = plugnet();
    command.current_dir(folder.here());
    let output = output(command.args(["run", "--dir", "data", "app/app.js"]));
    let here = fs::canonicalize(folder.here()).expect("the folder");
    let script = here.join("app/app.js").display().to_string();
    assert_eq!(
        stdout(&output),
        format!("{script}\n"),
        "{}",
        stderr(&output)
    );
    let written = fs::read_to_string(folder.path("data/new.txt")).expect("it was written");
    assert_eq!(written, here.display().to_string());
}

/// Arguments, and the environment that `--env` gives and no other.
#[test]
fn arguments_and_environment_are_given() {
    let folder = Folder::new();
    let script = folder.file(
        "app.js",
        "console.log(JSON.stringify(process.argv.slice(2)), JSON.stringify(process.env));",
    );
    let mut command = plugnet();
    command.env("HIDDEN", "1");
    command.args(["run", "--env", "SHOWN=2"]).arg(script);
    let output = output(command.args(["a", "--b", "c d"]));
    assert_eq!(
        stdout(&output),
        "[\"a\",\"--b\",\"c d\"] {\"SHOWN\":\"2\"}\n"
    );
}

/// Standard input is a stream, to its end.
#[test]
fn standard_input_is_a_stream() {
    let folder = Folder::new();
    let script = folder.file(
        "app.mjs",
        "let length = 0; for await (const chunk of process.stdin) length += chunk.length;
         console.log(length);",
    );
    let mut command = plugnet();
    command.arg("run").arg(script).stdin(Stdio::piped());
    let output = Running::start(command.stderr(Stdio::piped())).end_with(&[b'x'; 300_000]);
    assert_eq!(stdout(&output), "300000\n", "{}", stderr(&output));
}

/// A connection that is not granted is EACCES, and plugnet says what grants it.
#[test]
fn a_denied_connection_says_what_grants_it() {
    let folder = Folder::new();
    let script = folder.file(
        "app.js",
        "require('net').connect(9, '127.0.0.1').on('error', (e) => console.log(e.code, e.syscall));",
    );
    let output = output(plugnet().arg("run").arg(script));
    assert_eq!(stdout(&output), "EACCES connect\n");
    let text = stderr(&output);
    assert!(text.contains("--allow-connect tcp://127.0.0.1:9"), "{text}");
}

/// A loop without an end is ended by the time limit.
#[test]
fn an_endless_loop_is_ended() {
    let folder = Folder::new();
    let script = folder.file("app.js", "for (;;);");
    // Compiled before, by which the time is the loop's.
    assert!(run("").status.success());
    let start = Instant::now();
    let output = output(plugnet().args(["run", "--timeout", "2s"]).arg(script));
    assert_eq!(output.status.code(), Some(124), "{}", stderr(&output));
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// A lack of memory is an error of JavaScript's that can be caught.
#[test]
fn a_lack_of_memory_can_be_caught() {
    let folder = Folder::new();
    let script = folder.file(
        "app.js",
        "const all = [];
         try { for (;;) all.push(new Uint8Array(1 << 20)); } catch (e) { all.length = 0; console.log(e.name); }",
    );
    let output = output(plugnet().args(["run", "--max-memory", "64MiB"]).arg(script));
    let text = stdout(&output);
    assert!(
        text == "RangeError\n" || text == "InternalError\n",
        "{text} {}",
        stderr(&output)
    );
    assert_eq!(output.status.code(), Some(0));
}

/// Recursion without an end is a RangeError, after as many frames as Node has; so is what recurses in
/// the parser, in JSON and in regular expressions.
#[test]
fn deep_recursion_is_an_error() {
    assert_prints(
        "let depth = 0;
         const dive = () => { depth += 1; dive(); };
         const tell = (run) => { try { run(); console.log('ok'); } catch (e) { console.log(e instanceof Error); } };
         tell(dive);
         console.log(depth > 12000);
         tell(() => JSON.parse('['.repeat(1e6)));
         tell(() => eval('['.repeat(1e6)));
         tell(() => eval('('.repeat(1e6)));
         tell(() => eval('!'.repeat(1e6) + '1'));
         tell(() => eval('{'.repeat(1e6)));
         tell(() => eval('a=>'.repeat(1e6)));
         tell(() => new RegExp('(?:'.repeat(1e6)));
         console.log('on');",
        "true\ntrue\ntrue\ntrue\ntrue\ntrue\ntrue\ntrue\ntrue\non\n",
    );
}

/// A server answers many clients at once.
#[test]
fn a_server_has_many_clients() {
    let folder = Folder::new();
    let script = folder.file(
        "app.js",
        "const server = require('net').createServer((c) => c.pipe(c));
         server.listen(0, '127.0.0.1', () => console.log(server.address().port));",
    );
    let mut command = plugnet();
    command.args(["run", "--allow-net"]).arg(script);
    let mut server = Running::start(&mut command);
    let port: u16 = server.line().parse().expect("a port");
    let mut clients: Vec<TcpStream> = (0..50)
        .map(|_| TcpStream::connect(("127.0.0.1", port)).expect("it listens"))
        .collect();
    for (index, client) in clients.iter_mut().enumerate() {
        let limit = Some(Duration::from_secs(30));
        client.set_read_timeout(limit).expect("a time limit");
        client
            .write_all(&[u8::try_from(index).expect("small"); 1000])
            .expect("it reads");
    }
    for (index, client) in clients.iter_mut().enumerate() {
        let mut answer = [0; 1000];
        client.read_exact(&mut answer).expect("an echo");
        assert!(answer.iter().all(|byte| usize::from(*byte) == index));
    }
}

/// The library runs scripts, any number with one runtime.
#[tokio::test]
async fn the_library_runs_scripts() {
    let folder = Folder::new();
    let script = folder.file("app.js", "console.log('hello', process.argv[2])");
    let runtime = Runtime::new(RuntimeOptions {
        cache: true,
        javascript: true,
        ..RuntimeOptions::default()
    })
    .expect("a runtime");
    let program = runtime.javascript().expect("the program");
    for name in ["one", "two"] {
        let out = MemoryOutputPipe::new(1 << 16);
        let options = RunOptions::new().script(&script).expect("a script");
        let exit = program.run(options.args([name]).stdout(out.clone())).await;
        assert_eq!(exit.expect("it ends").0, 0);
        assert_eq!(out.contents(), format!("hello {name}\n"));
    }
    let missing = RunOptions::new().script(folder.path("none.js"));
    assert!(matches!(missing, Err(Error::Script { .. })));
}
