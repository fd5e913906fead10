//! Policies as TOML files.

use plugnet_policy::{FileProblem, Origin, Policy, Request, Resolved};

fn refused(text: &str) -> String {
    match Policy::from_toml("app.toml", text) {
        Ok(policy) => panic!("accepted: {policy:?}"),
        Err(error) => error.to_string(),
    }
}

/// Every key is the option of the command line without its dashes.
#[test]
fn every_key() {
    let text = r#"
allow-net = true
allow-connect = ["tcp://api.example.com:443", "unix:///run/x.sock"]
deny-connect = ["tcp://*:25"]
allow-listen = ["tcp://127.0.0.1:0"]
deny-listen = ["tcp://*:22"]
allow-resolve = ["*.example.com"]
deny-resolve = ["secret.example.com"]
allow-accept = ["10.0.0.0/8"]
deny-accept = ["10.9.0.0/16"]
allow-ipc = ["/run/app/"]
deny-ipc = ["/run/app/private/"]
max-connections = 100
max-connections-per-peer = 10
max-sockets = 200
max-memory = "64MiB"
max-bytes-per-second-in = "2MiB"
max-bytes-per-second-out = "1MiB"
timeout = "10s"
"#;
    let policy = Policy::from_toml("app.toml", text).unwrap();
    assert!(policy.allows_net());
    assert_eq!(policy.rules().count(), 12);
    assert_eq!(policy.ipc_rules().count(), 3);
    let limits = policy.limits();
    assert_eq!(limits.max_connections.unwrap().get(), 100);
    assert_eq!(limits.max_connections_per_peer.unwrap().get(), 10);
    assert_eq!(limits.max_sockets.unwrap().get(), 200);
    assert_eq!(limits.max_memory.unwrap().bytes(), 64 << 20);
    assert_eq!(limits.max_bytes_per_second_in.unwrap().bytes(), 2 << 20);
    assert_eq!(limits.max_bytes_per_second_out.unwrap().bytes(), 1 << 20);
    assert_eq!(limits.timeout.unwrap().duration().as_secs(), 10);
    assert_eq!(
        Policy::from_toml("again.toml", &policy.to_toml()).unwrap(),
        policy
    );
}

/// `max-bytes-per-second` is for both ways, where none has its own.
#[test]
fn bytes_per_second_each_way() {
    let text = "max-bytes-per-second = \"1MiB\"\nmax-bytes-per-second-in = \"2MiB\"";
    let limits = *Policy::from_toml("app.toml", text).unwrap().limits();
    assert_eq!(limits.max_bytes_per_second_in.unwrap().bytes(), 2 << 20);
    assert_eq!(limits.max_bytes_per_second_out.unwrap().bytes(), 1 << 20);
}

/// `allow-net = false` is as if it was not there.
#[test]
fn allow_net_false_grants_nothing() {
    let policy = Policy::from_toml("app.toml", "allow-net = false").unwrap();
    assert_eq!(policy, Policy::default());
}

/// A rule knows its line.
#[test]
fn a_rule_knows_its_line() {
    let text = "allow-connect = [\n  \"tcp://a.example:1\",\n  \"tcp://b.example:1\",\n]";
    let policy = Policy::from_toml("app.toml", text).unwrap();
    let lines: Vec<usize> = policy
        .rules()
        .map(|rule| match rule.origin() {
            Origin::File { line, .. } => *line,
            origin => panic!("{origin}"),
        })
        .collect();
    assert_eq!(lines, [2, 3]);
}

/// A bad entry is shown with file, line, column, key, mark and corrected form.
#[test]
fn a_bad_entry_is_shown_with_its_place() {
    let text = "allow-connect = [\n  \"tcp://a.example:1\", \"tcp://b.example\",\n]";
    let expected = "\
app.toml:2:24: allow-connect: the port is missing; `*` is any port
    tcp://b.example
                   ^
  write tcp://b.example:443";
    assert_eq!(refused(text), expected);
    let error = Policy::from_toml("app.toml", text).unwrap_err();
    assert_eq!(
        (error.file(), error.line(), error.column()),
        ("app.toml", 2, 24)
    );
    assert!(matches!(
        error.problem(),
        FileProblem::Entry {
            key: "allow-connect",
            ..
        }
    ));
}

