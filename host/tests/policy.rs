//! What `plugnet run` lets a program do and what `plugnet check` says of it: one test for each
//! rule.

mod process;
mod programs;

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use process::{Folder, LIMIT, Running, plugnet};
use serde_json::Value;

/// Tries what its arguments say, and prints what came of it: see `tests/attacks`.
const ATTACKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plugnet-attacks.wasm"));

/// What a command ended with and printed.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs the command to its end.
fn end(command: &mut Command) -> Ended {
    let output = process::output(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ended {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}

fn check(arguments: &[&str]) -> Ended {
    end(plugnet().arg("check").args(arguments))
}

/// `plugnet run OPTIONS` with the program that makes these attempts.
fn run(options: &[&str], attempts: &[&str]) -> Ended {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    end(plugnet()
        .arg("run")
        .args(options)
        .arg(program)
        .args(attempts))
}

impl Ended {
    /// Refused in one message, with nothing on standard output.
    #[track_caller]
    fn is_refused(&self, parts: &[&str]) {
        assert_eq!(self.code, Some(2), "{}", self.stderr);
        assert_eq!(self.stdout, "");
        assert!(self.stderr.starts_with("plugnet: "), "{}", self.stderr);
        self.says(parts);
    }

    #[track_caller]
    fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in: {}",
                self.stderr
            );
        }
    }

    fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }

    /// What was told of what was denied.
    fn denials(&self) -> Vec<&str> {
        let lines = self.stderr.lines();
        lines
            .filter_map(|line| line.strip_prefix("plugnet: denied: "))
            .collect()
    }
}

/// A listener on a port of 127.0.0.1, which connections reach though nobody accepts them.
fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    (listener, port)
}

/// `check` says what would happen and which rule decides; its exit code is 0 for what is allowed
/// and 1 for what is denied.
#[test]
fn check_answers() {
    let api = ["--allow-connect", "tcp://api.example.com:443"];
    let listen = ["--allow-listen", "tcp://127.0.0.1:8080"];
    let accept = [
        "--allow-listen",
        "tcp://127.0.0.1:8080",
        "--allow-accept",
        "10.0.0.0/8",
    ];
    let deny = ["--allow-net", "--deny-connect", "tcp://*:25"];
    let unix = ["--allow-connect", "unix:///run/app/"];
    for (options, question, code, texts) in [
        (
            &api[..],
            &["tcp://api.example.com:443"][..],
            0,
            &[
                "allowed",
                "allow-connect tcp://api.example.com:443 (command line)",
            ][..],
        ),
        (
            &api,
            &["tcp://api.example.com:80"],
            1,
            &[
                "denied",
                "no rule",
                "--allow-connect tcp://api.example.com:80",
            ],
        ),
        (
            &api,
            &["--resolve", "api.example.com"],
            0,
            &["allowed", "implied by allow-connect"],
        ),
        (
            &api,
            &["--resolve", "example.com"],
            1,
            &["denied", "--allow-resolve example.com"],
        ),
        (&api, &["--resolve", "0x7f.1"], 1, &["denied", "127.0.0.1"]),
        (
            &listen,
            &["--listen", "tcp://127.0.0.1:8080"],
            0,
            &["allowed", "allow-listen"],
        ),
        (
            &listen,
            &["--listen", "tcp://0.0.0.0:8080"],
            1,
            &["denied", "--allow-listen tcp://0.0.0.0:8080"],
        ),
        (
            &listen,
            &["--accept", "192.0.2.1"],
            0,
            &["allowed", "implied by allow-listen"],
        ),
        (
            &accept,
            &["--accept", "10.1.2.3"],
            0,
            &["allowed", "allow-accept 10.0.0.0/8"],
        ),
        (
            &accept,
            &["--accept", "192.0.2.1"],
            1,
            &["denied", "--allow-accept 192.0.2.1"],
        ),
        (
            &deny,
            &["tcp://192.0.2.1:25"],
            1,
            &["denied", "deny-connect tcp://*:25"],
        ),
        (&deny, &["tcp://192.0.2.1:26"], 0, &["allowed", "allow-net"]),
        (&deny, &["udp://192.0.2.1:25"], 0, &["allowed", "allow-net"]),
        (
            &unix,
            &["unix:///run/app/a.sock"],
            0,
            &["allowed", "allow-connect unix:///run/app/"],
        ),
        (
            &unix,
            &["--listen", "unix:///run/app/a.sock"],
            1,
            &["denied"],
        ),
        (&[], &["tcp://127.0.0.1:80"], 1, &["denied", "no rule"]),
    ] {
        let ended = check(&[options, question].concat());
        assert_eq!(
            ended.code,
            Some(code),
            "{question:?}: {}{}",
            ended.stdout,
            ended.stderr
        );
        assert_eq!(ended.stderr, "", "{question:?}");
        for text in texts {
            assert!(
                ended.stdout.contains(text),
                "no {text:?} in: {}",
                ended.stdout
            );
        }
    }
}

