//! Local sockets and handed descriptors, by `plugnet:net` and by `plugnet:net/ipc`.

use super::table::{LOCAL, Row, all, row};

const ONE: &[&str] = &["allow-connect unix://{dir}/open.sock"];
const AT: &str = "connect-path {dir}/open.sock";

const FOLDER: &[&str] = &["allow-connect unix://{dir}/granted/"];
const IN: &str = "connect-path {dir}/granted/open.sock";

#[rustfmt::skip]
const TABLE: &[Row] = &[
    row("nothing of the network is a path", LOCAL,
        &["allow-net", "allow-connect unix://{dir}/open.sock"], "connect-path {dir}/shut.sock", AT),
    row("another path", LOCAL, ONE, "connect-path {dir}/shut.sock", AT),
    row("the folder of a path", LOCAL, ONE, "connect-path {dir}", AT),
    row("up and down again", LOCAL, ONE, "connect-path {dir}/granted/../shut.sock", AT),
    row("up from the path", LOCAL, ONE, "connect-path {dir}/open.sock/../shut.sock", AT),
    row("a relative path", LOCAL, ONE, "connect-path shut.sock", AT),
    row("listening where connecting is granted", LOCAL, &["allow-connect unix://{dir}/"],
        "listen-path {dir}/new.sock", AT),
    row("connecting where listening is granted", LOCAL, &["allow-listen unix://{dir}/"],
        AT, "listen-path {dir}/new.sock"),
    row("connecting to what was granted for listening", LOCAL,
        &["allow-listen unix://{dir}/other/", "allow-connect unix://{dir}/open.sock"],
        "connect-path {dir}/other/shut.sock", AT),
    row("out of a folder", LOCAL, FOLDER, "connect-path {dir}/granted/../shut.sock", IN),
    row("out of a folder, deeper", LOCAL, FOLDER,
        "connect-path {dir}/granted/below/../../shut.sock",
        "connect-path {dir}/granted/below/open.sock"),
    row("a folder that begins with the same letters", LOCAL, FOLDER,
        "connect-path {dir}/granted-not/shut.sock", IN),
    row("a link out of a folder", LOCAL, FOLDER, "connect-path {dir}/granted/link.sock", IN),
    row("an absolute link out of a folder", LOCAL, FOLDER,
        "connect-path {dir}/granted/absolute.sock", IN),
    row("a folder that is a link", LOCAL, FOLDER,
        "connect-path {dir}/granted/folder/shut.sock", IN),
    row("a link upwards", LOCAL, FOLDER, "connect-path {dir}/granted/up/shut.sock", IN),
    row("listening behind a link", LOCAL, &["allow-listen unix://{dir}/granted/"],
        "listen-path {dir}/granted/folder/new.sock", "listen-path {dir}/granted/new.sock"),
    row("listening above a folder", LOCAL, &["allow-listen unix://{dir}/granted/"],
        "listen-path {dir}/granted/../new.sock", "listen-path {dir}/granted/below/new.sock"),
    row("what is denied of a folder", LOCAL,
        &["allow-connect unix://{dir}/granted/", "deny-connect unix://{dir}/granted/shut.sock"],
        "connect-path {dir}/granted/shut.sock", IN),
    row("what is denied of a folder, with a dot", LOCAL,
        &["allow-connect unix://{dir}/granted/", "deny-connect unix://{dir}/granted/shut.sock"],
        "connect-path {dir}/granted/./shut.sock", "connect-path {dir}/granted/./open.sock"),
    row("what is denied of a folder, with a slash more", LOCAL,
        &["allow-connect unix://{dir}/granted/", "deny-connect unix://{dir}/granted/shut.sock"],
        "connect-path {dir}/granted//shut.sock", "connect-path {dir}/granted//open.sock"),
    row("what is denied of a folder, by the way round", LOCAL,
        &["allow-connect unix://{dir}/granted/", "deny-connect unix://{dir}/granted/shut.sock"],
        "connect-path {dir}/granted/below/../shut.sock", IN),
    row("a folder in a folder is denied", LOCAL,
        &["allow-ipc {dir}/granted/", "deny-ipc {dir}/granted/below/"],
        "connect-path {dir}/granted/below/open.sock", IN),
    row("the host's own path", LOCAL, &["allow-connect unix://{dir}/open.sock::/app.sock"],
        "connect-path {dir}/open.sock", "connect-path /app.sock"),
    row("above a folder of its own name", LOCAL, &["allow-connect unix://{dir}/granted/::/run/"],
        "connect-path /run/../shut.sock", "connect-path /run/open.sock"),
    row("what is denied, by another name", LOCAL,
        &["allow-connect unix://{dir}/granted/::/run/", "deny-connect unix://{dir}/granted/shut.sock"],
        "connect-path /run/shut.sock", "connect-path /run/open.sock"),
    row("what is granted is a link", LOCAL,
        &["allow-connect unix://{dir}/granted/link.sock", "allow-connect unix://{dir}/open.sock"],
        "connect-path {dir}/granted/link.sock", AT),
    row("a socket of the system", LOCAL, ONE, "connect-path /run/docker.sock", AT),
];

