//! What holds for every policy and every request.

mod arbitrary;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use plugnet_policy::{
    AcceptEntry, ByteSize, ConnectEntry, IpcAddress, IpcEntry, ListenEntry, Policy, PolicyBuilder,
    Request, ResolveEntry, Resolved, Subject, TimeLimit, is_plain,
};
use proptest::prelude::*;

use arbitrary::{Line, World};

fn built(lines: &[Line]) -> Policy {
    lines
        .iter()
        .fold(Policy::builder(), |builder, line| line.add(builder))
        .build()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    /// What is displayed is accepted, is the same, and is displayed in the same way.
    #[test]
    fn entries_round_trip(
        connect in arbitrary::connect(),
        listen in arbitrary::listen(),
        resolve in arbitrary::resolve(),
        accept in arbitrary::accept(),
        ipc in arbitrary::ipc(),
    ) {
        let parsed: ConnectEntry = connect.parse().unwrap();
        prop_assert_eq!(parsed.to_string().parse::<ConnectEntry>().unwrap(), parsed.clone());
        prop_assert_eq!(parsed.to_string(), connect);
        let parsed: ListenEntry = listen.parse().unwrap();
        prop_assert_eq!(parsed.to_string().parse::<ListenEntry>().unwrap(), parsed.clone());
        prop_assert_eq!(parsed.to_string(), listen);
        let parsed: ResolveEntry = resolve.parse().unwrap();
        prop_assert_eq!(parsed.to_string(), resolve);
        let parsed: AcceptEntry = accept.parse().unwrap();
        prop_assert_eq!(parsed.to_string(), accept);
        let parsed: IpcEntry = ipc.parse().unwrap();
        prop_assert_eq!(parsed.to_string(), ipc);
    }

    /// Quantities are displayed as they are accepted.
    #[test]
    fn quantities_round_trip(amount in 1..=u64::MAX) {
        let size = ByteSize::from_bytes(amount).unwrap();
        prop_assert_eq!(size.to_string().parse::<ByteSize>().unwrap(), size);
        let time = TimeLimit::from_millis(amount).unwrap();
        prop_assert_eq!(time.to_string().parse::<TimeLimit>().unwrap(), time);
    }

    /// A policy is the same after it was written to a file.
    #[test]
    fn policies_round_trip(lines in arbitrary::lines(), limits in arbitrary::limits()) {
        let policy = built(&lines).into_builder().limits(limits).build();
        let text = policy.to_toml();
        let read = Policy::from_toml("policy.toml", &text);
        prop_assert_eq!(read.as_ref(), Ok(&policy), "{}", text);
    }

    /// An empty policy allows nothing but what leads nowhere.
    #[test]
    fn an_empty_policy_allows_nothing(world in arbitrary::world()) {
        let decision = world.decide(&Policy::default());
        if decision.is_allowed() {
            let reason = decision.reason().as_str();
            let nothing = matches!(reason, "any-local-address" | "address-literal");
            // A listener that was handed over is a grant of its own.
            prop_assert!(nothing || reason == "handed");
        }
    }

    /// One more deny never allows more.
    #[test]
    fn a_deny_never_allows_more(
        lines in arbitrary::lines(),
        more in arbitrary::denying_line(),
        world in arbitrary::world(),
    ) {
        let before = built(&lines);
        let after = more.add(before.clone().into_builder()).build();
        prop_assert!(world.decide(&before).is_allowed() || !world.decide(&after).is_allowed());
    }

    /// One more allow never denies more; the one exception is the first `allow-accept`, which
    /// begins a list of peers.
    #[test]
    fn an_allow_never_denies_more(
        lines in arbitrary::lines(),
        more in arbitrary::allowing_line(),
        world in arbitrary::world(),
    ) {
        let before = built(&lines);
        let after = more.add(before.clone().into_builder()).build();
        let first = before.rules().all(|rule| rule.key() != "allow-accept");
        let exception = more.subject() == Some(Subject::Accept) && first;
        prop_assume!(!exception);
        prop_assert!(!world.decide(&before).is_allowed() || world.decide(&after).is_allowed());
    }

    /// A rule that denies a request denies it, whatever else there is and in whatever order.
    #[test]
    fn deny_beats_allow(
        mut lines in arbitrary::lines(),
        deny in arbitrary::denying_line(),
        world in arbitrary::world(),
        at in any::<prop::sample::Index>(),
    ) {
        let alone = deny.add(Policy::builder()).build();
        let denies = world.decide(&alone).rule().is_some_and(|rule| rule.key().starts_with("deny-"));
        prop_assume!(denies);
        lines.insert(at.index(lines.len() + 1), deny);
        let policy = built(&lines).into_builder().allow_net().build();
        prop_assert!(!world.decide(&policy).is_allowed());
    }

    /// The order of rules decides nothing.
    #[test]
    fn the_order_of_rules_does_not_matter(lines in arbitrary::lines(), world in arbitrary::world()) {
        let there = built(&lines);
        let back = built(&lines.iter().rev().cloned().collect::<Vec<_>>());
        prop_assert_eq!(world.decide(&there).is_allowed(), world.decide(&back).is_allowed());
    }

    /// Of many rules each decides as if it were alone: what is allowed, one of them allows, and what is
    /// denied, one of them denies. And the decision tells the first.
    #[test]
    fn many_rules_decide_as_each_alone(
        allowing in prop::collection::vec(arbitrary::allowing_line(), 0..40),
        denying in prop::collection::vec(arbitrary::denying_line(), 0..10),
        world in arbitrary::world(),
    ) {
        // The first `allow-accept` is about all the others, and a path leads to one place.
        let request = world.request();
        let one_list = matches!(request, Request::TcpAccept(_) | Request::HandedAccept(_)
            | Request::UdpReceive(_) | Request::IpcConnect(_) | Request::IpcListen(_));
        let with = |allowing: &[Line], denying: &[Line]| {
            world.decide(&built(&[allowing, denying].concat()))
        };
        let all = with(&allowing, &denying);
        let denied = denying.iter().find(|line| !with(&allowing, std::slice::from_ref(line)).is_allowed());
        let allowed = allowing.iter().find(|line| with(std::slice::from_ref(line), &[]).is_allowed());
        // Some of them are allowed without a rule.
        let without = with(&[], &[]).is_allowed();
        if !one_list {
            let expected = (allowed.is_some() || without) && denied.is_none();
            prop_assert_eq!(all.is_allowed(), expected, "{}", all);
        }
        if with(&allowing, &[]).is_allowed() {
            prop_assert_eq!(all.is_allowed(), denied.is_none(), "{}", all);
        }
    }

    /// The spellings of an address decide equally, and so does any zone.
    #[test]
    fn spellings_decide_equally(
        lines in arbitrary::lines(),
        world in arbitrary::world(),
        zone in 1_u32..10,
    ) {
        let policy = built(&lines);
        let decided = world.decide(&policy).is_allowed();
        for request in spellings(world.request(), zone) {
            let world = world.asking(request);
            prop_assert_eq!(world.decide(&policy).is_allowed(), decided, "{}", world.request());
        }
    }

    /// The option that a decision advises allows what was denied.
    #[test]
    fn what_is_advised_helps(lines in arbitrary::lines(), world in arbitrary::world()) {
        let policy = built(&lines);
        let decision = world.decide(&policy);
        if let Some(grant) = decision.grant() {
            let (option, entry) = typed(grant);
            let (option, entry) = (option.as_str(), entry.as_str());
            let add = match option {
                "--allow-connect" => PolicyBuilder::allow_connect,
                "--allow-listen" => PolicyBuilder::allow_listen,
                "--allow-resolve" => PolicyBuilder::allow_resolve,
                "--allow-accept" => PolicyBuilder::allow_accept,
                _ => panic!("{grant}"),
            };
            let policy = add(policy.into_builder(), entry).unwrap().build();
            prop_assert!(world.decide(&policy).is_allowed(), "{}", grant);
        }
    }

    /// What is advised for a local socket with an odd name is an entry that allows it and no
    /// other, whatever a shell or the grammar could take the name for.
    #[test]
    fn what_is_advised_for_odd_names_helps(
        name in r"(\x00|@|/|\./|-|\\\\\.\\pipe\\)?([a@:./* '$();`&|>~\\é\u{202e}\u{2028}\u{9b}\n-]|::|--allow-net){0,12}",
        listens in any::<bool>(),
    ) {
        let address = IpcAddress::from_path(&name);
        let request = if listens {
            Request::IpcListen(address.clone())
        } else {
            Request::IpcConnect(address.clone())
        };
        let (resolved, now) = (Resolved::new(), Instant::now());
        let denied = Policy::default().decide(&request, &resolved, now);
        prop_assert!(!denied.is_allowed());
        // As a host that opens paths advises it.
        let by_ipc = Policy::ipc_option(&name.replacen('\0', "@", 1), &address);
        for grant in denied.grant().map(str::to_owned).into_iter().chain(by_ipc) {
            prop_assert!(grant.chars().all(is_plain), "{grant}");
            let (option, entry) = typed(&grant);
            let builder = Policy::builder();
            let builder = match option.as_str() {
                "--allow-connect" => builder.allow_connect(&entry),
                "--allow-listen" => builder.allow_listen(&entry),
                "--allow-ipc" => builder.allow_ipc(&entry),
                _ => panic!("{grant}"),
            };
            let policy = builder.unwrap().build();
            prop_assert!(policy.decide(&request, &resolved, now).is_allowed(), "{grant}");
            let more = IpcAddress::from_path(&format!("{name}x"));
            let more = Request::IpcConnect(more);
            prop_assert!(!policy.decide(&more, &resolved, now).is_allowed(), "{grant}");
        }
    }

    /// Any text is an entry or an error that shows it, and the corrected form is an entry.
    #[test]
    fn any_text_is_an_entry_or_an_error(text in "\\PC{0,40}|(tcp|unix|pipe)://[\\[\\]0-9a-f:./*%@-]{0,30}") {
        if let Err(error) = text.parse::<ConnectEntry>() {
            prop_assert_eq!(error.entry(), &text);
            prop_assert!(text.get(error.spot()).is_some());
            prop_assert!(error.to_string().contains('^'));
            if let Some(corrected) = error.corrected() {
                prop_assert!(corrected.parse::<ConnectEntry>().is_ok());
            }
        }
    }
}

