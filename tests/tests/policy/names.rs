//! Names: who may look them up, and what the answers are good for.

use super::table::{ALL, Row, WASI, all, row};

const BY_NAME: &[&str] = &["allow-connect tcp://localhost:{open}"];
const AT: &str = "connect-name localhost {open}";
/// Whatever is reached by what is no name was not denied.
const NET: &[&str] = &["allow-net"];

#[rustfmt::skip]
const NAMES: &[Row] = &[
    row("an address that no name gave", ALL, BY_NAME, "connect 127.0.0.1:{open}", AT),
    row("an address of IPv6 that no name gave", ALL, BY_NAME, "connect [::1]:{open}", AT),
    row("another port of the name", ALL, BY_NAME, "connect-name localhost {shut}", AT),
    row("another name", ALL, BY_NAME, "connect-name example.com {open}",
        "connect-name LOCALHOST {open}"),
    row("a name below it", ALL, BY_NAME, "connect-name a.localhost {open}",
        "connect-name localhost. {open}"),
    row("a name that ends like it", ALL, BY_NAME, "connect-name notlocalhost {open}",
        "connect-name LocalHost. {open}"),
    row("a name that begins like it", ALL, BY_NAME, "connect-name localhost.example.com {open}",
        "connect-name ｌｏｃａｌｈｏｓｔ {open}"),
    row("a homograph", ALL, BY_NAME, "connect-name lοcalhost {open}",
        "connect-name local\u{ad}host {open}"),
    row("another homograph", ALL, BY_NAME, "connect-name locаlhost {open}", AT),
    row("the other side of `*.`", ALL,
        &["allow-connect tcp://*.localhost:{open}", "allow-connect tcp://127.0.0.1:{open}"],
        "connect-name localhost {open}", "connect 127.0.0.1:{open}"),
    row("a rule for another name", ALL,
        &["allow-connect tcp://*.example.com:{open}", "allow-connect tcp://[::1]:{open}"],
        "connect-name localhost {open}", "connect [::1]:{open}"),
    row("`*` is the right to look nothing up", ALL,
        &["allow-connect tcp://*:*", "allow-connect tcp://127.0.0.1:{open}"],
        "connect-name localhost {open}", "connect 127.0.0.1:{open}"),
    row("a name for loopback under `*`", ALL,
        &["allow-connect tcp://*:*", "allow-resolve *", "allow-connect tcp://localhost:{open}"],
        "connect-name localhost {shut}", AT),
    row("an address is not the right to look up", ALL, &["allow-connect tcp://127.0.0.1:{open}"],
        "connect-name localhost {open}", "connect 127.0.0.1:{open}"),
    row("looking up is no right to connect", ALL,
        &["allow-resolve localhost", "allow-connect tcp://127.0.0.1:{open}",
          "allow-connect tcp://[::1]:{open}"],
        "connect-name localhost {shut}", AT),
    row("listening is no right to connect", ALL,
        &["allow-listen tcp://localhost:*", "allow-connect tcp://localhost:{open}"],
        "connect-name localhost {shut}", AT),
    row("UDP to a name is no right to TCP", ALL,
        &["allow-connect udp://localhost:{shut}", "allow-connect tcp://localhost:{open}"],
        "connect-name localhost {shut}", AT),
    row("a name that is denied", ALL, &["allow-net", "deny-resolve localhost"],
        "connect-name localhost {open}", "connect 127.0.0.1:{open}"),
    row("a name that is denied, in capitals", ALL, &["allow-net", "deny-resolve localhost"],
        "connect-name LOCALHOST {open}", "connect 127.0.0.1:{open}"),
    row("a name that is denied, with a dot", ALL, &["allow-net", "deny-resolve localhost"],
        "connect-name localhost. {open}", "connect 127.0.0.1:{open}"),
    row("a name that is denied, in full width", ALL, &["allow-net", "deny-resolve localhost"],
        "connect-name ｌｏｃａｌｈｏｓｔ {open}", "connect 127.0.0.1:{open}"),
    row("a name that is denied, with a soft hyphen", ALL, &["allow-net", "deny-resolve localhost"],
        "connect-name local\u{ad}host {open}", "connect 127.0.0.1:{open}"),
    row("every name is denied", ALL, &["allow-net", "deny-resolve *"],
        "connect-name localhost {open}", "connect 127.0.0.1:{open}"),
    row("what a denied name leads to", ALL, &["allow-net", "deny-connect tcp://localhost:{shut}"],
        "connect-name localhost {shut}", AT),
    row("what a denied name leads to, where its address is granted", ALL,
        &["allow-connect tcp://localhost:*", "allow-connect tcp://127.0.0.0/8:*",
          "deny-connect tcp://localhost:{shut}"],
        "connect-name LOCALHOST. {shut}", "connect 127.0.0.1:{shut}"),
    row("looking up alone", WASI, BY_NAME, "lookup example.com", "lookup localhost"),
    row("looking up with nothing granted", WASI, &[], "lookup localhost", "lookup 127.0.0.1"),
    row("looking up below what is granted", WASI, &["allow-resolve localhost"],
        "lookup a.localhost", "lookup localhost"),
    row("looking up above what is granted", WASI, &["allow-resolve *.localhost"],
        "lookup localhost", "lookup ::1"),
    row("looked up by 0.2, used by 0.3", &["0.2+0.3", "0.3+0.2"], BY_NAME,
        "connect-name localhost {shut}", AT),
];

