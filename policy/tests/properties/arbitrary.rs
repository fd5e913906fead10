//! Policies and requests from a small world, in which they meet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use plugnet_policy::{
    ByteSize, Decision, Effect, IpcAddress, Limits, Origin, Policy, PolicyBuilder, Request,
    Resolved, Subject, TimeLimit,
};
use proptest::prelude::*;
use proptest::sample::select;

/// A rule as it is written; none is `allow-net`.
#[derive(Clone, Debug)]
pub struct Line(Option<(Effect, Subject, String)>);

impl Line {
    pub fn add(&self, builder: PolicyBuilder) -> PolicyBuilder {
        match &self.0 {
            None => builder.allow_net(),
            Some((effect, subject, entry)) => builder
                .rule(*effect, *subject, entry, Origin::CommandLine)
                .unwrap_or_else(|error| panic!("{error}")),
        }
    }

    pub fn subject(&self) -> Option<Subject> {
        self.0.as_ref().map(|(_, subject, _)| *subject)
    }
}

/// What a program asks, and what it looked up before.
#[derive(Clone, Debug)]
pub struct World {
    request: Request,
    resolved: Resolved,
    now: Instant,
}

impl World {
    pub fn decide(&self, policy: &Policy) -> Decision {
        policy.decide(&self.request, &self.resolved, self.now)
    }

    pub fn request(&self) -> &Request {
        &self.request
    }

    pub fn asking(&self, request: Request) -> Self {
        Self {
            request,
            ..self.clone()
        }
    }
}

/// Names with common ends, so that patterns meet them.
fn name() -> BoxedStrategy<String> {
    let label = select(vec!["a", "b", "xn--bcher-kva", "3com", "_x", "x-y"]);
    let domain = select(vec!["example", "example.com", "localhost", "cdn.example"]);
    (prop::collection::vec(label, 0..3), domain)
        .prop_map(|(labels, domain)| {
            labels
                .iter()
                .rev()
                .fold(domain.to_owned(), |name, label| format!("{label}.{name}"))
        })
        .boxed()
}

/// Mostly addresses near the edges of what is special.
fn ipv4() -> BoxedStrategy<Ipv4Addr> {
    let known = [
        "127.0.0.1",
        "127.0.0.2",
        "10.0.0.1",
        "10.1.0.1",
        "11.0.0.0",
        "169.254.169.254",
        "169.254.1.1",
        "93.184.215.14",
        "93.184.215.15",
        "8.8.8.8",
        "224.0.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "100.64.0.1",
    ];
    let known: Vec<Ipv4Addr> = known.iter().map(|text| text.parse().unwrap()).collect();
    prop_oneof![8 => select(known), 1 => any::<Ipv4Addr>()].boxed()
}

/// Addresses of IPv6 itself, and those that lead to IPv4.
fn ipv6() -> BoxedStrategy<Ipv6Addr> {
    let known = [
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "fd00:ec2::254",
        "2a00:1450::1",
        "2a00:1450::2",
        "ff02::1",
        "2001:db8::1",
    ];
    let known: Vec<Ipv6Addr> = known.iter().map(|text| text.parse().unwrap()).collect();
    let leading = (ipv4(), 0..4).prop_map(|(v4, way)| {
        let [a, b, c, d] = v4.octets();
        let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        match way {
            0 => Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            1 => Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            2 => Ipv6Addr::new(0x2001, 0, 0x5db8, 0xd70e, 0, 0, !high, !low),
            _ => Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0x5efe, high, low),
        }
    });
    // What is an IPv4 address in disguise is written as one.
    let any = any::<Ipv6Addr>().prop_filter("IPv4", |v6| v6.to_ipv4().is_none());
    prop_oneof![6 => select(known), 2 => leading, 1 => any].boxed()
}

fn ip() -> BoxedStrategy<IpAddr> {
    prop_oneof![3 => ipv4().prop_map(IpAddr::V4), 2 => ipv6().prop_map(IpAddr::V6)].boxed()
}