/// An option and its entry, as a shell reads them: two words, with nothing after them.
fn typed(grant: &str) -> (String, String) {
    let split = grant.find([' ', '=']).unwrap();
    let (option, entry) = (&grant[..split], &grant[split + 1..]);
    let (mut word, mut quoted) = (String::new(), false);
    let mut rest = entry.chars();
    while let Some(c) = rest.next() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => word.push(c),
            '\\' => word.extend(rest.next()),
            _ => {
                let special = " \t\n!\"#$&()*;<>?[]^`{|}~";
                assert!(!special.contains(c), "{grant}");
                word.push(c);
            }
        }
    }
    assert!(!quoted, "{grant}");
    (option.to_owned(), word)
}

/// Other ways to write the address of a request.
fn spellings(request: &Request, zone: u32) -> Vec<Request> {
    let address = match request {
        Request::TcpConnect(address)
        | Request::TcpBind(address)
        | Request::TcpListen(address)
        | Request::TcpAccept(address)
        | Request::HandedAccept(address)
        | Request::UdpBind(address)
        | Request::UdpBound(address)
        | Request::UdpSend(address)
        | Request::UdpReceive(address) => *address,
        _ => return Vec::new(),
    };
    let mut others: Vec<SocketAddr> = Vec::new();
    match address.ip() {
        IpAddr::V4(v4) => {
            others.push((v4.to_ipv6_mapped(), address.port()).into());
            // `::` and `::1` are addresses of IPv6 itself.
            if u32::from(v4) > 1 {
                others.push((v4.to_ipv6_compatible(), address.port()).into());
            }
            let connects = matches!(request, Request::TcpConnect(_) | Request::UdpSend(_));
            if connects && v4 == Ipv4Addr::LOCALHOST {
                others.push((Ipv4Addr::UNSPECIFIED, address.port()).into());
            }
        }
        IpAddr::V6(v6) => {
            let port = address.port();
            others.push(std::net::SocketAddrV6::new(v6, port, 7, zone).into());
            let connects = matches!(request, Request::TcpConnect(_) | Request::UdpSend(_));
            if connects && v6 == Ipv6Addr::LOCALHOST {
                others.push((Ipv6Addr::UNSPECIFIED, port).into());
            }
        }
    }
    others
        .into_iter()
        .map(|address| match request {
            Request::TcpConnect(_) => Request::TcpConnect(address),
            Request::TcpBind(_) => Request::TcpBind(address),
            Request::TcpListen(_) => Request::TcpListen(address),
            Request::TcpAccept(_) => Request::TcpAccept(address),
            Request::HandedAccept(_) => Request::HandedAccept(address),
            Request::UdpBind(_) => Request::UdpBind(address),
            Request::UdpBound(_) => Request::UdpBound(address),
            Request::UdpSend(_) => Request::UdpSend(address),
            _ => Request::UdpReceive(address),
        })
        .collect()
}

/// The worlds that properties are tried in meet the rules: a property that nothing reaches
/// holds for nothing.
#[test]
fn the_properties_are_about_something() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let strategy = (arbitrary::lines(), arbitrary::world());
    let (mut allowed, mut denied, mut special) = (0, 0, 0);
    for _ in 0..2000 {
        let (lines, world): (Vec<Line>, World) = strategy.new_tree(&mut runner).unwrap().current();
        let decision = world.decide(&built(&lines));
        match decision.reason().as_str() {
            "rule" | "implied" if decision.is_allowed() => allowed += 1,
            "rule" => denied += 1,
            "special-address" => special += 1,
            _ => {}
        }
    }
    assert!(allowed > 300, "{allowed}");
    assert!(denied > 50, "{denied}");
    assert!(special > 15, "{special}");
}
