//! A server: the steps that concern it, and its properties.

use crate::language::{Options, Word, number};
use crate::plugnet::net::net::{ListenOptions, Server, ServerOptions};
use crate::run::{Outcome, World};
use crate::trace::or_none;
use std::cell::Cell;

pub struct ServerObject {
    pub server: Server,
    /// What its connections are called.
    pub accept: String,
    /// Whether nobody reads what they receive.
    pub unread: bool,
    pub accepted: Cell<usize>,
}

impl ServerObject {
    pub fn new(words: &[Word], options: &Options) -> Self {
        let has = |flag: &str| words.iter().any(|word| word.as_str() == flag);
        let server = Server::new(Some(ServerOptions {
            allow_half_open: has("allow-half-open"),
            pause_on_connect: has("pause-on-connect"),
            no_delay: has("no-delay"),
            keep_alive: options.number("keep-alive"),
            high_water_mark: options.number("high-water-mark"),
        }));
        Self {
            server,
            accept: options.get("accept").unwrap_or("conn").to_owned(),
            unread: has("unread"),
            accepted: Cell::new(0),
        }
    }

    pub fn call(
        &self,
        world: &mut World,
        method: &str,
        words: &[Word],
        options: &Options,
    ) -> Option<Outcome> {
        let server = &self.server;
        let callback = world.callback(options);
        match method {
            "listen" => {
                let options = ListenOptions {
                    port: options.get("port").map_or(0, |port| world.ports.find(port)),
                    host: options.get("host").map(str::to_owned),
                    backlog: options.number("backlog"),
                    exclusive: words.iter().any(|word| word.as_str() == "exclusive"),
                };
                return Some(Outcome::of(server.listen(&options, callback)));
            }
            "listen-handle" => {
                let backlog = options.number("backlog");
                let handle = world.listen_handle(words[0].as_str());
                let outcome =
                    handle.with(|handle| server.listen_handle(&handle, backlog, callback));
                return Some(Outcome::of(outcome));
            }
            "close" => server.close(callback),
            "get-connections" => server.get_connections(callback.expect("a callback")),
            "set-max-connections" => {
                let value = words[0].as_str();
                server.set_max_connections((value != "none").then(|| number(value)));
            }
            "ref" => server.ref_(),
            "unref" => server.unref(),
            _ => return None,
        }
        Some(Outcome::Nothing)
    }

    pub fn property(&self, world: &World, name: &str) -> Option<String> {
        Some(match name {
            "listening" => self.server.listening().to_string(),
            "address" => world.ports.address(self.server.address()),
            "connections" => self.server.connections().to_string(),
            "max-connections" => or_none(self.server.max_connections()),
            _ => return None,
        })
    }
}
