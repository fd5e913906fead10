//! The decisions: one test for each rule of `docs/policy.md`.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use plugnet_policy::{
    Decision, EntryError, IpcAddress, Policy, PolicyBuilder, Question, Reason, Request, Resolved,
    SpecialKind,
};

fn policy(add: impl FnOnce(PolicyBuilder) -> Result<PolicyBuilder, EntryError>) -> Policy {
    match add(Policy::builder()) {
        Ok(builder) => builder.build(),
        Err(error) => panic!("{error}"),
    }
}

fn connects_to(entry: &str) -> Policy {
    policy(|builder| builder.allow_connect(entry))
}

fn listens_at(entry: &str) -> Policy {
    policy(|builder| builder.allow_listen(entry))
}

fn tcp(address: &str) -> Request {
    Request::TcpConnect(address.parse().expect("an address"))
}

fn bind(address: &str) -> Request {
    Request::TcpBind(address.parse().expect("an address"))
}

fn listen(address: &str) -> Request {
    Request::TcpListen(address.parse().expect("an address"))
}

fn accept(peer: &str) -> Request {
    Request::TcpAccept(peer.parse().expect("an address"))
}

fn send(address: &str) -> Request {
    Request::UdpSend(address.parse().expect("an address"))
}

fn receive(address: &str) -> Request {
    Request::UdpReceive(address.parse().expect("an address"))
}

fn lookup(name: &str) -> Request {
    Request::Resolve(name.to_owned())
}

/// A decision without any lookup before.
fn decide(policy: &Policy, request: &Request) -> Decision {
    policy.decide(request, &Resolved::new(), Instant::now())
}

fn allows(policy: &Policy, request: &Request) -> bool {
    decide(policy, request).is_allowed()
}

/// What a program has that looked these up just now.
fn looked_up(answers: &[(&str, &str)]) -> (Resolved, Instant) {
    let now = Instant::now();
    let mut resolved = Resolved::new();
    for (name, address) in answers {
        resolved.answered(name, [address.parse().expect("an address")], now);
    }
    (resolved, now)
}

/// An empty policy grants nothing, and says so.
#[test]
fn nothing_is_granted_by_default() {
    let policy = Policy::default();
    for request in [
        tcp("93.184.215.14:443"),
        tcp("127.0.0.1:80"),
        bind("127.0.0.1:0"),
        bind("0.0.0.0:80"),
        listen("127.0.0.1:80"),
        listen("0.0.0.0:41689"),
        accept("127.0.0.1:5000"),
        send("8.8.8.8:53"),
        receive("8.8.8.8:53"),
        lookup("example.com"),
        Request::UdpBind("127.0.0.1:0".parse().unwrap()),
        Request::IpcConnect(IpcAddress::from_path("/run/x.sock")),
        Request::IpcListen(IpcAddress::from_path("\0abstract")),
        Request::IpcConnect(IpcAddress::from_path(r"\\.\pipe\x")),
    ] {
        let decision = decide(&policy, &request);
        assert!(!decision.is_allowed(), "{decision}");
        assert_eq!(*decision.reason(), Reason::NoRule);
    }
}

/// The bind that comes before every connect is for those who may connect, by that transport; rules
/// about listening do not take it from them. Who may listen somewhere may have ports as well, but
/// not if every port is denied; and who has no rule of the transport may have none.
#[test]
fn ports_are_for_those_who_have_a_rule_of_the_transport() {
    type Add = fn(PolicyBuilder) -> Result<PolicyBuilder, EntryError>;
    let rows: [(Add, bool, bool); 14] = [
        (|b| Ok(b), false, false),
        (|b| Ok(b.allow_net()), true, true),
        (|b| b.allow_net().deny_listen("udp://*:*"), true, true),
        (|b| b.allow_connect("tcp://192.0.2.1:80"), true, false),
        (|b| b.allow_connect("udp://a.example:53"), false, true),
        (
            |b| b.allow_connect("udp://*:53")?.deny_listen("udp://*:*"),
            false,
            true,
        ),
        (|b| b.allow_listen("tcp://127.0.0.1:80"), true, false),
        (|b| b.allow_listen("udp://127.0.0.1:53"), false, true),
        (
            |b| b.allow_listen("udp://*:0")?.deny_listen("udp://*:*"),
            false,
            false,
        ),
        (
            |b| {
                b.allow_listen("udp://*:0")?
                    .deny_listen("tcp://127.0.0.1:*")
            },
            false,
            true,
        ),
        (
            |b| b.allow_listen("udp://*:0")?.deny_listen("udp://*:1-65535"),
            false,
            true,
        ),
        (
            |b| b.allow_listen("udp://*:0")?.deny_listen("tcp://*:*"),
            false,
            true,
        ),
        (
            |b| b.deny_listen("tcp://*:*")?.deny_connect("udp://*:*"),
            false,
            false,
        ),
        (
            |b| b.allow_resolve("*")?.allow_accept("*")?.allow_ipc("/run/"),
            false,
            false,
        ),
    ];
    for (number, (add, by_tcp, by_udp)) in rows.into_iter().enumerate() {
        let policy = policy(add);
        for address in ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0"] {
            let at = address.parse().unwrap();
            let tcp = decide(&policy, &Request::TcpBind(at));
            let udp = decide(&policy, &Request::UdpBind(at));
            assert_eq!(tcp.is_allowed(), by_tcp, "{number}: {tcp}");
            assert_eq!(udp.is_allowed(), by_udp, "{number}: {udp}");
        }
        // A local address that says something is for listeners.
        let at = "127.0.0.1:0".parse().unwrap();
        let named = allows(&policy, &Request::UdpBind(at));
        assert!(!named || policy.allows_net() || number >= 8, "{number}");
    }
}

