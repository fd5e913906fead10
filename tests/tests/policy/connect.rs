//! Connecting by TCP.

use super::table::{ALL, End, NET, Row, WASI, all, row};

const AT: &str = "connect 127.0.0.1:{open}";

/// What is granted is one address and one port of it.
const EXACT: &[&str] = &["allow-connect tcp://127.0.0.1:{open}"];

/// Everything by TCP, as far as it goes without naming a special address, and one of loopback.
const WIDE: &[&str] = &[
    "allow-connect tcp://*:*",
    "allow-connect tcp://0.0.0.0/0:*",
    "allow-connect tcp://[::/0]:*",
    "allow-connect tcp://127.0.0.1:{open}",
];

/// All but one port.
const BUT: &[&str] = &["allow-net", "deny-connect tcp://127.0.0.1:{shut}"];

/// All but one host.
const BUT_HOST: &[&str] = &["allow-net", "deny-connect tcp://127.0.0.1:*"];

#[rustfmt::skip]
const EXACTLY: &[Row] = &[
    row("a guessed port", ALL, EXACT, "connect 127.0.0.1:{shut}", AT),
    row("the next port", ALL, EXACT, "connect 127.0.0.1:{above}", AT),
    row("the port before", ALL, EXACT, "connect 127.0.0.1:{below}", AT),
    row("another address of loopback", ALL, EXACT, "connect 127.0.0.2:{open}", AT),
    row("the last address of loopback", ALL, EXACT, "connect 127.255.255.255:{open}", AT),
    row("loopback of the other family", ALL, EXACT, "connect [::1]:{open}", AT),
    row("a private address", ALL, EXACT, "connect 10.0.0.1:{open}", AT),
    row("a public address", ALL, EXACT, "connect 203.0.113.7:{open}", AT),
    row("IPv4 where IPv6 is granted", ALL, &["allow-connect tcp://[::1]:{open}"],
        AT, "connect [::1]:{open}"),
    row("a zone of loopback", WASI, &["allow-connect tcp://[::1]:{open}"],
        "connect [::1%1]:{shut}", "connect [::1]:{open}"),
    row("a port before the range", ALL, &["allow-connect tcp://127.0.0.1:{open}-{above}"],
        "connect 127.0.0.1:{below}", AT),
    row("a port after the range", ALL, &["allow-connect tcp://127.0.0.1:{below}-{open}"],
        "connect 127.0.0.1:{above}", AT),
    row("a network's neighbour", ALL, &["allow-connect tcp://127.0.0.0/31:*"],
        "connect 127.0.0.2:{open}", AT),
    row("UDP is granted", ALL,
        &["allow-connect udp://127.0.0.1:{shut}", "allow-connect tcp://127.0.0.1:{open}"],
        "connect 127.0.0.1:{shut}", AT),
    row("listening is granted", ALL, &["allow-listen tcp://127.0.0.1:*"], AT, "listen 127.0.0.1:0"),
    row("accepting is granted", ALL,
        &["allow-accept 127.0.0.0/8", "allow-connect tcp://127.0.0.1:{open}"],
        "connect 127.0.0.1:{shut}", AT),
    row("a local address is not granted", ALL, EXACT, "connect-from 127.0.0.1:0 127.0.0.1:{open}", AT),
    row("another local address", ALL,
        &["allow-connect tcp://127.0.0.1:{open}", "allow-listen tcp://127.0.0.1:0"],
        "connect-from 127.0.0.2:0 127.0.0.1:{open}", "connect-from 127.0.0.1:0 127.0.0.1:{open}"),
    row("a local port is not granted", WASI,
        &["allow-connect tcp://127.0.0.1:{open}", "allow-listen tcp://127.0.0.1:0"],
        "connect-from 127.0.0.1:{free} 127.0.0.1:{open}", "connect-from 127.0.0.1:0 127.0.0.1:{open}"),
    row("any local address, with a port", WASI,
        &["allow-connect tcp://127.0.0.1:{open}", "allow-listen tcp://127.0.0.1:{free}"],
        "connect-from 0.0.0.0:{free} 127.0.0.1:{open}",
        "connect-from 127.0.0.1:{free} 127.0.0.1:{open}"),
];

/// What is granted is reached at its address and port, and nothing near it.
#[test]
fn what_is_granted_is_exact() {
    all(EXACTLY, 57);
}

