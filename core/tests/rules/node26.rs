//! What Node has had since 20: block lists of servers and sockets, the attempted addresses and
//! the defaults of selecting them, `destroySoon`, the probes of `setKeepAlive`, `ipv6Only` and
//! `reusePort`. Every expectation was measured on Node 26.

use crate::world::{Action, World, to};
use plugnet_core::{
    BlockList, ConnectRequest, Family, KeepAlive, ListenOptions, ListenSettings, PRIVATE_RANGES,
    Probes, ServerOptions, SocketId,
};

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

fn blocking(addresses: &[&str]) -> BlockList {
    let list = BlockList::default();
    for address in addresses {
        let family = if address.contains(':') {
            Family::Ipv6
        } else {
            Family::Ipv4
        };
        list.add_address(address, family).unwrap();
    }
    list
}

// ---- BlockList ----

/// Addresses, subnets, ranges, the newest of each kind first; an address that is added again
/// keeps its place and is written as the newer one, a subnet or range is there twice.
#[test]
fn rules_are_in_node_26s_order() {
    let list = BlockList::default();
    list.add_range("1.1.1.1", "1.1.1.3", Family::Ipv4).unwrap();
    list.add_cidr("10.0.0.1/8").unwrap();
    list.add_address("1.1.1.1", Family::Ipv4).unwrap();
    list.add_cidr("2001:db8::/32").unwrap();
    list.add_address("2.2.2.2", Family::Ipv4).unwrap();
    list.add_cidr("10.0.0.1/8").unwrap();
    list.add_address("::ffff:1.1.1.1", Family::Ipv6).unwrap();
    let expected = [
        "Address: IPv4 2.2.2.2",
        "Address: IPv6 ::ffff:1.1.1.1",
        "Subnet: IPv4 10.0.0.1/8",
        "Subnet: IPv6 2001:db8::/32",
        "Subnet: IPv4 10.0.0.1/8",
        "Range: IPv4 1.1.1.1-1.1.1.3",
    ];
    assert_eq!(list.rules(), expected);
    assert_eq!(list.size(), expected.len());
    list.clear();
    assert_eq!(list.rules(), [""; 0]);
    assert_eq!(list.size(), 0);
}

/// `addAddresses` adds all or none.
#[test]
fn add_addresses_is_all_or_none() {
    let list = BlockList::default();
    let wrong = list.add_addresses(&texts(&["1.1.1.1", "::1"]), Family::Ipv4);
    assert_eq!(wrong.unwrap_err().code, "ERR_INVALID_ADDRESS");
    assert_eq!(list.size(), 0);
    list.add_addresses(&texts(&["1.1.1.1", "1.1.1.2"]), Family::Ipv4)
        .unwrap();
    assert_eq!(list.size(), 2);
}

/// `addCIDR` in Node's words.
#[test]
fn add_cidr_names_what_is_wrong() {
    let list = BlockList::default();
    let missing = "The argument 'cidr' must contain a prefix length (e.g. \"10.0.0.0/8\").";
    let number = "The argument 'cidr' prefix length must be a valid integer.";
    let range = "The value of \"prefix\" is out of range. It must be >= 0 && <= ";
    for (cidr, code, message) in [
        ("10.0.0.0", "ERR_INVALID_ARG_VALUE", missing),
        ("", "ERR_INVALID_ARG_VALUE", missing),
        ("10.0.0.0/", "ERR_INVALID_ARG_VALUE", number),
        ("10.0.0.0/x", "ERR_INVALID_ARG_VALUE", number),
        ("10.0.0.0/08", "ERR_INVALID_ARG_VALUE", number),
        ("10.0.0.0/+8", "ERR_INVALID_ARG_VALUE", number),
        ("10.0.0.0/ 8", "ERR_INVALID_ARG_VALUE", number),
        (
            "10.0.0.0/99999999999999999999",
            "ERR_INVALID_ARG_VALUE",
            number,
        ),
        ("10.0.0.0/33", "ERR_OUT_OF_RANGE", range),
        ("10.0.0.0/4294967296", "ERR_OUT_OF_RANGE", range),
        ("10.0.0.0/-1", "ERR_OUT_OF_RANGE", range),
        ("::1/129", "ERR_OUT_OF_RANGE", range),
        ("x/8", "ERR_INVALID_ADDRESS", "Invalid socket address"),
        (
            "1.2.3.4/8/8",
            "ERR_INVALID_ADDRESS",
            "Invalid socket address",
        ),
        ("/8", "ERR_INVALID_ADDRESS", "Invalid socket address"),
    ] {
        for error in [list.add_cidr(cidr), list.remove_cidr(cidr)] {
            let error = error.expect_err(cidr);
            assert_eq!(error.code, code, "{cidr}");
            assert!(
                error.message.starts_with(message),
                "{cidr}: {}",
                error.message
            );
        }
    }
    assert_eq!(list.size(), 0);
}

