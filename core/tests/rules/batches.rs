//! Small writes to several sockets go out together, a few handlers later at most, and nothing that
//! a program or a peer can see overtakes them.

use crate::world::{Action, World};
use plugnet_core::SocketId;

/// How many small writes wait at most.
const BATCH: usize = 8;

/// A world whose transport prefers that.
fn world() -> World {
    let mut world = World::default();
    world.together = BATCH;
    world
}

/// Connected, half-open sockets, each of which has received something.
fn asked<const N: usize>() -> (World, [SocketId; N]) {
    let mut world = world();
    let ids = [(); N].map(|()| {
        let id = world.half_open_socket();
        world.establish(id);
        id
    });
    for id in ids {
        world.peer_sends(id, b"?");
    }
    (world, ids)
}

/// Takes the next `readable`, and reads.
fn take(world: &mut World, id: SocketId) {
    assert_eq!(world.take(1), ["readable"]);
    assert_eq!(world.read_all(id), b"?");
}

/// What the peers have seen, in order.
fn seen(world: &World) -> Vec<(SocketId, &str)> {
    let seen = world.actions.iter().filter_map(|action| match action {
        Action::Write { id, .. } => Some((*id, "data")),
        Action::ShutDown(id) => Some((*id, "fin")),
        Action::Close(id) => Some((*id, "closed")),
        _ => None,
    });
    seen.collect()
}

/// Row W20: answers to several sockets go out when no event is left.
#[test]
fn w20_answers_go_out_together() {
    let (mut world, ids) = asked::<3>();
    for id in ids {
        take(&mut world, id);
        assert!(world.write(id, b"!"));
        assert_eq!(seen(&world), []);
    }
    assert_eq!(world.next(), [""; 0]);
    assert_eq!(seen(&world), ids.map(|id| (id, "data")));
}

/// Row W20: or after some handlers, however many events are left.
#[test]
fn w20_answers_wait_for_a_few_handlers() {
    let (mut world, ids) = asked::<{ BATCH + 2 }>();
    for id in &ids[..BATCH] {
        take(&mut world, *id);
        world.write(*id, b"!");
    }
    assert_eq!(seen(&world), []);
    assert_eq!(world.take(1), ["readable"]);
    assert_eq!(seen(&world).len(), BATCH);
}

/// Row W20: or when the program waits for an event, though there is one.
#[test]
fn w20_answers_go_out_before_a_wait() {
    let (mut world, [a, b]) = asked();
    take(&mut world, a);
    world.write(a, b"!");
    assert!(world.look());
    assert_eq!(seen(&world), [(a, "data")]);
    take(&mut world, b);
}

/// Row W20: or when the program waits for something else.
#[test]
fn w20_answers_go_out_when_the_transport_says_so() {
    let (mut world, [a, b]) = asked();
    take(&mut world, a);
    world.write(a, b"!");
    take(&mut world, b);
    assert!(world.net.keeps_writes());
    world.net.flush();
    assert!(!world.net.keeps_writes());
    assert_eq!(seen(&world), [(a, "data")]);
}

/// Row W20: where handlers take long, every answer goes out at once until the program waits.
#[test]
fn w20_answers_do_not_wait_for_slow_handlers() {
    let (mut world, ids) = asked::<{ BATCH + 6 }>();
    let (first, rest) = ids.split_at(BATCH);
    for id in first {
        take(&mut world, *id);
        world.write(*id, b"!");
        world.pass(1);
    }
    take(&mut world, rest[0]);
    assert_eq!(seen(&world).len(), BATCH);
    for (done, id) in rest[..3].iter().enumerate() {
        world.write(*id, b"!");
        take(&mut world, rest[done + 1]);
        assert_eq!(seen(&world).len(), BATCH + done + 1);
    }
    assert!(world.look());
    world.write(rest[3], b"!");
    take(&mut world, rest[4]);
    assert_eq!(seen(&world).len(), BATCH + 3);
}