/// `check` knows what a run will say of a port that the system chooses: denied if all of them are,
/// and perhaps if some are.
#[test]
fn a_chosen_port_is_asked_about() {
    let ask = |policy: &Policy, text: &str| {
        policy.check(&Question::listen(text).unwrap(), Instant::now())
    };
    let empty = Policy::default();
    for text in ["udp://0.0.0.0:0", "udp://[::]:0", "tcp://0.0.0.0:0"] {
        assert!(!ask(&empty, text).is_allowed(), "{text}");
    }
    let client = connects_to("udp://192.0.2.1:53");
    assert!(ask(&client, "udp://0.0.0.0:0").is_allowed());
    assert!(!ask(&client, "udp://127.0.0.1:0").is_allowed());
    assert!(!ask(&client, "tcp://0.0.0.0:0").is_allowed());
    for scheme in ["tcp", "udp"] {
        let question = format!("{scheme}://127.0.0.1:0");
        let with = |deny: &[&str]| {
            let mut builder = Policy::builder().allow_net();
            for ports in deny {
                builder = builder
                    .deny_listen(&format!("{scheme}://*:{ports}"))
                    .unwrap();
            }
            ask(&builder.build(), &question)
        };
        assert!(!with(&["1-65535"]).is_allowed());
        assert!(!with(&["1-4000", "3000-65535"]).is_allowed());
        assert!(!with(&["1-4000", "4002-65535", "4001"]).is_allowed());
        let perhaps = with(&["1-4000", "4002-65535"]);
        assert!(perhaps.is_allowed());
        assert!(
            perhaps.to_string().contains("unless the system chooses"),
            "{perhaps}"
        );
        assert!(!with(&[]).to_string().contains("unless"));
    }
}

/// A UDP port that the system chose is denied by a rule that names it, by its number or by a
/// range, and by no other: clients have such ports, too.
#[test]
fn a_chosen_udp_port_is_denied_by_a_rule_that_names_it() {
    let bound = |address: &str| Request::UdpBound(address.parse().unwrap());
    assert!(allows(&Policy::default(), &bound("0.0.0.0:40000")));
    let policy = policy(|builder| {
        builder
            .deny_listen("udp://*:*")?
            .deny_listen("tcp://*:40000")?
            .deny_listen("udp://127.0.0.1:41000-42000")
    });
    assert!(allows(&policy, &bound("0.0.0.0:40000")));
    assert!(!allows(&policy, &bound("127.0.0.1:41000")));
    assert!(!allows(&policy, &bound("[::ffff:127.0.0.1]:42000")));
    assert!(!allows(&policy, &bound("0.0.0.0:41500")));
    assert!(allows(&policy, &bound("[::]:41500")));
    assert!(allows(&policy, &bound("127.0.0.2:41500")));
    assert!(allows(&policy, &bound("127.0.0.1:42001")));
}

/// A rule is about its transport, its hosts and its ports, and no others.
#[test]
fn a_rule_covers_what_it_says() {
    let policy = connects_to("tcp://93.184.0.0/16:5432-5440");
    assert!(allows(&policy, &tcp("93.184.1.2:5432")));
    assert!(allows(&policy, &tcp("93.184.255.255:5440")));
    assert!(!allows(&policy, &tcp("93.184.1.2:5431")));
    assert!(!allows(&policy, &tcp("93.184.1.2:5441")));
    assert!(!allows(&policy, &tcp("93.185.1.2:5432")));
    assert!(!allows(&policy, &send("93.184.1.2:5432")));
    let policy = connects_to("udp://8.8.8.8:53");
    assert!(allows(&policy, &send("8.8.8.8:53")));
    assert!(!allows(&policy, &tcp("8.8.8.8:53")));
}

/// What is denied stays denied, whatever is allowed and wherever it stands.
#[test]
fn deny_beats_allow() {
    let policy = policy(|builder| {
        builder
            .allow_connect("tcp://93.184.215.14:443")?
            .deny_connect("tcp://93.184.0.0/16:*")?
            .allow_connect("tcp://93.184.215.14:443")
    })
    .into_builder()
    .allow_net()
    .build();
    let decision = decide(&policy, &tcp("93.184.215.14:443"));
    assert!(!decision.is_allowed());
    assert_eq!(
        decision.rule().unwrap().to_string(),
        "deny-connect tcp://93.184.0.0/16:*"
    );
    assert!(allows(&policy, &tcp("93.185.0.1:443")));
}

/// A rule with a name holds for what this program got from the name.
#[test]
fn a_name_holds_for_what_the_program_got_from_it() {
    let policy = connects_to("tcp://api.example.com:443");
    let (resolved, now) = looked_up(&[
        ("API.example.com.", "93.184.215.14"),
        ("other.example.com", "93.184.215.15"),
    ]);
    let decision = policy.decide(&tcp("93.184.215.14:443"), &resolved, now);
    assert!(decision.is_allowed());
    assert_eq!(decision.name().unwrap().as_str(), "api.example.com");
    assert!(
        !policy
            .decide(&tcp("93.184.215.14:80"), &resolved, now)
            .is_allowed()
    );
    assert!(
        !policy
            .decide(&tcp("93.184.215.15:443"), &resolved, now)
            .is_allowed()
    );
    // Another program did not get it, and guessing it is of no use.
    assert!(!allows(&policy, &tcp("93.184.215.14:443")));
}

/// `*.example.com` is every name below, one label or more, and not the name itself.
#[test]
fn a_wildcard_is_for_names_below() {
    let policy = connects_to("tcp://*.example.com:443");
    for (name, allowed) in [
        ("a.example.com", true),
        ("a.b.example.com", true),
        ("example.com", false),
        ("badexample.com", false),
        ("example.com.evil.example", false),
    ] {
        let (resolved, now) = looked_up(&[(name, "93.184.215.14")]);
        let decision = policy.decide(&tcp("93.184.215.14:443"), &resolved, now);
        assert_eq!(decision.is_allowed(), allowed, "{name}");
        assert_eq!(allows(&policy, &lookup(name)), allowed, "{name}");
    }
}