/// `addCIDRs` looks at the form of all before it adds one; a wrong address or prefix leaves those
/// before it.
#[test]
fn add_cidrs_looks_at_the_form_first() {
    let list = BlockList::default();
    let error = list.add_cidrs(&texts(&["10.0.0.0/8", "10.0.0.0"]));
    assert_eq!(error.unwrap_err().code, "ERR_INVALID_ARG_VALUE");
    assert_eq!(list.size(), 0);
    let error = list.add_cidrs(&texts(&["10.0.0.0/8", "10.0.0.0/33", "11.0.0.0/8"]));
    assert_eq!(error.unwrap_err().code, "ERR_OUT_OF_RANGE");
    assert_eq!(list.rules(), ["Subnet: IPv4 10.0.0.0/8"]);
}

/// The private ranges can be added, and are what they are called.
#[test]
fn private_ranges_are_subnets() {
    let list = BlockList::default();
    list.add_cidrs(&texts(&PRIVATE_RANGES)).unwrap();
    assert_eq!(list.size(), PRIVATE_RANGES.len());
    for address in [
        "10.1.1.1",
        "127.0.0.1",
        "192.168.1.1",
        "172.31.0.1",
        "169.254.1.1",
    ] {
        assert!(list.check(address, Family::Ipv4), "{address}");
    }
    for address in ["::1", "fe80::1%lo", "fd00::1", "::ffff:10.0.0.1"] {
        assert!(list.check(address, Family::Ipv6), "{address}");
    }
    assert!(!list.check("8.8.8.8", Family::Ipv4));
}

/// `remove…` removes exactly that rule, of several the newest, and is no error where there is
/// none. An address and its mapped form are one, subnets and ranges are not.
#[test]
fn remove_removes_exactly_that_rule() {
    let list = BlockList::default();
    list.add_address("1.1.1.1", Family::Ipv4).unwrap();
    list.add_cidrs(&texts(&["10.0.0.1/8", "10.0.0.2/8", "10.0.0.1/8"]))
        .unwrap();
    list.add_range("1.1.1.1", "1.1.1.9", Family::Ipv4).unwrap();
    let all = list.rules();
    list.remove_address("10.0.0.1", Family::Ipv4).unwrap();
    list.remove_subnet("10.0.0.0", 8, Family::Ipv4).unwrap();
    list.remove_subnet("::ffff:10.0.0.1", 104, Family::Ipv6)
        .unwrap();
    list.remove_range("1.1.1.1", "1.1.1.8", Family::Ipv4)
        .unwrap();
    list.remove_range("::ffff:1.1.1.1", "::ffff:1.1.1.9", Family::Ipv6)
        .unwrap();
    list.remove_range("9.9.9.9", "1.1.1.1", Family::Ipv4)
        .unwrap();
    assert_eq!(list.rules(), all);
    list.remove_address("::ffff:1.1.1.1", Family::Ipv6).unwrap();
    list.remove_cidr("10.0.0.1/8").unwrap();
    list.remove_range("1.1.1.1", "1.1.1.9", Family::Ipv4)
        .unwrap();
    let left = ["Subnet: IPv4 10.0.0.2/8", "Subnet: IPv4 10.0.0.1/8"];
    assert_eq!(list.rules(), left);
    let error = list.remove_subnet("10.0.0.1", 33, Family::Ipv4);
    assert_eq!(error.unwrap_err().code, "ERR_OUT_OF_RANGE");
    let error = list.remove_address("::1", Family::Ipv4);
    assert_eq!(error.unwrap_err().code, "ERR_INVALID_ADDRESS");
}

