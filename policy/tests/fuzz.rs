//! Fuzz targets: the parsers, and the bookkeeping of what a program looked up.
//!
//! `cargo test` runs each for a moment. `.ci/fuzz` runs each for a minute, and
//! `cargo bolero test -p plugnet-policy --test fuzz NAME` for as long as one likes, with any of
//! bolero's engines.

use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::{Duration, Instant};

use bolero::check;
use plugnet_policy::{
    AcceptEntry, ByteSize, ConnectEntry, EntryError, IpcEntry, ListenEntry, Name, Policy, Question,
    Request, ResolveEntry, Resolved, TimeLimit,
};

/// What entries consist of, and what they are mistaken for.
const PIECES: [&str; 64] = [
    "tcp://",
    "udp://",
    "unix://",
    "pipe://",
    "http://",
    "TCP://",
    "tcp:",
    "://",
    ":",
    "::",
    "/",
    "//",
    "@",
    "*",
    "*.",
    ".",
    "..",
    "-",
    "[",
    "]",
    "%",
    "%eth0",
    "0",
    "00",
    "1",
    "80",
    "443",
    "65535",
    "65536",
    "0x7f",
    "0177",
    "127.0.0.1",
    "10.0.0.0",
    "/8",
    "/32",
    "/33",
    "/128",
    "255.0.0.0",
    "::1",
    "::ffff:",
    "fc00::",
    "fe80::",
    "2002:",
    "64:ff9b::",
    "a",
    "example.com",
    "xn--",
    "bücher",
    "ｅ",
    "。",
    "\u{1b}",
    "\0",
    " ",
    "\t",
    "\n",
    "?",
    "#",
    "_",
    r"\\.\pipe\",
    "/run/",
    "x.sock",
    "KiB",
    "ms",
    "99999999999999999999",
];

/// A parser accepts a text, or says what is wrong with it.
fn parses<T: FromStr<Err = EntryError> + Display + PartialEq + std::fmt::Debug>(text: &str) {
    match text.parse::<T>() {
        Ok(parsed) => {
            let shown = parsed.to_string();
            match shown.parse::<T>() {
                Ok(again) => assert_eq!(again, parsed, "{text:?} as {shown:?}"),
                Err(error) => panic!("{text:?} is shown as what is refused: {error}"),
            }
        }
        Err(error) => {
            assert_eq!(error.entry(), text);
            assert!(text.get(error.spot()).is_some(), "{error:?}");
            let shown = error.to_string();
            assert!(shown.contains('^'), "{shown}");
            assert!(
                !shown.chars().any(|c| c.is_control() && c != '\n'),
                "{shown:?}"
            );
            if let Some(corrected) = error.corrected() {
                assert!(corrected.parse::<T>().is_ok(), "{text:?}: {error}");
            }
        }
    }
}

fn parses_as_anything(text: &str) {
    parses::<ConnectEntry>(text);
    parses::<ListenEntry>(text);
    parses::<ResolveEntry>(text);
    parses::<AcceptEntry>(text);
    parses::<IpcEntry>(text);
    parses::<ByteSize>(text);
    parses::<TimeLimit>(text);
    if let Ok(name) = Name::parse(text) {
        assert_eq!(Name::parse(name.as_str()).as_ref(), Ok(&name), "{text:?}");
    }
    let _ = Question::connect(text);
    let _ = Question::listen(text);
    let _ = Question::accept(text);
    let request = Request::Resolve(text.to_owned());
    let decision = Policy::default().decide(&request, &Resolved::new(), Instant::now());
    assert!(!decision.to_string().contains('\u{1b}'));
}

/// Any bytes that are text.
#[test]
fn parser_of_bytes() {
    check!().for_each(|bytes: &[u8]| {
        if let Ok(text) = std::str::from_utf8(bytes) {
            parses_as_anything(text);
        }
    });
}

/// Texts that look like entries.
#[test]
fn parser_of_pieces() {
    check!()
        .with_type::<Vec<u8>>()
        .for_each(|indices: &Vec<u8>| {
            let pieces = indices
                .iter()
                .take(12)
                .map(|at| PIECES[usize::from(*at) % PIECES.len()]);
            parses_as_anything(&pieces.collect::<String>());
        });
}

