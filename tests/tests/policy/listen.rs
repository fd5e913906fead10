//! Listening by TCP.

use super::table::{ALL, NET, Row, WASI, all, row};

/// What is granted is one address and one port of it.
const EXACT: &[&str] = &["allow-listen tcp://127.0.0.1:{free}"];
const AT: &str = "listen 127.0.0.1:{free}";

/// A port that the system chooses.
const CHOSEN: &[&str] = &["allow-listen tcp://127.0.0.1:0"];
const AT_CHOSEN: &str = "listen 127.0.0.1:0";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    row("another port", ALL, EXACT, "listen 127.0.0.1:{free2}", AT),
    row("a port that the system chooses", ALL, EXACT, "listen 127.0.0.1:0", AT),
    row("another address", ALL, EXACT, "listen 127.0.0.2:{free}", AT),
    row("loopback of the other family", ALL, EXACT, "listen [::1]:{free}", AT),
    row("all addresses", ALL, EXACT, "listen 0.0.0.0:{free}", AT),
    row("all addresses of IPv6", ALL, EXACT, "listen [::]:{free}", AT),
    row("all addresses, by a network", ALL, &["allow-listen tcp://127.0.0.0/8:*"],
        "listen 0.0.0.0:{free}", AT),
    row("a port of all addresses", ALL, CHOSEN, "listen 0.0.0.0:0", AT_CHOSEN),
    row("a port of all addresses of IPv6", ALL, CHOSEN, "listen [::]:0", AT_CHOSEN),
    row("a port of one's own choice", ALL, CHOSEN, "listen 127.0.0.1:{free}", AT_CHOSEN),
    row("port 0 is in no range", ALL, &["allow-listen tcp://127.0.0.1:1024-65535"],
        "listen 127.0.0.1:0", AT),
    row("a port before the range", ALL, &["allow-listen tcp://127.0.0.1:{free2}-65535"],
        AT, "listen 127.0.0.1:{free2}"),
    row("UDP is granted", ALL,
        &["allow-listen udp://127.0.0.1:*", "allow-listen tcp://127.0.0.1:{free}"],
        "listen 127.0.0.1:{free2}", AT),
    row("connecting is granted", ALL,
        &["allow-connect tcp://127.0.0.1:*", "allow-listen tcp://127.0.0.1:{free}"],
        "listen 127.0.0.1:{free2}", AT),
    row("accepting is granted", ALL,
        &["allow-accept *", "allow-listen tcp://127.0.0.1:{free}"],
        "listen 127.0.0.1:{free2}", AT),
    row("what is denied", ALL,
        &["allow-listen tcp://127.0.0.1:*", "deny-listen tcp://127.0.0.1:{free2}"],
        "listen 127.0.0.1:{free2}", AT),
    row("what is denied, by all addresses", ALL,
        &["allow-net", "deny-listen tcp://127.0.0.1:{free2}"], "listen 0.0.0.0:{free2}", AT),
    row("loopback is denied, by all addresses of IPv6", ALL,
        &["allow-net", "deny-listen tcp://[::1]:*"], "listen [::]:{free}", AT),
    row("a name for loopback is denied", ALL,
        &["allow-net", "deny-listen tcp://localhost:{free2}"], "listen 127.0.0.1:{free2}", AT),
    row("a chosen port in a denied range", ALL,
        &["allow-listen tcp://127.0.0.1:*", "deny-listen tcp://127.0.0.1:32768-65535"],
        "listen 127.0.0.1:0", AT),
    row("an address by its name, without the name", ALL,
        &["allow-listen tcp://localhost:{free}", "allow-listen tcp://127.0.0.1:{free2}"],
        AT, "listen 127.0.0.1:{free2}"),
    row("an address is taken, not listened on", WASI, EXACT, "bind 127.0.0.1:{free2}",
        "bind 127.0.0.1:{free}"),
    row("all addresses are taken, with a port", WASI, EXACT, "bind 0.0.0.0:{free}",
        "bind 127.0.0.1:{free}"),
    row("another address is taken", WASI, CHOSEN, "bind 127.0.0.2:0", "bind 0.0.0.0:0"),
    row("without an address", &["0.3"], CHOSEN, "listen-unbound 0.0.0.0", AT_CHOSEN),
    row("without an address of IPv6", &["0.3"], CHOSEN, "listen-unbound ::", AT_CHOSEN),
    row("without an address, by a wide network", &["0.3"],
        &["allow-listen tcp://0.0.0.0/0:*"], "listen-unbound 0.0.0.0", AT_CHOSEN),
    row("without an address", NET, CHOSEN, "listen-everywhere", AT_CHOSEN),
    row("by a name without an address", NET, &["allow-listen tcp://localhost:0"],
        "listen-name localhost {free}", "listen-name localhost 0"),
    row("by a name that may not be looked up", NET,
        &["allow-listen tcp://127.0.0.1:0"], "listen-name localhost 0", AT_CHOSEN),
    row("IPv4-mapped, as text", NET,
        &["allow-net", "deny-listen tcp://127.0.0.1:{free2}"],
        "listen [::ffff:127.0.0.1]:{free2}", AT),
];

/// What is granted is listened on, and no other address or port.
#[test]
fn what_is_granted_is_exact() {
    all(TABLE, 76);
}

#[rustfmt::skip]
const NO_ADDRESSES: &[Row] = &[
    row("IPv4-mapped", WASI, &["allow-net", "deny-listen tcp://127.0.0.1:{free2}"],
        "listen [::ffff:127.0.0.1]:{free2}", AT).refused("", "invalid-argument"),
    row("IPv4-compatible", WASI, &["allow-net", "deny-listen tcp://127.0.0.1:{free2}"],
        "listen [::127.0.0.1]:{free2}", AT).refused("", "invalid-argument"),
    row("multicast", WASI, &["allow-net"], "listen 224.0.0.1:{free2}", AT)
        .refused("", "invalid-argument"),
];

/// What WASI takes for no local address is none, and nobody is asked.
#[test]
fn what_is_no_address_is_refused() {
    all(NO_ADDRESSES, 6);
}