/// A question or a rule that is none has exit code 2, the spot, and the corrected form.
#[test]
fn check_refuses_what_it_does_not_understand() {
    check(&["tcp://api.example.com"]).is_refused(&["port is missing"]);
    check(&["api.example.com:443"]).is_refused(&["tcp://api.example.com:443"]);
    check(&["ftp://api.example.com:21"]).is_refused(&["ftp"]);
    check(&["--accept", "somebody"]).is_refused(&["somebody"]);
    let question = "tcp://192.0.2.1:80";
    check(&["--allow-connect", "tcp://10.0.0.0/33:80", question]).is_refused(&[
        "--allow-connect: ",
        "tcp://10.0.0.0/33:80",
        "^",
    ]);
    check(&["--deny-listen", "tcp://127.0.0.1", question]).is_refused(&[
        "--deny-listen: ",
        "^",
        "write tcp://127.0.0.1:443",
    ]);
    check(&["--allow-resolve", "a..b", question]).is_refused(&["--allow-resolve: ", "^"]);
    // clap's own errors.
    for arguments in [
        &[][..],
        &[question, "--listen", question],
        &["--max-memory", "1", question],
    ] {
        assert_eq!(check(arguments).code, Some(2), "{arguments:?}");
    }
}

/// The five policies of docs/policy.md, each as a file and as options, answer as they are said to.
#[test]
fn the_policies_of_the_document_hold() {
    let document = include_str!("../../docs/policy.md");
    let folder = Folder::new();
    let (mut policies, mut answers) = (0, 0);
    let (mut toml, mut options) = (None, vec![]);
    for (language, block) in blocks(document) {
        match language {
            "toml" => toml = Some(folder.file("policy.toml", block)),
            "sh" => options = words(block),
            "check" => {
                let file = toml.take().expect("a file before its answers");
                policies += 1;
                for line in block.lines() {
                    answers += 1;
                    let (verdict, question) = line.split_once(' ').expect("a question");
                    let code = Some(i32::from(verdict == "denied"));
                    let question: Vec<_> = question.split(' ').collect();
                    let by_file = end(plugnet()
                        .arg("check")
                        .arg("--policy")
                        .arg(&file)
                        .args(&question));
                    assert_eq!(
                        by_file.code, code,
                        "{line}: {}{}",
                        by_file.stdout, by_file.stderr
                    );
                    let by_options = end(plugnet().arg("check").args(&options).args(&question));
                    assert_eq!(
                        by_options.code, code,
                        "{line}: {}{}",
                        by_options.stdout, by_options.stderr
                    );
                }
            }
            _ => {}
        }
    }
    assert_eq!((policies, answers > 30), (5, true));
}

/// The blocks of code of a document, each with its language.
fn blocks(document: &str) -> impl Iterator<Item = (&str, &str)> {
    // Outside, inside, outside, …
    document
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
}

/// The options of `plugnet run OPTIONS app.wasm`, as a shell has them; none of another command.
fn words(command: &str) -> Vec<String> {
    let command = command.replace("\\\n", " ").replace('\'', "");
    let command = command.trim().strip_prefix("plugnet run ");
    let options = command.and_then(|command| command.strip_suffix(" app.wasm"));
    options
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_owned)
        .collect()
}

/// What is wrong with a file is told with its line and column.
#[test]
fn a_bad_policy_file_is_refused() {
    let folder = Folder::new();
    let question = "tcp://192.0.2.1:80";
    for (text, parts) in [
        (
            "allow-connect = [\n  \"tcp://api.example.com\",\n]\n",
            &[
                "policy.toml:2:",
                "port is missing",
                "^",
                "write tcp://api.example.com:443",
            ][..],
        ),
        (
            "\nallow-conect = []\n",
            &["policy.toml:2:1", "allow-conect", "allow-connect"],
        ),
        ("allow-connect = \"tcp://*:80\"\n", &["policy.toml:1:"]),
        ("allow-connect = [\n", &["policy.toml:"]),
        ("max-memory = \"64\"\n", &["policy.toml:1:", "64MiB"]),
        ("timeout = \"soon\"\n", &["policy.toml:1:"]),
        ("max-connections = 0\n", &["policy.toml:1:"]),
    ] {
        let file = folder.file("policy.toml", text);
        let file = file.to_str().expect("Unicode");
        check(&["--policy", file, question]).is_refused(parts);
        // Nor does a program start under it.
        let ended = run(&["--policy", file], &["0.2 lookup 127.0.0.1"]);
        ended.is_refused(parts);
    }
    let file = folder.file("policy.toml", b"allow-net = true # \xff\n");
    check(&["--policy", file.to_str().expect("Unicode"), question])
        .is_refused(&["policy.toml", "UTF-8"]);
    let missing = folder.path("nowhere.toml");
    check(&["--policy", missing.to_str().expect("Unicode"), question])
        .is_refused(&["nowhere.toml: there is no such file. Check the path\n"]);
    let folder = folder.here().to_str().expect("Unicode");
    check(&["--policy", folder, question]).is_refused(&["directory", ".toml file"]);
}