/// Files that look like policies: they are read, or refused at a place that they have.
#[test]
fn parser_of_files() {
    const LINES: [&str; 24] = [
        "allow-connect = [",
        "\"tcp://a.example:443\", ",
        "'unix:///run/x::/x', ",
        "]\n",
        "deny-listen = [\"tcp://*:22\"]\n",
        "allow-resolve = [\"*\"]\n",
        "allow-accept = ['fc00::/7']\n",
        "allow-ipc = ['@x', '/run/']\n",
        "allow-net = true\n",
        "max-memory = \"64MiB\"\n",
        "max-bytes-per-second = \"1KiB\"\n",
        "max-connections = 10\n",
        "timeout = \"",
        "10s",
        "\"\n",
        "[",
        " = ",
        "'",
        "\"\"\"",
        "\n",
        "true",
        ", ",
        "# ü",
        "\\u00e9",
    ];
    check!()
        .with_type::<Vec<u8>>()
        .for_each(|indices: &Vec<u8>| {
            let text: String = indices
                .iter()
                .take(16)
                .map(|at| match usize::from(*at) {
                    at if at < 224 => LINES[at % LINES.len()],
                    at => PIECES[at % PIECES.len()],
                })
                .collect();
            match Policy::from_toml("policy.toml", &text) {
                Ok(policy) => {
                    let again = Policy::from_toml("policy.toml", &policy.to_toml());
                    assert_eq!(again.as_ref(), Ok(&policy), "{text}");
                }
                Err(error) => {
                    assert!(error.line() >= 1 && error.line() <= text.matches('\n').count() + 1);
                    assert!(error.column() >= 1);
                }
            }
        });
}

/// What happens to the bookkeeping of a program.
#[derive(Clone, Copy, Debug, bolero::TypeGenerator)]
enum Step {
    /// The resolver answers: which name, and the last byte of the address.
    Answered(u8, u8),
    /// So many seconds pass.
    Passed(u8),
}

const NAMES: [&str; 6] = [
    "a.example",
    "A.Example.",
    "b.example",
    "c.example",
    "127.0.0.1",
    "a b",
];

/// Under which name an answer is kept, if at all.
fn kept_as(name: usize) -> Option<&'static str> {
    match name {
        0 | 1 => Some("a.example"),
        2 => Some("b.example"),
        3 => Some("c.example"),
        _ => None,
    }
}

const LIFETIME: u64 = 300;
const CAPACITY: usize = 8;

/// The bookkeeping as one would write it without a thought for time: every answer in a row,
/// the latest last.
#[derive(Default)]
struct Model(Vec<(&'static str, IpAddr, u64)>);

impl Model {
    fn answered(&mut self, name: &'static str, address: IpAddr, now: u64) {
        self.0.retain(|(own, ip, _)| (*own, *ip) != (name, address));
        self.0.push((name, address, now));
        if self.0.len() > CAPACITY {
            self.0.remove(0);
        }
    }

    fn names(&self, address: IpAddr, now: u64) -> Vec<&'static str> {
        let fresh = self
            .0
            .iter()
            .filter(|(_, ip, at)| *ip == address && now - at < LIFETIME);
        let mut names: Vec<_> = fresh.map(|(name, ..)| *name).collect();
        names.sort_unstable();
        names
    }
}

/// The bookkeeping says what the simple model of it says, after every step and for every
/// address, and a rule with a name follows it.
#[test]
fn bookkeeping_is_as_its_model() {
    let policy = Policy::builder()
        .allow_connect("tcp://a.example:443")
        .expect("an entry")
        .build();
    let start = Instant::now();
    // Long enough that what is kept is full, and renewed, many times over.
    check!()
        .with_generator(bolero::produce::<Vec<Step>>().with().len(0..200_usize))
        .for_each(|steps: &Vec<Step>| {
            let lifetime = Duration::from_secs(LIFETIME);
            let mut resolved = Resolved::with_limits(lifetime, CAPACITY);
            let mut model = Model::default();
            let mut seconds = 0;
            let ip = |last: u8| IpAddr::from([93, 184, 215, last % 6]);
            for step in steps {
                let now = start + Duration::from_secs(seconds);
                match *step {
                    Step::Answered(name, last) => {
                        let name = usize::from(name) % NAMES.len();
                        resolved.answered(NAMES[name], [ip(last)], now);
                        if let Some(name) = kept_as(name) {
                            model.answered(name, ip(last), seconds);
                        }
                    }
                    Step::Passed(more) => seconds += u64::from(more),
                }
                let now = start + Duration::from_secs(seconds);
                assert_eq!(resolved.len(), model.0.len());
                for last in 0..6 {
                    let address = ip(last);
                    let names: Vec<&str> = resolved.names(address, now).map(Name::as_str).collect();
                    let expected = model.names(address, seconds);
                    assert_eq!(names, expected, "{address} after {steps:?}");
                    let request = Request::TcpConnect((address, 443).into());
                    let decision = policy.decide(&request, &resolved, now);
                    assert_eq!(decision.is_allowed(), expected.contains(&"a.example"));
                }
            }
        });
}
