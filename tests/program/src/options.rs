//! Node's defaults.

use crate::plugnet::net::net::{ConnectOptions, ListenOptions, ServerOptions, SocketOptions};

pub const SERVER: ServerOptions = ServerOptions {
    allow_half_open: false,
    pause_on_connect: false,
    no_delay: false,
    keep_alive: None,
    high_water_mark: None,
};

pub const SOCKET: SocketOptions = SocketOptions {
    allow_half_open: false,
    high_water_mark: None,
};

pub const LISTEN: ListenOptions = ListenOptions {
    port: 0,
    host: None,
    backlog: None,
    exclusive: false,
    ipv6_only: false,
    reuse_port: false,
};

pub const CONNECT: ConnectOptions = ConnectOptions {
    port: 0,
    host: None,
    local_address: None,
    local_port: None,
    family: None,
    hints: 0,
    lookup: false,
    auto_select_family: None,
    auto_select_family_attempt_timeout: None,
    no_delay: false,
    keep_alive: None,
    timeout: None,
};