/// A network around an address, without brackets.
fn network() -> BoxedStrategy<String> {
    let edges = |longest: u8| prop_oneof![select(vec![0, 8, 16, longest - 1]), 1..longest,];
    let v4 = (ipv4(), edges(32)).prop_map(|(ip, length)| ipnet(IpAddr::V4(ip), length));
    let v6 = (ipv6(), edges(96)).prop_map(|(ip, length)| ipnet(IpAddr::V6(ip), length));
    prop_oneof![v4, v6].boxed()
}

fn ipnet(ip: IpAddr, length: u8) -> String {
    match ip {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            format!("{}/{length}", Ipv4Addr::from(u32::from(v4) & mask))
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            format!("{}/{length}", Ipv6Addr::from(u128::from(v6) & mask))
        }
    }
}

fn bracketed(host: String) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    }
}

fn port() -> BoxedStrategy<u16> {
    select(vec![80, 80, 443, 5432, 5436, 65535]).boxed()
}

fn ports() -> BoxedStrategy<String> {
    prop_oneof![
        port().prop_map(|port| port.to_string()),
        Just("*".to_owned()),
        Just("*".to_owned()),
        Just("5432-5440".to_owned()),
        Just("1-65535".to_owned()),
    ]
    .boxed()
}

fn scheme() -> BoxedStrategy<&'static str> {
    select(vec!["tcp", "tcp", "udp"]).boxed()
}

fn path() -> BoxedStrategy<String> {
    let folder = select(vec!["/run", "/run/app", "/var"]);
    let file = select(vec!["/a.sock", "/b.sock", "/"]);
    (folder, file)
        .prop_map(|(folder, file)| format!("{folder}{file}"))
        .boxed()
}

fn mapped() -> BoxedStrategy<String> {
    (path(), path(), any::<bool>())
        .prop_map(|(host, guest, map)| {
            if map && host != guest && host.ends_with('/') == guest.ends_with('/') {
                format!("{host}::{guest}")
            } else {
                host
            }
        })
        .boxed()
}

