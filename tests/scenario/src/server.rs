//! A server: the steps that concern it, and its properties.

use crate::language::{Options, Word, number};
use crate::plugnet::net::net::{ListenOptions, ListenPathOptions, Server, ServerOptions};
use crate::run::{Outcome, World};
use crate::socket::blocking;
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
                let has = |flag: &str| words.iter().any(|word| word.as_str() == flag);
                let (backlog, exclusive) = (options.number("backlog"), has("exclusive"));
                if let Some(path) = world.places.path_for(options, world.name(server.id())) {
                    let options = ListenPathOptions {
                        path,
                        backlog,
                        exclusive,
                        readable_all: has("readable-all"),
                        writable_all: has("writable-all"),
                    };
                    return Some(Outcome::of(server.listen_path(&options, callback)));
                }
                let port = options.get("port");
                let options = ListenOptions {
                    port: port.map_or(0, |port| world.places.port(port)),
                    host: options.get("host").map(str::to_owned),
                    backlog,
                    exclusive,
                    ipv6_only: has("ipv6-only"),
                    reuse_port: false,
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
            "block" => server.set_block_list(&blocking(words)),
            "ref" => server.ref_(),
            "unref" => server.unref(),
            _ => return None,
        }
        Some(Outcome::Nothing)
    }

    pub fn property(&self, world: &World, name: &str) -> Option<String> {
        Some(match name {
            "listening" => self.server.listening().to_string(),
            "address" if self.server.address().is_some() => {
                world.places.address(self.server.address())
            }
            // Both are Node's `address()`.
            "address" | "path" => {
                or_none(self.server.path().map(|path| world.places.symbolic(&path)))
            }
            "connections" => self.server.connections().to_string(),
            "max-connections" => or_none(self.server.max_connections()),
            _ => return None,
        })
    }
}
