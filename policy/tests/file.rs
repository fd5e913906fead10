//! Policies as TOML files.

use plugnet_policy::{FileProblem, Origin, Policy};

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

/// A file and the command line add up; a limit of the latter replaces one of the former.
#[test]
fn a_policy_can_be_added_to() {
    let text = "allow-connect = [\"tcp://a.example:1\"]\nmax-connections = 10\nmax-memory = \"1KiB\"\ntimeout = \"1s\"";
    let file = Policy::from_toml("app.toml", text).unwrap();
    let options = Policy::from_toml(
        "x",
        "max-connections = 20\ntimeout = \"2s\"\nallow-net = true",
    )
    .unwrap();
    let both = file.into_builder().extend(options).build();
    assert!(both.allows_net());
    assert_eq!(both.rules().count(), 2);
    assert_eq!(both.limits().max_connections.unwrap().get(), 20);
    assert_eq!(both.limits().timeout.unwrap().duration().as_secs(), 2);
    assert_eq!(both.limits().max_memory.unwrap().bytes(), 1024);
}
