//! `socket.pipe()` and `socket.unpipe()`.

use crate::world::{HIGH_WATER_MARK, World, own_error};
use plugnet_core::{ReadyState, SocketId, SocketOptions};
use proptest::prelude::*;

/// Sockets that are connected and half-open.
fn sockets<const N: usize>() -> (World, [SocketId; N]) {
    let mut world = World::default();
    let ids = [(); N].map(|()| {
        let id = world.half_open_socket();
        world.establish(id);
        id
    });
    (world, ids)
}

/// A source whose destination takes nothing more.
fn clogged() -> (World, SocketId, SocketId) {
    let (mut world, source, slow) = piping();
    world.takes = Some(0);
    world.peer_sends(source, &[1; HIGH_WATER_MARK]);
    assert_eq!(world.rest(), [""; 0]);
    assert!(world.is_writing(slow));
    (world, source, slow)
}

/// A source and what it is piped to, which takes everything.
fn piping() -> (World, SocketId, SocketId) {
    let (mut world, [source, destination]) = sockets();
    world.pipe(source, destination, true);
    (world, source, destination)
}

/// A source with two destinations, of which one takes nothing more: it holds back what was to
/// go to both.
fn held_back_by_the_slow() -> (World, SocketId, SocketId, SocketId) {
    let (mut world, source, slow) = clogged();
    let fast = world.half_open_socket();
    world.takes = None;
    world.establish(fast);
    world.pipe(source, fast, true);
    world.peer_sends(source, b"more");
    assert_eq!(world.rest(), [""; 0]);
    (world, source, slow, fast)
}

/// The host takes all that waits to be sent.
fn send_all(world: &mut World, id: SocketId) {
    while world.is_writing(id) {
        world.host_sends(id);
        world.rest();
    }
}

/// What a paused source has kept, which it offers with `resume`.
fn resume_and_read(world: &mut World, source: SocketId) -> Vec<u8> {
    world.resume(source);
    assert_eq!(world.rest(), ["readable"]);
    world.read_all(source)
}

/// What a socket receives goes to its destination, and the program hears nothing of it.
#[test]
fn pipe_sends_what_is_received() {
    let (mut world, source, destination) = piping();
    for piece in ["one ", "two ", "three"] {
        world.peer_sends(source, piece.as_bytes());
        assert_eq!(world.rest(), [""; 0]);
    }
    assert_eq!(world.wire(destination).sent, b"one two three");
    assert_eq!(world.get(source).bytes_read(), 13);
    assert_eq!(world.get(destination).bytes_written(), 13);
    assert_eq!(world.read_all(source), b"");
}

/// What is piped in the turn in which the destination connects goes out after what waited for
/// that, and is not left behind.
#[test]
fn pipe_goes_on_when_the_destination_connects() {
    let mut world = World::default();
    let [source, destination] = [(); 2].map(|()| world.half_open_socket());
    world.establish(source);
    world.connect(destination, "127.0.0.1");
    world.pipe(source, destination, true);
    world.peer_sends(source, b"first ");
    assert_eq!(world.rest(), [""; 0]);
    world.connected(destination);
    world.peer_sends(source, &[b'x'; HIGH_WATER_MARK]);
    world.rest();
    assert_eq!(world.wire(destination).sent.len(), 6 + HIGH_WATER_MARK);
    world.peer_sends(source, b"last");
    world.rest();
    assert!(world.wire(destination).sent.ends_with(b"last"));
}

/// What was received before, and not read, goes first.
#[test]
fn pipe_sends_what_was_received_before() {
    let (mut world, [source, destination]) = sockets();
    world.peer_sends(source, b"before ");
    assert_eq!(world.rest(), ["readable"]);
    world.read(source, 2);
    world.pipe(source, destination, true);
    world.peer_sends(source, b"after");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(destination).sent, b"fore after");
}

/// What the program writes itself and what is piped keep their order.
#[test]
fn pipe_and_write_keep_their_order() {
    let (mut world, source, destination) = piping();
    world.write(destination, b"1");
    world.peer_sends(source, b"2");
    assert_eq!(world.rest(), [""; 0]);
    world.write(destination, b"3");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(destination).sent, b"123");
}