/// An answer is good for five minutes; the decision says when it was too old.
#[test]
fn an_answer_ends() {
    let policy = connects_to("tcp://api.example.com:443");
    let (mut resolved, now) = looked_up(&[("api.example.com", "93.184.215.14")]);
    let request = tcp("93.184.215.14:443");
    let last = now + Resolved::LIFETIME - Duration::from_millis(1);
    assert!(policy.decide(&request, &resolved, last).is_allowed());
    let later = now + Resolved::LIFETIME;
    let decision = policy.decide(&request, &resolved, later);
    assert!(!decision.is_allowed());
    let Reason::StaleAnswer { age, .. } = decision.reason() else {
        panic!("{decision}");
    };
    assert_eq!(*age, Resolved::LIFETIME);
    // Asking again renews it.
    resolved.answered("api.example.com", ["93.184.215.14".parse().unwrap()], later);
    assert!(policy.decide(&request, &resolved, later).is_allowed());
}

/// A deny with a name holds for an address that another name gave as well.
#[test]
fn a_denied_name_denies_its_addresses() {
    let policy = policy(|builder| {
        builder
            .allow_connect("tcp://*.cdn.example:443")?
            .deny_connect("tcp://evil.example:443")
    });
    let answers = [
        ("a.cdn.example", "93.184.215.14"),
        ("evil.example", "93.184.215.14"),
    ];
    let (resolved, now) = looked_up(&answers);
    assert!(
        !policy
            .decide(&tcp("93.184.215.14:443"), &resolved, now)
            .is_allowed()
    );
    let (resolved, now) = looked_up(&answers[..1]);
    assert!(
        policy
            .decide(&tcp("93.184.215.14:443"), &resolved, now)
            .is_allowed()
    );
}

/// One of each special kind, and an entry that covers it and nothing wider.
const SPECIAL: [(&str, SpecialKind, &str); 28] = [
    ("127.0.0.1", SpecialKind::Loopback, "127.0.0.0/8"),
    ("127.255.255.254", SpecialKind::Loopback, "127.0.0.0/8"),
    ("::1", SpecialKind::Loopback, "[::1]"),
    ("10.1.2.3", SpecialKind::Private, "10.0.0.0/8"),
    ("172.31.255.255", SpecialKind::Private, "172.16.0.0/12"),
    ("192.168.0.1", SpecialKind::Private, "192.168.0.0/16"),
    ("fd12::1", SpecialKind::Private, "[fc00::/7]"),
    ("fec0::1", SpecialKind::Private, "[fec0::/10]"),
    ("64:ff9b:1::1", SpecialKind::Private, "[64:ff9b:1::/48]"),
    ("100.64.0.1", SpecialKind::Shared, "100.64.0.0/10"),
    ("169.254.1.1", SpecialKind::LinkLocal, "169.254.0.0/16"),
    ("fe80::1", SpecialKind::LinkLocal, "[fe80::/10]"),
    ("169.254.169.254", SpecialKind::Metadata, "169.254.169.254"),
    ("169.254.170.2", SpecialKind::Metadata, "169.254.170.2"),
    ("100.100.100.200", SpecialKind::Metadata, "100.100.100.200"),
    ("168.63.129.16", SpecialKind::Metadata, "168.63.129.16"),
    ("fd00:ec2::254", SpecialKind::Metadata, "[fd00:ec2::254]"),
    ("0.1.2.3", SpecialKind::Unspecified, "0.0.0.0/8"),
    ("224.0.0.251", SpecialKind::Multicast, "224.0.0.0/4"),
    ("ff02::fb", SpecialKind::Multicast, "[ff00::/8]"),
    ("255.255.255.255", SpecialKind::Broadcast, "255.255.255.255"),
    ("192.0.2.1", SpecialKind::Documentation, "192.0.2.0/24"),
    ("2001:db8::1", SpecialKind::Documentation, "[2001:db8::/32]"),
    ("3fff::1", SpecialKind::Documentation, "[3fff::/20]"),
    ("198.18.0.1", SpecialKind::Reserved, "198.18.0.0/15"),
    ("250.0.0.1", SpecialKind::Reserved, "240.0.0.0/4"),
    ("100::1", SpecialKind::Reserved, "[100::/64]"),
    ("5f00::1", SpecialKind::Reserved, "[5f00::/16]"),
];

/// The special-address rule: such an address is not reached through `*`, a wider network, or
/// a name, and the decision says so; an entry for its range reaches it, and so does `allow-net`.
#[test]
fn special_addresses_are_granted_as_such() {
    for (address, kind, range) in SPECIAL {
        let ip: IpAddr = address.parse().unwrap();
        let request = Request::TcpConnect((ip, 80).into());
        let (resolved, now) = looked_up(&[("rebound.example.com", address)]);
        for wide in [
            "tcp://*:80",
            "tcp://*.example.com:80",
            "tcp://rebound.example.com:80",
            if ip.is_ipv4() {
                "tcp://0.0.0.0/0:80"
            } else {
                "tcp://[::/0]:80"
            },
        ] {
            let decision = connects_to(wide).decide(&request, &resolved, now);
            let Reason::SpecialAddress { range, rule } = decision.reason() else {
                panic!("{wide}: {decision}");
            };
            assert_eq!(range.kind(), kind, "{address}");
            assert_eq!(rule.text(), wide);
            // What it advises works.
            let grant = decision.grant().unwrap();
            let entry = grant.strip_prefix("--allow-connect ").unwrap();
            // Brackets are quoted for the shell.
            let entry = entry.trim_matches('\'');
            assert!(allows(&connects_to(entry), &request), "{grant}");
        }
        assert!(
            allows(&connects_to(&format!("tcp://{range}:80")), &request),
            "{range}"
        );
        let net = Policy::builder().allow_net().build();
        assert!(allows(&net, &request), "{address}");
    }
}

/// One address more than the range is already too wide.
#[test]
fn a_network_reaches_a_special_range_from_inside_only() {
    for (wide, address) in [
        ("tcp://10.0.0.0/7:80", "10.0.0.1:80"),
        ("tcp://126.0.0.0/7:80", "127.0.0.1:80"),
        ("tcp://172.0.0.0/8:80", "172.16.0.1:80"),
        ("tcp://192.168.0.0/15:80", "192.168.0.1:80"),
        ("tcp://[fc00::/6]:80", "[fd00::1]:80"),
        ("tcp://[::/127]:80", "[::1]:80"),
        // The metadata services are ranges of their own inside of others.
        ("tcp://169.254.0.0/16:80", "169.254.169.254:80"),
        ("tcp://100.64.0.0/10:80", "100.100.100.200:80"),
        ("tcp://[fd00::/8]:80", "[fd00:ec2::254]:80"),
    ] {
        let entry = wide.parse::<plugnet_policy::ConnectEntry>();
        // A network that is IPv4 in disguise cannot even be written.
        if entry.is_ok() {
            assert!(
                !allows(&connects_to(wide), &tcp(address)),
                "{wide} {address}"
            );
        }
    }
    // What is not special within a wide network is reached.
    assert!(allows(
        &connects_to("tcp://172.0.0.0/8:80"),
        &tcp("172.32.0.1:80")
    ));
}

