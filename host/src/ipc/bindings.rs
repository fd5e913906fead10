//! The interface in Rust.

wasmtime::component::bindgen!({
    path: "../wit",
    inline: "
        package plugnet:host;
        world ipc {
            import plugnet:net/ipc@0.1.0;
        }
    ",
    world: "plugnet:host/ipc",
    imports: {
        "plugnet:net/ipc.[method]listener.accept": store | trappable,
        "plugnet:net/ipc.[method]connection.send": store | trappable,
        "plugnet:net/ipc.[method]connection.receive": store | trappable,
        default: trappable,
    },
    with: {
        "wasi": wasmtime_wasi::p3::bindings,
        "plugnet:net/ipc.listener": super::Listener,
        "plugnet:net/ipc.connection": super::Connection,
    },
    require_store_data_send: true,
});
