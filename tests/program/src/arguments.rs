//! The options of a case: `key=value`.

use crate::options::{CONNECT, LISTEN};
use crate::plugnet::net::net::{ConnectOptions, IpFamily, ListenOptions};
use std::collections::HashMap;
use std::str::FromStr;

pub struct Arguments(HashMap<String, String>);

impl Arguments {
    pub fn new(arguments: impl Iterator<Item = String>) -> Self {
        let split = |argument: String| {
            let (key, value) = argument
                .split_once('=')
                .unwrap_or_else(|| panic!("`{argument}` is not key=value"));
            (key.to_owned(), value.to_owned())
        };
        Self(arguments.map(split).collect())
    }

    pub fn text(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }

    pub fn number<T: FromStr>(&self, key: &str) -> Option<T> {
        self.0.get(key).map(|value| {
            value
                .parse()
                .unwrap_or_else(|_| panic!("`{key}={value}` is not a number"))
        })
    }

    pub fn flag(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// `port`, 0 without it, and `host`.
    pub fn listen(&self) -> ListenOptions {
        ListenOptions {
            port: self.number("port").unwrap_or(0),
            host: self.text("host"),
            backlog: self.number("backlog"),
            ..LISTEN
        }
    }

    /// `port`, `host`, `local-address`, `local-port` and `family`.
    pub fn connect(&self) -> ConnectOptions {
        ConnectOptions {
            port: self.number("port").expect("port=… is missing"),
            host: self.text("host"),
            local_address: self.text("local-address"),
            local_port: self.number("local-port"),
            family: self.number("family").map(|family: u8| match family {
                4 => IpFamily::Ipv4,
                _ => IpFamily::Ipv6,
            }),
            ..CONNECT
        }
    }
}
