//! The interfaces in Rust.

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package plugnet:host;
        world net {
            import plugnet:net/net@0.1.0;
            import plugnet:net/turn@0.1.0;
            import plugnet:net/streams@0.1.0;
            import plugnet:net/blocking@0.1.0;
        }
    ",
    world: "plugnet:host/net",
    imports: {
        "plugnet:net/streams.streams": store | trappable,
        "plugnet:net/streams.take-streams": store | trappable,
        "plugnet:net/blocking.wait": async | trappable,
        default: trappable,
    },
    with: {
        "plugnet:net/net.server": super::exports::Server,
        "plugnet:net/net.socket": super::exports::Socket,
        "plugnet:net/net.block-list": super::exports::BlockList,
        "plugnet:net/net.socket-address": super::exports::SocketAddress,
    },
    require_store_data_send: true,
});