/// `fromJSON` adds in the order given; what is no rule is skipped, a wrong value is an error and
/// leaves those before it.
#[test]
fn from_json_adds_rules() {
    let list = BlockList::default();
    let rules = texts(&[
        "garbage",
        "",
        "Address: IPv4 1.1.1",
        "Address: IPv4 1.1.1.1",
        "Subnet: IPv4 10.0.0.1/8",
        "Subnet: IPv4 10.0.0.1/+8",
        "Subnet: ipv4 10.0.0.1/8",
        "Subnet: IPv6 ::/0",
        "Range: IPv6 ::1-::5",
        "Range: IPv4 1.1.1.1",
        "Address: IPv6 ::ffff:1.2.3.4",
        "Address: IPv6 zz::",
    ]);
    list.from_json(&rules).unwrap();
    let expected = [
        "Address: IPv6 ::ffff:1.2.3.4",
        "Address: IPv4 1.1.1.1",
        "Subnet: IPv6 ::/0",
        "Subnet: IPv4 10.0.0.1/8",
        "Range: IPv6 ::1-::5",
    ];
    assert_eq!(list.rules(), expected);
    let again = BlockList::default();
    again.from_json(&list.rules()).unwrap();
    assert_eq!(again.size(), list.size());
    for (rule, code) in [
        ("Address: IPv4 999.1.1.1", "ERR_INVALID_ADDRESS"),
        ("Address: IPv6 :::", "ERR_INVALID_ADDRESS"),
        ("Subnet: IPv4 1.1.1.1/99", "ERR_OUT_OF_RANGE"),
        ("Range: IPv4 1.1.1.2-1.1.1.1", "ERR_INVALID_ARG_VALUE"),
    ] {
        let list = BlockList::default();
        let error = list.from_json(&texts(&[
            "Subnet: IPv6 ::/0",
            rule,
            "Address: IPv4 1.1.1.1",
        ]));
        assert_eq!(error.unwrap_err().code, code, "{rule}");
        assert_eq!(list.size(), 1, "{rule}");
    }
}

// ---- block lists of servers and sockets ----

fn refused(world: &World) -> usize {
    let actions = world.actions.iter();
    actions
        .filter(|action| matches!(action, Action::Refuse(_)))
        .count()
}

/// A blocked connection is closed at once, with no event, and does not count. The list is live,
/// and an IPv4 client of `::` is blocked by its IPv4 address.
#[test]
fn s35_server_closes_blocked_connections() {
    let (mut world, server) = World::listening();
    let list = blocking(&["::ffff:127.0.0.1"]);
    world.net.server_mut(server).set_block_list(list.clone());
    world.client_connects(server);
    world.client_connects(server);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!((refused(&world), world.connections(server)), (2, 0));
    list.clear();
    world.client(server);
    assert_eq!((refused(&world), world.connections(server)), (2, 1));
}

/// `maxConnections` is looked at first: a full server says `drop` of a blocked client, too.
#[test]
fn s35_full_server_drops_blocked_connections() {
    let (mut world, server) = World::listening();
    world
        .net
        .server_mut(server)
        .set_block_list(blocking(&["127.0.0.1"]));
    world.set_max_connections(server, Some(0));
    world.client_connects(server);
    assert_eq!(world.rest(), ["server drop"]);
}