/// Rules of several files and of options add up, what is denied in one of them stays denied, and
/// each is told with where it stands.
#[test]
fn files_and_options_add_up() {
    let folder = Folder::new();
    let one = folder.file("one.toml", "allow-connect = [\"tcp://192.0.2.1:80\"]\n");
    let two = folder.file("two.toml", "\ndeny-connect = [\"tcp://*:25\"]\n");
    let answer = |question: &str| {
        end(plugnet()
            .arg("check")
            .args([
                "--policy".as_ref(),
                one.as_os_str(),
                "--policy".as_ref(),
                two.as_os_str(),
            ])
            .args(["--allow-connect", "tcp://192.0.2.2:*", question]))
    };
    for (question, code, rule) in [
        ("tcp://192.0.2.1:80", 0, "one.toml:1)"),
        ("tcp://192.0.2.2:80", 0, "(command line)"),
        ("tcp://192.0.2.2:25", 1, "two.toml:2)"),
    ] {
        let ended = answer(question);
        assert_eq!(ended.code, Some(code), "{}", ended.stdout);
        assert!(
            ended.stdout.contains(rule),
            "no {rule} in: {}",
            ended.stdout
        );
    }
}

/// What is denied is denied whatever is allowed, in a run as in an answer.
#[test]
fn deny_options_beat_allow_options() {
    let (open, allowed) = listener();
    let (shut, denied) = listener();
    let ended = run(
        &[
            "--allow-net",
            "--deny-connect",
            &format!("tcp://127.0.0.1:{denied}"),
        ],
        &[
            &format!("net connect 127.0.0.1:{denied}"),
            &format!("0.3 connect 127.0.0.1:{denied}"),
            &format!("0.2 connect 127.0.0.1:{denied}"),
            &format!("net connect 127.0.0.1:{allowed}"),
        ],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.lines()[..4],
        ["EACCES", "access-denied", "access-denied", "ok"]
    );
    open.accept().expect("somebody came");
    shut.set_nonblocking(true).expect("a mode");
    assert!(shut.accept().is_err(), "somebody came");
}