/// Row W20: every answer goes out at once where the transport does not prefer otherwise.
#[test]
fn w20_answers_go_out_one_by_one() {
    let (mut world, [a, b]) = asked();
    world.together = 1;
    take(&mut world, a);
    world.write(a, b"!");
    take(&mut world, b);
    assert_eq!(seen(&world), [(a, "data")]);
}

/// `writableLength` of a socket whose answer waits is that of one whose answer went out.
#[test]
fn w20_an_answer_that_waits_has_no_length() {
    let (mut world, [a, b]) = asked();
    take(&mut world, a);
    world.write(a, b"!");
    take(&mut world, b);
    assert_eq!(world.net.socket_mut(a).writable_length(), 0);
}

/// A large write, and one with a callback, go out when the next event is asked for: something
/// follows from them.
#[test]
fn w20_what_is_told_goes_out_at_once() {
    for (data, callback) in [(&[1; 5000][..], None), (b"!", Some(1))] {
        let (mut world, [a, _]) = asked();
        take(&mut world, a);
        world.write_with(a, data, callback);
        let told = if callback.is_some() {
            "callback 1"
        } else {
            "readable"
        };
        assert_eq!(world.take(1), [told]);
        assert_eq!(seen(&world), [(a, "data")]);
    }
}

/// What another handler sends, ends or closes is not seen before.
#[test]
fn w20_nothing_overtakes_an_answer() {
    type Act = fn(&mut World, SocketId);
    let acts: [(Act, &str); 6] = [
        (|world, id| _ = world.write(id, &[1; 5000]), "data"),
        (|world, id| _ = world.write(id, &[1; 70_000]), "data"),
        (|world, id| _ = world.write_cb(id, b"!", 1), "data"),
        (World::end, "fin"),
        (World::destroy, "closed"),
        (World::drop_socket, "fin"),
    ];
    for (act, what) in acts {
        let (mut world, [a, b, _]) = asked();
        take(&mut world, a);
        world.write(a, b"!");
        take(&mut world, b);
        act(&mut world, b);
        world.take(1);
        assert_eq!(seen(&world)[..2], [(a, "data"), (b, what)]);
    }
}

/// What happens to the socket itself finds its answer sent: its FIN follows the data, and the
/// events come as without a batch.
#[test]
fn w20_an_answer_goes_out_before_the_sockets_own_steps() {
    let mut world = world();
    let id = world.socket();
    world.establish(id);
    let other = world.half_open_socket();
    world.establish(other);
    world.peer_sends(id, b"?");
    world.peer_ends(id);
    world.peer_sends(other, b"?");
    take(&mut world, id);
    world.write(id, b"!");
    take(&mut world, other);
    assert_eq!(seen(&world), []);
    assert_eq!(world.take(1), ["end"]);
    assert_eq!(seen(&world), [(id, "data")]);
    assert_eq!(world.take(1), ["finish"]);
    assert_eq!(seen(&world)[..2], [(id, "data"), (id, "fin")]);
}

/// Row T5: an answer is activity when it is written, and not again when it goes out.
#[test]
fn t5_an_answer_is_activity_when_it_is_written() {
    let (mut world, [a, b]) = asked();
    world.set_timeout(a, 10, None);
    take(&mut world, a);
    world.pass(5);
    world.write(a, b"!");
    take(&mut world, b);
    world.pass(5);
    assert_eq!(world.next(), [""; 0]);
    assert_eq!(seen(&world), [(a, "data")]);
    world.pass(5);
    assert_eq!(world.next(), ["timeout"]);
}

/// What the host refuses later is told as ever.
#[test]
fn w19_an_answer_that_is_refused() {
    let (mut world, [a, b]) = asked();
    world.refuses = Some("EPIPE");
    take(&mut world, a);
    world.write(a, b"!");
    take(&mut world, b);
    let told = world.rest();
    assert_eq!(told, ["error EPIPE", "close true"]);
}