/// `localhost` is loopback, whatever the resolver says it is, and no more.
#[test]
fn localhost_is_loopback_only() {
    let policy = connects_to("tcp://localhost:80");
    let (resolved, now) = looked_up(&[
        ("localhost", "127.0.0.1"),
        ("localhost", "::1"),
        ("localhost", "10.0.0.1"),
    ]);
    assert!(
        policy
            .decide(&tcp("127.0.0.1:80"), &resolved, now)
            .is_allowed()
    );
    assert!(policy.decide(&tcp("[::1]:80"), &resolved, now).is_allowed());
    assert!(
        !policy
            .decide(&tcp("10.0.0.1:80"), &resolved, now)
            .is_allowed()
    );
    // It is a name: the program has to look it up.
    assert!(!allows(&policy, &tcp("127.0.0.1:80")));
    assert!(allows(&policy, &lookup("localhost")));
    assert!(!allows(
        &connects_to("tcp://nolocalhost:80"),
        &lookup("localhost")
    ));
}

/// A name that stands for this machine allows loopback alone, though the resolver or a `hosts` file
/// says otherwise: in no spelling, by no pattern, over no transport.
#[test]
fn localhost_that_resolves_elsewhere_is_not_reached() {
    for rule in [
        "localhost",
        "foo.localhost",
        "*.localhost",
        "LOCALHOST.",
        "*.foo.localhost",
    ] {
        for scheme in ["tcp", "udp"] {
            let policy = connects_to(&format!("{scheme}://{rule}:80"));
            for asked in [
                "localhost",
                "localhost.",
                "LocalHost",
                "foo.localhost",
                "a.foo.localhost",
            ] {
                for address in [
                    "8.8.8.8",
                    "2a00:1450::1",
                    "10.0.0.1",
                    "64:ff9b::7f00:1",
                    "0.0.0.1",
                ] {
                    let (resolved, now) = looked_up(&[(asked, address)]);
                    let to = SocketAddr::new(address.parse().unwrap(), 80);
                    for request in [Request::TcpConnect(to), Request::UdpSend(to)] {
                        let decision = policy.decide(&request, &resolved, now);
                        assert!(!decision.is_allowed(), "{rule} {asked}: {decision}");
                        // An old answer is no reason to look it up again.
                        let later = now + Duration::from_secs(600);
                        let decision = policy.decide(&request, &resolved, later);
                        assert_eq!(*decision.reason(), Reason::NoRule, "{rule} {asked}");
                    }
                }
            }
        }
    }
    // Another name that the address has as well is one like any other, and so are the names that
    // only some systems have for this machine.
    for name in [
        "a.example",
        "ip6-localhost",
        "localhost.localdomain",
        "localhost4",
    ] {
        let policy = connects_to(&format!("tcp://{name}:80"));
        let (resolved, now) = looked_up(&[("localhost", "8.8.8.8"), (name, "8.8.8.8")]);
        assert!(
            policy
                .decide(&tcp("8.8.8.8:80"), &resolved, now)
                .is_allowed()
        );
        let (resolved, now) = looked_up(&[(name, "127.0.0.1"), (name, "::1")]);
        assert!(
            !policy
                .decide(&tcp("127.0.0.1:80"), &resolved, now)
                .is_allowed(),
            "{name}"
        );
        assert!(
            !policy.decide(&tcp("[::1]:80"), &resolved, now).is_allowed(),
            "{name}"
        );
    }
}

/// A rule that denies a name for this machine denies what the program got for it, wherever that is.
#[test]
fn what_a_denied_localhost_gave_is_denied() {
    for (rule, asked) in [
        ("localhost", "LOCALHOST."),
        ("foo.localhost", "foo.localhost"),
        ("*.localhost", "a.foo.localhost"),
    ] {
        let policy = policy(|builder| {
            let builder = builder.allow_net();
            builder.deny_connect(&format!("tcp://{rule}:80"))
        });
        for address in ["127.0.0.1", "8.8.8.8", "::1", "2a00:1450::1"] {
            let to = Request::TcpConnect(SocketAddr::new(address.parse().unwrap(), 80));
            assert!(allows(&policy, &to), "{rule} {address}");
            let (resolved, now) = looked_up(&[(asked, address)]);
            assert!(
                !policy.decide(&to, &resolved, now).is_allowed(),
                "{rule} {address}"
            );
        }
    }
}

/// IPv4-mapped and IPv4-compatible addresses and zones are spellings of one host.
#[test]
fn spellings_are_one_host() {
    let allow = connects_to("tcp://127.0.0.1:80");
    let deny = policy(|builder| builder.deny_connect("tcp://127.0.0.1:80"))
        .into_builder()
        .allow_net()
        .build();
    for spelling in [
        "127.0.0.1:80",
        "[::ffff:127.0.0.1]:80",
        "[::ffff:7f00:1]:80",
        "[::127.0.0.1]:80",
        // Systems connect to this machine.
        "0.0.0.0:80",
        "[::ffff:0.0.0.0]:80",
    ] {
        assert!(allows(&allow, &tcp(spelling)), "{spelling}");
        assert!(!allows(&deny, &tcp(spelling)), "{spelling}");
        assert!(
            !allows(&connects_to("tcp://[::/0]:80"), &tcp(spelling)),
            "{spelling}"
        );
    }
    assert!(allows(&connects_to("tcp://[::1]:80"), &tcp("[::]:80")));
    let policy = connects_to("tcp://[fe80::1]:80");
    assert!(allows(&policy, &tcp("[fe80::1]:80")));
    assert!(allows(&policy, &tcp("[fe80::1%7]:80")));
}

