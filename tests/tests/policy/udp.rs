//! UDP, which is only in wasi:sockets.

use super::table::{Row, WASI, all, row};

const EXACT: &[&str] = &["allow-connect udp://127.0.0.1:{open}"];
const AT: &str = "udp-send 127.0.0.1:{open}";

const WIDE: &[&str] = &[
    "allow-connect udp://*:*",
    "allow-connect udp://127.0.0.1:{open}",
];

#[rustfmt::skip]
const SENDING: &[Row] = &[
    row("a guessed port", WASI, EXACT, "udp-send 127.0.0.1:{shut}", AT),
    row("the next port", WASI, EXACT, "udp-send 127.0.0.1:{above}", AT),
    row("another address of loopback", WASI, EXACT, "udp-send 127.0.0.2:{open}", AT),
    row("loopback of the other family", WASI, EXACT, "udp-send [::1]:{open}", AT),
    row("a zone of loopback", WASI, &["allow-connect udp://[::1]:{open}"],
        "udp-send [::1%1]:{shut}", "udp-send [::1]:{open}"),
    row("TCP is granted", WASI,
        &["allow-connect tcp://127.0.0.1:*", "allow-connect udp://127.0.0.1:{open}"],
        "udp-send 127.0.0.1:{shut}", AT),
    row("listening is granted", WASI, &["allow-listen udp://127.0.0.1:*"], AT, "udp-bind 127.0.0.1:0"),
    row("a connected socket", WASI, EXACT, "udp-send-connected 127.0.0.1:{shut}",
        "udp-send-connected 127.0.0.1:{open}"),
    row("connecting alone", WASI, EXACT, "udp-connect 127.0.0.1:{shut}",
        "udp-connect 127.0.0.1:{open}"),
    row("given up in between", WASI, EXACT,
        "udp-send-disconnected 127.0.0.1:{open} 127.0.0.1:{shut}",
        "udp-send-disconnected 127.0.0.1:{open} 127.0.0.1:{open}"),
    row("a local address is not granted", WASI, EXACT,
        "udp-send-from 127.0.0.1:0 127.0.0.1:{open}", AT),
    row("a local port is not granted", WASI, EXACT,
        "udp-send-from 0.0.0.0:{free} 127.0.0.1:{open}", "udp-send-from 0.0.0.0:0 127.0.0.1:{open}"),
    row("loopback by `*`", WASI, WIDE, "udp-send 127.0.0.1:{shut}", AT),
    row("loopback of IPv6 by `*`", WASI, WIDE, "udp-send [::1]:{open}", AT),
    row("multicast by `*`", WASI, WIDE, "udp-send 224.0.0.251:5353", AT),
    row("multicast of IPv6 by `*`", WASI, WIDE, "udp-send [ff02::fb]:5353", AT),
    row("broadcast by `*`", WASI, WIDE, "udp-send 255.255.255.255:67", AT),
    row("a private network by `*`", WASI, WIDE, "udp-send 192.168.1.1:53", AT),
    row("the metadata service by `*`", WASI, WIDE, "udp-send 169.254.169.254:53", AT),
    row("NAT64 of loopback", WASI, WIDE, "udp-send [64:ff9b::7f00:1]:{open}", AT),
    row("6to4 of loopback", WASI, WIDE, "udp-send [2002:7f00:1::]:{open}", AT),
    row("what is denied", WASI, &["allow-net", "deny-connect udp://127.0.0.1:{shut}"],
        "udp-send 127.0.0.1:{shut}", AT),
    row("what is denied, connected", WASI, &["allow-net", "deny-connect udp://127.0.0.1:{shut}"],
        "udp-send-connected 127.0.0.1:{shut}", AT),
    row("what is denied, by NAT64", WASI, &["allow-net", "deny-connect udp://127.0.0.1:*"],
        "udp-send [64:ff9b::7f00:1]:{shut}", "udp-send [::1]:{open}"),
    row("an address that no name gave", WASI, &["allow-connect udp://localhost:{open}"],
        AT, "udp-send-name localhost {open}"),
    row("another port of a name", WASI, &["allow-connect udp://localhost:{open}"],
        "udp-send-name localhost {shut}", "udp-send-name localhost {open}"),
];