/// A path has no address to block.
#[test]
fn s35_server_with_a_path_blocks_nobody() {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    world
        .net
        .server_mut(server)
        .set_block_list(blocking(&["127.0.0.1"]));
    world.listen_path(server, "/a").unwrap();
    assert_eq!(world.next(), ["server listening"]);
    world.client(server);
}

fn block(world: &mut World, id: SocketId, addresses: &[&str]) -> BlockList {
    let list = blocking(addresses);
    world.net.socket_mut(id).set_block_list(list.clone());
    list
}

fn attempts(world: &World) -> usize {
    let actions = world.actions.iter();
    actions
        .filter(|action| matches!(action, Action::Connect { .. }))
        .count()
}

/// A blocked address fails later, without an attempt, and the socket may connect elsewhere: the
/// list holds for that, too.
#[test]
fn c31_socket_does_not_connect_to_a_blocked_address() {
    let (mut world, id) = World::unconnected();
    let list = block(&mut world, id, &["127.0.0.1"]);
    for host in ["127.0.0.1", "::ffff:127.0.0.1"] {
        world.connect(id, host);
        assert!(!world.get(id).destroyed(), "{host}");
        let error = world.error();
        assert_eq!(error.code, "ERR_IP_BLOCKED");
        assert_eq!(
            error.message,
            format!("IP({host}) is blocked by net.BlockList")
        );
        assert_eq!(
            (error.syscall, error.address, error.port),
            (None, None, None)
        );
        assert_eq!(world.rest(), ["close true"]);
    }
    assert_eq!(world.actions, [], "there is nothing to abort");
    list.clear();
    world.connect(id, "127.0.0.1");
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(attempts(&world), 1);
}

/// A name's only address: `lookup`, then the error.
#[test]
fn c31_socket_looks_up_before_it_is_blocked() {
    let (mut world, id) = World::unconnected();
    block(&mut world, id, &["127.0.0.1"]);
    world.connect(id, "name");
    world.looked_up(id, &["127.0.0.1"]);
    assert_eq!(
        world.rest(),
        ["lookup 127.0.0.1", "error ERR_IP_BLOCKED", "close true"]
    );
}

/// Of several addresses a blocked one is passed over, and is not among the attempted ones; the
/// error of all has those of the blocked ones in their place.
#[test]
fn c31_blocked_address_is_a_failed_attempt() {
    let (mut world, id) = World::unconnected();
    block(&mut world, id, &["::1", "127.0.0.2"]);
    world.connect(id, "name");
    world.looked_up(id, &["::1", "127.0.0.1", "127.0.0.2"]);
    world.take(3);
    assert_eq!(world.rest(), [""; 0]);
    assert_eq!(attempted(&world, id), Some(texts(&["127.0.0.1:80"])));
    world.refused(id);
    let error = world.error();
    assert_eq!((&*error.code, &*error.message), ("ERR_IP_BLOCKED", ""));
    let messages: Vec<_> = error.errors.iter().map(|e| e.message.as_str()).collect();
    assert_eq!(
        messages,
        [
            "IP(::1) is blocked by net.BlockList",
            "connect ECONNREFUSED 127.0.0.1:80",
            "IP(127.0.0.2) is blocked by net.BlockList",
        ]
    );
    assert_eq!(world.rest(), ["close true"]);
    assert_eq!(attempts(&world), 1);
}

/// An attempt that takes too long gives way to a blocked address alone: all have failed.
#[test]
fn timeout_before_a_blocked_address_ends_the_attempts() {
    let (mut world, id) = World::unconnected();
    block(&mut world, id, &["127.0.0.1"]);
    world.connect(id, "name");
    world.looked_up(id, &["::1", "127.0.0.1"]);
    world.take(2);
    assert_eq!(world.rest(), [""; 0]);
    world.pass(500);
    assert_eq!(world.rest(), ["error ETIMEDOUT", "close true"]);
}

/// A path has no address to block.
#[test]
fn c31_socket_with_a_path_is_not_blocked() {
    let (mut world, id) = World::unconnected();
    block(&mut world, id, &["127.0.0.1"]);
    world.connect_path(id, "/a", None).unwrap();
    world.connected(id);
    assert_eq!(world.take(2), ["connect", "ready"]);
}

