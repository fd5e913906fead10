//! What depends on interfaces and routes: each test runs in a network of its own, a namespace in
//! which nothing else is.

use plugnet_tests::{Case, Form, Output};
use std::env;
use std::io::Write;
use std::process::Command;

/// Set in the process that has a network of its own.
const INSIDE: &str = "PLUGNET_OWN_NETWORK";

/// Makes the network: a link-local address on an interface of two ends, routes that lead nowhere,
/// names, and no name server.
const NETWORK: &str = "set -e
    ip link set lo up
    ip link add left type veth peer name right
    ip address add fe80::1/64 dev left nodad
    ip address add fe80::2/64 dev right nodad
    ip link set left up
    ip link set right up
    ip route add unreachable 198.51.100.0/24
    ip -6 route add unreachable 2001:db8:1::/48
    hosts=$(mktemp)
    echo '127.0.0.1 four.test both.test' >> $hosts
    echo '::1 both.test' >> $hosts
    mount --bind $hosts /etc/hosts
    rm $hosts
    mount --bind /dev/null /etc/resolv.conf
    exec \"$@\"";

/// Runs a test of this module once more, in a process that has a network of its own. False in that
/// process.
fn runs_in_own_network(test: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return false;
    }
    let test = format!(
        "{}::{test}",
        module_path!().split_once("::").expect("a module").1
    );
    let this = env::current_exe().expect("the test's own file");
    let inside = |command: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args([
            "--user",
            "--map-root-user",
            "--net",
            "--mount",
            "sh",
            "-c",
            NETWORK,
            "sh",
            command,
        ]);
        unshare
    };
    match inside("true").output() {
        Ok(made) if made.status.success() => {}
        failed => {
            let why = match failed {
                Ok(failed) => String::from_utf8_lossy(&failed.stderr).into_owned(),
                Err(error) => error.to_string(),
            };
            // Not `eprintln`: that is not shown for a test that passes.
            _ = writeln!(
                std::io::stderr(),
                "SKIPPED {test}, no network of its own: {why}"
            );
            return true;
        }
    }
    let mut inside = inside(this.to_str().expect("a name in UTF-8"));
    inside
        .args(["--exact", &test, "--nocapture"])
        .env(INSIDE, "");
    let output = inside.output().expect("it ran before");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, complained) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{printed}\n{complained}");
    assert!(printed.contains("1 passed"), "it ran nothing: {printed}");
    true
}

/// A case that connects, and fails, and what it prints of the error.
fn fails(host: &str, port: u16) -> String {
    let case = Case::new("talk").with("host", host).with("port", port);
    case.run().one("client error ").to_owned()
}

/// C18: no route to a network and no route to a host are two errors, and name the local end, as
/// `connect` fails at once. WASI has one error for both, and no local end then.
#[test]
fn c18_unreachable() {
    if runs_in_own_network("c18_unreachable") {
        return;
    }
    for (host, code, any) in [
        ("192.0.2.1", "ENETUNREACH", "0.0.0.0"),
        ("198.51.100.1", "EHOSTUNREACH", "0.0.0.0"),
        ("2001:db8:2::1", "ENETUNREACH", "::"),
        ("2001:db8:1::1", "EHOSTUNREACH", "::"),
        ("::ffff:192.0.2.1", "ENETUNREACH", "::"),
    ] {
        let error = fails(host, 80);
        let (code, local) = match Form::of_process() {
            Form::Native => (code, format!(" - Local ({any}:0)")),
            Form::Composed => ("EHOSTUNREACH", String::new()),
        };
        let message = format!("connect {code} {host}:80{local}");
        let expected = format!("{code} {message:?} syscall=connect address={host} port=80");
        assert_eq!(error, expected);
    }
}

/// What two programs say of a connection between them.
struct Talk {
    listens: String,
    server: [String; 2],
    client: [String; 2],
}

fn talk(listen: &str, connect: &str, local: Option<&str>) -> Talk {
    let mut server = Case::new("echo")
        .with("clients", 1)
        .with("host", listen)
        .start();
    let listens = server.line("listening ");
    let port = listens
        .rsplit_once(':')
        .and_then(|(_, port)| port.split(' ').next());
    let port = port.unwrap_or_else(|| panic!("no port: {listens}"));
    let mut client = Case::new("talk").with("host", connect).with("port", port);
    if let Some(local) = local {
        client = client.with("local-address", local);
    }
    let client = client.run();
    client.has("client connect");
    let server = server.end();
    // Their ports are the system's choice.
    let end = |line: &str| match line.split_once("]:") {
        Some((address, _)) => format!("{address}]"),
        None => line.to_owned(),
    };
    let ends = |output: &Output| ["remote ", "local "].map(|name| end(output.one(name)));
    Talk {
        listens: end(&listens),
        server: ends(&server),
        client: ends(&client),
    }
}