/// A destination that is full holds the source back, and the source its peer; with room
/// again everything arrives, in order.
#[test]
fn pipe_holds_the_source_back() {
    let (mut world, source, slow) = clogged();
    for _ in 0..8 {
        world.peer_sends(source, &[2; HIGH_WATER_MARK]);
        assert_eq!(world.rest(), [""; 0]);
    }
    assert!(!world.wire(source).reading, "the peer is held back");
    assert!(world.get(source).bytes_read() <= 3 * HIGH_WATER_MARK as u64);
    assert!(world.get(slow).writable_length() <= 2 * HIGH_WATER_MARK);
    send_all(&mut world, slow);
    let sent = &world.wire(slow).sent;
    assert_eq!(sent.len(), 9 * HIGH_WATER_MARK);
    assert!(sent.is_sorted(), "in order");
    assert!(world.wire(source).reading);
}

/// The slowest of several destinations holds all back.
#[test]
fn pipe_follows_the_slowest_destination() {
    let (mut world, _, slow, fast) = held_back_by_the_slow();
    assert_eq!(world.wire(fast).sent, b"", "nothing overtakes");
    world.host_sends(slow);
    world.rest();
    assert_eq!(world.wire(fast).sent, b"more");
    assert!(world.wire(slow).sent.ends_with(b"more"));
}

/// The slowest one is destroyed: the others go on.
#[test]
fn pipe_goes_on_without_a_slow_destination_that_is_destroyed() {
    let (mut world, source, slow, fast) = held_back_by_the_slow();
    world.destroy(slow);
    assert_eq!(world.rest(), ["close false"]);
    assert_eq!(world.wire(fast).sent, b"more");
    assert!(
        !world.get(source).is_paused(),
        "there is a destination left"
    );
}

/// The slowest one is unpiped: the others go on.
#[test]
fn pipe_goes_on_without_a_slow_destination_that_is_unpiped() {
    let (mut world, source, slow, fast) = held_back_by_the_slow();
    world.unpipe(source, Some(slow));
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(fast).sent, b"more");
}

/// With `end` the destination ends when the source does, after all its bytes.
#[test]
fn pipe_ends_the_destination() {
    let (mut world, source, slow) = clogged();
    world.peer_sends(source, b"last");
    world.peer_ends(source);
    assert_eq!(world.rest(), [""; 0], "end waits until all was sent");
    send_all(&mut world, slow);
    assert!(world.wire(slow).sent.ends_with(b"last"));
    assert!(world.wire(slow).fin);
    assert_eq!(world.get(slow).ready_state(), ReadyState::ReadOnly);
    assert_eq!(world.get(source).ready_state(), ReadyState::WriteOnly);
}

/// The source tells its `end`, the destination its `finish`.
#[test]
fn pipe_tells_end_and_finish() {
    let (mut world, source, destination) = piping();
    world.peer_ends(source);
    assert_eq!(world.rest(), ["end", "finish"]);
    assert!(world.wire(destination).fin);
}

/// Without `end` the destination stays open.
#[test]
fn pipe_without_end_leaves_the_destination_open() {
    let (mut world, [source, destination]) = sockets();
    world.pipe(source, destination, false);
    world.peer_sends(source, b"x");
    world.peer_ends(source);
    assert_eq!(world.rest(), ["end"]);
    assert_eq!(world.get(destination).ready_state(), ReadyState::Open);
    world.write(destination, b"y");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(destination).sent, b"xy");
}

/// A source that has told its `end` already ends the destination at once.
#[test]
fn pipe_from_a_source_that_has_ended() {
    let (mut world, [source, destination]) = sockets();
    world.peer_ends(source);
    assert_eq!(world.rest(), ["end"]);
    world.pipe(source, destination, true);
    assert_eq!(world.rest(), ["finish"]);
    assert!(world.wire(destination).fin);
}

/// The same without `end`: the destination stays open.
#[test]
fn pipe_without_end_from_a_source_that_has_ended() {
    let (mut world, [source, destination]) = sockets();
    world.peer_ends(source);
    assert_eq!(world.rest(), ["end"]);
    world.pipe(source, destination, false);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.get(destination).ready_state(), ReadyState::Open);
}