// ---- selecting an address ----

fn attempted(world: &World, id: SocketId) -> Option<Vec<String>> {
    let attempted = world.get(id).attempted_addresses()?;
    Some(attempted.to_vec())
}

/// The attempted addresses are absent before a name with several was connected to, grow with
/// each attempt, stay after `close` and a later `connect`, and start over with the next such name.
#[test]
fn c32_attempted_addresses_grow_with_each_attempt() {
    let (mut world, id) = World::unconnected();
    world.connect(id, "name");
    world.looked_up(id, &["127.0.0.9", "127.0.0.9"]);
    world.rest();
    assert_eq!(attempted(&world, id), None, "one address");
    world.destroy(id);
    world.rest();
    world.connect(id, "name");
    world.looked_up(id, &["::1", "127.0.0.1"]);
    assert_eq!(world.take(1), ["lookup ::1"]);
    assert_eq!(attempted(&world, id), None);
    world.rest();
    assert_eq!(attempted(&world, id), Some(texts(&["::1:80"])));
    world.refused(id);
    assert_eq!(world.rest(), [""; 0]);
    let both = Some(texts(&["::1:80", "127.0.0.1:80"]));
    assert_eq!(attempted(&world, id), both);
    world.connected(id);
    world.rest();
    world.destroy(id);
    world.rest();
    assert_eq!(attempted(&world, id), both);
    world.establish(id);
    assert_eq!(attempted(&world, id), both, "an address is no selection");
    world.destroy(id);
    world.rest();
    world.connect(id, "name");
    world.looked_up(id, &["127.0.0.3", "127.0.0.4"]);
    world.rest();
    assert_eq!(attempted(&world, id), Some(texts(&["127.0.0.3:80"])));
}

/// With a family, or without selecting, there are no attempted addresses.
#[test]
fn c32_no_attempted_addresses_without_selecting() {
    for options in [
        ConnectRequest {
            family: Some(Family::Ipv4),
            ..to("name")
        },
        ConnectRequest {
            auto_select_family: Some(false),
            ..to("name")
        },
    ] {
        let (mut world, id) = World::unconnected();
        world.connect_with(id, options);
        world.looked_up(id, &["127.0.0.1", "127.0.0.2"]);
        assert_eq!(world.rest(), ["lookup 127.0.0.1"]);
        assert_eq!(attempted(&world, id), None);
    }
}

/// The defaults hold for every `connect` that does not say: 500 ms at first, at least 10.
#[test]
fn defaults_of_selecting() {
    let (mut world, id) = World::unconnected();
    let selection = world.net.selection();
    assert!(selection.auto_select_family);
    assert_eq!(selection.attempt_timeout, 500);
    world.net.set_attempt_timeout(3).unwrap();
    assert_eq!(world.net.selection().attempt_timeout, 10);
    for wrong in [0, 1 << 31] {
        let error = world.net.set_attempt_timeout(wrong).unwrap_err();
        assert_eq!(error.code, "ERR_OUT_OF_RANGE");
        let expected = "The value of \"value\" is out of range. It must be >= 1 && <= 2147483647.";
        assert!(error.message.starts_with(expected), "{}", error.message);
    }
    world.connect(id, "name");
    world.looked_up(id, &["::1", "127.0.0.1"]);
    world.rest();
    world.pass(9);
    assert_eq!((world.rest().len(), attempts(&world)), (0, 1));
    world.pass(1);
    assert_eq!((world.rest().len(), attempts(&world)), (0, 2));

    world.net.set_auto_select_family(false);
    let other = world.socket();
    world.connect(other, "name");
    world.looked_up(other, &["::1", "127.0.0.1"]);
    assert_eq!(world.rest(), ["lookup ::1"]);
    let third = world.socket();
    world.connect_with(
        third,
        ConnectRequest {
            auto_select_family: Some(true),
            ..to("name")
        },
    );
    world.looked_up(third, &["::1", "127.0.0.1"]);
    assert_eq!(world.rest(), ["lookup ::1", "lookup 127.0.0.1"]);
}

