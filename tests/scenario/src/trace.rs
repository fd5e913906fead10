//! What a trace looks like.

use crate::data::quote;
use crate::places::Places;
use crate::plugnet::net::types::{AddressInfo, Error, IpFamily};
use std::fmt::{Display, Write};

impl Places {
    pub fn address(&self, info: Option<AddressInfo>) -> String {
        let Some(info) = info else {
            return "none".to_owned();
        };
        let family = match info.family {
            IpFamily::Ipv4 => "IPv4",
            IpFamily::Ipv6 => "IPv6",
        };
        format!("{} {family} {}", info.address, self.tell(info.port))
    }

    pub fn error(&self, error: &Error) -> String {
        let mut text = self.failure(&error.code, &error.message);
        let port = error.port.map(|port| self.tell(port));
        let address = error.address.as_deref();
        let address = address.map(|address| self.symbolic(address));
        for (key, value) in [
            ("syscall", &error.syscall),
            ("address", &address),
            ("port", &port),
            ("hostname", &error.hostname),
        ] {
            if let Some(value) = value {
                _ = write!(text, " {key}={value}");
            }
        }
        for attempt in &error.errors {
            let error = Error {
                code: attempt.code.clone(),
                message: attempt.message.clone(),
                syscall: attempt.syscall.clone(),
                address: attempt.address.clone(),
                port: attempt.port,
                hostname: None,
                errors: Vec::new(),
            };
            _ = write!(text, " [{}]", self.error(&error));
        }
        text
    }

    /// The code, and the message without a value of JavaScript in it.
    fn failure(&self, code: &str, message: &str) -> String {
        let message = self.symbolic(message.split(" Received ").next().unwrap_or_default());
        let mut parts = message.split(':');
        let mut named = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_digit());
            let (digits, rest) = part.split_at(end.unwrap_or(part.len()));
            match digits.parse() {
                Ok(port) if matches!(digits.len(), 4 | 5) => {
                    _ = write!(named, ":{}{rest}", self.tell(port));
                }
                _ => _ = write!(named, ":{part}"),
            }
        }
        format!("{code} {}", quote(&named))
    }
}

/// The value, or `none`.
pub fn or_none(value: Option<impl Display>) -> String {
    value.map_or("none".to_owned(), |value| value.to_string())
}