/// A source that is destroyed ends nothing.
#[test]
fn pipe_from_a_source_that_is_destroyed() {
    for error in [None, Some(own_error("EOWN"))] {
        let (mut world, source, destination) = piping();
        world.peer_sends(source, b"x");
        assert_eq!(world.rest(), [""; 0]);
        world.destroy_with(source, error);
        world.rest();
        assert_eq!(world.get(destination).ready_state(), ReadyState::Open);
        world.write(destination, b"y");
        assert_eq!(world.rest(), [""; 0]);
        assert_eq!(world.wire(destination).sent, b"xy");
    }
}

/// `unpipe` stops the flow and the source, as Node does: what comes then waits for
/// `resume` or a `read`.
#[test]
fn unpipe_pauses_the_source() {
    let (mut world, source, destination) = piping();
    world.peer_sends(source, b"one");
    assert_eq!(world.rest(), [""; 0]);
    world.unpipe(source, Some(destination));
    assert!(world.get(source).is_paused());
    world.peer_sends(source, b"two");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(resume_and_read(&mut world, source), b"two");
    assert_eq!(world.wire(destination).sent, b"one");
    world.peer_ends(source);
    assert_eq!(world.rest(), ["end"]);
    assert_eq!(world.get(destination).ready_state(), ReadyState::Open);
}

/// What a full destination held back stays to be read.
#[test]
fn unpipe_leaves_what_was_held_back() {
    let (mut world, source, slow) = clogged();
    world.peer_sends(source, b"held back");
    assert_eq!(world.rest(), [""; 0]);
    world.unpipe(source, Some(slow));
    assert_eq!(resume_and_read(&mut world, source), b"held back");
    world.host_sends(slow);
    world.rest();
    assert_eq!(world.wire(slow).sent, [1; HIGH_WATER_MARK]);
}

/// One of two destinations is taken away: the other goes on. Without a name all are.
#[test]
fn unpipe_one_or_all() {
    let (mut world, [source, first, second]) = sockets();
    world.pipe(source, first, true);
    world.pipe(source, second, true);
    world.peer_sends(source, b"1");
    assert_eq!(world.rest(), [""; 0]);
    world.unpipe(source, Some(first));
    assert!(!world.get(source).is_paused());
    world.peer_sends(source, b"2");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(first).sent, b"1");
    assert_eq!(world.wire(second).sent, b"12");
    world.unpipe(source, None);
    assert!(world.get(source).is_paused());
    world.peer_sends(source, b"3");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(second).sent, b"12");
    assert_eq!(world.read_all(source), b"3");
}

/// What is no destination cannot be taken away: nothing changes.
#[test]
fn unpipe_of_what_is_no_destination() {
    let (mut world, [source, other]) = sockets();
    world.unpipe(source, Some(other));
    assert!(!world.get(source).is_paused());
    world.peer_sends(source, b"x");
    assert_eq!(world.rest(), ["readable"]);
}

/// A destination that is destroyed is taken away; the source stays open, paused.
#[test]
fn destroyed_destination_is_unpiped() {
    for error in [None, Some(own_error("EOWN"))] {
        let (mut world, source, destination) = piping();
        world.destroy_with(destination, error);
        world.rest();
        assert!(!world.get(source).destroyed());
        assert!(world.get(source).is_paused());
        world.peer_sends(source, b"kept");
        assert_eq!(world.rest(), [""; 0]);
        assert_eq!(resume_and_read(&mut world, source), b"kept");
    }
}

/// A destination whose peer resets is taken away.
#[test]
fn reset_destination_is_unpiped() {
    let (mut world, source, destination) = piping();
    world.peer_resets(destination);
    assert_eq!(world.rest(), ["error ECONNRESET", "close true"]);
    world.peer_sends(source, b"kept");
    world.rest();
    assert!(!world.get(source).destroyed());
    assert_eq!(world.read_all(source), b"kept");
}

/// A destination that the program ends is taken away when it has finished: what comes then
/// stays, and nothing fails.
#[test]
fn finished_destination_is_unpiped() {
    let (mut world, source, destination) = piping();
    world.end(destination);
    assert_eq!(world.rest(), ["finish"]);
    assert!(world.get(source).is_paused());
    world.peer_sends(source, b"kept");
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.get(destination).destroyed());
    assert_eq!(resume_and_read(&mut world, source), b"kept");
}

