//! Conversions between the core's types and the WIT package's.
//!
//! The host, which provides the same interfaces, includes this file: `contract` are the types of
//! whoever does.

use super::contract::{net, types};
use plugnet_core::{
    ConnectRequest, Error, Event, EventKind, Family, ListenOptions, ListenPathOptions, Lookup,
    LookupRequest, ReadyState, Resolved, ServerOptions, SocketOptions,
};
use std::net::{IpAddr, SocketAddr};

/// A number of the contract as one of this machine; what does not fit is more than
/// there could be.
pub fn saturating(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl From<IpAddr> for types::IpFamily {
    fn from(address: IpAddr) -> Self {
        Family::of(address).into()
    }
}

impl From<Family> for types::IpFamily {
    fn from(family: Family) -> Self {
        match family {
            Family::Ipv4 => Self::Ipv4,
            Family::Ipv6 => Self::Ipv6,
        }
    }
}

impl From<types::ResolvedAddress> for Resolved {
    fn from(resolved: types::ResolvedAddress) -> Self {
        Self {
            address: resolved.address,
            family: resolved.family,
        }
    }
}

impl From<LookupRequest> for net::LookupRequest {
    fn from(request: LookupRequest) -> Self {
        Self {
            hostname: request.hostname,
            family: request.family.map(Into::into),
            hints: request.hints,
            all: request.all,
        }
    }
}

impl From<types::IpFamily> for Family {
    fn from(family: types::IpFamily) -> Self {
        match family {
            types::IpFamily::Ipv4 => Self::Ipv4,
            types::IpFamily::Ipv6 => Self::Ipv6,
        }
    }
}

impl From<SocketAddr> for types::AddressInfo {
    fn from(address: SocketAddr) -> Self {
        Self {
            address: super::shown(&address),
            family: address.ip().into(),
            port: address.port(),
        }
    }
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        Self {
            code: error.code.into_owned(),
            message: error.message,
            syscall: error.syscall.map(|syscall| syscall.into_owned()),
            address: error.address,
            port: error.port,
            hostname: error.hostname,
            errors: error
                .errors
                .into_iter()
                .map(|attempt| types::AttemptError {
                    code: attempt.code.into_owned(),
                    message: attempt.message,
                    syscall: attempt.syscall.map(|syscall| syscall.into_owned()),
                    address: attempt.address,
                    port: attempt.port,
                })
                .collect(),
        }
    }
}

impl From<types::Error> for Error {
    fn from(error: types::Error) -> Self {
        Self {
            code: error.code.into(),
            message: error.message,
            syscall: error.syscall.map(Into::into),
            address: error.address,
            port: error.port,
            hostname: error.hostname,
            errors: error
                .errors
                .into_iter()
                .map(|attempt| Self {
                    code: attempt.code.into(),
                    message: attempt.message,
                    syscall: attempt.syscall.map(Into::into),
                    address: attempt.address,
                    port: attempt.port,
                    hostname: None,
                    errors: Vec::new(),
                })
                .collect(),
        }
    }
}

impl From<ReadyState> for net::ReadyState {
    fn from(state: ReadyState) -> Self {
        match state {
            ReadyState::Opening => Self::Opening,
            ReadyState::Open => Self::Open,
            ReadyState::ReadOnly => Self::ReadOnly,
            ReadyState::WriteOnly => Self::WriteOnly,
            ReadyState::Closed => Self::Closed,
        }
    }
}

impl From<Event> for net::Event {
    fn from(event: Event) -> Self {
        Self {
            source: event.source.number(),
            kind: event.kind.into(),
        }
    }
}

impl From<EventKind> for net::EventKind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Listening => Self::Listening,
            EventKind::Connection => Self::Connection,
            EventKind::Drop { local, remote } => Self::Drop(net::Dropped {
                local: local.map(Into::into),
                remote: remote.map(Into::into),
            }),
            EventKind::Connections { callback, count } => Self::Connections(net::ConnectionCount {
                callback,
                count: count as u64,
            }),
            EventKind::LookupRequest(request) => Self::LookupRequest(request.into()),
            EventKind::Lookup { host, outcome } => Self::Lookup(net::LookupOutcome {
                host,
                family: outcome.as_ref().ok().map(|resolved| resolved.family),
                outcome: outcome
                    .map(|resolved| resolved.address)
                    .map_err(types::Error::from),
            }),
            EventKind::Connect => Self::Connect,
            EventKind::Ready => Self::Ready,
            EventKind::Readable => Self::Readable,
            EventKind::Drain => Self::Drain,
            EventKind::Finish => Self::Finish,
            EventKind::End => Self::End,
            EventKind::Timeout => Self::Timeout,
            EventKind::Error(error) => Self::Error(error.into()),
            EventKind::Close { had_error } => Self::Close(had_error),
            EventKind::Callback { callback, error } => Self::Callback(net::Completion {
                callback,
                error: error.map(types::Error::from),
            }),
        }
    }
}

impl From<net::ServerOptions> for ServerOptions {
    fn from(options: net::ServerOptions) -> Self {
        Self {
            allow_half_open: options.allow_half_open,
            pause_on_connect: options.pause_on_connect,
            high_water_mark: options.high_water_mark.map(saturating),
            no_delay: options.no_delay,
            keep_alive: options.keep_alive,
        }
    }
}

impl From<net::SocketOptions> for SocketOptions {
    fn from(options: net::SocketOptions) -> Self {
        Self {
            allow_half_open: options.allow_half_open,
            high_water_mark: options.high_water_mark.map(saturating),
            no_delay: false,
            keep_alive: None,
        }
    }
}

impl From<net::ListenOptions> for ListenOptions {
    fn from(options: net::ListenOptions) -> Self {
        Self {
            port: options.port,
            host: options.host,
            backlog: options.backlog,
            ipv6_only: options.ipv6_only,
            reuse_port: options.reuse_port,
            callback: None,
        }
    }
}

impl From<net::ListenPathOptions> for ListenPathOptions {
    fn from(options: net::ListenPathOptions) -> Self {
        Self {
            path: options.path,
            backlog: options.backlog,
            readable_all: options.readable_all,
            writable_all: options.writable_all,
            callback: None,
        }
    }
}

impl From<net::ConnectOptions> for ConnectRequest {
    fn from(options: net::ConnectOptions) -> Self {
        Self {
            port: options.port,
            host: options.host,
            local_address: options.local_address,
            local_port: options.local_port.unwrap_or(0),
            family: options.family.map(Into::into),
            hints: options.hints,
            lookup: if options.lookup {
                Lookup::Program
            } else {
                Lookup::Host
            },
            auto_select_family: options.auto_select_family,
            attempt_timeout: options.auto_select_family_attempt_timeout,
            timeout: options.timeout,
            no_delay: options.no_delay,
            keep_alive: options.keep_alive,
            callback: None,
        }
    }
}
