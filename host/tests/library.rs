//! The library: what it composes, and how it runs programs.

mod programs;

use std::time::{Duration, Instant};

use plugnet_host::wasmtime_wasi::cli::AsyncStdoutStream;
use plugnet_host::wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use plugnet_host::{
    Access, Error, Exit, NET_COMPONENT, Program, ProgramError, RunOptions, Runtime, RuntimeOptions,
    WIT, compose, compose_without_ipc,
};
use tokio::io::{AsyncBufReadExt, AsyncWrite, BufReader};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

const ECHO_SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-server.wasm"));
const ECHO_CLIENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/echo-client.wasm"));

/// Nothing here takes as long, even on a slow machine.
const LIMIT: Duration = Duration::from_secs(60);

fn runtime() -> Runtime {
    Runtime::new(RuntimeOptions::default()).expect("wasmtime supports this machine")
}

fn load(text: &str) -> Program {
    let bytes = wat::parse_str(text).expect("valid WAT");
    runtime().load(&bytes).expect("a program")
}

/// wasmtime as it comes.
fn plain_engine() -> Engine {
    Engine::default()
}

fn imports(component: &[u8]) -> Vec<String> {
    let engine = plain_engine();
    let component = Component::from_binary(&engine, component).expect("a component");
    let mut imports: Vec<String> = component
        .component_type()
        .imports(&engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    imports.sort();
    imports
}

/// The net component imports sockets and clocks of WASI 0.3, and `ipc`, and nothing else.
#[test]
fn the_net_component_imports_sockets_clocks_and_ipc_only() {
    assert_eq!(
        imports(NET_COMPONENT),
        [
            "plugnet:net/ipc@0.1.0",
            "wasi:clocks/monotonic-clock@0.3.0",
            "wasi:clocks/types@0.3.0",
            "wasi:sockets/ip-name-lookup@0.3.0",
            "wasi:sockets/types@0.3.0",
        ]
    );
}

/// A composed program imports WASI and `ipc`, each interface once, and exports what it did.
#[test]
fn a_composed_program_imports_wasi_and_ipc() {
    let composed = compose(ECHO_SERVER).expect("a program");
    let imports = imports(&composed);
    for import in &imports {
        let known = import.starts_with("wasi:") || import == "plugnet:net/ipc@0.1.0";
        assert!(known, "{import}");
    }
    for import in self::imports(NET_COMPONENT) {
        assert!(imports.contains(&import), "{import}");
    }
    composes_once(&composed);
}

/// Without `ipc` a composed program imports nothing but WASI.
#[test]
fn a_program_composed_without_ipc_imports_only_wasi() {
    let composed = compose_without_ipc(ECHO_SERVER).expect("a program");
    for import in imports(&composed) {
        assert!(import.starts_with("wasi:"), "{import}");
    }
    composes_once(&composed);
    // There is nothing left to provide, either way.
    assert!(compose(&composed).expect("a component") == composed);
    assert!(compose_without_ipc(&composed).expect("a component") == composed);
}

/// One that was composed before loses its `ipc`, too.
#[test]
fn ipc_can_be_taken_out_later() {
    let composed = compose(ECHO_SERVER).expect("a program");
    let without = compose_without_ipc(&composed).expect("a program");
    assert!(imports(&without).iter().all(|it| it.starts_with("wasi:")));
}

#[track_caller]
fn composes_once(composed: &[u8]) {
    let imports = imports(composed);
    let mut once = imports.clone();
    once.dedup();
    assert_eq!(imports, once);
    let engine = plain_engine();
    let component = Component::from_binary(&engine, composed).expect("a component");
    let ty = component.component_type();
    let exports: Vec<&str> = ty.exports(&engine).map(|(name, _)| name).collect();
    assert_eq!(exports, ["wasi:cli/run@0.3.0"]);
}

/// A program that does not import plugnet:net comes back as it was.
#[test]
fn a_program_without_net_is_left_alone() {
    let bytes = wat::parse_str(programs::returns(0)).expect("valid WAT");
    assert_eq!(compose(&bytes).expect("a component"), bytes);
}

/// Damaged bytes give an error or a program that differs; they never make the host panic.
#[test]
fn damaged_bytes_never_panic() {
    let small = wat::parse_str(programs::UNKNOWN_IMPORT).expect("valid WAT");
    let runtime = runtime();
    for index in 0..small.len() {
        for change in [1, 0x80, 0xff] {
            let mut damaged = small.clone();
            damaged[index] ^= change;
            let _ = runtime.load(&damaged);
        }
        let _ = runtime.load(&small[..index]);
    }
    for step in 0..64 {
        let mut damaged = ECHO_SERVER.to_vec();
        let index = step * (damaged.len() / 64);
        damaged[index] ^= 0x55;
        let _ = compose(&damaged);
    }
}

/// Several runtimes and several runs at once are independent of each other.
#[tokio::test]
async fn runs_are_independent() {
    let seven = load(&programs::exits(7));
    let again = seven.clone();
    let trap = load(programs::TRAPS);
    let (a, b, c) = tokio::join!(
        seven.run(RunOptions::new()),
        trap.run(RunOptions::new()),
        again.run(RunOptions::new()),
    );
    assert_eq!(
        (a.expect("it ends"), c.expect("it ends")),
        (Exit(7), Exit(7))
    );
    assert!(matches!(b, Err(Error::Trap(_))));
}

/// A trap tells what happened and where.
#[tokio::test]
async fn a_trap_has_a_message_and_a_backtrace() {
    let Err(Error::Trap(trap)) = load(programs::TRAPS).run(RunOptions::new()).await else {
        panic!("it traps");
    };
    assert!(trap.message().contains("unreachable"), "{}", trap.message());
    let backtrace = trap.backtrace().expect("a backtrace");
    let inner = backtrace.find("inner_function").expect("its name");
    let outer = backtrace.find("outer_function").expect("its name");
    assert!(inner < outer, "{backtrace}");
}

/// A program that never waits can be given a time limit all the same, even when it has the only
/// thread of the executor.
#[tokio::test]
async fn a_program_that_spins_can_be_cancelled() {
    let program = load(programs::SPINS);
    let start = Instant::now();
    let limit = Duration::from_millis(100);
    let result = tokio::time::timeout(limit, program.run(RunOptions::new())).await;
    assert!(result.is_err());
    assert!(start.elapsed() < LIMIT);
}

/// Dropping the future of a server closes its sockets.
#[tokio::test]
async fn cancelling_a_server_frees_its_port() {
    let program = runtime().load(ECHO_SERVER).expect("a program");
    let (stdout, mut lines) = lines();
    let options = RunOptions::new()
        .args(["echo-server", "127.0.0.1:0"])
        .stdout(AsyncStdoutStream::new(4096, stdout))
        .allow_net(true);
    let address = {
        let mut run = std::pin::pin!(program.run(options));
        tokio::select! {
            result = &mut run => panic!("it ended: {result:?}"),
            address = bound(&mut lines) => address,
        }
    };
    std::net::TcpListener::bind(address).expect("the port is free");
}

/// What a program is denied, the embedder hears, with the name or the address.
#[tokio::test]
async fn denials_are_heard() {
    let program = runtime().load(ECHO_CLIENT).expect("a program");
    for (host, access, target) in [
        ("127.0.0.1", Access::TcpConnect, "127.0.0.1:9"),
        ("example.invalid", Access::NameLookup, "example.invalid"),
    ] {
        let (tell, heard) = std::sync::mpsc::channel();
        let stderr = MemoryOutputPipe::new(4096);
        let options = RunOptions::new()
            .args(["echo-client", "9", host])
            .stderr(stderr.clone())
            .on_denied(move |denial| tell.send(denial.clone()).expect("it is heard"));
        let exit = program.run(options).await.expect("it ends");
        assert_eq!(exit, Exit(1));
        let heard: Vec<_> = heard.iter().collect();
        assert_eq!(heard.len(), 1, "{heard:?}");
        assert_eq!(
            (heard[0].access, heard[0].target.as_str()),
            (access, target)
        );
        let stderr = String::from_utf8(stderr.contents().to_vec()).expect("UTF-8");
        assert!(stderr.contains("EACCES"), "{stderr}");
    }
}

/// A lookup by WASI 0.2 is denied as one by 0.3 is: `access-denied`, the second of its errors.
#[tokio::test]
async fn lookups_of_wasi_02_are_denied_too() {
    let program = load(programs::LOOKS_UP_02);
    let exit = |allow| program.run(RunOptions::new().allow_net(allow));
    assert_eq!(exit(false).await.expect("it ends"), Exit(101));
    assert_eq!(exit(true).await.expect("it ends"), Exit(0));
}

/// A missing directory is the embedder's mistake, not the program's.
#[tokio::test]
async fn a_missing_directory_is_an_error_of_its_own() {
    let options = RunOptions::new().dir("/nonexistent/plugnet", "/");
    let result = load(&programs::returns(0)).run(options).await;
    assert!(matches!(result, Err(Error::Directory { .. })), "{result:?}");
}

/// Bad bytes are told apart.
#[test]
fn bad_bytes_are_told_apart() {
    let refused = |bytes: &[u8]| match runtime().load(bytes) {
        Err(Error::Program(error)) => error,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it loads"),
    };
    let wat = |text: &str| wat::parse_str(text).expect("valid WAT");
    assert!(matches!(refused(b"MZ"), ProgramError::NotWasm));
    assert!(matches!(refused(b";; text"), ProgramError::Text));
    assert!(matches!(
        refused(&wat("(module)")),
        ProgramError::CoreModule
    ));
    assert!(matches!(refused(b"\0asm"), ProgramError::Invalid(_)));
    assert!(matches!(refused(&wat("(component)")), ProgramError::NoRun));
    assert!(matches!(
        refused(&wat(programs::UNKNOWN_IMPORT)),
        ProgramError::UnknownImport { import, .. } if import == "acme:store/kv@1.0.0"
    ));
    assert!(matches!(
        refused(&wat(programs::OTHER_NET)),
        ProgramError::DifferentNet { interface, .. } if interface == "plugnet:net/net@0.1.0"
    ));
}

/// The WIT text is the package in `wit/`, whole: the same interfaces and worlds.
#[test]
fn the_wit_text_is_the_whole_package() {
    let mut of_text = wit_parser::Resolve::default();
    let text = of_text.push_str("plugnet.wit", WIT).expect("valid WIT");
    let mut of_files = wit_parser::Resolve::default();
    let wit = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    let (files, _) = of_files.push_dir(wit).expect("valid WIT");
    let (text, files) = (&of_text.packages[text], &of_files.packages[files]);
    assert_eq!(text.name, files.name);
    assert!(text.interfaces.keys().eq(files.interfaces.keys()));
    assert!(text.worlds.keys().eq(files.worlds.keys()));
}

/// What a plain host keeps for a program.
struct Plain {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Plain {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

/// Runs a component as any host with WASI 0.3 would, `wasmtime run -S inherit-network` among
/// them.
async fn run_plain(
    component: &[u8],
    arguments: &[&str],
    stdout: impl AsyncWrite + Send + Sync + 'static,
) -> Result<(), ()> {
    let engine = plain_engine();
    let component = Component::from_binary(&engine, component).expect("a component");
    let mut linker = Linker::<Plain>::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI 0.2");
    wasmtime_wasi::p3::add_to_linker(&mut linker).expect("WASI 0.3");
    let wasi = WasiCtxBuilder::new()
        .args(arguments)
        .stdout(AsyncStdoutStream::new(4096, stdout))
        .inherit_stderr()
        .inherit_network()
        .allow_ip_name_lookup(true)
        .allow_tcp(true)
        .build();
    let table = ResourceTable::new();
    let mut store = Store::new(&engine, Plain { wasi, table });
    let instance = linker
        .instantiate_async(&mut store, &component)
        .await
        .expect("nothing is missing");
    let command =
        wasmtime_wasi::p3::bindings::Command::new(&mut store, &instance).expect("a command");
    store
        .run_concurrent(async |accessor| command.wasi_cli_run().call_run(accessor).await)
        .await
        .expect("no trap")
        .expect("no trap")
}

fn lines() -> (tokio::io::DuplexStream, Lines) {
    let (writer, reader) = tokio::io::duplex(4096);
    (writer, BufReader::new(reader).lines())
}

type Lines = tokio::io::Lines<BufReader<tokio::io::DuplexStream>>;

/// The address in the echo server's first line.
async fn bound(lines: &mut Lines) -> String {
    let line = lines.next_line().await.expect("a pipe").expect("a line");
    let address = line.strip_prefix("server bound ");
    address
        .unwrap_or_else(|| panic!("it printed {line:?}"))
        .to_owned()
}

/// Composed programs run in a host that knows nothing of plugnet.
#[tokio::test]
async fn composed_programs_run_in_a_plain_host() {
    let server = compose_without_ipc(ECHO_SERVER).expect("a program");
    let client = compose_without_ipc(ECHO_CLIENT).expect("a program");
    let (out, mut server_lines) = lines();
    let (client_out, mut client_lines) = lines();
    let server = run_plain(&server, &["echo-server", "--once", "127.0.0.1:0"], out);
    let client = async {
        let address = bound(&mut server_lines).await;
        let (host, port) = address.rsplit_once(':').expect("a port");
        let result = run_plain(&client, &["echo-client", port, host], client_out).await;
        // The server must not wait for someone to read its other lines.
        while let Ok(Some(_)) = server_lines.next_line().await {}
        result
    };
    let both = async { tokio::join!(server, client) };
    let results = tokio::time::timeout(LIMIT, both).await.expect("they end");
    assert_eq!(results, (Ok(()), Ok(())));
    let mut printed = vec![];
    while let Ok(Some(line)) = client_lines.next_line().await {
        printed.push(line);
    }
    assert_eq!(
        printed,
        [
            "connected to server!",
            "hello",
            "world!",
            "disconnected from server"
        ]
    );
}