/// C33: a link-local address is that of the zone that the program names, to connect and to listen,
/// and shows with its zone on both sides, also where the program has not named it.
#[test]
fn c33_zones() {
    if runs_in_own_network("c33_zones") {
        return;
    }
    if Form::of_process() == Form::Composed {
        // A component cannot look up the number of an interface.
        assert!(fails("fe80::1%right", 80).starts_with("EINVAL "));
        return;
    }
    let over = talk("fe80::1%left", "fe80::1%right", None);
    assert_eq!(over.listens, "[fe80::1%left]");
    assert_eq!(over.server, ["[fe80::2%left]", "[fe80::1%left]"]);
    assert_eq!(over.client, ["[fe80::1%right]", "[fe80::2%right]"]);

    let any = talk("::", "fe80::2%left", None);
    assert_eq!(any.listens, "[::]");
    assert_eq!(any.server, ["[fe80::1%right]", "[fe80::2%right]"]);
    assert_eq!(any.client, ["[fe80::2%left]", "[fe80::1%left]"]);

    let bound = talk("::", "fe80::1%right", Some("fe80::2%right"));
    assert_eq!(bound.client, ["[fe80::1%right]", "[fe80::2%right]"]);

    // To Linux it is one of this machine, wherever it is.
    let unnamed = talk("::", "fe80::2", None);
    assert_eq!(unnamed.client, ["[fe80::2%right]"; 2]);
    // Elsewhere a zone makes no difference, as in Node.
    let loopback = talk("::1%left", "::1%nope", None);
    assert_eq!(loopback.client, ["[::1]"; 2]);
}

/// C33: errors name the zone, too.
#[test]
fn c33_errors_in_a_zone() {
    if runs_in_own_network("c33_errors_in_a_zone") {
        return;
    }
    if Form::of_process() == Form::Composed {
        return;
    }
    let refused = "ECONNREFUSED \"connect ECONNREFUSED fe80::2%left:9\" syscall=connect \
                   address=fe80::2%left port=9";
    assert_eq!(fails("fe80::2%left", 9), refused);
    let elsewhere = "ENETUNREACH \"connect ENETUNREACH fe80::1%lo:9 - Local (:::0)\" \
                     syscall=connect address=fe80::1%lo port=9";
    assert_eq!(fails("fe80::1%lo", 9), elsewhere);

    for (host, code, text) in [
        ("fe80::1", "EINVAL", "invalid argument"),
        ("fe80::1%nope", "EINVAL", "invalid argument"),
        ("fe80::1%right", "EADDRNOTAVAIL", "address not available"),
    ] {
        let output = Case::new("listen-fails").with("host", host).run();
        let expected =
            format!("{code} \"listen {code}: {text} {host}\" syscall=listen address={host}");
        assert_eq!(output.one("server error "), expected);
    }
}

/// C13: the host's resolver heeds the family and the hints, as in Node: ADDRCONFIG (32), which is
/// the default without a family, leaves out the family that no interface has, here IPv4; V4MAPPED
/// (8) gives IPv6 forms of IPv4 addresses if there is none of IPv6, and ALL (16) with it those, too.
/// (As Node 26 printed it in such a network.) WASI's resolver takes none.
#[test]
fn c13_hints_of_the_host() {
    if runs_in_own_network("c13_hints_of_the_host") {
        return;
    }
    const V6: &str = "::1 ipv6";
    const V4: &str = "127.0.0.1 ipv4";
    const MAPPED: &str = "::ffff:127.0.0.1 ipv6";
    const NONE: &str = "ENOTFOUND";
    const AGAIN: &str = "EAI_AGAIN";
    let cases: [(&str, u8, u32, &[&str]); 14] = [
        ("both.test", 0, 0, &[V6]),
        ("both.test", 0, 32, &[V6]),
        ("both.test", 0, 8, &[V6, V4]),
        ("both.test", 0, 16, &[V6, V4]),
        ("both.test", 4, 0, &[V4]),
        ("both.test", 4, 32, &[NONE]),
        ("both.test", 6, 56, &[V6]),
        ("four.test", 0, 0, &[AGAIN]),
        ("four.test", 0, 8, &[V4]),
        ("four.test", 0, 40, &[MAPPED]),
        ("four.test", 6, 0, &[AGAIN]),
        ("four.test", 6, 8, &[MAPPED]),
        ("four.test", 6, 24, &[MAPPED]),
        ("none.test", 0, 0, &[AGAIN]),
    ];
    for (host, family, hints, expected) in cases {
        let case = Case::new("talk").with("host", host).with("port", 1);
        let case = case.with("hints", hints);
        let output = match family {
            0 => case,
            family => case.with("family", family),
        }
        .run();
        let found = output.after(&format!("client lookup {host} "));
        let found: Vec<_> = found
            .into_iter()
            .map(|found| match found.split_once(" \"") {
                Some((code, _)) => code,
                None => found,
            })
            .collect();
        if Form::of_process() == Form::Native {
            assert_eq!(found, expected, "{host} {family} {hints}");
        } else if host == "both.test" && family == 0 {
            assert_eq!(found, [V6, V4], "{host} {family} {hints}");
        }
    }
}