// ---- destroySoon ----

/// The own side ends after what was written; then the socket is destroyed, without the peer's end
/// and half-open or not. Calling it again changes nothing.
#[test]
fn e16_destroy_soon_sends_what_was_written() {
    for (mut world, id) in [World::connection(), World::half_open_connection()] {
        world.takes = Some(2);
        world.write_cb(id, b"hello", 1);
        world.net.socket_mut(id).destroy_soon();
        world.net.socket_mut(id).destroy_soon();
        assert!(!world.get(id).destroyed());
        assert_eq!(world.rest(), [""; 0]);
        world.peer_sends(id, b"lost");
        assert_eq!(world.rest(), ["readable"]);
        world.host_sends(id);
        assert_eq!(world.rest(), ["callback 1", "finish", "close false"]);
        assert_eq!(world.wire(id).sent, b"hello");
        assert!(world.wire(id).fin && world.wire(id).closed);
        assert!(world.read_all(id).is_empty());
    }
}

/// With the own side finished the socket is destroyed at once.
#[test]
fn e16_destroy_soon_after_finish() {
    let (mut world, id) = World::connection();
    world.end(id);
    assert_eq!(world.rest(), ["finish"]);
    world.net.socket_mut(id).destroy_soon();
    assert!(world.get(id).destroyed());
    assert_eq!(world.rest(), ["close false"]);
}

/// While the FIN is under way, the socket is destroyed when it is sent.
#[test]
fn e16_destroy_soon_after_end() {
    let (mut world, id) = World::connection();
    world.holds_shutdown = true;
    world.end(id);
    world.net.socket_mut(id).destroy_soon();
    assert_eq!(world.rest(), [""; 0]);
    world.shut_down(id);
    assert_eq!(world.rest(), ["finish", "close false"]);
}

/// A socket that connects does so first.
#[test]
fn e16_destroy_soon_while_connecting() {
    let (mut world, id) = World::connecting();
    world.net.socket_mut(id).destroy_soon();
    assert_eq!(world.rest(), [""; 0]);
    world.connected(id);
    assert_eq!(world.rest(), ["connect", "ready", "finish", "close false"]);
}

/// Without a connection: `finish`, `close`. On a destroyed socket: nothing. The next connection is
/// not destroyed.
#[test]
fn e16_destroy_soon_without_a_connection() {
    let (mut world, id) = World::unconnected();
    world.net.socket_mut(id).destroy_soon();
    assert!(!world.get(id).destroyed());
    assert_eq!(world.rest(), ["finish", "close false"]);
    world.net.socket_mut(id).destroy_soon();
    assert_eq!(world.rest(), [""; 0]);
    world.establish(id);
    world.end(id);
    assert_eq!(world.rest(), ["finish"]);
    assert!(!world.get(id).destroyed());
}

// ---- setKeepAlive ----

/// Node's table of `setKeepAlive`: what is set of delay, interval and count.
#[test]
fn o2_keep_alive_probes() {
    for (delay, interval, count, expected) in [
        (0, None, None, None),
        (5000, None, None, Some((5, 1, 10))),
        (5000, Some(3000), Some(4), Some((5, 3, 4))),
        (5000, Some(1999), Some(4), Some((5, 1, 4))),
        (5000, Some(999), Some(4), None),
        (5000, Some(0), Some(4), None),
        (5000, Some(3000), Some(0), None),
        (999, Some(3000), Some(4), None),
    ] {
        let (mut world, id) = World::connection();
        let socket = world.net.socket_mut(id);
        socket.set_keep_alive(true, delay, interval, count);
        let probes = expected.map(|(delay, interval, count)| Probes {
            delay,
            interval,
            count,
        });
        let last = world.actions.last();
        assert_eq!(last, Some(&Action::KeepAlive(KeepAlive::On(probes))));
    }
}

