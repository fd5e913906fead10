//! How a case prints what it sees.

use crate::plugnet::net::net::{EventKind, ReadyState, Server, Socket};
use crate::plugnet::net::types::{AddressInfo, Error, IpFamily};
use std::fmt::Write;

/// Node's name of the event and what it carries.
pub fn event(kind: &EventKind) -> String {
    match kind {
        EventKind::Listening => "listening".to_owned(),
        EventKind::Connection => "connection".to_owned(),
        EventKind::Lookup(lookup) => match &lookup.outcome {
            Ok(address) => format!(
                "lookup {} {address} {}",
                lookup.host,
                match lookup.family {
                    Some(4) => "ipv4",
                    Some(6) => "ipv6",
                    _ => "-",
                }
            ),
            Err(failure) => format!("lookup {} {}", lookup.host, error(failure)),
        },
        EventKind::LookupRequest(request) => format!("lookup-request {}", request.hostname),
        EventKind::Drop(_) => "drop".to_owned(),
        EventKind::Connections(count) => format!("connections {}", count.count),
        EventKind::Timeout => "timeout".to_owned(),
        EventKind::Connect => "connect".to_owned(),
        EventKind::Ready => "ready".to_owned(),
        EventKind::Readable => "readable".to_owned(),
        EventKind::Drain => "drain".to_owned(),
        EventKind::Finish => "finish".to_owned(),
        EventKind::End => "end".to_owned(),
        EventKind::Error(failure) => format!("error {}", error(failure)),
        EventKind::Close(had_error) => format!("close {had_error}"),
        EventKind::Callback(completion) => format!(
            "callback {} {}",
            completion.callback,
            completion
                .error
                .as_ref()
                .map_or("ok".to_owned(), |failure| failure.code.clone())
        ),
    }
}

/// `CODE "message" syscall=… address=… port=… hostname=…`, and the errors of the attempts.
pub fn error(error: &Error) -> String {
    let mut text = format!("{} {:?}", error.code, error.message);
    let parts = [
        ("syscall", error.syscall.clone()),
        ("address", error.address.clone()),
        ("port", error.port.map(|port| port.to_string())),
        ("hostname", error.hostname.clone()),
    ];
    for (key, value) in parts {
        if let Some(value) = value {
            _ = write!(text, " {key}={value}");
        }
    }
    for attempt in &error.errors {
        _ = write!(text, " [{}]", attempt.message);
    }
    text
}

/// `127.0.0.1:80 ipv4`, `[::1]:80 ipv6`, `none`.
pub fn address(info: Option<AddressInfo>) -> String {
    let Some(info) = info else {
        return "none".to_owned();
    };
    if info.address.contains(':') {
        format!("[{}]:{} {}", info.address, info.port, family(info.family))
    } else {
        format!("{}:{} {}", info.address, info.port, family(info.family))
    }
}

/// Where a server listens: an address or a path, or `none`.
pub fn place(server: &Server) -> String {
    match server.path() {
        Some(path) => path,
        None => address(server.address()),
    }
}

/// What a server says of itself.
pub fn server(server: &Server) -> String {
    format!("listening={} address={}", server.listening(), place(server))
}

/// What a socket says of itself.
pub fn socket(socket: &Socket) -> String {
    format!(
        "state={} connecting={} pending={} destroyed={}",
        state(socket),
        socket.connecting(),
        socket.pending(),
        socket.destroyed()
    )
}

/// The counters of a socket.
pub fn counters(socket: &Socket) -> String {
    format!(
        "read={} written={} buffered={}",
        socket.bytes_read(),
        socket.bytes_written(),
        socket.buffer_size()
    )
}

pub fn state(socket: &Socket) -> &'static str {
    match socket.ready_state() {
        ReadyState::Opening => "opening",
        ReadyState::Open => "open",
        ReadyState::ReadOnly => "readOnly",
        ReadyState::WriteOnly => "writeOnly",
        ReadyState::Closed => "closed",
    }
}

fn family(family: IpFamily) -> &'static str {
    match family {
        IpFamily::Ipv4 => "ipv4",
        IpFamily::Ipv6 => "ipv6",
    }
}