#[rustfmt::skip]
const SPECIAL: &[Row] = &[
    row("loopback by `*`", ALL, WIDE, "connect 127.0.0.1:{shut}", AT),
    row("other loopback by `*`", ALL, WIDE, "connect 127.0.0.2:{open}", AT),
    row("loopback by ::/0", ALL, WIDE, "connect [::1]:{open}", AT),
    row("a private network", ALL, WIDE, "connect 10.0.0.1:80", AT),
    row("another private network", ALL, WIDE, "connect 172.16.0.1:80", AT),
    row("a home network", ALL, WIDE, "connect 192.168.1.1:80", AT),
    row("a private network of IPv6", ALL, WIDE, "connect [fd00::1]:80", AT),
    row("a provider's network", ALL, WIDE, "connect 100.64.0.1:80", AT),
    row("the link", ALL, WIDE, "connect 169.254.0.1:80", AT),
    row("the link of IPv6", ALL, WIDE, "connect [fe80::1]:80", AT),
    row("the link with a zone", WASI, WIDE, "connect [fe80::1%1]:80", AT),
    row("the metadata service", ALL, WIDE, "connect 169.254.169.254:80", AT),
    row("the metadata service of IPv6", ALL, WIDE, "connect [fd00:ec2::254]:80", AT),
    row("NAT64 of loopback", ALL, WIDE, "connect [64:ff9b::7f00:1]:{open}", AT),
    row("NAT64 of the metadata service", ALL, WIDE, "connect [64:ff9b::a9fe:a9fe]:80", AT),
    row("IPv4-translated loopback", ALL, WIDE, "connect [::ffff:0:7f00:1]:{open}", AT),
    row("6to4 of loopback", ALL, WIDE, "connect [2002:7f00:1::]:{open}", AT),
    row("6to4 of a private network", ALL, WIDE, "connect [2002:a00:1::1]:80", AT),
    row("Teredo with a server on loopback", ALL, WIDE, "connect [2001:0:7f00:1::1]:{open}", AT),
    row("Teredo with a client on loopback", ALL, WIDE, "connect [2001::80ff:fffe]:{open}", AT),
    row("ISATAP of loopback", ALL, WIDE, "connect [2a00::5efe:7f00:1]:{open}", AT),
    row("ISATAP of loopback, global", ALL, WIDE, "connect [2a00::200:5efe:7f00:1]:{open}", AT),
    row("the metadata service in its network", ALL,
        &["allow-connect tcp://169.254.0.0/16:*", "allow-connect tcp://127.0.0.1:{open}"],
        "connect 169.254.169.254:80", AT),
    row("NAT64 where the host is granted", ALL, EXACT, "connect [64:ff9b::7f00:1]:{open}", AT),
    row("6to4 where the host is granted", ALL, EXACT, "connect [2002:7f00:1::]:{open}", AT),
];

/// A wide rule reaches no special address, however it is written.
#[test]
fn special_addresses_are_granted_as_such() {
    all(SPECIAL, 74);
}

#[rustfmt::skip]
const DENIED: &[Row] = &[
    row("what is denied", ALL, BUT, "connect 127.0.0.1:{shut}", AT),
    row("by its network", ALL,
        &["allow-connect tcp://127.0.0.1:*", "deny-connect tcp://127.0.0.0/8:{shut}"],
        "connect 127.0.0.1:{shut}", AT),
    row("out of its network", ALL,
        &["allow-connect tcp://127.0.0.0/8:*", "deny-connect tcp://127.0.0.2:*"],
        "connect 127.0.0.2:{open}", AT),
    row("by its port", ALL, &["allow-net", "deny-connect tcp://*:{shut}"],
        "connect 127.0.0.1:{shut}", AT),
    row("before it is allowed", ALL,
        &["deny-connect tcp://127.0.0.1:{shut}", "allow-connect tcp://127.0.0.1:*"],
        "connect 127.0.0.1:{shut}", AT),
    row("by a range", ALL,
        &["allow-connect tcp://127.0.0.1:1-65535", "deny-connect tcp://127.0.0.1:{above}-65535",
          "deny-connect tcp://127.0.0.1:1-{below}"],
        "connect 127.0.0.1:{shut}", AT),
    row("IPv6 that is denied", ALL, &["allow-net", "deny-connect tcp://[::1]:*"],
        "connect [::1]:{open}", AT),
    row("with a zone", WASI, &["allow-net", "deny-connect tcp://[::1]:*"],
        "connect [::1%1]:{open}", AT),
    row("by NAT64", ALL, BUT_HOST, "connect [64:ff9b::7f00:1]:{open}", "connect [::1]:{open}"),
    row("IPv4-translated", ALL, BUT_HOST, "connect [::ffff:0:7f00:1]:{open}", "connect [::1]:{open}"),
    row("by 6to4", ALL, BUT_HOST, "connect [2002:7f00:1::]:{open}", "connect [::1]:{open}"),
    row("by a Teredo server", ALL, BUT_HOST, "connect [2001:0:7f00:1::]:{open}", "connect [::1]:{open}"),
    row("by a Teredo client", ALL, BUT_HOST, "connect [2001::80ff:fffe]:{open}", "connect [::1]:{open}"),
    row("by ISATAP", ALL, BUT_HOST, "connect [2a00::5efe:7f00:1]:{open}", "connect [::1]:{open}"),
];