/// A name is its own right, and its answers are good for what the rules say of the name.
#[test]
fn names_are_exact() {
    all(NAMES, 85);
}

#[rustfmt::skip]
const NO_NAMES: &[Row] = &[
    row("one decimal number", ALL, NET, "connect-name 2130706433 {shut}", AT),
    row("one hexadecimal number", ALL, NET, "connect-name 0x7f000001 {shut}", AT),
    row("one octal number", ALL, NET, "connect-name 017700000001 {shut}", AT),
    row("two numbers", ALL, NET, "connect-name 127.1 {shut}", AT),
    row("three numbers", ALL, NET, "connect-name 127.0.1 {shut}", AT),
    row("two numbers, hexadecimal", ALL, NET, "connect-name 0x7f.1 {shut}", AT),
    row("capitals", ALL, NET, "connect-name 0X7F.0.0.1 {shut}", AT),
    row("octal numbers", ALL, NET, "connect-name 0177.0.0.1 {shut}", AT),
    row("the last one hexadecimal", ALL, NET, "connect-name 127.0.0.0x1 {shut}", AT),
    row("a dot at the end", ALL, NET, "connect-name 127.0.0.1. {shut}", AT),
    row("zero", ALL, NET, "connect-name 0 {shut}", AT),
    row("too large", ALL, NET, "connect-name 4294967296 {shut}", AT),
    row("five numbers", ALL, NET, "connect-name 127.0.0.1.1 {shut}", AT),
    row("digits in full width", ALL, NET, "connect-name １２７.0.0.1 {shut}", AT),
    row("digits in circles", ALL, NET, "connect-name ①②⑦.⓪.⓪.① {shut}", AT),
    row("ideographic dots", ALL, NET, "connect-name 127。0。0。1 {shut}", AT),
    row("a percent sign for a dot", ALL, NET, "connect-name 127%2e0.0.1 {shut}", AT),
    row("percent signs for digits", ALL, NET, "connect-name %31%32%37.0.0.1 {shut}", AT),
    row("percent signs for letters", ALL, NET, "connect-name %6cocalhost {shut}", AT),
    row("brackets", ALL, NET, "connect-name [::1] {shut}", AT),
    row("brackets around IPv4", ALL, NET, "connect-name [127.0.0.1] {shut}", AT),
    row("a space before", ALL, NET, r"connect-name \x20127.0.0.1 {shut}", AT),
    row("a space after", ALL, NET, r"connect-name 127.0.0.1\x20 {shut}", AT),
    row("a space within", ALL, NET, r"connect-name local\x20host {shut}", AT),
    row("a line feed", ALL, NET, r"connect-name localhost\x0a {shut}", AT),
    row("a NUL", WASI, NET, r"connect-name localhost\x00.example.com {shut}", AT),
    row("a NUL at the end", WASI, NET, r"connect-name localhost\x00 {shut}", AT),
    row("a port", ALL, NET, "connect-name localhost:80 {shut}", AT),
    row("a user", ALL, NET, "connect-name user@localhost {shut}", AT),
    row("a path", ALL, NET, "connect-name localhost/ {shut}", AT),
    row("a scheme", ALL, NET, "connect-name tcp://localhost {shut}", AT),
    row("an empty part", ALL, NET, "connect-name localhost.. {shut}", AT),
    row("an empty part before", ALL, NET, "connect-name .localhost {shut}", AT),
    row("a dot alone", ALL, NET, "connect-name . {shut}", AT),
    row("every name", ALL, NET, "connect-name * {shut}", AT),
    row("a name too long", ALL, NET, concat!(
        "connect-name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.localhost {shut}"), AT),
    row("a part too long", ALL, NET, concat!(
        "connect-name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ".localhost {shut}"), AT),
];

/// What a system may read as an address, or cannot read, is looked up for nobody, not even for
/// who has the whole network.
#[test]
fn what_is_no_name_is_not_looked_up() {
    all(NO_NAMES, 109);
}
