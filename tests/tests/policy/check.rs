//! `plugnet check` says what a run does: odd policies are made, and both are asked.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use plugnet_host::policy::{Policy, Question};
use plugnet_tests::Case;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::table::rules;
use super::targets::{Targets, has};

/// What a program tries, and the question of which it is.
const ATTEMPTS: &[(&str, Ask)] = &[
    (
        "0.3 connect 127.0.0.1:{open}",
        Ask::Connect("tcp://127.0.0.1:{open}"),
    ),
    (
        "0.2 connect 127.0.0.1:{shut}",
        Ask::Connect("tcp://127.0.0.1:{shut}"),
    ),
    (
        "0.3 connect 127.0.0.2:{open}",
        Ask::Connect("tcp://127.0.0.2:{open}"),
    ),
    (
        "0.3 connect [::1]:{open}",
        Ask::Connect("tcp://[::1]:{open}"),
    ),
    (
        "0.3 udp-send 127.0.0.1:{open}",
        Ask::Connect("udp://127.0.0.1:{open}"),
    ),
    (
        "0.2 udp-send-from 0.0.0.0:0 127.0.0.1:{shut}",
        Ask::Connect("udp://127.0.0.1:{shut}"),
    ),
    (
        "0.3 listen 127.0.0.1:{free}",
        Ask::Listen("tcp://127.0.0.1:{free}"),
    ),
    ("0.2 listen 127.0.0.1:0", Ask::Listen("tcp://127.0.0.1:0")),
    ("0.3 listen 0.0.0.0:0", Ask::Listen("tcp://0.0.0.0:0")),
    (
        "0.3 udp-bind 127.0.0.1:{free2}",
        Ask::Listen("udp://127.0.0.1:{free2}"),
    ),
    ("0.3 udp-bind 127.0.0.1:0", Ask::Listen("udp://127.0.0.1:0")),
    ("0.3 udp-bind 0.0.0.0:0", Ask::Listen("udp://0.0.0.0:0")),
    ("0.2 udp-bind 0.0.0.0:0", Ask::Listen("udp://0.0.0.0:0")),
    ("0.2 udp-bind [::]:0", Ask::Listen("udp://[::]:0")),
    (
        "ipc connect-path {dir}/open.sock",
        Ask::Connect("unix://{dir}/open.sock"),
    ),
    (
        "ipc connect-path {dir}/granted/open.sock",
        Ask::Connect("unix://{dir}/granted/open.sock"),
    ),
    (
        "ipc connect-path {dir}/granted/shut.sock",
        Ask::Connect("unix://{dir}/granted/shut.sock"),
    ),
    (
        "ipc connect-path /run/open.sock",
        Ask::Connect("unix:///run/open.sock"),
    ),
    (
        "ipc connect-path /app.sock",
        Ask::Connect("unix:///app.sock"),
    ),
    (
        "ipc listen-path {dir}/granted/new.sock",
        Ask::Listen("unix://{dir}/granted/new.sock"),
    ),
    (
        "ipc listen-path /run/new.sock",
        Ask::Listen("unix:///run/new.sock"),
    ),
    (r"ipc listen-path \x00{dir}", Ask::Listen("unix://@{dir}")),
    (
        r"ipc listen-path \x00{dir}/x",
        Ask::Listen("unix://@{dir}/x"),
    ),
    (
        r"ipc listen-path \x00plugnet{free}/x/y",
        Ask::Listen("unix://@plugnet{free}/x/y"),
    ),
    (
        r"ipc listen-path \x00guest{free}",
        Ask::Listen("unix://@guest{free}"),
    ),
    // Last: an answer is good for connections after it.
    ("0.3 lookup 127.0.0.1", Ask::Resolve("127.0.0.1")),
    ("0.3 lookup 2130706433", Ask::Resolve("2130706433")),
    ("0.3 lookup localhost", Ask::Resolve("localhost")),
    ("0.2 lookup LOCALHOST.", Ask::Resolve("LOCALHOST.")),
];