/// The same numbers again are no system call; another count is one.
#[test]
fn o2_keep_alive_same_probes_again() {
    let (mut world, id) = World::connection();
    for count in [4, 4, 5] {
        let socket = world.net.socket_mut(id);
        socket.set_keep_alive(true, 5000, Some(3000), Some(count));
    }
    let asked = world.actions.iter();
    let asked = asked.filter(|action| matches!(action, Action::KeepAlive(_)));
    assert_eq!(asked.count(), 2);
}

/// What was asked of the host about the type of service.
fn types_of_service(world: &World) -> Vec<u8> {
    let asked = world.actions.iter().filter_map(|action| match action {
        Action::TypeOfService(value) => Some(*value),
        _ => None,
    });
    asked.collect()
}

/// The type of service is kept from before the connection until after it. While there is one it is
/// what the system made of it, which has no room for two bits; afterwards what was set.
#[test]
fn o6_type_of_service_is_kept() {
    let (mut world, id) = World::unconnected();
    assert_eq!(world.net.socket_mut(id).type_of_service(), 0);
    world.net.socket_mut(id).set_type_of_service(255);
    assert_eq!(world.net.socket_mut(id).type_of_service(), 255);
    world.connect(id, "127.0.0.1");
    world.rest();
    world.net.socket_mut(id).set_type_of_service(254);
    assert_eq!(types_of_service(&world), []);
    assert_eq!(world.net.socket_mut(id).type_of_service(), 254);
    world.connected(id);
    world.rest();
    assert_eq!(types_of_service(&world), [254]);
    assert_eq!(world.net.socket_mut(id).type_of_service(), 252);
    world.destroy(id);
    world.rest();
    assert_eq!(world.net.socket_mut(id).type_of_service(), 254);
    world.establish(id);
    assert_eq!(
        types_of_service(&world),
        [254, 254],
        "it outlives the connection"
    );
}

/// On a connection it is set at once; the same again is not. 0 is a value, too.
#[test]
fn o6_type_of_service_of_a_connection() {
    let (mut world, id) = World::connection();
    for value in [0, 0, 8, 8, 0] {
        world.net.socket_mut(id).set_type_of_service(value);
    }
    assert_eq!(types_of_service(&world), [0, 8, 0]);
    assert_eq!(world.net.socket_mut(id).type_of_service(), 0);
}

/// Where the host knows none, what was set is kept, and no more.
#[test]
fn o6_type_of_service_that_the_host_does_not_know() {
    let (mut world, id) = World::connection();
    world.net.socket_mut(id).set_type_of_service(255);
    world.type_of_service = None;
    assert_eq!(world.net.socket_mut(id).type_of_service(), 255);
}

/// A path has none: it is remembered for a connection of TCP.
#[test]
fn o6_type_of_service_is_not_for_paths() {
    let (mut world, id) = World::unconnected();
    world.connect_path(id, "/a", None).unwrap();
    world.connected(id);
    world.rest();
    world.net.socket_mut(id).set_type_of_service(8);
    assert_eq!(world.net.socket_mut(id).type_of_service(), 8);
    world.destroy(id);
    world.rest();
    assert_eq!(types_of_service(&world), []);
    world.establish(id);
    assert_eq!(types_of_service(&world), [8]);
}

// ---- hosts ----

/// A host with a NUL is refused at once, before anything else is looked at, and changes nothing.
#[test]
fn host_with_a_nul_is_refused() {
    let (mut world, id) = World::unconnected();
    let request = ConnectRequest {
        local_address: Some("foobar".to_owned()),
        ..to("127.0.0.1\0")
    };
    let error = world.try_connect(id, request).unwrap_err();
    let message = "The property 'options.host' must be a string without null bytes.";
    assert_eq!(
        (&*error.code, &*error.message),
        ("ERR_INVALID_ARG_VALUE", message)
    );
    assert!(!world.get(id).connecting());

    let server = world.server(ServerOptions::default());
    let error = world.listen(server, 0, Some("a\0b")).unwrap_err();
    let message = "The argument 'hostname' must be a string without null bytes.";
    assert_eq!(
        (&*error.code, &*error.message),
        ("ERR_INVALID_ARG_VALUE", message)
    );
    assert_eq!(world.rest(), [""; 0]);
    world.listen(server, 0, None).unwrap();
    assert_eq!(world.rest(), ["server listening"]);
}

