//! Section 4.6, continued: `setEncoding`, over packets.

use crate::world::World;
use plugnet_core::{Encoding, SocketId};
use proptest::prelude::*;

/// A connected socket that decodes.
fn decoding(name: &str) -> (World, SocketId) {
    let (mut world, id) = World::connection();
    world.set_encoding(id, name);
    (world, id)
}

/// A character that is split across packets comes when it is whole; until then there is
/// nothing to tell. `bytesRead` counts bytes.
#[test]
fn d5_character_across_packets() {
    let (mut world, id) = decoding("utf8");
    world.peer_sends(id, &[b'a', 0xe2]);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_text(id), "a");
    world.peer_sends(id, &[0x82]);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(world.read_text(id), "");
    world.peer_sends(id, &[0xac, b'b']);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_text(id), "€b");
    assert_eq!(world.get(id).bytes_read(), 5);
}

/// A character that the peer's end cuts off is U+FFFD, before `end`.
#[test]
fn d5_character_cut_off_by_the_end() {
    let (mut world, id) = decoding("utf8");
    world.peer_sends(id, &[b'a', 0xe2]);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_text(id), "a");
    world.peer_sends(id, &[0x82]);
    world.peer_ends(id);
    assert_eq!(world.next(), ["readable"]);
    assert_eq!(world.read_text(id), "\u{fffd}");
    assert_eq!(world.rest(), ["end", "finish", "close false"]);
    assert_eq!(world.get(id).bytes_read(), 3);
}

/// The end completes base64, too.
#[test]
fn d5_base64_is_completed_by_the_end() {
    let (mut world, id) = decoding("base64");
    world.peer_sends(id, b"abcd");
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_text(id), "YWJj");
    world.peer_ends(id);
    assert_eq!(world.next(), ["readable"]);
    assert_eq!(world.read_text(id), "ZA==");
    assert_eq!(world.next(), ["end"]);
}

/// `read` hands over the text as UTF-8, cut between characters.
#[test]
fn d5_read_cuts_between_characters() {
    let (mut world, id) = decoding("latin1");
    world.peer_sends(id, &[0xe9, 0xe8]);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read(id, 3), "é".as_bytes());
    assert_eq!(world.rest(), ["readable"], "of what is left");
    assert_eq!(world.read(id, 1), "è".as_bytes(), "never less than one");
}

/// What was received before `set_encoding` is decoded with it.
#[test]
fn d5_encoding_of_what_is_unread() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, &[1, 2]);
    assert_eq!(world.rest(), ["readable"]);
    world.set_encoding(id, "hex");
    world.peer_sends(id, &[3]);
    assert_eq!(world.read_text(id), "0102");
    world.rest();
    assert_eq!(world.read_text(id), "03");
}

/// Without `set_encoding`, `read_text` is UTF-8.
#[test]
fn d5_read_text_is_utf8() {
    let (mut world, id) = World::connection();
    world.peer_sends(id, "é".as_bytes());
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_text(id), "é");
}

/// A paused socket decodes, and tells nothing.
#[test]
fn d5_paused_socket_keeps_its_text() {
    let (mut world, id) = decoding("utf16le");
    world.pause(id);
    world.peer_sends(id, &[b'a', 0, b'b']);
    world.peer_sends(id, &[0]);
    assert_eq!(world.rest(), [""; 0]);
    world.resume(id);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_text(id), "ab");
}

/// The encoding outlives the connection, with what it has of a character (as Node printed
/// it).
#[test]
fn c25_encoding_is_kept() {
    let (mut world, id) = decoding("utf8");
    world.peer_sends(id, &[0xe2, 0x82]);
    assert_eq!(world.rest(), [""; 0]);
    world.destroy(id);
    assert_eq!(world.rest(), ["close false"]);
    world.establish(id);
    world.peer_sends(id, &[0xac, b'A']);
    assert_eq!(world.rest(), ["readable"]);
    assert_eq!(world.read_text(id), "€A");
}

/// A destroyed socket has no text.
#[test]
fn d5_destroyed_socket_has_no_text() {
    let (mut world, id) = decoding("utf8");
    world.peer_sends(id, b"x");
    assert_eq!(world.rest(), ["readable"]);
    world.destroy(id);
    assert_eq!(world.read_text(id), "");
    world.set_encoding(id, "hex");
    assert_eq!(world.rest(), ["close false"]);
}

const NAMES: [&str; 7] = [
    "utf8",
    "utf16le",
    "latin1",
    "ascii",
    "base64",
    "base64url",
    "hex",
];

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever the packets, whatever the encoding, and however it is read: the text is that
    /// of the bytes as one packet. (Base64 of packets is that of the whole, and so are all
    /// others.)
    #[test]
    fn d5_packets_do_not_show_in_the_text(
        packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..9), 0..9),
        name in prop::sample::select(&NAMES),
        max in prop::option::of(1..9_usize),
    ) {
        let bytes = packets.concat();
        let text = received(name, &[bytes], None);
        prop_assert_eq!(received(name, &packets, max), text);
    }

    /// What `write(text, encoding)` sends, `set_encoding` reads: text that the encoding can
    /// express comes back.
    #[test]
    fn w17_text_comes_back(text in ".{0,40}", name in prop::sample::select(&["utf8", "ucs2"])) {
        let bytes = Encoding::named(Some(name)).unwrap().encode(&text);
        prop_assert_eq!(received(name, &[bytes], None), text);
    }
}

/// All text of these packets: read as it comes, `max` bytes at once or all.
fn received(name: &str, packets: &[Vec<u8>], max: Option<usize>) -> String {
    let (mut world, id) = decoding(name);
    for packet in packets {
        if !packet.is_empty() {
            world.peer_sends(id, packet);
        }
    }
    world.peer_ends(id);
    let mut text = String::new();
    loop {
        let words = world.next();
        if words.contains(&"readable".to_owned()) {
            text += &match max {
                None => world.read_text(id),
                Some(max) => {
                    String::from_utf8(world.read(id, max)).expect("cut between characters")
                }
            };
        }
        if words.contains(&"end".to_owned()) {
            return text;
        }
        assert_ne!(words, [""; 0], "stuck");
    }
}
