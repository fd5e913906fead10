//! The options of a case: `key=value`.

use crate::options::{CONNECT, LISTEN};
use crate::plugnet::net::net::{
    ConnectOptions, IpFamily, ListenOptions, ListenPathOptions, Server, Socket,
};
use crate::plugnet::net::types::Error;
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

    /// Listens at the path `at`, or on `port`, 0 without it, and `host`.
    pub fn listen(&self, server: &Server) -> Result<(), Error> {
        self.listen_on(server, self.listen_options())
    }

    /// The same for a case that connects to `port`.
    pub fn listen_anywhere(&self, server: &Server) -> Result<(), Error> {
        let options = self.listen_options();
        self.listen_on(server, ListenOptions { port: 0, ..options })
    }

    fn listen_on(&self, server: &Server, options: ListenOptions) -> Result<(), Error> {
        let Some(path) = self.text("at") else {
            return server.listen(&options, None);
        };
        let options = ListenPathOptions {
            path,
            backlog: options.backlog,
            exclusive: options.exclusive,
            readable_all: false,
            writable_all: false,
        };
        server.listen_path(&options, None)
    }

    /// `port`, 0 without it, `host`, `backlog` and `reuse-port`.
    pub fn listen_options(&self) -> ListenOptions {
        ListenOptions {
            port: self.number("port").unwrap_or(0),
            host: self.text("host"),
            backlog: self.number("backlog"),
            reuse_port: self.flag("reuse-port"),
            ..LISTEN
        }
    }

    /// Connects to the path `path`, or as `connect_options` say.
    pub fn connect(&self, socket: &Socket) -> Result<(), Error> {
        match self.text("path") {
            Some(path) => socket.connect_path(&path, None),
            None => socket.connect(&self.connect_options(), None),
        }
    }

    /// `port`, `host`, `local-address`, `local-port`, `family`, `hints`, `no-delay` and
    /// `keep-alive`.
    pub fn connect_options(&self) -> ConnectOptions {
        ConnectOptions {
            port: self.number("port").expect("port=… is missing"),
            host: self.text("host"),
            local_address: self.text("local-address"),
            local_port: self.number("local-port"),
            family: self.number("family").map(|family: u8| match family {
                4 => IpFamily::Ipv4,
                _ => IpFamily::Ipv6,
            }),
            hints: self.number("hints").unwrap_or(0),
            no_delay: self.flag("no-delay"),
            keep_alive: self.number("keep-alive"),
            ..CONNECT
        }
    }
}