/// An address that leads to an IPv4 host by a translator or a tunnel is denied with the host,
/// is as special as it, and is not granted with it.
#[test]
fn tunnels_are_denied_with_what_they_lead_to() {
    for (tunnel, inner) in [
        ("64:ff9b::169.254.169.254", "169.254.169.254"),
        ("64:ff9b::10.0.0.1", "10.0.0.1"),
        ("64:ff9b::127.0.0.1", "127.0.0.1"),
        ("::ffff:0:10.0.0.1", "10.0.0.1"),
        ("2002:a00:1::", "10.0.0.1"),
        ("2002:7f00:1::1", "127.0.0.1"),
        // Teredo: the server as it is, the client inverted.
        ("2001:0:a00:1::", "10.0.0.1"),
        ("2001:0:5db8:d70e::f5ff:fffe", "10.0.0.1"),
        ("2a00:1450::5efe:10.0.0.1", "10.0.0.1"),
    ] {
        let request = tcp(&format!("[{tunnel}]:80"));
        let wide = connects_to("tcp://*:80");
        let decision = decide(&wide, &request);
        assert_eq!(decision.reason().as_str(), "special-address", "{tunnel}");
        assert!(
            !allows(&connects_to(&format!("tcp://{inner}:80")), &request),
            "{tunnel}"
        );
        assert!(
            !allows(&connects_to("tcp://[::/0]:80"), &request),
            "{tunnel}"
        );
        assert!(
            allows(&connects_to(&format!("tcp://[{tunnel}]:80")), &request),
            "{tunnel}"
        );
        let denied = policy(|builder| builder.deny_connect(&format!("tcp://{inner}:80")))
            .into_builder()
            .allow_net()
            .build();
        assert!(!allows(&denied, &request), "{tunnel}");
    }
    // NAT64 of a public host is a public address.
    assert!(allows(
        &connects_to("tcp://*:80"),
        &tcp("[64:ff9b::93.184.215.14]:80")
    ));
}

/// A listener is covered by its address; every local address only by itself or `*`.
#[test]
fn a_listener_is_where_it_may_be() {
    let policy = listens_at("tcp://127.0.0.0/8:8080");
    assert!(allows(&policy, &bind("127.0.0.1:8080")));
    assert!(allows(&policy, &bind("[::ffff:127.0.0.1]:8080")));
    assert!(!allows(&policy, &bind("127.0.0.1:8081")));
    assert!(!allows(&policy, &bind("127.0.0.1:0")));
    assert!(!allows(&policy, &bind("0.0.0.0:8080")));
    assert!(!allows(
        &listens_at("tcp://0.0.0.0/0:80"),
        &bind("0.0.0.0:80")
    ));
    assert!(allows(&listens_at("tcp://0.0.0.0:80"), &bind("0.0.0.0:80")));
    assert!(!allows(
        &listens_at("tcp://0.0.0.0:80"),
        &bind("127.0.0.1:80")
    ));
    assert!(!allows(&listens_at("tcp://0.0.0.0:80"), &bind("[::]:80")));
    for address in ["0.0.0.0:80", "[::]:80", "127.0.0.1:80", "10.0.0.1:80"] {
        assert!(
            allows(&listens_at("tcp://*:80"), &bind(address)),
            "{address}"
        );
    }
    assert!(!allows(&listens_at("udp://*:80"), &bind("127.0.0.1:80")));
}

/// Port 0 is a port that the system chooses: it is asked for at the bind, and known after it.
#[test]
fn port_0_is_chosen_by_the_system() {
    let policy = listens_at("tcp://127.0.0.1:0");
    assert!(allows(&policy, &bind("127.0.0.1:0")));
    assert!(!allows(&policy, &bind("127.0.0.1:41689")));
    assert!(allows(&policy, &listen("127.0.0.1:41689")));
    // The bind before a connect gives no right to listen, nor does listening without a bind.
    assert!(!allows(&policy, &listen("0.0.0.0:41689")));
    assert!(!allows(&policy, &listen("0.0.0.0:0")));
    assert!(!allows(&listens_at("tcp://*:8080"), &listen("0.0.0.0:0")));
    assert!(allows(&listens_at("tcp://*:0"), &listen("0.0.0.0:0")));
    assert!(allows(
        &listens_at("tcp://127.0.0.1:*"),
        &bind("127.0.0.1:0")
    ));
    assert!(!allows(
        &listens_at("tcp://127.0.0.1:8000-8010"),
        &bind("127.0.0.1:0")
    ));
}

/// Whoever listens at every local address listens at the one that is denied.
#[test]
fn a_denied_address_denies_all_addresses_of_its_family() {
    let policy = policy(|builder| {
        builder
            .allow_listen("tcp://*:*")?
            .deny_listen("tcp://127.0.0.1:8080")
    });
    assert!(!allows(&policy, &bind("127.0.0.1:8080")));
    assert!(!allows(&policy, &bind("0.0.0.0:8080")));
    assert!(allows(&policy, &bind("[::]:8080")));
    assert!(allows(&policy, &bind("0.0.0.0:8081")));
    let network = policy
        .clone()
        .into_builder()
        .deny_listen("tcp://[fc00::/7]:9000")
        .unwrap()
        .build();
    assert!(!allows(&network, &bind("[::]:9000")));
    assert!(allows(&network, &bind("0.0.0.0:9000")));
    // With a port that the system chose the deny holds once the port is known.
    assert!(!allows(&policy, &listen("0.0.0.0:8080")));
}

/// `localhost` as a listener's host is loopback, once looked up.
#[test]
fn a_listener_at_localhost() {
    let policy = listens_at("tcp://localhost:8080");
    assert!(allows(&policy, &lookup("localhost")));
    let (resolved, now) = looked_up(&[("localhost", "127.0.0.1"), ("localhost", "0.0.0.0")]);
    assert!(
        policy
            .decide(&bind("127.0.0.1:8080"), &resolved, now)
            .is_allowed()
    );
    assert!(
        !policy
            .decide(&bind("0.0.0.0:8080"), &resolved, now)
            .is_allowed()
    );
}