/// Datagrams go where they may and nowhere else.
#[test]
fn sending_is_exact() {
    all(SENDING, 52);
}

#[rustfmt::skip]
const BINDING: &[Row] = &[
    row("another port", WASI, &["allow-listen udp://127.0.0.1:{free}"],
        "udp-bind 127.0.0.1:{free2}", "udp-bind 127.0.0.1:{free}"),
    row("another address", WASI, &["allow-listen udp://127.0.0.1:{free}"],
        "udp-bind 127.0.0.2:{free}", "udp-bind 127.0.0.1:{free}"),
    row("all addresses", WASI, &["allow-listen udp://127.0.0.1:{free}"],
        "udp-bind 0.0.0.0:{free}", "udp-bind 127.0.0.1:{free}"),
    row("all addresses of IPv6", WASI, &["allow-listen udp://[::1]:{free}"],
        "udp-bind [::]:{free}", "udp-bind [::1]:{free}"),
    row("TCP is granted", WASI, &["allow-listen tcp://127.0.0.1:*"],
        "udp-bind 127.0.0.1:{free}", "bind 127.0.0.1:{free}"),
    row("connecting is granted", WASI, &["allow-connect udp://127.0.0.1:*"],
        "udp-bind 127.0.0.1:{free}", AT),
    row("what is denied, by all addresses", WASI,
        &["allow-net", "deny-listen udp://127.0.0.1:{free2}"],
        "udp-bind 0.0.0.0:{free2}", "udp-bind 127.0.0.1:{free}"),
];

/// Local addresses of UDP are taken as granted.
#[test]
fn binding_is_exact() {
    all(BINDING, 14);
}

#[rustfmt::skip]
const CHOSEN: &[Row] = &[
    row("a port of a denied range", WASI,
        &["allow-net", "deny-listen udp://127.0.0.1:1-65535"],
        "udp-bind 127.0.0.1:0", "udp-bind 127.0.0.2:0"),
    row("to connect", WASI, &["allow-net", "deny-listen udp://127.0.0.1:1-65535"],
        "udp-connect 127.0.0.1:{open}", "udp-connect [::1]:{open}"),
    row("to send", WASI, &["allow-net", "deny-listen udp://0.0.0.0:1-65535"],
        "udp-send 127.0.0.1:{open}", "udp-send-from 127.0.0.1:0 127.0.0.1:{open}"),
    row("a rule about every port", WASI,
        &["allow-net", "deny-listen udp://*:*"],
        "udp-bind 127.0.0.1:0", "udp-send 127.0.0.1:{open}"),
];

/// The port that the system chooses is judged by the rules that name it.
#[test]
fn chosen_ports_are_judged() {
    all(CHOSEN, 8);
}

#[rustfmt::skip]
const REFUSED: &[Row] = &[
    row("somebody else than whom it is connected to", WASI,
        &["allow-connect udp://127.0.0.1:{open}"],
        "udp-send-elsewhere 127.0.0.1:{open} 127.0.0.1:{shut}",
        "udp-send-elsewhere 127.0.0.1:{open} 127.0.0.1:{open}").refused("", "invalid-argument"),
    row("IPv4-mapped", WASI, &["allow-net", "deny-connect udp://127.0.0.1:{shut}"],
        "udp-send [::ffff:127.0.0.1]:{shut}", AT).refused("", "invalid-argument"),
    row("IPv4-compatible", WASI, &["allow-net", "deny-connect udp://127.0.0.1:{shut}"],
        "udp-send [::127.0.0.1]:{shut}", AT).refused("", "invalid-argument"),
    row("any address", WASI, &["allow-net", "deny-connect udp://127.0.0.1:{shut}"],
        "udp-send 0.0.0.0:{shut}", AT).refused("", "invalid-argument"),
    row("any address of IPv6", WASI, &["allow-net", "deny-connect udp://[::1]:{shut}"],
        "udp-send [::]:{shut}", AT).refused("", "invalid-argument"),
];

/// What is no peer to WASI is none, and nobody is asked.
#[test]
fn what_is_no_peer_is_refused() {
    all(REFUSED, 10);
}
