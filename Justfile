# Lists the recipes.
default:
    @just --list

# Node's echo example as two sandboxed programs.
demo:
    cargo run --release -- demo

# All tests.
test *ARGS:
    cargo test {{ARGS}}

# The rules alone: seconds, no WebAssembly.
test-rules *ARGS:
    cargo test -p plugnet-core {{ARGS}}

# Fuzzes the policy's parsers and bookkeeping.
fuzz SECONDS="60":
    .ci/fuzz {{SECONDS}}

# Writes the traces that Node's `net` gives for tests/scenarios.
traces:
    .ci/node
    UPDATE_TRACES=1 cargo test -p plugnet-tests --test node

# Checks the traces of tests/scenarios with another Node, which npm brings: `just traces-of 24`.
traces-of VERSION="24":
    node=$(.ci/node {{VERSION}}) && if [ -n "$node" ]; then PLUGNET_NODE=$node cargo test -p plugnet-tests --test node node_gives_the_committed_traces; fi

# Formats everything.
fmt:
    cargo fmt --all

# Formatting and lints, as .ci/run checks them.
lint:
    .ci/lint

# All of plugnet on Windows, under Wine: the tests of its named pipes, and the demo.
windows:
    .ci/ipc-windows --host

# Everything that has to pass before a change lands.
ci:
    .ci/run

# Builds the net component alone.
guest:
    cargo build -p plugnet-guest --target wasm32-unknown-unknown --profile wasm --target-dir target/wasm

# The documentation of the library.
doc:
    cargo doc -p plugnet-host --no-deps --open

# Serves so many ordinary connections by the echo example, and shows that it does not grow.
soak CONNECTIONS="1500000":
    cargo run --release -p plugnet-host --example soak -- {{CONNECTIONS}}

# Counts what a million waits and half a million connections leave behind.
growth:
    .ci/growth