#[derive(Clone, Copy, Debug)]
enum Ask {
    Connect(&'static str),
    Listen(&'static str),
    Resolve(&'static str),
}

/// Entries, each with what it is for.
const ENTRIES: &[(&str, &[&str])] = &[
    (
        "connect",
        &[
            "tcp://*:*",
            "tcp://127.0.0.0/8:*",
            "tcp://127.0.0.1:{open}",
            "tcp://127.0.0.1:1-65535",
            "tcp://127.0.0.2:{open}",
            "tcp://[::1]:*",
            "tcp://localhost:{open}",
            "tcp://*.localhost:{open}",
            "tcp://0.0.0.0/0:{shut}",
            "udp://127.0.0.1:*",
            "udp://127.0.0.0/8:{shut}",
            "udp://9.9.9.9:53",
            "unix://{dir}/open.sock",
            "unix://{dir}/granted/",
            "unix://{dir}/granted/shut.sock::/app.sock",
            "unix://{dir}/granted/::/run/",
            "unix://{dir}/::/run/",
        ],
    ),
    (
        "listen",
        &[
            "tcp://*:*",
            "tcp://127.0.0.1:0",
            "tcp://127.0.0.1:1-65535",
            "tcp://0.0.0.0:0",
            "tcp://[::]:*",
            "tcp://localhost:*",
            "udp://*:*",
            "udp://*:1-65535",
            "udp://127.0.0.1:*",
            "udp://127.0.0.0/8:1-65535",
            "udp://0.0.0.0:0",
            "udp://[::1]:*",
            "unix://{dir}/granted/",
            "unix://@{dir}",
            "unix://@{dir}/",
            "unix://@plugnet{free}/",
            "unix://@{dir}/::@plugnet{free}/",
            "unix://@{dir}/y::@guest{free}",
        ],
    ),
    ("resolve", &["*", "localhost", "*.localhost", "a.example"]),
    ("accept", &["127.0.0.1", "*", "::1"]),
    (
        "ipc",
        &[
            "{dir}/granted/",
            "{dir}/granted/open.sock",
            "{dir}/granted/open.sock::/app.sock",
            "{dir}/granted/new.sock::/run/new.sock",
            "{dir}/granted/::/run/",
            "{dir}/",
            "{dir}/::/run/",
            "./",
            "@{dir}/",
            "@plugnet{free}/x/",
            "@plugnet{free}/::@{dir}/",
        ],
    ),
];

/// A rule as [`rules`] takes it. One that denies port 0 is none.
fn rule() -> impl Strategy<Value = String> {
    let entries = ENTRIES.iter().flat_map(|(subject, entries)| {
        let of = move |entry: &&str| format!("{subject} {entry}");
        entries.iter().map(of)
    });
    let entries: Vec<String> = entries.collect();
    let allow = select(entries.clone()).prop_map(|entry| format!("allow-{entry}"));
    let deny = select(entries)
        .prop_filter("port 0", |entry| !entry.ends_with(":0"))
        .prop_map(|entry| format!("deny-{entry}"));
    prop_oneof![20 => allow, 8 => deny, 1 => Just("allow-net".to_owned())]
}

fn policy(targets: &Targets, lines: &[String]) -> Policy {
    let lines: Vec<_> = lines.iter().map(|line| targets.fill(line)).collect();
    rules(&lines)
}

/// Whether `check` allows it.
fn checks(targets: &Targets, policy: &Policy, ask: Ask) -> Option<bool> {
    let question = match ask {
        Ask::Connect(entry) => Question::connect(&targets.fill(entry)).expect("a question"),
        Ask::Listen(entry) => Question::listen(&targets.fill(entry)).expect("a question"),
        Ask::Resolve(name) => Question::resolve(name),
    };
    let check = policy.check(&question, Instant::now());
    // That depends on the port that the system chooses.
    let open = check.to_string().contains("unless the system chooses");
    (!open).then(|| check.is_allowed())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    /// What `check` says is allowed, a run allows, and what it says is denied, a run denies: for
    /// every kind of entry, alone and together with others, mapped and denied.
    #[test]
    fn check_says_what_a_run_does(
        lines in prop::collection::vec(rule(), 0..7),
        tried in subsequence(ATTEMPTS.iter().collect::<Vec<_>>(), 10..=ATTEMPTS.len()),
    ) {
        let targets = Targets::new();
        let policy = policy(&targets, &lines);
        let attempts: Vec<_> = tried
            .into_iter()
            .filter(|(attempt, _)| !attempt.contains("[::") || has("[::1]"))
            .filter(|(attempt, _)| !attempt.contains("127.0.0.2") || has("127.0.0.2"))
            .collect();
        let denials = Arc::new(Mutex::new(0));
        let heard = Arc::clone(&denials);
        let case = Case::attempts(attempts.iter().map(|(attempt, _)| targets.fill(attempt)));
        let output = case
            .policy(policy.clone())
            .on_denied(move |_| *heard.lock().expect("no panic") += 1)
            .run();
        prop_assert_eq!(output.lines().len(), attempts.len());
        let mut denied = 0;
        for ((attempt, ask), line) in attempts.iter().zip(output.lines()) {
            let allowed = line != "access-denied";
            denied += usize::from(!allowed);
            if let Some(checked) = checks(&targets, &policy, *ask) {
                prop_assert_eq!(checked, allowed, "{}: {} under {:?}", attempt, line, lines);
            }
        }
        prop_assert_eq!(denied, *denials.lock().expect("no panic"), "each is told once");
    }

    /// The same of peers that connect.
    #[test]
    fn check_says_who_is_accepted(
        lines in prop::collection::vec(rule().prop_filter("about peers", |rule| rule.contains("accept")), 0..4),
        net in any::<bool>(),
    ) {
        let targets = Targets::new();
        let listens = if net { "allow-net" } else { "allow-listen tcp://127.0.0.1:0" };
        let lines = [&lines[..], &[listens.to_owned()]].concat();
        let policy = policy(&targets, &lines);
        let question = Question::accept("127.0.0.1").expect("a question");
        let checked = policy.check(&question, Instant::now()).is_allowed();

        let denials = Arc::new(Mutex::new(0));
        let heard = Arc::clone(&denials);
        let case = Case::attempts(["0.3 accept 127.0.0.1:0"]).policy(policy);
        let mut case = case.on_denied(move |_| *heard.lock().expect("no panic") += 1).start();
        let port = case.port();
        let _peer = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
        let allowed = loop {
            if *denials.lock().expect("no panic") > 0 {
                break false;
            }
            if !case.is_running_after(Duration::from_millis(5)) {
                break true;
            }
        };
        prop_assert_eq!(checked, allowed, "{:?}", lines);
    }
}