/// Columns are counted in characters.
#[test]
fn columns_are_characters() {
    let text = "allow-connect = [\"tcp://büchér.example:1\", \"x\"]";
    assert!(
        refused(text).starts_with("app.toml:1:44: "),
        "{}",
        refused(text)
    );
}

/// A bad quantity is shown in the same way.
#[test]
fn a_bad_quantity_is_shown_with_its_place() {
    let expected = "\
app.toml:1:14: max-memory: an amount of bytes is a whole number and B, KiB, MiB or GiB, such as 64MiB
    64MB
      ^^
  write 64MiB";
    assert_eq!(refused("max-memory = \"64MB\""), expected);
}

/// A limit that is no number of things, or no text where there has to be a unit, says what it is to be.
#[test]
fn a_limit_says_what_it_is_to_be() {
    for (value, what) in [
        ("0", "invalid value: integer `0`"),
        ("-3", "invalid value: integer `-3`"),
        ("4294967296", "invalid value: integer `4294967296`"),
        ("1.5", "invalid type: floating point `1.5`"),
        ("\"10\"", "invalid type: string \"10\""),
    ] {
        assert_eq!(
            refused(&format!("max-sockets = {value}")),
            format!(
                "app.toml:1:15: {what}, expected a whole number from 1 to 4294967295, without quotes"
            ),
        );
    }
    assert_eq!(
        refused("timeout = 10"),
        "app.toml:1:11: invalid type: integer `10`, expected a number and its unit, in quotes, \
         such as \"64MiB\" or \"10s\""
    );
}

/// A key that a policy does not have is an error, and those that it has are listed.
#[test]
fn an_unknown_key_is_refused() {
    let error = refused("\nallow-conect = []");
    assert!(
        error.starts_with("app.toml:2:1: unknown field `allow-conect`"),
        "{error}"
    );
    assert!(
        error.contains("`allow-connect`") && error.contains("`timeout`"),
        "{error}"
    );
    // There is no such thing as denying everything but what is allowed: that is the default.
    assert!(refused("deny-net = true").contains("unknown field `deny-net`"));
}

/// What is not TOML, has a wrong type, or is zero, is shown with its place.
#[test]
fn a_wrong_form_is_refused() {
    for (text, place) in [
        ("allow-connect = [", "app.toml:1:"),
        (
            "allow-connect = \"tcp://a.example:1\"",
            "app.toml:1:17: invalid type: string",
        ),
        (
            "max-connections = 0",
            "app.toml:1:19: invalid value: integer `0`",
        ),
        (
            "max-connections = -1",
            "app.toml:1:19: invalid value: integer `-1`",
        ),
        (
            "max-connections = \"10\"",
            "app.toml:1:19: invalid type: string",
        ),
        ("allow-net = 1", "app.toml:1:13: invalid type: integer"),
        ("timeout = 10", "app.toml:1:11: invalid type: integer"),
        (
            "allow-net = true\nallow-net = true",
            "app.toml:2:1: duplicate key",
        ),
    ] {
        let error = refused(text);
        assert!(error.starts_with(place), "{error}");
    }
}

/// A file and the command line add up; of two limits of one kind the stricter holds, whichever of
/// them comes last.
#[test]
fn a_policy_can_be_added_to() {
    let text = "allow-connect = [\"tcp://a.example:1\"]\nmax-connections = 10\nmax-memory = \"1KiB\"\ntimeout = \"1s\"";
    let file = Policy::from_toml("app.toml", text).unwrap();
    let options = Policy::from_toml(
        "x",
        "max-connections = 20\ntimeout = \"2s\"\nallow-net = true",
    )
    .unwrap();
    for both in [
        file.clone().into_builder().extend(options.clone()).build(),
        options.into_builder().extend(file).build(),
    ] {
        assert!(both.allows_net());
        assert_eq!(both.rules().count(), 2);
        assert_eq!(both.limits().max_connections.unwrap().get(), 10);
        assert_eq!(both.limits().timeout.unwrap().duration().as_secs(), 1);
        assert_eq!(both.limits().max_memory.unwrap().bytes(), 1024);
    }
}

