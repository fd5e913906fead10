//! What `docs/upstream/` says of wasmtime. A test that fails here says that wasmtime was mended, and
//! that what goes around it can go.

use plugnet_host::wasmtime::component::{Component, Linker};
use plugnet_host::wasmtime::{Config, Engine, Store};

const CALLS: &str = include_str!("../../docs/upstream/wasmtime-async-call-leak.wat");

/// A call between components that returns at once leaves a record. So `turn.wait` never does.
#[tokio::test]
async fn a_call_that_returns_at_once_leaves_a_record() {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).expect("an engine");
    let calls = wat::parse_str(CALLS).expect("the text format");
    let component = Component::new(&engine, calls).expect("a component");
    let mut store = Store::new(&engine, ());
    let linker = Linker::new(&engine);
    let instance = linker.instantiate_async(&mut store, &component).await;
    let instance = instance.expect("it imports nothing");
    let run = instance.get_typed_func::<(u32,), ()>(&mut store, "run");
    let run = run.expect("the function");
    let before = store.concurrent_state_table_size();
    for _ in 0..2 {
        run.call_async(&mut store, (500,)).await.expect("no trap");
    }
    assert_eq!(store.concurrent_state_table_size(), before + 1000);
}