fn local() -> BoxedStrategy<String> {
    prop_oneof![
        3 => mapped().prop_map(|path| format!("unix://{path}")),
        1 => select(vec!["unix://@name", "unix://@app/", "unix://@app/::@name/", "unix://@a::@b"])
            .prop_map(str::to_owned),
        1 => select(vec!["pipe://name", r"pipe://app\", "pipe://a::b"]).prop_map(str::to_owned),
    ]
    .boxed()
}

/// An entry of `allow-connect`.
pub fn connect() -> BoxedStrategy<String> {
    let specified = ip().prop_filter("no destination", |ip| !ip.is_unspecified());
    let host = prop_oneof![
        2 => Just("*".to_owned()),
        3 => specified.prop_map(|ip| bracketed(ip.to_string())),
        3 => network().prop_map(bracketed),
        2 => name(),
        1 => name().prop_map(|name| format!("*.{name}")),
    ];
    let internet = (scheme(), host, ports())
        .prop_map(|(scheme, host, ports)| format!("{scheme}://{host}:{ports}"));
    prop_oneof![5 => internet, 1 => local()].boxed()
}

/// An entry of `allow-listen`.
pub fn listen() -> BoxedStrategy<String> {
    prop_oneof![5 => listen_with(true), 1 => local()].boxed()
}

fn listen_with(zero: bool) -> BoxedStrategy<String> {
    let host = prop_oneof![
        2 => Just("*".to_owned()),
        3 => ip().prop_map(|ip| bracketed(ip.to_string())),
        2 => network().prop_map(bracketed),
        1 => Just("localhost".to_owned()),
    ];
    let chosen = if zero { "0" } else { "*" };
    let ports = prop_oneof![3 => ports(), 1 => Just(chosen.to_owned())];
    (scheme(), host, ports)
        .prop_map(|(scheme, host, ports)| format!("{scheme}://{host}:{ports}"))
        .boxed()
}

/// An entry of `allow-resolve`.
pub fn resolve() -> BoxedStrategy<String> {
    prop_oneof![
        Just("*".to_owned()),
        name(),
        name().prop_map(|name| format!("*.{name}")),
    ]
    .boxed()
}

/// An entry of `allow-accept`.
pub fn accept() -> BoxedStrategy<String> {
    prop_oneof![
        Just("*".to_owned()),
        ip().prop_map(|ip| ip.to_string()),
        network()
    ]
    .boxed()
}

/// An entry of `allow-ipc`.
pub fn ipc() -> BoxedStrategy<String> {
    prop_oneof![
        3 => mapped(),
        1 => select(vec!["@name", "@app/", "@app/::@name/", "@a::@b"]).prop_map(str::to_owned),
        1 => select(vec![r"\\.\pipe\name", r"\\.\pipe\app\", r"\\.\pipe\a::\\.\pipe\b"])
            .prop_map(str::to_owned),
    ]
    .boxed()
}

fn line_of(effect: Effect) -> BoxedStrategy<Line> {
    let of = move |subject| move |entry| Line(Some((effect, subject, entry)));
    prop_oneof![
        5 => connect().prop_map(of(Subject::Connect)),
        3 => prop_oneof![listen_with(effect == Effect::Allow), local()].prop_map(of(Subject::Listen)),
        2 => resolve().prop_map(of(Subject::Resolve)),
        2 => accept().prop_map(of(Subject::Accept)),
        1 => ipc().prop_map(of(Subject::Ipc)),
    ]
        .boxed()
}

/// A rule that allows.
pub fn allowing_line() -> BoxedStrategy<Line> {
    prop_oneof![12 => line_of(Effect::Allow), 1 => Just(Line(None))].boxed()
}

/// A rule that denies.
pub fn denying_line() -> BoxedStrategy<Line> {
    line_of(Effect::Deny).boxed()
}

/// A policy as it is written.
pub fn lines() -> BoxedStrategy<Vec<Line>> {
    prop::collection::vec(
        prop_oneof![4 => allowing_line(), 1 => denying_line()],
        0..12,
    )
    .boxed()
}

/// Any limits.
pub fn limits() -> BoxedStrategy<Limits> {
    let size = || any::<u64>().prop_map(ByteSize::from_bytes);
    let count = || any::<u32>().prop_map(NonZeroU32::new);
    let time = any::<u64>().prop_map(TimeLimit::from_millis);
    (count(), count(), count(), size(), size(), size(), time)
        .prop_map(
            |(connections, per_peer, sockets, memory, bytes_in, bytes_out, timeout)| {
                let mut limits = Limits::default();
                limits.max_connections = connections;
                limits.max_connections_per_peer = per_peer;
                limits.max_sockets = sockets;
                limits.max_memory = memory;
                limits.max_bytes_per_second_in = bytes_in;
                limits.max_bytes_per_second_out = bytes_out;
                limits.timeout = timeout;
                limits
            },
        )
        .boxed()
}

/// A request, after lookups of which some are old, and often of the very address.
pub fn world() -> BoxedStrategy<World> {
    let address = || (ip(), port()).prop_map(SocketAddr::from);
    let request = prop_oneof![
        6 => address().prop_map(Request::TcpConnect),
        2 => address().prop_map(Request::UdpSend),
        2 => address().prop_map(Request::TcpBind),
        1 => address().prop_map(Request::TcpListen),
        1 => address().prop_map(Request::UdpBind),
        1 => address().prop_map(Request::UdpBound),
        2 => address().prop_map(Request::TcpAccept),
        1 => address().prop_map(Request::HandedAccept),
        1 => address().prop_map(Request::UdpReceive),
        3 => name().prop_map(Request::Resolve),
        1 => path().prop_map(|path| Request::IpcConnect(IpcAddress::from_path(&path))),
        1 => path().prop_map(|path| Request::IpcListen(IpcAddress::from_path(&path))),
    ];
    let answer = (name(), ip(), any::<bool>(), 0..400_u64);
    (request, prop::collection::vec(answer, 0..6))
        .prop_map(|(request, answers)| {
            let start = Instant::now();
            let now = start + Duration::from_secs(400);
            let asked = match request {
                Request::TcpConnect(address) | Request::UdpSend(address) => Some(address.ip()),
                _ => None,
            };
            let mut resolved = Resolved::new();
            for (name, ip, the_same, age) in answers {
                let ip = asked.filter(|_| the_same).unwrap_or(ip);
                resolved.answered(&name, [ip], now - Duration::from_secs(age));
            }
            World {
                request,
                resolved,
                now,
            }
        })
        .boxed()
}