/// Piping to a socket that has ended is a write after the end.
#[test]
fn pipe_to_a_socket_that_has_ended() {
    let (mut world, [source, destination]) = sockets();
    world.end(destination);
    assert_eq!(world.rest(), ["finish"]);
    world.pipe(source, destination, true);
    world.peer_sends(source, b"lost");
    assert_eq!(
        world.rest(),
        ["error ERR_STREAM_WRITE_AFTER_END", "close true"]
    );
    assert!(!world.get(source).destroyed());
}

/// If that destroys it, its server has lost a connection at once.
#[test]
fn destination_that_fails_is_no_connection_any_more() {
    let (mut world, server, id) = World::accepted();
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), ["readable"]);
    world.end(id);
    world.pipe(id, id, false);
    assert!(world.get(id).destroyed());
    assert_eq!(world.connections(server), 0);
}

/// A socket that pipes to itself is an echo: it ends when the peer has, after the last
/// byte.
#[test]
fn pipe_to_itself_echoes() {
    for half_open in [false, true] {
        let mut world = World::default();
        let id = world.socket_with(SocketOptions {
            allow_half_open: half_open,
            ..SocketOptions::default()
        });
        world.establish(id);
        world.pipe(id, id, true);
        world.peer_sends(id, b"hello ");
        world.peer_sends(id, b"world");
        world.peer_ends(id);
        assert_eq!(world.rest(), ["end", "finish", "close false"]);
        assert_eq!(world.wire(id).sent, b"hello world");
        assert!(world.wire(id).fin);
    }
}

/// The echo of a peer that does not read stops, and goes on when it does.
#[test]
fn echo_is_held_back_by_its_own_peer() {
    let (mut world, [id]) = sockets();
    world.pipe(id, id, true);
    world.takes = Some(100);
    for _ in 0..10 {
        world.peer_sends(id, &[7; HIGH_WATER_MARK]);
        world.rest();
    }
    world.peer_ends(id);
    assert_eq!(world.rest(), [""; 0]);
    assert!(!world.wire(id).reading, "the peer is held back");
    let mut words = Vec::new();
    while world.is_writing(id) {
        world.host_sends(id);
        words.extend(world.rest());
    }
    assert_eq!(world.wire(id).sent, [7; 10 * HIGH_WATER_MARK]);
    words.retain(|word| word != "drain");
    assert_eq!(words, ["end", "finish", "close false"]);
}

/// `pipe` on a paused socket resumes it.
#[test]
fn pipe_resumes_a_paused_socket() {
    let (mut world, [source, destination]) = sockets();
    world.pause(source);
    world.peer_sends(source, b"x");
    assert_eq!(world.rest(), [""; 0]);
    world.pipe(source, destination, true);
    assert!(!world.get(source).is_paused());
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(destination).sent, b"x");
}

/// A source that is paused sends nothing until `resume`, and then all.
#[test]
fn paused_source_sends_nothing() {
    let (mut world, source, destination) = piping();
    world.pause(source);
    world.peer_sends(source, b"one ");
    world.peer_sends(source, b"two");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(destination).sent, b"");
    world.resume(source);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(destination).sent, b"one two");
}

/// That holds, too, when a destination that was full has room again. (Node's `pipe` resumes its
/// source then, whoever has paused it.)
#[test]
fn paused_source_stays_paused() {
    let (mut world, source, slow) = clogged();
    world.pause(source);
    world.peer_sends(source, b"later");
    world.host_sends(slow);
    world.rest();
    assert!(world.get(source).is_paused());
    assert_eq!(world.wire(slow).sent, [1; HIGH_WATER_MARK]);
    world.resume(source);
    world.rest();
    send_all(&mut world, slow);
    assert!(world.wire(slow).sent.ends_with(b"later"));
}

/// A source that is held back by a destination does not show as paused.
#[test]
fn held_back_source_is_not_paused() {
    let (world, source, _) = clogged();
    assert!(!world.get(source).is_paused());
}

/// Two sockets that pipe to each other carry both ways, and end both: a proxy.
#[test]
fn pipes_both_ways() {
    let (mut world, [one, other]) = sockets();
    world.pipe(one, other, true);
    world.pipe(other, one, true);
    world.peer_sends(one, b"request");
    world.peer_sends(other, b"response");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(other).sent, b"request");
    assert_eq!(world.wire(one).sent, b"response");
    world.peer_ends(one);
    assert_eq!(world.rest(), ["end", "finish"]);
    world.peer_ends(other);
    let words = world.rest();
    let closes = words.iter().filter(|word| *word == "close false");
    assert_eq!(closes.count(), 2, "{words:?}");
    assert!(world.wire(one).fin && world.wire(other).fin);
}