/// What is denied is denied in each of its spellings, whatever else is granted.
#[test]
fn deny_beats_allow() {
    all(DENIED, 41);
}

/// WASI takes no such address for a socket of IPv6, nor 0.0.0.0 as a peer; with `plugnet:net`
/// they mean what they mean to Node, and are judged as that.
#[rustfmt::skip]
const NO_PEERS: &[Row] = &[
    row("IPv4-mapped", WASI, BUT, "connect [::ffff:127.0.0.1]:{shut}", AT)
        .refused("", "invalid-argument"),
    row("IPv4-compatible", WASI, BUT, "connect [::127.0.0.1]:{shut}", AT)
        .refused("", "invalid-argument"),
    row("any address", WASI, BUT, "connect 0.0.0.0:{shut}", AT).refused("", "invalid-argument"),
    row("any address of IPv6", WASI, BUT, "connect [::]:{shut}", AT)
        .refused("", "invalid-argument"),
    row("port 0", WASI, BUT, "connect 127.0.0.1:0", AT).refused("", "invalid-argument"),
    row("multicast", WASI, BUT, "connect 224.0.0.1:80", AT).refused("", "invalid-argument"),
    row("broadcast", WASI, BUT, "connect 255.255.255.255:80", AT).refused("", "invalid-argument"),
    row("multicast of IPv6", WASI, BUT, "connect [ff02::1]:80", AT).refused("", "invalid-argument"),
];

/// What is no peer to WASI is none, and nobody is asked.
#[test]
fn what_is_no_peer_is_refused() {
    all(NO_PEERS, 16);
}

/// All but one port of this machine.
const BUT_HERE: &[&str] = &[
    "allow-net",
    "deny-connect tcp://127.0.0.1:{shut}",
    "deny-connect tcp://[::1]:{shut}",
];

#[rustfmt::skip]
const SPELLINGS: &[Row] = &[
    row("IPv4-mapped", NET, BUT_HERE, "connect [::ffff:127.0.0.1]:{shut}",
        "connect [::ffff:127.0.0.1]:{open}"),
    row("IPv4-mapped, in hexadecimal", NET, BUT_HERE, "connect [::ffff:7f00:1]:{shut}",
        "connect [::ffff:7f00:1]:{open}"),
    row("IPv4-mapped, in full", NET, BUT_HERE, "connect [0:0:0:0:0:FFFF:7F00:0001]:{shut}",
        "connect [0:0:0:0:0:FFFF:7F00:0001]:{open}"),
    row("any address", NET, BUT_HERE, "connect 0.0.0.0:{shut}", "connect 0.0.0.0:{open}"),
    row("any address of IPv6", NET, BUT_HERE, "connect [::]:{shut}", "connect [::]:{open}"),
    row("any address, mapped", NET, BUT_HERE, "connect [::ffff:0.0.0.0]:{shut}", AT),
    row("loopback in full", NET, BUT_HERE, "connect [0:0:0:0:0:0:0:1]:{shut}",
        "connect [0:0:0:0:0:0:0:1]:{open}"),
    row("a zone", NET, BUT_HERE, "connect [::1%1]:{shut}", AT),
    row("a zone by its name", NET, BUT_HERE, "connect [::1%lo]:{shut}", AT),
    row("IPv4-mapped, where one port is granted", NET, EXACT, "connect [::ffff:127.0.0.1]:{shut}",
        "connect [::ffff:127.0.0.1]:{open}"),
    row("any address, where one port is granted", NET, EXACT, "connect 0.0.0.0:{shut}",
        "connect 0.0.0.0:{open}"),
    row("IPv4-mapped, under `*`", NET, WIDE, "connect [::ffff:127.0.0.1]:{shut}",
        "connect [::ffff:127.0.0.1]:{open}"),
    row("IPv4-mapped private address, under `*`", NET, WIDE, "connect [::ffff:10.0.0.1]:80", AT),
    row("IPv4-mapped metadata service, under `*`", NET, WIDE, "connect [::ffff:a9fe:a9fe]:80", AT),
    row("IPv4-compatible", NET, BUT_HERE, "connect [::127.0.0.1]:{shut}", AT)
        .refused("EINVAL", "")
        .native(End::Denied),
    row("multicast", NET, BUT_HERE, "connect 224.0.0.1:80", AT)
        .refused("EINVAL", "")
        .native(End::Refused("ENETUNREACH", "")),
    row("port 0", NET, BUT_HERE, "connect 127.0.0.1:0", AT).refused("ECONNREFUSED", ""),
];

/// In `plugnet:net` an address is a text, and has all of Node's spellings: each is judged as the
/// address it is.
#[test]
fn spellings_of_node_are_the_address() {
    all(SPELLINGS, 17);
}
