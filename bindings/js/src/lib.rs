//! Runs JavaScript written for Node on plugnet's `net`, as a WebAssembly component.
//!
//! `plugnet run server.js` runs it: the first argument is the script. QuickJS executes the
//! JavaScript; [`event_loop`] is Node's event loop over `plugnet:net`; `lib` has Node's modules in
//! JavaScript over the native functions of [`binding`].

// A WebAssembly component, and nothing else.
#![cfg(target_family = "wasm")]

mod allocator;
mod binding;
mod completion;
mod embedded;
mod engine;
mod event_loop;
mod stdin;

wit_bindgen::generate!({
    inline: r#"
        package plugnet:js;

        world program {
            include plugnet:net/command@0.1.0;
            import wasi:cli/environment@0.3.0;
            import wasi:cli/exit@0.3.0;
            import wasi:cli/stdin@0.3.0;
            import wasi:cli/terminal-stdin@0.3.0;
            import wasi:cli/terminal-stdout@0.3.0;
            import wasi:cli/terminal-stderr@0.3.0;
            import wasi:sockets/ip-name-lookup@0.3.0;
            import wasi:clocks/monotonic-clock@0.3.0;
        }
    "#,
    path: "../../wit",
    world: "plugnet:js/program",
    generate_all,
});

struct Program;

export!(Program);

impl exports::wasi::cli::run::Guest for Program {
    async fn run() -> Result<(), ()> {
        let code = event_loop::run().await;
        // Nothing of QuickJS's is freed: what it holds ends with the instance.
        wasi::cli::exit::exit_with_code(code);
        Ok(())
    }
}
