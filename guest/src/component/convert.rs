//! Between the rules' types and those of the WIT package.

use crate::bindings::exports::plugnet::net::net;
use crate::bindings::exports::plugnet::net::types;
use crate::node::{Error, Event, EventKind, Family, ReadyState};
use std::net::{IpAddr, SocketAddr};

impl From<IpAddr> for types::IpFamily {
    fn from(address: IpAddr) -> Self {
        match Family::of(address) {
            Family::Ipv4 => Self::Ipv4,
            Family::Ipv6 => Self::Ipv6,
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
            address: address.ip().to_string(),
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
                    syscall: attempt.syscall.unwrap_or_default().into_owned(),
                    address: attempt.address.unwrap_or_default(),
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
                    syscall: Some(attempt.syscall.into()),
                    address: Some(attempt.address),
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
            source: event.source,
            kind: event.kind.into(),
        }
    }
}

impl From<EventKind> for net::EventKind {
    fn from(kind: EventKind) -> Self {
        match kind {
            EventKind::Listening => Self::Listening,
            EventKind::Connection => Self::Connection,
            EventKind::Lookup { host, outcome } => Self::Lookup(net::Lookup {
                host,
                family: outcome.as_ref().ok().copied().map(types::IpFamily::from),
                outcome: outcome
                    .map(|address| address.to_string())
                    .map_err(types::Error::from),
            }),
            EventKind::Connect => Self::Connect,
            EventKind::Ready => Self::Ready,
            EventKind::Readable => Self::Readable,
            EventKind::Drain => Self::Drain,
            EventKind::Finish => Self::Finish,
            EventKind::End => Self::End,
            EventKind::Error(error) => Self::Error(error.into()),
            EventKind::Close { had_error } => Self::Close(had_error),
            EventKind::Callback { callback, error } => Self::Callback(net::Completion {
                callback,
                error: error.map(types::Error::from),
            }),
        }
    }
}
