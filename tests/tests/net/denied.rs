//! Without the grant of the network, everything that needs it answers EACCES.

use plugnet_tests::Case;
use plugnet_tests::peer::Peer;
use plugnet_tests::peer::Transport::Tcp;

/// A client reaches nobody.
#[test]
fn connecting_is_denied() {
    let peer = Peer::listen(Tcp);
    let port = peer.port();
    let case = Case::new("talk").with("port", port).deny_net();
    let output = case.with("host", "127.0.0.1").run();
    let error = output.one("client error ");
    // Where a connection fails at once, Node adds the local end to the message.
    assert!(
        error.starts_with(&format!("EACCES \"connect EACCES 127.0.0.1:{port}")),
        "{error}"
    );
    assert!(
        error.ends_with(&format!("syscall=connect address=127.0.0.1 port={port}")),
        "{error}"
    );
    output.has("client close true");
    assert!(peer.is_alone());
}

/// No name is resolved.
#[test]
fn looking_up_is_denied() {
    let case = Case::new("talk").with("port", 1).deny_net();
    let error = "EACCES \"getaddrinfo EACCES localhost\" syscall=getaddrinfo hostname=localhost";
    case.with("host", "localhost").run().is(&[
        &format!("client lookup localhost {error}"),
        &format!("client error {error}"),
        "at error: state=closed connecting=false pending=true destroyed=true",
        "client close true",
    ]);
}

/// No server listens on an address.
#[test]
fn listening_is_denied() {
    let case = Case::new("listen-fails").with("host", "127.0.0.1");
    case.with("once", true).deny_net().run().is(&[
        "server error EACCES \"listen EACCES: permission denied 127.0.0.1\" syscall=listen \
         address=127.0.0.1",
        "at error: listening=false address=none",
    ]);
}

/// No server listens on all addresses. The error is about the family at which it was denied:
/// Node tries `::` and then `0.0.0.0` when it binds, and no other when it listens.
#[test]
fn listening_everywhere_is_denied() {
    let case = Case::new("listen-fails").with("once", true).deny_net();
    let output = case.run();
    let expected = |address: &str| {
        format!(
            "EACCES \"listen EACCES: permission denied {address}\" syscall=listen \
             address={address}"
        )
    };
    let error = output.one("server error ");
    assert!(
        ["::", "0.0.0.0"].map(expected).contains(&error.to_owned()),
        "{error}"
    );
    output.has("at error: listening=false address=none");
    output.has_no("server close");
}