/// Without `allow-accept` everybody may connect to a listener; with it, only those.
#[test]
fn who_may_connect_to_a_listener() {
    let open = listens_at("tcp://127.0.0.1:8080");
    assert!(allows(&open, &accept("93.184.215.14:5000")));
    let closed = policy(|builder| {
        builder
            .allow_listen("tcp://*:8080")?
            .allow_accept("10.0.0.0/8")?
            .deny_accept("10.9.0.0/16")
    });
    assert!(allows(&closed, &accept("10.0.0.1:5000")));
    assert!(allows(&closed, &accept("[::ffff:10.0.0.1]:5000")));
    assert!(!allows(&closed, &accept("10.9.0.1:5000")));
    let decision = decide(&closed, &accept("93.184.215.14:5000"));
    assert_eq!(*decision.reason(), Reason::NotAmongPeers);
    // Also for who may do everything otherwise.
    let net = closed.into_builder().allow_net().build();
    assert!(!allows(&net, &accept("93.184.215.14:5000")));
    // Who may not listen has nobody to accept.
    let none = policy(|builder| builder.allow_accept("*"));
    assert!(!allows(&none, &accept("10.0.0.1:5000")));
    // `*` names no special addresses here: it is the peer who connects.
    let all = policy(|builder| builder.allow_listen("tcp://*:80")?.allow_accept("*"));
    assert!(allows(&all, &accept("127.0.0.1:5000")));
}

/// A datagram is taken as an answer from whom the program may send to, or as a listener's.
#[test]
fn datagrams_are_answers_or_for_a_listener() {
    let client = connects_to("udp://8.8.8.8:53");
    assert!(allows(&client, &receive("8.8.8.8:53")));
    assert!(!allows(&client, &receive("8.8.8.8:54")));
    assert!(!allows(&client, &receive("8.8.4.4:53")));
    let server = listens_at("udp://127.0.0.1:53");
    assert!(allows(&server, &receive("127.0.0.1:5000")));
    assert!(!allows(
        &listens_at("tcp://127.0.0.1:53"),
        &receive("127.0.0.1:5000")
    ));
    let denied = policy(|builder| {
        builder
            .allow_connect("udp://8.8.8.8:53")?
            .deny_accept("8.8.0.0/16")
    });
    assert!(!allows(&denied, &receive("8.8.8.8:53")));
}

/// Resolving is a right of its own, implied only by a rule that is useless without it.
#[test]
fn looking_up_is_a_right() {
    let policy = policy(|builder| {
        builder
            .allow_connect("tcp://api.example.com:443")?
            .allow_connect("tcp://*:80")?
            .allow_resolve("*.allowed.example")
    });
    let decision = decide(&policy, &lookup("API.Example.com"));
    assert_eq!(decision.reason().as_str(), "implied");
    assert_eq!(decision.name().unwrap().as_str(), "api.example.com");
    assert!(allows(&policy, &lookup("a.allowed.example.")));
    assert!(!allows(&policy, &lookup("allowed.example")));
    assert!(!allows(&policy, &lookup("example.com")));
    assert!(!allows(&policy, &lookup("secret.api.example.com")));
    let denied = policy
        .into_builder()
        .deny_resolve("*.example.com")
        .unwrap()
        .build();
    assert!(!allows(&denied, &lookup("api.example.com")));
}

/// Looking up does not allow to connect.
#[test]
fn looking_up_does_not_connect() {
    let policy = policy(|builder| builder.allow_resolve("*"));
    let (resolved, now) = looked_up(&[("api.example.com", "93.184.215.14")]);
    assert!(
        !policy
            .decide(&tcp("93.184.215.14:443"), &resolved, now)
            .is_allowed()
    );
}

/// An address is not looked up. What only looks like a name but is an address to a system, is
/// not looked up either, whatever is granted.
#[test]
fn numbers_are_not_names() {
    let net = Policy::builder().allow_net().build();
    let none = Policy::default();
    for literal in ["127.0.0.1", "::1", "::ffff:10.0.0.1", "fe80::1%eth0"] {
        let decision = decide(&none, &lookup(literal));
        assert_eq!(*decision.reason(), Reason::AddressLiteral, "{literal}");
        assert!(decision.is_allowed());
    }
    for number in [
        "127.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.0.0.1.",
        "0",
        "１２７.0.0.1",
        "127。0。0。1",
        "example.0x7f",
        "1.2.3.4.5",
        "[::1]",
        "a b",
        "",
        ".",
        "a..example",
        "example..",
        "exa\0mple",
        "::1%a.very.long.zone.example",
        "::1%",
        "::1%a/b",
        "example.com/x",
    ] {
        let decision = decide(&net, &lookup(number));
        assert_eq!(decision.reason().as_str(), "not-a-name", "{number}");
        assert!(!decision.is_allowed());
    }
}

/// An answer to a literal is no answer to a name.
#[test]
fn literals_are_not_recorded() {
    let (resolved, now) = looked_up(&[("93.184.215.14", "93.184.215.14"), ("127.1", "127.0.0.1")]);
    assert!(resolved.is_empty());
    assert_eq!(
        resolved
            .names("93.184.215.14".parse().unwrap(), now)
            .count(),
        0
    );
}

/// What is kept of a program's answers is bounded; the oldest go first.
#[test]
fn answers_are_bounded() {
    let now = Instant::now();
    let mut resolved = Resolved::with_limits(Resolved::LIFETIME, 3);
    let ip = |last: u8| IpAddr::from([93, 184, 215, last]);
    resolved.answered("a.example", (1..=3).map(ip), now);
    // Renewed: now the youngest.
    resolved.answered("a.example", [ip(1)], now);
    resolved.answered("b.example", [ip(4)], now);
    assert_eq!(resolved.len(), 3);
    let known = |last| resolved.names(ip(last), now).count();
    assert_eq!([1, 2, 3, 4].map(known), [1, 0, 1, 1]);
    for _ in 0..10_000 {
        resolved.answered("c.example", [ip(5)], now);
    }
    assert_eq!(resolved.len(), 3);
}

