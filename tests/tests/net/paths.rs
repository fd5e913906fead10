//! What is about paths alone.

use plugnet_tests::Case;
use plugnet_tests::peer::{Folder, Peer};
use std::fs;
use std::os::unix::fs::symlink;

/// S3, S31: a server at a path listens at once, and its address is the path, after `close`, too.
#[test]
fn s31_the_address_is_the_path() {
    let folder = Folder::new();
    let path = folder.path().join("server");
    let output = Case::new("listen").at_path(&path).run();
    let address = format!("address={}", path.display());
    output.is(&[
        &format!("at once: listening=true {address}"),
        "server listening",
        &format!("at listening: listening=true {address}"),
        &format!("after close: listening=false {address}"),
        "server close false",
        "server callback 1 ok",
    ]);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

/// S14: what is at the path stays, and the error names the path. The server may listen
/// elsewhere then.
#[test]
fn s14_taken_path() {
    let folder = Folder::new();
    let path = folder.path().join("taken");
    fs::write(&path, "a file").expect("a folder to write to");
    let output = Case::new("listen-fails").at_path(&path).run();
    let path = path.display();
    output.is(&[
        &format!(
            "server error EADDRINUSE \"listen EADDRINUSE: address already in use {path}\" \
             syscall=listen address={path}"
        ),
        &format!("at error: listening=false address={path}"),
        "server listening",
        "server close false",
    ]);
    assert_eq!(folder.names(), ["taken"]);
}

/// A path that was not granted is EACCES, whether it is there or not, and also through a
/// symbolic link that leads out of what was granted.
#[test]
fn a_path_that_was_not_granted() {
    let (folder, other) = (Folder::new(), Folder::new());
    let peer = Peer::listen_at(&other.place("peer"));
    symlink(other.path(), folder.path().join("link")).expect("a symbolic link");
    let granted = folder.place("granted");
    for place in [
        other.place("peer"),
        other.place("missing"),
        folder.place("link/peer"),
        folder.place("../peer"),
    ] {
        let case = Case::new("talk").with("path", place.path().display());
        let output = case.grant_folder_of(granted.path()).run();
        let path = place.path().display();
        output.is(&[
            &format!(
                "client error EACCES \"connect EACCES {path}\" syscall=connect address={path}"
            ),
            "at error: state=closed connecting=false pending=true destroyed=true",
            "client close true",
        ]);
        let case = Case::new("listen-fails")
            .with("at", &path)
            .with("once", true);
        let output = case.grant_folder_of(granted.path()).run();
        output.has(&format!(
            "server error EACCES \"listen EACCES: permission denied {path}\" syscall=listen \
             address={path}"
        ));
    }
    assert!(peer.is_alone());
}

/// The network alone grants no path.
#[test]
fn the_network_grants_no_path() {
    let folder = Folder::new();
    let peer = Peer::listen_at(&folder.place("peer"));
    let path = peer.place.path().display();
    let output = Case::new("talk").with("path", path).run();
    output.has("client close true");
    let error = output.one("client error ");
    assert!(error.starts_with("EACCES "), "{error}");
    assert!(peer.is_alone());
}

/// A path needs no network.
#[test]
fn a_path_needs_no_network() {
    let folder = Folder::new();
    let peer = Peer::listen_at(&folder.place("peer"));
    let running = Case::new("talk").to(&peer.place).deny_net().start();
    assert_eq!(plugnet_tests::peer::finish(peer.accept()), "hello");
    running.end().has("client close false");
}

/// C1: an empty path is none: refused at once, and the socket is as before. Node connects to
/// port 0 of `localhost`.
#[test]
fn c1_connect_to_an_empty_path() {
    Case::new("connect-throws").with("path", "").run().is(&[
        "thrown: ERR_MISSING_ARGS \"The \\\"options\\\" or \\\"port\\\" or \\\"path\\\" \
         argument must be specified\"",
        "state: state=open connecting=false pending=true destroyed=false",
    ]);
}
