//! What is left of a program: nothing, whether it came to its end, was given up, or trapped.
//!
//! The descriptors of a process are those of all its tests, so that each test here looks for
//! its own connections: whether their other sides see an end, and whether the paths are gone.

use plugnet_tests::Case;
use plugnet_tests::peer::Transport::{self, Path, Tcp};
use plugnet_tests::peer::{self, Folder, Place, Stream};
use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};
use test_case::test_case;

/// Long enough for a run that is over to be taken apart.
const A_WHILE: Duration = Duration::from_secs(5);

/// Nobody listens any more, nothing is left at the path, and the connection is over.
fn is_gone(place: &Place, mut stream: Stream) {
    assert!(peer::is_over(&mut stream), "the connection is open");
    let deadline = Instant::now() + A_WHILE;
    let left = || matches!(place, Place::Path(path) if path.exists());
    while left() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(!left(), "the socket is still there");
    assert!(place.is_refused(), "somebody listens");
}

/// A run that is given up, its future dropped, closes what the program had open, and leaves no
/// socket at the path.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn a_run_that_is_given_up_leaves_nothing(over: Transport) {
    let case = Case::new("trap").at(over);
    let mut running = case.start();
    let place = running.place();
    let mut stream = place.connect();
    peer::read_text(&mut stream, "hello");
    drop(running);
    is_gone(&place, stream);
}

/// The same when many connections wait to be accepted and are open.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn a_run_that_is_given_up_leaves_no_connection(over: Transport) {
    let case = Case::new("echo").at(over).with("clients", 1000);
    let mut running = case.start();
    let place = running.place();
    let mut streams: Vec<_> = (0..50).map(|_| place.connect()).collect();
    streams[0].write_all(b"hello").expect("it is connected");
    peer::read_text(&mut streams[0], "hello");
    drop(running);
    for stream in streams {
        is_gone(&place, stream);
    }
}

/// A program that traps leaves nothing open either, and nothing at the path.
#[test_case(Tcp; "over_tcp")]
#[test_case(Path; "over_a_path")]
fn a_program_that_traps_leaves_nothing(over: Transport) {
    let mut running = Case::new("trap").at(over).start();
    let place = running.place();
    let mut stream = place.connect();
    peer::read_text(&mut stream, "hello");
    stream.write_all(b"go wrong").expect("it is connected");
    assert!(running.trapped().contains("a program that goes wrong"));
    is_gone(&place, stream);
}

/// A socket that somebody else made is not taken away: neither by a program that failed to
/// listen there, nor by one that is given up.
#[test]
fn what_another_made_stays() {
    let folder = Folder::new();
    let place = folder.place("peer");
    let other = peer::Peer::listen_at(&place);
    let case = Case::new("listen-fails").with("once", true);
    let output = case.at_path(place.path()).run();
    output.has(&format!(
        "at error: listening=false address={}",
        place.path().display()
    ));
    drop(place.connect());
    drop(other);
    assert!(folder.names().is_empty());
}
