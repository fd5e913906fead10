//! Small components in WebAssembly's text format, each for one rule.
#![allow(dead_code, reason = "every test file uses some of them")]

/// Imports an interface that no host has.
pub const UNKNOWN_IMPORT: &str = r#"
(component
  (import "acme:store/kv@1.0.0" (instance (export "get" (func))))
  (core module $m (func (export "run") (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#;

/// Imports `plugnet:net/net`, but with a function that it does not have.
pub const OTHER_NET: &str = r#"
(component
  (import "plugnet:net/net@0.1.0" (instance (export "teleport" (func))))
  (core module $m (func (export "run") (result i32) i32.const 0))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#;

/// Traps two functions deep.
pub const TRAPS: &str = r#"
(component
  (core module $m
    (func $inner_function unreachable)
    (func $outer_function (export "run") (result i32) call $inner_function i32.const 0))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#;

/// Calls itself without end.
pub const RECURSES: &str = r#"
(component
  (core module $m (func $f (export "run") (result i32) call $f i32.const 1 i32.add))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#;

/// Loops without end, and without ever waiting.
pub const SPINS: &str = r#"
(component
  (core module $m (func (export "run") (result i32) (loop br 0) unreachable))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#;

/// Returns from `run`: 0 is `ok`, 1 is `err`.
pub fn returns(result: u8) -> String {
    format!(
        r#"
(component
  (core module $m (func (export "run") (result i32) i32.const {result}))
  (core instance $i (instantiate $m))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#
    )
}

/// Calls `exit-with-code`.
pub fn exits(code: u8) -> String {
    format!(
        r#"
(component
  (import "wasi:cli/exit@0.2.12" (instance $exit
    (export "exit-with-code" (func (param "status-code" u8)))))
  (core func $exit (canon lower (func $exit "exit-with-code")))
  (core module $m
    (import "" "exit" (func $exit (param i32)))
    (func (export "run") (result i32) (call $exit (i32.const {code})) unreachable))
  (core instance $i (instantiate $m
    (with "" (instance (export "exit" (func $exit))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#
    )
}

/// Its exit code is the number of its arguments.
pub fn counts_arguments() -> String {
    counts(
        r#"(import "wasi:cli/environment@0.2.0" (instance $list
             (export "get-arguments" (func (result (list string))))))"#,
        "get-arguments",
    )
}

/// Its exit code is the number of its environment variables.
pub fn counts_variables() -> String {
    counts(
        r#"(import "wasi:cli/environment@0.2.0" (instance $list
             (export "get-environment" (func (result (list (tuple string string)))))))"#,
        "get-environment",
    )
}

/// Its exit code is the number of directories it was given.
pub fn counts_directories() -> String {
    counts(
        r#"(import "wasi:filesystem/types@0.2.0" (instance $types
             (export "descriptor" (type (sub resource)))))
           (alias export $types "descriptor" (type $descriptor))
           (import "wasi:filesystem/preopens@0.2.0" (instance $list
             (alias outer 1 $descriptor (type $d))
             (export "descriptor" (type $descriptor (eq $d)))
             (export "get-directories"
               (func (result (list (tuple (own $descriptor) string)))))))"#,
        "get-directories",
    )
}

/// Its exit code is the length of the list that `function` of the instance `$list` returns.
fn counts(import: &str, function: &str) -> String {
    format!(
        r#"
(component
  {import}
  (import "wasi:cli/exit@0.2.12" (instance $exit
    (export "exit-with-code" (func (param "status-code" u8)))))
  (core module $memory
    (memory (export "memory") 4)
    (global $end (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $start i32)
      (local.set $start (i32.and (i32.add (global.get $end) (i32.const 7)) (i32.const -8)))
      (global.set $end (i32.add (local.get $start) (local.get 3)))
      (local.get $start)))
  (core instance $memory (instantiate $memory))
  (core func $list (canon lower (func $list "{function}")
    (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
  (core func $exit (canon lower (func $exit "exit-with-code")))
  (core module $m
    (import "" "list" (func $list (param i32)))
    (import "" "exit" (func $exit (param i32)))
    (import "" "memory" (memory 0))
    (func (export "run") (result i32)
      (call $list (i32.const 0))
      ;; A list is an address and a length.
      (call $exit (i32.load (i32.const 4)))
      unreachable))
  (core instance $i (instantiate $m (with "" (instance
    (export "list" (func $list))
    (export "exit" (func $exit))
    (export "memory" (memory $memory "memory"))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#
    )
}

/// Looks a name up by WASI 0.2. Its exit code is 100 and the number of the error.
pub const LOOKS_UP_02: &str = r#"
(component
  (import "wasi:sockets/network@0.2.0" (instance $network
    (export "network" (type (sub resource)))
    (type $code (enum "unknown" "access-denied" "not-supported" "invalid-argument"
      "out-of-memory" "timeout" "concurrency-conflict" "not-in-progress" "would-block"
      "invalid-state" "new-socket-limit" "address-not-bindable" "address-in-use"
      "remote-unreachable" "connection-refused" "connection-reset" "connection-aborted"
      "datagram-too-large" "name-unresolvable" "temporary-resolver-failure"
      "permanent-resolver-failure"))
    (export "error-code" (type (eq $code)))))
  (alias export $network "network" (type $network-type))
  (alias export $network "error-code" (type $code))
  (import "wasi:sockets/instance-network@0.2.0" (instance $instance-network
    (alias outer 1 $network-type (type $t))
    (export "network" (type $network (eq $t)))
    (export "instance-network" (func (result (own $network))))))
  (import "wasi:sockets/ip-name-lookup@0.2.0" (instance $lookup
    (alias outer 1 $network-type (type $t))
    (export "network" (type $network (eq $t)))
    (alias outer 1 $code (type $c))
    (export "error-code" (type $code (eq $c)))
    (export "resolve-address-stream" (type $stream (sub resource)))
    (export "resolve-addresses" (func (param "network" (borrow $network))
      (param "name" string) (result (result (own $stream) (error $code)))))))
  (import "wasi:cli/exit@0.2.12" (instance $exit
    (export "exit-with-code" (func (param "status-code" u8)))))
  (core module $memory
    (memory (export "memory") 1)
    (data (i32.const 64) "localhost"))
  (core instance $memory (instantiate $memory))
  (core func $network (canon lower (func $instance-network "instance-network")))
  (core func $resolve (canon lower (func $lookup "resolve-addresses")
    (memory (core memory $memory "memory"))))
  (core func $exit (canon lower (func $exit "exit-with-code")))
  (core module $m
    (import "" "network" (func $network (result i32)))
    (import "" "resolve" (func $resolve (param i32 i32 i32 i32)))
    (import "" "exit" (func $exit (param i32)))
    (import "" "memory" (memory 0))
    (func (export "run") (result i32)
      (call $resolve (call $network) (i32.const 64) (i32.const 9) (i32.const 0))
      ;; A result is whether it is an error, and then which.
      (if (i32.load8_u (i32.const 0))
        (then (call $exit (i32.add (i32.const 100) (i32.load8_u (i32.const 4))))))
      i32.const 0))
  (core instance $i (instantiate $m (with "" (instance
    (export "network" (func $network))
    (export "resolve" (func $resolve))
    (export "exit" (func $exit))
    (export "memory" (memory $memory "memory"))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))"#;