/// The stricter of two holds for every limit there is.
#[test]
fn every_limit_is_the_stricter() {
    let keys = [
        ("max-connections", "1", "2"),
        ("max-connections-per-peer", "1", "2"),
        ("max-sockets", "1", "2"),
        ("max-memory", "\"1KiB\"", "\"1MiB\""),
        ("max-bytes-per-second", "\"1KiB\"", "\"1MiB\""),
        ("max-bytes-per-second-in", "\"1KiB\"", "\"1MiB\""),
        ("max-bytes-per-second-out", "\"1KiB\"", "\"1MiB\""),
        ("timeout", "\"1s\"", "\"2s\""),
    ];
    for (key, strict, lax) in keys {
        let policy = |value| Policy::from_toml("x", &format!("{key} = {value}")).unwrap();
        for (first, second) in [(strict, lax), (lax, strict), (strict, strict)] {
            let both = policy(first).into_builder().extend(policy(second)).build();
            assert_eq!(both, policy(strict), "{key} {first} {second}");
        }
        let one = policy(lax).into_builder().extend(Policy::default()).build();
        assert_eq!(one, policy(lax), "{key}");
    }
    // One that is for both ways is a limit of each way.
    let both_ways = Policy::from_toml("x", "max-bytes-per-second = \"1KiB\"").unwrap();
    let one_way = Policy::from_toml("x", "max-bytes-per-second-in = \"1MiB\"").unwrap();
    let both = one_way.into_builder().extend(both_ways.clone()).build();
    assert_eq!(both, both_ways);
}

/// Fifty thousand rules are read, and decide, in no time: 5 s it took to read them once.
#[test]
fn many_rules_are_read_at_once() {
    let entries: Vec<_> = (0..50_000_u32)
        .map(|number| {
            let [_, a, b, c] = number.to_be_bytes();
            format!("\"tcp://10.{a}.{b}.{c}:443\",\n")
        })
        .collect();
    let text = format!("allow-connect = [\n{}]\n", entries.concat());
    let start = std::time::Instant::now();
    let policy = Policy::from_toml("many.toml", &text).unwrap();
    let rule = policy.rules().last().unwrap();
    assert_eq!(rule.origin().to_string(), "many.toml:50001");
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

/// A decision does not look at every rule: ten thousand of them under fifty thousand rules, all of
/// one host or all of another, take no time.
#[test]
fn many_rules_decide_at_once() {
    let kinds: [fn(u32) -> String; 4] = [
        |n| format!("tcp://10.{}.{}.{}:443", n >> 16, n >> 8 & 255, n & 255),
        |n| format!("tcp://10.0.0.1:{}", n % 60_000 + 1),
        |n| format!("tcp://*:{}-{}", n % 30_000 + 1, n % 30_000 + 20_000),
        |n| format!("tcp://a{n}.example:443"),
    ];
    let now = std::time::Instant::now();
    let mut resolved = Resolved::new();
    resolved.answered("a49999.example", ["93.184.215.14".parse().unwrap()], now);
    for kind in kinds {
        let mut builder = Policy::builder();
        for number in 0..50_000 {
            builder = builder.allow_connect(&kind(number)).unwrap();
            builder = builder
                .deny_connect(&kind(number).replace("tcp", "udp"))
                .unwrap();
        }
        let policy = builder.build();
        let start = std::time::Instant::now();
        for _ in 0..10_000 {
            for address in ["10.0.195.79:443", "10.0.0.1:49000", "93.184.215.14:443"] {
                let to = address.parse().unwrap();
                policy.decide(&Request::TcpConnect(to), &resolved, now);
                policy.decide(&Request::UdpSend(to), &resolved, now);
            }
        }
        assert!(
            start.elapsed().as_secs() < 10,
            "{}: {:?}",
            kind(0),
            start.elapsed()
        );
    }
}
