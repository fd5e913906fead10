//! The library in a host of one's own: several programs at once, and a store of one's own.

#[path = "../examples/plugins.rs"]
#[allow(dead_code, reason = "its `main` is for people")]
mod plugins;

use std::time::Duration;

use plugnet_host::policy::Policy;
use plugnet_host::wasmtime::component::{Component, Linker};
use plugnet_host::wasmtime::{Config, Engine, Store};
use plugnet_host::wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use plugnet_host::wasmtime_wasi::p3::bindings::Command;
use plugnet_host::wasmtime_wasi::{WasiCtxView, WasiView};
use plugnet_host::{Exit, Host, HostView, RunOptions, Stats, add_to_linker, compose};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

/// Nothing here takes as long, even on a slow machine.
const LIMIT: Duration = Duration::from_secs(120);

const ECHO_CLIENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-client.wasm"));

/// The example: three plugins at once on one engine, each under its own policy, and counted by
/// itself.
#[tokio::test(flavor = "multi_thread")]
async fn three_plugins_have_three_policies() {
    let reports = tokio::time::timeout(LIMIT, plugins::run()).await;
    let [server, friend, stranger] = reports.expect("in time").expect("they run");

    assert_eq!(server.exit, Exit(0));
    assert!(server.output.contains("client disconnected"), "{server:?}");
    assert_eq!((server.totals.accepted, server.totals.connected), (1, 0));

    assert_eq!(friend.exit, Exit(0));
    assert!(friend.output.contains("world!"), "{friend:?}");
    assert!(friend.denied.is_empty(), "{friend:?}");
    assert_eq!((friend.totals.accepted, friend.totals.connected), (0, 1));
    assert_eq!(friend.totals.sent, server.totals.received);
    assert_eq!(friend.totals.received, server.totals.sent);

    assert_eq!(stranger.exit, Exit(1));
    assert_eq!(stranger.totals.connected, 0);
    let [denial] = &stranger.denied[..] else {
        panic!("{stranger:?}");
    };
    assert!(denial.starts_with("TCP connect to 127.0.0.1:"), "{denial}");
}

/// A store's state that has more than the host's part.
struct MyState {
    host: Host,
    _mine: String,
}

impl WasiView for MyState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        self.host.ctx()
    }
}

impl HostView for MyState {
    fn plugnet(&mut self) -> &mut Host {
        &mut self.host
    }
}

/// An embedder's own engine, linker and store run programs under the same policies.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_ones_own_has_the_same_policies() {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).expect("an engine");
    let mut linker = Linker::<MyState>::new(&engine);
    add_to_linker(&mut linker).expect("it has none of them");
    let component = compose(ECHO_CLIENT).expect("a program");
    let component = Component::new(&engine, component).expect("a component");

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let echo = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        while let Some(line) = lines.next_line().await.expect("a line") {
            let line = format!("{line}\r\n");
            write.write_all(line.as_bytes()).await.expect("it is read");
        }
    });

    for (entry, allowed) in [
        (format!("tcp://127.0.0.1:{port}"), true),
        ("tcp://127.0.0.1:1".to_owned(), false),
    ] {
        let policy = Policy::builder().allow_connect(&entry).expect("an entry");
        let output = MemoryOutputPipe::new(1024);
        let stats = Stats::new();
        let options = RunOptions::new()
            .policy(policy.build())
            .args(["echo-client", &port.to_string(), "127.0.0.1"])
            .stdout(output.clone())
            .stats(&stats);
        let state = MyState {
            host: Host::new(options).expect("what it grants is there"),
            _mine: "mine".to_owned(),
        };
        let mut store = Store::new(&engine, state);
        store.limiter(|state| state.host.memory_limit());
        let run = async {
            let command = Command::instantiate_async(&mut store, &component, &linker).await?;
            store
                .run_concurrent(async |store| command.wasi_cli_run().call_run(store).await)
                .await?
        };
        let ended = tokio::time::timeout(LIMIT, run).await.expect("in time");
        assert_eq!(ended.expect("no trap").is_ok(), allowed, "{entry}");
        let printed = String::from_utf8_lossy(&output.contents()).into_owned();
        assert_eq!(printed.contains("world!"), allowed, "{printed}");
        assert_eq!(stats.totals().connected, u64::from(allowed));
        assert_eq!(stats.totals().denied, u64::from(!allowed));
    }
    echo.await.expect("it ends with its client");
}