/// Paths compare as texts, folders hold what is in them, and nothing goes up.
#[test]
fn local_sockets() {
    let policy = policy(|builder| {
        builder
            .allow_ipc("/run/app/")?
            .allow_ipc("/host/redis.sock::/redis.sock")?
            .allow_connect("unix:///run/one.sock")?
            .allow_listen("unix://@mine")?
            .allow_connect("pipe://Docker")?
            .deny_ipc("/run/app/private/")
    });
    let connect = |path: &str| allows(&policy, &Request::IpcConnect(IpcAddress::from_path(path)));
    let listen = |path: &str| allows(&policy, &Request::IpcListen(IpcAddress::from_path(path)));
    assert!(connect("/run/app/a.sock") && listen("/run/app/a.sock"));
    assert!(connect("/run/app/deep/a.sock"));
    assert!(connect("/run//app/./a.sock"));
    assert!(!connect("/run/app/../one/a.sock"));
    assert!(!connect("/run/app/../app/a.sock"));
    assert!(!connect("/run/app"));
    assert!(!connect("/run/app/"));
    assert!(!connect("/run/application.sock"));
    assert!(!connect("run/app/a.sock"));
    assert!(!connect("/run/app/private/a.sock"));
    assert!(connect("/redis.sock"));
    assert!(!connect("/host/redis.sock"));
    assert!(connect("/run/one.sock") && !listen("/run/one.sock"));
    assert!(listen("\0mine") && !connect("\0mine"));
    assert!(!listen("@mine"));
    assert!(connect(r"\\.\pipe\docker") && connect(r"\\?\PIPE\DOCKER"));
    assert!(!connect(r"\\.\pipe\docker2"));
    // The broad form of the network is not about local sockets.
    let net = Policy::builder().allow_net().build();
    assert!(!allows(
        &net,
        &Request::IpcConnect(IpcAddress::from_path("/run/x"))
    ));
}