/// A destination sends what several sources receive, as it comes.
#[test]
fn pipe_from_two_sources() {
    let (mut world, [one, other, destination]) = sockets();
    world.pipe(one, destination, false);
    world.pipe(other, destination, false);
    world.peer_sends(one, b"1");
    assert_eq!(world.rest(), [""; 0]);
    world.peer_sends(other, b"2");
    assert_eq!(world.rest(), [""; 0]);
    world.peer_ends(one);
    assert_eq!(world.rest(), ["end"]);
    world.peer_sends(other, b"3");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(destination).sent, b"123");
}

/// A destination that connects takes what fits, and sends it when the connection stands.
#[test]
fn pipe_to_a_socket_that_connects() {
    let (mut world, [source]) = sockets();
    let destination = world.socket();
    world.connect(destination, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    world.pipe(source, destination, true);
    for piece in 0..6 {
        world.peer_sends(source, &[piece; HIGH_WATER_MARK]);
        assert_eq!(world.rest(), [""; 0]);
    }
    assert!(!world.wire(source).reading, "the peer is held back");
    world.connected(destination);
    world.rest();
    let sent = &world.wire(destination).sent;
    assert_eq!(sent.len(), 6 * HIGH_WATER_MARK);
    assert!(sent.is_sorted(), "in order");
}

/// A source that is dropped, or a destination, takes the pipe with it.
#[test]
fn dropped_sockets_pipe_no_more() {
    let (mut world, source, destination) = piping();
    world.drop_socket(destination);
    assert_eq!(world.rest(), [""; 0]);
    world.peer_sends(source, b"kept");
    world.rest();
    assert_eq!(world.read_all(source), b"kept");
    assert_eq!(world.net.len(), 1);

    let (mut world, source, destination) = piping();
    world.drop_socket(source);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.get(destination).ready_state(), ReadyState::Open);
    assert_eq!(world.net.len(), 1);
}

/// After `set_encoding` the destination gets the text, as UTF-8 (Node writes the string).
#[test]
fn d5_pipe_sends_text() {
    let (mut world, [source, destination]) = sockets();
    world.set_encoding(source, "hex");
    world.pipe(source, destination, true);
    world.peer_sends(source, &[0xca, 0xfe]);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.wire(destination).sent, b"cafe");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Every byte reaches every destination, in order and once, whatever the pieces and
    /// however much each host takes; and never does more wait than the marks of both and a packet.
    #[test]
    fn pipes_are_complete_and_bounded(
        pieces in prop::collection::vec(1..30_000_usize, 1..20),
        takes in prop::collection::vec(0..40_000_usize, 1..8),
        destinations in 1..4_usize,
        end in any::<bool>(),
    ) {
        let mut world = World::default();
        let source = world.half_open_socket();
        world.establish(source);
        let destinations: Vec<_> = (0..destinations)
            .map(|_| {
                let id = world.half_open_socket();
                world.establish(id);
                world.pipe(source, id, end);
                id
            })
            .collect();
        let mut all = Vec::new();
        for piece in &pieces {
            let bytes: Vec<_> = (0..*piece).map(|at| (all.len() + at) as u8).collect();
            world.peer_sends(source, &bytes);
            all.extend(bytes);
        }
        world.peer_ends(source);
        let packet = pieces.iter().max().copied().unwrap_or_default();
        let mut rounds = takes.iter().cycle();
        let mut ended = false;
        loop {
            world.takes = rounds.next().copied();
            let words = world.rest();
            ended |= words.contains(&"end".to_owned());
            for id in &destinations {
                let waiting = world.get(*id).writable_length();
                prop_assert!(waiting <= 2 * HIGH_WATER_MARK + packet, "{waiting} wait");
            }
            let busy: Vec<_> = destinations.iter().filter(|id| world.is_writing(**id)).collect();
            let Some(id) = busy.first() else {
                break;
            };
            world.host_sends(**id);
        }
        prop_assert!(ended);
        for id in destinations {
            prop_assert!(world.wire(id).sent == all, "all arrived");
            prop_assert_eq!(world.wire(id).fin, end);
        }
    }
}