/// Denials are told once each, with the option that would have granted it.
#[test]
fn denials_are_told_once_with_the_grant() {
    let folder = Folder::new();
    let socket = folder.path("app.sock");
    let socket = socket.display();
    let ended = run(
        &["--deny-resolve", "b.example"],
        &[
            "net connect 127.0.0.1:9",
            "0.3 connect 127.0.0.1:9",
            "0.2 connect 127.0.0.1:9",
            "0.3 lookup A.example.",
            "0.3 lookup b.example",
            "0.2 listen 127.0.0.1:8080",
            "0.3 udp-send 192.0.2.1:53",
            &format!("ipc connect-path {socket}"),
        ],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let denials = ended.denials();
    assert_eq!(denials.len(), 6, "{}", ended.stderr);
    assert_eq!(
        denials[0],
        "TCP connect to 127.0.0.1:9. Grant it with --allow-connect tcp://127.0.0.1:9"
    );
    assert_eq!(
        denials[1],
        "lookup of A.example.. Grant it with --allow-resolve a.example"
    );
    assert_eq!(
        denials[2],
        "lookup of b.example: by deny-resolve b.example (command line)"
    );
    assert_eq!(
        denials[3],
        "TCP bind to 127.0.0.1:8080. Grant it with --allow-listen tcp://127.0.0.1:8080"
    );
    assert_eq!(
        denials[4],
        "UDP send to 192.0.2.1:53. Grant it with --allow-connect udp://192.0.2.1:53"
    );
    assert!(
        denials[5].starts_with(&format!("connect to {socket}")),
        "{}",
        denials[5]
    );
}

/// A program that tries many things does not flood the terminal, and that there was more is said.
#[test]
fn at_most_twenty_denials_are_told() {
    let attempts: Vec<_> = (1..=30)
        .map(|port| format!("0.3 connect 127.0.0.1:{port}"))
        .collect();
    let attempts: Vec<_> = attempts.iter().map(String::as_str).collect();
    let ended = run(&[], &attempts);
    let denials = ended.denials();
    assert_eq!(denials.len(), 21, "{}", ended.stderr);
    assert!(
        denials[20].contains("Further denials are not shown"),
        "{}",
        denials[20]
    );
    // Twenty are all of them.
    let ended = run(&[], &attempts[..20]);
    assert_eq!(ended.denials().len(), 20, "{}", ended.stderr);
    assert!(!ended.stderr.contains("Further"), "{}", ended.stderr);
}

/// What a program names, a host, a path, a function, does not move the terminal's cursor when
/// plugnet tells of it, nor make a line that plugnet did not write.
#[test]
fn a_programs_text_does_not_move_the_cursor() {
    let folder = Folder::new();
    let granted = folder.here().display();
    let ended = run(
        &["--allow-connect", &format!("unix://{granted}/")],
        &[
            r"0.3 lookup \x1b[2Jevil\x0aplugnet:\x20denied:\x20forged",
            r"ipc connect-path /tmp/\x1b[2J\x0d",
            &format!(r"ipc connect-path {granted}/../\x1b[2J\x9b2J"),
        ],
    );
    assert_eq!(ended.denials().len(), 3, "{}", ended.stderr);
    let moves = ended.stderr.chars().find(|&c| c.is_control() && c != '\n');
    assert_eq!(moves, None, "{:?}", ended.stderr);
    assert!(
        !ended.stderr.contains("\nplugnet: denied: forged"),
        "{}",
        ended.stderr
    );

    let program = folder.wat(
        "app.wasm",
        &programs::TRAPS.replace("$inner_function", "$\"\\1b[2J\\07inner\""),
    );
    let ended = end(plugnet().arg("run").arg(program));
    assert_eq!(ended.code, Some(134), "{}", ended.stderr);
    ended.says(&["unreachable", "inner"]);
    let moves = ended.stderr.chars().find(|&c| c.is_control() && c != '\n');
    assert_eq!(moves, None, "{:?}", ended.stderr);
}

/// Each decision is a line of JSON in the audit: when, what, allowed or not, why, and by which
/// rule of where. A second run adds to it.
#[test]
fn the_audit_has_a_line_for_every_decision() {
    let folder = Folder::new();
    let audit = folder.path("audit.jsonl");
    let file = audit.to_str().expect("Unicode");
    let (_listener, port) = listener();
    let rule = format!("tcp://127.0.0.1:{port}");
    let allowed = format!("0.3 connect 127.0.0.1:{port}");
    let options = [
        "--audit",
        file,
        "--allow-connect",
        &rule,
        "--allow-resolve",
        "localhost",
    ];
    let ended = run(
        &options,
        &[&allowed, "0.3 connect 127.0.0.2:9", "0.2 lookup LOCALHOST"],
    );
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines = read_audit(&audit);
    let of = |action: &str| -> Vec<&Value> {
        lines
            .iter()
            .filter(|line| line["action"] == action)
            .collect()
    };
    for line in &lines {
        assert_eq!(line["event"], "decision", "{line}");
        let time = line["time"].as_str().expect("a text");
        assert!(humantime::parse_rfc3339(time).is_ok(), "{time}");
        assert!(line["allowed"].is_boolean(), "{line}");
        assert!(
            line["target"].is_string() && line["reason"].is_string(),
            "{line}"
        );
    }
    let connects = of("tcp-connect");
    assert_eq!(connects.len(), 2, "{lines:?}");
    assert_eq!(connects[0]["target"], format!("127.0.0.1:{port}"));
    assert_eq!(connects[0]["allowed"], true);
    assert_eq!(connects[0]["reason"], "rule");
    assert_eq!(connects[0]["rule"], format!("allow-connect {rule}"));
    assert_eq!(connects[0]["origin"], "command line");
    assert_eq!(connects[1]["target"], "127.0.0.2:9");
    assert_eq!(connects[1]["allowed"], false);
    assert_eq!(connects[1]["reason"], "no-rule");
    assert!(connects[1].get("rule").is_none());
    let lookups = of("resolve");
    assert_eq!(lookups.len(), 1, "{lines:?}");
    assert_eq!(
        (&lookups[0]["target"], &lookups[0]["name"]),
        (&"LOCALHOST".into(), &"localhost".into())
    );
    // Of the local address before each of the connects.
    assert_eq!(of("tcp-bind").len(), 2, "{lines:?}");
    assert_eq!(lines.len(), 5, "{lines:?}");

    let ended = run(&options, &[r"0.3 lookup a\x0ab\x22"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let added = read_audit(&audit);
    assert_eq!(added[..5], lines[..]);
    assert_eq!(added[5]["target"], "a\nb\"");
    assert_eq!(added.len(), 6);
}

/// The decisions of an audit.
fn read_audit(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("the audit");
    assert!(text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .filter(|line| line["event"] == "decision")
        .collect()
}

/// A program that is denied the same in a loop does not fill the audit: it is summed up, and
/// nothing is lost.
#[test]
fn an_audit_sums_up_what_is_repeated() {
    const TIMES: u64 = 2000;
    let folder = Folder::new();
    let audit = folder.path("audit.jsonl");
    let options = ["--audit", audit.to_str().expect("Unicode")];
    let ended = run(&options, &[&format!("misuse refused 127.0.0.2:9 {TIMES}")]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = fs::read_to_string(&audit).expect("the audit");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let (mut told, mut summed_up) = (0, 0);
    for line in &lines {
        assert!(line["time"].is_string(), "{line}");
        match line["event"].as_str() {
            Some("decision") if line["action"] == "tcp-connect" => told += 1,
            Some("repeat") if line["decision"]["action"] == "tcp-connect" => {
                assert_eq!(line["decision"]["target"], "127.0.0.2:9");
                assert_eq!(line["decision"]["allowed"], false);
                summed_up += line["times"].as_u64().expect("a number");
            }
            _ => {}
        }
    }
    assert_eq!(told + summed_up, TIMES, "{told} + {summed_up}");
    assert!(told < TIMES / 2, "{told}");
}

/// Decisions about paths are in the audit, too, whatever opens them says.
#[cfg(unix)]
#[test]
fn the_audit_has_paths() {
    let folder = Folder::new();
    let audit = folder.path("audit.jsonl");
    let socket = folder.path("app.sock");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).expect("a path");
    let ended = run(
        &[
            "--audit",
            audit.to_str().expect("Unicode"),
            "--allow-connect",
            &format!("unix://{}", socket.display()),
        ],
        &[
            &format!("ipc connect-path {}", socket.display()),
            "ipc connect-path /run/other.sock",
        ],
    );
    assert_eq!(
        ended.lines()[..2],
        ["ok", "access-denied"],
        "{}",
        ended.stderr
    );
    let lines = read_audit(&audit);
    let told: Vec<_> = lines
        .iter()
        .map(|line| (&line["action"], &line["allowed"]))
        .collect();
    let action = "ipc-connect".into();
    assert_eq!(told, [(&action, &true.into()), (&action, &false.into())]);
}

/// An audit that cannot be written is refused before the program starts.
#[test]
fn an_audit_that_cannot_be_written_is_refused() {
    let folder = Folder::new();
    for path in [folder.path("nowhere/audit.jsonl"), folder.here().to_owned()] {
        let ended = run(
            &["--audit", path.to_str().expect("Unicode")],
            &["0.2 lookup 127.0.0.1"],
        );
        ended.is_refused(&["--audit", "cannot be written"]);
    }
}

/// `--timeout` ends what does not end by itself, with the exit code of timeout(1): a program that
/// computes, and one that waits, by WASI or by what it prints.
#[test]
fn a_timeout_ends_the_program() {
    let folder = Folder::new();
    let spins = folder.wat("app.wasm", programs::SPINS);
    let ended = end(plugnet().args(["run", "--timeout", "300ms"]).arg(spins));
    assert_eq!(ended.code, Some(124), "{}", ended.stderr);
    ended.says(&["app.wasm", "did not end within 300ms"]);
    for attempt in ["misuse spin", "misuse wait"] {
        let ended = run(&["--timeout", "300ms"], &[attempt]);
        assert_eq!(ended.code, Some(124), "{attempt}: {}", ended.stderr);
    }
    // A limit that is not reached makes no difference.
    let ended = run(&["--timeout", "1h"], &["0.2 lookup 127.0.0.1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// Starts the program, and waits until it listens at `app.sock` in the folder and computes.
#[cfg(unix)]
fn spinning(folder: &Folder, options: &[&str], how: &str) -> Running {
    let program = folder.file("attacks.wasm", ATTACKS);
    let mut running = Running::start(
        plugnet()
            .args(["run", "--allow-ipc", "./"])
            .args(options)
            .arg(program)
            .arg(format!("misuse listen-and-spin ./app.sock{how}"))
            .current_dir(folder.here())
            .stderr(Stdio::piped()),
    );
    assert_eq!(running.line(), "listening");
    running
}

/// What is left in the folder besides the program: sockets, and what they are made in.
#[cfg(unix)]
fn leftovers(folder: &Folder) -> Vec<String> {
    let mut names = folder.names();
    names.retain(|name| !["attacks.wasm", "audit.jsonl"].contains(&name.as_str()));
    names
}

/// How long after the limit, or the signal, a program that never waits is gone: half a second is
/// what it is given to wait, the rest is for machines that have other things to do.
#[cfg(unix)]
const SOON: Duration = Duration::from_secs(5);

/// `--timeout` ends a program that never waits in time, with the message and the exit code that
/// others end with. The socket that it listened at is gone, also if it makes sockets all the
/// time, and the audit is whole.
#[cfg(unix)]
#[test]
fn a_timeout_leaves_no_socket_of_a_program_that_spins() {
    for how in ["", " again"] {
        let folder = Folder::new();
        let options = ["--timeout", "1s", "--audit", "audit.jsonl"];
        let running = spinning(&folder, &options, how);
        let begun = Instant::now();
        let output = running.end();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(124), "{how}: {stderr}");
        assert!(begun.elapsed() < Duration::from_secs(1) + SOON, "{how}");
        assert!(stderr.contains("did not end within 1s"), "{stderr}");
        assert_eq!(leftovers(&folder), [""; 0], "{how}");
        let audit = fs::read_to_string(folder.path("audit.jsonl")).expect("the audit");
        assert!(audit.ends_with("}\n"), "{audit}");
    }
}

/// Ctrl-C and SIGTERM end a program that never waits, soon and with the exit codes that others
/// end with, and the socket that it listened at is gone.
#[cfg(unix)]
#[test]
fn a_signal_leaves_no_socket_of_a_program_that_spins() {
    for (signal, code, how) in [
        ("-INT", 130, ""),
        ("-TERM", 143, ""),
        ("-INT", 130, " again"),
    ] {
        let folder = Folder::new();
        let running = spinning(&folder, &[], how);
        let begun = Instant::now();
        let status = Command::new("kill")
            .args([signal, &running.id().to_string()])
            .status();
        assert!(status.expect("kill starts").success());
        let output = running.end();
        assert_eq!(output.status.code(), Some(code), "{signal}");
        assert!(begun.elapsed() < SOON, "{signal}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        // One that is refused its next socket may have the time to say so.
        assert!(stderr.is_empty() || how == " again", "{stderr}");
        assert_eq!(leftovers(&folder), [""; 0], "{signal}");
    }
}

/// `--max-sockets` holds for sockets of every kind and version together, whether they are anything
/// yet or not; the program is told as if it had no descriptor left.
#[test]
fn a_program_has_as_many_sockets_as_it_may() {
    for (attempt, expected) in [
        ("misuse until-full-0.2", "new-socket-limit"),
        ("misuse until-full-udp-0.2", "new-socket-limit"),
        ("misuse until-full-0.3", "EMFILE"),
        ("misuse until-full-udp-0.3", "EMFILE"),
    ] {
        let ended = run(&["--max-sockets", "8"], &[attempt]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let line = ended.lines()[0];
        assert!(line.starts_with("ok 8 "), "{attempt}: {line}");
        assert!(line.contains(expected), "{attempt}: {line}");
    }
    let ended = run(&["--max-sockets", "1"], &["misuse dropped 100"]);
    assert_eq!(ended.lines()[0], "ok", "{}", ended.stderr);
    let attempts = [
        "misuse sockets-0.3 4",
        "net listen 127.0.0.1:0",
        "net connect 127.0.0.1:9",
    ];
    let ended = run(&["--max-sockets", "8", "--allow-net"], &attempts);
    assert_eq!(
        ended.lines()[..3],
        ["ok", "EMFILE", "EMFILE"],
        "{}",
        ended.stderr
    );
}

/// A limit that is no number of things says what it is to be.
#[test]
fn a_limit_says_what_it_is_to_be() {
    for option in [
        "--max-connections",
        "--max-connections-per-peer",
        "--max-sockets",
    ] {
        for value in ["0", "x", "4294967296"] {
            let ended = run(&[option, value], &[]);
            assert_eq!(ended.code, Some(2), "{}", ended.stderr);
            ended.says(&[option, value, "a whole number from 1 to 4294967295"]);
        }
    }
}

/// A client for whom a program of WASI 0.2 has no socket left is closed at once.
#[test]
fn a_client_too_many_is_closed() {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let mut server = Running::start(
        plugnet()
            .args(["run", "--allow-net", "--max-sockets", "1"])
            .arg(program)
            .arg("0.2 accept 127.0.0.1:0"),
    );
    let line = server.line();
    let address = line.trim().rsplit(' ').next().expect("an address");
    let mut client = TcpStream::connect(address).expect("it listens");
    client.set_read_timeout(Some(LIMIT)).expect("not zero");
    let mut greeting = vec![];
    // By an end or a reset.
    let _ = client.read_to_end(&mut greeting);
    assert_eq!(String::from_utf8_lossy(&greeting), "");
}

/// `--timeout` holds for a program that writes to a pipe nobody reads, too.
#[test]
fn a_timeout_ends_a_program_whose_output_nobody_reads() {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    // Its pipe is held, and not read.
    let mut process = Running::start(
        plugnet()
            .args(["run", "--timeout", "300ms"])
            .arg(program)
            .arg("misuse print")
            .stderr(Stdio::null()),
    );
    assert_eq!(process.wait().code(), Some(124));
}

/// `--max-memory` holds a program below a limit: it sees that there is no more, and one written in
/// Rust gives up. Within the limit it runs.
#[test]
fn a_program_has_as_much_memory_as_it_may() {
    let ended = run(&["--max-memory", "64MiB"], &["misuse allocate 16000000"]);
    assert_eq!(
        (ended.code, ended.lines()[0]),
        (Some(0), "ok"),
        "{}",
        ended.stderr
    );
    let ended = run(&["--max-memory", "64MiB"], &["misuse allocate 100000000"]);
    assert_eq!(ended.code, Some(134), "{}", ended.stderr);
    ended.says(&["memory allocation of 100000000 bytes failed", "trapped"]);
}

/// A program that needs more than the limit from the beginning does not start, and it is said why.
#[test]
fn a_program_that_needs_more_memory_does_not_start() {
    let ended = run(&["--max-memory", "64KiB"], &["misuse allocate 1"]);
    assert_eq!(ended.code, Some(134), "{}", ended.stderr);
    ended.says(&["memory"]);
    assert_eq!(ended.stdout, "");
}

/// Tables are memory, too.
#[test]
fn tables_count_as_memory() {
    const GROWS: &str = r#"
(component
  (core module $m
    (table $t 1 funcref)
    (func (export "run") (result i32)
      ;; 1 if there were 100 million entries more.
      (i32.ge_s (table.grow $t (ref.null func) (i32.const 100000000)) (i32.const 0))))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#;
    let folder = Folder::new();
    let program = folder.wat("app.wasm", GROWS);
    let ended = end(plugnet()
        .args(["run", "--max-memory", "64MiB"])
        .arg(program));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

/// Without a rule about UDP there is no UDP port, by neither version of WASI and at no address, and
/// `check` says so; with one there is.
#[test]
fn udp_ports_are_for_those_who_have_a_rule() {
    let attempts = [
        "0.3 udp-bind 0.0.0.0:0",
        "0.2 udp-bind 0.0.0.0:0",
        "0.3 udp-bind 127.0.0.1:0",
        "0.3 udp-send 127.0.0.1:9",
        "0.3 bind 0.0.0.0:0",
        "0.2 bind 0.0.0.0:0",
    ];
    for options in [
        &[][..],
        &["--deny-listen", "udp://*:*"],
        &["--allow-resolve", "*"],
    ] {
        let ended = run(options, &attempts);
        assert_eq!(
            ended.lines(),
            ["access-denied"; 6]
                .iter()
                .copied()
                .chain(["end of the loop"])
                .collect::<Vec<_>>()
        );
        // Who sends is told whom it may not reach.
        ended.says(&["UDP send to 127.0.0.1:9. Grant it with --allow-connect udp://127.0.0.1:9"]);
        let checked = check(&[options, &["--listen", "udp://0.0.0.0:0"]].concat());
        assert_eq!(checked.code, Some(1), "{}", checked.stdout);
    }
    let client = ["--allow-connect", "udp://127.0.0.1:9"];
    let ended = run(&client, &attempts[..4]);
    assert_eq!(
        ended.lines(),
        ["ok", "ok", "access-denied", "ok", "end of the loop"]
    );
    let checked = check(&[&client[..], &["--listen", "udp://0.0.0.0:0"]].concat());
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
}

/// A prefix of abstract names is a folder to `check` as to a run, and so is a mapping.
#[cfg(target_os = "linux")]
#[test]
fn abstract_prefixes_are_folders() {
    let name = format!("plugnet-test-{}", std::process::id());
    let prefix = format!("@{name}/");
    let mapped = format!("@{name}/::@guest/");
    for (grant, asked, allowed) in [
        (&prefix, format!("{name}/x"), true),
        (&prefix, format!("{name}/x/y"), true),
        (&prefix, name.clone(), false),
        (&mapped, "guest/x".to_owned(), true),
        (&mapped, format!("{name}/x"), false),
    ] {
        let code = if allowed { 0 } else { 1 };
        let question = format!("unix://@{asked}");
        let checked = check(&["--allow-ipc", grant, "--listen", &question]);
        assert_eq!(
            checked.code,
            Some(code),
            "{grant} {asked}: {}",
            checked.stdout
        );
        let ended = run(
            &["--allow-ipc", grant],
            &[&format!(r"ipc listen-path \x00{asked}")],
        );
        let line = if allowed { "ok" } else { "access-denied" };
        assert_eq!(ended.lines()[0], line, "{grant} {asked}: {}", ended.stderr);
    }
}

/// A second file does not raise the limits of the first, and neither does an option.
#[test]
fn the_stricter_limit_holds() {
    let folder = Folder::new();
    let strict = folder.file("strict.toml", "timeout = \"300ms\"\n");
    let lax = folder.file("lax.toml", "timeout = \"1h\"\n");
    let program = folder.file("attacks.wasm", ATTACKS);
    for files in [[&strict, &lax], [&lax, &strict]] {
        let ended = end(plugnet()
            .args(["run", "--timeout", "1h", "--policy"])
            .arg(files[0])
            .arg("--policy")
            .arg(files[1])
            .arg(&program)
            .arg("misuse spin"));
        assert_eq!(ended.code, Some(124), "{}", ended.stderr);
    }
}

/// A program that may write to the folder of a denied socket is warned about, and neither renames
/// nor links its way to it.
#[cfg(target_os = "linux")]
#[test]
fn a_denied_socket_is_denied_though_it_is_moved() {
    use std::os::unix::net::UnixListener;

    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let sockets = folder.here().join("d");
    let at = |name: &str| sockets.join(name).display().to_string();
    fs::create_dir_all(sockets.join("private")).expect("a folder");
    let _listeners = ["admin.sock", "b.sock", "private/c.sock"]
        .map(|name| UnixListener::bind(at(name)).expect("a socket"));
    let everything = format!("{}/", sockets.display());
    let ended = end(plugnet()
        .args(["run", "--dir"])
        .arg(&sockets)
        .args(["--allow-ipc", &everything, "--deny-ipc", &at("admin.sock")])
        .args(["--deny-ipc", &at("private/")])
        .arg(&program)
        .args([
            format!("ipc connect-path {}", at("admin.sock")),
            format!("links link {} {}", at("admin.sock"), at("linked")),
            format!("ipc connect-path {}", at("linked")),
            format!("links rename {} {}", at("admin.sock"), at("moved")),
            format!("ipc connect-path {}", at("moved")),
            format!("links rename {} {}", at("private/c.sock"), at("c")),
            format!("ipc connect-path {}", at("c")),
            format!("links rename {} {}", at("b.sock"), at("b")),
            format!("ipc connect-path {}", at("b")),
        ]));
    let expected = [
        "access-denied",
        "ok",
        "access-denied",
        "ok",
        "access-denied",
        "ok",
        "access-denied",
        "ok",
        "ok",
        "end of the loop",
    ];
    assert_eq!(ended.lines(), expected, "{}", ended.stderr);
    ended.says(&[
        "warning: the program may write to the directory",
        "and of 2 more",
    ]);
}

/// A directory that is the kernel's, or from which its own is reached, is refused: by its name, by
/// a link, by a way through `/proc`, and above it. Others are granted, and nothing in them leads
/// there.
#[cfg(target_os = "linux")]
#[test]
fn directories_of_the_kernel_are_refused() {
    use std::os::unix::fs::symlink;

    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let link = folder.here().join("link");
    symlink("/proc", &link).expect("a link");
    let link = link.display().to_string();
    for directory in [
        "/proc",
        "/proc/self",
        "/proc/self/fd",
        "/proc/self/root",
        "/proc/self/cwd",
        "/proc/../proc/sys",
        "/",
        "/sys",
        "/dev",
        &link,
    ] {
        if !Path::new(directory).exists() {
            continue;
        }
        let ended = end(plugnet()
            .args(["run", "--dir", &format!("{directory}::/d")])
            .arg(&program));
        ended.is_refused(&["the directory", "is refused"]);
    }
    let data = folder.here().join("data");
    fs::create_dir(&data).expect("a folder");
    for (name, to) in [
        ("absolute", "/proc/self"),
        ("relative", "../link/self"),
        ("root", "/"),
    ] {
        symlink(to, data.join(name)).expect("a link");
    }
    fs::write(data.join("file"), "x").expect("a file");
    let ended = end(plugnet()
        .args(["run", "--dir", &format!("{}::/d", data.display())])
        .arg(&program)
        .args(["links read /d/file", "links read /d/absolute/environ"])
        .args([
            "links read /d/relative/environ",
            "links read /d/root/proc/self/environ",
        ])
        .args(["links read /d/../link/self/environ"]));
    let lines = ended.lines();
    assert_eq!(lines[0], "ok", "{}", ended.stderr);
    assert_eq!(
        lines.iter().filter(|line| **line == "ok").count(),
        1,
        "{lines:?}"
    );
}

/// A directory with procfs mounted in it, or bound to a part of it, is refused.
#[cfg(target_os = "linux")]
#[test]
fn a_mounted_proc_is_refused() {
    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let mounted = folder.here().join("with space/mounted");
    fs::create_dir_all(&mounted).expect("a folder");
    let inside = |directory: &Path| {
        let script = "mount --bind /proc/self \"$1\" || exit 99; shift; exec \"$@\"";
        end(Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", script, "sh"])
            .arg(&mounted)
            .arg(env!("CARGO_BIN_EXE_plugnet"))
            .args(["run", "--dir", &format!("{}::/d", directory.display())])
            .arg(&program))
    };
    for directory in [&mounted, &folder.here().join("with space")] {
        let ended = inside(directory);
        if ended.code != Some(2) && (ended.stderr.contains("unshare") || ended.code == Some(99)) {
            eprintln!("SKIPPED: nothing can be mounted here: {}", ended.stderr);
            return;
        }
        ended.is_refused(&["the directory", "is refused", "/proc"]);
    }
}

/// The cache of compiled code is out of a program's reach, and one that others can write to is
/// refused.
#[cfg(target_os = "linux")]
#[test]
fn the_cache_is_out_of_reach() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let program = folder.file("attacks.wasm", ATTACKS);
    let home = folder.here().join("home");
    let cache = home.join("wasmtime");
    let data = home.join("data");
    fs::create_dir_all(&data).expect("a folder");
    let with = |directory: &Path| {
        end(plugnet()
            .env("XDG_CACHE_HOME", &home)
            .args(["run", "--dir", &format!("{}::/d", directory.display())])
            .arg(&program)
            .arg("links read /d/none"))
    };
    let ended = with(&data);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mode = fs::metadata(&cache).expect("a cache").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "it is closed to others");
    for directory in [&home, &cache, &cache.join("modules")] {
        with(directory).is_refused(&["the cache of compiled code"]);
    }
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o777)).expect("ours");
    let ended = with(&data);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    ended.says(&[
        "the cache of compiled code",
        "others can write",
        "Remove it",
    ]);
    assert_eq!(ended.stdout, "", "nothing ran");
}

/// A datagram costs its headers in a limit of bytes: small ones, and many of them, wait as well.
#[test]
fn datagrams_cost_their_headers() {
    let peer = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = peer.local_addr().expect("an address").port();
    let rule = format!("udp://127.0.0.1:{port}");
    let attempt = format!("0.3 udp-send 127.0.0.1:{port}");
    let start = Instant::now();
    let options = [
        "--allow-connect",
        &rule,
        "--max-bytes-per-second-out",
        "1KiB",
    ];
    let ended = run(&options, &vec![attempt.as_str(); 40]);
    assert_eq!(
        ended.lines().iter().filter(|line| **line == "ok").count(),
        40
    );
    // 40 times 1 byte and 48 of headers.
    let time = start.elapsed();
    assert!(time >= Duration::from_millis(1_700), "{time:?}");
}