/// Every kind of name has a folder form, and a mapping, which is decided by both names.
#[test]
fn folders_and_mappings_of_every_kind() {
    let decides = |rules: &[(&str, &str)], path: &str| {
        let policy = rules
            .iter()
            .fold(Policy::builder(), |builder, (effect, entry)| {
                match *effect {
                    "allow" => builder.allow_ipc(entry),
                    _ => builder.deny_ipc(entry),
                }
                .unwrap()
            });
        allows(
            &policy.build(),
            &Request::IpcListen(IpcAddress::from_path(path)),
        )
    };
    for (folder, inside, outside) in [
        (
            "/run/app/",
            ["/run/app/x", "/run/app/a/b"],
            ["/run/app", "/run/x"],
        ),
        ("run/", ["run/x", "./run/a/b"], ["/run/x", "run"]),
        ("./", ["x", "a/b"], ["/x", "."]),
        ("/", ["/x", "/a/b"], ["/", "x"]),
        ("@app/", ["\0app/x", "\0app/a/b"], ["\0app", "\0app/"]),
        (
            r"\\.\pipe\app\",
            [r"\\.\pipe\app\x", r"\\?\PIPE\APP\a\b"],
            [r"\\.\pipe\app", r"\\.\pipe\x"],
        ),
        (
            r"\\.\pipe\",
            [r"\\.\pipe\x", "//./pipe/a/b"],
            [r"\\.\pipe\", r"\\.\pipe"],
        ),
    ] {
        for path in inside {
            assert!(decides(&[("allow", folder)], path), "{folder} {path:?}");
            assert!(
                !decides(&[("allow", folder), ("deny", folder)], path),
                "{folder} {path:?}"
            );
        }
        for path in outside {
            assert!(!decides(&[("allow", folder)], path), "{folder} {path:?}");
        }
    }
    // Windows would read these as other names.
    for path in [
        r"\\.\pipe\..\x",
        r"\\.\pipe\x.",
        r"\\.\pipe\x ",
        r"\\.\pipe\\x",
    ] {
        assert!(
            !decides(&[("allow", r"\\.\pipe\"), ("allow", "./")], path),
            "{path}"
        );
    }
    for (host, guest, path, on_host) in [
        ("/host/x", "/g/x", "/g/x", "/host/x"),
        ("/host/", "/g/", "/g/a/x", "/host/a/x"),
        ("@host", "@g", "\0g", "\0host"),
        ("@host/", "@g/", "\0g/x", "\0host/x"),
        (
            r"\\.\pipe\host",
            r"\\.\pipe\g",
            r"\\.\pipe\g",
            r"\\.\pipe\host",
        ),
        (
            r"\\.\pipe\h\",
            r"\\.\pipe\g\",
            r"\\.\pipe\G\x",
            r"\\.\pipe\h\x",
        ),
    ] {
        let mapped = format!("{host}::{guest}");
        let allow = ("allow", mapped.as_str());
        assert!(
            decides(&[allow], path) && !decides(&[allow], on_host),
            "{mapped}"
        );
        // Denied by the host's name, by the program's, and as HOST::GUEST by either.
        for denied in [host, guest, &mapped, &format!("{host}::{guest}")] {
            assert!(
                !decides(&[allow, ("deny", denied)], path),
                "{mapped} {denied}"
            );
        }
        let both = [("allow", host), ("allow", guest), ("deny", &mapped)];
        assert!(
            !decides(&both, path) && !decides(&both, on_host),
            "{mapped}"
        );
    }
}

/// What a decision says to people.
#[test]
fn a_decision_for_people() {
    let policy = connects_to("tcp://*:80");
    let expected = "\
denied: TCP connect to 127.0.0.1:80
  the address is loopback (127.0.0.0/8), which allow-connect tcp://*:80 does not cover
  to allow it: --allow-connect tcp://127.0.0.1:80";
    assert_eq!(decide(&policy, &tcp("127.0.0.1:80")).to_string(), expected);
    let expected = "\
denied: TCP connect to 93.184.215.14:81
  no rule allows it
  to allow it: --allow-connect tcp://93.184.215.14:81";
    assert_eq!(
        decide(&policy, &tcp("93.184.215.14:81")).to_string(),
        expected
    );
    let file =
        Policy::from_toml("app.toml", "\nallow-connect = [\"tcp://a.example:443\"]").unwrap();
    let (resolved, now) = looked_up(&[("a.example", "93.184.215.14")]);
    let expected = "\
allowed: TCP connect to 93.184.215.14:443
  by allow-connect tcp://a.example:443 (app.toml:2)
  the program got the address from a.example";
    let decision = file.decide(&tcp("93.184.215.14:443"), &resolved, now);
    assert_eq!(decision.to_string(), expected);
    // What the program wrote does not reach the terminal as it is.
    let decision = decide(&policy, &lookup("\u{1b}[2J"));
    assert!(!decision.to_string().contains('\u{1b}'));
}

/// What the audit has of a decision.
#[test]
fn a_decision_for_the_audit() {
    let json = |decision: &Decision| serde_json::to_value(decision).unwrap();
    let policy = connects_to("tcp://*:80");
    assert_eq!(
        json(&decide(&policy, &tcp("127.0.0.1:80"))),
        serde_json::json!({
            "action": "tcp-connect",
            "target": "127.0.0.1:80",
            "allowed": false,
            "reason": "special-address",
            "rule": "allow-connect tcp://*:80",
            "origin": "library",
            "special": "loopback",
        })
    );
    assert_eq!(
        json(&decide(&policy, &lookup("Example.COM"))),
        serde_json::json!({
            "action": "resolve",
            "target": "Example.COM",
            "allowed": false,
            "reason": "no-rule",
            "name": "example.com",
        })
    );
}

/// What `plugnet check` answers before any program runs.
#[test]
fn questions() {
    let policy = policy(|builder| {
        builder
            .allow_connect("tcp://api.example.com:443")?
            .allow_connect("tcp://localhost:6379")?
            .allow_connect("tcp://*:80")?
            .deny_resolve("denied.example")?
            .allow_listen("tcp://127.0.0.1:0")?
            .allow_listen("tcp://localhost:8080")
    });
    let now = Instant::now();
    let connect = |text: &str| {
        policy
            .check(&Question::connect(text).unwrap(), now)
            .is_allowed()
    };
    let listen = |text: &str| {
        policy
            .check(&Question::listen(text).unwrap(), now)
            .is_allowed()
    };
    assert!(connect("tcp://api.example.com:443"));
    assert!(
        !connect("tcp://other.example:80"),
        "allowed to connect, not to look up"
    );
    assert!(!connect("tcp://denied.example:80"));
    assert!(connect("tcp://localhost:6379"));
    assert!(!connect("tcp://localhost:80"));
    assert!(connect("tcp://93.184.215.14:80"));
    assert!(!connect("udp://93.184.215.14:80"));
    assert!(listen("tcp://127.0.0.1:0"));
    assert!(!listen("tcp://127.0.0.1:80"));
    assert!(listen("tcp://localhost:8080"));
    assert!(
        policy
            .check(&Question::accept("10.0.0.1").unwrap(), now)
            .is_allowed()
    );
    assert!(
        !policy
            .check(&Question::resolve("x.example"), now)
            .is_allowed()
    );
    for bad in [
        "tcp://*:80",
        "tcp://a.example:*",
        "tcp://10.0.0.0/8:80",
        "unix:///run/",
        "x",
    ] {
        assert!(Question::connect(bad).is_err(), "{bad}");
    }
    assert!(Question::accept("10.0.0.0/8").is_err());
    let check = policy.check(
        &Question::connect("tcp://api.example.com:443").unwrap(),
        now,
    );
    let expected = "\
allowed: lookup of api.example.com
  implied by allow-connect tcp://api.example.com:443
allowed: TCP connect to api.example.com:443
  by allow-connect tcp://api.example.com:443
  if it gives a public address that no rule denies; one that is loopback, private or special \
otherwise needs a rule of its own";
    assert_eq!(check.to_string(), expected);
}

/// However long a name is that a program asks for, what is said of it is short.
#[test]
fn long_names_make_short_decisions() {
    for name in [
        "a".repeat(1 << 20),
        "ü".repeat(1 << 20),
        "::1%".repeat(1 << 20),
    ] {
        let decision = decide(&Policy::default(), &lookup(&name));
        assert!(!decision.is_allowed());
        assert!(decision.to_string().len() < 2000);
        assert!(serde_json::to_string(&decision).unwrap().len() < 2000);
    }
}

/// A listener that was handed over needs no rule to listen; the rules about who may connect hold
/// for it.
#[test]
fn a_handed_listener_needs_no_right_to_listen() {
    let handed = |peer: &str| Request::HandedAccept(peer.parse().expect("an address"));
    let decision = decide(&Policy::default(), &handed("192.0.2.1:5000"));
    assert!(decision.is_allowed(), "{decision}");
    assert_eq!(*decision.reason(), Reason::Handed);
    let policy = policy(|builder| builder.allow_accept("10.0.0.0/8")?.deny_accept("10.0.0.1"));
    assert!(allows(&policy, &handed("10.0.0.2:5000")));
    assert!(allows(&policy, &handed("[::ffff:10.0.0.2]:5000")));
    for peer in ["192.0.2.1:5000", "10.0.0.1:5000", "[::ffff:10.0.0.1]:5000"] {
        assert!(!allows(&policy, &handed(peer)), "{peer}");
    }
}

/// A file that is denied under the name the program would have for it elsewhere stays denied, so
/// no option is advised that would not help.
#[test]
fn no_option_is_advised_for_a_file_denied_under_another_name() {
    let denying = policy(|builder| builder.deny_ipc("/run/app/b.sock::/run/a.sock"));
    for request in [Request::IpcConnect, Request::IpcListen] {
        let asked = request(IpcAddress::from_path("/run/app/b.sock"));
        let decision = decide(&denying, &asked);
        assert!(!decision.is_allowed(), "{decision}");
        assert_eq!(decision.grant(), None);
        let other = decide(&denying, &request(IpcAddress::from_path("/run/app/c.sock")));
        assert!(other.grant().is_some(), "{other}");
    }
}