/// What is granted of paths is what is reached.
#[test]
fn paths_are_exact() {
    all(TABLE, 56);
}

#[cfg(target_os = "linux")]
#[rustfmt::skip]
const ABSTRACT: &[Row] = &[
    row("an abstract name where a path is granted", LOCAL, ONE, r"connect-path \x00{dir}/open.sock", AT),
    row("another abstract name", LOCAL, &["allow-listen unix://@plugnet-{free}"],
        r"listen-path \x00plugnet-{free2}", r"listen-path \x00plugnet-{free}"),
    row("a longer abstract name", LOCAL, &["allow-listen unix://@plugnet-{free}"],
        r"listen-path \x00plugnet-{free}0", r"listen-path \x00plugnet-{free}"),
    row("an abstract name with a NUL more", LOCAL, &["allow-listen unix://@plugnet-{free}"],
        r"listen-path \x00plugnet-{free}\x00", r"listen-path \x00plugnet-{free}"),
    row("a path where an abstract name is granted", LOCAL, &["allow-listen unix://@plugnet-{free}"],
        r"listen-path {dir}/plugnet-{free}", r"listen-path \x00plugnet-{free}"),
    row("an abstract name to listen, not to connect", LOCAL,
        &["allow-connect unix://@plugnet-{free2}", "allow-listen unix://@plugnet-{free}"],
        r"listen-path \x00plugnet-{free2}", r"listen-path \x00plugnet-{free}"),
];

/// Abstract names of Linux are names of their own.
#[cfg(target_os = "linux")]
#[test]
fn abstract_names_are_exact() {
    all(ABSTRACT, 12);
}

#[rustfmt::skip]
const REFUSED: &[Row] = &[
    row("a path with a NUL", LOCAL, ONE, r"connect-path {dir}/open.sock\x00/../shut.sock", AT)
        .refused("EINVAL", "invalid-argument"),
    row("standard input", LOCAL, ONE, "listen-fd 0", AT).refused("EINVAL", "bad-descriptor"),
    row("standard output", LOCAL, ONE, "socket-fd 1", AT)
        .refused("ERR_INVALID_FD_TYPE", "bad-descriptor"),
    row("the first that systemd hands over", LOCAL, ONE, "listen-fd 3", AT)
        .refused("EINVAL", "bad-descriptor"),
    row("a guessed descriptor", LOCAL, ONE, "socket-fd 5", AT)
        .refused("ERR_INVALID_FD_TYPE", "bad-descriptor"),
    row("a descriptor that no process has", LOCAL, ONE, "socket-fd 65535", AT)
        .refused("ERR_INVALID_FD_TYPE", "bad-descriptor"),
];

/// A descriptor that was not handed over is none.
#[test]
fn what_was_not_handed_over_is_not_there() {
    all(REFUSED, 12);
}
