//! The grammar of entries and quantities: what is accepted, and what an error says.

use std::fmt::Display;
use std::str::FromStr;

use plugnet_policy::{
    AcceptEntry, ByteSize, ConnectEntry, EntryError, IpcEntry, ListenEntry, Name, Policy,
    ResolveEntry, TimeLimit,
};

/// Each is displayed as it is written.
fn accepts<T: FromStr<Err = EntryError> + Display>(entries: &[&str]) {
    for entry in entries {
        match entry.parse::<T>() {
            Ok(parsed) => assert_eq!(parsed.to_string(), *entry),
            Err(error) => panic!("refused: {error}"),
        }
    }
}

/// Each is accepted and displayed as the second.
fn normalizes<T: FromStr<Err = EntryError> + Display>(entries: &[(&str, &str)]) {
    for (entry, normal) in entries {
        match entry.parse::<T>() {
            Ok(parsed) => assert_eq!(parsed.to_string(), *normal, "{entry}"),
            Err(error) => panic!("refused: {error}"),
        }
    }
}

/// An entry, the part of it that is marked, and the corrected form or `-`.
type Refused = (&'static str, &'static str, &'static str);

/// Each is refused, with the mark and the corrected form, which is accepted.
fn refuses<T: FromStr<Err = EntryError> + Display>(entries: &[Refused]) {
    for (entry, spot, corrected) in entries {
        let Err(error) = entry.parse::<T>() else {
            panic!("{entry} is accepted");
        };
        assert_eq!(error.entry(), *entry);
        assert_eq!(&entry[error.spot()], *spot, "{error}");
        assert_eq!(error.corrected().unwrap_or("-"), *corrected, "{error}");
        if let Some(corrected) = error.corrected() {
            assert!(corrected.parse::<T>().is_ok(), "{error}");
        }
    }
}

/// An error shows the entry, marks the spot, and gives the corrected form.
#[test]
fn an_error_shows_marks_and_corrects() {
    let error = "tcp://10.0.0.1/8:443".parse::<ConnectEntry>().unwrap_err();
    let expected = "\
bits of the address are set that a mask of 8 leaves out
    tcp://10.0.0.1/8:443
          ^^^^^^^^^^
  write tcp://10.0.0.0/8:443";
    assert_eq!(error.to_string(), expected);
}

/// Where something is missing the mark stands behind what is there.
#[test]
fn what_is_missing_is_marked_behind() {
    let error = "tcp://a.example".parse::<ConnectEntry>().unwrap_err();
    let expected = "\
the port is missing; `*` is any port
    tcp://a.example
                   ^
  write tcp://a.example:443";
    assert_eq!(error.to_string(), expected);
}

/// Control characters of an entry do not reach the terminal.
#[test]
fn an_error_does_not_move_the_cursor() {
    let error = "tcp://a\u{1b}[2J\n:443"
        .parse::<ConnectEntry>()
        .unwrap_err();
    let shown = error.to_string();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(shown.contains(r"tcp://a\u{1b}[2J\n:443"), "{shown}");
}

/// The forms that the documentation has.
#[test]
fn entries_for_connecting() {
    accepts::<ConnectEntry>(&[
        "tcp://api.example.com:443",
        "tcp://10.0.0.0/8:5432-5440",
        "tcp://[::1]:*",
        "tcp://[fc00::/7]:1-65535",
        "tcp://[::/0]:80",
        "tcp://0.0.0.0/0:80",
        "tcp://*.example.com:443",
        "tcp://*:25",
        "udp://192.0.2.1:53",
        "tcp://localhost:80",
        "tcp://_service.example:80",
        "tcp://3com.example:80",
        "unix:///run/redis.sock",
        "unix:///run/app/",
        "unix:///",
        "unix:///run/redis.sock::/redis.sock",
        "unix:///run/app/::/run/",
        "unix://@abstract name",
        "pipe://name",
        "pipe://name with spaces",
    ]);
}

/// Names are compared in one form: lower case, IDNA, without the dot at the end.
#[test]
fn names_have_one_form() {
    normalizes::<ConnectEntry>(&[
        ("tcp://API.Example.COM:443", "tcp://api.example.com:443"),
        ("tcp://api.example.com.:443", "tcp://api.example.com:443"),
        (
            "tcp://bücher.example:443",
            "tcp://xn--bcher-kva.example:443",
        ),
        (
            "tcp://*.BÜCHER.example.:443",
            "tcp://*.xn--bcher-kva.example:443",
        ),
        ("tcp://ｅｘａｍｐｌｅ.com:443", "tcp://example.com:443"),
        ("tcp://a。example:443", "tcp://a.example:443"),
    ]);
}

/// An address has one form, and so has a network of one address.
#[test]
fn addresses_have_one_form() {
    normalizes::<ConnectEntry>(&[
        ("tcp://[FC00:0:0::]:443", "tcp://[fc00::]:443"),
        ("tcp://10.1.2.3/32:443", "tcp://10.1.2.3:443"),
        ("tcp://[fd00::1/128]:443", "tcp://[fd00::1]:443"),
    ]);
}

/// A scheme is always written, in lower case, and is one of four.
#[test]
fn schemes() {
    refuses::<ConnectEntry>(&[
        ("api.example.com", "", "tcp://api.example.com:443"),
        ("api.example.com:8443", "", "tcp://api.example.com:8443"),
        ("10.0.0.0/8", "", "tcp://10.0.0.0/8:443"),
        ("::1", "", "tcp://[::1]:443"),
        ("8080", "", "tcp://*:8080"),
        ("/run/x.sock", "", "unix:///run/x.sock"),
        ("@name", "", "unix://@name"),
        (r"\\.\pipe\x", "", "pipe://x"),
        ("TCP://a.example:1", "TCP", "tcp://a.example:1"),
        ("Unix:///run/x", "Unix", "unix:///run/x"),
        ("http://a.example/x?y", "http", "tcp://a.example:80"),
        ("https://a.example:8443", "https", "tcp://a.example:8443"),
        ("redis://h.example", "redis", "tcp://h.example:6379"),
        ("file:///run/x", "file", "unix:///run/x"),
        ("tls://a.example:853", "tls", "tcp://a.example:853"),
        ("gopher://a.example:70", "gopher", "tcp://a.example:70"),
        ("tcp:a.example:1", ":", "tcp://a.example:1"),
        ("tcp:/a.example:1", ":", "tcp://a.example:1"),
        ("unix:/run/x", ":", "unix:///run/x"),
        ("", "", "-"),
        ("  ", "  ", "-"),
        (" tcp://a.example:1", " ", "tcp://a.example:1"),
        ("tcp://a.example:1 ", " ", "tcp://a.example:1"),
        ("tcp://a.example:1\n", "\n", "tcp://a.example:1"),
        ("a.example:1 ", " ", "tcp://a.example:1"),
    ]);
}

/// A port is always written: a number, a range or `*`.
#[test]
fn ports() {
    refuses::<ConnectEntry>(&[
        ("tcp://a.example", "", "tcp://a.example:443"),
        ("tcp://a.example:", "", "tcp://a.example:443"),
        ("tcp://[::1]", "", "tcp://[::1]:443"),
        ("tcp://a.example:0", "0", "tcp://a.example:*"),
        ("tcp://a.example:0080", "0080", "tcp://a.example:80"),
        ("tcp://a.example:+80", "+80", "tcp://a.example:80"),
        ("tcp://a.example:70000", "70000", "tcp://a.example:443"),
        ("tcp://a.example:-1", "-1", "tcp://a.example:1"),
        ("tcp://a.example:http", "http", "tcp://a.example:80"),
        ("tcp://a.example:80,443", "80,443", "tcp://a.example:443"),
        ("tcp://a.example:90-80", "90-80", "tcp://a.example:80-90"),
        ("tcp://a.example:80-80", "80-80", "tcp://a.example:80"),
        ("tcp://a.example:0-80", "0-80", "tcp://a.example:1-80"),
        ("tcp://a.example:80-", "80-", "tcp://a.example:80-65535"),
        ("tcp://a.example:-80", "-80", "tcp://a.example:1-80"),
        (
            "tcp://a.example:80-70000",
            "80-70000",
            "tcp://a.example:80-65535",
        ),
        (
            "tcp://a.example:80-90-100",
            "80-90-100",
            "tcp://a.example:443",
        ),
        ("tcp://a.example:443/", "/", "tcp://a.example:443"),
        ("tcp://a.example:443/x:1", "/x:1", "tcp://a.example:443"),
        ("tcp://a.example:443:1", "443:1", "tcp://a.example:443"),
        ("tcp://a.example:443?x", "?x", "tcp://a.example:443"),
    ]);
}

/// Every spelling of an IPv4 address but the one is refused, and so is a bad mask.
#[test]
fn ipv4_addresses_and_networks() {
    refuses::<ConnectEntry>(&[
        ("tcp://010.0.0.1:80", "010.0.0.1", "tcp://10.0.0.1:80"),
        ("tcp://0177.0.0.1:80", "0177.0.0.1", "tcp://177.0.0.1:80"),
        ("tcp://0x7f.1:80", "0x7f.1", "tcp://127.0.0.1:80"),
        ("tcp://0x7f000001:80", "0x7f000001", "tcp://127.0.0.1:80"),
        ("tcp://127.1:80", "127.1", "tcp://127.0.0.1:80"),
        ("tcp://2130706433:80", "2130706433", "tcp://127.0.0.1:80"),
        ("tcp://127.0.0.1.:80", "127.0.0.1.", "-"),
        ("tcp://１２７.0.0.1:80", "１２７.0.0.1", "-"),
        ("tcp://256.1.1.1:80", "256.1.1.1", "-"),
        ("tcp://1.2.3.4.5:80", "1.2.3.4.5", "-"),
        ("tcp://a.example.1:80", "a.example.1", "-"),
        ("tcp://10.0.0.0/33:80", "33", "tcp://10.0.0.0:80"),
        ("tcp://10.0.0.0/08:80", "08", "tcp://10.0.0.0/8:80"),
        ("tcp://10.0.0.0/:80", "", "-"),
        ("tcp://10.0.0.0/-8:80", "-8", "-"),
        (
            "tcp://10.0.0.0/255.0.0.0:80",
            "255.0.0.0",
            "tcp://10.0.0.0/8:80",
        ),
        ("tcp://10.0.0.1/8:80", "10.0.0.1/8", "tcp://10.0.0.0/8:80"),
        ("tcp://10/8:80", "10", "tcp://10.0.0.0/8:80"),
        ("tcp://10.0.0.0/8", "", "tcp://10.0.0.0/8:443"),
        ("tcp://0.0.0.0:80", "0.0.0.0", "tcp://127.0.0.1:80"),
        ("tcp://0:80", "0", "tcp://127.0.0.1:80"),
    ]);
}

/// IPv6 is written in brackets, mask included, and what is IPv4 is written as IPv4.
#[test]
fn ipv6_addresses_and_networks() {
    refuses::<ConnectEntry>(&[
        ("tcp://::1:80", "::1:80", "tcp://[::1]:80"),
        ("tcp://::1", "::1", "tcp://[::1]:443"),
        ("tcp://fc00::/7:80", "fc00::/7:80", "tcp://[fc00::/7]:80"),
        ("tcp://[fc00::]/7:80", "/7", "tcp://[fc00::/7]:80"),
        ("tcp://[fc00::]/7", "/7", "tcp://[fc00::/7]:443"),
        ("tcp://[fc00::1/7]:80", "fc00::1/7", "tcp://[fc00::/7]:80"),
        ("tcp://[fc00::/129]:80", "129", "tcp://[fc00::]:80"),
        ("tcp://[fc00::/07]:80", "07", "tcp://[fc00::/7]:80"),
        (
            "tcp://[::ffff:10.0.0.1]:80",
            "::ffff:10.0.0.1",
            "tcp://10.0.0.1:80",
        ),
        (
            "tcp://[::ffff:a00:0/104]:80",
            "::ffff:a00:0/104",
            "tcp://10.0.0.0/8:80",
        ),
        ("tcp://[::10.0.0.1]:80", "::10.0.0.1", "tcp://10.0.0.1:80"),
        ("tcp://[fe80::1%eth0]:80", "%eth0", "tcp://[fe80::1]:80"),
        ("tcp://[127.0.0.1]:80", "127.0.0.1", "tcp://127.0.0.1:80"),
        ("tcp://[a.example]:80", "a.example", "tcp://a.example:80"),
        ("tcp://[::1:80", "[::1:80", "tcp://[::1]:80"),
        ("tcp://[::1]80", "80", "-"),
        ("tcp://[]:80", "", "tcp://*:80"),
        ("tcp://[::]:80", "[::]", "tcp://[::1]:80"),
        ("tcp://[:::]:80", ":::", "-"),
        ("tcp://1:2:3:80", "1:2:3:80", "-"),
    ]);
}

/// `*` is alone or first; names have letters, digits, `-` and `_`.
#[test]
fn names() {
    let long = format!("tcp://{}.example:80", "a".repeat(64));
    let error = long.parse::<ConnectEntry>().unwrap_err();
    assert_eq!(
        error.problem(),
        "a part of a name has at most 63 characters"
    );
    let long = format!("tcp://{}example:80", "abcdefghi.".repeat(25));
    let error = long.parse::<ConnectEntry>().unwrap_err();
    assert_eq!(error.problem(), "a name has at most 253 characters");
    refuses::<ConnectEntry>(&[
        (
            "tcp://*example.com:80",
            "*example.com",
            "tcp://*.example.com:80",
        ),
        ("tcp://a.*.example:80", "a.*.example", "tcp://*.example:80"),
        ("tcp://*.*.example:80", "*.*.example", "tcp://*.example:80"),
        (
            "tcp://api-*.example:80",
            "api-*.example",
            "tcp://*.example:80",
        ),
        ("tcp://example.*:80", "example.*", "-"),
        ("tcp://**:80", "**", "-"),
        ("tcp://*.:80", "", "-"),
        ("tcp://*.10.0.0.1:80", "10.0.0.1", "tcp://10.0.0.1:80"),
        ("tcp://a..example:80", "a..example", "tcp://a.example:80"),
        (
            "tcp://.example.com:80",
            ".example.com",
            "tcp://example.com:80",
        ),
        ("tcp://a b.example:80", "a b.example", "-"),
        ("tcp://a.example/x:80", "/x", "tcp://a.example:80"),
        ("tcp://user@a.example:80", "user@", "tcp://a.example:80"),
        ("tcp://u:p@a.example:80", "u:p@", "tcp://a.example:80"),
        ("tcp://:80", "", "tcp://*:80"),
    ]);
    assert!(Name::parse("xn--a").is_err(), "not valid Punycode");
}

/// Paths are absolute, without patterns and detours, and folders are mapped to folders.
#[test]
fn paths_and_pipes() {
    refuses::<ConnectEntry>(&[
        ("unix://run/x", "run/x", "unix:///run/x"),
        ("unix:///run/../x", "/run/../x", "unix:///x"),
        ("unix:///run//x", "/run//x", "unix:///run/x"),
        ("unix:///run/./x/..", "/run/./x/..", "unix:///run/"),
        ("unix:///run/*.sock", "*", "unix:///run/"),
        ("unix:///a/::/b", "/a/::/b", "unix:///a/::/b/"),
        ("unix:///a::b", "b", "unix:///a::/b"),
        ("unix:///a::/b::/c", "::", "-"),
        ("unix:///a::", "", "-"),
        ("unix://", "", "-"),
        ("unix://@", "@", "-"),
        (r"pipe://\\.\pipe\x", r"\\.\pipe\x", "pipe://x"),
        ("pipe://a/b", "a/b", "-"),
        ("pipe:///a", "/a", "pipe://a"),
        ("pipe://", "", "-"),
        ("pipe://*", "*", "-"),
    ]);
}

/// Every kind of local socket has a folder, and is mapped to one of its kind.
#[test]
fn folders_of_every_kind() {
    accepts::<IpcEntry>(&[
        "@app/",
        "@app::@x",
        "@app/::@x/",
        r"\\.\pipe\app\",
        r"\\.\pipe\a\b",
        r"\\.\pipe\",
        r"\\.\pipe\app::\\.\pipe\x",
        r"\\.\pipe\app\::\\.\pipe\",
    ]);
    accepts::<ConnectEntry>(&[
        "unix://@app/",
        "unix://@app/::@x/",
        r"pipe://app\",
        r"pipe://a\b::c",
    ]);
    refuses::<IpcEntry>(&[
        ("@a/::@b", "@a/::@b", "-"),
        ("@a::/b", "@a::/b", "-"),
        ("@a::@b::@c", "@a::@b::@c", "-"),
        ("@a::@", "@a::@", "-"),
        (r"\\.\pipe\a\::\\.\pipe\b", r"a\::\\.\pipe\b", "-"),
        (r"\\.\pipe\a::b", "a::b", "-"),
        (r"\\.\pipe\..\a", r"..\a", "-"),
        (r"\\.\pipe\a.", "a.", "-"),
        (r"\\.\pipe\a\\b", r"a\\b", "-"),
        (r"\\server\pipe\a", r"\\server\pipe\a", r"\\.\pipe\a"),
    ]);
}

/// A name that no program can have is refused: paths and abstract names have at most 107 bytes, and
/// names of pipes 247. The host's own paths may be longer, and so may folders.
#[test]
fn long_names_of_sockets() {
    let long = "x".repeat(107);
    accepts::<IpcEntry>(&[
        &format!("/{}", &long[1..]),
        &format!("/{long}::/x"),
        &format!("/{long}/"),
        &format!("@{long}"),
    ]);
    for entry in [
        format!("/{long}"),
        format!("/x::/{long}"),
        format!("@{long}x"),
        format!("@{long}x::@x"),
        format!(r"\\.\pipe\{}", "x".repeat(248)),
    ] {
        let error = entry.parse::<IpcEntry>().unwrap_err().to_string();
        assert!(error.contains("has at most"), "{error}");
    }
}

/// A listener is at an address; the system may choose its port.
#[test]
fn entries_for_listening() {
    accepts::<ListenEntry>(&[
        "tcp://127.0.0.1:8080",
        "tcp://127.0.0.1:0",
        "tcp://0.0.0.0:80",
        "tcp://[::]:80",
        "tcp://*:80",
        "tcp://localhost:80",
        "udp://*:*",
        "unix:///run/app/",
    ]);
    refuses::<ListenEntry>(&[
        ("8080", "", "tcp://127.0.0.1:8080"),
        (":8080", "", "tcp://*:8080"),
        ("tcp://a.example:80", "a.example", "tcp://127.0.0.1:80"),
        ("tcp://*.localhost:80", "*.localhost", "tcp://127.0.0.1:80"),
        ("tcp://127.0.0.1:0-10", "0-10", "tcp://127.0.0.1:1-10"),
    ]);
}

/// A deny of port 0 would look as if it denied something.
#[test]
fn port_0_is_not_denied() {
    let error = Policy::builder().deny_listen("tcp://*:0").unwrap_err();
    assert_eq!(&error.entry()[error.spot()], "0");
    assert_eq!(error.corrected(), Some("tcp://*:*"));
}

/// What is looked up is a name.
#[test]
fn entries_for_resolving() {
    accepts::<ResolveEntry>(&["*", "example.com", "*.example.com", "localhost"]);
    normalizes::<ResolveEntry>(&[("Example.COM.", "example.com")]);
    refuses::<ResolveEntry>(&[
        ("tcp://a.example:443", "tcp://", "a.example"),
        ("a.example:443", ":443", "a.example"),
        ("a.example/", "/", "a.example"),
        ("10.0.0.1", "10.0.0.1", "-"),
        ("::1", "::1", "-"),
        ("127.1", "127.1", "-"),
        ("*a.example", "*a.example", "*.a.example"),
        ("a b", "a b", "-"),
    ]);
}

/// A peer is an address or a network, without a port.
#[test]
fn entries_for_accepting() {
    accepts::<AcceptEntry>(&[
        "*",
        "10.0.0.0/8",
        "192.0.2.1",
        "::1",
        "fc00::/7",
        "0.0.0.0/0",
    ]);
    refuses::<AcceptEntry>(&[
        ("10.0.0.1:80", ":80", "10.0.0.1"),
        ("[::1]", "[::1]", "::1"),
        ("[::1]:80", "[::1]:80", "::1"),
        ("10.0.0.1/8", "10.0.0.1/8", "10.0.0.0/8"),
        ("fc00::1/7", "fc00::1/7", "fc00::/7"),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1"),
        ("a.example", "a.example", "-"),
        ("tcp://10.0.0.0/8:80", "tcp://", "10.0.0.0/8"),
    ]);
}

/// Local sockets are paths, as `--dir` has them.
#[test]
fn entries_for_ipc() {
    accepts::<IpcEntry>(&[
        "/run/redis.sock",
        "/run/app/",
        "/run/redis.sock::/redis.sock",
        "app.sock",
        "./",
        "@name",
        r"\\.\pipe\name",
    ]);
    refuses::<IpcEntry>(&[
        ("unix:///run/x", "unix://", "/run/x"),
        ("pipe://x", "pipe://", r"\\.\pipe\x"),
        (r"\\?\pipe\x", r"\\?\pipe\x", r"\\.\pipe\x"),
        ("../x", "../x", "-"),
        ("./@x", "./@x", "-"),
        ("x/../y", "x/../y", "-"),
        ("/run/./x", "/run/./x", "/run/x"),
    ]);
    normalizes::<IpcEntry>(&[("./x", "x"), ("./a//b/", "a/b/"), ("x::./y", "x::y")]);
}

/// Amounts of bytes have a unit of 1024.
#[test]
fn byte_sizes() {
    accepts::<ByteSize>(&["1B", "1023B", "64KiB", "64MiB", "1GiB"]);
    normalizes::<ByteSize>(&[("1024B", "1KiB"), ("2048MiB", "2GiB")]);
    refuses::<ByteSize>(&[
        ("64", "", "64B"),
        ("64MB", "MB", "64MiB"),
        ("64mib", "mib", "64MiB"),
        ("64 MiB", " MiB", "64MiB"),
        ("064MiB", "064", "64MiB"),
        ("0B", "0B", "-"),
        ("1.5GiB", ".5GiB", "-"),
        ("-1B", "-1B", "-"),
        ("99999999999GiB", "99999999999GiB", "-"),
        ("", "", "-"),
    ]);
}

/// Times have a unit.
#[test]
fn times() {
    accepts::<TimeLimit>(&["500ms", "10s", "5m", "2h"]);
    normalizes::<TimeLimit>(&[("60s", "1m"), ("90s", "90s")]);
    refuses::<TimeLimit>(&[
        ("10", "", "10s"),
        ("10sec", "sec", "10s"),
        ("10S", "S", "10s"),
        ("1m30s", "m30s", "-"),
        ("0s", "0s", "-"),
    ]);
}

/// An entry is bounded, and the check of a long one is quick.
#[test]
fn a_long_entry_is_refused() {
    for part in [
        "@", "[", "*.", "a.", "/", "%/", "::", "tcp://", "0.", "-", "９",
    ] {
        let entry = format!("tcp://{}", part.repeat(100_000));
        let error = entry.parse::<ConnectEntry>().unwrap_err();
        assert_eq!(error.problem(), "the entry is longer than 8300 bytes");
        let entry = format!("tcp://{}", part.repeat(8000 / part.len()));
        assert!(entry.parse::<ConnectEntry>().is_err());
    }
}

/// A relative path that would be shown as an abstract name or as a pipe is refused.
#[test]
fn relative_paths_that_would_be_shown_as_other_names() {
    for text in ["./@app", r"./\\.\pipe\app", r".//\\.\pipe\app"] {
        let error = text.parse::<plugnet_policy::IpcPattern>().unwrap_err();
        assert!(
            error.to_string().contains("from the root"),
            "{text}: {error}"
        );
    }
    let pattern: plugnet_policy::IpcPattern = "./app".parse().unwrap();
    assert_eq!(pattern.guest(), "app");
}