// ---- listen ----

/// `ipv6Only` and `reusePort` reach the transport, and only with the `listen` that has them.
#[test]
fn s36_listen_options_reach_the_transport() {
    let mut world = World::default();
    let server = world.server(ServerOptions::default());
    let options = ListenOptions {
        ipv6_only: true,
        reuse_port: true,
        ..ListenOptions::default()
    };
    world.net.server_mut(server).listen(options).unwrap();
    let expected = ListenSettings {
        backlog: 511,
        ipv6_only: true,
        reuse_port: true,
    };
    assert_eq!(world.settings, expected);
    world.close(server, None);
    world.listen(server, 0, None).unwrap();
    assert!(!world.settings.ipv6_only && !world.settings.reuse_port);
}

/// `listen` with a name takes its first address that is not link-local, or else the first.
#[test]
fn listen_passes_over_link_local_addresses() {
    for (addresses, taken) in [
        (["fe80::1", "febf::1", "127.0.0.1"], "127.0.0.1"),
        (["::1", "fe80::1", "127.0.0.1"], "::1"),
        (["fe80::1", "fe80::2", "fe80::3"], "fe80::1"),
    ] {
        let mut world = World::default();
        let server = world.server(ServerOptions::default());
        world.listen(server, 0, Some("name")).unwrap();
        world.looked_up(server, &addresses);
        assert_eq!(world.next(), ["server listening"]);
        let address = world.address(server).unwrap();
        assert_eq!(address.ip().to_string(), taken);
    }
}

// ---- any order ----

/// Whatever is called around `destroySoon` and block lists, in whatever order: once the program
/// has dropped everything and the network has done its part, nothing is left.
#[test]
fn everything_comes_to_its_end() {
    for seed in 0..2000 {
        come_to_the_end(seed);
    }
}

fn come_to_the_end(seed: u64) {
    let mut random = seed;
    let mut below = |n: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % n
    };
    let mut world = World::default();
    let mut held: Vec<SocketId> = (0..2).map(|_| world.socket()).collect();
    let all = held.clone();
    for _ in 0..30 {
        if held.is_empty() {
            break;
        }
        let at = usize::try_from(below(held.len() as u64)).unwrap();
        let id = held[at];
        match below(14) {
            0 | 1 => _ = world.try_connect(id, to("127.0.0.1")),
            2 if !world.get(id).destroyed() => _ = world.connect_path(id, "/a", None),
            3 | 4 => _ = world.write(id, b"hello"),
            5 => world.end(id),
            6 | 7 => world.net.socket_mut(id).destroy_soon(),
            8 => world.destroy(id),
            9 => world.takes = [None, Some(1)][usize::try_from(below(2)).unwrap()],
            10 => _ = block(&mut world, id, &["127.0.0.1"]),
            11 if below(4) == 0 => {
                world.drop_socket(id);
                held.swap_remove(at);
            }
            12 if world.attempt(id).is_some() => world.connected(id),
            13 if world.attempt(id).is_some() => world.refused(id),
            _ => _ = world.next(),
        }
    }
    for id in held {
        world.drop_socket(id);
    }
    for _ in 0..20 {
        world.rest();
        for id in &all {
            if world.attempt(*id).is_some() {
                world.connected(*id);
            }
            while world.is_writing(*id) {
                world.host_sends(*id);
            }
        }
    }
    assert_eq!(world.net.len(), 0, "seed {seed}");
    assert!(!world.net.is_alive(), "seed {seed}");
}
